/*
 * A medium in memory. See medium.h.
 */
#include "medium.h"

#include <errno.h>
#include <string.h>

struct BlockFile *medium;

/* --- in place of block/file.c ------------------------------------------- */

BlockFile *block_file_open(const char *path, unsigned flags, Error **errp)
{
    if (flags & BLOCK_FILE_CREATE) {
        memset(medium->now, 0, MEDIUM_MAX);
        medium->size_bytes = 0;
    }
    return medium;
}

BlockFile *block_file_open_beside(BlockFile *reader, Error **errp)
{
    return medium;
}

bool block_file_measure(BlockFile *f, Error **errp)
{
    return true;
}

void block_file_close(BlockFile *f)
{
}

const char *block_file_path(const BlockFile *f)
{
    return "medium";
}

uint64_t block_file_size(const BlockFile *f)
{
    return f->size_bytes;
}

uint64_t block_file_allocated(const BlockFile *f)
{
    return f->size_bytes;
}

bool block_file_same(const BlockFile *f, const char *path)
{
    return false;
}

int block_file_read(BlockFile *f, uint64_t offset, void *buf, size_t bytes)
{
    uint64_t here = offset < MEDIUM_MAX ? MIN(bytes, MEDIUM_MAX - offset) : 0;
    memset((uint8_t *)buf + here, 0, bytes - here);
    memcpy(buf, f->now + MIN(offset, MEDIUM_MAX), here);
    return 0;
}

/* Does this call fail? */
static bool call_fails(BlockFile *f)
{
    unsigned call = ++f->calls;
    bool fails = f->fail_at && call >= f->fail_at &&
                 call < f->fail_at + f->fail_calls;
    f->failed += fails;
    return fails;
}

static void medium_changed(BlockFile *f)
{
    if (f->changed) {
        f->changed(f->opaque);
    }
}

int block_file_write(BlockFile *f, uint64_t offset, const void *buf,
                     size_t bytes)
{
    bool fails = call_fails(f);
    if (offset + bytes > MEDIUM_MAX) {
        return -ENOSPC;
    }
    bytes = fails ? bytes * f->fail_part / 8 : bytes;
    memcpy(f->now + offset, buf, bytes);
    f->size_bytes = bytes ? MAX(f->size_bytes, offset + bytes) :
                    f->size_bytes;
    for (uint64_t at = offset & ~(MEDIUM_SECTOR - 1ULL); at < offset + bytes;
         at += MEDIUM_SECTOR) {
        MediumPending p = { .at = at };
        memcpy(p.data, f->now + at, MEDIUM_SECTOR);
        g_array_append_val(f->pending, p);
    }
    if (!fails) {
        medium_changed(f);
    }
    return fails ? -EIO : 0;
}

int block_file_zero(BlockFile *f, uint64_t offset, uint64_t bytes)
{
    g_assert_not_reached();
}

int block_file_fill(BlockFile *f, uint64_t offset, uint64_t bytes)
{
    g_assert_not_reached();
}

int block_file_allocate(BlockFile *f, uint64_t offset, uint64_t bytes)
{
    g_assert_not_reached();
}

int block_file_truncate(BlockFile *f, uint64_t size_bytes)
{
    if (call_fails(f)) {
        return -EIO;
    }
    f->size_bytes = size_bytes;
    medium_changed(f);
    return 0;
}

int block_file_sync(BlockFile *f)
{
    if (call_fails(f)) {
        return -EIO;
    }
    if (f->before_sync) {
        f->before_sync(f->opaque);
    }
    memcpy(f->safe, f->now, f->size_bytes);
    f->safe_bytes = f->size_bytes;
    g_array_set_size(f->pending, 0);
    return 0;
}

uint64_t block_file_extent(BlockFile *f, uint64_t offset, uint64_t bytes,
                           bool *hole)
{
    *hole = false;
    return bytes;
}

/* --- media ---------------------------------------------------------------- */

BlockFile *medium_new(void)
{
    BlockFile *f = g_new0(BlockFile, 1);
    f->now = g_malloc0(MEDIUM_MAX);
    f->safe = g_malloc0(MEDIUM_MAX);
    f->pending = g_array_new(FALSE, FALSE, sizeof(MediumPending));
    return f;
}

void medium_free(BlockFile *f)
{
    g_free(f->now);
    g_free(f->safe);
    g_array_unref(f->pending);
    g_free(f);
}

BlockFile *medium_copy(const BlockFile *f)
{
    BlockFile *copy = medium_new();
    memcpy(copy->now, f->now, f->size_bytes);
    copy->size_bytes = f->size_bytes;
    block_file_sync(copy);
    return copy;
}

BlockFile *medium_cut(const BlockFile *f, GRand *rand)
{
    BlockFile *cut = medium_new();
    unsigned keep = g_rand_int_range(rand, 0, 5);
    memcpy(cut->now, f->safe, f->safe_bytes);
    cut->size_bytes = f->safe_bytes;
    for (guint i = 0; i < f->pending->len; i++) {
        const MediumPending *p = &g_array_index(f->pending, MediumPending, i);
        if (g_rand_int_range(rand, 0, 4) < keep) {
            memcpy(cut->now + p->at, p->data, MEDIUM_SECTOR);
            cut->size_bytes = MAX(cut->size_bytes, p->at + MEDIUM_SECTOR);
        }
    }
    block_file_sync(cut);
    return cut;
}

/* --- images on it --------------------------------------------------------- */

BlockDev *medium_open(void)
{
    BlockOpenOptions opts = { .file = "medium", .format = "qcow2" };
    Error *err = NULL;
    BlockDev *b = blockdev_open(&opts, &err);
    if (!b) {
        g_test_message("%s", error_message(err));
    }
    g_assert_nonnull(b);
    return b;
}

/* Leaks are what a crash may leave. */
static void say(void *opaque, const char *line)
{
    if (!g_str_has_prefix(line, "Leaked")) {
        g_test_message("%s", line);
    }
}

uint64_t medium_check(void)
{
    ImageCheck r = { .report = say };
    g_assert_true(image_check("medium", "qcow2", false, &r, NULL));
    g_assert_cmpuint(r.corruptions, ==, 0);
    return r.leaks;
}
