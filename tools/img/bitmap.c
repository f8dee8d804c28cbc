/*
 * reprise-img bitmap: bitmaps in an image made, changed, forgotten; each step
 * of the command line in its order.
 */
#include <stdlib.h>
#include <string.h>

#include "img.h"

static const char *const verbs[] = { "add", "remove", "clear", "enable",
                                     "disable", "merge" };

static bool args_valid(const ImgArgs *a, uint64_t *granularity)
{
    bool adds = false, merges = false;
    for (guint i = 0; i < a->steps->len; i++) {
        adds |= g_array_index(a->steps, ImgStep, i).action == BITMAP_ADD;
        merges |= g_array_index(a->steps, ImgStep, i).action == BITMAP_MERGE;
    }
    const char *wrong =
        a->count != 2 ? "Expecting filename and bitmap name" :
        a->steps->len == 0 ? "Need at least one of --add, --remove, --clear, "
                             "--enable, --disable, or --merge" :
        a->granularity && !adds ? "granularity only supported with --add" :
        a->backing_format && !a->backing ? "-F only supported with -b" :
        a->backing && !merges ? "Merge bitmap source file only supported with "
                                "--merge" : NULL;
    if (wrong) {
        error_report("%s", wrong);
        return false;
    }
    return img_number("granularity", a->granularity, UINT32_MAX, granularity);
}

static int run(const ImgArgs *a, Image *image, Image *source,
               uint32_t granularity)
{
    for (guint i = 0; i < a->steps->len; i++) {
        const ImgStep *s = &g_array_index(a->steps, ImgStep, i);
        Error *err = NULL;
        ImageBitmapChange change = {
            .action = s->action, .name = a->names[1],
            .granularity_bytes = granularity, .source = source,
            .source_name = s->source,
        };
        if (!image_bitmap(image, &change, &err)) {
            error_prepend(&err, "Operation %s on bitmap %s failed: ",
                          verbs[s->action], a->names[1]);
            return img_fail(err, EXIT_FAILURE);
        }
    }
    return EXIT_SUCCESS;
}

int img_bitmap(const ImgArgs *a)
{
    uint64_t granularity = 0;
    if (!args_valid(a, &granularity)) {
        return EXIT_FAILURE;
    }
    ImageOpen how = img_open_how(a, a->names[0], false);
    how.no_backing = true; /* bitmaps are the image's own */
    Image *image = img_open(&how), *source = image;
    if (image && a->backing) {
        ImageOpen other = { .name = a->backing, .format = a->backing_format,
                            .readonly = true, .no_backing = true };
        source = img_open(&other);
    }
    int status = EXIT_FAILURE;
    if (source && strcmp(image_format(source), "qcow2") != 0) {
        error_report("Format '%s' of '%s' does not support bitmaps",
                     image_format(source), image_file(source));
    } else if (source) {
        status = run(a, image, source, granularity);
    }
    if (source != image) {
        image_close(source);
    }
    return img_close(image, status);
}
