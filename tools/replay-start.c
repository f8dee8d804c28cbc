/*
 * reprise-replay pack: do the disks of a recording still have the snapshot at
 * which it begins? A later recording may have its name by now, and then it is
 * another one's.
 */
#include "replay-pack.h"
#include "svc/snapshot.h"

/* The recording's snapshot in one disk: under the name it was given, or under
 * that which it got when a later recording wanted the name. */
static BlockSnapshot *find(const PackStart *p, GPtrArray *list)
{
    const char *names[] = { p->aside, p->name };
    for (unsigned k = 0; k < G_N_ELEMENTS(names); k++) {
        for (guint i = 0; names[k] && i < list->len; i++) {
            BlockSnapshot *s = g_ptr_array_index(list, i);
            if (g_str_equal(s->name, names[k])) {
                return s;
            }
        }
    }
    return NULL;
}

static bool refuse(const PackStart *p, const PackFile *f, Error **errp)
{
    error_set(errp, "'%s' has lost the snapshot '%s' at which the recording "
              "begins", f->source, p->name ? p->name : "");
    return false;
}

/* An old log has no number, and its snapshot says nothing. */
static bool is_of_recording(const PackStart *p, BlockDev *b,
                            const PackFile *f, const BlockSnapshot *s,
                            Error **errp)
{
    SnapshotOwner owner = p->recording
        ? snapshot_owner(b, s->name, p->recording) : OWNER_THIS;
    if (owner == OWNER_DAMAGED) {
        error_set(errp, "'%s': the snapshot '%s' at which the recording begins "
                  "is damaged", f->source, s->name);
    } else if (owner == OWNER_OTHER) {
        error_set(errp, "'%s': the snapshot '%s' is of another recording, and "
                  "that at which this one begins is gone", f->source,
                  s->name);
    }
    return owner == OWNER_THIS || owner == OWNER_NOT_SAID;
}

bool pack_start_add(PackStart *p, BlockDev *b, const PackFile *f,
                    Error **errp)
{
    g_autoptr(GPtrArray) list = blockdev_snapshot_list(b, errp);
    const BlockSnapshot *s = list && p->name ? find(p, list) : NULL;
    if (!list || !s) {
        return list && refuse(p, f, errp);
    }
    if (!is_of_recording(p, b, f, s, errp)) {
        return false;
    }
    if (p->any && !snapshot_made_together(&p->first, s)) {
        error_set(errp, "'%s': the snapshot '%s' was not made together with "
                  "those of the other disks", f->source, s->name);
        return false;
    }
    p->has_state |= s->vm_state_bytes != 0;
    p->any = true;
    p->first = *s;
    return true;
}

bool pack_start_end(const PackStart *p, Error **errp)
{
    if (p->any && !p->has_state) {
        error_set(errp, "no disk has the machine's state in the snapshot '%s' "
                  "at which the recording begins", p->name);
        return false;
    }
    return true;
}
