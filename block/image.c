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
    if (c->preallocation == PREALLOCATION_METADATA) {
        error_set(errp, "Unsupported preallocation mode 'metadata'");
        return false;
    }
    BlockFile *f = block_file_open(c->file, BLOCK_FILE_CREATE, errp);
    int err = f ? block_file_truncate(f, c->size_bytes) : 0;
    if (f && err == 0 && c->preallocation) {
        err = c->preallocation == PREALLOCATION_FULL ?
              block_file_fill(f, 0, c->size_bytes) :
              block_file_allocate(f, 0, c->size_bytes);
    }
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

ImageInfo *image_describe(Image *n)
{
    ImageInfo *info = g_new0(ImageInfo, 1);
    info->file = g_strdup(n->file);
    info->format = g_strdup(n->driver->format);
    info->size_bytes = n->size_bytes;
    info_file(info, n->file);
    if (n->driver->info) {
        n->driver->info(n, info);
    }
    info->snapshots = n->driver->snapshot_list ?
        n->driver->snapshot_list(n) :
        g_ptr_array_new_with_free_func((GDestroyNotify)block_snapshot_free);
    return info;
}

ImageInfo *image_info(const char *file, const char *format, bool share,
                      Error **errp)
{
    NodeOpen how = {
        .file = file, .format = format, .readonly = true, .share = share,
        .inspect = true,
    };
    BlockNode *n = node_open(&how, errp);
    ImageInfo *info = n ? image_describe(n) : NULL;
    node_unref(n);
    return info;
}

void image_info_free(ImageInfo *info)
{
    if (info) {
        g_free(info->file);
        g_free(info->format);
        g_free(info->backing_file);
        g_free(info->backing_path);
        g_free(info->backing_format);
        g_free(info->data_file);
        g_free(info->subformat);
        g_ptr_array_unref(info->snapshots);
        g_clear_pointer(&info->bitmaps, g_ptr_array_unref);
        g_free(info);
    }
}

/* --- check, resize ---------------------------------------------------- */

bool image_check_open(Image *n, bool repair, ImageCheck *result, Error **errp)
{
    if (!n->driver->check) {
        error_set(errp, "This image format does not support checks");
        return false;
    }
    return n->driver->check(n, repair, result, errp);
}

bool image_check(const char *file, const char *format, bool repair,
                 ImageCheck *result, Error **errp)
{
    NodeOpen how = {
        .file = file, .format = format, .readonly = !repair, .inspect = true,
    };
    BlockNode *n = node_open(&how, errp);
    bool ok = n && image_check_open(n, repair, result, errp);
    node_unref(n);
    return ok;
}

int image_preallocate(BlockNode *n, uint64_t from, ImagePreallocation how)
{
    return how == PREALLOCATION_OFF ? 0 : !n->driver->preallocate ? -ENOTSUP :
           n->driver->preallocate(n, from, how);
}

bool image_truncate(Image *n, uint64_t size_bytes, bool shrink,
                    ImagePreallocation preallocation, Error **errp)
{
    uint64_t old = n->size_bytes;
    if (size_bytes < old && !shrink) {
        error_set(errp, "Use the --shrink option to perform a shrink "
                  "operation");
        return false;
    }
    if (!n->driver->resize) {
        error_set(errp, "Image format '%s' does not support resize",
                  n->driver->format);
        return false;
    }
    if (!n->driver->resize(n, size_bytes, shrink, errp)) {
        return false;
    }
    int err = size_bytes > old ? image_preallocate(n, old, preallocation) : 0;
    err = err < 0 ? err : n->driver->flush(n);
    if (err < 0) {
        error_set_errno(errp, -err, "Could not resize '%s'", n->file);
    }
    return err == 0;
}

bool image_resize(const char *file, const char *format, uint64_t size_bytes,
                  bool shrink, Error **errp)
{
    NodeOpen how = { .file = file, .format = format };
    BlockNode *n = node_open(&how, errp);
    bool ok = n && image_truncate(n, size_bytes, shrink, PREALLOCATION_OFF,
                                  errp);
    node_unref(n);
    return ok;
}
