/*
 * Damaged qcow2 images, made at random: whatever is in the file, opening,
 * checking, repairing, reading and writing it end, with an error at most; what
 * a repair calls clean is clean, can be used, and is clean to qemu-img too,
 * where that is installed.
 *
 * REPRISE_CASES and REPRISE_SEED make more and other ones.
 */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "disk-model.h"

typedef struct Damaged {
    const char *name;
    ImageCreate create;
    bool snapshots;
} Damaged;

static const Damaged images[] = {
    { "plain", { .size_bytes = 300 * 1024, .cluster_bytes = 4096 } },
    { "small", { .size_bytes = 64 * 1024, .cluster_bytes = 512 }, true },
    { "old", { .size_bytes = 64 * 1024, .cluster_bytes = 1024,
               .version = 2 }, true },
    { "default", { .size_bytes = 3 * MIB, .backing_file = "base",
                   .backing_format = "raw" }, true },
    { "narrow", { .size_bytes = 64 * 1024, .cluster_bytes = 512,
                  .refcount_bits = 1 } },
};

static unsigned from_env(const char *name, unsigned otherwise)
{
    const char *text = g_getenv(name);
    return text ? g_ascii_strtoull(text, NULL, 0) : otherwise;
}

/* --- a good image -------------------------------------------------------- */

static void take(BlockDev *b, const char *name)
{
    uint8_t data[3000];
    memset(data, 0xa5, sizeof data);
    g_autoptr(GBytes) state = g_bytes_new(data, sizeof data);
    BlockSnapshot info = { .name = (char *)name, .icount = 77 };
    g_assert_true(blockdev_snapshot_create(b, &info, state, NULL));
}

static char *make_image(const Damaged *im)
{
    char *path = disk_path(im->name);
    g_autofree char *base = disk_path("base");
    ImageCreate raw = { .file = base, .format = "raw",
                        .size_bytes = im->create.size_bytes };
    ImageCreate c = im->create;
    c.file = path;
    c.format = "qcow2";
    g_assert_true(image_create(&raw, NULL));
    g_assert_true(image_create(&c, NULL));
    BlockOpenOptions opts = { .file = path, .format = "qcow2" };
    DiskModel *d = disk_model_open(&opts, 1);
    disk_model_requests(d, 10);
    if (im->snapshots) {
        take(d->disk, "one");
        disk_model_requests(d, 5);
        take(d->disk, "two");
        disk_model_requests(d, 5);
    }
    disk_model_close(d);
    return path;
}

/* --- damage --------------------------------------------------------------- */

typedef struct Damage {
    GRand *rand;
    uint8_t *bytes;
    gsize len;
    unsigned cluster;
    GString *what;
} Damage;

static uint64_t table_at(const Damage *d, uint64_t at)
{
    return at + 8 <= d->len ? bytes_ld_be64(d->bytes + at) &
                              UINT64_C(0x00fffffffffffe00) : 0;
}

/* Where something that means something begins. */
static uint64_t pick_table(const Damage *d)
{
    uint64_t l1 = table_at(d, 40), refs = table_at(d, 48);
    switch (g_rand_int_range(d->rand, 0, 7)) {
    case 0:
        return l1;
    case 1:
        return table_at(d, l1 + 8 * g_rand_int_range(d->rand, 0, 4));
    case 2:
        return refs;
    case 3:
        return table_at(d, refs);
    case 4:
        return table_at(d, 64);
    default:
        return 0;
    }
}

static void damage_flip(Damage *d, uint64_t at)
{
    uint8_t bit = 1u << g_rand_int_range(d->rand, 0, 8);
    if (at < d->len) {
        d->bytes[at] ^= bit;
        g_string_append_printf(d->what, " flip %#" G_GINT64_MODIFIER "x:%x",
                               at, bit);
    }
}

