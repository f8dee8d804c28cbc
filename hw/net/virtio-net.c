/*
 * virtio-net: a network adapter. Section 5.1 of the virtio specification,
 * version 1.2. One pair of queues and the control queue; checksums of sent
 * frames are filled in if the driver leaves that to the device.
 */
#include "base/bytes.h"
#include "base/log.h"
#include "hw/virtio-pci.h"
#include "nic.h"
#include "vm/knobs.h"
#include "vm/work.h"

/* Features, 5.1.3. */
#define F_CSUM          BIT(0)
#define F_MTU           BIT(3)
#define F_MAC           BIT(5)
#define F_MRG_RXBUF     BIT(15)
#define F_STATUS        BIT(16)
#define F_CTRL_VQ       BIT(17)
#define F_CTRL_RX       BIT(18)
#define F_CTRL_VLAN     BIT(19)
#define F_CTRL_RX_EXTRA BIT(20)
#define F_CTRL_MAC_ADDR BIT(23)

enum { QUEUE_RX, QUEUE_TX, QUEUE_CONTROL, QUEUE_COUNT };

/* Configuration, 5.1.4. */
enum { CONFIG_MAC = 0, CONFIG_STATUS = 6, CONFIG_PAIRS = 8, CONFIG_MTU = 10,
       CONFIG_BYTES = 12 };
#define STATUS_LINK_UP 1u

/* The header before each frame, 5.1.6. */
enum { HEADER_FLAGS = 0, HEADER_CSUM_START = 6, HEADER_CSUM_OFFSET = 8,
       HEADER_BUFFERS = 10, HEADER_BYTES = 12, HEADER_LEGACY_BYTES = 10 };
#define HEADER_NEEDS_CSUM 1u

/* The control queue, 5.1.6.5. */
enum { CLASS_RX, CLASS_MAC, CLASS_VLAN };
enum { RX_PROMISC, RX_ALL_MULTI, RX_ALL_UNI, RX_NO_MULTI, RX_NO_UNI,
       RX_NO_BROADCAST, RX_COUNT };
enum { MAC_TABLE_SET, MAC_ADDR_SET };
enum { VLAN_ADD, VLAN_DEL };
enum { CONTROL_OK, CONTROL_ERROR };

#define TABLE_ENTRIES 64u
#define VLAN_WORDS    128u
#define VLAN_TAG      0x8100u

/* A received frame may be spread over so many buffers. */
#define MERGE_MAX 64u

typedef uint8_t NetMac[MAC_BYTES];
typedef uint8_t NetTable[TABLE_ENTRIES * MAC_BYTES];
typedef uint32_t NetVlans[VLAN_WORDS];
typedef bool NetModes[RX_COUNT];

#define NET_STATE(_)                                                          \
    VIRTIO_STATE(_)                                                           \
    _(NetMac, STATE_U8, mac, 0, 1, "address")                                 \
    _(NetModes, STATE_BOOL, mode, 0, 1, "receive modes, by command")          \
    _(NetTable, STATE_U8, table, 0, 1, "address filter")                      \
    _(uint8_t, STATE_U8, unicast, 0, 1, "unicast addresses in it",            \
      STATE_IN(0, TABLE_ENTRIES))                                             \
    _(uint8_t, STATE_U8, multicast, 0, 1, "multicast addresses behind them",  \
      STATE_IN(0, TABLE_ENTRIES))                                             \
    _(bool, STATE_BOOL, unicast_full, 0, 1, "there were more: all pass")      \
    _(bool, STATE_BOOL, multicast_full, 0, 1, "there were more: all pass")    \
    _(NetVlans, STATE_U32, vlans, 0, 1, "VLANs that pass, a bit each")        \
    NIC_LINK_STATE(_)

STATE_STRUCT(NetState, NET_STATE);
static STATE_TABLE(net_state, "virtio-net", 2, NetState, NET_STATE)

