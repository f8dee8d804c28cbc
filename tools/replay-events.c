/*
 * reprise-replay events and trace: what is in a recording as JSON, a line an
 * event, and as a trace that Perfetto and Chrome's about:tracing draw.
 *
 * A recording holds causes (DESIGN: the boundary): what came from outside,
 * host errors, snapshots and digests. Interrupts, exceptions and requests to
 * disks follow from them and are seen by running a replay, not by reading.
 */
#include <string.h>

#include "replay-tool.h"

/* ORDER log-op (replay/log/log-format.h) */
static const char *const op_names[] = { "post", "pull", "rare", "warp" };
/* ORDER log-warp */
static const char *const warp_names[] = { "time", "fired", "events" };

/* A thing to be told of, in the order of the log. */
typedef struct Item {
    Icount icount;
    const char *what;      /* "input", "digest", "snapshot", "end" */
    const char *track;     /* of the trace: the port's name, or as `what` */
    const LogEvent *event; /* or NULL */
    const ToolPort *port;  /* of the event, or NULL */
    const char *name;      /* of a snapshot, or why it ended */
    uint64_t digest;
} Item;

typedef struct Walk {
    LogReader *r;
    GPtrArray *ports;
    const ToolArgs *args;
    void (*tell)(struct Walk *w, const Item *item);
    FILE *out;
    unsigned mark;         /* of those in front */
    uint64_t told;
    GHashTable *tracks;    /* of a trace: number + 1, by name */
} Walk;

static void tell(Walk *w, const Item *item)
{
    if (item->icount >= w->args->from && item->icount <= w->args->to) {
        w->tell(w, item);
        w->told++;
    }
}

/* --- walking ------------------------------------------------------------ */

static void tell_event(Walk *w, const LogEvent *e)
{
    const ToolPort *port = e->op == LOG_WARP ? NULL :
                           tool_port_find(w->ports, e->port);
    Item item = { .icount = e->icount, .what = "input", .event = e,
                  .port = port, .track = port ? port->name : "clock" };
    tell(w, &item);
}

static bool walk_events(Walk *w, const LogChunk *chunk, Error **errp)
{
    LogCursor c;
    if (!log_reader_seek(w->r, chunk->position, &c, errp)) {
        return false;
    }
    for (uint32_t i = 0; i < chunk->events; i++) {
        LogEvent e;
        if (log_read_event(w->r, &c, &e, errp) != LOG_NEXT_OK) {
            return false;
        }
        tell_event(w, &e);
    }
    return true;
}

static bool walk_digest(Walk *w, const LogChunk *chunk, Error **errp)
{
    Digest d = { 0 };
    if (!log_reader_digest(w->r, chunk->first, &d, errp)) {
        return false;
    }
    Item item = { .icount = chunk->first, .what = "digest", .track = "digest",
                  .digest = d.total };
    tell(w, &item);
    digest_clear(&d);
    return true;
}

static bool walk_chunk(Walk *w, const LogChunk *c, Error **errp)
{
    Item item = { .icount = c->first };
    const LogMark *m;
    switch (c->type) {
    case LOG_CHUNK_EVENTS:
        return walk_events(w, c, errp);
    case LOG_CHUNK_DIGEST:
        return walk_digest(w, c, errp);
    case LOG_CHUNK_MARK:
        m = g_ptr_array_index(log_reader_marks(w->r), w->mark++);
        item.what = item.track = "snapshot";
        item.name = m->name;
        break;
    case LOG_CHUNK_END:
        item.what = item.track = "end";
        item.name = log_reader_end_reason(w->r);
        break;
    default:
        return true;
    }
    tell(w, &item);
    return true;
}

/* All of the log as far as it makes sense; the exit status. */
static int walk(Walk *w)
{
    Error *err = NULL, *damage = NULL;
    w->r = log_reader_open(w->args->file, &damage, &err);
    if (!w->r) {
        return tool_fail(err);
    }
    w->ports = tool_ports(w->r);
    const GArray *chunks = log_reader_chunks(w->r);
    for (guint i = 0; i < chunks->len && !err; i++) {
        (void)walk_chunk(w, &g_array_index(chunks, LogChunk, i), &err);
    }
    g_ptr_array_free(w->ports, TRUE);
    log_reader_free(w->r);
    if (err) {
        error_free(damage);
        damage = err;
    }
    return damage ? tool_fail(damage) : STATUS_GOOD;
}

/* --- JSON --------------------------------------------------------------- */

static char *hex(const uint8_t *data, uint32_t len)
{
    GString *s = g_string_sized_new(2 * (gsize)len);
    for (uint32_t i = 0; i < len; i++) {
        g_string_append_printf(s, "%02x", data[i]);
    }
    return g_string_free(s, FALSE);
}

static void event_fill(json_t *o, const LogEvent *e, const ToolPort *port)
{
    json_object_set_new(o, "op", json_string(op_names[e->op]));
    if (e->op == LOG_WARP) {
        json_object_set_new(o, "until", json_string(
            e->port < WARP_KINDS ? warp_names[e->port] : "?"));
        json_object_set_new(o, "value", json_integer(e->aux));
        return;
    }
    json_object_set_new(o, "port", port ? tool_json_text(port->name)
                                        : json_integer(e->port));
    if (port && port->kind_name) {
        json_object_set_new(o, "kind", tool_json_text(port->kind_name));
    }
    if (e->op == LOG_RARE) {
        json_object_set_new(o, "call", json_integer(e->aux));
    }
    g_autofree char *data = hex(e->data, e->len);
    json_object_set_new(o, "data", json_string(data));
}

