/*
 * reprise-img info.
 */
#include <stdlib.h>
#include <string.h>

#include "img.h"

/* One image; what is below it, in *how, to be described next. False after a
 * report. The strings of *how are owned by *info. */
static bool describe(ImageOpen *how, ImageInfo **info)
{
    Image *image = img_open(how);
    *info = image ? image_describe(image) : NULL;
    image_close(image);
    return image;
}

static void print(const ImgArgs *a, const char *name, const ImageInfo *info,
                  json_t *list)
{
    if (list) {
        json_array_append_new(list, img_info_json(name, info));
    } else if (a->json) {
        img_print_json(img_info_json(name, info));
    } else {
        img_info_human(name, info);
    }
}

/* A chain that leads back to itself has no end. */
static bool seen_before(GHashTable *seen, const char *name)
{
    char *real = realpath(name, NULL);
    if (real && g_hash_table_contains(seen, real)) {
        error_report("Backing file '%s' creates an infinite loop.", name);
        free(real);
        return true;
    }
    if (real) {
        g_hash_table_add(seen, real);
    }
    return false;
}

static int info_chain(const ImgArgs *a, ImageOpen how, json_t *list)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal,
                                                       free, NULL);
    ImageInfo *above = NULL;
    bool ok = true;
    for (bool first = true; how.name && ok; first = false) {
        ImageInfo *info = NULL;
        ok = (how.options || !seen_before(seen, how.name)) &&
             describe(&how, &info);
        if (ok) {
            if (!first && !list) {
                printf("\n");
            }
            print(a, how.options || g_str_has_prefix(how.name, "json:") ?
                  info->file : how.name, info, list);
            how = (ImageOpen) { .readonly = true, .inspect = true,
                                .share = how.share };
            if (a->chain) {
                how.name = info->backing_path;
                how.format = info->backing_format;
            }
        }
        image_info_free(above);
        above = info;
    }
    image_info_free(above);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

int img_info(const ImgArgs *a)
{
    if (!img_one_name(a)) {
        return EXIT_FAILURE;
    }
    ImageOpen how = img_open_how(a, a->names[0], true);
    how.inspect = true;
    json_t *list = a->json && a->chain ? json_array() : NULL;
    int status = info_chain(a, how, list);
    if (list && status == EXIT_SUCCESS) {
        img_print_json(list);
    } else if (list) {
        json_decref(list);
    }
    return status;
}
