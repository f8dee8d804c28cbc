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
        if (x64_x80_dirty_with(g, *x64_x80_entry(g, i))) {
            i++;
            continue;
        }
        x64_x80_tell_c1(g);
        x64_x80_forget(g, i);
        i = 0;
    }
}
