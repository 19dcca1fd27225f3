/* Calls through pointers: a heap sort that asks a comparison function, and a table of operations. */
#include "kernel.h"

#define COUNT 20000
#define ROUNDS 160

typedef int (*compare)(uint32_t, uint32_t);
typedef uint32_t (*operation)(uint32_t, uint32_t);

static int rising(uint32_t a, uint32_t b) { return a < b; }
static int falling(uint32_t a, uint32_t b) { return a > b; }
static int by_low_bits(uint32_t a, uint32_t b) { return (a & 0xffff) < (b & 0xffff); }
static uint32_t add(uint32_t a, uint32_t b) { return a + b; }
static uint32_t mix(uint32_t a, uint32_t b) { return (a ^ b) * 2654435761u; }
static uint32_t turn(uint32_t a, uint32_t b) { return (a << 7 | a >> 25) - b; }
static uint32_t pick(uint32_t a, uint32_t b) { return a & 1 ? b : a >> 1; }

static const compare ORDERS[] = { rising, falling, by_low_bits };
static const operation OPERATIONS[] = { add, mix, turn, pick };

static uint32_t data[COUNT];

static void sift(uint32_t *heap, unsigned at, unsigned count, compare less)
{
    for (unsigned child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && less(heap[child], heap[child + 1]))
            child++;
        if (!less(heap[at], heap[child]))
            return;
        uint32_t t = heap[at];
        heap[at] = heap[child];
        heap[child] = t;
    }
}

unsigned kernel(unsigned scale)
{
    uint32_t x = 88172645u, sum = 0;
    for (unsigned round = 0; round < ROUNDS * scale; round++) {
        compare less = ORDERS[round % 3];
        for (unsigned i = 0; i < COUNT; i++) {
            x = OPERATIONS[(x >> 9) & 3](x, i) + 0x9e3779b9u;
            data[i] = x;
        }
        for (unsigned i = COUNT / 2; i-- > 0;)
            sift(data, i, COUNT, less);
        for (unsigned end = COUNT - 1; end > 0; end--) {
            uint32_t t = data[0];
            data[0] = data[end];
            data[end] = t;
            sift(data, 0, end, less);
        }
        for (unsigned i = 0; i < COUNT; i++)
            sum = OPERATIONS[i & 3](sum, data[i]);
    }
    return sum;
}
