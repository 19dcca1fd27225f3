/* CRC-32 by table: a load, a shift and an exclusive or for each byte, each waiting for the one before. */
#include "kernel.h"

#define SIZE (1 << 20)
#define ROUNDS 300

static uint32_t table[256];
static unsigned char data[SIZE];

static uint32_t crc(uint32_t state, const unsigned char *p, unsigned n)
{
    state = ~state;
    while (n--)
        state = table[(state ^ *p++) & 0xff] ^ (state >> 8);
    return ~state;
}

unsigned kernel(unsigned scale)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
        table[i] = c;
    }
    uint32_t x = 12345;
    for (unsigned i = 0; i < SIZE; i++) {
        x = x * 1103515245u + 12345u;
        data[i] = x >> 16;
    }
    uint32_t result = 0;
    for (unsigned round = 0; round < ROUNDS * scale; round++)
        result = crc(result, data, SIZE);
    return result;
}
