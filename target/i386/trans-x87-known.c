/*
 * x87 instructions without helpers.
 *
 * Code that a compiler makes has the same TOP and the same tags each time it
 * comes to a place. So a TB takes them, and the control word, for what they
 * were when it was translated, looks once whether they still are, and follows
 * them from instruction to instruction: then ST(i) is a register of the IR and
 * nothing can fault but memory. A TB that finds them otherwise is made anew,
 * and after a few times without all this.
 *
 * Operations are those of base/x80.h, whose flags and C1 are in Cpu.fp80. TOP,
 * the condition codes and the last instruction's pointers are SET by each
 * instruction, and mostly overwritten before anybody looks.
 */
#include "cpuid.h"
#include "trans-x87.h"

/* --- what is known ------------------------------------------------------------ */

static X87Known *known(const X86Trans *t)
{
    return &t->st->x87;
}

void x87_known_start(X86Trans *t)
{
    const X86State *s = &x86_cpu(t->tc->cpu)->s;
    X87Known *k = known(t);
    k->usable = t->tc->may_assume && (s->fcw & SF_ALL) == SF_ALL &&
                !(s->fsw & FSW_ES);
    k->sure = k->moved = false;
    k->top = s->fsw >> FSW_TOP_SHIFT & 7;
    k->valid = s->fvalid;
    k->fcw = s->fcw;
}

static IrVal k32(X86Trans *t, uint32_t v)
{
    return ir_const(t->ir, IR_I32, v);
}

static void look(X86Trans *t)
{
    X87Known *k = known(t);
    IrVal pc = k64(t, t->pc), fsw = ir_get(t->ir, X86_FSW);
    ir_exit_stale_if(t->ir, IR_NE, ir_get(t->ir, X86_FCW), k32(t, k->fcw),
                     pc);
    ir_exit_stale_if(t->ir, IR_NE, ir_get(t->ir, X86_FVALID),
                     k32(t, k->valid), pc);
    ir_exit_stale_if(t->ir, IR_NE,
                     ir_op2i(t->ir, IR_AND, fsw, FSW_TOP | FSW_ES),
                     k32(t, k->top << FSW_TOP_SHIFT), pc);
    k->rest = ir_op2i(t->ir, IR_AND, fsw, ~(uint32_t)FSW_TOP);
    memset(k->selector, 0xff, sizeof k->selector);
    k->sure = true;
}

/* True if the instruction can be done without helper, as far as the modes are
 * concerned. */
static bool begin(X86Trans *t)
{
    if (known(t)->usable && !known(t)->sure) {
        look(t);
    }
    return known(t)->usable;
}

#define X87_ROWS_FROM offsetof(X86Cpu, s.fpr)
#define X87_ROWS_TO   (offsetof(X86Cpu, s.fdp) + 8)

static bool may_change_x87(const IrBlock *b, const IrInst *i)
{
    if (i->op == IR_CALL) {
        const IrHelper *h = g_ptr_array_index(b->helpers, i->imm);
        return h->effects & IR_WRITES;
    }
    return i->op == IR_STENV && i->imm >= X87_ROWS_FROM &&
           i->imm < X87_ROWS_TO;
}

void x87_known_watch(X86Trans *t, unsigned first)
{
    for (guint n = first; known(t)->sure && n < t->ir->insts->len; n++) {
        known(t)->sure = !may_change_x87(
            t->ir, &g_array_index(t->ir->insts, IrInst, n));
    }
}

/* --- the stack ----------------------------------------------------------------- */

static unsigned phys(const X86Trans *t, unsigned i)
{
    return (known(t)->top + i) & 7;
}

static bool is_empty(const X86Trans *t, unsigned i)
{
    return !(known(t)->valid >> phys(t, i) & 1);
}

static IrVal st_get(X86Trans *t, unsigned i)
{
    return ir_get(t->ir, X86_FPR0 + phys(t, i));
}

static void st_set(X86Trans *t, unsigned i, IrVal v)
{
    uint8_t bit = 1u << phys(t, i);
    known(t)->moved |= !(known(t)->valid & bit);
    known(t)->valid |= bit;
    ir_set(t->ir, X86_FPR0 + phys(t, i), v);
}

static void move_top(X86Trans *t, unsigned n)
{
    known(t)->top = phys(t, n);
    known(t)->moved |= n;
}

