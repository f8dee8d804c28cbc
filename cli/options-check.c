/*
 * What is decided when the whole command line is known: defaults, and options
 * that do not go together.
 */
#include "options.h"

#include <string.h>

#include "base/log.h"
#include "io/world.h"
#include "vm/cpu.h"

#define IDE_DRIVES 4
#define PFLASH_DRIVES 2
#define FLOPPY_DRIVES 2

/* "kvm:tcg": the first that there is. NULL: none. */
static const char *find_accel(const Options *o)
{
    static const char *const known[] = { "tcg", "qtest", NULL };
    const char *preset = options_have_end(o, END_QTEST) ? "qtest" : "tcg";
    g_auto(GStrv) list = g_strsplit(o->accel ? o->accel : preset, ":", -1);
    for (char **name = list; *name; name++) {
        for (const char *const *k = known; *k; k++) {
            if (g_str_equal(*name, *k)) {
                return *k;
            }
        }
    }
    return NULL;
}

static bool check_accel(Options *o, Error **errp)
{
    const char *found = find_accel(o);
    o->qtest = found && g_str_equal(found, "qtest");
    if (found && !o->qtest && options_have_end(o, END_QTEST)) {
        error_set(errp, "-qtest: no CPU may run; use -accel qtest");
        return false;
    }
    if (found && !(o->qtest && o->icount.given)) {
        return true;
    }
    if (o->icount.rr != REPLAY_NONE) {
        error_set(errp, "-accel %s: record and replay need TCG; use -accel "
                  "tcg", o->accel ? o->accel : "qtest");
    } else if (o->icount.given) {
        error_set(errp, "-accel %s: -icount needs TCG; use -accel tcg",
                  o->accel ? o->accel : "qtest");
    } else {
        error_set(errp, "-accel %s: invalid accelerator; only tcg and qtest "
                  "are supported", o->accel);
    }
    return false;
}

/* -machine memory-backend= names an object that is as large as -m says. */
static bool check_memory_backend(Options *o, Error **errp)
{
    const char *id = o->memory_backend;
    const uint64_t *bytes = id ? g_hash_table_lookup(o->memory_backends, id)
                               : NULL;
    if (id && !bytes) {
        error_set(errp, "-machine memory-backend=%s: there is no such object",
                  id);
        return false;
    }
    if (bytes && o->ram_bytes && *bytes != o->ram_bytes) {
        error_set(errp, "-machine memory-backend=%s: it has %" G_GUINT64_FORMAT
                  " bytes, -m says %" G_GUINT64_FORMAT, id, *bytes,
                  o->ram_bytes);
        return false;
    }
    o->ram_bytes = bytes ? *bytes : o->ram_bytes;
    return true;
}

static bool check_filters(const Options *o, Error **errp)
{
    for (guint i = 0; i < o->filtered->len; i++) {
        const char *id = g_ptr_array_index(o->filtered, i);
        bool there = false;
        for (guint n = 0; n < o->nets->len; n++) {
            const NetOption *net = g_ptr_array_index(o->nets, n);
            there |= !g_strcmp0(net->id, id);
        }
        if (!there) {
            error_set(errp, "-object filter-replay: there is no netdev '%s'",
                      id);
            return false;
        }
    }
    return true;
}

/* -nic without a model, or with model=virtio, is what the board can have. */
static void choose_nics(Options *o)
{
    for (guint i = 0; o->board->virtio_mmio && i < o->virtio_nics->len; i++) {
        DeviceConfig *d = g_ptr_array_index(o->virtio_nics, i);
        g_free(d->driver);
        d->driver = g_strdup("virtio-net-device");
    }
}

static bool check_board(Options *o, Error **errp)
{
    for (const BoardClass *const *b = program_parts.boards; *b && !o->board; b++) {
        o->board = (*b)->is_default ? *b : NULL;
    }
    if (!o->board) {
        error_set(errp, "No machine specified, and there is no default; "
                  "-machine help lists them");
        return false;
    }
    if (!check_memory_backend(o, errp)) {
        return false;
    }
    if (o->microvm_key && !o->board->virtio_mmio) {
        error_set(errp, "-machine %s: '%s' is a parameter of microvm",
                  o->board->name, o->microvm_key);
        return false;
    }
    choose_nics(o);
    if (!o->ram_bytes) {
        o->ram_bytes = o->board->default_ram_bytes;
    }
    /* A board's default is for the 64-bit program. */
    if (!o->cpu_model && o->board->default_cpu &&
        g_str_equal(program_parts.cpu->name, "i386")) {
        o->cpu_model = "qemu32";
    }
    return true;
}

