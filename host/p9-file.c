/*
 * Opening, reading and writing files.
 */
#include "p9.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

/* Flags of Tlopen and Tlcreate: the protocol's own numbers, and the host's. What
 * is not here means nothing to a file of another machine. */
#define L_ACCESS 3u
static const struct {
    uint32_t theirs;
    int ours;
} flag_map[] = {
    { 00000200, O_EXCL },   { 00001000, O_TRUNC },
    { 00002000, O_APPEND }, { 00010000, O_DSYNC },
    { 04000000, O_SYNC },
};

static int host_flags(uint32_t flags)
{
    static const int access_map[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDONLY };
    int ours = access_map[flags & L_ACCESS];
    for (size_t i = 0; i < G_N_ELEMENTS(flag_map); i++) {
        ours |= flags & flag_map[i].theirs ? flag_map[i].ours : 0;
    }
    return ours | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
}

static bool changes(int flags)
{
    return (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
}

static void put_open(P9 *p, GByteArray *out, const struct stat *st)
{
    p9_put_qid(p, out, st);
    p9_put(out, 4, p->msize - P9_IO_HEADER);
}

/* What is held, for data: a pipe or a device could block or act. */
static int open_held(P9 *p, P9Fid *f, int held, int flags)
{
    struct stat st;
    if (fstat(held, &st) < 0) {
        return errno;
    }
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        return S_ISLNK(st.st_mode) ? ELOOP : ENXIO;
    }
    if (p->open_count >= p->open_max) {
        return ENFILE;
    }
    f->fd = open(p9_proc(held).name, flags & ~O_EXCL);
    if (f->fd < 0) {
        return errno;
    }
    p->open_count++;
    f->dir = S_ISDIR(st.st_mode) ? fdopendir(f->fd) : NULL;
    return 0;
}

int p9_lopen(P9 *p, P9In *in, GByteArray *out)
{
    P9Fid *f = p9_fid_find(p, p9_get(in, 4));
    int flags = host_flags(p9_get(in, 4));
    struct stat st;
    if (in->bad || !f || f->fd >= 0 || f->xattr) {
        return in->bad ? EPROTO : EBADF;
    }
    if (p->readonly && changes(flags)) {
        return EROFS;
    }
    int held = p9_hold(p, f->path);
    if (held < 0) {
        return -held;
    }
    int err = open_held(p, f, held, flags);
    err = err ? err : p9_stat(p, held, &st);
    close(held);
    if (!err) {
        put_open(p, out, &st);
    }
    return err;
}

typedef struct Create {
    char *name;
    int flags;
    uint32_t mode, gid;
} Create;

