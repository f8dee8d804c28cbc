/*
 * The 82441FX host bridge (PMC): the registers that route memory accesses.
 *
 * Register numbers and names are those of the Intel 440FX PCIset datasheet,
 * section 3.2. The routing registers live in the configuration bytes; the
 * regions that carry it out are wiring, recomputed from them.
 */
#include "base/bits.h"
#include "base/log.h"
#include "host-bridge.h"
#include "hw/pc-bridges.h"

enum {
    PMC_PAM0 = 0x59,       /* 3.2.17: PAM0..PAM6 */
    PMC_PAM6 = 0x5f,
    PMC_FDHC = 0x68,       /* 3.2.19: fixed DRAM hole control */
    PMC_SMRAM = 0x72,      /* 3.2.21 */
};

#define SMRAM_BASE_SEG 0x02u   /* C_BASE_SEG, read-only: A0000h */
#define SMRAM_ENABLE   0x08u   /* G_SMRAME */
#define SMRAM_LOCK     0x10u   /* D_LCK */
#define SMRAM_CLOSED   0x20u   /* D_CLS */
#define SMRAM_OPEN     0x40u   /* D_OPEN */

#define I440FX_STATE(_)                                                  \
    PCI_FUNCTION_STATE(_)                                                \
    _(uint32_t, STATE_U32, config_address, 0, 1, "CONFADD, port 0xcf8")

STATE_STRUCT(I440fxState, I440FX_STATE);
static STATE_TABLE(i440fx_state, "i440FX", 1, I440fxState, I440FX_STATE)

typedef struct I440fx {
    PciFunction pci;
    I440fxState s;
    RamBlock *ram;
    PciBus *bus;
    HostMemory memory;
    HostPorts ports;
    MemRegion hole_512k, hole_15m;
} I440fx;

/* --- SMRAM and the memory hole ---------------------------------------------------*/

static void smram_map(I440fx *b)
{
    uint8_t v = b->s.config[PMC_SMRAM];

    if (v & SMRAM_CLOSED) {
        guest_unimp("i440FX: SMRAM closed to data\n");
    }
    host_memory_set_smram(&b->memory, v & SMRAM_ENABLE, v & SMRAM_OPEN);
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
    host_memory_set_pam(&b->memory, &b->s.config[PMC_PAM0]);
    smram_map(b);
    hole_map(b);
    mem_transaction_commit(b->pci.dev.machine);
}

static void memory_init(I440fx *b)
{
    HostMemory *h = &b->memory;

    mem_transaction_begin(b->pci.dev.machine);
    host_memory_init(h, b->pci.dev.machine, b->ram, I440FX_LOW_RAM_MAX);
    host_memory_add_window(h, &b->hole_512k, "hole-512k", 512 * KIB,
                           128 * KIB);
    host_memory_add_window(h, &b->hole_15m, "hole-15m", 15 * MIB, MIB);
    mem_transaction_commit(b->pci.dev.machine);
}

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
    b->bus = pci_bus_new(m, "pci.0", &b->memory.pci, &m->io_root);
    dev->bus = b->bus;
    if (!pci_function_init(&b->pci, &i440fx_info, 0, errp)) {
        return false;
    }
    i440fx_init_writable(b);
    host_ports_init(&b->ports, m, b->bus, &b->s.config_address);
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
    host_memory_free(&b->memory);
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
    return &((I440fx *)bridge)->memory.pci;
}

AddressSpace *i440fx_smm_memory(Device *bridge)
{
    return ((I440fx *)bridge)->memory.smm_space;
}

uint64_t i440fx_ram_below_4g(Device *bridge)
{
    return ((I440fx *)bridge)->memory.below_4g;
}

uint64_t i440fx_ram_above_4g(Device *bridge)
{
    return ((I440fx *)bridge)->memory.above_4g;
}

void i440fx_set_reset_port(Device *bridge, const MemOps *ops, void *opaque)
{
    I440fx *b = (I440fx *)bridge;
    b->ports.reset_ops = ops;
    b->ports.reset_opaque = opaque;
}
