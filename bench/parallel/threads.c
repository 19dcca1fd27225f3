/*
 * Two guest threads' work, without a C library: `_start(thread, rounds, what)` computes, and ends by a system call with
 * the result in r0.
 */
typedef unsigned int word;

/* Both threads add to it, by ldrex and strex. */
static volatile word counter;
static word compute(word thread, word rounds)
{
    word x = 2463534242u + thread;
    static word table[2][4096];
    word *mine = table[thread];
    for (word i = 0; i < rounds; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        mine[x & 4095] += x;
        x += mine[x >> 20];
    }
    return x;
}

static word count(word rounds)
{
    for (word i = 0; i < rounds; i++) {
        word old, failed;
        do
            __asm__ volatile("ldrex %0, [%2]\n\tadd %0, %0, #1\n\tstrex %1, %0, [%2]"
                             : "=&r"(old), "=&r"(failed)
                             : "r"(&counter)
                             : "memory");
        while (failed);
    }
    return counter;
}

void _start(word thread, word rounds, word what)
{
    register word result __asm__("r0") = what ? count(rounds) : compute(thread, rounds);
    __asm__ volatile("svc 0" : : "r"(result));
    __builtin_unreachable();
}
