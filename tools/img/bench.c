/*
 * reprise-img bench: how long many equal requests take. They are carried out
 * one after the other; a depth is accepted for the command lines of others.
 */
#include <stdlib.h>
#include <string.h>

#include "img.h"

typedef struct Bench {
    uint64_t count, depth, offset, buffer, step, flush_interval, pattern;
    bool write;
} Bench;

static bool parse(const ImgArgs *a, Bench *b)
{
    *b = (Bench) { .count = 75000, .depth = 64, .buffer = 4096,
                   .write = a->write };
    if (!img_number("request count", a->count_text, INT32_MAX, &b->count) ||
        !img_number("queue depth", a->depth, INT32_MAX, &b->depth) ||
        !img_number("offset", a->offset, INT64_MAX, &b->offset) ||
        !img_number("buffer size", a->buffer, INT32_MAX, &b->buffer) ||
        !img_number("step size", a->step, INT32_MAX, &b->step) ||
        !img_number("flush interval", a->flush_interval, INT32_MAX,
                    &b->flush_interval) ||
        !img_number("pattern byte", a->pattern, 255, &b->pattern)) {
        return false;
    }
    b->step = b->step ? b->step : b->buffer;
    const char *wrong =
        !a->write && a->flush_interval ?
            "--flush-interval is only available in write tests" :
        a->flush_interval && b->flush_interval < b->depth ?
            "Flush interval can't be smaller than depth" :
        b->buffer == 0 || b->count == 0 ? "Invalid buffer size specified" :
        NULL;
    if (wrong) {
        error_report("%s", wrong);
    }
    return !wrong;
}

static int request(Image *image, const Bench *b, uint64_t i, uint64_t *at,
                   uint8_t *buf)
{
    uint64_t size = image_size_bytes(image);
    if (*at > size || b->buffer > size - *at) {
        *at = 0; /* from the beginning again */
    }
    int err = b->write ? image_write(image, *at, buf, b->buffer)
                       : image_read(image, *at, buf, b->buffer);
    *at += b->step;
    if (err == 0 && b->flush_interval && (i + 1) % b->flush_interval == 0) {
        err = image_flush(image);
    }
    return err;
}

static int run(const ImgArgs *a, const Bench *b, Image *image)
{
    uint64_t at = b->offset;
    g_autofree uint8_t *buf = g_malloc(b->buffer);
    memset(buf, b->pattern, b->buffer);
    if (!a->quiet) {
        printf("Sending %" G_GUINT64_FORMAT " %s requests, %" G_GUINT64_FORMAT
               " bytes each, %" G_GUINT64_FORMAT " in parallel (starting at "
               "offset %" G_GUINT64_FORMAT ", step size %" G_GUINT64_FORMAT
               ")\n", b->count, b->write ? "write" : "read", b->buffer,
               b->depth, b->offset, b->step);
        if (b->flush_interval) {
            printf("Sending flush every %" G_GUINT64_FORMAT " requests\n",
                   b->flush_interval);
        }
    }
    int64_t begin_us = g_get_monotonic_time();
    int err = 0;
    for (uint64_t i = 0; i < b->count && err == 0; i++) {
        err = request(image, b, i, &at, buf);
    }
    if (err < 0) {
        error_report("Failed request: %s", g_strerror(-err));
        return EXIT_FAILURE;
    }
    if (!a->quiet) {
        printf("Run completed in %3.3f seconds.\n",
               (g_get_monotonic_time() - begin_us) / 1e6);
    }
    return EXIT_SUCCESS;
}

int img_bench(const ImgArgs *a)
{
    Bench b;
    if (!img_one_name(a) || !parse(a, &b)) {
        return EXIT_FAILURE;
    }
    ImageOpen how = img_open_how(a, a->names[0], !a->write);
    Image *image = img_open(&how);
    int status = EXIT_FAILURE;
    if (image && b.buffer > image_size_bytes(image)) {
        error_report("The image is smaller than a request");
    } else if (image) {
        status = run(a, &b, image);
    }
    return img_close(image, status);
}
