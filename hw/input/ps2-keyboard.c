/*
 * PS/2 keyboard (IBM PS/2 Technical Reference, "Keyboard (101- and 102-key)":
 * commands from the system, commands to the system, scan code sets).
 *
 * It does not repeat a held key by itself: with idle time skipped, a key that
 * is down for a moment of the user's time may be down for seconds of the
 * guest's. A repeat is another "down" of the same key from outside. The
 * typematic rate is taken and ignored.
 */
#include "base/bits.h"
#include "hw/pc-chips.h"
#include "hw/ps2.h"
#include "keys.h"
#include "scancodes.h"
#include "vm/machine.h"

/* Commands from the system. */
enum {
    KBD_SET_LEDS = 0xed,
    KBD_ECHO = 0xee,
    KBD_SCAN_SET = 0xf0,
    KBD_IDENTIFY = 0xf2,
    KBD_TYPEMATIC = 0xf3,
    KBD_ENABLE = 0xf4,
    KBD_DISABLE = 0xf5,
    KBD_DEFAULTS = 0xf6,
    KBD_ALL_FIRST = 0xf7,  /* f7..fa: all keys typematic, make/break … */
    KBD_ALL_LAST = 0xfa,
    KBD_KEY_FIRST = 0xfb,  /* fb..fd: the same for one key of set 3 */
    KBD_KEY_LAST = 0xfd,
    KBD_RESEND = 0xfe,
    KBD_RESET = 0xff,
};

/* Commands to the system. */
#define REPLY_ACK     0xfa
#define REPLY_BAT_OK  0xaa
#define REPLY_RESEND  0xfe
#define REPLY_ECHO    0xee
#define OVERRUN_SET1  0xff
#define OVERRUN       0x00
static const uint8_t keyboard_id[] = { 0xab, 0x83 };

#define KBD_STATE(_)                                                         \
    PS2_QUEUE_ROWS(_)                                                        \
    _(uint8_t, STATE_U8, command, 0, 1, "command that waits for its byte")   \
    _(bool, STATE_BOOL, enabled, true, 1, "scanning is enabled")             \
    _(uint8_t, STATE_U8, set, 2, 1, "scan code set",                         \
      STATE_IN(1, 3))                                                        \
    _(uint8_t, STATE_U8, leds, 0, 1, "scroll, num, caps lock LEDs")          \
    _(uint8_t, STATE_U8, typematic, 0x2b, 1, "rate and delay")               \
    _(uint8_t, STATE_U8, modifiers, 0, 1, "Ctrl, Shift, Alt keys held")      \
    _(bool, STATE_BOOL, overrun, false, 1, "keys were lost")

STATE_STRUCT(KbdState, KBD_STATE);
static STATE_TABLE(kbd_state, "ps2-kbd", 1, KbdState, KBD_STATE)

typedef struct Keyboard {
    Ps2Device ps2;
    KbdState s;
} Keyboard;

/* The two keys of each modifier are two bits: left in 0..2, right in 3..5. */
static uint8_t modifier_bit(InputKey key)
{
    switch (key) {
    case KEY_CTRL:
        return SCANCODE_CTRL;
    case KEY_SHIFT:
        return SCANCODE_SHIFT;
    case KEY_ALT:
        return SCANCODE_ALT;
    case KEY_CTRL_R:
        return SCANCODE_CTRL << 3;
    case KEY_SHIFT_R:
        return SCANCODE_SHIFT << 3;
    case KEY_ALT_R:
        return SCANCODE_ALT << 3;
    default:
        return 0;
    }
}

static void kbd_key(void *opaque, InputKey key, bool down)
{
    Keyboard *k = opaque;
    uint8_t bit = modifier_bit(key), bytes[SCANCODE_MAX_BYTES];
    k->s.modifiers = down ? k->s.modifiers | bit : k->s.modifiers & ~bit;
    if (!k->s.enabled) {
        return;
    }
    unsigned held = (k->s.modifiers | k->s.modifiers >> 3) & 7;
    unsigned n = scancode_make(bytes, k->s.set, key, down, held);
    if (!n || ps2_queue_event(&k->ps2, bytes, n)) {
        k->s.overrun &= !n;
        return;
    }
    if (!k->s.overrun) {
        k->s.overrun = true;
        ps2_queue_overrun(&k->ps2, k->s.set == 1 ? OVERRUN_SET1 : OVERRUN);
    }
}

