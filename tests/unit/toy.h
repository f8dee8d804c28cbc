/*
 * A toy machine for tests of record, replay and snapshots: the real softmmu,
 * clock, boundary and run loop around a CPU of a dozen instructions, a timer
 * that interrupts, a serial line and a disk in memory.
 */
#ifndef TESTS_TOY_H
#define TESTS_TOY_H

#include "io/blockdev.h"
#include "vm/cpu.h"

#define TOY_RAM_BYTES   (2 * MIB)
#define TOY_DISK_SECTORS 64u

typedef enum ToyOp {
    TOY_NOP,
    TOY_LI,        /* a = imm */
    TOY_ADD,       /* a += b */
    TOY_ADDI,      /* a += imm */
    TOY_MIX,       /* a = a * odd constant + b */
    TOY_LD,        /* a = 8 bytes at b + imm, wrapped to RAM */
    TOY_ST,        /* 8 bytes at b + imm = a */
    TOY_JNZ,       /* if a: pc = imm */
    TOY_JMP,
    TOY_HLT,
    TOY_IRET,
    TOY_SERIAL,    /* a = next byte received, 256 if none */
    TOY_OUT,       /* sends a's low byte to the world */
    TOY_DISKR,     /* a = first 8 bytes of sector b */
    TOY_DISKW,
    TOY_RARE,      /* a = a rare pull's answer */
    TOY_PULL,      /* a = a pull's answer */
    TOY_TIME,      /* a = virtual time */
    TOY_RESET,     /* asks for a reset */
    TOY_OFF,       /* asks for a power-off */
} ToyOp;

typedef struct ToyInsn {
    uint8_t op, a, b;
    int32_t imm;
} ToyInsn;

#define TOY_INSN_BYTES 8u
#define TOY_VECTOR     0x80u  /* where interrupts go */
#define TOY_CODE       0x100u /* where reset goes */
#define TOY_WRITABLE   0x2000u /* below it stores do nothing */

typedef uint64_t ToyRegs[16];

#define TOY_CPU_STATE(_)                                              \
    _(ToyRegs, STATE_U64, reg, 0, 1, "registers")                     \
    _(uint32_t, STATE_U32, pc, TOY_CODE, 1, "program counter")        \
    _(uint32_t, STATE_U32, saved_pc, 0, 1, "where IRET goes")         \
    _(bool, STATE_BOOL, halted, 0, 1, "waits for an interrupt")       \
    _(bool, STATE_BOOL, in_irq, 0, 1, "interrupts are off")           \
    _(uint8_t, STATE_U8, lines, 0, 1, "interrupt lines that are up")

STATE_STRUCT(ToyCpuState, TOY_CPU_STATE);

/* The machine and everything of the world that tests want to see or play. */
typedef struct Toy {
    Machine *m;
    NondetPort *serial;
    GByteArray *output;    /* what the guest sent */
    uint32_t rare_answer;  /* the world's, for TOY_RARE */
    uint64_t pull_answer;
    bool muted;
    uint64_t executed;     /* instructions, whenever */
} Toy;

/* A machine with this program at TOY_CODE and the usual interrupt handler;
 * built, not powered on. Without a disk: BlockDev NULL. */
Toy *toy_new(const ToyInsn *code, size_t count, bool disk);
/* The same with the disk of another, which is freed. */
Toy *toy_again(Toy *old, const ToyInsn *code, size_t count);
void toy_free(Toy *t);
ToyCpuState *toy_cpu(Toy *t);
BlockDev *toy_disk(Toy *t);
/* Another one, which the CPU does not see. */
BlockDev *toy_add_disk(Toy *t);
/* It takes no new snapshot. */
extern BlockDev *toy_failing_disk;
/* How often a snapshot's VM state was read from a disk. */
extern unsigned toy_loads;
/* Not 0: slices' work ends at random, at instructions and between timers, and
 * toys are built with a second timer, which the CPU does not hear of. The
 * machine's run may not depend on the number. */
extern uint32_t toy_work;
/* A monitor command that resets the machine. */
void toy_command(Toy *t);
void toy_serial_input(Toy *t, const void *data, size_t len);

/* A program that uses everything: loops for ever, mixing memory, halting now
 * and then, echoing input. */
extern const ToyInsn toy_busy[];
extern const size_t toy_busy_count;
#define TOY_BUSY_LOOP  (TOY_CODE + 3 * TOY_INSN_BYTES)
/* The address that each round of toy_busy writes exactly once. */
#define TOY_BUSY_CELL  0x8000u

#endif