static void pop(X86Trans *t, unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        known(t)->valid &= ~(1u << phys(t, 0));
        move_top(t, 1);
    }
}

static void push(X86Trans *t, IrVal v)
{
    move_top(t, 7);
    st_set(t, 0, v);
}

void x87_guess_push(X86Trans *t)
{
    move_top(t, 7);
    known(t)->valid |= 1u << known(t)->top;
}

void x87_guess_pops(X86Trans *t, unsigned pops)
{
    pop(t, pops);
}

/* --- the end of an instruction ------------------------------------------------- */

unsigned x87_fop(const X86Insn *in)
{
    return (in->opcode & 7) << 8 | in->mod << 6 | (in->reg & 7) << 3 |
           (in->rm & 7);
}

static IrVal selector(X86Trans *t, unsigned seg)
{
    IrVal *v = &known(t)->selector[seg];
    if (*v == IR_NO_VAL) {
        uint32_t at = offsetof(X86Cpu, s.seg_sel) + seg * sizeof(uint16_t);
        *v = cpuid_has_zero_fcs_fds(x86_cpu(t->tc->cpu))
                 ? k32(t, 0) : ir_ldenv(t->ir, IR_I32, at, IR_MEM_16);
    }
    return *v;
}

static void set_status(X86Trans *t)
{
    X87Known *k = known(t);
    ir_set(t->ir, X86_FSW, ir_op2i(t->ir, IR_OR, k->rest,
                                   (uint32_t)k->top << FSW_TOP_SHIFT));
    ir_set(t->ir, X86_FVALID, k32(t, k->valid));
    k->moved = false;
}

/* m: NULL without memory operand. */
static bool end(X86Trans *t, const X87Mem *m)
{
    bool keeps = !cpuid_has_fdp_excptn_only(x86_cpu(t->tc->cpu));
    if (known(t)->moved) {
        set_status(t);
    }
    ir_set(t->ir, X86_FIP, k64(t, t->pc));
    ir_set(t->ir, X86_FCS, selector(t, SEG_CS));
    if (keeps) {
        ir_set(t->ir, X86_FOP, k32(t, x87_fop(&t->in)));
    }
    if (keeps && m) {
        ir_set(t->ir, X86_FDP, m->offset);
        ir_set(t->ir, X86_FDS, selector(t, t->in.seg));
    }
    return true;
}

/* --- operations ------------------------------------------------------------------ */

static IrVal op1(X86Trans *t, X80Op op, IrVal a)
{
    return ir_x80(t->ir, op, 0, &a);
}

static IrVal op2(X86Trans *t, X80Op op, IrVal a, IrVal b)
{
    return ir_x80(t->ir, op, 0, (IrVal[]){ a, b });
}

static void clear_c1(X86Trans *t)
{
    ir_x80(t->ir, X80_C1CLEAR, 0, NULL);
}

static bool is_compare(unsigned op)
{
    return op == X87_COM || op == X87_COMP || op == X87_UCOM;
}

/* CF, PF and ZF lie as C0, C2 and C3 do, a byte below. */
static void set_relation(X86Trans *t, IrVal relation)
{
    X87Known *k = known(t);
    IrVal rest = ir_op2i(t->ir, IR_AND, k->rest, ~(uint32_t)FSW_CC);
    k->rest = ir_op2(t->ir, IR_OR, rest,
                     ir_op2i(t->ir, IR_SHL, relation, 8));
    k->moved = true;
}

static IrVal arith(X86Trans *t, unsigned op, IrVal a, IrVal b)
{
    switch (op) {
    case X87_ADD: return op2(t, X80_ADD, a, b);
    case X87_MUL: return op2(t, X80_MUL, a, b);
    case X87_SUB: return op2(t, X80_SUB, a, b);
    case X87_SUBR: return op2(t, X80_SUB, b, a);
    case X87_DIV: return op2(t, X80_DIV, a, b);
    default: return op2(t, X80_DIV, b, a);
    }
}

bool x87_known_arith(X86Trans *t, unsigned op, unsigned pops, bool to_sti)
{
    unsigned i = t->in.rm & 7;
    if (!begin(t) || is_empty(t, 0) || is_empty(t, i)) {
        return false;
    }
    IrVal a = st_get(t, 0), b = st_get(t, i);
    if (is_compare(op)) {
        set_relation(t, op2(t, op == X87_UCOM ? X80_UCOM : X80_COM, a, b));
    } else {
        st_set(t, to_sti ? i : 0, arith(t, op, a, b));
    }
    pop(t, pops);
    return end(t, NULL);
}

