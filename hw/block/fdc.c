/*
 * The floppy controller of a PC, an 82077AA in AT mode: ports, phases, resets
 * and interrupts. See fdc.h.
 */
#include "base/bits.h"
#include "base/log.h"
#include "fdc.h"
#include "hw/pc-chips.h"

/* Ports from 0x3f0 on, 82077, 2.0. Two are there in other modes only; one
 * belongs to the IDE channel. */
enum {
    PORT_DOR = 2,
    PORT_TDR = 3,
    PORT_STATUS = 4,       /* write: data rate select */
    PORT_FIFO = 5,
    PORT_DIR = 7,          /* write: configuration control */
};
#define PORTS_LOW 6u

/* Main status, 2.6. */
enum {
    MSR_BUSY = 0x10,
    MSR_NO_DMA = 0x20,
    MSR_TO_HOST = 0x40,
    MSR_READY = 0x80,
};

#define DIR_CHANGED 0x80u
#define DSR_RESET   0x80u
#define DSR_WRITABLE 0x7fu
#define RATE_MASK   0x03u
#define TDR_MASK    0x03u

#define RESET_NS (20 * NS_PER_US)

/* --- lines and time -------------------------------------------------------------*/

/* The gate keeps the line to itself while it is closed. */
static void drive_irq(const Fdc *f)
{
    irq_set(&f->irq, f->s.irq && (f->s.dor & DOR_GATE));
}

void fdc_set_irq(Fdc *f, bool irq)
{
    f->s.irq = irq;
    drive_irq(f);
}

void fdc_later(Fdc *f, FdcNext next, int64_t ns)
{
    f->s.next = next;
    timer_arm(&f->timer, clock_now_ns(f->dev.machine->clock) + ns);
}

FloppyDrive *fdc_drive(const Fdc *f, unsigned unit)
{
    return unit < FLOPPY_UNITS ? f->bus.drive[unit] : NULL;
}

void fdc_result(Fdc *f, unsigned len)
{
    f->s.phase = len ? PHASE_RESULT : PHASE_COMMAND;
    f->s.pos = 0;
    f->s.len = len;
}

/* --- resets, 82077, 4.0 -----------------------------------------------------------*/

static void stop(Fdc *f)
{
    timer_cancel(&f->timer);
    f->s.next = NEXT_NOTHING;
    f->s.seeking = f->s.sought = f->s.polled = 0;
    f->s.data_pos = f->s.data_end = 0;
    fdc_result(f, 0);
    fdc_set_irq(f, false);
}

void fdc_reset(Fdc *f)
{
    stop(f);
    memset(f->s.pcn, 0, sizeof f->s.pcn);
    if (!f->s.locked) {
        f->s.config = (f->s.config & ~0x0f) | CONFIG_FIFO_OFF;
        f->s.precompensation = 0;
    }
    fdc_later(f, NEXT_RESET, RESET_NS);
}

/* With polling on, each drive is ready anew after a reset. */
static void reset_over(Fdc *f)
{
    if (!(f->s.config & CONFIG_POLL_OFF)) {
        f->s.polled = BIT(FDC_DRIVES) - 1;
        fdc_set_irq(f, true);
    }
}

static void timer_fired(void *opaque)
{
    Fdc *f = opaque;
    uint8_t next = f->s.next;

    f->s.next = NEXT_NOTHING;
    switch (next) {
    case NEXT_RESET:
        reset_over(f);
        break;
    case NEXT_SEEK:
        fdc_sought(f);
        break;
    case NEXT_SECTOR:
        fdc_data_next(f);
        break;
    case NEXT_RESULT:
        fdc_result(f, f->s.len);
        fdc_set_irq(f, true);
        break;
    }
}

/* --- the FIFO ----------------------------------------------------------------------*/

