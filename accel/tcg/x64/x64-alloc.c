/*
 * Register allocation: one pass forward over the block, which has no branches
 * inside, so that the present state is all there is to know.
 *
 * Of the temporaries the value whose next use is farthest goes first, and
 * before it any value that is somewhere else as well. A value that is in a
 * guest register's place (pin or CPU struct) is there until the register is
 * SET; then, if it is needed later, it moves out.
 */
#include "x64-alloc.h"

const uint8_t x64_pin_host[PINS] = { RBX, RBP, R12, R13, R8, R9, R10, R11 };

static const uint8_t temps[] = { RAX, RDX, RSI, RDI, RCX };

/* --- places --------------------------------------------------------------------- */

void x64_temp_forget(Gen *g, unsigned host)
{
    IrVal v = g->in_temp[host];
    if (v != IR_NO_VAL) {
        value(g, v)->temp = HOST_NONE;
        g->in_temp[host] = IR_NO_VAL;
    }
}

void x64_temp_hold(Gen *g, unsigned host, IrVal v)
{
    g->in_temp[host] = v;
    value(g, v)->temp = host;
}

void x64_pin_forget(Gen *g, unsigned pin)
{
    IrVal v = g->in_pin[pin];
    if (v != IR_NO_VAL) {
        value(g, v)->pins &= ~BIT(pin);
        g->in_pin[pin] = IR_NO_VAL;
    }
}

void x64_reg_forget(Gen *g, unsigned reg)
{
    IrVal v = g->in_reg[reg];
    if (v != IR_NO_VAL) {
        value(g, v)->reg = -1;
        g->in_reg[reg] = IR_NO_VAL;
    }
}

/* True if the value can be had again without a temporary. */
bool x64_elsewhere(Gen *g, IrVal v)
{
    const Value *x = value(g, v);
    return x->pins || x->reg >= 0 || x->slot >= 0 ||
           g->inst[v].op == IR_CONST;
}

static unsigned slot_new(Gen *g, IrVal v)
{
    unsigned s = 0;
    while (s < g->slot_top && g->in_slot[s] != IR_NO_VAL) {
        s++;
    }
    g_assert(s < FRAME_SLOT_COUNT);
    g->slot_top = MAX(g->slot_top, s + 1);
    g->in_slot[s] = v;
    value(g, v)->slot = s;
    return s;
}

void x64_spill(Gen *g, IrVal v, unsigned host)
{
    asm_store(&g->a, true, slot_mem(g, slot_new(g, v)), host);
}

/* --- temporaries ------------------------------------------------------------------- */

static unsigned eviction_score(Gen *g, IrVal v)
{
    const Value *x = value(g, v);
    if (x->last < g->n) {
        return UINT32_MAX;
    }
    unsigned next = x->next == UINT16_MAX ? x->last : x->next;
    return next + (x64_elsewhere(g, v) ? 0x20000 : 0);
}

/* The group's page goes before values that would have to be spilled. */
#define PAGE_SCORE 0x10000

static unsigned choose_temp(Gen *g)
{
    unsigned best = HOST_NONE, best_score = 0;
    for (unsigned k = 0; k < sizeof temps; k++) {
        unsigned t = temps[k];
        if (g->locked & BIT(t)) {
            continue;
        }
        if (g->in_temp[t] == IR_NO_VAL && t != g->page_host) {
            return t;
        }
        unsigned score = t == g->page_host
            ? PAGE_SCORE : eviction_score(g, g->in_temp[t]);
        if (best == HOST_NONE || score > best_score) {
            best = t;
            best_score = score;
        }
    }
    g_assert(best != HOST_NONE);
    return best;
}

void x64_page_save(Gen *g)
{
    unsigned lane = g->page_lane;
    if (g->page_host != HOST_NONE && g->lane_end[lane] > g->n &&
        !(g->pages_saved & BIT(lane))) {
        asm_store(&g->a, true, x64_frame(g, FRAME_PAGES + lane),
                  g->page_host);
        g->pages_saved |= BIT(lane);
    }
    g->page_host = HOST_NONE;
}

static void evict(Gen *g, unsigned host)
{
    IrVal v = g->in_temp[host];
    if (host == g->page_host) {
        x64_page_save(g);
    }
    if (v != IR_NO_VAL && value(g, v)->last >= g->n && !x64_elsewhere(g, v)) {
        x64_spill(g, v, host);
    }
    x64_temp_forget(g, host);
}

unsigned x64_scratch(Gen *g)
{
    unsigned t = choose_temp(g);
    evict(g, t);
    g->locked |= BIT(t);
    return t;
}

void x64_take(Gen *g, unsigned host)
{
    g_assert(!(g->locked & BIT(host)));
    evict(g, host);
    g->locked |= BIT(host);
}

/* --- operands ---------------------------------------------------------------------- */

/* Where the value is if it is in no register. */
static HostMem memory_of(Gen *g, IrVal v)
{
    const Value *x = value(g, v);
    g_assert(x->reg >= 0 || x->slot >= 0);
    return x->slot >= 0 ? slot_mem(g, x->slot) : reg_mem(g, x->reg);
}

/* A slot has 8 bytes; an i32 register 4. */
static bool memory_is_wide(Gen *g, IrVal v)
{
    return value(g, v)->slot >= 0 || is_wide(g, v);
}

void x64_copy_to(Gen *g, unsigned host, IrVal v)
{
    const Value *x = value(g, v);
    uint64_t imm;
    if (x64_const(g, v, &imm)) {
        asm_mov_imm(&g->a, host, imm);
    } else if (x->temp != HOST_NONE) {
        asm_mov(&g->a, true, host, x->temp);
    } else if (x->pins) {
        asm_mov(&g->a, true, host, pin_host_of(x));
    } else {
        asm_load(&g->a, memory_is_wide(g, v), host, memory_of(g, v));
    }
}

