/*
 * Where vectors are: x64-alloc.c for the second class of registers.
 *
 * XMM0 to 15 are all temporaries; no call leaves them alone. A guest register
 * is SET in the CPU struct at once; its value stays in the XMM register as well.
 * What a frame state names is found there, in slots, or where the slow path of
 * an access saves the XMM registers.
 */
#include "x64-gen.h"
#include "x64-host.h"
#include "x64-vec-emit.h"

static Value *value(Gen *g, IrVal v)
{
    return &g->val[v];
}

static HostMem reg_mem(const Gen *g, unsigned reg)
{
    return x64_env(g, g->ir->cls->regs[reg].offset);
}

static HostMem slot_mem(const Gen *g, unsigned slot)
{
    return x64_frame(g, FRAME_SLOTS + slot);
}

static bool needed_later(const Gen *g, IrVal v)
{
    return g->val[v].last > g->n;
}

static void forget(Gen *g, unsigned host)
{
    IrVal v = g->in_vec[host];
    if (v != IR_NO_VAL) {
        value(g, v)->vreg = -1;
        g->in_vec[host] = IR_NO_VAL;
    }
}

static void hold(Gen *g, unsigned host, IrVal v)
{
    g->in_vec[host] = v;
    value(g, v)->vreg = host;
}

static bool elsewhere(Gen *g, IrVal v)
{
    const Value *x = value(g, v);
    return x->reg >= 0 || x->slot >= 0 || g->inst[v].op == IR_CONST;
}

/* --- spilling --------------------------------------------------------------------- */

static bool slot_is_free(const Gen *g, unsigned s)
{
    return s >= g->slot_top || g->in_slot[s] == IR_NO_VAL;
}

unsigned x64_pair_new(Gen *g, IrVal v)
{
    unsigned s = 0;
    while (!slot_is_free(g, s) || !slot_is_free(g, s + 1)) {
        s += 2;
    }
    g_assert(s + 2 <= FRAME_SLOT_COUNT);
    while (g->slot_top < s + 2) {
        g->in_slot[g->slot_top++] = IR_NO_VAL;
    }
    g->in_slot[s] = g->in_slot[s + 1] = v;
    value(g, v)->slot = s;
    return s;
}

void x64_vec_spill(Gen *g, IrVal v)
{
    uint16_t locked = g->vec_locked;
    if (value(g, v)->slot < 0) {
        unsigned host = x64_vec_use(g, v);
        asm_vec_store(&g->a, slot_mem(g, x64_pair_new(g, v)), host);
    }
    g->vec_locked = locked;
}

static unsigned eviction_score(Gen *g, IrVal v)
{
    const Value *x = value(g, v);
    if (x->last < g->n) {
        return UINT32_MAX;
    }
    unsigned next = x->next == UINT16_MAX ? x->last : x->next;
    return next + (elsewhere(g, v) ? 0x20000 : 0);
}

/* A register that is free, or whose value is needed last. */
static unsigned choose(Gen *g)
{
    unsigned best = HOST_NONE, best_score = 0;
    for (unsigned t = 0; t < HOST_VECS; t++) {
        if (g->vec_locked & BIT(t)) {
            continue;
        }
        if (g->in_vec[t] == IR_NO_VAL) {
            return t;
        }
        unsigned score = eviction_score(g, g->in_vec[t]);
        if (best == HOST_NONE || score > best_score) {
            best = t;
            best_score = score;
        }
    }
    g_assert(best != HOST_NONE);
    return best;
}

static void evict(Gen *g, unsigned host)
{
    IrVal v = g->in_vec[host];
    if (v != IR_NO_VAL && value(g, v)->last >= g->n && !elsewhere(g, v)) {
        x64_vec_spill(g, v);
    }
    forget(g, host);
}

unsigned x64_vec_scratch(Gen *g)
{
    unsigned t = choose(g);
    evict(g, t);
    g->vec_locked |= BIT(t);
    return t;
}

void x64_vec_take(Gen *g, unsigned host)
{
    IrVal v = g->in_vec[host];
    g_assert(!(g->vec_locked & BIT(host)));
    g->vec_locked |= BIT(host);
    if (v == IR_NO_VAL) {
        return;
    }
    if (value(g, v)->last >= g->n) {
        unsigned t = x64_vec_scratch(g);
        asm_vec_mov(&g->a, t, host);
        g->in_vec[host] = IR_NO_VAL;
        hold(g, t, v);
        g->vec_locked &= ~BIT(t);
    } else {
        forget(g, host);
    }
}

/* --- operands and results ------------------------------------------------------------ */

static void cold_constant(Gen *g, const Cold *c)
{
    asm_patch(c->from, g->a.p);
    asm_64(&g->a, c->imm);
    asm_64(&g->a, c->imm);
}

/* Behind the TB's code there is room for constants. */
static void load_constant(Gen *g, unsigned host, uint64_t imm)
{
    if (!imm) {
        asm_vec_rr(&g->a, VOP_PXOR, false, host, host);
    } else if (imm == UINT64_MAX) {
        asm_vec_rr(&g->a, VOP_PCMPEQD, false, host, host);
    } else {
        asm_vec_op(&g->a, VOP_MOVUPS_LD, asm_rex(false, host, 0, 0));
        asm_8(&g->a, (host & 7) << 3 | 5); /* [rip + disp32] */
        asm_32(&g->a, 0);
        x64_cold(g, cold_constant, g->a.p - 4)->imm = imm;
    }
}

