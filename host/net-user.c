/*
 * -netdev user: a network of its own behind this process, by libslirp: DHCP,
 * DNS, TFTP, forwarded ports. It lives in the host's time; only frames cross to
 * the guest.
 */
#include "net-impl.h"
#include "world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <slirp/libslirp.h>
#include <string.h>

typedef struct UserSource {
    GSource source;
    struct UserNet *user;
} UserSource;

typedef struct UserTimer {
    SlirpTimerCb fn;
    void *opaque;
    int64_t due_ms;        /* TIME_NEVER: not armed */
} UserTimer;

typedef struct UserNet {
    Netdev *netdev;
    Slirp *slirp;
    GSource *source;
    GPtrArray *polls;      /* GPollFD, as many as ever were wanted at once */
    guint poll_count;      /* those that are wanted now */
    GPtrArray *timers;     /* UserTimer */
    bool restricted;
    struct in_addr net, mask;
} UserNet;

/* --- what libslirp asks of us ---------------------------------------------------- */

static ssize_t user_packet(const void *frame, size_t len, void *opaque)
{
    UserNet *u = opaque;
    net_deliver(u->netdev, frame, len);
    return len;
}

static void user_guest_error(const char *msg, void *opaque)
{
}

static int64_t user_clock_ns(void *opaque)
{
    return host_now_ns();
}

static void *user_timer_new(SlirpTimerCb fn, void *fn_opaque, void *opaque)
{
    UserNet *u = opaque;
    UserTimer *t = g_new0(UserTimer, 1);
    *t = (UserTimer){ fn, fn_opaque, TIME_NEVER };
    g_ptr_array_add(u->timers, t);
    return t;
}

static void user_timer_free(void *timer, void *opaque)
{
    UserNet *u = opaque;
    g_ptr_array_remove(u->timers, timer);
}

static void user_timer_mod(void *timer, int64_t due_ms, void *opaque)
{
    ((UserTimer *)timer)->due_ms = due_ms;
}

static void user_poll_fd(int fd, void *opaque)
{
}

static void user_notify(void *opaque)
{
    g_main_context_wakeup(NULL);
}

static const SlirpCb callbacks = {
    .send_packet = user_packet,
    .guest_error = user_guest_error,
    .clock_get_ns = user_clock_ns,
    .timer_new = user_timer_new,
    .timer_free = user_timer_free,
    .timer_mod = user_timer_mod,
    .register_poll_fd = user_poll_fd,
    .unregister_poll_fd = user_poll_fd,
    .notify = user_notify,
};

/* --- its sockets in the main loop -------------------------------------------------- */

static GPollFD *poll_at(UserNet *u, guint index)
{
    return g_ptr_array_index(u->polls, index);
}

static int add_poll(int fd, int events, void *opaque)
{
    UserNet *u = opaque;
    if (u->poll_count == u->polls->len) {
        g_ptr_array_add(u->polls, g_new0(GPollFD, 1));
    }
    GPollFD *p = poll_at(u, u->poll_count);
    p->fd = fd;
    p->revents = 0;
    p->events = (events & SLIRP_POLL_IN ? G_IO_IN : 0) |
                (events & SLIRP_POLL_OUT ? G_IO_OUT : 0) |
                (events & SLIRP_POLL_PRI ? G_IO_PRI : 0) | G_IO_ERR | G_IO_HUP;
    g_source_add_poll(u->source, p);
    return u->poll_count++;
}

static int poll_events(int index, void *opaque)
{
    unsigned r = poll_at(opaque, index)->revents;
    return (r & G_IO_IN ? SLIRP_POLL_IN : 0) |
           (r & G_IO_OUT ? SLIRP_POLL_OUT : 0) |
           (r & G_IO_PRI ? SLIRP_POLL_PRI : 0) |
           (r & G_IO_ERR ? SLIRP_POLL_ERR : 0) |
           (r & G_IO_HUP ? SLIRP_POLL_HUP : 0);
}

static gboolean user_prepare(GSource *source, gint *timeout_ms)
{
    UserNet *u = ((UserSource *)source)->user;
    uint32_t wait_ms = UINT32_MAX;
    int64_t now_ms = host_now_ns() / NS_PER_MS;
    for (guint i = 0; i < u->poll_count; i++) {
        g_source_remove_poll(source, poll_at(u, i));
    }
    u->poll_count = 0;
    slirp_pollfds_fill(u->slirp, &wait_ms, add_poll, u);
    for (guint i = 0; i < u->timers->len; i++) {
        const UserTimer *t = g_ptr_array_index(u->timers, i);
        if (t->due_ms != TIME_NEVER) {
            wait_ms = MIN(wait_ms, CLAMP(t->due_ms - now_ms, 0, 60000));
        }
    }
    *timeout_ms = wait_ms == UINT32_MAX ? -1 : (int)MIN(wait_ms, 60000);
    return FALSE;
}

