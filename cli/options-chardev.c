/*
 * Options about character devices and what is connected to them.
 */
#include "options.h"

#include <stdio.h>
#include <string.h>

/* ORDER chardev-backend (host/chardev-set.c) */
static const struct {
    const char *name, *keys, *help;
} backends[] = {
    { "null", "", "no input, output goes nowhere" },
    { "stdio", "signal", "the program's terminal; signal=off: Ctrl-C and "
                         "Ctrl-Z go to the guest" },
    { "file", "path input-path append", "output to path=, input from "
                                        "input-path=" },
    { "pipe", "path", "named pipes PATH.in and PATH.out" },
    { "pty", "", "a new pseudo terminal" },
    { "socket", "path host port fd server wait nodelay reconnect telnet "
                "websocket tls-creds tls-authz",
      "unix (path=) or TCP (host=, port=); server=on, wait=off, "
      "reconnect=SECONDS, fd=N; telnet=on, websocket=on" },
    { "udp", "host port localaddr localport ipv4 ipv6",
      "datagrams to host=, port= and from there" },
    { "ringbuf", "size", "the last size= bytes of output, for ringbuf-read" },
};
#define COMMON_KEYS "backend id mux logfile logappend "

static const char *const absent[] = {
    "vc", "serial", "tty", "parallel", "parport", "spicevmc",
    "spiceport", "braille", "msmouse", "wctablet", "testdev", "console",
    "memory", "dbus", NULL,
};

static int backend_find(const char *name, Error **errp)
{
    for (size_t i = 0; i < G_N_ELEMENTS(backends); i++) {
        if (g_str_equal(backends[i].name, name)) {
            return i;
        }
    }
    if (g_strv_contains(absent, name)) {
        error_set(errp, "backend '%s' is not supported; -chardev help lists "
                  "those that are", name);
    } else {
        error_set(errp, "'%s' is not a valid backend name; -chardev help "
                  "lists them", name);
    }
    return -1;
}

/* --- keys to a spec ------------------------------------------------------------ */

static void set_string(char **field, const KeyVal *kv, const char *key)
{
    if (keyval_has(kv, key)) {
        g_free(*field);
        *field = g_strdup(keyval_get(kv, key));
    }
}

/* What a socket's bytes are wrapped in. */
static bool spec_framing(ChardevSpec *s, const KeyVal *kv, Error **errp)
{
    if (keyval_has(kv, "tls-creds") || keyval_has(kv, "tls-authz")) {
        error_set(errp, "Parameter 'tls-creds' is not supported: let a program "
                  "such as stunnel or ssh stand before a local socket");
        return false;
    }
    if (!keyval_bool(kv, "telnet", &s->telnet, errp) ||
        !keyval_bool(kv, "websocket", &s->websocket, errp)) {
        return false;
    }
    if (s->telnet && s->websocket) {
        error_set(errp, "Parameters 'telnet' and 'websocket' exclude each "
                  "other");
        return false;
    }
    return true;
}

static bool check_framing(const ChardevSpec *s, Error **errp)
{
    if (s->websocket && !s->server) {
        error_set(errp, "Parameter 'websocket' needs server=on");
        return false;
    }
    return true;
}

static bool spec_udp(ChardevSpec *s, const KeyVal *kv, Error **errp)
{
    set_string(&s->host, kv, "host");
    set_string(&s->port, kv, "port");
    set_string(&s->local_host, kv, "localaddr");
    set_string(&s->local_port, kv, "localport");
    if (!s->port) {
        error_set(errp, "chardev: udp: remote port not specified");
    }
    return s->port != NULL;
}

static bool spec_ringbuf(ChardevSpec *s, const KeyVal *kv, Error **errp)
{
    enum { MOST = 1 << 30 };
    if (!keyval_size(kv, "size", 1, &s->size_bytes, errp)) {
        return false;
    }
    if (keyval_has(kv, "size") &&
        (!s->size_bytes || s->size_bytes > MOST ||
         (s->size_bytes & (s->size_bytes - 1)))) {
        error_set(errp, "size of ringbuf chardev must be power of two");
        return false;
    }
    return true;
}

static bool spec_socket(ChardevSpec *s, const KeyVal *kv, Error **errp)
{
    uint64_t fd = 0, seconds = s->reconnect_s;
    bool unset_fd = !keyval_has(kv, "fd");
    if (!spec_framing(s, kv, errp) ||
        !keyval_bool(kv, "server", &s->server, errp) ||
        !keyval_bool(kv, "wait", &s->wait, errp) ||
        !keyval_bool(kv, "nodelay", &s->nodelay, errp) ||
        !keyval_number(kv, "fd", 0, INT32_MAX, &fd, errp) ||
        !keyval_number(kv, "reconnect", 0, 3600, &seconds, errp) ||
        !check_framing(s, errp)) {
        return false;
    }
    s->fd = unset_fd ? -1 : (int)fd;
    s->reconnect_s = seconds;
    set_string(&s->host, kv, "host");
    set_string(&s->port, kv, "port");
    if (s->server && s->reconnect_s) {
        error_set(errp, "Parameter 'reconnect' is for clients, not with "
                  "server=on");
        return false;
    }
    if (!!s->path + !!s->port + !unset_fd != 1) {
        error_set(errp, "socket needs either path=, or host= and port=, or "
                  "fd=");
        return false;
    }
    return true;
}

