/*
 * Operands of vector instructions, and the shape of most of them: a row of the
 * vector table for each 128 bits (insn.opmap, vec=).
 *
 * An XMM register is one value and a YMM register two, its halves. What writes
 * an XMM register leaves the upper half of the YMM register alone without VEX
 * and clears it with VEX (vol. 1, 14.1.3).
 */
#include "trans-vec.h"

#define NO_REG UINT_MAX

/* --- operands --------------------------------------------------------------- */

static unsigned fixed_or_is4(const X86Trans *t, const OpSpec *op)
{
    if (op->method == OPM_L) {
        return t->in.imm[0] >> 4 & (t_code64(t) ? 15 : 7);
    }
    return op->reg;
}

/* The register of an operand, NO_REG if it is memory or no vector. */
static unsigned vec_number(const X86Trans *t, unsigned n)
{
    const OpSpec *op = &t->in.row->op[n];
    switch (op->method) {
    case OPM_V:
    case OPM_P:
        return t->in.reg;
    case OPM_W:
    case OPM_Q:
        return t->in.mod == 3 ? t->in.rm : NO_REG;
    case OPM_U:
    case OPM_N:
        return t->in.rm;
    case OPM_H:
        return t->in.vvvv;
    case OPM_L:
    case OPM_XMM:
        return fixed_or_is4(t, op);
    default:
        return NO_REG;
    }
}

static bool is_mmx(const X86Trans *t, unsigned n)
{
    unsigned method = t->in.row->op[n].method;
    return method == OPM_P || method == OPM_Q || method == OPM_N;
}

static bool is_vector(const X86Trans *t, unsigned n)
{
    unsigned method = t->in.row->op[n].method;
    return (method >= OPM_V && method <= OPM_N) || method == OPM_M ||
           method == OPM_XMM;
}

bool vec_is_memory(const X86Trans *t, unsigned n)
{
    return is_vector(t, n) && vec_number(t, n) == NO_REG;
}

unsigned vec_parts(const X86Trans *t, unsigned n)
{
    return op_bytes(t, n) == 32 ? 2 : 1;
}

/* Legacy instructions want 16 bytes aligned unless the row says otherwise, VEX
 * only where it says so (vol. 2, 2.4). */
static bool wants_alignment(const X86Trans *t, unsigned n)
{
    unsigned flags = t->in.row->flags;
    return op_bytes(t, n) >= 16 &&
           (t->in.vex ? flags & ROW_ALIGN : !(flags & ROW_UNAL));
}

/* Conversions of half precision never raise #AC (vol. 2, 2.4.11). */
static bool has_alignment_check(const X86Trans *t, unsigned bytes)
{
    unsigned op = t->in.row->vec;
    return (t->tc->flags & TB_AC) && bytes > 1 && bytes < 16 &&
           op != VEC_F16TO32 && op != VEC_F32TO16;
}

/* Where the memory operand is. */
static IrVal vec_linear(X86Trans *t, unsigned n)
{
    unsigned bytes = op_bytes(t, n);
    IrVal linear = mem_operand(t, bytes);
    if (has_alignment_check(t, bytes)) {
        CALL(t, align_check, linear, k64(t, bytes));
    }
    return linear;
}

/* How a half of the operand is accessed: the first answers for both. */
static IrMem vec_mem(X86Trans *t, unsigned n, unsigned part)
{
    unsigned bytes = op_bytes(t, n);
    IrMem size = bytes >= 16 ? IR_MEM_128 : bytes == 8 ? IR_MEM_64
                                                       : IR_MEM_32;
    IrMem checks = (wants_alignment(t, n) ? IR_MEM_ALIGN : 0) |
                   (bytes == 32 ? IR_MEM_PAIR : 0);
    return size | (part ? 0 : checks) | IR_MEM_MODE(access_mode(t));
}

static IrVal load_memory(X86Trans *t, unsigned n, unsigned part)
{
    unsigned bytes = op_bytes(t, n);
    if (bytes < 4) {
        IrVal v = mem_ld(t, mem_operand(t, bytes), bytes);
        return ir_vec1(t->ir, VEC_FROM64, 0, v);
    }
    if (part && wants_alignment(t, n)) {
        vec_load(t, n, 0);
    }
    IrVal at = vec_linear(t, n);
    if (part) {
        at = linear_add(t, at, 16);
    }
    return ir_ld(t->ir, IR_V128, at, vec_mem(t, n, part));
}

