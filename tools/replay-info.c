/*
 * reprise-replay info: what a recording is of and how far it goes.
 */
#include "replay-tool.h"

static unsigned count_chunks(const LogReader *r, LogChunkType type)
{
    const GArray *chunks = log_reader_chunks(r);
    unsigned n = 0;
    for (guint i = 0; i < chunks->len; i++) {
        n += g_array_index(chunks, LogChunk, i).type == type;
    }
    return n;
}

/* --- text --------------------------------------------------------------------- */

static void print_end(const LogReader *r)
{
    if (log_reader_complete(r)) {
        printf("complete: yes\nend: icount %" G_GUINT64_FORMAT " (%s)\n",
               log_reader_end(r), log_reader_end_reason(r));
        return;
    }
    uint64_t good = tool_good_bytes(r);
    printf("complete: no, cut off at byte %" G_GUINT64_FORMAT " (%"
           G_GUINT64_FORMAT " bytes of an unfinished chunk follow)\n"
           "end: good until icount %" G_GUINT64_FORMAT "\n", good,
           log_reader_bytes(r) - good, log_reader_end(r));
}

static void print_marks(const LogReader *r)
{
    const GPtrArray *marks = log_reader_marks(r);
    printf("snapshots: %u\n", marks->len);
    for (guint i = 0; i < marks->len; i++) {
        const LogMark *m = g_ptr_array_index(marks, i);
        printf("    %s at icount %" G_GUINT64_FORMAT "\n", m->name,
               m->icount);
    }
}

static void print_command(const LogReader *r)
{
    if (!log_reader_argv(r)) {
        printf("command: not recorded\n");
        return;
    }
    g_autofree char *text = tool_quote(log_reader_argv(r));
    printf("command: %s\nfolder: %s\n", text, log_reader_folder(r));
}

static void print_identity(const LogReader *r)
{
    g_auto(GStrv) lines = g_strsplit(log_reader_identity(r), "\n", -1);
    printf("machine:\n");
    for (char **line = lines; *line; line++) {
        if (**line) {
            printf("    %s\n", *line);
        }
    }
}

static void info_human(const LogReader *r)
{
    printf("recording: %s\nlog version: %u\nfile size: %" G_GUINT64_FORMAT
           " bytes\n", log_reader_path(r), log_reader_version(r),
           log_reader_bytes(r));
    print_command(r);
    if (log_reader_parent(r)) {
        printf("parent: %s until icount %" G_GUINT64_FORMAT "\n",
               log_reader_parent(r)->file, log_reader_parent(r)->icount);
    }
    print_end(r);
    printf("chunks: %u\nevents: %" G_GUINT64_FORMAT "\ndigests: %u\n",
           log_reader_chunks(r)->len, log_reader_events(r),
           count_chunks(r, LOG_CHUNK_DIGEST));
    print_marks(r);
    printf("bytes per million instructions: %.3f\n",
           tool_per_million(log_reader_bytes(r), log_reader_end(r)));
    print_identity(r);
}

/* --- JSON --------------------------------------------------------------------- */

static json_t *marks_json(const LogReader *r)
{
    json_t *list = json_array();
    const GPtrArray *marks = log_reader_marks(r);
    for (guint i = 0; i < marks->len; i++) {
        const LogMark *m = g_ptr_array_index(marks, i);
        json_array_append_new(list, json_pack(
            "{s:o, s:I, s:I}", "name", tool_json_text(m->name), "icount",
            (json_int_t)m->icount, "position", (json_int_t)m->position));
    }
    return list;
}

static json_t *lines_json(const char *text)
{
    json_t *list = json_array();
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        if (**line) {
            json_array_append_new(list, tool_json_text(*line));
        }
    }
    return list;
}

static void add_command(json_t *o, const LogReader *r)
{
    const char *const *argv = log_reader_argv(r);
    if (!argv) {
        return;
    }
    json_t *list = json_array();
    for (; *argv; argv++) {
        json_array_append_new(list, tool_json_text(*argv));
    }
    json_object_set_new(o, "command", list);
    json_object_set_new(o, "folder", tool_json_text(log_reader_folder(r)));
}

static void info_json(const LogReader *r)
{
    json_t *o = json_pack(
        "{s:o, s:i, s:I, s:b, s:I, s:I, s:i, s:I, s:i, s:f}",
        "filename", tool_json_text(log_reader_path(r)),
        "version", (int)log_reader_version(r),
        "file-size", (json_int_t)log_reader_bytes(r),
        "complete", log_reader_complete(r),
        "end-icount", (json_int_t)log_reader_end(r),
        "good-bytes", (json_int_t)tool_good_bytes(r),
        "chunks", (int)log_reader_chunks(r)->len,
        "events", (json_int_t)log_reader_events(r),
        "digests", (int)count_chunks(r, LOG_CHUNK_DIGEST),
        "bytes-per-million-instructions",
        tool_per_million(log_reader_bytes(r), log_reader_end(r)));
    if (log_reader_complete(r)) {
        json_object_set_new(o, "end-reason",
                            tool_json_text(log_reader_end_reason(r)));
    }
    json_object_set_new(o, "snapshots", marks_json(r));
    json_object_set_new(o, "identity", lines_json(log_reader_identity(r)));
    add_command(o, r);
    if (log_reader_parent(r)) {
        const LogParent *p = log_reader_parent(r);
        json_object_set_new(o, "parent", tool_json_text(p->file));
        json_object_set_new(o, "parent-icount",
                            json_integer((json_int_t)p->icount));
    }
    tool_print_json(o);
}

int tool_info(const ToolArgs *a)
{
    LogReader *r = tool_open(a->file);
    if (!r) {
        return STATUS_BAD;
    }
    if (a->json) {
        info_json(r);
    } else {
        info_human(r);
    }
    log_reader_free(r);
    return STATUS_GOOD;
}
