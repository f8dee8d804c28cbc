/*
 * Options about what the machine is: board, CPU, memory, firmware, time.
 */
#include "options.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "io/world.h"
#include "vm/cpu.h"

#define RAM_MIN_BYTES (1 * MIB)
#define RAM_MAX_BYTES (512 * GIB)

/* --- the board ------------------------------------------------------------- */

static void print_boards(void)
{
    printf("Supported machines are:\n");
    for (const BoardClass *const *b = program_parts.boards; *b; b++) {
        if ((*b)->alias) {
            printf("%-20s %s (alias of %s)\n", (*b)->alias, (*b)->desc,
                   (*b)->name);
        }
        printf("%-20s %s%s\n", (*b)->name, (*b)->desc,
               (*b)->is_default ? " (default)" : "");
    }
}

/* Switches of QEMU's machines for parts that ours does not have: off is what
 * is the case. */
static bool must_be_off(const KeyVal *kv, Error **errp)
{
    static const char *const keys[] = { "graphics", "usb", "vmport" };
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        bool on = false;
        if (!keyval_bool(kv, keys[i], &on, errp)) {
            return false;
        }
        if (on) {
            error_set(errp, "Parameter '%s' can only be off: this machine "
                      "has no such part", keys[i]);
            return false;
        }
    }
    return true;
}

static bool option_off(const KeyVal *kv, const char *key, bool *off,
                       Error **errp)
{
    bool on = !*off;
    bool ok = keyval_bool(kv, key, &on, errp);
    *off = !on;
    return ok;
}

/* ORDER microvm-key (options.def) */
static bool microvm_options(Options *o, const KeyVal *kv, Error **errp)
{
    MicrovmConfig *c = &o->microvm;
    struct {
        const char *key;
        bool *off;
    } keys[] = { { "pit", &c->no_pit }, { "pic", &c->no_pic },
                 { "isa-serial", &c->no_serial },
                 { "auto-kernel-cmdline", &c->no_auto_cmdline } };
    static const char *const rtc[] = { "auto", "on", "off", NULL };
    unsigned has_rtc = c->no_rtc ? 2 : 0;
    bool roms = true, pcie = false;

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (!option_off(kv, keys[i].key, keys[i].off, errp)) {
            return false;
        }
        o->microvm_key = keyval_has(kv, keys[i].key) ? keys[i].key
                                                     : o->microvm_key;
    }
    if (!keyval_word(kv, "rtc", rtc, &has_rtc, errp) ||
        !keyval_bool(kv, "x-option-roms", &roms, errp) ||
        !keyval_bool(kv, "pcie", &pcie, errp)) {
        return false;
    }
    c->no_rtc = has_rtc == 2;
    o->microvm_key = keyval_has(kv, "rtc") ? "rtc" : o->microvm_key;
    if (!roms || pcie) {
        error_set(errp, "Parameter '%s' can only be %s", pcie ? "pcie"
                  : "x-option-roms", pcie ? "off: this board has no PCI"
                  : "on: firmware starts kernels by one");
    }
    return roms && !pcie;
}

bool opt_machine(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    if (kv->help) {
        print_boards();
        o->done = true;
        return true;
    }
    const char *type = keyval_get(kv, "type");
    if (type) {
        o->board = board_find(&program_parts, type);
        if (!o->board) {
            error_set(errp, "unsupported machine type '%s'; -machine help "
                      "lists them", type);
            return false;
        }
    }
    o->memory_backend = keyval_get(kv, "memory-backend");
    const char *accel = keyval_get(kv, "accel");
    if (accel) {
        o->accel = accel;
    }
    static const char *const points[] = { "32", "64", NULL };
    unsigned point = o->smbios_64;
    if (!keyval_word(kv, "smbios-entry-point-type", points, &point, errp)) {
        return false;
    }
    o->smbios_64 = point;
    return must_be_off(kv, errp) && microvm_options(o, kv, errp) &&
           option_off(kv, "acpi", &o->no_acpi, errp) &&
           option_off(kv, "hpet", &o->no_hpet, errp);
}

bool opt_cpu(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    if (g_str_equal(arg, "help") || g_str_equal(arg, "?")) {
        g_autoptr(GString) out = g_string_new(NULL);
        program_parts.cpu->help(out);
        fputs(out->str, stdout);
        o->done = true;
        return true;
    }
    o->cpu_model = arg;
    return true;
}

bool opt_memory(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    uint64_t bytes = 0;
    if (keyval_has(kv, "slots") || keyval_has(kv, "maxmem")) {
        error_set(errp, "memory hotplug is not supported");
        return false;
    }
    if (!keyval_size(kv, "size", MIB, &bytes, errp)) {
        return false;
    }
    if (bytes < RAM_MIN_BYTES || bytes > RAM_MAX_BYTES) {
        error_set(errp, "memory size must be between %" G_GUINT64_FORMAT
                  "M and %" G_GUINT64_FORMAT "G", RAM_MIN_BYTES / MIB,
                  RAM_MAX_BYTES / GIB);
        return false;
    }
    if (bytes % PAGE_SIZE) {
        error_set(errp, "memory size must be a multiple of %" G_GUINT64_FORMAT
                  " bytes", PAGE_SIZE);
        return false;
    }
    o->ram_bytes = bytes;
    return true;
}

/* --- the accelerator ---------------------------------------------------------- */

