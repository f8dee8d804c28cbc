/*
 * qcow2: random requests on images of all shapes against an array, snapshots,
 * backing files, resizing; and images with any byte of their tables changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include "base/bytes.h"
#include "disk-model.h"

static char *image(const char *name, ImageCreate c)
{
    Error *err = NULL;
    char *path = disk_path(name);
    c.file = path;
    c.format = "qcow2";
    if (!image_create(&c, &err)) {
        g_test_message("%s", error_message(err));
    }
    g_assert_null(err);
    return path;
}

static GBytes *vm_state(uint8_t seed, gsize bytes)
{
    uint8_t *data = g_malloc(bytes);
    for (gsize i = 0; i < bytes; i++) {
        data[i] = i * 7 + i / 251 + seed;
    }
    return g_bytes_new_take(data, bytes);
}

static void take(BlockDev *b, const char *name, Icount icount, GBytes *state)
{
    Error *err = NULL;
    BlockSnapshot info = {
        .name = (char *)name, .icount = icount, .date_sec = 1700000000,
        .date_nsec = 5, .vm_clock_ns = icount * 8,
    };
    if (!blockdev_snapshot_create(b, &info, state, &err)) {
        g_test_message("%s", error_message(err));
    }
    g_assert_null(err);
}

static void go(BlockDev *b, const char *name)
{
    Error *err = NULL;
    g_assert_true(blockdev_snapshot_goto(b, name, &err));
    g_assert_null(err);
}

/* --- shapes ----------------------------------------------------------- */

typedef struct Shape {
    uint32_t cluster_bytes;
    unsigned refcount_bits, version;
    uint64_t size_bytes;
} Shape;

static const Shape shapes[] = {
    { 65536, 16, 3, 5 * MIB },
    { 512, 16, 3, 3 * MIB },
    { 512, 64, 3, 9 * MIB },   /* the reference count table must grow */
    { 512, 1, 3, 2 * MIB },
    { 1024, 4, 3, 3 * MIB + 512 },
    { 4096, 8, 3, 3 * MIB },
    { 4096, 2, 3, 3 * MIB },
    { 16384, 32, 3, 3 * MIB },
    { 2097152, 16, 3, 9 * MIB },
    { 65536, 16, 2, 3 * MIB },
    { 512, 16, 2, 2 * MIB + 1024 },
};

static ImageCreate shape_create(const Shape *s)
{
    return (ImageCreate) {
        .size_bytes = s->size_bytes, .cluster_bytes = s->cluster_bytes,
        .refcount_bits = s->refcount_bits, .version = s->version,
    };
}

static void test_shape(gconstpointer data)
{
    const Shape *s = data;
    g_autofree char *path = image("shape", shape_create(s));
    BlockOpenOptions opts = { .file = path };
    DiskModel *d = disk_model_open(&opts, s->cluster_bytes);
    for (int i = 0; i < 4; i++) {
        disk_model_requests(d, 150);
        disk_model_reopen(d);
    }
    disk_model_check(d);
    disk_model_close(d);
    disk_check_clean(path);
}

/* Snapshots among requests; each is what the disk was when it was taken. */
static void test_shape_snapshots(gconstpointer data)
{
    enum { COUNT = 4 };
    const Shape *s = data;
    g_autofree char *path = image("snap", shape_create(s));
    BlockOpenOptions opts = { .file = path };
    DiskModel *d = disk_model_open(&opts, s->cluster_bytes + 1);
    uint8_t *then[COUNT];
    char name[] = "s0";
    /* The disk, its next state while going back, and the snapshots. */
    int count = MIN(COUNT, (1 << MIN(s->refcount_bits, 10)) - 3);
    for (int i = 0; i < count; i++) {
        g_autoptr(GBytes) state = vm_state(i, 1000 + i * 40000);
        disk_model_requests(d, 60);
        name[1] = '0' + i;
        take(d->disk, name, i, i ? state : NULL);
        then[i] = g_memdup2(d->bytes, d->size);
    }
    disk_model_requests(d, 60);
    disk_model_reopen(d);
    disk_model_check(d);
    for (int k = 0; k < count; k++) {
        int i = (k * 3 + 1) % count;
        name[1] = '0' + i;
        g_autoptr(GBytes) want = vm_state(i, i ? 1000 + i * 40000 : 0);
        g_autoptr(GBytes) got = blockdev_snapshot_vm_state(d->disk, name,
                                                           NULL);
        g_assert_true(g_bytes_equal(want, got));
        go(d->disk, name);
        memcpy(d->bytes, then[i], d->size);
        disk_model_check(d);
        disk_model_requests(d, 20);
        disk_model_reopen(d);
    }
    blockdev_close(d->disk);
    disk_check_clean(path);
    d->disk = disk_open(&opts);
    for (int i = 0; i < count; i++) {
        name[1] = '0' + i;
        g_assert_true(blockdev_snapshot_delete(d->disk, name, NULL));
        disk_model_requests(d, 20);
        g_free(then[i]);
    }
    disk_model_check(d);
    disk_model_close(d);
    disk_check_clean(path);
}

