/*
 * reprise-img info, check and snapshot.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "img.h"

static bool one_name(const ImgArgs *a)
{
    if (a->count != 1) {
        error_report("Expecting one image file name");
    }
    return a->count == 1;
}

static void print_json(json_t *o)
{
    char *text = json_dumps(o, JSON_INDENT(4));
    printf("%s\n", text);
    free(text);
    json_decref(o);
}

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

/* The table of `snapshot -l`, with its headings. */
static void img_print_snapshots(const GPtrArray *snapshots)
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

static void info_human(const char *file, const ImageInfo *info)
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
    if (info->snapshots->len > 0) {
        img_print_snapshots(info->snapshots);
    }
    if (info->version) {
        printf("Format specific information:\n    compat: %s\n"
               "    compression type: zlib\n",
               info->version == 2 ? "0.10" : "1.1");
    }
    if (info->version >= 3) {
        print_yes("lazy refcounts", info->lazy_refcounts);
    }
    if (info->version) {
        printf("    refcount bits: %u\n", info->refcount_bits);
    }
    if (info->version >= 3) {
        print_yes("corrupt", info->corrupt);
        print_yes("extended l2", false);
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

static json_t *specific_json(const ImageInfo *info)
{
    json_t *data = json_object();
    json_object_set_new(data, "compat",
                        json_string(info->version == 2 ? "0.10" : "1.1"));
    json_object_set_new(data, "compression-type", json_string("zlib"));
    if (info->version >= 3) {
        json_object_set_new(data, "lazy-refcounts",
                            json_boolean(info->lazy_refcounts));
    }
    json_object_set_new(data, "refcount-bits",
                        json_integer(info->refcount_bits));
    if (info->version >= 3) {
        json_object_set_new(data, "corrupt", json_boolean(info->corrupt));
        json_object_set_new(data, "extended-l2", json_false());
    }
    return json_pack("{s:s, s:o}", "type", info->format, "data", data);
}

static void info_json(const char *file, const ImageInfo *info)
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
    if (info->version) {
        json_object_set_new(o, "format-specific", specific_json(info));
    }
    if (info->backing_file) {
        json_object_set_new(o, "full-backing-filename",
                            json_string(info->backing_path));
        json_object_set_new(o, "backing-filename",
                            json_string(info->backing_file));
    }
    json_object_set_new(o, "dirty-flag", json_boolean(info->dirty));
    print_json(o);
}

int img_info(const ImgArgs *a)
{
    Error *err = NULL;
    if (!one_name(a)) {
        return EXIT_FAILURE;
    }
    ImageInfo *info = image_info(a->names[0], a->format, a->share, &err);
    if (!info) {
        return img_fail_open(a->names[0], err, EXIT_FAILURE);
    }
    (a->json ? info_json : info_human)(a->names[0], info);
    image_info_free(info);
    return EXIT_SUCCESS;
}

/* --- check ------------------------------------------------------------ */

enum {
    CHECK_FAILED = 1,
    CHECK_CORRUPT = 2,
    CHECK_LEAKS = 3,
    CHECK_UNSUPPORTED = 63,
};

static void check_line(void *opaque, const char *line)
{
    fprintf(opaque, "%s\n", line);
}

static void check_human(const ImageCheck *r)
{
    uint64_t corrupt = r->corruptions - r->corruptions_fixed;
    uint64_t leaks = r->leaks - r->leaks_fixed;
    if (r->corruptions_fixed + r->leaks_fixed > 0) {
        printf("The following inconsistencies were found and repaired:\n\n"
               "    %" G_GUINT64_FORMAT " leaked clusters\n"
               "    %" G_GUINT64_FORMAT " corruptions\n\n",
               r->leaks_fixed, r->corruptions_fixed);
    }
    if (corrupt + leaks == 0) {
        printf("No errors were found on the image.\n");
    }
    if (corrupt > 0) {
        printf("\n%" G_GUINT64_FORMAT " errors were found on the image.\n"
               "Data may be corrupted, or further writes to the image may "
               "corrupt it.\n", corrupt);
    }
    if (leaks > 0) {
        printf("\n%" G_GUINT64_FORMAT " leaked clusters were found on the "
               "image.\nThis means waste of disk space, but no harm to "
               "data.\n", leaks);
    }
    if (r->total_clusters > 0 && r->allocated_clusters > 0) {
        printf("%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT " = %.2f%% "
               "allocated, %.2f%% fragmented, %.2f%% compressed clusters\n",
               r->allocated_clusters, r->total_clusters,
               100.0 * r->allocated_clusters / r->total_clusters,
               100.0 * r->fragmented_clusters / r->allocated_clusters,
               100.0 * r->compressed_clusters / r->allocated_clusters);
    }
    printf("Image end offset: %" G_GUINT64_FORMAT "\n", r->end_bytes);
}

static void check_set(json_t *o, const char *key, uint64_t value)
{
    if (value > 0) {
        json_object_set_new(o, key, json_integer(value));
    }
}

