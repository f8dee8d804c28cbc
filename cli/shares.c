/*
 * From -fsdev to folders that are shared, and from uds-path= of a -device to the
 * host's end of its sockets.
 */
#include "program.h"

#include <string.h>

static bool open_share(Program *p, const ShareOption *o, Error **errp)
{
    ShareSpec spec = { .id = o->id,
                       .path = o->path,
                       .model = o->model,
                       .readonly = o->readonly,
                       .file_mode = o->file_mode,
                       .folder_mode = o->folder_mode };
    if (!share_open(p->shares, &spec, errp)) {
        error_prepend(errp, "-fsdev local,id=%s: ", o->id);
        return false;
    }
    return true;
}

/* The value of a property of that type, or NULL. */
static const char *vsock_path(const DeviceConfig *d)
{
    const DeviceClass *cls = device_class_find(&program_parts, d->driver);
    const char *path = NULL;
    if (cls && cls->inner) {
        cls = cls->inner;
    }
    for (const PropDef *prop = cls ? cls->props : NULL; prop && prop->name;
         prop++) {
        for (guint i = 0; i + 1 < d->props->len; i += 2) {
            if (prop->type == PROP_VSOCK &&
                g_str_equal(g_ptr_array_index(d->props, i), prop->name)) {
                path = g_ptr_array_index(d->props, i + 1);
            }
        }
    }
    return path;
}

static bool open_vsocks(Program *p, Error **errp)
{
    for (guint i = 0; i < p->opts.devices->len; i++) {
        const DeviceConfig *d = g_ptr_array_index(p->opts.devices, i);
        const char *path = vsock_path(d);
        if (path && !vsock_open(p->vsocks, path, errp)) {
            error_prepend(errp, "-device %s: ", d->driver);
            return false;
        }
    }
    return true;
}

bool program_open_shares(Program *p, Error **errp)
{
    bool replay = p->opts.icount.rr == REPLAY_PLAY;
    p->shares = share_set_new(replay);
    share_set_machine(p->shares, p->m);
    p->m->config.shares = share_set_table(p->shares);
    p->vsocks = vsock_set_new(replay);
    vsock_set_machine(p->vsocks, p->m);
    p->m->config.vsocks = vsock_set_table(p->vsocks);
    for (guint i = 0; i < p->opts.shares->len; i++) {
        if (!open_share(p, g_ptr_array_index(p->opts.shares, i), errp)) {
            return false;
        }
    }
    return open_vsocks(p, errp);
}
