/*
 * 8042 keyboard controller with an auxiliary (mouse) port, as in IBM's PS/2
 * Technical Reference, "Keyboard and auxiliary device controller".
 *
 * A byte from a device takes a frame's time on the wire after the former one
 * was read: until then the output buffer keeps what was read, as interrupt
 * handlers that chain to the BIOS need it. The controller's own answers are
 * there at once.
 */
#include "base/bits.h"
#include "base/log.h"
#include "hw/pc-chips.h"
#include "hw/ps2.h"
#include "scancodes.h"
#include "vm/machine.h"

/* Eleven bits at 12.5 kHz. */
#define FRAME_NS (880 * NS_PER_US)

/* Port 0x64, read. */
#define STATUS_OBF       BIT(0)
#define STATUS_SYSTEM    BIT(2)
#define STATUS_COMMAND   BIT(3) /* the last write was to port 0x64 */
#define STATUS_UNLOCKED  BIT(4)
#define STATUS_AUX_OBF   BIT(5)

/* Command byte. */
#define MODE_KBD_IRQ     BIT(0)
#define MODE_AUX_IRQ     BIT(1)
#define MODE_SYSTEM      BIT(2)
#define MODE_KBD_OFF     BIT(4)
#define MODE_AUX_OFF     BIT(5)
#define MODE_TRANSLATE   BIT(6)

/* Output port. */
#define OUT_NO_RESET     BIT(0)
#define OUT_A20          BIT(1)
#define OUT_KBD_OBF      BIT(4)
#define OUT_AUX_OBF      BIT(5)
#define OUT_ONES         0xcc

/* Port 0x64, written. */
enum {
    CMD_READ_RAM = 0x20,   /* 20..3f; byte 0 is the command byte */
    CMD_READ_RAM_LAST = 0x3f,
    CMD_WRITE_RAM = 0x60,  /* 60..7f */
    CMD_WRITE_RAM_LAST = 0x7f,
    CMD_TEST_PASSWORD = 0xa4,
    CMD_AUX_OFF = 0xa7,
    CMD_AUX_ON = 0xa8,
    CMD_AUX_TEST = 0xa9,
    CMD_SELF_TEST = 0xaa,
    CMD_KBD_TEST = 0xab,
    CMD_KBD_OFF = 0xad,
    CMD_KBD_ON = 0xae,
    CMD_READ_INPUT = 0xc0,
    CMD_READ_OUTPUT = 0xd0,
    CMD_WRITE_OUTPUT = 0xd1,
    CMD_WRITE_KBD_OBF = 0xd2,
    CMD_WRITE_AUX_OBF = 0xd3,
    CMD_WRITE_AUX = 0xd4,
    CMD_A20_OFF = 0xdd,
    CMD_A20_ON = 0xdf,
    CMD_READ_TEST = 0xe0,
    CMD_PULSE = 0xf0,      /* f0..ff */
};

#define RAM_BYTES 32
typedef uint8_t KbcRam[RAM_BYTES];

#define KBC_STATE(_)                                                         \
    _(KbcRam, STATE_U8, ram, 0, 1, "controller RAM; 0 is the command byte")  \
    _(bool, STATE_BOOL, self_tested, false, 1, "system flag")                \
    _(bool, STATE_BOOL, last_command, true, 1, "last write was a command")   \
    _(uint8_t, STATE_U8, command, 0, 1, "command that waits for its byte")   \
    _(bool, STATE_BOOL, full, false, 1, "output buffer full")                \
    _(bool, STATE_BOOL, aux, false, 1, "it is for the mouse driver")         \
    _(uint8_t, STATE_U8, data, 0, 1, "output buffer")                        \
    _(bool, STATE_BOOL, reply_full, false, 1, "own answer that waits")       \
    _(bool, STATE_BOOL, reply_aux, false, 1, "it is for the mouse driver")   \
    _(uint8_t, STATE_U8, reply, 0, 1, "that answer")                         \
    _(bool, STATE_BOOL, release, false, 1, "f0 swallowed by translation")    \
    _(int64_t, STATE_TIME, ready, 0, 1, "no frame can have come before")     \
    _(int64_t, STATE_TIME, due, TIME_NEVER, 1, "a frame has come")

