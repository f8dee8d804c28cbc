/*
 * NVMe: the controller's registers (section 3.1), how it is started, stopped
 * and reset (7.3, 7.6), and the PCI function around it. See nvme.h.
 */
#include "nvme.h"

#include "base/bits.h"
#include "base/bytes.h"
#include "base/log.h"

#define REGISTERS_BYTES 0x4000u
#define CAP_MSIX        0x40u
enum { BAR_REGISTERS = 0, BAR_MSIX = 4 };

/* Registers, 3.1. */
enum {
    REG_CAP = 0x00,
    REG_VS = 0x08,
    REG_INTMS = 0x0c,
    REG_INTMC = 0x10,
    REG_CC = 0x14,
    REG_CSTS = 0x1c,
    REG_AQA = 0x24,
    REG_ASQ = 0x28,
    REG_ACQ = 0x30,
    REG_DOORBELLS = 0x1000,
};

/* CC, 3.1.5. */
#define CC_ENABLE   0x00000001u
#define CC_SHUTDOWN 0x0000c000u
#define CC_WRITABLE 0x00fffff1u
/* CSTS, 3.1.6. */
#define CSTS_READY  0x01u
#define CSTS_FATAL  0x02u
#define CSTS_SHUT   0x08u              /* shutdown processing complete */
#define PAGE_SHIFT_MAX 4u              /* CAP.MPSMAX: 64 KiB */

const char *nvme_name(const Nvme *d)
{
    const Device *dev = &d->pci.dev;
    return dev->id ? dev->id : dev->path;
}

unsigned nvme_page_bytes(const Nvme *d)
{
    return 4096u << bits_extract(d->s.cc, 7, 4);
}

/* 5.15.2.2, MDTS: in units of the smallest page. */
uint64_t nvme_transfer_max(const Nvme *d)
{
    return UINT64_C(4096) << d->mdts;
}

bool nvme_is_ready(const Nvme *d)
{
    return (d->s.csts & (CSTS_READY | CSTS_FATAL)) == CSTS_READY;
}

void nvme_fail(Nvme *d, const char *why)
{
    guest_error("%s: %s: fatal\n", nvme_name(d), why);
    d->s.csts |= CSTS_FATAL;
}

static bool is_master(const Nvme *d)
{
    return pci_config_16(&d->pci, PCI_COMMAND) & PCI_COMMAND_MASTER;
}

bool nvme_load(Nvme *d, PhysAddr addr, void *to, uint64_t len)
{
    return is_master(d) &&
           address_space_read_ram(d->pci.dev.machine->memory, addr, to, len);
}

bool nvme_store(Nvme *d, PhysAddr addr, const void *from, uint64_t len)
{
    return is_master(d) &&
           address_space_write_ram(d->pci.dev.machine->memory, addr, from,
                                   len);
}

/* --- start, stop, reset ----------------------------------------------------------------*/

/* What is kept over a controller reset, 7.3.2: the admin queue's place, what the
 * PCI function is, and what is counted since power-on. */
static void reset_controller(Nvme *d)
{
    NvmeState *s = &d->s, was = d->s;

    timer_cancel(&d->timer);
    state_reset(d->pci.dev.cls->state(), s);
    memcpy(s->config, was.config, sizeof s->config);
    memcpy(s->msix_table, was.msix_table, sizeof s->msix_table);
    memcpy(s->msix_pending, was.msix_pending, sizeof s->msix_pending);
    s->intx = was.intx;
    s->aqa = was.aqa;
    s->asq = was.asq;
    s->acq = was.acq;
    s->error_count = was.error_count;
    s->sectors_read = was.sectors_read;
    s->sectors_written = was.sectors_written;
    s->reads = was.reads;
    s->writes = was.writes;
    s->write_cache = d->write_cache;
    pci_set_intx(&d->pci, false);
}

static void add_admin_queues(Nvme *d)
{
    NvmeState *s = &d->s;

    s->sq_base[0] = s->asq;
    s->sq_entries[0] = bits_extract(s->aqa, 0, 12) + 1;
    s->sq_cq[0] = 0;
    s->cq_base[0] = s->acq;
    s->cq_entries[0] = bits_extract(s->aqa, 16, 12) + 1;
    s->cq_phase[0] = true;
    s->cq_interrupts[0] = true;
    s->cq_vector[0] = 0;
}

/* 7.6.1: what the driver must have set up. */
static void start(Nvme *d)
{
    const NvmeState *s = &d->s;
    bool page = bits_extract(s->cc, 7, 4) <= PAGE_SHIFT_MAX;
    bool sets = !bits_extract(s->cc, 4, 3) && !bits_extract(s->cc, 11, 3);
    bool sizes = bits_extract(s->aqa, 0, 12) && bits_extract(s->aqa, 16, 12);

    if (!page || !sets || !sizes ||
        ((s->asq | s->acq) & (nvme_page_bytes(d) - 1))) {
        nvme_fail(d, "enabled with CC, AQA, ASQ or ACQ that cannot be");
        return;
    }
    add_admin_queues(d);
    d->s.csts |= CSTS_READY;
}

