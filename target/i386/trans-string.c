/*
 * String instructions (vol. 2, REP and MOVS, CMPS, STOS, LODS, SCAS, INS,
 * OUTS).
 *
 * With a REP prefix each iteration is one retired instruction: it leaves the
 * TB for the same instruction while the count is not zero. A count of zero to
 * begin with retires once and does nothing.
 */
#include "translate.h"

typedef struct StringOp {
    unsigned bytes;        /* of one element */
    IrVal si, di;          /* offsets, in the address size */
} StringOp;

static IrVal string_offset(X86Trans *t, unsigned reg)
{
    return reg_get(t, reg, t->in.addrsize);
}

static StringOp string_op(X86Trans *t, unsigned operand)
{
    return (StringOp){
        .bytes = op_bytes(t, operand),
        .si = string_offset(t, X86_RSI),
        .di = string_offset(t, X86_RDI),
    };
}

static IrVal source_linear(X86Trans *t, const StringOp *s)
{
    return mem_linear(t, t->in.seg, s->si, s->bytes, false);
}

/* The destination's segment cannot be overridden. */
static IrVal dest_linear(X86Trans *t, const StringOp *s, bool store)
{
    return mem_linear(t, SEG_ES, s->di, s->bytes, store);
}

static void advance(X86Trans *t, unsigned reg, IrVal offset,
                    const StringOp *s)
{
    unsigned shift = __builtin_ctz(s->bytes);
    IrVal step = ir_get(t->ir, X86_DF);
    if (shift) {
        step = ir_op2i(t->ir, IR_SHL, step, shift);
    }
    IrVal v = ir_op2(t->ir, IR_ADD, offset, step);
    reg_set(t, reg, clean(t, v, t->in.addrsize), t->in.addrsize);
}

/* --- one iteration each ----------------------------------------------------*/

static void do_movs(X86Trans *t)
{
    StringOp s = string_op(t, 0);
    IrVal from = source_linear(t, &s);
    IrVal to = dest_linear(t, &s, true);
    mem_st(t, to, mem_ld(t, from, s.bytes), s.bytes);
    advance(t, X86_RSI, s.si, &s);
    advance(t, X86_RDI, s.di, &s);
}

static void do_stos(X86Trans *t)
{
    StringOp s = string_op(t, 0);
    IrVal to = dest_linear(t, &s, true);
    mem_st(t, to, reg_get(t, X86_RAX, s.bytes), s.bytes);
    advance(t, X86_RDI, s.di, &s);
}

static void do_lods(X86Trans *t)
{
    StringOp s = string_op(t, 0);
    IrVal v = mem_ld(t, source_linear(t, &s), s.bytes);
    reg_set(t, X86_RAX, v, s.bytes);
    advance(t, X86_RSI, s.si, &s);
}

static void compare(X86Trans *t, IrVal a, IrVal b, unsigned bytes)
{
    IrVal dst = clean(t, ir_op2(t->ir, IR_SUB, a, b), bytes);
    flags_set_sub(t, bytes, a, b, dst);
}

static void do_cmps(X86Trans *t)
{
    StringOp s = string_op(t, 0);
    IrVal from = source_linear(t, &s);
    IrVal to = dest_linear(t, &s, false);
    IrVal a = mem_ld(t, from, s.bytes), b = mem_ld(t, to, s.bytes);
    advance(t, X86_RSI, s.si, &s);
    advance(t, X86_RDI, s.di, &s);
    compare(t, a, b, s.bytes);
}

static void do_scas(X86Trans *t)
{
    StringOp s = string_op(t, 0);
    IrVal b = mem_ld(t, dest_linear(t, &s, false), s.bytes);
    advance(t, X86_RDI, s.di, &s);
    compare(t, reg_get(t, X86_RAX, s.bytes), b, s.bytes);
}

/* The helper makes sure that the store cannot fault before it reads the
 * port. */
static void do_ins(X86Trans *t)
{
    StringOp s = string_op(t, 0);
    IrVal to = dest_linear(t, &s, true);
    CALL(t, ins, to, reg_get(t, X86_RDX, 2), k64(t, s.bytes));
    advance(t, X86_RDI, s.di, &s);
}

