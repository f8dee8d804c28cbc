/*
 * Character devices and what is connected to them: serial ports, monitors and
 * the gdb stub.
 */
#include "program.h"

#include <errno.h>
#include <string.h>

#define SERIAL_MAX 4

/* --- opening ----------------------------------------------------------------- */

/* Monitors of both kinds are numbered together, as in QEMU. */
static EndKind numbered_as(EndKind kind)
{
    return kind == END_QMP ? END_MONITOR : kind;
}

/* The id of the chardev that a short form makes: "serial0". */
static char *end_label(const Program *p, const EndOption *e)
{
    unsigned n = 0;
    for (unsigned i = 0; i < p->opts.ends->len; i++) {
        const EndOption *other = g_ptr_array_index(p->opts.ends, i);
        if (other == e) {
            break;
        }
        n += numbered_as(other->kind) == numbered_as(e->kind);
    }
    if (e->kind == END_DEBUGCON) {
        return g_strdup("debugcon");
    }
    if (e->kind == END_GDB && !n) {
        return g_strdup("gdb");
    }
    const char *base = e->kind == END_SERIAL ? "serial"
                       : e->kind == END_GDB  ? "gdb"
                       : e->kind == END_QTEST ? "qtest"
                                             : "compat_monitor";
    return g_strdup_printf("%s%u", base, n);
}

/* gdb comes and goes: its sockets are servers that wait for nobody. */
static char *end_dev(const EndOption *e)
{
    bool socket = g_str_has_prefix(e->dev, "tcp:") ||
                  g_str_has_prefix(e->dev, "unix:");
    bool plain = e->kind != END_GDB || !socket;
    return g_strconcat(e->dev, plain ? ""
                                     : ",wait=off,nodelay=on,server=on",
                       NULL);
}

/* A verification does not speak with the world. */
static Chardev *open_spec(Program *p, const char *id, const ChardevSpec *spec,
                          Error **errp)
{
    if (p->opts.verify.mode == VERIFY_NO) {
        return chardev_open(p->chardevs, id, spec, errp);
    }
    ChardevSpec null;
    chardev_spec_init(&null);
    null.backend = "null";
    null.mux = spec->mux;
    Chardev *c = chardev_open(p->chardevs, id, &null, errp);
    chardev_spec_clear(&null);
    return c;
}

bool program_end_open(Program *p, EndOption *e, Error **errp)
{
    ChardevSpec spec;
    bool mux_monitor;
    g_autofree char *dev = end_dev(e);
    bool ok = chardev_spec_parse(&spec, dev, &mux_monitor, errp);
    if (ok) {
        e->id = end_label(p, e);
        ok = open_spec(p, e->id, &spec, errp) != NULL;
    }
    chardev_spec_clear(&spec);
    if (ok && mux_monitor && e->kind == END_SERIAL) {
        g_autofree char *by_id = g_strconcat("chardev:", e->id, NULL);
        options_add_end(&p->opts, END_MONITOR, e->option, by_id);
    }
    return ok;
}

bool program_end_is_none(const EndOption *e)
{
    return !e->by_id && g_str_equal(e->dev, "none");
}

bool program_end_failed(const EndOption *e, Error **errp, Error *err)
{
    bool short_form = e->by_id && !g_str_equal(e->option, "-mon");
    error_prepend(&err, "%s %s%s: ", e->option,
                  short_form ? "chardev:" : "", e->dev);
    error_propagate(errp, err);
    return false;
}

static bool open_ends(Program *p, Error **errp)
{
    for (unsigned i = 0; i < p->opts.ends->len; i++) {
        EndOption *e = g_ptr_array_index(p->opts.ends, i);
        Error *err = NULL;
        if (e->by_id) {
            e->id = g_strdup(e->dev);
        } else if (!program_end_is_none(e) && !program_end_open(p, e, &err)) {
            return program_end_failed(e, errp, err);
        }
    }
    return true;
}

static bool open_declared(Program *p, Error **errp)
{
    for (unsigned i = 0; i < p->opts.chardevs->len; i++) {
        const ChardevOption *c = g_ptr_array_index(p->opts.chardevs, i);
        Error *err = NULL;
        if (!open_spec(p, c->id, &c->spec, &err)) {
            error_prepend(&err, "-chardev %s: ", c->spec.backend);
            error_propagate(errp, err);
            return false;
        }
    }
    return true;
}

/* --- giving them out ------------------------------------------------------------ */

static bool claim_serials(Program *p, Error **errp)
{
    GPtrArray *serials = p->m->config.serials = g_ptr_array_new();
    for (unsigned i = 0; i < p->opts.ends->len; i++) {
        const EndOption *e = g_ptr_array_index(p->opts.ends, i);
        if (e->kind != END_SERIAL) {
            continue;
        }
        Error *err = NULL;
        Chardev *c = program_end_is_none(e) ? NULL
                                    : chardev_claim(p->chardevs, e->id, &err);
        if (err) {
            return program_end_failed(e, errp, err);
        }
        if (serials->len == SERIAL_MAX) {
            error_set(errp, "%s %s: there are only %d serial ports",
                      e->option, e->dev, SERIAL_MAX);
            return false;
        }
        g_ptr_array_add(serials, c);
    }
    return true;
}

/* -device's chardev=ID takes the chardev, or a front end of a shared one. */
static bool claim_for_device(Program *p, DeviceConfig *d, Error **errp)
{
    for (unsigned k = 0; k + 1 < d->props->len; k += 2) {
        char **value = (char **)&g_ptr_array_index(d->props, k + 1);
        const char *key = g_ptr_array_index(d->props, k);
        if (g_str_equal(key, "chardev")) {
            Error *err = NULL;
            Chardev *c = chardev_claim(p->chardevs, *value, &err);
            if (!c) {
                error_prepend(&err, "-device %s,chardev=%s: ", d->driver,
                              *value);
                error_propagate(errp, err);
                return false;
            }
            g_free(*value);
            *value = g_strdup(chardev_id(c));
        }
    }
    return true;
}

bool program_open_chardevs(Program *p, Error **errp)
{
    if (!open_declared(p, errp) || !open_ends(p, errp) ||
        !claim_serials(p, errp)) {
        return false;
    }
    for (unsigned i = 0; i < p->opts.devices->len; i++) {
        if (!claim_for_device(p, g_ptr_array_index(p->opts.devices, i),
                              errp)) {
            return false;
        }
    }
    p->m->config.chardevs = chardev_set_table(p->chardevs);
    return true;
}