/* Tables longer than what one reference count block counts. */
static void test_long_tables(void)
{
    g_autofree char *path = image("long", (ImageCreate) {
        .size_bytes = GIB, .cluster_bytes = 512, .refcount_bits = 64 });
    BlockOpenOptions opts = { .file = path };
    BlockDev *b = disk_open(&opts);
    uint8_t buf[512] = { 1 };
    for (uint64_t at = 0; at < GIB; at += 50 * MIB) {
        g_assert_cmpint(blockdev_write(b, at, buf, 512), ==, 0);
    }
    take(b, "s", 0, NULL);
    g_assert_cmpint(blockdev_write(b, 512, buf, 512), ==, 0);
    go(b, "s");
    blockdev_close(b);
    disk_check_clean(path);
}

/* --- snapshot table --------------------------------------------------- */

static const BlockSnapshot *row(GPtrArray *list, guint i)
{
    g_assert_cmpuint(i, <, list->len);
    return g_ptr_array_index(list, i);
}

static void test_table(void)
{
    g_autofree char *path = image("table", (ImageCreate) {
        .size_bytes = MIB });
    BlockOpenOptions opts = { .file = path };
    BlockDev *b = disk_open(&opts);
    g_autoptr(GBytes) state = vm_state(1, 100000);
    take(b, "one", 1234567, state);
    take(b, "two", ICOUNT_NONE, NULL);
    blockdev_close(b);
    b = disk_open(&opts);
    g_autoptr(GPtrArray) list = blockdev_snapshot_list(b, NULL);
    g_assert_cmpuint(list->len, ==, 2);
    g_assert_cmpstr(row(list, 0)->id, ==, "1");
    g_assert_cmpstr(row(list, 0)->name, ==, "one");
    g_assert_cmpuint(row(list, 0)->vm_state_bytes, ==, 100000);
    g_assert_cmpuint(row(list, 0)->icount, ==, 1234567);
    g_assert_cmpuint(row(list, 0)->vm_clock_ns, ==, 1234567 * 8);
    g_assert_cmpint(row(list, 0)->date_sec, ==, 1700000000);
    g_assert_cmpuint(row(list, 0)->date_nsec, ==, 5);
    g_assert_cmpuint(row(list, 1)->icount, ==, ICOUNT_NONE);
    g_assert_cmpstr(row(list, 1)->id, ==, "2");
    /* Where others look for the icount: bytes 56 to 63 of the row. */
    g_autofree char *file = NULL;
    gsize len;
    g_assert_true(g_file_get_contents(path, &file, &len, NULL));
    uint64_t table = bytes_ld_be64(file + 64);
    g_assert_cmpuint(bytes_ld_be64(file + table + 56), ==, 1234567);
    /* By name before id; a name is replaced. */
    g_clear_pointer(&list, g_ptr_array_unref);
    take(b, "one", 7, NULL);
    list = blockdev_snapshot_list(b, NULL);
    g_assert_cmpuint(list->len, ==, 2);
    g_assert_cmpstr(row(list, 0)->name, ==, "two");
    g_assert_cmpstr(row(list, 1)->id, ==, "3");
    g_assert_cmpuint(row(list, 1)->icount, ==, 7);
    g_assert_true(blockdev_snapshot_delete(b, "2", NULL));
    Error *err = NULL;
    g_assert_false(blockdev_snapshot_delete(b, "2", &err));
    g_assert_nonnull(strstr(error_message(err), "does not exist"));
    error_free(err);
    blockdev_close(b);
    disk_check_clean(path);
}