STATE_STRUCT(KbcState, KBC_STATE);
static STATE_TABLE(kbc_state, "i8042", 1, KbcState, KBC_STATE)

typedef struct Kbc {
    Device dev;
    KbcState s;
    IrqLine kbd_irq, aux_irq;
    Ps2Device *keyboard, *mouse;
    Device *gate;
    bool pumping;          /* a device is being asked for its byte */
    Timer timer;
    MemRegion data_io, status_io;
} Kbc;

static uint8_t kbc_mode(const Kbc *c)
{
    return c->s.ram[0];
}

static void kbc_update_irqs(Kbc *c)
{
    bool kbd = c->s.full && !c->s.aux, aux = c->s.full && c->s.aux;
    irq_set(&c->kbd_irq, kbd && (kbc_mode(c) & MODE_KBD_IRQ));
    irq_set(&c->aux_irq, aux && (kbc_mode(c) & MODE_AUX_IRQ));
}

static void kbc_fill(Kbc *c, uint8_t byte, bool aux)
{
    c->s.data = byte;
    c->s.aux = aux;
    c->s.full = true;
    kbc_update_irqs(c);
}

/* Scan code set 2 to 1; false if the byte is only the f0 of a release. */
static bool kbc_translate(Kbc *c, uint8_t *byte)
{
    if (!(kbc_mode(c) & MODE_TRANSLATE)) {
        return true;
    }
    if (*byte == 0xf0) {
        c->s.release = true;
        return false;
    }
    *byte = scancode_translation[*byte] | (c->s.release ? 0x80 : 0);
    c->s.release = false;
    return true;
}

static bool kbc_can_take(const Kbc *c, const Ps2Device *ps2, uint8_t off)
{
    return ps2_has_byte(ps2) && !(kbc_mode(c) & off);
}

/* Takes a device's next byte into the output buffer. Taking the last one of a
 * packet may make the device queue and notify anew. */
static void kbc_take(Kbc *c, bool kbd)
{
    c->pumping = true;
    uint8_t byte = ps2_take(kbd ? c->keyboard : c->mouse);
    c->pumping = false;
    if (!kbd || kbc_translate(c, &byte)) {
        kbc_fill(c, byte, !kbd);
    }
}

/* Moves the next byte into an empty output buffer if its time has come, else
 * sees to it that this is called when it has. */
static void kbc_pump(Kbc *c)
{
    if (!c->s.full && c->s.reply_full) {
        c->s.reply_full = false;
        kbc_fill(c, c->s.reply, c->s.reply_aux);
    }
    while (!c->s.full && !c->pumping) {
        bool kbd = kbc_can_take(c, c->keyboard, MODE_KBD_OFF);
        if (!kbd && !kbc_can_take(c, c->mouse, MODE_AUX_OFF)) {
            return;
        }
        if (clock_now_ns(c->dev.machine->clock) < c->s.ready) {
            timer_arm(&c->timer, c->s.ready);
            return;
        }
        kbc_take(c, kbd);
    }
}

static void kbc_timer(void *opaque)
{
    kbc_pump(opaque);
}

static void kbc_answer(Kbc *c, uint8_t byte, bool aux)
{
    c->s.reply = byte;
    c->s.reply_aux = aux;
    c->s.reply_full = true;
    kbc_pump(c);
}

/* --- commands ------------------------------------------------------------- */

static void kbc_set_mode(Kbc *c, uint8_t v)
{
    c->s.ram[0] = v;
    if (!(v & MODE_TRANSLATE)) {
        c->s.release = false;
    }
    kbc_update_irqs(c);
    kbc_pump(c);
}

static uint8_t kbc_output_port(const Kbc *c)
{
    bool open = !c->gate || pc_a20_is_open(c->gate);
    return OUT_ONES | OUT_NO_RESET | (open ? OUT_A20 : 0)
           | (c->s.full && !c->s.aux ? OUT_KBD_OBF : 0)
           | (c->s.full && c->s.aux ? OUT_AUX_OBF : 0);
}

