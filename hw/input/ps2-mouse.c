/*
 * PS/2 mouse (IBM PS/2 Technical Reference, "Mouse"; Microsoft IntelliMouse
 * extensions with ID 3, wheel, and 4, five buttons).
 *
 * Movements add up in counters; a packet is made of them when the former one
 * has left, so a guest that reads slowly gets few packets with large
 * movements.
 */
#include <stdlib.h>

#include "base/bits.h"
#include "hw/pc-chips.h"
#include "hw/ps2.h"
#include "io/input.h"
#include "vm/machine.h"

enum {
    MOUSE_SCALE_1_1 = 0xe6,
    MOUSE_SCALE_2_1 = 0xe7,
    MOUSE_RESOLUTION = 0xe8,
    MOUSE_STATUS = 0xe9,
    MOUSE_STREAM = 0xea,
    MOUSE_READ = 0xeb,
    MOUSE_WRAP_OFF = 0xec,
    MOUSE_WRAP_ON = 0xee,
    MOUSE_REMOTE = 0xf0,
    MOUSE_IDENTIFY = 0xf2,
    MOUSE_RATE = 0xf3,
    MOUSE_ENABLE = 0xf4,
    MOUSE_DISABLE = 0xf5,
    MOUSE_DEFAULTS = 0xf6,
    MOUSE_RESEND = 0xfe,
    MOUSE_RESET = 0xff,
};

#define REPLY_ACK    0xfa
#define REPLY_BAT_OK 0xaa
#define REPLY_RESEND 0xfe

#define ID_STANDARD 0
#define ID_WHEEL    3
#define ID_FIVE     4

/* First byte of a packet. */
#define PACKET_ALWAYS BIT(3)
#define PACKET_X_NEG  BIT(4)
#define PACKET_Y_NEG  BIT(5)

typedef uint8_t MouseRates[3];

#define MOUSE_STATE(_)                                                       \
    PS2_QUEUE_ROWS(_)                                                        \
    _(uint8_t, STATE_U8, command, 0, 1, "command that waits for its byte")   \
    _(bool, STATE_BOOL, enabled, false, 1, "data reporting is enabled")      \
    _(bool, STATE_BOOL, remote, false, 1, "remote mode: only when asked")    \
    _(bool, STATE_BOOL, wrap, false, 1, "wrap mode: echoes")                 \
    _(bool, STATE_BOOL, doubled, false, 1, "scaling 2:1")                    \
    _(uint8_t, STATE_U8, resolution, 2, 1, "log2 of counts per mm",          \
      STATE_IN(0, 3))                                                        \
    _(uint8_t, STATE_U8, rate, 100, 1, "samples a second")                   \
    _(MouseRates, STATE_U8, rates, 0, 1, "the last three rates set")         \
    _(uint8_t, STATE_U8, type, ID_STANDARD, 1, "device ID")                  \
    _(uint8_t, STATE_U8, buttons, 0, 1,                                      \
      "left, right, middle, side, extra held", STATE_IN(0, 31))              \
    _(uint8_t, STATE_U8, reported, 0, 1, "buttons in the last packet")       \
    _(int64_t, STATE_I64, dx, 0, 1, "movement not reported, right",          \
      STATE_IN(INT16_MIN, INT16_MAX))                                        \
    _(int64_t, STATE_I64, dy, 0, 1, "movement not reported, up",             \
      STATE_IN(INT16_MIN, INT16_MAX))                                        \
    _(int64_t, STATE_I64, dz, 0, 2, "the wheel's, towards the user",         \
      STATE_IN(INT16_MIN, INT16_MAX))

STATE_STRUCT(MouseState, MOUSE_STATE);
static STATE_TABLE(mouse_state, "ps2-mouse", 2, MouseState, MOUSE_STATE)

typedef struct Mouse {
    Ps2Device ps2;
    MouseState s;
} Mouse;

/* In stream mode with scaling 2:1 small movements shrink and large ones
 * double. */
static int64_t scaled(const MouseState *s, int64_t d)
{
    static const uint8_t small[] = { 0, 1, 1, 3, 6, 9 };
    int64_t size = llabs(d);
    if (!s->doubled || s->remote) {
        return d;
    }
    size = size < sizeof small ? small[size] : 2 * size;
    return d < 0 ? -size : size;
}