unsigned x64_use(Gen *g, IrVal v)
{
    Value *x = value(g, v);
    if (x->temp != HOST_NONE) {
        g->locked |= BIT(x->temp);
        return x->temp;
    }
    if (x->pins) {
        return pin_host_of(x);
    }
    unsigned t = x64_scratch(g);
    x64_copy_to(g, t, v);
    x64_temp_hold(g, t, v);
    return t;
}

Src x64_src(Gen *g, IrVal v, bool wide)
{
    const Value *x = value(g, v);
    uint64_t imm;
    if (x64_const(g, v, &imm) && (!wide || fits32(imm))) {
        return (Src){ .kind = SRC_IMM, .imm = imm };
    }
    bool in_memory = x->temp == HOST_NONE && !x->pins &&
                     g->inst[v].op != IR_CONST;
    if (in_memory && x->next == UINT16_MAX && (memory_is_wide(g, v) || !wide)) {
        return (Src){ .kind = SRC_MEM, .mem = memory_of(g, v) };
    }
    return (Src){ .kind = SRC_REG, .reg = x64_use(g, v) };
}

/* --- instructions ------------------------------------------------------------------ */

void x64_alloc_begin(Gen *g)
{
    memset(g->in_temp, 0xff, sizeof g->in_temp);
    memset(g->in_pin, 0xff, sizeof g->in_pin);
    memset(g->in_reg, 0xff, g->ir->cls->reg_count * sizeof *g->in_reg);
    g->slot_top = 0;
    g->locked = 0;
    g->dirty = 0xff;
    g->page_host = HOST_NONE;
    g->pages_saved = 0;
    if (g->vectors) {
        x64_vec_alloc_begin(g);
    }
}

void x64_alloc_inst(Gen *g, unsigned n)
{
    g->n = n;
    g->locked = 0;
    g->vec_locked = 0;
    for (unsigned k = 0; k < x64_operands(g, n); k++) {
        value(g, x64_operand(g, n, k))->next = *x64_next_use(g, n, k);
    }
}

void x64_alloc_insn(Gen *g)
{
    for (unsigned k = 0; k < sizeof temps; k++) {
        IrVal v = g->in_temp[temps[k]];
        if (v != IR_NO_VAL && value(g, v)->last <= g->n) {
            x64_temp_forget(g, temps[k]);
        }
    }
    for (unsigned s = 0; s < g->slot_top; s++) {
        IrVal v = g->in_slot[s];
        if (v != IR_NO_VAL && value(g, v)->last <= g->n) {
            value(g, v)->slot = -1;
            g->in_slot[s] = IR_NO_VAL;
        }
    }
    if (g->vectors) {
        x64_vec_alloc_insn(g);
    }
}

void x64_release_args(Gen *g)
{
    const IrInst *i = &g->inst[g->n];
    for (unsigned k = 0; k < i->nargs; k++) {
        const Value *x = value(g, i->arg[k]);
        if (x->temp != HOST_NONE && x->last <= g->n) {
            x64_temp_forget(g, x->temp);
        }
    }
}

/* The pin's old value is not needed there any more. */
bool x64_pin_is_free(Gen *g, unsigned pin)
{
    IrVal old = g->in_pin[pin];
    if (old == IR_NO_VAL || !needed_later(g, old)) {
        return true;
    }
    const Value *x = value(g, old);
    return x->temp != HOST_NONE || x->reg >= 0 || x->slot >= 0 ||
           (x->pins & ~BIT(pin));
}

unsigned x64_def(Gen *g, unsigned prefer)
{
    Value *x = value(g, g->n);
    if (x->hint != NO_PIN && x64_pin_is_free(g, x->hint)) {
        unsigned pin = x->hint;
        x64_pin_forget(g, pin);
        g->in_pin[pin] = g->n;
        x->pins = BIT(pin);
        g->dirty |= BIT(pin);
        return x64_pin_host[pin];
    }
    unsigned t = prefer;
    if (t >= HOST_REGS || !(TEMPS & BIT(t)) || t == g->page_host ||
        g->in_temp[t] != IR_NO_VAL) {
        t = choose_temp(g);
        evict(g, t);
    }
    g->locked |= BIT(t);
    x64_temp_hold(g, t, g->n);
    return t;
}

void x64_def_end(Gen *g)
{
    const Value *x = value(g, g->n);
    if (x->temp != HOST_NONE && x->last <= g->n) {
        x64_temp_forget(g, x->temp);
    }
}

/* --- calls ------------------------------------------------------------------------------- */

void x64_save_for_call(Gen *g, bool writes)
{
    x64_x80_save_for_call(g, writes);
    x64_page_save(g);
    if (writes) {
        x64_save_regs(g);
    }
    for (unsigned k = 0; k < sizeof temps; k++) {
        IrVal v = g->in_temp[temps[k]];
        if (v != IR_NO_VAL && needed_later(g, v) && !x64_elsewhere(g, v)) {
            x64_spill(g, v, temps[k]);
        }
    }
    if (g->vectors) {
        x64_vec_save_for_call(g);
    }
}

void x64_after_call(Gen *g, bool writes)
{
    x64_x80_after_call(g, writes);
    g->page_host = HOST_NONE;
    for (unsigned k = 0; k < sizeof temps; k++) {
        x64_temp_forget(g, temps[k]);
    }
    x64_reload_pins(g, writes);
    for (unsigned r = 0; writes && r < x64_regs_in_use(g); r++) {
        x64_reg_forget(g, r);
    }
    if (g->vectors) {
        x64_vec_after_call(g);
    }
}
