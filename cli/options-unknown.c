/*
 * Options that this program does not take: those of QEMU's are refused with a
 * reason, others with the spelling that was perhaps meant.
 */
#include <string.h>

#include "options.h"

typedef struct RefusedRow {
    const char *name;
    bool has_argument;
    const char *reason;
} RefusedRow;

static const RefusedRow refused[] = {
#define REFUSED(name, has_argument, reason) { name, has_argument, reason },
#include "options-refused.def"
#undef REFUSED
};

/* How many letters have to be put in, taken out, changed or swapped with their
 * neighbour to make b of a. */
static unsigned distance(const char *a, const char *b)
{
    enum { MOST = 40 };
    unsigned d[MOST + 1][MOST + 1];
    size_t la = strlen(a), lb = strlen(b);
    if (la > MOST || lb > MOST) {
        return MOST;
    }
    for (size_t i = 0; i <= la; i++) {
        for (size_t j = 0; j <= lb; j++) {
            if (!i || !j) {
                d[i][j] = i + j;
                continue;
            }
            unsigned other = a[i - 1] != b[j - 1];
            unsigned best = MIN(d[i - 1][j], d[i][j - 1]) + 1;
            best = MIN(best, d[i - 1][j - 1] + other);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
                a[i - 2] == b[j - 1]) {
                best = MIN(best, d[i - 2][j - 2] + 1);
            }
            d[i][j] = best;
        }
    }
    return d[la][lb];
}

static void try_name(const char *word, const char *name, const char **best,
                     unsigned *least)
{
    unsigned d = distance(word, name);
    /* A third of it may be wrong, so that "-foo" is not taken for "-k". */
    if (d < *least && d * 3 <= strlen(word)) {
        *least = d;
        *best = name;
    }
}

static const char *nearest(const char *word)
{
    const char *best = NULL;
    unsigned least = G_MAXUINT;
    for (const ProgramOption *o = program_parts.options; o->name; o++) {
        try_name(word, o->name, &best, &least);
    }
    return best;
}

void options_refuse(const char *given, const char *word, bool *has_argument,
                    Error **errp)
{
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        if (g_str_equal(refused[i].name, word)) {
            *has_argument = refused[i].has_argument;
            error_set(errp, "%s is not supported: %s", given,
                      refused[i].reason);
            return;
        }
    }
    const char *meant = nearest(word);
    *has_argument = true;  /* if something follows that is no option */
    if (meant) {
        error_set(errp, "%s: invalid option; did you mean -%s?", given, meant);
    } else {
        error_set(errp, "%s: invalid option; -help lists them", given);
    }
}
