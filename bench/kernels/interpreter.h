/* A small register machine's program, for two interpreters: how many numbers below a limit are prime, by division. */
#include "kernel.h"

enum { LOAD, MOVE, ADD, REMAINDER, MULTIPLY, IF_ZERO, IF_ABOVE, JUMP, STOP, KINDS };

struct instruction {
    uint8_t kind, to, a, b;
    int32_t value;
};

enum { N, D, R, COUNT, ONE, LIMIT, SQUARE };

static const struct instruction PROGRAM[] = {
    { LOAD, N, 0, 0, 2 },
    { LOAD, ONE, 0, 0, 1 },
    { LOAD, COUNT, 0, 0, 0 },
    { LOAD, D, 0, 0, 2 },           /* 3: next number */
    { MULTIPLY, SQUARE, D, D, 0 },  /* 4: next divisor */
    { IF_ABOVE, 0, SQUARE, N, 10 },
    { REMAINDER, R, N, D, 0 },
    { IF_ZERO, 0, R, 0, 11 },
    { ADD, D, D, ONE, 0 },
    { JUMP, 0, 0, 0, 4 },
    { ADD, COUNT, COUNT, ONE, 0 },  /* 10: prime */
    { ADD, N, N, ONE, 0 },          /* 11 */
    { IF_ABOVE, 0, N, LIMIT, 14 },
    { JUMP, 0, 0, 0, 3 },
    { STOP, 0, COUNT, 0, 0 },
};

#define LIMIT_VALUE 300000