static void kbc_drive_a20(Kbc *c, bool open)
{
    if (c->gate) {
        pc_a20_set(c->gate, open);
    }
}

static void kbc_write_output_port(Kbc *c, uint8_t v)
{
    kbc_drive_a20(c, v & OUT_A20);
    if (!(v & OUT_NO_RESET)) {
        runstate_request_reset(c->dev.machine, CAUSE_GUEST_RESET);
    }
}

/* Commands whose answer is a fixed byte. */
static const struct {
    uint8_t command, answer;
} fixed_answers[] = {
    { CMD_TEST_PASSWORD, 0xf1 },  /* none installed */
    { CMD_AUX_TEST, 0x00 },
    { CMD_SELF_TEST, 0x55 },
    { CMD_KBD_TEST, 0x00 },
    { CMD_READ_INPUT, 0xa0 },     /* not inhibited, 512 KiB on the board */
    { CMD_READ_TEST, 0x00 },
};

static bool kbc_answer_fixed(Kbc *c, uint8_t command)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fixed_answers); i++) {
        if (fixed_answers[i].command == command) {
            kbc_answer(c, fixed_answers[i].answer, false);
            return true;
        }
    }
    return false;
}

static void kbc_command(Kbc *c, uint8_t v)
{
    c->s.command = 0;
    c->s.self_tested |= v == CMD_SELF_TEST;
    switch (v) {
    case CMD_READ_RAM ... CMD_READ_RAM_LAST:
        kbc_answer(c, c->s.ram[v - CMD_READ_RAM], false);
        break;
    case CMD_WRITE_RAM ... CMD_WRITE_RAM_LAST:
    case CMD_WRITE_OUTPUT:
    case CMD_WRITE_KBD_OBF:
    case CMD_WRITE_AUX_OBF:
    case CMD_WRITE_AUX:
        c->s.command = v;
        break;
    case CMD_AUX_OFF:
        kbc_set_mode(c, kbc_mode(c) | MODE_AUX_OFF);
        break;
    case CMD_AUX_ON:
        kbc_set_mode(c, kbc_mode(c) & ~MODE_AUX_OFF);
        break;
    case CMD_KBD_OFF:
        kbc_set_mode(c, kbc_mode(c) | MODE_KBD_OFF);
        break;
    case CMD_KBD_ON:
        kbc_set_mode(c, kbc_mode(c) & ~MODE_KBD_OFF);
        break;
    case CMD_READ_OUTPUT:
        kbc_answer(c, kbc_output_port(c), false);
        break;
    case CMD_A20_OFF:
    case CMD_A20_ON:
        kbc_drive_a20(c, v == CMD_A20_ON);
        break;
    case CMD_PULSE ... 0xff:
        if (!(v & OUT_NO_RESET)) {
            runstate_request_reset(c->dev.machine, CAUSE_GUEST_RESET);
        }
        break;
    default:
        if (!kbc_answer_fixed(c, v)) {
            guest_error("i8042: no command 0x%02x\n", v);
        }
        break;
    }
}

/* A byte to a device: its clock is enabled for it. */
static void kbc_send(Kbc *c, Ps2Device *ps2, uint8_t off, uint8_t v)
{
    c->s.ram[0] &= ~off;
    if (ps2) {
        ps2->write(ps2, v);
    }
    kbc_pump(c);
}

static void kbc_data(Kbc *c, uint8_t v)
{
    uint8_t command = c->s.command;
    c->s.command = 0;
    switch (command) {
    case CMD_WRITE_RAM:
        kbc_set_mode(c, v);
        break;
    case CMD_WRITE_RAM + 1 ... CMD_WRITE_RAM_LAST:
        c->s.ram[command - CMD_WRITE_RAM] = v;
        break;
    case CMD_WRITE_OUTPUT:
        kbc_write_output_port(c, v);
        break;
    case CMD_WRITE_KBD_OBF:
        kbc_answer(c, v, false);
        break;
    case CMD_WRITE_AUX_OBF:
        kbc_answer(c, v, true);
        break;
    case CMD_WRITE_AUX:
        kbc_send(c, c->mouse, MODE_AUX_OFF, v);
        break;
    default:
        kbc_send(c, c->keyboard, MODE_KBD_OFF, v);
        break;
    }
}

