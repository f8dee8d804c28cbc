/*
 * The 82574L's receiver, 7.1: two queues chosen by a hash, and descriptors of three
 * kinds: legacy, extended, and with the header in a buffer of its own.
 */
#include "base/bytes.h"
#include "base/log.h"
#include "e1000e.h"
#include "vm/work.h"

#define CRC_BYTES  4u
#define FRAME_USUAL_MAX 1522u
#define FRAME_JUMBO_MAX 9234u

/* A descriptor's status, 7.1.5.1 and 7.1.6.2. */
#define RX_DD   0x01u
#define RX_EOP  0x02u
#define RX_IXSM 0x04u          /* checksums were not looked at */
#define RX_VP   0x08u
#define HEADER_SPLIT 0x8000u

/* 10.2.5.19: what is hashed. */
#define MRQC_RSS   1u
#define MRQC_TCP4  0x00010000u
#define MRQC_IP4   0x00020000u
#define MRQC_TCP6  0x00040000u
#define MRQC_IP6   0x00100000u
enum { HASH_NONE, HASH_TCP4, HASH_IP4, HASH_TCP6, HASH_IP6 = 5 };

#define ETHER_IP4 0x0800u
#define ETHER_IP6 0x86ddu
#define PROTO_TCP 6u
#define PROTO_UDP 17u

typedef struct Received {
    const uint8_t *frame;
    size_t len;
    uint8_t status, hash_type;
    uint16_t tag;
    uint32_t hash;
    unsigned queue;
    unsigned header;           /* bytes of a header that can be split off */
} Received;

/* --- which queue, 7.1.2.8 ------------------------------------------------------------ */

static unsigned key_bit(E1000e *d, unsigned n)
{
    const uint32_t key = *e1000e_reg(d, E_RSSRK + n / 32 * 4);
    return key >> (n / 8 % 4 * 8 + (7 - n % 8)) & 1;
}

/* Microsoft's hash: where a bit of the input is set, 32 bits of the key from there
 * on. */
static uint32_t toeplitz(E1000e *d, const uint8_t *in, unsigned bytes)
{
    uint32_t hash = 0, window = 0;

    for (unsigned n = 0; n < 32; n++) {
        window = window << 1 | key_bit(d, n);
    }
    for (unsigned n = 0; n < 8 * bytes; n++) {
        if (in[n / 8] >> (7 - n % 8) & 1) {
            hash ^= window;
        }
        window = window << 1 | key_bit(d, n + 32);
    }
    return hash;
}

/* Addresses lie behind one another in either header, ports behind it. */
static void hash_frame(E1000e *d, Received *r, unsigned addresses,
                       unsigned bytes, unsigned ports)
{
    uint8_t in[36];
    bool tcp = r->hash_type == HASH_TCP4 || r->hash_type == HASH_TCP6;

    if (r->hash_type == HASH_NONE) {
        return;
    }
    memcpy(in, r->frame + addresses, bytes);
    if (tcp) {
        memcpy(in + bytes, r->frame + ports, 4);
    }
    r->hash = toeplitz(d, in, bytes + (tcp ? 4 : 0));
}

static void look_at_ip4(E1000e *d, Received *r, uint32_t mrqc)
{
    const uint8_t *ip = r->frame + ETH_HEADER;
    unsigned header = (ip[0] & 15) * 4;
    bool whole = !(bytes_ld_be16(ip + 6) & 0x3fff);
    bool tcp = whole && ip[9] == PROTO_TCP;

    if (header < 20 || r->len < ETH_HEADER + header + 20) {
        return;
    }
    const uint8_t *next = ip + header;
    if (whole && (tcp || ip[9] == PROTO_UDP)) {
        r->header = ETH_HEADER + header + (tcp ? (next[12] >> 4) * 4 : 8);
    }
    r->hash_type = tcp && (mrqc & MRQC_TCP4) ? HASH_TCP4
                   : mrqc & MRQC_IP4         ? HASH_IP4 : HASH_NONE;
    hash_frame(d, r, ETH_HEADER + 12, 8, ETH_HEADER + header);
}

static void look_at_ip6(E1000e *d, Received *r, uint32_t mrqc)
{
    const uint8_t *ip = r->frame + ETH_HEADER;

    if (r->len < ETH_HEADER + 40 + 20) {
        return;
    }
    bool tcp = ip[6] == PROTO_TCP;
    if (tcp || ip[6] == PROTO_UDP) {
        r->header = ETH_HEADER + 40 + (tcp ? (ip[40 + 12] >> 4) * 4 : 8);
    }
    r->hash_type = tcp && (mrqc & MRQC_TCP6) ? HASH_TCP6
                   : mrqc & MRQC_IP6         ? HASH_IP6 : HASH_NONE;
    hash_frame(d, r, ETH_HEADER + 8, 32, ETH_HEADER + 40);
}

