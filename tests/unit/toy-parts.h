/*
 * What the toy machine's rooms have in common:
 *
 *   toy.c          the board, and what tests do with it
 *   toy-cpu.c      the CPU's registers
 *   toy-exec.c     its instructions
 *   toy-devices.c  timers and the serial line
 *   toy-disk.c     a disk in memory
 */
#ifndef TESTS_TOY_PARTS_H
#define TESTS_TOY_PARTS_H

#include "toy.h"
#include "vm/device.h"

typedef uint8_t ToySectors[TOY_DISK_SECTORS][512];

struct BlockDev {
    BlockDevHead head;
    ToySectors data;
    GPtrArray *names;      /* BlockSnapshot * */
    GPtrArray *states;     /* GBytes * or NULL */
    GPtrArray *contents;   /* ToySectors * */
};

typedef struct ToyCpu {
    Cpu cpu;
    ToyCpuState s;
    bool kicked;
    bool watched;
    Toy *toy;
} ToyCpu;

typedef uint8_t ToyFifo[64];

#define TOY_SERIAL_STATE(_)                       \
    _(ToyFifo, STATE_U8, fifo, 0, 1, "received")  \
    _(uint8_t, STATE_U8, count, 0, 1, "how many") \
    _(uint64_t, STATE_U64, lost, 0, 1, "dropped")

STATE_STRUCT(ToySerialState, TOY_SERIAL_STATE);
typedef struct ToySerial {
    Device dev;
    ToySerialState s;
} ToySerial;

typedef struct ToyBoard {
    NondetPort *rare, *pull;
    ToySerial *serial;
    BlockDev *disk;
    const ToyInsn *code;
    size_t code_count;
    Toy *toy;
} ToyBoard;

/* What the next board is to be, or the present one is; tests run one. */
extern ToyBoard toy_building;

/* --- toy-disk.c --------------------------------------------------------------- */

BlockDev *toy_disk_new(void);
void toy_disk_free(BlockDev *b);

/* --- toy-cpu.c and toy-exec.c --------------------------------------------------- */

extern const CpuClass toy_cpu_class;
void toy_cpu_nothing(Cpu *cpu);
void toy_kick(Cpu *cpu);
bool toy_present_insn(const Cpu *cpu, Icount *icount, GuestAddr *pc);

/* --- toy-devices.c -------------------------------------------------------------- */

extern const DeviceClass toy_silent, toy_timer, toy_serial;
/* Some of the slice's work is done, where toy_work says so; one time in `rarely`
 * the slice is over. */
void toy_some_work(Machine *m, unsigned rarely);
void toy_serial_sink(void *device, const void *data, size_t len);
/* The next byte received; 256: none. */
int toy_serial_pop(ToySerial *s);

#endif