static bool check_replay_file(const Options *o, Error **errp)
{
    const IcountOption *ic = &o->icount;
    char head[4];
    if (ic->rr != REPLAY_PLAY ||
        world_peek_file(ic->rrfile, head, sizeof head, errp)) {
        return true;
    }
    error_prepend(errp, "-icount rrfile=%s: ", ic->rrfile);
    return false;
}

/* --- drives --------------------------------------------------------------------- */

static DriveOption *drive_at(const Options *o, int index)
{
    for (unsigned i = 0; i < o->drives->len; i++) {
        DriveOption *d = g_ptr_array_index(o->drives, i);
        if (!d->if_none && d->index == index) {
            return d;
        }
    }
    return NULL;
}

static bool drive_set_index(Options *o, DriveOption *d, Error **errp)
{
    int index = 0;
    while (index < IDE_DRIVES && drive_at(o, index)) {
        index++;
    }
    if (index == IDE_DRIVES) {
        error_set(errp, "-drive %s: there are only %d IDE drives", d->arg,
                  IDE_DRIVES);
        return false;
    }
    d->index = index;
    return true;
}

/* How many there are so far. */
typedef struct DriveCounts {
    unsigned none, virtio, flash, floppy;
} DriveCounts;

static char *drive_default_id(const DriveOption *d, const DriveCounts *n)
{
    return d->if_pflash   ? g_strdup_printf("pflash%d", d->index)
           : d->if_floppy ? g_strdup_printf("floppy%d", d->index)
           : d->if_virtio ? g_strdup_printf("virtio%u", n->virtio)
           : d->if_none
               ? g_strdup_printf("none%u", n->none)
               : g_strdup_printf("ide%d-%s%d", d->index / 2,
                                 d->cdrom ? "cd" : "hd", d->index % 2);
}

/* Gives it a place and a name, if it has none. */
static bool drive_complete(Options *o, DriveOption *d, DriveCounts *n,
                           Error **errp)
{
    if (!d->if_none && d->index < 0 && !drive_set_index(o, d, errp)) {
        return false;
    }
    if (d->index < 0 && d->if_pflash) {
        d->index = n->flash;
    } else if (d->index < 0 && d->if_floppy) {
        d->index = n->floppy;
    }
    if (!d->id) {
        d->id = drive_default_id(d, n);
    }
    n->flash += d->if_pflash;
    n->floppy += d->if_floppy;
    n->none += d->if_none;
    n->virtio += d->if_virtio;
    return true;
}

/* Two drives at one place or of one name. */
static bool drives_differ(const DriveOption *a, const DriveOption *b,
                          Error **errp)
{
    if (!a->if_none && !b->if_none && a->index == b->index) {
        error_set(errp, "-drive %s: drive with bus=%d, unit=%d (index=%d) "
                  "exists", b->arg, b->index / 2, b->index % 2, b->index);
        return false;
    }
    if (a->if_pflash && b->if_pflash && a->index == b->index) {
        error_set(errp, "-drive %s: there is another flash chip with index=%d",
                  b->arg, b->index);
        return false;
    }
    if (a->if_floppy && b->if_floppy && a->index == b->index) {
        error_set(errp, "-drive %s: there is another floppy disk with "
                  "index=%d", b->arg, b->index);
        return false;
    }
    if (g_str_equal(a->id, b->id)) {
        error_set(errp, "-drive %s: there is another drive '%s'", b->arg,
                  b->id);
        return false;
    }
    return true;
}

/* if=virtio, if=floppy: the drive, and the device that it waits for. */
static void add_disk_device(Options *o, const char *driver,
                            const DriveOption *d)
{
    DeviceConfig *c = g_new0(DeviceConfig, 1);
    c->driver = g_strdup(driver);
    c->props = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(c->props, g_strdup("drive"));
    g_ptr_array_add(c->props, g_strdup(d->id));
    if (d->if_floppy) {
        g_ptr_array_add(c->props, g_strdup("unit"));
        g_ptr_array_add(c->props, g_strdup_printf("%d", d->index));
    }
    g_ptr_array_add(o->devices, c);
}

