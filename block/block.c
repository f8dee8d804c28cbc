/*
 * The front of all disks: bounds, the host's errors as inputs, and which layer
 * a request goes to. See io/blockdev.h.
 *
 * A disk is an image node with, for `temporary` and `replay`, an overlay on
 * top of it or of a view of one of its snapshots. The image itself is then
 * open for reading only. An image that is written may keep its past (undo.c);
 * who goes there has an overlay on top until he comes back.
 */
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/digest.h"
#include "driver.h"
#include "vm/nondet.h"

struct BlockDev {
    BlockDevHead head;
    char *file;
    BlockNode *image;      /* NULL: an empty drive */
    BlockNode *top;        /* what requests go to; the image or an overlay */
    bool readonly;         /* for the guest */
    bool replay;
    bool write_through, no_flush, detect_zeroes, keep_discarded;
    Undo *undo;            /* while the image's past is kept, or NULL */
    bool away;             /* in the past of a recording */
    NondetPort *errors;    /* NULL until bound */
    BlockStats stats[BLOCK_REQUEST_COUNT];
};

/* One of the two. */
struct BlockMark {
    OverlayMark *overlay;
    UndoMark *undo;
};

/* --- opening ---------------------------------------------------------- */

static bool open_layers(BlockDev *b, const BlockOpenOptions *opts,
                        Error **errp)
{
    bool layered = opts->temporary || opts->replay;
    NodeOpen how = {
        .file = opts->file,
        .format = opts->format,
        .readonly = opts->readonly || layered,
    };
    b->image = node_open(&how, errp);
    if (!b->image) {
        return false;
    }
    if (!layered) {
        b->top = node_ref(b->image);
        return true;
    }
    BlockNode *base = node_ref(b->image);
    if (opts->replay && opts->at_snapshot) {
        node_unref(base);
        base = b->image->driver->snapshot_view ?
               b->image->driver->snapshot_view(b->image, opts->at_snapshot,
                                               errp) : NULL;
        if (!base && !b->image->driver->snapshot_view) {
            error_set(errp, "Image '%s' of format %s has no snapshots",
                      opts->file, b->image->driver->format);
        }
    }
    b->top = base ? overlay_new(base) : NULL;
    node_unref(base);
    return b->top;
}

static const BlockDevOps disk_ops;

BlockDev *blockdev_open(const BlockOpenOptions *opts, Error **errp)
{
    BlockDev *b = g_new0(BlockDev, 1);
    b->head.ops = &disk_ops;
    b->head.node = g_strdup(opts->node ? opts->node : "");
    b->readonly = opts->readonly;
    b->replay = opts->replay;
    b->write_through = opts->write_through;
    b->no_flush = opts->no_flush;
    b->detect_zeroes = opts->detect_zeroes;
    b->keep_discarded = opts->keep_discarded;
    if (!opts->file || !*opts->file) {
        return b;
    }
    b->file = g_strdup(opts->file);
    if (!open_layers(b, opts, errp)) {
        blockdev_close(b);
        return NULL;
    }
    return b;
}

void blockdev_close(BlockDev *b)
{
    if (!b) {
        return;
    }
    blockdev_return_to_present(b);
    int err = b->top ? b->top->driver->flush(b->top) : 0;
    if (err < 0) {
        error_report("%s: '%s' could not be written: %s", b->head.node, b->file,
                     g_strerror(-err));
    }
    undo_free(b->undo);
    node_unref(b->top);
    node_unref(b->image);
    g_free(b->head.node);
    g_free(b->file);
    g_free(b);
}

/* --- what it is ------------------------------------------------------- */

const char *blockdev_file(const BlockDev *b)
{
    return b->file;
}

const char *blockdev_format(const BlockDev *b)
{
    return b->image ? b->image->driver->format : "raw";
}

static uint64_t disk_size_bytes(const BlockDev *b)
{
    return b->top ? b->top->size_bytes : 0;
}

static bool disk_readonly(const BlockDev *b)
{
    return b->readonly;
}

static bool disk_is_empty(const BlockDev *b)
{
    return !b->image;
}

/* --- requests --------------------------------------------------------- */

static void disk_bind(BlockDev *b, Machine *m)
{
    b->errors = nondet_port(m, NONDET_BLOCK_ERROR, b->head.node, NULL, b);
}

static bool in_bounds(const BlockDev *b, uint64_t offset, uint64_t bytes)
{
    uint64_t size = disk_size_bytes(b);
    return offset <= size && bytes <= size - offset;
}

/* The errors that a device can see. */
static int error_known(int err)
{
    return err == 0 || err == -ENOSPC || err == -EROFS ? err : -EIO;
}

