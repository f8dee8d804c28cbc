/*
 * Disks: raw images, the overlay and its marks, locks, errors as inputs,
 * digests.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/bytes.h"
#include "disk-model.h"
#include "vm/machine.h"
#include "vm/nondet.h"

#define SIZE (5 * MIB + 3 * 512)

static char *raw_image(const char *name, uint64_t size)
{
    char *path = disk_path(name);
    ImageCreate c = { .file = path, .format = "raw", .size_bytes = size };
    g_assert_true(image_create(&c, NULL));
    return path;
}

static void test_raw(void)
{
    g_autofree char *path = raw_image("raw", SIZE);
    BlockOpenOptions opts = { .node = "d0", .file = path, .format = "raw" };
    DiskModel *d = disk_model_open(&opts, 1);
    g_assert_cmpuint(d->size, ==, SIZE);
    disk_model_requests(d, 500);
    disk_model_check(d);
    disk_model_reopen(d);
    disk_model_check(d);
    g_assert_cmpstr(blockdev_format(d->disk), ==, "raw");
    g_assert_cmpstr(blockdev_node(d->disk), ==, "d0");
    g_assert_false(blockdev_can_snapshot(d->disk));
    g_assert_null(blockdev_mark(d->disk));
    disk_model_close(d);
}

/* A file that is no multiple of a sector goes on with zeroes. */
static void test_odd_size(void)
{
    g_autofree char *path = disk_path("odd");
    g_assert_true(g_file_set_contents(path, "hello", 5, NULL));
    BlockOpenOptions opts = { .file = path, .readonly = true };
    BlockDev *b = disk_open(&opts);
    uint8_t buf[512], want[512] = "hello";
    g_assert_cmpuint(blockdev_size_bytes(b), ==, 512);
    g_assert_cmpint(blockdev_read(b, 0, buf, 512), ==, 0);
    g_assert_cmpmem(buf, 512, want, 512);
    blockdev_close(b);
}

static void test_bounds(void)
{
    g_autofree char *path = raw_image("bounds", 4096);
    BlockOpenOptions opts = { .file = path, .format = "raw" };
    BlockDev *b = disk_open(&opts);
    uint8_t buf[1024];
    memset(buf, 1, sizeof buf);
    g_assert_cmpint(blockdev_read(b, 3584, buf, 1024), ==, -EIO);
    g_assert_cmpuint(buf[0], ==, 0);
    g_assert_cmpint(blockdev_read(b, UINT64_MAX - 100, buf, 1024), ==, -EIO);
    g_assert_cmpint(blockdev_write(b, 4096, buf, 1), ==, -EIO);
    g_assert_cmpint(blockdev_write(b, 4096, buf, 0), ==, 0);
    g_assert_cmpint(blockdev_write_zeroes(b, 1, UINT64_MAX), ==, -EIO);
    blockdev_close(b);

    opts.readonly = true;
    b = disk_open(&opts);
    g_assert_true(blockdev_readonly(b));
    g_assert_cmpint(blockdev_write(b, 0, buf, 512), ==, -EROFS);
    g_assert_cmpint(blockdev_write_zeroes(b, 0, 512), ==, -EROFS);
    g_assert_cmpint(blockdev_flush(b), ==, 0);
    blockdev_close(b);
}

static void test_empty(void)
{
    BlockOpenOptions opts = { .node = "cd", .replay = true };
    BlockDev *b = disk_open(&opts);
    uint64_t digest;
    g_assert_true(blockdev_is_empty(b));
    g_assert_null(blockdev_file(b));
    g_assert_null(blockdev_mark(b));
    g_assert_cmpuint(blockdev_size_bytes(b), ==, 0);
    g_assert_cmpint(blockdev_read(b, 0, &digest, 8), ==, -EIO);
    g_assert_cmpint(blockdev_flush(b), ==, 0);
    g_assert_true(blockdev_content_digest(b, &digest, NULL));
    blockdev_close(b);
}

/* --- overlay ---------------------------------------------------------- */

static uint64_t digest_of(BlockDev *b)
{
    uint64_t digest;
    g_assert_true(blockdev_content_digest(b, &digest, NULL));
    return digest;
}

