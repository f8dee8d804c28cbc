/*
 * Numbers of 80 bits: the host's x87 does what the rows of base/x80-ops.def
 * say, bit for bit and flag for flag.
 *
 * Within a TB values are on the host's register stack; g->x80 says which is
 * where. A guest register that is SET is stored to the CPU struct only when
 * somebody may look: at exits and calls, and in the cold part of an access.
 * Between TBs the stack is empty.
 *
 * C1 is that of the last operation that says something of it, and nearly all
 * instructions of the host change theirs. So moves within the stack come right
 * before an operation that sets C1 anew, or else what C1 was is told first
 * (x64-x80-env.c).
 *
 * Instructions are those of the Intel SDM, vol. 2; /digit names are theirs.
 */
#include "x64-gen.h"
#include "x64-host.h"

#define NOWHERE 0xff

static Value *value(Gen *g, IrVal v)
{
    return &g->val[v];
}

static unsigned first_reg(const Gen *g)
{
    return g->x->x80_first;
}

static HostMem reg_mem(const Gen *g, unsigned r)
{
    return x64_env(g, g->ir->cls->regs[first_reg(g) + r].offset);
}

static void rr(Gen *g, unsigned op, unsigned modrm)
{
    asm_8(&g->a, op);
    asm_8(&g->a, modrm);
}

static void rm(Gen *g, unsigned op, unsigned digit, HostMem m)
{
    asm_rm(&g->a, op, false, digit, m);
}

static void fld80(Gen *g, HostMem m)
{
    rm(g, 0xdb, 5, m);
}

static void fstp80(Gen *g, HostMem m)
{
    rm(g, 0xdb, 7, m);
}

/* --- what the block is like -------------------------------------------------------- */

static bool looks(const Gen *g, const IrInst *i)
{
    switch (i->op) {
    case IR_LD: case IR_ST: case IR_CANON: case IR_FVECX: case IR_EXIT:
    case IR_EXIT_IF: case IR_LDENV: case IR_STENV: case IR_CALL:
        return true;
    default:
        return false;
    }
}

static void find_overwritten(Gen *g)
{
    uint8_t over = 0;
    for (unsigned n = g->count; n-- > 0;) {
        const IrInst *i = &g->inst[n];
        g->x80.over[n] = over;
        if (looks(g, i)) {
            over = 0;
        } else if (i->op == IR_SET && i->type == IR_F80) {
            over |= 1u << (i->imm - first_reg(g));
        } else if (i->op == IR_GET && i->type == IR_F80) {
            over &= ~(1u << (i->imm - first_reg(g)));
        }
    }
}

/* Registers that the block reads or writes; none if it calls or is left for
 * anywhere, when all would have to be stored. */
static uint8_t touched(const Gen *g)
{
    const IrInst *last = &g->inst[g->count - 1];
    uint64_t pc;
    uint8_t regs = 0;
    for (unsigned n = 0; n < g->count; n++) {
        const IrInst *i = &g->inst[n];
        if (i->op == IR_CALL || i->op == IR_STENV) {
            return 0;
        }
        if ((i->op == IR_GET || i->op == IR_SET) && i->type == IR_F80) {
            regs |= 1u << (i->imm - first_reg(g));
        }
    }
    return last->cond <= IR_EXIT_CHAIN1 && x64_const(g, last->arg[0], &pc)
               ? regs : 0;
}

/* At least one place must be left for what is computed. */
#define ENTRY_MOST (X80_DEPTH - 1)

/* One register an entry; those of `order` first, if it has some. */
static void choose_entry(Gen *g, const X80Layout *order)
{
    X80Layout *e = &g->x80.entry;
    uint8_t regs = touched(g);
    bool may = g->tb->insn_count > 1 && g->tb->ram[0] != TB_NO_RAM &&
               !g->tb->has_break;
    e->depth = 0;
    e->told = order->depth && (order->told == X80_IN_HOST ||
                               order->told == X80_ZERO) ? X80_IN_HOST
                                                        : X80_TOLD;
    for (unsigned k = 0; may && k < order->depth; k++) {
        uint8_t bit = order->regs[k] & regs & -(order->regs[k] & regs);
        regs &= ~bit;
        e->regs[e->depth] = bit;
        e->depth += bit != 0;
    }
    for (; may && regs && e->depth < ENTRY_MOST; regs &= regs - 1) {
        e->regs[e->depth++] = regs & -regs;
    }
}

