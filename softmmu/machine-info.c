/*
 * The texts behind `info pci` and `info pic`: who can describe a part of the
 * machine says so here, and monitors find it by name.
 */
#include "vm/machine.h"

void machine_add_info(Machine *m, const char *name, MachineInfoFn *fn,
                      void *opaque)
{
    MachineInfo *info = g_new(MachineInfo, 1);
    *info = (MachineInfo){ name, fn, opaque };
    if (!m->infos) {
        m->infos = g_ptr_array_new_with_free_func(g_free);
    }
    g_ptr_array_add(m->infos, info);
}

bool machine_info(Machine *m, const char *name, GString *out)
{
    bool found = false;
    for (guint i = 0; m->infos && i < m->infos->len; i++) {
        const MachineInfo *info = g_ptr_array_index(m->infos, i);
        if (g_str_equal(info->name, name)) {
            info->fn(info->opaque, out);
            found = true;
        }
    }
    return found;
}
