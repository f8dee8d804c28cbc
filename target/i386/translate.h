/*
 * What the x86 translators (trans-*.c) share: the instruction at hand, its
 * operands, the stack, the lazy flags and the ways out of a TB.
 *
 * Values are i64 throughout and "clean": zero-extended from their operand
 * size. An operand is loaded clean and must be stored clean.
 *
 * Every translator keeps the rule of vm/ir.h: registers and flags are set
 * after the last op of the instruction that may fault.
 */
#ifndef TARGET_I386_TRANSLATE_H
#define TARGET_I386_TRANSLATE_H

#include "decode.h"
#include "opmap-gen.h"

/* The x87 as a TB takes it to be: as it was when the TB was translated, and as its
 * instructions have changed it since. `sure` once the TB has looked, until
 * something may have changed it that is not followed here. */
typedef struct X87Known {
    bool usable, sure;
    uint8_t top, valid;    /* TOP; a bit set: R[n] is not empty */
    uint16_t fcw;
    bool moved;            /* FSW and FVALID are to be SET */
    IrVal rest;            /* if sure: i32, the status word without TOP */
    IrVal selector[6];     /* if sure: i32, or IR_NO_VAL */
} X87Known;

/* What is known from instruction to instruction of a TB (tc->scratch). */
typedef struct TransState {
    /* The lazy flags, as values of this TB; cc_op < 0: not known. */
    int32_t cc_op;         /* CcOp with its width */
    IrVal cc_dst, cc_src, cc_src2;
    IrVal cc_left;         /* SUB: the first operand, or IR_NO_VAL */
    uint8_t exit;          /* IrExit for translate_stop() */
    bool shadow_ended;     /* end_shadow was called already */
    bool no_step;          /* this instruction takes no single-step trap */
    bool mmx;              /* no x87 exception is pending, TOP = 0, no register
                            * is empty */
    const uint32_t *features; /* of the model, ORDER x86-feat */
    X87Known x87;
} TransState;

typedef struct X86Trans {
    TranslateContext *tc;
    IrBlock *ir;
    TransState *st;
    X86Insn in;
    uint64_t pc, next;     /* offsets of this instruction and behind it */
    bool store;            /* the memory operand will be stored to */
    bool on_stack;         /* the last linear address was in SS */
    bool branch;           /* it leaves by a branch, which is taken */
    IrVal linear;          /* of the memory operand, once computed */
    IrVal vec_memory[2];   /* halves of a vector in memory, once loaded */
    IrVal sp_override;     /* POP Ev: the RSP that addresses see */
} X86Trans;

static inline bool t_code64(const X86Trans *t)
{
    return t->tc->flags & TB_CS64;
}

static inline bool t_protected(const X86Trans *t)
{
    return t->tc->flags & TB_PE;
}

static inline unsigned t_cpl(const X86Trans *t)
{
    return (t->tc->flags >> TB_CPL_SHIFT) & 3;
}

static inline IrVal k64(X86Trans *t, uint64_t v)
{
    return ir_const(t->ir, IR_I64, v);
}

/* --- translate.c: helpers and exits ------------------------------------- */

