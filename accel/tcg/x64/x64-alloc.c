/*
 * Register allocation: one pass forward over the block, which has no branches
 * inside, so that the present state is all there is to know.
 *
 * Of the temporaries the value whose next use is farthest goes first, and
 * before it any value that is somewhere else as well. A value that is in a
 * guest register's place (pin or CPU struct) is there until the register is
 * SET; then, if it is needed later, it moves out.
 */
#include "x64-gen.h"

const uint8_t x64_pin_host[PINS] = { RBX, RBP, R12, R13, R8, R9, R10, R11 };

static const uint8_t temps[] = { RAX, RDX, RSI, RDI, RCX };

static Value *value(Gen *g, IrVal v)
{
    return &g->val[v];
}

static bool is_wide(const Gen *g, IrVal v)
{
    return g->inst[v].type == IR_I64;
}

static bool needed_later(const Gen *g, IrVal v)
{
    return g->val[v].last > g->n;
}

static const IrReg *guest_reg(const Gen *g, unsigned reg)
{
    return &g->ir->cls->regs[reg];
}

static HostMem reg_mem(const Gen *g, unsigned reg)
{
    return x64_env(g, guest_reg(g, reg)->offset);
}

static HostMem slot_mem(const Gen *g, unsigned slot)
{
    return x64_frame(g, FRAME_SLOTS + slot);
}

/* --- places --------------------------------------------------------------------- */

static void temp_forget(Gen *g, unsigned host)
{
    IrVal v = g->in_temp[host];
    if (v != IR_NO_VAL) {
        value(g, v)->temp = HOST_NONE;
        g->in_temp[host] = IR_NO_VAL;
    }
}

static void temp_hold(Gen *g, unsigned host, IrVal v)
{
    g->in_temp[host] = v;
    value(g, v)->temp = host;
}

static void pin_forget(Gen *g, unsigned pin)
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
static bool elsewhere(Gen *g, IrVal v)
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

static void spill(Gen *g, IrVal v, unsigned host)
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
    return next + (elsewhere(g, v) ? 0x20000 : 0);
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
    if (v != IR_NO_VAL && value(g, v)->last >= g->n && !elsewhere(g, v)) {
        spill(g, v, host);
    }
    temp_forget(g, host);
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

static unsigned pin_host_of(const Value *x)
{
    return x64_pin_host[__builtin_ctz(x->pins)];
}

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
    temp_hold(g, t, v);
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
    const IrInst *i = &g->inst[n];
    g->n = n;
    g->locked = 0;
    g->vec_locked = 0;
    for (unsigned k = 0; k < i->nargs; k++) {
        value(g, i->arg[k])->next = g->next_use[n * IR_MAX_ARGS + k];
    }
}

void x64_alloc_insn(Gen *g)
{
    for (unsigned k = 0; k < sizeof temps; k++) {
        IrVal v = g->in_temp[temps[k]];
        if (v != IR_NO_VAL && value(g, v)->last <= g->n) {
            temp_forget(g, temps[k]);
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
            temp_forget(g, x->temp);
        }
    }
}

/* The pin's old value is not needed there any more. */
static bool pin_is_free(Gen *g, unsigned pin)
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
    if (x->hint != NO_PIN && pin_is_free(g, x->hint)) {
        unsigned pin = x->hint;
        pin_forget(g, pin);
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
    temp_hold(g, t, g->n);
    return t;
}

void x64_def_end(Gen *g)
{
    const Value *x = value(g, g->n);
    if (x->temp != HOST_NONE && x->last <= g->n) {
        temp_forget(g, x->temp);
    }
}

/* --- guest registers ----------------------------------------------------------------- */

void x64_get(Gen *g, unsigned reg)
{
    int pin = g->x->pin_of[reg];
    IrVal *holder = pin == NO_PIN ? &g->in_reg[reg] : &g->in_pin[pin];
    if (*holder != IR_NO_VAL && needed_later(g, *holder)) {
        /* Two values in one place: the second gets a copy. */
        unsigned t = x64_scratch(g);
        x64_copy_to(g, t, *holder);
        temp_hold(g, t, g->n);
        return;
    }
    if (pin == NO_PIN) {
        x64_reg_forget(g, reg);
        value(g, g->n)->reg = reg;
    } else {
        pin_forget(g, pin);
        value(g, g->n)->pins |= BIT(pin);
    }
    *holder = g->n;
}

/* A value that is about to lose its only place moves to a temporary. */
void x64_rescue(Gen *g, IrVal v)
{
    if (g->inst[v].type == IR_V128) {
        uint16_t locked = g->vec_locked;
        x64_vec_use(g, v);
        g->vec_locked = locked;
        return;
    }
    unsigned t = x64_scratch(g);
    x64_copy_to(g, t, v);
    temp_hold(g, t, v);
    g->locked &= ~BIT(t);
}

