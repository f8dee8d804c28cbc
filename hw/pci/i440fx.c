/*
 * The 82441FX host bridge (PMC): configuration mechanism #1, and who answers
 * a memory access: RAM, the PCI bus behind it, or system management RAM.
 *
 * Register numbers and names are those of the Intel 440FX PCIset datasheet,
 * section 3.2. The routing registers live in the configuration bytes; the
 * regions that carry it out are wiring, recomputed from them.
 */
#include "base/bits.h"
#include "base/log.h"
#include "hw/pc-bridges.h"

enum {
    PMC_PAM0 = 0x59,       /* 3.2.17: PAM0..PAM6 */
    PMC_PAM6 = 0x5f,
    PMC_FDHC = 0x68,       /* 3.2.19: fixed DRAM hole control */
    PMC_SMRAM = 0x72,      /* 3.2.21 */
};

#define PAM_READ  1u       /* reads go to RAM */
#define PAM_WRITE 2u       /* writes go to RAM */

#define SMRAM_BASE_SEG 0x02u   /* C_BASE_SEG, read-only: A0000h */
#define SMRAM_ENABLE   0x08u   /* G_SMRAME */
#define SMRAM_LOCK     0x10u   /* D_LCK */
#define SMRAM_CLOSED   0x20u   /* D_CLS */
#define SMRAM_OPEN     0x40u   /* D_OPEN */

#define SMRAM_START 0xa0000u
#define SMRAM_SIZE  0x20000u

#define CONFIG_ENABLE 0x80000000u

#define SEGMENT_COUNT 13

#define I440FX_STATE(_)                                                  \
    PCI_FUNCTION_STATE(_)                                                \
    _(uint32_t, STATE_U32, config_address, 0, 1, "CONFADD, port 0xcf8")

STATE_STRUCT(I440fxState, I440FX_STATE);
static STATE_TABLE(i440fx_state, "i440FX", 1, I440fxState, I440FX_STATE)

typedef struct I440fx I440fx;

/* 16 or 64 KiB of the BIOS area with its own routing. */
typedef struct Segment {
    I440fx *bridge;
    PhysAddr start;
    uint64_t size;
    unsigned reg, shift;   /* the PAM nibble */
    MemRegion window;      /* reads of RAM or PCI, and writes if the same */
    MemRegion split;       /* reads of PCI, writes of RAM */
} Segment;

struct I440fx {
    PciFunction pci;
    I440fxState s;

    RamBlock *ram;
    uint64_t below_4g, above_4g;
    PciBus *bus;
    MemRegion ram_region, ram_low, ram_high;
    MemRegion pci_memory;
    MemRegion nobody;      /* keeps RAM from showing where PCI has nothing */
    AddressSpace *pci_space;
    Segment segment[SEGMENT_COUNT];
    MemRegion smram_pci;   /* the video area over RAM, while SMRAM is hidden */
    MemRegion hole_512k, hole_15m;
    MemRegion smm_root, smm_all, smm_ram;
    AddressSpace *smm_space;
    MemRegion ports;
    const MemOps *reset_ops;
    void *reset_opaque;
};

/* --- the BIOS area: PAM -------------------------------------------------------*/

static unsigned segment_mode(const Segment *seg)
{
    return seg->bridge->s.config[seg->reg] >> seg->shift &
           (PAM_READ | PAM_WRITE);
}

static void segment_map(Segment *seg)
{
    unsigned mode = segment_mode(seg);
    bool from_ram = mode & PAM_READ;

    mem_set_enabled(&seg->split, mode == PAM_WRITE);
    mem_set_alias(&seg->window,
                  from_ram ? &seg->bridge->ram_region
                           : &seg->bridge->pci_memory, seg->start);
    /* What PCI has behind RAM here is ROM: writes sent there vanish. */
    mem_set_readonly(&seg->window, mode == PAM_READ);
}

static uint64_t split_read(void *opaque, PhysAddr offset, unsigned size)
{
    const Segment *seg = opaque;
    return address_space_ld(seg->bridge->pci_space, seg->start + offset, size);
}