/* With one bit a cluster there is no room for sharing: an error, no harm. */
static void test_no_room(void)
{
    g_autofree char *path = image("room", (ImageCreate) {
        .size_bytes = MIB, .refcount_bits = 1 });
    BlockOpenOptions opts = { .file = path };
    DiskModel *d = disk_model_open(&opts, 9);
    disk_model_requests(d, 50);
    BlockSnapshot info = { .name = (char *)"s" };
    Error *err = NULL;
    g_assert_false(blockdev_snapshot_create(d->disk, &info, NULL, &err));
    error_free(err);
    disk_model_requests(d, 50);
    disk_model_check(d);
    disk_model_close(d);
    disk_check_clean(path);
}

/* --- replay ----------------------------------------------------------- */

/* The disk starts at the snapshot; going elsewhere and back costs nothing,
 * and the file stays as it is to the byte. */
static void test_replay_view(void)
{
    g_autofree char *path = image("view", (ImageCreate) {
        .size_bytes = 2 * MIB, .cluster_bytes = 4096 });
    BlockOpenOptions opts = { .file = path };
    g_autoptr(GBytes) state = vm_state(3, 50000);
    DiskModel *d = disk_model_open(&opts, 10);
    disk_model_requests(d, 100);
    take(d->disk, "start", 5, state);
    g_autofree uint8_t *start = g_memdup2(d->bytes, d->size);
    disk_model_requests(d, 100);
    take(d->disk, "later", 6, NULL);
    g_autofree uint8_t *later = g_memdup2(d->bytes, d->size);
    disk_model_requests(d, 100);
    disk_model_close(d);
    g_autofree char *before = NULL, *after = NULL;
    gsize before_len, after_len;
    g_assert_true(g_file_get_contents(path, &before, &before_len, NULL));

    opts.replay = true;
    opts.at_snapshot = "start";
    d = disk_model_open(&opts, 11);
    g_assert_cmpmem(d->bytes, d->size, start, d->size);
    disk_model_requests(d, 100);
    disk_model_check(d);
    BlockMark *mark = blockdev_mark(d->disk);
    g_autofree uint8_t *marked = g_memdup2(d->bytes, d->size);
    go(d->disk, "later");
    memcpy(d->bytes, later, d->size);
    disk_model_check(d);
    disk_model_requests(d, 100);
    g_autoptr(GBytes) got = blockdev_snapshot_vm_state(d->disk, "start", NULL);
    g_assert_true(g_bytes_equal(got, state));
    g_assert_false(blockdev_can_snapshot(d->disk));
    g_assert_false(blockdev_snapshot_delete(d->disk, "start", NULL));
    blockdev_return_to(d->disk, mark);
    memcpy(d->bytes, marked, d->size);
    disk_model_check(d);
    disk_model_requests(d, 50);
    disk_model_check(d);
    blockdev_mark_free(mark);
    disk_model_close(d);

    opts.at_snapshot = "nosuch";
    g_assert_null(blockdev_open(&opts, NULL));
    g_assert_true(g_file_get_contents(path, &after, &after_len, NULL));
    g_assert_cmpmem(before, before_len, after, after_len);
}

/* --- backing files, sizes --------------------------------------------- */

