/*
 * reprise-replay unpack: a pack's files in a folder, and a script that replays
 * them. The pack may come from anywhere: nothing of it is believed before it
 * was looked at, nothing is written outside the folder, and nothing that is
 * there already is touched unless asked to.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "replay-folder.h"
#include "replay-pack.h"

typedef struct Unpack {
    struct archive *a;
    const char *file, *folder;
    PackFolder *into;      /* NULL: nothing was written yet */
    bool force;
    uint64_t room;         /* bytes that files may still have */
    GPtrArray *files;      /* PackFile, as in the manifest */
    GHashTable *by_path;   /* the same, by path */
    GHashTable *done;      /* paths that were written */
} Unpack;

static bool damaged(const Unpack *u, const char *what, Error **errp)
{
    error_set(errp, "'%s' is damaged, or no pack: %s", u->file, what);
    return false;
}

static bool archive_damaged(const Unpack *u, Error **errp)
{
    const char *why = archive_error_string(u->a);
    return damaged(u, why ? why : "it ends too early", errp);
}

/* --- the manifest --------------------------------------------------------------------- */

/* Below the folder, by names alone: "a/b", no "", ".", ".." and no "/a"; in
 * letters that a pack of ours has. */
static bool path_safe(const char *path)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    bool ok = *parts != NULL;
    for (char **p = parts; *p; p++) {
        ok &= **p && strcmp(*p, ".") != 0 && strcmp(*p, "..") != 0;
    }
    for (const char *c = path; *c; c++) {
        ok &= *c == '/' || g_ascii_isalnum(*c) || strchr(PACK_LETTERS, *c);
    }
    return ok && strcmp(path, PACK_SCRIPT) != 0 &&
           strcmp(path, PACK_MANIFEST) != 0;
}

static PackFile *manifest_find(const Unpack *u, const char *path)
{
    return g_hash_table_lookup(u->by_path, path);
}

static bool manifest_file(Unpack *u, json_t *o, Error **errp)
{
    const char *path, *digest;
    json_int_t bytes;
    json_t *arguments, *n;
    size_t i;
    if (json_unpack(o, "{s:s, s:I, s:s, s:o}", "path", &path, "bytes", &bytes,
                    "xxh3", &digest, "arguments", &arguments) < 0 ||
        bytes < 0) {
        return damaged(u, "its manifest makes no sense", errp);
    }
    if (!path_safe(path)) {
        g_autofree char *name = tool_printable(path);
        error_set(errp, "'%s' is refused: it has a file '%s', which is not "
                  "below the folder, or no name of a pack", u->file, name);
        return false;
    }
    if ((uint64_t)bytes > u->room) {
        error_set(errp, "'%s' is refused: its files have more bytes than "
                  "--max-size allows", u->file);
        return false;
    }
    u->room -= bytes;
    if (manifest_find(u, path)) {
        return damaged(u, "its manifest has a file twice", errp);
    }
    PackFile *f = pack_file_new(NULL, g_strdup(path), NULL);
    f->bytes = bytes;
    f->digest = g_ascii_strtoull(digest, NULL, 16);
    json_array_foreach(arguments, i, n) {
        unsigned value = json_integer_value(n);
        g_array_append_val(f->arguments, value);
    }
    g_ptr_array_add(u->files, f);
    g_hash_table_insert(u->by_path, f->path, f);
    return true;
}

static bool manifest_parse(Unpack *u, const char *text, size_t len,
                           Error **errp)
{
    json_error_t err;
    json_t *o = json_loadb(text, len, 0, &err), *files, *file;
    const char *format;
    int version;
    size_t i;
    bool ok = json_unpack(o, "{s:s, s:i, s:o}", "format", &format, "version",
                          &version, "files", &files) == 0 &&
              strcmp(format, PACK_FORMAT) == 0;
    if (!ok) {
        damaged(u, o ? "its manifest makes no sense" : err.text, errp);
    } else if (version != PACK_VERSION) {
        error_set(errp, "'%s' has version %d; this program knows %d", u->file,
                  version, PACK_VERSION);
        ok = false;
    } else {
        json_array_foreach(files, i, file) {
            ok = ok && manifest_file(u, file, errp);
        }
    }
    json_decref(o);
    if (ok && !manifest_find(u, PACK_LOG)) {
        ok = damaged(u, "there is no " PACK_LOG " in it", errp);
    }
    return ok;
}

