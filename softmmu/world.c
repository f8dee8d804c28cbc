/*
 * Disks, character streams and networks as devices see them: each call goes to the ops
 * table that the object begins with, so that hw/ links without block/ and
 * host/. See io/blockdev.h, io/chardev.h and io/netdev.h.
 */
#include "io/blockdev.h"
#include "io/chardev.h"
#include "io/netdev.h"

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

int blockdev_discard(BlockDev *b, uint64_t offset, uint64_t bytes)
{
    return disk_ops(b)->discard(b, offset, bytes);
}

bool blockdev_discards(const BlockDev *b)
{
    return disk_ops(b)->discards(b);
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

/* --- networks ---------------------------------------------------------------------- */

static const NetdevOps *net_ops(const Netdev *n)
{
    return ((const NetdevHead *)n)->ops;
}

const char *netdev_id(const Netdev *n)
{
    return ((const NetdevHead *)n)->id;
}

void netdev_send(Netdev *n, const void *frame, size_t len)
{
    net_ops(n)->send(n, frame, len);
}

void netdev_bind_port(Netdev *n, NondetPort *port, NetdevRoom *room,
                      void *opaque)
{
    net_ops(n)->bind_port(n, port, room, opaque);
}

void netdev_kick(Netdev *n)
{
    net_ops(n)->kick(n);
}

void netdev_received(Netdev *n, const void *frame, size_t len)
{
    net_ops(n)->received(n, frame, len);
}

void netdev_describe(Netdev *n, GString *out)
{
    net_ops(n)->describe(n, out);
}

bool netdev_forwards(const Netdev *n)
{
    return net_ops(n)->forwards && net_ops(n)->forwards(n);
}

bool netdev_forward(Netdev *n, const char *rule, bool add, Error **errp)
{
    return net_ops(n)->forward(n, rule, add, errp);
}