static void test_backing(void)
{
    g_autofree char *base = disk_path("base");
    ImageCreate raw = { .file = base, .format = "raw", .size_bytes = MIB };
    g_assert_true(image_create(&raw, NULL));
    BlockOpenOptions opts = { .file = base, .format = "raw" };
    DiskModel *d = disk_model_open(&opts, 20);
    disk_model_requests(d, 100);
    g_autofree uint8_t *bottom = g_memdup2(d->bytes, d->size);
    disk_model_close(d);

    g_autofree char *middle = image("middle", (ImageCreate) {
        .size_bytes = 2 * MIB, .cluster_bytes = 4096,
        .backing_file = "base", .backing_format = "raw" });
    opts = (BlockOpenOptions) { .file = middle };
    d = disk_model_open(&opts, 21);
    g_assert_cmpmem(d->bytes, MIB, bottom, MIB);
    disk_model_requests(d, 100);
    disk_model_check(d);
    g_autofree uint8_t *centre = g_memdup2(d->bytes, d->size);
    disk_model_close(d);
    disk_check_clean(middle);

    g_autofree char *top = image("top", (ImageCreate) {
        .size_bytes = MIB + 512, .version = 2,
        .backing_file = "middle", .backing_format = "qcow2" });
    opts.file = top;
    d = disk_model_open(&opts, 22);
    g_assert_cmpmem(d->bytes, d->size, centre, d->size);
    disk_model_requests(d, 100);
    disk_model_check(d);
    g_autofree uint8_t *crown = g_memdup2(d->bytes, d->size);
    disk_model_close(d);
    disk_check_clean(top);

    /* What the image did not show before, a larger one does not either. */
    g_assert_true(image_resize(top, NULL, 3 * MIB, false, NULL));
    d = disk_model_open(&opts, 23);
    g_assert_cmpuint(d->size, ==, 3 * MIB);
    g_assert_cmpmem(d->bytes, MIB + 512, crown, MIB + 512);
    for (uint64_t i = MIB + 512; i < d->size; i++) {
        g_assert_cmpuint(d->bytes[i], ==, 0);
    }
    disk_model_requests(d, 100);
    disk_model_check(d);
    disk_model_close(d);
    disk_check_clean(top);
}

static void test_backing_loop(void)
{
    g_autofree char *a = image("loop-a", (ImageCreate) {
        .size_bytes = MIB, .backing_file = "loop-b",
        .backing_format = "qcow2" });
    g_autofree char *b = image("loop-b", (ImageCreate) {
        .size_bytes = MIB, .backing_file = "loop-a",
        .backing_format = "qcow2" });
    g_assert_cmpstr(a, !=, b);
    BlockOpenOptions opts = { .file = a, .readonly = true };
    Error *err = NULL;
    g_assert_null(blockdev_open(&opts, &err));
    g_assert_nonnull(strstr(error_message(err), "loop"));
    error_free(err);
}

static void test_resize(void)
{
    g_autofree char *path = image("resize", (ImageCreate) {
        .size_bytes = MIB, .cluster_bytes = 512 });
    BlockOpenOptions opts = { .file = path };
    static const uint64_t sizes[] = {
        4 * MIB, 700 * KIB, 700 * KIB + 512, 6 * MIB, 512, 0, 2 * MIB,
    };
    uint64_t kept = MIB;
    DiskModel *d = disk_model_open(&opts, 30);
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        disk_model_requests(d, 100);
        g_autofree uint8_t *old = g_memdup2(d->bytes, d->size);
        kept = MIN(d->size, sizes[i]);
        disk_model_close(d);
        g_assert_true(image_resize(path, NULL, sizes[i], true, NULL));
        disk_check_clean(path);
        d = disk_model_open(&opts, 31 + i);
        g_assert_cmpuint(d->size, ==, sizes[i]);
        g_assert_cmpmem(d->bytes, kept, old, kept);
        for (uint64_t k = kept; k < d->size; k++) {
            g_assert_cmpuint(d->bytes[k], ==, 0);
        }
        if (d->size == 0) {
            disk_model_close(d);
            g_assert_true(image_resize(path, NULL, 4096, false, NULL));
            d = disk_model_open(&opts, 50);
        }
    }
    disk_model_close(d);
}

/* --- compressed clusters ------------------------------------------------ */

