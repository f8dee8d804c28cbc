/*
 * The PIIX3's IDE function: two channels at the legacy ports, and a bus
 * master for each.
 *
 * Registers: Intel 82371SB (PIIX3) datasheet, section 2.4 and 2.7; the bus
 * master interface is that of SFF-8038i. Where the engine stands in its list
 * is state, so that a drive may go on with a list that the guest extended.
 */
#include "base/bytes.h"
#include "base/log.h"
#include "hw/pc-bridges.h"

#define CHANNELS 2

/* Offsets in a channel's eight bus master ports. */
enum { BM_COMMAND = 0, BM_STATUS = 2, BM_TABLE = 4, BM_PORTS = 8 };

#define BM_START     0x01u
#define BM_TO_MEMORY 0x08u

#define BM_ACTIVE    0x01u
#define BM_ERROR     0x02u
#define BM_INTERRUPT 0x04u
#define BM_CAPABLE   0x60u

#define PRD_LAST 0x80000000u

typedef uint8_t ChannelBytes[CHANNELS];
typedef uint32_t ChannelWords[CHANNELS];
typedef bool ChannelBools[CHANNELS];

#define PIIX3_IDE_STATE(_)                                                   \
    PCI_FUNCTION_STATE(_)                                                    \
    _(ChannelBytes, STATE_U8, command, 0, 1, "bus master command")           \
    _(ChannelBytes, STATE_U8, status, 0, 1, "bus master status")             \
    _(ChannelWords, STATE_U32, table, 0, 1, "address of the PRD table")      \
    _(ChannelWords, STATE_U32, next_prd, 0, 1, "address of the next PRD")    \
    _(ChannelWords, STATE_U32, addr, 0, 1, "next byte of the present region") \
    _(ChannelWords, STATE_U32, left, 0, 1, "bytes left of it")               \
    _(ChannelBools, STATE_BOOL, last, 0, 1, "the present region is the last") \
    _(ChannelBools, STATE_BOOL, intrq, 0, 1, "the channel's interrupt line")

STATE_STRUCT(Piix3IdeState, PIIX3_IDE_STATE);
static STATE_TABLE(piix3_ide_state, "piix3-ide", 1, Piix3IdeState,
                   PIIX3_IDE_STATE)

typedef struct Piix3Ide Piix3Ide;

typedef struct Channel {
    Piix3Ide *ide;
    unsigned n;
    IdeBus bus;
    IrqLine irq;
    MemRegion block, control;
} Channel;

struct Piix3Ide {
    PciFunction pci;
    Piix3IdeState s;
    Channel channel[CHANNELS];
    MemRegion bus_master;
};

/* --- the bus master --------------------------------------------------------*/

static bool master_ready(void *host, bool to_memory)
{
    const Channel *c = host;
    const Piix3IdeState *s = &c->ide->s;

    return (s->command[c->n] & BM_START) && (s->status[c->n] & BM_ACTIVE) &&
           !!(s->command[c->n] & BM_TO_MEMORY) == to_memory;
}

/* Takes the next entry of the table. Neither the table nor a region may cross
 * a 64 KiB boundary; if one does, addresses go on counting. */
static bool next_region(Channel *c)
{
    Piix3IdeState *s = &c->ide->s;
    uint8_t prd[8];

    if (s->last[c->n] ||
        !pci_dma_read(&c->ide->pci, s->next_prd[c->n], prd, sizeof prd)) {
        return false;
    }
    uint32_t addr = bytes_ld_le32(prd), word = bytes_ld_le32(prd + 4);
    uint32_t count = word & 0xfffe;

    s->next_prd[c->n] += sizeof prd;
    s->addr[c->n] = addr & ~1u;
    s->left[c->n] = count ? count : 0x10000;
    s->last[c->n] = word & PRD_LAST;
    if ((addr & 0xffff) + s->left[c->n] > 0x10000) {
        guest_error("%s: DMA region at 0x%x crosses 64 KiB\n", c->bus.name,
                    addr);
    }
    return true;
}

