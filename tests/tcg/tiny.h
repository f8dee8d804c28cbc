/*
 * A made-up processor for tests of the translator: small enough to be written
 * twice, once for the translator (tiny-cpu.c and tiny-parts.h) and once as a
 * plain interpreter that knows neither TBs nor a TLB (tiny-model.c). Whatever differs is a bug
 * of accel/tcg or of the TLB.
 *
 * Instructions have 2 or 4 bytes at any address: opcode (taken modulo the
 * number of ops), a byte with two register numbers and two bits `x`, and
 * mostly a 16-bit immediate. Addresses have 20 bits. Paging is one level: 256
 * entries of 8 bytes. Two tables take turns, so that there are two MMU modes.
 */
#ifndef TESTS_TCG_TINY_H
#define TESTS_TCG_TINY_H

#include "vm/cpu.h"

#define TINY_ADDR_MASK 0xfffffu
#define TINY_RAM_BYTES 0x20000u    /* at 0 */
#define TINY_ROM_AT    0x40000u
#define TINY_ROM_BYTES 0x2000u
#define TINY_IO_AT     0x80000u
#define TINY_IO_BYTES  0x1000u
#define TINY_TABLE(n)  (0x1e000u + (n) * 0x1000u + 0x400u)
#define TINY_STACK     0x1ff8u     /* linear: where traps store the pc */
#define TINY_TRAP      0x100u      /* linear: where traps go, */
#define TINY_IRQ       0x200u      /* and interrupts */

enum { TINY_P = 1, TINY_W = 2, TINY_A = 4, TINY_D = 8 };

#define TINY_OPS(X)                                                        \
    X(ALU, 4) X(ALUI, 4) X(LI, 4) X(LD, 4) X(ST, 4) X(SKIP, 4)             \
    X(BRANCH, 4) X(JUMP, 4) X(JUMPR, 2) X(PURE, 2) X(FAULTS, 2)            \
    X(READS, 2) X(WRITES, 2) X(LDENV, 2) X(STENV, 2) X(IO, 2) X(TABLE, 2)  \
    X(ENABLE, 2) X(RETURN, 2) X(UNDEF, 2) X(FLUSH, 2) X(RETIRE, 2)         \
    X(VMOV, 2) X(FPGET, 2) X(FPSET, 2) X(VEC, 4) X(VSET, 4) X(VLD, 4)      \
    X(VST, 4) X(XMOV, 2) X(XGET, 2) X(XSET, 2) X(ASSUME, 2) X(XOP, 4)      \
    X(XLD, 4) X(XST, 4) X(XSPECIAL, 4)

enum {
#define TINY_ENUM(op, len) TINY_##op,
    TINY_OPS(TINY_ENUM)
#undef TINY_ENUM
    TINY_OP_COUNT
};

typedef struct TinyInsn {
    uint8_t op, d, s, x, len;
    int16_t imm;
} TinyInsn;

typedef uint64_t TinyRegs[8];
typedef uint64_t TinyVecs[8][2];

#define TINY_STATE(_)                                                      \
    _(TinyRegs, STATE_U64, r, 0, 1, "registers")                           \
    _(TinyVecs, STATE_U64, v, 0, 1, "vector registers")                    \
    _(uint32_t, STATE_U32, fp, 0x1f80, 1, "rounding, flags, as MXCSR")     \
    _(TinyVecs, STATE_U64, f, 0, 1, "numbers of 80 bits")                  \
    _(uint32_t, STATE_U32, xcontrol, 0, 1, "their rounding and precision") \
    _(uint32_t, STATE_U32, xflags, 0, 1, "their flags and C1")             \
    _(uint64_t, STATE_U64, dst, 0, 1, "last result")                       \
    _(uint64_t, STATE_U64, src, 0, 1, "last operand")                      \
    _(uint32_t, STATE_U32, op, 0, 1, "last operation")                     \
    _(uint32_t, STATE_U32, table, 0, 1, "page table in use")               \
    _(uint64_t, STATE_U64, pc, 0, 1, "next instruction")                   \
    _(uint64_t, STATE_U64, scratch, 0, 1, "not known to the IR")           \
    _(uint64_t, STATE_U64, epc, 0, 1, "where a trap came from")            \
    _(uint64_t, STATE_U64, cause, 0, 1, "why, and the address")            \
    _(uint64_t, STATE_U64, last_trap, ICOUNT_NONE, 1, "icount of a trap")  \
    _(uint64_t, STATE_U64, traps, 0, 1, "how many")                        \
    _(bool, STATE_BOOL, enabled, 0, 1, "interrupts are taken")             \
    _(bool, STATE_BOOL, irq, 0, 1, "the interrupt line")                   \
    _(bool, STATE_BOOL, halted, 0, 1, "stopped for good")                  \
    _(uint64_t, STATE_U64, debug, 0, 1, "breaks and watches of its own")     \
    _(uint64_t, STATE_U64, last_debug, ICOUNT_NONE, 1, "icount of a break") \
    _(uint64_t, STATE_U64, io_count, 0, 1, "device: accesses")             \
    _(uint64_t, STATE_U64, io_hash, 0, 1, "device: what it saw and when")

