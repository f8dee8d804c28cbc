/*
 * Where vectors are: x64-alloc.c for the second class of registers.
 *
 * XMM0 to 15 are all temporaries; no call leaves them alone. A guest register
 * is SET in the CPU struct at once; its value stays in the XMM register as well.
 * What a frame state names is found there, in slots, or where the slow path of
 * an access saves the registers. With AVX2 a register has two values, one of
 * which may be in its upper half: mostly the halves of a guest's register.
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

static bool elsewhere(Gen *g, IrVal v)
{
    const Value *x = value(g, v);
    return x->reg >= 0 || x->slot >= 0 || g->inst[v].op == IR_CONST;
}

void x64_vec_forget(Gen *g, IrVal v)
{
    Value *x = value(g, v);
    if (x->vreg >= 0) {
        (x->upper ? g->in_upper : g->in_vec)[x->vreg] = IR_NO_VAL;
        x->vreg = -1;
    }
}

void x64_vec_hold(Gen *g, unsigned host, bool upper, IrVal v)
{
    (upper ? g->in_upper : g->in_vec)[host] = v;
    value(g, v)->vreg = host;
    value(g, v)->upper = upper;
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
    if (value(g, v)->slot < 0 && value(g, v)->upper &&
        value(g, v)->vreg >= 0) {
        unsigned host = value(g, v)->vreg;
        asm_vec_store_upper(&g->a, slot_mem(g, x64_pair_new(g, v)), host);
    } else if (value(g, v)->slot < 0) {
        unsigned host = x64_vec_use(g, v);
        asm_vec_store(&g->a, slot_mem(g, x64_pair_new(g, v)), host);
    }
    g->vec_locked = locked;
}

static unsigned value_score(Gen *g, IrVal v)
{
    if (v == IR_NO_VAL || value(g, v)->last < g->n) {
        return UINT32_MAX;
    }
    const Value *x = value(g, v);
    unsigned next = x->next == UINT16_MAX ? x->last : x->next;
    return next + (elsewhere(g, v) ? 0x20000 : 0);
}

/* Of a register's halves the one that is needed sooner counts. */
static unsigned eviction_score(Gen *g, unsigned host)
{
    return MIN(value_score(g, g->in_vec[host]),
               value_score(g, g->in_upper[host]));
}

static bool is_free(const Gen *g, unsigned host)
{
    return g->in_vec[host] == IR_NO_VAL && g->in_upper[host] == IR_NO_VAL;
}

/* A register that is free, or whose value is needed last. */
static unsigned choose(Gen *g)
{
    unsigned best = HOST_NONE, best_score = 0;
    for (unsigned t = 0; t < HOST_VECS; t++) {
        if (g->vec_locked & BIT(t)) {
            continue;
        }
        if (is_free(g, t)) {
            return t;
        }
        unsigned score = eviction_score(g, t);
        if (best == HOST_NONE || score > best_score) {
            best = t;
            best_score = score;
        }
    }
    g_assert(best != HOST_NONE);
    return best;
}

static void evict_value(Gen *g, IrVal v)
{
    if (v == IR_NO_VAL) {
        return;
    }
    if (value(g, v)->last >= g->n && !elsewhere(g, v)) {
        x64_vec_spill(g, v);
    }
    x64_vec_forget(g, v);
}

