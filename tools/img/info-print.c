/*
 * What `info` says of an image, as text and as JSON.
 */
#include <stdlib.h>
#include <string.h>

#include "img.h"

/* --- snapshots as text ------------------------------------------------ */

static void print_snapshot(const BlockSnapshot *s)
{
    g_autofree char *size = img_size_text(s->vm_state_bytes);
    g_autoptr(GDateTime) date = g_date_time_new_from_unix_local(s->date_sec);
    g_autofree char *when =
        date ? g_date_time_format(date, "%Y-%m-%d %H:%M:%S") : NULL;
    uint64_t ms = s->vm_clock_ns / NS_PER_MS;
    g_autofree char *clock = g_strdup_printf(
        "%02" G_GUINT64_FORMAT ":%02u:%02u.%03u", ms / 3600000,
        (unsigned)(ms / 60000 % 60), (unsigned)(ms / 1000 % 60),
        (unsigned)(ms % 1000));
    g_autofree char *icount =
        s->icount == ICOUNT_NONE ? g_strdup("") :
        g_strdup_printf("%" G_GUINT64_FORMAT, s->icount);
    printf("%-9s %-16s %8s%20s%13s%11s\n", s->id, s->name, size,
           when ? when : "", clock, icount);
}

void img_print_snapshots(const GPtrArray *snapshots)
{
    printf("Snapshot list:\n%-10s%-17s%8s%20s%13s%11s\n", "ID", "TAG",
           "VM SIZE", "DATE", "VM CLOCK", "ICOUNT");
    for (guint i = 0; i < snapshots->len; i++) {
        print_snapshot(g_ptr_array_index(snapshots, i));
    }
}

/* --- info ------------------------------------------------------------- */

static void print_yes(const char *what, bool yes)
{
    printf("    %s: %s\n", what, yes ? "true" : "false");
}

static void print_bitmap(guint i, const ImageBitmap *b)
{
    unsigned flags = 0;
    printf("        [%u]:\n            flags:\n", i);
    if (b->in_use) {
        printf("                [%u]: in-use\n", flags++);
    }
    if (b->automatic) {
        printf("                [%u]: auto\n", flags++);
    }
    printf("            name: %s\n            granularity: %u\n", b->name,
           b->granularity_bytes);
}

static void print_qcow2(const ImageInfo *info)
{
    bool new = info->version >= 3;
    printf("Format specific information:\n    compat: %s\n"
           "    compression type: %s\n", new ? "1.1" : "0.10",
           info->zstd ? "zstd" : "zlib");
    if (new) {
        print_yes("lazy refcounts", info->lazy_refcounts);
    }
    if (info->bitmaps && info->bitmaps->len > 0) {
        printf("    bitmaps:\n");
        for (guint i = 0; i < info->bitmaps->len; i++) {
            print_bitmap(i, g_ptr_array_index(info->bitmaps, i));
        }
    }
    printf("    refcount bits: %u\n", info->refcount_bits);
    if (new && info->data_file) {
        printf("    data file: %s\n", info->data_file);
        print_yes("data file raw", info->data_file_raw);
    }
    if (new) {
        print_yes("corrupt", info->corrupt);
        print_yes("extended l2", info->extended_l2);
    }
}

static void print_backing(const ImageInfo *info)
{
    if (info->backing_file) {
        printf("backing file: %s", info->backing_file);
        if (strcmp(info->backing_file, info->backing_path) != 0) {
            printf(" (actual path: %s)", info->backing_path);
        }
        printf("\n");
    }
    if (info->backing_format) {
        printf("backing file format: %s\n", info->backing_format);
    }
}

void img_info_human(const char *file, const ImageInfo *info)
{
    g_autofree char *size = img_size_text(info->size_bytes);
    g_autofree char *used = img_size_text(info->allocated_bytes);
    printf("image: %s\nfile format: %s\nvirtual size: %s (%" G_GUINT64_FORMAT
           " bytes)\ndisk size: %s\n", file, info->format, size,
           info->size_bytes, used);
    if (info->dirty) {
        printf("cleanly shut down: no\n");
    }
    if (info->cluster_bytes) {
        printf("cluster_size: %u\n", info->cluster_bytes);
    }
    print_backing(info);
    if (info->snapshots->len > 0) {
        img_print_snapshots(info->snapshots);
    }
    if (info->version) {
        print_qcow2(info);
    } else if (info->subformat) {
        printf("Format specific information:\n    create type: %s\n",
               info->subformat);
    }
}