/* Puts the deflated form of a cluster where the cluster was. */
static void compress_first(const char *path, const uint8_t *cluster)
{
    g_autofree char *bytes = NULL;
    gsize len;
    z_stream z = { .next_in = (uint8_t *)cluster, .avail_in = 65536 };
    g_assert_true(g_file_get_contents(path, &bytes, &len, NULL));
    uint64_t l1 = bytes_ld_be64(bytes + 40);
    char *entry = bytes + (bytes_ld_be64(bytes + l1) & 0xfffffffffffe00);
    uint64_t host = bytes_ld_be64(entry) & 0xfffffffffffe00;
    memset(bytes + host, 0x55, 65536);
    z.next_out = (uint8_t *)bytes + host + 1234;
    z.avail_out = 60000;
    g_assert_cmpint(deflateInit2(&z, 9, Z_DEFLATED, -12, 9, 0), ==, Z_OK);
    g_assert_cmpint(deflate(&z, Z_FINISH), ==, Z_STREAM_END);
    deflateEnd(&z);
    uint64_t sectors = (1234 + z.total_out - 1) / 512 - 1234 / 512;
    bytes_st_be64(entry, UINT64_C(1) << 62 | sectors << 54 | (host + 1234));
    g_assert_true(g_file_set_contents(path, bytes, len, NULL));
}

static void test_compressed(void)
{
    g_autofree char *path = image("packed", (ImageCreate) {
        .size_bytes = MIB });
    BlockOpenOptions opts = { .file = path };
    DiskModel *d = disk_model_open(&opts, 80);
    for (unsigned i = 0; i < 65536; i++) {
        d->bytes[i] = i % 7 + i / 1000;
    }
    g_assert_cmpint(blockdev_write(d->disk, 0, d->bytes, 65536), ==, 0);
    blockdev_close(d->disk);
    compress_first(path, d->bytes);
    disk_check_clean(path);
    d->disk = disk_open(&opts);
    disk_model_check(d);
    take(d->disk, "s", 0, NULL);
    g_autofree uint8_t *then = g_memdup2(d->bytes, d->size);
    disk_model_requests(d, 100);
    disk_model_reopen(d);
    disk_model_check(d);
    go(d->disk, "s");
    memcpy(d->bytes, then, d->size);
    disk_model_check(d);
    disk_model_close(d);
    disk_check_clean(path);
}

/* --- crashes ---------------------------------------------------------- */

/* The file as a killed process leaves it is an image without corruption. */
static void test_killed(void)
{
    g_autofree char *path = image("killed", (ImageCreate) {
        .size_bytes = 2 * MIB, .cluster_bytes = 512 });
    g_autofree char *copy = disk_path("killed-copy");
    BlockOpenOptions opts = { .file = path };
    DiskModel *d = disk_model_open(&opts, 60);
    for (int i = 0; i < 60; i++) {
        g_autofree char *bytes = NULL;
        gsize len;
        disk_model_requests(d, 5);
        if (i % 7 == 6) {
            take(d->disk, i % 2 ? "a" : "b", i, NULL);
        }
        g_assert_true(g_file_get_contents(path, &bytes, &len, NULL));
        g_assert_true(g_file_set_contents(copy, bytes, len, NULL));
        ImageCheck r = { 0 };
        g_assert_true(image_check(copy, NULL, true, &r, NULL));
        g_assert_cmpuint(r.corruptions, ==, 0);
        g_assert_cmpuint(r.leaks, ==, r.leaks_fixed);
        disk_check_clean(copy);
    }
    disk_model_close(d);
}

/* Room for `limit` bytes a file; what goes beyond fails. */
static void limit_files(rlim_t limit)
{
    struct rlimit r;
    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &r), ==, 0);
    r.rlim_cur = limit;
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &r), ==, 0);
}

/* The medium gets full at any point of what is done: errors, but neither
 * what a snapshot holds nor the image's tables suffer. */
