/*
 * Open images for tools: see io/image.h. An image is a node of its format's
 * driver; there is no device, no machine and no log between.
 */
#include <errno.h>
#include <string.h>

#include "driver.h"

static bool unsupported(const Image *image, const char *what, Error **errp)
{
    error_set(errp, "Format '%s' of '%s' does not support %s",
              image->driver->format, image->file, what);
    return false;
}

Image *image_open(const ImageOpen *how, Error **errp)
{
    NodeOpen node = {
        .file = how->name, .options = how->options, .format = how->format,
        .readonly = how->readonly, .share = how->share,
        .inspect = how->inspect, .no_backing = how->no_backing,
        .backing = how->backing,
    };
    return node_open(&node, errp);
}

int image_close(Image *image)
{
    int err = image && !image->readonly ? image->driver->flush(image) : 0;
    node_unref(image);
    return err;
}

Image *image_snapshot(Image *image, const char *name, Error **errp)
{
    if (!image->driver->snapshot_view) {
        error_set(errp, "Format '%s' of '%s' has no snapshots",
                  image->driver->format, image->file);
        return NULL;
    }
    return image->driver->snapshot_view(image, name, errp);
}

bool image_snapshot_create(Image *image, const BlockSnapshot *info,
                           Error **errp)
{
    BlockVmState none = { 0 };
    return image->driver->snapshot_create ?
           image->driver->snapshot_create(image, info, &none, errp) :
           unsupported(image, "snapshots", errp);
}

bool image_snapshot_goto(Image *image, const char *name, Error **errp)
{
    return image->driver->snapshot_goto ?
           image->driver->snapshot_goto(image, name, errp) :
           unsupported(image, "snapshots", errp);
}

bool image_snapshot_delete(Image *image, const char *name, Error **errp)
{
    return image->driver->snapshot_delete ?
           image->driver->snapshot_delete(image, name, errp) :
           unsupported(image, "snapshots", errp);
}

const char *image_file(const Image *image)
{
    return image->file;
}

const char *image_format(const Image *image)
{
    return image->driver->format;
}

uint64_t image_size_bytes(const Image *image)
{
    return image->size_bytes;
}

bool image_readonly(const Image *image)
{
    return image->readonly;
}

Image *image_backing(Image *image)
{
    return image->driver->backing ? image->driver->backing(image) : NULL;
}

/* --- transfers ---------------------------------------------------------- */

static int range_error(const Image *image, uint64_t offset, uint64_t bytes,
                       bool write)
{
    uint64_t size = image->size_bytes;
    return offset > size || bytes > size - offset ? -EIO :
           write && image->readonly ? -EROFS : 0;
}

int image_read(Image *image, uint64_t offset, void *buf, size_t bytes)
{
    int err = range_error(image, offset, bytes, false);
    return err < 0 || bytes == 0 ? err :
           image->driver->read(image, offset, buf, bytes);
}

int image_read_padded(Image *image, uint64_t offset, void *buf, size_t bytes)
{
    return node_read_padded(image, offset, buf, bytes);
}

int image_write(Image *image, uint64_t offset, const void *buf, size_t bytes)
{
    int err = range_error(image, offset, bytes, true);
    return err < 0 || bytes == 0 ? err :
           image->driver->write(image, offset, buf, bytes);
}

int image_write_zeroes(Image *image, uint64_t offset, uint64_t bytes)
{
    int err = range_error(image, offset, bytes, true);
    return err < 0 || bytes == 0 ? err :
           image->driver->write_zeroes(image, offset, bytes);
}

bool image_can_compress(const Image *image)
{
    return image->driver->write_compressed;
}

int image_write_compressed(Image *image, uint64_t offset, const void *buf,
                           size_t bytes)
{
    int err = range_error(image, offset, bytes, true);
    return err < 0 || bytes == 0 ? err :
           !image->driver->write_compressed ? -ENOTSUP :
           image->driver->write_compressed(image, offset, buf, bytes);
}

int image_flush(Image *image)
{
    return image->readonly ? 0 : image->driver->flush(image);
}

int image_make_empty(Image *image)
{
    return image->readonly ? -EROFS : !image->driver->make_empty ? -ENOTSUP :
           image->driver->make_empty(image);
}

uint64_t image_place(Image *image, uint64_t offset, uint64_t bytes,
                     BlockPlace *place)
{
    unsigned depth = 0;
    for (;; depth++) {
        bytes = node_place(image, offset, bytes, place);
        Image *below = image_backing(image);
        if (place->allocated || !below || offset >= below->size_bytes) {
            break;
        }
        bytes = MIN(bytes, below->size_bytes - offset);
        image = below;
    }
    place->depth = depth;
    return bytes;
}

/* --- changes ------------------------------------------------------------ */

bool image_backing_rename(Image *image, const char *file, const char *format,
                          Error **errp)
{
    return image->driver->backing_rename ?
           image->driver->backing_rename(image, file, format, errp) :
           unsupported(image, "backing files", errp);
}

bool image_amend(Image *image, const ImageAmend *change, Error **errp)
{
    return image->driver->amend ?
           image->driver->amend(image, change, errp) :
           unsupported(image, "amending", errp);
}

void image_bitmap_free(void *opaque)
{
    ImageBitmap *b = opaque;
    g_free(b->name);
    g_free(b);
}

bool image_bitmap(Image *image, const ImageBitmapChange *change, Error **errp)
{
    return image->driver->bitmap ?
           image->driver->bitmap(image, change, errp) :
           unsupported(image, "bitmaps", errp);
}

int image_vm_state_read(Image *image, uint64_t offset, void *buf,
                        size_t bytes)
{
    return image->driver->vm_state_read ?
           image->driver->vm_state_read(image, offset, buf, bytes) : -ENOTSUP;
}

int image_vm_state_write(Image *image, uint64_t offset, const void *buf,
                         size_t bytes)
{
    return image->readonly ? -EROFS : image->driver->vm_state_write ?
           image->driver->vm_state_write(image, offset, buf, bytes) :
           -ENOTSUP;
}

char *image_path_beside(const char *image, const char *name)
{
    g_autofree char *dir = g_path_get_dirname(image);
    return g_path_is_absolute(name) || strcmp(dir, ".") == 0 ?
           g_strdup(name) : g_build_filename(dir, name, NULL);
}
