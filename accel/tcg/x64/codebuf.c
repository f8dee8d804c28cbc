/*
 * Memory for generated code. See codebuf.h.
 *
 * Shared anonymous memory, because perf looks into its map file (-perfmap) for
 * nothing else; the second mapping is mremap()'s copy of the first (mremap(2),
 * old_size 0).
 */
#include "codebuf.h"

#include <sys/mman.h>

bool codebuf_init(CodeBuf *b, uint64_t size)
{
    void *rw = mmap(NULL, size, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (rw == MAP_FAILED) {
        return false;
    }
    void *rx = mremap(rw, 0, size, MREMAP_MAYMOVE);
    if (rx == MAP_FAILED) {
        munmap(rw, size);
        return false;
    }
    if (mprotect(rx, size, PROT_READ | PROT_EXEC) < 0) {
        munmap(rw, size);
        munmap(rx, size);
        return false;
    }
    *b = (CodeBuf){ rw, (uint8_t *)rx - (uint8_t *)rw, size, 0 };
    return true;
}

void codebuf_free(CodeBuf *b)
{
    munmap(b->rw, b->size);
    munmap(b->rw + b->rx, b->size);
    *b = (CodeBuf){ 0 };
}