/* snapshot=on: the disk changes, the file does not. */
static void test_temporary(void)
{
    g_autofree char *path = raw_image("temporary", SIZE);
    BlockOpenOptions opts = { .file = path, .format = "raw" };
    DiskModel *d = disk_model_open(&opts, 2);
    disk_model_requests(d, 100);
    uint64_t before = digest_of(d->disk);
    disk_model_close(d);

    opts.temporary = true;
    d = disk_model_open(&opts, 3);
    g_assert_cmpuint(digest_of(d->disk), ==, before);
    disk_model_requests(d, 400);
    disk_model_check(d);
    g_assert_cmpuint(digest_of(d->disk), !=, before);
    /* Others may read the file meanwhile, even the same way. */
    BlockDev *other = disk_open(&opts);
    g_assert_cmpuint(digest_of(other), ==, before);
    blockdev_close(other);
    disk_model_close(d);
}

/* Marks nest, survive a return, and are of any order. */
static void test_marks(void)
{
    enum { MARKS = 8 };
    g_autofree char *path = raw_image("marks", SIZE);
    BlockOpenOptions opts = { .file = path, .format = "raw", .replay = true };
    DiskModel *d = disk_model_open(&opts, 4);
    BlockMark *marks[MARKS];
    uint8_t *bytes[MARKS];
    for (int i = 0; i < MARKS; i++) {
        disk_model_requests(d, 40);
        marks[i] = blockdev_mark(d->disk);
        bytes[i] = g_memdup2(d->bytes, d->size);
    }
    static const int order[] = { 5, 2, 2, 7, 0, 6, 1 };
    for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
        blockdev_return_to(d->disk, marks[order[i]]);
        memcpy(d->bytes, bytes[order[i]], d->size);
        disk_model_check(d);
        disk_model_requests(d, 30);
        disk_model_check(d);
    }
    for (int i = 0; i < MARKS - 1; i++) {
        blockdev_mark_free(marks[i]);
        g_free(bytes[i]);
    }
    disk_model_check(d);
    disk_model_close(d);
    /* A mark outlives its disk. */
    blockdev_mark_free(marks[MARKS - 1]);
    g_free(bytes[MARKS - 1]);

    opts.replay = false;
    opts.readonly = true;
    d = disk_model_open(&opts, 5);
    for (uint64_t i = 0; i < d->size; i++) {
        g_assert_cmpuint(d->bytes[i], ==, 0);
    }
    disk_model_close(d);
}

/* A terabyte of zeroes costs nothing, nor does marking it. */
static void test_large_overlay(void)
{
    g_autofree char *path = raw_image("large", 1024 * GIB);
    BlockOpenOptions opts = { .file = path, .format = "raw", .replay = true };
    BlockDev *b = disk_open(&opts);
    uint8_t buf[3] = { 1, 2, 3 }, got[3];
    uint64_t empty = digest_of(b);
    g_assert_cmpint(blockdev_write(b, 777 * GIB - 1, buf, 3), ==, 0);
    g_assert_cmpuint(digest_of(b), !=, empty);
    BlockMark *mark = blockdev_mark(b);
    g_assert_cmpint(blockdev_write_zeroes(b, 1, 1000 * GIB), ==, 0);
    g_assert_cmpuint(digest_of(b), ==, empty);
    blockdev_return_to(b, mark);
    g_assert_cmpint(blockdev_read(b, 777 * GIB - 1, got, 3), ==, 0);
    g_assert_cmpmem(buf, 3, got, 3);
    blockdev_mark_free(mark);
    blockdev_close(b);
}

