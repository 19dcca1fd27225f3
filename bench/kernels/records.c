/* A mix as Dhrystone's: records and pointers, short strings, small calls, divisions, branches. */
#include "kernel.h"

#define COUNT 256
#define ROUNDS 40000

struct record {
    struct record *next;
    int kind, value;
    char name[32];
};

static struct record pool[COUNT];

__attribute__((noinline)) static int classify(const struct record *r, int bias)
{
    if (r->value % 7 == 0)
        return r->kind == 2 ? bias : 1;
    return strcmp(r->name, "RECORD NUMBER 0017 OF THE MIX") > 0 ? 2 : 0;
}

__attribute__((noinline)) static void rename_record(struct record *r, unsigned number)
{
    static const char PATTERN[32] = "RECORD NUMBER 0000 OF THE MIX";
    memcpy(r->name, PATTERN, sizeof PATTERN);
    for (int i = 17; number && i > 13; i--, number /= 10)
        r->name[i] = (char)('0' + number % 10);
}

__attribute__((noinline)) static struct record *update(struct record *r, int *total)
{
    struct record *next = r->next;
    r->kind = classify(r, *total & 3);
    r->value = r->value * 5 + next->value / 3 - r->kind;
    if (r->kind == 2)
        *total += (int)strlen(r->name);
    else
        *total -= r->value & 15;
    return r->value & 1 ? next : next->next;
}

unsigned kernel(unsigned scale)
{
    int total = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        pool[i] = (struct record){ .next = &pool[(i * 37 + 11) % COUNT], .kind = (int)i % 3, .value = (int)i * 3 };
        rename_record(&pool[i], i);
    }
    struct record *r = pool;
    for (unsigned round = 0; round < ROUNDS * scale; round++) {
        for (unsigned i = 0; i < COUNT; i++)
            r = update(r, &total);
        rename_record(r, round % 10000);
    }
    return (unsigned)total;
}
