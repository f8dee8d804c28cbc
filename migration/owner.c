/*
 * Of which recording a snapshot is. Many recordings share an image, and each
 * wants a snapshot called "init": the newest has the name, earlier ones are
 * called NAME@DIGITS. So a name alone says little, and who takes a snapshot for
 * a recording asks here whether it is that one's.
 */
#include <string.h>

#include "disks.h"
#include "owner.h"

char *snapshot_aside_name(const char *name,
                          const uint8_t recording[MACHINE_RECORDING_BYTES])
{
    return g_strdup_printf("%s@%02x%02x%02x%02x", name, recording[0],
                           recording[1], recording[2], recording[3]);
}

char *snapshot_resolve(Machine *m, const char *name)
{
    const uint8_t *ours = m->config.recording;
    char *aside = ours ? snapshot_aside_name(name, ours) : NULL;
    if (aside && snapshot_name_taken(m, aside)) {
        return aside;
    }
    g_free(aside);
    return g_strdup(name);
}

bool owner_peek(Machine *m, const char *name, StreamHeader *h)
{
    BlockDev *holder = disks_reading(m, NULL);
    return holder && disks_one_has(holder, name) &&
           flat_peek(holder, name, h, NULL) && h->has_recording;
}

bool owner_is(const StreamHeader *h,
              const uint8_t recording[MACHINE_RECORDING_BYTES])
{
    return h->has_recording &&
           !memcmp(h->recording, recording, MACHINE_RECORDING_BYTES);
}

SnapshotOwner snapshot_owner(BlockDev *b, const char *name,
                             const uint8_t recording[MACHINE_RECORDING_BYTES])
{
    StreamHeader h = { 0 };
    GPtrArray *list = blockdev_snapshot_list(b, NULL);
    const BlockSnapshot *s = list ? disks_list_find(list, name) : NULL;
    bool here = s, has_state = s && s->vm_state_bytes;
    if (list) {
        disks_list_free(list);
    }
    if (!here || !has_state) {
        return here ? OWNER_NOT_SAID : OWNER_NO_SNAPSHOT;
    }
    if (!flat_peek(b, name, &h, NULL) || h.recording_damaged) {
        return OWNER_DAMAGED;
    }
    return owner_is(&h, recording) ? OWNER_THIS : OWNER_OTHER;
}

bool snapshot_made_together(const BlockSnapshot *a, const BlockSnapshot *b)
{
    return a->date_sec == b->date_sec && a->date_nsec == b->date_nsec &&
           a->icount == b->icount;
}

/* Was a disk's snapshot of that name made together with the holder's? Somebody
 * may have put another image there. */
static bool check_together(Machine *m, BlockDev *holder, const char *name,
                           Error **errp)
{
    g_autoptr(GPtrArray) first = blockdev_snapshot_list(holder, NULL);
    const BlockSnapshot *state = first ? disks_list_find(first, name) : NULL;
    bool ok = true;
    guint at = 0;
    for (BlockDev *b; ok && state && (b = disks_next(m, &at));) {
        g_autoptr(GPtrArray) list = blockdev_snapshot_list(b, NULL);
        const BlockSnapshot *s = list ? disks_list_find(list, name) : NULL;
        ok = !s || snapshot_made_together(s, state);
        if (!ok) {
            error_set(errp, "Snapshot '%s' of '%s' was not made together with "
                      "that of '%s'", name, blockdev_file(b),
                      blockdev_file(holder));
        }
    }
    return ok;
}

bool snapshot_is_ours(Machine *m, const char *name, Error **errp)
{
    const uint8_t *ours = m->config.recording;
    BlockDev *holder = ours ? disks_reading(m, NULL) : NULL;
    if (!holder) {
        return true; /* a log that does not say, or nothing to be found */
    }
    if (snapshot_owner(holder, name, ours) == OWNER_OTHER) {
        error_set(errp, "Snapshot '%s' is of another recording", name);
        return false;
    }
    return check_together(m, holder, name, errp);
}