/* --- ports ---------------------------------------------------------------- */

static uint64_t data_read(void *opaque, PhysAddr offset, unsigned size)
{
    Kbc *c = opaque;
    uint8_t v = c->s.data;
    if (c->s.full) {
        c->s.full = false;
        c->s.ready = clock_now_ns(c->dev.machine->clock) + FRAME_NS;
        kbc_update_irqs(c);
        kbc_pump(c);
    }
    return v;
}

static void data_write(void *opaque, PhysAddr offset, uint64_t v,
                       unsigned size)
{
    Kbc *c = opaque;
    c->s.last_command = false;
    kbc_data(c, v);
}

static uint64_t status_read(void *opaque, PhysAddr offset, unsigned size)
{
    Kbc *c = opaque;
    bool system = c->s.self_tested || (kbc_mode(c) & MODE_SYSTEM);
    return STATUS_UNLOCKED | (c->s.full ? STATUS_OBF : 0)
           | (c->s.full && c->s.aux ? STATUS_AUX_OBF : 0)
           | (system ? STATUS_SYSTEM : 0)
           | (c->s.last_command ? STATUS_COMMAND : 0);
}

static void status_write(void *opaque, PhysAddr offset, uint64_t v,
                         unsigned size)
{
    Kbc *c = opaque;
    c->s.last_command = true;
    kbc_command(c, v);
}

static const MemOps data_ops = { data_read, data_write, .max_size = 1 };
static const MemOps status_ops = { status_read, status_write, .max_size = 1 };

/* --- wiring --------------------------------------------------------------- */

static void kbc_notified(void *opaque)
{
    kbc_pump(opaque);
}

static Ps2Device *kbc_plug_one(Kbc *c, Device *dev)
{
    Ps2Device *ps2 = (Ps2Device *)dev;
    if (ps2) {
        ps2->notify = kbc_notified;
        ps2->opaque = c;
    }
    return ps2;
}

void i8042_plug(Device *dev, Device *keyboard, Device *mouse)
{
    Kbc *c = (Kbc *)dev;
    c->keyboard = kbc_plug_one(c, keyboard);
    c->mouse = kbc_plug_one(c, mouse);
}

void i8042_set_a20(Device *dev, Device *gate)
{
    ((Kbc *)dev)->gate = gate;
}

IrqLine *i8042_irq_keyboard(Device *dev)
{
    return &((Kbc *)dev)->kbd_irq;
}

IrqLine *i8042_irq_mouse(Device *dev)
{
    return &((Kbc *)dev)->aux_irq;
}

static bool kbc_realize(Device *dev, Error **errp)
{
    Kbc *c = (Kbc *)dev;
    Machine *m = dev->machine;
    timer_init(&c->timer, m->clock, "i8042", &c->s.due, kbc_timer, c);
    mem_init_io(&c->data_io, "i8042-data", 1, &data_ops, c);
    mem_add(&m->io_root, 0x60, &c->data_io, 0);
    mem_init_io(&c->status_io, "i8042-status", 1, &status_ops, c);
    mem_add(&m->io_root, 0x64, &c->status_io, 0);
    return true;
}

static void kbc_reset(Device *dev)
{
    Kbc *c = (Kbc *)dev;
    c->s.ram[0] = MODE_KBD_IRQ | MODE_AUX_IRQ;
    timer_cancel(&c->timer);
    kbc_update_irqs(c);
}

const DeviceClass i8042_class = {
    .name = "i8042",
    .desc = "keyboard controller",
    .category = "Input",
    .size = sizeof(Kbc),
    .state_offset = offsetof(Kbc, s),
    .state = kbc_state,
    .realize = kbc_realize,
    .reset = kbc_reset,
};
