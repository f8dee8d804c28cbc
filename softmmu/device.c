/*
 * Devices: creation, properties, reset, and the tables behind -device help.
 * See vm/device.h.
 */
#include "vm/device.h"

#include <errno.h>
#include <string.h>

#include "io/share.h"
#include "io/vsock.h"
#include "vm/machine.h"

static char *unique_path(Machine *m, const DeviceClass *cls)
{
    unsigned n = 0;
    for (guint i = 0; i < m->devices->len; i++) {
        Device *dev = g_ptr_array_index(m->devices, i);
        n += dev->cls == cls;
    }
    return g_strdup_printf("%s.%u", cls->name, n);
}

static const PropDef *prop_find(const DeviceClass *cls, const char *name)
{
    for (const PropDef *p = cls->props; p && p->name; p++) {
        if (g_str_equal(p->name, name)) {
            return p;
        }
    }
    return NULL;
}

static void *prop_at(Device *dev, const PropDef *p)
{
    return (char *)dev + p->offset;
}

Device *device_new(Machine *m, const DeviceClass *cls, const char *id)
{
    g_assert(cls->state);
    Device *dev = g_malloc0(cls->size);
    dev->cls = cls;
    dev->machine = m;
    dev->id = g_strdup(id);
    dev->path = unique_path(m, cls);
    for (const PropDef *p = cls->props; p && p->name; p++) {
        if (p->value) {
            bool ok = device_set_prop(dev, p->name, p->value, NULL);
            g_assert(ok);
        }
    }
    g_ptr_array_add(m->devices, dev);
    if (cls->inner) {
        dev->inner = device_new(m, cls->inner, NULL);
    }
    return dev;
}

void device_free(Device *dev)
{
    if (dev->cls->unrealize) {
        dev->cls->unrealize(dev);
    }
    for (const PropDef *p = dev->cls->props; p && p->name; p++) {
        if (p->type == PROP_STRING) {
            g_free(*(char **)prop_at(dev, p));
        }
    }
    g_free(dev->id);
    g_free(dev->path);
    g_free(dev->at);
    g_free(dev);
}

/* --- properties ------------------------------------------------------------------ */

static bool parse_bool(const char *text, bool *out)
{
    static const char *const yes[] = { "on", "yes", "true", "y", NULL };
    static const char *const no[] = { "off", "no", "false", "n", NULL };
    *out = g_strv_contains(yes, text);
    return *out || g_strv_contains(no, text);
}

static bool parse_number(const char *text, uint64_t max, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = g_ascii_strtoull(text, &end, 0);
    return *text && *text != '-' && !*end && !errno && *out <= max;
}

static BlockDev *find_drive(Machine *m, const char *id)
{
    for (guint i = 0; m->config.drives && i < m->config.drives->len; i++) {
        DriveConfig *d = g_ptr_array_index(m->config.drives, i);
        if (d->id && g_str_equal(d->id, id)) {
            return d->dev;
        }
    }
    return NULL;
}

/* What has one owner, or NULL. */
static const char *owned_word(PropType type)
{
    return type == PROP_DRIVE    ? "Drive"
           : type == PROP_NETDEV ? "Network"
           : type == PROP_SHARE  ? "Share"
           : type == PROP_VSOCK  ? "Socket" : NULL;
}

/* A disk has one owner: what one device remembers of it, another would spoil. So
 * have networks and the like. */
static bool is_taken(Machine *m, PropType type, const void *what,
                     const Device *by)
{
    for (guint i = 0; i < m->devices->len; i++) {
        Device *dev = g_ptr_array_index(m->devices, i);
        for (const PropDef *p = dev->cls->props; p && p->name; p++) {
            if (dev != by && p->type == type &&
                *(void **)prop_at(dev, p) == what) {
                return true;
            }
        }
    }
    return false;
}

static void *find_in(GHashTable *table, const char *id)
{
    return table ? g_hash_table_lookup(table, id) : NULL;
}

static bool set_number(Device *dev, const PropDef *p, const char *value)
{
    uint64_t v;
    if (!parse_number(value, p->type == PROP_U32 ? UINT32_MAX : UINT64_MAX,
                      &v)) {
        return false;
    }
    if (p->type == PROP_U32) {
        *(uint32_t *)prop_at(dev, p) = v;
    } else {
        *(uint64_t *)prop_at(dev, p) = v;
    }
    return true;
}