/* Takes what a packet can carry (nine bits, signed) out of a counter. */
static int take_movement(const MouseState *s, int64_t *d)
{
    int limit = s->doubled && !s->remote ? 127 : 255;
    int64_t part = CLAMP(*d, -limit, limit);
    *d -= part;
    return scaled(s, part);
}

/* What a packet has room for: four bits, signed, beside the further buttons
 * (ID 4); a byte of which as many are used (ID 3). */
static int take_wheel(MouseState *s)
{
    int64_t part = CLAMP(s->dz, -8, 7);
    s->dz -= part;
    return part;
}

/* The fourth byte of a packet: the wheel, and buttons 4 and 5. */
static uint8_t wheel_byte(MouseState *s)
{
    int dz = take_wheel(s);
    return s->type == ID_FIVE ? (dz & 0xf) | (s->buttons & 0x18) << 1 : dz;
}

static unsigned mouse_packet(MouseState *s, uint8_t *out)
{
    int dx = take_movement(s, &s->dx), dy = take_movement(s, &s->dy);
    s->reported = s->buttons;
    out[0] = PACKET_ALWAYS | (s->buttons & 7) | (dx < 0 ? PACKET_X_NEG : 0)
             | (dy < 0 ? PACKET_Y_NEG : 0);
    out[1] = dx;
    out[2] = dy;
    out[3] = s->type == ID_STANDARD ? 0 : wheel_byte(s);
    return s->type == ID_STANDARD ? 3 : 4;
}

static void mouse_report(Ps2Device *ps2)
{
    Mouse *m = (Mouse *)ps2;
    MouseState *s = &m->s;
    bool wheel = s->dz && s->type != ID_STANDARD;
    bool news = s->dx || s->dy || wheel || s->buttons != s->reported;
    if (news && s->enabled && !s->remote && !s->wrap && !s->count) {
        uint8_t packet[4];
        unsigned n = mouse_packet(s, packet);
        ps2_queue_event(ps2, packet, n);
    }
}

static void mouse_moved(void *opaque, const InputPointer *p)
{
    Mouse *m = opaque;
    m->s.buttons = (m->s.buttons & ~p->mask) | (p->buttons & p->mask);
    if (!m->s.enabled && !m->s.remote) {
        return;
    }
    m->s.dx = CLAMP(m->s.dx + p->dx, INT16_MIN, INT16_MAX);
    m->s.dy = CLAMP(m->s.dy - (int64_t)p->dy, INT16_MIN, INT16_MAX);
    m->s.dz = CLAMP(m->s.dz + p->dz, INT16_MIN, INT16_MAX);
    mouse_report(&m->ps2);
}

static void mouse_reply(Mouse *m, uint8_t byte)
{
    ps2_queue_reply(&m->ps2, byte);
}

static void mouse_clear_movement(MouseState *s)
{
    s->dx = s->dy = s->dz = 0;
    s->reported = s->buttons;
}

static void mouse_defaults(Mouse *m)
{
    MouseState *s = &m->s;
    s->enabled = s->remote = s->doubled = false;
    s->resolution = 2;
    s->rate = 100;
    ps2_queue_clear(&m->ps2);
    mouse_clear_movement(s);
}

/* 200, 100, 80 asks for the wheel; 200, 200, 80 then for five buttons. */
static void mouse_set_rate(MouseState *s, uint8_t v)
{
    s->rate = v;
    s->rates[0] = s->rates[1];
    s->rates[1] = s->rates[2];
    s->rates[2] = v;
    if (s->rates[0] != 200 || s->rates[2] != 80) {
        return;
    }
    if (s->rates[1] == 100) {
        s->type = ID_WHEEL;
    } else if (s->rates[1] == 200 && s->type == ID_WHEEL) {
        s->type = ID_FIVE;
    }
}

static void mouse_parameter(Mouse *m, uint8_t command, uint8_t v)
{
    if (command == MOUSE_RATE) {
        mouse_set_rate(&m->s, v);
    } else {
        m->s.resolution = v & 3;
    }
    mouse_reply(m, REPLY_ACK);
}

