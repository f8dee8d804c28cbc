/*
 * The 82540EM's transmitter: descriptors of the three kinds (3.3), checksums
 * inserted, and TCP frames cut into segments (3.5).
 */
#include "base/bytes.h"
#include "base/log.h"
#include "e1000.h"
#include "vm/work.h"

#define DESC_BYTES 16u

/* The command byte, 3.3.3.1 and 3.3.7.1. */
#define CMD_EOP  0x01u
#define CMD_IC   0x04u         /* legacy: insert a checksum */
#define CMD_TSE  0x04u         /* data: cut into segments */
#define CMD_RS   0x08u
#define CMD_DEXT 0x20u
#define CMD_VLE  0x40u
#define TYPE_DATA 1u
#define STATUS_DD 1u

/* Of a context's command. */
#define CONTEXT_TCP  0x01u
#define CONTEXT_IPV4 0x02u
#define CONTEXT_TSE  0x04u

#define OPTION_IP  1u          /* IXSM */
#define OPTION_TCP 2u          /* TXSM */

#define TCP_FLAGS_AT 13u
#define TCP_LAST_ONLY 0x09u    /* FIN and PSH are the last segment's */

/* What one write of TDT may do: the rest is for the next. */
#define ROUND_MAX 4096u

typedef struct TxDesc {
    uint64_t addr;
    uint32_t lower, upper;
} TxDesc;

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

/* 3.3.6: over [start, end], end 0 being the frame's; the field holds what the
 * driver put there, and counts. */
static void insert_sum(uint8_t *frame, size_t len, unsigned start,
                       unsigned at, unsigned end)
{
    size_t stop = end && end + 1 < len ? end + 1 : len;

    if (start < stop && at + 2 <= len) {
        bytes_st_be16(frame + at,
                      ~sum_bytes(frame + start, stop - start) & 0xffff);
    }
}

/* --- out -----------------------------------------------------------------------------*/

static void send_bytes(E1000 *d, uint8_t *frame, size_t len)
{
    if (d->s.frame_vlan && len >= ETH_HEADER && len + 4 <= TX_FRAME_MAX) {
        memmove(frame + 16, frame + 12, len - 12);
        bytes_st_be16(frame + 12, *e1000_reg(d, E_VET));
        bytes_st_be16(frame + 14, d->s.vlan_tag);
        len += 4;
    }
    if ((*e1000_reg(d, E_TCTL) & TCTL_PSP) && len < ETH_MIN) {
        memset(frame + len, 0, ETH_MIN - len);
        len = ETH_MIN;
    }
    machine_work(d->pci.dev.machine, len / WORK_COPY_BYTES);
    e1000_count(d, E_GPTC, 1);
    e1000_count(d, E_TPT, 1);
    e1000_count(d, E_GOTCL, len + 4);
    nic_send(&d->nic, frame, len);
}

static void insert_sums(const E1000State *s, uint8_t *frame, size_t len)
{
    if (s->frame_options & OPTION_TCP) {
        insert_sum(frame, len, s->tcp_start, s->tcp_offset, s->tcp_end);
    }
    if (s->frame_options & OPTION_IP) {
        insert_sum(frame, len, s->ip_start, s->ip_offset, s->ip_end);
    }
}

/* --- segments, 3.5 ---------------------------------------------------------------------*/

/* The n-th header: lengths, identification, sequence number and flags. */
static void adjust_header(const E1000State *s, uint8_t *frame, size_t len,
                          unsigned n, bool last)
{
    uint8_t *ip = frame + s->ip_start, *tcp = frame + s->tcp_start;

    if (s->context_command & CONTEXT_IPV4) {
        bytes_st_be16(ip + 2, len - s->ip_start);
        bytes_st_be16(ip + 4, bytes_ld_be16(ip + 4) + n);
    } else {
        bytes_st_be16(ip + 4, len - s->ip_start - 40);
    }
    uint16_t transport = len - s->tcp_start;
    if (s->context_command & CONTEXT_TCP) {
        bytes_st_be32(tcp + 4, bytes_ld_be32(tcp + 4) + n * s->mss);
        if (!last) {
            tcp[TCP_FLAGS_AT] &= ~TCP_LAST_ONLY;
        }
    } else {
        bytes_st_be16(tcp + 4, transport);
    }
    /* The driver left the length out of the pseudo header's sum. */
    uint8_t *field = frame + s->tcp_offset;
    bytes_st_be16(field, sum_fold(bytes_ld_be16(field) + transport));
}

static bool can_segment(const E1000State *s)
{
    unsigned header = s->header_bytes;
    return s->mss && header >= s->tcp_start + 18u &&
           s->tcp_start >= s->ip_start + 20u &&
           s->tcp_offset + 2u <= header && s->frame_len > header &&
           header + s->mss <= TX_FRAME_MAX - 8;
}

