/*
 * QMP: objects and their types (qapi/qom.json).
 */
#include <string.h>

#include "io/blockdev.h"
#include "io/netdev.h"
#include "qom.h"

/* --- properties --------------------------------------------------------------- */

static const char *const type_words[] = {
    [PROP_STRING] = "str", [PROP_BOOL] = "bool", [PROP_U32] = "uint32",
    [PROP_U64] = "uint64", [PROP_CHARDEV] = "str", [PROP_DRIVE] = "str",
    [PROP_NETDEV] = "str", [PROP_ROM] = "str",
};

static json_t *text_or_empty(const char *text)
{
    return json_string(text ? text : "");
}

static json_t *prop_value(const Device *dev, const PropDef *p)
{
    const void *at = (const char *)dev + p->offset;
    const void *pointer = *(void *const *)at;
    switch (p->type) {
    case PROP_BOOL:
        return json_boolean(*(const bool *)at);
    case PROP_U32:
        return json_integer(*(const uint32_t *)at);
    case PROP_U64:
        return json_integer(*(const uint64_t *)at);
    case PROP_CHARDEV:
        return text_or_empty(pointer ? chardev_id(pointer) : NULL);
    case PROP_NETDEV:
        return text_or_empty(pointer ? netdev_id(pointer) : NULL);
    case PROP_DRIVE:
        return text_or_empty(pointer ? blockdev_node(pointer) : NULL);
    case PROP_ROM:
        return text_or_empty(NULL);
    default:
        return text_or_empty(pointer);
    }
}

static json_t *default_value(const PropDef *p)
{
    const char *text = p->value ? p->value : "";
    switch (p->type) {
    case PROP_BOOL:
        return json_boolean(g_str_equal(text, "on") ||
                            g_str_equal(text, "true"));
    case PROP_U32:
    case PROP_U64:
        return json_integer(g_ascii_strtoull(text, NULL, 0));
    default:
        return p->value ? json_string(p->value) : NULL;
    }
}

static json_t *put_props(const DeviceClass *cls)
{
    json_t *list = json_array();
    const PropDef *p = cls->props;
    for (; p && p->name; p++) {
        ObjectPropertyInfo info = { p->name, type_words[p->type], p->what,
                                    default_value(p) };
        json_array_append_new(list, qapi_put_ObjectPropertyInfo(&info));
    }
    return list;
}

static const PropDef *prop_find(const DeviceClass *cls, const char *name)
{
    const PropDef *p = cls->props;
    while (p && p->name && !g_str_equal(p->name, name)) {
        p++;
    }
    return p && p->name ? p : NULL;
}

/* --- objects --------------------------------------------------------------------- */

typedef struct Listing {
    const Machine *m;
    json_t *list;
} Listing;

static void add_child(void *opaque, const char *name, const QomNode *child)
{
    const Listing *l = opaque;
    g_autofree char *type = qom_type(l->m, child);
    g_autofree char *word = g_strdup_printf("child<%s>", type);
    ObjectPropertyInfo info = { .name = name, .type = word };
    json_array_append_new(l->list, qapi_put_ObjectPropertyInfo(&info));
}

json_t *qmp_qom_list(QmpContext *ctx, const char *path, Error **errp)
{
    QomNode node;
    if (!qom_find(ctx->machine, path, &node, errp)) {
        return NULL;
    }
    const Device *dev = node.object;
    Listing l = { ctx->machine, node.kind == QOM_DEVICE ? put_props(dev->cls)
                                                        : json_array() };
    ObjectPropertyInfo type = { .name = "type", .type = "string" };
    json_array_append_new(l.list, qapi_put_ObjectPropertyInfo(&type));
    qom_children(l.m, &node, add_child, &l);
    return l.list;
}

json_t *qmp_qom_get(QmpContext *ctx, const char *path, const char *property,
                    Error **errp)
{
    QomNode node;
    if (!qom_find(ctx->machine, path, &node, errp)) {
        return NULL;
    }
    g_autofree char *type = qom_type(ctx->machine, &node);
    const Device *dev = node.object;
    const PropDef *p = node.kind == QOM_DEVICE ? prop_find(dev->cls, property)
                                               : NULL;
    if (p) {
        return prop_value(dev, p);
    }
    if (g_str_equal(property, "type")) {
        return json_string(type);
    }
    if (node.kind == QOM_DEVICE && g_str_equal(property, "realized")) {
        return json_true();
    }
    error_set(errp, "Property '%s.%s' not found", type, property);
    return NULL;
}

void qmp_qom_set(QmpContext *ctx, const char *path, const char *property,
                 json_t *value, Error **errp)
{
    json_t *old = qmp_qom_get(ctx, path, property, errp);
    if (old) {
        json_decref(old);
        error_set(errp, "Property '%s' of '%s' cannot be changed while the "
                  "machine runs", property, path);
    }
}

/* --- types ------------------------------------------------------------------------- */

/* Types that no object is of itself, below one another. */
static const struct {
    const char *name, *parent;
} abstract_types[] = {
    { "object", NULL }, { "device", "object" }, { "cpu", "device" },
    { "machine", "object" }, { "chardev", "object" }, { "accel", "object" },
    { "pci-device", "device" }, { "isa-device", "device" },
    { "ide-device", "device" }, { "virtio-device", "device" },
    { "sys-bus-device", "device" },
};

