/*
 * A driver for the NVMe controller of a made-up PC, for tests.
 */
#ifndef TESTS_NVME_DRIVER_H
#define TESTS_NVME_DRIVER_H

#include "base/bytes.h"
#include "fake-pc.h"

#define ND_BAR     0xe0000000u
#define ND_MSIX    0xe1000000u
#define ND_SECTORS 4096u
#define ND_ENTRIES 16u         /* of each queue */
#define ND_ASQ     0x10000u
#define ND_ACQ     0x11000u
#define ND_SQ      0x12000u    /* the queues of pair n at 0x2000 a pair */
#define ND_CQ      0x13000u
#define ND_DATA    0x200000u
#define ND_20_MS   (20 * NS_PER_MS)

/* Registers. */
enum { ND_CAP = 0, ND_VS = 8, ND_INTMS = 12, ND_INTMC = 16, ND_CC = 0x14,
       ND_CSTS = 0x1c, ND_AQA = 0x24, ND_ASQ_REG = 0x28, ND_ACQ_REG = 0x30 };
#define ND_CC_ON 0x00460001u   /* entries of 64 and 16 bytes, enabled */

/* A command: what is not given is zero. */
typedef struct NdCommand {
    uint8_t opcode, flags;
    uint32_t nsid;
    uint64_t prp1, prp2;
    uint32_t dw10, dw11, dw12, dw13;
} NdCommand;

typedef struct NdQueue {
    unsigned n;
    uint64_t sq, cq;
    unsigned tail, head;
    bool phase;
} NdQueue;

typedef struct Nd {
    Machine *m;
    BlockDev *disk;
    unsigned devfn;
    NdQueue admin, io;
    uint16_t id;           /* of the latest command */
    uint32_t result;       /* of the latest completion */
    uint16_t done_id, sq_head;
} Nd;

/* A machine with the controller at slot 4; extra property, or NULL. */
void nd_setup(Nd *f, bool readonly, const char *name, const char *value);
void nd_teardown(Nd *f);
uint32_t nd_reg(Nd *f, unsigned at);
void nd_set_reg(Nd *f, unsigned at, uint32_t v);
/* Reset, and ready with its admin queue; then a pair of queues, numbers 1. */
void nd_start(Nd *f);
void nd_start_io(Nd *f);
/* Puts a command into a queue; and rings. */
void nd_put(Nd *f, NdQueue *q, NdCommand c);
void nd_send(Nd *f, NdQueue *q, NdCommand c);
/* The status of the next completion, 0xffff: there is none. */
uint16_t nd_take(Nd *f, NdQueue *q);
/* Both: sends, waits. */
uint16_t nd_admin(Nd *f, NdCommand c);
uint16_t nd_io(Nd *f, NdCommand c);
void nd_ring_sq(Nd *f, unsigned n, uint32_t v);
void nd_ring_cq(Nd *f, unsigned n, uint32_t v);

#define ND(...) ((NdCommand){ __VA_ARGS__ })
uint64_t nd_ld(Nd *f, uint64_t at, unsigned size);
void nd_st(Nd *f, uint64_t at, uint64_t v, unsigned size);

#endif
