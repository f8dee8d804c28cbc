/*
 * Options about disks, devices, and the parts that this machine lacks.
 */
#include "options.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

/* --- drives ------------------------------------------------------------------ */

static DriveOption *drive_add(Options *o, const char *arg, const char *file)
{
    DriveOption *d = g_new0(DriveOption, 1);
    d->arg = arg;
    d->file = file;
    d->index = -1;
    d->readonly = d->snapshot = UNSET;
    g_ptr_array_add(o->drives, d);
    return d;
}

static bool hd_add(Options *o, const char *arg, int index)
{
    drive_add(o, arg, arg)->index = index;
    return true;
}

bool opt_hda(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    return hd_add(o, arg, 0);
}

bool opt_hdb(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    return hd_add(o, arg, 1);
}

bool opt_hdc(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    return hd_add(o, arg, 2);
}

bool opt_hdd(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    return hd_add(o, arg, 3);
}

static bool fd_add(Options *o, const char *arg, int index)
{
    DriveOption *d = drive_add(o, arg, arg);
    d->index = index;
    d->if_none = d->if_floppy = true;
    return true;
}

bool opt_fda(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    return fd_add(o, arg, 0);
}

bool opt_fdb(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    return fd_add(o, arg, 1);
}

bool opt_cdrom(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    DriveOption *d = drive_add(o, arg, arg);
    d->index = 2;
    d->cdrom = true;
    return true;
}

/* driver=blkreplay,image=X,id=Y: Y is X. A request is carried out when the
 * guest issues it and its completion has a virtual time of its own, so there
 * is nothing to filter (docs: record and replay). */
static bool drive_blkreplay(Options *o, const KeyVal *kv, Error **errp)
{
    const char *image = keyval_get(kv, "image");
    const char *id = keyval_get(kv, "id");
    if (!image || !id) {
        error_set(errp, "driver=blkreplay needs image=ID and id=ID");
        return false;
    }
    g_hash_table_insert(o->drive_alias, (char *)id, (char *)image);
    return true;
}

static bool tristate(const KeyVal *kv, const char *key, Tristate *out,
                     Error **errp)
{
    bool on = false;
    if (!keyval_bool(kv, key, &on, errp)) {
        return false;
    }
    if (keyval_has(kv, key)) {
        *out = on ? ON : OFF;
    }
    return true;
}

static bool drive_place(DriveOption *d, const KeyVal *kv, Error **errp)
{
    static const char *const interfaces[] = { "ide", "none", "virtio", "pflash",
                                               "floppy", "scsi", NULL };
    static const char *const media[] = { "disk", "cdrom", NULL };
    unsigned iface = 0, kind = 0;
    uint64_t index = 0, bus = 0, unit = 0;
    if (!keyval_word(kv, "if", interfaces, &iface, errp) ||
        !keyval_word(kv, "media", media, &kind, errp) ||
        !keyval_number(kv, "index", 0, iface == 0 ? 3 : 255, &index, errp) ||
        !keyval_number(kv, "bus", 0, 1, &bus, errp) ||
        !keyval_number(kv, "unit", 0, 1, &unit, errp)) {
        return false;
    }
    if (iface == 5) {
        error_set(errp, "machine type does not support if=scsi,bus=%u,unit=%u",
                  (unsigned)bus, (unsigned)unit);
        return false;
    }
    bool by_bus = keyval_has(kv, "bus") || keyval_has(kv, "unit");
    if (keyval_has(kv, "index") && by_bus) {
        error_set(errp, "index= cannot be used with bus= and unit=");
        return false;
    }
    d->if_none = iface >= 1;
    d->if_virtio = iface == 2;
    d->if_pflash = iface == 3;
    d->if_floppy = iface == 4;
    d->cdrom = kind == 1;
    if (d->if_pflash || d->if_floppy) {
        d->index = keyval_has(kv, "index") ? (int)index
                   : keyval_has(kv, "unit") ? (int)unit : -1;
    }
    if (d->if_none) {
        return true;
    }
    if (keyval_has(kv, "index")) {
        d->index = index;
    } else if (keyval_has(kv, "unit")) {
        d->index = bus * 2 + unit;
    } else if (by_bus) {
        error_set(errp, "bus= needs unit=");
        return false;
    }
    return true;
}

/* format=, or driver= which is the same thing here. */
static bool drive_format(DriveOption *d, const KeyVal *kv, Error **errp)
{
    const char *format = keyval_get(kv, "format");
    const char *driver = keyval_get(kv, "driver");
    if (format && driver && !g_str_equal(format, driver)) {
        error_set(errp, "Cannot specify both 'driver' and 'format'");
        return false;
    }
    d->format = format ? format : driver;
    if (d->format && !g_str_equal(d->format, "raw") &&
        !g_str_equal(d->format, "qcow2")) {
        error_set(errp, "Unknown driver '%s'; there are raw and qcow2",
                  d->format);
        return false;
    }
    return true;
}

/* cache= is short for the three of cache.*. Direct access is a matter between
 * the host and its disk; what it would save is not saved here. */
