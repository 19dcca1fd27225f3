/* The Mandelbrot set in doubles: long chains of floating-point operations in registers. */
#include "kernel.h"

#define SIZE 640
#define ITERATIONS 200

unsigned kernel(unsigned scale)
{
    unsigned total = 0;
    int limit = ITERATIONS * (int)scale;
    for (int y = 0; y < SIZE; y++)
        for (int x = 0; x < SIZE; x++) {
            double cr = 3.0 * x / SIZE - 2.25, ci = 3.0 * y / SIZE - 1.5, zr = 0, zi = 0;
            int n = 0;
            while (n < limit && zr * zr + zi * zi < 4) {
                double t = zr * zr - zi * zi + cr;
                zi = 2 * zr * zi + ci;
                zr = t;
                n++;
            }
            total += n;
        }
    return total;
}
