/*
 * The user's trace: -d ITEMS, -D FILE. See base/log.h.
 */
#include "base/log.h"

#include <errno.h>
#include <stdio.h>

#include "base/error.h"

unsigned log_items;

static FILE *log_file;

/* ORDER log-item (include/base/log.h) */
static const struct {
    unsigned item;
    const char *word;
    const char *help;
} log_words[] = {
    { LOG_IN_ASM, "in_asm", "show the guest code of each new TB" },
    { LOG_OP, "op", "show the IR of each new TB" },
    { LOG_OP_OPT, "op_opt", "show the IR after the optimiser" },
    { LOG_OUT_ASM, "out_asm", "show the code the back end made of each TB" },
    { LOG_INT, "int", "show interrupts and exceptions" },
    { LOG_EXEC, "exec", "show each TB as it is entered" },
    { LOG_CPU, "cpu", "show the registers before each TB" },
    { LOG_MMU, "mmu", "log MMU activity" },
    { LOG_UNIMP, "unimp", "log what the guest uses and we do not model" },
    { LOG_GUEST_ERRORS, "guest_errors", "log invalid guest operations" },
    { LOG_CPU_RESET, "cpu_reset", "show the registers at each CPU reset" },
    { LOG_NOCHAIN, "nochain", "do not chain TBs, so that exec shows all" },
};

static void log_vprintf(const char *fmt, va_list ap)
{
    vfprintf(log_file ? log_file : stderr, fmt, ap);
}

void log_printf(unsigned items, const char *fmt, ...)
{
    if (!log_enabled(items)) {
        return;
    }
    va_list ap;
    va_start(ap, fmt);
    log_vprintf(fmt, ap);
    va_end(ap);
}

static void log_sentence(unsigned item, const char *kind, const char *fmt,
                         va_list ap)
{
    if (!log_enabled(item)) {
        return;
    }
    g_autofree char *text = g_strdup_vprintf(fmt, ap);
    log_printf(item, "%s: %s\n", kind, text);
}

void guest_error(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    log_sentence(LOG_GUEST_ERRORS, "guest error", fmt, ap);
    va_end(ap);
}

void guest_unimp(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    log_sentence(LOG_UNIMP, "unimplemented", fmt, ap);
    va_end(ap);
}

static unsigned log_word(const char *word)
{
    for (size_t i = 0; i < G_N_ELEMENTS(log_words); i++) {
        if (g_str_equal(word, log_words[i].word)) {
            return log_words[i].item;
        }
    }
    return 0;
}

bool log_enable(const char *words, Error **errp)
{
    g_auto(GStrv) list = g_strsplit(words, ",", -1);
    unsigned items = 0;
    for (char **w = list; *w; w++) {
        unsigned item = g_str_equal(*w, "all") ? ~0u : log_word(*w);
        if (!item) {
            error_set(errp, "-d %s: unknown log item '%s'; -d help lists them",
                      words, *w);
            return false;
        }
        items |= item;
    }
    log_items = items;
    return true;
}

void log_disable(void)
{
    log_items = 0;
}

const char *log_word_at(unsigned n)
{
    return n < G_N_ELEMENTS(log_words) ? log_words[n].word : NULL;
}

bool log_set_file(const char *path, Error **errp)
{
    FILE *f = fopen(path, "w");
    if (!f) {
        error_set_errno(errp, errno, "-D %s: cannot open the log file", path);
        return false;
    }
    setvbuf(f, NULL, _IOLBF, 0);
    if (log_file && log_file != stderr) {
        fclose(log_file);
    }
    log_file = f;
    return true;
}

void log_help(void)
{
    printf("Log items (comma separated):\n");
    for (size_t i = 0; i < G_N_ELEMENTS(log_words); i++) {
        printf("%-15s %s\n", log_words[i].word, log_words[i].help);
    }
    printf("%-15s %s\n", "all", "all of the above");
}
