/*
 * What a recorded command line means for a replay elsewhere. See
 * replay-argv.h.
 *
 * Which options there are, and which take an argument, is said by the table
 * that the program itself goes by (cli/options.def); here is what becomes of
 * those that name files or open doors. The others stay as they are.
 */
#include "replay-argv.h"

#include <string.h>

#include "keyval.h"

typedef struct OptionRow {
    const char *name, *alias, *argument, *keys;
} OptionRow;

#define GROUP(title)
#define OPTION(name, alias, argument, keys, handler, help) \
    { name, alias, argument, keys },
static const OptionRow rows[] = {
#include "options.def"
};
#undef OPTION
#undef GROUP

typedef enum Fate {
    FATE_KEEP,
    FATE_DROP,
    FATE_NONE,             /* the argument becomes "none" */
    FATE_FILE,             /* the argument is a file's name */
    FATE_DRIVE,            /* file= is */
    FATE_FIRMWARE_DIR,
    FATE_ICOUNT,
    FATE_SERIAL,
    FATE_CHARDEV,
    FATE_ELSEWHERE,        /* may name disks where nobody looks here */
} Fate;

/* Those that a recorder cannot have are here for the day when it can. */
static const struct {
    const char *name;
    Fate fate;
    ArgvRole role;         /* FATE_FILE */
} fates[] = {
    { "hda", FATE_FILE, ARGV_DISK }, { "hdb", FATE_FILE, ARGV_DISK },
    { "hdc", FATE_FILE, ARGV_DISK }, { "hdd", FATE_FILE, ARGV_DISK },
    { "cdrom", FATE_FILE, ARGV_DISK }, { "drive", FATE_DRIVE },
    { "pflash", FATE_FILE, ARGV_DISK }, { "fda", FATE_FILE, ARGV_DISK },
    { "fdb", FATE_FILE, ARGV_DISK }, { "dtb", FATE_FILE, ARGV_OTHER },
    { "bios", FATE_FILE, ARGV_FIRMWARE }, { "L", FATE_FIRMWARE_DIR },
    { "kernel", FATE_FILE, ARGV_KERNEL },
    { "initrd", FATE_FILE, ARGV_INITRD },
    { "icount", FATE_ICOUNT },
    { "serial", FATE_SERIAL }, { "chardev", FATE_CHARDEV },
    { "display", FATE_NONE }, { "audiodev", FATE_DROP },
    { "monitor", FATE_DROP }, { "qmp", FATE_DROP },
    { "qmp-pretty", FATE_DROP }, { "mon", FATE_DROP }, { "gdb", FATE_DROP },
    { "s", FATE_DROP }, { "S", FATE_DROP }, { "d", FATE_DROP },
    { "D", FATE_DROP }, { "perfmap", FATE_DROP }, { "pidfile", FATE_DROP },
    { "daemonize", FATE_DROP }, { "replay-report", FATE_DROP },
    { "replay-bisect", FATE_DROP }, { "replay-verify", FATE_DROP },
    { "replay-state", FATE_DROP }, { "qtest", FATE_DROP },
    { "qtest-log", FATE_DROP }, { "readconfig", FATE_ELSEWHERE },
    { "blockdev", FATE_ELSEWHERE }, { "set", FATE_ELSEWHERE },
    { "smbios", FATE_ELSEWHERE }, { "acpitable", FATE_ELSEWHERE },
    { "fw_cfg", FATE_ELSEWHERE }, { "debugcon", FATE_SERIAL },
    { "fsdev", FATE_KEEP }, { "virtfs", FATE_KEEP }, /* replays need no folder */
};

/* One option with its argument. */
typedef struct Word {
    const OptionRow *row;
    const char *given;     /* NULL: a disk image without an option */
    const char *arg;
    unsigned index;        /* of the argument, or of the option without one */
    Fate fate;
    ArgvRole role;
} Word;

/* --- walking ------------------------------------------------------------------- */

static const OptionRow *row_find(const char *word)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (strcmp(word, rows[i].name) == 0 ||
            (rows[i].alias && strcmp(word, rows[i].alias) == 0)) {
            return &rows[i];
        }
    }
    return NULL;
}

static void word_classify(Word *w)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fates); i++) {
        if (strcmp(w->row->name, fates[i].name) == 0) {
            w->fate = fates[i].fate;
            w->role = fates[i].role;
        }
    }
}

/* The word at argv[*i], which moves behind it. */
static bool word_next(const char *const *argv, unsigned *i, Word *w,
                      Error **errp)
{
    const char *given = argv[*i];
    bool option = given[0] == '-' && given[1];
    *w = (Word){ .given = option ? given : NULL, .index = *i };
    w->row = row_find(option ? given + (given[1] == '-' ? 2 : 1) : "hda");
    if (!w->row) {
        error_set(errp, "the recorded option '%s' is not known", given);
        return false;
    }
    if (!option) {
        w->arg = given;
    } else if (w->row->argument) {
        w->arg = argv[++*i];
        w->index = *i;
        if (!w->arg) {
            error_set(errp, "the recorded option '%s' lacks its argument",
                      given);
            return false;
        }
    }
    ++*i;
    word_classify(w);
    return true;
}

