/*
 * Queues: buffers taken and returned, and guest memory, for either kind of
 * ring. Nothing that a driver writes there is believed before it was checked.
 */
#include "base/bytes.h"
#include "base/log.h"
#include "internal.h"
#include "vm/work.h"

/* --- guest memory ---------------------------------------------------------------*/

static bool no_memory(VirtioDevice *v, PhysAddr addr, uint64_t len,
                      bool write)
{
    virtio_break(v, "0x%" G_GINT64_MODIFIER "x, %" G_GUINT64_FORMAT
                 " bytes: no memory%s", addr, len,
                 write ? " to be written" : "");
    return false;
}

bool virtio_load(VirtioDevice *v, PhysAddr addr, void *to, uint64_t len)
{
    if (address_space_read_ram(v->dev.machine->memory, addr, to, len)) {
        return true;
    }
    memset(to, 0, len);
    return no_memory(v, addr, len, false);
}

bool virtio_store(VirtioDevice *v, PhysAddr addr, const void *from,
                  uint64_t len)
{
    return address_space_write_ram(v->dev.machine->memory, addr, from, len) ||
           no_memory(v, addr, len, true);
}

uint16_t virtio_load_16(VirtioDevice *v, PhysAddr addr)
{
    uint8_t word[2];
    virtio_load(v, addr, word, sizeof word);
    return bytes_ld_le16(word);
}

uint32_t virtio_load_32(VirtioDevice *v, PhysAddr addr)
{
    uint8_t word[4];
    virtio_load(v, addr, word, sizeof word);
    return bytes_ld_le32(word);
}

void virtio_store_16(VirtioDevice *v, PhysAddr addr, uint16_t value)
{
    uint8_t word[2];
    bytes_st_le16(word, value);
    virtio_store(v, addr, word, sizeof word);
}

/* --- descriptors -------------------------------------------------------------------*/

bool desc_load(VirtioDevice *v, PhysAddr table, unsigned n, Desc *d)
{
    uint8_t bytes[DESC_BYTES];

    if (!virtio_load(v, table + (uint64_t)n * DESC_BYTES, bytes,
                     sizeof bytes)) {
        return false;
    }
    d->addr = bytes_ld_le64(bytes);
    d->len = bytes_ld_le32(bytes + 8);
    d->third = bytes_ld_le16(bytes + 12);
    d->fourth = bytes_ld_le16(bytes + 14);
    return true;
}

/* 2.7.4.2: what is read comes before what is written. */
bool buffer_add(VirtioDevice *v, VirtioBuffer *b, const Desc *d,
                unsigned flags)
{
    unsigned count = b->out_count + b->in_count;
    bool write = flags & DESC_WRITE;

    if (count >= VIRTIO_SEGMENTS_MAX) {
        virtio_break(v, "queue %u: a buffer of too many parts", b->queue);
        return false;
    }
    if (!write && b->in_count) {
        virtio_break(v, "queue %u: to be read after what is to be written",
                     b->queue);
        return false;
    }
    b->segment[count] = (VirtioSegment){ d->addr, d->len };
    if (write) {
        b->in_count++;
        b->in_bytes += d->len;
    } else {
        b->out_count++;
        b->out_bytes += d->len;
    }
    return true;
}

/* 2.7.5.3 and 2.8.7: a table holds whole descriptors and no further table. */
unsigned indirect_count(VirtioDevice *v, const Desc *d, unsigned flags)
{
    unsigned count = d->len / DESC_BYTES;

    if (!virtio_has(v, VIRTIO_F_INDIRECT_DESC) || (flags & DESC_NEXT) ||
        !count || d->len % DESC_BYTES || count > VIRTIO_SEGMENTS_MAX) {
        virtio_break(v, "an indirect table of %u bytes, flags %x", d->len,
                     flags);
        return 0;
    }
    return count;
}

/* --- taking and returning ------------------------------------------------------------*/

static bool is_usable(const VirtioDevice *v, unsigned q)
{
    return q < v->queue_count && v->s->queue_enabled[q] &&
           v->s->queue_size[q] && virtio_is_live(v);
}

static bool is_packed(const VirtioDevice *v)
{
    return virtio_has(v, VIRTIO_F_RING_PACKED);
}

