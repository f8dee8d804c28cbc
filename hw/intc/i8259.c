/*
 * The PC's two 8259A interrupt controllers, cascaded: IR2 of the master is
 * the slave's INT. Register and mode names are those of Intel's 8259A data
 * sheet (231468); the edge/level control registers are the 82371's.
 *
 * A request is remembered in IRR only while its input stays high, in edge mode
 * too (data sheet, "Edge and level triggered modes"): an input that falls
 * before the acknowledge cycle gives the default IR7.
 */
#include "base/bits.h"
#include "base/log.h"
#include "hw/pc-chips.h"
#include "irq-counts.h"
#include "vm/machine.h"

enum { MASTER, SLAVE, CHIPS };

#define CASCADE_IR 2
#define DEFAULT_IR 7       /* the answer when the request has gone */

/* ICW1 (A0 = 0, D4 = 1), ICW4 and OCW bits; data sheet figures 7 and 8. */
#define ICW1_IC4   BIT(0)
#define ICW1_SNGL  BIT(1)
#define ICW1_LTIM  BIT(3)
#define ICW1_INIT  BIT(4)
#define ICW4_AEOI  BIT(1)
#define ICW4_SFNM  BIT(4)
#define OCW3_RIS   BIT(0)
#define OCW3_RR    BIT(1)
#define OCW3_POLL  BIT(2)
#define OCW3_ID    BIT(3)
#define OCW3_SMM   BIT(5)
#define OCW3_ESMM  BIT(6)

/* What the next write to the A0 = 1 port is. */
enum { EXPECT_OCW1, EXPECT_ICW2, EXPECT_ICW3, EXPECT_ICW4 };

typedef uint8_t PicPair[CHIPS];
typedef uint64_t PicCounts[8 * CHIPS];

#define PIC_STATE(_)                                                         \
    _(PicPair, STATE_U8, level, 0, 1, "inputs as they are now")              \
    _(PicPair, STATE_U8, irr, 0, 1, "interrupt request register")            \
    _(PicPair, STATE_U8, isr, 0, 1, "in-service register")                   \
    _(PicPair, STATE_U8, imr, 0, 1, "interrupt mask register")               \
    _(PicPair, STATE_U8, icw1, 0, 1, "last ICW1")                            \
    _(PicPair, STATE_U8, icw2, 0, 1, "vector base")                          \
    _(PicPair, STATE_U8, icw3, 0, 1, "cascade configuration")                \
    _(PicPair, STATE_U8, icw4, 0, 1, "AEOI, nesting")                        \
    _(PicPair, STATE_U8, expect, 0, 1, "next word of the initialisation",    \
      STATE_IN(EXPECT_OCW1, EXPECT_ICW4))                                    \
    _(PicPair, STATE_U8, lowest, 7, 1, "input with the lowest priority",     \
      STATE_IN(0, 7))                                                        \
    _(PicPair, STATE_U8, rotate_aeoi, 0, 1, "rotate in automatic EOI")       \
    _(PicPair, STATE_U8, special_mask, 0, 1, "special mask mode")            \
    _(PicPair, STATE_U8, read_isr, 0, 1, "reads at A0 = 0 give ISR")         \
    _(PicPair, STATE_U8, poll, 0, 1, "the next read is a poll")              \
    _(PicPair, STATE_U8, elcr, 0, 1, "level-triggered inputs")               \
    _(PicCounts, STATE_U64, rises, 0, 2, "how often each input rose")

STATE_STRUCT(PicState, PIC_STATE);
static STATE_TABLE(pic_state, "i8259", 2, PicState, PIC_STATE)

typedef struct Pic {
    Device dev;
    PicState s;
    IrqLine intr;
    MemRegion io[CHIPS], elcr_io;
    IrqLine taps[16], intr_tap; /* listeners of a test */
} Pic;

/* Inputs that ELCR can make level-triggered: not the timer, keyboard, cascade,
 * RTC and FPU (82371SB, section 2.5.8). */