typedef struct VirtioNet {
    VirtioDevice v;
    NetState s;
    Nic nic;
    uint32_t boot_index, rx_size, tx_size, mtu;
    bool csum, mrg_rxbuf, ctrl_vq;
    uint8_t *frame;        /* one that is being sent */
} VirtioNet;

static VirtioNet *net_of(VirtioDevice *v)
{
    return container_of(v, VirtioNet, v);
}

static unsigned header_bytes(const VirtioNet *d)
{
    return virtio_has(&d->v, F_MRG_RXBUF | VIRTIO_F_VERSION_1)
               ? HEADER_BYTES : HEADER_LEGACY_BYTES;
}

/* --- frames that go out ---------------------------------------------------------*/

/* 5.1.6.2: the sum from csum_start on, put csum_offset behind it. The driver has
 * put the sum of the pseudo header there. */
static void fill_csum(uint8_t *frame, size_t len, unsigned start,
                      unsigned offset)
{
    uint32_t sum = 0;

    if (start >= len || start + offset + 2 > len) {
        return;
    }
    for (size_t i = start; i + 1 < len; i += 2) {
        sum += bytes_ld_be16(frame + i);
    }
    sum += (len - start) % 2 ? frame[len - 1] << 8 : 0;
    sum = (sum & 0xffff) + (sum >> 16);
    sum += sum >> 16;
    /* Zero would mean "none" in UDP; its other form is the same number. */
    uint16_t folded = ~sum;
    bytes_st_be16(frame + start + offset, folded ? folded : 0xffff);
}

static void send_frame(VirtioNet *d, const VirtioBuffer *b)
{
    uint8_t header[HEADER_BYTES] = { 0 };
    unsigned skip = header_bytes(d);

    if (b->out_bytes <= skip || b->out_bytes - skip > NETDEV_FRAME_MAX) {
        guest_error("%s: a frame of %" G_GINT64_MODIFIER "u bytes\n",
                    virtio_name(&d->v), b->out_bytes);
        return;
    }
    size_t len = b->out_bytes - skip;
    if (virtio_read(&d->v, b, 0, header, skip) < skip ||
        virtio_read(&d->v, b, skip, d->frame, len) < len) {
        return;
    }
    if ((header[HEADER_FLAGS] & HEADER_NEEDS_CSUM) &&
        virtio_has(&d->v, F_CSUM)) {
        fill_csum(d->frame, len, bytes_ld_le16(header + HEADER_CSUM_START),
                  bytes_ld_le16(header + HEADER_CSUM_OFFSET));
    }
    nic_send(&d->nic, d->frame, len);
}

static void transmit(VirtioNet *d)
{
    VirtioBuffer b;

    for (unsigned n = 0; n < d->tx_size; n++) {
        if (!virtio_pop(&d->v, QUEUE_TX, &b)) {
            break;
        }
        send_frame(d, &b);
        virtio_push(&d->v, QUEUE_TX, b.id, b.entries, 0);
    }
    /* Asks to be told of more. */
    virtio_has_buffer(&d->v, QUEUE_TX);
    virtio_interrupt(&d->v, QUEUE_TX);
}

/* --- which frames come in, 5.1.6.5.1 to 5.1.6.5.3 --------------------------------*/

static bool in_table(const NetState *s, unsigned first, unsigned count,
                     const uint8_t *mac)
{
    for (unsigned i = first; i < first + count && i < TABLE_ENTRIES; i++) {
        if (!memcmp(s->table + i * MAC_BYTES, mac, MAC_BYTES)) {
            return true;
        }
    }
    return false;
}

static bool address_passes(const NetState *s, const uint8_t *to)
{
    if (mac_is_broadcast(to)) {
        return !s->mode[RX_NO_BROADCAST];
    }
    if (mac_is_multicast(to)) {
        return !s->mode[RX_NO_MULTI] &&
               (s->mode[RX_ALL_MULTI] || s->multicast_full ||
                in_table(s, s->unicast, s->multicast, to));
    }
    return !s->mode[RX_NO_UNI] &&
           (s->mode[RX_ALL_UNI] || s->unicast_full ||
            !memcmp(to, s->mac, MAC_BYTES) ||
            in_table(s, 0, s->unicast, to));
}

