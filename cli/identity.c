/*
 * The machine identity: what a recording and its replay must agree on, a line
 * each, in the words of the command line, so that a replay can say "recorded
 * with m=512M, started with m=256M".
 */
#include "program.h"

#include "base/digest.h"
#include "vm/cpu.h"

static void add(GString *out, const char *key, const char *value)
{
    g_string_append_printf(out, "%s=%s\n", key, value);
}

/* A file's content, and its name for people. */
static void add_bytes(GString *out, const char *key, GBytes *bytes,
                      const char *name)
{
    if (!bytes) {
        return;
    }
    size_t len;
    const void *data = g_bytes_get_data(bytes, &len);
    g_autofree char *base = name ? g_path_get_basename(name) : NULL;
    g_string_append_printf(out, "%s=%016" G_GINT64_MODIFIER "x %s\n", key,
                           digest_bytes(data, len), base ? base : "");
}

static void add_time(GString *out, const Program *p)
{
    const Options *o = &p->opts;
    g_autofree char *shift = g_strdup_printf("%u", o->icount.shift);
    add(out, "icount-shift",
        o->icount.mode == ICOUNT_AUTO ? "auto" : shift);
    add(out, "icount-sleep", o->icount.sleep ? "on" : "off");
    if (o->rtc_base_sec != INT64_MIN) {
        g_string_append_printf(out, "rtc-base=%" G_GINT64_FORMAT "\n",
                               o->rtc_base_sec);
    }
    if (o->has_seed) {
        g_string_append_printf(out, "seed=%" G_GUINT64_FORMAT "\n", o->seed);
    }
}

/* What the name of a CPU model stands for in this version of the program. */
static void add_cpu_features(GString *out, const Machine *m)
{
    const CpuClass *cls = program_parts.cpu;
    if (m->cpus->len && cls->identify) {
        g_autoptr(GString) text = g_string_new(NULL);
        cls->identify(g_ptr_array_index(m->cpus, 0), text);
        add(out, "cpu-offers", text->str);
    }
}

static void add_machine(GString *out, const Program *p)
{
    const Machine *m = p->m;
    const MachineConfig *c = &m->config;
    const char *cpu = c->cpu_model ? c->cpu_model : m->board->default_cpu;
    add(out, "target", program_parts.cpu->name);
    add(out, "machine", m->board->name);
    add(out, "cpu", cpu);
    add_cpu_features(out, m);
    if (c->ram_bytes % MIB) {
        g_string_append_printf(out, "m=%" G_GUINT64_FORMAT "K\n",
                               c->ram_bytes / KIB);
    } else {
        g_string_append_printf(out, "m=%" G_GUINT64_FORMAT "M\n",
                               c->ram_bytes / MIB);
    }
    g_string_append_printf(out, "smp=%u,sockets=%u,dies=%u,cores=%u,threads=%u,"
                           "quantum=%u\n", c->smp.cpus, c->smp.sockets,
                           c->smp.dies, c->smp.cores, c->smp.threads,
                           c->smp.quantum);
    add(out, "acpi", c->no_acpi ? "off" : "on");
    add(out, "hpet", c->no_hpet ? "off" : "on");
    add(out, "boot", c->boot_order ? c->boot_order : "");
    add(out, "uuid", c->uuid ? c->uuid : "");
    if (c->watchdog_action != WATCHDOG_RESET) {
        g_string_append_printf(out, "watchdog-action=%u\n",
                               c->watchdog_action);
    }
}

/* Each device that was built, at its place, with the user's properties. */
static void add_devices(GString *out, const Program *p)
{
    const GPtrArray *devices = p->m->devices;
    for (unsigned i = 0; i < devices->len; i++) {
        const Device *dev = g_ptr_array_index(devices, i);
        g_string_append_printf(out, "device=%s%s%s\n", dev->path,
                               dev->at ? " at " : "", dev->at ? dev->at : "");
    }
    const GPtrArray *asked = p->m->config.devices;
    for (unsigned i = 0; i < asked->len; i++) {
        const DeviceConfig *d = g_ptr_array_index(asked, i);
        g_string_append_printf(out, "-device=%s", d->driver);
        for (unsigned k = 0; k + 1 < d->props->len; k += 2) {
            const char *key = g_ptr_array_index(d->props, k);
            /* Where its bytes go is not the machine's business. */
            bool wire = g_str_equal(key, "chardev") ||
                        g_str_equal(key, "netdev") ||
                        g_str_equal(key, "fsdev") ||
                        g_str_equal(key, "uds-path");
            const char *value = g_ptr_array_index(d->props, k + 1);
            g_string_append_printf(out, ",%s=%s", key, wire ? "*" : value);
        }
        g_string_append_c(out, '\n');
    }
}

/* Writable images with rrsnapshot: their content is that of the snapshot,
 * which may be any that was made during the recording (each carries its place
 * in the log and a digest). */
static bool drive_content(const Program *p, const DriveConfig *d,
                          GString *out, Error **errp)
{
    const IcountOption *ic = &p->opts.icount;
    bool temporary = p->opts.snapshot;
    for (unsigned i = 0; i < p->opts.drives->len; i++) {
        const DriveOption *o = g_ptr_array_index(p->opts.drives, i);
        if (g_str_equal(o->id, d->id) && o->snapshot != UNSET) {
            temporary = o->snapshot == ON;
        }
    }
    if (ic->rrsnapshot && !temporary && !blockdev_readonly(d->dev) &&
        g_str_equal(blockdev_format(d->dev), "qcow2")) {
        g_string_append(out, "at a snapshot");
        return true;
    }
    uint64_t digest;
    if (!blockdev_content_digest(d->dev, &digest, errp)) {
        return false;
    }
    g_string_append_printf(out, "%016" G_GINT64_MODIFIER "x", digest);
    return true;
}

static bool add_drives(GString *out, const Program *p, Error **errp)
{
    const GPtrArray *drives = p->m->config.drives;
    for (unsigned i = 0; i < drives->len; i++) {
        const DriveConfig *d = g_ptr_array_index(drives, i);
        if (blockdev_is_empty(d->dev)) {
            g_string_append_printf(out, "drive=%s empty\n", d->id);
            continue;
        }
        g_string_append_printf(out, "drive=%s %s %" G_GUINT64_FORMAT " ",
                               d->id, blockdev_format(d->dev),
                               blockdev_size_bytes(d->dev));
        if (!drive_content(p, d, out, errp)) {
            return false;
        }
        g_string_append(out, blockdev_discards(d->dev) ? "\n"
                                                       : " keeps all\n");
    }
    return true;
}

/* In an order that does not depend on where they lie. */
static void add_device_roms(GString *out, const MachineConfig *c)
{
    GList *names = g_list_sort(g_hash_table_get_keys(c->roms),
                               (GCompareFunc)g_strcmp0);
    for (const GList *n = names; n; n = n->next) {
        add_bytes(out, "romfile", g_hash_table_lookup(c->roms, n->data),
                  n->data);
    }
    g_list_free(names);
}

bool program_identity(Program *p, GString *out, Error **errp)
{
    const MachineConfig *c = &p->m->config;
    add_machine(out, p);
    add_time(out, p);
    add_bytes(out, "bios", c->firmware, c->firmware_name);
    add_bytes(out, "kernel", c->kernel, c->kernel_name);
    add_bytes(out, "initrd", c->initrd, c->initrd_name);
    add_device_roms(out, c);
    add(out, "append", c->cmdline ? c->cmdline : "");
    program_identify_tables(p, out);
    add_devices(out, p);
    return add_drives(out, p, errp);
}
