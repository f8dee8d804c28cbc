/*
 * May these files go into a pack? Which ones they are is said by the log, and
 * that may come from somebody who would like to have others: so they have to
 * lie around the log, or where the user says, and the user sees the list and
 * says yes. See replay-pack.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay-pack.h"

/* Is a file (a real path) below a folder (any path)? */
static bool lies_below(const char *file, const char *folder)
{
    char *real = realpath(folder, NULL);
    size_t len = real ? strlen(real) : 0;
    bool below = real && strncmp(file, real, len) == 0 &&
                 (file[len] == '/' || strcmp(real, "/") == 0);
    free(real);
    return below;
}

static bool is_wanted(const ToolArgs *a, const char *log_folder,
                      const PackFile *f)
{
    bool wanted = f->usual || lies_below(f->source, log_folder);
    for (guint i = 0; a->also && i < a->also->len && !wanted; i++) {
        wanted = lies_below(f->source, g_ptr_array_index(a->also, i));
    }
    return wanted;
}

static bool check_places(const ToolArgs *a, const char *log,
                         const GPtrArray *files, Error **errp)
{
    g_autofree char *log_folder = g_path_get_dirname(log);
    g_autoptr(GString) outside = g_string_new(NULL);
    for (guint i = 1; i < files->len; i++) {
        const PackFile *f = g_ptr_array_index(files, i);
        if (!is_wanted(a, log_folder, f)) {
            g_autofree char *name = tool_printable(f->source);
            g_string_append_printf(outside, "\n  %s (%s)", name, f->role);
        }
    }
    if (outside->len) {
        error_set(errp, "the recording names files that do not lie in its "
                  "folder, '%s':%s\nIf they shall be packed, name their "
                  "folders with --also FOLDER", log_folder, outside->str);
    }
    return outside->len == 0;
}

static void print_list(const GPtrArray *files)
{
    for (guint i = 0; i < files->len; i++) {
        const PackFile *f = g_ptr_array_index(files, i);
        g_autofree char *name = tool_printable(f->source);
        printf("%s: %s (%s, %" G_GUINT64_FORMAT " bytes)\n", f->path, name,
               f->role, f->bytes);
    }
}

static bool ask(Error **errp)
{
    char answer[16] = "";
    printf("Pack these files? [y/N] ");
    fflush(stdout);
    bool yes = fgets(answer, sizeof answer, stdin) &&
               (g_ascii_strcasecmp(g_strstrip(answer), "y") == 0 ||
                g_ascii_strcasecmp(answer, "yes") == 0);
    if (!yes) {
        error_set(errp, "nothing was packed: nobody said yes (--yes does)");
    }
    return yes;
}

bool pack_consent(const ToolArgs *a, const char *log, const GPtrArray *files,
                  Error **errp)
{
    if (!check_places(a, log, files, errp)) {
        return false;
    }
    if (!a->quiet || !a->yes) {
        print_list(files);
    }
    return a->yes || ask(errp);
}
