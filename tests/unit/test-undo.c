/*
 * The past of disks that are written: images that are being recorded, and
 * temporary disks. Marks and journeys at random, beside arrays.
 */
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "disk-model.h"
#include "vm/machine.h"
#include "vm/nondet.h"

#define SIZE (3 * MIB + 5 * 512)
#define MARKS_MAX 12

/* --- a host whose disk fails ------------------------------------------ */

static off_t bad_from, bad_to;    /* of any file */

ssize_t pread(int fd, void *buf, size_t bytes, off_t offset)
{
    static ssize_t (*next)(int, void *, size_t, off_t);
    if (!next) {
        next = (ssize_t (*)(int, void *, size_t, off_t))
            dlsym(RTLD_NEXT, "pread");
    }
    if (offset < bad_to && offset + (off_t)bytes > bad_from) {
        errno = EIO;
        return -1;
    }
    return next(fd, buf, bytes, offset);
}

/* --- a walk through time ---------------------------------------------- */

typedef struct Place {
    BlockMark *mark;
    uint8_t *bytes;
} Place;

typedef struct Walk {
    DiskModel *d;
    GArray *places;        /* of the recording, oldest first */
    GArray *away;          /* made on a journey */
} Walk;

static unsigned pick(Walk *w, unsigned below)
{
    return g_rand_int_range(w->d->rand, 0, below);
}

static void place_add(Walk *w, GArray *places)
{
    Place p = {
        .mark = blockdev_mark(w->d->disk),
        .bytes = g_memdup2(w->d->bytes, w->d->size),
    };
    g_assert_nonnull(p.mark);
    g_array_append_val(places, p);
}

static void place_drop(GArray *places, guint i)
{
    Place *p = &g_array_index(places, Place, i);
    blockdev_mark_free(p->mark);
    g_free(p->bytes);
    g_array_remove_index(places, i);
}

static void place_goto(Walk *w, const Place *p)
{
    blockdev_return_to(w->d->disk, p->mark);
    memcpy(w->d->bytes, p->bytes, w->d->size);
    disk_model_check(w->d);
}

static void drop_one(Walk *w, GArray *places)
{
    if (places->len > 0) {
        place_drop(places, pick(w, places->len));
    }
}

/* Anywhere that is known. */
static void goto_any(Walk *w)
{
    GArray *to = w->away->len && pick(w, 2) ? w->away : w->places;
    if (to->len > 0) {
        place_goto(w, &g_array_index(to, Place, pick(w, to->len)));
    }
}

/* Leaves from the present, which is marked as live reverse does it. */
static void journey(Walk *w)
{
    place_add(w, w->places);
    Place present = g_array_index(w->places, Place, w->places->len - 1);
    place_goto(w, &g_array_index(w->places, Place, pick(w, w->places->len)));
    g_assert_false(blockdev_can_snapshot(w->d->disk));
    for (int i = 0; i < 12; i++) {
        switch (pick(w, 5)) {
        case 0:
            place_add(w, w->away);
            break;
        case 1:
            drop_one(w, w->away);
            break;
        case 2:
            if (w->places->len > 1) {
                place_drop(w->places, pick(w, w->places->len - 1));
            }
            break;
        case 3:
            disk_model_requests(w->d, 5);
            break;
        default:
            goto_any(w);
        }
    }
    while (w->away->len > 0) {
        drop_one(w, w->away);
    }
    place_goto(w, &present);
    blockdev_return_to_present(w->d->disk);
    disk_model_check(w->d);
    place_drop(w->places, w->places->len - 1);
}

static void maybe_snapshot(Walk *w)
{
    BlockSnapshot info = { .name = (char *)"s", .icount = ICOUNT_NONE };
    if (!blockdev_can_snapshot(w->d->disk)) {
        return;
    }
    Error *err = NULL;
    bool ok = blockdev_snapshot_create(w->d->disk, &info, NULL, &err);
    g_assert_true(ok);
    if (w->places->len > 0) {
        g_assert_false(blockdev_snapshot_goto(w->d->disk, "s", &err));
        g_assert_nonnull(strstr(error_message(err), "past is kept"));
        error_free(err);
    }
    if (pick(w, 2)) {
        g_assert_true(blockdev_snapshot_delete(w->d->disk, "s", NULL));
    }
}

static void step(Walk *w)
{
    switch (pick(w, 8)) {
    case 0:
    case 1:
        if (w->places->len < MARKS_MAX) {
            place_add(w, w->places);
        }
        break;
    case 2:
        drop_one(w, w->places);
        break;
    case 3:
        journey(w);
        break;
    case 4:
        maybe_snapshot(w);
        break;
    default:
        disk_model_requests(w->d, 10);
    }
}

