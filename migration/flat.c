/*
 * Flat VM state: RAM as it is, each block at a fixed place, so that a snapshot
 * can share with an older one what did not change.
 *
 *   head     a stream (stream.h) whose RAM records are u64 size of the block,
 *            u64 offset behind the head's room
 *   blocks   in the machine's order
 *
 * The head and each block have room in multiples of the largest piece that an
 * image is asked to store, so each piece belongs to one of them. The head's
 * room grows by whole pieces: were it to grow, nothing could be shared once.
 */
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "stream.h"

#define RAM_RECORD_BYTES 16u
/* A head is some hundred KiB; more than this is damage. */
#define HEAD_BYTES_MAX (64 * MIB)

static uint64_t flat_room(uint64_t bytes)
{
    return bits_align_up(bytes, VM_STATE_PIECE_MAX);
}

uint64_t flat_head_room(uint32_t head_bytes)
{
    return flat_room(head_bytes);
}

/* --- saving ------------------------------------------------------------------- */

/* Has a page of [ra, ra + bytes) changed? */
static bool any_changed(const FlatSave *f, RamAddr ra, uint64_t bytes)
{
    if (!f->changed) {
        return true;
    }
    for (uint64_t page = ra >> PAGE_BITS; page << PAGE_BITS < ra + bytes;
         page++) {
        if (f->changed[page / 8] & (1u << (page % 8))) {
            return true;
        }
    }
    return false;
}

static VmStatePiece fill_block(const FlatSave *f, const RamBlock *b,
                               uint64_t offset, uint8_t *buf, size_t bytes)
{
    if (offset >= b->size_bytes) {
        return VM_STATE_ZERO;
    }
    size_t n = MIN(bytes, b->size_bytes - offset);
    if (f->state.base && !any_changed(f, b->base + offset, n)) {
        return VM_STATE_SAME;
    }
    if (ram_is_zero(b->host + offset, n)) {
        return VM_STATE_ZERO;
    }
    memcpy(buf, b->host + offset, n);
    memset(buf + n, 0, bytes - n);
    return VM_STATE_DATA;
}

static VmStatePiece fill_head(const FlatSave *f, uint64_t offset, uint8_t *buf,
                              size_t bytes)
{
    if (offset >= f->head->len) {
        return VM_STATE_ZERO;
    }
    size_t n = MIN(bytes, f->head->len - offset);
    memcpy(buf, f->head->data + offset, n);
    memset(buf + n, 0, bytes - n);
    return VM_STATE_DATA;
}

static VmStatePiece flat_fill(void *opaque, uint64_t offset, uint8_t *buf,
                              size_t bytes)
{
    const FlatSave *f = opaque;
    const GPtrArray *blocks = ram_blocks(f->m);
    uint64_t room = flat_room(f->head->len);
    if (offset < room) {
        return fill_head(f, offset, buf, bytes);
    }
    for (guint i = 0; i < blocks->len; i++) {
        const RamBlock *b = g_ptr_array_index(blocks, i);
        offset -= room;
        room = flat_room(b->size_bytes);
        if (offset < room) {
            return fill_block(f, b, offset, buf, bytes);
        }
    }
    g_assert_not_reached();
}

static void put_ram(GByteArray *head, const RamBlock *b, uint64_t offset)
{
    g_autoptr(GByteArray) data = g_byte_array_new();
    uint8_t record[RAM_RECORD_BYTES];
    bytes_st_le64(record, b->size_bytes);
    bytes_st_le64(record + 8, offset);
    g_byte_array_append(data, record, sizeof record);
    stream_put_record(head, STREAM_RAM, b->name, data);
}

void flat_save_begin(FlatSave *f, Machine *m, uint64_t log_position,
                     uint32_t flags)
{
    StreamHeader h = { .flags = flags | STREAM_FLAT |
                                (m->sched.at_boundary ? STREAM_AT_BOUNDARY : 0),
                       .icount = machine_icount(m),
                       .log_position = log_position };
    uint64_t offset = 0;
    *f = (FlatSave) { .m = m, .head = g_byte_array_new() };
    stream_put_header(f->head, m, &h);
    stream_put_sections(f->head, m);
    for (guint i = 0; i < ram_blocks(m)->len; i++) {
        const RamBlock *b = g_ptr_array_index(ram_blocks(m), i);
        put_ram(f->head, b, offset);
        offset += flat_room(b->size_bytes);
    }
    stream_put_record(f->head, STREAM_END, "", NULL);
    stream_end_head(f->head);
    f->state.bytes = flat_room(f->head->len) + offset;
    f->state.fill = flat_fill;
    f->state.opaque = f;
}