/* What the guest is told of a request that the host answered with err; the
 * turnstile for disks. */
static int error_pull(BlockDev *b, int err)
{
    uint8_t answer[4];
    if (!b->errors) {
        return error_known(err);
    }
    bytes_st_le32(answer, -error_known(err));
    nondet_pull_rare(b->errors, answer, sizeof answer);
    return error_known(-(int)MIN(bytes_ld_le32(answer), 4096));
}

/* In replay, the host must not fail where it did not when recording. */
static void report_unreplayable(const BlockDev *b, uint64_t offset, int err)
{
    if (err < 0) {
        error_report("%s: '%s' at offset %" G_GUINT64_FORMAT ": %s; this "
                     "replay is no longer the recording", b->head.node, b->file,
                     offset, g_strerror(-err));
    }
}

/* Notes a request and how it ended, which is returned. */
static int count(BlockDev *b, BlockRequest request, uint64_t bytes, int err)
{
    BlockStats *s = &b->stats[request];
    s->requests += err == 0;
    s->bytes += err == 0 ? bytes : 0;
    s->failed += err != 0;
    return err;
}

BlockModes blockdev_modes(const BlockDev *b)
{
    return (BlockModes) { b->write_through, b->no_flush, b->detect_zeroes };
}

BlockStats blockdev_stats(const BlockDev *b, BlockRequest request)
{
    return b->stats[request];
}

static int disk_read(BlockDev *b, uint64_t offset, void *buf, size_t bytes)
{
    int err = -EIO;
    if (in_bounds(b, offset, bytes)) {
        err = bytes ? b->top->driver->read(b->top, offset, buf, bytes) : 0;
        int answer = error_pull(b, err);
        if (answer == 0 && b->errors) {
            report_unreplayable(b, offset, err);
        }
        err = err == 0 || b->errors ? answer : err;
    }
    if (err < 0) {
        /* What the host left there is nobody's business. */
        memset(buf, 0, bytes);
    }
    return count(b, BLOCK_READ, bytes, error_known(err));
}

static bool is_zero(const uint8_t *buf, uint64_t bytes)
{
    return !buf[0] && !memcmp(buf, buf + 1, bytes - 1);
}

/* Writes data, or zeroes when there are none. */
static int write_top(BlockDev *b, uint64_t offset, const void *buf,
                     uint64_t bytes)
{
    const BlockDriver *driver = b->top ? b->top->driver : NULL;
    int err;
    if (bytes == 0) {
        return 0;
    }
    if (!buf || (b->detect_zeroes && is_zero(buf, bytes))) {
        err = driver->write_zeroes(b->top, offset, bytes);
    } else {
        err = driver->write(b->top, offset, buf, bytes);
    }
    return err < 0 || !b->write_through ? err : driver->flush(b->top);
}

static int blockdev_change(BlockDev *b, uint64_t offset, const void *buf,
                           uint64_t bytes)
{
    if (!in_bounds(b, offset, bytes)) {
        return -EIO;
    }
    if (b->readonly) {
        return -EROFS;
    }
    if (!b->replay && !b->away) {
        if (b->undo) {
            undo_capture(b->undo, offset, bytes, !buf);
        }
        return error_pull(b, write_top(b, offset, buf, bytes));
    }
    /* What failed when it was recorded must not be done now. */
    int answer = error_pull(b, 0);
    if (answer == 0) {
        report_unreplayable(b, offset, write_top(b, offset, buf, bytes));
    }
    return answer;
}

static int disk_write(BlockDev *b, uint64_t offset, const void *buf, size_t bytes)
{
    g_assert(buf || bytes == 0);
    return count(b, BLOCK_WRITE, bytes,
                 blockdev_change(b, offset, buf, bytes));
}

static int disk_write_zeroes(BlockDev *b, uint64_t offset, uint64_t bytes)
{
    return count(b, BLOCK_ZERO, bytes,
                 blockdev_change(b, offset, NULL, bytes));
}

static int disk_discard(BlockDev *b, uint64_t offset, uint64_t bytes)
{
    return b->keep_discarded ? 0 : disk_write_zeroes(b, offset, bytes);
}

static bool disk_discards(const BlockDev *b)
{
    return !b->keep_discarded;
}

static int flush_top(BlockDev *b)
{
    return b->no_flush ? 0 : b->top->driver->flush(b->top);
}

static int disk_flush(BlockDev *b)
{
    int err = b->top ? error_pull(b, flush_top(b)) : 0;
    return count(b, BLOCK_FLUSH, 0, err);
}

