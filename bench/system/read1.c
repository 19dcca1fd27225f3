/* A file of a million bytes, written at once and read a byte at a time. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define SIZE 1000000

static unsigned char data[SIZE];

int main(void)
{
    for (int i = 0; i < SIZE; i++)
        data[i] = i * 7;
    int fd = open("read1.data", O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, data, SIZE) != SIZE || lseek(fd, 0, SEEK_SET) != 0)
        return 1;
    unsigned long sum = 0;
    unsigned char byte;
    while (read(fd, &byte, 1) == 1)
        sum = sum * 31 + byte;
    close(fd);
    unlink("read1.data");
    printf("read1 %08x\n", (unsigned)sum);
    return 0;
}
