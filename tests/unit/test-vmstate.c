/*
 * VM state in pieces: snapshots that share what did not change, on images of
 * all shapes. Whatever is deleted, the others stay what they were, and the
 * image's counts are right.
 */
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "disk-model.h"

/* The state of a machine: a seed for each 512 bytes, 0 for zeroes. */
#define UNIT 512u

typedef struct State {
    GRand *rand;
    size_t units;
    uint8_t *now, *base;
    bool share;
} State;

static State *state_new(size_t bytes, uint32_t seed)
{
    State *s = g_new0(State, 1);
    s->rand = g_rand_new_with_seed(seed);
    s->units = bytes / UNIT;
    s->now = g_malloc0(s->units);
    return s;
}

static void state_free(State *s)
{
    g_rand_free(s->rand);
    g_free(s->now);
    g_free(s->base);
    g_free(s);
}

/* Writes, and clears, some places. */
static void state_run(State *s, unsigned times)
{
    while (times-- > 0) {
        size_t first = g_rand_int_range(s->rand, 0, s->units);
        size_t n = g_rand_int_range(s->rand, 1, 40);
        int seed = g_rand_int_range(s->rand, -60, 200);
        memset(s->now + first, MAX(seed, 0), MIN(n, s->units - first));
    }
}

static void unit_fill(uint8_t *buf, uint8_t seed)
{
    for (unsigned i = 0; i < UNIT; i++) {
        buf[i] = seed ? seed + i / 2 : 0;
    }
}

static VmStatePiece state_fill(void *opaque, uint64_t offset, uint8_t *buf,
                               size_t bytes)
{
    const State *s = opaque;
    size_t first = offset / UNIT, n = bytes / UNIT;
    g_assert_cmpuint(offset % bytes, ==, 0);
    g_assert_cmpuint(bytes, <=, VM_STATE_PIECE_MAX);
    n = MIN(n, s->units - first);
    if (s->share && !memcmp(s->now + first, s->base + first, n)) {
        return VM_STATE_SAME;
    }
    bool zero = true;
    memset(buf, 0, bytes);
    for (size_t i = 0; i < n; i++) {
        unit_fill(buf + i * UNIT, s->now[first + i]);
        zero &= !s->now[first + i];
    }
    return zero ? VM_STATE_ZERO : VM_STATE_DATA;
}

static bool state_take(State *s, BlockDev *b, const char *name,
                       const char *base, uint64_t *written)
{
    BlockSnapshot info = { .name = (char *)name, .icount = 5 };
    BlockVmState v = { .bytes = s->units * UNIT, .base = base,
                       .fill = state_fill, .opaque = s };
    s->share = base;
    Error *err = NULL;
    bool ok = blockdev_snapshot_create_pieces(b, &info, &v, &err);
    g_assert_cmpint(ok, ==, !err);
    error_free(err);
    *written = v.written_bytes;
    if (ok) {
        g_free(s->base);
        s->base = g_memdup2(s->now, s->units);
    }
    return ok;
}

typedef struct Check {
    const uint8_t *want;
    uint64_t at, end;
} Check;

static void check_piece(void *opaque, uint64_t offset, const uint8_t *data,
                        uint64_t bytes)
{
    Check *c = opaque;
    uint8_t unit[UNIT];
    g_assert_cmpuint(offset, ==, c->at);
    c->at += bytes;
    for (uint64_t k = 0; k < bytes; k += UNIT) {
        unit_fill(unit, c->want[(offset + k) / UNIT]);
        g_assert_true(data ? !memcmp(data + k, unit, UNIT)
                           : !c->want[(offset + k) / UNIT]);
    }
}

static void check_state(BlockDev *b, const char *name, const uint8_t *want,
                        uint64_t from, uint64_t to)
{
    Check c = { .want = want, .at = from * UNIT };
    VmStateRead what = { .name = name, .offset = from * UNIT,
                         .bytes = (to - from) * UNIT,
                         .sink = check_piece, .opaque = &c };
    g_assert_true(blockdev_snapshot_read(b, &what, NULL));
    g_assert_cmpuint(c.at, ==, to * UNIT);
}

static char *image(const ImageCreate *how)
{
    ImageCreate c = *how;
    char *path = disk_path("vm");
    c.file = path;
    c.format = "qcow2";
    g_assert_true(image_create(&c, NULL));
    return path;
}