IrVal vec_load(X86Trans *t, unsigned n, unsigned part)
{
    unsigned reg = vec_number(t, n);
    part = part && vec_parts(t, n) == 2;
    if (reg == NO_REG) {
        if (t->vec_memory[part] == IR_NO_VAL) {
            t->vec_memory[part] = load_memory(t, n, part);
        }
        return t->vec_memory[part];
    }
    if (is_mmx(t, n)) {
        uint32_t at = offsetof(X86Cpu, s.fpr[reg & 7][0]);
        IrVal v = ir_ldenv(t->ir, IR_I64, at, IR_MEM_64);
        return ir_vec1(t->ir, VEC_FROM64, 0, v);
    }
    return ir_get(t->ir, (part ? X86_YMMH0 : X86_XMM0) + reg);
}

/* Writing makes the exponent all ones; what every MMX instruction does besides
 * is in mmx_end(). Vol. 3, 12.2. */
static void mmx_set(X86Trans *t, unsigned reg, IrVal v)
{
    uint32_t frac = offsetof(X86Cpu, s.fpr[reg & 7][0]);
    uint32_t exp = offsetof(X86Cpu, s.fpr[reg & 7][1]);
    ir_stenv(t->ir, frac, ir_vec1(t->ir, VEC_EXT64, 0, v), IR_MEM_64);
    ir_stenv(t->ir, exp, k64(t, 0xffff), IR_MEM_16);
}

/* A store of 32 bytes that faults in its second half has changed nothing. */
static void store_memory(X86Trans *t, unsigned n, IrVal low, IrVal high)
{
    t->store = true;
    IrVal at = vec_linear(t, n);
    ir_st(t->ir, at, low, vec_mem(t, n, 0));
    if (vec_parts(t, n) == 2) {
        ir_st(t->ir, linear_add(t, at, 16), high, vec_mem(t, n, 1));
    }
}

void vec_store(X86Trans *t, unsigned n, IrVal low, IrVal high)
{
    unsigned reg = vec_number(t, n);
    if (reg == NO_REG) {
        store_memory(t, n, low, high);
    } else if (is_mmx(t, n)) {
        mmx_set(t, reg, low);
    } else {
        ir_set(t->ir, X86_XMM0 + reg, low);
        if (high != IR_NO_VAL) {
            ir_set(t->ir, X86_YMMH0 + reg, high);
        } else if (t->in.vex) {
            ir_set(t->ir, X86_YMMH0 + reg, ir_vec_const(t->ir, 0));
        }
    }
}

/* --- the general shape ------------------------------------------------------- */

VecOp vec_row(const X86Trans *t)
{
    return t->in.opsize == 8 ? t->in.row->vec_w : t->in.row->vec;
}

unsigned vec_sources(const X86Trans *t, unsigned count, unsigned *which)
{
    unsigned found = 0;
    for (unsigned n = OP_MAX; n-- && found < count;) {
        if (is_vector(t, n)) {
            found++;
            which[count - found] = n;
        }
    }
    return found;
}

static unsigned vectors_of(VecOp op)
{
    unsigned n = 0;
    for (const char *p = strchr(vec_ops[op].sig, ':') + 1; *p; p++) {
        n += *p == 'v';
    }
    return n;
}

/* The integer that the row takes: the only operand that is no vector. */
static IrVal integer_source(X86Trans *t, VecOp op)
{
    for (unsigned n = 0; n < OP_MAX; n++) {
        unsigned method = t->in.row->op[n].method;
        if (method == OPM_E || method == OPM_G) {
            IrVal v = op_load(t, n);
            bool wide = strchr(vec_ops[op].sig, ':')[1 + vectors_of(op)] == '8';
            return wide ? v : ir_op1(t->ir, IR_TRUNC, v);
        }
    }
    g_assert_not_reached();
}

static bool has_integer(VecOp op)
{
    const char *sig = strchr(vec_ops[op].sig, ':') + 1;
    return strchr(sig, '4') || strchr(sig, '8');
}

/* Legacy CMPxx knows eight predicates only. With arg= an instruction takes so
 * many bits of its immediate for each half. */