static void split_write(void *opaque, PhysAddr offset, uint64_t v,
                        unsigned size)
{
    const Segment *seg = opaque;
    RamBlock *ram = seg->bridge->ram;
    PhysAddr at = seg->start + offset;

    if (at + size > ram->size_bytes) {
        return;
    }
    ram_will_write(seg->bridge->pci.dev.machine, ram->base + at, size);
    for (unsigned i = 0; i < size; i++) {
        ram->host[at + i] = v >> (8 * i);
    }
}

static const MemOps split_ops = { split_read, split_write, 1, 8 };

static void segment_init(I440fx *b, unsigned n)
{
    Segment *seg = &b->segment[n];
    unsigned half = n + 1;             /* nibbles, starting at PAM0's upper */

    *seg = (Segment){ .bridge = b,
                      .reg = PMC_PAM0 + half / 2,
                      .shift = half % 2 ? 4 : 0,
                      .start = n ? 0xc0000 + (n - 1) * 0x4000 : 0xf0000,
                      .size = n ? 0x4000 : 0x10000 };
    mem_init_alias(&seg->window, "pam", &b->pci_memory, seg->start, seg->size);
    mem_add(&b->pci.dev.machine->memory_root, seg->start, &seg->window, 1);
    mem_init_io(&seg->split, "pam-split", seg->size, &split_ops, seg);
    mem_set_enabled(&seg->split, false);
    mem_add(&b->pci.dev.machine->memory_root, seg->start, &seg->split, 2);
}

/* --- SMRAM and the memory hole ---------------------------------------------------*/

static void smram_map(I440fx *b)
{
    uint8_t v = b->s.config[PMC_SMRAM];
    bool enabled = v & SMRAM_ENABLE;

    if (v & SMRAM_CLOSED) {
        guest_unimp("i440FX: SMRAM closed to data\n");
    }
    mem_set_enabled(&b->smram_pci, !(enabled && (v & SMRAM_OPEN)));
    mem_set_enabled(&b->smm_ram, enabled);
}

static void hole_map(I440fx *b)
{
    unsigned hole = b->s.config[PMC_FDHC] >> 6;
    mem_set_enabled(&b->hole_512k, hole == 1);
    mem_set_enabled(&b->hole_15m, hole == 2);
}

static void i440fx_map(I440fx *b)
{
    mem_transaction_begin(b->pci.dev.machine);
    for (unsigned n = 0; n < SEGMENT_COUNT; n++) {
        segment_map(&b->segment[n]);
    }
    smram_map(b);
    hole_map(b);
    mem_transaction_commit(b->pci.dev.machine);
}

/* Over RAM, a window through which PCI is seen. */
static void pci_window_init(I440fx *b, MemRegion *r, const char *name,
                            PhysAddr start, uint64_t size)
{
    mem_init_alias(r, name, &b->pci_memory, start, size);
    mem_set_enabled(r, false);
    mem_add(&b->pci.dev.machine->memory_root, start, r, 1);
}

static void ram_init(I440fx *b)
{
    MemRegion *root = &b->pci.dev.machine->memory_root;

    b->below_4g = MIN(b->ram->size_bytes, I440FX_LOW_RAM_MAX);
    b->above_4g = b->ram->size_bytes - b->below_4g;
    mem_init_ram(&b->ram_region, "pc.ram", b->ram);
    mem_init_alias(&b->ram_low, "ram-below-4g", &b->ram_region, 0,
                   b->below_4g);
    mem_add(root, 0, &b->ram_low, 0);
    if (b->above_4g) {
        mem_init_alias(&b->ram_high, "ram-above-4g", &b->ram_region,
                       b->below_4g, b->above_4g);
        mem_add(root, 4 * GIB, &b->ram_high, 0);
    }
}

static void smm_init(I440fx *b)
{
    Machine *m = b->pci.dev.machine;

    mem_init_container(&b->smm_root, "smm", UINT64_MAX);
    mem_init_alias(&b->smm_all, "smm-memory", &m->memory_root, 0, UINT64_MAX);
    mem_add(&b->smm_root, 0, &b->smm_all, 0);
    mem_init_alias(&b->smm_ram, "smram", &b->ram_region, SMRAM_START,
                   SMRAM_SIZE);
    mem_set_enabled(&b->smm_ram, false);
    mem_add(&b->smm_root, SMRAM_START, &b->smm_ram, 1);
    b->smm_space = address_space_new(m, "smm", &b->smm_root);
}

