/* Product of matrices of doubles: floating point and loads. */
#include <stdio.h>

#define N 200
#define ROUNDS 4

static double a[N][N], b[N][N], c[N][N];

int main(void)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (i * 7 + j * 3) % 11 / 4.0;
            b[i][j] = (i * 5 + j * 2) % 13 / 8.0;
        }
    double trace = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                double sum = 0;
                for (int k = 0; k < N; k++)
                    sum += a[i][k] * b[k][j];
                c[i][j] = sum;
            }
        for (int i = 0; i < N; i++)
            trace += c[i][i];
        a[round][round] += 0.5;
    }
    printf("matmul %.6f\n", trace);
    return 0;
}
