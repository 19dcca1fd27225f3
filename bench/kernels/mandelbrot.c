/* The Mandelbrot set in doubles: long chains of floating-point operations in registers. */
#include <stdio.h>

#define SIZE 320
#define ITERATIONS 200

int main(void)
{
    unsigned long total = 0;
    for (int y = 0; y < SIZE; y++)
        for (int x = 0; x < SIZE; x++) {
            double cr = 3.0 * x / SIZE - 2.25, ci = 3.0 * y / SIZE - 1.5, zr = 0, zi = 0;
            int n = 0;
            while (n < ITERATIONS && zr * zr + zi * zi < 4) {
                double t = zr * zr - zi * zi + cr;
                zi = 2 * zr * zi + ci;
                zr = t;
                n++;
            }
            total += n;
        }
    printf("mandelbrot %lu\n", total);
    return 0;
}
