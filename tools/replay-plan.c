/*
 * Which files a replay needs: what the recorded command line names, the
 * backing files behind its disks, and the firmware that the program found by
 * itself. See replay-pack.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "io/image.h"
#include "io/world.h"
#include "replay-pack.h"

/* qcow2 specification, "Header". */
#define QCOW2_NAME_OFFSET  8
#define QCOW2_NAME_BYTES   16
#define QCOW2_CLUSTER_BITS 20
#define QCOW2_HEADER       24

typedef struct Plan {
    const LogReader *r;
    const ArgvNames *names;
    GPtrArray *files;
    GHashTable *paths;     /* in the pack; taken */
    const char *folder;    /* in the pack, of what is added now */
} Plan;

char *pack_identity_value(const LogReader *r, const char *key)
{
    g_auto(GStrv) lines = g_strsplit(log_reader_identity(r), "\n", -1);
    size_t len = strlen(key);
    for (char **line = lines; *line; line++) {
        if (strncmp(*line, key, len) == 0 && (*line)[len] == '=') {
            return g_strdup(*line + len + 1);
        }
    }
    return NULL;
}

/* --- paths in the pack ------------------------------------------------------------ */

/* A file's own name, as it was given and not what a link leads to, in letters
 * that every system and tar can have. */
static char *plain_name(const char *source)
{
    char *name = g_path_get_basename(source);
    for (char *c = name; *c; c++) {
        if (!g_ascii_isalnum(*c) && !strchr(PACK_LETTERS, *c)) {
            *c = '_';
        }
    }
    return name;
}

/* FOLDER/NAME, or FOLDER/2/NAME if that is taken: names stay, because the
 * machine's identity has those of kernels. */
static char *new_path(Plan *p, const char *name)
{
    char *path = g_strdup_printf("%s/%s", p->folder, name);
    for (unsigned n = 2; g_hash_table_contains(p->paths, path); n++) {
        g_free(path);
        path = g_strdup_printf("%s/%u/%s", p->folder, n, name);
    }
    g_hash_table_add(p->paths, g_strdup(path));
    return path;
}

static PackFile *plan_find(const Plan *p, const char *source)
{
    for (guint i = 0; i < p->files->len; i++) {
        PackFile *f = g_ptr_array_index(p->files, i);
        if (strcmp(f->source, source) == 0) {
            return f;
        }
    }
    return NULL;
}

/* The file of that name, which is in the pack once however often it is named;
 * *added says that it is new. NULL with an error. */
static PackFile *plan_add(Plan *p, const char *name, const char *role,
                          bool *added, Error **errp)
{
    char *real = realpath(name, NULL);
    if (!real) {
        error_set_errno(errp, errno, "Could not open '%s' (%s)", name, role);
        return NULL;
    }
    PackFile *f = plan_find(p, real);
    *added = !f;
    if (!f) {
        g_autofree char *plain = plain_name(name);
        f = pack_file_new(real, new_path(p, plain), role);
        g_ptr_array_add(p->files, f);
    }
    free(real);
    return f;
}

/* --- disks ---------------------------------------------------------------------- */

/* The way from one path below PACK_FILES_DIR to another, both at most one
 * folder deep there. */
static char *relative_path(const char *from, const char *to)
{
    size_t base = strlen(PACK_FILES_DIR "/");
    return g_strconcat(strchr(from + base, '/') ? "../" : "", to + base, NULL);
}

/* True if the name of `len` bytes at `at` may become one of `now` bytes: what
 * lies behind it is unused. */
static bool name_fits(const uint8_t *h, size_t bytes, uint64_t at,
                      uint64_t len, uint64_t now)
{
    uint32_t bits = bytes_ld_be32(h + QCOW2_CLUSTER_BITS);
    uint64_t cluster = bits < 22 ? UINT64_C(1) << bits : 0;
    if (at > bytes || MAX(len, now) > bytes - at || at + now > cluster) {
        return false;
    }
    for (uint64_t i = len; i < now; i++) {
        if (h[at + i]) {
            return false;
        }
    }
    return true;
}

/* Makes the packed image name its backing file where the pack has it. */
static bool rename_backing(PackFile *f, const char *old, const char *name,
                           Error **errp)
{
    if (strcmp(old, name) == 0) {
        return true;
    }
    Error *err = NULL;
    g_autofree uint8_t *h = g_malloc0(4 * MIB);
    if (!world_peek_file(f->source, h, 4 * MIB, &err)) {
        error_propagate(errp, err);
        return false;
    }
    uint64_t at = bytes_ld_be64(h + QCOW2_NAME_OFFSET);
    uint64_t len = bytes_ld_be32(h + QCOW2_NAME_BYTES), now = strlen(name);
    if (at < QCOW2_HEADER || !name_fits(h, 4 * MIB, at, len, now)) {
        error_set(errp, "'%s': there is no room for the name '%s' of its "
                  "backing file; change it with qemu-img rebase -u",
                  f->source, name);
        return false;
    }
    memset(h + at, 0, len);
    memcpy(h + at, name, now);
    bytes_st_be32(h + QCOW2_NAME_BYTES, now);
    f->head = g_bytes_new(h, at + MAX(len, now));
    return true;
}

