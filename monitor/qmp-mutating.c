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
#include "qapi/visit.h"
#include "vm/guest-action.h"
#include "vm/guest-port.h"
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

/* --- events of keyboard and mouse ------------------------------------------------ */

/* What the events of one command add up to. */
typedef struct InputSum {
    Machine *m;            /* NULL: they are only looked at */
    InputPointer pointer;
} InputSum;

/* Keeps the order of what a device sees: what the pointer did goes before a
 * change of its buttons. */
static void send_pointer(InputSum *sum)
{
    if (sum->m) {
        input_send_pointer(sum->m, &sum->pointer);
    }
    sum->pointer = (InputPointer){ 0 };
}

static bool take_key_event(InputSum *sum, const json_t *data, Error **errp)
{
    InputKey key;
    bool down;
    json_t *which = json_object_get(data, "key");
    if (!qapi_get_bool(data, "down", true, NULL, &down, errp) ||
        !take_key(which, &key, errp)) {
        return false;
    }
    if (sum->m) {
        input_send_key(sum->m, key, down);
    }
    return true;
}

static bool take_button_event(InputSum *sum, const json_t *data, Error **errp)
{
    int button;
    bool down;
    if (!qapi_get_bool(data, "down", true, NULL, &down, errp) ||
        !qapi_get_enum(data, "button", true, NULL, qapi_InputButton_words,
                       &button, errp)) {
        return false;
    }
    if (button < (int)INPUT_BUTTONS) {
        sum->pointer.mask = 1u << button;
        sum->pointer.buttons = (unsigned)down << button;
        send_pointer(sum);
    } else if (down) {
        sum->pointer.dz += button == INPUT_BUTTON_WHEEL_UP ? -1 : 1;
    }
    return true;
}

static bool take_move_event(InputSum *sum, const json_t *data, Error **errp)
{
    int axis;
    int64_t value;
    if (!qapi_get_enum(data, "axis", true, NULL, qapi_InputAxis_words, &axis,
                       errp) ||
        !qapi_get_int(data, "value", true, NULL, &value, errp)) {
        return false;
    }
    int *d = axis == INPUT_AXIS_X ? &sum->pointer.dx : &sum->pointer.dy;
    *d = CLAMP(*d + CLAMP(value, INT16_MIN, INT16_MAX), INT16_MIN, INT16_MAX);
    return true;
}

static bool take_event(InputSum *sum, const json_t *o, Error **errp)
{
    int kind;
    const json_t *data = json_object_get(o, "data");
    if (!json_is_object(o) || !json_is_object(data)) {
        error_set(errp, "Parameter 'events' takes objects like {'type': 'btn', "
                        "'data': {'down': true, 'button': 'left'}}");
        return false;
    }
    if (!qapi_get_enum(o, "type", true, NULL, qapi_InputEventKind_words, &kind,
                       errp)) {
        return false;
    }
    switch ((InputEventKind)kind) {
    case INPUT_EVENT_KIND_KEY:
        return take_key_event(sum, data, errp);
    case INPUT_EVENT_KIND_BTN:
        return take_button_event(sum, data, errp);
    case INPUT_EVENT_KIND_REL:
        return take_move_event(sum, data, errp);
    default:
        error_set(errp, "Input handler not found for event type %s: there is "
                        "a PS/2 keyboard and mouse",
                  qapi_InputEventKind_words[kind]);
        return false;
    }
}

void qmp_input_send_event(QmpContext *ctx, const char *device, bool has_head,
                          int64_t head, json_t *events, Error **errp)
{
    InputSum sum = { ctx->machine };
    size_t i;
    const json_t *o;
    if (device) {
        error_set(errp, "Device '%s' not found", device);
        return;
    }
    json_array_foreach(events, i, o) {
        if (!take_event(&sum, o, errp)) {
            return;
        }
    }
    const InputPointer *p = &sum.pointer;
    if (p->dx || p->dy || p->dz) {
        send_pointer(&sum);
    }
}

/* --- ports ----------------------------------------------------------------------- */

void qmp_port_write(QmpContext *ctx, int64_t port, int64_t value, int64_t size,
                    Error **errp)
{
    if (size != 1 && size != 2 && size != 4) {
        error_set(errp, "Parameter 'size' expects 1, 2 or 4");
    } else if (port < 0 || port + size > 0x10000) {
        error_set(errp, "Parameter 'port' expects a port");
    }
    if (ctx->machine) {
        guest_write_port(ctx->machine, port, value, size);
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
