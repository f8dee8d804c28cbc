/*
 * Everything that writes to a qcow2 image, with the process killed after each
 * of its writes, and with each of its writes and syncs failing, or done in part
 * and failing. The image that is found then has leaks at most; the disk and its
 * snapshots are what they were before or what they should become, and who was
 * told of no error finds the latter.
 */
#include <string.h>

#include "medium.h"

enum {
    SECTOR = MEDIUM_SECTOR,
    DISK_BYTES = 64 * 1024,
    MARK = SECTOR,         /* of the disk: written after an error */
};

typedef struct Shape {
    unsigned cluster_bytes, refcount_bits, version;
} Shape;

/* Something that is done to the image. */
typedef struct Op {
    const char *name;
    bool (*start)(const Shape *s); /* makes the image; NULL: the usual one */
    bool (*run)(BlockDev *b);  /* false: there was an error */
    bool closed;               /* the image is not open meanwhile */
    bool mixed;                /* single bytes may be old or new */
    bool broken;               /* the image is a corrupt one at first */
} Op;

/* --- what an image holds ------------------------------------------------ */

typedef struct State {
    GByteArray *disk;
    GString *snapshots;    /* names and digests */
} State;

static void state_free(State *s)
{
    g_byte_array_unref(s->disk);
    g_string_free(s->snapshots, TRUE);
    g_free(s);
}

static GByteArray *content(const char *snapshot)
{
    BlockOpenOptions opts = { .file = "medium", .format = "qcow2",
                              .replay = true, .at_snapshot = snapshot };
    GByteArray *bytes = g_byte_array_new();
    BlockDev *b = blockdev_open(&opts, NULL);
    g_assert_nonnull(b);
    g_byte_array_set_size(bytes, blockdev_size_bytes(b));
    g_assert_cmpint(blockdev_read(b, 0, bytes->data, bytes->len), ==, 0);
    blockdev_close(b);
    return bytes;
}

static void state_snapshot(State *s, BlockDev *b, const BlockSnapshot *row)
{
    g_autoptr(GByteArray) disk = content(row->name);
    g_autoptr(GBytes) vm = blockdev_snapshot_vm_state(b, row->name, NULL);
    g_assert_nonnull(vm);
    g_autofree char *a = g_compute_checksum_for_data(G_CHECKSUM_MD5,
                                                     disk->data, disk->len);
    g_autofree char *v = g_compute_checksum_for_bytes(G_CHECKSUM_MD5, vm);
    g_string_append_printf(s->snapshots, "%s %s %s\n", row->name, a, v);
}

static State *state_now(void)
{
    BlockOpenOptions opts = { .file = "medium", .format = "qcow2",
                              .replay = true };
    State *s = g_new0(State, 1);
    s->disk = content(NULL);
    s->snapshots = g_string_new(NULL);
    BlockDev *b = blockdev_open(&opts, NULL);
    g_autoptr(GPtrArray) list = blockdev_snapshot_list(b, NULL);
    for (guint i = 0; i < list->len; i++) {
        state_snapshot(s, b, g_ptr_array_index(list, i));
    }
    blockdev_close(b);
    return s;
}

static bool byte_is(const State *s, const State *want, guint at)
{
    return at < want->disk->len && s->disk->data[at] == want->disk->data[at];
}

/* All but the mark is as in `a`, or, if given, byte by byte as in `b`. */
static bool state_is(const State *s, const State *a, const State *b)
{
    bool same = s->disk->len == a->disk->len &&
                g_string_equal(s->snapshots, a->snapshots);
    for (guint at = 0; same && at < s->disk->len; at++) {
        same = at / SECTOR == MARK / SECTOR || byte_is(s, a, at) ||
               (b && byte_is(s, b, at));
    }
    return same;
}

/* --- the images -------------------------------------------------------- */