static void kbd_defaults(Keyboard *k)
{
    k->s.set = 2;
    k->s.typematic = 0x2b;
    ps2_queue_clear(&k->ps2);
}

static void kbd_reply(Keyboard *k, uint8_t byte)
{
    ps2_queue_reply(&k->ps2, byte);
}

static void kbd_scan_set(Keyboard *k, uint8_t v)
{
    if (v > 3) {
        kbd_reply(k, REPLY_RESEND);
        return;
    }
    kbd_reply(k, REPLY_ACK);
    if (v) {
        k->s.set = v;
    } else {
        kbd_reply(k, k->s.set);
    }
}

/* The byte after a command that takes one. */
static void kbd_parameter(Keyboard *k, uint8_t command, uint8_t v)
{
    if (command == KBD_SCAN_SET) {
        kbd_scan_set(k, v);
        return;
    }
    if (command == KBD_SET_LEDS) {
        k->s.leds = v & 7;
    } else if (command == KBD_TYPEMATIC) {
        k->s.typematic = v & 0x7f;
    }
    kbd_reply(k, REPLY_ACK);
}

static void kbd_identify(Keyboard *k)
{
    kbd_reply(k, REPLY_ACK);
    for (unsigned i = 0; i < sizeof keyboard_id; i++) {
        kbd_reply(k, keyboard_id[i]);
    }
}

static void kbd_reset_command(Keyboard *k)
{
    kbd_defaults(k);
    k->s.enabled = true;
    k->s.leds = 0;
    kbd_reply(k, REPLY_ACK);
    kbd_reply(k, REPLY_BAT_OK);
}

static void kbd_command(Keyboard *k, uint8_t v)
{
    switch (v) {
    case KBD_ECHO:
        kbd_reply(k, REPLY_ECHO);
        break;
    case KBD_IDENTIFY:
        kbd_identify(k);
        break;
    case KBD_SET_LEDS:
    case KBD_SCAN_SET:
    case KBD_TYPEMATIC:
    case KBD_KEY_FIRST ... KBD_KEY_LAST:
        k->s.command = v;
        kbd_reply(k, REPLY_ACK);
        break;
    case KBD_ENABLE:
        ps2_queue_clear(&k->ps2);
        k->s.enabled = true;
        kbd_reply(k, REPLY_ACK);
        break;
    case KBD_DISABLE:
    case KBD_DEFAULTS:
        kbd_defaults(k);
        k->s.enabled = v == KBD_DEFAULTS;
        kbd_reply(k, REPLY_ACK);
        break;
    case KBD_ALL_FIRST ... KBD_ALL_LAST:
        kbd_reply(k, REPLY_ACK);
        break;
    case KBD_RESEND:
        kbd_reply(k, k->s.last_sent);
        break;
    case KBD_RESET:
        kbd_reset_command(k);
        break;
    default:
        kbd_reply(k, REPLY_RESEND);
        break;
    }
}

static void kbd_write(Ps2Device *ps2, uint8_t v)
{
    Keyboard *k = (Keyboard *)ps2;
    uint8_t command = k->s.command;
    ps2_queue_begin_reply(ps2);
    k->s.command = 0;
    /* A new command instead of the awaited byte takes its place. */
    if (command && v < KBD_SET_LEDS) {
        kbd_parameter(k, command, v);
    } else {
        kbd_command(k, v);
    }
}

static bool kbd_realize(Device *dev, Error **errp)
{
    Keyboard *k = (Keyboard *)dev;
    k->ps2.queue = (Ps2Queue *)&k->s;
    k->ps2.write = kbd_write;
    input_register_keyboard(dev->machine, kbd_key, k);
    return true;
}

const DeviceClass ps2_keyboard_class = {
    .name = "ps2-kbd",
    .desc = "PS/2 keyboard",
    .category = "Input",
    .size = sizeof(Keyboard),
    .state_offset = offsetof(Keyboard, s),
    .state = kbd_state,
    .realize = kbd_realize,
};
