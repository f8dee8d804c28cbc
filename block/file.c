/*
 * Files of the host: the only system calls of block/.
 *
 * Who may open an image together with whom is told to other processes with
 * open-file-description locks on single bytes, laid out as QEMU's tools do, so
 * that those and ours keep off each other's images: byte 100 + n is locked
 * (shared) by whoever uses permission n, byte 200 + n by whoever does not want
 * others to use it. Nobody takes an exclusive lock; one is only tested for.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

enum {
    PERM_READ = 0,
    PERM_WRITE = 1,
    PERM_RESIZE = 3,
    LOCK_USED = 100,
    LOCK_UNSHARED = 200,
};

struct BlockFile {
    int fd;
    char *path;
    bool writable;
    uint64_t size_bytes;
    BlockFile *beside;     /* the reader that let us in */
};

/* --- locks ------------------------------------------------------------ */

static bool lock_set(int fd, off_t byte, short type)
{
    struct flock fl = { .l_type = type, .l_whence = SEEK_SET,
                        .l_start = byte, .l_len = 1 };
    /* A file system without locks is no reason not to work. */
    return fcntl(fd, F_OFD_SETLK, &fl) == 0 || errno == EINVAL ||
           errno == ENOLCK || errno == EOPNOTSUPP || errno == ENOSYS;
}

static bool others_hold(int fd, off_t byte)
{
    struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
                        .l_start = byte, .l_len = 1 };
    return fcntl(fd, F_OFD_GETLK, &fl) == 0 && fl.l_type != F_UNLCK;
}

static bool lock_failed(const char *shared, const char *path, Error **errp)
{
    error_set(errp, "Failed to get %s lock\n"
              "Is another process using the image [%s]?", shared, path);
    return false;
}

/* What a reader does not want others to do: F_RDLCK or F_UNLCK. */
static void reader_excludes(const BlockFile *reader, short type)
{
    if (reader) {
        lock_set(reader->fd, LOCK_UNSHARED + PERM_WRITE, type);
        lock_set(reader->fd, LOCK_UNSHARED + PERM_RESIZE, type);
    }
}

static bool file_lock(int fd, const char *path, bool writer,
                      const BlockFile *beside, Error **errp)
{
    static const struct {
        off_t byte;
        bool writer_only;
    } locks[] = {
        { LOCK_USED + PERM_READ, false },
        { LOCK_USED + PERM_WRITE, true },
        { LOCK_USED + PERM_RESIZE, true },
        { LOCK_UNSHARED + PERM_WRITE, false },
        { LOCK_UNSHARED + PERM_RESIZE, false },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(locks); i++) {
        if ((writer || !locks[i].writer_only) &&
            !lock_set(fd, locks[i].byte, F_RDLCK)) {
            return lock_failed(writer ? "\"write\"" : "shared \"write\"",
                               path, errp);
        }
    }
    /* From here on we keep away those that the reader kept away. */
    reader_excludes(beside, F_UNLCK);
    if (writer && (others_hold(fd, LOCK_UNSHARED + PERM_WRITE) ||
                   others_hold(fd, LOCK_UNSHARED + PERM_RESIZE))) {
        return lock_failed("\"write\"", path, errp);
    }
    if (others_hold(fd, LOCK_USED + PERM_WRITE) ||
        others_hold(fd, LOCK_USED + PERM_RESIZE)) {
        return lock_failed("shared \"write\"", path, errp);
    }
    if (others_hold(fd, LOCK_UNSHARED + PERM_READ)) {
        return lock_failed("\"consistent read\"", path, errp);
    }
    return true;
}

/* --- opening ---------------------------------------------------------- */

bool block_file_measure(BlockFile *f, Error **errp)
{
    struct stat st;
    if (fstat(f->fd, &st) < 0) {
        error_set_errno(errp, errno, "Could not open '%s'", f->path);
        return false;
    }
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
        error_set(errp, "Could not open '%s': not a file or block device",
                  f->path);
        return false;
    }
    off_t end = lseek(f->fd, 0, SEEK_END);
    if (end < 0) {
        error_set_errno(errp, errno, "Could not get the size of '%s'",
                        f->path);
        return false;
    }
    f->size_bytes = end;
    return true;
}

/* Takes over fd. */
static BlockFile *file_new(int fd, const char *path, bool writable)
{
    BlockFile *f = g_new0(BlockFile, 1);
    f->fd = fd;
    f->path = g_strdup(path);
    f->writable = writable;
    return f;
}

