/*
 * Taking arguments out of JSON, with QEMU's error sentences. Called by
 * generated code and by handlers.
 */
#ifndef QAPI_VISIT_H
#define QAPI_VISIT_H

#include <jansson.h>

#include "base/error.h"
#include "base/types.h"

/* False if args has a member that is not in the NULL-ended list. */
bool qapi_check_members(const json_t *args, const char *const *known,
                        Error **errp);

/* Each takes one member. Absent: an error if need, else *has stays false (has
 * may be NULL) and *out is untouched. Strings and JSON are borrowed. */
bool qapi_get_int(const json_t *args, const char *name, bool need, bool *has,
                  int64_t *out, Error **errp);
bool qapi_get_bool(const json_t *args, const char *name, bool need, bool *has,
                   bool *out, Error **errp);
bool qapi_get_str(const json_t *args, const char *name, bool need,
                  const char **out, Error **errp);
bool qapi_get_enum(const json_t *args, const char *name, bool need, bool *has,
                   const char *const *words, int *out, Error **errp);
bool qapi_get_list(const json_t *args, const char *name, bool need,
                   json_t **out, Error **errp);
bool qapi_get_any(const json_t *args, const char *name, bool need,
                  json_t **out, Error **errp);

#endif
