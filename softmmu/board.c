/*
 * Finding a board among those of the program. See vm/machine.h.
 */
#include "vm/machine.h"

const BoardClass *board_find(const char *name)
{
    for (const BoardClass *const *b = board_classes; *b; b++) {
        if (g_str_equal(name, (*b)->name) ||
            ((*b)->alias && g_str_equal(name, (*b)->alias))) {
            return *b;
        }
    }
    return NULL;
}