IrVal t_call(X86Trans *t, X86HelperId id, const IrVal *args);
#define CALL0(t, name) t_call(t, X86_HELPER_##name, NULL)
#define CALL(t, name, ...) \
    t_call(t, X86_HELPER_##name, (IrVal[]){ __VA_ARGS__ })

/* The instruction raises this fault and nothing else; ends the TB. */
void t_raise(X86Trans *t, unsigned vector);
void t_raise_gp(X86Trans *t);
/* Leaves the TB for pc, the instruction having retired. */
void t_jump(X86Trans *t, IrVal pc, IrExit how);
/* The same by a branch, for those who step from branch to branch. */
void t_branch_to(X86Trans *t, IrVal pc, IrExit how);
/* A helper has set rip: goes there by way of the run loop. */
void t_jump_rip(X86Trans *t);
/* A condition on two values. */
typedef struct Cond {
    IrCond cond;
    IrVal x, y;
} Cond;
/* To offset `taken` if c holds, else to the next instruction. */
void t_branch(X86Trans *t, Cond c, uint64_t taken);
/* True if something must be done after each instruction (TF, RF, shadow), so
 * that only t_jump() may leave the TB. */
bool t_is_special(const X86Trans *t);
/* Ends shadow and RF before the instruction does its work, because that may
 * set them anew. */
void t_end_shadow_now(X86Trans *t);
/* The same after an iteration of a repeated instruction. */
void t_end_shadow_rep(X86Trans *t, IrVal again);
/* This instruction is the TB's last, which then leaves in this way. */
void t_end(X86Trans *t, IrExit how);

/* --- trans-operand.c ------------------------------------------------------ */

/* A general register's low `bytes`, clean. */
IrVal reg_get(X86Trans *t, unsigned reg, unsigned bytes);
void reg_set(X86Trans *t, unsigned reg, IrVal v, unsigned bytes);
/* `v` clean for `bytes`. */
IrVal clean(X86Trans *t, IrVal v, unsigned bytes);
/* `v`, clean, sign-extended to 64 bits. */
IrVal widen_signed(X86Trans *t, IrVal v, unsigned bytes);

/* Operand n of the row. */
unsigned op_bytes(const X86Trans *t, unsigned n);
bool op_is_memory(const X86Trans *t, unsigned n);
IrVal op_load(X86Trans *t, unsigned n);
/* Operand n, which will be stored to as well: what memory refuses to a store is
 * refused now. */
IrVal op_modify(X86Trans *t, unsigned n);
void op_store(X86Trans *t, unsigned n, IrVal v);

/* The effective address of the memory operand, in the address size. */
IrVal mem_effective(X86Trans *t);
/* The linear address of seg:offset for an access of `bytes`; checks limits
 * where the mode asks for it. */
IrVal mem_linear(X86Trans *t, unsigned seg, IrVal offset, unsigned bytes,
                 bool store);
/* The memory operand's linear address, for an access of `bytes`. */
IrVal mem_operand(X86Trans *t, unsigned bytes);
IrVal mem_ld(X86Trans *t, IrVal linear, unsigned bytes);
/* A load before a store to the same place. */
IrVal mem_ld_update(X86Trans *t, IrVal linear, unsigned bytes);
void mem_st(X86Trans *t, IrVal linear, IrVal v, unsigned bytes);
/* The MMU mode, with its flags, of an access to what mem_linear() said last. */
unsigned access_mode(const X86Trans *t);
/* linear + n, wrapped as the mode does. */
IrVal linear_add(X86Trans *t, IrVal linear, uint64_t n);

/* A selector, clean. */
IrVal seg_selector(X86Trans *t, unsigned seg);

/* --- trans-stack.c -------------------------------------------------------- */

unsigned sp_bytes(const X86Trans *t);
IrVal sp_get(X86Trans *t);
IrVal sp_add(X86Trans *t, IrVal sp, int64_t n);
void sp_set(X86Trans *t, IrVal sp);
/* Stores v below the stack pointer and moves that. */
void stack_push(X86Trans *t, IrVal v, unsigned bytes);
/* Loads from the top of the stack; the caller moves RSP with sp_set(). */
IrVal stack_top(X86Trans *t, unsigned bytes);

/* --- trans-x87-known.c ------------------------------------------------------ */

/* A TB begins: what the CPU's x87 is now. */
void x87_known_start(X86Trans *t);
/* An instruction has been translated, into what is in the block from `first` on:
 * did it change the x87 behind our backs? */
void x87_known_watch(X86Trans *t, unsigned first);

/* --- trans-flags.c -------------------------------------------------------- */

/* Sets the lazy flags; op without width (CC_ADD). src2: IR_NO_VAL if the op
 * has none. */
void flags_set(X86Trans *t, CcOp op, unsigned bytes, IrVal dst, IrVal src);
void flags_set_carry(X86Trans *t, CcOp op, unsigned bytes, IrVal dst,
                     IrVal src, IrVal carry);
/* After a - b = dst. */
void flags_set_sub(X86Trans *t, unsigned bytes, IrVal a, IrVal b, IrVal dst);
/* Sets all six arithmetic flags from EFLAGS bits. */
void flags_set_eflags(X86Trans *t, IrVal eflags);
/* As flags_set() if count != 0; otherwise the flags stay. */
void flags_set_if(X86Trans *t, IrVal count, CcOp op, unsigned bytes,
                  IrVal dst, IrVal src);
/* A helper changed the flags. */
void flags_forget(X86Trans *t);
/* FLAG_ARITH bits. */
IrVal flags_all(X86Trans *t);
/* CF as 0 or 1. */
IrVal flags_carry(X86Trans *t);
/* Condition code cc (0..15, as in Jcc). */
Cond flags_cond(X86Trans *t, unsigned cc);
/* c as an i64 of 0 or 1. */
IrVal cond_value(X86Trans *t, Cond c);

static inline Cond cond_invert(Cond c)
{
    c.cond = c.cond ^ 1;   /* ORDER ir-cond: in pairs */
    return c;
}

#endif