/* The first entry. */
static bool read_manifest(Unpack *u, Error **errp)
{
    struct archive_entry *e;
    if (archive_read_next_header(u->a, &e) != ARCHIVE_OK) {
        return archive_damaged(u, errp);
    }
    const char *path = archive_entry_pathname(e);
    int64_t bytes = archive_entry_size(e);
    if (!path || strcmp(path, PACK_MANIFEST) != 0) {
        return damaged(u, "it does not begin with " PACK_MANIFEST, errp);
    }
    if (bytes < 0 || bytes > (int64_t)PACK_MANIFEST_MAX) {
        return damaged(u, "its manifest is too large", errp);
    }
    g_autofree char *text = g_malloc(bytes + 1);
    if (archive_read_data(u->a, text, bytes) != bytes) {
        return archive_damaged(u, errp);
    }
    return manifest_parse(u, text, bytes, errp);
}

/* --- files ----------------------------------------------------------------------------- */

/* Before anything is written. */
static bool all_free(const Unpack *u, Error **errp)
{
    for (guint i = 0; i < u->files->len; i++) {
        const PackFile *f = g_ptr_array_index(u->files, i);
        if (!pack_folder_is_free(u->into, f->path, errp)) {
            return false;
        }
    }
    return pack_folder_is_free(u->into, PACK_SCRIPT, errp);
}

static bool write_at(int fd, const char *name, const uint8_t *data,
                     size_t len, uint64_t at, Error **errp)
{
    while (len) {
        ssize_t n = pwrite(fd, data, len, at);
        if (n < 0 && errno != EINTR) {
            error_set_errno(errp, errno, "Could not write '%s'", name);
            return false;
        }
        n = MAX(n, 0);
        data += n;
        len -= n;
        at += n;
    }
    return true;
}

/* Holes count as zeroes. */
static void digest_zeroes(XXH3_state_t *state, uint64_t bytes)
{
    static const uint8_t zeroes[64 * KIB];
    for (; bytes; bytes -= MIN(bytes, sizeof zeroes)) {
        XXH3_64bits_update(state, zeroes, MIN(bytes, sizeof zeroes));
    }
}

/* What the archive has of a file goes to fd; its digest. */
static bool copy_data(Unpack *u, const PackFile *f, int fd,
                      XXH3_state_t *state, Error **errp)
{
    const void *data;
    size_t len;
    int64_t offset;
    uint64_t at = 0;
    int ret;
    while ((ret = archive_read_data_block(u->a, &data, &len, &offset)) ==
           ARCHIVE_OK) {
        if (offset < (int64_t)at || (uint64_t)offset > f->bytes ||
            len > f->bytes - offset) {
            return damaged(u, "a file is longer than its manifest says",
                           errp);
        }
        digest_zeroes(state, offset - at);
        XXH3_64bits_update(state, data, len);
        if (!write_at(fd, f->path, data, len, offset, errp)) {
            return false;
        }
        at = offset + len;
    }
    if (ret != ARCHIVE_EOF) {
        return archive_damaged(u, errp);
    }
    if (ftruncate(fd, f->bytes) < 0) {
        error_set_errno(errp, errno, "Could not write '%s'", f->path);
        return false;
    }
    digest_zeroes(state, f->bytes - at);
    return true;
}

static bool unpack_file(Unpack *u, const PackFile *f, Error **errp)
{
    int fd = pack_folder_create(u->into, f->path, 0666, u->force, errp);
    if (fd < 0) {
        return false;
    }
    XXH3_state_t *state = XXH3_createState();
    XXH3_64bits_reset(state);
    bool ok = copy_data(u, f, fd, state, errp);
    if (ok && XXH3_64bits_digest(state) != f->digest) {
        error_set(errp, "'%s' is damaged: '%s' is not what was packed",
                  u->file, f->path);
        ok = false;
    }
    XXH3_freeState(state);
    if (close(fd) < 0 && ok) {
        error_set_errno(errp, errno, "Could not write '%s'", f->path);
        ok = false;
    }
    return ok;
}