static bool vlan_passes(const VirtioNet *d, const uint8_t *frame, size_t len)
{
    if (!virtio_has(&d->v, F_CTRL_VLAN) || len < ETH_HEADER + 4 ||
        bytes_ld_be16(frame + 12) != VLAN_TAG) {
        return true;
    }
    unsigned vlan = bytes_ld_be16(frame + 14) & 0xfff;
    return d->s.vlans[vlan / 32] >> (vlan % 32) & 1;
}

static bool passes(const VirtioNet *d, const uint8_t *frame, size_t len)
{
    return d->s.mode[RX_PROMISC] ||
           (vlan_passes(d, frame, len) && address_passes(&d->s, frame));
}

/* --- frames that come in ----------------------------------------------------------*/

typedef struct Merge {
    unsigned buffers, entries;
    uint16_t id[MERGE_MAX], taken[MERGE_MAX];
    uint32_t written[MERGE_MAX];
    PhysAddr count_at[2];  /* the bytes of num_buffers, in the first buffer */
} Merge;

/* Where byte `at` of a buffer's writable part lies. */
static PhysAddr byte_address(const VirtioBuffer *b, uint64_t at)
{
    const VirtioSegment *s = b->segment + b->out_count;

    while (at >= s->len) {
        at -= s->len;
        s++;
    }
    return s->addr + at;
}

/* The header and the frame into one buffer after another; false: there are not
 * enough of them. */
static bool spread(VirtioNet *d, const uint8_t *bytes, size_t len, Merge *m)
{
    bool merge = virtio_has(&d->v, F_MRG_RXBUF);
    unsigned skip = header_bytes(d);
    size_t done = 0;
    VirtioBuffer b;

    while (done < len) {
        if (m->buffers == (merge ? MERGE_MAX : 1) ||
            !virtio_pop(&d->v, QUEUE_RX, &b)) {
            return false;
        }
        if (!m->buffers && b.in_bytes < skip) {
            virtio_break(&d->v, "a receive buffer of %u bytes",
                         (unsigned)b.in_bytes);
            return false;
        }
        unsigned n = m->buffers++;
        m->entries += b.entries;
        m->id[n] = b.id;
        m->taken[n] = b.entries;
        m->written[n] = virtio_write(&d->v, &b, 0, bytes + done, len - done);
        if (!n && skip == HEADER_BYTES) {
            m->count_at[0] = byte_address(&b, HEADER_BUFFERS);
            m->count_at[1] = byte_address(&b, HEADER_BUFFERS + 1);
        }
        done += m->written[n];
    }
    return true;
}

static void finish_receive(VirtioNet *d, const Merge *m)
{
    uint8_t count[2];

    bytes_st_le16(count, m->buffers);
    for (unsigned i = 0; i < 2 && header_bytes(d) == HEADER_BYTES; i++) {
        virtio_store(&d->v, m->count_at[i], &count[i], 1);
    }
    for (unsigned n = 0; n < m->buffers; n++) {
        virtio_push(&d->v, QUEUE_RX, m->id[n], m->taken[n], m->written[n]);
    }
}

static void net_receive(Device *dev, const uint8_t *frame, size_t len)
{
    VirtioNet *d = (VirtioNet *)dev;
    unsigned skip = header_bytes(d);
    Merge m = { 0 };

    if (!virtio_is_live(&d->v) || d->v.busy || len > NETDEV_FRAME_MAX ||
        !passes(d, frame, len)) {
        return;
    }
    g_autofree uint8_t *bytes = g_malloc0(skip + len);
    memcpy(bytes + skip, frame, len);
    d->v.busy = true;
    if (spread(d, bytes, skip + len, &m)) {
        finish_receive(d, &m);
    } else if (!d->v.s->broken) {
        virtio_unpop(&d->v, QUEUE_RX, m.buffers, m.entries);
    }
    /* Asks to be told when there are buffers again. */
    virtio_has_buffer(&d->v, QUEUE_RX);
    virtio_interrupt(&d->v, QUEUE_RX);
    d->v.busy = false;
}