static const BlockDevOps disk_ops = {
    .size_bytes = disk_size_bytes,
    .readonly = disk_readonly,
    .is_empty = disk_is_empty,
    .bind = disk_bind,
    .read = disk_read,
    .write = disk_write,
    .write_zeroes = disk_write_zeroes,
    .discard = disk_discard,
    .discards = disk_discards,
    .flush = disk_flush,
};

uint64_t blockdev_extent(BlockDev *b, uint64_t offset, uint64_t bytes,
                         BlockExtent *what)
{
    g_assert(bytes > 0 && in_bounds(b, offset, bytes));
    return b->top->driver->extent(b->top, offset, bytes, what);
}

/* --- digest ----------------------------------------------------------- */

/* The digest is one over the chunks that are not all zeroes, each with its
 * place, so that it does not depend on how zeroes are stored. */
#define DIGEST_CHUNK (64 * KIB)

static bool all_zero(const uint8_t *p, size_t bytes)
{
    return bytes == 0 || (p[0] == 0 && memcmp(p, p + 1, bytes - 1) == 0);
}

/* The first byte at or after offset that may be other than zero. */
static uint64_t skip_zeroes(BlockDev *b, uint64_t offset)
{
    uint64_t size = disk_size_bytes(b);
    BlockExtent what = BLOCK_EXTENT_ZERO;
    while (offset < size) {
        uint64_t run = blockdev_extent(b, offset, size - offset, &what);
        if (what == BLOCK_EXTENT_DATA) {
            break;
        }
        offset += run;
    }
    return offset;
}

bool blockdev_content_digest(BlockDev *b, uint64_t *digest, Error **errp)
{
    uint64_t size = disk_size_bytes(b);
    g_autofree uint8_t *chunk = g_malloc(DIGEST_CHUNK);
    *digest = digest_mix(0, size);
    for (uint64_t at = skip_zeroes(b, 0) & ~(DIGEST_CHUNK - 1); at < size;
         at = skip_zeroes(b, at + DIGEST_CHUNK) & ~(DIGEST_CHUNK - 1)) {
        size_t bytes = MIN(DIGEST_CHUNK, size - at);
        int err = b->top->driver->read(b->top, at, chunk, bytes);
        if (err < 0) {
            error_set_errno(errp, -err, "Could not read '%s' at offset %"
                            G_GUINT64_FORMAT, b->file, at);
            return false;
        }
        if (!all_zero(chunk, bytes)) {
            *digest = digest_mix(digest_mix(*digest, at),
                                 digest_bytes(chunk, bytes));
        }
    }
    return true;
}

/* --- snapshots -------------------------------------------------------- */

void block_snapshot_free(BlockSnapshot *s)
{
    if (s) {
        g_free(s->id);
        g_free(s->name);
        g_free(s);
    }
}

static bool has_snapshots(const BlockDev *b)
{
    return b->image && b->image->driver->snapshot_list;
}

bool blockdev_can_snapshot(const BlockDev *b)
{
    return has_snapshots(b) && b->top == b->image && !b->image->readonly;
}

static bool want_snapshots(const BlockDev *b, bool change, Error **errp)
{
    if (!has_snapshots(b)) {
        error_set(errp, "Device '%s' is of a format without snapshots", b->head.node);
        return false;
    }
    if (change && !blockdev_can_snapshot(b)) {
        error_set(errp, "Device '%s' is not writable: its snapshots cannot "
                  "be changed", b->head.node);
        return false;
    }
    return true;
}

GPtrArray *blockdev_snapshot_list(BlockDev *b, Error **errp)
{
    if (has_snapshots(b)) {
        return b->image->driver->snapshot_list(b->image);
    }
    return g_ptr_array_new_with_free_func((GDestroyNotify)block_snapshot_free);
}

/* A stream as pieces. */
static VmStatePiece fill_from_bytes(void *opaque, uint64_t offset,
                                    uint8_t *buf, size_t bytes)
{
    gsize len;
    const uint8_t *data = g_bytes_get_data(opaque, &len);
    size_t part = MIN(bytes, len - offset);
    memcpy(buf, data + offset, part);
    memset(buf + part, 0, bytes - part);
    return VM_STATE_DATA;
}

bool blockdev_snapshot_create(BlockDev *b, const BlockSnapshot *info,
                              GBytes *vm_state, Error **errp)
{
    BlockVmState state = {
        .bytes = vm_state ? g_bytes_get_size(vm_state) : 0,
        .fill = fill_from_bytes, .opaque = vm_state,
    };
    return blockdev_snapshot_create_pieces(b, info, &state, errp);
}

/* A replay's disk, whose image can take a snapshot although it is open for
 * reading only. */
static bool adds_snapshots(const BlockDev *b)
{
    return b->replay && has_snapshots(b) && b->image->driver->snapshot_add;
}

