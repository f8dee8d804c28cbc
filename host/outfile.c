/*
 * Files that doors write. See io/outfile.h.
 */
#include "io/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool outfile_open(OutFile *f, const char *path, Error **errp)
{
    f->path = path;
    f->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    f->error = f->fd < 0 ? errno : 0;
    if (f->error) {
        error_set_errno(errp, f->error, "Could not open '%s'", path);
    }
    return !f->error;
}

void outfile_write(OutFile *f, const void *data, size_t bytes)
{
    const char *at = data;
    while (bytes && !f->error) {
        ssize_t n = write(f->fd, at, bytes);
        if (n > 0) {
            at += n;
            bytes -= n;
        } else if (errno != EINTR) {
            f->error = errno;
        }
    }
}

bool outfile_close(OutFile *f, Error **errp)
{
    if (close(f->fd) < 0 && !f->error) {
        f->error = errno;
    }
    if (f->error) {
        error_set_errno(errp, f->error, "Could not write '%s'", f->path);
    }
    return !f->error;
}