/* Its slow timers are looked at whenever it is polled. */
static gboolean user_check(GSource *source)
{
    return TRUE;
}

static gboolean user_dispatch(GSource *source, GSourceFunc fn, gpointer data)
{
    UserNet *u = ((UserSource *)source)->user;
    int64_t now_ms = host_now_ns() / NS_PER_MS;
    slirp_pollfds_poll(u->slirp, 0, poll_events, u);
    for (guint i = 0; i < u->timers->len; i++) {
        UserTimer *t = g_ptr_array_index(u->timers, i);
        if (t->due_ms <= now_ms) {
            t->due_ms = TIME_NEVER;
            t->fn(t->opaque);
        }
    }
    return G_SOURCE_CONTINUE;
}

static const GSourceFuncs user_source_funcs = {
    .prepare = user_prepare,
    .check = user_check,
    .dispatch = user_dispatch,
};

/* --- addresses ------------------------------------------------------------------------ */

static bool key_address(const NetdevSpec *s, const char *key,
                        struct in_addr *out, Error **errp)
{
    const char *value = net_key(s, key);
    if (value && !inet_aton(value, out)) {
        error_set(errp, "%s=%s is not an IPv4 address", key, value);
        return false;
    }
    return true;
}

/* An address with the network's bits of net, and host number n. */
static struct in_addr host_number(const UserNet *u, uint32_t n)
{
    uint32_t net = ntohl(u->net.s_addr), mask = ntohl(u->mask.s_addr);
    return (struct in_addr){ htonl((net & mask) | (n & ~mask)) };
}

/* "10.0.2.0/24", "10.0.2.0/255.255.255.0" or "10.0.2.0". */
static bool parse_net(UserNet *u, const char *text, Error **errp)
{
    g_auto(GStrv) parts = g_strsplit(text, "/", 2);
    guint64 bits;
    bool good = inet_aton(parts[0], &u->net);
    if (good && parts[1] && strchr(parts[1], '.')) {
        good = inet_aton(parts[1], &u->mask);
    } else if (good && parts[1]) {
        good = g_ascii_string_to_unsigned(parts[1], 10, 4, 30, &bits, NULL);
        u->mask.s_addr = good ? htonl(~0u << (32 - bits)) : 0;
    } else if (good) {
        uint32_t first = ntohl(u->net.s_addr) >> 24;
        u->mask.s_addr = htonl(first < 128   ? 0xff000000u
                               : first < 192 ? 0xffff0000u
                                             : 0xffffff00u);
    }
    if (!good) {
        error_set(errp, "net=%s is not an IPv4 network", text);
    }
    return good;
}

static bool inside(const UserNet *u, struct in_addr a)
{
    return (a.s_addr & u->mask.s_addr) == (u->net.s_addr & u->mask.s_addr);
}

/* --- forwarded ports -------------------------------------------------------------------- */

static bool parse_port(const char *text, uint16_t *port)
{
    guint64 v;
    if (!g_ascii_string_to_unsigned(text, 10, 0, 65535, &v, NULL)) {
        return false;
    }
    *port = v;
    return true;
}

/* "tcp" (or nothing) or "udp"; *rest is what follows the colon. */
static bool parse_protocol(const char *text, bool *udp, const char **rest)
{
    const char *colon = strchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : 0;
    *udp = len == 3 && !strncmp(text, "udp", 3);
    *rest = colon + 1;
    return colon && (!len || *udp || (len == 3 && !strncmp(text, "tcp", 3)));
}

/* "[ADDR]:PORT"; an address left out stays as it is. */
static bool parse_end(const char *text, struct in_addr *addr, uint16_t *port)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", -1);
    return g_strv_length(parts) == 2 &&
           (!*parts[0] || inet_aton(parts[0], addr)) &&
           parse_port(parts[1], port);
}