void x64_x80_begin(Gen *g)
{
    X80Gen *x = &g->x80;
    x->used = x->live = false;
    for (unsigned n = 0; n < g->count && !x->used; n++) {
        x->used = ir_is_x80(&g->inst[n]);
    }
    x->depth = x->dirty = x->entry.depth = 0;
    x->exit = X80_NOT_SAVED;
    x->told = X80_TOLD;
    if (x->used) {
        x->mode = x64_x80_mode(g->cpu);
        x->over = g_renew(uint8_t, x->over, g->count);
        memset(x->reg, 0xff, sizeof x->reg);
        g_array_set_size(x->saved, 0);
        find_overwritten(g);
        choose_entry(g, &x->end);
    }
    x->end.depth = 0;
}

/* --- the stack ------------------------------------------------------------------------ */

static unsigned place(const Gen *g, IrVal v)
{
    for (unsigned i = 0; i < g->x80.depth; i++) {
        if (g->x80.at[g->x80.depth - 1 - i] == v) {
            return i;
        }
    }
    return NOWHERE;
}

static IrVal *entry(Gen *g, unsigned i)
{
    return &g->x80.at[g->x80.depth - 1 - i];
}

/* Registers that have the value, and memory does not. */
static uint8_t dirty_with(const Gen *g, IrVal v)
{
    uint8_t regs = 0;
    for (unsigned r = 0; r < X80_DEPTH; r++) {
        regs |= (g->x80.reg[r] == v) << r;
    }
    return regs & g->x80.dirty;
}

bool x64_x80_dies(Gen *g, IrVal v)
{
    return value(g, v)->last <= g->n &&
           !(dirty_with(g, v) & ~g->x80.over[g->n]);
}

/* Dead before this instruction already. */
static bool is_dead(Gen *g, IrVal v)
{
    return value(g, v)->last < g->n && x64_x80_dies(g, v);
}

/* It can be loaded from somewhere. */
static bool has_home(Gen *g, IrVal v)
{
    return value(g, v)->reg >= 0 || value(g, v)->slot >= 0;
}

static HostMem home(Gen *g, IrVal v)
{
    const Value *x = value(g, v);
    return x->slot >= 0 ? x64_frame(g, FRAME_SLOTS + x->slot)
                        : reg_mem(g, x->reg - first_reg(g));
}

static void pushed(Gen *g, IrVal v)
{
    g_assert(g->x80.depth < X80_DEPTH);
    g->x80.at[g->x80.depth++] = v;
}

/* The top goes to where it is to be, if anywhere. */
static void pop_home(Gen *g)
{
    IrVal v = *entry(g, 0);
    uint8_t regs = dirty_with(g, v);
    g->x80.depth--;
    if (regs) {
        unsigned first = __builtin_ctz(regs);
        fstp80(g, reg_mem(g, first));
        g->x80.dirty &= ~regs;
        value(g, v)->reg = first_reg(g) + first;
        for (regs &= regs - 1; regs; regs &= regs - 1) {
            fld80(g, reg_mem(g, first));
            fstp80(g, reg_mem(g, __builtin_ctz(regs)));
        }
    } else if (value(g, v)->last > g->n && !has_home(g, v)) {
        fstp80(g, x64_frame(g, FRAME_SLOTS + x64_pair_new(g, v)));
    } else {
        rr(g, 0xdd, 0xd8);             /* fstp st(0) */
    }
}

static void exchange(Gen *g, unsigned i)
{
    if (i) {
        rr(g, 0xd9, 0xc8 + i);         /* fxch st(i) */
        IrVal v = *entry(g, i);
        *entry(g, i) = *entry(g, 0);
        *entry(g, 0) = v;
    }
}

/* The entry goes, and the top takes its place. */
static void forget(Gen *g, unsigned i)
{
    rr(g, 0xdd, 0xd8 + i);             /* fstp st(i) */
    *entry(g, i) = *entry(g, 0);
    g->x80.depth--;
}

/* Moves within the stack are next, and nobody sets C1 anew. */
static void tell_c1(Gen *g)
{
    if (g->x80.told == X80_IN_HOST) {
        x64_x80_tell(g);
    }
}

static void drop_dead(Gen *g)
{
    for (unsigned i = 0; i < g->x80.depth;) {
        if (is_dead(g, *entry(g, i))) {
            forget(g, i);
            i = 0;
        } else {
            i++;
        }
    }
}

