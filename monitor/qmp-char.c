/*
 * QMP: character devices (qapi/char.json).
 */
#include "qom.h"

static void add_chardev(void *opaque, const char *name, const QomNode *node)
{
    g_autofree char *what = chardev_describe((Chardev *)node->object);
    ChardevInfo info = { name, what, chardev_connected(node->object) };
    json_array_append_new(opaque, qapi_put_ChardevInfo(&info));
}

json_t *qmp_query_chardev(QmpContext *ctx, Error **errp)
{
    json_t *list = json_array();
    qom_children(ctx->machine, &(QomNode) { QOM_CHARDEVS }, add_chardev, list);
    return list;
}

json_t *qmp_query_chardev_backends(QmpContext *ctx, Error **errp)
{
    json_t *list = json_array();
    const char *name;
    for (unsigned i = 0; (name = chardev_backend_at(i)); i++) {
        ChardevBackendInfo info = { name };
        json_array_append_new(list, qapi_put_ChardevBackendInfo(&info));
    }
    return list;
}