static uint8_t main_status(const Fdc *f)
{
    const FdcState *s = &f->s;
    uint8_t busy = s->seeking;

    if (!(s->dor & DOR_RUN) || s->next == NEXT_RESET) {
        return 0;
    }
    switch (s->phase) {
    case PHASE_COMMAND:
        return busy | MSR_READY | (s->pos ? MSR_BUSY : 0);
    case PHASE_RESULT:
        return busy | MSR_READY | MSR_TO_HOST | MSR_BUSY;
    default:
        return busy | MSR_BUSY |
               (s->specify2 & SPECIFY_NO_DMA ? MSR_NO_DMA : 0) |
               (s->data_end ? MSR_READY : 0) |
               (s->data_end && fdc_data_in(f) ? MSR_TO_HOST : 0);
    }
}

/* A byte by PIO; the interrupt says that there is one. */
static void data_step(Fdc *f)
{
    fdc_set_irq(f, false);
    if (++f->s.data_pos >= f->s.data_end) {
        f->s.data_end = 0;
        fdc_data_moved(f);
    }
}

static uint8_t fifo_read(Fdc *f)
{
    FdcState *s = &f->s;
    uint8_t v = 0;

    if (s->phase == PHASE_EXECUTE && s->data_end && fdc_data_in(f)) {
        v = s->data[s->data_pos % FLOPPY_SECTOR_BYTES];
        data_step(f);
    } else if (s->phase == PHASE_RESULT && s->pos < FDC_FIFO_BYTES) {
        fdc_set_irq(f, false);
        v = s->fifo[s->pos++];
        if (s->pos >= s->len) {
            fdc_result(f, 0);
        }
    } else {
        guest_error("%s: nothing to read\n", f->dev.path);
    }
    return v;
}

static void fifo_write(Fdc *f, uint8_t v)
{
    FdcState *s = &f->s;

    if (s->phase == PHASE_EXECUTE && s->data_end && !fdc_data_in(f)) {
        s->data[s->data_pos % FLOPPY_SECTOR_BYTES] = v;
        data_step(f);
        return;
    }
    if (s->phase != PHASE_COMMAND || !(main_status(f) & MSR_READY)) {
        guest_error("%s: 0x%02x written while busy\n", f->dev.path, v);
        return;
    }
    s->fifo[s->pos++ % FDC_FIFO_BYTES] = v;
    if (s->pos >= fdc_command_bytes(s->fifo[0])) {
        s->pos = 0;
        fdc_command(f);
    }
}

/* --- ports ----------------------------------------------------------------------------*/

static void write_dor(Fdc *f, uint8_t v)
{
    uint8_t was = f->s.dor;

    f->s.dor = v;
    if (was & ~v & DOR_RUN) {
        stop(f);
    } else if (v & ~was & DOR_RUN) {
        fdc_reset(f);
    }
    drive_irq(f);
}

static void write_dsr(Fdc *f, uint8_t v)
{
    f->s.dsr = v & DSR_WRITABLE;
    if ((v & DSR_RESET) && (f->s.dor & DOR_RUN)) {
        fdc_reset(f);
    }
}

/* The change line is that of the selected drive, while its motor runs. */
static uint8_t read_dir(const Fdc *f)
{
    unsigned unit = f->s.dor & DOR_SELECT;
    const FloppyDrive *d = fdc_drive(f, unit);
    bool motor = f->s.dor & 0x10 << unit;

    return motor && (!d || floppy_changed(d)) ? DIR_CHANGED : 0;
}

static uint64_t port_read(Fdc *f, unsigned port)
{
    switch (port) {
    case PORT_DOR:
        return f->s.dor;
    case PORT_TDR:
        return f->s.tdr | 0xfc;
    case PORT_STATUS:
        return main_status(f);
    case PORT_FIFO:
        return fifo_read(f);
    case PORT_DIR:
        return read_dir(f);
    default:
        return 0xff;
    }
}

static void port_write(Fdc *f, unsigned port, uint8_t v)
{
    switch (port) {
    case PORT_DOR:
        write_dor(f, v);
        break;
    case PORT_TDR:
        f->s.tdr = v & TDR_MASK;
        break;
    case PORT_STATUS:
        write_dsr(f, v);
        break;
    case PORT_FIFO:
        fifo_write(f, v);
        break;
    case PORT_DIR:
        f->s.dsr = (f->s.dsr & ~RATE_MASK) | (v & RATE_MASK);
        break;
    }
}