static void test_full(void)
{
    signal(SIGXFSZ, SIG_IGN);
    unsigned failed = 0;
    for (unsigned room = 0; room < 90; room++) {
        g_autofree char *path = image("full", (ImageCreate) {
            .size_bytes = MIB, .cluster_bytes = 512 });
        BlockOpenOptions opts = { .file = path };
        DiskModel *d = disk_model_open(&opts, 90);
        disk_model_requests(d, 10);
        take(d->disk, "kept", 0, NULL);
        blockdev_flush(d->disk);
        struct stat st;
        g_assert_cmpint(g_stat(path, &st), ==, 0);
        g_autoptr(GBytes) state = vm_state(0, 10000);
        g_autofree uint8_t *buf = g_malloc0(8000);
        BlockSnapshot info = { .name = (char *)"new" };
        limit_files(st.st_size + room * 512);
        for (unsigned i = 0; i < 4; i++) {
            failed += blockdev_write(d->disk, i * 100000 + 7, buf, 2000) < 0;
        }
        failed += !blockdev_snapshot_create(d->disk, &info, state, NULL);
        failed += blockdev_write(d->disk, 8, buf, 8000) < 0;
        failed += blockdev_flush(d->disk) < 0;
        limit_files(RLIM_INFINITY);
        /* The machine may go on when there is room again. */
        g_assert_cmpint(blockdev_write(d->disk, 9, buf, 8000), ==, 0);
        blockdev_close(d->disk);
        ImageCheck r = { 0 };
        g_assert_true(image_check(path, NULL, false, &r, NULL));
        g_assert_cmpuint(r.corruptions, ==, 0);
        d->disk = disk_open(&opts);
        go(d->disk, "kept");
        disk_model_check(d);
        disk_model_close(d);
    }
    g_assert_cmpuint(failed, >, 80);
}

/* --- bad images ------------------------------------------------------- */

static void use(BlockDev *b)
{
    g_autofree uint8_t *buf = g_malloc(64 * KIB);
    uint64_t size = MIN(blockdev_size_bytes(b), MIB);
    uint64_t digest;
    for (uint64_t at = 0; at < size; at += 64 * KIB) {
        blockdev_read(b, at, buf, MIN(64 * KIB, size - at));
    }
    if (blockdev_size_bytes(b) <= 64 * MIB) {
        blockdev_content_digest(b, &digest, NULL);
    }
    for (uint64_t at = 700; at + 3000 < size; at += 30000) {
        blockdev_write(b, at, buf, 3000);
    }
    blockdev_write_zeroes(b, 0, size / 2);
    g_autoptr(GPtrArray) list = blockdev_snapshot_list(b, NULL);
    for (guint i = 0; i < list->len && i < 3; i++) {
        const BlockSnapshot *s = g_ptr_array_index(list, i);
        GBytes *state = blockdev_snapshot_vm_state(b, s->name, NULL);
        g_clear_pointer(&state, g_bytes_unref);
        blockdev_snapshot_goto(b, s->name, NULL);
        blockdev_snapshot_delete(b, s->name, NULL);
    }
    BlockSnapshot info = { .name = (char *)"new" };
    blockdev_snapshot_create(b, &info, NULL, NULL);
    blockdev_flush(b);
}

static VmStatePiece mixed(void *opaque, uint64_t offset, uint8_t *buf,
                          size_t bytes)
{
    memset(buf, 0xda, bytes);
    return offset / bytes % 3;
}

static void ignore(void *opaque, uint64_t offset, const uint8_t *data,
                   uint64_t bytes)
{
    *(unsigned *)opaque += data ? data[bytes - 1] : 0;
}

/* VM state in pieces, shared with what is there. */
static void use_pieces(BlockDev *b)
{
    unsigned sum = 0;
    BlockSnapshot info = { .name = (char *)"pieces" };
    BlockVmState state = { .bytes = 9000, .fill = mixed, .base = "two" };
    VmStateRead read = { .name = "two", .bytes = 9000, .sink = ignore,
                         .opaque = &sum };
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_ptr_array_add(names, (char *)"one");
    g_ptr_array_add(names, (char *)"two");
    blockdev_snapshot_read(b, &read, NULL);
    blockdev_snapshot_room(b, names);
    blockdev_snapshot_create_pieces(b, &info, &state, NULL);
    state.base = read.name = "pieces";
    blockdev_snapshot_read(b, &read, NULL);
    blockdev_snapshot_create_pieces(b, &info, &state, NULL);
}

