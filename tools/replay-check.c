/*
 * reprise-replay dump and verify: what is in a recording, and whether it makes
 * sense. Both go on to what can still be read of a damaged one.
 */
#include <string.h>

#include "replay-tool.h"

/* --- dump ---------------------------------------------------------------------- */

int tool_dump(const ToolArgs *a)
{
    Error *err = NULL, *damage = NULL;
    LogReader *r = log_reader_open(a->file, &damage, &err);
    if (!r) {
        return tool_fail(err);
    }
    if (a->from == 0) {
        fputs(log_reader_identity(r), stdout);
    }
    if (!log_dump(r, a->from, a->to, stdout, &err)) {
        error_free(damage);
        damage = err;
    }
    if (!damage && !log_reader_complete(r) && a->to >= log_reader_end(r)) {
        printf("cut off after icount %" G_GUINT64_FORMAT "\n",
               log_reader_end(r));
    }
    log_reader_free(r);
    fflush(stdout);
    return damage ? tool_fail(damage) : STATUS_GOOD;
}

/* --- verify -------------------------------------------------------------------- */

typedef struct Verify {
    LogReader *r;
    GPtrArray *ports;
    unsigned sections;     /* as many numbers has a digest */
    unsigned problems;
} Verify;

static void problem(Verify *v, uint64_t offset, const char *what)
{
    error_report("'%s' is damaged at byte %" G_GUINT64_FORMAT ": %s",
                 log_reader_path(v->r), offset, what);
    v->problems++;
}

/* Takes an error as a problem. */
static void problem_take(Verify *v, Error *err)
{
    if (err) {
        tool_fail(err);
        v->problems++;
    }
}

/* The lengths that payloads of some kinds must have; 0: any. */
static unsigned payload_bytes(int kind)
{
    switch (kind) {
    case NONDET_RTC_BASE:
    case NONDET_SEED:
        return 8;
    case NONDET_BLOCK_ERROR:
        return 4;
    case NONDET_SHIFT:
        return 1;
    default:
        return 0;
    }
}

/* What is wrong with an event, or NULL. Kinds that this program does not know
 * can be anything. */
static const char *event_wrong(const Verify *v, const LogEvent *e)
{
    if (e->op == LOG_WARP) {
        return e->port >= WARP_KINDS ? "a warp of an unknown kind" : NULL;
    }
    const ToolPort *port = tool_port_find(v->ports, e->port);
    if (!port) {
        return "an event of a port that the identity does not name";
    }
    unsigned bytes = payload_bytes(port->kind);
    if (bytes && e->len != bytes) {
        return "an event of a length that its kind cannot have";
    }
    bool rare = port->kind == NONDET_BLOCK_ERROR;
    bool pull = port->kind == NONDET_RTC_BASE || port->kind == NONDET_SEED;
    LogOp op = rare ? LOG_RARE : pull ? LOG_PULL : LOG_POST;
    return port->kind >= 0 && op != e->op
               ? "an event of another shape than its kind's" : NULL;
}

static void verify_events(Verify *v, const LogChunk *chunk)
{
    Error *err = NULL;
    LogCursor c;
    if (!chunk->events) {
        if (chunk->raw_bytes) {
            problem(v, chunk->offset, "a chunk holds more than it says");
        }
        return;
    }
    if (!log_reader_seek(v->r, chunk->position, &c, &err)) {
        problem_take(v, err);
        return;
    }
    const char *wrong = NULL;
    for (uint32_t i = 0; i < chunk->events; i++) {
        LogEvent e;
        if (log_read_event(v->r, &c, &e, &err) != LOG_NEXT_OK) {
            problem_take(v, err);
            return;
        }
        wrong = wrong ? wrong : event_wrong(v, &e);
    }
    if (wrong) {
        problem(v, chunk->offset, wrong);
    }
}

static void verify_digest(Verify *v, const LogChunk *chunk)
{
    Error *err = NULL;
    Digest d = { 0 };
    if (!log_reader_digest(v->r, chunk->first, &d, &err)) {
        problem_take(v, err);
        return;
    }
    if (d.sections->len != v->sections) {
        problem(v, chunk->offset,
                "a digest of other state tables than the identity's");
    }
    digest_clear(&d);
}

static void verify_chunk(Verify *v, const LogChunk *c)
{
    Error *err = NULL;
    g_autofree uint8_t *raw = log_reader_inflate(v->r, c, &err);
    if (!raw) {
        problem_take(v, err);
    } else if (c->type == LOG_CHUNK_EVENTS) {
        verify_events(v, c);
    } else if (c->type == LOG_CHUNK_DIGEST) {
        verify_digest(v, c);
    }
    /* The others were decoded when the log was opened. */
}

static unsigned count_sections(const char *identity)
{
    unsigned n = 0;
    g_auto(GStrv) lines = g_strsplit(identity, "\n", -1);
    for (char **line = lines; *line; line++) {
        n += g_str_has_prefix(*line, "section ");
    }
    return n;
}

/* Says how it went; the exit status. */
static int verdict(const Verify *v, bool quiet)
{
    const LogReader *r = v->r;
    const char *file = log_reader_path(r);
    uint64_t good = tool_good_bytes(r);
    if (v->problems) {
        return STATUS_BAD;
    }
    if (!log_reader_complete(r)) {
        error_report("'%s' was cut off at byte %" G_GUINT64_FORMAT
                     ": it is good until icount %" G_GUINT64_FORMAT, file,
                     good, log_reader_end(r));
        return STATUS_CUT_OFF;
    }
    if (!quiet) {
        printf("%s: good, %u chunks, %" G_GUINT64_FORMAT " events, end at "
               "icount %" G_GUINT64_FORMAT " (%s)\n", file,
               log_reader_chunks(r)->len, log_reader_events(r),
               log_reader_end(r), log_reader_end_reason(r));
    }
    return STATUS_GOOD;
}

int tool_verify(const ToolArgs *a)
{
    Error *err = NULL, *damage = NULL;
    Verify v = { .r = log_reader_open(a->file, &damage, &err) };
    if (!v.r) {
        return tool_fail(err);
    }
    v.ports = tool_ports(v.r);
    v.sections = count_sections(log_reader_identity(v.r));
    const GArray *chunks = log_reader_chunks(v.r);
    for (guint i = 0; i < chunks->len; i++) {
        verify_chunk(&v, &g_array_index(chunks, LogChunk, i));
    }
    problem_take(&v, damage);
    int status = verdict(&v, a->quiet);
    g_ptr_array_free(v.ports, TRUE);
    log_reader_free(v.r);
    return status;
}