static VmStatePiece fill_piece(void *opaque, uint64_t offset, uint8_t *buf,
                               size_t bytes)
{
    unsigned kinds = *(unsigned *)opaque;
    memset(buf, 1 + offset / bytes % 200, bytes);
    return offset / bytes % kinds;
}

static bool take(BlockDev *b, const char *name, const char *base)
{
    unsigned kinds = base ? 3 : 2;
    BlockSnapshot info = { .name = (char *)name };
    BlockVmState state = { .bytes = 9000, .base = base, .fill = fill_piece,
                           .opaque = &kinds };
    return blockdev_snapshot_create_pieces(b, &info, &state, NULL);
}

static bool put(BlockDev *b, unsigned at, unsigned bytes, uint8_t seed)
{
    g_autofree uint8_t *data = g_malloc(bytes);
    for (unsigned i = 0; i < bytes; i++) {
        data[i] = seed + i / SECTOR;
    }
    return blockdev_write(b, at, data, bytes) == 0;
}

static bool make(const Shape *s)
{
    ImageCreate c = { .file = "medium", .format = "qcow2",
                      .size_bytes = DISK_BYTES, .version = s->version,
                      .cluster_bytes = s->cluster_bytes,
                      .refcount_bits = s->refcount_bits };
    return image_create(&c, NULL);
}

static bool start_plain(const Shape *s)
{
    g_assert_true(make(s));
    BlockDev *b = medium_open();
    g_assert_true(put(b, 0, 20000 / SECTOR * SECTOR, 1));
    g_assert_true(put(b, 60 * 1024, 4096, 99));
    blockdev_close(b);
    return true;
}

static bool start_snapshots(const Shape *s)
{
    start_plain(s);
    BlockDev *b = medium_open();
    g_assert_true(take(b, "old", NULL));
    g_assert_true(put(b, 4096, 8192, 50));
    g_assert_true(take(b, "other", "old"));
    g_assert_true(put(b, 8192, 8192, 70));
    blockdev_close(b);
    return true;
}

static bool start_nothing(const Shape *s)
{
    memset(medium->now, 0, MEDIUM_MAX);
    medium->size_bytes = 0;
    return false;
}

/* Counts of the first block. */
static uint8_t *counts(void)
{
    uint64_t table = 0, block = 0;
    for (unsigned i = 0; i < 8; i++) {
        table = table << 8 | medium->now[48 + i];
    }
    for (unsigned i = 0; i < 8; i++) {
        block = block << 8 | medium->now[table + i];
    }
    return medium->now + block;
}

static bool start_leaky(const Shape *s)
{
    start_snapshots(s);
    unsigned n = s->refcount_bits / 8;
    for (unsigned i = 0, leaks = 0; leaks < 6; i++) {
        uint8_t *last = counts() + i * n + n - 1;
        if (!*last) {
            *last = 1;
            leaks++;
        }
    }
    return true;
}

static bool start_broken(const Shape *s)
{
    start_snapshots(s);
    unsigned n = s->refcount_bits / 8;
    for (unsigned i = 8; i < 20; i++) {
        counts()[i * n + n - 1] = 0;
    }
    return true;
}

/* --- what is done ------------------------------------------------------- */

static bool run_write(BlockDev *b)
{
    bool ok = put(b, 2048, 6144, 200) && put(b, 30 * 1024, 12 * 1024, 210);
    ok = ok && blockdev_write_zeroes(b, 12 * 1024, 4096) == 0;
    return blockdev_flush(b) == 0 && ok;
}

static bool run_create(BlockDev *b)
{
    return take(b, "new", NULL);
}

static bool run_periodic(BlockDev *b)
{
    return take(b, "next", "other");
}

static bool run_replace(BlockDev *b)
{
    return take(b, "old", "old");
}

static bool run_delete(BlockDev *b)
{
    return blockdev_snapshot_delete(b, "other", NULL);
}

static bool run_goto(BlockDev *b)
{
    return blockdev_snapshot_goto(b, "old", NULL);
}

