/*
 * -perfmap: tells Linux's perf what translated code is. perf looks for
 * /tmp/perf-PID.map, one "START SIZE NAME" line (hexadecimal) for each piece
 * of code (Linux, tools/perf/Documentation/jit-interface.txt).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "program.h"

static void write_line(void *opaque, const void *code, size_t bytes,
                       const char *name)
{
    fprintf(opaque, "%" G_GINT64_MODIFIER "x %zx %s\n",
            (uint64_t)(uintptr_t)code, bytes, name);
}

/* The name is known to everyone: a link that waits there is not followed. */
bool program_open_perfmap(Program *p, Error **errp)
{
    if (!p->opts.perfmap) {
        return true;
    }
    g_autofree char *path = g_strdup_printf("/tmp/perf-%d.map", getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                  0644);
    p->perfmap = fd < 0 ? NULL : fdopen(fd, "w");
    if (!p->perfmap) {
        error_set(errp, "-perfmap: cannot write '%s': %s", path,
                  g_strerror(errno));
        return false;
    }
    p->opts.accel_options.code_listener = write_line;
    p->opts.accel_options.code_opaque = p->perfmap;
    return true;
}

void program_close_perfmap(Program *p)
{
    p->opts.accel_options.code_listener = NULL;
    g_clear_pointer(&p->perfmap, fclose);
}