typedef bool WordFn(void *opaque, const Word *w, Error **errp);

static bool argv_walk(const char *const *argv, WordFn *fn, void *opaque,
                      Error **errp)
{
    for (unsigned i = 1; argv[0] && argv[i];) {
        Word w;
        if (!word_next(argv, &i, &w, errp) || !fn(opaque, &w, errp)) {
            return false;
        }
    }
    return true;
}

/* --- what is named --------------------------------------------------------------- */

static void names_add(ArgvNames *n, const Word *w, const char *name,
                      const char *format)
{
    ArgvFile *f = g_new0(ArgvFile, 1);
    f->role = w->role;
    f->argument = w->index;
    f->name = name && *name ? g_strdup(name) : NULL;
    f->format = g_strdup(format);
    g_ptr_array_add(n->files, f);
}

static bool is_blkreplay(const KeyVal *kv)
{
    const char *driver = keyval_get(kv, "driver");
    return driver && strcmp(driver, "blkreplay") == 0;
}

static void names_drive(ArgvNames *n, const Word *w, const KeyVal *kv)
{
    const char *file = keyval_get(kv, "file");
    const char *format = keyval_get(kv, "format");
    if (!is_blkreplay(kv)) {
        names_add(n, w, file ? file : keyval_get(kv, "file.filename"),
                  format ? format : keyval_get(kv, "driver"));
    }
}

static bool names_word(void *opaque, const Word *w, Error **errp)
{
    ArgvNames *n = opaque;
    if (w->fate == FATE_FILE) {
        names_add(n, w, w->arg, NULL);
        return true;
    }
    if (w->fate == FATE_ELSEWHERE) {
        n->elsewhere = w->row->name;
        return true;
    }
    if (w->fate == FATE_FIRMWARE_DIR) {
        g_ptr_array_add(n->firmware_dirs, g_strdup(w->arg));
        return true;
    }
    if (w->fate != FATE_DRIVE && w->fate != FATE_ICOUNT) {
        return true;
    }
    g_autoptr(KeyVal) kv = keyval_parse(w->arg, w->row->keys, errp);
    if (kv && w->fate == FATE_DRIVE) {
        names_drive(n, w, kv);
    } else if (kv) {
        g_free(n->snapshot);
        n->snapshot = g_strdup(keyval_get(kv, "rrsnapshot"));
    }
    return kv;
}

static void file_free(void *p)
{
    ArgvFile *f = p;
    g_free(f->name);
    g_free(f->format);
    g_free(f);
}

ArgvNames *argv_names(const char *const *argv, Error **errp)
{
    ArgvNames *n = g_new0(ArgvNames, 1);
    n->files = g_ptr_array_new_with_free_func(file_free);
    n->firmware_dirs = g_ptr_array_new_with_free_func(g_free);
    if (!argv_walk(argv, names_word, n, errp)) {
        argv_names_free(n);
        return NULL;
    }
    return n;
}

void argv_names_free(ArgvNames *n)
{
    if (n) {
        g_ptr_array_free(n->files, TRUE);
        g_ptr_array_free(n->firmware_dirs, TRUE);
        g_free(n->snapshot);
        g_free(n);
    }
}

/* --- the words of a replay ---------------------------------------------------------- */

typedef struct Rewrite {
    const ArgvPlaces *places;
    GPtrArray *out, *notes;
    bool serial_shown;
    bool kernel_named, initrd_named; /* -kernel-name, -initrd-name given */
} Rewrite;

static void emit(Rewrite *r, const char *option, const char *arg)
{
    g_ptr_array_add(r->out, g_strdup(option));
    if (arg) {
        g_ptr_array_add(r->out, g_strdup(arg));
    }
}

/* With `now` NULL the word was left out. */
static void note(Rewrite *r, const Word *w, const char *now)
{
    if (now && w->arg && strcmp(now, w->arg) == 0) {
        return;
    }
    g_ptr_array_add(r->notes, g_strdup_printf(
        "%s: %s%s%s%s%s", now ? "replaced" : "left out", w->given,
        w->arg ? " " : "", w->arg ? w->arg : "", now ? " by " : "",
        now ? now : ""));
}

/* key=value,… with some values replaced, or left out (NULL). `changes` are
 * pairs, ended by NULL. Free it. */
