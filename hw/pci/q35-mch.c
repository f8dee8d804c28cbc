/*
 * The 82Q35 memory controller hub as host bridge: who answers a memory access,
 * and the window of PCI Express configuration.
 *
 * Register numbers and names are those of the Intel 3 Series Express Chipset
 * Family Datasheet, chapter 5 (device 0). RAM ends where the machine has it:
 * TOLUD and the like keep what firmware writes, and the part of RAM that is
 * TSEG lies at the end of what is below 4 GiB.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "base/log.h"
#include "host-bridge.h"
#include "hw/q35.h"

enum {
    MCH_EPBAR = 0x40,      /* 5.1.11; egress port, 4 KiB */
    MCH_MCHBAR = 0x48,
    MCH_DEVEN = 0x54,
    MCH_PCIEXBAR = 0x60,   /* 5.1.15 */
    MCH_DMIBAR = 0x68,
    MCH_PAM0 = 0x90,       /* 5.1.17: PAM0..PAM6 */
    MCH_LAC = 0x97,
    MCH_REMAP = 0x98,      /* base and limit */
    MCH_SMRAM = 0x9d,      /* 5.1.27 */
    MCH_ESMRAMC = 0x9e,    /* 5.1.28 */
    MCH_TOM = 0xa0,
    MCH_TOUUD = 0xa2,
    MCH_GBSM = 0xa4,
    MCH_TSEGMB = 0xac,
    MCH_TOLUD = 0xb0,
    MCH_ERRCMD = 0xca,
    MCH_SKPD = 0xdc,
};

#define EXBAR_ENABLE 0x1u
#define EXBAR_LENGTH 0x6u
#define EXBAR_BASE   UINT64_C(0x0000000ffc000000)

#define SMRAM_BASE_SEG 0x02u   /* C_BASE_SEG, read-only: A0000h */
#define SMRAM_ENABLE   0x08u   /* G_SMRAME */
#define SMRAM_LOCK     0x10u   /* D_LCK */
#define SMRAM_CLOSED   0x20u   /* D_CLS */
#define SMRAM_OPEN     0x40u   /* D_OPEN */

#define ESMRAM_TSEG      0x01u /* T_EN */
#define ESMRAM_TSEG_SIZE 0x06u
#define ESMRAM_CACHES    0x38u /* SM_CACHE, SM_L1, SM_L2: read-only ones */
#define ESMRAM_ERROR     0x40u /* E_SMERR, cleared by a one */
#define ESMRAM_HIGH      0x80u /* H_SMRAME */

#define HIGH_SMRAM_START UINT64_C(0xfeda0000)
enum { SMRAM_START = 0xa0000, SMRAM_SIZE = 0x20000 };

#define MCH_STATE(_)                                                     \
    PCI_FUNCTION_STATE(_)                                                \
    _(uint32_t, STATE_U32, config_address, 0, 1, "CONFIG_ADDRESS, port 0xcf8")

STATE_STRUCT(MchState, MCH_STATE);
static STATE_TABLE(mch_state, "mch", 1, MchState, MCH_STATE)

/* 256, 128 or 64 MiB (5.1.15). */
#define EXBAR_SIZES 3u

typedef struct Mch {
    PciFunction pci;
    MchState s;
    RamBlock *ram;
    PciBus *bus;
    HostMemory memory;
    HostPorts ports;
    MemRegion ecam[EXBAR_SIZES];
    MemRegion hidden;      /* nothing at all */
    MemRegion tseg_hidden; /* it, over RAM, outside of system management mode */
    MemRegion tseg, smram_high; /* inside */
    uint64_t told_ecam;    /* what `moved` was told last */
    void (*moved)(void *opaque);
    void *moved_opaque;
} Mch;

/* --- PCI Express configuration ------------------------------------------------------*/

/* An address has the bus from bit 20 on, then device and function, then twelve
 * bits of offset (PCI Express Base Specification 2.0, 7.2.2). */
static uint64_t ecam_read(void *opaque, PhysAddr at, unsigned size)
{
    const Mch *b = opaque;
    return pci_config_read(b->bus, at >> 12, at & 0xfff, size);
}