static void look_at(E1000e *d, Received *r)
{
    uint32_t mrqc = *e1000e_reg(d, E_MRQC);
    bool rss = (mrqc & 3) == MRQC_RSS;
    unsigned type = r->len >= ETH_HEADER + 40
                        ? bytes_ld_be16(r->frame + 12) : 0;

    if (type == ETHER_IP4) {
        look_at_ip4(d, r, rss ? mrqc : 0);
    } else if (type == ETHER_IP6) {
        look_at_ip6(d, r, rss ? mrqc : 0);
    }
    if (r->hash_type != HASH_NONE) {
        unsigned entry = r->hash & 127;
        uint32_t word = *e1000e_reg(d, E_RETA + entry / 4 * 4);
        r->queue = word >> (entry % 4 * 8 + 7) & 1;
    }
}

/* --- rings ----------------------------------------------------------------------------- */

static uint32_t *queue_reg(E1000e *d, unsigned at, unsigned q)
{
    return e1000e_reg(d, at + q * E_QUEUE_STRIDE);
}

static bool is_split(E1000e *d)
{
    return (*e1000e_reg(d, E_RCTL) & 0xc00) == RCTL_DTYP_PS;
}

static unsigned desc_bytes(E1000e *d)
{
    return is_split(d) ? 32 : 16;
}

static uint32_t ring_count(E1000e *d, unsigned q)
{
    return *queue_reg(d, E_RDLEN, q) / desc_bytes(d);
}

static uint32_t ring_free(E1000e *d, unsigned q)
{
    uint32_t count = ring_count(d, q), head = *queue_reg(d, E_RDH, q);
    uint32_t tail = *queue_reg(d, E_RDT, q);

    if (head >= count || tail >= count) {
        return 0;
    }
    return tail >= head ? tail - head : count - head + tail;
}

/* 10.2.5.1: FLXBUF in KiB, or BSIZE, times 16 with BSEX. */
static uint32_t buffer_bytes(E1000e *d)
{
    uint32_t rctl = *e1000e_reg(d, E_RCTL);
    uint32_t kib = rctl >> 27 & 15, bytes = 2048u >> (rctl >> 16 & 3);

    return kib ? kib * 1024
           : rctl & RCTL_BSEX ? MIN(bytes * 16, 16384) : bytes;
}

/* 10.2.5.2: a split descriptor's four buffers. */
static void split_sizes(E1000e *d, uint32_t size[4])
{
    uint32_t v = *e1000e_reg(d, E_PSRCTL);

    size[0] = (v & 0x7f) * 128;
    for (unsigned i = 1; i < 4; i++) {
        size[i] = (v >> (8 * i) & 0x3f) * 1024;
    }
}

static uint32_t frame_room(E1000e *d)
{
    uint32_t size[4];

    if (!is_split(d)) {
        return buffer_bytes(d);
    }
    split_sizes(d, size);
    return size[0] + size[1] + size[2] + size[3];
}

static void head_advance(E1000e *d, unsigned q)
{
    uint32_t *head = queue_reg(d, E_RDH, q);
    *head = *head + 1 >= ring_count(d, q) ? 0 : *head + 1;
}

/* --- descriptors ----------------------------------------------------------------------------- */

static void fill_legacy(const Received *r, size_t n, uint8_t status,
                        uint8_t *desc)
{
    bytes_st_le16(desc + 8, n);
    bytes_st_le16(desc + 10, 0);
    desc[12] = status;
    desc[13] = 0;
    bytes_st_le16(desc + 14, r->tag);
}

/* 7.1.6.2; a split one has the same 16 bytes first. */
static void fill_extended(E1000e *d, const Received *r, size_t n,
                          uint8_t status, uint8_t *desc)
{
    bool hash = *e1000e_reg(d, E_RXCSUM) & RXCSUM_PCSD;

    bytes_st_le32(desc, r->hash_type | r->queue << 8);
    bytes_st_le32(desc + 4, hash ? r->hash : 0);
    bytes_st_le32(desc + 8, status);
    bytes_st_le16(desc + 12, n);
    bytes_st_le16(desc + 14, r->tag);
}

/* Into one buffer after another, each with its descriptor. */
static void store_plain(E1000e *d, const Received *r)
{
    bool extended = *e1000e_reg(d, E_RFCTL) & RFCTL_EXSTEN;
    uint32_t size = buffer_bytes(d);

    for (size_t done = 0; done < r->len;) {
        PhysAddr at = e1000e_ring(d, E_RDBAL + r->queue * E_QUEUE_STRIDE) +
                      (uint64_t)*queue_reg(d, E_RDH, r->queue) * 16;
        size_t n = MIN(size, r->len - done);
        uint8_t desc[16];
        pci_dma_read(&d->pci, at, desc, sizeof desc);
        pci_dma_write(&d->pci, bytes_ld_le64(desc), r->frame + done, n);
        done += n;
        uint8_t status = r->status | (done == r->len ? RX_EOP : 0);
        if (extended) {
            fill_extended(d, r, n, status, desc);
        } else {
            fill_legacy(r, n, status, desc);
        }
        pci_dma_write(&d->pci, at, desc, sizeof desc);
        head_advance(d, r->queue);
    }
}