static void walk(const BlockOpenOptions *opts, unsigned seed)
{
    Walk w = {
        .d = disk_model_open(opts, seed),
        .places = g_array_new(FALSE, FALSE, sizeof(Place)),
        .away = g_array_new(FALSE, FALSE, sizeof(Place)),
    };
    blockdev_keep_past(w.d->disk, true);
    for (int i = 0; i < 150; i++) {
        step(&w);
    }
    journey(&w);
    while (w.places->len > 0) {
        drop_one(&w, w.places);
    }
    g_assert_cmpuint(blockdev_past_bytes(w.d->disk), ==, 0);
    blockdev_keep_past(w.d->disk, false);
    disk_model_check(w.d);
    if (!opts->temporary) {
        /* All of the recording is in the image, and nothing else. */
        disk_model_reopen(w.d);
        disk_model_check(w.d);
    }
    g_array_free(w.places, TRUE);
    g_array_free(w.away, TRUE);
    disk_model_close(w.d);
}

static char *image(const char *format, uint64_t size, uint32_t cluster_bytes)
{
    static unsigned count;
    g_autofree char *name = g_strdup_printf("%s-%u", format, count++);
    char *path = disk_path(name);
    ImageCreate c = { .file = path, .format = format, .size_bytes = size,
                      .cluster_bytes = cluster_bytes };
    g_assert_true(image_create(&c, NULL));
    return path;
}

static void test_raw(void)
{
    g_autofree char *path = image("raw", SIZE, 0);
    BlockOpenOptions opts = { .node = "d0", .file = path, .format = "raw" };
    walk(&opts, 1);
    walk(&opts, 2);
    opts.temporary = true;
    walk(&opts, 3);
}

static void test_qcow2(void)
{
    static const uint32_t clusters[] = { 512, 4096, 65536 };
    for (size_t i = 0; i < G_N_ELEMENTS(clusters); i++) {
        g_autofree char *path = image("qcow2", SIZE, clusters[i]);
        BlockOpenOptions opts = { .node = "d0", .file = path };
        walk(&opts, 10 + i);
        disk_check_clean(path);
        opts.temporary = true;
        walk(&opts, 20 + i);
    }
}

/* Less than a cluster. */
static void test_tiny(void)
{
    g_autofree char *path = image("raw", 1536, 0);
    BlockOpenOptions opts = { .node = "d0", .file = path, .format = "raw" };
    walk(&opts, 4);
}

/* --- what it costs ---------------------------------------------------- */

/* Clearing what is clear keeps nothing; a cluster is kept once. */
static void test_bytes(void)
{
    g_autofree char *path = image("qcow2", 1024 * GIB, 0);
    BlockOpenOptions opts = { .node = "d0", .file = path };
    BlockDev *b = disk_open(&opts);
    g_assert_null(blockdev_mark(b));
    g_assert_cmpint(blockdev_write(b, 500 * GIB, "abcd", 4), ==, 0);
    blockdev_keep_past(b, true);
    g_assert_cmpint(blockdev_write(b, 600 * GIB, "abcd", 4), ==, 0);
    BlockMark *mark = blockdev_mark(b);
    g_assert_cmpuint(blockdev_past_bytes(b), ==, 0);
    g_assert_cmpint(blockdev_write_zeroes(b, 1, 400 * GIB), ==, 0);
    g_assert_cmpuint(blockdev_past_bytes(b), ==, 0);
    g_assert_cmpint(blockdev_write(b, 500 * GIB, "xy", 2), ==, 0);
    uint64_t bytes = blockdev_past_bytes(b);
    g_assert_cmpuint(bytes, >, 4096);
    g_assert_cmpuint(bytes, <, 8192);
    g_assert_cmpint(blockdev_write(b, 500 * GIB + 1, "z", 1), ==, 0);
    g_assert_cmpuint(blockdev_past_bytes(b), ==, bytes);
    BlockMark *second = blockdev_mark(b);
    g_assert_cmpint(blockdev_write(b, 500 * GIB + 1, "!", 1), ==, 0);
    g_assert_cmpuint(blockdev_past_bytes(b), ==, 2 * bytes);
    blockdev_mark_free(second);
    g_assert_cmpuint(blockdev_past_bytes(b), ==, bytes);
    char got[5] = "";
    blockdev_return_to(b, mark);
    g_assert_cmpint(blockdev_read(b, 500 * GIB, got, 4), ==, 0);
    g_assert_cmpstr(got, ==, "abcd");
    blockdev_return_to_present(b);
    g_assert_cmpint(blockdev_read(b, 500 * GIB, got, 4), ==, 0);
    g_assert_cmpmem(got, 4, "x!cd", 4);
    blockdev_mark_free(mark);
    blockdev_close(b);
}

/* --- what is not kept ------------------------------------------------- */

static void test_none(void)
{
    g_autofree char *path = image("raw", MIB, 0);
    BlockOpenOptions opts = { .node = "cd", .file = path, .format = "raw",
                              .readonly = true };
    BlockDev *b = disk_open(&opts);
    blockdev_keep_past(b, true);
    g_assert_null(blockdev_mark(b));
    blockdev_return_to_present(b);
    blockdev_keep_past(b, false);
    blockdev_close(b);
    opts = (BlockOpenOptions) { .node = "empty" };
    b = disk_open(&opts);
    blockdev_keep_past(b, true);
    g_assert_null(blockdev_mark(b));
    blockdev_keep_past(b, false);
    blockdev_close(b);
}

