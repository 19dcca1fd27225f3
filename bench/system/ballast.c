/* Prints one line; with BALLAST, beside a hundred megabytes of code and data that nothing touches. */
#include <stdio.h>

#ifdef BALLAST
__asm__(".text\n.balign 4\n.globl ballast_code\nballast_code:\n.fill 50 << 18, 4, 0\n.previous\n"
        ".data\n.globl ballast_data\nballast_data:\n.fill 50 << 18, 4, 1\n.previous\n");
extern const char ballast_code[], ballast_data[];
static const char *volatile kept[] = { ballast_code, ballast_data };
#endif

int main(void)
{
#ifdef BALLAST
    if (kept[0] == kept[1])
        return 1;
#endif
    puts("here");
    return 0;
}