static json_t *snapshot_json(const BlockSnapshot *s)
{
    json_t *o = json_object();
    if (s->icount != ICOUNT_NONE) {
        json_object_set_new(o, "icount", json_integer(s->icount));
    }
    json_object_set_new(o, "vm-clock-nsec",
                        json_integer(s->vm_clock_ns % NS_PER_SEC));
    json_object_set_new(o, "name", json_string(s->name));
    json_object_set_new(o, "date-sec", json_integer(s->date_sec));
    json_object_set_new(o, "date-nsec", json_integer(s->date_nsec));
    json_object_set_new(o, "vm-clock-sec",
                        json_integer(s->vm_clock_ns / NS_PER_SEC));
    json_object_set_new(o, "id", json_string(s->id));
    json_object_set_new(o, "vm-state-size", json_integer(s->vm_state_bytes));
    return o;
}

static json_t *bitmap_json(const ImageBitmap *b)
{
    json_t *flags = json_array();
    if (b->in_use) {
        json_array_append_new(flags, json_string("in-use"));
    }
    if (b->automatic) {
        json_array_append_new(flags, json_string("auto"));
    }
    return json_pack("{s:o, s:s, s:i}", "flags", flags, "name", b->name,
                     "granularity", (int)b->granularity_bytes);
}

static json_t *qcow2_json(const ImageInfo *info)
{
    bool new = info->version >= 3;
    json_t *data = json_pack("{s:s, s:s}", "compat", new ? "1.1" : "0.10",
                             "compression-type",
                             info->zstd ? "zstd" : "zlib");
    if (new) {
        json_object_set_new(data, "lazy-refcounts",
                            json_boolean(info->lazy_refcounts));
    }
    if (info->bitmaps && info->bitmaps->len > 0) {
        json_t *list = json_array();
        for (guint i = 0; i < info->bitmaps->len; i++) {
            json_array_append_new(list, bitmap_json(
                                  g_ptr_array_index(info->bitmaps, i)));
        }
        json_object_set_new(data, "bitmaps", list);
    }
    json_object_set_new(data, "refcount-bits",
                        json_integer(info->refcount_bits));
    if (new && info->data_file) {
        json_object_set_new(data, "data-file", json_string(info->data_file));
        json_object_set_new(data, "data-file-raw",
                            json_boolean(info->data_file_raw));
    }
    if (new) {
        json_object_set_new(data, "corrupt", json_boolean(info->corrupt));
        json_object_set_new(data, "extended-l2",
                            json_boolean(info->extended_l2));
    }
    return data;
}

static json_t *specific_json(const ImageInfo *info)
{
    json_t *data = info->version ? qcow2_json(info) :
                   json_pack("{s:s}", "create-type", info->subformat);
    return json_pack("{s:s, s:o}", "type", info->format, "data", data);
}

json_t *img_info_json(const char *file, const ImageInfo *info)
{
    json_t *o = json_object();
    if (info->snapshots->len > 0) {
        json_t *list = json_array();
        for (guint i = 0; i < info->snapshots->len; i++) {
            json_array_append_new(list, snapshot_json(
                                  g_ptr_array_index(info->snapshots, i)));
        }
        json_object_set_new(o, "snapshots", list);
    }
    if (info->backing_format) {
        json_object_set_new(o, "backing-filename-format",
                            json_string(info->backing_format));
    }
    json_object_set_new(o, "virtual-size", json_integer(info->size_bytes));
    json_object_set_new(o, "filename", json_string(file));
    if (info->cluster_bytes) {
        json_object_set_new(o, "cluster-size",
                            json_integer(info->cluster_bytes));
    }
    json_object_set_new(o, "format", json_string(info->format));
    json_object_set_new(o, "actual-size",
                        json_integer(info->allocated_bytes));
    if (info->version || info->subformat) {
        json_object_set_new(o, "format-specific", specific_json(info));
    }
    if (info->backing_file) {
        json_object_set_new(o, "full-backing-filename",
                            json_string(info->backing_path));
        json_object_set_new(o, "backing-filename",
                            json_string(info->backing_file));
    }
    json_object_set_new(o, "dirty-flag", json_boolean(info->dirty));
    return o;
}