static bool drive_check(const DriveOption *d, Error **errp)
{
    if (!d->file && !d->cdrom && !d->if_floppy) {
        error_set(errp, "-drive %s: file= is missing", d->arg);
        return false;
    }
    if (d->if_pflash && d->index >= PFLASH_DRIVES) {
        error_set(errp, "-drive %s: there are only %d flash chips", d->arg,
                  PFLASH_DRIVES);
        return false;
    }
    if (d->if_floppy && d->index >= FLOPPY_DRIVES) {
        error_set(errp, "-drive %s: there are only %d floppy drives", d->arg,
                  FLOPPY_DRIVES);
        return false;
    }
    return true;
}

static bool check_drives(Options *o, Error **errp)
{
    DriveCounts counts = { 0 };
    for (unsigned i = 0; i < o->drives->len; i++) {
        DriveOption *d = g_ptr_array_index(o->drives, i);
        if (!drive_complete(o, d, &counts, errp) || !drive_check(d, errp)) {
            return false;
        }
        for (unsigned j = 0; j < i; j++) {
            if (!drives_differ(g_ptr_array_index(o->drives, j), d, errp)) {
                return false;
            }
        }
        if (d->if_virtio) {
            add_disk_device(o, o->board->virtio_mmio ? "virtio-blk-device"
                                                     : "virtio-blk-pci", d);
        } else if (d->if_floppy) {
            add_disk_device(o, "floppy", d);
        }
    }
    return true;
}

/* --- defaults ---------------------------------------------------------------------- */

static bool have_device(const Options *o, const char *driver)
{
    for (unsigned i = 0; i < o->devices->len; i++) {
        const DeviceConfig *d = g_ptr_array_index(o->devices, i);
        if (g_str_equal(d->driver, driver)) {
            return true;
        }
    }
    return false;
}

/* A PC has a CD-ROM drive, empty unless told otherwise. */
static void default_cdrom(Options *o)
{
    if (o->no_defaults || o->board->virtio_mmio || have_device(o, "ide-cd") ||
        have_device(o, "ide-hd") || drive_at(o, 2)) {
        return;
    }
    DriveOption *d = g_new0(DriveOption, 1);
    d->arg = "-cdrom";
    d->index = 2;
    d->cdrom = true;
    d->readonly = d->snapshot = UNSET;
    g_ptr_array_add(o->drives, d);
}

static void default_ends(Options *o)
{
    bool serial = !o->no_defaults && !options_have_end(o, END_SERIAL) &&
                  !have_device(o, "isa-serial");
    bool monitor = !o->no_defaults && !options_have_end(o, END_MONITOR) &&
                   !options_have_end(o, END_QMP);
    if (!o->nographic) {
        if (serial) {
            options_add_end(o, END_SERIAL, "-serial", "null");
        }
        return;
    }
    if (serial) {
        options_add_end(o, END_SERIAL, "-nographic",
                        monitor ? "mon:stdio" : "stdio");
    } else if (monitor) {
        options_add_end(o, END_MONITOR, "-nographic", "stdio");
    }
}

static bool check_daemonize(const Options *o, Error **errp)
{
    for (unsigned i = 0; o->daemonize && i < o->ends->len; i++) {
        const EndOption *e = g_ptr_array_index(o->ends, i);
        if (!e->by_id && g_str_has_suffix(e->dev, "stdio")) {
            bool made = g_str_equal(e->option, "-nographic");
            error_set(errp, "%s%s%s cannot be used with -daemonize", e->option,
                      made ? "" : " ", made ? "" : e->dev);
            return false;
        }
    }
    return true;
}

static bool open_log_file(const Options *o, Error **errp)
{
    return !o->log_file || log_set_file(o->log_file, errp);
}

bool options_check(Options *o, Error **errp)
{
    if (!check_accel(o, errp) || !check_board(o, errp) ||
        !check_replay_file(o, errp) || !options_check_verify(o, errp)) {
        return false;
    }
    default_cdrom(o);
    default_ends(o);
    return check_filters(o, errp) && check_drives(o, errp) &&
           options_apply_globals(o, errp) && check_daemonize(o, errp) &&
           options_check_files(o, errp) && open_log_file(o, errp);
}
