/*
 * The human monitor's `info` of what does not change while the machine runs,
 * and of what the monitor itself remembers.
 */
#include <inttypes.h>

#include "hmp.h"
#include "vm/memory-walk.h"

/* --- disks ------------------------------------------------------------------- */

static const char *text(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));
    return s ? s : "";
}

void info_block_jobs(Hmp *h, const char *args)
{
    hmp_print(h, "No active jobs\n");
}

/* --- processors and memory ------------------------------------------------------- */

void info_hotpluggable_cpus(Hmp *h, const char *args)
{
    json_t *list = qmp_query_hotpluggable_cpus(&h->ctx, NULL), *o, *value;
    size_t i;
    const char *key;
    hmp_print(h, "Hotpluggable CPUs:\n");
    json_array_foreach(list, i, o) {
        hmp_print(h, "  type: \"%s\"\n  vcpus_count: \"%d\"\n", text(o, "type"),
                  (int)json_integer_value(json_object_get(o, "vcpus-count")));
        if (*text(o, "qom-path")) {
            hmp_print(h, "  qom_path: \"%s\"\n", text(o, "qom-path"));
        }
        hmp_print(h, "  CPUInstance Properties:\n");
        json_object_foreach(json_object_get(o, "props"), key, value) {
            hmp_print(h, "    %s: \"%d\"\n", key,
                      (int)json_integer_value(value));
        }
    }
    json_decref(list);
}

static void print_node_cpus(Hmp *h, const NumaConfig *n, unsigned node)
{
    hmp_print(h, "node %u cpus:", node);
    for (guint i = 0; i < h->ctx.machine->cpus->len; i++) {
        if (n->node_of_cpu[i] == node) {
            hmp_print(h, " %u", i);
        }
    }
}

void info_numa(Hmp *h, const char *args)
{
    const NumaConfig *n = h->ctx.machine->config.tables.numa;
    hmp_print(h, "%u nodes\n", n ? n->nodes : 0);
    for (unsigned i = 0; n && i < n->nodes; i++) {
        print_node_cpus(h, n, i);
        hmp_print(h, "\nnode %u size: %" PRIu64 " MB\nnode %u plugged: 0 MB\n",
                  i, n->node_bytes[i] / MIB, i);
    }
}

void info_memory_devices(Hmp *h, const char *args)
{
    hmp_print(h, "No memory devices: RAM is there from the beginning\n");
}

void info_iothreads(Hmp *h, const char *args)
{
    hmp_print(h, "No I/O threads: a machine is one thread\n");
}

void info_tpm(Hmp *h, const char *args)
{
    hmp_print(h, "TPM device: none\n");
}

void info_ramblock(Hmp *h, const char *args)
{
    ram_print_blocks(h->ctx.machine, false, h->out);
}

void info_roms(Hmp *h, const char *args)
{
    ram_print_blocks(h->ctx.machine, true, h->out);
}

/* --- the monitor ------------------------------------------------------------------ */

void info_history(Hmp *h, const char *args)
{
    const Monitor *mon = h->ctx.session;
    const char *line;
    if (!mon || mon->mode != MONITOR_READLINE) {
        return; /* nobody types */
    }
    for (unsigned i = 0; (line = readline_history(mon->readline, i)); i++) {
        hmp_print(h, "%u: '%s'\n", i, line);
    }
}
