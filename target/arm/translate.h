/*
 * What the A64 translators (trans-*.c) share: registers, flags and the ways out
 * of a TB.
 *
 * Values are i64 throughout. Those of 32-bit operations are zero-extended.
 * Every translator keeps the rule of vm/ir.h: registers are set after the last
 * op of the instruction that may fault.
 */
#ifndef TARGET_ARM_TRANSLATE_H
#define TARGET_ARM_TRANSLATE_H

#include "a64-gen.h"
#include "cpu.h"

/* Where the flags came from, as far as this TB knows. */
typedef enum FlagsKind {
    FLAGS_UNKNOWN,
    FLAGS_SUB,             /* of a - b */
    FLAGS_LOGIC,           /* of a; C and V are 0 */
} FlagsKind;

typedef struct TransState {
    FlagsKind kind;
    bool sf;               /* of 64 bits */
    IrVal a, b;
    uint8_t exit;          /* IrExit for translate_stop() */
} TransState;

typedef struct A64Trans {
    TranslateContext *tc;
    IrBlock *ir;
    TransState *st;
    uint64_t pc;           /* of this instruction */
    uint32_t word;
} A64Trans;

typedef struct Cond {
    IrCond cond;
    IrVal x, y;
} Cond;

static inline IrVal k64(A64Trans *t, uint64_t v)
{
    return ir_const(t->ir, IR_I64, v);
}

/* --- translate.c ---------------------------------------------------------- */

IrVal t_call(A64Trans *t, ArmHelperId id, const IrVal *args);
#define CALL0(t, name) t_call(t, ARM_HELPER_##name, NULL)
#define CALL(t, name, ...) \
    t_call(t, ARM_HELPER_##name, (IrVal[]){ __VA_ARGS__ })

/* Register r, 31 being zero, or sp; sf false: its low half. */
IrVal t_get(A64Trans *t, unsigned r, bool sf);
IrVal t_get_sp(A64Trans *t, unsigned r, bool sf);
/* Sets it; 31: nothing happens, or sp is set. */
void t_set(A64Trans *t, unsigned r, IrVal v, bool sf);
void t_set_sp(A64Trans *t, unsigned r, IrVal v, bool sf);
/* The low half, if sf is false. */
IrVal t_clean(A64Trans *t, IrVal v, bool sf);

/* The instruction raises this and nothing else; ends the TB. */
void t_raise(A64Trans *t, unsigned ec, unsigned iss);
void t_undefined(A64Trans *t);
/* This instruction is the TB's last, which then leaves in this way. */
void t_end(A64Trans *t, IrExit how);
/* Leaves the TB for pc, the instruction having retired. */
void t_jump(A64Trans *t, IrVal pc, IrExit how);
/* To `taken` if c holds, else to the next instruction. */
void t_branch(A64Trans *t, Cond c, uint64_t taken);
static inline unsigned t_el(const A64Trans *t)
{
    return t->tc->flags & TB_EL1 ? 1 : 0;
}
/* The address that a branch goes to, without a tag (AArch64.BranchAddr). */
IrVal t_branch_address(A64Trans *t, IrVal v);

/* --- trans-flags.c -------------------------------------------------------- */

/* Sets the flags of a + b + carry (0 or 1; IR_NO_VAL: 0) or, sub, of a - b. The
 * operands are clean; the result is returned, clean. */
IrVal t_add_flags(A64Trans *t, IrVal a, IrVal b, bool sf);
IrVal t_sub_flags(A64Trans *t, IrVal a, IrVal b, bool sf);
IrVal t_adc_flags(A64Trans *t, IrVal a, IrVal b, IrVal carry, bool sf);
void t_logic_flags(A64Trans *t, IrVal v, bool sf);
/* The flags become the bits of a constant, or those of four values as the IR
 * keeps them. */
typedef struct Flags {
    IrVal n, z, c, v;
} Flags;
Flags t_flags_sub(A64Trans *t, IrVal a, IrVal b, bool sf, IrVal *result);
Flags t_flags_add(A64Trans *t, IrVal a, IrVal b, bool sf, IrVal *result);
void t_set_flags(A64Trans *t, const Flags *f);
void t_forget_flags(A64Trans *t);
Cond t_cond(A64Trans *t, unsigned cond);

/* --- trans-memory.c ------------------------------------------------------- */

/* How an access of 2^log2 bytes is made, with the alignment that the mode asks
 * for; el0: as EL0 would. */
IrMem t_mem(const A64Trans *t, unsigned log2, bool el0);
/* Raises an alignment fault if address is none of 2^log2 and the mode, or
 * `always`, asks for it. */
void t_check_align(A64Trans *t, IrVal address, unsigned log2, bool always);
IrVal t_load(A64Trans *t, IrVal address, unsigned log2, bool sign, bool el0);
void t_store(A64Trans *t, IrVal address, IrVal v, unsigned log2, bool el0);
/* Rm extended as `opt` says and shifted (DecodeRegExtend). */
IrVal t_extended(A64Trans *t, unsigned rm, unsigned opt, unsigned shift);
/* The base register's value, sp being checked for its alignment. */
IrVal t_base(A64Trans *t, unsigned rn);

#endif
