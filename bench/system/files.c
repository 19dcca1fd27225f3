/* Files made, looked at and removed. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
    unsigned done = 0;
    for (int i = 0; i < 50000; i++) {
        char name[32];
        struct stat st;
        snprintf(name, sizeof name, "file%d", i % 100);
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);
        if (fd < 0 || write(fd, name, 8) != 8 || close(fd) != 0)
            return 1;
        if (stat(name, &st) != 0 || st.st_size != 8)
            return 2;
        if (unlink(name) != 0 || stat(name, &st) == 0)
            return 3;
        done++;
    }
    printf("files %u\n", done);
    return 0;
}
