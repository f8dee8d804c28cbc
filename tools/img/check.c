/*
 * reprise-img check.
 */
#include <stdlib.h>
#include <string.h>

#include "img.h"

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
    img_print_json(o);
}

/* What check and repair found, printed. */
static void check_print(const ImgArgs *a, const ImageCheck *r)
{
    if (a->json) {
        check_json(a->names[0], r);
    } else if (!a->quiet) {
        check_human(r);
    }
}

static int check_status(const ImageCheck *r)
{
    return r->corruptions > r->corruptions_fixed ? CHECK_CORRUPT :
           r->leaks > r->leaks_fixed ? CHECK_LEAKS : EXIT_SUCCESS;
}

static bool repair_valid(const ImgArgs *a)
{
    if (a->repair && strcmp(a->repair, "leaks") != 0 &&
        strcmp(a->repair, "all") != 0) {
        img_usage_error("-r expects 'leaks' or 'all' not '%s'", a->repair);
        return false;
    }
    return true;
}

/* What was repaired is looked at once more, and that is what counts. */
static int check_again(const ImgArgs *a, Image *image, const ImageCheck *was)
{
    Error *err = NULL;
    ImageCheck r = { .report = a->quiet ? NULL : check_line,
                     .opaque = stderr };
    if (!a->quiet && !a->json) {
        printf("The following inconsistencies were found and repaired:\n\n"
               "    %" G_GUINT64_FORMAT " leaked clusters\n"
               "    %" G_GUINT64_FORMAT " corruptions\n\n"
               "Double checking the fixed image now...\n",
               was->leaks_fixed, was->corruptions_fixed);
    }
    if (!image_check_open(image, false, &r, &err)) {
        return img_fail(err, CHECK_FAILED);
    }
    uint64_t corruptions = r.corruptions, leaks = r.leaks;
    r.corruptions += r.corruptions_fixed = was->corruptions_fixed;
    r.leaks += r.leaks_fixed = was->leaks_fixed;
    check_print(a, &r);
    return corruptions ? CHECK_CORRUPT : leaks ? CHECK_LEAKS : EXIT_SUCCESS;
}

static int check(const ImgArgs *a, Image *image)
{
    Error *err = NULL;
    ImageCheck r = { .report = a->quiet ? NULL : check_line,
                     .opaque = stderr };
    r.leaks_only = a->repair && strcmp(a->repair, "leaks") == 0;
    if (strcmp(image_format(image), "qcow2") != 0) {
        error_report("This image format does not support checks");
        return CHECK_UNSUPPORTED;
    }
    if (!image_check_open(image, a->repair != NULL, &r, &err)) {
        return img_fail(err, CHECK_FAILED);
    }
    if (r.leaks_fixed + r.corruptions_fixed > 0) {
        return check_again(a, image, &r);
    }
    check_print(a, &r);
    return check_status(&r);
}

int img_check(const ImgArgs *a)
{
    if (!img_one_name(a) || !repair_valid(a)) {
        return CHECK_FAILED;
    }
    ImageOpen how = img_open_how(a, a->names[0], !a->repair);
    how.inspect = true;
    Image *image = img_open(&how);
    return image ? img_close(image, check(a, image)) : CHECK_FAILED;
}
