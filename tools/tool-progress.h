/*
 * A line at a terminal that says how far a long operation is, at what rate, and
 * how long it will still take. Implemented by tool-progress.c; used by the
 * tools. Where stderr is no terminal nothing is printed, and NULL is a progress
 * that never prints.
 */
#ifndef TOOL_PROGRESS_H
#define TOOL_PROGRESS_H

#include "base/types.h"

typedef struct ToolProgress ToolProgress;

typedef enum ToolUnit {
    TOOL_UNIT_BYTES,
    TOOL_UNIT_COUNT,       /* things: instructions, events */
} ToolUnit;

/* NULL if stderr is no terminal. `what` is a participle ("copied"), kept.
 * total 0: nobody knows. Ctrl-C takes the line away before the program ends. */
ToolProgress *tool_progress_new(const char *what, ToolUnit unit,
                                uint64_t total);
/* Prints at most some times a second, the first time after a second. */
void tool_progress_at(ToolProgress *p, uint64_t done);
/* Takes the line away. */
void tool_progress_end(ToolProgress *p);

/* Is stderr a terminal that shows colours? Not with NO_COLOR or TERM=dumb. */
bool tool_colours(void);
/* "68.4 MiB", "12.3 M"; free it. */
char *tool_amount_text(ToolUnit unit, double amount);

#endif
