/* An interpreter around a switch: one indirect jump that goes everywhere. */
#include "interpreter.h"

static uint32_t run(uint32_t limit)
{
    uint32_t r[8] = { 0 };
    r[LIMIT] = limit;
    for (const struct instruction *i = PROGRAM;;) {
        switch (i->kind) {
        case LOAD: r[i->to] = (uint32_t)i->value, i++; break;
        case MOVE: r[i->to] = r[i->a], i++; break;
        case ADD: r[i->to] = r[i->a] + r[i->b], i++; break;
        case REMAINDER: r[i->to] = r[i->a] % r[i->b], i++; break;
        case MULTIPLY: r[i->to] = r[i->a] * r[i->b], i++; break;
        case IF_ZERO: i = r[i->a] == 0 ? PROGRAM + i->value : i + 1; break;
        case IF_ABOVE: i = r[i->a] > r[i->b] ? PROGRAM + i->value : i + 1; break;
        case JUMP: i = PROGRAM + i->value; break;
        case STOP: return r[i->a];
        }
    }
}

unsigned kernel(unsigned scale)
{
    unsigned sum = 0;
    while (scale--)
        sum += run(LIMIT_VALUE + scale);
    return sum;
}
