/*
 * Translation of x87 instructions. Where trans-x87-known.c cannot do it, an
 * instruction becomes a call of a helper: memory operands are loaded before the
 * call, and what is stored the helper stores, so that a fault finds nothing
 * changed.
 */
#include "trans-x87.h"

/* CR0.EM and CR0.TS (vol. 3, 2.5): #NM. False: that was emitted. */
static bool is_present(X86Trans *t)
{
    if (t->tc->flags & (TB_EM | TB_TS)) {
        t_raise(t, EXC_NM);
        return false;
    }
    return true;
}

static IrVal insn_word(X86Trans *t, unsigned op, unsigned pops, bool to_sti)
{
    const X86Insn *in = &t->in;
    return k64(t, X87_INSN(op, in->rm & 7, pops, to_sti, x87_fop(in)));
}

static IrVal insn_mem_word(X86Trans *t, unsigned op, unsigned kind,
                           unsigned pops)
{
    const X86Insn *in = &t->in;
    return k64(t, X87_INSN(op, 0, pops, false, x87_fop(in)) |
                  X87_MEM(kind, in->seg));
}

/* Alignment of what mem_ld() and mem_st() do not access (vol. 3, table 6-7). */
static void check_alignment(X86Trans *t, unsigned bytes)
{
    if (t->tc->flags & TB_AC) {
        CALL(t, align_check, t->linear, k64(t, bytes));
    }
}

/* An exception that is pending comes before the faults of a memory operand. Where
 * alignment is checked, instructions are left to helpers, so that this order
 * holds there, too. */
static bool is_left_to_helper(const X86Trans *t)
{
    return t->tc->flags & TB_AC;
}

/* --- arithmetic and comparisons ----------------------------------------------*/

void trans_x87_arith_mem(X86Trans *t)
{
    static const uint8_t kinds[] = { X80_F32, X80_I32, X80_F64, X80_I16 };
    static const uint8_t sizes[] = { 4, 4, 8, 2 };
    unsigned op = t->in.reg & 7, kind = t->in.opcode >> 1 & 3;
    if (!is_present(t)) {
        return;
    }
    IrVal offset = mem_effective(t);
    t->linear = mem_linear(t, t->in.seg, offset, sizes[kind], false);
    X87Mem m = { kinds[kind], offset, t->linear };
    if (!is_left_to_helper(t) && x87_known_arith_mem(t, op, &m)) {
        return;
    }
    CALL0(t, x87_waits);
    IrVal v = mem_ld(t, t->linear, sizes[kind]);
    CALL(t, x87_arith_mem, insn_mem_word(t, op, kinds[kind], op == X87_COMP),
         k64(t, t->pc), offset, v);
    x87_guess_pops(t, op == X87_COMP);
}

/* D8: to ST(0). DC: to ST(i). DE: to ST(i), and pop. Comparisons are the same
 * everywhere but for the pops. */
static unsigned arith_pops(const X86Insn *in, unsigned op)
{
    switch (in->opcode) {
    case 0xda: /* FUCOMPP */
        return 2;
    case 0xdd: /* FUCOM, FUCOMP */
        return op & 1;
    case 0xde: /* FCOMPP has /3 */
        return op == X87_COMP ? 2 : 1;
    default:
        return op == X87_COMP;
    }
}

void trans_x87_arith(X86Trans *t)
{
    const X86Insn *in = &t->in;
    unsigned op = in->reg & 7, pops = arith_pops(in, op);
    if (!is_present(t)) {
        return;
    }
    if (in->opcode == 0xda || in->opcode == 0xdd) {
        op = X87_UCOM;
    }
    if (x87_known_arith(t, op, pops, in->opcode != 0xd8)) {
        return;
    }
    CALL(t, x87_arith, insn_word(t, op, pops, in->opcode != 0xd8),
         k64(t, t->pc));
    x87_guess_pops(t, pops);
}

void trans_x87_comi(X86Trans *t)
{
    bool unordered = (t->in.reg & 7) == 5, pops = t->in.opcode == 0xdf;
    if (!is_present(t) || x87_known_comi(t, unordered, pops)) {
        return;
    }
    CALL(t, x87_comi, insn_word(t, unordered ? X87_UCOM : X87_COM, pops,
                                false), k64(t, t->pc));
    flags_forget(t);
    x87_guess_pops(t, pops);
}

