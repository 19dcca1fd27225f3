/* Two processes that send a byte to and fro by two pipes, 100,000 times. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define TURNS 100000

int main(void)
{
    int there[2], back[2];
    if (pipe(there) != 0 || pipe(back) != 0)
        return 1;
    pid_t child = fork();
    if (child < 0)
        return 2;
    unsigned char byte = 0;
    if (child == 0) {
        close(there[1]);
        while (read(there[0], &byte, 1) == 1) {
            byte++;
            if (write(back[1], &byte, 1) != 1)
                _exit(1);
        }
        _exit(0);
    }
    unsigned sum = 0;
    for (int i = 0; i < TURNS; i++) {
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
            return 3;
        sum += byte;
    }
    close(there[1]);
    int status;
    if (waitpid(child, &status, 0) != child || status != 0)
        return 4;
    printf("pingpong %u\n", sum);
    return 0;
}