/* A disk and all that is behind it. */
static PackFile *plan_disk(Plan *p, const char *name, const char *format,
                           const char *role, Error **errp)
{
    bool added;
    PackFile *f = plan_add(p, name, role, &added, errp);
    if (!f || !added) {
        return f;
    }
    Error *err = NULL;
    ImageInfo *info = image_info(f->source, format, true, &err);
    if (!info) {
        error_prepend(&err, "'%s': ", f->source);
        error_propagate(errp, err);
        return NULL;
    }
    bool ok = true;
    if (info->backing_file) {
        const PackFile *back = plan_disk(p, info->backing_path,
                                         info->backing_format, "backing",
                                         errp);
        g_autofree char *now = back ? relative_path(f->path, back->path)
                                    : NULL;
        ok = back && rename_backing(f, info->backing_file, now, errp);
    }
    image_info_free(info);
    return ok ? f : NULL;
}

/* --- firmware, kernels -------------------------------------------------------------- */

/* The last word of "bios=DIGEST NAME" and the like. */
static char *identity_name(const Plan *p, const char *key)
{
    g_autofree char *value = pack_identity_value(p->r, key);
    const char *space = value ? strchr(value, ' ') : NULL;
    return space ? g_strdup(space + 1) : NULL;
}

/* Where everybody's firmware lies. */
static bool is_usual(const char *name)
{
    g_autofree char *folder = g_path_get_dirname(name);
    return g_strv_contains(world_firmware_dirs(), folder);
}

static PackFile *plan_firmware(Plan *p, const char *name, const char *role,
                               Error **errp)
{
    bool added;
    g_autofree char *found = world_find_firmware(p->names->firmware_dirs,
                                                 name);
    PackFile *f = plan_add(p, found ? found : name, role, &added, errp);
    if (f && added) {
        f->usual = is_usual(found ? found : name);
    }
    return f;
}

/* What the program found without being told: the board's firmware, the ROM
 * that starts a Linux kernel. */
static bool plan_found(Plan *p, const char *key, Error **errp)
{
    g_autofree char *name = identity_name(p, key);
    p->folder = PACK_FIRMWARE_DIR;
    bool ok = !name || !*name || plan_firmware(p, name, key, errp);
    p->folder = PACK_FILES_DIR;
    return ok;
}

static bool plan_named(Plan *p, const ArgvFile *a, Error **errp)
{
    PackFile *f;
    bool added;
    if (!a->name) {
        return true;
    }
    switch (a->role) {
    case ARGV_DISK:
        f = plan_disk(p, a->name, a->format, "disk", errp);
        break;
    case ARGV_FIRMWARE:
        f = plan_firmware(p, a->name, "bios", errp);
        break;
    default:
        f = plan_add(p, a->name, a->role == ARGV_KERNEL ? "kernel"
                                 : a->role == ARGV_INITRD ? "initrd" : "file",
                     &added, errp);
        break;
    }
    if (f) {
        g_array_append_val(f->arguments, a->argument);
    }
    return f;
}

static bool plan_all(Plan *p, Error **errp)
{
    bool bios = false;
    for (guint i = 0; i < p->names->files->len; i++) {
        const ArgvFile *a = g_ptr_array_index(p->names->files, i);
        bios |= a->role == ARGV_FIRMWARE;
        if (!plan_named(p, a, errp)) {
            return false;
        }
    }
    return (bios || plan_found(p, "bios", errp)) &&
           plan_found(p, "rom", errp);
}

GPtrArray *pack_plan(const LogReader *r, const ArgvNames *names,
                     Error **errp)
{
    Plan p = { .r = r, .names = names, .folder = PACK_FILES_DIR };
    p.files = g_ptr_array_new_with_free_func((GDestroyNotify)pack_file_free);
    p.paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_ptr_array_add(p.files, pack_file_new(log_reader_path(r),
                                           g_strdup(PACK_LOG), "log"));
    bool ok = plan_all(&p, errp);
    for (guint i = 0; ok && i < p.files->len; i++) {
        ok = pack_file_scan(g_ptr_array_index(p.files, i), errp);
    }
    g_hash_table_destroy(p.paths);
    if (!ok) {
        g_ptr_array_free(p.files, TRUE);
        return NULL;
    }
    return p.files;
}
