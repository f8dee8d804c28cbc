/*
 * reprise-replay pack: a recording and all that its replay reads, in one file.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "io/image.h"
#include "replay-pack.h"
#include "svc/snapshot.h"

/* --- are these the files that were recorded? ---------------------------------------- */

static bool changed(const PackFile *f, Error **errp)
{
    error_set(errp, "'%s' is not what was recorded any more; a replay would "
              "refuse it", f->source);
    return false;
}

/* "bios=DIGEST NAME" and the like, whose keys are also roles: digest and name
 * are those of the file. */
static bool check_bytes(const LogReader *r, const char *key,
                        const PackFile *f, Error **errp)
{
    g_autofree char *value = pack_identity_value(r, key);
    g_autofree char *base = g_path_get_basename(f->path);
    char *end;
    if (!value) {
        return true;
    }
    if (g_ascii_strtoull(value, &end, 16) != f->digest) {
        return changed(f, errp);
    }
    if (*end == ' ' && strcmp(end + 1, base) != 0) {
        error_set(errp, "'%s' cannot be packed: the machine's identity has "
                  "its name, '%s'", f->source, end + 1);
        return false;
    }
    return true;
}

/* `line` is "ID FORMAT SIZE DIGEST", or ends in "at a snapshot". */
static bool check_disk(PackStart *start, const char *line, const PackFile *f,
                       const ArgvFile *a, Error **errp)
{
    BlockOpenOptions opts = {
        .file = f->source, .format = a->format, .readonly = true,
    };
    uint64_t digest;
    /* Refused while somebody writes it: the pack would be of no moment. */
    BlockDev *b = blockdev_open(&opts, errp);
    if (!b) {
        return false;
    }
    bool at_snapshot = g_str_has_suffix(line, " at a snapshot");
    bool ok = at_snapshot ? pack_start_add(start, b, f, errp)
                          : blockdev_content_digest(b, &digest, errp);
    blockdev_close(b);
    const char *space = at_snapshot ? NULL : strrchr(line, ' ');
    if (ok && space && g_ascii_strtoull(space + 1, NULL, 16) != digest) {
        return changed(f, errp);
    }
    return ok;
}

static const PackFile *named_by(const GPtrArray *files, unsigned argument)
{
    for (guint i = 0; i < files->len; i++) {
        const PackFile *f = g_ptr_array_index(files, i);
        for (guint k = 0; k < f->arguments->len; k++) {
            if (g_array_index(f->arguments, unsigned, k) == argument) {
                return f;
            }
        }
    }
    return NULL;
}

/* Drives are in the identity in the order of the command line. */
static bool check_disks(const LogReader *r, const ArgvNames *names,
                        const GPtrArray *files, Error **errp)
{
    g_auto(GStrv) lines = g_strsplit(log_reader_identity(r), "\n", -1);
    char **line = lines;
    PackStart start = { .name = names->snapshot,
                        .recording = log_reader_recording(r) };
    g_autofree char *aside = start.name && start.recording
        ? snapshot_aside_name(start.name, start.recording) : NULL;
    start.aside = aside;
    for (guint i = 0; i < names->files->len; i++) {
        const ArgvFile *a = g_ptr_array_index(names->files, i);
        const PackFile *f = named_by(files, a->argument);
        if (a->role != ARGV_DISK) {
            continue;
        }
        while (*line && !g_str_has_prefix(*line, "drive=")) {
            line++;
        }
        if (*line && f && !check_disk(&start, *line, f, a, errp)) {
            return false;
        }
        line += *line != NULL;
    }
    return pack_start_end(&start, errp);
}

static bool check_files(const LogReader *r, const ArgvNames *names,
                        const GPtrArray *files, Error **errp)
{
    for (guint i = 1; i < files->len; i++) {
        const PackFile *f = g_ptr_array_index(files, i);
        if (!check_bytes(r, f->role, f, errp)) {
            return false;
        }
    }
    return check_disks(r, names, files, errp);
}

/* --- the manifest --------------------------------------------------------------------- */

static json_t *file_json(const PackFile *f)
{
    json_t *arguments = json_array();
    for (guint i = 0; i < f->arguments->len; i++) {
        unsigned n = g_array_index(f->arguments, unsigned, i);
        json_array_append_new(arguments, json_integer(n));
    }
    g_autofree char *digest =
        g_strdup_printf("%016" G_GINT64_MODIFIER "x", f->digest);
    return json_pack("{s:s, s:s, s:I, s:s, s:o, s:o}", "path", f->path,
                     "role", f->role, "bytes", (json_int_t)f->bytes,
                     "xxh3", digest, "arguments", arguments,
                     "source", tool_json_text(f->source));
}

