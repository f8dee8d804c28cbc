/*
 * reprise-img measure: how large a copy would be.
 */
#include <stdlib.h>
#include <string.h>

#include "img.h"

typedef struct Measure {
    const ImgArgs *args;
    ImageCreate create;
    uint64_t disk_bytes;
    uint64_t data_bytes;   /* of clusters that have to be there */
    uint64_t bitmap_bytes;
    bool has_bitmaps;
} Measure;

static uint64_t divide_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

/* Everything but data: header, tables, and the reference counts that count
 * themselves. */
static uint64_t qcow2_tables(const ImageCreate *c, uint64_t data_bytes)
{
    uint64_t cluster = c->cluster_bytes ? c->cluster_bytes : 65536;
    uint64_t entry = c->extended_l2 ? 16 : 8;
    uint64_t counted_bits = c->refcount_bits ? c->refcount_bits : 16;
    uint64_t data = divide_up(data_bytes, cluster);
    uint64_t l2 = divide_up(data * entry, cluster);
    uint64_t fixed = 1 + l2 + divide_up(l2 * 8, cluster);
    uint64_t counted = c->data_file ? fixed : fixed + data;
    uint64_t blocks = 0, table = 0, before;
    do {
        before = blocks + table;
        blocks = divide_up((counted + blocks + table) * counted_bits,
                           cluster * 8);
        table = divide_up(blocks * 8, cluster);
    } while (blocks + table != before);
    return (fixed + blocks + table) * cluster;
}

/* What of a disk has to be written, in whole clusters. */
static void add_image(Measure *m, Image *image)
{
    uint64_t cluster = m->create.cluster_bytes ? m->create.cluster_bytes
                                               : 65536;
    uint64_t size = m->disk_bytes = image_size_bytes(image), run;
    uint64_t next = 0; /* the first cluster that is not yet counted */
    for (uint64_t at = 0; at < size; at += run) {
        BlockPlace p;
        run = image_place(image, at, size - at, &p);
        if (p.zero) {
            continue;
        }
        uint64_t first = MAX(at / cluster, next);
        uint64_t end = divide_up(at + run, cluster);
        m->data_bytes += (end > first ? end - first : 0) * cluster;
        next = MAX(next, end);
    }
    m->data_bytes = MIN(m->data_bytes, divide_up(size, cluster) * cluster);
}

static void add_bitmaps(Measure *m, Image *image)
{
    uint64_t cluster = m->create.cluster_bytes ? m->create.cluster_bytes
                                               : 65536;
    ImageInfo *info = image_describe(image);
    m->has_bitmaps = info->bitmaps && strcmp(m->create.format, "qcow2") == 0;
    uint64_t directory = 0;
    for (guint i = 0; m->has_bitmaps && i < info->bitmaps->len; i++) {
        const ImageBitmap *b = g_ptr_array_index(info->bitmaps, i);
        uint64_t clusters = divide_up(b->bits_bytes, cluster);
        m->bitmap_bytes += (clusters + divide_up(clusters * 8, cluster)) *
                           cluster;
        directory += (24 + strlen(b->name) + 7) & ~UINT64_C(7);
    }
    m->bitmap_bytes += divide_up(directory, cluster) * cluster;
    image_info_free(info);
}

static bool load(Measure *m)
{
    const ImgArgs *a = m->args;
    ImageOpen how = img_open_how(a, a->names[0], true);
    Image *image = img_open(&how), *view = NULL;
    Error *err = NULL;
    if (!image) {
        return false;
    }
    if (a->snapshot) {
        view = image_snapshot(image, a->snapshot, &err);
    } else {
        add_bitmaps(m, image);
    }
    if (!err) {
        add_image(m, view ? view : image);
    }
    image_close(view);
    image_close(image);
    if (err) {
        error_prepend(&err, "Failed to load snapshot: ");
        img_fail(err, 0);
    }
    return !err;
}

static void print(const Measure *m, uint64_t required, uint64_t full)
{
    if (m->args->json) {
        json_t *o = json_object();
        if (m->has_bitmaps) {
            json_object_set_new(o, "bitmaps", json_integer(m->bitmap_bytes));
        }
        json_object_set_new(o, "required", json_integer(required));
        json_object_set_new(o, "fully-allocated", json_integer(full));
        img_print_json(o);
        return;
    }
    printf("required size: %" G_GUINT64_FORMAT "\n"
           "fully allocated size: %" G_GUINT64_FORMAT "\n", required, full);
    if (m->has_bitmaps) {
        printf("bitmaps size: %" G_GUINT64_FORMAT "\n", m->bitmap_bytes);
    }
}

static int measure(Measure *m)
{
    uint64_t required = m->disk_bytes, full = m->disk_bytes;
    if (strcmp(m->create.format, "qcow2") == 0) {
        uint64_t cluster = m->create.cluster_bytes ? m->create.cluster_bytes
                                                   : 65536;
        uint64_t disk = divide_up(m->disk_bytes, cluster) * cluster;
        uint64_t tables = qcow2_tables(&m->create, m->disk_bytes);
        bool all = m->create.preallocation >= PREALLOCATION_FALLOC;
        bool here = !m->create.data_file;
        full = tables + (here ? disk : 0);
        required = tables + (here ? (all ? disk : m->data_bytes) : 0);
    }
    print(m, required, full);
    return EXIT_SUCCESS;
}

static bool args_valid(const ImgArgs *a)
{
    const char *wrong =
        a->size && a->count > 0 ? "--size N cannot be used together with a "
                                  "filename." :
        !a->size && a->count != 1 ? "Either --size N or one filename must be "
                                    "specified." :
        a->size && a->snapshot ? "--object, --image-opts, -f, and -l can only "
                                 "be used with a filename argument." : NULL;
    if (wrong) {
        error_report("%s", wrong);
    }
    return !wrong;
}

int img_measure(const ImgArgs *a)
{
    Measure m = { .args = a };
    Error *err = NULL;
    m.create.format = a->other_format ? a->other_format : "raw";
    if (img_options_help(a, m.create.format)) {
        return EXIT_SUCCESS;
    }
    if (!args_valid(a)) {
        return EXIT_FAILURE;
    }
    if (strcmp(m.create.format, "raw") != 0 &&
        strcmp(m.create.format, "qcow2") != 0) {
        error_report("Unknown file format '%s'", m.create.format);
        return EXIT_FAILURE;
    }
    if (!img_options_parse(a, &m.create, &err)) {
        return img_fail(err, EXIT_FAILURE);
    }
    if (!img_number("image size", a->size, INT64_MAX, &m.disk_bytes) ||
        (!a->size && !load(&m))) {
        return EXIT_FAILURE;
    }
    return measure(&m);
}
