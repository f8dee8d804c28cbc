/*
 * Memory for generated code. See codebuf.h.
 */
#include "codebuf.h"

#include <sys/mman.h>
#include <unistd.h>

bool codebuf_init(CodeBuf *b, uint64_t size)
{
    int fd = memfd_create("reprise-code", MFD_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    void *rw = MAP_FAILED, *rx = MAP_FAILED;
    if (ftruncate(fd, size) == 0) {
        rw = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        rx = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    }
    close(fd);
    if (rw != MAP_FAILED && rx != MAP_FAILED) {
        *b = (CodeBuf){ rw, (uint8_t *)rx - (uint8_t *)rw, size, 0 };
        return true;
    }
    if (rw != MAP_FAILED) {
        munmap(rw, size);
    }
    if (rx != MAP_FAILED) {
        munmap(rx, size);
    }
    return false;
}

void codebuf_free(CodeBuf *b)
{
    munmap(b->rw, b->size);
    munmap(b->rw + b->rx, b->size);
    *b = (CodeBuf){ 0 };
}
