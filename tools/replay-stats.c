/*
 * reprise-replay stats: where a recording's bytes and events come from.
 */
#include "replay-tool.h"

typedef struct Count {
    uint64_t events, bytes;    /* bytes: of payload */
} Count;

typedef struct Stats {
    LogReader *r;
    GPtrArray *ports;
    Count *counts;             /* UINT16_MAX + 1, by port */
    Count warps;
    Icount quiet_from, quiet_to;
    struct {
        uint64_t chunks, stored, raw;
    } types[LOG_CHUNK_RECORDING + 1];
} Stats;

/* --- counting ------------------------------------------------------------------- */

static void count_quiet(Stats *s, Icount from, Icount to)
{
    if (to - from > s->quiet_to - s->quiet_from) {
        s->quiet_from = from;
        s->quiet_to = to;
    }
}

static bool count_events(Stats *s, Error **errp)
{
    LogCursor c = { 0 };
    LogEvent e;
    LogNext next;
    Icount before = 0;
    while ((next = log_read_event(s->r, &c, &e, errp)) == LOG_NEXT_OK) {
        Count *count = e.op == LOG_WARP ? &s->warps : &s->counts[e.port];
        count->events++;
        count->bytes += e.len;
        count_quiet(s, before, e.icount);
        before = e.icount;
    }
    if (next == LOG_NEXT_END) {
        count_quiet(s, before, log_reader_end(s->r));
    }
    return next == LOG_NEXT_END;
}

static void count_chunks(Stats *s)
{
    const GArray *chunks = log_reader_chunks(s->r);
    for (guint i = 0; i < chunks->len; i++) {
        const LogChunk *c = &g_array_index(chunks, LogChunk, i);
        s->types[c->type].chunks++;
        s->types[c->type].stored += LOG_CHUNK_BYTES + c->bytes;
        s->types[c->type].raw += c->raw_bytes;
    }
}

/* --- printing ------------------------------------------------------------------- */

/* ORDER log-chunk-type (replay/log/log-format.h) */
static const char *const type_names[] = { NULL, "events", "digest", "mark",
                                          "end", "command",
                                          "parent", "recording" };
G_STATIC_ASSERT(G_N_ELEMENTS(type_names) == LOG_CHUNK_RECORDING + 1);

static double rate(const Stats *s)
{
    return tool_per_million(log_reader_events(s->r), log_reader_end(s->r));
}

static void print_row(const char *kind, const char *name, const Count *c)
{
    printf("%-14s %-24s %12" G_GUINT64_FORMAT " %14" G_GUINT64_FORMAT "\n",
           kind, name, c->events, c->bytes);
}

static void stats_human(const Stats *s)
{
    printf("%-14s %-24s %12s %14s\n", "KIND", "PORT", "EVENTS", "BYTES");
    for (unsigned i = 0; i <= UINT16_MAX; i++) {
        const ToolPort *p = tool_port_find(s->ports, i);
        if (p || s->counts[i].events) {
            print_row(p ? p->kind_name : "?", p ? p->name : "?",
                      &s->counts[i]);
        }
    }
    print_row("warp", "-", &s->warps);
    printf("\n%-14s %10s %14s %14s\n", "CHUNKS", "NUMBER", "STORED", "RAW");
    for (unsigned t = 1; t < G_N_ELEMENTS(type_names); t++) {
        printf("%-14s %10" G_GUINT64_FORMAT " %14" G_GUINT64_FORMAT " %14"
               G_GUINT64_FORMAT "\n", type_names[t], s->types[t].chunks,
               s->types[t].stored, s->types[t].raw);
    }
    printf("\ninstructions: %" G_GUINT64_FORMAT "\nevents per million "
           "instructions: %.3f\nlongest without events: %" G_GUINT64_FORMAT
           " instructions (from icount %" G_GUINT64_FORMAT " to %"
           G_GUINT64_FORMAT ")\n", log_reader_end(s->r), rate(s),
           s->quiet_to - s->quiet_from, s->quiet_from, s->quiet_to);
}

static json_t *ports_json(const Stats *s)
{
    json_t *list = json_array();
    for (unsigned i = 0; i <= UINT16_MAX; i++) {
        const ToolPort *p = tool_port_find(s->ports, i);
        if (p || s->counts[i].events) {
            json_array_append_new(list, json_pack(
                "{s:i, s:o, s:o, s:I, s:I}", "port", (int)i,
                "kind", tool_json_text(p ? p->kind_name : "?"),
                "name", tool_json_text(p ? p->name : "?"),
                "events", (json_int_t)s->counts[i].events,
                "bytes", (json_int_t)s->counts[i].bytes));
        }
    }
    return list;
}

static json_t *types_json(const Stats *s)
{
    json_t *o = json_object();
    for (unsigned t = 1; t < G_N_ELEMENTS(type_names); t++) {
        json_object_set_new(o, type_names[t], json_pack(
            "{s:I, s:I, s:I}", "number", (json_int_t)s->types[t].chunks,
            "stored", (json_int_t)s->types[t].stored,
            "raw", (json_int_t)s->types[t].raw));
    }
    return o;
}

static void stats_json(const Stats *s)
{
    tool_print_json(json_pack(
        "{s:o, s:o, s:I, s:o, s:I, s:f, s:{s:I, s:I}}",
        "filename", tool_json_text(log_reader_path(s->r)),
        "ports", ports_json(s), "warps", (json_int_t)s->warps.events,
        "chunks", types_json(s),
        "instructions", (json_int_t)log_reader_end(s->r),
        "events-per-million-instructions", rate(s), "longest-quiet",
        "from", (json_int_t)s->quiet_from, "to", (json_int_t)s->quiet_to));
}

int tool_stats(const ToolArgs *a)
{
    Error *err = NULL;
    Stats s = { .r = tool_open(a->file) };
    if (!s.r) {
        return STATUS_BAD;
    }
    s.ports = tool_ports(s.r);
    s.counts = g_new0(Count, UINT16_MAX + 1);
    count_chunks(&s);
    int status = count_events(&s, &err) ? STATUS_GOOD : tool_fail(err);
    if (status == STATUS_GOOD) {
        (a->json ? stats_json : stats_human)(&s);
    }
    g_free(s.counts);
    g_ptr_array_free(s.ports, TRUE);
    log_reader_free(s.r);
    return status;
}
