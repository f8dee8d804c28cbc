/*
 * A log as text, for reprise-replay, for tests and for the curious.
 */
#include "internal.h"

static const char *const chunk_names[] = { "?", "events", "digest", "mark",
                                           "end", "command", "parent",
                                           "recording" };

typedef struct Dump {
    LogReader *r;
    Icount from, to;
    unsigned mark;         /* of those in front */
    FILE *out;
} Dump;

static bool dump_events(const Dump *d, const LogChunk *chunk, Error **errp)
{
    LogCursor c;
    if (!log_reader_seek(d->r, chunk->position, &c, errp)) {
        return false;
    }
    for (uint32_t i = 0; i < chunk->events; i++) {
        LogEvent e;
        if (log_read_event(d->r, &c, &e, errp) != LOG_NEXT_OK) {
            return false;
        }
        if (e.icount >= d->from && e.icount <= d->to) {
            g_autoptr(GString) line = g_string_new("  ");
            log_event_print(&e, line);
            fputs(line->str, d->out);
        }
    }
    return true;
}

static bool dump_digest(const Dump *d, const LogChunk *chunk, Error **errp)
{
    Digest digest = { 0 };
    if (!log_reader_digest(d->r, chunk->first, &digest, errp)) {
        return false;
    }
    fprintf(d->out, "  total %016" G_GINT64_MODIFIER "x, %u sections\n",
            digest.total, digest.sections->len);
    digest_clear(&digest);
    return true;
}

static void dump_command(const Dump *d)
{
    fprintf(d->out, "  in %s:", log_reader_folder(d->r));
    for (const char *const *a = log_reader_argv(d->r); *a; a++) {
        g_autofree char *word = g_shell_quote(*a);
        fprintf(d->out, " %s", word);
    }
    fputc('\n', d->out);
}

static void dump_recording(const Dump *d)
{
    const uint8_t *id = log_reader_recording(d->r);
    fputs("  ", d->out);
    for (unsigned i = 0; i < LOG_RECORDING_BYTES; i++) {
        fprintf(d->out, "%02x", id[i]);
    }
    fputc('\n', d->out);
}

static bool dump_chunk(const Dump *d, const LogChunk *c, Error **errp)
{
    fprintf(d->out, "%s at byte %" G_GUINT64_FORMAT ": %u bytes, %u events "
            "from %" G_GUINT64_FORMAT ", icount %" G_GUINT64_FORMAT " to %"
            G_GUINT64_FORMAT "\n", c->tail ? "tail" : chunk_names[c->type], c->offset, c->bytes,
            c->events, c->position, c->first, c->last);
    const LogMark *m;
    switch (c->type) {
    case LOG_CHUNK_EVENTS:
        return dump_events(d, c, errp);
    case LOG_CHUNK_DIGEST:
        return dump_digest(d, c, errp);
    case LOG_CHUNK_MARK:
        m = g_ptr_array_index(log_reader_marks(d->r), d->mark);
        fprintf(d->out, "  snapshot '%s'%s\n", m->name,
                m->at_boundary ? "" : " amid a boundary");
        return true;
    case LOG_CHUNK_COMMAND:
        dump_command(d);
        return true;
    case LOG_CHUNK_PARENT:
        fprintf(d->out, "  '%s' until icount %" G_GUINT64_FORMAT "\n",
                log_reader_parent(d->r)->file, log_reader_parent(d->r)->icount);
        return true;
    case LOG_CHUNK_RECORDING:
        dump_recording(d);
        return true;
    case LOG_CHUNK_END:
        fprintf(d->out, "  %s\n", log_reader_end_reason(d->r));
        return true;
    }
    return true;
}

bool log_dump(LogReader *r, Icount from, Icount to, FILE *out, Error **errp)
{
    const GArray *chunks = log_reader_chunks(r);
    Dump d = { .r = r, .from = from, .to = to, .out = out };
    for (guint i = 0; i < chunks->len; i++) {
        const LogChunk *c = &g_array_index(chunks, LogChunk, i);
        bool wanted = c->last >= from && c->first <= to;
        if (wanted && !dump_chunk(&d, c, errp)) {
            return false;
        }
        d.mark += c->type == LOG_CHUNK_MARK;
    }
    return true;
}

bool replay_log_dump(const char *path, FILE *out, Error **errp)
{
    Error *damage = NULL;
    LogReader *r = log_reader_open(path, &damage, errp);
    if (!r) {
        return false;
    }
    fputs(log_reader_identity(r), out);
    bool ok = log_dump(r, 0, ICOUNT_NONE, out, errp);
    if (ok && damage) {
        error_propagate(errp, damage);
        damage = NULL;
        ok = false;
    } else if (ok && !log_reader_complete(r)) {
        fprintf(out, "cut off after icount %" G_GUINT64_FORMAT "\n",
                log_reader_end(r));
    }
    error_free(damage);
    log_reader_free(r);
    return ok;
}
