/*
 * What the commands of reprise-replay share. See replay-tool.h.
 */
#include <stdlib.h>
#include <string.h>

#include "replay-tool.h"

int tool_fail(Error *err)
{
    error_report("%s", error_message(err));
    error_free(err);
    return STATUS_BAD;
}

LogReader *tool_open(const char *file)
{
    Error *err = NULL;
    LogReader *r = log_reader_new(file, &err);
    if (!r) {
        tool_fail(err);
    }
    return r;
}

uint64_t tool_good_bytes(const LogReader *r)
{
    const GArray *chunks = log_reader_chunks(r);
    if (!chunks->len) {
        return LOG_HEADER_BYTES + strlen(log_reader_identity(r));
    }
    const LogChunk *c = &g_array_index(chunks, LogChunk, chunks->len - 1);
    return c->offset + (c->tail ? 0 : LOG_CHUNK_BYTES) + c->bytes;
}

char *tool_quote(const char *const *argv)
{
    GString *out = g_string_new(NULL);
    for (; *argv; argv++) {
        /* Words that need no quotes are easier to read without. */
        static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+.,:/@%";
        bool bare = **argv && !(*argv)[strspn(*argv, plain)];
        g_autofree char *word = bare ? g_strdup(*argv) : g_shell_quote(*argv);
        g_string_append_printf(out, "%s%s", out->len ? " " : "", word);
    }
    return g_string_free(out, FALSE);
}

json_t *tool_json_text(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    return json_string(valid);
}

void tool_print_json(json_t *o)
{
    char *text = json_dumps(o, JSON_INDENT(4));
    printf("%s\n", text);
    free(text);
    json_decref(o);
}

double tool_per_million(uint64_t n, Icount icount)
{
    return icount ? n * 1e6 / icount : 0;
}

/* --- ports ------------------------------------------------------------------ */

static void port_free(void *p)
{
    ToolPort *port = p;
    if (port) {
        g_free(port->kind_name);
        g_free(port->name);
        g_free(port);
    }
}

static int kind_find(const char *name)
{
    for (unsigned i = 0; i < NONDET_KIND_COUNT; i++) {
        const char *known = nondet_kind_name(i);
        if (known && strcmp(known, name) == 0) {
            return i;
        }
    }
    return -1;
}

/* "port NUMBER=KIND NAME"; ORDER identity-port (replay/log/identity.c). */
static ToolPort *port_parse(const char *line)
{
    char *end;
    if (!g_str_has_prefix(line, "port ") || !g_ascii_isdigit(line[5])) {
        return NULL;
    }
    uint64_t number = g_ascii_strtoull(line + 5, &end, 10);
    const char *space = *end == '=' ? strchr(end, ' ') : NULL;
    if (!space || number > UINT16_MAX) {
        return NULL;
    }
    ToolPort *port = g_new0(ToolPort, 1);
    port->number = number;
    port->kind_name = g_strndup(end + 1, space - end - 1);
    port->kind = kind_find(port->kind_name);
    port->name = g_strdup(space + 1);
    return port;
}

GPtrArray *tool_ports(const LogReader *r)
{
    GPtrArray *ports = g_ptr_array_new_with_free_func(port_free);
    g_auto(GStrv) lines = g_strsplit(log_reader_identity(r), "\n", -1);
    for (char **line = lines; *line; line++) {
        ToolPort *port = port_parse(*line);
        if (!port) {
            continue;
        }
        if (port->number >= ports->len) {
            g_ptr_array_set_size(ports, port->number + 1);
        }
        void **slot = &g_ptr_array_index(ports, port->number);
        port_free(*slot);
        *slot = port;
    }
    return ports;
}

const ToolPort *tool_port_find(const GPtrArray *ports, unsigned number)
{
    return number < ports->len ? g_ptr_array_index(ports, number) : NULL;
}

char *tool_printable(const char *text)
{
    GString *out = g_string_new(NULL);
    for (; *text; text++) {
        bool plain = (uint8_t)*text >= ' ' && *text != 0x7f;
        g_string_append_printf(out, plain ? "%c" : "\\x%02x",
                               (uint8_t)*text);
    }
    return g_string_free(out, FALSE);
}
