/*
 * The doors: monitors, the gdb stub, tests. What monitors may ask of the roof
 * while the machine runs is here, too: another gdb stub, character devices.
 */
#include "program.h"

#include <errno.h>

static bool door_open(Program *p, const EndOption *e, Error **errp)
{
    if ((e->kind == END_GDB && p->gdb) || (e->kind == END_QTEST && p->qtest)) {
        error_set(errp, "there can be one %s only",
                  e->kind == END_GDB ? "gdb stub" : "such test");
        return false;
    }
    Chardev *c = chardev_claim(p->chardevs, e->id, errp);
    if (!c) {
        return false;
    }
    if (e->kind == END_GDB) {
        p->gdb = gdbstub_new(p->m, p->replay, c);
        p->gdb_chardev = c;
    } else if (e->kind == END_QTEST) {
        p->qtest = qtest_new(p->m, c, p->qtest_log);
    } else {
        g_ptr_array_add(p->monitors,
                        monitor_new(p->m, p->replay, c,
                                    e->kind == END_QMP ? MONITOR_CONTROL
                                                       : MONITOR_READLINE,
                                    e->pretty));
    }
    return true;
}

static bool open_qtest_log(Program *p, Error **errp)
{
    const char *path = p->opts.qtest_log;
    if (!path || g_str_equal(path, "none")) {
        return true;
    }
    p->qtest_log = fopen(path, "we");
    if (!p->qtest_log) {
        error_set(errp, "-qtest-log %s: cannot write it: %s", path,
                  g_strerror(errno));
    }
    return p->qtest_log != NULL;
}

/* The others are claimed by devices. */
static bool is_door(const EndOption *e)
{
    return e->kind != END_SERIAL && e->kind != END_DEBUGCON;
}

/* --- asked for by a monitor ---------------------------------------------------- */

/* Who asks may be the stub's own client: it ends when the main loop comes to
 * it. */
static gboolean gdb_replace(gpointer opaque)
{
    Program *p = opaque;
    p->gdb_source = 0;
    g_clear_pointer(&p->gdb, gdbstub_free);
    if (p->gdb_chardev) {
        chardev_release(p->gdb_chardev);
        chardev_close(p->chardevs, chardev_id(p->gdb_chardev), NULL);
    }
    p->gdb_chardev = g_steal_pointer(&p->gdb_next);
    if (p->gdb_chardev) {
        p->gdb = gdbstub_new(p->m, p->replay, p->gdb_chardev);
    }
    return G_SOURCE_REMOVE;
}

/* The character device of a stub that a monitor asks for. */
static Chardev *gdb_open(Program *p, const char *device, Error **errp)
{
    EndOption *e = options_add_end(&p->opts, END_GDB, "gdbserver", device);
    if (!e->by_id && !program_end_open(p, e, errp)) {
        return NULL;
    }
    return chardev_claim(p->chardevs, e->by_id ? e->dev : e->id, errp);
}

static bool ask_gdbserver(void *opaque, const char *device, Error **errp)
{
    Program *p = opaque;
    if (p->gdb_source) {
        error_set(errp, "the gdb stub is being changed");
        return false;
    }
    if (!g_str_equal(device, "none")) {
        p->gdb_next = gdb_open(p, device, errp);
        if (!p->gdb_next) {
            return false;
        }
    }
    /* A network that always has something to do must not keep it waiting. */
    p->gdb_source = g_idle_add_full(G_PRIORITY_DEFAULT, gdb_replace, p, NULL);
    return true;
}

static bool ask_chardev_add(void *opaque, const char *text, Error **errp)
{
    Program *p = opaque;
    guint n = p->opts.chardevs->len;
    if (!options_take(&p->opts, "chardev", text, errp)) {
        return false;
    }
    if (p->opts.chardevs->len == n) {
        error_set(errp, "Parameter 'id' is missing"); /* it asked for help */
        return false;
    }
    const ChardevOption *c = g_ptr_array_index(p->opts.chardevs, n);
    return chardev_open(p->chardevs, c->id, &c->spec, errp) != NULL;
}

static bool ask_chardev_remove(void *opaque, const char *id, Error **errp)
{
    Program *p = opaque;
    return chardev_close(p->chardevs, id, errp);
}

static void offer_roof(Program *p)
{
    MonitorRoof roof = { p, ask_gdbserver, ask_chardev_add,
                         ask_chardev_remove };
    monitor_set_roof(p->m, &roof);
}

/* --- all of them ------------------------------------------------------------------ */

bool program_open_doors(Program *p, Error **errp)
{
    offer_roof(p);
    if (p->opts.verify.mode != VERIFY_NO) {
        return true;
    }
    if (!open_qtest_log(p, errp)) {
        return false;
    }
    for (unsigned i = 0; i < p->opts.ends->len; i++) {
        const EndOption *e = g_ptr_array_index(p->opts.ends, i);
        Error *err = NULL;
        if (is_door(e) && !program_end_is_none(e) && !door_open(p, e, &err)) {
            return program_end_failed(e, errp, err);
        }
    }
    return true;
}

void program_close_doors(Program *p)
{
    g_clear_handle_id(&p->gdb_source, g_source_remove);
    g_clear_pointer(&p->gdb, gdbstub_free);
    g_clear_pointer(&p->qtest, qtest_free);
    g_clear_pointer(&p->qtest_log, fclose);
    for (unsigned i = 0; p->monitors && i < p->monitors->len; i++) {
        monitor_free(g_ptr_array_index(p->monitors, i));
    }
    g_clear_pointer(&p->monitors, g_ptr_array_unref);
}
