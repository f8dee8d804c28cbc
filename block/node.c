/*
 * What all drivers share: references, opening by format, and reading a node
 * beyond its end.
 */
#include <string.h>

#include "foreign.h"
#include "name.h"

static const struct {
    const char *format;
    BlockNode *(*open)(BlockFile *file, const NodeOpen *how, Error **errp);
} formats[] = {
    { "raw", raw_open },
    { "qcow2", qcow2_open },
    { "vdi", vdi_open },
    { "vmdk", vmdk_open },
};

void node_init(BlockNode *n, const BlockDriver *driver, const char *file)
{
    n->driver = driver;
    n->file = g_strdup(file);
    n->refs = 1;
}

BlockNode *node_ref(BlockNode *n)
{
    n->refs++;
    return n;
}

void node_unref(BlockNode *n)
{
    if (n && --n->refs == 0) {
        n->driver->close(n);
        g_free(n->file);
        g_free(n);
    }
}

const char *node_probe_bytes(const uint8_t *start)
{
    return memcmp(start, "QFI\xfb", 4) == 0 ? "qcow2" :
           memcmp(start, "KDMV", 4) == 0 ? "vmdk" :
           memcmp(start + 64, "\x7f\x10\xda\xbe", 4) == 0 ? "vdi" : "raw";
}

/* The index of a format's driver, -1 after an error. */
static int driver_index(BlockFile *file, const char *format, Error **errp)
{
    uint8_t start[PROBE_BYTES];
    int err = format ? 0 : block_file_read(file, 0, start, sizeof start);
    if (err < 0) {
        error_set_errno(errp, -err, "Could not read '%s'",
                        block_file_path(file));
        return -1;
    }
    format = format ? format : node_probe_bytes(start);
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
        if (strcmp(format, formats[i].format) == 0) {
            return i;
        }
    }
    error_set(errp, "Unknown driver '%s'", format);
    return -1;
}

static BlockNode *open_file(const NodeOpen *how, Error **errp)
{
    BlockFile *file = block_file_open(how->file,
                                      (how->readonly ? 0 : BLOCK_FILE_WRITE) |
                                      (how->share ? BLOCK_FILE_SHARE : 0),
                                      errp);
    int i = file ? driver_index(file, how->format, errp) : -1;
    if (i < 0) {
        block_file_close(file);
        return NULL;
    }
    BlockNode *n = formats[i].open(file, how, errp);
    if (n && n->size_bytes > NODE_BYTES_MAX) {
        error_set(errp, "Image '%s' is too large", how->file);
        node_unref(n);
        return NULL;
    }
    return n;
}

BlockNode *node_open(const NodeOpen *how, Error **errp)
{
    ImageName name;
    BlockNode *n = NULL;
    if (image_name_parse(how->file, how->options, &name, errp)) {
        NodeOpen plain = *how;
        plain.file = name.file;
        plain.format = name.format ? name.format : how->format;
        plain.no_backing |= name.no_backing;
        plain.backing_name = name.backing;
        plain.data_file = name.data_file;
        plain.offset = name.offset;
        plain.size_bytes = name.size_bytes;
        plain.share |= name.share;
        if (name.readonly && !how->readonly) {
            error_set(errp, "Image '%s' is said to be read-only", name.file);
        } else {
            n = open_file(&plain, errp);
        }
    }
    image_name_clear(&name);
    return n;
}

uint64_t node_place(BlockNode *n, uint64_t offset, uint64_t bytes,
                    BlockPlace *place)
{
    BlockExtent what;
    if (offset >= n->size_bytes) {
        *place = (BlockPlace) { .zero = true };
        return bytes;
    }
    bytes = MIN(bytes, n->size_bytes - offset);
    if (n->driver->place) {
        return n->driver->place(n, offset, bytes, place);
    }
    bytes = n->driver->extent(n, offset, bytes, &what);
    *place = (BlockPlace) {
        .allocated = true, .data = what == BLOCK_EXTENT_DATA,
        .zero = what != BLOCK_EXTENT_DATA,
    };
    return bytes;
}

int node_read_padded(BlockNode *n, uint64_t offset, void *buf, size_t bytes)
{
    uint64_t here = offset < n->size_bytes ?
                    MIN(bytes, n->size_bytes - offset) : 0;
    memset((uint8_t *)buf + here, 0, bytes - here);
    return here ? n->driver->read(n, offset, buf, here) : 0;
}

uint64_t node_extent_padded(BlockNode *n, uint64_t offset, uint64_t bytes,
                            BlockExtent *what)
{
    if (offset >= n->size_bytes) {
        *what = BLOCK_EXTENT_ZERO;
        return bytes;
    }
    return n->driver->extent(n, offset, MIN(bytes, n->size_bytes - offset),
                             what);
}