/* A field gets one of the values that are always wrong somewhere. */
static void damage_field(Damage *d, uint64_t at, unsigned bytes)
{
    const uint64_t values[] = {
        0, 1, UINT64_MAX, d->len, d->len - 512, d->cluster, 7 * d->cluster,
        UINT64_C(1) << 62, UINT64_C(1) << 63, 0x7fffffff, 512 + 8,
        g_rand_int(d->rand),
    };
    uint64_t v = values[g_rand_int_range(d->rand, 0, G_N_ELEMENTS(values))];
    if (at + bytes <= d->len) {
        for (unsigned i = bytes; i-- > 0; v >>= 8) {
            d->bytes[at + i] = v;
        }
        g_string_append_printf(d->what, " field %#" G_GINT64_MODIFIER "x/%u",
                               at, bytes);
    }
}

static void damage_header(Damage *d)
{
    static const struct {
        unsigned at, bytes;
    } fields[] = {
        { 4, 4 }, { 8, 8 }, { 16, 4 }, { 20, 4 }, { 24, 8 }, { 32, 4 },
        { 36, 4 }, { 40, 8 }, { 48, 8 }, { 56, 4 }, { 60, 4 }, { 64, 8 },
        { 72, 8 }, { 80, 8 }, { 88, 8 }, { 96, 4 }, { 100, 4 }, { 104, 1 },
        { 112, 4 }, { 116, 4 }, { 72, 1 }, { 79, 1 }, { 87, 1 }, { 95, 1 },
    };
    unsigned i = g_rand_int_range(d->rand, 0, G_N_ELEMENTS(fields));
    damage_field(d, fields[i].at, fields[i].bytes);
}

static void damage_one(Damage *d)
{
    uint64_t table = pick_table(d);
    uint64_t at = table + g_rand_int_range(d->rand, 0, d->cluster);
    switch (g_rand_int_range(d->rand, 0, 6)) {
    case 0:
        damage_flip(d, g_rand_int_range(d->rand, 0, d->len));
        break;
    case 1:
        damage_flip(d, g_rand_int_range(d->rand, 0, 256));
        break;
    case 2:
        damage_field(d, at & ~UINT64_C(7), 8);
        break;
    case 3:
        damage_header(d);
        break;
    case 4:
        damage_flip(d, table + g_rand_int_range(d->rand, 0, 80));
        break;
    default:
        damage_flip(d, at);
        break;
    }
}

/* --- what must be so then ------------------------------------------------ */

static void use(const char *path)
{
    uint8_t buf[5000] = { 1 };
    BlockOpenOptions opts = { .file = path, .format = "qcow2" };
    BlockDev *b = blockdev_open(&opts, NULL);
    if (!b) {
        return;
    }
    uint64_t size = blockdev_size_bytes(b);
    for (unsigned i = 0; i < 20 && size > sizeof buf; i++) {
        uint64_t at = (size - sizeof buf) / 20 * i;
        blockdev_read(b, at, buf, sizeof buf);
        blockdev_write(b, at, buf, sizeof buf);
    }
    g_autoptr(GPtrArray) list = blockdev_snapshot_list(b, NULL);
    for (guint i = 0; i < MIN(list->len, 3); i++) {
        const BlockSnapshot *s = g_ptr_array_index(list, i);
        GBytes *vm = blockdev_snapshot_vm_state(b, s->name, NULL);
        g_clear_pointer(&vm, g_bytes_unref);
        blockdev_snapshot_goto(b, s->name, NULL);
    }
    BlockSnapshot info = { .name = (char *)"new" };
    blockdev_snapshot_create(b, &info, NULL, NULL);
    if (list->len) {
        blockdev_snapshot_delete(b, ((BlockSnapshot *)list->pdata[0])->name,
                                 NULL);
    }
    blockdev_close(b);
}

/* True if a repair calls the image clean. */
static bool repair(const char *path)
{
    ImageCheck r = { 0 };
    return image_check(path, "qcow2", true, &r, NULL) &&
           r.corruptions == r.corruptions_fixed && r.leaks == r.leaks_fixed;
}

static bool qemu_finds_clean(const char *path)
{
    g_autofree char *program = g_find_program_in_path("qemu-img");
    const char *argv[] = { program, "check", "-f", "qcow2", path, NULL };
    g_autofree char *out = NULL;
    g_autofree char *err = NULL;
    int status = 0;
    if (!program) {
        return true;
    }
    g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT,
                               NULL, NULL, &out, &err, &status, NULL));
    if (status != 0) {
        g_test_message("qemu-img: %s %s", out, err);
    }
    return status == 0;
}

