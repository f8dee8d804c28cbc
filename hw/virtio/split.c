/*
 * Split rings, 2.7: a table of descriptors, a ring of heads that are available,
 * and a ring of heads that were used.
 */
#include "base/bytes.h"
#include "internal.h"

#define AVAIL_NO_INTERRUPT 1u

/* Offsets: 2.7.6 and 2.7.8. */
static PhysAddr avail_entry(const VirtioState *s, unsigned q, uint16_t at)
{
    return s->driver_area[q] + 4 + 2 * (at % s->queue_size[q]);
}

static PhysAddr used_entry(const VirtioState *s, unsigned q, uint16_t at)
{
    return s->device_area[q] + 4 + 8 * (at % s->queue_size[q]);
}

static unsigned split_available(VirtioDevice *v, unsigned q)
{
    VirtioState *s = v->s;
    uint16_t index = virtio_load_16(v, s->driver_area[q] + 2);
    uint16_t count = index - s->avail_at[q];

    if (count > s->queue_size[q]) {
        virtio_break(v, "queue %u: available index 0x%x is too far", q, index);
        return 0;
    }
    return s->broken ? 0 : count;
}

/* 2.7.10: the driver need not notify before it goes beyond this. */
static void ask_for_notification(VirtioDevice *v, unsigned q)
{
    if (virtio_has(v, VIRTIO_F_EVENT_IDX)) {
        virtio_store_16(v, v->s->device_area[q] + 4 +
                               8 * (uint64_t)v->s->queue_size[q],
                        v->s->avail_at[q]);
    }
}

bool split_has_buffer(VirtioDevice *v, unsigned q)
{
    if (split_available(v, q)) {
        return true;
    }
    ask_for_notification(v, q);
    return false;
}

/* Where a chain goes on: the table, its size, the present descriptor. */
typedef struct Chain {
    PhysAddr table;
    unsigned size, at;
} Chain;

/* 2.7.5.3.2: an indirect descriptor may end a chain of direct ones. */
static bool enter_table(VirtioDevice *v, Chain *c, const Desc *d,
                        bool inside)
{
    unsigned count = inside ? 0 : indirect_count(v, d, d->third);
    if (!count) {
        virtio_break(v, "a table of descriptors in another");
        return false;
    }
    *c = (Chain){ d->addr, count, 0 };
    return true;
}

/* Adds a descriptor to the buffer and goes on to the next. */
static bool chain_step(VirtioDevice *v, VirtioBuffer *b, Chain *c,
                       const Desc *d)
{
    if (!buffer_add(v, b, d, d->third)) {
        return false;
    }
    c->at = d->fourth;
    if ((d->third & DESC_NEXT) && c->at >= c->size) {
        virtio_break(v, "queue %u: descriptor %u of %u", b->queue, c->at,
                     c->size);
        return false;
    }
    return true;
}

/* A chain that is longer than its table goes round in it. */
static bool chain_walk(VirtioDevice *v, VirtioBuffer *b, Chain c)
{
    bool inside = false;

    for (unsigned n = 0; n < c.size; n++) {
        Desc d;
        if (!desc_load(v, c.table, c.at, &d)) {
            return false;
        }
        if (d.third & DESC_INDIRECT) {
            if (!enter_table(v, &c, &d, inside) ||
                !desc_load(v, c.table, 0, &d)) {
                return false;
            }
            inside = true;
            n = 0;
        }
        if ((d.third & DESC_INDIRECT) || !chain_step(v, b, &c, &d)) {
            virtio_break(v, "a table of descriptors in another");
            return false;
        }
        if (!(d.third & DESC_NEXT)) {
            return true;
        }
    }
    virtio_break(v, "queue %u: an endless chain", b->queue);
    return false;
}

bool split_pop(VirtioDevice *v, unsigned q, VirtioBuffer *b)
{
    VirtioState *s = v->s;

    if (!split_has_buffer(v, q)) {
        return false;
    }
    uint16_t head = virtio_load_16(v, avail_entry(s, q, s->avail_at[q]));
    if (head >= s->queue_size[q]) {
        virtio_break(v, "queue %u: head %u of %u", q, head, s->queue_size[q]);
        return false;
    }
    b->id = head;
    b->entries = 1;
    s->avail_at[q]++;
    return chain_walk(v, b, (Chain){ s->desc_area[q], s->queue_size[q],
                                     head });
}

void split_push(VirtioDevice *v, unsigned q, uint16_t id, uint32_t written)
{
    VirtioState *s = v->s;
    uint8_t entry[8];

    bytes_st_le32(entry, id);
    bytes_st_le32(entry + 4, written);
    if (!virtio_store(v, used_entry(s, q, s->used_at[q]), entry,
                      sizeof entry)) {
        return;
    }
    s->used_at[q]++;
    s->untold[q]++;
    virtio_store_16(v, s->device_area[q] + 2, s->used_at[q]);
}

/* 2.7.7: a flag, or the index beyond which the driver wants to hear of it. */
bool split_wants_interrupt(VirtioDevice *v, unsigned q)
{
    VirtioState *s = v->s;

    if (!virtio_has(v, VIRTIO_F_EVENT_IDX)) {
        return !(virtio_load_16(v, s->driver_area[q]) & AVAIL_NO_INTERRUPT);
    }
    uint16_t event = virtio_load_16(v, avail_entry(s, q, 0) +
                                           2 * (uint64_t)s->queue_size[q]);
    uint16_t behind = s->used_at[q] - event - 1;
    return behind < s->untold[q];
}
