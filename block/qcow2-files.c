/*
 * The other files of a qcow2 image: its backing file, and a file with the
 * guest's bytes if they are not in the image itself.
 */
#include <string.h>

#include "qcow2.h"

/* Names in an image are relative to where it is. */
static char *path_beside(const Qcow2 *q, const char *name)
{
    if (g_str_has_prefix(name, "json:")) {
        return g_strdup(name);
    }
    name += g_str_has_prefix(name, "file:") ? 5 : 0;
    return image_path_beside(q->node.file, name);
}

/* True after an error: a backing file that is one of the images above. */
static bool is_loop(const Qcow2 *q, const NodeOpen *how, const char *path,
                    Error **errp)
{
    for (const NodeOpen *a = how; a; a = a->above) {
        BlockFile *f = block_file_open(a->file, BLOCK_FILE_SHARE, NULL);
        bool same = f && block_file_same(f, path);
        block_file_close(f);
        if (same || how->depth >= BACKING_DEPTH_MAX) {
            error_set(errp, "Image '%s': %s", q->node.file,
                      same ? "the chain of backing files is a loop"
                           : "the chain of backing files is too long");
            return true;
        }
    }
    return false;
}

bool qcow2_backing_open(Qcow2 *q, const NodeOpen *how, Error **errp)
{
    const char *name = how->backing_name ? how->backing_name : q->backing_file;
    if (!name) {
        return true;
    }
    q->backing_path = path_beside(q, name);
    if (how->inspect || how->no_backing) {
        return true;
    }
    if (is_loop(q, how, q->backing_path, errp)) {
        return false;
    }
    NodeOpen below = {
        .file = q->backing_path,
        .format = how->backing_name ? NULL : q->backing_format,
        .readonly = true,
        .share = how->share,
        .depth = how->depth + 1,
        .above = how,
    };
    q->backing = how->backing ? node_ref(how->backing)
                              : node_open(&below, errp);
    if (!q->backing) {
        error_prepend(errp, "Could not open backing file of '%s': ",
                      q->node.file);
    }
    return q->backing;
}

bool qcow2_backing_check(Qcow2 *q, Error **errp)
{
    NodeOpen how = { .file = q->node.file, .share = true };
    bool closed = q->backing_file && !q->backing;
    if (closed) {
        g_clear_pointer(&q->backing_path, g_free);
    }
    bool ok = !closed || qcow2_backing_open(q, &how, errp);
    if (closed) {
        node_unref(g_steal_pointer(&q->backing));
    }
    return ok;
}

/* The file of the guest's bytes. Who only looks at the image needs none. */
bool qcow2_data_open(Qcow2 *q, const NodeOpen *how, Error **errp)
{
    const char *name = how->data_file ? how->data_file : q->data_file;
    q->data = q->file;
    if (!qcow2_external(q) || (how->inspect && !how->newborn)) {
        return true;
    }
    if (!name) {
        return qcow2_error(q, errp, HEADER_INCOMPATIBLE,
                           "an external data file is needed, and not named");
    }
    g_autofree char *path = path_beside(q, name);
    q->data = block_file_open(path, (how->readonly ? 0 : BLOCK_FILE_WRITE) |
                              (how->share ? BLOCK_FILE_SHARE : 0), errp);
    if (!q->data) {
        error_prepend(errp, "Could not open data file of '%s': ",
                      q->node.file);
        q->data = q->file;
        return false;
    }
    return true;
}
