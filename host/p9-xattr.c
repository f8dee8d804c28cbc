/*
 * Extended attributes: those that users may give ("user."), except where a mapped
 * share keeps its own.
 */
#include "p9.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define XATTR_BYTES_MAX 65536u

static bool xattr_is_visible(const P9 *p, const char *name)
{
    return g_str_has_prefix(name, "user.") &&
           !(p->model == SHARE_MAPPED &&
             g_str_has_prefix(name, "user.virtfs."));
}

/* The names that the guest may see, each with its NUL. */
static int list_names(P9 *p, int held, GByteArray *out)
{
    g_autofree char *names = g_malloc(XATTR_BYTES_MAX);
    ssize_t n = listxattr(p9_proc(held).name, names, XATTR_BYTES_MAX);
    if (n < 0) {
        return errno;
    }
    for (ssize_t at = 0; at < n; at += strlen(names + at) + 1) {
        if (xattr_is_visible(p, names + at)) {
            g_byte_array_append(out, (uint8_t *)names + at,
                                strlen(names + at) + 1);
        }
    }
    return 0;
}

static int get_value(P9 *p, int held, const char *name, GByteArray *out)
{
    if (!xattr_is_visible(p, name)) {
        return g_str_has_prefix(name, "user.") ? ENODATA : EOPNOTSUPP;
    }
    g_byte_array_set_size(out, XATTR_BYTES_MAX);
    ssize_t n = getxattr(p9_proc(held).name, name, out->data, out->len);
    int err = errno;
    g_byte_array_set_size(out, MAX(n, 0));
    return n < 0 ? err : 0;
}

/* An empty name asks for the list of names. */
static int xattr_get(P9 *p, const char *path, const char *name,
                     GByteArray *value)
{
    int held = p9_hold(p, path);
    if (held < 0) {
        return -held;
    }
    int err = *name ? get_value(p, held, name, value)
                    : list_names(p, held, value);
    close(held);
    return err;
}

int p9_xattrwalk(P9 *p, P9In *in, GByteArray *out)
{
    P9Fid *f = p9_fid_find(p, p9_get(in, 4));
    uint32_t new_id = p9_get(in, 4);
    g_autofree char *name = p9_get_string(in);
    if (in->bad || !f || p9_fid_find(p, new_id)) {
        return in->bad ? EPROTO : EBADF;
    }
    GByteArray *value = g_byte_array_new();
    int err = xattr_get(p, f->path, name, value);
    P9Fid *made = err ? NULL : p9_fid_new(p, new_id, f->path, f->uid);
    if (!made) {
        g_byte_array_unref(value);
        return err ? err : ENFILE;
    }
    made->xattr = value;
    p9_put(out, 8, value->len);
    return 0;
}

int p9_xattrcreate(P9 *p, P9In *in, GByteArray *out)
{
    P9Fid *f = p9_fid_find(p, p9_get(in, 4));
    g_autofree char *name = p9_get_string(in);
    uint64_t bytes = p9_get(in, 8);
    uint32_t flags = p9_get(in, 4);
    if (in->bad || !f || f->fd >= 0 || f->xattr) {
        return in->bad ? EPROTO : EBADF;
    }
    if (!xattr_is_visible(p, name)) {
        return EOPNOTSUPP;
    }
    if (bytes > XATTR_BYTES_MAX || flags & ~(XATTR_CREATE | XATTR_REPLACE)) {
        return bytes > XATTR_BYTES_MAX ? ENOSPC : EINVAL;
    }
    f->xattr = g_byte_array_new();
    f->xattr_name = g_steal_pointer(&name);
    f->xattr_bytes = bytes;
    f->xattr_flags = flags;
    return 0;
}

/* No bytes at all: the attribute goes, as the protocol has no other way. */
static int xattr_set(int held, const P9Fid *f)
{
    P9Proc proc = p9_proc(held);
    if (!f->xattr_bytes && f->xattr_flags == XATTR_REPLACE) {
        return removexattr(proc.name, f->xattr_name) < 0 ? errno : 0;
    }
    return setxattr(proc.name, f->xattr_name, f->xattr->data, f->xattr->len,
                    f->xattr_flags) < 0 ? errno : 0;
}

int p9_xattr_finish(P9 *p, P9Fid *f)
{
    if (!f->xattr_name) {
        return 0;
    }
    if (f->xattr->len != f->xattr_bytes) {
        return EIO;
    }
    int held = p9_hold(p, f->path);
    if (held < 0) {
        return -held;
    }
    int err = xattr_set(held, f);
    close(held);
    return err;
}