/* Which entry goes when there must be room: the deader, the better. */
static unsigned score(Gen *g, IrVal v)
{
    const Value *x = value(g, v);
    unsigned next = x->next == UINT16_MAX ? x->last : x->next;
    return is_dead(g, v) ? UINT32_MAX
                         : next + (has_home(g, v) ? 0x10000 : 0);
}

/* Room for one more; a and b stay. */
static void make_room(Gen *g, IrVal a, IrVal b)
{
    unsigned best = NOWHERE, best_score = 0;
    if (g->x80.depth < X80_DEPTH) {
        return;
    }
    for (unsigned i = 0; i < X80_DEPTH; i++) {
        IrVal v = *entry(g, i);
        unsigned s = v == a || v == b ? 0 : score(g, v) | 1;
        if (s > best_score) {
            best = i;
            best_score = s;
        }
    }
    g_assert(best != NOWHERE);
    if (is_dead(g, *entry(g, best))) {
        forget(g, best);
    } else {
        exchange(g, best);
        /* It may be needed by this very instruction. */
        uint16_t last = value(g, *entry(g, 0))->last;
        value(g, *entry(g, 0))->last = MAX(last, g->n + 1);
        IrVal v = *entry(g, 0);
        pop_home(g);
        value(g, v)->last = last;
    }
}

/* The value is on the stack; its place. */
static unsigned use(Gen *g, IrVal v, IrVal other)
{
    unsigned i = place(g, v);
    if (i == NOWHERE) {
        make_room(g, v, other);
        fld80(g, home(g, v));
        pushed(g, v);
        i = 0;
    }
    return i;
}

/* The value is on top: itself if it dies, else a copy, which is to become the
 * present instruction's. */
static void use_up(Gen *g, IrVal v, IrVal other)
{
    unsigned i = use(g, v, other);
    if (x64_x80_dies(g, v)) {
        exchange(g, i);
    } else {
        make_room(g, v, other);
        rr(g, 0xd9, 0xc0 + place(g, v)); /* fld st(i) */
        pushed(g, v);
    }
}

/* --- the beginning and the end ------------------------------------------------------ */

/* What a register of the entry holds at first: a value that no instruction of
 * the block makes. ORDER x80-entry (x64.c has room for them) */
static IrVal entry_value(const Gen *g, unsigned r)
{
    return g->count + r;
}

static void cold_resident(Gen *g, const Cold *c)
{
    const X80Layout *e = &g->x80.entry;
    x64_x80_note_entry(g, g->a.p - g->x->buf.rw);
    asm_alu_imm(&g->a, ALU_SUB, true, HOST_BUDGET, g->tb->insn_count);
    uint8_t *out = asm_jcc(&g->a, CC_S);
    asm_jmp_to(&g->a, c->back);
    asm_patch(out, g->a.p);
    x64_x80_tell_fixed(g->x, &g->a, e->told);
    for (unsigned k = e->depth; k-- > 0;) {
        fstp80(g, reg_mem(g, __builtin_ctz(e->regs[k])));
    }
    asm_alu_imm(&g->a, ALU_ADD, true, HOST_BUDGET, g->tb->insn_count);
    x64_leave(g, LEFT_BUDGET);
}

void x64_x80_enter(Gen *g)
{
    const X80Layout *e = &g->x80.entry;
    if (!e->depth) {
        return;
    }
    x64_x80_ensure(g);
    for (unsigned k = 0; k < e->depth; k++) {
        unsigned r = __builtin_ctz(e->regs[k]);
        IrVal v = entry_value(g, r);
        g->val[v] = (Value){ .root = v, .next = UINT16_MAX, .hint = NO_PIN,
                             .temp = HOST_NONE, .reg = -1, .slot = -1,
                             .vreg = -1 };
        fld80(g, reg_mem(g, r));
        pushed(g, v);
        g->x80.reg[r] = v;
        g->x80.dirty |= e->regs[k];
    }
    if (e->told == X80_IN_HOST) {
        asm_call_to(&g->a, g->x->x80_set_c1);
        g->x80.told = X80_IN_HOST;
    }
    x64_cold(g, cold_resident, NULL)->back = g->a.p;
}

void x64_x80_settle(Gen *g)
{
    if (!g->x80.used) {
        return;
    }
    for (unsigned i = 0; i < g->x80.depth;) {
        if (dirty_with(g, *entry(g, i))) {
            i++;
            continue;
        }
        tell_c1(g);
        forget(g, i);
        i = 0;
    }
}