static void ecam_write(void *opaque, PhysAddr at, uint64_t v, unsigned size)
{
    const Mch *b = opaque;
    pci_config_write(b->bus, at >> 12, at & 0xfff, v, size);
}

static const MemOps ecam_ops = { ecam_read, ecam_write, 1, 4 };

static uint64_t exbar(const Mch *b)
{
    return pci_config_32(&b->pci, MCH_PCIEXBAR) |
           (uint64_t)pci_config_32(&b->pci, MCH_PCIEXBAR + 4) << 32;
}

/* The base is a multiple of the size. */
static uint64_t ecam_base(const Mch *b, unsigned n)
{
    return exbar(b) & EXBAR_BASE & ~(b->ecam[n].size - 1);
}

uint64_t q35_mch_ecam(Device *mch, unsigned *buses)
{
    const Mch *b = (Mch *)mch;
    unsigned n = (exbar(b) & EXBAR_LENGTH) >> 1;
    bool on = (exbar(b) & EXBAR_ENABLE) && n < EXBAR_SIZES;
    *buses = on ? 256 >> n : 0;
    return on ? ecam_base(b, n) : 0;
}

static void ecam_map(Mch *b)
{
    unsigned buses;
    uint64_t base = q35_mch_ecam(&b->pci.dev, &buses);

    for (unsigned n = 0; n < EXBAR_SIZES; n++) {
        bool on = buses == 256u >> n;
        if (on) {
            mem_set_address(&b->ecam[n], base);
        }
        mem_set_enabled(&b->ecam[n], on);
    }
    if (b->moved && b->told_ecam != (base | buses)) {
        b->told_ecam = base | buses;
        b->moved(b->moved_opaque);
    }
}

static void ecam_init(Mch *b)
{
    Machine *m = b->pci.dev.machine;
    for (unsigned n = 0; n < EXBAR_SIZES; n++) {
        mem_init_io(&b->ecam[n], "pcie-mmcfg", 256 * MIB >> n, &ecam_ops, b);
        mem_set_enabled(&b->ecam[n], false);
        mem_add(&m->memory_root, 0, &b->ecam[n], 3);
    }
}

/* --- SMRAM and TSEG -------------------------------------------------------------------*/

static const MemOps hidden_ops = { NULL, NULL, 1, 8 };

/* 1, 2 or 8 MiB; the fourth is reserved. */
static uint64_t tseg_bytes(const Mch *b)
{
    static const uint8_t mib[4] = { 1, 2, 8, 0 };
    uint8_t v = b->s.config[MCH_ESMRAMC];
    uint64_t bytes = mib[(v & ESMRAM_TSEG_SIZE) >> 1] * MIB;
    bool on = (v & ESMRAM_TSEG) && (b->s.config[MCH_SMRAM] & SMRAM_ENABLE);
    return on && bytes <= b->memory.below_4g ? bytes : 0;
}

static void tseg_map(Mch *b)
{
    uint64_t bytes = tseg_bytes(b), at = b->memory.below_4g - bytes;

    if (bytes) {
        mem_set_alias_size(&b->tseg_hidden, bytes);
        mem_set_address(&b->tseg_hidden, at);
        mem_set_alias(&b->tseg, &b->memory.ram_region, at);
        mem_set_alias_size(&b->tseg, bytes);
        mem_set_address(&b->tseg, at);
    }
    mem_set_enabled(&b->tseg_hidden, bytes);
    mem_set_enabled(&b->tseg, bytes);
}

static void smram_map(Mch *b)
{
    uint8_t v = b->s.config[MCH_SMRAM];
    bool enabled = v & SMRAM_ENABLE;

    if (v & SMRAM_CLOSED) {
        guest_unimp("mch: SMRAM closed to data\n");
    }
    host_memory_set_smram(&b->memory, enabled, v & SMRAM_OPEN);
    mem_set_enabled(&b->smram_high,
                    enabled && (b->s.config[MCH_ESMRAMC] & ESMRAM_HIGH));
    tseg_map(b);
}

