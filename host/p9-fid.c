/*
 * Fids, and the way from the exported folder to what they stand for.
 */
#include "p9.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* --- fids ----------------------------------------------------------------------- */

P9Fid *p9_fid_find(P9 *p, uint32_t id)
{
    return g_hash_table_lookup(p->fids, GUINT_TO_POINTER(id));
}

P9Fid *p9_fid_new(P9 *p, uint32_t id, const char *path, uint32_t uid)
{
    if (id == P9_NO_FID || p9_fid_find(p, id) ||
        g_hash_table_size(p->fids) >= P9_FIDS_MAX) {
        return NULL;
    }
    P9Fid *f = g_new0(P9Fid, 1);
    f->id = id;
    f->uid = uid;
    f->path = g_strdup(path);
    f->fd = -1;
    g_hash_table_insert(p->fids, GUINT_TO_POINTER(id), f);
    return f;
}

void p9_fid_close(P9 *p, P9Fid *f)
{
    if (f->fd >= 0) {
        p->open_count--;
    }
    if (f->dir) {
        closedir(f->dir);
    } else if (f->fd >= 0) {
        close(f->fd);
    }
    f->dir = NULL;
    f->fd = -1;
    g_clear_pointer(&f->xattr, g_byte_array_unref);
    g_clear_pointer(&f->xattr_name, g_free);
}

void p9_fid_remove(P9 *p, P9Fid *f)
{
    g_hash_table_remove(p->fids, GUINT_TO_POINTER(f->id));
    p9_fid_close(p, f);
    g_free(f->path);
    g_free(f);
}

/* What of path lies behind from, if it is that or below it; else NULL. */
static const char *path_below(const char *path, const char *from)
{
    size_t len = strlen(from);
    bool below = !strncmp(path, from, len) && (!path[len] || path[len] == '/');
    return below ? path + len : NULL;
}

void p9_fids_move(P9 *p, const char *from, const char *to)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, p->fids);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        P9Fid *f = value;
        const char *rest = path_below(f->path, from);
        if (rest) {
            char *path = g_strconcat(to, rest, NULL);
            g_free(f->path);
            f->path = path;
        }
    }
}

/* --- paths ------------------------------------------------------------------------ */

bool p9_name_good(const char *name)
{
    return *name && strlen(name) <= P9_NAME_MAX && !strchr(name, '/') &&
           strcmp(name, ".") && strcmp(name, "..");
}

char *p9_path_join(const char *path, const char *name)
{
    return *path ? g_strconcat(path, "/", name, NULL) : g_strdup(name);
}

char *p9_path_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    return g_strndup(path, slash ? (size_t)(slash - path) : 0);
}

/* --- places ------------------------------------------------------------------------- */

int p9_hold_name(int folder, const char *name)
{
    int fd = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* The next folder on the way; the one before it is closed. A symbolic link is no
 * folder. */
static int step(int folder, const char *name)
{
    int fd = openat(folder, name,
                    O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
    int err = errno;
    close(folder);
    return fd < 0 ? -err : fd;
}

int p9_hold(P9 *p, const char *path)
{
    if (strlen(path) >= PATH_MAX) {
        return -ENAMETOOLONG;
    }
    int fd = openat(p->root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    const char *slash;
    while ((slash = strchr(path, '/'))) {
        g_autofree char *name = g_strndup(path, slash - path);
        fd = step(fd, name);
        if (fd < 0) {
            return fd;
        }
        path = slash + 1;
    }
    if (!*path) {
        return fd;
    }
    int held = p9_hold_name(fd, path);
    close(fd);
    return held;
}

P9Proc p9_proc(int held)
{
    P9Proc proc;
    g_snprintf(proc.name, sizeof proc.name, "/proc/self/fd/%d", held);
    return proc;
}
