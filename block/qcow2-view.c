/*
 * Snapshots inside a qcow2 image, looked at: VM state, and a node that reads as
 * a snapshot, for replay. Nothing is changed here.
 */
#include <errno.h>
#include <string.h>

#include "qcow2.h"

static void take_piece(void *opaque, uint64_t offset, const uint8_t *data,
                       uint64_t bytes)
{
    if (data) {
        memcpy((uint8_t *)opaque + offset, data, bytes);
    }
}

GBytes *qcow2_snapshot_vm_state(BlockNode *n, const char *name, Error **errp)
{
    Qcow2 *q = QCOW2(n);
    Qcow2Snapshot *s = qcow2_snapshot_find(q, name, errp);
    if (!s) {
        return NULL;
    }
    uint64_t bytes = s->info.vm_state_bytes;
    if (bytes > block_file_size(q->file)) {
        qcow2_error(q, errp, q->snapshots_offset,
                    "the VM state of a snapshot is out of bounds");
        return NULL;
    }
    /* A file with holes may claim to hold more than there is memory. */
    uint8_t *data = g_try_malloc0(MAX(bytes, 1));
    if (!data) {
        qcow2_snapshot_fail(q, errp, -ENOMEM, "read the VM state of", name);
        return NULL;
    }
    VmStateRead what = { .name = name, .bytes = bytes, .sink = take_piece,
                         .opaque = data };
    if (!qcow2_vm_state_read(n, &what, errp)) {
        g_free(data);
        return NULL;
    }
    return g_bytes_new_take(data, bytes);
}

typedef struct View {
    BlockNode node;
    Qcow2 *image;
    Qcow2Map map;
} View;

#define VIEW(n) container_of(n, View, node)

static int view_read(BlockNode *n, uint64_t offset, void *buf, size_t bytes)
{
    return qcow2_map_read(VIEW(n)->image, &VIEW(n)->map, offset, buf, bytes);
}

static uint64_t view_extent(BlockNode *n, uint64_t offset, uint64_t bytes,
                            BlockExtent *what)
{
    return qcow2_map_extent(VIEW(n)->image, &VIEW(n)->map, offset, bytes,
                            what);
}

static void view_close(BlockNode *n)
{
    node_unref(&VIEW(n)->image->node);
    g_free(VIEW(n)->map.l1);
}

static const BlockDriver view_driver = {
    .format = "qcow2 snapshot",
    .read = view_read,
    .extent = view_extent,
    .close = view_close,
};

const Qcow2Map *qcow2_node_map(const BlockNode *n, const Qcow2 *image)
{
    if (n == &image->node) {
        return &image->map;
    }
    const View *v = container_of(n, View, node);
    g_assert(n->driver == &view_driver && v->image == image);
    return &v->map;
}

BlockNode *qcow2_snapshot_view(BlockNode *n, const char *name, Error **errp)
{
    Qcow2 *q = QCOW2(n);
    Qcow2Map map;
    Qcow2Snapshot *s = qcow2_snapshot_find(q, name, errp);
    if (!s || !qcow2_snapshot_map(q, s, &map, errp)) {
        return NULL;
    }
    View *v = g_new0(View, 1);
    node_init(&v->node, &view_driver, n->file);
    v->node.readonly = true;
    v->node.size_bytes = qcow2_disk_bytes(map.size_bytes);
    v->map = map;
    v->image = q;
    node_ref(n);
    return &v->node;
}
