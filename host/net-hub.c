/*
 * -netdev hubport: the ports of a hub. What comes in at one goes out at all
 * others. A port leads to an adapter, or to another network (netdev=).
 */
#include "net-impl.h"

typedef struct HubPort {
    uint64_t hub;
    Netdev *behind;        /* netdev=, or NULL: an adapter */
} HubPort;

/* Out of the hub at this port. */
static void port_out(Netdev *n, const uint8_t *frame, size_t len)
{
    HubPort *p = n->impl;
    if (p->behind) {
        net_send(p->behind, frame, len);
    } else {
        net_deliver(n, frame, len);
    }
}

static void hub_send(Netdev *n, const uint8_t *frame, size_t len)
{
    const HubPort *from = n->impl;
    for (guint i = 0; i < n->set->order->len; i++) {
        Netdev *other = g_ptr_array_index(n->set->order, i);
        const HubPort *p = other->impl;
        if (other != n && other->is_open && other->backend == &net_hubport &&
            p->hub == from->hub) {
            port_out(other, frame, len);
        }
    }
}

/* From the network behind the port. */
static void from_behind(void *opaque, const uint8_t *frame, size_t len)
{
    hub_send(opaque, frame, len);
}

static bool hub_open(Netdev *n, const NetdevSpec *spec, Error **errp)
{
    const char *behind = net_key(spec, "netdev");
    uint64_t hub = 0;
    Netdev *other = NULL;
    if (!net_key(spec, "hubid")) {
        error_set(errp, "hubid= is missing");
        return false;
    }
    if (!net_key_number(spec, "hubid", INT32_MAX, &hub, errp)) {
        return false;
    }
    if (behind) {
        other = g_hash_table_lookup(n->set->table, behind);
        if (!other || other == n || other->sink) {
            error_set(errp, "netdev=%s: %s", behind,
                      other ? "in use" : "there is no such network");
            return false;
        }
        other->sink = from_behind;
        other->sink_opaque = n;
    }
    HubPort *p = g_new0(HubPort, 1);
    *p = (HubPort){ hub, other };
    n->impl = p;
    return true;
}

static void hub_close(Netdev *n)
{
    HubPort *p = n->impl;
    n->is_open = false;
    if (p->behind) {
        p->behind->sink = NULL;
    }
    g_free(p);
}

static void hub_describe(Netdev *n, GString *out)
{
    const HubPort *p = n->impl;
    g_string_append_printf(out, ",hubid=%" G_GUINT64_FORMAT, p->hub);
    if (p->behind) {
        g_string_append_printf(out, ",netdev=%s", p->behind->head.id);
    }
}

const NetBackend net_hubport = {
    .name = "hubport",
    .keys = "hubid netdev",
    .help = "a port of hub hubid=N, for an adapter or for netdev=ID",
    .open = hub_open,
    .send = hub_send,
    .close = hub_close,
    .describe = hub_describe,
};
