/*
 * -accel tcg,host-features=: "max" (all that the host has, which may be left
 * out) or "sse2" (what every host of x86-64 has), and behind it +NAME and -NAME:
 * "-avx2", "sse2+ssse3+sse4.1", "max-avx". What the host lacks cannot be added.
 */
#include "host-features.h"

#include <string.h>

typedef struct Feature {
    const char *name;
    uint32_t bit, needs;
} Feature;

static const Feature features[] = {
#define HOST_FEATURE(id, name, bit, without) \
    { name, 1u << (bit), 1u << (without) },
#include "host-features.def"
#undef HOST_FEATURE
};

/* The feature whose name is these len bytes, or NULL. */
static const Feature *find(const char *name, size_t len)
{
    for (size_t k = 0; k < G_N_ELEMENTS(features); k++) {
        if (strlen(features[k].name) == len &&
            !memcmp(features[k].name, name, len)) {
            return &features[k];
        }
    }
    return NULL;
}

static bool unknown(const char *value, const char *word, size_t len,
                    Error **errp)
{
    g_autoptr(GString) names = g_string_new(NULL);
    for (size_t k = 0; k < G_N_ELEMENTS(features); k++) {
        g_string_append_printf(names, " %s", features[k].name);
    }
    error_set(errp, "-accel tcg,host-features=%s: '%.*s' is unknown; begin with "
              "max or sse2, then add or take away by +NAME and -NAME:%s",
              value, (int)len, word, names->str);
    return false;
}

/* What cannot be used without something that is off is off. */
static uint32_t with_needs(uint32_t off)
{
    for (size_t k = 0; k < G_N_ELEMENTS(features); k++) {
        off |= off & features[k].needs ? features[k].bit : 0;
    }
    return off;
}

bool host_features_parse(const char *value, uint32_t *off, Error **errp)
{
    const char *at = value;
    size_t len = strcspn(at, "+-");
    bool base_max = len == 3 && !memcmp(at, "max", 3);
    bool base_sse2 = len == 4 && !memcmp(at, "sse2", 4);
    if ((len && !base_max && !base_sse2) || !*value) {
        return unknown(value, at, len, errp);
    }
    *off = base_sse2 ? UINT32_MAX : 0;
    for (at += len; *at; at += 1 + len) {
        len = strcspn(at + 1, "+-");
        const Feature *f = find(at + 1, len);
        if (!f) {
            return unknown(value, at + 1, len, errp);
        }
        *off = *at == '-' ? *off | f->bit : *off & ~(f->bit | f->needs);
    }
    *off = with_needs(*off);
    return true;
}
