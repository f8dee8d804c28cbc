/*
 * pci-testdev: registers that count how often they are written in a way that
 * they say themselves. The guest's view is that of QEMU's
 * docs/specs/pci-testdev, which kvm-unit-tests drive: memory in BAR 0, ports in
 * BAR 1, each with a header and three tests; BAR 2 is RAM if that is asked for.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "hw/pci.h"

/* The header. Where the registers lie that are written: behind it. */
enum { H_TEST = 0, H_WIDTH = 1, H_OFFSET = 4, H_DATA = 8, H_COUNT = 12,
       H_NAME = 16, H_NAME_BYTES = 32, HEADER = 64 };
#define TESTS      3u
#define NO_TEST    0xffu
#define IO_BYTES   256
#define MEMORY_BYTES 4096
#define DATA       0xfau

/* What is counted: writes of the data, or all. ORDER test-name */
static const struct {
    const char *name;
    bool any_data;
} tests[TESTS] = { { "no-eventfd", false }, { "wildcard-eventfd", true },
                   { "datamatch-eventfd", false } };

/* One BAR. */
typedef uint8_t TestNumber[2];
typedef uint32_t TestCount[2];

#define TESTDEV_STATE(_)                                                     \
    PCI_FUNCTION_STATE(_)                                                    \
    _(TestNumber, STATE_U8, test, NO_TEST, 1, "test of each BAR")            \
    _(TestCount, STATE_U32, count, 0, 1, "writes counted in each")
STATE_STRUCT(TestdevState, TESTDEV_STATE);
static STATE_TABLE(testdev_state, "pci-testdev", 1, TestdevState,
                   TESTDEV_STATE)

typedef struct Testdev Testdev;

typedef struct TestBar {
    Testdev *d;
    unsigned n;
    MemRegion region;
} TestBar;

struct Testdev {
    PciFunction pci;
    TestdevState s;
    uint64_t membar_bytes; /* property */
    TestBar bar[2];
    MemRegion memory;
};

static const char *const prefix[] = { "mmio-", "portio-" };

/* A header as it is for the BAR's present test; all zero where there is none. */
static void header_make(const TestBar *b, uint8_t *h)
{
    unsigned test = b->d->s.test[b->n];

    memset(h, 0, HEADER);
    h[H_TEST] = test;
    if (test < TESTS) {
        h[H_WIDTH] = 1;
        bytes_st_le32(h + H_OFFSET, HEADER + test);
        bytes_st_le32(h + H_DATA, DATA);
        bytes_st_le32(h + H_COUNT, b->d->s.count[b->n]);
        g_snprintf((char *)h + H_NAME, H_NAME_BYTES, "%s%s", prefix[b->n],
                   tests[test].name);
    }
}

static uint64_t bar_read(void *opaque, PhysAddr offset, unsigned size)
{
    uint8_t header[HEADER];

    if (offset + size > HEADER) {
        return 0;
    }
    header_make(opaque, header);
    return bytes_ld_le(header + offset, size);
}

static void bar_write(void *opaque, PhysAddr offset, uint64_t v,
                      unsigned size)
{
    const TestBar *b = opaque;
    TestdevState *s = &b->d->s;
    unsigned test = s->test[b->n];

    if (offset == H_TEST) {
        s->test[b->n] = v;
        s->count[b->n] = 0;
    } else if (test < TESTS && offset == HEADER + test && size == 1 &&
               (tests[test].any_data || v == DATA)) {
        s->count[b->n]++;
    }
}

static const MemOps bar_ops = { bar_read, bar_write, 1, 4 };

/* --- life ------------------------------------------------------------------------- */

static const PciInfo testdev_info = {
    .vendor = 0x1b36,
    .device = 0x0005,
    .class_code = 0x00ff,
};

static bool add_memory(Testdev *d, Error **errp)
{
    uint64_t bytes = d->membar_bytes;
    Machine *m = d->pci.dev.machine;

    if (!bytes) {
        return true;
    }
    if (bytes < PAGE_SIZE || bytes > GIB || !bits_is_pow2(bytes)) {
        error_set(errp, "pci-testdev: membar=%" G_GUINT64_FORMAT " is not a "
                  "power of two from 4096 to 1 GiB", bytes);
        return false;
    }
    g_autofree char *name = g_strdup_printf("%s.membar", d->pci.dev.path);
    mem_init_ram(&d->memory, "pci-testdev-membar",
                 ram_block_new(m, name, bytes));
    pci_bar_init(&d->pci, 2, PCI_BAR_MEM64 | PCI_BAR_PREFETCH, &d->memory);
    return true;
}

static bool testdev_realize(Device *dev, Error **errp)
{
    Testdev *d = (Testdev *)dev;

    if (!pci_function_init(&d->pci, &testdev_info, PCI_ADDR_AUTO, errp)) {
        return false;
    }
    for (unsigned n = 0; n < 2; n++) {
        TestBar *b = &d->bar[n];
        *b = (TestBar){ .d = d, .n = n };
        mem_init_io(&b->region, n ? "pci-testdev-io" : "pci-testdev-mmio",
                    n ? IO_BYTES : MEMORY_BYTES, &bar_ops, b);
        pci_bar_init(&d->pci, n, n ? PCI_BAR_IO : PCI_BAR_MEM32, &b->region);
    }
    return add_memory(d, errp);
}

static const PropDef testdev_props[] = {
    PCI_PROPS(Testdev),
    PROP(Testdev, membar_bytes, "membar", PROP_U64, "0",
         "bytes of RAM in BAR 2; 0: none"),
    PROP_END
};

extern const DeviceClass pci_testdev_class;

const DeviceClass pci_testdev_class = {
    .name = "pci-testdev",
    .desc = "PCI registers for tests",
    .bus = "PCI",
    .category = "Misc",
    .user = true,
    .size = sizeof(Testdev),
    .state_offset = offsetof(Testdev, s),
    .state = testdev_state,
    .props = testdev_props,
    .realize = testdev_realize,
    .reset = pci_device_reset,
    .rewire = pci_device_rewire,
    .unrealize = pci_device_unrealize,
};
