/*
 * The IR and its builder: targets write it, accel/tcg reads it.
 *
 * A TB's IR is straight-line SSA with one entry and several exits: value N is
 * the result of instruction N, there are no labels, and what other IRs do with
 * branches inside an instruction is done with SELECT, helpers and EXIT_IF.
 *
 * Guest registers are named places outside SSA, read by GET and written by
 * SET. The rules a target obeys:
 *   - ir_insn_start() opens each guest instruction, with two words from which
 *     CpuClass.restore() can recover its pc and the like.
 *   - Within one guest instruction no SET or STENV comes before an op that may
 *     fault (LD, ST, a helper with IR_FAULTS): an instruction that faults has
 *     changed nothing. The verifier checks this.
 *   - The pc register is written by exits only.
 *   - Every path ends in an EXIT; EXIT_IF leaves early, and the instructions
 *     behind it count as not executed.
 * i32 values live zero-extended in 64 bits wherever a back end keeps them.
 *
 * Implemented by softmmu/ir.c, so that a target links without an accelerator.
 */
#ifndef VM_IR_H
#define VM_IR_H

#include "base/bits.h"
#include "base/types.h"
#include "base/vector.h"
#include "base/x80.h"

/* Floating-point numbers are lane 0 of a vector, but for those of 80 bits, which
 * have a type of their own. */
typedef enum IrType { IR_NONE, IR_I32, IR_I64, IR_V128, IR_F80 } IrType;
/* Vectors and numbers of 80 bits: moved by few ops, never in frame states. */
static inline bool ir_is_big(IrType t) { return t >= IR_V128; }

typedef enum IrOp {
#define IR_OP(name, text, args, result, flags, meaning) IR_##name,
#include "vm/ir-ops.def"
    IR_OP_COUNT
} IrOp;

/* What a and b are compared for; TST and TSTZ: whether they have ones in
 * common, or none. */
typedef enum IrCond {
#define IR_COND(name, text, holds) IR_##name,
#include "vm/ir-conds.def"
    IR_COND_COUNT
} IrCond;

/* How a guest load or store is made: size_log2 | IR_MEM_SIGN | IR_MEM_ALIGN |
 * IR_MEM_PAIR | mmu mode, and with the mode the flags of MMU_FLAGS (vm/cpu.h). Little-endian.
 * A load's result has the instruction's type; a vector is loaded from 4, 8 or
 * 16 bytes, the others become zero, and stored to as many. A number of 80 bits
 * is converted from and to floats of 4, 8 or 10 bytes or, with IR_MEM_INT,
 * integers of 2, 4 or 8, under Cpu.fp80, which gets the flags if the access did
 * not fault. */
typedef uint16_t IrMem;
#define IR_MEM_8    0u
#define IR_MEM_16   1u
#define IR_MEM_32   2u
#define IR_MEM_64   3u
#define IR_MEM_128  4u
#define IR_MEM_80   5u         /* 10 bytes */
#define IR_MEM_SIGN 8u
/* Vectors only: an address that is no multiple of the size goes to
 * CpuClass.unaligned. */
#define IR_MEM_ALIGN 16u
/* Vectors of 16 bytes only: the first half of 32 bytes, whose other half is the
 * next access. The alignment is that of 32, and a store whose second half would
 * fault faults now, so that nothing is changed. */
#define IR_MEM_PAIR  128u
/* Of IR_F80: an integer; and truncated, whatever the rounding. */
#define IR_MEM_INT   32u
#define IR_MEM_TRUNC 64u
#define IR_MEM_MODE(mode) ((IrMem)((mode) << 8))
static inline unsigned ir_mem_log2(IrMem m) { return m & 7; }
static inline unsigned ir_mem_size(IrMem m)
{
    return ir_mem_log2(m) == IR_MEM_80 ? 10 : 1u << ir_mem_log2(m);
}
/* Bytes that must be accessible. */
static inline unsigned ir_mem_span(IrMem m)
{
    return m & IR_MEM_PAIR ? 32 : ir_mem_size(m);
}
X80Kind ir_mem_x80(IrMem m);
/* The MMU mode alone, and with its flags. */
static inline unsigned ir_mem_mode(IrMem m) { return (m >> 8) & 3; }
static inline unsigned ir_mem_access(IrMem m) { return m >> 8; }

/* How an exit leaves the TB. */
typedef enum IrExit {
    IR_EXIT_CHAIN0,        /* constant pc, same key otherwise: chainable */
    IR_EXIT_CHAIN1,        /* the TB's second chainable exit */
    IR_EXIT_JUMP,          /* any pc, same key otherwise: may go straight to
                            * the next TB */
    IR_EXIT_LOOKUP,        /* look the next TB up; no interrupt can be due */
    IR_EXIT_LOOP,          /* back to cpu_exec(): modes, interrupts, TBs may
                            * have changed */
    IR_EXIT_STALE,         /* the TB assumed what is not so any more (see
                            * TranslateContext.may_assume): made anew */
} IrExit;

/* Effects of a helper. Without flags it is pure: its result depends on its
 * arguments only. */
