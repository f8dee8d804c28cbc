/*
 * The search for the first icount where two runs differ. See svc/verify.h.
 *
 * A run can only be looked at by walking through it from its start, and a walk
 * may look at many icounts on its way: so each walk looks at many, evenly
 * spread, and the next one between the last two of these.
 */
#include "svc/verify.h"

#define POINTS 1024u

/* The point that was looked at before `found`. */
static Icount point_before(Icount same, Icount found, uint64_t step)
{
    return same + (found - same - 1) / step * step;
}

bool replay_bisect(Icount same, Icount until, BisectProbe *probe,
                   void *opaque, Icount *first, Error **errp)
{
    bool known = false;        /* that they differ at `until` */
    *first = ICOUNT_NONE;
    while (same < until && !(known && until - same == 1)) {
        uint64_t step = (until - same - 1) / POINTS + 1;
        Icount found;
        if (!probe(opaque, same + step, until, step, &found, errp)) {
            return false;
        }
        if (found == ICOUNT_NONE && known) {
            error_set(errp, "the states differed at icount %" G_GUINT64_FORMAT
                      ", and the next time they did not", until);
            return false;
        }
        if (found == ICOUNT_NONE) {
            return true;
        }
        known = true;
        same = point_before(same, found, step);
        until = found;
    }
    *first = known ? until : ICOUNT_NONE;
    return true;
}