static void send_segments(E1000 *d)
{
    E1000State *s = &d->s;
    unsigned header = s->header_bytes, n = 0;
    g_autofree uint8_t *frame = g_malloc(TX_FRAME_MAX);

    if (!can_segment(s)) {
        guest_error("%s: segmentation with header %u, size %u\n",
                    d->pci.dev.path, header, s->mss);
        return;
    }
    for (uint32_t at = header; at < s->frame_len; at += s->mss, n++) {
        uint32_t bytes = MIN(s->mss, s->frame_len - at);
        memcpy(frame, s->frame, header);
        memcpy(frame + header, s->frame + at, bytes);
        adjust_header(s, frame, header + bytes, n, at + bytes == s->frame_len);
        insert_sums(s, frame, header + bytes);
        send_bytes(d, frame, header + bytes);
    }
}

static void send_whole(E1000 *d)
{
    E1000State *s = &d->s;

    if (s->frame_len < ETH_HEADER) {
        return;
    }
    if (s->frame_tse) {
        send_segments(d);
    } else {
        insert_sums(s, s->frame, s->frame_len);
        send_bytes(d, s->frame, s->frame_len);
    }
}

/* --- descriptors ---------------------------------------------------------------------------*/

/* 3.3.6 */
static void take_context(E1000State *s, const TxDesc *t)
{
    s->ip_start = t->addr;
    s->ip_offset = t->addr >> 8;
    s->ip_end = t->addr >> 16;
    s->tcp_start = t->addr >> 32;
    s->tcp_offset = t->addr >> 40;
    s->tcp_end = t->addr >> 48;
    s->payload = t->lower & 0xfffff;
    s->context_command = t->lower >> 24;
    s->header_bytes = t->upper >> 8;
    s->mss = t->upper >> 16;
}

static void append(E1000 *d, uint64_t addr, uint32_t len)
{
    E1000State *s = &d->s;
    uint32_t n = MIN(len, TX_FRAME_MAX - 8 - MIN(s->frame_len,
                                                 TX_FRAME_MAX - 8));

    pci_dma_read(&d->pci, addr, s->frame + s->frame_len, n);
    s->frame_len += n;
}

/* 3.3.3: the checksum's place stands in the descriptor itself. */
static void legacy_sum(E1000State *s, const TxDesc *t)
{
    unsigned at = t->lower >> 16 & 0xff, start = t->upper >> 8 & 0xff;
    insert_sum(s->frame, s->frame_len, start, at, 0);
}

static void take_data(E1000 *d, const TxDesc *t)
{
    E1000State *s = &d->s;
    bool extended = t->lower >> 24 & CMD_DEXT;
    uint8_t command = t->lower >> 24;

    if (!s->frame_len) {
        s->frame_options = extended ? t->upper >> 8 & 0xff : 0;
        s->frame_tse = extended && (command & CMD_TSE);
    }
    append(d, t->addr, t->lower & (extended ? 0xfffff : 0xffff));
    if (!(command & CMD_EOP)) {
        return;
    }
    s->frame_vlan = (command & CMD_VLE) &&
                    (*e1000_reg(d, E_CTRL) & CTRL_VME);
    s->vlan_tag = t->upper >> 16;
    if (!extended && (command & CMD_IC)) {
        legacy_sum(s, t);
    }
    send_whole(d);
    s->frame_len = 0;
}

static uint32_t take_desc(E1000 *d, PhysAddr at)
{
    uint8_t bytes[DESC_BYTES];

    pci_dma_read(&d->pci, at, bytes, sizeof bytes);
    TxDesc t = { bytes_ld_le64(bytes), bytes_ld_le32(bytes + 8),
                 bytes_ld_le32(bytes + 12) };
    uint8_t command = t.lower >> 24;
    if ((command & CMD_DEXT) && (t.lower >> 20 & 0xf) != TYPE_DATA) {
        take_context(&d->s, &t);
    } else {
        take_data(d, &t);
    }
    if (!(command & CMD_RS)) {
        return 0;
    }
    bytes[12] |= STATUS_DD;
    pci_dma_write(&d->pci, at + 12, bytes + 12, 1);
    return INT_TXDW;
}

void e1000_transmit(E1000 *d)
{
    uint32_t count = *e1000_reg(d, E_TDLEN) / DESC_BYTES;
    uint32_t *head = e1000_reg(d, E_TDH), tail = *e1000_reg(d, E_TDT);
    PhysAddr base = (uint64_t)*e1000_reg(d, E_TDBAH) << 32 |
                    (*e1000_reg(d, E_TDBAL) & ~15u);
    uint32_t causes = INT_TXQE;

    if (!(*e1000_reg(d, E_TCTL) & TCTL_EN) || d->busy ||
        *head >= count || tail >= count) {
        return;
    }
    d->busy = true;
    for (unsigned n = 0; *head != tail && n < ROUND_MAX; n++) {
        machine_work(d->pci.dev.machine, WORK_ACCESS);
        causes |= take_desc(d, base + (uint64_t)*head * DESC_BYTES);
        *head = *head + 1 == count ? 0 : *head + 1;
    }
    d->busy = false;
    e1000_cause(d, causes);
}
