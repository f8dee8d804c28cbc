/*
 * Making, linking, moving and removing names.
 */
#include "p9.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The protocol's flag of Tunlinkat. */
#define UNLINK_FOLDER 0x200u

/* The folder that a fid stands for, held; negative errno. */
static int hold_folder(P9 *p, uint32_t fid)
{
    P9Fid *f = p9_fid_find(p, fid);
    return f && !f->xattr ? p9_hold(p, f->path) : -EBADF;
}

/* --- what is made -------------------------------------------------------------------- */

typedef struct Make {
    uint32_t fid, mode, gid;
    char *name, *target;       /* target: of a symbolic link */
    uint64_t device;
} Make;

static int write_target(int folder, const Make *m, mode_t mode)
{
    int fd = openat(folder, m->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
                    O_NOFOLLOW, mode);
    if (fd < 0) {
        return errno;
    }
    size_t len = m->target ? strlen(m->target) : 0;
    int err = write(fd, m->target, len) == (ssize_t)len ? 0 : errno;
    close(fd);
    return err;
}

static int make_special(P9 *p, int folder, const Make *m)
{
    bool device = S_ISCHR(m->mode) || S_ISBLK(m->mode);
    if (p->model == SHARE_MAPPED) {
        return write_target(folder, m, p->file_mode);
    }
    /* A device of the host is nothing that such a guest may make. */
    if (device && p->model != SHARE_PASSTHROUGH) {
        return EPERM;
    }
    dev_t dev = makedev(m->device >> 32, m->device & UINT32_MAX);
    return mknodat(folder, m->name, m->mode, device ? dev : 0) < 0 ? errno
                                                                   : 0;
}

static int make_in(P9 *p, int folder, const Make *m)
{
    bool mapped = p->model == SHARE_MAPPED;
    if (S_ISDIR(m->mode)) {
        mode_t mode = mapped ? p->folder_mode : m->mode & 0777;
        return mkdirat(folder, m->name, mode) < 0 ? errno : 0;
    }
    if (S_ISLNK(m->mode) && !mapped) {
        return symlinkat(m->target, folder, m->name) < 0 ? errno : 0;
    }
    return make_special(p, folder, m);
}

static int own_made(P9 *p, int folder, const Make *m, uint32_t uid,
                    struct stat *st)
{
    int held = p9_hold_name(folder, m->name);
    if (held < 0) {
        return -held;
    }
    int err = p9_own(p, held, uid, m->gid, m->mode);
    if (!err && p->model == SHARE_MAPPED && m->device) {
        err = p9_set_device(p, held, makedev(m->device >> 32,
                                             m->device & UINT32_MAX));
    }
    err = err ? err : p9_stat(p, held, st);
    close(held);
    return err;
}

static int make(P9 *p, const Make *m, GByteArray *out)
{
    struct stat st;
    if (!p9_name_good(m->name)) {
        return EINVAL;
    }
    int folder = hold_folder(p, m->fid);
    if (folder < 0) {
        return -folder;
    }
    int err = make_in(p, folder, m);
    if (!err) {
        err = own_made(p, folder, m, p9_fid_find(p, m->fid)->uid, &st);
        if (err) {
            unlinkat(folder, m->name, S_ISDIR(m->mode) ? AT_REMOVEDIR : 0);
        }
    }
    close(folder);
    if (!err) {
        p9_put_qid(p, out, &st);
    }
    return err;
}

int p9_symlink(P9 *p, P9In *in, GByteArray *out)
{
    Make m = { .fid = p9_get(in, 4), .mode = S_IFLNK | 0777 };
    g_autofree char *name = m.name = p9_get_string(in);
    g_autofree char *target = m.target = p9_get_string(in);
    m.gid = p9_get(in, 4);
    return in->bad ? EPROTO : !*target ? ENOENT : make(p, &m, out);
}

int p9_mknod(P9 *p, P9In *in, GByteArray *out)
{
    Make m = { .fid = p9_get(in, 4) };
    g_autofree char *name = m.name = p9_get_string(in);
    m.mode = p9_get(in, 4);
    m.device = p9_get(in, 4) << 32;
    m.device |= p9_get(in, 4);
    m.gid = p9_get(in, 4);
    if (in->bad) {
        return EPROTO;
    }
    if (!S_ISREG(m.mode) && !S_ISCHR(m.mode) && !S_ISBLK(m.mode) &&
        !S_ISFIFO(m.mode) && !S_ISSOCK(m.mode)) {
        return EINVAL;
    }
    return make(p, &m, out);
}

int p9_mkdir(P9 *p, P9In *in, GByteArray *out)
{
    Make m = { .fid = p9_get(in, 4) };
    g_autofree char *name = m.name = p9_get_string(in);
    m.mode = (p9_get(in, 4) & 07777) | S_IFDIR;
    m.gid = p9_get(in, 4);
    return in->bad ? EPROTO : make(p, &m, out);
}

int p9_link(P9 *p, P9In *in, GByteArray *out)
{
    uint32_t to = p9_get(in, 4);
    P9Fid *f = p9_fid_find(p, p9_get(in, 4));
    g_autofree char *name = p9_get_string(in);
    if (in->bad || !f || f->xattr) {
        return in->bad ? EPROTO : EBADF;
    }
    if (!p9_name_good(name)) {
        return EINVAL;
    }
    int folder = hold_folder(p, to), held = p9_hold(p, f->path);
    int err = folder < 0 ? -folder : held < 0 ? -held : 0;
    /* By the name in /proc: an empty path is for who has a capability. */
    if (!err && linkat(AT_FDCWD, p9_proc(held).name, folder, name,
                       AT_SYMLINK_FOLLOW) < 0) {
        err = errno;
    }
    if (folder >= 0) {
        close(folder);
    }
    if (held >= 0) {
        close(held);
    }
    return err;
}