/* 7.6.2: what is cached is made safe; there is nothing else to wait for. */
static void shut_down(Nvme *d)
{
    blockdev_flush(d->block);
    d->s.csts |= CSTS_SHUT;
}

static void write_cc(Nvme *d, uint32_t value)
{
    uint32_t was = d->s.cc, v = value & CC_WRITABLE;

    if ((was & CC_ENABLE) && !(v & CC_ENABLE)) {
        reset_controller(d);
    }
    d->s.cc = v;
    if (!(was & CC_ENABLE) && (v & CC_ENABLE)) {
        start(d);
    }
    if (!(was & CC_SHUTDOWN) && (v & CC_SHUTDOWN)) {
        shut_down(d);
    }
}

/* --- registers ---------------------------------------------------------------------------*/

/* 3.1.1: contiguous queues, 7.5 s, one command set, pages of 4 to 64 KiB. */
static uint64_t capabilities(void)
{
    return (NVME_ENTRIES_MAX - 1) | BIT(16) | UINT64_C(15) << 24 | BIT(37) |
           (uint64_t)PAGE_SHIFT_MAX << 52;
}

static uint32_t read_32(const Nvme *d, unsigned at)
{
    const NvmeState *s = &d->s;

    switch (at) {
    case REG_CAP:
        return capabilities();
    case REG_CAP + 4:
        return capabilities() >> 32;
    case REG_VS:
        return NVME_VERSION;
    case REG_INTMS:
    case REG_INTMC:
        return s->int_mask;
    case REG_CC:
        return s->cc;
    case REG_CSTS:
        return s->csts;
    case REG_AQA:
        return s->aqa;
    case REG_ASQ:
        return s->asq;
    case REG_ASQ + 4:
        return s->asq >> 32;
    case REG_ACQ:
        return s->acq;
    case REG_ACQ + 4:
        return s->acq >> 32;
    }
    return 0;
}

static uint64_t registers_read(void *opaque, PhysAddr offset, unsigned size)
{
    return offset < REG_DOORBELLS ? read_32(opaque, offset) : 0;
}

static void set_mask(Nvme *d, uint32_t mask)
{
    d->s.int_mask = mask;
    nvme_drive_intx(d);
}

/* The low 12 bits of the queues' addresses are reserved, 3.1.9. */
static void write_32(Nvme *d, unsigned at, uint32_t v)
{
    NvmeState *s = &d->s;

    switch (at) {
    case REG_INTMS:
        set_mask(d, s->int_mask | v);
        break;
    case REG_INTMC:
        set_mask(d, s->int_mask & ~v);
        break;
    case REG_CC:
        write_cc(d, v);
        break;
    case REG_AQA:
        s->aqa = v & 0x0fff0fff;
        break;
    case REG_ASQ:
        s->asq = bits_deposit(s->asq, 0, 32, v & ~0xfffu);
        break;
    case REG_ASQ + 4:
        s->asq = bits_deposit(s->asq, 32, 32, v);
        break;
    case REG_ACQ:
        s->acq = bits_deposit(s->acq, 0, 32, v & ~0xfffu);
        break;
    case REG_ACQ + 4:
        s->acq = bits_deposit(s->acq, 32, 32, v);
        break;
    default:
        guest_error("%s: write to register 0x%x\n", nvme_name(d), at);
    }
}

/* A doorbell is rung by who is told by our own interrupt message: that is no
 * driver. */
static void ring(Nvme *d, unsigned n, uint32_t v)
{
    if (d->busy || !nvme_is_ready(d)) {
        guest_error("%s: a doorbell of a controller that is %s\n",
                    nvme_name(d), d->busy ? "at work" : "not ready");
    } else if (n & 1) {
        nvme_ring_cq(d, n / 2, v);
    } else {
        nvme_ring_sq(d, n / 2, v);
    }
}

static void registers_write(void *opaque, PhysAddr offset, uint64_t v,
                            unsigned size)
{
    if (offset >= REG_DOORBELLS) {
        ring(opaque, (offset - REG_DOORBELLS) / 4, v);
    } else {
        write_32(opaque, offset, v);
    }
}

static const MemOps register_ops = { registers_read, registers_write, 4, 4 };

/* --- the PCI function --------------------------------------------------------------------*/

static STATE_TABLE(nvme_state, "nvme", 1, NvmeState, NVME_STATE)

static void describe(Nvme *d)
{
    d->pci_info = (PciInfo){
        .vendor = d->intel_id ? 0x8086 : 0x1b36,
        .device = d->intel_id ? 0x5845 : 0x0010,
        .subsystem_vendor = 0x1af4,
        .subsystem_device = 0x1100,
        .class_code = 0x0108,
        .prog_if = 2,
        .revision = 2,
        .interrupt_pin = 1,
    };
    d->pci.boot_path = d->intel_id ? "pci8086,5845@%s/namespace@1,0"
                                   : "pci1b36,0010@%s/namespace@1,0";
    d->pci.boot_index = &d->boot_index;
}