static const char *abstract_parent(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(abstract_types); i++) {
        if (g_str_equal(abstract_types[i].name, name)) {
            return abstract_types[i].parent;
        }
    }
    return NULL;
}

static bool is_a(const char *parent, const char *wanted)
{
    while (parent && !g_str_equal(parent, wanted)) {
        parent = abstract_parent(parent);
    }
    return parent != NULL;
}

typedef struct TypeList {
    json_t *list;
    const char *implements; /* or NULL */
    const CpuClass *cpu;
} TypeList;

static void add_type(TypeList *t, const char *name, const char *parent,
                     bool abstract)
{
    ObjectTypeInfo info = { .name = name, .has_abstract = abstract,
                            .abstract = abstract, .parent = parent };
    if (!t->implements || g_str_equal(name, t->implements) ||
        is_a(parent, t->implements)) {
        json_array_append_new(t->list, qapi_put_ObjectTypeInfo(&info));
    }
}

static void add_cpu_type(void *opaque, const char *model)
{
    TypeList *t = opaque;
    g_autofree char *name = qom_cpu_type(t->cpu, model);
    add_type(t, name, "cpu", false);
}

static void add_device_type(TypeList *t, const DeviceClass *cls)
{
    g_autofree char *bus = cls->bus ? g_ascii_strdown(cls->bus, -1) : NULL;
    g_autofree char *parent = bus ? g_strdup_printf("%s-device", bus) : NULL;
    bool known = parent && abstract_parent(parent);
    add_type(t, cls->name, known ? parent : "device", false);
}

json_t *qmp_qom_list_types(QmpContext *ctx, const char *implements,
                           bool has_abstract, bool abstract, Error **errp)
{
    const MachineParts *parts = ctx->machine->parts;
    TypeList t = { json_array(), implements, parts->cpu };
    for (size_t i = 0; abstract && i < G_N_ELEMENTS(abstract_types); i++) {
        add_type(&t, abstract_types[i].name, abstract_types[i].parent, true);
    }
    for (const DeviceClass *const *d = parts->devices; d && *d; d++) {
        add_device_type(&t, *d);
    }
    for (const BoardClass *const *b = parts->boards; b && *b; b++) {
        g_autofree char *name = g_strdup_printf("%s-machine", (*b)->name);
        add_type(&t, name, "machine", false);
    }
    for (const ProgramOption *o = parts->objects; o && o->name; o++) {
        add_type(&t, o->name, "object", false);
    }
    add_type(&t, "tcg-accel", "accel", false);
    add_type(&t, "qtest-accel", "accel", false);
    parts->cpu->models(parts->cpu, add_cpu_type, &t);
    return t.list;
}

json_t *qmp_device_list_properties(QmpContext *ctx, const char *typename,
                                   Error **errp)
{
    const DeviceClass *cls = device_class_find(ctx->machine->parts, typename);
    if (!cls) {
        error_set_class(errp, ERROR_DEVICE_NOT_FOUND, "Device '%s' not found",
                        typename);
        return NULL;
    }
    return put_props(cls);
}

static void add_feature(void *opaque, const char *feature, bool on)
{
    ObjectPropertyInfo info = { .name = feature, .type = "bool",
                                .default_value = json_boolean(on) };
    json_array_append_new(opaque, qapi_put_ObjectPropertyInfo(&info));
}

/* The features of "MODEL-x86_64-cpu"; NULL: typename is no CPU's. */
static json_t *cpu_properties(const CpuClass *cls, const char *typename)
{
    g_autofree char *tail = qom_cpu_type(cls, "");
    if (!g_str_has_suffix(typename, tail)) {
        return NULL;
    }
    g_autofree char *model = g_strndup(typename,
                                       strlen(typename) - strlen(tail));
    json_t *list = json_array();
    Error *err = NULL;
    if (!cls->expand(cls, model, add_feature, list, &err)) {
        g_clear_pointer(&list, json_decref);
        error_free(err);
    }
    return list;
}

/* What -machine takes, of "BOARD-machine"; NULL: it is no board's. */
static json_t *board_properties(const MachineParts *parts,
                                const char *typename)
{
    const ProgramOption *o = parts->options;
    while (o && o->name && !g_str_equal(o->name, "machine")) {
        o++;
    }
    for (const BoardClass *const *b = parts->boards; b && *b; b++) {
        g_autofree char *name = g_strdup_printf("%s-machine", (*b)->name);
        if (g_str_equal(name, typename) && o && o->name) {
            return option_parameters(o);
        }
    }
    return NULL;
}

json_t *qmp_qom_list_properties(QmpContext *ctx, const char *typename,
                                Error **errp)
{
    const MachineParts *parts = ctx->machine->parts;
    for (const ProgramOption *o = parts->objects; o && o->name; o++) {
        if (g_str_equal(o->name, typename)) {
            return option_parameters(o);
        }
    }
    const DeviceClass *cls = device_class_find(parts, typename);
    json_t *list = cls ? put_props(cls) : cpu_properties(parts->cpu, typename);
    list = list ? list : board_properties(parts, typename);
    if (!list) {
        error_set_class(errp, ERROR_DEVICE_NOT_FOUND, "Class '%s' not found",
                        typename);
    }
    return list;
}