static void check_json(const char *file, const ImageCheck *r)
{
    json_t *o = json_object();
    json_object_set_new(o, "image-end-offset", json_integer(r->end_bytes));
    check_set(o, "total-clusters", r->total_clusters);
    json_object_set_new(o, "check-errors", json_integer(0));
    check_set(o, "corruptions", r->corruptions - r->corruptions_fixed);
    check_set(o, "corruptions-fixed", r->corruptions_fixed);
    check_set(o, "leaks", r->leaks - r->leaks_fixed);
    check_set(o, "leaks-fixed", r->leaks_fixed);
    check_set(o, "allocated-clusters", r->allocated_clusters);
    check_set(o, "fragmented-clusters", r->fragmented_clusters);
    check_set(o, "compressed-clusters", r->compressed_clusters);
    json_object_set_new(o, "filename", json_string(file));
    json_object_set_new(o, "format", json_string("qcow2"));
    print_json(o);
}

static bool is_qcow2(const ImgArgs *a, int *status)
{
    Error *err = NULL;
    ImageInfo *info = image_info(a->names[0], a->format, a->share, &err);
    if (!info) {
        *status = img_fail_open(a->names[0], err, CHECK_FAILED);
        return false;
    }
    bool qcow2 = info->version != 0;
    image_info_free(info);
    if (!qcow2) {
        error_report("This image format does not support checks");
        *status = CHECK_UNSUPPORTED;
    }
    return qcow2;
}

int img_check(const ImgArgs *a)
{
    Error *err = NULL;
    ImageCheck r = { .report = a->quiet ? NULL : check_line,
                     .opaque = stderr };
    int status;
    if (!one_name(a)) {
        return EXIT_FAILURE;
    }
    if (a->repair && strcmp(a->repair, "leaks") != 0 &&
        strcmp(a->repair, "all") != 0) {
        error_report("-r expects \"leaks\" or \"all\" not '%s'", a->repair);
        return EXIT_FAILURE;
    }
    r.leaks_only = a->repair && strcmp(a->repair, "leaks") == 0;
    if (!is_qcow2(a, &status)) {
        return status;
    }
    if (!image_check(a->names[0], a->format, a->repair != NULL, &r, &err)) {
        return img_fail(err, CHECK_FAILED);
    }
    if (a->json) {
        check_json(a->names[0], &r);
    } else if (!a->quiet) {
        check_human(&r);
    }
    return r.corruptions > r.corruptions_fixed ? CHECK_CORRUPT :
           r.leaks > r.leaks_fixed ? CHECK_LEAKS : EXIT_SUCCESS;
}

/* --- snapshot --------------------------------------------------------- */

static int list_snapshots(const ImgArgs *a)
{
    Error *err = NULL;
    ImageInfo *info = image_info(a->names[0], a->format, a->share, &err);
    if (!info) {
        return img_fail_open(a->names[0], err, EXIT_FAILURE);
    }
    if (info->snapshots->len > 0) {
        img_print_snapshots(info->snapshots);
    }
    image_info_free(info);
    return EXIT_SUCCESS;
}

static bool has_snapshot(BlockDev *b, const char *name)
{
    g_autoptr(GPtrArray) list = blockdev_snapshot_list(b, NULL);
    for (guint i = 0; list && i < list->len; i++) {
        const BlockSnapshot *s = g_ptr_array_index(list, i);
        if (strcmp(s->name, name) == 0 || strcmp(s->id, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool create_snapshot(BlockDev *b, const char *name, Error **errp)
{
    int64_t now_us = g_get_real_time();
    BlockSnapshot s = {
        .name = (char *)name,
        .date_sec = now_us / 1000000,
        .date_nsec = now_us % 1000000 * 1000,
        .icount = ICOUNT_NONE,
    };
    return blockdev_snapshot_create(b, &s, NULL, errp);
}

int img_snapshot(const ImgArgs *a)
{
    static const char *const verbs[128] = {
        ['a'] = "apply", ['c'] = "create", ['d'] = "delete",
    };
    Error *err = NULL;
    if (!one_name(a)) {
        return EXIT_FAILURE;
    }
    if (!a->action || a->action == 'l') {
        return list_snapshots(a);
    }
    BlockDev *b = img_open(a->names[0], a->format, false);
    if (!b) {
        return EXIT_FAILURE;
    }
    bool ok;
    if (a->action == 'c') {
        ok = create_snapshot(b, a->tag, &err);
    } else if (blockdev_can_snapshot(b) && !has_snapshot(b, a->tag)) {
        error_set(&err, "snapshot not found");
        ok = false;
    } else {
        ok = a->action == 'a' ? blockdev_snapshot_goto(b, a->tag, &err)
                              : blockdev_snapshot_delete(b, a->tag, &err);
    }
    blockdev_close(b);
    if (!ok) {
        error_prepend(&err, "Could not %s snapshot '%s': ",
                      verbs[(int)a->action], a->tag);
        return img_fail(err, EXIT_FAILURE);
    }
    return EXIT_SUCCESS;
}
