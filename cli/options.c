/*
 * The walk over the command line and the table in options.def.
 */
#include "options.h"

#include <stdio.h>
#include <string.h>

#include "vm/turn.h"

typedef struct OptionRow {
    const char *group;         /* a title instead of an option */
    const char *name, *alias, *argument, *keys, *help;
    OptionFn *handler;
} OptionRow;

#define GROUP(title) { .group = title },
#define OPTION(name, alias, argument, keys, handler, help) \
    { NULL, name, alias, argument, keys, help, handler },
static const OptionRow rows[] = {
#include "options.def"
};
#undef OPTION
#undef GROUP

static const OptionRow *row_find(const char *word)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const OptionRow *r = &rows[i];
        if (r->name && (g_str_equal(word, r->name)
                        || (r->alias && g_str_equal(word, r->alias)))) {
            return r;
        }
    }
    return NULL;
}

/* --- help ------------------------------------------------------------------- */

#define HELP_COLUMN 24

/* "-name ARG" and, from HELP_COLUMN on, the lines of help. */
static void print_row(const OptionRow *r)
{
    g_autoptr(GString) head = g_string_new("-");
    g_string_append(head, r->name);
    if (r->alias) {
        g_string_append_printf(head, " or -%s", r->alias);
    }
    if (r->argument) {
        g_string_append_printf(head, " %s", r->argument);
    }
    g_auto(GStrv) lines = g_strsplit(r->help, "\n", -1);
    printf("%-*s", HELP_COLUMN, head->str);
    if (head->len >= HELP_COLUMN) {
        printf("\n%*s", HELP_COLUMN, "");
    }
    for (char **line = lines; *line; line++) {
        printf("%*s%s\n", line == lines ? 0 : HELP_COLUMN, "", *line);
    }
}

void options_print_help(void)
{
    const char *program = g_get_prgname();
    printf("usage: %s [options] [disk image]\n\n"
           "The disk image is the first IDE disk. --option is the same as "
           "-option.\nAn argument's comma that belongs to a value is doubled."
           "\n", program);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].group) {
            printf("\n%s:\n", rows[i].group);
        } else {
            print_row(&rows[i]);
        }
    }
}

bool opt_help(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    options_print_help();
    o->done = true;
    return true;
}

bool opt_version(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    printf("Reprise emulator version " REPRISE_VERSION "\n");
    o->done = true;
    return true;
}

/* --- parsing ------------------------------------------------------------------ */

/* The argument's fields, with what -set changes. */
static KeyVal *row_keys(Options *o, const OptionRow *r, const char *arg,
                        Error **errp)
{
    KeyVal *kv = keyval_parse(arg, r->keys, errp);
    const char *id = kv ? keyval_get(kv, "id") : NULL;
    g_autofree char *changed = options_apply_sets(o, r->name, id, arg);
    if (changed) {
        keyval_free(kv);
        kv = keyval_parse(changed, r->keys, errp);
    }
    return kv;
}

static bool row_handle(Options *o, const OptionRow *r, const char *arg,
                       Error **errp)
{
    KeyVal *kv = NULL;
    if (r->keys) {
        kv = row_keys(o, r, arg, errp);
        if (!kv) {
            return false;
        }
        g_ptr_array_add(o->kept, kv);
    }
    return r->handler(o, arg, kv, errp);
}

bool options_take(Options *o, const char *name, const char *arg, Error **errp)
{
    const OptionRow *r = row_find(name);
    if (!r || !r->argument) {
        error_set(errp, "there is no section [%s]", name);
        return false;
    }
    return row_handle(o, r, arg, errp);
}

/* Takes argv[*i] and its argument; *i moves to the last one taken. */
static bool parse_option(Options *o, char **argv, int *i, Error **errp)
{
    const char *given = argv[*i], *arg = NULL;
    const char *word = given + (given[1] == '-' ? 2 : 1);
    const OptionRow *r = row_find(word);
    if (!r) {
        bool has_argument;
        options_refuse(given, word, &has_argument, errp);
        bool follows = argv[*i + 1] && argv[*i + 1][0] != '-';
        *i += has_argument && follows;
        return false;
    }
    if (r->argument) {
        arg = argv[*i + 1];
        if (!arg) {
            error_set(errp, "%s: requires an argument", given);
            return false;
        }
        ++*i;
    }
    Error *err = NULL;
    if (!row_handle(o, r, arg, &err)) {
        error_prepend(&err, "%s%s%s: ", given, arg ? " " : "",
                      arg ? arg : "");
        error_propagate(errp, err);
        return false;
    }
    return true;
}

static void options_init(Options *o)
{
    *o = (Options){ 0 };
    o->kept = g_ptr_array_new_with_free_func((GDestroyNotify)keyval_free);
    o->firmware_dirs = g_ptr_array_new();
    o->drives = g_ptr_array_new();
    o->drive_alias = g_hash_table_new(g_str_hash, g_str_equal);
    o->devices = g_ptr_array_new();
    o->virtio_nics = g_ptr_array_new();
    o->texts = g_ptr_array_new_with_free_func(g_free);
    o->filtered = g_ptr_array_new();
    o->fdsets = g_hash_table_new(g_str_hash, g_str_equal);
    o->memory_backends = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
                                               g_free);
    o->chardevs = g_ptr_array_new();
    o->nets = g_ptr_array_new_with_free_func((GDestroyNotify)net_option_free);
    o->dumps = g_ptr_array_new_with_free_func(g_free);
    o->shares =
        g_ptr_array_new_with_free_func((GDestroyNotify)share_option_free);
    o->ends = g_ptr_array_new();
    o->fw_cfgs = g_ptr_array_new();
    o->smbioses = g_ptr_array_new();
    o->acpitables = g_ptr_array_new();
    o->numas = g_ptr_array_new();
    o->rtc_base_sec = INT64_MIN;
    o->smp = (MachineSmp){ 1, 1, 1, 1, 1, TURN_QUANTUM };
    o->icount.sleep = true;
    o->panic_action = PANIC_SHUTDOWN;
    o->accel_options.interpret = INTERPRET_ONCE;
}

