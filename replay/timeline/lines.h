/*
 * What an interval of the coverage holds: sets of pages, and the lines of 64
 * bytes of the pages that were stored to. Private to coverage.c.
 */
#ifndef REPLAY_LINES_H
#define REPLAY_LINES_H

#include "vm/page-trace.h"

/* A word of a set of bits that is not 0; a set is a GArray of them by index. */
typedef struct Word {
    uint16_t index;
    uint64_t bits;
} Word;

/* True if bit n is in the set. */
bool words_have(const GArray *words, unsigned n);

/* The lines of a page that were stored to. A list has them by page; pages of
 * which all lines were are left out. */
typedef struct Lines {
    uint32_t page;         /* its bit of page_trace_bit() */
    uint64_t mask;
} Lines;

/* The list of what the trace has noted until now. */
GArray *lines_pack(Machine *m, const PageTrace *t);
/* A list for two intervals together, of which these are the lists and the sets
 * of pages that were stored to. NULL if one of the lists is. */
GArray *lines_both(const GArray *a, const GArray *a_pages, const GArray *b,
                   const GArray *b_pages);
/* True if a store to [first, last], which is in a page that was stored to, may
 * be among them. */
bool lines_have(const GArray *lines, uint64_t first, uint64_t last);
/* The memory that a list takes; NULL: none. */
uint64_t lines_bytes(const GArray *lines);

#endif