/* How zeroes are stored does not show in the digest. */
static void test_digest(void)
{
    g_autofree char *path = raw_image("digest", 128 * MIB);
    BlockOpenOptions opts = { .file = path, .format = "raw" };
    BlockDev *b = disk_open(&opts);
    g_autofree uint8_t *zeroes = g_malloc0(300000);
    uint64_t empty = digest_of(b);
    g_assert_cmpint(blockdev_write(b, 1000000, zeroes, 300000), ==, 0);
    g_assert_cmpuint(digest_of(b), ==, empty);
    g_assert_cmpint(blockdev_write(b, 1000000, "x", 1), ==, 0);
    uint64_t one = digest_of(b);
    g_assert_cmpuint(one, !=, empty);
    g_assert_cmpint(blockdev_write(b, 1000000, zeroes, 1), ==, 0);
    g_assert_cmpint(blockdev_write(b, 2000000, "x", 1), ==, 0);
    g_assert_cmpuint(digest_of(b), !=, one);
    blockdev_close(b);
}

/* --- opening ---------------------------------------------------------- */

static void refused(const BlockOpenOptions *opts, const char *because)
{
    Error *err = NULL;
    g_assert_null(blockdev_open(opts, &err));
    g_assert_nonnull(strstr(error_message(err), because));
    error_free(err);
}

static void test_locks(void)
{
    g_autofree char *path = raw_image("locks", MIB);
    BlockOpenOptions writer = { .file = path, .format = "raw" };
    BlockOpenOptions reader = writer;
    reader.readonly = true;
    BlockDev *b = disk_open(&writer);
    refused(&writer, "Failed to get \"write\" lock");
    refused(&reader, "Failed to get shared \"write\" lock");
    blockdev_close(b);

    b = disk_open(&reader);
    BlockDev *other = disk_open(&reader);
    refused(&writer, "Failed to get \"write\" lock");
    blockdev_close(b);
    blockdev_close(other);
    blockdev_close(disk_open(&writer));
}

static void test_refused(void)
{
    g_autofree char *path = disk_path("refused");
    BlockOpenOptions opts = { .file = path };
    refused(&opts, "No such file");
    opts.file = "/dev/shm/..";
    opts.readonly = true;
    refused(&opts, "not a file or block device");
    g_assert_true(g_file_set_contents(path, "QFI\xfb", 4, NULL));
    opts.file = path;
    refused(&opts, path);
    opts.format = "vhdx";
    refused(&opts, "Unknown driver 'vhdx'");
    opts.format = "raw";
    blockdev_close(disk_open(&opts));
    opts.replay = true;
    opts.at_snapshot = "s";
    refused(&opts, "no snapshots");
}

/* A guest cannot turn an image that was guessed to be raw into a qcow2. */
static void test_guessed(void)
{
    g_autofree char *path = raw_image("guessed", MIB);
    BlockOpenOptions opts = { .file = path };
    BlockDev *b = disk_open(&opts);
    g_assert_cmpint(blockdev_write(b, 0, "QFI\xfb", 4), ==, -EIO);
    g_assert_cmpint(blockdev_write(b, 0, "QFI", 3), ==, 0);
    g_assert_cmpint(blockdev_write(b, 3, "\xfb", 1), ==, -EIO);
    g_assert_cmpint(blockdev_write(b, 512, "QFI\xfb", 4), ==, 0);
    blockdev_close(b);
    opts.format = "raw";
    b = disk_open(&opts);
    g_assert_cmpint(blockdev_write(b, 3, "\xfb", 1), ==, 0);
    blockdev_close(b);
}

/* --- errors as inputs ------------------------------------------------- */

/* A source that answers the third request of a port with an error. */
static unsigned requests;

static void fail_third(void *opaque, NondetPort *p, void *io, size_t len)
{
    g_assert_cmpuint(len, ==, 4);
    g_assert_cmpint(p->kind, ==, NONDET_BLOCK_ERROR);
    g_assert_cmpstr(p->name, ==, "d0");
    bytes_st_le32(io, ++requests == 3 ? ENOSPC : 0);
}