static bool run_add_from(const char *snapshot)
{
    BlockOpenOptions opts = { .file = "medium", .format = "qcow2",
                              .replay = true, .at_snapshot = snapshot };
    BlockDev *b = blockdev_open(&opts, NULL);
    g_assert_nonnull(b);
    g_assert_true(put(b, 10240, 9 * SECTOR, 150));
    bool ok = take(b, "added", "old");
    blockdev_close(b);
    return ok;
}

static bool run_add(BlockDev *b)
{
    return run_add_from(NULL);
}

static bool run_add_at(BlockDev *b)
{
    return run_add_from("old");
}

static bool run_grow(BlockDev *b)
{
    return image_resize("medium", "qcow2", 40 * DISK_BYTES + 3 * SECTOR, false,
                        NULL);
}

static bool run_shrink(BlockDev *b)
{
    return image_resize("medium", "qcow2", 9 * SECTOR, true, NULL);
}

static bool run_repair(BlockDev *b)
{
    ImageCheck r = { 0 };
    return image_check("medium", "qcow2", true, &r, NULL) &&
           r.corruptions == r.corruptions_fixed && r.leaks == r.leaks_fixed;
}

static const Op ops[] = {
    { "write", NULL, run_write, .mixed = true },
    { "write-plain", start_plain, run_write, .mixed = true },
    { "create", NULL, run_create },
    { "create-first", start_plain, run_create },
    { "periodic", NULL, run_periodic },
    { "replace", NULL, run_replace },
    { "delete", NULL, run_delete },
    { "goto", NULL, run_goto },
    { "add", NULL, run_add, .closed = true },
    { "add-at", NULL, run_add_at, .closed = true },
    { "grow", start_plain, run_grow, .closed = true },
    { "shrink", start_plain, run_shrink, .closed = true },
    { "repair-leaks", start_leaky, run_repair, .closed = true },
    { "repair", start_broken, run_repair, .closed = true, .broken = true },
};

static const Shape shapes[] = {
    { 512, 16, 3 }, { 512, 64, 3 }, { 1024, 16, 2 }, { 4096, 8, 3 },
};

/* --- one of them -------------------------------------------------------- */

typedef struct Trial {
    const Op *op;
    const Shape *shape;
    BlockFile *first;      /* the image at first */
    State *before, *after;
    unsigned looked;
} Trial;

/* Is what is on the medium as it has to be? */
static void judge(const Trial *t, bool told_ok)
{
    State *s = NULL;
    if (t->op->broken) {
        /* An interrupted repair is ended by another. */
        g_assert_true(run_repair(NULL));
    }
    medium_check();
    s = state_now();
    bool good = state_is(s, t->after, NULL) ||
                (!told_ok && (state_is(s, t->before, NULL) ||
                              (t->op->mixed &&
                               state_is(s, t->before, t->after))));
    g_assert_true(good);
    state_free(s);
}

/* The process is killed now. */
static void look(void *opaque)
{
    Trial *t = opaque;
    BlockFile *whole = medium;
    medium = medium_copy(whole);
    judge(t, false);
    medium_free(medium);
    medium = whole;
    t->looked++;
}

static void medium_replace(BlockFile *f)
{
    medium_free(medium);
    medium = f;
}

/* Does it with the n-th call failing; false: there are not so many. */
static bool try_failing(const Trial *t, unsigned n, unsigned part,
                        unsigned calls)
{
    medium_replace(medium_copy(t->first));
    BlockDev *b = t->op->closed ? NULL : medium_open();
    medium->calls = 0;
    medium->fail_at = n;
    medium->fail_part = part;
    medium->fail_calls = calls;
    bool ok = t->op->run(b);
    bool reached = medium->failed;
    medium->fail_at = 0;
    if (b && calls == 1) {
        /* The machine goes on. */
        g_assert_true(put(b, MARK, SECTOR, 0x77));
        g_assert_cmpint(blockdev_flush(b), ==, 0);
    }
    blockdev_close(b);
    judge(t, ok);
    return reached;
}

