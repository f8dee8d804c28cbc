/*
 * Attributes of files: owner, mode, times, and their place in extended
 * attributes where the share is mapped.
 */
#include "p9.h"

#include "base/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Where a mapped share keeps them, the names and little-endian numbers that
 * QEMU's have. */
#define MAP_UID  "user.virtfs.uid"
#define MAP_GID  "user.virtfs.gid"
#define MAP_MODE "user.virtfs.mode"
#define MAP_RDEV "user.virtfs.rdev"

/* Rgetattr's basic attributes. */
#define GETATTR_BASIC 0x7ffu

/* Tsetattr's `valid`. */
enum { SET_MODE = 1, SET_UID = 2, SET_GID = 4, SET_SIZE = 8, SET_ATIME = 0x10,
       SET_MTIME = 0x20, SET_CTIME = 0x40, SET_ATIME_TO = 0x80,
       SET_MTIME_TO = 0x100 };

#define QID_DIR     0x80u
#define QID_SYMLINK 0x02u

/* --- mapped attributes ------------------------------------------------------------ */

static bool map_get(int fd, const char *name, unsigned bytes, uint64_t *out)
{
    uint8_t buf[8];
    if (getxattr(p9_proc(fd).name, name, buf, bytes) != (ssize_t)bytes) {
        return false;
    }
    *out = bytes_ld_le(buf, bytes);
    return true;
}

static int map_set(int fd, const char *name, unsigned bytes, uint64_t v)
{
    uint8_t buf[8];
    bytes_st_le(buf, bytes, v);
    return setxattr(p9_proc(fd).name, name, buf, bytes, 0) < 0 ? errno : 0;
}

static void map_stat(int fd, struct stat *st)
{
    uint64_t v;
    if (map_get(fd, MAP_UID, 4, &v)) {
        st->st_uid = v;
    }
    if (map_get(fd, MAP_GID, 4, &v)) {
        st->st_gid = v;
    }
    if (map_get(fd, MAP_MODE, 4, &v)) {
        st->st_mode = v;
    }
    if (map_get(fd, MAP_RDEV, 8, &v)) {
        st->st_rdev = v;
    }
}

int p9_stat(P9 *p, int fd, struct stat *st)
{
    if (fstat(fd, st) < 0) {
        return errno;
    }
    if (p->model == SHARE_MAPPED && !S_ISLNK(st->st_mode)) {
        map_stat(fd, st);
    }
    return 0;
}

int p9_set_device(P9 *p, int held, uint64_t device)
{
    return map_set(held, MAP_RDEV, 8, device);
}

/* --- what something is called: a qid ------------------------------------------------- */

/* Files of another file system below the folder may have the same numbers. */
static uint64_t file_number(const P9 *p, const struct stat *st)
{
    uint64_t other = st->st_dev == p->root_dev ? 0 : st->st_dev + 1;
    return st->st_ino ^ other << 48 ^ other >> 16 << 32;
}

void p9_put_qid(P9 *p, GByteArray *out, const struct stat *st)
{
    p9_put(out, 1, S_ISDIR(st->st_mode)   ? QID_DIR
                   : S_ISLNK(st->st_mode) ? QID_SYMLINK : 0);
    p9_put(out, 4, st->st_mtim.tv_sec ^ st->st_mtim.tv_nsec ^
                       st->st_size << 8);
    p9_put(out, 8, file_number(p, st));
}

/* --- changes ---------------------------------------------------------------------------- */

static int set_owner(P9 *p, int held, uint32_t uid, uint32_t gid)
{
    if (p->model == SHARE_MAPPED) {
        int err = uid == UINT32_MAX ? 0 : map_set(held, MAP_UID, 4, uid);
        return err || gid == UINT32_MAX ? err : map_set(held, MAP_GID, 4, gid);
    }
    if (fchownat(held, "", uid, gid, AT_EMPTY_PATH) < 0 &&
        p->model == SHARE_PASSTHROUGH) {
        return errno;
    }
    return 0;
}

static int set_mode(P9 *p, int held, uint32_t mode)
{
    struct stat st;
    int err = p9_stat(p, held, &st);
    if (err) {
        return err;
    }
    if (p->model == SHARE_MAPPED) {
        return map_set(held, MAP_MODE, 4,
                       (st.st_mode & S_IFMT) | (mode & 07777));
    }
    if (S_ISLNK(st.st_mode)) {
        return EOPNOTSUPP;
    }
    return chmod(p9_proc(held).name, mode & 07777) < 0 ? errno : 0;
}

int p9_own(P9 *p, int held, uint32_t uid, uint32_t gid, uint32_t mode)
{
    int err = set_owner(p, held, uid, gid);
    if (err) {
        return err;
    }
    if (p->model == SHARE_MAPPED) {
        return map_set(held, MAP_MODE, 4, mode);
    }
    return S_ISLNK(mode) ? 0 : set_mode(p, held, mode);
}

static int set_size(int held, uint64_t size)
{
    struct stat st;
    if (fstat(held, &st) < 0) {
        return errno;
    }
    if (!S_ISREG(st.st_mode)) {
        return S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
    }
    return truncate(p9_proc(held).name, size) < 0 ? errno : 0;
}

typedef struct NewAttr {
    uint32_t valid, mode, uid, gid;
    uint64_t size;
    struct timespec time[2];
} NewAttr;