static unsigned net_room(Device *dev)
{
    return virtio_peek((VirtioDevice *)dev, QUEUE_RX);
}

static const NicOps nic_ops = { net_receive, net_room };

/* --- the control queue ---------------------------------------------------------------*/

static bool set_mode(VirtioNet *d, const VirtioBuffer *b, uint8_t command)
{
    uint8_t on;
    uint64_t feature = command > RX_ALL_MULTI ? F_CTRL_RX_EXTRA : F_CTRL_RX;

    if (command >= RX_COUNT || !virtio_has(&d->v, feature) ||
        virtio_read(&d->v, b, 2, &on, 1) < 1) {
        return false;
    }
    d->s.mode[command] = on;
    return true;
}

/* One of the table's two parts: a count, then addresses. More than there is
 * room for: all pass. */
static bool take_addresses(VirtioNet *d, const VirtioBuffer *b, uint64_t *at,
                           unsigned first, uint8_t *count, bool *full)
{
    uint8_t word[4];

    if (virtio_read(&d->v, b, *at, word, 4) < 4) {
        return false;
    }
    uint32_t n = bytes_ld_le32(word);
    *at += 4;
    if ((uint64_t)n * MAC_BYTES > b->out_bytes - *at) {
        return false;
    }
    *full = n > TABLE_ENTRIES - first;
    *count = *full ? 0 : n;
    virtio_read(&d->v, b, *at, d->s.table + first * MAC_BYTES,
                (size_t)*count * MAC_BYTES);
    *at += (uint64_t)n * MAC_BYTES;
    return true;
}

static bool set_addresses(VirtioNet *d, const VirtioBuffer *b,
                          uint8_t command)
{
    NetState *s = &d->s;
    uint64_t at = 2;

    if (command == MAC_ADDR_SET) {
        return virtio_has(&d->v, F_CTRL_MAC_ADDR) &&
               virtio_read(&d->v, b, 2, s->mac, MAC_BYTES) == MAC_BYTES;
    }
    if (command != MAC_TABLE_SET || !virtio_has(&d->v, F_CTRL_RX)) {
        return false;
    }
    s->unicast = s->multicast = 0;
    return take_addresses(d, b, &at, 0, &s->unicast, &s->unicast_full) &&
           take_addresses(d, b, &at, s->unicast, &s->multicast,
                          &s->multicast_full);
}

static bool set_vlan(VirtioNet *d, const VirtioBuffer *b, uint8_t command)
{
    uint8_t word[2];

    if (command > VLAN_DEL || !virtio_has(&d->v, F_CTRL_VLAN) ||
        virtio_read(&d->v, b, 2, word, 2) < 2) {
        return false;
    }
    unsigned vlan = bytes_ld_le16(word);
    if (vlan > 0xfff) {
        return false;
    }
    uint32_t bit = 1u << (vlan % 32);
    uint32_t *set = &d->s.vlans[vlan / 32];
    *set = command == VLAN_ADD ? *set | bit : *set & ~bit;
    return true;
}

static bool control(VirtioNet *d, const VirtioBuffer *b)
{
    uint8_t head[2];

    if (virtio_read(&d->v, b, 0, head, 2) < 2) {
        return false;
    }
    switch (head[0]) {
    case CLASS_RX:
        return set_mode(d, b, head[1]);
    case CLASS_MAC:
        return set_addresses(d, b, head[1]);
    case CLASS_VLAN:
        return set_vlan(d, b, head[1]);
    }
    return false;
}