/* --- on images of all shapes -------------------------------------------- */

enum { COUNT = 9 };

typedef struct Shape {
    uint32_t cluster_bytes;
    unsigned refcount_bits, version;
    size_t state_bytes;
} Shape;

static const Shape shapes[] = {
    { 65536, 16, 3, 6 * MIB + 512 },
    { 512, 16, 3, MIB },
    { 4096, 4, 3, 3 * MIB },
    { 2097152, 16, 3, 9 * MIB },
    { 65536, 16, 2, 3 * MIB },
};

typedef struct Run {
    DiskModel *d;
    State *s;
    uint8_t *then[COUNT];
    GPtrArray *names;
} Run;

static char *snap_name(int i)
{
    return g_strdup_printf("s%d", i);
}

static void take_all(Run *r)
{
    uint64_t first = 0, written, sum = 0;
    for (int i = 0; i < COUNT; i++) {
        g_autofree char *name = snap_name(i), *base = snap_name(i - 1);
        state_run(r->s, i ? 3 : 200);
        disk_model_requests(r->d, 10);
        g_assert_true(state_take(r->s, r->d->disk, name, i ? base : NULL,
                                 &written));
        first = i ? first : written;
        sum += written;
        g_assert_true(i == 0 || written <= first);
        r->then[i] = g_memdup2(r->s->now, r->s->units);
        g_ptr_array_add(r->names, g_steal_pointer(&name));
    }
    /* What was written is what is there. */
    g_assert_cmpuint(blockdev_snapshot_room(r->d->disk, r->names), ==, sum);
}

static void check_all(Run *r)
{
    for (int i = 0; i < COUNT; i++) {
        g_autofree char *name = snap_name(i);
        if (!r->then[i]) {
            continue;
        }
        size_t from = g_rand_int_range(r->s->rand, 0, r->s->units);
        check_state(r->d->disk, name, r->then[i], 0, r->s->units);
        check_state(r->d->disk, name, r->then[i], from, r->s->units);
    }
}

static void test_shape(gconstpointer data)
{
    const Shape *shape = data;
    ImageCreate how = { .size_bytes = 3 * MIB,
                        .cluster_bytes = shape->cluster_bytes,
                        .refcount_bits = shape->refcount_bits,
                        .version = shape->version };
    g_autofree char *path = image(&how);
    BlockOpenOptions opts = { .file = path };
    Run r = { .d = disk_model_open(&opts, 3),
              .s = state_new(shape->state_bytes, shape->cluster_bytes),
              .names = g_ptr_array_new_with_free_func(g_free) };
    take_all(&r);
    check_all(&r);
    for (int k = 0; k < COUNT; k++) {
        int i = (k * 5 + 1) % COUNT;
        blockdev_close(r.d->disk);
        disk_check_clean(path);
        r.d->disk = disk_open(&opts);
        check_all(&r);
        g_autofree char *name = snap_name(i);
        uint64_t room = blockdev_snapshot_room(r.d->disk, r.names);
        g_assert_true(blockdev_snapshot_delete(r.d->disk, name, NULL));
        g_assert_cmpuint(blockdev_snapshot_room(r.d->disk, r.names), <, room);
        g_clear_pointer(&r.then[i], g_free);
        disk_model_requests(r.d, 10);
    }
    g_assert_cmpuint(blockdev_snapshot_room(r.d->disk, r.names), ==, 0);
    disk_model_check(r.d);
    disk_model_close(r.d);
    disk_check_clean(path);
    g_ptr_array_unref(r.names);
    state_free(r.s);
}

/* --- errors ------------------------------------------------------------- */

