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
#include "x64-x80-stack.h"

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

/* What the block does with the registers, a bit each. */
typedef struct X80Use {
    uint8_t reads;         /* before it writes them */
    uint8_t writes;
} X80Use;

static void note_use(const Gen *g, const IrInst *i, X80Use *use)
{
    if (i->type != IR_F80 || (i->op != IR_GET && i->op != IR_SET)) {
        return;
    }
    uint8_t bit = 1u << (i->imm - first_reg(g));
    if (i->op == IR_SET) {
        use->writes |= bit;
    } else {
        use->reads |= bit & ~use->writes;
    }
}

/* Nothing if the block calls or is left for anywhere, when all would have to be
 * stored. */
static X80Use use_of(const Gen *g)
{
    const IrInst *last = &g->inst[g->count - 1];
    uint64_t pc;
    X80Use use = { 0 };
    for (unsigned n = 0; n < g->count; n++) {
        const IrInst *i = &g->inst[n];
        if (i->op == IR_CALL || i->op == IR_STENV) {
            return (X80Use){ 0 };
        }
        note_use(g, i, &use);
    }
    return last->cond <= IR_EXIT_CHAIN1 && x64_const(g, last->arg[0], &pc)
               ? use : (X80Use){ 0 };
}

/* At least one place must be left for what is computed. */
#define ENTRY_MOST (X80_DEPTH - 1)

static void add_entries(X80Layout *e, uint8_t regs)
{
    for (; regs && e->depth < ENTRY_MOST; regs &= regs - 1) {
        e->regs[e->depth++] = regs & -regs;
    }
}

/* As they lie in `order`, as far as it has them. */
static uint8_t add_in_order(X80Layout *e, uint8_t regs, const X80Layout *order)
{
    for (unsigned k = 0; k < order->depth && e->depth < ENTRY_MOST; k++) {
        uint8_t bit = order->regs[k] & regs & -(order->regs[k] & regs);
        regs &= ~bit;
        e->regs[e->depth] = bit;
        e->depth += bit != 0;
    }
    return regs;
}

static unsigned count_of(uint8_t regs)
{
    return __builtin_popcount(regs);
}

static uint8_t regs_in(const X80Layout *l)
{
    uint8_t regs = 0;
    for (unsigned k = 0; k < l->depth; k++) {
        regs |= l->regs[k];
    }
    return regs;
}

/*
 * Which registers are on the stack from the beginning: those that the block
 * reads; then those that it leaves alone and the one before has there, because
 * a later one may want them, as long as there is room for what is made; then
 * what it overwrites, which need not be stored before.
 */
static uint8_t wanted_at_entry(const Gen *g, const X80Layout *order)
{
    X80Use use = use_of(g);
    uint8_t all = use.reads | use.writes, want = use.reads;
    uint8_t idle = all ? regs_in(order) & ~all : 0;
    uint8_t over = use.writes & ~use.reads;
    for (; idle && count_of(all) < X80_DEPTH; idle &= idle - 1) {
        want |= idle & -idle;
        all |= idle & -idle;
    }
    for (; over && count_of(want) < ENTRY_MOST; over &= over - 1) {
        want |= over & -over;
    }
    return want;
}

static void choose_entry(Gen *g, const X80Layout *order)
{
    X80Layout *e = &g->x80.entry;
    bool may = g->tb->insn_count > 1 && g->tb->ram[0] != TB_NO_RAM &&
               !g->tb->has_break;
    e->depth = 0;
    e->told = X80_EITHER;
    if (may) {
        add_entries(e, add_in_order(e, wanted_at_entry(g, order), order));
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

/* --- the beginning and the end ------------------------------------------------------ */

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
        fstp80(g, x80_mem(g, __builtin_ctz(e->regs[k])));
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
                             .vreg = -1, .twin = IR_NO_VAL };
        fld80(g, x80_mem(g, r));
        x64_x80_pushed(g, v);
        g->x80.reg[r] = v;
        g->x80.dirty |= e->regs[k];
    }
    x64_x80_say(g->x, &g->a, false);
    g->x80.told = e->told;
    x64_cold(g, cold_resident, NULL)->back = g->a.p;
}

void x64_x80_settle(Gen *g)
{
    if (!g->x80.used) {
        return;
    }
    for (unsigned i = 0; i < g->x80.depth;) {
        if (x64_x80_dirty_with(g, *x64_x80_entry(g, i))) {
            i++;
            continue;
        }
        x64_x80_tell_c1(g);
        x64_x80_forget(g, i);
        i = 0;
    }
}