/* hostfwd=[tcp|udp]:[HOSTADDR]:HOSTPORT-[GUESTADDR]:GUESTPORT */
static bool add_hostfwd(UserNet *u, const char *text, Error **errp)
{
    struct in_addr host = { INADDR_ANY }, guest = { 0 };
    uint16_t host_port, guest_port;
    const char *rest;
    bool udp;
    if (parse_protocol(text, &udp, &rest)) {
        g_auto(GStrv) ends = g_strsplit(rest, "-", 2);
        if (g_strv_length(ends) == 2 &&
            parse_end(ends[0], &host, &host_port) &&
            parse_end(ends[1], &guest, &guest_port) && guest_port) {
            if (slirp_add_hostfwd(u->slirp, udp, host, host_port, guest,
                                  guest_port) == 0) {
                return true;
            }
            error_set(errp, "could not set up host forwarding rule '%s': %s",
                      text, g_strerror(errno));
            return false;
        }
    }
    error_set(errp, "invalid host forwarding rule '%s': it is "
              "[tcp|udp]:[HOSTADDR]:HOSTPORT-[GUESTADDR]:GUESTPORT", text);
    return false;
}

/* [tcp|udp]:[HOSTADDR]:HOSTPORT */
static bool remove_hostfwd(UserNet *u, const char *text, Error **errp)
{
    struct in_addr host = { INADDR_ANY };
    uint16_t port;
    const char *rest;
    bool udp;
    if (!parse_protocol(text, &udp, &rest) ||
        !parse_end(rest, &host, &port)) {
        error_set(errp, "invalid format: '%s' is not "
                  "[tcp|udp]:[HOSTADDR]:HOSTPORT", text);
        return false;
    }
    if (slirp_remove_hostfwd(u->slirp, udp, host, port) < 0) {
        error_set(errp, "host forwarding rule for %s not found", text);
        return false;
    }
    return true;
}

static bool user_forward(Netdev *n, const char *rule, bool add, Error **errp)
{
    return add ? add_hostfwd(n->impl, rule, errp)
               : remove_hostfwd(n->impl, rule, errp);
}

/* guestfwd=[tcp]:SERVER:PORT-cmd:COMMAND or …-unix:PATH */
static bool add_guestfwd(UserNet *u, const char *text, Error **errp)
{
    struct in_addr server = { 0 };
    uint16_t port = 0;
    const char *rest, *dash;
    bool udp, added = false;
    if (parse_protocol(text, &udp, &rest) && !udp &&
        (dash = strchr(rest, '-'))) {
        g_autofree char *end = g_strndup(rest, dash - rest);
        if (parse_end(end, &server, &port) && inside(u, server)) {
            added = g_str_has_prefix(dash, "-cmd:")
                        ? !slirp_add_exec(u->slirp, dash + 5, &server, port)
                    : g_str_has_prefix(dash, "-unix:")
                        ? !slirp_add_unix(u->slirp, dash + 6, &server, port)
                        : false;
        }
    }
    if (!added) {
        error_set(errp, "invalid guest forwarding rule '%s': it is "
                  "[tcp]:SERVER:PORT-cmd:COMMAND or -unix:PATH, with a free "
                  "address of the network", text);
    }
    return added;
}

static bool add_forwards(UserNet *u, const NetdevSpec *s, Error **errp)
{
    for (guint i = 0; i < s->keys->len; i++) {
        const char *key = g_ptr_array_index(s->keys, i);
        const char *value = g_ptr_array_index(s->values, i);
        if ((g_str_equal(key, "hostfwd") && !add_hostfwd(u, value, errp)) ||
            (g_str_equal(key, "guestfwd") && !add_guestfwd(u, value, errp))) {
            return false;
        }
    }
    return true;
}

/* --- opening --------------------------------------------------------------------------------- */

static bool config_addresses(UserNet *u, SlirpConfig *c, const NetdevSpec *s,
                             Error **errp)
{
    const char *net = net_key(s, "net");
    if (!parse_net(u, net ? net : "10.0.2.0/24", errp)) {
        return false;
    }
    c->vnetwork = (struct in_addr){ u->net.s_addr & u->mask.s_addr };
    c->vnetmask = u->mask;
    c->vhost = host_number(u, 2);
    c->vdhcp_start = host_number(u, 15);
    c->vnameserver = host_number(u, 3);
    if (!key_address(s, "host", &c->vhost, errp) ||
        !key_address(s, "dhcpstart", &c->vdhcp_start, errp) ||
        !key_address(s, "dns", &c->vnameserver, errp)) {
        return false;
    }
    if (!inside(u, c->vhost) || !inside(u, c->vdhcp_start) ||
        !inside(u, c->vnameserver)) {
        error_set(errp, "host=, dhcpstart= and dns= must be in the network");
        return false;
    }
    return true;
}