static void test_errors(void)
{
    ImageCreate how = { .size_bytes = MIB, .cluster_bytes = 4096 };
    g_autofree char *path = image(&how);
    BlockOpenOptions opts = { .file = path };
    BlockDev *b = disk_open(&opts);
    State *s = state_new(MIB, 1);
    uint64_t written;
    state_run(s, 50);
    g_assert_true(state_take(s, b, "one", NULL, &written));
    g_assert_false(state_take(s, b, "two", "none", &written));
    Check c = { .want = s->now };
    Error *err = NULL;
    VmStateRead what = { .name = "one", .offset = UNIT, .bytes = MIB,
                         .sink = check_piece, .opaque = &c };
    g_assert_false(blockdev_snapshot_read(b, &what, &err));
    g_assert_nonnull(strstr(error_message(err), "'one'"));
    g_assert_nonnull(strstr(error_message(err), path));
    g_clear_pointer(&err, error_free);
    what.offset = UINT64_MAX;
    g_assert_false(blockdev_snapshot_read(b, &what, NULL));
    what.name = "none";
    g_assert_false(blockdev_snapshot_read(b, &what, NULL));
    /* Nothing changed: only tables are written. Then it replaces its own base. */
    g_assert_true(state_take(s, b, "two", "one", &written));
    g_assert_cmpuint(written, ==, 4096);
    state_run(s, 5);
    g_assert_true(state_take(s, b, "two", "two", &written));
    g_assert_true(blockdev_snapshot_delete(b, "one", NULL));
    check_state(b, "two", s->now, 0, s->units);
    blockdev_close(b);
    disk_check_clean(path);
    state_free(s);
}

/* A cluster of two bits can have three references: the disk's own images are
 * safe when a fourth is wanted. */
static void test_no_room(void)
{
    ImageCreate how = { .size_bytes = MIB, .cluster_bytes = 4096,
                        .refcount_bits = 2 };
    g_autofree char *path = image(&how);
    BlockOpenOptions opts = { .file = path };
    BlockDev *b = disk_open(&opts);
    State *s = state_new(MIB, 1);
    uint64_t written;
    state_run(s, 50);
    g_assert_true(state_take(s, b, "1", NULL, &written));
    g_assert_true(state_take(s, b, "2", "1", &written));
    g_assert_true(state_take(s, b, "3", "2", &written));
    g_assert_false(state_take(s, b, "4", "3", &written));
    check_state(b, "3", s->now, 0, s->units);
    blockdev_close(b);
    disk_check_clean(path);
    state_free(s);
}

static void limit_files(rlim_t bytes)
{
    struct rlimit r;
    getrlimit(RLIMIT_FSIZE, &r);
    r.rlim_cur = MIN(bytes, r.rlim_max);
    setrlimit(RLIMIT_FSIZE, &r);
}

/* The medium gets full at any point: the older snapshots are what they were,
 * and it works again when there is room. */
static void test_full(void)
{
    unsigned failed = 0;
    signal(SIGXFSZ, SIG_IGN);
    for (unsigned room = 0; room < 60; room++) {
        ImageCreate how = { .size_bytes = MIB, .cluster_bytes = 4096 };
        g_autofree char *path = image(&how);
        BlockOpenOptions opts = { .file = path };
        BlockDev *b = disk_open(&opts);
        State *s = state_new(MIB, room);
        uint64_t written;
        struct stat st;
        state_run(s, 50);
        g_assert_true(state_take(s, b, "one", NULL, &written));
        g_autofree uint8_t *then = g_memdup2(s->now, s->units);
        state_run(s, 20);
        g_assert_cmpint(stat(path, &st), ==, 0);
        limit_files(st.st_size + room * 4096);
        bool ok = state_take(s, b, "two", "one", &written);
        limit_files(RLIM_INFINITY);
        failed += !ok;
        state_run(s, 5);
        g_assert_true(state_take(s, b, "three", ok ? "two" : "one",
                                 &written));
        blockdev_close(b);
        ImageCheck r = { 0 };
        g_assert_true(image_check(path, NULL, false, &r, NULL));
        g_assert_cmpuint(r.corruptions, ==, 0);
        b = disk_open(&opts);
        check_state(b, "one", then, 0, s->units);
        check_state(b, "three", s->now, 0, s->units);
        blockdev_close(b);
        state_free(s);
    }
    g_assert_cmpuint(failed, >, 10);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(shapes); i++) {
        g_autofree char *name =
            g_strdup_printf("/vmstate/shape/%u-%u-v%u",
                            shapes[i].cluster_bytes, shapes[i].refcount_bits,
                            shapes[i].version);
        g_test_add_data_func(name, &shapes[i], test_shape);
    }
    g_test_add_func("/vmstate/errors", test_errors);
    g_test_add_func("/vmstate/no-room", test_no_room);
    g_test_add_func("/vmstate/full", test_full);
    return g_test_run();
}
