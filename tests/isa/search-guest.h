/*
 * Random programs for test-searches.
 */
#ifndef TESTS_ISA_SEARCH_GUEST_H
#define TESTS_ISA_SEARCH_GUEST_H

#include <glib.h>

#include "base/types.h"

typedef struct SearchGuest {
    GRand *rand;
    uint32_t cs_base, ds_base;
    uint32_t code_at, data_at; /* offsets in the segments */
    GArray *insns;         /* uint32_t: where instructions begin, as offsets in
                            * the code segment; */
    GArray *nowhere;       /* where there is no page */
    uint8_t *ram;          /* what is in it at first */
    uint8_t rom[4096];     /* up to the end of 4 GiB */
} SearchGuest;

void search_guest_make(SearchGuest *g, uint32_t seed);
void search_guest_clear(SearchGuest *g);
uint32_t search_guest_ram_bytes(void);
/* A linear address at which something may happen. */
uint32_t search_guest_address(SearchGuest *g);
/* A linear address that is only loaded from behind stores: in one of several
 * ways. */
uint32_t search_guest_forwarded(const SearchGuest *g, unsigned n);
/* One that only the x87 (n odd) or a vector instruction stores to. */
uint32_t search_guest_wide(const SearchGuest *g, unsigned n);
/* The linear address of the handler of page faults. */
uint32_t search_guest_fault_handler(void);
/* An instruction, or where one may be looked for, as an offset in the code
 * segment. */
uint32_t search_guest_code(SearchGuest *g);

#endif
