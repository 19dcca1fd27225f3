/* Sieve of Eratosthenes: byte stores with a stride. */
#include "kernel.h"

#define LIMIT 2000000
#define ROUNDS 120

static unsigned char composite[LIMIT + 1];

unsigned kernel(unsigned scale)
{
    unsigned sum = 0;
    for (unsigned round = 0; round < ROUNDS * scale; round++) {
        memset(composite, 0, sizeof composite);
        for (unsigned i = 2; i * i <= LIMIT; i++) {
            if (composite[i])
                continue;
            for (unsigned j = i * i; j <= LIMIT; j += i)
                composite[j] = 1;
        }
        unsigned count = 0;
        for (unsigned i = 2; i <= LIMIT; i++)
            count += !composite[i];
        sum += count;
    }
    return sum;
}