static void set_pin(Gen *g, unsigned pin, IrVal v)
{
    IrVal old = g->in_pin[pin];
    if (old == v) {
        return;
    }
    if (!pin_is_free(g, pin)) {
        g->locked |= value(g, v)->temp < HOST_REGS ? BIT(value(g, v)->temp)
                                                   : 0;
        x64_rescue(g, old);
    }
    pin_forget(g, pin);
    x64_copy_to(g, x64_pin_host[pin], v);
    g->in_pin[pin] = v;
    value(g, v)->pins |= BIT(pin);
    g->dirty |= BIT(pin);
    if (value(g, v)->temp != HOST_NONE) {
        temp_forget(g, value(g, v)->temp); /* the pin is as good */
    }
}

bool x64_only_in_reg(Gen *g, unsigned reg)
{
    IrVal old = g->in_reg[reg];
    if (old == IR_NO_VAL || !needed_later(g, old)) {
        return false;
    }
    const Value *x = value(g, old);
    return x->temp == HOST_NONE && !x->pins && x->slot < 0 && x->vreg < 0;
}

static void set_memory(Gen *g, unsigned reg, IrVal v)
{
    if (g->in_reg[reg] == v) {
        return;
    }
    bool wide = guest_reg(g, reg)->type == IR_I64;
    Src s = x64_src(g, v, wide);
    if (s.kind == SRC_MEM) {
        s.reg = x64_use(g, v);
    }
    if (x64_only_in_reg(g, reg)) {
        x64_rescue(g, g->in_reg[reg]);
    }
    x64_reg_forget(g, reg);
    if (s.kind == SRC_IMM) {
        asm_store_imm(&g->a, wide ? 3 : 2, reg_mem(g, reg), s.imm);
    } else {
        asm_store(&g->a, wide, reg_mem(g, reg), s.reg);
    }
    /* A value of another type than its register's lost half of itself. */
    if (value(g, v)->reg < 0 && is_wide(g, v) == wide) {
        value(g, v)->reg = reg;
        g->in_reg[reg] = v;
    }
}

void x64_set(Gen *g, unsigned reg, IrVal v)
{
    int pin = g->x->pin_of[reg];
    if (pin == NO_PIN) {
        set_memory(g, reg, v);
    } else {
        set_pin(g, pin, v);
    }
    x64_release_args(g);
}

/* --- what C code sees ------------------------------------------------------------------ */

static void sync_pin(Gen *g, unsigned pin)
{
    if (g->dirty & BIT(pin)) {
        asm_store(&g->a, true, reg_mem(g, g->x->pin_reg[pin]),
                  x64_pin_host[pin]);
        g->dirty &= ~BIT(pin);
    }
}

void x64_sync_pins(Gen *g, bool all)
{
    for (unsigned p = 0; p < g->x->pin_count; p++) {
        if (all || PIN_IS_VOLATILE(x64_pin_host[p])) {
            sync_pin(g, p);
        }
    }
}

static bool must_be_saved(Gen *g, IrVal v)
{
    return v != IR_NO_VAL && needed_later(g, v) && value(g, v)->slot < 0 &&
           g->inst[v].op != IR_CONST;
}

/* Guest registers whose places may have values. */
static unsigned regs_in_use(const Gen *g)
{
    return g->vectors ? g->ir->cls->reg_count : g->x->int_regs;
}

static void save_values_of_regs(Gen *g)
{
    for (unsigned p = 0; p < g->x->pin_count; p++) {
        if (must_be_saved(g, g->in_pin[p])) {
            spill(g, g->in_pin[p], x64_pin_host[p]);
        }
    }
    for (unsigned r = 0; r < regs_in_use(g); r++) {
        if (must_be_saved(g, g->in_reg[r])) {
            if (g->inst[g->in_reg[r]].type == IR_V128) {
                x64_vec_spill(g, g->in_reg[r]);
                continue;
            }
            uint32_t locked = g->locked;
            spill(g, g->in_reg[r], x64_use(g, g->in_reg[r]));
            g->locked = locked;
        }
    }
}

void x64_save_for_call(Gen *g, bool writes)
{
    x64_x80_save_for_call(g, writes);
    x64_page_save(g);
    if (writes) {
        save_values_of_regs(g);
    }
    for (unsigned k = 0; k < sizeof temps; k++) {
        IrVal v = g->in_temp[temps[k]];
        if (v != IR_NO_VAL && needed_later(g, v) && !elsewhere(g, v)) {
            spill(g, v, temps[k]);
        }
    }
    if (g->vectors) {
        x64_vec_save_for_call(g);
    }
}

static void reload_pins(Gen *g, bool all)
{
    for (unsigned p = 0; p < g->x->pin_count; p++) {
        if (all || PIN_IS_VOLATILE(x64_pin_host[p])) {
            asm_load(&g->a, true, x64_pin_host[p],
                     reg_mem(g, g->x->pin_reg[p]));
        }
        if (all) {
            pin_forget(g, p);
        }
    }
}