BlockFile *block_file_open(const char *path, unsigned flags, Error **errp)
{
    bool create = flags & BLOCK_FILE_CREATE;
    bool writable = create || (flags & BLOCK_FILE_WRITE);
    /* Emptied only after the lock is ours. A fifo must not make us wait. */
    int fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC |
                  O_NONBLOCK | (create ? O_CREAT : 0), 0644);
    if (fd < 0) {
        error_set_errno(errp, errno, "Could not %s '%s'",
                        create ? "create" : "open", path);
        return NULL;
    }
    BlockFile *f = file_new(fd, path, writable);
    if (!block_file_measure(f, errp) ||
        (!(flags & BLOCK_FILE_SHARE) &&
         !file_lock(fd, path, writable, NULL, errp))) {
        block_file_close(f);
        return NULL;
    }
    int err = create ? block_file_truncate(f, 0) : 0;
    if (err < 0) {
        error_set_errno(errp, -err, "Could not create '%s'", path);
        block_file_close(f);
        return NULL;
    }
    return f;
}

BlockFile *block_file_open_beside(BlockFile *reader, Error **errp)
{
    int fd = open(reader->path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        error_set_errno(errp, errno, "Could not open '%s' for writing",
                        reader->path);
        return NULL;
    }
    BlockFile *f = file_new(fd, reader->path, true);
    f->beside = reader;
    bool ok = block_file_measure(f, errp) &&
              file_lock(fd, f->path, true, reader, errp);
    if (ok && !block_file_same(reader, reader->path)) {
        error_set(errp, "'%s' is no longer the file that was opened",
                  reader->path);
        ok = false;
    }
    if (!ok) {
        block_file_close(f);
        return NULL;
    }
    return f;
}

void block_file_close(BlockFile *f)
{
    if (f) {
        reader_excludes(f->beside, F_RDLCK);
        close(f->fd);
        g_free(f->path);
        g_free(f);
    }
}

const char *block_file_path(const BlockFile *f)
{
    return f->path;
}

uint64_t block_file_size(const BlockFile *f)
{
    return f->size_bytes;
}

uint64_t block_file_allocated(const BlockFile *f)
{
    struct stat st;
    return fstat(f->fd, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}

bool block_file_same(const BlockFile *f, const char *path)
{
    struct stat a, b;
    return fstat(f->fd, &a) == 0 && stat(path, &b) == 0 &&
           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* --- transfers -------------------------------------------------------- */

int block_file_read(BlockFile *f, uint64_t offset, void *buf, size_t bytes)
{
    uint8_t *p = buf;
    while (bytes > 0) {
        ssize_t n = pread(f->fd, p, bytes, offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        if (n == 0) {
            memset(p, 0, bytes);
            return 0;
        }
        p += n;
        offset += n;
        bytes -= n;
    }
    return 0;
}

int block_file_write(BlockFile *f, uint64_t offset, const void *buf,
                     size_t bytes)
{
    const uint8_t *p = buf;
    while (bytes > 0) {
        ssize_t n = pwrite(f->fd, p, bytes, offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? -errno : -EIO;
        }
        p += n;
        offset += n;
        bytes -= n;
        f->size_bytes = MAX(f->size_bytes, offset);
    }
    return 0;
}

int block_file_fill(BlockFile *f, uint64_t offset, uint64_t bytes)
{
    static const uint8_t zeroes[64 * 1024];
    int err = 0;
    for (size_t n; bytes > 0 && err == 0; offset += n, bytes -= n) {
        n = MIN(bytes, sizeof zeroes);
        err = block_file_write(f, offset, zeroes, n);
    }
    return err;
}

int block_file_zero(BlockFile *f, uint64_t offset, uint64_t bytes)
{
    if (bytes == 0) {
        return 0;
    }
    if (fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
                  bytes) == 0) {
        return offset + bytes > f->size_bytes ?
               block_file_truncate(f, offset + bytes) : 0;
    }
    return block_file_fill(f, offset, bytes);
}

int block_file_truncate(BlockFile *f, uint64_t size_bytes)
{
    if (size_bytes > INT64_MAX) {
        return -EFBIG;
    }
    if (ftruncate(f->fd, size_bytes) < 0) {
        return -errno;
    }
    f->size_bytes = size_bytes;
    return 0;
}

int block_file_allocate(BlockFile *f, uint64_t offset, uint64_t bytes)
{
    /* Not fallocate(): file systems that cannot do it get the range written. */
    int err = bytes ? posix_fallocate(f->fd, offset, bytes) : 0;
    if (err == 0) {
        f->size_bytes = MAX(f->size_bytes, offset + bytes);
    }
    return -err;
}

int block_file_sync(BlockFile *f)
{
    return fdatasync(f->fd) < 0 ? -errno : 0;
}

uint64_t block_file_extent(BlockFile *f, uint64_t offset, uint64_t bytes,
                           bool *hole)
{
    *hole = offset >= f->size_bytes;
    if (*hole) {
        return bytes;
    }
    off_t data = lseek(f->fd, offset, SEEK_DATA);
    if (data < 0) {
        /* ENXIO: no more data; anything else: the host cannot tell. */
        *hole = errno == ENXIO;
        return *hole ? bytes : MIN(bytes, f->size_bytes - offset);
    }
    if (data > offset) {
        *hole = true;
        return MIN(bytes, data - offset);
    }
    off_t end = lseek(f->fd, offset, SEEK_HOLE);
    return end > offset ? MIN(bytes, end - offset) : 1;
}
