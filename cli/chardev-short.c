/*
 * Short forms of character devices: -serial, -monitor, -qmp, -gdb and the like
 * take them instead of a -chardev's id.
 */
#include "options.h"

#include <string.h>

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

/* "HOST:PORT,KEYS" or "PATH,KEYS". */
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
    return chardev_spec_fill(s, kv, errp);
}

/* "[HOST]:PORT[@[HOST]:PORT]": where to, and from where. */
static bool parse_udp(ChardevSpec *s, const char *text, Error **errp)
{
    g_auto(GStrv) ends = g_strsplit(text, "@", 2);
    if (ends[0] && ends[1]) {
        if (!split_address(s, ends[1], errp)) {
            return false;
        }
        s->local_host = g_steal_pointer(&s->host);
        s->local_port = g_steal_pointer(&s->port);
    }
    s->backend = "udp";
    return split_address(s, ends[0] ? ends[0] : "", errp);
}

static bool parse_path(ChardevSpec *s, const char *text, Error **errp)
{
    const char *path = strchr(text, ':') + 1;
    s->backend = *text == 'f' ? "file" : "pipe";
    s->path = g_strdup(path);
    if (!*path) {
        error_set(errp, "'%s' lacks a path", text);
    }
    return *path;
}

/* What begins with one of these. */
typedef enum ShortKind {
    SHORT_TCP, SHORT_UNIX, SHORT_TELNET, SHORT_WEBSOCKET, SHORT_UDP,
    SHORT_FILE, SHORT_PIPE, SHORT_ABSENT,
} ShortKind;

static const struct {
    const char *prefix;
    ShortKind kind;
} forms[] = {
    { "tcp:", SHORT_TCP }, { "unix:", SHORT_UNIX },
    { "telnet:", SHORT_TELNET }, { "websocket:", SHORT_WEBSOCKET },
    { "udp:", SHORT_UDP }, { "file:", SHORT_FILE }, { "pipe:", SHORT_PIPE },
    { "vc", SHORT_ABSENT }, { "/dev/", SHORT_ABSENT },
};

static bool parse_form(ChardevSpec *s, ShortKind kind, const char *text,
                       Error **errp)
{
    const char *rest = strchr(text, ':');
    s->telnet = kind == SHORT_TELNET;
    s->websocket = kind == SHORT_WEBSOCKET;
    switch (kind) {
    case SHORT_TCP:
    case SHORT_UNIX:
    case SHORT_TELNET:
    case SHORT_WEBSOCKET:
        return parse_socket(s, rest + 1, kind != SHORT_UNIX, errp);
    case SHORT_UDP:
        return parse_udp(s, rest + 1, errp);
    case SHORT_FILE:
    case SHORT_PIPE:
        return parse_path(s, text, errp);
    case SHORT_ABSENT:
        break;
    }
    error_set(errp, "'%s' is not supported; use stdio, tcp:, unix:, "
              "pty or file:", text);
    return false;
}

static bool parse_short(ChardevSpec *s, const char *text, Error **errp)
{
    static const char *const plain[] = { "null", "stdio", "pty", "ringbuf",
                                         NULL };
    if (g_strv_contains(plain, text)) {
        s->backend = text;
        return true;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
        if (g_str_has_prefix(text, forms[i].prefix)) {
            return parse_form(s, forms[i].kind, text, errp);
        }
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
