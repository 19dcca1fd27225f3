/* Runs one kernel: the scale is the first argument, 1 without one. */
#include <stdio.h>
#include <stdlib.h>

unsigned kernel(unsigned scale);

int main(int argc, char **argv)
{
    printf("%u\n", kernel(argc > 1 ? (unsigned)atoi(argv[1]) : 1));
    return 0;
}
