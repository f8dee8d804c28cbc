/*
 * A log as text, for tests and for the curious.
 */
#include "internal.h"

static const char *const chunk_names[] = { "?", "events", "digest", "mark",
                                           "end", "command" };

static bool dump_events(LogReader *r, const LogChunk *chunk, FILE *out,
                        Error **errp)
{
    LogCursor c;
    if (!log_reader_seek(r, chunk->position, &c, errp)) {
        return false;
    }
    for (uint32_t i = 0; i < chunk->events; i++) {
        LogEvent e;
        if (log_read_event(r, &c, &e, errp) != LOG_NEXT_OK) {
            return false;
        }
        g_autoptr(GString) line = g_string_new("  ");
        log_event_print(&e, line);
        fputs(line->str, out);
    }
    return true;
}

static bool dump_digest(LogReader *r, const LogChunk *chunk, FILE *out,
                        Error **errp)
{
    Digest d = { 0 };
    if (!log_reader_digest(r, chunk->first, &d, errp)) {
        return false;
    }
    fprintf(out, "  total %016" G_GINT64_MODIFIER "x, %u sections\n", d.total,
            d.sections->len);
    digest_clear(&d);
    return true;
}

static void dump_command(const LogReader *r, FILE *out)
{
    fprintf(out, "  in %s:", log_reader_folder(r));
    for (const char *const *a = log_reader_argv(r); *a; a++) {
        g_autofree char *word = g_shell_quote(*a);
        fprintf(out, " %s", word);
    }
    fputc('\n', out);
}

static bool dump_chunk(LogReader *r, const LogChunk *c, unsigned *mark,
                       FILE *out, Error **errp)
{
    fprintf(out, "%s at byte %" G_GUINT64_FORMAT ": %u bytes, %u events from "
            "%" G_GUINT64_FORMAT ", icount %" G_GUINT64_FORMAT " to %"
            G_GUINT64_FORMAT "\n", chunk_names[c->type], c->offset, c->bytes,
            c->events, c->position, c->first, c->last);
    const LogMark *m;
    switch (c->type) {
    case LOG_CHUNK_EVENTS:
        return dump_events(r, c, out, errp);
    case LOG_CHUNK_DIGEST:
        return dump_digest(r, c, out, errp);
    case LOG_CHUNK_MARK:
        m = g_ptr_array_index(log_reader_marks(r), (*mark)++);
        fprintf(out, "  snapshot '%s'%s\n", m->name,
                m->at_boundary ? "" : " amid a boundary");
        return true;
    case LOG_CHUNK_COMMAND:
        dump_command(r, out);
        return true;
    case LOG_CHUNK_END:
        fprintf(out, "  %s\n", log_reader_end_reason(r));
        return true;
    }
    return true;
}

bool replay_log_dump(const char *path, FILE *out, Error **errp)
{
    LogReader *r = log_reader_new(path, errp);
    if (!r) {
        return false;
    }
    fputs(log_reader_identity(r), out);
    const GArray *chunks = log_reader_chunks(r);
    bool ok = true;
    unsigned mark = 0;
    for (guint i = 0; ok && i < chunks->len; i++) {
        ok = dump_chunk(r, &g_array_index(chunks, LogChunk, i), &mark, out,
                        errp);
    }
    if (ok && !log_reader_complete(r)) {
        fprintf(out, "cut off after icount %" G_GUINT64_FORMAT "\n",
                log_reader_end(r));
    }
    log_reader_free(r);
    return ok;
}