/* Whatever is in the file: an error at most. */
static void try(const char *path, const uint8_t *bytes, gsize len)
{
    BlockOpenOptions opts = { .file = path, .format = "qcow2" };
    int fd = g_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    g_assert_cmpint(write(fd, bytes, len), ==, len);
    close(fd);
    for (int replay = 1; replay >= 0; replay--) {
        ImageCheck r = { 0 };
        image_check(path, "qcow2", false, &r, NULL);
        opts.replay = replay;
        BlockDev *b = blockdev_open(&opts, NULL);
        if (b) {
            use_pieces(b);
            use(b);
        }
        blockdev_close(b);
    }
    ImageCheck r = { 0 };
    image_check(path, "qcow2", true, &r, NULL);
}

static bool is_metadata(const uint8_t *bytes, gsize len, gsize i)
{
    /* The data are all 0xda; the tables and a little more are the rest. */
    gsize start = i & ~(gsize)511;
    for (gsize k = start; k < MIN(start + 512, len); k++) {
        if (bytes[k] != 0xda) {
            return true;
        }
    }
    return false;
}

static char *small_image(void)
{
    char *path = image("small", (ImageCreate) {
        .size_bytes = 64 * KIB, .cluster_bytes = 512 });
    BlockOpenOptions opts = { .file = path };
    BlockDev *b = disk_open(&opts);
    uint8_t data[20000];
    memset(data, 0xda, sizeof data);
    g_autoptr(GBytes) state = g_bytes_new(data, 2000);
    blockdev_write(b, 512, data, sizeof data);
    take(b, "one", 1, state);
    blockdev_write(b, 10240, data, 10240);
    blockdev_write_zeroes(b, 40960, 2048);
    BlockSnapshot info = { .name = (char *)"two" };
    BlockVmState pieces = { .bytes = 9000, .fill = mixed, .base = "one" };
    g_assert_true(blockdev_snapshot_create_pieces(b, &info, &pieces, NULL));
    blockdev_close(b);
    return path;
}

static void test_flips(void)
{
    static const uint8_t masks[] = { 0xff, 0x01, 0x80, 0x10 };
    g_autofree char *good = small_image();
    g_autofree char *bad = disk_path("bad");
    g_autofree uint8_t *bytes = NULL;
    gsize len;
    unsigned tried = 0;
    g_assert_true(g_file_get_contents(good, (char **)&bytes, &len, NULL));
    /* It has a lot to say; kept from the log. */
    int err = dup(2), null = open("/dev/null", O_WRONLY);
    dup2(null, 2);
    for (gsize i = 0; i < len; i++) {
        if (!is_metadata(bytes, len, i) || (i > 112 && i < 512)) {
            continue;
        }
        uint8_t mask = masks[(i + i / 8) % G_N_ELEMENTS(masks)];
        bytes[i] ^= mask;
        try(bad, bytes, len);
        bytes[i] ^= mask;
        tried++;
    }
    for (gsize cut = 0; cut < len; cut += 256) {
        try(bad, bytes, cut);
    }
    dup2(err, 2);
    close(err);
    close(null);
    g_assert_cmpuint(tried, >, 2000);
}

