/*
 * The host's randomness: one seed for the machine's own generator. See
 * io/world.h.
 */
#include "world.h"

#include <string.h>
#include <sys/random.h>

/* 64 bits that nobody can guess. */
static uint64_t entropy_random(void)
{
    uint64_t v;
    while (getrandom(&v, sizeof v, 0) != sizeof v) {
        /* interrupted by a signal before the pool was ready */
    }
    return v;
}

void entropy_ask_seed(void *host, void *out, size_t len)
{
    uint64_t seed = entropy_random();
    g_assert(len == sizeof seed);
    memcpy(out, &seed, len);
}
