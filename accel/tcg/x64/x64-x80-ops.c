/*
 * Numbers of 80 bits: the rows of base/x80-ops.def. See x64-x80.c.
 */
#include "x64-x80-stack.h"

/* What becomes of flags and C1 by an operation of a row. */
void x64_x80_done(Gen *g, X80C1 c1)
{
    uint8_t *told = &g->x80.told;
    if (c1 == X80_C1_ROUND) {
        *told = X80_IN_HOST;
    } else if (c1 == X80_C1_CLEAR) {
        *told = X80_ZERO;
    } else if (*told == X80_TOLD) {
        *told = X80_KEPT;
    }
}

/* /digit: st(0) op x; the next one is x op st(0). */
static unsigned digit_of(X80Op op)
{
    switch (op) {
    case X80_ADD: case X80_ADDF32: case X80_ADDF64: return 0;
    case X80_MUL: case X80_MULF32: case X80_MULF64: return 1;
    case X80_COMF32: case X80_COMF64: return 2;
    case X80_SUB: case X80_SUBF32: case X80_SUBF64: return 4;
    case X80_SUBRF32: case X80_SUBRF64: return 5;
    case X80_DIV: case X80_DIVF32: case X80_DIVF64: return 6;
    default: return 7;
    }
}

static unsigned reversed(unsigned digit)
{
    return digit >= 4 ? digit ^ 1 : digit;
}

/* st(0) op st(i): 0xd8 to st(0), 0xdc to st(i), 0xde and pop. */
static void emit_2(Gen *g, unsigned op, unsigned digit, unsigned i)
{
    x80_rr(g, op, 0xc0 | digit << 3 | i);
}

/* One of them dies, and is on top. */
static void in_place(Gen *g, unsigned digit, unsigned i)
{
    IrVal other = *x64_x80_entry(g, i);
    if (i && x64_x80_dies(g, other)) {
        emit_2(g, 0xde, digit, i);
        *x64_x80_entry(g, i) = g->n;
        g->x80.depth--;
    } else {
        emit_2(g, 0xd8, digit, i);
        *x64_x80_entry(g, 0) = g->n;
    }
}

/* A store wants the result on top: moving it there later would cost C1. */
static bool is_stored_next(const Gen *g)
{
    unsigned next = g->val[g->n].next;
    return next < g->count && g->inst[next].op == IR_ST;
}

static void binary(Gen *g, const IrInst *i)
{
    IrVal a = i->arg[0], b = i->arg[1];
    unsigned digit = digit_of(ir_x80_op(i));
    x64_x80_use(g, a, b);
    x64_x80_use(g, b, a);
    unsigned ia = x64_x80_place(g, a), ib = x64_x80_place(g, b);
    bool a_dies = x64_x80_dies(g, a), b_dies = x64_x80_dies(g, b);
    if (!a_dies && !b_dies) {
        x64_x80_use_up(g, a, b);
        emit_2(g, 0xd8, digit, a == b ? 0 : x64_x80_place(g, b));
        *x64_x80_entry(g, 0) = g->n;
    } else if (is_stored_next(g) && a_dies != b_dies) {
        x64_x80_exchange(g, a_dies ? ia : ib);
        in_place(g, a_dies ? digit : reversed(digit),
                 x64_x80_place(g, a_dies ? b : a));
    } else if (ia == 0 && !a_dies) {
        emit_2(g, 0xdc, digit, ib);
        *x64_x80_entry(g, ib) = g->n;
    } else if (ib == 0 && !b_dies) {
        emit_2(g, 0xdc, reversed(digit), ia);
        *x64_x80_entry(g, ia) = g->n;
    } else if (a_dies && (ia == 0 || ib != 0 || !b_dies)) {
        x64_x80_exchange(g, ia);
        in_place(g, digit, x64_x80_place(g, b));
    } else {
        x64_x80_exchange(g, ib);
        in_place(g, reversed(digit), x64_x80_place(g, a));
    }
}

/* The row says how wide its integer is: in place may be an i64 of which it is the
 * lower half, or an i32, zero-extended, that it is. */
static bool is_wide(const IrInst *i)
{
    return x80_ops[ir_x80_op(i)].sig[3] == '8';
}

/* The integer operand, where the host's x87 finds it. */
static HostMem pass_integer(Gen *g, const IrInst *i)
{
    HostMem m = x64_frame(g, FRAME_X80_ARG);
    asm_store(&g->a, is_wide(i), m, x64_use(g, i->arg[1]));
    return m;
}

static unsigned memory_op(const IrInst *i)
{
    return is_wide(i) ? 0xdc : 0xd8;
}

static void with_memory(Gen *g, const IrInst *i)
{
    HostMem m = pass_integer(g, i);
    x64_x80_use_up(g, i->arg[0], IR_NO_VAL);
    x80_rm(g, memory_op(i), digit_of(ir_x80_op(i)), m);
    *x64_x80_entry(g, 0) = g->n;
}