static void mouse_status(Mouse *m)
{
    const MouseState *s = &m->s;
    mouse_reply(m, REPLY_ACK);
    mouse_reply(m, s->remote << 6 | s->enabled << 5 | s->doubled << 4
                       | (s->buttons & 1) << 2 | (s->buttons & 4) >> 1
                       | (s->buttons & 2) >> 1);
    mouse_reply(m, s->resolution);
    mouse_reply(m, s->rate);
}

static void mouse_read(Mouse *m)
{
    uint8_t packet[4];
    unsigned n = mouse_packet(&m->s, packet);
    mouse_reply(m, REPLY_ACK);
    for (unsigned i = 0; i < n; i++) {
        mouse_reply(m, packet[i]);
    }
}

static void mouse_reset_command(Mouse *m)
{
    mouse_defaults(m);
    m->s.type = ID_STANDARD;
    m->s.wrap = false;
    mouse_reply(m, REPLY_ACK);
    mouse_reply(m, REPLY_BAT_OK);
    mouse_reply(m, ID_STANDARD);
}

/* Commands that change a mode and are only acknowledged; false: unknown. */
static bool mouse_mode_command(Mouse *m, uint8_t v)
{
    MouseState *s = &m->s;
    switch (v) {
    case MOUSE_SCALE_1_1:
    case MOUSE_SCALE_2_1:
        s->doubled = v == MOUSE_SCALE_2_1;
        return true;
    case MOUSE_STREAM:
    case MOUSE_REMOTE:
        s->remote = v == MOUSE_REMOTE;
        mouse_clear_movement(s);
        return true;
    case MOUSE_WRAP_OFF:
    case MOUSE_WRAP_ON:
        s->wrap = v == MOUSE_WRAP_ON;
        mouse_clear_movement(s);
        return true;
    case MOUSE_RESOLUTION:
    case MOUSE_RATE:
        s->command = v;
        return true;
    case MOUSE_ENABLE:
    case MOUSE_DISABLE:
        s->enabled = v == MOUSE_ENABLE;
        mouse_clear_movement(s);
        return true;
    case MOUSE_DEFAULTS:
        mouse_defaults(m);
        return true;
    }
    return false;
}

static void mouse_command(Mouse *m, uint8_t v)
{
    switch (v) {
    case MOUSE_STATUS:
        mouse_status(m);
        break;
    case MOUSE_READ:
        mouse_read(m);
        break;
    case MOUSE_IDENTIFY:
        mouse_reply(m, REPLY_ACK);
        mouse_reply(m, m->s.type);
        break;
    case MOUSE_RESEND:
        mouse_reply(m, m->s.last_sent);
        break;
    case MOUSE_RESET:
        mouse_reset_command(m);
        break;
    default:
        mouse_reply(m, mouse_mode_command(m, v) ? REPLY_ACK : REPLY_RESEND);
        break;
    }
}

static void mouse_write(Ps2Device *ps2, uint8_t v)
{
    Mouse *m = (Mouse *)ps2;
    uint8_t command = m->s.command;
    ps2_queue_begin_reply(ps2);
    m->s.command = 0;
    if (command) {
        mouse_parameter(m, command, v);
    } else if (m->s.wrap && v != MOUSE_WRAP_OFF && v != MOUSE_RESET) {
        mouse_reply(m, v);
    } else {
        mouse_command(m, v);
    }
}

static bool mouse_realize(Device *dev, Error **errp)
{
    Mouse *m = (Mouse *)dev;
    m->ps2.queue = (Ps2Queue *)&m->s;
    m->ps2.write = mouse_write;
    m->ps2.drained = mouse_report;
    input_register_pointer(dev->machine, mouse_moved, m);
    return true;
}

const DeviceClass ps2_mouse_class = {
    .name = "ps2-mouse",
    .desc = "PS/2 mouse with IntelliMouse extensions",
    .category = "Input",
    .size = sizeof(Mouse),
    .state_offset = offsetof(Mouse, s),
    .state = mouse_state,
    .realize = mouse_realize,
};
