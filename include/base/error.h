/*
 * Errors that a user, a file or a socket caused: a sentence and a QMP class.
 *
 * Implemented by util/error.c; used by every function that ends in
 * `Error **errp`. Such a function returns false (or NULL) exactly when it set
 * an error. A caller that passes NULL for errp does not want to know why.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/types.h"

/* The classes QMP can report; ORDER error-class (util/error.c). */
typedef enum ErrorClass {
    ERROR_GENERIC,
    ERROR_COMMAND_NOT_FOUND,
    ERROR_DEVICE_NOT_ACTIVE,
    ERROR_DEVICE_NOT_FOUND,
} ErrorClass;

/* Sets *errp to a generic error with a printf-style sentence without a final
 * full stop or newline. *errp must be NULL; errp may be NULL. */
void error_set(Error **errp, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/* As error_set(), with the class that QMP shows. */
void error_set_class(Error **errp, ErrorClass cls, const char *fmt, ...)
    G_GNUC_PRINTF(3, 4);

/* As error_set(), with ": " and the text of an errno value after it. */
void error_set_errno(Error **errp, int errnum, const char *fmt, ...)
    G_GNUC_PRINTF(3, 4);

/* Puts text in front of the message of *errp, which must be set if errp is
 * not NULL. Used to say where: "drive0: ". */
void error_prepend(Error **errp, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/* Hands src over to *dst, or frees it when dst is NULL. */
void error_propagate(Error **dst, Error *src);

/* The message, owned by the error. */
const char *error_message(const Error *err);

/* The class, and its QMP spelling ("GenericError"). */
ErrorClass error_class(const Error *err);
const char *error_class_name(ErrorClass cls);

/* Frees an error; NULL is allowed. */
void error_free(Error *err);

/* Prints "reprise: MESSAGE" (with the running program's name) on stderr. */
void error_report(const char *fmt, ...) G_GNUC_PRINTF(1, 2);
/* The same for a warning: "reprise: warning: MESSAGE". */
void error_warn(const char *fmt, ...) G_GNUC_PRINTF(1, 2);
/* Messages begin with the host's time. */
void error_set_timestamps(bool on);
/* The name that error_report() puts first; kept, not copied. */
void error_set_program(const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Error, error_free)

#endif