static bool config_flags(UserNet *u, SlirpConfig *c, const NetdevSpec *s,
                         Error **errp)
{
    bool ipv4 = true, ipv6 = true;
    if (!net_key_bool(s, "restrict", &u->restricted, errp) ||
        !net_key_bool(s, "ipv4", &ipv4, errp) ||
        !net_key_bool(s, "ipv6", &ipv6, errp)) {
        return false;
    }
    if (!ipv4 && !ipv6) {
        error_set(errp, "ipv4=off and ipv6=off leave nothing");
        return false;
    }
    c->restricted = u->restricted;
    c->in_enabled = ipv4;
    c->in6_enabled = ipv6;
    inet_pton(AF_INET6, "fec0::", &c->vprefix_addr6);
    c->vprefix_len = 64;
    inet_pton(AF_INET6, "fec0::2", &c->vhost6);
    inet_pton(AF_INET6, "fec0::3", &c->vnameserver6);
    return true;
}

static void config_names(SlirpConfig *c, const NetdevSpec *s)
{
    c->vhostname = net_key(s, "hostname");
    c->vdomainname = net_key(s, "domainname");
    c->tftp_path = net_key(s, "tftp");
    c->bootfile = net_key(s, "bootfile");
    c->tftp_server_name = net_key(s, "tftp-server-name");
}

/* dnssearch= may come several times; NULL at the end. */
static const char **search_list(const NetdevSpec *s)
{
    GPtrArray *list = g_ptr_array_new();
    for (guint i = 0; i < s->keys->len; i++) {
        if (g_str_equal(g_ptr_array_index(s->keys, i), "dnssearch")) {
            g_ptr_array_add(list, g_ptr_array_index(s->values, i));
        }
    }
    g_ptr_array_add(list, NULL);
    return (const char **)g_ptr_array_free(list, FALSE);
}

static void user_close(Netdev *n)
{
    UserNet *u = n->impl;
    if (u->source) {
        g_source_destroy(u->source);
        g_source_unref(u->source);
    }
    if (u->slirp) {
        slirp_cleanup(u->slirp);
    }
    g_ptr_array_free(u->polls, TRUE);
    g_ptr_array_free(u->timers, TRUE);
    g_free(u);
}

static void user_start(UserNet *u)
{
    u->source = g_source_new((GSourceFuncs *)&user_source_funcs,
                             sizeof(UserSource));
    ((UserSource *)u->source)->user = u;
    g_source_set_name(u->source, u->netdev->head.id);
    g_source_attach(u->source, NULL);
}

static bool user_open(Netdev *n, const NetdevSpec *spec, Error **errp)
{
    SlirpConfig c = { .version = SLIRP_CONFIG_VERSION_MAX };
    UserNet *u = g_new0(UserNet, 1);
    u->netdev = n;
    u->polls = g_ptr_array_new_with_free_func(g_free);
    u->timers = g_ptr_array_new_with_free_func(g_free);
    n->impl = u;
    bool good = config_addresses(u, &c, spec, errp) &&
                config_flags(u, &c, spec, errp);
    if (good) {
        g_autofree const char **search = search_list(spec);
        config_names(&c, spec);
        c.vdnssearch = search[0] ? search : NULL;
        u->slirp = slirp_new(&c, &callbacks, u);
        if (!u->slirp) {
            error_set(errp, "libslirp refuses these parameters");
        }
    }
    if (!u->slirp || !add_forwards(u, spec, errp)) {
        user_close(n);
        return false;
    }
    user_start(u);
    return true;
}

static void user_send(Netdev *n, const uint8_t *frame, size_t len)
{
    const UserNet *u = n->impl;
    slirp_input(u->slirp, frame, len);
}

static void user_describe(Netdev *n, GString *out)
{
    const UserNet *u = n->impl;
    g_string_append_printf(out, ",net=%s", inet_ntoa(u->net));
    g_string_append_printf(out, ",restrict=%s",
                           u->restricted ? "on" : "off");
}

static void user_connections(Netdev *n, GString *out)
{
    const UserNet *u = n->impl;
    char *text = slirp_connection_info(u->slirp);
    g_string_append_printf(out, "%s:\n%s", n->head.id, text);
    g_free(text);
}

const NetBackend net_user = {
    .name = "user",
    .keys = "net host restrict hostname dhcpstart dns dnssearch domainname "
            "tftp tftp-server-name bootfile hostfwd guestfwd ipv4 ipv6",
    .help = "a network of its own, by libslirp: net=, host=, dhcpstart=, dns=,\n"
            "           dnssearch=, domainname=, hostname=, tftp=, bootfile=,\n"
            "           restrict=on, hostfwd=, guestfwd=, ipv4=, ipv6=",
    .open = user_open,
    .send = user_send,
    .close = user_close,
    .describe = user_describe,
    .forward = user_forward,
    .connections = user_connections,
};