static size_t master_move(void *host, void *buf, size_t len, bool to_memory)
{
    Channel *c = host;
    Piix3IdeState *s = &c->ide->s;
    uint8_t *p = buf;
    size_t moved = 0;

    while (moved < len) {
        if (!s->left[c->n] && !next_region(c)) {
            break;
        }
        uint32_t n = MIN(len - moved, s->left[c->n]);
        if (to_memory) {
            pci_dma_write(&c->ide->pci, s->addr[c->n], p + moved, n);
        } else {
            pci_dma_read(&c->ide->pci, s->addr[c->n], p + moved, n);
        }
        s->addr[c->n] += n;
        s->left[c->n] -= n;
        moved += n;
    }
    return moved;
}

/* Active stays set while the table describes more than was moved. */
static void master_end(void *host)
{
    Channel *c = host;
    Piix3IdeState *s = &c->ide->s;

    if (s->last[c->n] && !s->left[c->n]) {
        s->status[c->n] &= ~BM_ACTIVE;
    }
}

static void write_command(Channel *c, uint8_t v)
{
    Piix3IdeState *s = &c->ide->s;
    bool was = s->command[c->n] & BM_START, is = v & BM_START;

    s->command[c->n] = v & (BM_START | BM_TO_MEMORY);
    if (is && !was) {
        s->next_prd[c->n] = s->table[c->n];
        s->left[c->n] = 0;
        s->last[c->n] = false;
        s->status[c->n] |= BM_ACTIVE;
        ide_bus_dma_start(&c->bus);
    } else if (was && !is) {
        s->status[c->n] &= ~BM_ACTIVE;
    }
}

static void write_status(Channel *c, uint8_t v)
{
    uint8_t *status = &c->ide->s.status[c->n];
    *status &= ~(v & (BM_ERROR | BM_INTERRUPT));
    *status = (*status & ~BM_CAPABLE) | (v & BM_CAPABLE);
}

static uint64_t master_read(void *opaque, PhysAddr offset, unsigned size)
{
    const Piix3Ide *ide = opaque;
    unsigned n = offset / BM_PORTS, reg = offset % BM_PORTS;
    uint8_t ports[BM_PORTS] = { 0 };

    ports[BM_COMMAND] = ide->s.command[n];
    ports[BM_STATUS] = ide->s.status[n];
    bytes_st_le32(ports + BM_TABLE, ide->s.table[n]);
    return bytes_ld_le(ports + reg, MIN(size, BM_PORTS - reg));
}

static void master_write(void *opaque, PhysAddr offset, uint64_t v,
                         unsigned size)
{
    Piix3Ide *ide = opaque;
    Channel *c = &ide->channel[offset / BM_PORTS];
    uint8_t table[4];

    bytes_st_le32(table, ide->s.table[c->n]);
    for (unsigned i = 0; i < size; i++) {
        unsigned reg = offset % BM_PORTS + i;
        uint8_t byte = v >> (8 * i);
        if (reg == BM_COMMAND) {
            write_command(c, byte);
        } else if (reg == BM_STATUS) {
            write_status(c, byte);
        } else if (reg >= BM_TABLE && reg < BM_PORTS) {
            table[reg - BM_TABLE] = byte;
        }
    }
    ide->s.table[c->n] = bytes_ld_le32(table) & ~3u;
}

static const MemOps master_ops = { master_read, master_write, 1, 4 };

/* --- the channels -------------------------------------------------------------*/

static void channel_irq(void *host, bool level)
{
    Channel *c = host;
    Piix3IdeState *s = &c->ide->s;

    if (level && !s->intrq[c->n]) {
        s->status[c->n] |= BM_INTERRUPT;
    }
    s->intrq[c->n] = level;
    irq_set(&c->irq, level);
}

/* Only the data port is wider than a byte. */
static uint64_t block_read(void *opaque, PhysAddr offset, unsigned size)
{
    Channel *c = opaque;
    uint64_t v = 0;

    if (offset == 0) {
        return ide_bus_read(&c->bus, 0, size);
    }
    for (unsigned i = 0; i < size && offset + i < 8; i++) {
        v |= (uint64_t)ide_bus_read(&c->bus, offset + i, 1) << (8 * i);
    }
    return v;
}