bool blockdev_snapshot_may_create(BlockDev *b, const char *name, Error **errp)
{
    if (adds_snapshots(b)) {
        return b->image->driver->snapshot_may_add(b->image, name, errp);
    }
    if (!blockdev_can_snapshot(b)) {
        error_set(errp, "Device '%s' is writable but does not support "
                  "snapshots", b->head.node);
        return false;
    }
    return true;
}

bool blockdev_snapshot_create_pieces(BlockDev *b, const BlockSnapshot *info,
                                     BlockVmState *state, Error **errp)
{
    if (adds_snapshots(b)) {
        SnapshotAdd add = { .info = info, .state = state };
        add.tree = overlay_written(b->top, &add.base);
        return b->image->driver->snapshot_add(b->image, &add, errp);
    }
    return want_snapshots(b, true, errp) &&
           b->image->driver->snapshot_create(b->image, info, state, errp);
}

bool blockdev_snapshot_goto(BlockDev *b, const char *name, Error **errp)
{
    if (!want_snapshots(b, !b->replay, errp)) {
        return false;
    }
    if (b->undo && undo_has_marks(b->undo)) {
        error_set(errp, "Device '%s' is being recorded and its past is kept: "
                  "it cannot become another snapshot", b->head.node);
        return false;
    }
    if (!b->replay) {
        return b->image->driver->snapshot_goto(b->image, name, errp);
    }
    BlockNode *view = b->image->driver->snapshot_view(b->image, name, errp);
    if (!view) {
        return false;
    }
    overlay_rebase(b->top, view);
    node_unref(view);
    return true;
}

bool blockdev_snapshot_delete(BlockDev *b, const char *name, Error **errp)
{
    return want_snapshots(b, true, errp) &&
           b->image->driver->snapshot_delete(b->image, name, errp);
}

bool blockdev_snapshot_rename(BlockDev *b, const char *from, const char *to,
                              Error **errp)
{
    return want_snapshots(b, true, errp) &&
           b->image->driver->snapshot_rename(b->image, from, to, errp);
}

void blockdev_snapshot_withdraw(BlockDev *b, const char *name)
{
    if (adds_snapshots(b)) {
        b->image->driver->snapshot_withdraw(b->image, name);
    }
}

GBytes *blockdev_snapshot_vm_state(BlockDev *b, const char *name, Error **errp)
{
    return want_snapshots(b, false, errp) ?
           b->image->driver->snapshot_vm_state(b->image, name, errp) : NULL;
}

bool blockdev_snapshot_read(BlockDev *b, const VmStateRead *what, Error **errp)
{
    return want_snapshots(b, false, errp) &&
           b->image->driver->snapshot_read(b->image, what, errp);
}

uint64_t blockdev_snapshot_room(BlockDev *b, const GPtrArray *names)
{
    return has_snapshots(b) ? b->image->driver->snapshot_room(b->image, names)
                            : 0;
}

/* --- the past --------------------------------------------------------- */

static bool is_layered(const BlockDev *b)
{
    return b->top != b->image;
}

BlockMark *blockdev_mark(BlockDev *b)
{
    if (!is_layered(b) && !b->undo) {
        return NULL;
    }
    BlockMark *mark = g_new0(BlockMark, 1);
    if (is_layered(b)) {
        mark->overlay = overlay_mark(b->top);
    } else {
        mark->undo = undo_mark(b->undo);
    }
    return mark;
}

void blockdev_return_to(BlockDev *b, const BlockMark *mark)
{
    if (mark->undo) {
        g_assert(b->undo);
        node_unref(b->top);
        b->top = undo_view(b->undo, mark->undo);
    } else {
        g_assert(is_layered(b));
        overlay_return_to(b->top, mark->overlay);
    }
    b->away = true;
}

void blockdev_mark_free(BlockMark *mark)
{
    if (mark) {
        overlay_mark_free(mark->overlay);
        undo_mark_free(mark->undo);
        g_free(mark);
    }
}

void blockdev_keep_past(BlockDev *b, bool on)
{
    if (on && !b->undo && b->image && !is_layered(b) && !b->readonly) {
        b->undo = undo_new(b->image, b->head.node);
    }
    if (!on && b->undo) {
        blockdev_return_to_present(b);
        g_assert(!undo_has_marks(b->undo));
        undo_free(b->undo);
        b->undo = NULL;
    }
}

void blockdev_return_to_present(BlockDev *b)
{
    if (b->undo && is_layered(b)) {
        node_unref(b->top);
        b->top = node_ref(b->image);
    }
    b->away = false;
}

uint64_t blockdev_past_bytes(const BlockDev *b)
{
    return b->undo ? undo_bytes(b->undo) : 0;
}