static unsigned immediate_of(const X86Trans *t, VecOp op, unsigned part)
{
    unsigned imm = t->in.imm[0] & 0xff;
    if (op >= VEC_FCMP32 && op <= VEC_FCMP64S) {
        return imm & (t->in.vex ? 31 : 7);
    }
    return imm >> (part ? t->in.row->arg : 0);
}

static bool has_immediate(const X86Trans *t)
{
    for (unsigned n = 0; n < OP_MAX; n++) {
        if (t->in.row->op[n].method == OPM_I) {
            return true;
        }
    }
    return false;
}

IrVal vec_apply(X86Trans *t, VecOp op, unsigned part)
{
    unsigned which[3], count = vectors_of(op);
    IrVal args[4];
    g_assert(vec_sources(t, count, which) == count);
    for (unsigned i = count; i--;) { /* memory, the last, first: it may fault */
        args[i] = vec_load(t, which[i], part);
    }
    if (has_integer(op)) {
        args[count] = integer_source(t, op);
    }
    unsigned imm = has_immediate(t) ? immediate_of(t, op, part) : 0;
    return ir_vec(t->ir, op, imm, args);
}

/* Emits the operands that the two halves have, as helper fp_wide takes them. */
static void check_halves(X86Trans *t, VecOp op, unsigned imm,
                         const unsigned *which)
{
    uint64_t what = op | (uint64_t)imm << FP_WIDE_IMM;
    IrVal args[5] = { 0, k64(t, 0), k64(t, 0), k64(t, 0), k64(t, 0) };
    for (unsigned i = 0; i < vectors_of(op); i++) {
        unsigned reg = vec_number(t, which[i]);
        what |= (uint64_t)(reg == NO_REG ? FP_WIDE_MEMORY : reg)
                << (FP_WIDE_REGS + 5 * i);
        if (vec_parts(t, which[i]) == 1) {
            what |= FP_WIDE_WIDENS;
        }
        for (unsigned w = 0; reg == NO_REG && w < 4; w++) {
            IrVal v = vec_load(t, which[i], w / 2);
            args[1 + w] = ir_vec1(t->ir, VEC_EXT64, w & 1, v);
        }
    }
    args[0] = k64(t, what);
    t_call(t, X86_HELPER_fp_wide, args);
}

void vec_both_halves(X86Trans *t, VecOp op, unsigned imm,
                     const unsigned *which)
{
    for (unsigned i = vectors_of(op); i--;) {
        vec_load(t, which[i], 0);
        vec_load(t, which[i], 1);
    }
    if (t->ir->fp_traps && vec_ops[op].env) {
        check_halves(t, op, imm, which);
    }
}

void trans_vec(X86Trans *t)
{
    VecOp op = vec_row(t);
    IrVal high = IR_NO_VAL;
    if (vec_parts(t, 0) == 2) {
        unsigned which[3];
        vec_sources(t, vectors_of(op), which);
        vec_both_halves(t, op, has_immediate(t) ? immediate_of(t, op, 0) : 0,
                        which);
    }
    IrVal low = vec_apply(t, op, 0);
    if (vec_ops[op].sig[0] != 'v') {
        bool wide = vec_ops[op].sig[0] == '8';
        op_store(t, 0, wide ? low : ir_op1(t->ir, IR_ZEXT64, low));
        return;
    }
    if (vec_parts(t, 0) == 2) {
        high = vec_apply(t, op, 1);
    }
    vec_store(t, 0, low, high);
}

/* The two sources change places: UNPCKHPD makes MOVHLPS. */
void trans_vec_swapped(X86Trans *t)
{
    unsigned which[2];
    vec_sources(t, 2, which);
    IrVal b = vec_load(t, which[1], 0), a = vec_load(t, which[0], 0);
    vec_store(t, 0, ir_vec2(t->ir, vec_row(t), 0, b, a), IR_NO_VAL);
}

/* --- moves ---------------------------------------------------------------------- */

void trans_vmov(X86Trans *t)
{
    IrVal high = IR_NO_VAL;
    IrVal low = vec_load(t, 1, 0);
    if (vec_parts(t, 0) == 2) {
        high = vec_load(t, 1, 1);
    }
    vec_store(t, 0, low, high);
}

/* MOVQ between registers clears what is above. */
void trans_vmovq(X86Trans *t)
{
    IrVal v = vec_load(t, 1, 0);
    vec_store(t, 0, ir_vec1(t->ir, VEC_ZLO64, 0, v), IR_NO_VAL);
}

