/*
 * Finding a board among those of the program. See vm/parts.h.
 */
#include "vm/machine.h"

const BoardClass *board_find(const MachineParts *parts, const char *name)
{
    for (const BoardClass *const *b = parts->boards; *b; b++) {
        if (g_str_equal(name, (*b)->name) ||
            ((*b)->alias && g_str_equal(name, (*b)->alias))) {
            return *b;
        }
    }
    return NULL;
}
