/*
 * The script that replays an unpacked recording. It is made from the command
 * line in the log, of which nothing is taken over that opens a door or names a
 * file outside the pack: the pack may come from anywhere.
 */
#include <string.h>

#include "replay-pack.h"

static const char *argument_path(void *opaque, unsigned argument)
{
    const GPtrArray *files = opaque;
    for (guint i = 0; i < files->len; i++) {
        const PackFile *f = g_ptr_array_index(files, i);
        for (guint k = 0; k < f->arguments->len; k++) {
            if (g_array_index(f->arguments, unsigned, k) == argument) {
                return f->path;
            }
        }
    }
    return NULL;
}

/* Every file that the command line names is in the pack. */
static bool check_named(const LogReader *r, const GPtrArray *files,
                        Error **errp)
{
    ArgvNames *names = argv_names(log_reader_argv(r), errp);
    bool ok = names;
    for (guint i = 0; ok && i < names->files->len; i++) {
        const ArgvFile *a = g_ptr_array_index(names->files, i);
        ok = !a->name || argument_path((void *)files, a->argument);
        if (!ok) {
            error_set(errp, "'%s' cannot be replayed: '%s' is not in the "
                      "pack", log_reader_path(r), a->name);
        }
    }
    argv_names_free(names);
    return ok;
}

/* The program of the recording's target; letters only, for it gets into a
 * script. */
static char *program_name(const LogReader *r)
{
    g_autofree char *target = pack_identity_value(r, "target");
    for (char *c = target; c && *c; c++) {
        *c = g_ascii_isalnum(*c) ? *c : '_';
    }
    return g_strconcat("reprise-system-", target ? target : "x86_64", NULL);
}

static char *script_text(const LogReader *r, char **argv,
                         const GPtrArray *notes)
{
    g_autofree char *program = program_name(r);
    g_autofree char *words = tool_quote((const char *const *)argv + 1);
    GString *out = g_string_new(
        "#!/bin/sh\n"
        "# Replays a recording; made by reprise-replay unpack. More options\n"
        "# may be given: -S -gdb tcp::1234, -qmp unix:PATH,server=on and so on.\n"
        "# $REPRISE is the program, if it is not found by its name.\n");
    for (guint i = 0; i < notes->len; i++) {
        g_autofree char *line = g_strdup(g_ptr_array_index(notes, i));
        g_strdelimit(line, "\r\n", ' ');
        g_string_append_printf(out, "# %s\n", line);
    }
    g_string_append_printf(out,
                           "cd \"$(dirname \"$0\")\" || exit 1\n"
                           "exec \"${REPRISE:-%s}\" %s \"$@\"\n",
                           program, words);
    return g_string_free(out, FALSE);
}

static char *script_of(const LogReader *r, const GPtrArray *files,
                       GPtrArray *notes, Error **errp)
{
    bool firmware = false;
    for (guint i = 0; i < files->len; i++) {
        const PackFile *f = g_ptr_array_index(files, i);
        firmware |= g_str_has_prefix(f->path, PACK_FIRMWARE_DIR "/");
    }
    ArgvPlaces places = {
        .log = PACK_LOG, .path = argument_path, .opaque = (void *)files,
        .firmware_dir = firmware ? PACK_FIRMWARE_DIR : NULL,
    };
    if (!log_reader_argv(r)) {
        error_set(errp, "'%s' does not say how it was made",
                  log_reader_path(r));
        return NULL;
    }
    if (!check_named(r, files, errp)) {
        return NULL;
    }
    g_auto(GStrv) argv = argv_for_replay(log_reader_argv(r), &places, notes,
                                         errp);
    return argv ? script_text(r, argv, notes) : NULL;
}

char *pack_script(const char *log, const GPtrArray *files, GPtrArray *notes,
                  Error **errp)
{
    LogReader *r = log_reader_new(log, errp);
    char *text = r ? script_of(r, files, notes, errp) : NULL;
    log_reader_free(r);
    return text;
}
