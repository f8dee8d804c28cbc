/*
 * The watchdog timer of Intel's 6300ESB I/O controller hub (300641, chapter
 * "Watchdog Timer"): two stages, each of which counts a preload value down in
 * ticks of 2^15 or 2^5 cycles of a PCI clock of 33 MHz. When the first is over
 * the interrupt status says so; when the second is, the machine is reset, unless
 * the driver has switched that off.
 *
 * The interrupt of the first stage would go to a second I/O APIC, which no
 * board has: drivers poll its status.
 */
#include "base/log.h"
#include "hw/pci.h"
#include "vm/guest-action.h"

/* Configuration space. */
enum { CONFIG = 0x60, LOCK = 0x68 };
#define CONFIG_FAST      0x0004u   /* ticks of 2^5 cycles */
#define CONFIG_NO_REBOOT 0x0020u
#define CONFIG_WRITABLE  0x0027u
#define LOCK_LOCKED      0x01u
#define LOCK_ENABLE      0x02u
#define LOCK_FREE_RUN    0x04u
#define LOCK_WRITABLE    0x07u

/* Registers in memory. */
enum { PRELOAD_1 = 0x0, PRELOAD_2 = 0x4, INTERRUPT = 0x8, RELOAD = 0xc };
#define PRELOAD_MASK   0xfffffu
#define INTERRUPT_1    0x01u       /* the first stage is over */
#define RELOAD_PING    0x0100u
#define RELOAD_TIMEOUT 0x0200u     /* the second was, before the last reset */
#define UNLOCK_FIRST   0x80u
#define UNLOCK_SECOND  0x86u
#define REGISTER_BYTES 16

#define CLOCK_NS 30
#define SHIFT_SLOW 15
#define SHIFT_FAST 5

typedef uint32_t EsbPreloads[2];

#define ESB_STATE(_)                                                         \
    PCI_FUNCTION_STATE(_)                                                    \
    _(EsbPreloads, STATE_U32, preload, PRELOAD_MASK, 1,                      \
      "ticks of each stage", STATE_IN(0, PRELOAD_MASK))                      \
    _(uint8_t, STATE_U8, stage, 0, 1, "0: the first, 1: the second",         \
      STATE_IN(0, 1))                                                        \
    _(uint8_t, STATE_U8, unlocked, 0, 1, "how much of the unlocking was "    \
      "seen; 2: all")                                                        \
    _(uint8_t, STATE_U8, interrupt, 0, 1, "interrupt status")                \
    _(bool, STATE_BOOL, timed_out, 0, 1, "the second stage was over")        \
    _(int64_t, STATE_TIME, due_ns, TIME_NEVER, 1, "when the stage is over")
STATE_STRUCT(EsbState, ESB_STATE);
static STATE_TABLE(esb_state, "i6300esb", 1, EsbState, ESB_STATE)

typedef struct Esb {
    PciFunction pci;
    EsbState s;
    Timer timer;
    bool timer_is_there;
    MemRegion io;
} Esb;

/* --- the stages ---------------------------------------------------------------- */

static unsigned lock_bits(const Esb *d)
{
    return d->s.config[LOCK];
}

static void begin_stage(Esb *d, unsigned stage)
{
    bool fast = pci_config_16(&d->pci, CONFIG) & CONFIG_FAST;
    uint64_t ticks = MAX(d->s.preload[stage], 1);
    uint64_t cycles = ticks << (fast ? SHIFT_FAST : SHIFT_SLOW);
    d->s.stage = stage;
    timer_arm(&d->timer, clock_now_ns(d->pci.dev.machine->clock) +
                             (int64_t)cycles * CLOCK_NS);
}

static void restart(Esb *d)
{
    if (lock_bits(d) & LOCK_ENABLE) {
        begin_stage(d, 0);
    } else {
        timer_cancel(&d->timer);
    }
}

static void last_stage_over(Esb *d)
{
    if (!(pci_config_16(&d->pci, CONFIG) & CONFIG_NO_REBOOT)) {
        d->s.timed_out = true;
        guest_watchdog_expired(d->pci.dev.machine);
    }
    if (lock_bits(d) & LOCK_FREE_RUN) {
        begin_stage(d, 0);
    }
}

static void expired(void *opaque)
{
    Esb *d = opaque;
    if (d->s.stage == 0) {
        d->s.interrupt |= INTERRUPT_1;
        begin_stage(d, 1);
    } else {
        last_stage_over(d);
    }
}

/* --- registers ----------------------------------------------------------------- */