STATE_STRUCT(TinyState, TINY_STATE);

typedef struct TinyCpu {
    Cpu parent;
    TinyState s;
    uint64_t cause;        /* of the trap being raised */
} TinyCpu;

static inline TinyCpu *tiny_cpu(Cpu *cpu)
{
    return (TinyCpu *)cpu;
}

enum { CAUSE_PAGE = 1, CAUSE_HELPER, CAUSE_UNDEF, CAUSE_ALIGN, CAUSE_FP,
       CAUSE_TARGET };

#define TINY_FP_FLAGS 0x3fu
#define TINY_X80_FLAGS   (SF_ALL | SF_ROUNDED_UP)
#define TINY_X80_CONTROL 0xf00u    /* RC and PC, as in the x87's control word */
#define TINY_ASSUMED     3u        /* of the scratch register: seldom change */

/* --- tiny-isa.c: what both have in common ------------------------------------- */

extern const char *const tiny_op_names[];

TinyInsn tiny_decode(uint8_t (*byte)(void *opaque, unsigned offset),
                     void *opaque);
unsigned tiny_op_bytes(unsigned op);
static inline uint64_t tiny_mix(uint64_t a, uint64_t b)
{
    uint64_t v = (a ^ b) * UINT64_C(0x9e3779b97f4a7c15);
    return v ^ (v >> 29);
}
/* VEC: which row of base/vec-ops.def, and its immediate. Vectors are v[d], v[s]
 * and v[s + 1], the integer is r[s]; an integer result goes to r[d]. */
VecOp tiny_vec_op(const TinyInsn *in);
unsigned tiny_vec_imm(const TinyInsn *in);
/* VSET: both halves of the vector. */
uint64_t tiny_vec_const(const TinyInsn *in);
/* FPSET: what v makes of the state's fp. */
uint32_t tiny_fp(uint64_t v);
/* VLD and VST: 4, 8 or 16 bytes, maybe aligned. */
IrMem tiny_vec_mem(const TinyInsn *in);
/* XOP: which row of base/x80-ops.def, and its immediate. Numbers are f[d] and f[s],
 * the integer is r[s]; an integer result goes to r[d]. */
X80Op tiny_x80_op(const TinyInsn *in);
unsigned tiny_x80_imm(const TinyInsn *in);
/* XLD and XST: how the number is in memory. */
IrMem tiny_x80_mem(const TinyInsn *in);
/* XSPECIAL: the number. */
void tiny_x80_special(const TinyInsn *in, uint64_t out[2]);
/* JUMPR: how many bits of the target count, of which the others must be copies of
 * the last; 0: all do. */
static inline unsigned tiny_jump_bits(const TinyInsn *in)
{
    return in->x == 3 ? 48 : 0;
}
/* What its own watch- and breakpoints do. */
void tiny_debug_hit(TinyState *s, uint64_t addr, Icount now);
bool tiny_debug_break(TinyState *s, Icount now);
/* The device: every access changes it. */
uint64_t tiny_io(TinyState *s, uint64_t offset, uint64_t v, unsigned size,
                 Icount now, bool write);

/* --- tiny-model.c --------------------------------------------------------------- */

/* A breakpoint or watchpoint, by owner - 1; len 0: none. */
typedef struct TinyWatch {
    uint64_t addr, len;
    unsigned access;       /* bit per MmuAccess; 0: a breakpoint */
    bool hit;
    uint64_t hit_addr;
} TinyWatch;

typedef struct TinyModel {
    TinyState s;
    Icount icount;
    uint8_t ram[TINY_RAM_BYTES];
    uint8_t rom[TINY_ROM_BYTES];
    TinyWatch watch[2];
    Icount skip_break;
    bool stopped;          /* in front of the debugger's breakpoint */
} TinyModel;

/* Takes an interrupt or makes one instruction, whose traps included. */
void tiny_model_step(TinyModel *m);

/* The processor and the accelerator under test. */
extern const MachineParts tiny_parts;

/* --- tiny-trans.c --------------------------------------------------------------- */

/* What was ever translated. */
typedef struct TinySeen {
    bool op[IR_OP_COUNT];
    bool x80[X80_OP_COUNT + 1]; /* the last one: any other op */
} TinySeen;

extern TinySeen tiny_seen;

/* --- tiny-machine.c ------------------------------------------------------------- */

typedef struct TinyMachine {
    Machine *machine;
    TinyCpu *cpu;
    RamBlock *ram, *rom;
} TinyMachine;

/* A processor, RAM, ROM and the device, powered on. options: of the accelerator,
 * kept. One for each program. */
void tiny_machine_make(TinyMachine *t, AccelOptions *options);

#endif
