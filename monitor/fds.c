/*
 * QMP: descriptors that clients send along (qapi/char.json). Each session has
 * its own; what takes one by name owns it from then on.
 */
#include <unistd.h>

#include "monitor.h"

static void close_fd(gpointer fd)
{
    close(GPOINTER_TO_INT(fd));
}

GHashTable *monitor_fds_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, close_fd);
}

void qmp_getfd(QmpContext *ctx, const char *fdname, Error **errp)
{
    Monitor *mon = ctx->session;
    int fd = mon ? chardev_take_fd(mon->chr) : -1;
    if (fd < 0) {
        error_set(errp, "No file descriptor supplied via SCM_RIGHTS");
    } else if (g_ascii_isdigit(*fdname)) {
        close(fd);
        error_set(errp, "Parameter 'fdname' expects a name not starting with "
                        "a digit");
    } else {
        g_hash_table_replace(mon->fds, g_strdup(fdname), GINT_TO_POINTER(fd));
    }
}

static bool known(Monitor *mon, const char *name, Error **errp)
{
    bool found = mon && g_hash_table_contains(mon->fds, name);
    if (!found) {
        error_set(errp, "File descriptor named '%s' has not been found", name);
    }
    return found;
}

void qmp_closefd(QmpContext *ctx, const char *fdname, Error **errp)
{
    Monitor *mon = ctx->session;
    if (known(mon, fdname, errp)) {
        g_hash_table_remove(mon->fds, fdname);
    }
}

int monitor_take_fd(QmpContext *ctx, const char *name, Error **errp)
{
    Monitor *mon = ctx->session;
    gpointer key, fd;
    if (!known(mon, name, errp)) {
        return -1;
    }
    g_hash_table_steal_extended(mon->fds, name, &key, &fd);
    g_free(key);
    return GPOINTER_TO_INT(fd);
}