static char *keyval_with(const KeyVal *kv, const char *const *changes)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < kv->keys->len; i++) {
        const char *key = g_ptr_array_index(kv->keys, i);
        const char *value = g_ptr_array_index(kv->values, i);
        for (const char *const *c = changes; *c; c += 2) {
            value = strcmp(key, c[0]) == 0 ? c[1] : value;
        }
        if (!value) {
            continue;
        }
        g_string_append_printf(out, "%s%s=", out->len ? "," : "", key);
        for (; *value; value++) {
            g_string_append(out, *value == ',' ? "," : "");
            g_string_append_c(out, *value);
        }
    }
    return g_string_free(out, FALSE);
}

static void rewrite_file(Rewrite *r, const Word *w)
{
    const char *path = r->places->path(r->places->opaque, w->index);
    /* A multiboot kernel sees these names. */
    const char *option = w->role == ARGV_KERNEL && !r->kernel_named
                             ? "-kernel-name"
                         : w->role == ARGV_INITRD && !r->initrd_named
                             ? "-initrd-name" : NULL;
    if (w->given) {
        emit(r, w->given, path ? path : w->arg);
    } else {
        emit(r, path ? path : w->arg, NULL);
    }
    if (option && path) {
        emit(r, option, w->arg);
    }
}

static bool rewrite_keys(Rewrite *r, const Word *w, Error **errp)
{
    g_autoptr(KeyVal) kv = keyval_parse(w->arg, w->row->keys, errp);
    if (!kv) {
        return false;
    }
    const char *path = r->places->path(r->places->opaque, w->index);
    const char *const drive[] = { "file", path, "file.filename", path, NULL };
    const char *const icount[] = {
        "rr", "replay", "rrfile", r->places->log, "rrsnapshot-period", NULL,
        "rrsnapshot-max", NULL, "rrsnapshot-size", NULL, NULL,
    };
    static const char *const nothing[] = { NULL };
    g_autofree char *text = keyval_with(
        kv, w->fate == FATE_ICOUNT ? icount : path ? drive : nothing);
    emit(r, w->given, text);
    return true;
}

/* How many there are is the machine's business; where they go is not. */
static void rewrite_serial(Rewrite *r, const Word *w)
{
    bool silent = strcmp(w->arg, "none") == 0 || strcmp(w->arg, "null") == 0;
    const char *now = silent ? w->arg : r->serial_shown ? "null" : "stdio";
    r->serial_shown |= !silent;
    emit(r, w->given, now);
    note(r, w, now);
}

/* A device may want it by its id. */
static bool rewrite_chardev(Rewrite *r, const Word *w, Error **errp)
{
    g_autoptr(KeyVal) kv = keyval_parse(w->arg, w->row->keys, errp);
    bool mux = false;
    if (!kv || !keyval_bool(kv, "mux", &mux, errp)) {
        return false;
    }
    const char *id = keyval_get(kv, "id");
    g_autofree char *now = g_strdup_printf("null,id=%s%s", id ? id : "",
                                           mux ? ",mux=on" : "");
    emit(r, w->given, now);
    note(r, w, now);
    return true;
}

static bool rewrite_word(void *opaque, const Word *w, Error **errp)
{
    Rewrite *r = opaque;
    switch (w->fate) {
    case FATE_KEEP:
    case FATE_ELSEWHERE:
        emit(r, w->given, w->arg);
        return true;
    case FATE_NONE:
        emit(r, w->given, "none");
        note(r, w, "none");
        return true;
    case FATE_DROP:
        note(r, w, NULL);
        return true;
    case FATE_FIRMWARE_DIR:
        return true;
    case FATE_FILE:
        rewrite_file(r, w);
        return true;
    case FATE_DRIVE:
    case FATE_ICOUNT:
        return rewrite_keys(r, w, errp);
    case FATE_SERIAL:
        rewrite_serial(r, w);
        return true;
    case FATE_CHARDEV:
        return rewrite_chardev(r, w, errp);
    }
    return true;
}

static bool find_names(void *opaque, const Word *w, Error **errp)
{
    Rewrite *r = opaque;
    r->kernel_named |= strcmp(w->row->name, "kernel-name") == 0;
    r->initrd_named |= strcmp(w->row->name, "initrd-name") == 0;
    return true;
}

char **argv_for_replay(const char *const *argv, const ArgvPlaces *places,
                       GPtrArray *notes, Error **errp)
{
    Rewrite r = { .places = places, .notes = notes };
    r.out = g_ptr_array_new_with_free_func(g_free);
    emit(&r, argv[0] ? argv[0] : "", NULL);
    bool ok = argv_walk(argv, find_names, &r, errp) &&
              argv_walk(argv, rewrite_word, &r, errp);
    if (!ok) {
        g_ptr_array_free(r.out, TRUE);
        return NULL;
    }
    if (places->firmware_dir) {
        emit(&r, "-L", places->firmware_dir);
    }
    /* Without this there would be a default one, on the terminal perhaps. */
    emit(&r, "-monitor", "none");
    g_ptr_array_add(r.out, NULL);
    return (char **)g_ptr_array_free(r.out, FALSE);
}
