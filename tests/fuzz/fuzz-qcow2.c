/*
 * A qcow2 image with anything in it: checked, described, read, written, its
 * snapshots visited and made, resized, repaired.
 *
 * The input is the image; its last byte chooses what is done with it.
 */
#include "fuzz.h"
#include "io/image.h"

#define IMAGE_MAX (256 * KIB)

static void use_snapshots(BlockDev *b)
{
    Error *err = NULL;
    GPtrArray *list = blockdev_snapshot_list(b, &err);
    fuzz_expect(err);
    for (unsigned i = 0; list && i < MIN(list->len, 8); i++) {
        const BlockSnapshot *s = g_ptr_array_index(list, i);
        err = NULL;
        g_autoptr(GBytes) state = NULL;
        if (s->vm_state_bytes < 16 * MIB) {
            state = blockdev_snapshot_vm_state(b, s->name, &err);
        }
        fuzz_expect(err);
        err = NULL;
        blockdev_snapshot_goto(b, s->name, &err);
        fuzz_expect(err);
        err = NULL;
        if (i % 2) {
            blockdev_snapshot_delete(b, s->name, &err);
            fuzz_expect(err);
        }
    }
    g_clear_pointer(&list, g_ptr_array_unref);
    BlockSnapshot mine = { .name = (char *)"fuzz", .icount = 7 };
    g_autoptr(GBytes) state = g_bytes_new_static("state", 5);
    err = NULL;
    blockdev_snapshot_create(b, &mine, state, &err);
    fuzz_expect(err);
}

static void use_disk(BlockDev *b, bool write)
{
    uint8_t buf[3 * 512] = { 1, 2, 3 };
    uint64_t size = blockdev_size_bytes(b);
    uint64_t step = MAX(size / 16, 512) / 512 * 512 + 512;
    for (uint64_t at = 0; at < size; at += step) {
        size_t len = MIN(size - at, sizeof buf);
        BlockExtent what;
        blockdev_read(b, at, buf, len);
        g_assert_cmpuint(blockdev_extent(b, at, size - at, &what), >, 0);
        if (write) {
            blockdev_write(b, at, buf, len);
            blockdev_write_zeroes(b, at, MIN(size - at, 70000));
        }
    }
    blockdev_flush(b);
}

static void use_image(const char *path, uint8_t how)
{
    BlockOpenOptions opts = {
        .node = "fuzz", .file = path, .format = "qcow2",
        .readonly = how & 1, .replay = (how & 3) == 1,
        .temporary = how & 4,
    };
    Error *err = NULL;
    BlockDev *b = blockdev_open(&opts, &err);
    fuzz_expect(err);
    if (b) {
        use_disk(b, !blockdev_readonly(b));
        use_snapshots(b);
        use_disk(b, false);
        blockdev_close(b);
    }
}

static void describe(const char *path)
{
    Error *err = NULL;
    ImageInfo *info = image_info(path, "qcow2", true, &err);
    fuzz_expect(err);
    if (info) {
        image_info_free(info);
    }
}

static void check(const char *path, bool repair)
{
    Error *err = NULL;
    ImageCheck c = { 0 };
    image_check(path, "qcow2", repair, &c, &err);
    fuzz_expect(err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > IMAGE_MAX) {
        return 0;
    }
    uint8_t how = size ? data[size - 1] : 0;
    const char *path = fuzz_file(data, size);
    Error *err = NULL;
    describe(path);
    check(path, how & 8);
    use_image(path, how);
    if (how & 16) {
        image_resize(path, "qcow2", (uint64_t)(how >> 5) * 20000 / 512 * 512,
                     true, &err);
        fuzz_expect(err);
    }
    check(path, true);
    use_image(path, how >> 3);
    return 0;
}