static void smram_init(Mch *b)
{
    HostMemory *h = &b->memory;

    mem_init_io(&b->hidden, "tseg-hidden", 8 * MIB, &hidden_ops, b);
    mem_init_alias(&b->tseg_hidden, "tseg-hidden", &b->hidden, 0, MIB);
    mem_set_enabled(&b->tseg_hidden, false);
    mem_add(&h->machine->memory_root, 0, &b->tseg_hidden, 1);
    mem_init_alias(&b->tseg, "tseg", &h->ram_region, 0, MIB);
    mem_set_enabled(&b->tseg, false);
    mem_add(&h->smm_root, 0, &b->tseg, 1);
    mem_init_alias(&b->smram_high, "smram-high", &h->ram_region, SMRAM_START,
                   SMRAM_SIZE);
    mem_set_enabled(&b->smram_high, false);
    mem_add(&h->smm_root, HIGH_SMRAM_START, &b->smram_high, 1);
}

/* 5.1.27: locking closes SMRAM and freezes both registers until reset; only
 * D_CLS stays writable. */
static void smram_written(Mch *b)
{
    uint8_t *reg = &b->s.config[MCH_SMRAM];
    uint8_t *writable = b->pci.writable;

    if (*reg & SMRAM_LOCK) {
        *reg &= ~SMRAM_OPEN;
        writable[MCH_SMRAM] = SMRAM_CLOSED;
        writable[MCH_ESMRAMC] = 0;
    } else {
        writable[MCH_SMRAM] = SMRAM_ENABLE | SMRAM_LOCK | SMRAM_CLOSED |
                              SMRAM_OPEN;
        writable[MCH_ESMRAMC] = ESMRAM_HIGH | ESMRAM_TSEG_SIZE | ESMRAM_TSEG;
    }
}

/* --- the function -----------------------------------------------------------------------*/

static void mch_map(Mch *b)
{
    smram_written(b);
    mem_transaction_begin(b->pci.dev.machine);
    host_memory_set_pam(&b->memory, &b->s.config[MCH_PAM0]);
    smram_map(b);
    ecam_map(b);
    mem_transaction_commit(b->pci.dev.machine);
}