static uint64_t low_read(void *opaque, PhysAddr offset, unsigned size)
{
    return port_read(opaque, offset);
}

static void low_write(void *opaque, PhysAddr offset, uint64_t v, unsigned size)
{
    port_write(opaque, offset, v);
}

static uint64_t high_read(void *opaque, PhysAddr offset, unsigned size)
{
    return port_read(opaque, PORT_DIR);
}

static void high_write(void *opaque, PhysAddr offset, uint64_t v,
                       unsigned size)
{
    port_write(opaque, PORT_DIR, v);
}

static const MemOps low_ops = { low_read, low_write, .max_size = 1 };
static const MemOps high_ops = { high_read, high_write, .max_size = 1 };

/* --- life -------------------------------------------------------------------------------*/

FloppyBus *isa_fdc_bus(Device *fdc)
{
    return &((Fdc *)fdc)->bus;
}

static bool has_room(const void *opaque, const char *unit)
{
    const FloppyBus *bus = opaque;
    return !bus->drive[0] || !bus->drive[1];
}

static bool fdc_check(const Fdc *f, Error **errp)
{
    const IsaBus *isa = f->dev.bus;

    if (!isa || !isa->dma) {
        error_set(errp, "isa-fdc needs an ISA bus with DMA");
        return false;
    }
    if (f->irq_number > 15 || f->dma_channel > 3 || f->iobase > 0xfff8) {
        error_set(errp, "isa-fdc: iobase=0x%x, irq=%u, dma=%u: at most "
                  "0xfff8, 15, 3", f->iobase, f->irq_number, f->dma_channel);
        return false;
    }
    return true;
}

static bool fdc_realize(Device *dev, Error **errp)
{
    Fdc *f = (Fdc *)dev;
    IsaBus *isa = dev->bus;

    if (!fdc_check(f, errp)) {
        return false;
    }
    f->dma = isa->dma;
    f->bus.machine = dev->machine;
    timer_init(&f->timer, dev->machine->clock, dev->path, &f->s.due_ns,
               timer_fired, f);
    isa_connect_irq(isa, &f->irq, f->irq_number);
    mem_init_io(&f->io, "fdc", PORTS_LOW, &low_ops, f);
    isa_add_ports(isa, &f->io, f->iobase);
    mem_init_io(&f->io_high, "fdc-dir", 1, &high_ops, f);
    isa_add_ports(isa, &f->io_high, f->iobase + PORT_DIR);
    g_autofree char *name =
        g_strdup_printf("%s.0", dev->id ? dev->id : "floppy-bus");
    machine_add_bus(dev->machine, &(MachineBus){ .kind = "floppy-bus",
                                                 .name = name,
                                                 .bus = &f->bus,
                                                 .has_room = has_room });
    return true;
}

static void fdc_device_reset(Device *dev)
{
    Fdc *f = (Fdc *)dev;
    timer_cancel(&f->timer);
    drive_irq(f);
}

static void fdc_unrealize(Device *dev)
{
    Fdc *f = (Fdc *)dev;
    if (f->timer.clock) {
        timer_destroy(&f->timer);
        f->timer.clock = NULL;
    }
}

static STATE_TABLE(fdc_state, "isa-fdc", 1, FdcState, FDC_STATE)

static const PropDef fdc_props[] = {
    PROP(Fdc, iobase, "iobase", PROP_U32, "0x3f0", "first port"),
    PROP(Fdc, irq_number, "irq", PROP_U32, "6", "ISA IRQ"),
    PROP(Fdc, dma_channel, "dma", PROP_U32, "2", "DMA channel"),
    PROP_END
};

const DeviceClass isa_fdc_class = {
    .name = "isa-fdc",
    .desc = "floppy controller (82077AA)",
    .bus = "ISA",
    .category = "Storage",
    .user = true,
    .size = sizeof(Fdc),
    .state_offset = offsetof(Fdc, s),
    .state = fdc_state,
    .props = fdc_props,
    .realize = fdc_realize,
    .reset = fdc_device_reset,
    .unrealize = fdc_unrealize,
};