void flat_save_end(FlatSave *f)
{
    g_byte_array_free(f->head, TRUE);
}

/* --- loading ------------------------------------------------------------------ */

typedef struct Gather {
    uint8_t *out;
    uint64_t from;
} Gather;

static void gather(void *opaque, uint64_t offset, const uint8_t *data,
                   uint64_t bytes)
{
    Gather *g = opaque;
    if (data) {
        memcpy(g->out + (offset - g->from), data, bytes);
    }
}

/* The first bytes of a VM state; NULL with an error. */
static GBytes *first_bytes(BlockDev *disk, const char *name, uint64_t bytes,
                           Error **errp)
{
    Gather g = { .out = g_malloc0(bytes) };
    VmStateRead what = { .name = name, .bytes = bytes, .sink = gather,
                         .opaque = &g };
    if (!blockdev_snapshot_read(disk, &what, errp)) {
        g_free(g.out);
        return NULL;
    }
    return g_bytes_new_take(g.out, bytes);
}

bool flat_peek(BlockDev *disk, const char *name, StreamHeader *h, Error **errp)
{
    StreamReader r;
    g_autoptr(GBytes) head = first_bytes(disk, name, STREAM_FIRST_BYTES,
                                         errp);
    return head && stream_open(&r, head, h, errp);
}

GBytes *flat_head(const FlatSource *src, Error **errp)
{
    if (src->head_bytes < STREAM_HEADER_BYTES ||
        src->head_bytes > HEAD_BYTES_MAX) {
        error_set(errp, "the snapshot's head has a bad length, %u bytes",
                  src->head_bytes);
        return NULL;
    }
    return first_bytes(src->disk, src->name, src->head_bytes, errp);
}

bool flat_check_ram(const StreamRecord *rec, const RamBlock *b,
                    uint64_t *offset, Error **errp)
{
    if (rec->data_len != RAM_RECORD_BYTES) {
        error_set(errp, "the snapshot's RAM block '%s' is described by %zu "
                  "bytes", b->name, rec->data_len);
        return false;
    }
    uint64_t size_bytes = bytes_ld_le64(rec->data);
    if (size_bytes != b->size_bytes) {
        error_set(errp, "RAM block '%s' has %" G_GUINT64_FORMAT " bytes in "
                  "the snapshot and %" G_GUINT64_FORMAT " in this machine",
                  b->name, size_bytes, b->size_bytes);
        return false;
    }
    uint64_t at = bytes_ld_le64(rec->data + 8);
    if (at != *offset) {
        error_set(errp, "RAM block '%s' of the snapshot is at offset %"
                  G_GUINT64_FORMAT ", not %" G_GUINT64_FORMAT, b->name, at,
                  *offset);
        return false;
    }
    *offset += flat_room(size_bytes);
    return true;
}

bool flat_check_size(const FlatSource *src, uint64_t ram_bytes, Error **errp)
{
    uint64_t want = flat_room(src->head_bytes) + ram_bytes;
    if (src->bytes != want) {
        error_set(errp, "the VM state has %" G_GUINT64_FORMAT " bytes, not %"
                  G_GUINT64_FORMAT, src->bytes, want);
        return false;
    }
    return true;
}

typedef struct BlockLoad {
    RamBlock *block;
    uint64_t offset;       /* of its first byte in the VM state */
} BlockLoad;

static void load_piece(void *opaque, uint64_t offset, const uint8_t *data,
                       uint64_t bytes)
{
    const BlockLoad *l = opaque;
    ram_range_load(l->block, offset - l->offset, data, bytes);
}

bool flat_load_ram(const FlatSource *src, Machine *m, Error **errp)
{
    const GPtrArray *blocks = ram_blocks(m);
    BlockLoad l = { .offset = flat_room(src->head_bytes) };
    for (guint i = 0; i < blocks->len; i++) {
        l.block = g_ptr_array_index(blocks, i);
        VmStateRead what = { .name = src->name, .offset = l.offset,
                             .bytes = l.block->size_bytes,
                             .sink = load_piece, .opaque = &l };
        if (!blockdev_snapshot_read(src->disk, &what, errp)) {
            return false;
        }
        l.offset += flat_room(l.block->size_bytes);
    }
    return true;
}
