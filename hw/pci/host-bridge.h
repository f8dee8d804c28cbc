/*
 * What the host bridges of PCs have in common: who answers a memory access (RAM,
 * the PCI bus behind it, or system management RAM), and configuration mechanism
 * #1. Used by i440fx.c and q35-mch.c, whose registers decide; implemented by
 * host-memory.c and host-ports.c.
 */
#ifndef HW_PCI_HOST_BRIDGE_H
#define HW_PCI_HOST_BRIDGE_H

#include "hw/pci.h"

/* --- memory (host-memory.c) -------------------------------------------------- */

#define PAM_COUNT     7u       /* registers */
#define PAM_SEGMENTS  13u

typedef struct HostMemory HostMemory;

/* 16 or 64 KiB of the BIOS area with its own routing. */
typedef struct PamSegment {
    HostMemory *memory;
    PhysAddr start;
    unsigned reg, shift;   /* the nibble */
    MemRegion window;      /* reads of RAM or PCI, and writes if the same */
    MemRegion split;       /* reads of PCI, writes of RAM */
} PamSegment;

struct HostMemory {
    Machine *machine;
    RamBlock *ram;
    uint64_t below_4g, above_4g;
    MemRegion ram_region, ram_low, ram_high;
    MemRegion pci;         /* what PCI memory cycles see */
    MemRegion nobody;      /* keeps RAM from showing where PCI has nothing */
    AddressSpace *pci_space;
    PamSegment segment[PAM_SEGMENTS];
    MemRegion smram_pci;   /* the video area over RAM, while SMRAM is hidden */
    MemRegion smm_root, smm_all, smm_ram;
    AddressSpace *smm_space;
};

/* Builds the map: RAM from 0, its part behind `low_max` at 4 GiB. Where RAM is
 * hidden reads see PCI. */
void host_memory_init(HostMemory *h, Machine *m, RamBlock *ram,
                      uint64_t low_max);
void host_memory_free(HostMemory *h);
/* PAM0..PAM6 route C0000h to FFFFFh. */
void host_memory_set_pam(HostMemory *h, const uint8_t *pam);
/* RAM at A0000h: seen in system management mode, and by everyone. */
void host_memory_set_smram(HostMemory *h, bool enabled, bool open);
/* A window over RAM, disabled, through which PCI is seen. */
void host_memory_add_window(HostMemory *h, MemRegion *r, const char *name,
                            PhysAddr start, uint64_t size);

/* --- ports cf8 to cff (host-ports.c) ------------------------------------------- */

typedef struct HostPorts {
    PciBus *bus;
    uint32_t *address;     /* the row of CONFADD */
    MemRegion region;
    const MemOps *reset_ops; /* who answers bytes at cf9, or NULL */
    void *reset_opaque;
} HostPorts;

void host_ports_init(HostPorts *p, Machine *m, PciBus *bus,
                     uint32_t *address);

#endif
