/* A million of the cheapest system calls. */
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
    unsigned failed = 0;
    for (int i = 0; i < 1000000; i++)
        failed += syscall(SYS_getppid) < 0;
    printf("getppid %u failed\n", failed);
    return 0;
}
