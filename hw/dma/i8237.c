/*
 * The PC's two 8237A DMA controllers (Intel data sheet 231466) with the page
 * registers: channels 0..3 move bytes, 5..7 words; channel 4 is the cascade.
 * A transfer happens when a device asks for it (i8237_transfer), in one go.
 */
#include "base/bits.h"
#include "base/log.h"
#include "hw/pc-chips.h"
#include "vm/machine.h"

enum { CONTROLLERS = 2, CHANNELS = 8, PAGES = 16, CASCADE = 4 };

/* Registers 8..15 of a controller. */
enum {
    REG_STATUS = 8,        /* write: command */
    REG_REQUEST,
    REG_MASK_ONE,
    REG_MODE,
    REG_CLEAR_FLIPFLOP,
    REG_TEMPORARY,         /* write: master clear */
    REG_CLEAR_MASK,
    REG_MASK_ALL,
};

#define COMMAND_DISABLE BIT(2)
#define MODE_TYPE       0x0c
#define MODE_VERIFY     0x00
#define MODE_WRITE      0x04   /* to memory */
#define MODE_READ       0x08
#define MODE_AUTOINIT   BIT(4)
#define MODE_DOWN       BIT(5)

typedef uint16_t Dma16[CHANNELS];
typedef uint8_t Dma8[CHANNELS];
typedef uint8_t DmaPair[CONTROLLERS];
typedef uint8_t DmaPages[PAGES];

#define DMA_STATE(_)                                                         \
    _(Dma16, STATE_U16, base_addr, 0, 1, "base address")                     \
    _(Dma16, STATE_U16, base_count, 0, 1, "base word count")                 \
    _(Dma16, STATE_U16, addr, 0, 1, "current address")                       \
    _(Dma16, STATE_U16, count, 0, 1, "current word count")                   \
    _(Dma8, STATE_U8, mode, 0, 1, "mode")                                    \
    _(DmaPair, STATE_U8, command, 0, 1, "command")                           \
    _(DmaPair, STATE_U8, request, 0, 1, "software requests")                 \
    _(DmaPair, STATE_U8, mask, 0x0f, 1, "masked channels")                   \
    _(DmaPair, STATE_U8, terminal, 0, 1, "terminal counts reached")          \
    _(DmaPair, STATE_U8, flipflop, 0, 1, "next byte is the high one")        \
    _(DmaPages, STATE_U8, page, 0, 1, "page registers, 0x80..0x8f")          \
    _(DmaPages, STATE_U8, high_page, 0, 1, "high pages, 0x480..0x48f")

STATE_STRUCT(DmaState, DMA_STATE);
static STATE_TABLE(dma_state, "i8237", 1, DmaState, DMA_STATE)

typedef struct Dma {
    Device dev;
    DmaState s;
    MemRegion io[CONTROLLERS], page_io, high_io;
} Dma;

/* Page register of each channel; 4 is the refresh page. */
static const uint8_t page_of[CHANNELS] = { 7, 3, 1, 2, 15, 11, 9, 10 };

/* --- transfers ------------------------------------------------------------ */

static PhysAddr channel_address(const DmaState *s, unsigned ch)
{
    PhysAddr page = s->page[page_of[ch]];
    PhysAddr high = (PhysAddr)s->high_page[page_of[ch]] << 24;
    if (ch < CASCADE) {
        return high | page << 16 | s->addr[ch];
    }
    return high | (page & 0xfe) << 16 | (PhysAddr)s->addr[ch] << 1;
}

static bool channel_ready(const DmaState *s, unsigned ch)
{
    unsigned c = ch / 4;
    bool cascade = ch < CASCADE
                   || (!(s->mask[1] & BIT(ch & 3))
                       && !(s->command[1] & COMMAND_DISABLE));
    return cascade && !(s->mask[c] & BIT(ch & 3))
           && !(s->command[c] & COMMAND_DISABLE);
}

/* After a unit was moved; true at terminal count. */
static bool channel_step(DmaState *s, unsigned ch)
{
    s->addr[ch] += s->mode[ch] & MODE_DOWN ? -1 : 1;
    if (s->count[ch]--) {
        return false;
    }
    s->terminal[ch / 4] |= BIT(ch & 3);
    s->request[ch / 4] &= ~BIT(ch & 3);
    if (s->mode[ch] & MODE_AUTOINIT) {
        s->addr[ch] = s->base_addr[ch];
        s->count[ch] = s->base_count[ch];
    } else {
        s->mask[ch / 4] |= BIT(ch & 3);
    }
    return true;
}

size_t i8237_transfer(Device *dev, unsigned ch, void *buf, size_t len,
                      bool to_memory, bool *terminal)
{
    Dma *d = (Dma *)dev;
    AddressSpace *memory = dev->machine->memory;
    g_assert(ch < CHANNELS && ch != CASCADE);
    uint8_t type = d->s.mode[ch] & MODE_TYPE;
    unsigned unit = ch < CASCADE ? 1 : 2;
    size_t done = 0;
    *terminal = false;
    if (!channel_ready(&d->s, ch)
        || (type != MODE_VERIFY
            && type != (to_memory ? MODE_WRITE : MODE_READ))) {
        return 0;
    }
    while (!*terminal && len - done >= unit) {
        uint8_t *at = (uint8_t *)buf + done;
        if (type == MODE_WRITE) {
            address_space_write(memory, channel_address(&d->s, ch), at, unit);
        } else if (type == MODE_READ) {
            address_space_read(memory, channel_address(&d->s, ch), at, unit);
        }
        done += unit;
        *terminal = channel_step(&d->s, ch);
    }
    return done;
}