/* DA: B E BE U; DB: their opposites. As condition codes 2 4 6 A, and odd. */
void trans_x87_cmov(X86Trans *t)
{
    static const uint8_t codes[] = { 2, 4, 6, 10 };
    unsigned cc = codes[t->in.reg & 3] | (t->in.opcode == 0xdb);
    if (is_present(t) && !x87_known_cmov(t, cc)) {
        CALL(t, x87_cmov, insn_word(t, 0, 0, false), k64(t, t->pc),
             cond_value(t, flags_cond(t, cc)));
    }
}

/* --- the top of the stack ------------------------------------------------------*/

/* What helpers of these operations do to the stack, if all goes well. */
static void guess_top(X86Trans *t, unsigned op, unsigned pops)
{
    bool pushes = op <= X87_LDZ || op == X87_PTAN || op == X87_SINCOS ||
                  op == X87_XTRACT || op == X87_LDST;
    bool pops1 = op == X87_YL2X || op == X87_YL2XP1 || op == X87_PATAN;
    if (pushes) {
        x87_guess_push(t);
    }
    x87_guess_pops(t, pops1 ? 1 : pops);
}

static void top(X86Trans *t, unsigned op, unsigned pops, bool to_sti)
{
    if (is_present(t) && !x87_known_top(t, op, pops)) {
        CALL(t, x87_top, insn_word(t, op, pops, to_sti), k64(t, t->pc));
        guess_top(t, op, pops);
    }
}

/* D9 E0 to D9 FF. */
void trans_x87_unary(X86Trans *t)
{
    static const uint8_t first[] = { [5] = X87_LD1, [6] = X87_F2XM1,
                                     [7] = X87_PREM };
    static const uint8_t row4[] = { X87_CHS, X87_ABS, 0, 0, X87_TST,
                                    X87_XAM };
    unsigned reg = t->in.reg & 7, rm = t->in.rm & 7;
    top(t, reg == 4 ? row4[rm] : first[reg] + rm, 0, false);
}

/* D9 C0..DF, DD C0..DF, DF C0..DF: moves between registers. */
void trans_x87_stack(X86Trans *t)
{
    static const uint8_t ops[3][4] = {
        { X87_LDST, X87_XCH, X87_NOP, X87_STST1 },  /* D9 */
        { X87_FREE, X87_XCH, X87_STST, X87_STST },  /* DD */
        { X87_FREE, X87_XCH, X87_STST, X87_STST },  /* DF */
    };
    unsigned map = t->in.opcode >> 1 & 3, reg = t->in.reg & 3;
    unsigned op = ops[map == 0 ? 0 : map - 1][reg];
    top(t, op, map == 3 ? reg != 1 : reg == 3, true);
}

/* FENI, FDISI and FSETPM of the 8087 and 287 do nothing since the 387. */
void trans_x87_nop(X86Trans *t)
{
    is_present(t);
}

/* --- loads and stores ----------------------------------------------------------*/

typedef struct MemForm {
    uint8_t kind, bytes, pops;
} MemForm;

/* By opcode D9, DB, DD, DF and ModRM.reg. */
static const MemForm mem_forms[4][8] = {
    { { X80_F32, 4, 0 }, { 0 }, { X80_F32, 4, 0 }, { X80_F32, 4, 1 } },
    { { X80_I32, 4, 0 }, { X80_T32, 4, 1 }, { X80_I32, 4, 0 },
      { X80_I32, 4, 1 }, { 0 }, { X80_F80, 10, 0 }, { 0 },
      { X80_F80, 10, 1 } },
    { { X80_F64, 8, 0 }, { X80_T64, 8, 1 }, { X80_F64, 8, 0 },
      { X80_F64, 8, 1 } },
    { { X80_I16, 2, 0 }, { X80_T16, 2, 1 }, { X80_I16, 2, 0 },
      { X80_I16, 2, 1 }, { X87_BCD, 10, 0 }, { X80_I64, 8, 0 },
      { X87_BCD, 10, 1 }, { X80_I64, 8, 1 } },
};

static const MemForm *mem_form(const X86Trans *t)
{
    return &mem_forms[t->in.opcode >> 1 & 3][t->in.reg & 7];
}