/* What is locked stays so until a reset, and so do the other two bits. */
static void config_written(PciFunction *f, unsigned offset, unsigned len)
{
    Esb *d = (Esb *)f;
    if (offset > LOCK || offset + len <= LOCK) {
        return;
    }
    if (lock_bits(d) & LOCK_LOCKED) {
        f->writable[LOCK] = 0;
    }
    bool runs = d->s.due_ns != TIME_NEVER;
    if (runs != !!(lock_bits(d) & LOCK_ENABLE)) {
        restart(d);
    }
}

static uint64_t esb_read(void *opaque, PhysAddr offset, unsigned size)
{
    const Esb *d = opaque;
    uint32_t v = 0;

    if ((offset & ~3u) == INTERRUPT) {
        v = d->s.interrupt;
    } else if ((offset & ~3u) == RELOAD) {
        v = d->s.timed_out ? RELOAD_TIMEOUT : 0;
    }
    return v >> 8 * (offset & 3);
}

/* Preloads and the reload register take one write after the two keys. */
static void unlocked_write(Esb *d, PhysAddr offset, uint32_t v)
{
    d->s.unlocked = 0;
    if (offset == PRELOAD_1 || offset == PRELOAD_2) {
        d->s.preload[offset / 4] = v & PRELOAD_MASK;
        return;
    }
    if (v & RELOAD_TIMEOUT) {
        d->s.timed_out = false;
    }
    if (v & RELOAD_PING) {
        restart(d);
    }
}

static void esb_write(void *opaque, PhysAddr offset, uint64_t v,
                      unsigned size)
{
    Esb *d = opaque;
    bool first = d->s.unlocked == 1;

    if (offset == INTERRUPT) {
        d->s.interrupt &= ~v;
    } else if (offset == RELOAD && v == UNLOCK_FIRST) {
        d->s.unlocked = 1;
    } else if (offset == RELOAD && v == UNLOCK_SECOND && first) {
        d->s.unlocked = 2;
    } else if (offset % 4 == 0 && d->s.unlocked == 2) {
        unlocked_write(d, offset, v);
    } else {
        guest_error("%s: a write to register %u, which is locked\n",
                    d->pci.dev.path, (unsigned)offset);
    }
}

static const MemOps esb_ops = { esb_read, esb_write, 1, 4 };

/* --- life -------------------------------------------------------------------------- */

static const PciInfo esb_info = {
    .vendor = 0x8086,
    .device = 0x25ab,
    .class_code = 0x0880,
    .config_written = config_written,
};

static bool esb_realize(Device *dev, Error **errp)
{
    Esb *d = (Esb *)dev;

    if (!pci_function_init(&d->pci, &esb_info, PCI_ADDR_AUTO, errp)) {
        return false;
    }
    timer_init(&d->timer, dev->machine->clock, dev->path, &d->s.due_ns,
               expired, d);
    d->timer_is_there = true;
    d->pci.writable[CONFIG] = CONFIG_WRITABLE;
    d->pci.writable[LOCK] = LOCK_WRITABLE;
    mem_init_io(&d->io, "i6300esb", REGISTER_BYTES, &esb_ops, d);
    pci_bar_init(&d->pci, 0, PCI_BAR_MEM32, &d->io);
    return true;
}

/* The lock decides what can be written, after a load, too. */
static void rewire(Device *dev)
{
    Esb *d = (Esb *)dev;
    d->pci.writable[LOCK] = lock_bits(d) & LOCK_LOCKED ? 0 : LOCK_WRITABLE;
    pci_function_rewire(&d->pci);
}

/* That it was the watchdog outlives the reset that it made. */
static void esb_reset(Device *dev)
{
    Esb *d = (Esb *)dev;
    bool timed_out = d->s.timed_out;
    state_reset(esb_state(), &d->s);
    d->s.timed_out = timed_out;
    pci_function_reset(&d->pci);
}

static void esb_unrealize(Device *dev)
{
    Esb *d = (Esb *)dev;
    if (d->timer_is_there) {
        timer_destroy(&d->timer);
    }
    pci_function_unrealize(&d->pci);
}

static const PropDef esb_props[] = { PCI_PROPS(Esb), PROP_END };

extern const DeviceClass i6300esb_class;

const DeviceClass i6300esb_class = {
    .name = "i6300esb",
    .desc = "Intel 6300ESB watchdog",
    .bus = "PCI",
    .category = "Watchdog",
    .user = true,
    .size = sizeof(Esb),
    .state_offset = offsetof(Esb, s),
    .state = esb_state,
    .props = esb_props,
    .realize = esb_realize,
    .reset = esb_reset,
    .rewire = rewire,
    .unrealize = esb_unrealize,
    .battery = true,
};
