/*
 * The memory map of a PC's host bridge. See host-bridge.h.
 *
 * The registers that route are the bridge's configuration bytes; the regions
 * that carry it out are wiring, recomputed from them.
 */
#include "base/bits.h"
#include "host-bridge.h"

#define PAM_READ  1u       /* reads go to RAM */
#define PAM_WRITE 2u       /* writes go to RAM */

#define SMRAM_START 0xa0000u
#define SMRAM_SIZE  0x20000u

/* --- the BIOS area: PAM -------------------------------------------------------*/

static void segment_map(PamSegment *seg, unsigned mode)
{
    HostMemory *h = seg->memory;
    bool from_ram = mode & PAM_READ;

    mem_set_enabled(&seg->split, mode == PAM_WRITE);
    mem_set_alias(&seg->window, from_ram ? &h->ram_region : &h->pci,
                  seg->start);
    /* What PCI has behind RAM here is ROM: writes sent there vanish. */
    mem_set_readonly(&seg->window, mode == PAM_READ);
}

static uint64_t split_read(void *opaque, PhysAddr offset, unsigned size)
{
    const PamSegment *seg = opaque;
    return address_space_ld(seg->memory->pci_space, seg->start + offset, size);
}

static void split_write(void *opaque, PhysAddr offset, uint64_t v,
                        unsigned size)
{
    const PamSegment *seg = opaque;
    RamBlock *ram = seg->memory->ram;
    PhysAddr at = seg->start + offset;

    if (at + size > ram->size_bytes) {
        return;
    }
    ram_will_write(seg->memory->machine, ram->base + at, size);
    for (unsigned i = 0; i < size; i++) {
        ram->host[at + i] = v >> (8 * i);
    }
}

static const MemOps split_ops = { split_read, split_write, 1, 8 };

static void segment_init(HostMemory *h, unsigned n)
{
    PamSegment *seg = &h->segment[n];
    MemRegion *root = &h->machine->memory_root;
    uint64_t size = n ? 0x4000 : 0x10000;
    unsigned half = n + 1;             /* nibbles, starting at PAM0's upper */

    *seg = (PamSegment){ .memory = h,
                         .reg = half / 2,
                         .shift = half % 2 ? 4 : 0,
                         .start = n ? 0xc0000 + (n - 1) * 0x4000 : 0xf0000 };
    mem_init_alias(&seg->window, "pam", &h->pci, seg->start, size);
    mem_add(root, seg->start, &seg->window, 1);
    mem_init_io(&seg->split, "pam-split", size, &split_ops, seg);
    mem_set_enabled(&seg->split, false);
    mem_add(root, seg->start, &seg->split, 2);
}

void host_memory_set_pam(HostMemory *h, const uint8_t *pam)
{
    for (unsigned n = 0; n < PAM_SEGMENTS; n++) {
        PamSegment *seg = &h->segment[n];
        segment_map(seg, pam[seg->reg] >> seg->shift & (PAM_READ | PAM_WRITE));
    }
}

/* --- RAM and SMRAM ---------------------------------------------------------------*/

void host_memory_set_smram(HostMemory *h, bool enabled, bool open)
{
    mem_set_enabled(&h->smram_pci, !(enabled && open));
    mem_set_enabled(&h->smm_ram, enabled);
}

void host_memory_add_window(HostMemory *h, MemRegion *r, const char *name,
                            PhysAddr start, uint64_t size)
{
    mem_init_alias(r, name, &h->pci, start, size);
    mem_set_enabled(r, false);
    mem_add(&h->machine->memory_root, start, r, 1);
}

static void ram_init(HostMemory *h, uint64_t low_max)
{
    MemRegion *root = &h->machine->memory_root;

    h->below_4g = MIN(h->ram->size_bytes, low_max);
    h->above_4g = h->ram->size_bytes - h->below_4g;
    mem_init_ram(&h->ram_region, "pc.ram", h->ram);
    mem_init_alias(&h->ram_low, "ram-below-4g", &h->ram_region, 0,
                   h->below_4g);
    mem_add(root, 0, &h->ram_low, 0);
    if (h->above_4g) {
        mem_init_alias(&h->ram_high, "ram-above-4g", &h->ram_region,
                       h->below_4g, h->above_4g);
        mem_add(root, 4 * GIB, &h->ram_high, 0);
    }
}

static void smm_init(HostMemory *h)
{
    Machine *m = h->machine;

    mem_init_container(&h->smm_root, "smm", UINT64_MAX);
    mem_init_alias(&h->smm_all, "smm-memory", &m->memory_root, 0, UINT64_MAX);
    mem_add(&h->smm_root, 0, &h->smm_all, 0);
    mem_init_alias(&h->smm_ram, "smram", &h->ram_region, SMRAM_START,
                   SMRAM_SIZE);
    mem_set_enabled(&h->smm_ram, false);
    mem_add(&h->smm_root, SMRAM_START, &h->smm_ram, 1);
    h->smm_space = address_space_new(m, "smm", &h->smm_root);
}

/* Windows over RAM lie below this. */
#define WINDOWS_END (16 * MIB)

static const MemOps nobody_ops = { NULL, NULL, 1, 8 };

void host_memory_init(HostMemory *h, Machine *m, RamBlock *ram,
                      uint64_t low_max)
{
    h->machine = m;
    h->ram = ram;
    mem_transaction_begin(m);
    mem_init_container(&h->pci, "pci", UINT64_MAX);
    mem_add(&m->memory_root, 0, &h->pci, -1);
    mem_init_io(&h->nobody, "pci-nobody", WINDOWS_END, &nobody_ops, h);
    mem_add(&h->pci, 0, &h->nobody, -1);
    h->pci_space = address_space_new(m, "pci-memory", &h->pci);
    ram_init(h, low_max);
    for (unsigned n = 0; n < PAM_SEGMENTS; n++) {
        segment_init(h, n);
    }
    host_memory_add_window(h, &h->smram_pci, "vga-window", SMRAM_START,
                           SMRAM_SIZE);
    smm_init(h);
    mem_transaction_commit(m);
}

void host_memory_free(HostMemory *h)
{
    address_space_free(h->smm_space);
    address_space_free(h->pci_space);
}
