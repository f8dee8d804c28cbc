/*
 * Checksums and segments. See offload.h.
 */
#include "offload.h"

#include "base/bytes.h"

#define TCP_FLAGS_AT 13u
#define TCP_LAST_ONLY 0x09u    /* FIN and PSH are the last segment's */

OffloadContext offload_context(uint64_t low, uint32_t lower, uint32_t upper)
{
    return (OffloadContext){ .ip_start = low,
                             .ip_offset = low >> 8,
                             .ip_end = low >> 16,
                             .tcp_start = low >> 32,
                             .tcp_offset = low >> 40,
                             .tcp_end = low >> 48,
                             .command = lower >> 24,
                             .header_bytes = upper >> 8,
                             .mss = upper >> 16 };
}

/* --- checksums ------------------------------------------------------------------*/

static uint16_t sum_fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return sum + (sum >> 16);
}

static uint32_t sum_bytes(const uint8_t *p, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i + 1 < len; i += 2) {
        sum += bytes_ld_be16(p + i);
        sum = sum_fold(sum);
    }
    return len % 2 ? sum_fold(sum + (p[len - 1] << 8)) : sum;
}

void offload_insert_sum(uint8_t *frame, size_t len, unsigned start,
                        unsigned at, unsigned end)
{
    size_t stop = end && end + 1 < len ? end + 1 : len;

    if (start < stop && at + 2 <= len) {
        bytes_st_be16(frame + at,
                      ~sum_bytes(frame + start, stop - start) & 0xffff);
    }
}

void offload_insert_sums(const OffloadContext *c, unsigned options,
                         uint8_t *frame, size_t len)
{
    if (options & OFFLOAD_SUM_TCP) {
        offload_insert_sum(frame, len, c->tcp_start, c->tcp_offset,
                           c->tcp_end);
    }
    if (options & OFFLOAD_SUM_IP) {
        offload_insert_sum(frame, len, c->ip_start, c->ip_offset, c->ip_end);
    }
}

/* --- segments ---------------------------------------------------------------------*/

bool offload_can_segment(const OffloadContext *c, size_t len)
{
    unsigned header = c->header_bytes;
    return c->mss && header >= c->tcp_start + 18u &&
           c->tcp_start >= c->ip_start + 20u &&
           c->tcp_offset + 2u <= header && len > header &&
           header + c->mss <= OFFLOAD_FRAME_MAX - OFFLOAD_TAG_ROOM;
}

/* The n-th header: lengths, identification, sequence number and flags. */
static void adjust_header(const OffloadContext *c, uint8_t *frame, size_t len,
                          unsigned n, bool last)
{
    uint8_t *ip = frame + c->ip_start, *tcp = frame + c->tcp_start;

    if (c->command & OFFLOAD_IPV4) {
        bytes_st_be16(ip + 2, len - c->ip_start);
        bytes_st_be16(ip + 4, bytes_ld_be16(ip + 4) + n);
    } else {
        bytes_st_be16(ip + 4, len - c->ip_start - 40);
    }
    uint16_t transport = len - c->tcp_start;
    if (c->command & OFFLOAD_TCP) {
        bytes_st_be32(tcp + 4, bytes_ld_be32(tcp + 4) + n * c->mss);
        if (!last) {
            tcp[TCP_FLAGS_AT] &= ~TCP_LAST_ONLY;
        }
    } else {
        bytes_st_be16(tcp + 4, transport);
    }
    /* The driver left the length out of the pseudo header's sum. */
    uint8_t *field = frame + c->tcp_offset;
    bytes_st_be16(field, sum_fold(bytes_ld_be16(field) + transport));
}

size_t offload_segment(const OffloadContext *c, const uint8_t *frame,
                       size_t len, unsigned n, uint8_t *to, bool *last)
{
    size_t header = c->header_bytes, at = header + (size_t)n * c->mss;
    size_t bytes = MIN(c->mss, len - at);

    *last = at + bytes == len;
    memcpy(to, frame, header);
    memcpy(to + header, frame + at, bytes);
    adjust_header(c, to, header + bytes, n, *last);
    return header + bytes;
}