static const uint8_t elcr_writable[CHIPS] = { 0xf8, 0xde };

static uint8_t chip_level_inputs(const PicState *s, int chip)
{
    return s->icw1[chip] & ICW1_LTIM ? 0xff : s->elcr[chip];
}

/* The place of the best of `inputs` in the present order: 0 is the highest
 * priority, 8 means none. */
static unsigned chip_rank(const PicState *s, int chip, uint8_t inputs)
{
    unsigned rank = 0;
    while (rank < 8 && !(inputs & BIT((s->lowest[chip] + 1 + rank) & 7))) {
        rank++;
    }
    return rank;
}

static int chip_input_at(const PicState *s, int chip, unsigned rank)
{
    return (s->lowest[chip] + 1 + rank) & 7;
}

/* The input that INT is raised for, -1 if it is not raised. */
static int chip_pending(const PicState *s, int chip)
{
    unsigned rank = chip_rank(s, chip, s->irr[chip] & ~s->imr[chip]);
    if (rank == 8) {
        return -1;
    }
    uint8_t blocking = s->isr[chip];
    if (s->special_mask[chip]) {
        blocking &= ~s->imr[chip];
    }
    /* Fully nested inside the slave: its own level does not block it. */
    if (chip == MASTER && (s->icw4[chip] & ICW4_SFNM)) {
        blocking &= ~BIT(CASCADE_IR);
    }
    return rank < chip_rank(s, chip, blocking)
        ? chip_input_at(s, chip, rank) : -1;
}

static void chip_set_input(PicState *s, int chip, int n, bool level)
{
    uint8_t bit = BIT(n);
    if (!level) {
        s->level[chip] &= ~bit;
        s->irr[chip] &= ~bit;
    } else if (!(s->level[chip] & bit)
               || (chip_level_inputs(s, chip) & bit)) {
        s->level[chip] |= bit;
        s->irr[chip] |= bit;
    }
}

static void pic_update(Pic *p)
{
    chip_set_input(&p->s, MASTER, CASCADE_IR, chip_pending(&p->s, SLAVE) >= 0);
    bool pending = chip_pending(&p->s, MASTER) >= 0;
    irq_set(&p->intr, pending);
    irq_set(&p->intr_tap, pending);
}

void i8259_irq(void *opaque, int irq, bool level)
{
    Pic *p = opaque;
    g_assert(irq >= 0 && irq < 16);
    irq_set(&p->taps[irq], level);
    p->s.rises[irq] += level && !(p->s.level[irq >> 3] & BIT(irq & 7));
    if (irq != CASCADE_IR) {
        chip_set_input(&p->s, irq >> 3, irq & 7, level);
        pic_update(p);
    }
}

/* What the first INTA pulse or a poll does to a chip: the input now in
 * service, -1 if nothing was requested. */
static int chip_take(PicState *s, int chip)
{
    int n = chip_pending(s, chip);
    if (n < 0) {
        return n;
    }
    if (!(chip_level_inputs(s, chip) & BIT(n))) {
        s->irr[chip] &= ~BIT(n);
    }
    if (!(s->icw4[chip] & ICW4_AEOI)) {
        s->isr[chip] |= BIT(n);
    } else if (s->rotate_aeoi[chip]) {
        s->lowest[chip] = n;
    }
    return n;
}

int pic_acknowledge(void *opaque)
{
    Pic *p = opaque;
    int chip = MASTER, n = chip_take(&p->s, MASTER);
    if (n == CASCADE_IR) {
        chip = SLAVE;
        n = chip_take(&p->s, SLAVE);
        /* The slave's INT falls with its INTA, and rises again in
         * pic_update() if something else waits there: a new edge. */
        chip_set_input(&p->s, MASTER, CASCADE_IR, false);
    }
    int vector = (p->s.icw2[chip] & 0xf8) + (n < 0 ? DEFAULT_IR : n);
    pic_update(p);
    return vector;
}