static json_t *item_json(const Item *item)
{
    json_t *o = json_object();
    json_object_set_new(o, "icount", json_integer(item->icount));
    json_object_set_new(o, "what", json_string(item->what));
    if (item->event) {
        event_fill(o, item->event, item->port);
    }
    if (item->name) {
        json_object_set_new(o, "name", tool_json_text(item->name));
    }
    if (strcmp(item->what, "digest") == 0) {
        g_autofree char *total = g_strdup_printf(
            "%016" G_GINT64_MODIFIER "x", item->digest);
        json_object_set_new(o, "total", json_string(total));
    }
    return o;
}

static void tell_json(Walk *w, const Item *item)
{
    json_t *o = item_json(item);
    json_dumpf(o, w->out, JSON_COMPACT);
    fputc('\n', w->out);
    json_decref(o);
}

static void tell_text(Walk *w, const Item *item)
{
    g_autoptr(GString) line = g_string_new(NULL);
    if (item->event) {
        log_event_print(item->event, line);
    } else {
        g_autofree char *name = item->name ? tool_printable(item->name)
                                           : NULL;
        g_string_printf(line, "%" G_GUINT64_FORMAT " %s%s%s\n", item->icount,
                        item->what, name ? " " : "", name ? name : "");
    }
    fputs(line->str, w->out);
}

int tool_events(const ToolArgs *a)
{
    Walk w = { .args = a, .tell = a->json ? tell_json : tell_text,
               .out = stdout };
    return walk(&w);
}

/* --- the trace ---------------------------------------------------------- */

/* The number of a track, which is named when it is first used. */
static int track_of(Walk *w, const char *name)
{
    int n = GPOINTER_TO_INT(g_hash_table_lookup(w->tracks, name));
    if (n) {
        return n;
    }
    n = g_hash_table_size(w->tracks) + 1;
    g_hash_table_insert(w->tracks, g_strdup(name), GINT_TO_POINTER(n));
    json_t *o = json_pack("{s:s, s:s, s:i, s:i, s:{s:o}}", "name",
                          "thread_name", "ph", "M", "pid", 1, "tid", n,
                          "args", "name", tool_json_text(name));
    json_dumpf(o, w->out, JSON_COMPACT);
    fputs(",\n", w->out);
    json_decref(o);
    return n;
}

/* An instant: a microsecond of the drawing is an instruction. */
static void tell_trace(Walk *w, const Item *item)
{
    int track = track_of(w, item->track);
    json_t *args = item_json(item);
    const char *name = item->port && item->port->kind_name ?
                       item->port->kind_name : item->event ? "warp" :
                       item->what;
    json_t *o = json_pack("{s:o, s:s, s:s, s:s, s:i, s:i, s:I, s:o}", "name",
                          tool_json_text(name), "cat", item->what, "ph", "i",
                          "s", "t", "pid", 1, "tid", track, "ts",
                          (json_int_t)item->icount, "args", args);
    json_dumpf(o, w->out, JSON_COMPACT);
    fputs(",\n", w->out);
    json_decref(o);
}

/* The file is there when it is whole. */
static int trace_finish(FILE *out, const char *part, const char *name,
                        int status)
{
    bool good = fflush(out) == 0 && !ferror(out);
    good = fclose(out) == 0 && good;
    if (good && status == STATUS_GOOD && rename(part, name) == 0) {
        return STATUS_GOOD;
    }
    if (status == STATUS_GOOD) {
        error_report("Could not write '%s'", name);
    }
    remove(part);
    return STATUS_BAD;
}

int tool_trace(const ToolArgs *a)
{
    g_autofree char *name = a->out ? g_strdup(a->out) :
                            g_strconcat(a->file, ".json", NULL);
    g_autofree char *part = g_strconcat(name, ".part", NULL);
    if (!a->force && g_file_test(name, G_FILE_TEST_EXISTS)) {
        error_report("'%s' exists; --force overwrites it", name);
        return STATUS_BAD;
    }
    Walk w = { .args = a, .tell = tell_trace, .out = fopen(part, "w") };
    if (!w.out) {
        error_report("Could not create '%s'", part);
        return STATUS_BAD;
    }
    w.tracks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    fputs("{\"otherData\":{\"made-by\":\"reprise-replay " REPRISE_VERSION
          "\",\"ts\":\"a microsecond is an instruction\"},\n"
          "\"traceEvents\":[\n", w.out);
    int status = walk(&w);
    fputs("{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":1,\"args\":"
          "{\"name\":\"recording\"}}\n]}\n", w.out);
    g_hash_table_unref(w.tracks);
    status = trace_finish(w.out, part, name, status);
    if (status == STATUS_GOOD && !a->quiet) {
        printf("%s: %" G_GUINT64_FORMAT " events\n", name, w.told);
    }
    return status;
}