/* --- guest registers ------------------------------------------------------------------ */

static void leave_regs(Gen *g, uint8_t regs);

static void get(Gen *g, unsigned r)
{
    IrVal old = g->x80.reg[r];
    unsigned i = old == entry_value(g, r) ? place(g, old) : NOWHERE;
    if (i != NOWHERE) {
        *entry(g, i) = g->n;
        g->x80.reg[r] = g->n;
        return;
    }
    if (old != IR_NO_VAL && old != entry_value(g, r)) {
        x64_x80_flush(g);              /* two values in one place */
        leave_regs(g, 1u << r);
    }
    g->x80.reg[r] = g->n;
    value(g, g->n)->reg = first_reg(g) + r;
}

/* The value loses its place in register r, which is about to change. */
static void rescue(Gen *g, unsigned r)
{
    IrVal old = g->x80.reg[r];
    if (old == IR_NO_VAL || value(g, old)->reg != (int)(first_reg(g) + r)) {
        return;
    }
    bool needed = value(g, old)->last > g->n && value(g, old)->slot < 0 &&
                  place(g, old) == NOWHERE;
    if (needed) {
        x64_x80_ensure(g);
        tell_c1(g);
        make_room(g, old, IR_NO_VAL);
        fld80(g, reg_mem(g, r));
        pushed(g, old);
    }
    value(g, old)->reg = -1;
}

static void set(Gen *g, unsigned r, IrVal v)
{
    if (g->x80.reg[r] == v) {
        return;
    }
    rescue(g, r);
    if (place(g, v) == NOWHERE) {
        x64_x80_ensure(g);
        tell_c1(g);
        use(g, v, IR_NO_VAL);
    }
    g->x80.reg[r] = v;
    g->x80.dirty |= 1u << r;
}

void x64_x80_after_call(Gen *g, bool writes)
{
    if (g->x80.used && writes) {
        memset(g->x80.reg, 0xff, sizeof g->x80.reg);
    }
}

void x64_x80_flush(Gen *g)
{
    if (!g->x80.used) {
        return;
    }
    x64_x80_tell(g);
    while (g->x80.depth) {
        pop_home(g);
    }
}

/* Values in guest registers' places move to slots: those may change. */
static void leave_regs(Gen *g, uint8_t regs)
{
    for (; regs; regs &= regs - 1) {
        unsigned r = __builtin_ctz(regs);
        IrVal v = g->x80.reg[r];
        g->x80.reg[r] = IR_NO_VAL;
        if (v == IR_NO_VAL || value(g, v)->reg != (int)(first_reg(g) + r)) {
            continue;
        }
        if (value(g, v)->last > g->n && value(g, v)->slot < 0) {
            fld80(g, reg_mem(g, r));
            fstp80(g, x64_frame(g, FRAME_SLOTS + x64_pair_new(g, v)));
        }
        value(g, v)->reg = -1;
    }
}

void x64_x80_save_for_call(Gen *g, bool writes)
{
    x64_x80_flush(g);
    if (g->x80.used && writes) {
        leave_regs(g, 0xff);
    }
}

static uint8_t overlapped(const Gen *g, const IrInst *i)
{
    uint8_t regs = 0;
    for (unsigned r = 0; r < g->x->x80_count; r++) {
        regs |= ir_env_overlaps(g->ir, i, first_reg(g) + r) << r;
    }
    return regs;
}

static bool is_flags(const IrInst *i)
{
    size_t at = offsetof(Cpu, fp80);
    return i->imm + ir_mem_size(i->mem) > at &&
           i->imm < at + sizeof(SfEnv);
}

void x64_x80_env_read(Gen *g, const IrInst *i)
{
    if (!g->x80.used) {
        return;
    }
    if (overlapped(g, i)) {
        x64_x80_flush(g);
    } else if (is_flags(i)) {
        x64_x80_tell(g);
    }
}

void x64_x80_env_before_write(Gen *g, const IrInst *i)
{
    x64_x80_env_read(g, i);
    if (g->x80.used) {
        leave_regs(g, overlapped(g, i));
    }
}

/* --- operations ------------------------------------------------------------------------- */

/* What becomes of flags and C1 by an operation of a row. */
static void done(Gen *g, X80C1 c1)
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
    rr(g, op, 0xc0 | digit << 3 | i);
}

