/*
 * The VM state of a qcow2 image's active disk: what lies behind the disk's end
 * in its L1 table. Going to a snapshot brings it; taking one without a state of
 * its own takes it along. Tools read and write it; machines give their state to
 * the snapshot itself (qcow2-vmstate.c).
 */
#include <errno.h>
#include <string.h>

#include "qcow2.h"

/* Where it begins, as if it were a part of the disk. */
static uint64_t state_start(const Qcow2 *q)
{
    return qcow2_l1_needed(q, q->map.size_bytes) * qcow2_l2_span(q);
}

int qcow2_active_vm_state_read(BlockNode *n, uint64_t offset, void *buf,
                               size_t bytes)
{
    Qcow2 *q = QCOW2(n);
    uint64_t start = state_start(q);
    if (offset > INT64_MAX - start || bytes > INT64_MAX - start - offset) {
        return -EFBIG;
    }
    BlockNode *backing = q->backing;
    q->backing = NULL; /* it has no VM state of ours */
    int err = qcow2_map_read(q, &q->map, start + offset, buf, bytes);
    q->backing = backing;
    return err;
}

int qcow2_active_vm_state_write(BlockNode *n, uint64_t offset,
                                const void *buf, size_t bytes)
{
    Qcow2 *q = QCOW2(n);
    uint64_t start = state_start(q);
    if (offset > INT64_MAX - start || bytes > INT64_MAX - start - offset) {
        return -EFBIG;
    }
    uint64_t end = start + offset + bytes;
    int err = qcow2_external(q) ? -ENOTSUP :
              qcow2_l1_needed(q, end) > q->map.entries ?
              qcow2_l1_grow(q, end) : 0;
    BlockNode *backing = q->backing;
    q->backing = NULL;
    err = err < 0 ? err : qcow2_write(n, start + offset, buf, bytes);
    q->backing = backing;
    return err;
}

int qcow2_active_vm_state_drop(Qcow2 *q)
{
    uint64_t span = qcow2_l2_span(q);
    int err = 0;
    for (uint64_t i = qcow2_l1_needed(q, q->map.size_bytes);
         i < q->map.entries && err == 0; i++) {
        uint64_t raw = q->map.l1[i];
        err = raw ? qcow2_discard(q, i * span, span) : 0;
        raw = q->map.l1[i];
        if (err == 0 && raw) {
            qcow2_free_later(q, (raw & ENTRY_OFFSET) >> q->cluster_bits, 1);
            q->map.l1[i] = 0;
            q->l1_dirty = true;
        }
    }
    return err;
}