static bool drive_cache(DriveOption *d, const KeyVal *kv, Error **errp)
{
    static const char *const modes[] = { "writeback", "none", "writethrough",
                                         "directsync", "unsafe", NULL };
    unsigned mode = 0;
    if (!keyval_word(kv, "cache", modes, &mode, errp)) {
        return false;
    }
    bool direct = mode == 1 || mode == 3;
    bool writeback = mode != 2 && mode != 3;
    d->no_flush = mode == 4;
    if (!keyval_bool(kv, "cache.direct", &direct, errp) ||
        !keyval_bool(kv, "cache.writeback", &writeback, errp) ||
        !keyval_bool(kv, "cache.no-flush", &d->no_flush, errp)) {
        return false;
    }
    d->write_through = !writeback;
    if (direct) {
        error_report("warning: -drive %s: the host's page cache is used "
                     "nevertheless", d->arg);
    }
    return true;
}

/* Requests are carried out when they are issued, whatever aio= says. */
static bool drive_host(DriveOption *d, const KeyVal *kv, Error **errp)
{
    static const char *const aio[] = { "threads", "native", "io_uring", NULL };
    static const char *const discard[] = { "unmap", "on", "ignore", "off",
                                           NULL };
    static const char *const zeroes[] = { "off", "on", "unmap", NULL };
    unsigned way = 0, discards = 0, detects = 0;
    if (!keyval_word(kv, "aio", aio, &way, errp) ||
        !keyval_word(kv, "discard", discard, &discards, errp) ||
        !keyval_word(kv, "detect-zeroes", zeroes, &detects, errp) ||
        !drive_cache(d, kv, errp)) {
        return false;
    }
    if (way) {
        error_report("warning: -drive %s: aio=%s is not used; requests are "
                     "synchronous", d->arg, aio[way]);
    }
    d->keep_discarded = discards >= 2;
    d->detect_zeroes = detects > 0;
    return true;
}

bool opt_drive(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    const char *driver = keyval_get(kv, "driver");
    if (driver && g_str_equal(driver, "blkreplay")) {
        return drive_blkreplay(o, kv, errp);
    }
    const char *file = keyval_get(kv, "file");
    DriveOption *d = drive_add(o, arg,
                               file ? file : keyval_get(kv, "file.filename"));
    d->id = g_strdup(keyval_get(kv, "id"));
    return drive_place(d, kv, errp) && drive_format(d, kv, errp) &&
           tristate(kv, "readonly", &d->readonly, errp) &&
           tristate(kv, "snapshot", &d->snapshot, errp) &&
           drive_host(d, kv, errp);
}

/* --- devices ------------------------------------------------------------------ */

static bool device_print_help(const KeyVal *kv, Error **errp)
{
    g_autoptr(GString) out = g_string_new(NULL);
    const char *driver = keyval_get(kv, "driver");
    if (!driver) {
        device_help(&program_parts, out);
    } else if (!device_help_props(&program_parts, driver, out, errp)) {
        return false;
    }
    fputs(out->str, stdout);
    return true;
}

bool opt_device(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    if (kv->help) {
        o->done = true;
        return device_print_help(kv, errp);
    }
    const char *driver = keyval_get(kv, "driver");
    if (!driver) {
        error_set(errp, "Parameter 'driver' is missing");
        return false;
    }
    const DeviceClass *cls = device_class_find(&program_parts, driver);
    if (!cls || !cls->user) {
        error_set(errp, "'%s' is not a valid device model name; -device help "
                  "lists them", driver);
        return false;
    }
    DeviceConfig *d = g_new0(DeviceConfig, 1);
    d->driver = g_strdup(driver);
    d->id = g_strdup(keyval_get(kv, "id"));
    d->props = g_ptr_array_new_with_free_func(g_free);
    for (unsigned i = 0; i < kv->keys->len; i++) {
        const char *key = g_ptr_array_index(kv->keys, i);
        if (!g_str_equal(key, "driver") && !g_str_equal(key, "id")) {
            g_ptr_array_add(d->props, g_strdup(key));
            g_ptr_array_add(d->props,
                            g_strdup(g_ptr_array_index(kv->values, i)));
        }
    }
    g_ptr_array_add(o->devices, d);
    return true;
}

void options_add_device(Options *o, const char *driver, const char *name,
                        const char *value)
{
    DeviceConfig *d = g_new0(DeviceConfig, 1);
    d->driver = g_strdup(driver);
    d->props = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(d->props, g_strdup(name));
    g_ptr_array_add(d->props, g_strdup(value));
    g_ptr_array_add(o->devices, d);
}

/* --- what there is not --------------------------------------------------------- */

static bool only_none(const char *arg, const char *what, Error **errp)
{
    if (g_str_equal(arg, "none")) {
        return true;
    }
    error_set(errp, "only 'none' is supported: there is no %s", what);
    return false;
}

bool opt_dtb(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    error_set(errp, "a PC has no device tree");
    return false;
}

bool opt_parallel(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    return only_none(arg, "parallel port", errp);
}

bool opt_audiodev(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    g_autofree char *flat = *arg == '{' ? options_flatten_json(arg, errp)
                                        : g_strdup(arg);
    g_autoptr(KeyVal) fields = flat ? keyval_parse(flat, "driver* ...", errp)
                                    : NULL;
    const char *driver = fields ? keyval_get(fields, "driver") : NULL;
    return fields && only_none(driver ? driver : "", "sound device", errp);
}

bool opt_display(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    return only_none(arg, "display; use the serial port, or -nographic",
                     errp);
}

bool opt_vga(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    return only_none(arg, "graphics adapter", errp);
}
