/*
 * Taking arguments out of JSON. See qapi/visit.h.
 */
#include "qapi/visit.h"

bool qapi_check_members(const json_t *args, const char *const *known,
                        Error **errp)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)args, key, value) {
        if (!g_strv_contains(known, key)) {
            error_set(errp, "Parameter '%s' is unexpected", key);
            return false;
        }
    }
    return true;
}

/* The member, NULL when it is absent; *ok says whether that is fine. */
static json_t *member(const json_t *args, const char *name, bool need,
                      bool *ok, Error **errp)
{
    json_t *v = json_object_get(args, name);
    *ok = v || !need;
    if (!*ok) {
        error_set(errp, "Parameter '%s' is missing", name);
    }
    return v;
}

static bool wrong_type(const char *name, const char *expected, Error **errp)
{
    error_set(errp, "Invalid parameter type for '%s', expected: %s", name,
              expected);
    return false;
}

static void note(bool *has)
{
    if (has) {
        *has = true;
    }
}

bool qapi_get_int(const json_t *args, const char *name, bool need, bool *has,
                  int64_t *out, Error **errp)
{
    bool ok;
    json_t *v = member(args, name, need, &ok, errp);
    if (!v) {
        return ok;
    }
    if (!json_is_integer(v)) {
        return wrong_type(name, "integer", errp);
    }
    note(has);
    *out = json_integer_value(v);
    return true;
}

bool qapi_get_bool(const json_t *args, const char *name, bool need, bool *has,
                   bool *out, Error **errp)
{
    bool ok;
    json_t *v = member(args, name, need, &ok, errp);
    if (!v) {
        return ok;
    }
    if (!json_is_boolean(v)) {
        return wrong_type(name, "boolean", errp);
    }
    note(has);
    *out = json_is_true(v);
    return true;
}

bool qapi_get_str(const json_t *args, const char *name, bool need,
                  const char **out, Error **errp)
{
    bool ok;
    json_t *v = member(args, name, need, &ok, errp);
    if (!v) {
        return ok;
    }
    if (!json_is_string(v)) {
        return wrong_type(name, "string", errp);
    }
    *out = json_string_value(v);
    return true;
}

bool qapi_get_enum(const json_t *args, const char *name, bool need, bool *has,
                   const char *const *words, int *out, Error **errp)
{
    const char *text = NULL;
    if (!qapi_get_str(args, name, need, &text, errp)) {
        return false;
    }
    if (!text) {
        return true;
    }
    for (int i = 0; words[i]; i++) {
        if (g_str_equal(words[i], text)) {
            note(has);
            *out = i;
            return true;
        }
    }
    error_set(errp, "Parameter '%s' does not accept value '%s'", name, text);
    return false;
}

bool qapi_get_list(const json_t *args, const char *name, bool need,
                   json_t **out, Error **errp)
{
    bool ok;
    json_t *v = member(args, name, need, &ok, errp);
    if (!v) {
        return ok;
    }
    if (!json_is_array(v)) {
        return wrong_type(name, "array", errp);
    }
    *out = v;
    return true;
}

bool qapi_get_any(const json_t *args, const char *name, bool need,
                  json_t **out, Error **errp)
{
    bool ok;
    json_t *v = member(args, name, need, &ok, errp);
    *out = v;
    return ok;
}
