/*
 * pc-testdev: what tests of a processor want of a board, as kvm-unit-tests use
 * it: a dword of storage behind ports, 64 KiB of registers in memory that hold
 * what is written, and the interrupt lines, each behind a port of its own.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "hw/isa.h"

#define PORT_STORAGE 0xe0u
#define PORT_FLUSH   0xe4u         /* a page to be forgotten by caches */
#define PORT_IRQ     0x2000u
#define IRQ_LINES    16u
#define CASCADE      2u            /* between the two 8259s: no line */
#define MEMORY_AT    UINT64_C(0xff000000)
#define MEMORY_BYTES 0x10000u

typedef uint8_t TestMemory[MEMORY_BYTES];

#define PC_TESTDEV_STATE(_)                                                  \
    _(uint32_t, STATE_U32, storage, 0, 1, "the dword")                       \
    _(TestMemory, STATE_U8, memory, 0, 1, "registers in memory")
STATE_STRUCT(PcTestdevState, PC_TESTDEV_STATE);
static STATE_TABLE(pc_testdev_state, "pc-testdev", 1, PcTestdevState,
                   PC_TESTDEV_STATE)

typedef struct PcTestdev {
    Device dev;
    PcTestdevState s;
    IrqLine line[IRQ_LINES];
    MemRegion storage, flush, irq, memory;
} PcTestdev;

static uint64_t storage_read(void *opaque, PhysAddr offset, unsigned size)
{
    const PcTestdev *d = opaque;
    return d->s.storage >> 8 * offset;
}

static void storage_write(void *opaque, PhysAddr offset, uint64_t v,
                          unsigned size)
{
    PcTestdev *d = opaque;
    d->s.storage = bits_deposit(d->s.storage, 8 * offset, 8 * size, v);
}

/* No cache of this machine is visible, so there is nothing to forget. */
static uint64_t flush_read(void *opaque, PhysAddr offset, unsigned size)
{
    return 0;
}

static void flush_write(void *opaque, PhysAddr offset, uint64_t v,
                        unsigned size)
{
}

static uint64_t irq_read(void *opaque, PhysAddr offset, unsigned size)
{
    return 0;
}

static void irq_write(void *opaque, PhysAddr offset, uint64_t v,
                      unsigned size)
{
    const PcTestdev *d = opaque;
    irq_set(&d->line[offset], v);
}

static uint64_t memory_read(void *opaque, PhysAddr offset, unsigned size)
{
    const PcTestdev *d = opaque;
    return offset + size <= MEMORY_BYTES
               ? bytes_ld_le(d->s.memory + offset, size) : UINT64_MAX;
}

static void memory_write(void *opaque, PhysAddr offset, uint64_t v,
                         unsigned size)
{
    PcTestdev *d = opaque;
    if (offset + size <= MEMORY_BYTES) {
        bytes_st_le(d->s.memory + offset, size, v);
    }
}

static const MemOps storage_ops = { storage_read, storage_write, 1, 4 };
static const MemOps flush_ops = { flush_read, flush_write, 1, 4 };
static const MemOps irq_ops = { irq_read, irq_write, .max_size = 1 };
static const MemOps memory_ops = { memory_read, memory_write, 1, 8 };

static bool pc_testdev_realize(Device *dev, Error **errp)
{
    PcTestdev *d = (PcTestdev *)dev;

    for (unsigned n = 0; n < IRQ_LINES; n++) {
        if (n == CASCADE) {
            continue;
        }
        isa_connect_irq(dev->bus, &d->line[n], n);
    }
    mem_init_io(&d->storage, "pc-testdev-storage", 4, &storage_ops, d);
    mem_init_io(&d->flush, "pc-testdev-flush", 4, &flush_ops, d);
    mem_init_io(&d->irq, "pc-testdev-irq", IRQ_LINES, &irq_ops, d);
    mem_init_io(&d->memory, "pc-testdev-memory", MEMORY_BYTES, &memory_ops,
                d);
    isa_add_ports(dev->bus, &d->storage, PORT_STORAGE);
    isa_add_ports(dev->bus, &d->flush, PORT_FLUSH);
    isa_add_ports(dev->bus, &d->irq, PORT_IRQ);
    mem_add(&dev->machine->memory_root, MEMORY_AT, &d->memory, 1);
    return true;
}

extern const DeviceClass pc_testdev_class;

const DeviceClass pc_testdev_class = {
    .name = "pc-testdev",
    .desc = "ports and memory for tests of processors",
    .bus = "ISA",
    .category = "Misc",
    .user = true,
    .size = sizeof(PcTestdev),
    .state_offset = offsetof(PcTestdev, s),
    .state = pc_testdev_state,
    .realize = pc_testdev_realize,
};