static bool parse_word(Options *o, char **argv, int *i, Error **errp)
{
    return argv[*i][0] == '-' && argv[*i][1]
               ? parse_option(o, argv, i, errp)
               : opt_hda(o, argv[*i], NULL, errp);
}

bool options_parse(Options *o, int argc, char **argv, Error **errp)
{
    Error *last = NULL;
    options_init(o);
    o->argv = (const char *const *)argv;
    /* All mistakes are told at once, so that one run is enough to mend them;
     * the last one by who called. */
    if (!options_collect_sets(o, argc, argv, errp)) {
        return false;
    }
    for (int i = 1; i < argc && !o->done; i++) {
        Error *err = NULL;
        if (!parse_word(o, argv, &i, &err)) {
            if (last) {
                error_report("%s", error_message(last));
                error_free(last);
            }
            last = err;
        }
    }
    if (last || (!o->done && !options_check_sets(o, &last))) {
        error_propagate(errp, last);
        return false;
    }
    return o->done || options_check(o, errp);
}

void options_clear(Options *o)
{
    for (unsigned i = 0; i < o->drives->len; i++) {
        DriveOption *d = g_ptr_array_index(o->drives, i);
        g_free(d->id);
        g_free(d);
    }
    for (unsigned i = 0; i < o->devices->len; i++) {
        DeviceConfig *d = g_ptr_array_index(o->devices, i);
        g_ptr_array_free(d->props, TRUE);
        g_free(d->driver);
        g_free(d->id);
        g_free(d);
    }
    for (unsigned i = 0; i < o->chardevs->len; i++) {
        ChardevOption *c = g_ptr_array_index(o->chardevs, i);
        chardev_spec_clear(&c->spec);
        g_free(c->id);
        g_free(c);
    }
    for (unsigned i = 0; i < o->ends->len; i++) {
        EndOption *e = g_ptr_array_index(o->ends, i);
        g_free(e->dev);
        g_free(e->id);
        g_free(e);
    }
    g_ptr_array_free(o->kept, TRUE);
    g_ptr_array_free(o->texts, TRUE);
    g_ptr_array_free(o->filtered, TRUE);
    g_hash_table_destroy(o->fdsets);
    g_clear_pointer(&o->sets, g_ptr_array_unref);
    g_clear_pointer(&o->globals, g_ptr_array_unref);
    g_hash_table_destroy(o->memory_backends);
    g_ptr_array_free(o->firmware_dirs, TRUE);
    g_ptr_array_free(o->drives, TRUE);
    g_ptr_array_free(o->devices, TRUE);
    g_ptr_array_free(o->virtio_nics, TRUE);
    g_ptr_array_free(o->chardevs, TRUE);
    g_ptr_array_free(o->nets, TRUE);
    g_ptr_array_free(o->dumps, TRUE);
    g_ptr_array_free(o->shares, TRUE);
    g_ptr_array_free(o->ends, TRUE);
    g_ptr_array_free(o->fw_cfgs, TRUE);
    g_ptr_array_free(o->smbioses, TRUE);
    g_ptr_array_free(o->acpitables, TRUE);
    g_ptr_array_free(o->numas, TRUE);
    g_hash_table_destroy(o->drive_alias);
    g_free(o->boot_order);
}

/* --- options that need no more than a line -------------------------------------- */

bool opt_ignored(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    return true;
}

bool opt_ignored_arg(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    return true;
}

#define OPT_STRING(handler, field)                                           \
    bool handler(Options *o, const char *arg, KeyVal *kv, Error **errp)      \
    {                                                                        \
        o->field = arg;                                                      \
        return true;                                                         \
    }
OPT_STRING(opt_bios, bios)
OPT_STRING(opt_kernel, kernel)
OPT_STRING(opt_append, append)
OPT_STRING(opt_initrd, initrd)
OPT_STRING(opt_kernel_name, kernel_name)
OPT_STRING(opt_initrd_name, initrd_name)
OPT_STRING(opt_loadvm, loadvm)
OPT_STRING(opt_pidfile, pidfile)
OPT_STRING(opt_qtest_log, qtest_log)

#define OPT_FLAG(handler, field)                                             \
    bool handler(Options *o, const char *arg, KeyVal *kv, Error **errp)      \
    {                                                                        \
        o->field = true;                                                     \
        return true;                                                         \
    }
OPT_FLAG(opt_snapshot, snapshot)
OPT_FLAG(opt_singlestep, accel_options.one_insn_per_tb)
OPT_FLAG(opt_nographic, nographic)
OPT_FLAG(opt_nodefaults, no_defaults)
OPT_FLAG(opt_paused, paused)
OPT_FLAG(opt_no_reboot, no_reboot)
OPT_FLAG(opt_no_acpi, no_acpi)
OPT_FLAG(opt_no_hpet, no_hpet)
OPT_FLAG(opt_no_shutdown, no_shutdown)
OPT_FLAG(opt_daemonize, daemonize)
OPT_FLAG(opt_perfmap, perfmap)