static bool drive_good(const Nvme *d, Error **errp)
{
    if (!d->block) {
        error_set(errp, "drive property not set");
    } else if (blockdev_is_empty(d->block)) {
        error_set(errp, "Device needs media, but drive is empty");
    } else if (!d->serial) {
        error_set(errp, "serial property not set");
    } else if (!bits_is_pow2(d->block_bytes) || d->block_bytes < 512 ||
               d->block_bytes > 32768) {
        error_set(errp, "logical_block_size=%u must be a power of two from "
                  "512 to 32768", d->block_bytes);
    } else if (blockdev_size_bytes(d->block) < d->block_bytes) {
        error_set(errp, "the image has less than one block of %u bytes",
                  d->block_bytes);
    } else {
        return true;
    }
    return false;
}

static bool limits_good(const Nvme *d, Error **errp)
{
    if (!d->io_queues || d->io_queues >= NVME_QUEUES_MAX) {
        error_set(errp, "max_ioqpairs must be between 1 and %u",
                  NVME_QUEUES_MAX - 1);
    } else if (!d->vectors || d->vectors > PCI_MSIX_MAX) {
        error_set(errp, "msix_qsize must be between 1 and %u", PCI_MSIX_MAX);
    } else if (!d->mdts || d->mdts > 8) {
        error_set(errp, "mdts must be between 1 and 8");
    } else if (d->aerl >= NVME_EVENTS_MAX) {
        error_set(errp, "aerl must be at most %u", NVME_EVENTS_MAX - 1);
    } else {
        return true;
    }
    return false;
}

static void add_bars(Nvme *d)
{
    const PciMsixSetup setup = { .vectors = d->vectors,
                                 .bar = BAR_MSIX,
                                 .capability = CAP_MSIX,
                                 .table = d->s.msix_table,
                                 .pending = d->s.msix_pending };

    mem_init_io(&d->registers, "nvme", REGISTERS_BYTES, &register_ops, d);
    pci_bar_init(&d->pci, BAR_REGISTERS, PCI_BAR_MEM64, &d->registers);
    pci_msix_init(&d->pci, &d->msix, &setup);
}

static bool nvme_realize(Device *dev, Error **errp)
{
    Nvme *d = (Nvme *)dev;

    if (!drive_good(d, errp) || !limits_good(d, errp)) {
        return false;
    }
    describe(d);
    if (!pci_function_init(&d->pci, &d->pci_info, PCI_ADDR_AUTO, errp)) {
        return false;
    }
    d->blocks = blockdev_size_bytes(d->block) / d->block_bytes;
    d->bounce = g_malloc0(NVME_BOUNCE_BYTES);
    blockdev_bind(d->block, dev->machine);
    timer_init(&d->timer, dev->machine->clock, dev->path, &d->s.due_ns,
               nvme_timer_fired, d);
    add_bars(d);
    return true;
}

static void nvme_reset(Device *dev)
{
    Nvme *d = (Nvme *)dev;

    timer_cancel(&d->timer);
    pci_device_reset(dev);
    d->s.write_cache = d->write_cache;
}

static void nvme_unrealize(Device *dev)
{
    Nvme *d = (Nvme *)dev;

    if (d->timer.clock) {
        timer_destroy(&d->timer);
        d->timer.clock = NULL;
    }
    g_clear_pointer(&d->bounce, g_free);
    pci_device_unrealize(dev);
}

static const PropDef nvme_props[] = {
    PCI_PROPS(Nvme),
    PROP(Nvme, block, "drive", PROP_DRIVE, NULL,
         "Node name or ID of a block device to use as a backend"),
    PROP(Nvme, serial, "serial", PROP_STRING, NULL,
         "serial number; has to be given"),
    PROP(Nvme, boot_index, "bootindex", PROP_U32, "0xffffffff",
         "place in the firmware's boot order, from 0"),
    PROP(Nvme, block_bytes, "logical_block_size", PROP_U32, "512",
         "bytes of a block"),
    PROP(Nvme, io_queues, "max_ioqpairs", PROP_U32, "64",
         "pairs of queues for I/O"),
    PROP(Nvme, vectors, "msix_qsize", PROP_U32, "65", "MSI-X vectors"),
    PROP(Nvme, mdts, "mdts", PROP_U32, "7",
         "the largest transfer, as a power of two of 4 KiB"),
    PROP(Nvme, aerl, "aerl", PROP_U32, "3",
         "asynchronous event requests at a time, less one"),
    PROP(Nvme, write_cache, "write-cache", PROP_BOOL, "on",
         "writes may stay in a cache until a flush"),
    PROP(Nvme, intel_id, "use-intel-id", PROP_BOOL, "off",
         "the PCI ids of QEMU's first models"),
    PROP_END
};

extern const DeviceClass nvme_class;

const DeviceClass nvme_class = {
    .name = "nvme",
    .desc = "Non-Volatile Memory Express",
    .bus = "PCI",
    .category = "Storage",
    .user = true,
    .size = sizeof(Nvme),
    .state_offset = offsetof(Nvme, s),
    .state = nvme_state,
    .props = nvme_props,
    .realize = nvme_realize,
    .reset = nvme_reset,
    .rewire = pci_device_rewire,
    .unrealize = nvme_unrealize,
};