static void mch_config_reset(PciFunction *f)
{
    uint8_t *config = f->s->config;
    pci_config_set_16(f, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    pci_config_set_16(f, PCI_STATUS, 0x0080);
    config[MCH_DEVEN] = 0x01;            /* device 0 alone */
    pci_config_set_32(f, MCH_PCIEXBAR, 0xe0000000);
    config[MCH_SMRAM] = SMRAM_BASE_SEG;
    config[MCH_ESMRAMC] = ESMRAM_CACHES;
    config[MCH_TOM] = 0x01;
    pci_config_set_16(f, MCH_TOLUD, 0x0010);
}

static void mch_config_written(PciFunction *f, unsigned offset, unsigned len)
{
    if (offset + len > MCH_PCIEXBAR && offset <= MCH_ESMRAMC) {
        mch_map(container_of(f, Mch, pci));
    }
}

static const PciInfo mch_info = {
    .vendor = 0x8086,
    .device = 0x29c0,
    .class_code = 0x0600,
    .revision = 2,
    .config_reset = mch_config_reset,
    .config_written = mch_config_written,
};

/* Registers without an effect here keep what is written to them. */
static void mch_init_writable(Mch *b)
{
    static const struct {
        uint8_t at, bytes;
    } kept[] = { { MCH_EPBAR, 8 }, { MCH_MCHBAR, 8 }, { MCH_DMIBAR, 8 },
                 { 0x50, 2 }, { MCH_LAC, 1 }, { MCH_REMAP, 4 },
                 { MCH_TOM, 4 }, { MCH_GBSM, 12 }, { MCH_TOLUD, 2 },
                 { MCH_ERRCMD, 2 }, { MCH_SKPD, 4 } };
    uint8_t *w = b->pci.writable;

    for (unsigned i = 0; i < G_N_ELEMENTS(kept); i++) {
        memset(w + kept[i].at, 0xff, kept[i].bytes);
    }
    bytes_st_le32(w + MCH_PCIEXBAR,
                  0xf0000000u | 0x0c000000u | EXBAR_LENGTH | EXBAR_ENABLE);
    bytes_st_le32(w + MCH_PCIEXBAR + 4, 0xf);
    for (unsigned n = 0; n < PAM_COUNT; n++) {
        w[MCH_PAM0 + n] = n ? 0x33 : 0x30;
    }
    b->pci.clears[MCH_ESMRAMC] = ESMRAM_ERROR;
    w[PCI_COMMAND] = PCI_COMMAND_PARITY;
    w[PCI_COMMAND + 1] = PCI_COMMAND_SERR >> 8;
    w[PCI_CACHE_LINE] = w[PCI_LATENCY] = w[PCI_INTERRUPT_LINE] = 0;
}

static bool mch_realize(Device *dev, Error **errp)
{
    Mch *b = (Mch *)dev;
    Machine *m = dev->machine;
    bool large = b->ram->size_bytes >= Q35_LOW_RAM_MAX;

    host_memory_init(&b->memory, m, b->ram,
                     large ? Q35_LOW_RAM_LARGE : Q35_LOW_RAM_MAX);
    smram_init(b);
    ecam_init(b);
    b->bus = pci_bus_new(m, "pcie.0", &b->memory.pci, &m->io_root);
    pci_bus_set_express(b->bus);
    dev->bus = b->bus;
    if (!pci_function_init(&b->pci, &mch_info, 0, errp)) {
        return false;
    }
    mch_init_writable(b);
    host_ports_init(&b->ports, m, b->bus, &b->s.config_address);
    machine_add_info(m, "pci", pci_bus_info, b->bus);
    return true;
}

static void mch_reset(Device *dev)
{
    pci_function_reset((PciFunction *)dev);
    mch_map((Mch *)dev);
}

static void mch_rewire(Device *dev)
{
    pci_function_rewire((PciFunction *)dev);
    mch_map((Mch *)dev);
}

static void mch_unrealize(Device *dev)
{
    Mch *b = (Mch *)dev;
    pci_bus_free(b->bus);
    b->bus = NULL;
    host_memory_free(&b->memory);
}

const DeviceClass q35_mch_class = {
    .name = "mch",
    .desc = "Host bridge",
    .bus = "PCI",
    .category = "Controller/Bridge",
    .size = sizeof(Mch),
    .state_offset = offsetof(Mch, s),
    .state = mch_state,
    .realize = mch_realize,
    .reset = mch_reset,
    .rewire = mch_rewire,
    .unrealize = mch_unrealize,
};

/* --- for the board -------------------------------------------------------------------------*/

Device *q35_mch_new(Machine *m, RamBlock *ram)
{
    Device *dev = device_new(m, &q35_mch_class, NULL);
    Error *err = NULL;

    ((Mch *)dev)->ram = ram;
    bool ok = device_realize(dev, &err);
    g_assert(ok);
    return dev;
}

PciBus *q35_mch_bus(Device *mch)
{
    return ((Mch *)mch)->bus;
}

MemRegion *q35_mch_pci_memory(Device *mch)
{
    return &((Mch *)mch)->memory.pci;
}

AddressSpace *q35_mch_smm_memory(Device *mch)
{
    return ((Mch *)mch)->memory.smm_space;
}

uint64_t q35_mch_ram_below_4g(Device *mch)
{
    return ((Mch *)mch)->memory.below_4g;
}

uint64_t q35_mch_ram_above_4g(Device *mch)
{
    return ((Mch *)mch)->memory.above_4g;
}

void q35_mch_set_reset_port(Device *mch, const MemOps *ops, void *opaque)
{
    ((Mch *)mch)->ports.reset_ops = ops;
    ((Mch *)mch)->ports.reset_opaque = opaque;
}

void q35_mch_on_move(Device *mch, void (*moved)(void *opaque), void *opaque)
{
    Mch *b = (Mch *)mch;
    unsigned buses;
    b->moved = moved;
    b->moved_opaque = opaque;
    b->told_ecam = q35_mch_ecam(mch, &buses) | buses;
}
