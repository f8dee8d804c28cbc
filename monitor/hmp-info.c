/*
 * The human monitor's `info`.
 */
#include <inttypes.h>
#include <unistd.h>

#include "hmp.h"

typedef struct HmpInfo {
    const char *name, *params;
    HmpHandler *handler;
    const char *help;
} HmpInfo;

static const HmpInfo infos[] = {
#define HMP_INFO(name, params, handler, help) \
    { name, params, info_##handler, help },
#include "hmp-info.def"
#undef HMP_INFO
};

const char *hmp_info_name(unsigned n)
{
    return n < G_N_ELEMENTS(infos) ? infos[n].name : NULL;
}

/* Several devices may share a word. */
static bool told_before(const GPtrArray *more, guint n)
{
    const MachineInfo *info = g_ptr_array_index(more, n);
    for (guint i = 0; i < n; i++) {
        const MachineInfo *earlier = g_ptr_array_index(more, i);
        if (g_str_equal(earlier->name, info->name)) {
            return true;
        }
    }
    return false;
}

void hmp_info_help(Hmp *h)
{
    for (size_t i = 0; i < G_N_ELEMENTS(infos); i++) {
        hmp_print(h, "info %s%s%s -- %s\n", infos[i].name,
                  *infos[i].params ? " " : "", infos[i].params,
                  infos[i].help);
    }
    GPtrArray *more = h->ctx.machine->infos;
    for (guint i = 0; more && i < more->len; i++) {
        const MachineInfo *info = g_ptr_array_index(more, i);
        if (!told_before(more, i)) {
            hmp_print(h, "info %s -- show this device's state\n", info->name);
        }
    }
}

void cmd_info(Hmp *h, const char *args)
{
    g_autofree char *name = NULL;
    if (!hmp_word(&args, &name)) {
        hmp_info_help(h);
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(infos); i++) {
        if (g_str_equal(infos[i].name, name)) {
            infos[i].handler(h, args);
            return;
        }
    }
    const char *reason = refused_info(name);
    if (machine_info(h->ctx.machine, name, h->out)) {
        return;
    }
    if (reason) {
        hmp_print(h, "Error: info %s: %s\n", name, reason);
    } else {
        hmp_print(h, "unknown command: 'info %s'\n", name);
    }
}

void info_version(Hmp *h, const char *args)
{
    hmp_print(h, "7.2.0 (Reprise " REPRISE_VERSION ")\n");
}

void info_status(Hmp *h, const char *args)
{
    RunState s = runstate(h->ctx.machine);
    bool running = s == RUN_RUNNING;
    hmp_print(h, "VM status: %s", running ? "running" : "paused");
    if (!running && s != RUN_PAUSED) {
        hmp_print(h, " (%s)", runstate_name(s));
    }
    hmp_print(h, "\n");
}

static void print_registers(Hmp *h, Cpu *cpu)
{
    cpu->cls->sync(cpu);
    hmp_print(h, "\nCPU#%d\n", cpu->index);
    cpu->cls->print_registers(cpu, h->out);
}

void info_registers(Hmp *h, const char *args)
{
    const GPtrArray *cpus = h->ctx.machine->cpus;
    g_autofree char *which = NULL;
    guint64 n;
    if (!hmp_word(&args, &which)) {
        print_registers(h, hmp_cpu(h));
    } else if (g_str_equal(which, "-a")) {
        for (guint i = 0; i < cpus->len; i++) {
            print_registers(h, g_ptr_array_index(cpus, i));
        }
    } else if (g_ascii_string_to_unsigned(which, 10, 0, G_MAXUINT, &n,
                                          NULL) && n < cpus->len) {
        print_registers(h, g_ptr_array_index(cpus, n));
    } else {
        hmp_print(h, "CPU#%s not available\n", which);
    }
}

void info_cpus(Hmp *h, const char *args)
{
    for (guint i = 0; i < h->ctx.machine->cpus->len; i++) {
        hmp_print(h, "%c CPU #%u: thread_id=%d\n", i == h->cpu ? '*' : ' ', i,
                  (int)getpid());
    }
}

void cmd_cpu(Hmp *h, const char *args)
{
    guint64 n;
    g_autofree char *which = NULL;
    bool valid = hmp_word(&args, &which) &&
                 g_ascii_string_to_unsigned(which, 10, 0, G_MAXUINT, &n,
                                            NULL) &&
                 n < h->ctx.machine->cpus->len;
    if (!valid) {
        hmp_print(h, "Error: invalid CPU index\n");
        return;
    }
    h->cpu = n;
}

void info_replay(Hmp *h, const char *args)
{
    static const char *const verbs[] = {
        [REPLAY_RECORD] = "Recording",
        [REPLAY_PLAY] = "Replaying",
    };
    ReplayMode mode = replay_mode(h->ctx.replay);
    if (mode == REPLAY_NONE) {
        hmp_print(h, "Record/replay is not active\n");
        return;
    }
    hmp_print(h, "%s execution '%s': instruction count = %" PRIu64 "\n",
              verbs[mode], replay_file(h->ctx.replay),
              machine_icount(h->ctx.machine));
    if (replay_diverts(h->ctx.replay)) {
        hmp_print(h, "Diverted by a debugger\n");
    }
    if (replay_divergence(h->ctx.replay)) {
        hmp_print(h, "%s\n", replay_divergence(h->ctx.replay));
    }
}

void info_timeline(Hmp *h, const char *args)
{
    replay_print_timeline(h->ctx.replay, h->out);
}

void info_snapshots(Hmp *h, const char *args)
{
    Error *err = NULL;
    if (!snapshot_print(h->ctx.machine, h->out, &err)) {
        hmp_error(h, err);
    }
}

void info_mem(Hmp *h, const char *args)
{
    hmp_cpu(h)->cls->print_mem(hmp_cpu(h), h->out);
}

void info_tlb(Hmp *h, const char *args)
{
    hmp_cpu(h)->cls->print_tlb(hmp_cpu(h), h->out);
}

void info_mtree(Hmp *h, const char *args)
{
    g_autofree char *flag = NULL;
    bool flat = hmp_word(&args, &flag) && g_str_equal(flag, "-f");
    if (*flag && !flat) {
        hmp_print(h, "info mtree: unknown option '%s'\n", flag);
        return;
    }
    const GPtrArray *spaces = address_spaces(h->ctx.machine);
    for (guint i = 0; i < spaces->len; i++) {
        AddressSpace *as = g_ptr_array_index(spaces, i);
        if (flat) {
            address_space_print_flat(as, h->out);
        } else {
            address_space_print_tree(as, h->out);
        }
    }
}

void info_qtree(Hmp *h, const char *args)
{
    machine_info_qtree(h->ctx.machine, h->out);
}

void info_name(Hmp *h, const char *args)
{
    if (h->ctx.machine->name) {
        hmp_print(h, "%s\n", h->ctx.machine->name);
    }
}

void info_uuid(Hmp *h, const char *args)
{
    const char *uuid = h->ctx.machine->config.uuid;
    hmp_print(h, "%s\n",
              uuid ? uuid : "00000000-0000-0000-0000-000000000000");
}

void info_jit(Hmp *h, const char *args)
{
    accel_print_info(h->ctx.machine, h->out);
}
