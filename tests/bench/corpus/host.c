/* Programs of the corpus, run by the host: corpus-… NAME SIZE … prints what the
 * guest prints. Exit status 2: the host lacks the level's instructions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus.h"

static unsigned char heap[HEAP_BYTES] __attribute__((aligned(4096)));
unsigned char *corpus_heap = heap;

static const struct {
    const char *name;
    Program *run;
} programs[] = {
#define PROGRAM(name, bench, what) { #name, name },
#include "programs.def"
#undef PROGRAM
};

static int host_has_level(void)
{
    __builtin_cpu_init();
    return CORPUS_LEVEL < 2 || (__builtin_cpu_supports("sse4.2") &&
           (CORPUS_LEVEL < 3 || (__builtin_cpu_supports("avx2") &&
                                 __builtin_cpu_supports("fma") &&
                                 __builtin_cpu_supports("bmi2"))));
}

static int run(const char *name, uint32_t size)
{
    for (size_t n = 0; n < sizeof programs / sizeof *programs; n++) {
        if (!strcmp(name, programs[n].name)) {
            printf("bench: %s %08x\n", name, programs[n].run(size));
            return 1;
        }
    }
    fprintf(stderr, "%s: no such program\n", name);
    return 0;
}

int main(int argc, char **argv)
{
    if (!host_has_level()) {
        fprintf(stderr, "the host lacks x86-64-v%d\n", CORPUS_LEVEL);
        return 2;
    }
    for (int n = 1; n + 1 < argc; n += 2) {
        if (!run(argv[n], strtoul(argv[n + 1], NULL, 10))) {
            return 1;
        }
    }
    return 0;
}