bool virtio_has_buffer(VirtioDevice *v, unsigned q)
{
    return is_usable(v, q) && (is_packed(v) ? packed_has_buffer(v, q)
                                            : split_has_buffer(v, q));
}

unsigned virtio_peek(VirtioDevice *v, unsigned q)
{
    VirtioState *s = v->s;
    PhysAddr at;
    uint8_t word[2];

    if (!is_usable(v, q)) {
        return 0;
    }
    at = is_packed(v) ? packed_flags_address(s, q) : s->driver_area[q] + 2;
    const MemRange *r = address_space_find(v->dev.machine->memory, at);
    if (!r || r->region->kind != MEM_RAM || r->end - at < 1) {
        return 0;
    }
    address_space_read(v->dev.machine->memory, at, word, sizeof word);
    if (is_packed(v)) {
        return packed_is_available(s, q, bytes_ld_le16(word));
    }
    uint16_t count = bytes_ld_le16(word) - s->avail_at[q];
    return count <= s->queue_size[q] ? count : 0;
}

bool virtio_pop(VirtioDevice *v, unsigned q, VirtioBuffer *b)
{
    if (!is_usable(v, q)) {
        return false;
    }
    b->queue = q;
    b->out_count = b->in_count = 0;
    b->out_bytes = b->in_bytes = 0;
    machine_work(v->dev.machine, WORK_ACCESS);
    return (is_packed(v) ? packed_pop(v, q, b) : split_pop(v, q, b)) &&
           !v->s->broken;
}

void virtio_unpop(VirtioDevice *v, unsigned q, unsigned buffers,
                  unsigned entries)
{
    if (is_packed(v)) {
        packed_unpop(v, q, entries);
    } else {
        v->s->avail_at[q] -= buffers;
    }
}

void virtio_push(VirtioDevice *v, unsigned q, uint16_t id, uint16_t entries,
                 uint32_t written)
{
    if (!is_usable(v, q)) {
        return;
    }
    if (is_packed(v)) {
        packed_push(v, q, id, entries, written);
    } else {
        split_push(v, q, id, written);
    }
}

void virtio_interrupt(VirtioDevice *v, unsigned q)
{
    if (!is_usable(v, q) || !v->s->untold[q]) {
        return;
    }
    bool wanted = is_packed(v) ? packed_wants_interrupt(v, q)
                               : split_wants_interrupt(v, q);
    v->s->untold[q] = 0;
    if (wanted && !v->s->broken) {
        v->bus->interrupt(v->bus->host, VIRTIO_ISR_QUEUE,
                          v->s->queue_vector[q]);
    }
}

/* --- a buffer's bytes ------------------------------------------------------------------*/

typedef struct Span {
    const VirtioSegment *segment;
    unsigned count;
    uint64_t offset;
} Span;

/* The next piece of a span, at most len bytes; 0: it has ended. */
static uint32_t span_next(Span *s, size_t len, PhysAddr *addr)
{
    while (s->count && s->offset >= s->segment->len) {
        s->offset -= s->segment->len;
        s->segment++;
        s->count--;
    }
    if (!s->count || !len) {
        return 0;
    }
    uint32_t n = MIN(len, s->segment->len - s->offset);
    *addr = s->segment->addr + s->offset;
    s->offset += n;
    return n;
}

size_t virtio_read(VirtioDevice *v, const VirtioBuffer *b, uint64_t offset,
                   void *to, size_t len)
{
    Span s = { b->segment, b->out_count, offset };
    size_t done = 0;
    PhysAddr addr;
    uint32_t n;

    machine_work(v->dev.machine, len / WORK_COPY_BYTES);
    while ((n = span_next(&s, len - done, &addr)) &&
           virtio_load(v, addr, (uint8_t *)to + done, n)) {
        done += n;
    }
    return done;
}

size_t virtio_write(VirtioDevice *v, const VirtioBuffer *b, uint64_t offset,
                    const void *from, size_t len)
{
    Span s = { b->segment + b->out_count, b->in_count, offset };
    size_t done = 0;
    PhysAddr addr;
    uint32_t n;

    machine_work(v->dev.machine, len / WORK_COPY_BYTES);
    while ((n = span_next(&s, len - done, &addr)) &&
           virtio_store(v, addr, (const uint8_t *)from + done, n)) {
        done += n;
    }
    return done;
}
