/*
 * reprise-img snapshot.
 */
#include <stdlib.h>
#include <string.h>

#include "img.h"

static int list(const ImgArgs *a)
{
    ImageOpen how = img_open_how(a, a->names[0], true);
    how.inspect = true;
    Image *image = img_open(&how);
    ImageInfo *info = image ? image_describe(image) : NULL;
    if (info && info->snapshots->len > 0) {
        img_print_snapshots(info->snapshots);
    }
    image_info_free(info);
    image_close(image);
    return image ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool has_snapshot(Image *image, const char *name)
{
    ImageInfo *info = image_describe(image);
    bool found = false;
    for (guint i = 0; i < info->snapshots->len; i++) {
        const BlockSnapshot *s = g_ptr_array_index(info->snapshots, i);
        found |= strcmp(s->name, name) == 0 || strcmp(s->id, name) == 0;
    }
    image_info_free(info);
    return found;
}

static bool create(Image *image, const char *name, Error **errp)
{
    int64_t now_us = g_get_real_time();
    BlockSnapshot s = {
        .name = (char *)name,
        .date_sec = now_us / 1000000,
        .date_nsec = now_us % 1000000 * 1000,
        .icount = ICOUNT_NONE,
    };
    return image_snapshot_create(image, &s, errp);
}

static bool change(const ImgArgs *a, Image *image, Error **errp)
{
    if (strcmp(image_format(image), "qcow2") != 0) {
        error_set(errp, "Format '%s' of '%s' has no snapshots",
                  image_format(image), image_file(image));
        return false;
    }
    if (a->action == 'c') {
        return create(image, a->tag, errp);
    }
    if (!has_snapshot(image, a->tag)) {
        error_set(errp, "snapshot not found");
        return false;
    }
    return (a->action == 'a' ? image_snapshot_goto : image_snapshot_delete)(
        image, a->tag, errp);
}

int img_snapshot(const ImgArgs *a)
{
    static const char *const verbs[128] = {
        ['a'] = "apply", ['c'] = "create", ['d'] = "delete",
    };
    Error *err = NULL;
    if (!img_one_name(a)) {
        return EXIT_FAILURE;
    }
    if (!a->action || a->action == 'l') {
        return list(a);
    }
    ImageOpen how = img_open_how(a, a->names[0], false);
    Image *image = img_open(&how);
    if (!image) {
        return EXIT_FAILURE;
    }
    bool ok = change(a, image, &err);
    int status = img_close(image, ok ? EXIT_SUCCESS : EXIT_FAILURE);
    if (!ok) {
        error_prepend(&err, "Could not %s snapshot '%s': ",
                      verbs[(int)a->action], a->tag);
        return img_fail(err, EXIT_FAILURE);
    }
    return status;
}