typedef enum IrEffect {
    IR_READS = 1,          /* reads guest registers or CPU state */
    IR_WRITES = 2,         /* changes guest registers or CPU state */
    IR_FAULTS = 4,         /* may leave by cpu_raise() and the like */
    IR_MEMORY = 8,         /* reads or writes guest memory */
} IrEffect;

#define IR_MAX_ARGS 6

/* What a pure helper computes, where a host may have an instruction for it:
 * the same bits, whichever is used. */
typedef enum IrIdiom {
    IR_IDIOM_NONE,
    IR_IDIOM_CRC32C,       /* crc, value, constant bytes: reflected CRC-32C */
    /* a, b, constant bytes 4 or 8: a / b, of that width. Whoever calls these has
     * made sure that b is not 0, and in the signed one not -1. */
    IR_IDIOM_DIVU,
    IR_IDIOM_DIVS,
    IR_IDIOM_PDEP,         /* value, mask: its low bits where the mask has ones */
    IR_IDIOM_PEXT,         /* value, mask: the bits where the mask has ones */
} IrIdiom;

/* A helper: uint64_t fn(Cpu *, uint64_t × nargs). A helper without a result
 * returns 0. Targets generate these from their helpers.def. */
typedef struct IrHelper {
    const char *name;
    void (*fn)(void);      /* cast to its real type by who calls */
    uint8_t nargs;         /* without the Cpu */
    IrType result;         /* IR_NONE, IR_I32 or IR_I64 */
    uint8_t effects;       /* IrEffect mask */
    uint8_t idiom;         /* IrIdiom, of pure ones */
} IrHelper;

/* A guest register: where it lives in the CPU struct. */
typedef struct IrReg {
    const char *name;
    uint32_t offset;
    IrType type;           /* IR_I32: 4 bytes, IR_I64: 8, others: 16 */
    bool hot;              /* used all the time: a back end should keep it in a
                            * host register from TB to TB */
    uint16_t upper;        /* number of the register that is the other half of one
                            * of 32 bytes, whose low half this is; 0: none */
} IrReg;

typedef uint16_t IrVal;    /* number of the defining instruction */
#define IR_NO_VAL UINT16_MAX

typedef struct IrInst {
    uint8_t op;            /* IrOp */
    uint8_t type;          /* IrType of the result, or of the stored value */
    uint8_t cond;          /* IrCond, or IrExit for EXIT */
    uint8_t nargs;
    uint16_t mem;          /* IrMem; for EXIT_IF: IrExit */
    uint16_t insn;         /* EXIT*: guest instructions retired when it leaves */
    IrVal arg[IR_MAX_ARGS];
    bool lazy;             /* only frame states want it: computed when a fault
                            * asks for it; set by ir_dce() */
    uint64_t imm;          /* constant, register, offset, helper index */
} IrInst;

/* A register whose SET was taken out because it is SET again before anybody
 * but a fault could see it: if guest instruction `insn` faults, the register
 * holds `value`. All of them for an instruction are its frame state. Within
 * an instruction SETs come last, so one frame state serves all its ops. */
typedef struct IrFrame {
    uint16_t insn;
    uint16_t reg;
    IrVal value;
} IrFrame;

typedef struct IrBlock {
    const CpuClass *cls;
    GArray *insts;         /* IrInst */
    guint room;            /* as many there is room for, at least */
    GArray *frames;        /* IrFrame, by insn; made by ir_dce() */
    GArray *insn_words;    /* uint64_t[2] per guest instruction */
    GPtrArray *helpers;    /* const IrHelper *, indexed by CALL's imm */
    bool fp_traps;         /* floating-point exceptions may be unmasked: set by
                            * the target before it translates */
} IrBlock;

IrBlock *ir_block_new(const CpuClass *cls);
void ir_block_clear(IrBlock *b);
void ir_block_free(IrBlock *b);

/* --- building: every function appends and returns the new value ---------- */

IrVal ir_const(IrBlock *b, IrType type, uint64_t v);
IrVal ir_get(IrBlock *b, unsigned reg);
void ir_set(IrBlock *b, unsigned reg, IrVal v);
/* One- and two-operand ops of the table without immediates. */
IrVal ir_op1(IrBlock *b, IrOp op, IrVal a);
IrVal ir_op2(IrBlock *b, IrOp op, IrVal a, IrVal v);
/* op2 with a constant of a's type. */
IrVal ir_op2i(IrBlock *b, IrOp op, IrVal a, uint64_t imm);
IrVal ir_zext(IrBlock *b, IrVal a, unsigned bits);
IrVal ir_sext(IrBlock *b, IrVal a, unsigned bits);
IrVal ir_extract(IrBlock *b, IrVal a, unsigned pos, unsigned len);
IrVal ir_deposit(IrBlock *b, IrVal a, IrVal field, unsigned pos, unsigned len);
IrVal ir_setcond(IrBlock *b, IrCond cond, IrVal x, IrVal y);
IrVal ir_select(IrBlock *b, IrCond cond, IrVal x, IrVal y, IrVal yes,
                IrVal no);
