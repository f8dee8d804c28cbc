/*
 * savevm, loadvm, delvm and info snapshots: streams inside disk images.
 *
 * The stream goes into the first disk that can hold it; every other disk that
 * can take snapshots gets one of the same name at the same moment. Sentences
 * for users are the ones QEMU's users know.
 */
#include "svc/snapshot.h"

#include "vm/runstate.h"

typedef bool DiskFn(BlockDev *b);

static BlockDev *disk_at(Machine *m, guint i)
{
    const DriveConfig *d = g_ptr_array_index(m->config.drives, i);
    return d->dev && !blockdev_is_empty(d->dev) ? d->dev : NULL;
}

static guint disk_count(Machine *m)
{
    return m->config.drives ? m->config.drives->len : 0;
}

/* Disks whose content must go back together with the machine. */
static bool disk_takes_part(const BlockDev *b)
{
    return b && !blockdev_readonly(b);
}

/* --- finding snapshots --------------------------------------------------------- */

static void list_free(GPtrArray *list)
{
    g_ptr_array_free(list, TRUE);
}

static GPtrArray *list_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)block_snapshot_free);
}

static const BlockSnapshot *list_find(const GPtrArray *list, const char *name)
{
    for (guint i = 0; i < list->len; i++) {
        const BlockSnapshot *s = g_ptr_array_index(list, i);
        if (g_str_equal(s->name, name)) {
            return s;
        }
    }
    return NULL;
}

static bool disk_has(BlockDev *b, const char *name)
{
    GPtrArray *list = blockdev_snapshot_list(b, NULL);
    bool found = list && list_find(list, name);
    if (list) {
        list_free(list);
    }
    return found;
}

/* True if every disk that takes part has a snapshot of that name. */
static bool all_have(Machine *m, const char *name)
{
    for (guint i = 0; i < disk_count(m); i++) {
        BlockDev *b = disk_at(m, i);
        if (disk_takes_part(b) && !disk_has(b, name)) {
            return false;
        }
    }
    return true;
}

BlockDev *snapshot_vm_state_disk(Machine *m, Error **errp)
{
    for (guint i = 0; i < disk_count(m); i++) {
        BlockDev *b = disk_at(m, i);
        if (disk_takes_part(b) && !blockdev_can_snapshot(b)) {
            error_set(errp, "Device '%s' is writable but does not support "
                      "snapshots", blockdev_node(b));
            return NULL;
        }
    }
    for (guint i = 0; i < disk_count(m); i++) {
        BlockDev *b = disk_at(m, i);
        if (disk_takes_part(b)) {
            return b;
        }
    }
    error_set(errp, "No block device can accept snapshots");
    return NULL;
}

/* The disk that snapshots are read from: in replay the images are not
 * writable, but what they hold can be loaded. */
static BlockDev *reading_disk(Machine *m, Error **errp)
{
    for (guint i = 0; i < disk_count(m); i++) {
        BlockDev *b = disk_at(m, i);
        GPtrArray *list = disk_takes_part(b) ? blockdev_snapshot_list(b, NULL)
                                             : NULL;
        if (list) {
            list_free(list);
            return b;
        }
    }
    error_set(errp, "No available block device supports snapshots");
    return NULL;
}

/* --- savevm -------------------------------------------------------------------- */

static char *default_name(GDateTime *now)
{
    return g_date_time_format(now, "vm-%Y%m%d%H%M%S");
}

/* The same snapshot in every disk; the machine's state in one of them. */
static bool save_to_disks(Machine *m, BlockSnapshot *info, BlockDev *holder,
                          GBytes *state, Error **errp)
{
    for (guint i = 0; i < disk_count(m); i++) {
        BlockDev *b = disk_at(m, i);
        if (disk_takes_part(b) &&
            !blockdev_snapshot_create(b, info, b == holder ? state : NULL,
                                      errp)) {
            if (errp) {
                error_prepend(errp, "Error while creating snapshot on '%s': ",
                              blockdev_node(b));
            }
            return false;
        }
    }
    return true;
}

