/*
 * The user's trace of a run: -d ITEMS and -D FILE.
 *
 * Implemented by util/log.c; written by every floor. Logging is output only:
 * it never changes what the guest sees.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/types.h"

/* What -d can ask for; the words and help lines are in util/log.c.
 * ORDER log-item */
typedef enum LogItem {
    LOG_IN_ASM = 1 << 0,
    LOG_OP = 1 << 1,
    LOG_OP_OPT = 1 << 2,
    LOG_OUT_ASM = 1 << 3,
    LOG_INT = 1 << 4,
    LOG_EXEC = 1 << 5,
    LOG_CPU = 1 << 6,
    LOG_MMU = 1 << 7,
    LOG_UNIMP = 1 << 8,
    LOG_GUEST_ERRORS = 1 << 9,
    LOG_CPU_RESET = 1 << 10,
    LOG_NOCHAIN = 1 << 11,
} LogItem;

/* The items being logged, a mask of LogItem; written by log_enable() only. */
extern unsigned log_items;

static inline bool log_enabled(unsigned items)
{
    return G_UNLIKELY(log_items & items);
}

/* Writes to the log if any of the items is enabled. */
void log_printf(unsigned items, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/* Something the guest did that the hardware's manual forbids: logged under
 * guest_errors. The device must go on with a defined result. */
void guest_error(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

/* Something real hardware does and we do not: logged under unimp. */
void guest_unimp(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

/* Parses a -d word list ("in_asm,int"), and enables it. False with an error
 * that names an unknown word. */
bool log_enable(const char *words, Error **errp);

/* Logs nothing any more. */
void log_disable(void);
/* The nth word of -d; NULL behind the last. */
const char *log_word_at(unsigned n);

/* Sends the log to a file instead of stderr. */
bool log_set_file(const char *path, Error **errp);

/* Prints the table of words for -d help to stdout. */
void log_help(void);

#endif