static void trial_prepare(Trial *t)
{
    medium = medium_new();
    (t->op->start ? t->op->start : start_snapshots)(t->shape);
    t->first = medium_copy(medium);
    if (t->op->broken) {
        g_assert_true(run_repair(NULL));
    }
    t->before = state_now();
    medium_replace(medium_copy(t->first));
    BlockDev *b = t->op->closed ? NULL : medium_open();
    g_assert_true(t->op->run(b));
    blockdev_close(b);
    g_assert_cmpuint(medium_check(), ==, 0);
    t->after = state_now();
}

static void trial_free(Trial *t)
{
    medium_free(medium);
    medium_free(t->first);
    state_free(t->before);
    state_free(t->after);
}

static void test_killed(gconstpointer data)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(shapes); i++) {
        Trial t = { .op = data, .shape = &shapes[i] };
        trial_prepare(&t);
        medium_replace(medium_copy(t.first));
        BlockDev *b = t.op->closed ? NULL : medium_open();
        medium->changed = look;
        medium->opaque = &t;
        g_assert_true(t.op->run(b));
        medium->changed = NULL;
        blockdev_close(b);
        judge(&t, true);
        g_assert_cmpuint(t.looked, >=, 3);
        trial_free(&t);
    }
}

static void test_failing(gconstpointer data)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(shapes); i++) {
        Trial t = { .op = data, .shape = &shapes[i] };
        unsigned n = 1;
        trial_prepare(&t);
        while (try_failing(&t, n, 0, 1)) {
            try_failing(&t, n, n % 7 + 1, 1);
            try_failing(&t, n, 0, UINT_MAX / 2);
            n++;
        }
        g_assert_cmpuint(n, >=, 4);
        trial_free(&t);
    }
}

/* --- a new image -------------------------------------------------------- */

static void look_new(void *opaque)
{
    BlockFile *whole = medium;
    unsigned *images = opaque;
    medium = medium_copy(whole);
    BlockOpenOptions opts = { .file = "medium", .format = "qcow2" };
    BlockDev *b = blockdev_open(&opts, NULL);
    if (b) {
        /* None, or the whole one. */
        g_assert_cmpuint(blockdev_size_bytes(b), ==, DISK_BYTES);
        blockdev_close(b);
        medium_check();
        ++*images;
    }
    medium_free(medium);
    medium = whole;
}

static void test_new(gconstpointer data)
{
    const Shape *s = data;
    unsigned images = 0;
    medium = medium_new();
    medium->changed = look_new;
    medium->opaque = &images;
    g_assert_true(make(s));
    g_assert_cmpuint(images, >, 0);
    medium->changed = NULL;
    unsigned calls = medium->calls;
    for (unsigned n = 1; n <= calls; n++) {
        start_nothing(s);
        medium->calls = 0;
        medium->fail_at = n;
        medium->fail_calls = 1;
        medium->fail_part = n % 8;
        g_assert_false(make(s));
        medium->fail_at = 0;
        look_new(&images);
    }
    medium_free(medium);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
        g_autofree char *killed = g_strconcat("/faults/killed/", ops[i].name,
                                              NULL);
        g_autofree char *failing = g_strconcat("/faults/failing/",
                                               ops[i].name, NULL);
        g_test_add_data_func(killed, &ops[i], test_killed);
        g_test_add_data_func(failing, &ops[i], test_failing);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(shapes); i++) {
        g_autofree char *name = g_strdup_printf(
            "/faults/new/%u-%u-v%u", shapes[i].cluster_bytes,
            shapes[i].refcount_bits, shapes[i].version);
        g_test_add_data_func(name, &shapes[i], test_new);
    }
    return g_test_run();
}
