/*
 * The file of a log. See log-file.h.
 *
 * Locks are those of open file descriptions on the whole file, so that they go
 * when the recorder does, whatever ends it. The file that is written carries
 * its lock from NAME.part to NAME: a second recorder of the same log meets it
 * at one of the two.
 */
#include "log-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log-format.h"

/* Not more often: a disk may take its time, and other programs wait for it. */
#define SYNC_INTERVAL_US (2 * INT64_C(1000000))

struct LogFile {
    char *path;            /* as the user wrote it */
    char *target;          /* without symbolic links */
    char *part;            /* its name until it has begun; then NULL */
    int fd;
    int old;               /* the log that it will replace, locked; -1: none */
    GThread *syncing;      /* NULL: none */
    gint sync_done;        /* that thread is about to end */
    int sync_error;        /* its errno; valid when it was joined */
    int64_t synced_us;     /* host time of its beginning; 0: never */
};

/* --- locks ------------------------------------------------------------------------- */

static bool lock(int fd, short type)
{
    struct flock fl = { .l_type = type, .l_whence = SEEK_SET };
    /* A file system without locks is no reason not to work. */
    return fcntl(fd, F_OFD_SETLK, &fl) == 0 || errno == EINVAL ||
           errno == ENOLCK || errno == EOPNOTSUPP || errno == ENOSYS;
}

int log_file_open(const char *path, Error **errp)
{
    /* A fifo must not make us wait. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        error_set_errno(errp, errno, "Could not open '%s'", path);
    } else if (!S_ISREG(st.st_mode)) {
        error_set(errp, "'%s' is not a recording: it is not a file", path);
    } else if (!lock(fd, F_RDLCK)) {
        error_set(errp, "Could not open '%s': a recording is being written "
                  "to it", path);
    } else {
        return fd;
    }
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

/* --- what may be replaced ------------------------------------------------------------ */

/* A log, or nothing at all yet. */
static bool is_log(int fd)
{
    char magic[LOG_MAGIC_BYTES];
    ssize_t n = pread(fd, magic, sizeof magic, 0);
    return n == 0 ||
           (n == sizeof magic && !memcmp(magic, LOG_MAGIC, sizeof magic));
}

/* False if it got another name while we waited to look at it. */
static bool is_called(const struct stat *st, const char *path)
{
    struct stat now;
    return stat(path, &now) == 0 && now.st_dev == st->st_dev &&
           now.st_ino == st->st_ino;
}

/* Opens what a log is about to replace and keeps everybody else off it. False
 * with an error if it must stay; *fd is -1 if there is nothing. */
static bool open_replaced(const char *path, int flags, int *fd, Error **errp)
{
    struct stat st;
    *fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | flags, 0600);
    if (*fd < 0 && errno == ENOENT) {
        return true;
    }
    if (*fd < 0 || fstat(*fd, &st) < 0) {
        error_set_errno(errp, errno, "Could not open '%s'", path);
        return false;
    }
    if (!S_ISREG(st.st_mode) || !is_log(*fd)) {
        error_set(errp, "'%s' is not a recording and is not overwritten: "
                  "choose another name, or remove it", path);
        return false;
    }
    if (!lock(*fd, F_WRLCK) || !is_called(&st, path)) {
        error_set(errp, "'%s' is in use by another recording or replay",
                  path);
        return false;
    }
    return true;
}

