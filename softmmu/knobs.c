/*
 * Cables and balloons, by the hooks of device classes. See vm/knobs.h.
 */
#include "vm/knobs.h"

#include <string.h>

#include "vm/machine.h"

/* Users know a carried device by who carries it. */
static bool is_called(const Machine *m, guint i, const char *name)
{
    const Device *dev = g_ptr_array_index(m->devices, i);
    const char *network = dev->cls->knobs->network(dev);

    if (!g_strcmp0(network, name) || !g_strcmp0(dev->id, name) ||
        g_str_equal(dev->path, name)) {
        return true;
    }
    for (guint n = 0; n < m->devices->len; n++) {
        const Device *outer = g_ptr_array_index(m->devices, n);
        if (outer->inner == dev && (!g_strcmp0(outer->id, name) ||
                                    g_str_equal(outer->path, name))) {
            return true;
        }
    }
    return false;
}

static Device *link_find(const Machine *m, const char *name)
{
    for (guint i = 0; i < m->devices->len; i++) {
        Device *dev = g_ptr_array_index(m->devices, i);
        const DeviceKnobs *k = dev->cls->knobs;
        if (k && k->set_link && is_called(m, i, name)) {
            return dev;
        }
    }
    return NULL;
}

bool link_exists(const Machine *m, const char *name)
{
    return link_find(m, name) != NULL;
}

void link_set(Machine *m, const char *name, bool up)
{
    Device *dev = link_find(m, name);
    if (dev) {
        dev->cls->knobs->set_link(dev, up);
    }
}

static Device *balloon_find(const Machine *m)
{
    for (guint i = 0; i < m->devices->len; i++) {
        Device *dev = g_ptr_array_index(m->devices, i);
        if (dev->cls->knobs && dev->cls->knobs->want_ram) {
            return dev;
        }
    }
    return NULL;
}

bool balloon_ram(const Machine *m, uint64_t *bytes)
{
    Device *dev = balloon_find(m);
    if (dev) {
        *bytes = dev->cls->knobs->ram_left(dev);
    }
    return dev != NULL;
}

void balloon_set(Machine *m, uint64_t bytes)
{
    Device *dev = balloon_find(m);
    if (dev) {
        dev->cls->knobs->want_ram(dev, bytes);
    }
}

bool core_note_find(const Machine *m, PhysAddr *addr, uint32_t *bytes)
{
    for (guint i = 0; i < m->devices->len; i++) {
        const Device *dev = g_ptr_array_index(m->devices, i);
        if (dev->cls->knobs && dev->cls->knobs->core_note) {
            return dev->cls->knobs->core_note(dev, addr, bytes);
        }
    }
    return false;
}