/* The file is made, opened, and its owner's. */
static int create_in(P9 *p, P9Fid *f, int folder, const Create *c,
                     struct stat *st)
{
    mode_t mode = p->model == SHARE_MAPPED ? p->file_mode : c->mode & 0777;
    if (p->open_count >= p->open_max) {
        return ENFILE;
    }
    int fd = openat(folder, c->name,
                    c->flags | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    if (fd < 0) {
        return errno;
    }
    int err = p9_own(p, fd, f->uid, c->gid, (c->mode & 07777) | S_IFREG);
    err = err ? err : p9_stat(p, fd, st);
    if (err) {
        close(fd);
        unlinkat(folder, c->name, 0);
        return err;
    }
    f->fd = fd;
    p->open_count++;
    return 0;
}

/* Without O_EXCL it may be there already. */
static int create_or_open(P9 *p, P9Fid *f, int folder, const Create *c,
                          struct stat *st)
{
    int err = create_in(p, f, folder, c, st);
    if (err != EEXIST || (c->flags & O_EXCL)) {
        return err;
    }
    int held = p9_hold_name(folder, c->name);
    if (held < 0) {
        return -held;
    }
    err = open_held(p, f, held, c->flags);
    err = err ? err : p9_stat(p, held, st);
    close(held);
    return err;
}

int p9_lcreate(P9 *p, P9In *in, GByteArray *out)
{
    P9Fid *f = p9_fid_find(p, p9_get(in, 4));
    Create c = { .name = p9_get_string(in) };
    g_autofree char *name = c.name;
    struct stat st;
    c.flags = host_flags(p9_get(in, 4));
    c.mode = p9_get(in, 4);
    c.gid = p9_get(in, 4);
    if (in->bad || !f || f->fd >= 0 || f->xattr) {
        return in->bad ? EPROTO : EBADF;
    }
    if (!p9_name_good(name)) {
        return EINVAL;
    }
    int folder = p9_hold(p, f->path);
    if (folder < 0) {
        return -folder;
    }
    int err = create_or_open(p, f, folder, &c, &st);
    close(folder);
    if (!err) {
        char *path = p9_path_join(f->path, name);
        g_free(f->path);
        f->path = path;
        put_open(p, out, &st);
    }
    return err;
}

/* What fits into the answer, and into the session's messages. */
static size_t data_room(const P9 *p, uint32_t count)
{
    size_t room = MIN(p->room, p->msize);
    return room > P9_IO_HEADER ? MIN(count, room - P9_IO_HEADER) : 0;
}

static ssize_t read_xattr(const P9Fid *f, uint64_t offset, uint8_t *to,
                          size_t count)
{
    size_t n = offset < f->xattr->len ? MIN(count, f->xattr->len - offset) : 0;
    if (n) {
        memcpy(to, f->xattr->data + offset, n);
    }
    return n;
}

int p9_read(P9 *p, P9In *in, GByteArray *out)
{
    P9Fid *f = p9_fid_find(p, p9_get(in, 4));
    uint64_t offset = p9_get(in, 8);
    size_t count = data_room(p, p9_get(in, 4));
    guint at = out->len;
    if (in->bad || !f || f->dir || (f->fd < 0 && !f->xattr)) {
        return in->bad ? EPROTO : EBADF;
    }
    if (offset > INT64_MAX) {
        return EINVAL;
    }
    g_byte_array_set_size(out, at + 4 + count);
    uint8_t *to = out->data + at + 4;
    ssize_t n = f->xattr ? read_xattr(f, offset, to, count)
                         : pread(f->fd, to, count, offset);
    int err = n < 0 ? errno : 0;
    g_byte_array_set_size(out, at);
    if (!err) {
        p9_put(out, 4, n);
        g_byte_array_set_size(out, at + 4 + n);
    }
    return err;
}

static ssize_t write_xattr(P9Fid *f, uint64_t offset, const uint8_t *from,
                           size_t count)
{
    if (!f->xattr_name || offset != f->xattr->len ||
        count > f->xattr_bytes - offset) {
        errno = ENOSPC;
        return -1;
    }
    g_byte_array_append(f->xattr, from, count);
    return count;
}

int p9_write(P9 *p, P9In *in, GByteArray *out)
{
    P9Fid *f = p9_fid_find(p, p9_get(in, 4));
    uint64_t offset = p9_get(in, 8);
    uint32_t count = p9_get(in, 4);
    if (in->bad || count > (size_t)(in->end - in->at)) {
        return EPROTO;
    }
    if (!f || f->dir || (f->fd < 0 && !f->xattr)) {
        return EBADF;
    }
    if (offset > INT64_MAX) {
        return EFBIG;
    }
    ssize_t n = f->xattr ? write_xattr(f, offset, in->at, count)
                         : pwrite(f->fd, in->at, count, offset);
    if (n < 0) {
        return errno;
    }
    p9_put(out, 4, n);
    return 0;
}

int p9_fsync(P9 *p, P9In *in, GByteArray *out)
{
    P9Fid *f = p9_fid_find(p, p9_get(in, 4));
    if (in->bad || !f || f->fd < 0) {
        return in->bad ? EPROTO : EBADF;
    }
    return fsync(f->fd) < 0 ? errno : 0;
}