static bool unpack_entry(Unpack *u, struct archive_entry *e, Error **errp)
{
    const char *path = archive_entry_pathname(e);
    const PackFile *f = path ? manifest_find(u, path) : NULL;
    if (!f || archive_entry_filetype(e) != AE_IFREG ||
        archive_entry_hardlink(e)) {
        g_autofree char *name = tool_printable(path ? path : "?");
        error_set(errp, "'%s' is refused: it has '%s', which is no file of "
                  "its manifest", u->file, name);
        return false;
    }
    if (archive_entry_size(e) != (int64_t)f->bytes ||
        !g_hash_table_add(u->done, f->path)) {
        return damaged(u, "its manifest says otherwise", errp);
    }
    return unpack_file(u, f, errp);
}

static bool unpack_files(Unpack *u, Error **errp)
{
    struct archive_entry *e;
    int ret;
    while ((ret = archive_read_next_header(u->a, &e)) == ARCHIVE_OK) {
        if (!unpack_entry(u, e, errp)) {
            return false;
        }
    }
    if (ret != ARCHIVE_EOF) {
        return archive_damaged(u, errp);
    }
    if (g_hash_table_size(u->done) != u->files->len) {
        return damaged(u, "files are missing", errp);
    }
    return true;
}

/* --- the script -------------------------------------------------------------------------- */

static bool write_script(Unpack *u, const char *text, Error **errp)
{
    int fd = pack_folder_create(u->into, PACK_SCRIPT, 0777, u->force, errp);
    if (fd < 0) {
        return false;
    }
    bool ok = write_at(fd, PACK_SCRIPT, (const uint8_t *)text, strlen(text),
                       0, errp);
    close(fd);
    return ok;
}

static bool make_script(Unpack *u, GPtrArray *notes, Error **errp)
{
    g_autofree char *log = g_build_filename(u->folder, PACK_LOG, NULL);
    g_autofree char *text = pack_script(log, u->files, notes, errp);
    return text && write_script(u, text, errp);
}

/* --- the command ------------------------------------------------------------------------- */

static bool unpack_all(Unpack *u, GPtrArray *notes, Error **errp)
{
    if (archive_read_open_filename(u->a, u->file, 64 * KIB) != ARCHIVE_OK) {
        return archive_damaged(u, errp);
    }
    if (!read_manifest(u, errp)) {
        return false;
    }
    u->into = pack_folder_open(u->folder, errp);
    return u->into && (u->force || all_free(u, errp)) &&
           unpack_files(u, errp) && make_script(u, notes, errp);
}

static void report(const ToolArgs *a, const Unpack *u, const GPtrArray *notes)
{
    for (guint i = 0; i < u->files->len; i++) {
        const PackFile *f = g_ptr_array_index(u->files, i);
        printf("%s/%s\n", a->folder, f->path);
    }
    for (guint i = 0; i < notes->len; i++) {
        printf("%s\n", (const char *)g_ptr_array_index(notes, i));
    }
    printf("%s/" PACK_SCRIPT " replays it\n", a->folder);
}

int tool_unpack(const ToolArgs *a)
{
    Error *err = NULL;
    struct stat st;
    if (stat(a->file, &st) < 0) {
        error_set_errno(&err, errno, "Could not open '%s'", a->file);
        return tool_fail(err);
    }
    Unpack u = { .a = archive_read_new(), .file = a->file,
                 .folder = a->folder, .force = a->force,
                 .room = a->max_bytes };
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
    u.files = g_ptr_array_new_with_free_func((GDestroyNotify)pack_file_free);
    u.done = g_hash_table_new(g_str_hash, g_str_equal);
    u.by_path = g_hash_table_new(g_str_hash, g_str_equal);
    archive_read_support_format_tar(u.a);
    archive_read_support_filter_zstd(u.a);
    archive_read_support_filter_gzip(u.a);
    int status = unpack_all(&u, notes, &err) ? STATUS_GOOD : tool_fail(err);
    if (status != STATUS_GOOD && u.into) {
        pack_folder_undo(u.into);
    }
    if (status == STATUS_GOOD && !a->quiet) {
        report(a, &u, notes);
    }
    archive_read_free(u.a);
    g_hash_table_destroy(u.done);
    g_hash_table_destroy(u.by_path);
    g_ptr_array_free(u.files, TRUE);
    pack_folder_close(u.into);
    return status;
}
