/*
 * A workload as a program of the host's: NAME CHECKSUM, as the guest prints it.
 */
#include <stdio.h>
#include <sys/mman.h>

#include "bench.h"

int main(void)
{
    void *at = mmap(heap(), HEAP_BYTES, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (at == MAP_FAILED) {
        perror("the guests' heap");
        return 2;
    }
    printf("bench: " BENCH_NAME " %08x\n", workload(hide(BENCH_SIZE)));
    return 0;
}
