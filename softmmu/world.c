/*
 * Disks and character streams as devices see them: each call goes to the ops
 * table that the object begins with, so that hw/ links without block/ and
 * host/. See io/blockdev.h and io/chardev.h.
 */
#include "io/blockdev.h"
#include "io/chardev.h"

static const BlockDevOps *disk_ops(const BlockDev *b)
{
    return ((const BlockDevHead *)b)->ops;
}

const char *blockdev_node(const BlockDev *b)
{
    return ((const BlockDevHead *)b)->node;
}

uint64_t blockdev_size_bytes(const BlockDev *b)
{
    return disk_ops(b)->size_bytes(b);
}

bool blockdev_readonly(const BlockDev *b)
{
    return disk_ops(b)->readonly(b);
}

bool blockdev_is_empty(const BlockDev *b)
{
    return disk_ops(b)->is_empty(b);
}

void blockdev_bind(BlockDev *b, Machine *m)
{
    disk_ops(b)->bind(b, m);
}

int blockdev_read(BlockDev *b, uint64_t offset, void *buf, size_t bytes)
{
    return disk_ops(b)->read(b, offset, buf, bytes);
}

int blockdev_write(BlockDev *b, uint64_t offset, const void *buf, size_t bytes)
{
    return disk_ops(b)->write(b, offset, buf, bytes);
}

int blockdev_write_zeroes(BlockDev *b, uint64_t offset, uint64_t bytes)
{
    return disk_ops(b)->write_zeroes(b, offset, bytes);
}

int blockdev_flush(BlockDev *b)
{
    return disk_ops(b)->flush(b);
}

/* --- character streams ----------------------------------------------------------- */

static const ChardevOps *stream_ops(const Chardev *c)
{
    return ((const ChardevHead *)c)->ops;
}

const char *chardev_id(const Chardev *c)
{
    return ((const ChardevHead *)c)->id;
}

void chardev_write(Chardev *c, const void *data, size_t len)
{
    stream_ops(c)->write(c, data, len);
}

void chardev_bind_port(Chardev *c, NondetPort *port, ChardevRoom *room,
                       void *opaque)
{
    stream_ops(c)->bind_port(c, port, room, opaque);
}

void chardev_kick(Chardev *c)
{
    stream_ops(c)->kick(c);
}
