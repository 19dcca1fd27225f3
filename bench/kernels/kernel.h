/* What a kernel sees of the world: it has no libc, so that clang can make plain WebAssembly of it, too. */
#include <stddef.h>
#include <stdint.h>

/* Does its work `scale` times as long as the table's figure, and returns a number that depends on all of it. */
unsigned kernel(unsigned scale);

/* The compiler makes calls of these by itself; with a libc they are the libc's. */
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);

/* Every bit of a double counts. */
static inline unsigned checksum(double value)
{
    union {
        double value;
        uint64_t bits;
    } u = { value };
    return (unsigned)(u.bits ^ u.bits >> 32);
}
