/* Product of matrices of doubles: floating point and loads. */
#include "kernel.h"

#define N 200
#define ROUNDS 8

static double a[N][N], b[N][N], c[N][N];

unsigned kernel(unsigned scale)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (i * 7 + j * 3) % 11 / 4.0;
            b[i][j] = (i * 5 + j * 2) % 13 / 8.0;
        }
    double trace = 0;
    for (unsigned round = 0; round < ROUNDS * scale; round++) {
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                double sum = 0;
                for (int k = 0; k < N; k++)
                    sum += a[i][k] * b[k][j];
                c[i][j] = sum;
            }
        for (int i = 0; i < N; i++)
            trace += c[i][i];
        a[round % N][round % N] += 0.5;
    }
    return checksum(trace);
}
