/*
 * Listing folders.
 */
#include "p9.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* qid[13] offset[8] type[1] and the name's length. */
#define ENTRY_BYTES 24u

/* What an entry is; where it cannot be asked (it is gone), what the folder says
 * of it. The way up from the exported folder leads to itself. */
static void entry_stat(P9 *p, const P9Fid *f, const struct dirent *e,
                       struct stat *st)
{
    bool up = !strcmp(e->d_name, "..");
    g_autofree char *parent = up ? p9_path_parent(f->path) : NULL;
    int held = up ? p9_hold(p, parent) : p9_hold_name(f->fd, e->d_name);

    memset(st, 0, sizeof *st);
    st->st_ino = e->d_ino;
    st->st_mode = DTTOIF(e->d_type);
    st->st_dev = p->root_dev;
    if (held >= 0) {
        p9_stat(p, held, st);
        close(held);
    }
}

static void put_entry(P9 *p, GByteArray *out, const P9Fid *f,
                      const struct dirent *e)
{
    struct stat st;
    entry_stat(p, f, e, &st);
    p9_put_qid(p, out, &st);
    p9_put(out, 8, e->d_off);
    p9_put(out, 1, IFTODT(st.st_mode));
    p9_put_string(out, e->d_name);
}

/* As many whole entries as fit. */
static int put_entries(P9 *p, GByteArray *out, const P9Fid *f, size_t room)
{
    guint from = out->len;
    const struct dirent *e;
    errno = 0;
    while ((e = readdir(f->dir))) {
        size_t need = ENTRY_BYTES + strlen(e->d_name);
        if (out->len - from + need > room) {
            return out->len == from ? EINVAL : 0;
        }
        put_entry(p, out, f, e);
        errno = 0;
    }
    return errno;
}

int p9_readdir(P9 *p, P9In *in, GByteArray *out)
{
    P9Fid *f = p9_fid_find(p, p9_get(in, 4));
    uint64_t offset = p9_get(in, 8);
    uint32_t count = p9_get(in, 4);
    size_t room = MIN(p->room, p->msize);
    if (in->bad || !f || !f->dir) {
        return in->bad ? EPROTO : EBADF;
    }
    if (room <= P9_IO_HEADER) {
        return EINVAL;
    }
    guint at = out->len;
    p9_put(out, 4, 0);
    if (offset) {
        seekdir(f->dir, offset);
    } else {
        rewinddir(f->dir);
    }
    int err = put_entries(p, out, f, MIN(count, room - P9_IO_HEADER));
    if (!err) {
        uint32_t bytes = GUINT32_TO_LE(out->len - at - 4);
        memcpy(out->data + at, &bytes, sizeof bytes);
    }
    return err;
}
