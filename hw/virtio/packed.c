/*
 * Packed rings, 2.8: one ring of descriptors, in which two flags and a counter
 * of rounds on either side say whose each of them is.
 */
#include "base/bytes.h"
#include "internal.h"

#define DESC_AVAIL 0x0080u
#define DESC_USED  0x8000u

/* Event suppression, 2.8.14. */
#define EVENT_WRAP    0x8000u
#define EVENT_ENABLE  0u
#define EVENT_DISABLE 1u

/* A place may come from a stream: it stays in its ring. */
static unsigned place(const VirtioState *s, unsigned q, uint16_t at)
{
    return at % s->queue_size[q];
}

bool packed_is_available(const VirtioState *s, unsigned q, unsigned flags)
{
    return !!(flags & DESC_AVAIL) == s->avail_wrap[q] &&
           !!(flags & DESC_USED) != s->avail_wrap[q];
}

PhysAddr packed_flags_address(const VirtioState *s, unsigned q)
{
    return s->desc_area[q] + place(s, q, s->avail_at[q]) * DESC_BYTES + 14;
}

bool packed_has_buffer(VirtioDevice *v, unsigned q)
{
    VirtioState *s = v->s;
    Desc d;
    return desc_load(v, s->desc_area[q], place(s, q, s->avail_at[q]), &d) &&
           packed_is_available(s, q, d.fourth);
}

static void advance(const VirtioState *s, unsigned q, uint16_t *at, bool *wrap,
                    unsigned entries)
{
    unsigned next = place(s, q, *at) + entries;
    if (next >= s->queue_size[q]) {
        next -= s->queue_size[q];
        *wrap = !*wrap;
    }
    *at = next;
}

/* 2.8.7: the table's descriptors follow each other, only WRITE counts. */
static bool add_table(VirtioDevice *v, VirtioBuffer *b, const Desc *d)
{
    unsigned count = indirect_count(v, d, d->fourth);

    for (unsigned n = 0; n < count; n++) {
        Desc inner;
        if (!desc_load(v, d->addr, n, &inner) ||
            !buffer_add(v, b, &inner, inner.fourth)) {
            return false;
        }
    }
    return count != 0;
}

/* 2.8.6: a list's descriptors follow each other, the last one has the id. */
bool packed_pop(VirtioDevice *v, unsigned q, VirtioBuffer *b)
{
    VirtioState *s = v->s;
    unsigned at = place(s, q, s->avail_at[q]), size = s->queue_size[q];
    Desc d;

    if (!packed_has_buffer(v, q)) {
        return false;
    }
    for (b->entries = 1; b->entries <= size; b->entries++) {
        if (!desc_load(v, s->desc_area[q], at, &d)) {
            return false;
        }
        bool table = d.fourth & DESC_INDIRECT;
        if (table ? !add_table(v, b, &d) : !buffer_add(v, b, &d, d.fourth)) {
            return false;
        }
        at = place(s, q, at + 1);
        if (!(d.fourth & DESC_NEXT)) {
            b->id = d.third;
            advance(s, q, &s->avail_at[q], &s->avail_wrap[q], b->entries);
            return true;
        }
    }
    virtio_break(v, "queue %u: a list without an end", q);
    return false;
}

void packed_unpop(VirtioDevice *v, unsigned q, unsigned entries)
{
    VirtioState *s = v->s;
    unsigned at = place(s, q, s->avail_at[q]);

    if (entries > at) {
        at += s->queue_size[q];
        s->avail_wrap[q] = !s->avail_wrap[q];
    }
    s->avail_at[q] = at - entries;
}

/* 2.8.8: id and length of the buffer, the flags last. */
void packed_push(VirtioDevice *v, unsigned q, uint16_t id, uint16_t entries,
                 uint32_t written)
{
    VirtioState *s = v->s;
    uint8_t entry[8];

    bytes_st_le32(entry, written);
    bytes_st_le16(entry + 4, id);
    bytes_st_le16(entry + 6,
                  (s->used_wrap[q] ? DESC_AVAIL | DESC_USED : 0) |
                      (written ? DESC_WRITE : 0));
    if (!virtio_store(v, s->desc_area[q] + 8 +
                             place(s, q, s->used_at[q]) * DESC_BYTES,
                      entry, sizeof entry)) {
        return;
    }
    advance(s, q, &s->used_at[q], &s->used_wrap[q],
            MIN(entries, s->queue_size[q]));
    s->untold[q] = MIN(s->untold[q] + entries, UINT16_MAX);
}

/* 2.8.10: a flag, or the descriptor whose use the driver wants to hear of. In
 * two rounds each place has a number of its own. */
bool packed_wants_interrupt(VirtioDevice *v, unsigned q)
{
    VirtioState *s = v->s;
    unsigned size = s->queue_size[q];
    uint32_t word = virtio_load_32(v, s->driver_area[q]);
    unsigned flags = word >> 16 & 3;

    if (flags == EVENT_ENABLE || flags == EVENT_DISABLE ||
        !virtio_has(v, VIRTIO_F_EVENT_IDX)) {
        return flags != EVENT_DISABLE;
    }
    unsigned event = (word & (EVENT_WRAP - 1)) % size +
                     (word & EVENT_WRAP ? 0 : size);
    unsigned now = place(s, q, s->used_at[q]) + (s->used_wrap[q] ? 0 : size);
    unsigned behind = (now + 2 * size - event - 1) % (2 * size);
    return behind < s->untold[q];
}
