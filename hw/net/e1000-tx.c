/*
 * The 82540EM's transmitter: descriptors of the three kinds (3.3), checksums
 * inserted, and TCP frames cut into segments (3.5).
 */
#include "base/bytes.h"
#include "base/log.h"
#include "e1000.h"
#include "offload.h"
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

/* How many descriptors and frames there may be at once (the rest comes later, for
 * a frame can be cut into thousands): the host's time is bounded. */
#define ROUND_MAX 1024u
#define FRAME_NS  (1 * NS_PER_US)
/* To send a frame takes the host that long. */
#define WORK_FRAME 10

typedef struct TxDesc {
    uint64_t addr;
    uint32_t lower, upper;
} TxDesc;

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
    machine_work(d->pci.dev.machine, WORK_FRAME + len / WORK_COPY_BYTES);
    d->tx_round++;
    e1000_count(d, E_GPTC, 1);
    e1000_count(d, E_TPT, 1);
    e1000_count(d, E_GOTCL, len + 4);
    nic_send(&d->nic, frame, len);
}

static OffloadContext context_of(const E1000State *s)
{
    return (OffloadContext){ .ip_start = s->ip_start,
                             .ip_offset = s->ip_offset,
                             .ip_end = s->ip_end,
                             .tcp_start = s->tcp_start,
                             .tcp_offset = s->tcp_offset,
                             .tcp_end = s->tcp_end,
                             .command = s->context_command,
                             .header_bytes = s->header_bytes,
                             .mss = s->mss };
}

/* 3.5 */
static void send_segments(E1000 *d, const OffloadContext *c)
{
    E1000State *s = &d->s;
    g_autofree uint8_t *frame = g_malloc(TX_FRAME_MAX);
    bool last = false;

    if (!offload_can_segment(c, s->frame_len)) {
        guest_error("%s: segmentation with header %u, size %u\n",
                    d->pci.dev.path, c->header_bytes, c->mss);
        return;
    }
    for (unsigned n = 0; !last; n++) {
        size_t len = offload_segment(c, s->frame, s->frame_len, n, frame,
                                     &last);
        offload_insert_sums(c, s->frame_options, frame, len);
        send_bytes(d, frame, len);
    }
}

static void send_whole(E1000 *d)
{
    E1000State *s = &d->s;

    if (s->frame_len < ETH_HEADER) {
        return;
    }
    OffloadContext c = context_of(s);
    if (s->frame_tse) {
        send_segments(d, &c);
    } else {
        offload_insert_sums(&c, s->frame_options, s->frame, s->frame_len);
        send_bytes(d, s->frame, s->frame_len);
    }
}

/* --- descriptors ---------------------------------------------------------------------------*/

/* 3.3.6 */
static void take_context(E1000State *s, const TxDesc *t)
{
    OffloadContext c = offload_context(t->addr, t->lower, t->upper);

    s->ip_start = c.ip_start;
    s->ip_offset = c.ip_offset;
    s->ip_end = c.ip_end;
    s->tcp_start = c.tcp_start;
    s->tcp_offset = c.tcp_offset;
    s->tcp_end = c.tcp_end;
    s->context_command = c.command;
    s->header_bytes = c.header_bytes;
    s->mss = c.mss;
    s->payload = t->lower & 0xfffff;
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
    offload_insert_sum(s->frame, s->frame_len, start, at, 0);
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

static void go_on_later(E1000 *d)
{
    int64_t now_ns = clock_now_ns(d->pci.dev.machine->clock);
    timer_arm(&d->tx_timer, now_ns + (int64_t)d->tx_round * FRAME_NS);
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
    for (d->tx_round = 0; *head != tail && d->tx_round < ROUND_MAX;
         d->tx_round++) {
        machine_work(d->pci.dev.machine, WORK_ACCESS);
        causes |= take_desc(d, base + (uint64_t)*head * DESC_BYTES);
        *head = *head + 1 == count ? 0 : *head + 1;
    }
    d->busy = false;
    if (*head != tail) {
        go_on_later(d);
        causes &= ~INT_TXQE;
    }
    e1000_cause(d, causes);
}

static void tx_timer_fired(void *opaque)
{
    e1000_transmit(opaque);
}

void e1000_tx_init(E1000 *d)
{
    timer_init(&d->tx_timer, d->pci.dev.machine->clock, d->pci.dev.path,
               &d->s.tx_due, tx_timer_fired, d);
}

void e1000_tx_destroy(E1000 *d)
{
    if (d->tx_timer.clock) {
        timer_destroy(&d->tx_timer);
        d->tx_timer.clock = NULL;
    }
}