static void copy_to(Gen *g, unsigned host, IrVal v)
{
    const Value *x = value(g, v);
    uint64_t imm;
    if (x->vreg >= 0) {
        asm_vec_mov(&g->a, host, x->vreg);
    } else if (x->reg >= 0) {
        asm_vec_load(&g->a, host, reg_mem(g, x->reg));
    } else if (x->slot >= 0) {
        asm_vec_load(&g->a, host, slot_mem(g, x->slot));
    } else {
        bool constant = x64_const(g, v, &imm);
        g_assert(constant);
        load_constant(g, host, imm);
    }
}

unsigned x64_vec_use(Gen *g, IrVal v)
{
    Value *x = value(g, v);
    if (x->vreg < 0) {
        unsigned t = x64_vec_scratch(g);
        copy_to(g, t, v);
        hold(g, t, v);
    }
    g->vec_locked |= BIT(x->vreg);
    return x->vreg;
}

VecSrc x64_vec_src(Gen *g, IrVal v)
{
    const Value *x = value(g, v);
    bool in_memory = x->vreg < 0 && (x->reg >= 0 || x->slot >= 0);
    if (in_memory && x->next == UINT16_MAX && (g->x->features & HOST_AVX)) {
        return (VecSrc){ HOST_NONE, x->slot >= 0 ? slot_mem(g, x->slot)
                                                 : reg_mem(g, x->reg) };
    }
    return (VecSrc){ x64_vec_use(g, v), host_mem(HOST_NONE, 0) };
}

void x64_vec_release_args(Gen *g)
{
    const IrInst *i = &g->inst[g->n];
    x64_release_args(g);
    for (unsigned k = 0; k < i->nargs; k++) {
        const Value *x = value(g, i->arg[k]);
        if (x->vreg >= 0 && x->last <= g->n) {
            forget(g, x->vreg);
        }
    }
}

unsigned x64_vec_def(Gen *g, unsigned prefer)
{
    unsigned t = prefer;
    if (t >= HOST_VECS || g->in_vec[t] != IR_NO_VAL) {
        t = x64_vec_scratch(g);
    }
    g->vec_locked |= BIT(t);
    hold(g, t, g->n);
    return t;
}

void x64_vec_def_end(Gen *g)
{
    const Value *x = value(g, g->n);
    if (x->vreg >= 0 && x->last <= g->n) {
        forget(g, x->vreg);
    }
}

/* --- guest registers -------------------------------------------------------------------- */

void x64_vec_get(Gen *g, unsigned reg)
{
    IrVal old = g->in_reg[reg];
    if (old != IR_NO_VAL && needed_later(g, old)) {
        /* Two values in one place: the second gets a copy. */
        unsigned t = x64_vec_scratch(g);
        copy_to(g, t, old);
        hold(g, t, g->n);
        return;
    }
    x64_reg_forget(g, reg);
    value(g, g->n)->reg = reg;
    g->in_reg[reg] = g->n;
}

void x64_vec_set(Gen *g, unsigned reg, IrVal v)
{
    if (g->in_reg[reg] != v) {
        unsigned host = x64_vec_use(g, v);
        if (x64_only_in_reg(g, reg)) {
            x64_rescue(g, g->in_reg[reg]);
        }
        x64_reg_forget(g, reg);
        asm_vec_store(&g->a, reg_mem(g, reg), host);
        if (value(g, v)->reg < 0) {
            value(g, v)->reg = reg;
            g->in_reg[reg] = v;
        }
    }
    x64_vec_release_args(g);
}

/* --- from instruction to instruction ----------------------------------------------------- */

void x64_vec_alloc_begin(Gen *g)
{
    memset(g->in_vec, 0xff, sizeof g->in_vec);
    g->vec_locked = 0;
}

void x64_vec_alloc_insn(Gen *g)
{
    for (unsigned t = 0; t < HOST_VECS; t++) {
        IrVal v = g->in_vec[t];
        if (v != IR_NO_VAL && value(g, v)->last <= g->n) {
            forget(g, t);
        }
    }
}

bool x64_vec_is_live(Gen *g)
{
    for (unsigned t = 0; t < HOST_VECS; t++) {
        IrVal v = g->in_vec[t];
        if (v != IR_NO_VAL && v != g->n && needed_later(g, v)) {
            return true;
        }
    }
    return false;
}

void x64_vec_save_for_call(Gen *g)
{
    for (unsigned t = 0; t < HOST_VECS; t++) {
        IrVal v = g->in_vec[t];
        if (v != IR_NO_VAL && needed_later(g, v) && !elsewhere(g, v)) {
            x64_vec_spill(g, v);
        }
    }
}

void x64_vec_after_call(Gen *g)
{
    for (unsigned t = 0; t < HOST_VECS; t++) {
        forget(g, t);
    }
}
