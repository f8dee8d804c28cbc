/*
 * Errors for users: a sentence and a QMP class. See base/error.h.
 */
#include "base/error.h"

#include <stdio.h>

struct Error {
    ErrorClass cls;
    char *message;
};

static const char *program_name = "reprise";
static bool timestamps;

/* ORDER error-class (include/base/error.h) */
static const char *const class_names[] = {
    "GenericError",
    "CommandNotFound",
    "DeviceNotActive",
    "DeviceNotFound",
};

static void error_put(Error **errp, ErrorClass cls, char *message)
{
    if (!errp) {
        g_free(message);
        return;
    }
    g_assert(!*errp);
    *errp = g_new(Error, 1);
    (*errp)->cls = cls;
    (*errp)->message = message;
}

void error_set(Error **errp, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    error_put(errp, ERROR_GENERIC, g_strdup_vprintf(fmt, ap));
    va_end(ap);
}

void error_set_class(Error **errp, ErrorClass cls, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    error_put(errp, cls, g_strdup_vprintf(fmt, ap));
    va_end(ap);
}

void error_set_errno(Error **errp, int errnum, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    error_put(errp, ERROR_GENERIC,
              g_strdup_printf("%s: %s", text, g_strerror(errnum)));
}

void error_prepend(Error **errp, const char *fmt, ...)
{
    if (!errp) {
        return;
    }
    g_assert(*errp);
    va_list ap;
    va_start(ap, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    char *whole = g_strconcat(text, (*errp)->message, NULL);
    g_free((*errp)->message);
    (*errp)->message = whole;
}

void error_propagate(Error **dst, Error *src)
{
    if (dst) {
        g_assert(!*dst);
        *dst = src;
    } else {
        error_free(src);
    }
}

const char *error_message(const Error *err)
{
    return err->message;
}

ErrorClass error_class(const Error *err)
{
    return err->cls;
}

const char *error_class_name(ErrorClass cls)
{
    g_assert((size_t)cls < G_N_ELEMENTS(class_names));
    return class_names[cls];
}

void error_free(Error *err)
{
    if (err) {
        g_free(err->message);
        g_free(err);
    }
}

static void report(const char *kind, const char *fmt, va_list ap)
{
    g_autofree char *text = g_strdup_vprintf(fmt, ap);
    g_autoptr(GDateTime) now = timestamps ? g_date_time_new_now_utc() : NULL;
    g_autofree char *time = now ? g_date_time_format(now, "%FT%T.%fZ ") : NULL;
    fprintf(stderr, "%s%s: %s%s\n", time ? time : "", program_name, kind,
            text);
}

void error_report(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    report("", fmt, ap);
    va_end(ap);
}

void error_warn(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    report("warning: ", fmt, ap);
    va_end(ap);
}

void error_set_timestamps(bool on)
{
    timestamps = on;
}

void error_set_program(const char *name)
{
    program_name = name;
}