static void block_write(void *opaque, PhysAddr offset, uint64_t v,
                        unsigned size)
{
    Channel *c = opaque;

    if (offset == 0) {
        ide_bus_write(&c->bus, 0, v, size);
        return;
    }
    for (unsigned i = 0; i < size && offset + i < 8; i++) {
        ide_bus_write(&c->bus, offset + i, v >> (8 * i) & 0xff, 1);
    }
}

static const MemOps block_ops = { block_read, block_write, 1, 4 };

static uint64_t control_read(void *opaque, PhysAddr offset, unsigned size)
{
    Channel *c = opaque;
    return ide_bus_read_alt(&c->bus);
}

static void control_write(void *opaque, PhysAddr offset, uint64_t v,
                          unsigned size)
{
    Channel *c = opaque;
    ide_bus_write_control(&c->bus, v);
}

static const MemOps control_ops = { control_read, control_write, 1, 1 };

static void channel_init(Piix3Ide *ide, unsigned n)
{
    static const char *const names[CHANNELS] = { "ide.0", "ide.1" };
    static const uint16_t ports[CHANNELS] = { 0x1f0, 0x170 };
    Machine *m = ide->pci.dev.machine;
    Channel *c = &ide->channel[n];

    c->ide = ide;
    c->n = n;
    c->bus = (IdeBus){ .machine = m,
                       .name = names[n],
                       .units = 2,
                       .host = c,
                       .irq = channel_irq,
                       .dma_ready = master_ready,
                       .dma_move = master_move,
                       .dma_end = master_end };
    mem_init_io(&c->block, names[n], 8, &block_ops, c);
    mem_add(&m->io_root, ports[n], &c->block, 0);
    mem_init_io(&c->control, names[n], 1, &control_ops, c);
    mem_add(&m->io_root, ports[n] + 0x206, &c->control, 0);
    ide_bus_offer(&c->bus);
}

IdeBus *piix3_ide_bus(Device *ide, unsigned channel)
{
    g_assert(channel < CHANNELS);
    return &((Piix3Ide *)ide)->channel[channel].bus;
}

IrqLine *piix3_ide_irq(Device *ide, unsigned channel)
{
    g_assert(channel < CHANNELS);
    return &((Piix3Ide *)ide)->channel[channel].irq;
}

/* --- the function ----------------------------------------------------------------*/

static void piix3_ide_config_reset(PciFunction *f)
{
    pci_config_set_16(f, PCI_STATUS, 0x0280);
}

static const PciInfo piix3_ide_info = {
    .vendor = 0x8086,
    .device = 0x7010,
    .class_code = 0x0101,
    .prog_if = 0x80,                    /* bus master, legacy ports */
    .config_reset = piix3_ide_config_reset,
};

static bool piix3_ide_realize(Device *dev, Error **errp)
{
    Piix3Ide *ide = (Piix3Ide *)dev;

    if (!pci_function_init(&ide->pci, &piix3_ide_info, PCI_DEVFN(1, 1),
                           errp)) {
        return false;
    }
    memset(ide->pci.writable + 0x40, 0xff, 4);          /* IDETIM */
    mem_init_io(&ide->bus_master, "piix-bmdma", CHANNELS * BM_PORTS,
                &master_ops, ide);
    pci_bar_init(&ide->pci, 4, PCI_BAR_IO, &ide->bus_master);
    for (unsigned n = 0; n < CHANNELS; n++) {
        channel_init(ide, n);
    }
    return true;
}

/* Says which drives can do DMA, as firmware would. */
static void piix3_ide_reset(Device *dev)
{
    Piix3Ide *ide = (Piix3Ide *)dev;

    pci_function_reset(&ide->pci);
    for (unsigned n = 0; n < CHANNELS; n++) {
        ide->s.status[n] = ide_bus_dma_capable(&ide->channel[n].bus) << 5;
        irq_set(&ide->channel[n].irq, false);
    }
}

const DeviceClass piix3_ide_class = {
    .name = "piix3-ide",
    .desc = "PIIX3 IDE controller",
    .bus = "PCI",
    .category = "Storage",
    .size = sizeof(Piix3Ide),
    .state_offset = offsetof(Piix3Ide, s),
    .state = piix3_ide_state,
    .realize = piix3_ide_realize,
    .reset = piix3_ide_reset,
    .rewire = pci_device_rewire,
    .unrealize = pci_device_unrealize,
};