/* --- registers ------------------------------------------------------------ */

static uint16_t set_byte(uint16_t v, bool high, uint8_t byte)
{
    return high ? (v & 0x00ff) | byte << 8 : (v & 0xff00) | byte;
}

static void channel_write(DmaState *s, unsigned c, unsigned reg, uint8_t v)
{
    unsigned ch = c * 4 + reg / 2;
    bool high = s->flipflop[c];
    s->flipflop[c] ^= 1;
    if (reg & 1) {
        s->base_count[ch] = set_byte(s->base_count[ch], high, v);
        s->count[ch] = s->base_count[ch];
    } else {
        s->base_addr[ch] = set_byte(s->base_addr[ch], high, v);
        s->addr[ch] = s->base_addr[ch];
    }
}

static uint8_t channel_read(DmaState *s, unsigned c, unsigned reg)
{
    unsigned ch = c * 4 + reg / 2;
    uint16_t v = reg & 1 ? s->count[ch] : s->addr[ch];
    bool high = s->flipflop[c];
    s->flipflop[c] ^= 1;
    return high ? v >> 8 : v;
}

static void master_clear(DmaState *s, unsigned c)
{
    s->command[c] = s->request[c] = s->terminal[c] = s->flipflop[c] = 0;
    s->mask[c] = 0x0f;
}

/* Bit 2 of v sets or clears the bit of the channel in bits 1..0. */
static uint8_t set_channel_bit(uint8_t bits, uint8_t v)
{
    uint8_t bit = BIT(v & 3);
    return v & 4 ? bits | bit : bits & ~bit;
}

static void dma_write_reg(DmaState *s, unsigned c, unsigned reg, uint8_t v)
{
    switch (reg) {
    case REG_STATUS:
        s->command[c] = v;
        break;
    case REG_REQUEST:
        s->request[c] = set_channel_bit(s->request[c], v);
        break;
    case REG_MASK_ONE:
        s->mask[c] = set_channel_bit(s->mask[c], v);
        break;
    case REG_MODE:
        s->mode[c * 4 + (v & 3)] = v;
        break;
    case REG_CLEAR_FLIPFLOP:
        s->flipflop[c] = 0;
        break;
    case REG_TEMPORARY:
        master_clear(s, c);
        break;
    case REG_CLEAR_MASK:
        s->mask[c] = 0;
        break;
    case REG_MASK_ALL:
        s->mask[c] = v & 0x0f;
        break;
    default:
        channel_write(s, c, reg, v);
        break;
    }
}

static uint8_t dma_read_reg(DmaState *s, unsigned c, unsigned reg)
{
    uint8_t v;
    switch (reg) {
    case REG_STATUS:
        v = s->request[c] << 4 | s->terminal[c];
        s->terminal[c] = 0;
        return v;
    case REG_MASK_ALL:
        return s->mask[c] | 0xf0;
    case REG_REQUEST ... REG_CLEAR_MASK:
        return 0;
    default:
        return channel_read(s, c, reg);
    }
}

static uint64_t bytes_read(void *opaque, PhysAddr offset, unsigned size)
{
    Dma *d = opaque;
    return dma_read_reg(&d->s, 0, offset);
}

static void bytes_write(void *opaque, PhysAddr offset, uint64_t v,
                        unsigned size)
{
    Dma *d = opaque;
    dma_write_reg(&d->s, 0, offset, v);
}

/* The second controller's registers lie on even ports. */
static uint64_t words_read(void *opaque, PhysAddr offset, unsigned size)
{
    Dma *d = opaque;
    return offset & 1 ? 0xff : dma_read_reg(&d->s, 1, offset / 2);
}

static void words_write(void *opaque, PhysAddr offset, uint64_t v,
                        unsigned size)
{
    Dma *d = opaque;
    if (!(offset & 1)) {
        dma_write_reg(&d->s, 1, offset / 2, v);
    }
}

static uint64_t page_read(void *opaque, PhysAddr offset, unsigned size)
{
    return ((uint8_t *)opaque)[offset];
}

static void page_write(void *opaque, PhysAddr offset, uint64_t v,
                       unsigned size)
{
    ((uint8_t *)opaque)[offset] = v;
}

static const MemOps bytes_ops = { bytes_read, bytes_write, .max_size = 1 };
static const MemOps words_ops = { words_read, words_write, .max_size = 1 };
static const MemOps page_ops = { page_read, page_write, .max_size = 1 };

static bool dma_realize(Device *dev, Error **errp)
{
    Dma *d = (Dma *)dev;
    MemRegion *root = &dev->machine->io_root;
    mem_init_io(&d->io[0], "dma", 16, &bytes_ops, d);
    mem_add(root, 0x00, &d->io[0], 0);
    mem_init_io(&d->io[1], "dma2", 32, &words_ops, d);
    mem_add(root, 0xc0, &d->io[1], 0);
    mem_init_io(&d->page_io, "dma-page", PAGES, &page_ops, d->s.page);
    mem_add(root, 0x80, &d->page_io, 0);
    mem_init_io(&d->high_io, "dma-high-page", PAGES, &page_ops,
                d->s.high_page);
    mem_add(root, 0x480, &d->high_io, 0);
    return true;
}

const DeviceClass i8237_class = {
    .name = "i8257",
    .desc = "8237A DMA controllers and page registers",
    .category = "Misc",
    .size = sizeof(Dma),
    .state_offset = offsetof(Dma, s),
    .state = dma_state,
    .realize = dma_realize,
};
