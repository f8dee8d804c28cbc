/*
 * The tree of objects that QMP shows. Nothing is kept: it is made of what the
 * machine has, whenever somebody asks. See qom.h.
 */
#include "qom.h"

#include <string.h>

/* --- children --------------------------------------------------------------- */

static void root_children(const Machine *m, QomChildFn *fn, void *opaque)
{
    fn(opaque, "machine", &(QomNode) { QOM_MACHINE });
    fn(opaque, "objects", &(QomNode) { QOM_OBJECTS });
    fn(opaque, "chardevs", &(QomNode) { QOM_CHARDEVS });
}

static void machine_children(const Machine *m, QomChildFn *fn, void *opaque)
{
    fn(opaque, "peripheral", &(QomNode) { QOM_PERIPHERAL });
    fn(opaque, "unattached", &(QomNode) { QOM_UNATTACHED });
}

/* Devices are numbered among those without a name. */
static char *device_name(const Machine *m, const Device *which)
{
    unsigned n = 0;
    if (which->id) {
        return g_strdup(which->id);
    }
    for (guint i = 0; i < m->devices->len; i++) {
        const Device *dev = g_ptr_array_index(m->devices, i);
        if (dev == which) {
            break;
        }
        n += !dev->id;
    }
    return g_strdup_printf("device[%u]", n);
}

static void device_children(const Machine *m, bool named, QomChildFn *fn,
                            void *opaque)
{
    for (guint i = 0; i < m->devices->len; i++) {
        const Device *dev = g_ptr_array_index(m->devices, i);
        if ((dev->id != NULL) == named) {
            g_autofree char *name = device_name(m, dev);
            fn(opaque, name, &(QomNode) { QOM_DEVICE, dev });
        }
    }
}

static void cpu_children(const Machine *m, QomChildFn *fn, void *opaque)
{
    for (guint i = 0; i < m->cpus->len; i++) {
        g_autofree char *name = g_strdup_printf("cpu[%u]", i);
        QomNode child = { QOM_CPU, g_ptr_array_index(m->cpus, i) };
        fn(opaque, name, &child);
    }
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(a, b);
}

static void chardev_children(const Machine *m, QomChildFn *fn, void *opaque)
{
    GHashTable *table = m->config.chardevs;
    GList *names = table ? g_hash_table_get_keys(table) : NULL;
    names = g_list_sort(names, by_name);
    for (const GList *at = names; at; at = at->next) {
        QomNode child = { QOM_CHARDEV, g_hash_table_lookup(table, at->data) };
        fn(opaque, at->data, &child);
    }
    g_list_free(names);
}

void qom_children(const Machine *m, const QomNode *node, QomChildFn *fn,
                  void *opaque)
{
    switch (node->kind) {
    case QOM_ROOT:
        root_children(m, fn, opaque);
        break;
    case QOM_MACHINE:
        machine_children(m, fn, opaque);
        break;
    case QOM_PERIPHERAL:
        device_children(m, true, fn, opaque);
        break;
    case QOM_UNATTACHED:
        device_children(m, false, fn, opaque);
        cpu_children(m, fn, opaque);
        break;
    case QOM_CHARDEVS:
        chardev_children(m, fn, opaque);
        break;
    default:
        break;
    }
}

char *qom_device_path(const Machine *m, const Device *dev)
{
    g_autofree char *name = device_name(m, dev);
    return g_strdup_printf("/machine/%s/%s",
                           dev->id ? "peripheral" : "unattached", name);
}

/* --- types ---------------------------------------------------------------------- */

char *qom_cpu_type(const CpuClass *cls, const char *model)
{
    return g_strdup_printf("%s-%s-cpu", model, cls->name);
}

char *qom_type(const Machine *m, const QomNode *node)
{
    const Device *dev = node->object;
    const Cpu *cpu = node->object;
    switch (node->kind) {
    case QOM_MACHINE:
        return g_strdup_printf("%s-machine", m->board->name);
    case QOM_DEVICE:
        return g_strdup(dev->cls->name);
    case QOM_CPU:
        return g_strdup_printf("%s-cpu", cpu->cls->name);
    case QOM_CHARDEV:
        return g_strdup("chardev");
    default:
        return g_strdup("container");
    }
}

/* --- paths ----------------------------------------------------------------------- */

typedef struct Search {
    const Machine *m;
    const char *name;
    QomNode *found;
    unsigned count;
    bool deep;             /* below the children, too */
} Search;

static void look(void *opaque, const char *name, const QomNode *child)
{
    Search *s = opaque;
    if (g_str_equal(name, s->name)) {
        *s->found = *child;
        s->count++;
    } else if (s->deep) {
        qom_children(s->m, child, look, s);
    }
}

/* One step down; deep: as many as it takes. */
static unsigned descend(const Machine *m, const char *name, bool deep,
                        QomNode *node)
{
    QomNode from = *node;
    Search s = { m, name, node, 0, deep };
    qom_children(m, &from, look, &s);
    return s.count;
}

bool qom_find(const Machine *m, const char *path, QomNode *node, Error **errp)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    bool deep = *path != '/';
    *node = (QomNode) { QOM_ROOT };
    for (char **part = parts; *part; part++) {
        unsigned count = **part ? descend(m, *part, deep, node) : 1;
        if (count != 1) {
            error_set_class(errp, ERROR_DEVICE_NOT_FOUND,
                            count ? "Path '%s' is ambiguous"
                                  : "Device '%s' not found", path);
            return false;
        }
        deep = deep && !**part;
    }
    return true;
}