static IrMem mem_code(const X86Trans *t, unsigned kind)
{
    static const IrMem codes[] = {
        [X80_F32] = IR_MEM_32, [X80_F64] = IR_MEM_64, [X80_F80] = IR_MEM_80,
        [X80_I16] = IR_MEM_16 | IR_MEM_INT, [X80_I32] = IR_MEM_32 | IR_MEM_INT,
        [X80_I64] = IR_MEM_64 | IR_MEM_INT,
        [X80_T16] = IR_MEM_16 | IR_MEM_INT | IR_MEM_TRUNC,
        [X80_T32] = IR_MEM_32 | IR_MEM_INT | IR_MEM_TRUNC,
        [X80_T64] = IR_MEM_64 | IR_MEM_INT | IR_MEM_TRUNC,
    };
    return codes[kind] | IR_MEM_MODE(access_mode(t));
}

static IrVal ld(X86Trans *t, const X87Mem *m)
{
    return ir_ld(t->ir, IR_F80, m->linear, mem_code(t, m->kind));
}

/* Rows for a second operand of 32 and 64 bits, by ModRM.reg. */
static const uint8_t float_rows[2][8] = {
    { X80_ADDF32, X80_MULF32, X80_COMF32, X80_COMF32, X80_SUBF32,
      X80_SUBRF32, X80_DIVF32, X80_DIVRF32 },
    { X80_ADDF64, X80_MULF64, X80_COMF64, X80_COMF64, X80_SUBF64,
      X80_SUBRF64, X80_DIVF64, X80_DIVRF64 },
};

static IrVal arith_float(X86Trans *t, unsigned op, const X87Mem *m)
{
    bool wide = m->kind == X80_F64;
    IrVal x = ir_ld(t->ir, wide ? IR_I64 : IR_I32, m->linear,
                    mem_code(t, m->kind));
    return op2(t, float_rows[wide][op], st_get(t, 0), x);
}

static IrVal arith_int(X86Trans *t, unsigned op, const X87Mem *m)
{
    IrVal b = ld(t, m), a = st_get(t, 0);
    return is_compare(op) ? op2(t, X80_COM, a, b) : arith(t, op, a, b);
}

bool x87_known_arith_mem(X86Trans *t, unsigned op, const X87Mem *m)
{
    if (!begin(t) || is_empty(t, 0)) {
        return false;
    }
    IrVal r = m->kind <= X80_F64 ? arith_float(t, op, m)
                                 : arith_int(t, op, m);
    if (is_compare(op)) {
        set_relation(t, r);
    } else {
        st_set(t, 0, r);
    }
    pop(t, op == X87_COMP);
    return end(t, m);
}

bool x87_known_comi(X86Trans *t, bool unordered, unsigned pops)
{
    unsigned i = t->in.rm & 7;
    if (!begin(t) || is_empty(t, 0) || is_empty(t, i)) {
        return false;
    }
    IrVal r = op2(t, unordered ? X80_UCOMI : X80_COMI, st_get(t, 0),
                  st_get(t, i));
    flags_set_eflags(t, ir_op1(t->ir, IR_ZEXT64, r));
    pop(t, pops);
    return end(t, NULL);
}

bool x87_known_cmov(X86Trans *t, unsigned cc)
{
    unsigned i = t->in.rm & 7;
    if (!begin(t) || is_empty(t, 0) || is_empty(t, i)) {
        return false;
    }
    Cond c = flags_cond(t, cc);
    IrVal holds = ir_setcond(t->ir, c.cond, c.x, c.y);
    IrVal args[] = { st_get(t, 0), st_get(t, i), holds };
    st_set(t, 0, ir_x80(t->ir, X80_SEL, 0, args));
    return end(t, NULL);
}

/* --- the top of the stack ---------------------------------------------------------- */

static bool constant(X86Trans *t, unsigned op)
{
    if (!is_empty(t, 7)) {
        return false;
    }
    push(t, ir_x80(t->ir, X80_CONST, op, NULL));
    return true;
}

static bool unary(X86Trans *t, unsigned op)
{
    X80Op row = op == X87_SQRT     ? X80_SQRT
                : op == X87_RNDINT ? X80_RINT
                : op == X87_CHS    ? X80_CHS : X80_ABS;
    if (is_empty(t, 0)) {
        return false;
    }
    st_set(t, 0, op1(t, row, st_get(t, 0)));
    return true;
}