static int set_times(int held, NewAttr *a)
{
    static const unsigned set[] = { SET_ATIME, SET_MTIME };
    static const unsigned to[] = { SET_ATIME_TO, SET_MTIME_TO };
    for (unsigned i = 0; i < 2; i++) {
        if (!(a->valid & set[i])) {
            a->time[i].tv_nsec = UTIME_OMIT;
        } else if (!(a->valid & to[i])) {
            a->time[i].tv_nsec = UTIME_NOW;
        } else if ((uint64_t)a->time[i].tv_nsec >= NS_PER_SEC) {
            return EINVAL;
        }
    }
    return utimensat(AT_FDCWD, p9_proc(held).name, a->time, 0) < 0 ? errno : 0;
}

static int set_all(P9 *p, int held, NewAttr *a)
{
    int err = 0;
    if (a->valid & SET_MODE) {
        err = set_mode(p, held, a->mode);
    }
    if (!err && (a->valid & (SET_UID | SET_GID))) {
        err = set_owner(p, held, a->valid & SET_UID ? a->uid : UINT32_MAX,
                        a->valid & SET_GID ? a->gid : UINT32_MAX);
    }
    if (!err && (a->valid & SET_SIZE)) {
        err = set_size(held, a->size);
    }
    if (!err && (a->valid & (SET_ATIME | SET_MTIME))) {
        err = set_times(held, a);
    }
    return err;
}

/* An open file keeps its attributes when its name is gone. */
static int hold_fid(P9 *p, const P9Fid *f)
{
    if (f->fd < 0) {
        return p9_hold(p, f->path);
    }
    int fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

int p9_setattr(P9 *p, P9In *in, GByteArray *out)
{
    P9Fid *f = p9_fid_find(p, p9_get(in, 4));
    NewAttr a = { 0 };
    a.valid = p9_get(in, 4);
    a.mode = p9_get(in, 4);
    a.uid = p9_get(in, 4);
    a.gid = p9_get(in, 4);
    a.size = p9_get(in, 8);
    for (unsigned i = 0; i < 2; i++) {
        a.time[i].tv_sec = p9_get(in, 8);
        a.time[i].tv_nsec = p9_get(in, 8);
    }
    if (in->bad || !f) {
        return in->bad ? EPROTO : EBADF;
    }
    int held = hold_fid(p, f);
    if (held < 0) {
        return -held;
    }
    int err = set_all(p, held, &a);
    close(held);
    return err;
}

/* --- questions ----------------------------------------------------------------------------- */

static void put_time(GByteArray *out, const struct timespec *t)
{
    p9_put(out, 8, t->tv_sec);
    p9_put(out, 8, t->tv_nsec);
}

/* A number of a device as Linux's stat64 has it. */
static uint64_t device_number(dev_t dev)
{
    uint64_t minor_nr = minor(dev);
    return (minor_nr & 0xff) | (uint64_t)major(dev) << 8 |
           (minor_nr & ~UINT64_C(0xff)) << 12;
}

static void put_attributes(P9 *p, GByteArray *out, const struct stat *st)
{
    p9_put(out, 8, GETATTR_BASIC);
    p9_put_qid(p, out, st);
    p9_put(out, 4, st->st_mode);
    p9_put(out, 4, st->st_uid);
    p9_put(out, 4, st->st_gid);
    p9_put(out, 8, st->st_nlink);
    p9_put(out, 8, device_number(st->st_rdev));
    p9_put(out, 8, st->st_size);
    p9_put(out, 8, st->st_blksize);
    p9_put(out, 8, st->st_blocks);
    put_time(out, &st->st_atim);
    put_time(out, &st->st_mtim);
    put_time(out, &st->st_ctim);
    /* Birth, generation and version are not among the valid ones. */
    for (unsigned i = 0; i < 4; i++) {
        p9_put(out, 8, 0);
    }
}

int p9_getattr(P9 *p, P9In *in, GByteArray *out)
{
    P9Fid *f = p9_fid_find(p, p9_get(in, 4));
    struct stat st;
    p9_get(in, 8);
    if (in->bad || !f) {
        return in->bad ? EPROTO : EBADF;
    }
    int held = hold_fid(p, f);
    if (held < 0) {
        return -held;
    }
    int err = p9_stat(p, held, &st);
    close(held);
    if (!err) {
        put_attributes(p, out, &st);
    }
    return err;
}

int p9_statfs(P9 *p, P9In *in, GByteArray *out)
{
    P9Fid *f = p9_fid_find(p, p9_get(in, 4));
    struct statfs st;
    if (in->bad || !f) {
        return in->bad ? EPROTO : EBADF;
    }
    if (fstatfs(p->root_fd, &st) < 0) {
        return errno;
    }
    p9_put(out, 4, st.f_type);
    p9_put(out, 4, st.f_bsize);
    p9_put(out, 8, st.f_blocks);
    p9_put(out, 8, st.f_bfree);
    p9_put(out, 8, st.f_bavail);
    p9_put(out, 8, st.f_files);
    p9_put(out, 8, st.f_ffree);
    p9_put(out, 8, bytes_ld_le64(&st.f_fsid));
    p9_put(out, 4, P9_NAME_MAX);
    return 0;
}
