/*
 * A chardev that keeps the last of what was written to it, for ringbuf-read.
 */
#include <string.h>

#include "base/bits.h"
#include "chardev-impl.h"

#define RING_BYTES 65536u      /* without size= */

typedef struct Ring {
    uint8_t *bytes;
    size_t size;               /* a power of two */
    uint64_t written, taken;   /* ever; at most size apart */
} Ring;

static bool ringbuf_open(Chardev *c, const ChardevSpec *spec, Error **errp)
{
    size_t size = spec->size_bytes ? spec->size_bytes : RING_BYTES;
    if (size & (size - 1)) {
        error_set(errp, "size of ringbuf chardev must be power of two");
        return false;
    }
    Ring *r = g_new0(Ring, 1);
    r->size = size;
    r->bytes = g_malloc(size);
    c->priv = r;
    c->connected = true;
    return true;
}

static void ringbuf_close(Chardev *c)
{
    Ring *r = c->priv;
    if (r) {
        g_free(r->bytes);
        g_free(r);
        c->priv = NULL;
    }
}

static void ringbuf_write(Chardev *c, const uint8_t *data, size_t len)
{
    Ring *r = c->priv;
    for (size_t i = 0; i < len; i++) {
        r->bytes[r->written++ & (r->size - 1)] = data[i];
    }
    r->taken = MAX(r->taken, r->written - MIN(r->written, r->size));
}

bool chardev_is_ringbuf(const Chardev *c)
{
    return c->backend == &chardev_ringbuf;
}

size_t chardev_ringbuf_read(Chardev *c, uint8_t *data, size_t len)
{
    Ring *r = c->priv;
    size_t n = 0;
    while (n < len && r->taken < r->written) {
        data[n++] = r->bytes[r->taken++ & (r->size - 1)];
    }
    return n;
}

const ChardevBackend chardev_ringbuf = {
    .name = "ringbuf",
    .open = ringbuf_open,
    .close = ringbuf_close,
    .write = ringbuf_write,
};
