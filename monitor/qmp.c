/*
 * A QMP connection: the greeting, requests as they arrive, answers.
 *
 * Requests are JSON values one after another, not necessarily a line each, so
 * input is collected until it parses. See the QMP specification's "Protocol".
 */
#include "monitor.h"

/* A client that sends this much without a complete value is hung up on. */
#define QMP_INPUT_MAX (1u << 20)

void qmp_send(Monitor *mon, json_t *o)
{
    size_t flags = JSON_ENSURE_ASCII |
                   (mon->pretty ? JSON_INDENT(4) : 0);
    char *text = json_dumps(o, flags);
    chardev_write(mon->chr, text, strlen(text));
    chardev_write(mon->chr, "\r\n", 2);
    free(text);
    json_decref(o);
}

void qmp_open(Monitor *mon)
{
    QmpContext ctx = { mon->machine, mon->replay, mon };
    g_string_truncate(mon->input, 0);
    json_t *greeting = json_pack("{s:{s:o,s:[]}}", "QMP", "version",
                                 qmp_query_version(&ctx, NULL),
                                 "capabilities");
    qmp_send(mon, greeting);
}

static json_t *error_response(const char *desc)
{
    return json_pack("{s:{s:s,s:s}}", "error", "class", "GenericError", "desc",
                     desc);
}

/* Where the first complete JSON value at the start of text ends: 0 if it is
 * not complete yet. Counts brackets outside strings. */
static size_t value_end(const char *text, size_t len)
{
    int depth = 0;
    char quote = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (quote) {
            i += c == '\\';
            quote = c == quote ? 0 : quote;
            continue;
        }
        quote = c == '"' || c == '\'' ? c : 0;
        depth += c == '{' || c == '[';
        if (c == '}' || c == ']') {
            depth--;
        }
        if (depth <= 0 && (c == '}' || c == ']' || c == '\n')) {
            return i + 1;
        }
    }
    return 0;
}

/* QEMU's parser takes strings in single quotes, too: they become JSON's. */
static GString *double_quotes(const char *text, size_t len)
{
    GString *out = g_string_sized_new(len);
    char quote = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (!quote) {
            quote = c == '"' || c == '\'' ? c : 0;
            g_string_append_c(out, quote ? '"' : c);
        } else if (c == '\\' && i + 1 < len) {
            if (text[++i] != '\'') {
                g_string_append_c(out, c);
            }
            g_string_append_c(out, text[i]);
        } else if (c == quote) {
            quote = 0;
            g_string_append_c(out, '"');
        } else {
            if (c == '"') {
                g_string_append_c(out, '\\');
            }
            g_string_append_c(out, c);
        }
    }
    return out;
}

static void handle_text(Monitor *mon, const char *text, size_t len)
{
    QmpContext ctx = { mon->machine, mon->replay, mon };
    unsigned peer = mon->peer;
    json_error_t err;
    g_autoptr(GString) plain = double_quotes(text, len);
    json_t *request = json_loadb(plain->str, plain->len, JSON_DECODE_ANY, &err);
    json_t *response;
    if (request) {
        response = dispatch_request(mon, &ctx, request);
        json_decref(request);
    } else {
        g_autofree char *desc = g_strdup_printf("JSON parse error, %s",
                                                err.text);
        response = error_response(desc);
    }
    if (response && mon->peer == peer) {
        qmp_send(mon, response);
    } else {
        json_decref(response); /* who asked is gone */
    }
}

static bool blank(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!g_ascii_isspace(text[i])) {
            return false;
        }
    }
    return true;
}

void qmp_input(Monitor *mon, const uint8_t *data, size_t len)
{
    size_t end;
    unsigned peer = mon->peer;
    g_string_append_len(mon->input, (const char *)data, len);
    while (mon->peer == peer &&
           (end = value_end(mon->input->str, mon->input->len))) {
        g_autofree char *text = g_strndup(mon->input->str, end);
        g_string_erase(mon->input, 0, end);
        if (!blank(text, end)) {
            handle_text(mon, text, end);
        }
    }
    if (mon->input->len > QMP_INPUT_MAX) {
        g_string_truncate(mon->input, 0);
        qmp_send(mon, error_response("JSON token size limit exceeded"));
        chardev_disconnect(mon->chr);
    }
}