static void evict(Gen *g, unsigned host)
{
    evict_value(g, g->in_upper[host]);
    evict_value(g, g->in_vec[host]);
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
    g_assert(!(g->vec_locked & BIT(host)));
    g->vec_locked |= BIT(host);
    bool needed = false;
    IrVal halves[2] = { g->in_vec[host], g->in_upper[host] };
    for (unsigned k = 0; k < 2; k++) {
        needed |= halves[k] != IR_NO_VAL && value(g, halves[k])->last >= g->n;
    }
    unsigned t = needed ? x64_vec_scratch(g) : HOST_NONE;
    if (needed) {
        asm_vec_mov_wide(&g->a, halves[1] != IR_NO_VAL, t, host);
    }
    for (unsigned k = 0; k < 2; k++) {
        if (halves[k] != IR_NO_VAL) {
            x64_vec_forget(g, halves[k]);
        }
        if (halves[k] != IR_NO_VAL && needed) {
            x64_vec_hold(g, t, k, halves[k]);
        }
    }
    if (needed) {
        g->vec_locked &= ~BIT(t);
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
void x64_vec_constant(Gen *g, unsigned host, uint64_t imm, bool wide)
{
    uint32_t all = wide ? VEX_256 : 0;
    if (!imm) {
        asm_vec_same(&g->a, VOP_PXOR, host);
    } else if (imm == UINT64_MAX) {
        asm_vec_same(&g->a, VOP_PCMPEQD | all, host);
    } else {
        asm_vec_rip(&g->a, wide ? VOP_VPBROADCASTQ | VEX_256 : VOP_MOVUPS_LD,
                    host);
        x64_cold(g, cold_constant, g->a.p - 4)->imm = imm;
    }
}

static void copy_to(Gen *g, unsigned host, IrVal v)
{
    const Value *x = value(g, v);
    uint64_t imm;
    if (x->vreg >= 0 && x->upper) {
        asm_vec_upper(&g->a, host, x->vreg);
    } else if (x->vreg >= 0) {
        asm_vec_mov(&g->a, host, x->vreg);
    } else if (x->reg >= 0) {
        asm_vec_load(&g->a, host, reg_mem(g, x->reg));
    } else if (x->slot >= 0) {
        asm_vec_load(&g->a, host, slot_mem(g, x->slot));
    } else {
        bool constant = x64_const(g, v, &imm);
        g_assert(constant);
        x64_vec_constant(g, host, imm, false);
    }
}

/* An upper half gets a register of its own. */
unsigned x64_vec_use(Gen *g, IrVal v)
{
    Value *x = value(g, v);
    if (x->vreg < 0 || x->upper) {
        uint16_t source = x->vreg >= 0 ? BIT(x->vreg) & ~g->vec_locked : 0;
        g->vec_locked |= source;
        unsigned t = x64_vec_scratch(g);
        copy_to(g, t, v);
        x64_vec_forget(g, v);
        x64_vec_hold(g, t, false, v);
        g->vec_locked &= ~source;
    }
    g->vec_locked |= BIT(x->vreg);
    return x->vreg;
}

/* The value into a register that holds none. */
void x64_vec_copy_to(Gen *g, unsigned host, IrVal v)
{
    copy_to(g, host, v);
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

static void release(Gen *g, IrVal v)
{
    if (value(g, v)->vreg >= 0 && value(g, v)->last <= g->n) {
        x64_vec_forget(g, v);
    }
}

void x64_vec_release_args(Gen *g)
{
    x64_release_args(g);
    for (unsigned k = 0; k < x64_operands(g, g->n); k++) {
        release(g, x64_operand(g, g->n, k));
    }
}

unsigned x64_vec_def(Gen *g, unsigned prefer)
{
    unsigned t = prefer;
    if (t >= HOST_VECS || !is_free(g, t)) {
        t = x64_vec_scratch(g);
    }
    g->vec_locked |= BIT(t);
    x64_vec_hold(g, t, false, g->n);
    if (g->val[g->n].pair) {
        x64_vec_hold(g, t, true, g->val[g->n].twin);
    }
    return t;
}

void x64_vec_def_end(Gen *g)
{
    release(g, g->n);
    if (g->val[g->n].pair) {
        release(g, g->val[g->n].twin);
    }
}

void x64_vec_alloc_begin(Gen *g)
{
    memset(g->in_vec, 0xff, sizeof g->in_vec);
    memset(g->in_upper, 0xff, sizeof g->in_upper);
    g->vec_locked = 0;
    g->uppers_dirty = true;
}