static char *manifest_text(const LogReader *r, const GPtrArray *files)
{
    json_t *list = json_array();
    for (guint i = 0; i < files->len; i++) {
        json_array_append_new(list, file_json(g_ptr_array_index(files, i)));
    }
    g_autofree char *command = tool_quote(log_reader_argv(r));
    json_t *o = json_pack(
        "{s:s, s:i, s:s, s:o, s:o, s:o}", "format", PACK_FORMAT, "version",
        PACK_VERSION, "made-by", "reprise-replay " REPRISE_VERSION,
        "command", tool_json_text(command),
        "folder", tool_json_text(log_reader_folder(r)), "files", list);
    char *text = json_dumps(o, JSON_INDENT(2));
    json_decref(o);
    return text;
}

/* --- the archive ----------------------------------------------------------------------- */

typedef struct Pack {
    struct archive *a;
    const char *out;
} Pack;

static bool archive_failed(const Pack *p, Error **errp)
{
    error_set(errp, "Could not write '%s': %s", p->out,
              archive_error_string(p->a));
    return false;
}

static bool put_bytes(void *opaque, const uint8_t *data, size_t len,
                      Error **errp)
{
    Pack *p = opaque;
    return archive_write_data(p->a, data, len) == (la_ssize_t)len ||
           archive_failed(p, errp);
}

static struct archive_entry *new_entry(const char *path, uint64_t bytes,
                                       int64_t mtime_sec)
{
    struct archive_entry *e = archive_entry_new();
    archive_entry_set_pathname(e, path);
    archive_entry_set_size(e, bytes);
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_perm(e, 0644);
    archive_entry_set_mtime(e, mtime_sec, 0);
    return e;
}

static bool put_manifest(Pack *p, const char *text, int64_t mtime_sec,
                         Error **errp)
{
    struct archive_entry *e = new_entry(PACK_MANIFEST, strlen(text),
                                        mtime_sec);
    bool ok = archive_write_header(p->a, e) == ARCHIVE_OK;
    archive_entry_free(e);
    return (ok || archive_failed(p, errp)) &&
           put_bytes(p, (const uint8_t *)text, strlen(text), errp);
}

static bool put_file(Pack *p, const PackFile *f, Error **errp)
{
    struct archive_entry *e = new_entry(f->path, f->bytes, f->mtime_sec);
    for (guint i = 0; i < f->extents->len; i++) {
        const PackExtent *x = &g_array_index(f->extents, PackExtent, i);
        archive_entry_sparse_add_entry(e, x->offset, x->bytes);
    }
    if (!f->extents->len && f->bytes) {
        archive_entry_sparse_add_entry(e, 0, 0); /* nothing but a hole */
    }
    bool ok = archive_write_header(p->a, e) == ARCHIVE_OK;
    archive_entry_free(e);
    return (ok || archive_failed(p, errp)) &&
           pack_file_read(f, put_bytes, p, errp);
}

static bool put_all(Pack *p, const LogReader *r, const GPtrArray *files,
                    Error **errp)
{
    const PackFile *log = g_ptr_array_index(files, 0);
    char *manifest = manifest_text(r, files);
    bool ok = put_manifest(p, manifest, log->mtime_sec, errp);
    free(manifest);
    for (guint i = 0; ok && i < files->len; i++) {
        ok = put_file(p, g_ptr_array_index(files, i), errp);
    }
    return ok;
}

/* Writes the pack to fd; zstd where libarchive has it, else gzip. */
static bool write_archive(int fd, const char *out, const LogReader *r,
                          const GPtrArray *files, Error **errp)
{
    Pack p = { archive_write_new(), out };
    archive_write_set_format_pax_restricted(p.a);
    if (archive_write_add_filter_zstd(p.a) != ARCHIVE_OK) {
        archive_write_add_filter_gzip(p.a);
    }
    bool ok = archive_write_open_fd(p.a, fd) == ARCHIVE_OK ||
              archive_failed(&p, errp);
    ok = ok && put_all(&p, r, files, errp);
    if (ok && archive_write_close(p.a) != ARCHIVE_OK) {
        ok = archive_failed(&p, errp);
    }
    archive_write_free(p.a);
    return ok;
}