bool chardev_spec_fill(ChardevSpec *s, const KeyVal *kv, Error **errp)
{
    set_string(&s->path, kv, "path");
    set_string(&s->input_path, kv, "input-path");
    set_string(&s->logfile, kv, "logfile");
    if (!keyval_bool(kv, "signal", &s->signal, errp) ||
        !keyval_bool(kv, "append", &s->append, errp) ||
        !keyval_bool(kv, "mux", &s->mux, errp) ||
        !keyval_bool(kv, "logappend", &s->logappend, errp)) {
        return false;
    }
    if (g_str_equal(s->backend, "socket")) {
        return spec_socket(s, kv, errp);
    }
    if (g_str_equal(s->backend, "udp")) {
        return spec_udp(s, kv, errp);
    }
    if (g_str_equal(s->backend, "ringbuf")) {
        return spec_ringbuf(s, kv, errp);
    }
    if (!s->path && (g_str_equal(s->backend, "file") ||
                     g_str_equal(s->backend, "pipe"))) {
        error_set(errp, "%s needs path=", s->backend);
        return false;
    }
    return true;
}

bool opt_chardev(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    if (kv->help) {
        printf("Available chardev backend types:\n");
        for (size_t i = 0; i < G_N_ELEMENTS(backends); i++) {
            printf("  %-8s %s\n", backends[i].name, backends[i].help);
        }
        o->done = true;
        return true;
    }
    const char *backend = keyval_get(kv, "backend");
    const char *id = keyval_get(kv, "id");
    int n = backend_find(backend ? backend : "", errp);
    if (n < 0) {
        return false;
    }
    g_autofree char *keys = g_strconcat(COMMON_KEYS, backends[n].keys, NULL);
    if (!id || !*id) {
        error_set(errp, "Parameter 'id' is missing");
        return false;
    }
    if (!keyval_check(kv, keys, errp)) {
        return false;
    }
    ChardevOption *c = g_new0(ChardevOption, 1);
    c->id = g_strdup(id);
    chardev_spec_init(&c->spec);
    c->spec.backend = backends[n].name;
    g_ptr_array_add(o->chardevs, c);
    return chardev_spec_fill(&c->spec, kv, errp) &&
           options_resolve_fdset(o, &c->spec.path, errp) &&
           options_resolve_fdset(o, &c->spec.logfile, errp);
}

/* --- ends ------------------------------------------------------------------------ */

static EndOption *end_add(Options *o, EndKind kind, const char *option,
                          const char *dev)
{
    EndOption *e = g_new0(EndOption, 1);
    e->kind = kind;
    e->option = option;
    e->by_id = g_str_has_prefix(dev, "chardev:");
    e->dev = g_strdup(e->by_id ? dev + strlen("chardev:") : dev);
    g_ptr_array_add(o->ends, e);
    return e;
}

EndOption *options_add_end(Options *o, EndKind kind, const char *option,
                           const char *dev)
{
    return end_add(o, kind, option, dev);
}

bool options_have_end(const Options *o, EndKind kind)
{
    for (unsigned i = 0; i < o->ends->len; i++) {
        const EndOption *e = g_ptr_array_index(o->ends, i);
        if (e->kind == kind) {
            return true;
        }
    }
    return false;
}

bool opt_serial(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    end_add(o, END_SERIAL, "-serial", arg);
    return true;
}

bool opt_monitor(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    end_add(o, END_MONITOR, "-monitor", arg);
    return true;
}

bool opt_qmp(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    end_add(o, END_QMP, "-qmp", arg);
    return true;
}

bool opt_qmp_pretty(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    end_add(o, END_QMP, "-qmp-pretty", arg)->pretty = true;
    return true;
}

bool opt_gdb(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    end_add(o, END_GDB, "-gdb", arg);
    return true;
}

bool opt_gdb_default(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    end_add(o, END_GDB, "-s", "tcp::1234");
    return true;
}

bool opt_qtest(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    end_add(o, END_QTEST, "-qtest", arg);
    return true;
}

bool opt_debugcon(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    if (options_have_end(o, END_DEBUGCON)) {
        error_set(errp, "there is one already; -device isa-debugcon makes "
                  "more");
        return false;
    }
    const EndOption *e = end_add(o, END_DEBUGCON, "-debugcon", arg);
    if (e->by_id || !g_str_equal(arg, "none")) {
        options_add_device(o, "isa-debugcon", "chardev",
                           e->by_id ? e->dev : "debugcon");
    }
    return true;
}

bool opt_mon(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    static const char *const modes[] = { "readline", "control", NULL };
    unsigned mode = 0;
    bool pretty = false;
    const char *id = keyval_get(kv, "chardev");
    if (!keyval_word(kv, "mode", modes, &mode, errp) ||
        !keyval_bool(kv, "pretty", &pretty, errp)) {
        return false;
    }
    if (!id) {
        error_set(errp, "Parameter 'chardev' is missing");
        return false;
    }
    EndOption *e = end_add(o, mode ? END_QMP : END_MONITOR, "-mon", id);
    e->by_id = true;
    e->pretty = pretty;
    return true;
}