static void control_queue(VirtioNet *d)
{
    VirtioBuffer b;

    for (unsigned n = 0; n < d->v.queue_max[QUEUE_CONTROL]; n++) {
        if (!virtio_pop(&d->v, QUEUE_CONTROL, &b)) {
            break;
        }
        if (!b.in_bytes || b.out_bytes < 2) {
            virtio_break(&d->v, "a control command without its parts");
            return;
        }
        uint8_t answer = control(d, &b) ? CONTROL_OK : CONTROL_ERROR;
        virtio_write(&d->v, &b, 0, &answer, 1);
        virtio_push(&d->v, QUEUE_CONTROL, b.id, b.entries, 1);
    }
    virtio_interrupt(&d->v, QUEUE_CONTROL);
}

static void net_queue(VirtioDevice *v, unsigned q)
{
    VirtioNet *d = net_of(v);

    if (q == QUEUE_TX) {
        transmit(d);
    } else if (q == QUEUE_CONTROL) {
        control_queue(d);
    } else {
        nic_kick(&d->nic);
    }
}

/* --- configuration -----------------------------------------------------------------------*/

static uint64_t net_features(VirtioDevice *v)
{
    const VirtioNet *d = net_of(v);
    uint64_t control = F_CTRL_VQ | F_CTRL_RX | F_CTRL_VLAN | F_CTRL_RX_EXTRA |
                       F_CTRL_MAC_ADDR;

    return F_MAC | F_STATUS | (d->csum ? F_CSUM : 0) |
           (d->mrg_rxbuf ? F_MRG_RXBUF : 0) | (d->mtu ? F_MTU : 0) |
           (d->ctrl_vq ? control : 0);
}

static void net_get_config(VirtioDevice *v, uint8_t *config)
{
    const VirtioNet *d = net_of(v);

    memcpy(config + CONFIG_MAC, d->s.mac, MAC_BYTES);
    bytes_st_le16(config + CONFIG_STATUS,
                  d->s.link_down ? 0 : STATUS_LINK_UP);
    bytes_st_le16(config + CONFIG_PAIRS, 1);
    bytes_st_le16(config + CONFIG_MTU, d->mtu);
}

/* 5.1.4.1: a legacy driver sets its address here. */
static void net_set_config(VirtioDevice *v, const uint8_t *config,
                           unsigned offset, unsigned len)
{
    VirtioNet *d = net_of(v);

    if (v->s->legacy) {
        memcpy(d->s.mac, config + CONFIG_MAC, MAC_BYTES);
    }
}

static void net_reset(VirtioDevice *v)
{
    VirtioNet *d = net_of(v);

    nic_reset(&d->nic);
    memcpy(d->s.mac, d->nic.mac, MAC_BYTES);
    /* Until a driver that knows filters says otherwise, all frames pass. */
    d->s.mode[RX_PROMISC] = true;
}

static void net_started(VirtioDevice *v)
{
    nic_kick(&net_of(v)->nic);
}

static const VirtioInfo net_info = {
    .type = 1,
    .config_bytes = CONFIG_BYTES,
    .features = net_features,
    .get_config = net_get_config,
    .set_config = net_set_config,
    .queue = net_queue,
    .reset = net_reset,
    .started = net_started,
};

/* --- life -----------------------------------------------------------------------------------*/

static bool sizes_good(const VirtioNet *d, Error **errp)
{
    const uint32_t sizes[] = { d->rx_size, d->tx_size };

    for (unsigned i = 0; i < 2; i++) {
        if (!virtio_ring_size_good(i ? "tx_queue_size" : "rx_queue_size",
                                   sizes[i], 64, errp)) {
            return false;
        }
    }
    if (d->mtu && (d->mtu < 68 || d->mtu > 65535)) {
        error_set(errp, "host_mtu=%u must be from 68 to 65535", d->mtu);
        return false;
    }
    return true;
}

