/*
 * A whole PC without a CPU or a world, for tests that poke its devices.
 *
 * fake-pc.c stands in for accel/, target/, block/ and host/: a disk is bytes
 * in memory, a chardev collects what is written to it, the CPU's pins are
 * variables. Link with hw, softmmu and util.
 */
#ifndef TESTS_FAKE_PC_H
#define TESTS_FAKE_PC_H

#include "io/blockdev.h"
#include "io/chardev.h"
#include "io/netdev.h"
#include "vm/machine.h"

struct BlockDev {
    BlockDevHead head;
    uint8_t *data;
    uint64_t size_bytes;
    bool readonly, empty;
    int fail;              /* negative errno of every request, or 0 */
    unsigned flushes;
    uint64_t touched;      /* bytes read, written and cleared */
};

struct Chardev {
    ChardevHead head;
    GByteArray *out;
};

/* A network: what was sent, and a way for frames to come in. */
struct Netdev {
    NetdevHead head;
    GPtrArray *sent;       /* GBytes */
    NondetPort *port;
    NetdevRoom *room;
    void *opaque;
    unsigned kicks, received;
    size_t room_at_send;   /* the adapter's, when it sent its last frame */
};

/* What the board does to its CPU. */
typedef struct FakeCpuPins {
    bool intr, a20;
    unsigned nmi, smi;     /* counts */
    int (*ack)(void *opaque);
    void *pic;
    AddressSpace *smm_memory;
} FakeCpuPins;

extern FakeCpuPins fake_pins;

BlockDev *fake_disk_new(uint64_t size_bytes);
void fake_disk_free(BlockDev *b);
Chardev *fake_chardev_new(void);
Netdev *fake_netdev_new(void);
void fake_netdev_free(Netdev *n);
/* Delivers a frame to the adapter. */
void fake_netdev_deliver(Netdev *n, const void *frame, size_t len);

/* A machine "pc" with ram_bytes, a ROM of 64 KiB (each byte its offset >> 8),
 * and no default devices; fill in config, then fake_pc_start(). */
Machine *fake_pc_new(uint64_t ram_bytes);
/* The same of another PC ("q35"). */
Machine *fake_board_new(const char *board, uint64_t ram_bytes);
void fake_pc_add_drive(Machine *m, const char *id, BlockDev *b, bool cdrom,
                       int index);
/* -device driver,NAME=VALUE,… ended by NULL. */
void fake_pc_add_device(Machine *m, const char *driver, ...)
    G_GNUC_NULL_TERMINATED;
/* -netdev id; the table is the machine's. */
void fake_pc_add_netdev(Machine *m, const char *id, Netdev *n);
/* Builds and powers on; aborts on an error. */
void fake_pc_start(Machine *m);
void fake_pc_free(Machine *m);

/* Lets virtual time pass, firing timers on the way. */
void fake_pc_run_ns(Machine *m, int64_t ns);

uint32_t in_port(Machine *m, uint16_t port, unsigned size);
void out_port(Machine *m, uint16_t port, uint32_t v, unsigned size);
uint32_t pci_cfg_read(Machine *m, unsigned devfn, unsigned offset,
                      unsigned size);
void pci_cfg_write(Machine *m, unsigned devfn, unsigned offset, uint32_t v,
                   unsigned size);

#endif