static void close_fd(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

/* --- a new log ------------------------------------------------------------------------ */

/* Symbolic links are followed once: a log replaces what they lead to. */
static char *real_path(const char *path)
{
    char *real = realpath(path, NULL);
    char *copy = g_strdup(real ? real : path);
    free(real);
    return copy;
}

/* --- to the disk itself ---------------------------------------------------------------- */

/* The name of a new file is on the disk when its folder is. */
static int sync_folder(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int ret = fd < 0 ? -1 : fsync(fd);
    /* Some file systems do not know how. */
    int err = ret < 0 && errno == EIO ? errno : 0;
    close_fd(fd);
    return err;
}

static gpointer sync_thread(gpointer opaque)
{
    LogFile *f = opaque;
    f->sync_error = fdatasync(f->fd) < 0 && errno != EINVAL ? errno : 0;
    if (!f->sync_error) {
        f->sync_error = sync_folder(f->target);
    }
    g_atomic_int_set(&f->sync_done, 1);
    return NULL;
}

static void join_sync(LogFile *f)
{
    if (f->syncing) {
        g_thread_join(f->syncing);
        f->syncing = NULL;
    }
}

/* What a failed one had to write may be lost for good, whatever a later one
 * says: it is told once. */
bool log_file_sync(LogFile *f, int *err)
{
    int64_t now_us = g_get_monotonic_time();
    *err = 0;
    if (f->syncing && !g_atomic_int_get(&f->sync_done)) {
        return false;
    }
    if (f->syncing) {
        join_sync(f);
        *err = f->sync_error;
    }
    if (f->synced_us && now_us - f->synced_us < SYNC_INTERVAL_US) {
        return false;
    }
    f->synced_us = now_us;
    f->sync_done = 0;
    f->syncing = g_thread_try_new("log-sync", sync_thread, f, NULL);
    return f->syncing != NULL;
}

/* --- beginning and end ------------------------------------------------------------------ */

LogFile *log_file_create(const char *path, Error **errp)
{
    LogFile *f = g_new0(LogFile, 1);
    f->path = g_strdup(path);
    f->target = real_path(path);
    f->fd = f->old = -1;
    g_autofree char *part = g_strdup_printf("%s.part", f->target);
    if (!open_replaced(f->target, 0, &f->old, errp) ||
        !open_replaced(part, O_CREAT, &f->fd, errp)) {
        log_file_free(f);
        return NULL;
    }
    int err = f->fd < 0 ? ENOENT : log_file_truncate(f, 0);
    if (err || fchmod(f->fd, 0600) < 0) {
        error_set_errno(errp, err ? err : errno, "Could not open '%s'", path);
        log_file_free(f);
        return NULL;
    }
    f->part = g_steal_pointer(&part);
    return f;
}

static bool rename_failed(const char *from, const char *to, Error **errp)
{
    error_set_errno(errp, errno, "Could not rename '%s' to '%s'", from, to);
    return false;
}

/* Moves an earlier recording out of the new one's way. */
static bool keep_old(LogFile *f, Error **errp)
{
    int older;
    g_autofree char *name = g_strdup_printf("%s.old", f->target);
    bool ok = open_replaced(name, 0, &older, errp);
    close_fd(older);
    if (!ok) {
        return false;
    }
    if (g_rename(f->target, name) < 0) {
        return rename_failed(f->target, name, errp);
    }
    error_warn("the earlier recording in '%s' is kept as '%s'", f->path, name);
    return true;
}

/* Nothing that appeared there meanwhile is replaced, where the file system
 * knows how to do that. */
static bool rename_free(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) {
        return true;
    }
    return (errno == EINVAL || errno == ENOSYS) && g_rename(from, to) == 0;
}

bool log_file_begin(LogFile *f, Error **errp)
{
    struct stat st;
    bool empty = f->old >= 0 && fstat(f->old, &st) == 0 && st.st_size == 0;
    if (f->old >= 0 && !empty && !keep_old(f, errp)) {
        return false;
    }
    if (empty ? g_rename(f->part, f->target) < 0
              : !rename_free(f->part, f->target)) {
        return rename_failed(f->part, f->target, errp);
    }
    g_clear_pointer(&f->part, g_free);
    close_fd(f->old);
    f->old = -1;
    return true;
}

void log_file_free(LogFile *f)
{
    if (f) {
        join_sync(f);
        if (f->part) {
            g_unlink(f->part);
        }
        close_fd(f->fd);
        close_fd(f->old);
        g_free(f->part);
        g_free(f->target);
        g_free(f->path);
        g_free(f);
    }
}

/* --- bytes ------------------------------------------------------------------------------ */

int log_file_write(LogFile *f, uint64_t offset, const void *data, size_t len)
{
    const uint8_t *p = data;
    while (len > 0) {
        ssize_t n = pwrite(f->fd, p, len, offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? errno : ENOSPC;
        }
        p += n;
        offset += n;
        len -= n;
    }
    return 0;
}

int log_file_truncate(LogFile *f, uint64_t bytes)
{
    return ftruncate(f->fd, bytes) < 0 ? errno : 0;
}

int log_file_dup(const LogFile *f)
{
    return fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
}
