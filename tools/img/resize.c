/*
 * reprise-img resize.
 */
#include <stdlib.h>
#include <string.h>

#include "img.h"

/* "+size" and "-size" are relative to the present one. */
static bool new_size(uint64_t now, const char *text, uint64_t *bytes)
{
    char sign = *text == '+' || *text == '-' ? *text++ : 0;
    if (!img_size_parse(text, bytes)) {
        error_report("Invalid parameter '%s'", text);
        return false;
    }
    if (!sign) {
        return true;
    }
    bool fits = sign == '+' ? *bytes <= INT64_MAX - now : *bytes < now;
    *bytes = sign == '+' ? now + *bytes : now - *bytes;
    if (!fits) {
        error_report("New image size must be positive");
    }
    return fits;
}

static bool resize(Image *image, const ImgArgs *a, Error **errp)
{
    ImagePreallocation how = PREALLOCATION_OFF;
    uint64_t bytes;
    if (a->preallocation &&
        !img_preallocation_parse(a->preallocation, &how, errp)) {
        return false;
    }
    if (!new_size(image_size_bytes(image), a->names[1], &bytes)) {
        return false; /* said so */
    }
    if (how != PREALLOCATION_OFF && bytes < image_size_bytes(image)) {
        error_set(errp, "Preallocation can only be used for growing images");
        return false;
    }
    if (bytes < image_size_bytes(image) && !a->shrink) {
        error_report("Use the --shrink option to perform a shrink "
                     "operation.");
        error_warn("Shrinking an image will delete all data beyond the "
                   "shrunken image's end. Before performing such an "
                   "operation, make sure there is no important data there.");
        return false;
    }
    return image_truncate(image, bytes, a->shrink, how, errp);
}

int img_resize(const ImgArgs *a)
{
    Error *err = NULL;
    if (a->count != 2) {
        error_report("Expecting image file name and size");
        return EXIT_FAILURE;
    }
    ImageOpen how = img_open_how(a, a->names[0], false);
    Image *image = img_open(&how);
    if (!image) {
        return EXIT_FAILURE;
    }
    bool ok = resize(image, a, &err);
    int status = img_close(image, ok ? EXIT_SUCCESS : EXIT_FAILURE);
    if (err) {
        return img_fail(err, EXIT_FAILURE);
    }
    if (status == EXIT_SUCCESS && !a->quiet) {
        printf("Image resized.\n");
    }
    return status;
}