static void do_outs(X86Trans *t)
{
    StringOp s = string_op(t, 1);
    IrVal port = reg_get(t, X86_RDX, 2), bytes = k64(t, s.bytes);
    CALL(t, io_check, port, bytes);
    IrVal v = mem_ld(t, source_linear(t, &s), s.bytes);
    CALL(t, out, port, bytes, v);
    advance(t, X86_RSI, s.si, &s);
}

/* --- repetition ------------------------------------------------------------*/

typedef void OneIteration(X86Trans *t);

/* Leaves the TB if the count is zero. */
static IrVal rep_count(X86Trans *t)
{
    IrVal count = reg_get(t, X86_RCX, t->in.addrsize);
    if (t_is_special(t)) {
        CALL(t, rep_none, count, k64(t, t->next));
    } else {
        ir_exit_if(t->ir, IR_EQ, count, k64(t, 0), k64(t, t->next),
                   t->tc->end_after ? IR_EXIT_LOOP : IR_EXIT_LOOKUP);
    }
    return count;
}

static IrVal count_down(X86Trans *t, IrVal count)
{
    unsigned bytes = t->in.addrsize;
    IrVal left = clean(t, ir_op2i(t->ir, IR_SUB, count, 1), bytes);
    reg_set(t, X86_RCX, left, bytes);
    return left;
}

/* Again while `again` is not zero. */
static void rep_exit(X86Trans *t, IrVal again)
{
    IrVal self = k64(t, t->pc), next = k64(t, t->next), zero = k64(t, 0);
    bool loop = t->tc->end_after;
    if (loop) {
        t_end_shadow_rep(t, again);
        IrVal pc = ir_select(t->ir, IR_NE, again, zero, self, next);
        t_jump(t, pc, IR_EXIT_LOOP);
        return;
    }
    ir_exit_if(t->ir, IR_EQ, again, zero, next, IR_EXIT_CHAIN1);
    t_jump(t, self, IR_EXIT_CHAIN0);
}

static void repeat(X86Trans *t, OneIteration *one)
{
    if (!t->in.rep && !t->in.repne) {
        one(t);
        return;
    }
    IrVal count = rep_count(t);
    one(t);
    IrVal left = count_down(t, count);
    CALL(t, rep_between, left);
    rep_exit(t, left);
}

static bool is_repeated(const X86Trans *t)
{
    return t->in.rep || t->in.repne;
}

/* The helpers make one iteration or more; see helper-string.c. */
static void repeat_helper(X86Trans *t, X86HelperId id, const IrVal *args)
{
    rep_count(t);
    IrVal again = t_call(t, id, args);
    flags_forget(t);
    rep_exit(t, again);
}

void trans_movs(X86Trans *t)
{
    if (!is_repeated(t)) {
        do_movs(t);
        return;
    }
    IrVal args[] = { k64(t, op_bytes(t, 0)), k64(t, t->in.addrsize),
                     k64(t, t->in.seg) };
    repeat_helper(t, X86_HELPER_rep_movs, args);
}

void trans_stos(X86Trans *t)
{
    if (!is_repeated(t)) {
        do_stos(t);
        return;
    }
    IrVal args[] = { k64(t, op_bytes(t, 0)), k64(t, t->in.addrsize) };
    repeat_helper(t, X86_HELPER_rep_stos, args);
}

void trans_cmps(X86Trans *t)
{
    if (!is_repeated(t)) {
        do_cmps(t);
        return;
    }
    IrVal args[] = { k64(t, op_bytes(t, 0)), k64(t, t->in.addrsize),
                     k64(t, t->in.seg), k64(t, t->in.rep) };
    repeat_helper(t, X86_HELPER_rep_cmps, args);
}

void trans_scas(X86Trans *t)
{
    if (!is_repeated(t)) {
        do_scas(t);
        return;
    }
    IrVal args[] = { k64(t, op_bytes(t, 1)), k64(t, t->in.addrsize),
                     k64(t, t->in.rep) };
    repeat_helper(t, X86_HELPER_rep_scas, args);
}

void trans_lods(X86Trans *t)
{
    repeat(t, do_lods);
}

void trans_ins(X86Trans *t)
{
    repeat(t, do_ins);
}

void trans_outs(X86Trans *t)
{
    repeat(t, do_outs);
}