/* A drive may go before its marks do. */
static void test_closed(void)
{
    g_autofree char *path = image("raw", MIB, 0);
    BlockOpenOptions opts = { .node = "d0", .file = path, .format = "raw" };
    BlockDev *b = disk_open(&opts);
    blockdev_keep_past(b, true);
    BlockMark *marks[] = { blockdev_mark(b), blockdev_mark(b) };
    g_assert_cmpint(blockdev_write(b, 0, "abcd", 4), ==, 0);
    blockdev_return_to(b, marks[0]);
    g_assert_cmpint(blockdev_write(b, 0, "wxyz", 4), ==, 0);
    blockdev_close(b);
    blockdev_mark_free(marks[0]);
    blockdev_mark_free(marks[1]);
    char got[5] = "";
    b = disk_open(&opts);
    g_assert_cmpint(blockdev_read(b, 0, got, 4), ==, 0);
    g_assert_cmpstr(got, ==, "abcd");
    blockdev_close(b);
}

static uint8_t byte_at(BlockDev *b, uint64_t offset)
{
    uint8_t byte = 0;
    g_assert_cmpint(blockdev_read(b, offset, &byte, 1), ==, 0);
    return byte;
}

/* What could not be read is as it is now; its neighbours come back. */
static void lost(void)
{
    g_autofree char *path = image("raw", MIB, 0);
    BlockOpenOptions opts = { .node = "d0", .file = path, .format = "raw" };
    BlockDev *b = disk_open(&opts);
    uint8_t buf[16384];
    memset(buf, 1, sizeof buf);
    g_assert_cmpint(blockdev_write(b, 0, buf, sizeof buf), ==, 0);
    blockdev_keep_past(b, true);
    BlockMark *mark = blockdev_mark(b);
    bad_from = 4096;
    bad_to = 4608;
    memset(buf, 2, sizeof buf);
    g_assert_cmpint(blockdev_write(b, 0, buf, sizeof buf), ==, 0);
    g_assert_cmpint(blockdev_write(b, 5000, buf, 10), ==, 0);
    bad_to = 0;
    memset(buf, 3, sizeof buf);
    g_assert_cmpint(blockdev_write(b, 4096, buf, 4096), ==, 0);
    blockdev_return_to(b, mark);
    g_assert_cmpuint(byte_at(b, 4095), ==, 1);
    g_assert_cmpuint(byte_at(b, 4096), ==, 3);
    g_assert_cmpuint(byte_at(b, 8191), ==, 3);
    g_assert_cmpuint(byte_at(b, 8192), ==, 1);
    g_assert_cmpint(blockdev_write(b, 4096, "a", 1), ==, 0);
    g_assert_cmpuint(byte_at(b, 4097), ==, 3);
    blockdev_return_to_present(b);
    g_assert_cmpuint(byte_at(b, 4096), ==, 3);
    blockdev_mark_free(mark);
    blockdev_close(b);
}

static void test_lost(void)
{
    if (g_test_subprocess()) {
        lost();
        return;
    }
    /* GLib starts the program by its name, not by way of an emulator. */
    if (g_getenv("MESON_EXE_WRAPPER")) {
        g_test_skip("a program of another processor");
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("*d0: '*' at offset 4096 could not be read*");
    /* Once. */
    g_test_trap_assert_stderr_unmatched("*could not be read*could not*");
}

/* --- errors as inputs ------------------------------------------------- */

static void answer_full(void *opaque, NondetPort *p, void *io, size_t len)
{
    bytes_st_le32(io, ENOSPC);
}

/* What failed when it was recorded is not done on a journey either. */
static void test_replayed_error(void)
{
    g_autofree char *path = image("raw", MIB, 0);
    BlockOpenOptions opts = { .node = "d0", .file = path, .format = "raw" };
    for (int temporary = 0; temporary < 2; temporary++) {
        opts.temporary = temporary;
        Machine m = { .nondet = nondet_new() };
        NondetSource source = { .mode = "play", .pull_rare = answer_full };
        BlockDev *b = disk_open(&opts);
        blockdev_keep_past(b, true);
        BlockMark *mark = blockdev_mark(b);
        blockdev_return_to(b, mark);
        blockdev_bind(b, &m);
        nondet_set_source(&m, &source);
        g_assert_cmpint(blockdev_write(b, 0, "new", 4), ==, -ENOSPC);
        nondet_set_source(&m, NULL);
        g_assert_cmpuint(byte_at(b, 0), ==, 0);
        blockdev_mark_free(mark);
        blockdev_close(b);
        nondet_free(m.nondet);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/undo/raw", test_raw);
    g_test_add_func("/undo/qcow2", test_qcow2);
    g_test_add_func("/undo/tiny", test_tiny);
    g_test_add_func("/undo/bytes", test_bytes);
    g_test_add_func("/undo/none", test_none);
    g_test_add_func("/undo/closed", test_closed);
    g_test_add_func("/undo/lost", test_lost);
    g_test_add_func("/undo/replayed-error", test_replayed_error);
    return g_test_run();
}
