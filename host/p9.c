/*
 * The 9P2000.L server: sessions, walks, and the table of all messages. See p9.h.
 */
#include "p9.h"

#include "base/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MSIZE_MIN   4096u
#define VERSION     "9P2000.L"
#define WALK_MAX    16u
#define LOCK_GRANTED 0u
#define LOCK_NONE    2u        /* F_UNLCK, as the protocol numbers it */
#define RLERROR     7u

static void fids_clear(P9 *p)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, p->fids);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        P9Fid *f = value;
        g_hash_table_iter_steal(&iter);
        p9_fid_close(p, f);
        g_free(f->path);
        g_free(f);
    }
}

/* --- sessions ------------------------------------------------------------------------ */

static int op_version(P9 *p, P9In *in, GByteArray *out)
{
    uint32_t msize = p9_get(in, 4);
    g_autofree char *version = p9_get_string(in);
    if (in->bad) {
        return EPROTO;
    }
    fids_clear(p);
    bool known = !strcmp(version, VERSION) && msize >= MSIZE_MIN;
    p->msize = known ? MIN(msize, SHARE_MESSAGE_MAX) : MSIZE_MIN;
    p9_put(out, 4, p->msize);
    p9_put_string(out, known ? VERSION : "unknown");
    return 0;
}

static int op_auth(P9 *p, P9In *in, GByteArray *out)
{
    return ENOENT;             /* nobody has to */
}

static int op_attach(P9 *p, P9In *in, GByteArray *out)
{
    uint32_t id = p9_get(in, 4);
    p9_get(in, 4);
    g_autofree char *user = p9_get_string(in);
    g_autofree char *name = p9_get_string(in);
    uint32_t uid = p9_get(in, 4);
    struct stat st;
    if (in->bad) {
        return EPROTO;
    }
    int err = p9_stat(p, p->root_fd, &st);
    if (!err && !p9_fid_new(p, id, "", uid)) {
        err = EBADF;
    }
    if (!err) {
        p9_put_qid(p, out, &st);
    }
    return err;
}

/* Requests are answered one after another: what is to be flushed has been. */
static int op_flush(P9 *p, P9In *in, GByteArray *out)
{
    return 0;
}

/* --- walks ------------------------------------------------------------------------------ */

/* One name further; the way up ends at the folder. */
static char *walk_step(const char *path, const char *name)
{
    return !strcmp(name, "..")     ? p9_path_parent(path)
           : p9_name_good(name) ? p9_path_join(path, name)
                                   : NULL;
}

/* As far as the names lead; *count of them, with their qids. */
static char *walk_names(P9 *p, const char *from, P9In *in, unsigned *count,
                        GByteArray *qids)
{
    char *path = g_strdup(from);
    for (unsigned i = 0; i < *count; i++) {
        g_autofree char *name = p9_get_string(in);
        char *next = in->bad ? NULL : walk_step(path, name);
        struct stat st;
        int held = next ? p9_hold(p, next) : -ENOENT;
        int err = held < 0 ? -held : p9_stat(p, held, &st);
        if (held >= 0) {
            close(held);
        }
        if (err) {
            g_free(next);
            errno = err;
            *count = i;
            break;
        }
        p9_put_qid(p, qids, &st);
        g_free(path);
        path = next;
    }
    return path;
}

/* The fid that a walk ends in: a new one, or the old one moved on. */
static int walk_end(P9 *p, P9Fid *f, uint32_t new_id, const char *path)
{
    if (new_id != f->id) {
        return p9_fid_new(p, new_id, path, f->uid) ? 0 : EBADF;
    }
    char *copy = g_strdup(path);
    g_free(f->path);
    f->path = copy;
    return 0;
}

static int op_walk(P9 *p, P9In *in, GByteArray *out)
{
    P9Fid *f = p9_fid_find(p, p9_get(in, 4));
    uint32_t new_id = p9_get(in, 4);
    unsigned count = p9_get(in, 2), got = count;
    if (in->bad || count > WALK_MAX) {
        return EPROTO;
    }
    if (!f || f->xattr || (f->fd >= 0 && new_id == f->id)) {
        return EBADF;
    }
    g_autoptr(GByteArray) qids = g_byte_array_new();
    g_autofree char *path = walk_names(p, f->path, in, &got, qids);
    int err = got < count ? errno : 0;
    if (in->bad || (count && !got)) {
        return in->bad ? EPROTO : err;
    }
    err = got == count ? walk_end(p, f, new_id, path) : 0;
    p9_put(out, 2, got);
    g_byte_array_append(out, qids->data, qids->len);
    return err;
}

static int op_clunk(P9 *p, P9In *in, GByteArray *out)
{
    P9Fid *f = p9_fid_find(p, p9_get(in, 4));
    if (in->bad || !f) {
        return in->bad ? EPROTO : EBADF;
    }
    int err = p9_xattr_finish(p, f);
    p9_fid_remove(p, f);
    return err;
}

