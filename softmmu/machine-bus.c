/*
 * The buses of the machine: who makes one says so here, and who plugs devices
 * in finds it by kind and name.
 */
#include "vm/machine.h"

static void bus_free(gpointer bus)
{
    g_free(((MachineBus *)bus)->name);
    g_free(bus);
}

void machine_add_bus(Machine *m, const MachineBus *bus)
{
    MachineBus *own = g_new(MachineBus, 1);
    *own = *bus;
    own->name = g_strdup(bus->name);
    if (!m->buses) {
        m->buses = g_ptr_array_new_with_free_func(bus_free);
    }
    g_ptr_array_add(m->buses, own);
}

static bool bus_suits(const MachineBus *b, const char *name, const char *unit)
{
    return name ? g_str_equal(b->name, name)
                : !b->has_room || b->has_room(b->bus, unit);
}

const MachineBus *machine_find_bus(const Machine *m, const char *kind,
                                   const char *name, const char *unit)
{
    for (guint i = 0; m->buses && i < m->buses->len; i++) {
        const MachineBus *b = g_ptr_array_index(m->buses, i);
        if (g_str_equal(b->kind, kind) && bus_suits(b, name, unit)) {
            return b;
        }
    }
    return NULL;
}

void *machine_bus_at(const Machine *m, const char *kind, unsigned n)
{
    for (guint i = 0; m->buses && i < m->buses->len; i++) {
        const MachineBus *b = g_ptr_array_index(m->buses, i);
        if (g_str_equal(b->kind, kind) && !n--) {
            return b->bus;
        }
    }
    return NULL;
}
