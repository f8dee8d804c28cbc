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
#include "block-dev.h"
#include "vm/nondet.h"

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