static bool save_now(Machine *m, const char *name, uint64_t log_position,
                     BlockDev *holder, Error **errp)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *made_up = name ? NULL : default_name(now);
    bool counted = m->icount_mode != ICOUNT_OFF;
    BlockSnapshot info = {
        .name = (char *)(name ? name : made_up),
        .date_sec = g_date_time_to_unix(now),
        .date_nsec = g_date_time_get_microsecond(now) * 1000,
        .vm_clock_ns = clock_now_ns(m->clock),
        .icount = counted ? machine_icount(m) : ICOUNT_NONE,
    };
    g_autoptr(GBytes) state = snapshot_save_stream(m, log_position);
    info.vm_state_bytes = g_bytes_get_size(state);
    return save_to_disks(m, &info, holder, state, errp);
}

bool snapshot_savevm(Machine *m, const char *name, uint64_t log_position,
                     Error **errp)
{
    BlockDev *holder = snapshot_vm_state_disk(m, errp);
    if (!holder) {
        return false;
    }
    RunState before = runstate(m);
    if (before == RUN_RUNNING) {
        runstate_set(m, RUN_SAVE_VM);
    }
    bool ok = save_now(m, name, log_position, holder, errp);
    runstate_set(m, before);
    return ok;
}

/* --- loadvm and delvm ------------------------------------------------------------ */

GBytes *snapshot_vm_state(Machine *m, const char *name, Error **errp)
{
    BlockDev *holder = reading_disk(m, errp);
    if (!holder) {
        return NULL;
    }
    if (!all_have(m, name)) {
        error_set(errp, "Snapshot '%s' does not exist in one or more devices",
                  name);
        return NULL;
    }
    GPtrArray *list = blockdev_snapshot_list(holder, errp);
    if (!list) {
        return NULL;
    }
    const BlockSnapshot *s = list_find(list, name);
    bool state = s && s->vm_state_bytes;
    list_free(list);
    if (!state) {
        error_set(errp, "This is a disk-only snapshot. Revert to it offline "
                  "using qemu-img");
        return NULL;
    }
    return blockdev_snapshot_vm_state(holder, name, errp);
}

static bool disks_goto(Machine *m, const char *name, Error **errp)
{
    for (guint i = 0; i < disk_count(m); i++) {
        BlockDev *b = disk_at(m, i);
        if (disk_takes_part(b) && !blockdev_snapshot_goto(b, name, errp)) {
            if (errp) {
                error_prepend(errp, "Could not load snapshot '%s' on '%s': ",
                              name, blockdev_node(b));
            }
            return false;
        }
    }
    return true;
}

bool snapshot_loadvm(Machine *m, const char *name, uint64_t *log_position,
                     Error **errp)
{
    g_autoptr(GBytes) state = snapshot_vm_state(m, name, errp);
    if (!state) {
        return false;
    }
    RunState before = runstate(m);
    if (before == RUN_RUNNING && !m->travelling) {
        runstate_set(m, RUN_RESTORE_VM);
    }
    /* The stream is the part that can be wrong, and is checked before
     * anything changes; so it comes first. */
    bool ok = snapshot_load_stream(m, state, log_position, errp) &&
              disks_goto(m, name, errp);
    if (ok) {
        runstate_rewind(m);
    }
    runstate_set(m, before);
    return ok;
}

bool snapshot_delvm(Machine *m, const char *name, Error **errp)
{
    if (!snapshot_vm_state_disk(m, errp)) {
        return false;
    }
    for (guint i = 0; i < disk_count(m); i++) {
        BlockDev *b = disk_at(m, i);
        if (!disk_takes_part(b) || !disk_has(b, name)) {
            continue;
        }
        if (!blockdev_snapshot_delete(b, name, errp)) {
            if (errp) {
                error_prepend(errp, "Could not delete snapshot '%s' on '%s': ",
                              name, blockdev_node(b));
            }
            return false;
        }
    }
    return true;
}

/* --- info snapshots ------------------------------------------------------------ */

GPtrArray *snapshot_list(Machine *m, Error **errp)
{
    BlockDev *holder = reading_disk(m, errp);
    GPtrArray *list = holder ? blockdev_snapshot_list(holder, errp) : NULL;
    if (!list) {
        return NULL;
    }
    for (guint i = list->len; i-- > 0;) {
        const BlockSnapshot *s = g_ptr_array_index(list, i);
        if (!s->vm_state_bytes || !all_have(m, s->name)) {
            g_ptr_array_remove_index(list, i);
        }
    }
    return list;
}

