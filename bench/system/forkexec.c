/*
 * Starts 500 processes, one after the other; each executes this program again. The argument is the emulator that must
 * run it, where the kernel does not run it by itself.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 500

int main(int argc, char **argv)
{
    if (argc > 1 && argv[1][0] == '=')
        return 7;
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0)
        return 1;
    self[length] = 0;
    unsigned sum = 0;
    for (int i = 0; i < PROCESSES; i++) {
        pid_t child = fork();
        if (child < 0)
            return 2;
        if (child == 0) {
            if (argc > 1)
                execl(argv[1], argv[1], self, "=", (char *)NULL);
            else
                execl(self, self, "=", (char *)NULL);
            _exit(3);
        }
        int status;
        if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
            return 4;
        sum += WEXITSTATUS(status);
    }
    printf("forkexec %u\n", sum);
    return 0;
}
