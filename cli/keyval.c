/*
 * key=value lists. See keyval.h.
 */
#include "keyval.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- the list of known keys ----------------------------------------------- */

/* True if the space-separated list has the word of that length. */
static bool list_has(const char *known, const char *key, size_t len)
{
    for (const char *p = known; p && *p;) {
        size_t n = strcspn(p, " ");
        size_t bare = n && p[n - 1] == '*' ? n - 1 : n;
        if (bare == len && !memcmp(p, key, len)) {
            return true;
        }
        p += n + (p[n] == ' ');
    }
    return false;
}

static bool key_known(const char *known, const char *key)
{
    return list_has(known, key, strlen(key)) || list_has(known, "...", 3);
}

/* The implied key, or NULL. */
static char *implied_key(const char *known)
{
    size_t n = strcspn(known, " ");
    return n && known[n - 1] == '*' ? g_strndup(known, n - 1) : NULL;
}

bool keyval_check(const KeyVal *kv, const char *known, Error **errp)
{
    for (unsigned i = 0; i < kv->keys->len; i++) {
        const char *key = g_ptr_array_index(kv->keys, i);
        if (!key_known(known, key)) {
            error_set(errp, "Invalid parameter '%s'", key);
            return false;
        }
    }
    return true;
}

/* --- parsing ----------------------------------------------------------------- */

/* The text up to a comma that is not doubled, or the end; *p moves behind. */
static char *take_value(const char **p)
{
    GString *value = g_string_new(NULL);
    const char *s = *p;
    while (*s && !(s[0] == ',' && s[1] != ',')) {
        if (*s == ',') {
            s++;
        }
        g_string_append_c(value, *s++);
    }
    *p = s + (*s == ',');
    return g_string_free(value, FALSE);
}

void keyval_append(GString *text, const char *key, const char *value)
{
    g_string_append_printf(text, "%s%s=", text->len ? "," : "", key);
    for (const char *p = value; *p; p++) {
        g_string_append(text, *p == ',' ? ",," : (char[]) { *p, 0 });
    }
}

static void keyval_add(KeyVal *kv, char *key, char *value)
{
    g_ptr_array_add(kv->keys, key);
    g_ptr_array_add(kv->values, value);
}

/* A field without "=": a flag, or "no" and a flag. */
static void add_flag(KeyVal *kv, char *word, const char *known)
{
    bool off = g_str_has_prefix(word, "no") &&
               !list_has(known, word, strlen(word)) &&
               list_has(known, word + 2, strlen(word + 2));
    keyval_add(kv, g_strdup(off ? word + 2 : word),
               g_strdup(off ? "off" : "on"));
}

static void parse_field(KeyVal *kv, const char **p, char *implied,
                        const char *known)
{
    size_t len = strcspn(*p, "=,");
    if ((*p)[len] == '=') {
        char *key = g_strndup(*p, len);
        *p += len + 1;
        keyval_add(kv, key, take_value(p));
        return;
    }
    char *word = take_value(p);
    if (g_str_equal(word, "help") || g_str_equal(word, "?")) {
        kv->help = true;
        g_free(word);
    } else if (implied) {
        keyval_add(kv, g_strdup(implied), word);
    } else {
        add_flag(kv, word, known);
        g_free(word);
    }
}

KeyVal *keyval_parse(const char *text, const char *known, Error **errp)
{
    KeyVal *kv = g_new0(KeyVal, 1);
    kv->keys = g_ptr_array_new_with_free_func(g_free);
    kv->values = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *implied = implied_key(known);
    char *first = implied;
    for (const char *p = text; *p; first = NULL) {
        parse_field(kv, &p, first, known);
    }
    if (!keyval_check(kv, known, errp)) {
        keyval_free(kv);
        return NULL;
    }
    return kv;
}

void keyval_free(KeyVal *kv)
{
    if (kv) {
        g_ptr_array_free(kv->keys, TRUE);
        g_ptr_array_free(kv->values, TRUE);
        g_free(kv);
    }
}

