/*
 * A driver for virtio-pci devices of a made-up PC, for tests: the modern and
 * the legacy interface, split and packed rings, direct and indirect.
 */
#ifndef TESTS_VIRTIO_DRIVER_H
#define TESTS_VIRTIO_DRIVER_H

#include "base/bytes.h"
#include "fake-pc.h"

#define VD_INDIRECT BIT64(28)
#define VD_EVENT    BIT64(29)
#define VD_VERSION  BIT64(32)
#define VD_PACKED   BIT64(34)
#define BIT64(n) (UINT64_C(1) << (n))

#define VD_MODERN 0xe0000000u  /* BAR 4 */
#define VD_MSIX   0xe1000000u  /* BAR 1 */
#define VD_LEGACY 0xd000u      /* BAR 0 */
#define VD_RINGS  0x10000u     /* queue n at 64 KiB a queue */

/* Offsets in BAR 4. */
enum { VD_COMMON = 0, VD_ISR = 0x1000, VD_CONFIG = 0x2000,
       VD_NOTIFY = 0x3000 };

typedef struct VdSeg {
    uint64_t addr;
    uint32_t len;
    bool write;
} VdSeg;

typedef struct VdQueue {
    unsigned n, size;
    uint64_t desc, driver, device, table;
    uint16_t next, used;       /* split: free-running; packed: places */
    bool wrap, used_wrap;
    unsigned free_desc;        /* split: the next descriptor */
} VdQueue;

typedef struct Vd {
    Machine *m;
    unsigned devfn;
    bool legacy;
    uint64_t features;
} Vd;

uint64_t ram_ld(Machine *m, PhysAddr a, unsigned size);
void ram_st(Machine *m, PhysAddr a, uint64_t v, unsigned size);

/* The function's BARs, and bus mastering. */
void vd_attach(Vd *d, Machine *m, unsigned devfn, bool legacy);
uint64_t vd_common(Vd *d, unsigned at, unsigned size);
void vd_set_common(Vd *d, unsigned at, uint64_t v, unsigned size);
uint64_t vd_config(Vd *d, unsigned at, unsigned size);
uint8_t vd_status(Vd *d);
void vd_set_status(Vd *d, uint8_t status);
uint64_t vd_offered(Vd *d);
/* Reset, and all up to FEATURES_OK, which is asserted. */
void vd_start(Vd *d, uint64_t features);
/* A queue with zeroed rings; DRIVER_OK is said by vd_go(). */
void vd_queue(Vd *d, VdQueue *q, unsigned n);
void vd_go(Vd *d);
/* Makes a buffer available under the number id; no notification. */
void vd_add(Vd *d, VdQueue *q, uint16_t id, const VdSeg *seg, unsigned count);
void vd_kick(Vd *d, const VdQueue *q);
/* The next used buffer's number, or -1; *len: bytes written. */
int vd_take(Vd *d, VdQueue *q, uint32_t *len);

#endif