static bool set_parsed(Device *dev, const PropDef *p, const char *value)
{
    char **text = prop_at(dev, p);
    switch (p->type) {
    case PROP_STRING:
        g_free(*text);
        *text = g_strdup(value);
        return true;
    case PROP_BOOL:
        return parse_bool(value, prop_at(dev, p));
    case PROP_U32:
    case PROP_U64:
        return set_number(dev, p, value);
    case PROP_CHARDEV:
        *(Chardev **)prop_at(dev, p) = find_in(dev->machine->config.chardevs,
                                               value);
        return *(Chardev **)prop_at(dev, p) != NULL;
    case PROP_DRIVE:
        *(BlockDev **)prop_at(dev, p) = find_drive(dev->machine, value);
        return *(BlockDev **)prop_at(dev, p) != NULL;
    case PROP_NETDEV:
        *(Netdev **)prop_at(dev, p) = find_in(dev->machine->config.netdevs,
                                              value);
        return *(Netdev **)prop_at(dev, p) != NULL;
    case PROP_SHARE:
        *(Share **)prop_at(dev, p) = find_in(dev->machine->config.shares,
                                             value);
        return *(Share **)prop_at(dev, p) != NULL;
    case PROP_VSOCK:
        *(Vsock **)prop_at(dev, p) = find_in(dev->machine->config.vsocks,
                                             value);
        return *(Vsock **)prop_at(dev, p) != NULL;
    case PROP_ROM:
        *(GBytes **)prop_at(dev, p) = find_in(dev->machine->config.roms,
                                              value);
        return !*value || *(GBytes **)prop_at(dev, p) ||
               !g_strcmp0(value, p->value);
    }
    g_assert_not_reached();
}

bool device_set_prop(Device *dev, const char *name, const char *value,
                     Error **errp)
{
    /* ORDER prop-type (include/vm/device.h) */
    static const char *const wants[] = {
        "a string",     "'on' or 'off'",        "a 32-bit number",
        "a number",     "the id of a -chardev", "the id of a -drive",
        "the id of a -netdev", "the id of a -fsdev",    "a path",
        "the name of a file",
    };
    const PropDef *p = prop_find(dev->cls, name);
    if (!p && dev->inner && prop_find(dev->inner->cls, name)) {
        return device_set_prop(dev->inner, name, value, errp);
    }
    if (!p) {
        error_set(errp, "Property '%s.%s' not found", dev->cls->name, name);
        return false;
    }
    if (!set_parsed(dev, p, value)) {
        error_set(errp, "Property '%s.%s' can't find value '%s': it takes %s",
                  dev->cls->name, name, value, wants[p->type]);
        return false;
    }
    if (owned_word(p->type) &&
        is_taken(dev->machine, p->type, *(void **)prop_at(dev, p), dev)) {
        error_set(errp, "%s '%s' is already in use by another device",
                  owned_word(p->type), value);
        return false;
    }
    return true;
}

void device_set_chardev(Device *dev, const char *name, Chardev *c)
{
    const PropDef *p = prop_find(dev->cls, name);
    g_assert(p && p->type == PROP_CHARDEV);
    *(Chardev **)prop_at(dev, p) = c;
}

void device_set_drive(Device *dev, const char *name, BlockDev *b)
{
    const PropDef *p = prop_find(dev->cls, name);
    g_assert(p && p->type == PROP_DRIVE);
    *(BlockDev **)prop_at(dev, p) = b;
}

static void device_info(void *opaque, GString *out)
{
    Device *dev = opaque;
    dev->cls->info(dev, out);
}

bool device_realize(Device *dev, Error **errp)
{
    state_reset(dev->cls->state(), device_state(dev));
    if (dev->cls->info) {
        machine_add_info(dev->machine, dev->cls->info_word, device_info, dev);
    }
    return !dev->cls->realize || dev->cls->realize(dev, errp);
}

void device_reset(Device *dev)
{
    if (!dev->cls->battery) {
        state_reset(dev->cls->state(), device_state(dev));
    }
    if (dev->cls->reset) {
        dev->cls->reset(dev);
    }
}

Device *device_create(Machine *m, const DeviceClass *cls)
{
    Error *err = NULL;
    Device *dev = device_new(m, cls, NULL);
    if (!device_realize(dev, &err)) {
        g_error("%s: %s", cls->name, error_message(err));
    }
    return dev;
}