static bool net_realize(Device *dev, Error **errp)
{
    VirtioNet *d = (VirtioNet *)dev;
    const VirtioBus *bus = dev->bus;

    d->nic.down = &d->s.link_down;
    if (!sizes_good(d, errp) ||
        !nic_init(&d->nic, dev, bus ? bus->owner : dev, &nic_ops, errp)) {
        return false;
    }
    d->v.queue_count = d->ctrl_vq ? QUEUE_COUNT : QUEUE_CONTROL;
    d->v.queue_max[QUEUE_RX] = d->rx_size;
    d->v.queue_max[QUEUE_TX] = d->tx_size;
    d->v.queue_max[QUEUE_CONTROL] = 64;
    d->frame = g_malloc0(NETDEV_FRAME_MAX);
    return virtio_init(&d->v, &net_info, errp);
}

static void net_unrealize(Device *dev)
{
    g_clear_pointer(&((VirtioNet *)dev)->frame, g_free);
}

static void net_print(Device *dev, GString *out)
{
    const VirtioNet *d = (VirtioNet *)dev;
    nic_print(&d->nic, d->s.mac, out);
}

static void net_rewire(Device *dev)
{
    nic_rewire(&((VirtioNet *)dev)->nic);
}

static void net_set_link(Device *dev, bool up)
{
    VirtioNet *d = (VirtioNet *)dev;

    nic_set_link(&d->nic, up);
    virtio_config_changed(&d->v);
}

static const char *net_network(const Device *dev)
{
    return nic_network(&((const VirtioNet *)dev)->nic);
}

static const DeviceKnobs net_knobs = { .network = net_network,
                                       .set_link = net_set_link };

static const PropDef net_props[] = {
    NIC_PROPS(VirtioNet),
    PROP(VirtioNet, boot_index, "bootindex", PROP_U32, "0xffffffff",
         "place in the firmware's boot order, from 0"),
    PROP(VirtioNet, rx_size, "rx_queue_size", PROP_U32, "256",
         "entries of the receive queue"),
    PROP(VirtioNet, tx_size, "tx_queue_size", PROP_U32, "256",
         "entries of the transmit queue"),
    PROP(VirtioNet, mtu, "host_mtu", PROP_U32, "0",
         "the MTU that the driver should use; 0: says nothing"),
    PROP(VirtioNet, csum, "csum", PROP_BOOL, "on",
         "the driver may leave checksums of sent frames to the device"),
    PROP(VirtioNet, mrg_rxbuf, "mrg_rxbuf", PROP_BOOL, "on",
         "a received frame may be spread over several buffers"),
    PROP(VirtioNet, ctrl_vq, "ctrl_vq", PROP_BOOL, "on",
         "there is a control queue"),
    VIRTIO_PROPS(VirtioNet),
    PROP_END
};

extern const DeviceClass virtio_net_class, virtio_net_pci_class;

const DeviceClass virtio_net_class = {
    .name = "virtio-net-device",
    .desc = "virtio network adapter",
    .bus = "virtio-bus",
    .category = "Network",
    .user = true,
    .size = sizeof(VirtioNet),
    .state_offset = offsetof(VirtioNet, s),
    .state = net_state,
    .props = net_props,
    .realize = net_realize,
    .reset = virtio_device_reset,
    .rewire = net_rewire,
    .knobs = &net_knobs,
    .unrealize = net_unrealize,
    .info_word = "network",
    .info = net_print,
};

static unsigned net_vectors(const VirtioDevice *v)
{
    return v->queue_count + 1;
}

static const VirtioPciInfo net_pci_info = {
    .type = 1,
    .class_code = 0x0200,
    .boot_path = "ethernet@%s/ethernet-phy@0",
    .vectors = net_vectors,
    .boot_index_offset = offsetof(VirtioNet, boot_index),
};

static const PropDef net_pci_props[] = {
    VIRTIO_PCI_PROPS("efi-virtio.rom"),
    PROP_END
};

VIRTIO_PCI_CLASS_PROPS(virtio_net_pci_class, "virtio-net-pci", "Network",
                       virtio_net_class, net_pci_info, net_pci_props);