/* Windows over RAM lie below this. */
#define WINDOWS_END (16 * MIB)

static const MemOps nobody_ops = { NULL, NULL, 1, 8 };

static void memory_init(I440fx *b)
{
    Machine *m = b->pci.dev.machine;

    mem_transaction_begin(m);
    mem_init_container(&b->pci_memory, "pci", UINT64_MAX);
    mem_add(&m->memory_root, 0, &b->pci_memory, -1);
    mem_init_io(&b->nobody, "pci-nobody", WINDOWS_END, &nobody_ops, b);
    mem_add(&b->pci_memory, 0, &b->nobody, -1);
    b->pci_space = address_space_new(m, "pci-memory", &b->pci_memory);
    ram_init(b);
    for (unsigned n = 0; n < SEGMENT_COUNT; n++) {
        segment_init(b, n);
    }
    pci_window_init(b, &b->smram_pci, "vga-window", SMRAM_START, SMRAM_SIZE);
    pci_window_init(b, &b->hole_512k, "hole-512k", 512 * KIB, 128 * KIB);
    pci_window_init(b, &b->hole_15m, "hole-15m", 15 * MIB, MIB);
    smm_init(b);
    mem_transaction_commit(m);
}

/* --- ports 0xcf8..0xcff -------------------------------------------------------------*/

static uint32_t config_offset(const I440fx *b, PhysAddr offset)
{
    return (b->s.config_address & 0xfc) | (offset & 3);
}

static unsigned config_bdf(const I440fx *b)
{
    return b->s.config_address >> 8 & 0xffff;
}

/* Only a dword access reaches CONFADD (3.1.1); a byte at 0xcf9 goes to the
 * PIIX3. */
static uint64_t ports_read(void *opaque, PhysAddr offset, unsigned size)
{
    I440fx *b = opaque;
    if (offset >= 4) {
        bool enabled = b->s.config_address & CONFIG_ENABLE;
        return enabled ? pci_config_read(b->bus, config_bdf(b),
                                         config_offset(b, offset), size)
                       : UINT32_MAX;
    }
    if (offset == 0 && size == 4) {
        return b->s.config_address;
    }
    if (offset == 1 && size == 1 && b->reset_ops) {
        return b->reset_ops->read(b->reset_opaque, 0, 1);
    }
    return UINT32_MAX;
}

static void ports_write(void *opaque, PhysAddr offset, uint64_t v,
                        unsigned size)
{
    I440fx *b = opaque;
    if (offset >= 4) {
        if (b->s.config_address & CONFIG_ENABLE) {
            pci_config_write(b->bus, config_bdf(b), config_offset(b, offset),
                             v, size);
        }
    } else if (offset == 0 && size == 4) {
        b->s.config_address = v & 0x80fffffc;
    } else if (offset == 1 && size == 1 && b->reset_ops) {
        b->reset_ops->write(b->reset_opaque, 0, v, 1);
    }
}

static const MemOps ports_ops = { ports_read, ports_write, 1, 4 };

/* --- the function ---------------------------------------------------------------------*/