static void chip_init_start(PicState *s, int chip, uint8_t icw1)
{
    s->icw1[chip] = icw1;
    s->imr[chip] = 0;
    s->isr[chip] = 0;
    s->lowest[chip] = 7;
    s->special_mask[chip] = 0;
    s->read_isr[chip] = 0;
    s->poll[chip] = 0;
    s->rotate_aeoi[chip] = 0;
    s->icw4[chip] = 0;
    /* The edge sense circuit is reset: an input must rise anew. */
    s->irr[chip] = s->level[chip] & chip_level_inputs(s, chip);
    s->expect[chip] = EXPECT_ICW2;
    /* Whatever the slave still asks for shall be an edge for the master. */
    chip_set_input(s, MASTER, CASCADE_IR, false);
}

/* The ISR bit that an EOI without a level ends: 0..7, -1 if none. */
static int chip_best_in_service(const PicState *s, int chip)
{
    uint8_t inputs = s->isr[chip];
    if (s->special_mask[chip]) {
        inputs &= ~s->imr[chip];
    }
    unsigned rank = chip_rank(s, chip, inputs);
    return rank == 8 ? -1 : chip_input_at(s, chip, rank);
}

/* OCW2: R, SL, EOI in bits 7..5 and a level in bits 2..0. */
static void chip_ocw2(PicState *s, int chip, uint8_t v)
{
    bool rotate = v & BIT(7), specific = v & BIT(6), eoi = v & BIT(5);
    if (!eoi) {
        if (!specific) {
            s->rotate_aeoi[chip] = rotate;
        } else if (rotate) {
            s->lowest[chip] = v & 7;
        }
        return;
    }
    int n = specific ? v & 7 : chip_best_in_service(s, chip);
    if (n >= 0) {
        s->isr[chip] &= ~BIT(n);
        if (rotate) {
            s->lowest[chip] = n;
        }
    }
}

static void chip_ocw3(PicState *s, int chip, uint8_t v)
{
    if (v & OCW3_ESMM) {
        s->special_mask[chip] = (v & OCW3_SMM) != 0;
    }
    if (v & OCW3_POLL) {
        s->poll[chip] = 1;
    } else if (v & OCW3_RR) {
        s->read_isr[chip] = v & OCW3_RIS;
    }
}

static void chip_write_data(PicState *s, int chip, uint8_t v)
{
    switch (s->expect[chip]) {
    case EXPECT_ICW2:
        s->icw2[chip] = v;
        s->expect[chip] = !(s->icw1[chip] & ICW1_SNGL) ? EXPECT_ICW3
                        : s->icw1[chip] & ICW1_IC4     ? EXPECT_ICW4
                                                       : EXPECT_OCW1;
        break;
    case EXPECT_ICW3:
        s->icw3[chip] = v;
        s->expect[chip] = s->icw1[chip] & ICW1_IC4 ? EXPECT_ICW4 : EXPECT_OCW1;
        break;
    case EXPECT_ICW4:
        s->icw4[chip] = v;
        s->expect[chip] = EXPECT_OCW1;
        break;
    default:
        s->imr[chip] = v;
        break;
    }
}

static uint64_t pic_read(Pic *p, int chip, PhysAddr a0)
{
    if (p->s.poll[chip]) {
        p->s.poll[chip] = 0;
        int n = chip_take(&p->s, chip);
        if (chip == SLAVE) {
            chip_set_input(&p->s, MASTER, CASCADE_IR, false);
        }
        pic_update(p);
        return n < 0 ? DEFAULT_IR : 0x80 | n;
    }
    if (a0) {
        return p->s.imr[chip];
    }
    return p->s.read_isr[chip] ? p->s.isr[chip] : p->s.irr[chip];
}

static void pic_write(Pic *p, int chip, PhysAddr a0, uint8_t v)
{
    if (a0) {
        chip_write_data(&p->s, chip, v);
    } else if (v & ICW1_INIT) {
        chip_init_start(&p->s, chip, v);
    } else if (v & OCW3_ID) {
        chip_ocw3(&p->s, chip, v);
    } else {
        chip_ocw2(&p->s, chip, v);
    }
    pic_update(p);
}

