/*
 * The table of `info snapshots`, in the words that QEMU's users know.
 */
#include "disks.h"

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
    g_string_append_printf(out, "%-10s%-16s %8s%20s%13s%11s\n", "ID", "TAG",
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
    g_string_append_printf(out, "%-10s%-16s %8s%20s%13s%11s\n", id, s->name,
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
        if (disks_list_find(whole, s->name)) {
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
    disks_list_free(list);
    return true;
}

static bool any_snapshot(Machine *m)
{
    guint at = 0;
    for (BlockDev *b; (b = disks_next(m, &at));) {
        GPtrArray *list = blockdev_snapshot_list(b, NULL);
        bool some = list && list->len;
        if (list) {
            disks_list_free(list);
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
    guint at = 0;
    for (BlockDev *b; (b = disks_next(m, &at));) {
        if (!print_partial(m, b, whole, out, errp)) {
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
    disks_list_free(whole);
    return ok;
}
