/*
 * The folder that a pack is written into. Paths below it are walked one name
 * at a time and never through a symbolic link, so that whatever lies there,
 * and whoever changes it meanwhile, nothing is written outside. See
 * replay-folder.h.
 */
#include "replay-folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct PackFolder {
    char *path;
    int fd;
    bool made;             /* the folder itself */
    GPtrArray *undo;       /* char *: what was made below it, in order */
};

PackFolder *pack_folder_open(const char *path, Error **errp)
{
    bool made = !g_file_test(path, G_FILE_TEST_EXISTS);
    int fd = g_mkdir_with_parents(path, 0777) < 0 ? -1 :
             open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        error_set_errno(errp, errno, "Could not create '%s'", path);
        return NULL;
    }
    PackFolder *f = g_new0(PackFolder, 1);
    f->path = g_strdup(path);
    f->fd = fd;
    f->made = made;
    f->undo = g_ptr_array_new_with_free_func(g_free);
    return f;
}

static bool folder_error(const PackFolder *f, const char *below,
                         const char *doing, Error **errp)
{
    int err = errno;
    if (err == ELOOP || err == ENOTDIR) {
        error_set(errp, "Could not %s '%s/%s': there is a link or a file "
                  "where a folder must be", doing, f->path, below);
    } else {
        error_set_errno(errp, err, "Could not %s '%s/%s'", doing, f->path,
                        below);
    }
    return false;
}

/* Steps into a folder of the folder fd, which is closed. */
static int step_into(PackFolder *f, int fd, const char *name, char *sofar)
{
    if (sofar && mkdirat(fd, name, 0777) == 0) {
        g_ptr_array_add(f->undo, g_strdup(sofar));
    }
    int next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
                      O_CLOEXEC);
    int err = errno;
    close(fd);
    errno = err;
    return next;
}

/* The folder that `path` lies in, which is made if need be; its last name in
 * *name. -1: errno says why. */
static int folder_walk(PackFolder *f, const char *path, bool make,
                       const char **name)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    g_autoptr(GString) sofar = g_string_new(NULL);
    int fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
    char **p = parts;
    for (; fd >= 0 && p[1]; p++) {
        g_string_append_printf(sofar, "%s%s", sofar->len ? "/" : "", *p);
        fd = step_into(f, fd, *p, make ? sofar->str : NULL);
    }
    *name = path + strlen(path) - strlen(*p);
    return fd;
}

bool pack_folder_is_free(PackFolder *f, const char *path, Error **errp)
{
    const char *name;
    struct stat st;
    int fd = folder_walk(f, path, false, &name);
    if (fd < 0) {
        return errno == ENOENT || folder_error(f, path, "create", errp);
    }
    bool taken = fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    close(fd);
    if (taken) {
        error_set(errp, "'%s/%s' exists; --force overwrites it", f->path,
                  path);
    }
    return !taken;
}

int pack_folder_create(PackFolder *f, const char *path, int mode, bool force,
                       Error **errp)
{
    const char *name;
    int dir = folder_walk(f, path, true, &name);
    if (dir < 0) {
        folder_error(f, path, "create", errp);
        return -1;
    }
    if (force) {
        unlinkat(dir, name, 0);
    }
    int fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW |
                    O_CLOEXEC, mode);
    if (fd < 0) {
        folder_error(f, path, "create", errp);
    } else {
        g_ptr_array_add(f->undo, g_strdup(path));
    }
    close(dir);
    return fd;
}

void pack_folder_undo(PackFolder *f)
{
    while (f->undo->len > 0) {
        const char *path = g_ptr_array_index(f->undo, f->undo->len - 1);
        const char *name;
        int dir = folder_walk(f, path, false, &name);
        if (dir >= 0) {
            /* A folder in which something else lies stays. */
            if (unlinkat(dir, name, 0) < 0) {
                unlinkat(dir, name, AT_REMOVEDIR);
            }
            close(dir);
        }
        g_ptr_array_set_size(f->undo, f->undo->len - 1);
    }
    if (f->made) {
        rmdir(f->path);
    }
}

void pack_folder_close(PackFolder *f)
{
    if (f) {
        close(f->fd);
        g_free(f->path);
        g_ptr_array_free(f->undo, TRUE);
        g_free(f);
    }
}
