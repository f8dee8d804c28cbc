/*
 * From options to a machine that is ready to run, and back to nothing.
 */
#include "program.h"

#include <string.h>

#include "svc/gate.h"
#include "svc/monitor.h"
#include "svc/snapshot.h"

/* --- what is read from files --------------------------------------------------- */

static bool load_file(GBytes **out, const char *option, const char *path,
                      Error **errp)
{
    if (!path) {
        return true;
    }
    Error *err = NULL;
    *out = world_read_file(path, &err);
    if (!*out) {
        error_prepend(&err, "%s: ", option);
        error_propagate(errp, err);
    }
    return *out != NULL;
}

/* The firmware is in a flash chip. */
static bool has_flash(const Program *p)
{
    for (unsigned i = 0; i < p->opts.drives->len; i++) {
        const DriveOption *d = g_ptr_array_index(p->opts.drives, i);
        if (d->if_pflash) {
            return true;
        }
    }
    return false;
}

static bool load_firmware(Program *p, Error **errp)
{
    MachineConfig *c = &p->m->config;
    c->firmware_name = p->opts.bios      ? p->opts.bios
                       : has_flash(p) ? NULL
                                      : p->opts.board->firmware;
    if (!c->firmware_name) {
        return true;
    }
    g_autofree char *path = world_find_firmware(p->opts.firmware_dirs,
                                                c->firmware_name);
    if (!path) {
        error_set(errp, "-bios %s: firmware not found; give its path, or its "
                  "directory with -L (-L help lists where it was looked for)",
                  c->firmware_name);
        return false;
    }
    return load_file(&c->firmware, "-bios", path, errp);
}

static bool load_kernel(Program *p, Error **errp)
{
    MachineConfig *c = &p->m->config;
    const Options *o = &p->opts;
    return load_file(&c->kernel, "-kernel", o->kernel, errp) &&
           load_file(&c->initrd, "-initrd", o->initrd, errp);
}

static bool load_files(Program *p, Error **errp)
{
    const Options *o = &p->opts;
    if (!o->kernel && (o->initrd || o->append)) {
        error_set(errp, "%s only allowed with -kernel option",
                  o->initrd ? "-initrd" : "-append");
        return false;
    }
    return load_firmware(p, errp) && load_kernel(p, errp) &&
           program_load_roms(p, errp) && program_load_tables(p, errp);
}

/* --- the machine -------------------------------------------------------------------- */

static void set_shift(void *opaque, const void *data, size_t len)
{
    Machine *m = opaque;
    const uint8_t *shift = data;
    if (len == 1 && *shift <= 10) {
        clock_set_shift(m->clock, *shift);
    }
}

static void configure_time(Program *p)
{
    const IcountOption *ic = &p->opts.icount;
    Machine *m = p->m;
    m->icount_mode = ic->mode;
    m->sched.idle_sleep = ic->sleep;
    clock_set_shift(m->clock, ic->shift);
    if (ic->mode == ICOUNT_AUTO) {
        p->shift_port = nondet_port(m, NONDET_SHIFT, "clock", set_shift, m);
    } else if (ic->mode == ICOUNT_OFF && !p->opts.qtest) {
        p->host_clock = nondet_port(m, NONDET_HOST_CLOCK, "clock", NULL,
                                    NULL);
    }
}

/* A drive= that names a blkreplay drive names what it filters. */
static void resolve_drive_names(Program *p)
{
    for (unsigned i = 0; i < p->opts.devices->len; i++) {
        DeviceConfig *d = g_ptr_array_index(p->opts.devices, i);
        for (unsigned k = 0; k + 1 < d->props->len; k += 2) {
            char **value = (char **)&g_ptr_array_index(d->props, k + 1);
            if (g_str_equal(g_ptr_array_index(d->props, k), "drive")) {
                char *id = g_strdup(program_drive_id(p, *value));
                g_free(*value);
                *value = id;
            }
        }
    }
}

/* A guest may be told the names of its files, but not where they are: a replay
 * may have them somewhere else. */
static const char *base_name(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path;
}

static void configure(Program *p)
{
    Machine *m = p->m;
    const Options *o = &p->opts;
    MachineConfig *c = &m->config;
    m->name = o->name;
    m->no_reboot = o->no_reboot;
    m->no_shutdown = o->no_shutdown;
    c->ram_bytes = o->ram_bytes;
    c->smp = o->smp;
    c->no_acpi = o->no_acpi;
    c->no_hpet = o->no_hpet;
    c->tables.smbios_64 = o->smbios_64;
    c->tables.microvm = o->microvm;
    c->panic_action = o->panic_action;
    c->watchdog_action = o->watchdog_action;
    c->cpu_model = o->cpu_model;
    c->cmdline = o->append;
    c->kernel_name = base_name(o->kernel_name ? o->kernel_name : o->kernel);
    c->initrd_name = base_name(o->initrd_name ? o->initrd_name : o->initrd);
    c->devices = o->devices;
    c->boot_order = o->boot_order ? o->boot_order : o->board->boot_order;
    c->rtc_base_sec = o->rtc_base_sec;
    c->has_seed = o->has_seed;
    c->seed = o->seed;
    c->uuid = o->uuid;
    c->defaults = !o->no_defaults;
    c->accel = &o->accel_options;
    configure_time(p);
    resolve_drive_names(p);
}

