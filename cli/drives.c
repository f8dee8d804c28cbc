/*
 * From -drive to open images, and what recording asks of them.
 */
#include "program.h"

#include <string.h>

/* What block/ would find; asked before opening, because a replay opens a
 * qcow2 at its snapshot. */
static bool is_qcow2(const DriveOption *d)
{
    char magic[4] = "";
    if (d->format) {
        return g_str_equal(d->format, "qcow2");
    }
    return world_peek_file(d->file, magic, 4, NULL) &&
           !memcmp(magic, "QFI\xfb", 4);
}

static bool drive_temporary(const Options *o, const DriveOption *d)
{
    return d->snapshot == UNSET ? o->snapshot : d->snapshot == ON;
}

/* True if the guest can reach the drive. */
static bool drive_attached(const Program *p, const DriveOption *d)
{
    if (!d->if_none || d->if_pflash) {
        return true;
    }
    for (unsigned i = 0; i < p->opts.devices->len; i++) {
        const DeviceConfig *dev = g_ptr_array_index(p->opts.devices, i);
        for (unsigned k = 0; k + 1 < dev->props->len; k += 2) {
            const char *key = g_ptr_array_index(dev->props, k);
            const char *id = g_ptr_array_index(dev->props, k + 1);
            if (g_str_equal(key, "drive") &&
                g_str_equal(program_drive_id(p, id), d->id)) {
                return true;
            }
        }
    }
    return false;
}

const char *program_drive_id(const Program *p, const char *id)
{
    /* An alias may name another; a circle ends after as many steps. */
    GHashTable *alias = p->opts.drive_alias;
    for (unsigned n = g_hash_table_size(alias); n > 0; n--) {
        const char *next = g_hash_table_lookup(alias, id);
        if (!next) {
            break;
        }
        id = next;
    }
    return id;
}

/* A replay needs the disk as it was when the recording began. */
static bool check_recordable(const Program *p, const DriveOption *d,
                             const BlockDev *b, Error **errp)
{
    const IcountOption *ic = &p->opts.icount;
    if (ic->rr != REPLAY_RECORD || blockdev_readonly(b) ||
        drive_temporary(&p->opts, d) || !drive_attached(p, d)) {
        return true;
    }
    bool qcow2 = g_str_equal(blockdev_format(b), "qcow2");
    if (qcow2 && ic->rrsnapshot) {
        return true;
    }
    error_set(errp, "rr=record would change '%s', and a replay could not "
              "begin where the recording did: add snapshot=on to the drive%s",
              d->file,
              qcow2 ? ", or rrsnapshot=NAME to -icount"
                    : ", or use a qcow2 image with rrsnapshot=NAME");
    return false;
}

static BlockDev *drive_open(const Program *p, const DriveOption *d,
                            Error **errp)
{
    const IcountOption *ic = &p->opts.icount;
    bool temporary = drive_temporary(&p->opts, d);
    bool play = ic->rr == REPLAY_PLAY;
    BlockOpenOptions opts = {
        .node = d->id,
        .file = d->file,
        .format = d->format,
        .readonly = d->cdrom || d->readonly == ON,
        .temporary = temporary && !play,
        .replay = play,
        .write_through = d->write_through,
        .no_flush = d->no_flush,
        .detect_zeroes = d->detect_zeroes,
        .keep_discarded = d->keep_discarded,
    };
    if (!play || !d->file || !ic->rrsnapshot || temporary || opts.readonly ||
        !is_qcow2(d)) {
        return blockdev_open(&opts, errp);
    }
    /* A later recording may have wanted the name. */
    g_autofree char *aside = replay_aside_name(ic->rrfile, ic->rrsnapshot);
    opts.at_snapshot = aside;
    BlockDev *b = aside ? blockdev_open(&opts, NULL) : NULL;
    opts.at_snapshot = ic->rrsnapshot;
    return b ? b : blockdev_open(&opts, errp);
}

bool program_open_drives(Program *p, Error **errp)
{
    GPtrArray *drives = p->m->config.drives = g_ptr_array_new();
    for (unsigned i = 0; i < p->opts.drives->len; i++) {
        const DriveOption *d = g_ptr_array_index(p->opts.drives, i);
        Error *err = NULL;
        BlockDev *b = drive_open(p, d, &err);
        if (!b || !check_recordable(p, d, b, &err)) {
            blockdev_close(b);
            error_prepend(&err, "-drive %s: ", d->arg);
            error_propagate(errp, err);
            return false;
        }
        DriveConfig *dc = g_new0(DriveConfig, 1);
        dc->id = d->id;
        dc->dev = b;
        dc->if_none = d->if_none;
        dc->pflash = d->if_pflash;
        dc->cdrom = d->cdrom;
        dc->index = d->index;
        g_ptr_array_add(drives, dc);
    }
    return true;
}

/* --- info block ------------------------------------------------------------------ */

/* The device whose property the disk is; NULL: none. */
static const Device *owner_of(const Machine *m, const BlockDev *b)
{
    for (guint i = 0; i < m->devices->len; i++) {
        const Device *dev = g_ptr_array_index(m->devices, i);
        for (const PropDef *p = dev->cls->props; p && p->name; p++) {
            const char *at = (const char *)dev + p->offset;
            if (p->type == PROP_DRIVE && *(BlockDev *const *)at == b) {
                return dev;
            }
        }
    }
    return NULL;
}

static void block_info(void *machine, GString *out)
{
    const Machine *m = machine;
    for (guint i = 0; i < m->config.drives->len; i++) {
        const DriveConfig *d = g_ptr_array_index(m->config.drives, i);
        const Device *dev = owner_of(m, d->dev);
        g_string_append_printf(out, "%s: ", d->id);
        if (blockdev_is_empty(d->dev)) {
            g_string_append(out, "[not inserted]\n");
        } else {
            g_string_append_printf(out, "%s (%s%s)\n", blockdev_file(d->dev),
                                   blockdev_format(d->dev),
                                   blockdev_readonly(d->dev) ? ", read-only"
                                                             : "");
        }
        if (dev) {
            g_string_append_printf(out, "    Attached to:      %s\n",
                                   dev->id ? dev->id : dev->path);
        }
    }
}

void program_add_block_info(Program *p)
{
    machine_add_info(p->m, "block", block_info, p->m);
}

void program_close_drives(Program *p)
{
    GPtrArray *drives = p->m->config.drives;
    for (unsigned i = 0; drives && i < drives->len; i++) {
        DriveConfig *dc = g_ptr_array_index(drives, i);
        blockdev_close(dc->dev);
        g_free(dc);
    }
    g_clear_pointer(&p->m->config.drives, g_ptr_array_unref);
}
