/*
 * What virtio.c and the rings (queue.c, split.c, packed.c) share.
 */
#ifndef HW_VIRTIO_INTERNAL_H
#define HW_VIRTIO_INTERNAL_H

#include "hw/virtio.h"

/* Flags of a descriptor, 2.7.5 and 2.8.13. */
#define DESC_NEXT     1u
#define DESC_WRITE    2u
#define DESC_INDIRECT 4u
#define DESC_BYTES    16u

typedef struct Desc {
    PhysAddr addr;
    uint32_t len;
    uint16_t third, fourth; /* split: flags, next; packed: id, flags */
} Desc;

/* Little-endian words in guest memory; 0 if that breaks the device. */
uint16_t virtio_load_16(VirtioDevice *v, PhysAddr addr);
uint32_t virtio_load_32(VirtioDevice *v, PhysAddr addr);
void virtio_store_16(VirtioDevice *v, PhysAddr addr, uint16_t value);
/* A descriptor; false: broken. */
bool desc_load(VirtioDevice *v, PhysAddr table, unsigned n, Desc *d);
/* Adds a descriptor's memory to a buffer; false: broken. */
bool buffer_add(VirtioDevice *v, VirtioBuffer *b, const Desc *d,
                unsigned flags);
/* The number of descriptors in an indirect table; 0: broken. */
unsigned indirect_count(VirtioDevice *v, const Desc *d, unsigned flags);

/* The two kinds of ring, behind the functions of hw/virtio.h. The device is
 * live, the queue enabled. */
bool split_has_buffer(VirtioDevice *v, unsigned q);
bool split_pop(VirtioDevice *v, unsigned q, VirtioBuffer *b);
void split_push(VirtioDevice *v, unsigned q, uint16_t id, uint32_t written);
bool split_wants_interrupt(VirtioDevice *v, unsigned q);

/* Where the flags of the next descriptor are, and what they say. */
PhysAddr packed_flags_address(const VirtioState *s, unsigned q);
bool packed_is_available(const VirtioState *s, unsigned q, unsigned flags);
bool packed_has_buffer(VirtioDevice *v, unsigned q);
bool packed_pop(VirtioDevice *v, unsigned q, VirtioBuffer *b);
void packed_unpop(VirtioDevice *v, unsigned q, unsigned entries);
void packed_push(VirtioDevice *v, unsigned q, uint16_t id, uint16_t entries,
                 uint32_t written);
bool packed_wants_interrupt(VirtioDevice *v, unsigned q);

#endif