static void user_quit(void *opaque)
{
    Program *p = opaque;
    runstate_quit(p->m, CAUSE_HOST_UI, 0);
}

/* --- record, replay, or neither ---------------------------------------------------------- */

static void mute(void *opaque, bool muted)
{
    Program *p = opaque;
    chardev_set_mute(p->chardevs, muted);
    netdev_set_mute(p->netdevs, muted);
    share_set_mute(p->shares, muted);
    vsock_set_mute(p->vsocks, muted);
}

/* A verification never goes back, unless that is to be tried. */
static bool no_way_back(const Program *p)
{
    return p->opts.verify.mode != VERIFY_NO && !p->opts.verify.checkpoint;
}

static bool start_replay(Program *p, Error **errp)
{
    const IcountOption *ic = &p->opts.icount;
    g_autoptr(GString) identity = g_string_new(NULL);
    if (ic->rrsnapshot && ic->rr == REPLAY_RECORD &&
        !snapshot_vm_state_disk(p->m, errp)) {
        error_prepend(errp, "-icount rrsnapshot=%s: ", ic->rrsnapshot);
        return false;
    }
    if (!program_identity(p, identity, errp)) {
        return false;
    }
    ReplayOptions opts = {
        .mode = ic->rr,
        .file = ic->rrfile,
        .snapshot = ic->rrsnapshot,
        .snapshot_period = ic->rrsnapshot_period,
        .snapshot_max = ic->rrsnapshot_max,
        .snapshot_bytes = ic->rrsnapshot_bytes,
        .digest_interval = ic->rrdigest,
        .timeline_off = p->opts.timeline.off || no_way_back(p),
        .timeline_bytes = p->opts.timeline.bytes,
        .timeline_spacing = p->opts.timeline.interval,
        .argv = p->opts.argv,
        .identity = identity,
    };
    p->replay = replay_start(p->m, &opts, errp);
    if (p->replay) {
        replay_set_mute(p->replay, mute, p);
    }
    return p->replay != NULL;
}

static bool start_at_snapshot(Program *p, Error **errp)
{
    const char *name = p->opts.loadvm;
    uint64_t log_position;
    if (!name) {
        return true;
    }
    bool ok = p->replay ? replay_loadvm(p->replay, name, errp)
                        : snapshot_loadvm(p->m, name, &log_position, errp);
    if (!ok) {
        error_prepend(errp, "-loadvm %s: ", name);
    }
    return ok;
}

static bool power_on(Program *p, Error **errp)
{
    if (p->opts.icount.rr != REPLAY_NONE) {
        if (!start_replay(p, errp)) {
            return false;
        }
    } else {
        machine_power_on(p->m);
    }
    return start_at_snapshot(p, errp);
}

bool program_build(Program *p, Error **errp)
{
    p->m = machine_new(&program_parts, p->opts.board);
    monitor_init(p->m);
    gate_init(p->m);
    p->world = world_new(p->opts.rtc_local);
    world_connect(p->world, p->m);
    p->chardevs = chardev_set_new(user_quit, p);
    chardev_set_machine(p->chardevs, p->m);
    if (p->opts.escape) {
        chardev_set_escape(p->chardevs, p->opts.escape);
    }
    p->monitors = g_ptr_array_new();
    configure(p);
    if (!program_open_perfmap(p, errp) || !load_files(p, errp) ||
        !program_open_drives(p, errp) ||
        !program_open_chardevs(p, errp) ||
        !program_open_networks(p, errp) ||
        !program_open_shares(p, errp) || !machine_build(p->m, errp) ||
        !power_on(p, errp) || !program_open_doors(p, errp) ||
        !replay_begin(p->replay, errp) || !program_arm_replay_end(p, errp)) {
        return false;
    }
    program_add_network_infos(p);
    program_add_block_info(p);
    if (!p->opts.paused) {
        runstate_set(p->m, RUN_RUNNING);
    }
    return true;
}

static void free_config(MachineConfig *c)
{
    g_clear_pointer(&c->firmware, g_bytes_unref);
    g_clear_pointer(&c->kernel, g_bytes_unref);
    g_clear_pointer(&c->initrd, g_bytes_unref);
    g_clear_pointer(&c->serials, g_ptr_array_unref);
    g_clear_pointer(&c->roms, g_hash_table_unref);
}

void program_close(Program *p)
{
    if (p->m) {
        if (p->replay) {
            replay_finish(p->replay, runstate_shutdown_cause(p->m));
        }
        program_close_doors(p);
        monitor_done(p->m);
        replay_free(p->replay);
        program_close_drives(p);
        free_config(&p->m->config);
        program_free_tables(p);
        chardev_set_free(p->chardevs);
        netdev_set_free(p->netdevs);
        share_set_free(p->shares);
        vsock_set_free(p->vsocks);
        machine_free(p->m);
        world_free(p->world);
    }
    program_close_perfmap(p);
    options_clear(&p->opts);
}