static void i440fx_config_reset(PciFunction *f)
{
    uint8_t *config = f->s->config;
    pci_config_set_16(f, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    pci_config_set_16(f, PCI_STATUS, 0x0280);
    config[PMC_SMRAM] = SMRAM_BASE_SEG;
}

/* 3.2.21: locking closes SMRAM and freezes the register until reset; only
 * D_CLS stays writable. */
static void smram_written(I440fx *b)
{
    uint8_t *reg = &b->s.config[PMC_SMRAM];
    uint8_t *writable = &b->pci.writable[PMC_SMRAM];

    if (*reg & SMRAM_LOCK) {
        *reg &= ~SMRAM_OPEN;
        *writable = SMRAM_CLOSED;
    } else {
        *writable = SMRAM_ENABLE | SMRAM_LOCK | SMRAM_CLOSED | SMRAM_OPEN;
    }
}

static void i440fx_config_written(PciFunction *f, unsigned offset,
                                  unsigned len)
{
    I440fx *b = container_of(f, I440fx, pci);
    if (offset + len > PMC_PAM0 && offset <= PMC_SMRAM) {
        smram_written(b);
        i440fx_map(b);
    }
}

static const PciInfo i440fx_info = {
    .vendor = 0x8086,
    .device = 0x1237,
    .class_code = 0x0600,
    .revision = 2,
    .config_reset = i440fx_config_reset,
    .config_written = i440fx_config_written,
};

/* Registers without an effect here keep what is written to them. */
static void i440fx_init_writable(I440fx *b)
{
    memset(b->pci.writable + 0x50, 0xff, 0x94 - 0x50);
    for (unsigned reg = PMC_PAM0; reg <= PMC_PAM6; reg++) {
        b->pci.writable[reg] = 0x77;
    }
    b->pci.writable[PCI_COMMAND] = PCI_COMMAND_PARITY;
    b->pci.writable[PCI_COMMAND + 1] = PCI_COMMAND_SERR >> 8;
    b->pci.writable[PCI_CACHE_LINE] = 0;
    b->pci.writable[PCI_INTERRUPT_LINE] = 0;
    smram_written(b);
}

static bool i440fx_realize(Device *dev, Error **errp)
{
    I440fx *b = (I440fx *)dev;
    Machine *m = dev->machine;

    g_assert(b->ram);
    memory_init(b);
    b->bus = pci_bus_new(m, "pci.0", &b->pci_memory, &m->io_root);
    dev->bus = b->bus;
    if (!pci_function_init(&b->pci, &i440fx_info, 0, errp)) {
        return false;
    }
    i440fx_init_writable(b);
    mem_init_io(&b->ports, "pci-config", 8, &ports_ops, b);
    mem_add(&m->io_root, 0xcf8, &b->ports, 0);
    machine_add_info(m, "pci", pci_bus_info, b->bus);
    return true;
}

static void i440fx_reset(Device *dev)
{
    I440fx *b = (I440fx *)dev;
    pci_function_reset(&b->pci);
    smram_written(b);
    i440fx_map(b);
}

static void i440fx_rewire(Device *dev)
{
    I440fx *b = (I440fx *)dev;
    pci_function_rewire(&b->pci);
    smram_written(b);
    i440fx_map(b);
}

static void i440fx_unrealize(Device *dev)
{
    I440fx *b = (I440fx *)dev;
    pci_bus_free(b->bus);
    b->bus = NULL;
    address_space_free(b->smm_space);
    address_space_free(b->pci_space);
}

const DeviceClass i440fx_class = {
    .name = "i440FX",
    .desc = "Host bridge",
    .bus = "PCI",
    .category = "Controller/Bridge",
    .size = sizeof(I440fx),
    .state_offset = offsetof(I440fx, s),
    .state = i440fx_state,
    .realize = i440fx_realize,
    .reset = i440fx_reset,
    .rewire = i440fx_rewire,
    .unrealize = i440fx_unrealize,
};

Device *i440fx_new(Machine *m, RamBlock *ram)
{
    Device *dev = device_new(m, &i440fx_class, NULL);
    Error *err = NULL;

    ((I440fx *)dev)->ram = ram;
    bool ok = device_realize(dev, &err);
    g_assert(ok);
    return dev;
}

PciBus *i440fx_bus(Device *bridge)
{
    return ((I440fx *)bridge)->bus;
}

MemRegion *i440fx_pci_memory(Device *bridge)
{
    return &((I440fx *)bridge)->pci_memory;
}

AddressSpace *i440fx_smm_memory(Device *bridge)
{
    return ((I440fx *)bridge)->smm_space;
}

uint64_t i440fx_ram_below_4g(Device *bridge)
{
    return ((I440fx *)bridge)->below_4g;
}

uint64_t i440fx_ram_above_4g(Device *bridge)
{
    return ((I440fx *)bridge)->above_4g;
}

void i440fx_set_reset_port(Device *bridge, const MemOps *ops, void *opaque)
{
    I440fx *b = (I440fx *)bridge;
    b->reset_ops = ops;
    b->reset_opaque = opaque;
}