/* --- symbolic links ------------------------------------------------------------------------ */

/* Where it is mapped, a link is a file with its target. */
static ssize_t read_target(P9 *p, int held, char *to, size_t room)
{
    struct stat st;
    if (fstat(held, &st) < 0) {
        return -1;
    }
    if (S_ISLNK(st.st_mode)) {
        return readlinkat(held, "", to, room);
    }
    if (p->model != SHARE_MAPPED || p9_stat(p, held, &st) ||
        !S_ISLNK(st.st_mode)) {
        errno = EINVAL;
        return -1;
    }
    int fd = open(p9_proc(held).name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : read(fd, to, room);
    if (fd >= 0) {
        close(fd);
    }
    return n;
}

int p9_readlink(P9 *p, P9In *in, GByteArray *out)
{
    P9Fid *f = p9_fid_find(p, p9_get(in, 4));
    char target[PATH_MAX + 1];
    if (in->bad || !f) {
        return in->bad ? EPROTO : EBADF;
    }
    int held = p9_hold(p, f->path);
    if (held < 0) {
        return -held;
    }
    ssize_t n = read_target(p, held, target, PATH_MAX);
    int err = n < 0 ? errno : 0;
    close(held);
    if (!err) {
        target[n] = 0;
        p9_put_string(out, target);
    }
    return err;
}

/* --- moving ------------------------------------------------------------------------------------ */

typedef struct Move {
    const char *from_path, *from_name, *to_path, *to_name;
} Move;

static int move_held(const Move *m, int from, int to)
{
    return renameat(from, m->from_name, to, m->to_name) < 0 ? errno : 0;
}

static int move(P9 *p, const Move *m)
{
    if (!p9_name_good(m->from_name) || !p9_name_good(m->to_name)) {
        return EINVAL;
    }
    int from = p9_hold(p, m->from_path), to = p9_hold(p, m->to_path);
    int err = from < 0 ? -from : to < 0 ? -to : move_held(m, from, to);
    if (from >= 0) {
        close(from);
    }
    if (to >= 0) {
        close(to);
    }
    if (!err) {
        g_autofree char *old = p9_path_join(m->from_path, m->from_name);
        g_autofree char *new = p9_path_join(m->to_path, m->to_name);
        p9_fids_move(p, old, new);
    }
    return err;
}

int p9_renameat(P9 *p, P9In *in, GByteArray *out)
{
    P9Fid *from = p9_fid_find(p, p9_get(in, 4));
    g_autofree char *from_name = p9_get_string(in);
    P9Fid *to = p9_fid_find(p, p9_get(in, 4));
    g_autofree char *to_name = p9_get_string(in);
    if (in->bad || !from || !to) {
        return in->bad ? EPROTO : EBADF;
    }
    g_autofree char *from_path = g_strdup(from->path);
    g_autofree char *to_path = g_strdup(to->path);
    return move(p, &(Move){ from_path, from_name, to_path, to_name });
}

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int p9_rename(P9 *p, P9In *in, GByteArray *out)
{
    P9Fid *f = p9_fid_find(p, p9_get(in, 4));
    P9Fid *to = p9_fid_find(p, p9_get(in, 4));
    g_autofree char *name = p9_get_string(in);
    if (in->bad || !f || !to) {
        return in->bad ? EPROTO : EBADF;
    }
    g_autofree char *parent = p9_path_parent(f->path);
    g_autofree char *own = g_strdup(last_name(f->path));
    g_autofree char *to_path = g_strdup(to->path);
    return move(p, &(Move){ parent, own, to_path, name });
}

/* --- removing ------------------------------------------------------------------------------------ */

static int unlink_name(P9 *p, const char *path, const char *name, int flags)
{
    if (!p9_name_good(name)) {
        return *name ? EINVAL : EBUSY;
    }
    int folder = p9_hold(p, path);
    if (folder < 0) {
        return -folder;
    }
    int err = unlinkat(folder, name, flags) < 0 ? errno : 0;
    close(folder);
    return err;
}

int p9_unlinkat(P9 *p, P9In *in, GByteArray *out)
{
    P9Fid *f = p9_fid_find(p, p9_get(in, 4));
    g_autofree char *name = p9_get_string(in);
    uint32_t flags = p9_get(in, 4);
    if (in->bad || !f) {
        return in->bad ? EPROTO : EBADF;
    }
    return unlink_name(p, f->path, name,
                       flags & UNLINK_FOLDER ? AT_REMOVEDIR : 0);
}

/* Whatever comes of it, the fid is clunked. */
int p9_remove(P9 *p, P9In *in, GByteArray *out)
{
    P9Fid *f = p9_fid_find(p, p9_get(in, 4));
    if (in->bad || !f) {
        return in->bad ? EPROTO : EBADF;
    }
    g_autofree char *parent = p9_path_parent(f->path);
    const char *name = last_name(f->path);
    int err = p->readonly ? EROFS : unlink_name(p, parent, name, 0);
    if (err == EISDIR) {
        err = unlink_name(p, parent, name, AT_REMOVEDIR);
    }
    p9_fid_remove(p, f);
    return err;
}