/* Under another name until it is whole, so that nothing is lost and no half a
 * pack stays. */
static bool write_pack(const char *out, bool force, const LogReader *r,
                       const GPtrArray *files, Error **errp)
{
    g_autofree char *part = g_strconcat(out, ".part-XXXXXX", NULL);
    int fd = g_mkstemp_full(part, O_RDWR | O_CLOEXEC, 0666);
    if (fd < 0) {
        error_set_errno(errp, errno, "Could not create '%s'", out);
        return false;
    }
    bool ok = write_archive(fd, out, r, files, errp);
    if (close(fd) < 0 && ok) {
        error_set_errno(errp, errno, "Could not write '%s'", out);
        ok = false;
    }
    /* link() never replaces a file that came meanwhile. */
    int ret = !ok ? 0 : force ? rename(part, out) : link(part, out);
    if (ret < 0) {
        error_set_errno(errp, errno, "Could not create '%s'", out);
    }
    if (!ok || ret < 0 || !force) {
        unlink(part);
    }
    return ok && ret == 0;
}

/* --- the command ----------------------------------------------------------------------- */

static void warn_cut_off(const ToolArgs *a, const LogReader *r)
{
    if (!log_reader_complete(r)) {
        error_warn("'%s' was cut off: it is good until icount %"
                   G_GUINT64_FORMAT, a->file, log_reader_end(r));
    }
}

/* What the command line names, if that is all that there is. */
static ArgvNames *names_to_pack(const ToolArgs *a, const char *const *argv,
                                Error **errp)
{
    ArgvNames *names = argv_names(argv, errp);
    if (!names) {
        error_prepend(errp, "'%s': ", a->file);
    } else if (names->elsewhere) {
        error_set(errp, "'%s' cannot be packed: it was made with -%s, which may "
                  "name files that nobody would find", a->file,
                  names->elsewhere);
        g_clear_pointer(&names, argv_names_free);
    }
    return names;
}

static bool pack_log(const ToolArgs *a, const LogReader *r, const char *out,
                     Error **errp)
{
    const char *const *argv = log_reader_argv(r);
    if (!argv) {
        error_set(errp, "'%s' does not say how it was made (it is of an "
                  "older version); it cannot be packed", a->file);
        return false;
    }
    ArgvNames *names = names_to_pack(a, argv, errp);
    if (!names) {
        return false;
    }
    GPtrArray *files = pack_plan(r, names, errp);
    bool ok = files && pack_consent(a, log_reader_path(r), files, errp) &&
              check_files(r, names, files, errp) &&
              write_pack(out, a->force, r, files, errp);
    if (ok) {
        warn_cut_off(a, r);
    }
    if (files) {
        g_ptr_array_free(files, TRUE);
    }
    argv_names_free(names);
    return ok;
}

int tool_pack(const ToolArgs *a)
{
    Error *err = NULL;
    if (!a->out) {
        error_report("pack: -o OUT.rrpack is missing");
        return STATUS_BAD;
    }
    g_autofree char *out = g_canonicalize_filename(a->out, NULL);
    g_autofree char *log = g_canonicalize_filename(a->file, NULL);
    if (!a->force && g_file_test(out, G_FILE_TEST_EXISTS)) {
        error_report("'%s' exists; --force overwrites it", a->out);
        return STATUS_BAD;
    }
    LogReader *r = tool_open(log);
    if (!r) {
        return STATUS_BAD;
    }
    /* Those of the user's options are meant here. */
    for (guint i = 0; a->also && i < a->also->len; i++) {
        char **folder = (char **)&g_ptr_array_index(a->also, i);
        char *full = g_canonicalize_filename(*folder, NULL);
        g_free(*folder);
        *folder = full;
    }
    /* Names were meant there. If it is gone, they may still be found from
     * here: someone moved it and came along. */
    if (log_reader_folder(r) && chdir(log_reader_folder(r)) < 0) {
        error_warn("the folder of the recording: '%s': %s; looking for its "
                   "files here", log_reader_folder(r), g_strerror(errno));
    }
    int status = pack_log(a, r, out, &err) ? STATUS_GOOD : tool_fail(err);
    log_reader_free(r);
    return status;
}
