/*
 * MMX (SDM vol. 1, chapter 9): 64-bit vectors in the significands of the x87's
 * registers. Most instructions are rows of the vector table of which the low
 * half counts, and trans_vec() translates them; here are those whose lanes come
 * from places that depend on a vector's length, and what MMX does to the x87.
 */
#include "trans-vec.h"

/* --- between x87 and MMX (vol. 1, 9.5; vol. 3, 12.2) -------------------------- */

/* True if an operand is an MMX register: otherwise the x87 is left alone, by
 * conversions of what is in memory. */
static bool uses_registers(const X86Trans *t)
{
    for (unsigned n = 0; n < OP_MAX; n++) {
        unsigned method = t->in.row->op[n].method;
        if (method == OPM_P || method == OPM_N ||
            (method == OPM_Q && t->in.mod == 3)) {
            return true;
        }
    }
    return false;
}

void mmx_begin(X86Trans *t)
{
    if (uses_registers(t) && !t->st->mmx) {
        CALL0(t, x87_waits);
    }
}

/* TOP = 0, and which registers are not empty. */
static void set_stack(X86Trans *t, uint8_t valid)
{
    uint32_t fsw = offsetof(X86Cpu, s.fsw);
    IrVal v = ir_ldenv(t->ir, IR_I64, fsw, IR_MEM_16);
    v = ir_op2i(t->ir, IR_AND, v, ~UINT64_C(0x3800));
    ir_stenv(t->ir, fsw, v, IR_MEM_16);
    ir_stenv(t->ir, offsetof(X86Cpu, s.fvalid), k64(t, valid), IR_MEM_8);
    t->st->x87.top = 0;
    t->st->x87.valid = valid;
}

void mmx_end(X86Trans *t)
{
    if (uses_registers(t) && !t->st->mmx) {
        set_stack(t, 0xff);
        t->st->mmx = true;
    }
}

void trans_emms(X86Trans *t)
{
    CALL0(t, x87_waits);
    set_stack(t, 0);
    t->st->mmx = false;
}

/* A conversion, its operand loaded, may meet an unmasked exception. Processors
 * have made the x87's registers vectors by then. */
static void enter_before_trap(X86Trans *t)
{
    if (t->ir->fp_traps && uses_registers(t)) {
        CALL0(t, mmx_enter);
    }
}

/* --- lanes from elsewhere ------------------------------------------------------ */

/* Sources a and b side by side in one vector; memory first: it may fault. */
static IrVal joined_sources(X86Trans *t)
{
    IrVal b = vec_load(t, 1, 0), a = vec_load(t, 0, 0);
    return ir_vec2(t->ir, VEC_UNPKLO64, 0, a, b);
}

/* Packs, and sums of neighbours: the row's low half is made of all of a. */
void trans_mmx_joined(X86Trans *t)
{
    IrVal v = joined_sources(t);
    vec_store(t, 0, ir_vec2(t->ir, vec_row(t), 0, v, v), IR_NO_VAL);
}

/* PUNPCKH: the low row gives all lanes, the upper half of them is wanted. */
void trans_mmx_unpack_high(X86Trans *t)
{
    IrVal v = vec_apply(t, vec_row(t), 0);
    vec_store(t, 0, ir_vec1(t->ir, VEC_SHRB, 8, v), IR_NO_VAL);
}

/* Three bits of an index count: the fourth finds the same again. */
void trans_mmx_pshufb(X86Trans *t)
{
    IrVal b = vec_load(t, 1, 0), a = vec_load(t, 0, 0);
    a = ir_vec2(t->ir, VEC_UNPKLO64, 0, a, a);
    vec_store(t, 0, ir_vec2(t->ir, VEC_SHUF8, 0, a, b), IR_NO_VAL);
}

void trans_mmx_palignr(X86Trans *t)
{
    unsigned imm = t->in.imm[0] & 0xff;
    IrVal b = vec_load(t, 1, 0), a = vec_load(t, 0, 0);
    IrVal v = ir_vec2(t->ir, VEC_UNPKLO64, 0, b, a);
    vec_store(t, 0, ir_vec1(t->ir, VEC_SHRB, imm, v), IR_NO_VAL);
}

/* PINSRW and PEXTRW choose one of four. */
void trans_mmx_word(X86Trans *t)
{
    t->in.imm[0] &= 3;
    trans_vec(t);
}

/* --- conversions ------------------------------------------------------------------ */

/* The destination's upper half stays. */
void trans_cvtpi2ps(X86Trans *t)
{
    IrVal v = vec_load(t, 1, 0), to = vec_load(t, 0, 0);
    enter_before_trap(t);
    v = ir_vec1(t->ir, vec_row(t), 0, v);
    vec_store(t, 0, ir_vec2(t->ir, VEC_MOVLO64, 0, to, v), IR_NO_VAL);
}

/* The source's upper half raises nothing. */
void trans_cvtps2pi(X86Trans *t)
{
    IrVal v = ir_vec1(t->ir, VEC_ZLO64, 0, vec_load(t, 1, 0));
    enter_before_trap(t);
    vec_store(t, 0, ir_vec1(t->ir, vec_row(t), 0, v), IR_NO_VAL);
}

void trans_cvtpd2pi(X86Trans *t)
{
    IrVal v = vec_load(t, 1, 0);
    enter_before_trap(t);
    vec_store(t, 0, ir_vec1(t->ir, vec_row(t), 0, v), IR_NO_VAL);
}
