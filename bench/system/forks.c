/* Makes 500 processes, one after the other, that end at once. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 500

int main(void)
{
    unsigned sum = 0;
    for (int i = 0; i < PROCESSES; i++) {
        pid_t child = fork();
        if (child < 0)
            return 1;
        if (child == 0)
            _exit(i & 63);
        int status;
        if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
            return 2;
        sum += WEXITSTATUS(status);
    }
    printf("forks %u\n", sum);
    return 0;
}
