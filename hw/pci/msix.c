/*
 * MSI-X: interrupts that are writes to memory, a message for each vector.
 *
 * Table and pending bits are state rows of the function; the region that shows
 * them is wiring. PCI Local Bus Specification 3.0, 6.8.2.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "base/log.h"
#include "pci-internal.h"

#define CAP_ID_MSIX   0x11u
#define CAP_LEN       12u
#define CAP_CONTROL   2u       /* 6.8.2.3 */
#define CAP_TABLE     4u
#define CAP_PENDING   8u

#define CONTROL_MASK   0x4000u /* of the whole function */
#define CONTROL_ENABLE 0x8000u

/* A table entry's dwords, 6.8.2.6 to 6.8.2.9. */
enum { ENTRY_ADDR, ENTRY_ADDR_HIGH, ENTRY_DATA, ENTRY_CONTROL, ENTRY_DWORDS };

#define ENTRY_MASKED 1u
#define ENTRY_BYTES  (4 * ENTRY_DWORDS)

/* Where the two lie in the BAR. */
#define BAR_BYTES      4096u
#define PENDING_OFFSET 0x800u

static uint16_t control(const PciFunction *f)
{
    return pci_config_16(f, f->msix->capability + CAP_CONTROL);
}

bool pci_msix_enabled(const PciFunction *f)
{
    return f->msix && (control(f) & CONTROL_ENABLE);
}

static uint32_t *entry(const PciMsix *x, unsigned vector)
{
    return x->table + vector * ENTRY_DWORDS;
}

static bool is_masked(const PciMsix *x, unsigned vector)
{
    return (control(x->f) & CONTROL_MASK) ||
           (entry(x, vector)[ENTRY_CONTROL] & ENTRY_MASKED);
}

/* --- messages -----------------------------------------------------------------*/

/* A message is a posted write like any other, so a driver can aim it at a
 * register that makes this function send another: that one is lost. */
static void send(PciMsix *x, unsigned vector)
{
    const uint32_t *e = entry(x, vector);
    PhysAddr addr = (uint64_t)e[ENTRY_ADDR_HIGH] << 32 |
                    (e[ENTRY_ADDR] & ~3u);

    if (x->sending) {
        guest_error("%s: an MSI-X message caused another\n", x->f->dev.path);
        return;
    }
    if (!(pci_config_16(x->f, PCI_COMMAND) & PCI_COMMAND_MASTER)) {
        guest_error("%s: MSI-X without bus master enable\n", x->f->dev.path);
        return;
    }
    x->sending = true;
    address_space_st(x->f->dev.machine->memory, addr, e[ENTRY_DATA], 4);
    x->sending = false;
}

void pci_msix_send(PciFunction *f, unsigned vector)
{
    PciMsix *x = f->msix;

    if (!pci_msix_enabled(f) || vector >= x->vectors) {
        return;
    }
    if (is_masked(x, vector)) {
        x->pending[vector / 64] |= BIT(vector % 64);
    } else {
        send(x, vector);
    }
}

/* A mask may have gone: sends what waited for that. */
static void send_pending(PciMsix *x)
{
    if (!pci_msix_enabled(x->f) || x->sending) {
        return;
    }
    for (unsigned v = 0; v < x->vectors; v++) {
        uint64_t *word = &x->pending[v / 64];
        if ((*word & BIT(v % 64)) && !is_masked(x, v)) {
            *word &= ~BIT(v % 64);
            send(x, v);
        }
    }
}

/* --- the BAR --------------------------------------------------------------------*/

static uint64_t msix_read(void *opaque, PhysAddr offset, unsigned size)
{
    const PciMsix *x = opaque;
    uint32_t v = 0;

    if (offset < x->vectors * ENTRY_BYTES) {
        v = x->table[offset / 4];
    } else if (offset >= PENDING_OFFSET &&
               offset - PENDING_OFFSET < sizeof(PciMsixPending)) {
        unsigned at = offset - PENDING_OFFSET;
        v = x->pending[at / 8] >> (at % 8 * 8);
    }
    return v;
}

/* 6.8.2: software uses aligned dwords and quadwords; less has no meaning. */
static void msix_write(void *opaque, PhysAddr offset, uint64_t v,
                       unsigned size)
{
    PciMsix *x = opaque;

    if (offset >= x->vectors * ENTRY_BYTES) {
        return;
    }
    unsigned dword = offset / 4;
    x->table[dword] =
        dword % ENTRY_DWORDS == ENTRY_CONTROL ? v & ENTRY_MASKED : v;
    send_pending(x);
}

static const MemOps msix_ops = { msix_read, msix_write, 4, 4 };

/* --- life -------------------------------------------------------------------------*/

void pci_msix_init(PciFunction *f, PciMsix *msix, const PciMsixSetup *setup)
{
    g_assert(setup->vectors <= PCI_MSIX_MAX);
    if (!setup->vectors) {
        return;
    }
    *msix = (PciMsix){ .f = f,
                       .table = setup->table,
                       .pending = setup->pending,
                       .vectors = setup->vectors,
                       .capability = setup->capability,
                       .bar = setup->bar };
    f->msix = msix;
    bytes_st_le16(f->writable + msix->capability + CAP_CONTROL,
                  CONTROL_MASK | CONTROL_ENABLE);
    mem_init_io(&msix->region, "msix", BAR_BYTES, &msix_ops, msix);
    pci_bar_init(f, msix->bar, PCI_BAR_MEM32, &msix->region);
}

void pci_msix_reset(PciFunction *f)
{
    PciMsix *x = f->msix;

    if (!x) {
        return;
    }
    memset(x->table, 0, sizeof(PciMsixTable));
    memset(x->pending, 0, sizeof(PciMsixPending));
    for (unsigned v = 0; v < x->vectors; v++) {
        entry(x, v)[ENTRY_CONTROL] = ENTRY_MASKED;
    }
    pci_capability_add(f, CAP_ID_MSIX, x->capability, CAP_LEN);
    pci_config_set_16(f, x->capability + CAP_CONTROL, x->vectors - 1);
    pci_config_set_32(f, x->capability + CAP_TABLE, x->bar);
    pci_config_set_32(f, x->capability + CAP_PENDING, PENDING_OFFSET | x->bar);
}

void pci_msix_written(PciFunction *f, unsigned offset, unsigned size)
{
    PciMsix *x = f->msix;

    if (!x || offset >= x->capability + CAP_TABLE ||
        offset + size <= x->capability) {
        return;
    }
    if (pci_msix_enabled(f)) {
        pci_set_intx(f, false);
    }
    send_pending(x);
}