/* One of them dies, and is on top. */
static void in_place(Gen *g, unsigned digit, unsigned i)
{
    IrVal other = *entry(g, i);
    if (i && x64_x80_dies(g, other)) {
        emit_2(g, 0xde, digit, i);
        *entry(g, i) = g->n;
        g->x80.depth--;
    } else {
        emit_2(g, 0xd8, digit, i);
        *entry(g, 0) = g->n;
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
    use(g, a, b);
    use(g, b, a);
    unsigned ia = place(g, a), ib = place(g, b);
    bool a_dies = x64_x80_dies(g, a), b_dies = x64_x80_dies(g, b);
    if (!a_dies && !b_dies) {
        use_up(g, a, b);
        emit_2(g, 0xd8, digit, a == b ? 0 : place(g, b));
        *entry(g, 0) = g->n;
    } else if (is_stored_next(g) && a_dies != b_dies) {
        exchange(g, a_dies ? ia : ib);
        in_place(g, a_dies ? digit : reversed(digit),
                 place(g, a_dies ? b : a));
    } else if (ia == 0 && !a_dies) {
        emit_2(g, 0xdc, digit, ib);
        *entry(g, ib) = g->n;
    } else if (ib == 0 && !b_dies) {
        emit_2(g, 0xdc, reversed(digit), ia);
        *entry(g, ia) = g->n;
    } else if (a_dies && (ia == 0 || ib != 0 || !b_dies)) {
        exchange(g, ia);
        in_place(g, digit, place(g, b));
    } else {
        exchange(g, ib);
        in_place(g, reversed(digit), place(g, a));
    }
}

/* The integer operand, where the host's x87 finds it. */
static HostMem pass_integer(Gen *g, IrVal v)
{
    HostMem m = x64_frame(g, FRAME_X80_ARG);
    asm_store(&g->a, g->inst[v].type == IR_I64, m, x64_use(g, v));
    return m;
}

static unsigned memory_op(Gen *g, const IrInst *i)
{
    return g->inst[i->arg[1]].type == IR_I64 ? 0xdc : 0xd8;
}

static void with_memory(Gen *g, const IrInst *i)
{
    HostMem m = pass_integer(g, i->arg[1]);
    use_up(g, i->arg[0], IR_NO_VAL);
    rm(g, memory_op(g, i), digit_of(ir_x80_op(i)), m);
    *entry(g, 0) = g->n;
}

static void unary(Gen *g, const IrInst *i)
{
    static const uint8_t codes[] = { [X80_SQRT] = 0xfa, [X80_RINT] = 0xfc,
                                     [X80_CHS] = 0xe0, [X80_ABS] = 0xe1 };
    use_up(g, i->arg[0], IR_NO_VAL);
    rr(g, 0xd9, codes[ir_x80_op(i)]);
    *entry(g, 0) = g->n;
}

static void constant(Gen *g, const IrInst *i)
{
    make_room(g, IR_NO_VAL, IR_NO_VAL);
    rr(g, 0xd9, 0xe8 + ir_x80_imm(i));
    pushed(g, g->n);
}

static void choose(Gen *g, const IrInst *i)
{
    unsigned x = x64_use(g, i->arg[2]);
    use(g, i->arg[1], i->arg[0]);
    use_up(g, i->arg[0], i->arg[1]);
    asm_rr(&g->a, OP_TEST, false, x, x);
    /* Of two the same the one on top is not the other's place. */
    *entry(g, 0) = g->n;
    unsigned b = i->arg[0] == i->arg[1] ? 0 : place(g, i->arg[1]);
    rr(g, 0xdb, 0xc8 + b);             /* fcmovne st(0), st(b) */
}

/* C0, C2, C3 are CF, PF, ZF a byte above, where LAHF leaves those as well. The
 * host waits long for its status word. */
static void take_relation(Gen *g, bool in_flags)
{
    if (in_flags) {
        asm_8(&g->a, 0x9f);            /* lahf */
    } else {
        rr(g, 0xdf, 0xe0);             /* fnstsw ax */
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
    use(g, i->arg[0], i->arg[1]);
    use(g, i->arg[1], i->arg[0]);
    exchange(g, place(g, i->arg[0]));
    unsigned b = place(g, i->arg[1]);
    if (in_flags) {
        rr(g, 0xdb, (signals ? 0xf0 : 0xe8) + b);
    } else {
        rr(g, signals ? 0xd8 : 0xdd, (signals ? 0xd0 : 0xe0) + b);
    }
    take_relation(g, in_flags);
}

static void compare_memory(Gen *g, const IrInst *i)
{
    HostMem m = pass_integer(g, i->arg[1]);
    exchange(g, use(g, i->arg[0], IR_NO_VAL));
    rm(g, memory_op(g, i), 2, m);
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
        done(g, c1);
        return;
    }
    if (i->type == IR_I32) {
        x64_take(g, RAX);
    }
    if (c1 == X80_C1_KEEP) {
        tell_c1(g);
    }
    drop_dead(g);
    operation(g, i);
    done(g, c1);
    x64_release_args(g);
}

void x64_x80(Gen *g, const IrInst *i)
{
    switch (i->op) {
    case IR_GET: get(g, i->imm - first_reg(g)); break;
    case IR_SET: set(g, i->imm - first_reg(g), i->arg[0]); break;
    default:
        g->flags = FLAGS_UNKNOWN;
        do_row(g, i);
        break;
    }
}

/* --- memory ------------------------------------------------------------------------------- */

void x64_x80_before_load(Gen *g)
{
    x64_x80_ensure(g);
    if (g->x80.depth == X80_DEPTH) {
        x64_x80_tell(g);
        make_room(g, IR_NO_VAL, IR_NO_VAL);
    }
}

void x64_x80_before_store(Gen *g, IrVal v)
{
    x64_x80_ensure(g);
    unsigned i = place(g, v);
    /* One more for forms that only pop. */
    if (i != 0 || g->x80.depth == X80_DEPTH) {
        x64_x80_tell(g);
        exchange(g, use(g, v, IR_NO_VAL));
        make_room(g, v, IR_NO_VAL);
        exchange(g, place(g, v));
    }
}

/* Opcode and digit of the load, of the store and of the store that pops (0: there
 * is none). ORDER x80-kind */
static const uint8_t forms[][6] = {
    [X80_F32] = { 0xd9, 0, 0xd9, 2, 0xd9, 3 },
    [X80_F64] = { 0xdd, 0, 0xdd, 2, 0xdd, 3 },
    [X80_F80] = { 0xdb, 5, 0, 0, 0xdb, 7 },
    [X80_I16] = { 0xdf, 0, 0xdf, 2, 0xdf, 3 },
    [X80_I32] = { 0xdb, 0, 0xdb, 2, 0xdb, 3 },
    [X80_I64] = { 0xdf, 5, 0, 0, 0xdf, 7 },
    [X80_T16] = { 0, 0, 0xdf, 2, 0xdf, 3 },
    [X80_T32] = { 0, 0, 0xdb, 2, 0xdb, 3 },
    [X80_T64] = { 0, 0, 0, 0, 0xdf, 7 },
};

void x64_x80_emit_load(Gen *g, const IrInst *i, HostMem m)
{
    const uint8_t *f = forms[ir_mem_x80(i->mem)];
    rm(g, f[0], f[1], m);
}

static void load_control(Gen *g, unsigned bits)
{
    HostMem cw = x64_frame(g, FRAME_X80_CW);
    asm_store_imm(&g->a, 1, cw, 0x7f | bits << 8);
    rm(g, 0xd9, 5, cw);                /* fldcw */
}

/* FISTTP is not on every host: FIST that truncates. */
void x64_x80_emit_store(Gen *g, const IrInst *i, HostMem m, bool pops)
{
    const uint8_t *f = forms[ir_mem_x80(i->mem)];
    bool truncates = i->mem & IR_MEM_TRUNC;
    if (truncates) {
        load_control(g, (g->x80.mode & 0xf) | SF_ZERO << 2);
    }
    if (!pops && f[2]) {
        rm(g, f[2], f[3], m);
    } else {
        if (!pops) {
            rr(g, 0xd9, 0xc0);         /* fld st(0) */
        }
        rm(g, f[4], f[5], m);
    }
    if (truncates) {
        load_control(g, g->x80.mode & 0xf);
    }
}

void x64_x80_load_from(Gen *g, const IrInst *i, HostMem m)
{
    x64_x80_emit_load(g, i, m);
    pushed(g, g->n);
    done(g, X80_C1_CLEAR);
}

void x64_x80_store_to(Gen *g, const IrInst *i, HostMem m)
{
    bool pops = x64_x80_dies(g, i->arg[1]);
    x64_x80_emit_store(g, i, m, pops);
    g->x80.depth -= pops;
    done(g, X80_C1_ROUND);
}
