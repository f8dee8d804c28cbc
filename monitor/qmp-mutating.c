/*
 * QMP: the commands that change the guest ('mutates': true in the schema).
 *
 * Nobody calls these but the generated table. They run twice: once without a
 * machine, to check the arguments, and once at delivery (dispatch.c). This is
 * the only file of the doors that may change the guest; tests/lint/gate.py
 * holds it to the schema.
 */
#include "io/input.h"
#include "monitor.h"
#include "vm/guest-action.h"
#include "vm/knobs.h"

void qmp_system_reset(QmpContext *ctx, Error **errp)
{
    if (ctx->machine) {
        runstate_request_reset(ctx->machine, CAUSE_HOST_QMP_SYSTEM_RESET);
        if (runstate(ctx->machine) == RUN_SHUTDOWN) {
            runstate_set(ctx->machine, RUN_PRELAUNCH);
        }
    }
}

void qmp_system_powerdown(QmpContext *ctx, Error **errp)
{
    if (ctx->machine) {
        guest_press_power(ctx->machine);
    }
}

void qmp_inject_nmi(QmpContext *ctx, Error **errp)
{
    if (ctx->machine) {
        guest_press_nmi(ctx->machine);
    }
}

void qmp_watchdog_set_action(QmpContext *ctx, WatchdogAction action,
                             Error **errp)
{
    if (ctx->machine) {
        guest_set_watchdog_action(ctx->machine, (WatchdogActionKind)action);
    }
}

static bool take_key(const json_t *o, InputKey *key, Error **errp)
{
    const char *type = json_string_value(json_object_get(o, "type"));
    json_t *data = json_object_get(o, "data");
    const char *word = json_string_value(data);
    if (!g_strcmp0(type, "number") && json_is_integer(data)) {
        bool found = input_key_by_number(json_integer_value(data), key);
        if (!found) {
            error_set(errp, "Parameter 'data' does not accept value %"
                      JSON_INTEGER_FORMAT, json_integer_value(data));
        }
        return found;
    }
    if (!type || !g_str_equal(type, "qcode") || !word) {
        error_set(errp, "Parameter 'keys' takes objects like "
                        "{'type': 'qcode', 'data': 'ret'}");
        return false;
    }
    if (!input_key_find(word, key)) {
        error_set(errp, "Parameter 'data' does not accept value '%s'", word);
        return false;
    }
    return true;
}

void qmp_send_key(QmpContext *ctx, json_t *keys, bool has_hold_time,
                  int64_t hold_time, Error **errp)
{
    enum { MOST_KEYS = 16 };
    InputKey key[MOST_KEYS];
    size_t n = json_array_size(keys);
    if (n > MOST_KEYS) {
        error_set(errp, "Parameter 'keys' takes at most %d keys", MOST_KEYS);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (!take_key(json_array_get(keys, i), &key[i], errp)) {
            return;
        }
    }
    for (size_t i = 0; ctx->machine && i < n; i++) {
        input_send_key(ctx->machine, key[i], true);
    }
    for (size_t i = n; ctx->machine && i-- > 0;) {
        input_send_key(ctx->machine, key[i], false);
    }
}

void qmp_set_link(QmpContext *ctx, const char *name, bool up, Error **errp)
{
    if (ctx->before && !link_exists(ctx->before, name)) {
        error_set(errp, "Device '%s' not found", name);
    }
    if (ctx->machine) {
        link_set(ctx->machine, name, up);
    }
}

void qmp_balloon(QmpContext *ctx, int64_t value, Error **errp)
{
    uint64_t now;
    if (ctx->before && !balloon_ram(ctx->before, &now)) {
        error_set(errp, "No balloon device has been activated");
    } else if (value <= 0) {
        error_set(errp, "Parameter 'target' expects a size");
    }
    if (ctx->machine) {
        balloon_set(ctx->machine, value);
    }
}
