/*
 * The 82574L's transmitter, 7.2: two queues, descriptors of the three kinds that
 * the 82540EM has.
 */
#include "base/bytes.h"
#include "base/log.h"
#include "e1000e.h"
#include "vm/work.h"

#define DESC_BYTES 16u

/* The command byte, 7.2.2.1.4 and 7.2.3.5. */
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

static uint8_t *frame_of(E1000e *d, unsigned q)
{
    return d->s.frame + q * OFFLOAD_FRAME_MAX;
}

/* --- contexts ------------------------------------------------------------------------ */

static void take_context(E1000eState *s, unsigned q, const TxDesc *t)
{
    OffloadContext c = offload_context(t->addr, t->lower, t->upper);

    s->ip_start[q] = c.ip_start;
    s->ip_offset[q] = c.ip_offset;
    s->ip_end[q] = c.ip_end;
    s->tcp_start[q] = c.tcp_start;
    s->tcp_offset[q] = c.tcp_offset;
    s->tcp_end[q] = c.tcp_end;
    s->command[q] = c.command;
    s->header_bytes[q] = c.header_bytes;
    s->mss[q] = c.mss;
}

static OffloadContext context_of(const E1000eState *s, unsigned q)
{
    return (OffloadContext){ .ip_start = s->ip_start[q],
                             .ip_offset = s->ip_offset[q],
                             .ip_end = s->ip_end[q],
                             .tcp_start = s->tcp_start[q],
                             .tcp_offset = s->tcp_offset[q],
                             .tcp_end = s->tcp_end[q],
                             .command = s->command[q],
                             .header_bytes = s->header_bytes[q],
                             .mss = s->mss[q] };
}

/* --- out ------------------------------------------------------------------------------- */

/* tag: to be inserted, or -1. */
static void send_bytes(E1000e *d, uint8_t *frame, size_t len, int tag)
{
    if (tag >= 0 && len >= ETH_HEADER && len + 4 <= OFFLOAD_FRAME_MAX) {
        memmove(frame + 16, frame + 12, len - 12);
        bytes_st_be16(frame + 12, *e1000e_reg(d, E_VET));
        bytes_st_be16(frame + 14, tag);
        len += 4;
    }
    if ((*e1000e_reg(d, E_TCTL) & TCTL_PSP) && len < ETH_MIN) {
        memset(frame + len, 0, ETH_MIN - len);
        len = ETH_MIN;
    }
    machine_work(d->pci.dev.machine, WORK_FRAME + len / WORK_COPY_BYTES);
    d->tx_round++;
    e1000e_count(d, E_GPTC, 1);
    e1000e_count(d, E_TPT, 1);
    e1000e_count(d, E_GOTCL, len + 4);
    nic_send(&d->nic, frame, len);
}

static void send_segments(E1000e *d, unsigned q, const OffloadContext *c,
                          int tag)
{
    g_autofree uint8_t *frame = g_malloc(OFFLOAD_FRAME_MAX);
    bool last = false;

    if (!offload_can_segment(c, d->s.frame_len[q])) {
        guest_error("%s: segmentation with header %u, size %u\n",
                    d->pci.dev.path, c->header_bytes, c->mss);
        return;
    }
    for (unsigned n = 0; !last; n++) {
        size_t len = offload_segment(c, frame_of(d, q), d->s.frame_len[q], n,
                                     frame, &last);
        offload_insert_sums(c, d->s.frame_options[q], frame, len);
        send_bytes(d, frame, len, tag);
    }
}

static void send_whole(E1000e *d, unsigned q, int tag)
{
    OffloadContext c = context_of(&d->s, q);
    uint32_t len = d->s.frame_len[q];

    if (len < ETH_HEADER) {
        return;
    }
    if (d->s.frame_tse[q]) {
        send_segments(d, q, &c, tag);
    } else {
        offload_insert_sums(&c, d->s.frame_options[q], frame_of(d, q), len);
        send_bytes(d, frame_of(d, q), len, tag);
    }
}

/* --- descriptors -------------------------------------------------------------------------- */

static void append(E1000e *d, unsigned q, uint64_t addr, uint32_t len)
{
    uint32_t most = OFFLOAD_FRAME_MAX - OFFLOAD_TAG_ROOM;
    uint32_t *have = &d->s.frame_len[q];
    uint32_t n = MIN(len, most - MIN(*have, most));

    pci_dma_read(&d->pci, addr, frame_of(d, q) + *have, n);
    *have += n;
}

