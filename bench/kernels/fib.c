/* Fibonacci by definition: calls and returns. */
#include "kernel.h"

__attribute__((noinline, noclone)) static unsigned fib(unsigned n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

unsigned kernel(unsigned scale)
{
    volatile unsigned n = 38;
    unsigned sum = 0;
    while (scale--)
        sum += fib(n);
    return sum;
}