static bool compare_with_zero(X86Trans *t)
{
    if (is_empty(t, 0)) {
        return false;
    }
    IrVal zero = ir_x80(t->ir, X80_CONST, X80_K_0, NULL);
    set_relation(t, op2(t, X80_COM, st_get(t, 0), zero));
    return true;
}

static bool exchange(X86Trans *t, unsigned i)
{
    if (is_empty(t, 0) || is_empty(t, i)) {
        return false;
    }
    IrVal a = st_get(t, 0), b = st_get(t, i);
    clear_c1(t);
    st_set(t, 0, b);
    st_set(t, i, a);
    return true;
}

static bool duplicate(X86Trans *t, unsigned i)
{
    if (is_empty(t, i) || !is_empty(t, 7)) {
        return false;
    }
    clear_c1(t);
    push(t, st_get(t, i));
    return true;
}

static bool copy_top(X86Trans *t, unsigned i, unsigned pops)
{
    if (is_empty(t, 0)) {
        return false;
    }
    clear_c1(t);
    st_set(t, i, st_get(t, 0));
    pop(t, pops);
    return true;
}

static bool release(X86Trans *t, unsigned i, unsigned pops)
{
    clear_c1(t);
    known(t)->valid &= ~(1u << phys(t, i));
    known(t)->moved = true;
    pop(t, pops);
    return true;
}

static bool rotate(X86Trans *t, unsigned n)
{
    clear_c1(t);
    move_top(t, n);
    return true;
}

static bool top_op(X86Trans *t, unsigned op, unsigned pops)
{
    unsigned i = t->in.rm & 7;
    switch (op) {
    case X87_LD1: case X87_LDL2T: case X87_LDL2E: case X87_LDPI:
    case X87_LDLG2: case X87_LDLN2: case X87_LDZ:
        return constant(t, op);
    case X87_SQRT: case X87_RNDINT: case X87_CHS: case X87_ABS:
        return unary(t, op);
    case X87_TST: return compare_with_zero(t);
    case X87_NOP: return true;
    case X87_FREE: return release(t, i, pops);
    case X87_XCH: return exchange(t, i);
    case X87_LDST: return duplicate(t, i);
    case X87_STST: case X87_STST1: return copy_top(t, i, pops);
    case X87_INCSTP: return rotate(t, 1);
    case X87_DECSTP: return rotate(t, 7);
    default: return false;
    }
}

bool x87_known_top(X86Trans *t, unsigned op, unsigned pops)
{
    return begin(t) && top_op(t, op, pops) && end(t, NULL);
}

/* --- loads and stores ----------------------------------------------------------------- */

bool x87_known_load(X86Trans *t, const X87Mem *m)
{
    if (m->kind == X87_BCD || !begin(t) || !is_empty(t, 7)) {
        return false;
    }
    push(t, ld(t, m));
    return end(t, m);
}

bool x87_known_store(X86Trans *t, const X87Mem *m, unsigned pops)
{
    if (m->kind == X87_BCD || !begin(t) || is_empty(t, 0)) {
        return false;
    }
    ir_st(t->ir, m->linear, st_get(t, 0), mem_code(t, m->kind));
    pop(t, pops);
    return end(t, m);
}

/* --- control ------------------------------------------------------------------------------ */

bool x87_known_wait(X86Trans *t)
{
    unsigned absent = TB_MP | TB_TS;
    return (t->tc->flags & absent) != absent && begin(t);
}

IrVal x87_status(X86Trans *t)
{
    const X87Known *k = known(t);
    uint32_t at = offsetof(X86Cpu, parent.fp80.flags);
    IrVal fsw = k->sure ? ir_op2i(t->ir, IR_OR, k->rest,
                                  (uint32_t)k->top << FSW_TOP_SHIFT)
                        : ir_get(t->ir, X86_FSW);
    IrVal flags = ir_ldenv(t->ir, IR_I32, at, IR_MEM_16);
    fsw = ir_op2i(t->ir, IR_AND, fsw, ~(uint32_t)FSW_C1);
    flags = ir_op2i(t->ir, IR_AND, flags, FSW_FP80);
    return ir_op1(t->ir, IR_ZEXT64, ir_op2(t->ir, IR_OR, fsw, flags));
}