/* What must be refused, and why. */
static void test_refused(void)
{
    static const struct {
        unsigned at;
        uint8_t bytes[8];
        unsigned len;
        const char *because;
    } rows[] = {
        { 4, { 0, 0, 0, 4 }, 4, "version" },
        { 20, { 0, 0, 0, 8 }, 4, "cluster size" },
        { 20, { 0, 0, 0, 22 }, 4, "cluster size" },
        { 32, { 0, 0, 0, 1 }, 4, "encrypted" },
        { 36, { 0, 0, 0, 0 }, 4, "L1 table is too small" },
        { 36, { 0x7f, 0, 0, 0 }, 4, "L1 table is too large" },
        { 40, { 0, 0, 0, 1 }, 4, "active L1 table is out of bounds" },
        { 48, { 0, 0, 1, 0 }, 4, "reference count table is out of bounds" },
        { 56, { 0, 0, 0, 0 }, 4, "no reference count table" },
        { 56, { 1, 0, 0, 0 }, 4, "reference count table is too large" },
        { 60, { 0, 1, 0, 1 }, 4, "snapshot table out of bounds" },
        { 60, { 0, 0, 0, 3 }, 4, "bad snapshot table entry" },
        { 72, { 0, 0, 0, 0, 0, 0, 0, 2 }, 8, "marked corrupt" },
        { 72, { 0, 0, 0, 0, 0, 0, 0, 4 }, 8, "external data file" },
        { 72, { 0, 0, 0, 0, 0, 0, 0, 16 }, 8, "extended L2 entries" },
        { 72, { 1, 0, 0, 0, 0, 0, 0, 0 }, 8, "feature: bit 56" },
        { 96, { 0, 0, 0, 7 }, 4, "wider than 64 bits" },
        { 100, { 0, 0, 0, 50 }, 4, "header length" },
    };
    g_autofree char *good = small_image();
    g_autofree char *bad = disk_path("bad");
    g_autofree char *bytes = NULL;
    gsize len;
    g_assert_true(g_file_get_contents(good, &bytes, &len, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        char saved[8];
        Error *err = NULL;
        BlockOpenOptions opts = { .file = bad };
        memcpy(saved, bytes + rows[i].at, 8);
        memcpy(bytes + rows[i].at, rows[i].bytes, rows[i].len);
        g_assert_true(g_file_set_contents(bad, bytes, len, NULL));
        memcpy(bytes + rows[i].at, saved, 8);
        g_assert_null(blockdev_open(&opts, &err));
        g_test_message("%s", error_message(err));
        g_assert_nonnull(strstr(error_message(err), rows[i].because));
        g_assert_nonnull(strstr(error_message(err), bad));
        error_free(err);
    }
}

/* An image that was not closed properly is repaired by its next writer. */
static void test_dirty(void)
{
    g_autofree char *path = small_image();
    g_autofree char *bytes = NULL;
    gsize len;
    g_assert_true(g_file_get_contents(path, &bytes, &len, NULL));
    uint64_t block = bytes_ld_be64(bytes + bytes_ld_be64(bytes + 48));
    bytes[79] |= 1;
    bytes[block + 2 * 10 + 1] ^= 1;      /* one count too few */
    bytes[block + 2 * 200 + 1] ^= 1;     /* and one too many */
    g_assert_true(g_file_set_contents(path, bytes, len, NULL));
    BlockOpenOptions opts = { .file = path };
    DiskModel *d = disk_model_open(&opts, 70);
    disk_model_requests(d, 30);
    disk_model_check(d);
    disk_model_close(d);
    disk_check_clean(path);
    ImageInfo *info = image_info(path, NULL, false, NULL);
    g_assert_false(info->dirty);
    image_info_free(info);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(shapes); i++) {
        const Shape *s = &shapes[i];
        g_autofree char *name = g_strdup_printf(
            "%u-%u-v%u", s->cluster_bytes, s->refcount_bits, s->version);
        g_autofree char *io = g_strconcat("/qcow2/io/", name, NULL);
        g_autofree char *snap = g_strconcat("/qcow2/snapshots/", name, NULL);
        g_test_add_data_func(io, s, test_shape);
        if (s->refcount_bits > 1) {
            g_test_add_data_func(snap, s, test_shape_snapshots);
        }
    }
    g_test_add_func("/qcow2/long-tables", test_long_tables);
    g_test_add_func("/qcow2/table", test_table);
    g_test_add_func("/qcow2/no-room", test_no_room);
    g_test_add_func("/qcow2/replay-view", test_replay_view);
    g_test_add_func("/qcow2/backing", test_backing);
    g_test_add_func("/qcow2/backing-loop", test_backing_loop);
    g_test_add_func("/qcow2/resize", test_resize);
    g_test_add_func("/qcow2/compressed", test_compressed);
    g_test_add_func("/qcow2/killed", test_killed);
    g_test_add_func("/qcow2/full", test_full);
    g_test_add_func("/qcow2/refused", test_refused);
    g_test_add_func("/qcow2/dirty", test_dirty);
    g_test_add_func("/qcow2/flips", test_flips);
    return g_test_run();
}