/* MOVHPS to memory. */
void trans_vmov_high(X86Trans *t)
{
    IrVal v = vec_load(t, 1, 0);
    vec_store(t, 0, ir_vec2(t->ir, VEC_UNPKHI64, 0, v, v), IR_NO_VAL);
}

/* The top bits of the lanes; arg= lanes in 128 bits. */
void trans_movmsk(X86Trans *t)
{
    VecOp op = vec_row(t);
    IrVal r = ir_op1(t->ir, IR_ZEXT64, vec_apply(t, op, 0));
    if (vec_parts(t, 1) == 2) {
        IrVal high = ir_op1(t->ir, IR_ZEXT64, vec_apply(t, op, 1));
        unsigned lanes = t->in.row->arg;
        r = ir_op2(t->ir, IR_OR, r, ir_op2i(t->ir, IR_SHL, high, lanes));
    }
    op_store(t, 0, r);
}

void trans_insertps(X86Trans *t)
{
    unsigned which[2];
    unsigned imm = t->in.imm[0] & (t->in.mod == 3 ? 0xff : 0x3f);
    vec_sources(t, 2, which);
    IrVal b = vec_load(t, which[1], 0), a = vec_load(t, which[0], 0);
    vec_store(t, 0, ir_vec2(t->ir, VEC_INSERTPS, imm, a, b), IR_NO_VAL);
}

/* VPERMILPD by an immediate: both lanes come from one source. */
void trans_vpermilpd(X86Trans *t)
{
    IrVal half[2] = { IR_NO_VAL, IR_NO_VAL };
    for (unsigned part = 0; part < vec_parts(t, 0); part++) {
        IrVal v = vec_load(t, 1, part);
        unsigned imm = t->in.imm[0] >> 2 * part & 3;
        half[part] = ir_vec2(t->ir, VEC_SHUF2X64, imm, v, v);
    }
    vec_store(t, 0, half[0], half[1]);
}

/* --- flags -------------------------------------------------------------------------- */

/* COMISS and the like; OF, SF and AF become 0. */
void trans_comis(X86Trans *t)
{
    IrVal r = vec_apply(t, vec_row(t), 0);
    flags_set_eflags(t, ir_op1(t->ir, IR_ZEXT64, r));
}

/* ZF and CF are bits 0 and 1 of the row's result. */
void trans_ptest(X86Trans *t)
{
    IrVal r = vec_apply(t, vec_row(t), 0);
    if (vec_parts(t, 0) == 2) {
        r = ir_op2(t->ir, IR_AND, r, vec_apply(t, vec_row(t), 1));
    }
    r = ir_op1(t->ir, IR_ZEXT64, r);
    IrVal carry = ir_extract(t->ir, r, 1, 1);
    flags_set_eflags(t, ir_deposit(t->ir, carry, r, 6, 1));
}

/* --- widths ---------------------------------------------------------------------------- */

/* Lanes become wider: the upper half is made of what follows in the source. */
void trans_widen(X86Trans *t)
{
    VecOp op = vec_row(t);
    IrVal v = vec_load(t, 1, 0), high = IR_NO_VAL;
    if (vec_parts(t, 0) == 2) {
        vec_both_halves(t, op, 0, (unsigned[]){ 1 });
    }
    IrVal low = ir_vec1(t->ir, op, 0, v);
    if (vec_parts(t, 0) == 2) {
        IrVal rest = ir_vec1(t->ir, VEC_SHRB, op_bytes(t, 1) / 2, v);
        high = ir_vec1(t->ir, op, 0, rest);
    }
    vec_store(t, 0, low, high);
}

/* Lanes become narrower: both halves go to one register. */
void trans_narrow(X86Trans *t)
{
    VecOp op = vec_row(t);
    unsigned imm = t->in.imm[0] & 0xff;
    if (vec_parts(t, 1) == 2) {
        vec_both_halves(t, op, imm, (unsigned[]){ 1 });
    }
    IrVal v = ir_vec1(t->ir, op, imm, vec_load(t, 1, 0));
    if (vec_parts(t, 1) == 2) {
        IrVal high = ir_vec1(t->ir, op, imm, vec_load(t, 1, 1));
        v = ir_vec2(t->ir, VEC_UNPKLO64, 0, v, high);
    }
    vec_store(t, 0, v, IR_NO_VAL);
}