static void judge(const char *path, const char *what, bool used)
{
    if (used) {
        use(path);
    }
    if (!repair(path)) {
        return;
    }
    ImageCheck r = { 0 };
    bool again = image_check(path, "qcow2", false, &r, NULL) &&
                 r.corruptions + r.leaks == 0;
    bool qemu = qemu_finds_clean(path);
    if (!again || !qemu) {
        g_test_message("repaired, but not clean for %s:%s",
                       again ? "qemu-img" : "us", what);
    }
    if (!g_getenv("REPRISE_EXPLORE")) {
        g_assert_true(again && qemu);
    }
    use(path);
}

static void test_damaged(gconstpointer data)
{
    const Damaged *im = data;
    g_autofree char *good = make_image(im);
    g_autofree char *bad = disk_path("bad");
    g_autofree uint8_t *bytes = NULL;
    gsize len;
    unsigned cases = from_env("REPRISE_CASES", 40);
    g_assert_true(g_file_get_contents(good, (char **)&bytes, &len, NULL));
    int err = dup(2), null = open("/dev/null", O_WRONLY);
    dup2(null, 2);
    for (unsigned i = 0; i < cases; i++) {
        g_autofree uint8_t *copy = g_memdup2(bytes, len);
        Damage d = {
            g_rand_new_with_seed(from_env("REPRISE_SEED", 1) * 1000 + i),
            copy, len, im->create.cluster_bytes, NULL,
        };
        d.cluster = d.cluster ? d.cluster : 65536;
        d.what = g_string_new(NULL);
        for (unsigned n = g_rand_int_range(d.rand, 1, 4); n > 0; n--) {
            damage_one(&d);
        }
        g_assert_true(g_file_set_contents(bad, (char *)copy, len, NULL));
        judge(bad, d.what->str, i % 2);
        g_string_free(d.what, TRUE);
        g_rand_free(d.rand);
    }
    dup2(err, 2);
    close(err);
    close(null);
}

/* A table of millions of pointers to one table below: a file that is small,
 * and would be counted for hours. The end of the test is the test. */
static void test_many_times(void)
{
    g_autofree char *path = disk_path("many");
    enum { ENTRIES = 4 << 20 };
    ImageCreate c = { .file = path, .format = "qcow2",
                      .size_bytes = UINT64_C(512) * MIB };
    g_assert_true(image_create(&c, NULL));
    BlockOpenOptions opts = { .file = path, .format = "qcow2" };
    BlockDev *b = disk_open(&opts);
    g_assert_cmpint(blockdev_write(b, 0, "x", 1), ==, 0);
    blockdev_close(b);
    g_autofree char *bytes = NULL;
    gsize len;
    g_assert_true(g_file_get_contents(path, &bytes, &len, NULL));
    uint64_t l1 = bytes_ld_be64(bytes + 40), l2 = bytes_ld_be64(bytes + l1);
    for (uint64_t at = bytes_ld_be64(bytes + l1) & 0xfffffe00, i = 0;
         i < 8192; i++) {
        bytes_st_be64(bytes + at + i * 8, bytes_ld_be64(bytes + at));
    }
    uint64_t at = (len + 65535) & ~UINT64_C(65535);
    bytes = g_realloc(bytes, at + ENTRIES * 8);
    memset(bytes + len, 0, at - len);
    for (uint64_t i = 0; i < ENTRIES; i++) {
        bytes_st_be64(bytes + at + i * 8, l2);
    }
    bytes_st_be64(bytes + 24, ENTRIES * UINT64_C(8192) * 65536);
    bytes_st_be32(bytes + 36, ENTRIES);
    bytes_st_be64(bytes + 40, at);
    g_assert_true(g_file_set_contents(path, bytes, at + ENTRIES * 8, NULL));
    ImageCheck r = { 0 };
    g_assert_true(image_check(path, "qcow2", false, &r, NULL));
    g_assert_cmpuint(r.corruptions, >, ENTRIES / 2);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(images); i++) {
        g_autofree char *name = g_strconcat("/damage/", images[i].name, NULL);
        g_test_add_data_func(name, &images[i], test_damaged);
    }
    g_test_add_func("/damage/many-times", test_many_times);
    return g_test_run();
}
