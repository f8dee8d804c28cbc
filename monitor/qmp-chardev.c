/*
 * QMP: character devices that are opened while the machine runs, and ring
 * buffers (qapi/char.json). The roof opens them, by the options of -chardev.
 */
#include "qapi/visit.h"
#include "qom.h"

/* QEMU's members of a back end's data, and our keys. */
static const struct {
    const char *member, *key;
} keys[] = {
    { "out", "path" }, { "in", "input-path" }, { "device", "path" },
    { "path", "path" }, { "host", "host" }, { "port", "port" },
    { "str", "fd" }, { "server", "server" }, { "wait", "wait" },
    { "nodelay", "nodelay" }, { "telnet", "telnet" },
    { "websocket", "websocket" }, { "reconnect", "reconnect" },
    { "append", "append" }, { "logfile", "logfile" },
    { "logappend", "logappend" }, { "size", "size" }, { "signal", "signal" },
    { "tls-creds", "tls-creds" },
};

static const char *key_of(const char *member)
{
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (g_str_equal(keys[i].member, member)) {
            return keys[i].key;
        }
    }
    return NULL;
}

/* ",key=value": commas are doubled. */
static void append_key(GString *text, const char *key, const json_t *value)
{
    g_autofree char *plain =
        json_is_string(value) ? g_strdup(json_string_value(value))
        : json_is_integer(value)
            ? g_strdup_printf("%" JSON_INTEGER_FORMAT,
                              json_integer_value(value))
            : g_strdup(json_is_true(value) ? "on" : "off");
    g_auto(GStrv) parts = g_strsplit(plain, ",", -1);
    g_autofree char *safe = g_strjoinv(",,", parts);
    g_string_append_printf(text, ",%s=%s", key, safe);
}

static bool append_data(GString *text, const json_t *data, Error **errp);

/* An address: { "type": "inet", "data": { … } }; prefix "local" for the near
 * end of udp. */
static bool append_address(GString *text, const json_t *address, bool local,
                           Error **errp)
{
    json_t *data = json_object_get(address, "data");
    if (!json_is_object(data)) {
        error_set(errp, "an address is an object with 'type' and 'data'");
        return false;
    }
    if (!local) {
        return append_data(text, data, errp);
    }
    append_key(text, "localaddr", json_object_get(data, "host"));
    append_key(text, "localport", json_object_get(data, "port"));
    return true;
}

static bool append_data(GString *text, const json_t *data, Error **errp)
{
    const char *member;
    json_t *value;
    json_object_foreach((json_t *)data, member, value) {
        const char *key = key_of(member);
        bool local = g_str_equal(member, "local");
        if (local || g_str_equal(member, "addr") ||
            g_str_equal(member, "remote")) {
            if (!append_address(text, value, local, errp)) {
                return false;
            }
        } else if (!key || json_is_object(value) || json_is_array(value)) {
            error_set(errp, "Parameter '%s' is unexpected", member);
            return false;
        } else {
            append_key(text, key, value);
        }
    }
    return true;
}

/* The options that say the same; NULL with an error. */
static char *options_of(const char *id, const json_t *backend, Error **errp)
{
    const char *type = json_string_value(json_object_get(backend, "type"));
    json_t *data = json_object_get(backend, "data");
    if (!type || strchr(type, ',') || (data && !json_is_object(data))) {
        error_set(errp, "Parameter 'backend' takes an object with 'type' and "
                        "'data'");
        return NULL;
    }
    g_autoptr(GString) text = g_string_new(type);
    json_t *name = json_string(id);
    append_key(text, "id", name);
    json_decref(name);
    /* QMP's sockets are servers unless they are told otherwise. */
    if (g_str_equal(type, "socket") && !json_object_get(data, "server")) {
        g_string_append(text, ",server=on");
    }
    if (g_str_equal(type, "socket") && !json_object_get(data, "wait") &&
        !json_is_false(json_object_get(data, "server"))) {
        g_string_append(text, ",wait=off");
    }
    return append_data(text, data, errp) ? g_strdup(text->str) : NULL;
}

static Chardev *chardev_called(QmpContext *ctx, const char *id)
{
    GHashTable *all = ctx->machine->config.chardevs;
    return all ? g_hash_table_lookup(all, id) : NULL;
}

json_t *qmp_chardev_add(QmpContext *ctx, const char *id, json_t *backend,
                        Error **errp)
{
    const MonitorRoof *roof = &monitor_shared(ctx->machine)->roof;
    g_autofree char *options = options_of(id, backend, errp);
    if (!options || !monitor_has_roof(ctx->machine, errp) ||
        !roof->chardev_add(roof->opaque, options, errp)) {
        return NULL;
    }
    g_autofree char *what = chardev_describe(chardev_called(ctx, id));
    bool pty = g_str_has_prefix(what, "pty:");
    ChardevReturn ret = { pty ? what + strlen("pty:") : NULL };
    return qapi_put_ChardevReturn(&ret);
}

void qmp_chardev_remove(QmpContext *ctx, const char *id, Error **errp)
{
    const MonitorRoof *roof = &monitor_shared(ctx->machine)->roof;
    if (monitor_has_roof(ctx->machine, errp)) {
        roof->chardev_remove(roof->opaque, id, errp);
    }
}

/* --- ring buffers ---------------------------------------------------------------- */

static Chardev *ringbuf_called(QmpContext *ctx, const char *id, Error **errp)
{
    Chardev *c = chardev_called(ctx, id);
    if (!c) {
        error_set(errp, "Device '%s' not found", id);
    } else if (!chardev_is_ringbuf(c)) {
        error_set(errp, "%s is not a ringbuf device", id);
        c = NULL;
    }
    return c;
}

void qmp_ringbuf_write(QmpContext *ctx, const char *device, const char *data,
                       bool has_format, DataFormat format, Error **errp)
{
    Chardev *c = ringbuf_called(ctx, device, errp);
    if (c && has_format && format == DATA_FORMAT_BASE64) {
        gsize bytes;
        g_autofree guchar *plain = g_base64_decode(data, &bytes);
        chardev_write(c, plain, bytes);
    } else if (c) {
        chardev_write(c, data, strlen(data));
    }
}

char *qmp_ringbuf_read(QmpContext *ctx, const char *device, int64_t size,
                       bool has_format, DataFormat format, Error **errp)
{
    enum { MOST = 1 << 24 };
    Chardev *c = ringbuf_called(ctx, device, errp);
    if (!c) {
        return NULL;
    }
    if (size <= 0) {
        error_set(errp, "size must be greater than zero");
        return NULL;
    }
    size_t room = MIN(size, MOST);
    g_autofree uint8_t *data = g_malloc(room);
    size_t bytes = chardev_ringbuf_read(c, data, room);
    return has_format && format == DATA_FORMAT_BASE64
        ? g_base64_encode(data, bytes)
        : g_utf8_make_valid((char *)data, bytes);
}
