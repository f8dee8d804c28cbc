/*
 * Translation of x87 instructions: each becomes a call of a helper. Memory
 * operands are loaded before the call, and what is stored the helper stores,
 * so that a fault finds nothing changed. TOP is in the status word and not
 * known here.
 */
#include "translate.h"
#include "x87.h"

/* CR0.EM and CR0.TS (vol. 3, 2.5): #NM. False: that was emitted. */
static bool is_present(X86Trans *t)
{
    if (t->tc->flags & (TB_EM | TB_TS)) {
        t_raise(t, EXC_NM);
        return false;
    }
    return true;
}

static unsigned fop_of(const X86Insn *in)
{
    return (in->opcode & 7) << 8 | in->mod << 6 | (in->reg & 7) << 3 |
           (in->rm & 7);
}

static IrVal insn_word(X86Trans *t, unsigned op, unsigned pops, bool to_sti)
{
    const X86Insn *in = &t->in;
    return k64(t, X87_INSN(op, in->rm & 7, pops, to_sti, fop_of(in)));
}

static IrVal insn_mem_word(X86Trans *t, unsigned op, unsigned kind,
                           unsigned pops)
{
    const X86Insn *in = &t->in;
    return k64(t, X87_INSN(op, 0, pops, false, fop_of(in)) |
                  X87_MEM(kind, in->seg));
}

/* --- arithmetic and comparisons ----------------------------------------------*/

void trans_x87_arith_mem(X86Trans *t)
{
    static const uint8_t kinds[] = { X87_F32, X87_I32, X87_F64, X87_I16 };
    static const uint8_t sizes[] = { 4, 4, 8, 2 };
    unsigned op = t->in.reg & 7, kind = t->in.opcode >> 1 & 3;
    if (!is_present(t)) {
        return;
    }
    IrVal offset = mem_effective(t);
    t->linear = mem_linear(t, t->in.seg, offset, sizes[kind], false);
    IrVal v = mem_ld(t, t->linear, sizes[kind]);
    CALL(t, x87_arith_mem, insn_mem_word(t, op, kinds[kind], op == X87_COMP),
         k64(t, t->pc), offset, v);
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
    CALL(t, x87_arith, insn_word(t, op, pops, in->opcode != 0xd8),
         k64(t, t->pc));
}

void trans_x87_comi(X86Trans *t)
{
    bool unordered = (t->in.reg & 7) == 5;
    if (is_present(t)) {
        CALL(t, x87_comi, insn_word(t, unordered ? X87_UCOM : X87_COM,
                                    t->in.opcode == 0xdf, false),
             k64(t, t->pc));
        flags_forget(t);
    }
}

/* DA: B E BE U; DB: their opposites. As condition codes 2 4 6 A, and odd. */
void trans_x87_cmov(X86Trans *t)
{
    static const uint8_t codes[] = { 2, 4, 6, 10 };
    if (is_present(t)) {
        unsigned cc = codes[t->in.reg & 3] | (t->in.opcode == 0xdb);
        CALL(t, x87_cmov, insn_word(t, 0, 0, false), k64(t, t->pc),
             cond_value(t, flags_cond(t, cc)));
    }
}

/* --- the top of the stack ------------------------------------------------------*/

/* D9 E0 to D9 FF. */
void trans_x87_unary(X86Trans *t)
{
    static const uint8_t first[] = { [5] = X87_LD1, [6] = X87_F2XM1,
                                     [7] = X87_PREM };
    static const uint8_t row4[] = { X87_CHS, X87_ABS, 0, 0, X87_TST,
                                    X87_XAM };
    unsigned reg = t->in.reg & 7, rm = t->in.rm & 7;
    unsigned op = reg == 4 ? row4[rm] : first[reg] + rm;
    if (is_present(t)) {
        CALL(t, x87_top, insn_word(t, op, 0, false), k64(t, t->pc));
    }
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
    bool pops = map == 3 ? reg != 1 : reg == 3;
    if (is_present(t)) {
        CALL(t, x87_top, insn_word(t, op, pops, true), k64(t, t->pc));
    }
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
    { { X87_F32, 4, 0 }, { 0 }, { X87_F32, 4, 0 }, { X87_F32, 4, 1 } },
    { { X87_I32, 4, 0 }, { X87_T32, 4, 1 }, { X87_I32, 4, 0 },
      { X87_I32, 4, 1 }, { 0 }, { X87_F80, 10, 0 }, { 0 },
      { X87_F80, 10, 1 } },
    { { X87_F64, 8, 0 }, { X87_T64, 8, 1 }, { X87_F64, 8, 0 },
      { X87_F64, 8, 1 } },
    { { X87_I16, 2, 0 }, { X87_T16, 2, 1 }, { X87_I16, 2, 0 },
      { X87_I16, 2, 1 }, { X87_BCD, 10, 0 }, { X87_I64, 8, 0 },
      { X87_BCD, 10, 1 }, { X87_I64, 8, 1 } },
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
    IrVal low = mem_ld(t, t->linear, MIN(f->bytes, 8));
    if (f->bytes > 8) {
        high = mem_ld(t, linear_add(t, t->linear, 8), 2);
    }
    CALL(t, x87_load, insn_mem_word(t, 0, f->kind, 0), k64(t, t->pc), offset,
         low, high);
}

/* Alignment of what a helper accesses (vol. 3, table 6-7). */
static void check_alignment(X86Trans *t, unsigned bytes)
{
    if (t->tc->flags & TB_AC) {
        CALL(t, align_check, t->linear, k64(t, bytes));
    }
}

void trans_x87_store(X86Trans *t)
{
    const MemForm *f = mem_form(t);
    if (!is_present(t)) {
        return;
    }
    IrVal offset = mem_effective(t);
    t->linear = mem_linear(t, t->in.seg, offset, f->bytes, true);
    check_alignment(t, MIN(f->bytes, 8));
    CALL(t, x87_store, insn_mem_word(t, 0, f->kind, f->pops), k64(t, t->pc),
         offset, t->linear, k64(t, access_mode(t)));
}

/* --- control -------------------------------------------------------------------*/

void trans_fldcw(X86Trans *t)
{
    if (is_present(t)) {
        CALL(t, x87_ldcw, mem_ld(t, mem_operand(t, 2), 2));
    }
}

/* The status or control word to memory. */
static void store_word(X86Trans *t, uint32_t offset)
{
    if (is_present(t)) {
        t->store = true;
        mem_st(t, mem_operand(t, 2),
               ir_ldenv(t->ir, IR_I64, offset, IR_MEM_16), 2);
    }
}

void trans_fnstcw(X86Trans *t)
{
    store_word(t, offsetof(X86Cpu, s.fcw));
}

void trans_fnstsw(X86Trans *t)
{
    uint32_t offset = offsetof(X86Cpu, s.fsw);
    if (t->in.mod != 3) {
        store_word(t, offset);
    } else if (is_present(t)) {
        reg_set(t, X86_RAX, ir_ldenv(t->ir, IR_I64, offset, IR_MEM_16), 2);
    }
}

void trans_fninit(X86Trans *t)
{
    if (is_present(t)) {
        CALL0(t, x87_init);
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
    check_alignment(t, word);
    t_call(t, helper, (IrVal[]){ t->linear, k64(t, access_mode(t)),
                                 k64(t, word) });
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
    CALL0(t, fwait);
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
