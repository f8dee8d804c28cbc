/*
 * What network adapters have in common. See nic.h.
 */
#include "nic.h"

#include <string.h>

bool mac_is_broadcast(const uint8_t *mac)
{
    static const uint8_t all[MAC_BYTES] = { 0xff, 0xff, 0xff,
                                            0xff, 0xff, 0xff };
    return !memcmp(mac, all, MAC_BYTES);
}

uint32_t mac_crc(const uint8_t *mac)
{
    uint32_t crc = UINT32_MAX;

    for (unsigned i = 0; i < 8 * MAC_BYTES; i++) {
        unsigned bit = mac[i / 8] >> (i % 8) & 1;
        crc = (crc << 1) ^ (crc >> 31 != bit ? 0x04c11db7 : 0);
    }
    return crc;
}

/* --- the address --------------------------------------------------------------*/

static bool mac_parse(const char *text, uint8_t *mac)
{
    g_auto(GStrv) parts = g_strsplit_set(text, ":-", -1);

    if (g_strv_length(parts) != MAC_BYTES) {
        return false;
    }
    for (unsigned i = 0; i < MAC_BYTES; i++) {
        char *end;
        guint64 v = g_ascii_strtoull(parts[i], &end, 16);
        if (end == parts[i] || *end || v > 255) {
            return false;
        }
        mac[i] = v;
    }
    return !mac_is_multicast(mac);
}

static bool is_adapter(const Device *dev)
{
    return dev->cls->category && !strcmp(dev->cls->category, "Network");
}

/* Those that are made before, each counted once. */
static unsigned nic_number(const Device *owner)
{
    const GPtrArray *devices = owner->machine->devices;
    unsigned n = 0;

    for (guint i = 0; i < devices->len; i++) {
        const Device *dev = g_ptr_array_index(devices, i);
        if (dev == owner) {
            break;
        }
        bool carried = i && ((Device *)g_ptr_array_index(devices, i - 1))
                                    ->inner == dev;
        n += is_adapter(dev) && !carried;
    }
    return n;
}

static bool choose_mac(Nic *n, Error **errp)
{
    static const uint8_t first[MAC_BYTES] = { 0x52, 0x54, 0x00,
                                              0x12, 0x34, 0x56 };
    if (n->mac_text) {
        if (!mac_parse(n->mac_text, n->mac)) {
            error_set(errp, "mac=%s is not the address of an adapter",
                      n->mac_text);
            return false;
        }
        return true;
    }
    memcpy(n->mac, first, MAC_BYTES);
    n->mac[5] += nic_number(n->owner);
    return true;
}

/* --- frames --------------------------------------------------------------------*/

static void nic_input(void *opaque, const void *frame, size_t len)
{
    Nic *n = opaque;

    if (n->peer) {
        netdev_received(n->peer, frame, len);
    }
    if (len >= ETH_HEADER && !*n->down) {
        n->ops->receive(n->dev, frame, len);
    }
    nic_kick(n);
}

static unsigned nic_room(void *opaque)
{
    Nic *n = opaque;
    return n->ops->room(n->dev);
}

void nic_send(Nic *n, const void *frame, size_t len)
{
    if (n->peer && len >= ETH_HEADER && !*n->down) {
        netdev_send(n->peer, frame, len);
    }
}

void nic_kick(Nic *n)
{
    if (n->peer) {
        netdev_kick(n->peer);
    }
}

/* --- the cable -----------------------------------------------------------------*/

void nic_reset(Nic *n)
{
    *n->down = n->pulled;
}

void nic_rewire(Nic *n)
{
    n->pulled = *n->down;
}

void nic_set_link(Nic *n, bool up)
{
    *n->down = n->pulled = !up;
}

const char *nic_network(const Nic *n)
{
    return n->peer ? netdev_id(n->peer) : NULL;
}

/* --- life ------------------------------------------------------------------------*/

void nic_print(const Nic *n, const uint8_t *mac, GString *out)
{
    const char *name = n->owner->id ? n->owner->id : n->owner->path;

    g_string_append_printf(out, "%s: index=0,type=nic,model=%s,macaddr="
                           "%02x:%02x:%02x:%02x:%02x:%02x\n", name,
                           n->owner->cls->name, mac[0], mac[1], mac[2],
                           mac[3], mac[4], mac[5]);
    if (n->peer) {
        g_string_append(out, " \\ ");
        netdev_describe(n->peer, out);
        g_string_append_c(out, '\n');
    }
}

bool nic_init(Nic *n, Device *dev, Device *owner, const NicOps *ops,
              Error **errp)
{
    n->dev = dev;
    n->owner = owner;
    n->ops = ops;
    if (!choose_mac(n, errp)) {
        return false;
    }
    n->port = nondet_port(dev->machine, NONDET_NET,
                          owner->id ? owner->id : owner->path, nic_input, n);
    if (n->peer) {
        netdev_bind_port(n->peer, n->port, nic_room, n);
    }
    return true;
}
