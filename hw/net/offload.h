/*
 * What Intel's adapters do to frames on their way out: checksums inserted, and TCP
 * or UDP data cut into segments, as a context descriptor says (8254x manual,
 * 3.3.6 and 3.5; the 82574's are the same).
 */
#ifndef HW_NET_OFFLOAD_H
#define HW_NET_OFFLOAD_H

#include "base/types.h"

#define OFFLOAD_FRAME_MAX 65536u
/* Left for a tag. */
#define OFFLOAD_TAG_ROOM  8u

typedef struct OffloadContext {
    uint8_t ip_start, ip_offset, tcp_start, tcp_offset;
    uint16_t ip_end, tcp_end;
    uint8_t command;           /* OFFLOAD_* */
    uint8_t header_bytes;
    uint16_t mss;
} OffloadContext;

/* A context's command: the kind of packet. */
#define OFFLOAD_TCP  0x01u
#define OFFLOAD_IPV4 0x02u
/* A data descriptor's options. */
#define OFFLOAD_SUM_IP  1u     /* IXSM */
#define OFFLOAD_SUM_TCP 2u     /* TXSM */

/* The context in a context descriptor's two words. */
OffloadContext offload_context(uint64_t low, uint32_t lower, uint32_t upper);

/* Over [start, end], end 0 being the frame's; the field holds what the driver put
 * there, and counts. */
void offload_insert_sum(uint8_t *frame, size_t len, unsigned start,
                        unsigned at, unsigned end);
void offload_insert_sums(const OffloadContext *c, unsigned options,
                         uint8_t *frame, size_t len);

/* Whether len bytes with such a header can be cut up. */
bool offload_can_segment(const OffloadContext *c, size_t len);
/* The n-th segment of a frame that can, put into `to`: its length. *last: there
 * are no more. */
size_t offload_segment(const OffloadContext *c, const uint8_t *frame,
                       size_t len, unsigned n, uint8_t *to, bool *last);

#endif
