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
                "websocket",
      "unix (path=) or TCP (host=, port=); server=on, wait=off, "
      "reconnect=SECONDS, fd=N" },
};
#define COMMON_KEYS "backend id mux logfile logappend "

static const char *const absent[] = {
    "vc", "udp", "serial", "tty", "parallel", "parport", "spicevmc",
    "spiceport", "braille", "msmouse", "wctablet", "testdev", "console",
    "ringbuf", "memory", "dbus", NULL,
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

static bool refuse(const KeyVal *kv, const char *key, Error **errp)
{
    bool on = false;
    if (!keyval_bool(kv, key, &on, errp)) {
        return false;
    }
    if (on) {
        error_set(errp, "Parameter '%s' is not supported; use a plain "
                  "connection", key);
    }
    return !on;
}

static bool spec_socket(ChardevSpec *s, const KeyVal *kv, Error **errp)
{
    uint64_t fd = 0, seconds = s->reconnect_s;
    bool unset_fd = !keyval_has(kv, "fd");
    if (!refuse(kv, "telnet", errp) || !refuse(kv, "websocket", errp) ||
        !keyval_bool(kv, "server", &s->server, errp) ||
        !keyval_bool(kv, "wait", &s->wait, errp) ||
        !keyval_bool(kv, "nodelay", &s->nodelay, errp) ||
        !keyval_number(kv, "fd", 0, INT32_MAX, &fd, errp) ||
        !keyval_number(kv, "reconnect", 0, 3600, &seconds, errp)) {
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

static bool spec_fill(ChardevSpec *s, const KeyVal *kv, Error **errp)
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
    return spec_fill(&c->spec, kv, errp) &&
           options_resolve_fdset(o, &c->spec.path, errp) &&
           options_resolve_fdset(o, &c->spec.logfile, errp);
}

/* --- the short forms --------------------------------------------------------------- */

#define SOCKET_KEYS "server wait nodelay reconnect telnet websocket"

/* "HOST:PORT" or "[HOST]:PORT". */
static bool split_address(ChardevSpec *s, const char *text, Error **errp)
{
    const char *colon = strrchr(text, ':');
    if (!colon || !colon[1]) {
        error_set(errp, "'%s' is not HOST:PORT", text);
        return false;
    }
    size_t len = colon - text;
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    s->host = g_strndup(text, len);
    s->port = g_strdup(colon + 1);
    return true;
}

/* "tcp:HOST:PORT,KEYS" or "unix:PATH,KEYS"; text is what follows the colon. */
static bool parse_socket(ChardevSpec *s, const char *text, bool tcp,
                         Error **errp)
{
    size_t len = strcspn(text, ",");
    g_autofree char *address = g_strndup(text, len);
    g_autoptr(KeyVal) kv = keyval_parse(text + len + (text[len] == ','),
                                        SOCKET_KEYS, errp);
    if (!kv) {
        return false;
    }
    s->backend = "socket";
    if (tcp) {
        if (!split_address(s, address, errp)) {
            return false;
        }
    } else {
        s->path = g_strdup(address);
    }
    return spec_fill(s, kv, errp);
}

static bool parse_short(ChardevSpec *s, const char *text, Error **errp)
{
    static const char *const plain[] = { "null", "stdio", "pty", NULL };
    const char *rest = strchr(text, ':');
    rest = rest ? rest + 1 : "";
    if (g_strv_contains(plain, text)) {
        s->backend = text;
        return true;
    }
    if (g_str_has_prefix(text, "tcp:") || g_str_has_prefix(text, "unix:")) {
        return parse_socket(s, rest, *text == 't', errp);
    }
    if (g_str_has_prefix(text, "file:") || g_str_has_prefix(text, "pipe:")) {
        s->backend = *text == 'f' ? "file" : "pipe";
        s->path = g_strdup(rest);
        if (!*rest) {
            error_set(errp, "'%s' lacks a path", text);
        }
        return *rest;
    }
    if (g_str_has_prefix(text, "vc") || g_str_has_prefix(text, "telnet:") ||
        g_str_has_prefix(text, "udp:") || g_str_has_prefix(text, "/dev/")) {
        error_set(errp, "'%s' is not supported; use stdio, tcp:, unix:, "
                  "pty or file:", text);
        return false;
    }
    error_set(errp, "'%s' is not a valid character device", text);
    return false;
}

bool chardev_spec_parse(ChardevSpec *s, const char *text, bool *mux_monitor,
                        Error **errp)
{
    chardev_spec_init(s);
    *mux_monitor = g_str_has_prefix(text, "mon:");
    if (*mux_monitor) {
        /* Ctrl-C is for the guest; Ctrl-A x ends the program. */
        text += strlen("mon:");
        s->mux = true;
        s->signal = false;
    }
    return parse_short(s, text, errp);
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

void options_add_end(Options *o, EndKind kind, const char *option,
                     const char *dev)
{
    end_add(o, kind, option, dev);
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
