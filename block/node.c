/*
 * What all drivers share: references, opening by format, and reading a node
 * beyond its end.
 */
#include <string.h>

#include "driver.h"

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

const char *node_probe(BlockFile *file)
{
    char magic[4];
    bool qcow2 = block_file_read(file, 0, magic, sizeof magic) == 0 &&
                 memcmp(magic, "QFI\xfb", sizeof magic) == 0;
    return qcow2 ? "qcow2" : "raw";
}

BlockNode *node_open(const NodeOpen *how, Error **errp)
{
    static const struct {
        const char *format;
        BlockNode *(*open)(BlockFile *file, const NodeOpen *how,
                           Error **errp);
    } formats[] = {
        { "raw", raw_open },
        { "qcow2", qcow2_open },
    };
    if (how->format && strcmp(how->format, "raw") != 0 &&
        strcmp(how->format, "qcow2") != 0) {
        error_set(errp, "Unknown driver '%s'", how->format);
        return NULL;
    }
    BlockFile *file = block_file_open(how->file,
                                      (how->readonly ? 0 : BLOCK_FILE_WRITE) |
                                      (how->share ? BLOCK_FILE_SHARE : 0),
                                      errp);
    if (!file) {
        return NULL;
    }
    const char *format = how->format ? how->format : node_probe(file);
    size_t i = 0;
    while (strcmp(format, formats[i].format) != 0) {
        i++;
    }
    return formats[i].open(file, how, errp);
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
