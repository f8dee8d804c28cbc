/*
 * The arguments of the human monitor's commands: words, numbers, flags.
 */
#include "hmp.h"

bool hmp_word(const char **args, char **word)
{
    while (g_ascii_isspace(**args)) {
        (*args)++;
    }
    const char *start = *args;
    while (**args && !g_ascii_isspace(**args)) {
        (*args)++;
    }
    *word = g_strndup(start, *args - start);
    return *args != start;
}

bool hmp_end(Hmp *h, const char *command, const char *args)
{
    while (g_ascii_isspace(*args)) {
        args++;
    }
    if (*args) {
        hmp_print(h, "%s: extraneous characters at the end of line\n",
                  command);
    }
    return !*args;
}

void hmp_expected(Hmp *h, const char *command, const char *what)
{
    hmp_print(h, "%s: %s expected\nTry \"help %s\" for more information\n",
              command, what, command);
}

bool hmp_words(Hmp *h, const char *command, const char *args, unsigned least,
               unsigned most, char **out)
{
    unsigned n = 0;
    while (n < most) {
        g_free(out[n]);
        if (!hmp_word(&args, &out[n])) {
            g_clear_pointer(&out[n], g_free);
            break;
        }
        n++;
    }
    if (n < least) {
        hmp_expected(h, command, "string");
        return false;
    }
    return hmp_end(h, command, args);
}

void hmp_free_words(char **words, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        g_free(words[i]);
    }
}

bool hmp_number(Hmp *h, const char *text, uint64_t *out)
{
    Error *err = NULL;
    if (!expr_eval(hmp_cpu(h), &text, out, &err)) {
        hmp_error(h, err);
        return false;
    }
    return true;
}

bool hmp_flags(Hmp *h, const char *command, const char **args,
               const char *letters, unsigned *found)
{
    *found = 0;
    for (;;) {
        const char *at = *args + strspn(*args, " \t");
        if (*at != '-' || !at[1] || (at[2] && !g_ascii_isspace(at[2]))) {
            return true;
        }
        const char *letter = strchr(letters, at[1]);
        if (!letter) {
            hmp_print(h, "%s: unsupported option -%c\n", command, at[1]);
            return false;
        }
        *found |= 1u << (letter - letters);
        *args = at + 2;
    }
}
