/*
 * Options about tables that firmware and systems read: -fw_cfg, -smbios,
 * -acpitable, -numa. What they say is checked here as far as one of them goes;
 * tables.c reads files and puts them together.
 */
#include "options.h"

#include <stdio.h>
#include <string.h>

#define FW_NAME_MAX 55

static bool exactly_one(const KeyVal *kv, const char *a, const char *b,
                        Error **errp)
{
    if (keyval_has(kv, a) == keyval_has(kv, b)) {
        error_set(errp, "exactly one of '%s' and '%s' is wanted", a, b);
        return false;
    }
    return true;
}

bool opt_fw_cfg(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    const char *name = keyval_get(kv, "name");

    if (!name || !*name || strlen(name) > FW_NAME_MAX) {
        error_set(errp, "Parameter 'name' is missing, or longer than %d "
                  "bytes", FW_NAME_MAX);
        return false;
    }
    if (!g_str_has_prefix(name, "opt/")) {
        error_set(errp, "Parameter 'name' must begin with 'opt/': other names "
                  "are the machine's own");
        return false;
    }
    for (guint i = 0; i < o->fw_cfgs->len; i++) {
        if (g_str_equal(keyval_get(g_ptr_array_index(o->fw_cfgs, i), "name"),
                        name)) {
            error_set(errp, "there is a file '%s' already", name);
            return false;
        }
    }
    g_ptr_array_add(o->fw_cfgs, kv);
    return exactly_one(kv, "file", "string", errp);
}

/* --- -smbios -------------------------------------------------------------------- */

/* The fields that a type has; NULL: there is no such type. */
static const char *smbios_fields(uint64_t type)
{
    switch (type) {
    case 0:
        return "type vendor version date release uefi";
    case 1:
        return "type manufacturer product version serial uuid sku family";
    case 2:
        return "type manufacturer product version serial asset location";
    case 3:
        return "type manufacturer version serial asset sku";
    case 4:
        return "type sock_pfx manufacturer version serial asset part "
               "max-speed current-speed processor-id";
    case 11:
        return "type value path";
    case 17:
        return "type loc_pfx bank manufacturer serial asset part speed";
    }
    return NULL;
}

static bool smbios_release(const KeyVal *kv, Error **errp)
{
    const char *release = keyval_get(kv, "release");
    unsigned major, minor;
    char end;

    if (release && (sscanf(release, "%3u.%3u%c", &major, &minor, &end) != 2 ||
                    major > 255 || minor > 255)) {
        error_set(errp, "Parameter 'release' must be two numbers up to 255, "
                  "as in 1.2");
        return false;
    }
    return true;
}

static bool smbios_values(const KeyVal *kv, Error **errp)
{
    static const char *const words[] = { "max-speed", "current-speed",
                                         "speed" };
    const char *uuid = keyval_get(kv, "uuid");
    uint64_t number;
    bool uefi;

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        if (!keyval_number(kv, words[i], 0, UINT16_MAX, &number, errp)) {
            return false;
        }
    }
    if (uuid && !g_uuid_string_is_valid(uuid)) {
        error_set(errp, "Parameter 'uuid' is not a UUID");
        return false;
    }
    return keyval_number(kv, "processor-id", 0, UINT64_MAX, &number, errp) &&
           keyval_bool(kv, "uefi", &uefi, errp) && smbios_release(kv, errp);
}

bool opt_smbios(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    uint64_t type = UINT64_MAX;

    g_ptr_array_add(o->smbioses, kv);
    if (keyval_has(kv, "file")) {
        return keyval_check(kv, "file", errp);
    }
    if (!keyval_number(kv, "type", 0, 255, &type, errp)) {
        return false;
    }
    const char *fields = smbios_fields(type);
    if (!fields) {
        error_set(errp, "Parameter 'type' must be 0, 1, 2, 3, 4, 11 or 17");
        return false;
    }
    return keyval_check(kv, fields, errp) && smbios_values(kv, errp);
}

/* --- -acpitable ------------------------------------------------------------------- */

bool opt_acpitable(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    static const struct {
        const char *key;
        size_t bytes;
    } texts[] = { { "sig", 4 }, { "oem_id", 6 }, { "oem_table_id", 8 },
                  { "asl_compiler_id", 4 } };
    uint64_t number;

    g_ptr_array_add(o->acpitables, kv);
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        const char *value = keyval_get(kv, texts[i].key);
        if (value && strlen(value) > texts[i].bytes) {
            error_set(errp, "Parameter '%s' has at most %zu bytes",
                      texts[i].key, texts[i].bytes);
            return false;
        }
    }
    if (keyval_has(kv, "data") && !keyval_has(kv, "sig")) {
        error_set(errp, "Parameter 'sig' is missing: data= has no header");
        return false;
    }
    return keyval_number(kv, "rev", 0, UINT8_MAX, &number, errp) &&
           keyval_number(kv, "oem_rev", 0, UINT32_MAX, &number, errp) &&
           keyval_number(kv, "asl_compiler_rev", 0, UINT32_MAX, &number,
                         errp) &&
           exactly_one(kv, "data", "file", errp);
}

/* --- -numa -------------------------------------------------------------------------- */

bool opt_numa(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    const char *type = keyval_get(kv, "type");
    const char *keys = !g_strcmp0(type, "node")
                           ? "type nodeid mem memdev cpus"
                       : !g_strcmp0(type, "dist") ? "type src dst val"
                       : !g_strcmp0(type, "cpu")
                           ? "type node-id socket-id die-id core-id thread-id"
                           : NULL;
    if (!keys) {
        error_set(errp, "there are -numa node, dist and cpu, not '%s'",
                  type ? type : "");
        return false;
    }
    g_ptr_array_add(o->numas, kv);
    return keyval_check(kv, keys, errp);
}