void trans_x87_load(X86Trans *t)
{
    const MemForm *f = mem_form(t);
    if (!is_present(t)) {
        return;
    }
    IrVal offset = mem_effective(t), high = k64(t, 0);
    t->linear = mem_linear(t, t->in.seg, offset, f->bytes, false);
    X87Mem m = { f->kind, offset, t->linear };
    if (!is_left_to_helper(t) && x87_known_load(t, &m)) {
        return;
    }
    CALL0(t, x87_waits);
    IrVal low = mem_ld(t, t->linear, MIN(f->bytes, 8));
    if (f->bytes > 8) {
        high = mem_ld(t, linear_add(t, t->linear, 8), 2);
    }
    CALL(t, x87_load, insn_mem_word(t, 0, f->kind, 0), k64(t, t->pc), offset,
         low, high);
    x87_guess_push(t);
}

void trans_x87_store(X86Trans *t)
{
    const MemForm *f = mem_form(t);
    if (!is_present(t)) {
        return;
    }
    IrVal offset = mem_effective(t);
    t->linear = mem_linear(t, t->in.seg, offset, f->bytes, true);
    X87Mem m = { f->kind, offset, t->linear };
    if (!is_left_to_helper(t) && x87_known_store(t, &m, f->pops)) {
        return;
    }
    CALL(t, x87_store, insn_mem_word(t, 0, f->kind, f->pops), k64(t, t->pc),
         offset, t->linear, k64(t, access_mode(t)));
    x87_guess_pops(t, f->pops);
}

/* --- control -------------------------------------------------------------------*/

/* What follows is translated when the x87 is what it will be. */
static void changes_all(X86Trans *t)
{
    t->tc->end_after = true;
}

void trans_fldcw(X86Trans *t)
{
    if (is_present(t)) {
        CALL0(t, x87_waits);
        CALL(t, x87_ldcw, mem_ld(t, mem_operand(t, 2), 2));
        changes_all(t);
    }
}

/* The status or control word to memory. */
static void store_word(X86Trans *t, IrVal v)
{
    t->store = true;
    mem_st(t, mem_operand(t, 2), v, 2);
}

void trans_fnstcw(X86Trans *t)
{
    if (is_present(t)) {
        store_word(t, ir_op1(t->ir, IR_ZEXT64, ir_get(t->ir, X86_FCW)));
    }
}

void trans_fnstsw(X86Trans *t)
{
    if (!is_present(t)) {
        return;
    }
    if (t->in.mod != 3) {
        store_word(t, x87_status(t));
    } else {
        reg_set(t, X86_RAX, x87_status(t), 2);
    }
}

void trans_fninit(X86Trans *t)
{
    if (is_present(t)) {
        CALL0(t, x87_init);
        changes_all(t);
    }
}

void trans_fnclex(X86Trans *t)
{
    if (is_present(t)) {
        CALL0(t, x87_clex);
    }
}

/* 14 or 28 bytes of environment, and 80 of registers. */
static void image(X86Trans *t, X86HelperId helper, bool registers, bool store)
{
    unsigned word = t->in.opsize == 2 ? 2 : 4;
    if (!is_present(t)) {
        return;
    }
    t->store = store;
    mem_operand(t, 7 * word + (registers ? 80 : 0));
    if (!store) {
        CALL0(t, x87_waits);
    }
    check_alignment(t, word);
    t_call(t, helper, (IrVal[]){ t->linear, k64(t, access_mode(t)),
                                 k64(t, word) });
    changes_all(t);
}

void trans_fnstenv(X86Trans *t)
{
    image(t, X86_HELPER_x87_stenv, false, true);
}

void trans_fldenv(X86Trans *t)
{
    image(t, X86_HELPER_x87_ldenv, false, false);
}

void trans_fnsave(X86Trans *t)
{
    image(t, X86_HELPER_x87_save, true, true);
}

void trans_frstor(X86Trans *t)
{
    image(t, X86_HELPER_x87_rstor, true, false);
}

/* --- WAIT, and a CPU without x87 ---------------------------------------------*/

void trans_fwait(X86Trans *t)
{
    if (!x87_known_wait(t)) {
        CALL0(t, fwait);
    }
}

/* With an x87 what no row knows is undefined; without, nobody answers. */
void trans_esc(X86Trans *t)
{
    if (t->st->features[FEAT_1_EDX] & 1) {
        t_raise(t, EXC_UD);
    } else {
        CALL0(t, no_fpu);
    }
}
