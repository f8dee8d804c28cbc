/*
 * The empty board: for those who ask a program what it can do, and for tests.
 */
#include "hw/parts.h"
#include "vm/cpu.h"

/* RAM from address 0 and a CPU that finds nothing there. */
static bool none_build(Machine *m, Error **errp)
{
    if (m->config.devices && m->config.devices->len) {
        const DeviceConfig *d = g_ptr_array_index(m->config.devices, 0);
        error_set(errp, "-device %s: No '%s' bus found", d->driver, d->driver);
        return false;
    }
    if (m->config.cpu_model && !cpu_new(m, m->config.cpu_model, errp)) {
        return false;
    }
    return true;
}

const BoardClass none_board = {
    .name = "none",
    .desc = "empty machine",
    .build = none_build,
};