IrVal ir_ld(IrBlock *b, IrType type, IrVal addr, IrMem mem);
void ir_st(IrBlock *b, IrVal addr, IrVal v, IrMem mem);
IrVal ir_ldenv(IrBlock *b, IrType type, uint32_t offset, IrMem size);
void ir_stenv(IrBlock *b, uint32_t offset, IrVal v, IrMem size);
/* A jump's target that must be the sign extension of its low `bits`. */
void ir_canon(IrBlock *b, IrVal a, unsigned bits);
/* args: nargs values; IR_NO_VAL when the helper has no result. */
IrVal ir_call(IrBlock *b, const IrHelper *h, const IrVal *args);
/* A vector operation; args: as many as its row takes, vectors before the
 * integer. imm: 0 if the row has none. Becomes VEC, FVEC or FVECX. */
IrVal ir_vec(IrBlock *b, VecOp op, unsigned imm, const IrVal *args);
IrVal ir_vec1(IrBlock *b, VecOp op, unsigned imm, IrVal a);
IrVal ir_vec2(IrBlock *b, VecOp op, unsigned imm, IrVal a, IrVal v);
/* A vector of which both halves are v. */
IrVal ir_vec_const(IrBlock *b, uint64_t v);
/* An operation on numbers of 80 bits; args, the integer last: as many as its row
 * takes. imm: 0 if the row has none. */
IrVal ir_x80(IrBlock *b, X80Op op, unsigned imm, const IrVal *args);
static inline X80Op ir_x80_op(const IrInst *i) { return i->imm & 0xffff; }
static inline unsigned ir_x80_imm(const IrInst *i) { return i->imm >> 16; }
/* Which row an instruction is, and its immediate. */
static inline VecOp ir_vec_op(const IrInst *i) { return i->imm & 0xffff; }
static inline unsigned ir_vec_imm(const IrInst *i) { return i->imm >> 16; }
void ir_insn_start(IrBlock *b, uint64_t word0, uint64_t word1);
void ir_exit_if(IrBlock *b, IrCond cond, IrVal x, IrVal y, IrVal pc,
                IrExit how);
void ir_exit(IrBlock *b, IrVal pc, IrExit how);
/* The present instruction has not begun: leaves before it, at pc, by
 * IR_EXIT_STALE. */
void ir_exit_stale_if(IrBlock *b, IrCond cond, IrVal x, IrVal y, IrVal pc);

/* What the table vm/ir-ops.def says of an op. */
typedef struct IrOpInfo {
    const char *text;
    uint8_t args;
    char result;
    const char *flags;
} IrOpInfo;
extern const IrOpInfo ir_op_info[IR_OP_COUNT];
static inline bool ir_is_vec(const IrInst *i)
{
    return i->op == IR_VEC || i->op == IR_FVEC || i->op == IR_FVECX;
}
/* Ops on or with numbers of 80 bits, loads and stores included. */
static inline bool ir_is_x80(const IrInst *i)
{
    return i->type == IR_F80 || i->op == IR_X80;
}
/* True if nothing but the operands bears on it and nothing but the value comes
 * of it (of CALL, its helper says). */
static inline bool ir_is_pure(const IrInst *i)
{
    return ir_op_info[i->op].flags[0] == 'P';
}
/* True if the value is the same with both operands exchanged. */
static inline bool ir_commutes(const IrInst *i)
{
    return ir_is_pure(i) && ir_op_info[i->op].flags[1] == 'C';
}

/* The type of a value; the constant it is, if it is one. */
IrType ir_type(const IrBlock *b, IrVal v);
bool ir_is_const(const IrBlock *b, IrVal v, uint64_t *out);

/* --- what the common translation loop offers a target -------------------- */

typedef struct TranslateContext TranslateContext;
struct TranslateContext {
    Cpu *cpu;
    IrBlock *ir;
    GuestAddr base;        /* of the TbKey */
    uint32_t flags;        /* of the TbKey */
    GuestAddr pc;          /* linear address of the next instruction; the
                            * target advances it past what it translated */
    unsigned insn_count;   /* instructions translated before this one */
    unsigned mmu_fetch, mmu_data; /* MMU modes of this TB */
    bool ended;            /* target: the last instruction emitted an EXIT */
    bool end_after;        /* target: this one must be the TB's last (`io`,
                            * `end` rows); translate_stop() emits the exit */
    /* The TB may rest on more than its key, as the CPU is now: the target has
     * it look again by ir_exit_stale_if(). Not where that went wrong often. */
    bool may_assume;
    uint64_t scratch[16];  /* the target's, set up by translate_start() */
    uint8_t (*byte)(TranslateContext *tc, unsigned offset);
};

/* The next byte of code at tc->pc + offset, offset < 16. A fault of the first
 * instruction's bytes is raised in the guest; a later instruction whose bytes
 * cannot be had ends the TB before it (does not return). */
static inline uint8_t translate_byte(TranslateContext *tc, unsigned offset)
{
    return tc->byte(tc, offset);
}

#endif