static void test_replayed_error(void)
{
    g_autofree char *path = raw_image("errors", MIB);
    BlockOpenOptions opts = {
        .node = "d0", .file = path, .format = "raw", .replay = true,
    };
    Machine m = { .nondet = nondet_new() };
    NondetSource source = { .mode = "play", .pull_rare = fail_third };
    BlockDev *b = disk_open(&opts);
    char buf[4] = "old";
    blockdev_bind(b, &m);
    nondet_set_source(&m, &source);
    g_assert_cmpint(blockdev_write(b, 0, buf, 4), ==, 0);
    g_assert_cmpint(blockdev_read(b, 0, buf, 4), ==, 0);
    g_assert_cmpint(blockdev_write(b, 0, "new", 4), ==, -ENOSPC);
    g_assert_cmpint(blockdev_read(b, 0, buf, 4), ==, 0);
    /* What failed was not done. */
    g_assert_cmpstr(buf, ==, "old");
    requests = 2;
    g_assert_cmpint(blockdev_read(b, 0, buf, 4), ==, -ENOSPC);
    g_assert_cmpint(buf[0], ==, 0);
    blockdev_close(b);
    nondet_free(m.nondet);
}

static uint64_t file_bytes(const char *path)
{
    g_autofree char *data = NULL;
    gsize len = 0;
    g_assert_true(g_file_get_contents(path, &data, &len, NULL));
    return len;
}

/* Zeroes that are written take no room if they are looked for, and nothing
 * that was there comes back. */
static void test_detected_zeroes(void)
{
    static uint8_t zeroes[256 * KIB], ones[4096];
    for (unsigned detect = 0; detect < 2; detect++) {
        g_autofree char *path = disk_path(detect ? "detect" : "plain");
        ImageCreate c = { .file = path, .format = "qcow2",
                          .size_bytes = 4 * MIB };
        BlockOpenOptions opts = { .file = path, .format = "qcow2",
                                  .detect_zeroes = detect,
                                  .write_through = detect };
        g_assert_true(image_create(&c, NULL));
        uint64_t before = file_bytes(path);
        BlockDev *b = disk_open(&opts);
        g_assert_cmpint(blockdev_write(b, 0, zeroes, sizeof zeroes), ==, 0);
        memset(ones, 1, sizeof ones);
        g_assert_cmpint(blockdev_write(b, MIB, ones, sizeof ones), ==, 0);
        g_assert_cmpint(blockdev_write(b, MIB, zeroes, sizeof ones), ==, 0);
        g_assert_cmpint(blockdev_read(b, MIB, ones, sizeof ones), ==, 0);
        g_assert_cmpmem(ones, sizeof ones, zeroes, sizeof ones);
        blockdev_close(b);
        uint64_t grown = file_bytes(path) - before;
        g_assert_cmpuint(grown >= sizeof zeroes, ==, !detect);
    }
}

static void test_discard(void)
{
    for (unsigned keep = 0; keep < 2; keep++) {
        g_autofree char *path = raw_image("discard", MIB);
        BlockOpenOptions opts = { .file = path, .format = "raw",
                                  .keep_discarded = keep, .no_flush = keep };
        BlockDev *b = disk_open(&opts);
        uint8_t buf[512];
        memset(buf, 7, sizeof buf);
        g_assert_cmpint(blockdev_write(b, 512, buf, sizeof buf), ==, 0);
        g_assert_cmpint(blockdev_discard(b, 512, 512), ==, 0);
        g_assert_cmpint(blockdev_flush(b), ==, 0);
        g_assert_cmpint(blockdev_read(b, 512, buf, sizeof buf), ==, 0);
        g_assert_cmpint(buf[100], ==, keep ? 7 : 0);
        g_assert_cmpint(blockdev_discards(b), ==, !keep);
        blockdev_close(b);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/block/raw", test_raw);
    g_test_add_func("/block/odd-size", test_odd_size);
    g_test_add_func("/block/bounds", test_bounds);
    g_test_add_func("/block/empty", test_empty);
    g_test_add_func("/block/temporary", test_temporary);
    g_test_add_func("/block/marks", test_marks);
    g_test_add_func("/block/large-overlay", test_large_overlay);
    g_test_add_func("/block/digest", test_digest);
    g_test_add_func("/block/locks", test_locks);
    g_test_add_func("/block/refused", test_refused);
    g_test_add_func("/block/guessed", test_guessed);
    g_test_add_func("/block/detected-zeroes", test_detected_zeroes);
    g_test_add_func("/block/discard", test_discard);
    g_test_add_func("/block/replayed-error", test_replayed_error);
    return g_test_run();
}