static void take_data(E1000e *d, unsigned q, const TxDesc *t)
{
    E1000eState *s = &d->s;
    uint8_t command = t->lower >> 24;
    bool extended = command & CMD_DEXT;

    if (!s->frame_len[q]) {
        s->frame_options[q] = extended ? t->upper >> 8 & 0xff : 0;
        s->frame_tse[q] = extended && (command & CMD_TSE);
    }
    append(d, q, t->addr, t->lower & (extended ? 0xfffff : 0xffff));
    if (!(command & CMD_EOP)) {
        return;
    }
    bool tagged = (command & CMD_VLE) && (*e1000e_reg(d, E_CTRL) & CTRL_VME);
    if (!extended && (command & CMD_IC)) {
        offload_insert_sum(frame_of(d, q), s->frame_len[q],
                           t->upper >> 8 & 0xff, t->lower >> 16 & 0xff, 0);
    }
    send_whole(d, q, tagged ? (int)(t->upper >> 16) : -1);
    s->frame_len[q] = 0;
}

static uint32_t take_desc(E1000e *d, unsigned q, PhysAddr at)
{
    uint8_t bytes[DESC_BYTES];

    pci_dma_read(&d->pci, at, bytes, sizeof bytes);
    TxDesc t = { bytes_ld_le64(bytes), bytes_ld_le32(bytes + 8),
                 bytes_ld_le32(bytes + 12) };
    uint8_t command = t.lower >> 24;
    if ((command & CMD_DEXT) && (t.lower >> 20 & 0xf) != TYPE_DATA) {
        take_context(&d->s, q, &t);
    } else {
        take_data(d, q, &t);
    }
    if (!(command & CMD_RS)) {
        return 0;
    }
    bytes[12] |= STATUS_DD;
    pci_dma_write(&d->pci, at + 12, bytes + 12, 1);
    return INT_TXDW | INT_TXQ0 << q;
}

static void go_on_later(E1000e *d)
{
    int64_t now_ns = clock_now_ns(d->pci.dev.machine->clock);
    timer_arm(&d->tx_timer, now_ns + (int64_t)d->tx_round * FRAME_NS);
}

void e1000e_transmit(E1000e *d, unsigned q)
{
    unsigned base = q * E_QUEUE_STRIDE;
    uint32_t count = *e1000e_reg(d, E_TDLEN + base) / DESC_BYTES;
    uint32_t *head = e1000e_reg(d, E_TDH + base);
    uint32_t tail = *e1000e_reg(d, E_TDT + base);
    PhysAddr ring = e1000e_ring(d, E_TDBAL + base);
    uint32_t causes = INT_TXQE;

    if (!(*e1000e_reg(d, E_TCTL) & TCTL_EN) || d->busy || *head >= count ||
        tail >= count) {
        return;
    }
    d->busy = true;
    for (d->tx_round = 0; *head != tail && d->tx_round < ROUND_MAX;
         d->tx_round++) {
        machine_work(d->pci.dev.machine, WORK_ACCESS);
        causes |= take_desc(d, q, ring + (uint64_t)*head * DESC_BYTES);
        *head = *head + 1 >= count ? 0 : *head + 1;
    }
    d->busy = false;
    if (*head != tail) {
        go_on_later(d);
        causes &= ~INT_TXQE;
    }
    e1000e_cause(d, causes);
}

/* Only a queue that has something left: an empty one says so, too. */
static void tx_timer_fired(void *opaque)
{
    E1000e *d = opaque;

    for (unsigned q = 0; q < 2; q++) {
        unsigned base = q * E_QUEUE_STRIDE;
        if (*e1000e_reg(d, E_TDH + base) != *e1000e_reg(d, E_TDT + base)) {
            e1000e_transmit(d, q);
        }
    }
}

void e1000e_tx_init(E1000e *d)
{
    timer_init(&d->tx_timer, d->pci.dev.machine->clock, d->pci.dev.path,
               &d->s.tx_due, tx_timer_fired, d);
}

void e1000e_tx_destroy(E1000e *d)
{
    if (d->tx_timer.clock) {
        timer_destroy(&d->tx_timer);
        d->tx_timer.clock = NULL;
    }
}
