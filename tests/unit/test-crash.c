/*
 * Power cuts: a qcow2 image on a medium that may lose, or tear between
 * sectors, whatever was written after the last sync. What is found afterwards
 * must be an image without corruption, with everything that was flushed.
 */
#include <string.h>

#include "medium.h"

enum { SECTOR = MEDIUM_SECTOR };

/* --- the disk --------------------------------------------------------- */

enum { SECTORS = 1024 };

/* What is being done when the power fails. */
typedef enum Doing { NOTHING, WRITING, CREATING, GOING, DELETING, ADDING,
               DROPPING } Doing;

typedef struct Model {
    BlockDev *disk;
    GRand *rand;
    /* Each sector is filled with a number; what it was when last flushed, and
     * whether it was written since. */
    uint32_t now[SECTORS], flushed[SECTORS];
    bool written[SECTORS];
    uint32_t snap[SECTORS];    /* at snapshot "s" */
    bool has_snap;
    uint32_t added[SECTORS];   /* at "a", which a replay adds */
    bool has_added;
    Doing doing;
    uint32_t next;
} Model;

static void fill(uint8_t *sector, uint32_t number)
{
    for (unsigned i = 0; i < SECTOR; i += 4) {
        memcpy(sector + i, &number, 4);
    }
}

static bool same_sectors(BlockDev *b, const uint32_t *want, const bool *except)
{
    for (unsigned i = 0; i < SECTORS; i++) {
        uint8_t got[SECTOR], wanted[SECTOR];
        fill(wanted, want[i]);
        g_assert_cmpint(blockdev_read(b, i * SECTOR, got, SECTOR), ==, 0);
        if (memcmp(got, wanted, SECTOR) != 0 && !(except && except[i])) {
            return false;
        }
    }
    return true;
}

/* The power fails now: what is there when it comes back? */
static void power_cut(const Model *d)
{
    BlockFile *whole = medium;
    BlockFile *cut = medium = medium_cut(whole, d->rand);
    medium_check();
    BlockDev *b = medium_open();
    medium_check();
    g_assert_true(same_sectors(b, d->flushed, d->written) ||
                  (d->doing == GOING && same_sectors(b, d->snap, NULL)));
    if (blockdev_snapshot_goto(b, "s", NULL)) {
        g_assert_true(d->has_snap || d->doing == CREATING);
        g_assert_true((d->has_snap && same_sectors(b, d->snap, NULL)) ||
                      (d->doing == CREATING &&
                       same_sectors(b, d->now, NULL)));
    } else {
        g_assert_true(!d->has_snap || d->doing == DELETING);
    }
    if (blockdev_snapshot_goto(b, "a", NULL)) {
        g_assert_true(d->has_added || d->doing == ADDING);
        g_assert_true(same_sectors(b, d->added, NULL));
    } else {
        g_assert_true(!d->has_added || d->doing == DROPPING);
    }
    blockdev_close(b);
    medium_check();
    medium = whole;
    medium_free(cut);
}

/* In the middle of something. */
static void cut_before_sync(void *opaque)
{
    const Model *d = opaque;
    if (d->doing != NOTHING && g_rand_int_range(d->rand, 0, 4) != 0) {
        power_cut(d);
    }
}

static void write_some(Model *d)
{
    uint8_t buf[16 * SECTOR];
    unsigned first = g_rand_int_range(d->rand, 0, SECTORS - 16);
    unsigned n = g_rand_int_range(d->rand, 1, 16);
    bool zero = g_rand_int_range(d->rand, 0, 4) == 0;
    for (unsigned i = 0; i < n; i++) {
        d->now[first + i] = zero ? 0 : ++d->next;
        d->written[first + i] = true;
        fill(buf + i * SECTOR, d->now[first + i]);
    }
    g_assert_cmpint(zero ? blockdev_write_zeroes(d->disk, first * SECTOR,
                                                 n * SECTOR)
                         : blockdev_write(d->disk, first * SECTOR, buf,
                                          n * SECTOR), ==, 0);
}

static void flushed(Model *d)
{
    memcpy(d->flushed, d->now, sizeof d->now);
    memset(d->written, 0, sizeof d->written);
}

/* VM state of which some is shared with the snapshot that it replaces. */
static VmStatePiece some_state(void *opaque, uint64_t offset, uint8_t *buf,
                               size_t bytes)
{
    const Model *d = opaque;
    memset(buf, 0x5a, bytes);
    return g_rand_int_range(d->rand, 0, d->has_snap ? 3 : 2);
}

static void snapshot(Model *d)
{
    d->doing = CREATING;
    BlockSnapshot info = { .name = (char *)"s" };
    BlockVmState state = { .bytes = 20000, .base = d->has_snap ? "s" : NULL,
                           .fill = some_state, .opaque = d };
    g_assert_true(blockdev_snapshot_create_pieces(d->disk, &info, &state,
                                                  NULL));
    memcpy(d->snap, d->now, sizeof d->now);
    d->has_snap = true;
    flushed(d);
}