void x64_after_call(Gen *g, bool writes)
{
    x64_x80_after_call(g, writes);
    g->page_host = HOST_NONE;
    for (unsigned k = 0; k < sizeof temps; k++) {
        temp_forget(g, temps[k]);
    }
    reload_pins(g, writes);
    for (unsigned r = 0; writes && r < regs_in_use(g); r++) {
        x64_reg_forget(g, r);
    }
    if (g->vectors) {
        x64_vec_after_call(g);
    }
}

/* --- frame states ------------------------------------------------------------------------ */

/* Where a value is once the slow path or the call has put everything there. */
static void find_place(Gen *g, IrVal v, X64Row *row)
{
    v = x64_root(g, v);
    const Value *x = value(g, v);
    row->kind = x64_const(g, v, &row->where) ? ROW_CONST : ROW_PLACE;
    if (row->kind == ROW_CONST) {
        return;
    }
    if (x->vreg >= 0 && x->slot < 0 && x->reg < 0) {
        row->where = offsetof(Cpu, frame) + 8 * FRAME_VEC_SAVE + 16 * x->vreg;
        g->site_vec = true;
    } else if (x->slot >= 0) {
        row->where = offsetof(Cpu, frame) + 8 * (FRAME_SLOTS + x->slot);
    } else if (x->pins) {
        unsigned pin = __builtin_ctz(x->pins);
        row->where = guest_reg(g, g->x->pin_reg[pin])->offset;
    } else if (x->reg >= 0) {
        row->where = guest_reg(g, x->reg)->offset;
    } else {
        g_assert(x->temp != HOST_NONE);
        row->where = offsetof(Cpu, frame) + 8 * (FRAME_SAVE + x->temp);
    }
}

static unsigned bytes_of(IrType type)
{
    return type == IR_V128 ? 16 : type == IR_I64 ? 8 : 4;
}

static void add_leaf(Gen *g, IrVal v, void *opaque)
{
    X64Row row = { .site = g->sites, .v = v, .leaf = true,
                   .bytes = bytes_of(g->inst[v].type) };
    find_place(g, v, &row);
    g_array_append_val(g->rows, row);
}

static void add_row(Gen *g, const IrFrame *f)
{
    const IrReg *r = guest_reg(g, f->reg);
    X64Row row = { .site = g->sites, .v = f->value, .kind = ROW_LAZY,
                   .bytes = bytes_of(r->type), .reg = r->offset };
    if (g->inst[f->value].lazy) {
        x64_leaves(g, f->value, add_leaf, NULL);
    } else {
        find_place(g, f->value, &row);
    }
    g_array_append_val(g->rows, row);
}

unsigned x64_site(Gen *g)
{
    g->sites++;
    g->site_vec = false;
    g->stamp++;
    for (guint k = g->frame; k < g->frame_end; k++) {
        add_row(g, &g_array_index(g->ir->frames, IrFrame, k));
    }
    return g->sites;
}

static void save_leaf(Gen *g, IrVal v, void *opaque)
{
    v = x64_root(g, v);
    if (elsewhere(g, v)) {
        return;
    }
    if (g->inst[v].type == IR_V128) {
        x64_vec_spill(g, v);
    } else if (value(g, v)->temp != HOST_NONE) {
        spill(g, v, value(g, v)->temp);
    }
}

void x64_save_frame(Gen *g)
{
    g->stamp++;
    for (guint k = g->frame; k < g->frame_end; k++) {
        x64_leaves(g, g_array_index(g->ir->frames, IrFrame, k).value,
                   save_leaf, NULL);
    }
}

/* --- LDENV and STENV that meet guest registers -------------------------------------------- */

void x64_env_read(Gen *g, const IrInst *i)
{
    x64_x80_env_read(g, i);
    for (unsigned p = 0; p < g->x->pin_count; p++) {
        if (ir_env_overlaps(g->ir, i, g->x->pin_reg[p])) {
            sync_pin(g, p);
        }
    }
}

void x64_env_before_write(Gen *g, const IrInst *i)
{
    x64_x80_env_before_write(g, i);
    for (unsigned p = 0; p < g->x->pin_count; p++) {
        if (!ir_env_overlaps(g->ir, i, g->x->pin_reg[p])) {
            continue;
        }
        sync_pin(g, p);
        if (!pin_is_free(g, p)) {
            x64_rescue(g, g->in_pin[p]);
        }
        pin_forget(g, p);
    }
    for (unsigned r = 0; r < regs_in_use(g); r++) {
        if (g->x->pin_of[r] == NO_PIN && ir_env_overlaps(g->ir, i, r)) {
            if (x64_only_in_reg(g, r)) {
                x64_rescue(g, g->in_reg[r]);
            }
            x64_reg_forget(g, r);
        }
    }
}

void x64_env_written(Gen *g, const IrInst *i)
{
    for (unsigned p = 0; p < g->x->pin_count; p++) {
        if (ir_env_overlaps(g->ir, i, g->x->pin_reg[p])) {
            asm_load(&g->a, true, x64_pin_host[p],
                     reg_mem(g, g->x->pin_reg[p]));
        }
    }
}
