/* memcpy, strlen and strcmp over short and long texts: the libc's own loops. */
#include "kernel.h"

#define SIZE (1 << 16)
#define ROUNDS 4500

static char text[SIZE], copy[SIZE];

unsigned kernel(unsigned scale)
{
    uint32_t x = 7, sum = 0;
    for (unsigned i = 0; i < SIZE - 1; i++) {
        x = x * 1103515245u + 12345u;
        text[i] = (x >> 16) % 50 ? 'a' + (x >> 20) % 26 : 0;
    }
    for (unsigned round = 0; round < ROUNDS * scale; round++) {
        text[round % (SIZE - 1)] ^= 1;
        memcpy(copy, text, SIZE);
        for (unsigned at = 0; at < SIZE;) {
            size_t length = strlen(copy + at);
            sum = sum * 31 + (unsigned)length + (unsigned)(strcmp(copy + at, text + at) == 0);
            memcpy(copy + at, text, length);
            at += (unsigned)length + 1;
        }
        memset(copy + (round & 1023), (int)round & 255, SIZE / 2);
        sum += (unsigned char)copy[SIZE / 4];
    }
    return sum;
}
