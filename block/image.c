/*
 * Image files for tools: made, described, checked, resized. See io/image.h.
 */
#include <errno.h>
#include <string.h>

#include "driver.h"

bool qcow2_create(const ImageCreate *c, Error **errp);

static bool raw_create(const ImageCreate *c, Error **errp)
{
    if (c->backing_file) {
        error_set(errp, "Backing file not supported for file format 'raw'");
        return false;
    }
    BlockFile *f = block_file_open(c->file, BLOCK_FILE_CREATE, errp);
    int err = f ? block_file_truncate(f, c->size_bytes) : 0;
    if (err < 0) {
        error_set_errno(errp, -err, "Could not resize file '%s'", c->file);
    }
    block_file_close(f);
    return f && err == 0;
}

bool image_create(const ImageCreate *c, Error **errp)
{
    if (strcmp(c->format, "raw") == 0) {
        return raw_create(c, errp);
    }
    if (strcmp(c->format, "qcow2") == 0) {
        return qcow2_create(c, errp);
    }
    error_set(errp, "Unknown file format '%s'", c->format);
    return false;
}

/* --- info ------------------------------------------------------------- */

static void info_file(ImageInfo *info, const char *file)
{
    BlockFile *f = block_file_open(file, BLOCK_FILE_SHARE, NULL);
    if (f) {
        info->allocated_bytes = block_file_allocated(f);
        info->file_bytes = block_file_size(f);
    }
    block_file_close(f);
}

ImageInfo *image_info(const char *file, const char *format, bool share,
                      Error **errp)
{
    NodeOpen how = {
        .file = file, .format = format, .readonly = true, .share = share,
        .inspect = true,
    };
    BlockNode *n = node_open(&how, errp);
    if (!n) {
        return NULL;
    }
    ImageInfo *info = g_new0(ImageInfo, 1);
    info->format = g_strdup(n->driver->format);
    info->size_bytes = n->size_bytes;
    info_file(info, file);
    if (n->driver->info) {
        n->driver->info(n, info);
    }
    info->snapshots = n->driver->snapshot_list ?
        n->driver->snapshot_list(n) :
        g_ptr_array_new_with_free_func((GDestroyNotify)block_snapshot_free);
    node_unref(n);
    return info;
}

void image_info_free(ImageInfo *info)
{
    if (info) {
        g_free(info->format);
        g_free(info->backing_file);
        g_free(info->backing_path);
        g_free(info->backing_format);
        g_ptr_array_unref(info->snapshots);
        g_free(info);
    }
}

/* --- check, resize ---------------------------------------------------- */

bool image_check(const char *file, const char *format, bool repair,
                 ImageCheck *result, Error **errp)
{
    NodeOpen how = {
        .file = file, .format = format, .readonly = !repair, .inspect = true,
    };
    BlockNode *n = node_open(&how, errp);
    if (!n) {
        return false;
    }
    bool ok = n->driver->check;
    if (!ok) {
        error_set(errp, "This image format does not support checks");
    }
    ok = ok && n->driver->check(n, repair, result, errp);
    node_unref(n);
    return ok;
}

static bool raw_resize(const char *file, uint64_t size_bytes, Error **errp)
{
    BlockFile *f = block_file_open(file, BLOCK_FILE_WRITE, errp);
    int err = f ? block_file_truncate(f, size_bytes) : 0;
    if (err < 0) {
        error_set_errno(errp, -err, "Could not resize '%s'", file);
    }
    block_file_close(f);
    return f && err == 0;
}

bool image_resize(const char *file, const char *format, uint64_t size_bytes,
                  bool shrink, Error **errp)
{
    NodeOpen how = { .file = file, .format = format };
    BlockNode *n = node_open(&how, errp);
    if (!n) {
        return false;
    }
    if (size_bytes < n->size_bytes && !shrink) {
        error_set(errp, "Use the --shrink option to perform a shrink "
                  "operation");
        node_unref(n);
        return false;
    }
    bool raw = !n->driver->resize;
    bool ok = raw || n->driver->resize(n, size_bytes, shrink, errp);
    if (ok && !raw && n->driver->flush(n) < 0) {
        error_set(errp, "Could not write '%s'", file);
        ok = false;
    }
    node_unref(n);
    return ok && (!raw || raw_resize(file, size_bytes, errp));
}
