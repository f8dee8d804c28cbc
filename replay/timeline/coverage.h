/*
 * What is known of the past: which pages were loaded from, stored to and
 * executed in each interval of the run, and which lines of data and of code.
 * Private to replay/.
 *
 * It grows as the run is replayed for the first time and is kept when
 * checkpoints are thinned out. An interval [from, to) covers the instructions
 * with those numbers. What has not been replayed yet is one unknown interval.
 */
#ifndef REPLAY_COVERAGE_H
#define REPLAY_COVERAGE_H

#include "vm/page-trace.h"

typedef struct Coverage Coverage;

/* All is unknown, from start on. Lines of data take at most so many bytes; what
 * is left out of them costs searches time. */
Coverage *coverage_new(Machine *m, Icount start, uint64_t most_line_bytes);
void coverage_free(Coverage *c);
uint64_t coverage_bytes(const Coverage *c);

/* The machine runs on from now: notes pages if nothing is known of what
 * comes. No effect if it does already. */
void coverage_open(Coverage *c, Icount now);
/* What ran until now is an interval of its own. Before the machine goes
 * elsewhere, and where a search should be able to begin. */
void coverage_close(Coverage *c, Icount now);
/* The next icount after now where coverage_open() has something to do. */
Icount coverage_due(const Coverage *c, Icount now);

/* Nothing is known of what comes after icount. */
void coverage_cut(Coverage *c, Icount icount);

/* Pages that are searched for. */
typedef struct PageQuery {
    unsigned kind;         /* MmuAccess, or PAGE_TRACE_RAM; code is looked for
                            * by lines */
    uint64_t first, last;  /* addresses in the first and the last page */
} PageQuery;

/* The last interval before `before` in which one of the pages may have been
 * touched: [*from, *to), with to <= before. False: there is none. */
bool coverage_find(const Coverage *c, Icount before, const GArray *queries,
                   Icount *from, Icount *to);

/* How much is known, as a line of text. */
void coverage_print(const Coverage *c, GString *out);

#endif
