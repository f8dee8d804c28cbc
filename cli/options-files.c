/*
 * The log of a recording is a file of its own: not an image, nor what a
 * character device, -D or another option writes to. Looked at before any of
 * them is opened, since some are emptied by that.
 */
#include "options.h"

#include "io/world.h"

typedef struct Files {
    const char *rrfile;
    GPtrArray *taken;      /* char *: the log's names */
} Files;

/* False with an error if a file that an option names is the log. */
static bool other_file(const Files *f, const char *option, const char *path,
                       Error **errp)
{
    for (guint i = 0; path && i < f->taken->len; i++) {
        if (world_same_file(path, g_ptr_array_index(f->taken, i))) {
            error_set(errp, "-icount rrfile=%s: the recording would be in the "
                      "same file as %s %s", f->rrfile, option, path);
            return false;
        }
    }
    return true;
}

static bool other_chardev(const Files *f, const char *option,
                          const ChardevSpec *s, Error **errp)
{
    return other_file(f, option, s->path, errp) &&
           other_file(f, option, s->input_path, errp) &&
           other_file(f, option, s->logfile, errp);
}

static bool check_chardevs(const Files *f, const Options *o, Error **errp)
{
    for (guint i = 0; i < o->chardevs->len; i++) {
        const ChardevOption *c = g_ptr_array_index(o->chardevs, i);
        if (!other_chardev(f, "-chardev", &c->spec, errp)) {
            return false;
        }
    }
    for (guint i = 0; i < o->ends->len; i++) {
        const EndOption *e = g_ptr_array_index(o->ends, i);
        ChardevSpec s = { .fd = -1 };
        bool mux;
        bool ok = e->by_id || !chardev_spec_parse(&s, e->dev, &mux, NULL) ||
                  other_chardev(f, e->option, &s, errp);
        chardev_spec_clear(&s);
        if (!ok) {
            return false;
        }
    }
    return true;
}

static bool check_drives(const Files *f, const Options *o, Error **errp)
{
    for (guint i = 0; i < o->drives->len; i++) {
        const DriveOption *d = g_ptr_array_index(o->drives, i);
        if (!other_file(f, "-drive", d->file, errp)) {
            return false;
        }
    }
    return true;
}

bool options_check_files(const Options *o, Error **errp)
{
    const char *rrfile = o->icount.rrfile;
    if (o->icount.rr == REPLAY_NONE || !rrfile) {
        return true;
    }
    Files f = { rrfile, g_ptr_array_new_with_free_func(g_free) };
    g_ptr_array_add(f.taken, g_strdup(rrfile));
    if (o->icount.rr == REPLAY_RECORD) {
        g_ptr_array_add(f.taken, g_strconcat(rrfile, ".part", NULL));
        g_ptr_array_add(f.taken, g_strconcat(rrfile, ".old", NULL));
    }
    bool ok = check_drives(&f, o, errp) && check_chardevs(&f, o, errp) &&
              other_file(&f, "-D", o->log_file, errp) &&
              other_file(&f, "-pidfile", o->pidfile, errp) &&
              other_file(&f, "-replay-report", o->verify.report, errp) &&
              other_file(&f, "-kernel", o->kernel, errp) &&
              other_file(&f, "-initrd", o->initrd, errp) &&
              other_file(&f, "-bios", o->bios, errp);
    g_ptr_array_unref(f.taken);
    return ok;
}
