/*
 * The parts of the board `virt`, for the files that put one together: virt.c
 * (chips and lines), virt-fdt.c (the device tree) and virt-boot.c (what is
 * in RAM when it starts).
 */
#ifndef HW_BOARDS_VIRT_H
#define HW_BOARDS_VIRT_H

#include "hw/gic.h"
#include "pins/arm.h"

/* The memory map. */
#define VIRT_FLASH    UINT64_C(0x00000000)
#define VIRT_GIC_DIST UINT64_C(0x08000000)
#define VIRT_GIC_CPU  UINT64_C(0x08010000)
#define VIRT_UART     UINT64_C(0x09000000)
#define VIRT_RTC      UINT64_C(0x09010000)
#define VIRT_MMIO     UINT64_C(0x0a000000)
#define VIRT_RAM      UINT64_C(0x40000000)

#define VIRT_MMIO_PLACES 32u
/* Shared interrupts, and private ones. */
enum { VIRT_SPI_UART = 1, VIRT_SPI_RTC = 2, VIRT_SPI_MMIO = 16 };
enum { VIRT_PPI_VIRT_TIMER = 27, VIRT_PPI_PHYS_TIMER = 30 };

typedef struct Virt {
    Device dev;
    RamBlock *ram_block;
    MemRegion ram;
    Device *gic, *uart, *rtc;
    Device *place[VIRT_MMIO_PLACES];
    NondetPort *rtc_base;
    /* What is put into RAM before every start: GBytes by address. */
    GArray *images;
} Virt;

typedef struct VirtImage {
    uint64_t addr;
    GBytes *bytes;
} VirtImage;

/* Where an initrd lies; bytes 0: there is none. */
typedef struct VirtInitrd {
    uint64_t addr, bytes;
} VirtInitrd;

/* The device tree, which the caller owns. */
GBytes *virt_make_fdt(const Virt *v, const VirtInitrd *initrd);

/* Prepares -kernel, -initrd and the device tree, and says where vCPU 0
 * begins. */
bool virt_boot(Virt *v, Error **errp);
void virt_add_image(Virt *v, uint64_t addr, GBytes *bytes);

#endif
