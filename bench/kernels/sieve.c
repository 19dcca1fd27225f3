/* Sieve of Eratosthenes: byte stores with a stride. */
#include <stdio.h>
#include <string.h>

#define LIMIT 2000000
#define ROUNDS 80

static unsigned char composite[LIMIT + 1];

int main(void)
{
    unsigned long sum = 0;
    for (int round = 0; round < ROUNDS; round++) {
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
    printf("sieve %lu\n", sum);
    return 0;
}
