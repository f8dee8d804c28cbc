/*
 * Networks: opened by the name of their back end, connected to an adapter, and
 * frames on their way between the two. See io/netdev.h.
 *
 * A frame waits here until the adapter has room for it, as a wire's far end
 * would: what is posted is in the log and is the guest's.
 */
#include "net-impl.h"

#include <string.h>

/* What waits for room; the rest is lost, as on any network. */
#define WAITING_MAX 1024u

/* ORDER net-backend (net-impl.h) */
static const NetBackend *const backends[] = {
    &net_user, &net_socket, &net_stream, &net_dgram, &net_tap, &net_hubport,
};

static const NetBackend *backend_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(backends); i++) {
        if (g_str_equal(backends[i]->name, name)) {
            return backends[i];
        }
    }
    return NULL;
}

const char *netdev_backend_keys(const char *backend)
{
    const NetBackend *b = backend_find(backend);
    return b ? b->keys : NULL;
}

void netdev_backend_help(GString *out)
{
    for (size_t i = 0; i < G_N_ELEMENTS(backends); i++) {
        g_string_append_printf(out, "%-10s %s\n", backends[i]->name,
                               backends[i]->help);
    }
}

/* --- keys ---------------------------------------------------------------------- */

const char *net_key(const NetdevSpec *s, const char *key)
{
    const char *value = NULL;
    for (guint i = 0; i < s->keys->len; i++) {
        if (g_str_equal(g_ptr_array_index(s->keys, i), key)) {
            value = g_ptr_array_index(s->values, i);
        }
    }
    return value;
}

bool net_key_bool(const NetdevSpec *s, const char *key, bool *out,
                  Error **errp)
{
    static const char *const yes[] = { "on", "yes", "true", "y", NULL };
    static const char *const no[] = { "off", "no", "false", "n", NULL };
    const char *value = net_key(s, key);
    if (!value) {
        return true;
    }
    *out = g_strv_contains(yes, value);
    if (!*out && !g_strv_contains(no, value)) {
        error_set(errp, "Parameter '%s' expects 'on' or 'off', not '%s'", key,
                  value);
        return false;
    }
    return true;
}

bool net_key_number(const NetdevSpec *s, const char *key, uint64_t max,
                    uint64_t *out, Error **errp)
{
    const char *value = net_key(s, key);
    Error *err = NULL;
    guint64 number;
    if (!value) {
        return true;
    }
    if (!g_ascii_string_to_unsigned(value, 10, 0, max, &number, NULL)) {
        error_set(&err, "Parameter '%s' expects a number up to %"
                  G_GUINT64_FORMAT ", not '%s'", key, max, value);
        error_propagate(errp, err);
        return false;
    }
    *out = number;
    return true;
}

/* --- frames that come in ----------------------------------------------------------- */

static void post_waiting(Netdev *n)
{
    while (n->waiting.length && n->posted < n->room(n->room_opaque)) {
        GBytes *frame = g_queue_pop_head(&n->waiting);
        size_t len;
        const void *data = g_bytes_get_data(frame, &len);
        n->posted++;
        nondet_post(n->port, data, len);
        g_bytes_unref(frame);
    }
}

static void post(void *opaque, const uint8_t *frame, size_t len)
{
    Netdev *n = opaque;
    if (n->waiting.length < WAITING_MAX) {
        g_queue_push_tail(&n->waiting, g_bytes_new(frame, len));
    }
    post_waiting(n);
}

void net_send(Netdev *n, const uint8_t *frame, size_t len)
{
    net_dump_frame(n->set, n, frame, len);
    if (n->is_open) {
        n->backend->send(n, frame, len);
    }
}

/* What goes to an adapter is dumped when that has it. */
void net_deliver(Netdev *n, const uint8_t *frame, size_t len)
{
    if (!n->port) {
        net_dump_frame(n->set, n, frame, len);
    }
    if (n->sink && len <= NETDEV_FRAME_MAX) {
        n->sink(n->sink_opaque, frame, len);
    }
}

/* --- what adapters ask -------------------------------------------------------------- */

static void host_send(Netdev *n, const void *frame, size_t len)
{
    if (!n->set->muted) {
        net_send(n, frame, len);
    }
}

static void host_bind_port(Netdev *n, NondetPort *port, NetdevRoom *room,
                           void *opaque)
{
    n->port = port;
    n->room = room;
    n->room_opaque = opaque;
    n->sink = post;
    n->sink_opaque = n;
}

static void host_kick(Netdev *n)
{
    if (n->room) {
        post_waiting(n);
    }
}