static void write_added(Model *d, BlockDev *b)
{
    uint8_t sector[SECTOR];
    for (unsigned n = g_rand_int_range(d->rand, 0, 30); n > 0; n--) {
        unsigned i = g_rand_int_range(d->rand, 0, SECTORS);
        bool zero = g_rand_int_range(d->rand, 0, 4) == 0;
        d->added[i] = zero ? 0 : ++d->next;
        fill(sector, d->added[i]);
        g_assert_cmpint(zero ? blockdev_write_zeroes(b, i * SECTOR, SECTOR)
                             : blockdev_write(b, i * SECTOR, sector, SECTOR),
                        ==, 0);
    }
}

/* A replay, of the disk as it is or from the snapshot on, adds another. */
static void add(Model *d)
{
    bool from_snap = d->has_snap && g_rand_boolean(d->rand);
    BlockOpenOptions opts = { .file = "medium", .format = "qcow2",
                              .replay = true,
                              .at_snapshot = from_snap ? "s" : NULL };
    if (d->has_added) {
        d->doing = DROPPING;
        g_assert_true(blockdev_snapshot_delete(d->disk, "a", NULL));
        d->has_added = false;
    }
    d->doing = NOTHING;
    blockdev_close(d->disk);
    block_file_sync(medium);
    flushed(d);
    BlockDev *b = blockdev_open(&opts, NULL);
    memcpy(d->added, from_snap ? d->snap : d->now, sizeof d->now);
    write_added(d, b);
    d->doing = ADDING;
    BlockSnapshot info = { .name = (char *)"a" };
    g_autoptr(GBytes) state = g_bytes_new(d->added, sizeof d->added);
    g_assert_true(blockdev_snapshot_create(b, &info, state, NULL));
    d->has_added = true;
    /* The replay sees what it saw, and what it has made. */
    g_assert_true(same_sectors(b, d->added, NULL));
    g_assert_false(blockdev_snapshot_create(b, &info, state, NULL));
    g_assert_true(blockdev_snapshot_goto(b, "a", NULL));
    g_assert_true(same_sectors(b, d->added, NULL));
    g_autoptr(GBytes) got = blockdev_snapshot_vm_state(b, "a", NULL);
    g_assert_true(g_bytes_equal(got, state));
    blockdev_close(b);
    d->disk = medium_open();
    g_assert_true(same_sectors(d->disk, d->now, NULL));
}

static void step(Model *d)
{
    d->doing = WRITING;
    switch (g_rand_int_range(d->rand, 0, 11)) {
    case 0:
        g_assert_cmpint(blockdev_flush(d->disk), ==, 0);
        flushed(d);
        break;
    case 1:
        snapshot(d);
        break;
    case 2:
        if (d->has_snap) {
            d->doing = GOING;
            g_assert_true(blockdev_snapshot_goto(d->disk, "s", NULL));
            memcpy(d->now, d->snap, sizeof d->now);
            flushed(d);
        }
        break;
    case 3:
        if (d->has_snap && g_rand_int_range(d->rand, 0, 3) == 0) {
            d->doing = DELETING;
            g_assert_true(blockdev_snapshot_delete(d->disk, "s", NULL));
            d->has_snap = false;
        }
        break;
    case 4:
        add(d);
        break;
    default:
        write_some(d);
    }
    d->doing = NOTHING;
}

typedef struct Shape {
    unsigned cluster_bytes, refcount_bits;
} Shape;

static void test_power_cuts(gconstpointer data)
{
    const Shape *s = data;
    ImageCreate c = {
        .file = "medium", .format = "qcow2", .size_bytes = SECTORS * SECTOR,
        .cluster_bytes = s->cluster_bytes, .refcount_bits = s->refcount_bits,
    };
    Model *d = g_new0(Model, 1);
    d->rand = g_rand_new_with_seed(c.cluster_bytes);
    medium = medium_new();
    g_assert_true(image_create(&c, NULL));
    d->disk = medium_open();
    medium->before_sync = cut_before_sync;
    medium->opaque = d;
    for (unsigned i = 0; i < 150; i++) {
        step(d);
        power_cut(d);
    }
    blockdev_close(d->disk);
    medium_free(medium);
    g_rand_free(d->rand);
    g_free(d);
}

int main(int argc, char **argv)
{
    static const Shape shapes[] = {
        { 512, 64 }, { 512, 16 }, { 1024, 64 }, { 4096, 16 },
    };
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(shapes); i++) {
        g_autofree char *name = g_strdup_printf(
            "/crash/power-cuts/%u-%u", shapes[i].cluster_bytes,
            shapes[i].refcount_bits);
        g_test_add_data_func(name, &shapes[i], test_power_cuts);
    }
    return g_test_run();
}
