/*
 * Counting what is right, in 64-bit mode. Each guest includes it once.
 */
#ifndef GUEST_CHECK64_H
#define GUEST_CHECK64_H

#include "lib.h"

static unsigned passed, failed;

static void check(const char *name, uint64_t got, uint64_t want)
{
    if (got == want) {
        passed++;
        return;
    }
    failed++;
    print("FAIL ");
    print(name);
    print(": got ");
    print_hex(got >> 32);
    print_hex(got);
    print(", expected ");
    print_hex(want >> 32);
    print_hex(want);
    print("\n");
}

#endif
