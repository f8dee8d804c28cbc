/*
 * A disk beside a plain array: random requests to both. See disk-model.h.
 */
#include "disk-model.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

static char *folder;

static void remove_folder(void)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_unlink(path);
    }
    g_dir_close(dir);
    g_rmdir(folder);
    g_free(folder);
}

char *disk_path(const char *name)
{
    if (!folder) {
        bool shm = g_file_test("/dev/shm", G_FILE_TEST_IS_DIR);
        g_autofree char *template = g_build_filename(
            shm ? "/dev/shm" : g_get_tmp_dir(), "test-disk-XXXXXX", NULL);
        folder = g_strdup(g_mkdtemp(template));
        g_assert_nonnull(folder);
        atexit(remove_folder);
    }
    return g_build_filename(folder, name, NULL);
}

BlockDev *disk_open(const BlockOpenOptions *opts)
{
    Error *err = NULL;
    BlockDev *b = blockdev_open(opts, &err);
    if (!b) {
        g_test_message("%s", error_message(err));
    }
    g_assert_nonnull(b);
    return b;
}

DiskModel *disk_model_open(const BlockOpenOptions *opts, uint32_t seed)
{
    DiskModel *d = g_new0(DiskModel, 1);
    d->opts = *opts;
    d->rand = g_rand_new_with_seed(seed);
    d->disk = disk_open(opts);
    d->size = blockdev_size_bytes(d->disk);
    d->bytes = g_malloc(d->size);
    g_assert_cmpint(blockdev_read(d->disk, 0, d->bytes, d->size), ==, 0);
    return d;
}

void disk_model_close(DiskModel *d)
{
    blockdev_close(d->disk);
    g_rand_free(d->rand);
    g_free(d->bytes);
    g_free(d);
}

void disk_model_reopen(DiskModel *d)
{
    blockdev_close(d->disk);
    d->disk = disk_open(&d->opts);
    g_assert_cmpuint(blockdev_size_bytes(d->disk), ==, d->size);
}

static uint64_t pick(DiskModel *d, uint64_t below)
{
    uint64_t v = (uint64_t)g_rand_int(d->rand) << 32 | g_rand_int(d->rand);
    return v % below;
}

static void request(DiskModel *d, uint8_t *buf)
{
    /* Anything, or aligned; short, or long. */
    uint64_t align = pick(d, 2) ? 1 : 512 << pick(d, 8);
    uint64_t at = pick(d, d->size) / align * align;
    uint64_t len = pick(d, pick(d, 4) ? 6000 : 300000) / align * align + 1;
    len = MIN(len > align ? len - 1 : len, d->size - at);
    switch (pick(d, 6)) {
    case 0:
    case 1:
        g_assert_cmpint(blockdev_read(d->disk, at, buf, len), ==, 0);
        g_assert_cmpmem(buf, len, d->bytes + at, len);
        break;
    case 2:
        g_assert_cmpint(blockdev_write_zeroes(d->disk, at, len), ==, 0);
        memset(d->bytes + at, 0, len);
        break;
    case 3:
        g_assert_cmpint(blockdev_flush(d->disk), ==, 0);
        break;
    default:
        memset(buf, g_rand_int(d->rand), len);
        for (uint64_t i = 0; i < len; i += 500) {
            buf[i] = g_rand_int(d->rand);
        }
        g_assert_cmpint(blockdev_write(d->disk, at, buf, len), ==, 0);
        memcpy(d->bytes + at, buf, len);
    }
}

void disk_model_requests(DiskModel *d, unsigned count)
{
    g_autofree uint8_t *buf = g_malloc(300001);
    while (count-- > 0) {
        request(d, buf);
    }
}

void disk_model_check(DiskModel *d)
{
    g_autofree uint8_t *buf = g_malloc(d->size);
    g_assert_cmpint(blockdev_read(d->disk, 0, buf, d->size), ==, 0);
    g_assert_cmpint(memcmp(buf, d->bytes, d->size), ==, 0);
    /* What is said to be zero is. */
    for (uint64_t at = 0; at < d->size;) {
        BlockExtent what;
        uint64_t run = blockdev_extent(d->disk, at, d->size - at, &what);
        g_assert_cmpuint(run, >, 0);
        g_assert_cmpuint(run, <=, d->size - at);
        for (uint64_t i = 0; what != BLOCK_EXTENT_DATA && i < run; i++) {
            g_assert_cmpuint(buf[at + i], ==, 0);
        }
        at += run;
    }
}

static void say(void *opaque, const char *line)
{
    g_test_message("%s", line);
}

void disk_check_clean(const char *path)
{
    Error *err = NULL;
    ImageCheck r = { .report = say };
    g_assert_true(image_check(path, NULL, false, &r, &err));
    g_assert_null(err);
    g_assert_cmpuint(r.corruptions, ==, 0);
    g_assert_cmpuint(r.leaks, ==, 0);
}