static void host_received(Netdev *n, const void *frame, size_t len)
{
    if (n->posted) {
        n->posted--;
    }
    if (!n->set->muted) {
        net_dump_frame(n->set, n, frame, len);
    }
}

static void host_describe(Netdev *n, GString *out)
{
    g_string_append_printf(out, "%s: index=0,type=%s", n->head.id,
                           n->backend->name);
    if (n->is_open && n->backend->describe) {
        n->backend->describe(n, out);
    }
}

static bool host_forwards(const Netdev *n)
{
    return n->backend->forward != NULL;
}

static bool host_forward(Netdev *n, const char *rule, bool add, Error **errp)
{
    if (!n->is_open) {
        error_set(errp, "the network '%s' is not open in a replay",
                  n->head.id);
        return false;
    }
    return n->backend->forward(n, rule, add, errp);
}

static const NetdevOps host_ops = {
    .forwards = host_forwards,
    .forward = host_forward,
    .send = host_send,
    .bind_port = host_bind_port,
    .kick = host_kick,
    .received = host_received,
    .describe = host_describe,
};

/* --- the set ------------------------------------------------------------------------- */

NetdevSet *netdev_set_new(bool replay)
{
    NetdevSet *set = g_new0(NetdevSet, 1);
    set->table = g_hash_table_new(g_str_hash, g_str_equal);
    set->order = g_ptr_array_new();
    set->dumps =
        g_ptr_array_new_with_free_func((GDestroyNotify)net_dump_free);
    set->replay = replay;
    return set;
}

void netdev_set_machine(NetdevSet *set, Machine *m, Clock *clock)
{
    set->machine = m;
    set->clock = clock;
}

void netdev_set_mute(NetdevSet *set, bool muted)
{
    set->muted = muted;
}

GHashTable *netdev_set_table(NetdevSet *set)
{
    return set->table;
}

static void netdev_free(Netdev *n)
{
    if (n->is_open) {
        n->backend->close(n);
    }
    g_queue_clear_full(&n->waiting, (GDestroyNotify)g_bytes_unref);
    g_free(n->head.id);
    g_free(n);
}

void netdev_set_free(NetdevSet *set)
{
    if (!set) {
        return;
    }
    /* A hub's port was made after what it leads to. */
    for (unsigned i = set->order->len; i-- > 0;) {
        netdev_free(g_ptr_array_index(set->order, i));
    }
    g_ptr_array_free(set->order, TRUE);
    g_ptr_array_free(set->dumps, TRUE);
    g_hash_table_destroy(set->table);
    g_free(set);
}

static Netdev *netdev_new(NetdevSet *set, const NetdevSpec *spec,
                          const NetBackend *backend)
{
    Netdev *n = g_new0(Netdev, 1);
    n->head.ops = &host_ops;
    n->head.id = g_strdup(spec->id);
    n->set = set;
    n->backend = backend;
    g_queue_init(&n->waiting);
    g_hash_table_insert(set->table, n->head.id, n);
    g_ptr_array_add(set->order, n);
    return n;
}

static void netdev_remove(Netdev *n)
{
    g_hash_table_remove(n->set->table, n->head.id);
    g_ptr_array_remove(n->set->order, n);
    netdev_free(n);
}

Netdev *netdev_open(NetdevSet *set, const NetdevSpec *spec, Error **errp)
{
    const NetBackend *backend = backend_find(spec->backend);
    Error *err = NULL;
    if (!backend) {
        error_set(errp, "'%s' is not a network back end; -netdev help lists "
                  "them", spec->backend);
        return NULL;
    }
    if (g_hash_table_contains(set->table, spec->id)) {
        error_set(errp, "there is another network '%s'", spec->id);
        return NULL;
    }
    Netdev *n = netdev_new(set, spec, backend);
    if (!set->replay && !backend->open(n, spec, &err)) {
        error_propagate(errp, err);
        netdev_remove(n);
        return NULL;
    }
    n->is_open = !set->replay;
    return n;
}

/* --- info ------------------------------------------------------------------------------ */

void netdev_set_usernet(NetdevSet *set, GString *out)
{
    for (guint i = 0; i < set->order->len; i++) {
        Netdev *n = g_ptr_array_index(set->order, i);
        if (n->is_open && n->backend->connections) {
            n->backend->connections(n, out);
        }
    }
}

void netdev_set_print_rest(NetdevSet *set, GString *out)
{
    for (guint i = 0; i < set->order->len; i++) {
        Netdev *n = g_ptr_array_index(set->order, i);
        if (!n->port) {
            host_describe(n, out);
            g_string_append_c(out, '\n');
        }
    }
}
