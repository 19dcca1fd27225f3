/* Quicksort of random words: unpredictable branches, recursion. */
#include "kernel.h"

#define COUNT 1000000
#define ROUNDS 8

static int32_t data[COUNT];

__attribute__((noinline)) static void sort(int32_t *first, int32_t *last)
{
    while (first < last) {
        int32_t pivot = first[(last - first) / 2];
        int32_t *low = first, *high = last;
        while (low <= high) {
            while (*low < pivot)
                low++;
            while (*high > pivot)
                high--;
            if (low <= high) {
                int32_t t = *low;
                *low++ = *high;
                *high-- = t;
            }
        }
        if (high - first < last - low) {
            sort(first, high);
            first = low;
        } else {
            sort(low, last);
            last = high;
        }
    }
}

unsigned kernel(unsigned scale)
{
    uint32_t x = 2463534242u, sum = 0;
    for (unsigned round = 0; round < ROUNDS * scale; round++) {
        for (int i = 0; i < COUNT; i++) {
            x ^= x << 13, x ^= x >> 17, x ^= x << 5;
            data[i] = (int32_t)x;
        }
        sort(data, data + COUNT - 1);
        for (int i = 0; i < COUNT; i++) {
            if (i && data[i - 1] > data[i])
                return 0;
            sum = sum * 31 + (uint32_t)data[i];
        }
    }
    return sum;
}
