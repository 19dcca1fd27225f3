/* Sixteen bytes at a time, by the compiler's vector types: NEON on ARM, SSE2 here. Blending pixels, a checksum, a FIR filter. */
#include "kernel.h"

#define SIZE 65536
#define ROUNDS 5000

typedef uint8_t bytes __attribute__((vector_size(16)));
typedef uint32_t words __attribute__((vector_size(16)));

static bytes a[SIZE / 16], b[SIZE / 16];
static words w[SIZE / 16];

unsigned kernel(unsigned scale)
{
    for (unsigned i = 0; i < SIZE; i++) {
        ((uint8_t *)a)[i] = (uint8_t)(i * 7);
        ((uint8_t *)b)[i] = (uint8_t)(i * i >> 3);
    }
    words sum = { 1, 2, 3, 4 };
    for (unsigned round = 0; round < ROUNDS * scale; round++) {
        for (unsigned i = 0; i < SIZE / 16; i++) {
            bytes average = (a[i] & b[i]) + ((a[i] ^ b[i]) >> 1);
            bytes larger = (bytes)(a[i] > b[i]);
            b[i] = (average & larger) | ((a[i] + average) & ~larger);
        }
        for (unsigned i = 0; i < SIZE / 16; i++) {
            words x = (words)b[i];
            sum = sum + ((x << 5 | x >> 27) ^ w[i]);
            w[i] = x * 2654435761u + sum;
        }
        for (unsigned i = 2; i < SIZE / 16; i++)
            w[i] = w[i] + (w[i - 1] << 1) + w[i - 2] * 3;
        a[round % (SIZE / 16)] += (uint8_t)round;
    }
    return sum[0] ^ sum[1] ^ sum[2] ^ sum[3];
}
