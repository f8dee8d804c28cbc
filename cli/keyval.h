/*
 * Option arguments of the form key=value,key=value. A value's comma is
 * written twice. The first field may be a value alone, for the implied key;
 * a later key alone is a boolean: "snapshot" is snapshot=on, "nowait" is
 * wait=off.
 *
 * Implemented by keyval.c; used by every option of the command line and by
 * short forms such as -serial tcp:HOST:PORT,server=on.
 */
#ifndef CLI_KEYVAL_H
#define CLI_KEYVAL_H

#include "base/error.h"
#include "base/types.h"

typedef struct KeyVal {
    GPtrArray *keys;           /* char *, in the order given */
    GPtrArray *values;         /* char *, as many */
    bool help;                 /* "help" or "?" stood there as a field */
} KeyVal;

/* Parses text. `known` lists the keys allowed, separated by spaces; the
 * implied one, if any, is first and ends in "*", and "..." allows all others.
 * NULL with an error that names the key. */
KeyVal *keyval_parse(const char *text, const char *known, Error **errp);
void keyval_free(KeyVal *kv);
/* Adds KEY=VALUE to a text that keyval_parse() is to take. */
void keyval_append(GString *text, const char *key, const char *value);

/* False with an error naming the first key that is not in the list. */
bool keyval_check(const KeyVal *kv, const char *known, Error **errp);

/* The value given last for a key; NULL if there is none. */
const char *keyval_get(const KeyVal *kv, const char *key);
bool keyval_has(const KeyVal *kv, const char *key);

/* These leave *out alone when the key was not given. False with an error
 * naming the key when the value is not what it should be. */
bool keyval_bool(const KeyVal *kv, const char *key, bool *out, Error **errp);
/* A number, decimal or 0x, between min and max. */
bool keyval_number(const KeyVal *kv, const char *key, uint64_t min,
                   uint64_t max, uint64_t *out, Error **errp);
/* Bytes with a suffix B K M G T (or k m g t); without one, `unit` bytes. */
bool keyval_size(const KeyVal *kv, const char *key, uint64_t unit,
                 uint64_t *out, Error **errp);
/* One of a NULL-terminated list of words; its position. */
bool keyval_word(const KeyVal *kv, const char *key, const char *const *words,
                 unsigned *out, Error **errp);

/* "on", "yes", "true", "y" / "off", "no", "false", "n". */
bool keyval_parse_bool(const char *text, bool *out);
bool keyval_parse_number(const char *text, uint64_t *out);
bool keyval_parse_size(const char *text, uint64_t unit, uint64_t *out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(KeyVal, keyval_free)

#endif