static void unary(Gen *g, const IrInst *i)
{
    static const uint8_t codes[] = { [X80_SQRT] = 0xfa, [X80_RINT] = 0xfc,
                                     [X80_CHS] = 0xe0, [X80_ABS] = 0xe1 };
    x64_x80_use_up(g, i->arg[0], IR_NO_VAL);
    x80_rr(g, 0xd9, codes[ir_x80_op(i)]);
    *x64_x80_entry(g, 0) = g->n;
}

static void constant(Gen *g, const IrInst *i)
{
    x64_x80_make_room(g, IR_NO_VAL, IR_NO_VAL);
    x80_rr(g, 0xd9, 0xe8 + ir_x80_imm(i));
    x64_x80_pushed(g, g->n);
}

static void choose(Gen *g, const IrInst *i)
{
    unsigned x = x64_use(g, i->arg[2]);
    x64_x80_use(g, i->arg[1], i->arg[0]);
    x64_x80_use_up(g, i->arg[0], i->arg[1]);
    asm_rr(&g->a, OP_TEST, false, x, x);
    /* Of two the same the one on top is not the other's place. */
    *x64_x80_entry(g, 0) = g->n;
    unsigned b = i->arg[0] == i->arg[1] ? 0 : x64_x80_place(g, i->arg[1]);
    x80_rr(g, 0xdb, 0xc8 + b);             /* fcmovne st(0), st(b) */
}

/* C0, C2, C3 are CF, PF, ZF a byte above, where LAHF leaves those as well. The
 * host waits long for its status word. */
static void take_relation(Gen *g, bool in_flags)
{
    if (in_flags) {
        asm_8(&g->a, 0x9f);            /* lahf */
    } else {
        x80_rr(g, 0xdf, 0xe0);             /* fnstsw ax */
    }
    x64_release_args(g);
    unsigned dst = x64_def(g, RAX);
    asm_mov(&g->a, true, dst, RAX);
    asm_shift_imm(&g->a, SH_SHR, false, dst, 8);
    asm_alu_imm(&g->a, ALU_AND, false, dst, 0x45);
}

static void compare(Gen *g, const IrInst *i, bool signals)
{
    bool in_flags = g->x->features & HOST_LAHF;
    x64_x80_use(g, i->arg[0], i->arg[1]);
    x64_x80_use(g, i->arg[1], i->arg[0]);
    x64_x80_exchange(g, x64_x80_place(g, i->arg[0]));
    unsigned b = x64_x80_place(g, i->arg[1]);
    if (in_flags) {
        x80_rr(g, 0xdb, (signals ? 0xf0 : 0xe8) + b);
    } else {
        x80_rr(g, signals ? 0xd8 : 0xdd, (signals ? 0xd0 : 0xe0) + b);
    }
    take_relation(g, in_flags);
}

static void compare_memory(Gen *g, const IrInst *i)
{
    HostMem m = pass_integer(g, i);
    x64_x80_exchange(g, x64_x80_use(g, i->arg[0], IR_NO_VAL));
    x80_rm(g, memory_op(i), 2, m);
    take_relation(g, false);
}

static void operation(Gen *g, const IrInst *i)
{
    X80Op op = ir_x80_op(i);
    switch (op) {
    case X80_ADD: case X80_MUL: case X80_SUB: case X80_DIV:
        binary(g, i);
        break;
    case X80_SQRT: case X80_RINT: case X80_CHS: case X80_ABS:
        unary(g, i);
        break;
    case X80_CONST: constant(g, i); break;
    case X80_SEL: choose(g, i); break;
    case X80_COM: case X80_COMI: compare(g, i, true); break;
    case X80_UCOM: case X80_UCOMI: compare(g, i, false); break;
    case X80_COMF32: case X80_COMF64: compare_memory(g, i); break;
    default: with_memory(g, i); break;
    }
}

static void do_row(Gen *g, const IrInst *i)
{
    X80Op op = ir_x80_op(i);
    X80C1 c1 = x80_ops[op].c1;
    x64_x80_ensure(g);
    if (op == X80_C1CLEAR) {
        x64_x80_done(g, c1);
        return;
    }
    if (i->type == IR_I32) {
        x64_take(g, RAX);
    }
    if (c1 == X80_C1_KEEP) {
        x64_x80_tell_c1(g);
    }
    x64_x80_drop_dead(g);
    operation(g, i);
    x64_x80_done(g, c1);
    x64_release_args(g);
}

void x64_x80(Gen *g, const IrInst *i)
{
    switch (i->op) {
    case IR_GET: x64_x80_get(g, i->imm - first_reg(g)); break;
    case IR_SET: x64_x80_set(g, i->imm - first_reg(g), i->arg[0]); break;
    default:
        g->flags = FLAGS_UNKNOWN;
        do_row(g, i);
        break;
    }
}
