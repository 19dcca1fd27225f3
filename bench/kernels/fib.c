/* Fibonacci by definition: calls and returns. */
#include <stdio.h>

__attribute__((noinline, noclone)) static unsigned fib(unsigned n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

int main(void)
{
    volatile unsigned n = 38;
    printf("fib %u\n", fib(n));
    return 0;
}