/* --- locks ------------------------------------------------------------------------------------ */

/* The folder is one guest's, which has asked its own kernel before: a lock is
 * granted, and nobody else has one. */
static int op_lock(P9 *p, P9In *in, GByteArray *out)
{
    if (!p9_fid_find(p, p9_get(in, 4)) || in->bad) {
        return EBADF;
    }
    p9_put(out, 1, LOCK_GRANTED);
    return 0;
}

static int op_getlock(P9 *p, P9In *in, GByteArray *out)
{
    P9Fid *f = p9_fid_find(p, p9_get(in, 4));
    p9_get(in, 1);
    uint64_t start = p9_get(in, 8), length = p9_get(in, 8);
    uint32_t process = p9_get(in, 4);
    g_autofree char *client = p9_get_string(in);
    if (in->bad || !f) {
        return in->bad ? EPROTO : EBADF;
    }
    p9_put(out, 1, LOCK_NONE);
    p9_put(out, 8, start);
    p9_put(out, 8, length);
    p9_put(out, 4, process);
    p9_put_string(out, client);
    return 0;
}

/* --- the table ---------------------------------------------------------------------------------- */

typedef struct Operation {
    uint8_t type;
    bool changes;              /* refused where nothing may be written */
    int (*fn)(P9 *p, P9In *in, GByteArray *out);
} Operation;

static const Operation operations[] = {
    { 8, false, p9_statfs },
    { 12, false, p9_lopen },
    { 14, true, p9_lcreate },
    { 16, true, p9_symlink },
    { 18, true, p9_mknod },
    { 20, true, p9_rename },
    { 22, false, p9_readlink },
    { 24, false, p9_getattr },
    { 26, true, p9_setattr },
    { 30, false, p9_xattrwalk },
    { 32, true, p9_xattrcreate },
    { 40, false, p9_readdir },
    { 50, false, p9_fsync },
    { 52, false, op_lock },
    { 54, false, op_getlock },
    { 70, true, p9_link },
    { 72, true, p9_mkdir },
    { 74, true, p9_renameat },
    { 76, true, p9_unlinkat },
    { 100, false, op_version },
    { 102, false, op_auth },
    { 104, false, op_attach },
    { 108, false, op_flush },
    { 110, false, op_walk },
    { 116, false, p9_read },
    { 118, true, p9_write },
    { 120, false, op_clunk },
    { 122, false, p9_remove },
};

static int operate(P9 *p, uint8_t type, P9In *in, GByteArray *out)
{
    for (size_t i = 0; i < G_N_ELEMENTS(operations); i++) {
        const Operation *o = &operations[i];
        if (o->type == type) {
            return o->changes && p->readonly ? EROFS : o->fn(p, in, out);
        }
    }
    return EOPNOTSUPP;
}

static void put_header(GByteArray *out, uint8_t type, uint16_t tag)
{
    g_byte_array_set_size(out, 0);
    p9_put(out, 4, 0);
    p9_put(out, 1, type);
    p9_put(out, 2, tag);
}

GByteArray *p9_answer(P9 *p, const uint8_t *message, size_t len, size_t room)
{
    GByteArray *out = g_byte_array_new();
    P9In in = { message, message + len, false };
    p9_get(&in, 4);
    uint8_t type = p9_get(&in, 1);
    uint16_t tag = p9_get(&in, 2);
    p->room = room;
    put_header(out, type + 1, tag);
    int err = in.bad ? EPROTO : operate(p, type, &in, out);
    if (!err && out->len > room) {
        err = EMSGSIZE;
    }
    if (err) {
        put_header(out, RLERROR, tag);
        p9_put(out, 4, err);
    }
    bytes_st_le32(out->data, out->len);
    return out;
}

/* --- life ------------------------------------------------------------------------------------------- */

/* A guest may not use up what the program needs for itself. */
static unsigned files_allowed(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        return 256;
    }
    return MIN(limit.rlim_cur, 1u << 20) / 2;
}

P9 *p9_new(int root_fd, const ShareSpec *spec)
{
    P9 *p = g_new0(P9, 1);
    struct stat st;
    p->root_fd = root_fd;
    p->root_dev = fstat(root_fd, &st) < 0 ? 0 : st.st_dev;
    p->model = spec->model;
    p->readonly = spec->readonly;
    p->file_mode = spec->file_mode;
    p->folder_mode = spec->folder_mode;
    p->fids = g_hash_table_new(NULL, NULL);
    p->open_max = files_allowed();
    p->msize = MSIZE_MIN;
    return p;
}

void p9_free(P9 *p)
{
    fids_clear(p);
    g_hash_table_destroy(p->fids);
    close(p->root_fd);
    g_free(p);
}
