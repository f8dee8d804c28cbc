/*
 * The toy machine's disk, in memory: all that softmmu and services ask of one,
 * snapshots included. See toy.h.
 */
#include "toy-parts.h"

struct BlockMark {
    ToySectors data;
};

BlockDev *toy_failing_disk;
unsigned toy_loads;

static bool disk_no(const BlockDev *b)
{
    return false;
}

static const BlockDevOps disk_ops = { .is_empty = disk_no,
                                      .readonly = disk_no };

BlockDev *toy_disk_new(void)
{
    BlockDev *b = g_new0(BlockDev, 1);
    b->head = (BlockDevHead){ &disk_ops, "toy0" };
    b->names = g_ptr_array_new();
    b->states = g_ptr_array_new();
    b->contents = g_ptr_array_new();
    return b;
}

bool blockdev_can_snapshot(const BlockDev *b)
{
    return true;
}

bool blockdev_snapshot_may_create(BlockDev *b, const char *name, Error **errp)
{
    return true;
}

void blockdev_snapshot_withdraw(BlockDev *b, const char *name)
{
}

static BlockSnapshot *snapshot_copy(const BlockSnapshot *s)
{
    BlockSnapshot *copy = g_memdup2(s, sizeof *s);
    copy->id = g_strdup(s->id ? s->id : "1");
    copy->name = g_strdup(s->name);
    return copy;
}

void block_snapshot_free(BlockSnapshot *s)
{
    g_free(s->id);
    g_free(s->name);
    g_free(s);
}

GPtrArray *blockdev_snapshot_list(BlockDev *b, Error **errp)
{
    GPtrArray *list =
        g_ptr_array_new_with_free_func((GDestroyNotify)block_snapshot_free);
    for (guint i = 0; i < b->names->len; i++) {
        g_ptr_array_add(list, snapshot_copy(g_ptr_array_index(b->names, i)));
    }
    return list;
}

static int snapshot_index(BlockDev *b, const char *name)
{
    for (guint i = 0; i < b->names->len; i++) {
        const BlockSnapshot *s = g_ptr_array_index(b->names, i);
        if (g_str_equal(s->name, name)) {
            return i;
        }
    }
    return -1;
}

bool blockdev_snapshot_create(BlockDev *b, const BlockSnapshot *info,
                              GBytes *vm_state, Error **errp)
{
    if (b == toy_failing_disk) {
        error_set(errp, "no room");
        return false;
    }
    if (snapshot_index(b, info->name) >= 0) {
        blockdev_snapshot_delete(b, info->name, NULL);
    }
    g_ptr_array_add(b->names, snapshot_copy(info));
    g_ptr_array_add(b->states, vm_state ? g_bytes_ref(vm_state) : NULL);
    g_ptr_array_add(b->contents, g_memdup2(b->data, sizeof b->data));
    return true;
}

bool blockdev_snapshot_goto(BlockDev *b, const char *name, Error **errp)
{
    int i = snapshot_index(b, name);
    g_assert(i >= 0);
    memcpy(b->data, g_ptr_array_index(b->contents, i), sizeof b->data);
    return true;
}

bool blockdev_snapshot_rename(BlockDev *b, const char *from, const char *to,
                              Error **errp)
{
    int i = snapshot_index(b, from);
    g_assert(i >= 0 && snapshot_index(b, to) < 0);
    BlockSnapshot *s = g_ptr_array_index(b->names, i);
    g_free(s->name);
    s->name = g_strdup(to);
    return true;
}

bool blockdev_snapshot_delete(BlockDev *b, const char *name, Error **errp)
{
    int i = snapshot_index(b, name);
    g_assert(i >= 0);
    block_snapshot_free(g_ptr_array_index(b->names, i));
    if (g_ptr_array_index(b->states, i)) {
        g_bytes_unref(g_ptr_array_index(b->states, i));
    }
    g_free(g_ptr_array_index(b->contents, i));
    g_ptr_array_remove_index(b->names, i);
    g_ptr_array_remove_index(b->states, i);
    g_ptr_array_remove_index(b->contents, i);
    return true;
}

/* Pieces of the largest size; what is the same is copied. */
static GBytes *join_pieces(BlockDev *b, const BlockVmState *state)
{
    uint8_t *out = g_malloc0(state->bytes);
    const uint8_t *base = NULL;
    if (state->base) {
        base = g_bytes_get_data(g_ptr_array_index(
            b->states, snapshot_index(b, state->base)), NULL);
    }
    for (uint64_t at = 0; at < state->bytes; at += VM_STATE_PIECE_MAX) {
        VmStatePiece kind = state->fill(state->opaque, at, out + at,
                                        VM_STATE_PIECE_MAX);
        if (kind == VM_STATE_SAME) {
            memcpy(out + at, base + at, VM_STATE_PIECE_MAX);
        } else if (kind == VM_STATE_ZERO) {
            memset(out + at, 0, VM_STATE_PIECE_MAX);
        }
    }
    return g_bytes_new_take(out, state->bytes);
}

bool blockdev_snapshot_create_pieces(BlockDev *b, const BlockSnapshot *info,
                                     BlockVmState *state, Error **errp)
{
    g_assert(state->bytes % VM_STATE_PIECE_MAX == 0);
    g_autoptr(GBytes) whole = join_pieces(b, state);
    return blockdev_snapshot_create(b, info, whole, errp);
}

bool blockdev_snapshot_read(BlockDev *b, const VmStateRead *what, Error **errp)
{
    int i = snapshot_index(b, what->name);
    gsize len = 0;
    const uint8_t *data =
        i < 0 ? NULL : g_bytes_get_data(g_ptr_array_index(b->states, i), &len);
    if (!data || what->offset > len || what->bytes > len - what->offset) {
        error_set(errp, "too short");
        return false;
    }
    toy_loads += what->offset > 0;
    what->sink(what->opaque, what->offset, data + what->offset, what->bytes);
    return true;
}

uint64_t blockdev_snapshot_room(BlockDev *b, const GPtrArray *names)
{
    return names->len * MIB;
}

const char *blockdev_format(const BlockDev *b)
{
    return "qcow2";
}

const char *blockdev_file(const BlockDev *b)
{
    return "toy.disk";
}

GBytes *blockdev_snapshot_vm_state(BlockDev *b, const char *name, Error **errp)
{
    toy_loads++;
    return g_bytes_ref(g_ptr_array_index(b->states, snapshot_index(b, name)));
}

void blockdev_keep_past(BlockDev *b, bool on)
{
}

void blockdev_return_to_present(BlockDev *b)
{
}

uint64_t blockdev_past_bytes(const BlockDev *b)
{
    return 0;
}

BlockMark *blockdev_mark(BlockDev *b)
{
    return g_memdup2(b->data, sizeof b->data);
}

void blockdev_return_to(BlockDev *b, const BlockMark *mark)
{
    memcpy(b->data, mark->data, sizeof b->data);
}

void blockdev_mark_free(BlockMark *mark)
{
    g_free(mark);
}

void toy_disk_free(BlockDev *b)
{
    while (b->names->len) {
        const BlockSnapshot *s = g_ptr_array_index(b->names, 0);
        blockdev_snapshot_delete(b, s->name, NULL);
    }
    g_ptr_array_free(b->names, TRUE);
    g_ptr_array_free(b->states, TRUE);
    g_ptr_array_free(b->contents, TRUE);
    g_free(b);
}