bool opt_accel(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    if (kv->help) {
        printf("Accelerators supported:\nqtest\ntcg\n");
        o->done = true;
        return true;
    }
    const char *name = keyval_get(kv, "accel");
    o->accel = name ? name : "tcg";
    if (!g_str_equal(o->accel, "tcg")) {
        return true;             /* options_check() refuses it */
    }
    for (unsigned i = 0; i < kv->keys->len; i++) {
        const char *key = g_ptr_array_index(kv->keys, i);
        const char *value = g_ptr_array_index(kv->values, i);
        if (g_str_equal(key, "thread")) {
            if (!g_str_equal(value, "single")) {
                error_set(errp, "Parameter 'thread' can only be single");
                return false;
            }
        } else if (!g_str_equal(key, "accel") &&
                   !program_parts.accel->set_option(&o->accel_options, key,
                                                     value, errp)) {
            return false;
        }
    }
    return true;
}

/* --- names, boot, clock ---------------------------------------------------------- */

bool opt_name(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    o->name = keyval_get(kv, "guest");
    return true;
}

static bool is_uuid(const char *s)
{
    static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    for (size_t i = 0; i < sizeof shape; i++) {
        if (shape[i] == 'x' ? !isxdigit((unsigned char)s[i])
                            : s[i] != shape[i]) {
            return false;
        }
    }
    return true;
}

bool opt_uuid(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    if (!is_uuid(arg)) {
        error_set(errp, "this is not a UUID such as "
                  "550e8400-e29b-41d4-a716-446655440000");
        return false;
    }
    o->uuid = arg;
    return true;
}

bool opt_boot(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    static const char *const keys[] = { "once", "splash", "splash-time",
                                        "reboot-timeout" };
    bool menu = false, strict = false;
    if (!keyval_bool(kv, "menu", &menu, errp) ||
        !keyval_bool(kv, "strict", &strict, errp)) {
        return false;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (keyval_has(kv, keys[i])) {
            error_set(errp, "Parameter '%s' is not supported", keys[i]);
            return false;
        }
    }
    if (menu) {
        error_set(errp, "Parameter 'menu' can only be off");
        return false;
    }
    const char *order = keyval_get(kv, "order");
    if (order && strspn(order, "acdn") != strlen(order)) {
        error_set(errp, "Invalid boot device in '%s'; there are a, c, d and "
                  "n", order);
        return false;
    }
    if (order) {
        g_free(o->boot_order);
        o->boot_order = g_strdup(order);
    }
    return true;
}

static bool parse_date(const char *text, int64_t *sec)
{
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    bool whole = strchr(text, 'T') != NULL;
    g_autofree char *iso = g_strconcat(text, whole ? "" : "T00:00:00", NULL);
    g_autoptr(GDateTime) t = g_date_time_new_from_iso8601(iso, utc);
    if (t) {
        *sec = g_date_time_to_unix(t);
    }
    return t != NULL;
}

bool opt_rtc(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    const char *base = keyval_get(kv, "base");
    const char *clock = keyval_get(kv, "clock");
    const char *driftfix = keyval_get(kv, "driftfix");
    if (clock && !g_str_equal(clock, "vm")) {
        error_set(errp, "Parameter 'clock' can only be vm: the guest's clock "
                  "follows virtual time");
        return false;
    }
    if (driftfix && !g_str_equal(driftfix, "none")) {
        error_set(errp, "Parameter 'driftfix' can only be none");
        return false;
    }
    if (!base) {
        return true;
    }
    o->rtc_local = g_str_equal(base, "localtime");
    o->rtc_base_sec = INT64_MIN;
    if (o->rtc_local || g_str_equal(base, "utc")) {
        return true;
    }
    if (!parse_date(base, &o->rtc_base_sec)) {
        error_set(errp, "invalid date '%s'; valid are utc, localtime, "
                  "2006-06-17T16:01:21 and 2006-06-17", base);
        return false;
    }
    return true;
}

bool opt_seed(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    if (!keyval_parse_number(arg, &o->seed)) {
        error_set(errp, "a number is expected");
        return false;
    }
    o->has_seed = true;
    return true;
}

bool opt_firmware_dir(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    if (!g_str_equal(arg, "help")) {
        g_ptr_array_add(o->firmware_dirs, (char *)arg);
        return true;
    }
    for (unsigned i = 0; i < o->firmware_dirs->len; i++) {
        printf("%s\n", (char *)g_ptr_array_index(o->firmware_dirs, i));
    }
    for (const char *const *d = world_firmware_dirs(); *d; d++) {
        printf("%s\n", *d);
    }
    o->done = true;
    return true;
}

/* --- what happens at the end ----------------------------------------------------------- */

bool opt_action(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    static const char *const reboot[] = { "reset", "shutdown", NULL };
    static const char *const shutdown[] = { "poweroff", "pause", NULL };
    /* ORDER panic-action, watchdog-action */
    static const char *const panic[] = { "pause", "shutdown", "exit-failure",
                                         "none", NULL };
    static const char *const watchdog[] = { "reset", "shutdown", "poweroff",
                                            "pause", "debug", "none",
                                            "inject-nmi", NULL };
    unsigned on_reboot = o->no_reboot, on_shutdown = o->no_shutdown;
    unsigned on_panic = o->panic_action, on_watchdog = o->watchdog_action;
    if (!keyval_word(kv, "reboot", reboot, &on_reboot, errp) ||
        !keyval_word(kv, "shutdown", shutdown, &on_shutdown, errp) ||
        !keyval_word(kv, "panic", panic, &on_panic, errp) ||
        !keyval_word(kv, "watchdog", watchdog, &on_watchdog, errp)) {
        return false;
    }
    o->no_reboot = on_reboot;
    o->no_shutdown = on_shutdown;
    o->panic_action = on_panic;
    o->watchdog_action = on_watchdog;
    return true;
}

/* --- logging ------------------------------------------------------------------------- */

bool opt_log(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    if (g_str_equal(arg, "help") || g_str_equal(arg, "?")) {
        log_help();
        o->done = true;
        return true;
    }
    return log_enable(arg, errp);
}

bool opt_log_file(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    o->log_file = arg;
    return true;
}