/* 7.1.7: the header's bytes into the first buffer, the rest into the others;
 * without a header that fits, all of it wherever it fits. */
static void store_split(E1000e *d, const Received *r)
{
    PhysAddr at = e1000e_ring(d, E_RDBAL + r->queue * E_QUEUE_STRIDE) +
                  (uint64_t)*queue_reg(d, E_RDH, r->queue) * 32;
    uint8_t desc[32];
    uint32_t size[4];
    size_t lengths[4], done = 0;

    split_sizes(d, size);
    bool split = r->header && r->header <= size[0] && r->header < r->len;
    size[0] = split ? r->header : size[0];
    pci_dma_read(&d->pci, at, desc, sizeof desc);
    for (unsigned i = 0; i < 4; i++) {
        lengths[i] = MIN(size[i], r->len - done);
        pci_dma_write(&d->pci, bytes_ld_le64(desc + 8 * i), r->frame + done,
                      lengths[i]);
        done += lengths[i];
    }
    fill_extended(d, r, lengths[0], r->status | RX_EOP, desc);
    bytes_st_le16(desc + 16, split ? HEADER_SPLIT | r->header : 0);
    for (unsigned i = 1; i < 4; i++) {
        bytes_st_le16(desc + 16 + 2 * i, lengths[i]);
    }
    bytes_st_le64(desc + 24, 0);
    pci_dma_write(&d->pci, at, desc, sizeof desc);
    head_advance(d, r->queue);
}

/* --- frames ------------------------------------------------------------------------------------ */

static bool can_receive(E1000e *d)
{
    return (*e1000e_reg(d, E_RCTL) & RCTL_EN) &&
           (pci_config_16(&d->pci, PCI_COMMAND) & PCI_COMMAND_MASTER);
}

/* How many descriptors a frame of len bytes takes; 0: it fits none. */
static uint32_t descs_for(E1000e *d, size_t len)
{
    uint32_t room = frame_room(d);
    return is_split(d) ? len <= room : room ? (len + room - 1) / room : 0;
}

static uint32_t low_cause(E1000e *d, unsigned q)
{
    unsigned shift = 1 + (*e1000e_reg(d, E_RCTL) >> 8 & 3);
    return ring_free(d, q) <= ring_count(d, q) >> MIN(shift, 3) ? INT_RXDMT0
                                                                : 0;
}

static void store(E1000e *d, const Received *r)
{
    uint32_t need = descs_for(d, r->len);

    if (!need || need > ring_free(d, r->queue)) {
        e1000e_count(d, E_MPC, 1);
        e1000e_cause(d, INT_RXO);
        return;
    }
    d->busy = true;
    if (is_split(d)) {
        store_split(d, r);
    } else {
        store_plain(d, r);
    }
    d->busy = false;
    e1000e_count(d, E_GPRC, 1);
    e1000e_count(d, E_TPR, 1);
    e1000e_count(d, E_GORCL, r->len);
    e1000e_cause(d, INT_RXT0 | INT_RXQ0 << r->queue | low_cause(d, r->queue));
}

void e1000e_receive(Device *dev, const uint8_t *frame, size_t len)
{
    E1000e *d = (E1000e *)dev;
    uint8_t bytes[FRAME_JUMBO_MAX + CRC_BYTES] = { 0 };
    bool jumbo = *e1000e_reg(d, E_RCTL) & RCTL_LPE;
    Received r = { .frame = bytes, .status = RX_DD | RX_IXSM };

    if (!can_receive(d) || d->busy ||
        len > (jumbo ? FRAME_JUMBO_MAX : FRAME_USUAL_MAX) ||
        !e1000_filter_passes(d->s.reg, frame, len)) {
        return;
    }
    memcpy(bytes, frame, len);
    if ((*e1000e_reg(d, E_CTRL) & CTRL_VME) &&
        e1000_filter_tagged(d->s.reg, frame, len)) {
        r.tag = bytes_ld_be16(frame + 14);
        memmove(bytes + 12, bytes + 16, len - 16);
        len -= 4;
        r.status |= RX_VP;
    }
    r.len = MAX(len, ETH_MIN);
    memset(bytes + len, 0, sizeof bytes - len);
    look_at(d, &r);
    r.len += *e1000e_reg(d, E_RCTL) & RCTL_SECRC ? 0 : CRC_BYTES;
    store(d, &r);
}

/* Which queue the next frame goes to is not known yet: the fuller one counts, if
 * there are two. A network may ask while it is given a frame to send, so being at
 * work is no reason to have no room: nobody would ask again. */
unsigned e1000e_room(Device *dev)
{
    E1000e *d = (E1000e *)dev;
    uint32_t need = descs_for(d, FRAME_USUAL_MAX), free = ring_free(d, 0);

    if (!can_receive(d) || !need) {
        return 0;
    }
    if ((*e1000e_reg(d, E_MRQC) & 3) == MRQC_RSS &&
        *queue_reg(d, E_RDLEN, 1)) {
        free = MIN(free, ring_free(d, 1));
    }
    return free / need;
}