/* --- values -------------------------------------------------------------------- */

const char *keyval_get(const KeyVal *kv, const char *key)
{
    for (unsigned i = kv->keys->len; i-- > 0;) {
        if (g_str_equal(g_ptr_array_index(kv->keys, i), key)) {
            return g_ptr_array_index(kv->values, i);
        }
    }
    return NULL;
}

bool keyval_has(const KeyVal *kv, const char *key)
{
    return keyval_get(kv, key) != NULL;
}

bool keyval_parse_bool(const char *text, bool *out)
{
    static const char *const on[] = { "on", "yes", "true", "y", NULL };
    static const char *const off[] = { "off", "no", "false", "n", NULL };
    *out = g_strv_contains(on, text);
    return *out || g_strv_contains(off, text);
}

bool keyval_parse_number(const char *text, uint64_t *out)
{
    char *end;
    if (!g_ascii_isdigit(*text)) {
        return false;
    }
    errno = 0;
    *out = strtoull(text, &end, g_str_has_prefix(text, "0x") ? 16 : 10);
    return !errno && !*end;
}

/* The factor of a suffix letter, 0 if it is none. */
static uint64_t suffix_bytes(char c)
{
    static const char letters[] = "BKMGT";
    const char *at = c ? strchr(letters, g_ascii_toupper(c)) : NULL;
    return at ? UINT64_C(1) << (10 * (at - letters)) : 0;
}

bool keyval_parse_size(const char *text, uint64_t unit, uint64_t *out)
{
    char *end;
    if (!g_ascii_isdigit(*text)) {
        return false;
    }
    errno = 0;
    uint64_t n = strtoull(text, &end, g_str_has_prefix(text, "0x") ? 16 : 10);
    if (*end) {
        unit = suffix_bytes(*end++);
    }
    if (errno || !unit || *end || n > UINT64_MAX / unit) {
        return false;
    }
    *out = n * unit;
    return true;
}

bool keyval_bool(const KeyVal *kv, const char *key, bool *out, Error **errp)
{
    const char *text = keyval_get(kv, key);
    if (text && !keyval_parse_bool(text, out)) {
        error_set(errp, "Parameter '%s' expects 'on' or 'off', not '%s'", key,
                  text);
        return false;
    }
    return true;
}

bool keyval_number(const KeyVal *kv, const char *key, uint64_t min,
                   uint64_t max, uint64_t *out, Error **errp)
{
    const char *text = keyval_get(kv, key);
    uint64_t n;
    if (!text) {
        return true;
    }
    if (!keyval_parse_number(text, &n)) {
        error_set(errp, "Parameter '%s' expects a number, not '%s'", key,
                  text);
        return false;
    }
    if (n < min || n > max) {
        error_set(errp, "Parameter '%s' must be between %" G_GUINT64_FORMAT
                  " and %" G_GUINT64_FORMAT ", not %s", key, min, max, text);
        return false;
    }
    *out = n;
    return true;
}

bool keyval_size(const KeyVal *kv, const char *key, uint64_t unit,
                 uint64_t *out, Error **errp)
{
    const char *text = keyval_get(kv, key);
    if (text && !keyval_parse_size(text, unit, out)) {
        error_set(errp, "Parameter '%s' expects a size such as 512M or 2G, "
                  "not '%s'", key, text);
        return false;
    }
    return true;
}

bool keyval_word(const KeyVal *kv, const char *key, const char *const *words,
                 unsigned *out, Error **errp)
{
    const char *text = keyval_get(kv, key);
    if (!text) {
        return true;
    }
    for (unsigned i = 0; words[i]; i++) {
        if (g_str_equal(words[i], text)) {
            *out = i;
            return true;
        }
    }
    g_autofree char *all = g_strjoinv(", ", (char **)words);
    error_set(errp, "Parameter '%s' does not accept '%s'; it may be one of: "
              "%s", key, text, all);
    return false;
}