static uint64_t master_read(void *opaque, PhysAddr a0, unsigned size)
{
    return pic_read(opaque, MASTER, a0);
}

static void master_write(void *opaque, PhysAddr a0, uint64_t v, unsigned size)
{
    pic_write(opaque, MASTER, a0, v);
}

static uint64_t slave_read(void *opaque, PhysAddr a0, unsigned size)
{
    return pic_read(opaque, SLAVE, a0);
}

static void slave_write(void *opaque, PhysAddr a0, uint64_t v, unsigned size)
{
    pic_write(opaque, SLAVE, a0, v);
}

static uint64_t elcr_read(void *opaque, PhysAddr chip, unsigned size)
{
    Pic *p = opaque;
    return p->s.elcr[chip];
}

static void elcr_write(void *opaque, PhysAddr chip, uint64_t v, unsigned size)
{
    Pic *p = opaque;
    p->s.elcr[chip] = v & elcr_writable[chip];
    p->s.irr[chip] |= p->s.level[chip] & p->s.elcr[chip];
    pic_update(p);
}

static const MemOps chip_ops[CHIPS] = {
    { master_read, master_write, .max_size = 1 },
    { slave_read, slave_write, .max_size = 1 },
};
static const MemOps elcr_ops = { elcr_read, elcr_write, .max_size = 1 };

IrqLine *i8259_intr(Device *dev)
{
    return &((Pic *)dev)->intr;
}

void pic_print(Device *dev, GString *out)
{
    const PicState *s = &((Pic *)dev)->s;
    for (int chip = 0; chip < CHIPS; chip++) {
        g_string_append_printf(
            out,
            "pic%d: irr=%02x imr=%02x isr=%02x hprio=%d irq_base=%02x "
            "rr_sel=%d elcr=%02x fnm=%d\n",
            chip, s->irr[chip], s->imr[chip], s->isr[chip],
            chip_input_at(s, chip, 0), s->icw2[chip] & 0xf8,
            s->read_isr[chip], s->elcr[chip],
            (s->icw4[chip] & ICW4_SFNM) != 0);
    }
}

static void pic_counts(void *opaque, GString *out)
{
    irq_counts_print(out, "isa-i8259", ((Pic *)opaque)->s.rises, 8 * CHIPS);
}

static bool pic_realize(Device *dev, Error **errp)
{
    static const uint16_t ports[CHIPS] = { 0x20, 0xa0 };
    static const char *const names[CHIPS] = { "pic", "pic2" };
    Pic *p = (Pic *)dev;
    for (int chip = 0; chip < CHIPS; chip++) {
        mem_init_io(&p->io[chip], names[chip], 2, &chip_ops[chip], p);
        mem_add(&dev->machine->io_root, ports[chip], &p->io[chip], 0);
    }
    mem_init_io(&p->elcr_io, "elcr", 2, &elcr_ops, p);
    mem_add(&dev->machine->io_root, 0x4d0, &p->elcr_io, 0);
    machine_add_info(dev->machine, "irq", pic_counts, p);
    return true;
}

static void pic_reset(Device *dev)
{
    Pic *p = (Pic *)dev;
    irq_set(&p->intr, false);
}

static IrqLine *pic_irq_tap(Device *dev, bool out, unsigned n)
{
    Pic *p = (Pic *)dev;
    if (out) {
        return n == 0 ? &p->intr_tap : NULL;
    }
    return n < G_N_ELEMENTS(p->taps) ? &p->taps[n] : NULL;
}

const DeviceClass i8259_class = {
    .name = "isa-i8259",
    .desc = "8259A interrupt controllers",
    .category = "Misc",
    .size = sizeof(Pic),
    .state_offset = offsetof(Pic, s),
    .state = pic_state,
    .realize = pic_realize,
    .reset = pic_reset,
    .info_word = "pic",
    .info = pic_print,
    .irq_tap = pic_irq_tap,
};
