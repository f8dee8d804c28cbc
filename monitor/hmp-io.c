/*
 * The human monitor's ports, mouse and sums of memory. What changes
 * the guest goes through a QMP command, and so through the boundary.
 */
#include <inttypes.h>

#include "hmp.h"
#include "io/input.h"

/* --- ports --------------------------------------------------------------------- */

/* "/bx" before the port: the size, b, h or w (default); formats are QEMU's,
 * which prints hexadecimal whatever was said. 0: a mistake. */
static unsigned take_size(Hmp *h, const char *command, const char **args)
{
    static const char letters[] = "bhw";
    unsigned size = 4;
    *args += strspn(*args, " \t");
    if (**args != '/') {
        return size;
    }
    for ((*args)++; **args && !g_ascii_isspace(**args); (*args)++) {
        const char *at = strchr(letters, **args);
        if (at) {
            size = 1u << (at - letters);
        } else if (!strchr("xduoc", **args)) {
            hmp_print(h, "invalid char in format: '%c'\n", **args);
            return 0;
        }
    }
    return size;
}

/* A port's read may change its device. A recording has no such input, and a
 * replay must not be changed. */
void cmd_i(Hmp *h, const char *args)
{
    char *word[1] = { NULL };
    uint64_t port;
    unsigned size = take_size(h, "i", &args);
    if (size && hmp_words(h, "i", args, 1, 1, word) &&
        hmp_number(h, word[0], &port)) {
        if (replay_mode(h->ctx.replay) != REPLAY_NONE) {
            hmp_print(h, "Error: reading a port may change its device: it is "
                      "not possible in record or replay\n");
        } else {
            uint64_t v = address_space_ld(h->ctx.machine->io, port & 0xffff,
                                          size);
            hmp_print(h, "port%c[0x%04x] = 0x%0*" PRIx64 "\n",
                      size == 1 ? 'b' : size == 2 ? 'w' : 'l',
                      (unsigned)port & 0xffff, (int)size * 2, v);
        }
    }
    hmp_free_words(word, 1);
}

void cmd_o(Hmp *h, const char *args)
{
    char *word[2] = { NULL };
    uint64_t port, value;
    unsigned size = take_size(h, "o", &args);
    if (size && hmp_words(h, "o", args, 2, 2, word) &&
        hmp_number(h, word[0], &port) && hmp_number(h, word[1], &value)) {
        hmp_relay(h, "port-write",
                  json_pack("{s:I,s:I,s:i}", "port",
                            (json_int_t)(port & 0xffff), "value",
                            (json_int_t)value, "size", (int)size));
    }
    hmp_free_words(word, 2);
}

/* --- the mouse ---------------------------------------------------------------------------- */

static json_t *move_event(const char *axis, int64_t by)
{
    return json_pack("{s:s,s:{s:s,s:I}}", "type", "rel", "data", "axis", axis,
                     "value", (json_int_t)by);
}

static json_t *button_event(const char *button, bool down)
{
    return json_pack("{s:s,s:{s:b,s:s}}", "type", "btn", "data", "down",
                     (int)down, "button", button);
}

static void send_events(Hmp *h, json_t *events)
{
    hmp_relay(h, "input-send-event", json_pack("{s:o}", "events", events));
}

void cmd_mouse_move(Hmp *h, const char *args)
{
    char *word[3] = { NULL };
    uint64_t d[3] = { 0 };
    bool ok = hmp_words(h, "mouse_move", args, 2, 3, word);
    for (unsigned i = 0; ok && i < 3 && word[i]; i++) {
        ok = hmp_number(h, word[i], &d[i]);
    }
    if (ok) {
        json_t *events = json_array();
        json_array_append_new(events, move_event("x", d[0]));
        json_array_append_new(events, move_event("y", d[1]));
        if (d[2]) {
            json_array_append_new(events,
                                  button_event((int64_t)d[2] > 0 ? "wheel-up"
                                                                 : "wheel-down",
                                               true));
        }
        send_events(h, events);
    }
    hmp_free_words(word, 3);
}

/* QEMU's bits: 1 left, 2 middle, 4 right; those that are not set are let go. */
void cmd_mouse_button(Hmp *h, const char *args)
{
    static const char *const buttons[] = { "left", "middle", "right" };
    char *word[1] = { NULL };
    uint64_t state;
    if (hmp_words(h, "mouse_button", args, 1, 1, word) &&
        hmp_number(h, word[0], &state)) {
        json_t *events = json_array();
        for (unsigned i = 0; i < G_N_ELEMENTS(buttons); i++) {
            json_array_append_new(events,
                                  button_event(buttons[i], state >> i & 1));
        }
        send_events(h, events);
    }
    hmp_free_words(word, 1);
}

/* There is one mouse at most, which has number 0. */
void cmd_mouse_set(Hmp *h, const char *args)
{
    char *word[1] = { NULL };
    uint64_t n;
    if (hmp_words(h, "mouse_set", args, 1, 1, word) &&
        hmp_number(h, word[0], &n) &&
        (n || !input_has_pointer(h->ctx.machine))) {
        hmp_print(h, "Mouse at index '%" PRIu64 "' not found\n", n);
    }
    hmp_free_words(word, 1);
}

json_t *qmp_query_mice(QmpContext *ctx, Error **errp)
{
    json_t *list = json_array();
    MouseInfo mouse = { "PS/2 Mouse", 0, true, false };
    if (input_has_pointer(ctx->machine)) {
        json_array_append_new(list, qapi_put_MouseInfo(&mouse));
    }
    return list;
}

void info_mice(Hmp *h, const char *args)
{
    hmp_print(h, "%s", input_has_pointer(h->ctx.machine)
                           ? "* Mouse #0: PS/2 Mouse\n"
                           : "No mouse devices connected\n");
}

/* --- sums ------------------------------------------------------------------------------------ */

/* The BSD checksum: sixteen bits, turned to the right before each byte. */
void cmd_sum(Hmp *h, const char *args)
{
    char *word[2] = { NULL };
    uint64_t start, size;
    unsigned sum = 0;
    bool ok = hmp_words(h, "sum", args, 2, 2, word) &&
              hmp_number(h, word[0], &start) && hmp_number(h, word[1], &size);
    for (uint64_t i = 0; ok && i < size; i++) {
        uint8_t byte;
        ok = address_space_read_debug(h->ctx.machine->memory, start + i, &byte,
                                      1);
        sum = ((sum >> 1 | sum << 15) + byte) & 0xffff;
        if (!ok) {
            hmp_print(h, "Error: there is no memory at 0x%" PRIx64 "\n",
                      start + i);
        }
    }
    if (ok) {
        hmp_print(h, "%05u\n", sum);
    }
    hmp_free_words(word, 2);
}
