/* The same interpreter with a computed goto at each instruction's end. */
#include "interpreter.h"

static uint32_t run(uint32_t limit)
{
    static const void *const LABELS[KINDS] = { &&load, &&move, &&add, &&remainder, &&multiply, &&if_zero, &&if_above, &&jump, &&stop };
    uint32_t r[8] = { 0 };
    r[LIMIT] = limit;
    const struct instruction *i = PROGRAM;
#define NEXT goto *LABELS[i->kind]
    NEXT;
load: r[i->to] = (uint32_t)i->value, i++; NEXT;
move: r[i->to] = r[i->a], i++; NEXT;
add: r[i->to] = r[i->a] + r[i->b], i++; NEXT;
remainder: r[i->to] = r[i->a] % r[i->b], i++; NEXT;
multiply: r[i->to] = r[i->a] * r[i->b], i++; NEXT;
if_zero: i = r[i->a] == 0 ? PROGRAM + i->value : i + 1; NEXT;
if_above: i = r[i->a] > r[i->b] ? PROGRAM + i->value : i + 1; NEXT;
jump: i = PROGRAM + i->value; NEXT;
stop: return r[i->a];
}

unsigned kernel(unsigned scale)
{
    unsigned sum = 0;
    while (scale--)
        sum += run(LIMIT_VALUE + scale);
    return sum;
}
