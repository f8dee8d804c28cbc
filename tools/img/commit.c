/*
 * reprise-img commit: what an image has, and those between, goes into an image
 * further down the chain.
 */
#include <stdlib.h>
#include <string.h>

#include "img.h"

#define CHUNK_BYTES (2 * MIB)

/* An image of the chain: how it is opened. */
typedef struct Link {
    char *name, *format;
} Link;

static void link_free(void *opaque)
{
    Link *l = opaque;
    g_free(l->name);
    g_free(l->format);
    g_free(l);
}

/* Looks at the images from the top to the one that is wanted; NULL after a
 * report. */
static GPtrArray *chain_find(const ImgArgs *a)
{
    GPtrArray *chain = g_ptr_array_new_with_free_func(link_free);
    ImageOpen how = img_open_how(a, a->names[0], true);
    g_autofree char *wanted = a->backing ? realpath(a->backing, NULL) : NULL;
    how.inspect = true;
    for (bool found = false; !found;) {
        Image *image = img_open(&how);
        ImageInfo *info = image ? image_describe(image) : NULL;
        image_close(image);
        Link *l = g_new0(Link, 1);
        l->name = info ? g_strdup(info->backing_path) : NULL;
        l->format = info ? g_strdup(info->backing_format) : NULL;
        image_info_free(info);
        g_ptr_array_add(chain, l);
        if (!l->name) {
            if (info && a->backing) {
                error_report("Did not find '%s' in the backing chain of '%s'",
                             a->backing, a->names[0]);
            } else if (info) {
                error_report("Image does not have a backing file");
            }
            g_ptr_array_unref(chain);
            return NULL;
        }
        g_autofree char *real = realpath(l->name, NULL);
        found = !a->backing || strcmp(a->backing, l->name) == 0 ||
                (real && wanted && strcmp(real, wanted) == 0);
        how = (ImageOpen) { .name = l->name, .format = l->format,
                            .readonly = true, .inspect = true };
    }
    return chain;
}

/* The base for writing, and the images above it, each over the one below, in
 * *top. */
static Image *chain_open(const ImgArgs *a, const GPtrArray *chain, Image **top)
{
    const Link *last = chain->pdata[chain->len - 1];
    ImageOpen how = { .name = last->name, .format = last->format };
    Image *base = img_open(&how), *below = base;
    *top = NULL;
    for (guint i = chain->len - 1; i > 0 && below; i--) {
        const Link *l = chain->pdata[i - 1];
        how = (ImageOpen) { .name = l->name, .format = l->format,
                            .readonly = true, .backing = below };
        Image *next = img_open(&how);
        if (below != base) {
            image_close(below);
        }
        below = next;
    }
    if (below) {
        how = img_open_how(a, a->names[0], false);
        how.backing = below;
        *top = img_open(&how);
    }
    if (below != base) {
        image_close(below);
    }
    return base;
}

static int write_part(Image *top, Image *base, uint64_t at, uint64_t run,
                      const BlockPlace *p, uint8_t *chunk)
{
    if (p->zero) {
        return image_write_zeroes(base, at, run);
    }
    int err = image_read(top, at, chunk, run);
    return err < 0 ? err : image_write(base, at, chunk, run);
}

static int commit_all(const ImgArgs *a, Image *top, Image *base,
                      unsigned depth)
{
    uint64_t size = image_size_bytes(top), run;
    g_autofree uint8_t *chunk = g_malloc(CHUNK_BYTES);
    ImgProgress *progress = img_progress_new(a, size);
    int err = 0;
    for (uint64_t at = 0; at < size && err == 0; at += run) {
        BlockPlace p;
        run = image_place(top, at, size - at, &p);
        if (p.allocated && p.depth < depth) {
            run = p.zero ? run : MIN(run, CHUNK_BYTES);
            err = write_part(top, base, at, run, &p, chunk);
        }
        img_progress_at(progress, at + run);
    }
    img_progress_end(progress, err == 0);
    return err < 0 ? err : image_flush(base);
}

static int commit(const ImgArgs *a, Image *top, Image *base, unsigned depth)
{
    Error *err = NULL;
    uint64_t size = image_size_bytes(top);
    if (size > image_size_bytes(base) &&
        !image_truncate(base, size, false, PREALLOCATION_OFF, &err)) {
        return img_fail(err, EXIT_FAILURE);
    }
    int failed = commit_all(a, top, base, depth);
    /* Only what is safe below may be forgotten above. */
    if (failed == 0 && !a->keep && !a->backing) {
        failed = image_make_empty(top);
    }
    if (failed < 0) {
        error_report("Could not commit '%s': %s", a->names[0],
                     g_strerror(-failed));
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

int img_commit(const ImgArgs *a)
{
    if (!img_one_name(a)) {
        return EXIT_FAILURE;
    }
    GPtrArray *chain = chain_find(a);
    if (!chain) {
        return EXIT_FAILURE;
    }
    Image *top, *base = chain_open(a, chain, &top);
    int status = top ? commit(a, top, base, chain->len) : EXIT_FAILURE;
    status = img_close(top, status);
    status = img_close(base, status);
    g_ptr_array_unref(chain);
    if (status == EXIT_SUCCESS && !a->quiet) {
        printf("Image committed.\n");
    }
    return status;
}
