/*
 * Feeds a fuzz target files, and those of folders, in order of their names:
 * what a compiler without libFuzzer can do, and a test of every seed and of
 * every input that once crashed.
 *
 * usage: corpus-NAME FILE|FOLDER...
 */
#include <stdio.h>

#include "fuzz.h"

static unsigned count;

static gint by_name(gconstpointer a, gconstpointer b)
{
    return g_strcmp0(*(char *const *)a, *(char *const *)b);
}

static void feed(const char *path)
{
    g_autofree char *text = NULL;
    gsize len;
    GError *error = NULL;
    if (!g_file_get_contents(path, &text, &len, &error)) {
        g_error("%s", error->message);
    }
    printf("%s\n", path);
    fflush(stdout);
    /* Exactly that long, so that a sanitizer sees one byte too many. */
    g_autofree uint8_t *data = g_memdup2(text, len);
    LLVMFuzzerTestOneInput(data, len);
    count++;
}

static void feed_folder(const char *path)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(dir))) {
        g_ptr_array_add(names, g_build_filename(path, name, NULL));
    }
    g_dir_close(dir);
    g_ptr_array_sort(names, by_name);
    for (unsigned i = 0; i < names->len; i++) {
        feed(g_ptr_array_index(names, i));
    }
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (g_file_test(argv[i], G_FILE_TEST_IS_DIR)) {
            feed_folder(argv[i]);
        } else {
            feed(argv[i]);
        }
    }
    printf("%u inputs\n", count);
    return count ? 0 : 1;
}