/* "3.06 MiB": three significant digits, in the largest unit that leaves at
 * most 1000 of it. */
static char *size_text(uint64_t bytes)
{
    static const char *const units[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi",
                                         "Ei" };
    double v = bytes;
    unsigned unit = 0;
    while (v >= 1000.0 && unit + 1 < G_N_ELEMENTS(units)) {
        v /= 1024.0;
        unit++;
    }
    return g_strdup_printf("%0.3g %sB", v, units[unit]);
}

static void print_head(GString *out)
{
    g_string_append_printf(out, "%-10s%-17s%8s%20s%13s%11s\n", "ID", "TAG",
                           "VM SIZE", "DATE", "VM CLOCK", "ICOUNT");
}

static void print_row(GString *out, const char *id, const BlockSnapshot *s)
{
    g_autoptr(GDateTime) when = g_date_time_new_from_unix_local(s->date_sec);
    g_autofree char *date =
        when ? g_date_time_format(when, "%Y-%m-%d %H:%M:%S") : g_strdup("?");
    g_autofree char *size = size_text(s->vm_state_bytes);
    uint64_t sec = s->vm_clock_ns / NS_PER_SEC;
    char clock[40], icount[24] = "";
    g_snprintf(clock, sizeof clock, "%02u:%02u:%02u.%03u",
               (unsigned)(sec / 3600), (unsigned)(sec / 60 % 60),
               (unsigned)(sec % 60),
               (unsigned)(s->vm_clock_ns / NS_PER_MS % 1000));
    if (s->icount != ICOUNT_NONE) {
        g_snprintf(icount, sizeof icount, "%" G_GUINT64_FORMAT, s->icount);
    }
    g_string_append_printf(out, "%-10s%-17s%8s%20s%13s%11s\n", id, s->name,
                           size, date, clock, icount);
}

/* Snapshots of one disk that loadvm cannot use. */
static bool print_partial(Machine *m, BlockDev *b, const GPtrArray *whole,
                          GString *out, Error **errp)
{
    GPtrArray *list = blockdev_snapshot_list(b, errp);
    if (!list) {
        return false;
    }
    bool first = true;
    for (guint i = 0; i < list->len; i++) {
        const BlockSnapshot *s = g_ptr_array_index(list, i);
        if (list_find(whole, s->name)) {
            continue;
        }
        if (first) {
            g_string_append_printf(out, "\nList of partial (non-loadable) "
                                   "snapshots on '%s':\n", blockdev_node(b));
            print_head(out);
            first = false;
        }
        print_row(out, s->id, s);
    }
    list_free(list);
    return true;
}

static bool any_snapshot(Machine *m)
{
    for (guint i = 0; i < disk_count(m); i++) {
        BlockDev *b = disk_at(m, i);
        GPtrArray *list = disk_takes_part(b) ? blockdev_snapshot_list(b, NULL)
                                             : list_new();
        bool some = list && list->len;
        if (list) {
            list_free(list);
        }
        if (some) {
            return true;
        }
    }
    return false;
}

static bool print_lists(Machine *m, const GPtrArray *whole, GString *out,
                        Error **errp)
{
    g_string_append(out, "List of snapshots present on all disks:\n");
    if (whole->len) {
        print_head(out);
        for (guint i = 0; i < whole->len; i++) {
            print_row(out, "--", g_ptr_array_index(whole, i));
        }
    } else {
        g_string_append(out, "None\n");
    }
    for (guint i = 0; i < disk_count(m); i++) {
        BlockDev *b = disk_at(m, i);
        if (disk_takes_part(b) && !print_partial(m, b, whole, out, errp)) {
            return false;
        }
    }
    return true;
}

bool snapshot_print(Machine *m, GString *out, Error **errp)
{
    GPtrArray *whole = snapshot_list(m, errp);
    if (!whole) {
        return false;
    }
    bool ok = true;
    if (any_snapshot(m)) {
        ok = print_lists(m, whole, out, errp);
    } else {
        g_string_append(out, "There is no snapshot available.\n");
    }
    list_free(whole);
    return ok;
}
