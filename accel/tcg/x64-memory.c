/*
 * Guest memory and helpers.
 *
 * An access probes the TLB inline: index, tag, host address. What does not
 * hit goes to the TB's cold part, which notes where it is and calls one of the
 * slow paths that all TBs share; those store the guest's registers for C code
 * to see, save the temporaries, and bring all back.
 */
#include "x64-gen.h"

#define ENTRY_SHIFT 5
G_STATIC_ASSERT(sizeof(TlbEntry) == 1 << ENTRY_SHIFT);

static size_t tlb_offset(unsigned mode)
{
    return offsetof(Cpu, tlb.entry) + mode * sizeof(TlbEntry[TLB_SIZE]);
}

static size_t tag_offset(unsigned mode, MmuAccess access)
{
    return tlb_offset(mode) + offsetof(TlbEntry, tag) + 8 * access;
}

static size_t addend_offset(unsigned mode)
{
    return tlb_offset(mode) + offsetof(TlbEntry, addend);
}

/* --- noting where one is -------------------------------------------------------- */

static void note_place(Gen *g, unsigned scratch, unsigned insn, unsigned site)
{
    G_STATIC_ASSERT(offsetof(Cpu, fault_site) == offsetof(Cpu, fault_insn) + 2);
    asm_mov_imm(&g->a, scratch, (uintptr_t)g->tb);
    asm_store(&g->a, true, x64_env(g, offsetof(Cpu, tb)), scratch);
    asm_store_imm(&g->a, 2, x64_env(g, offsetof(Cpu, fault_insn)),
                  insn | site << 16);
}

/* --- slow paths of one access ------------------------------------------------------ */

static const uint32_t load_ops[2][4] = {
    { OP_MOVZX8, OP_MOVZX16, OP_MOV_LD, OP_MOV_LD },
    { OP_MOVSX8, OP_MOVSX16, OP_MOVSXD, OP_MOV_LD },
};

/* dst = what is at m, extended as the load asks for. */
static void load_value(Gen *g, const IrInst *i, unsigned dst, HostMem m)
{
    unsigned size = i->mem & 3;
    bool sign = i->mem & IR_MEM_SIGN;
    bool wide = i->type == IR_I64 && (sign || size == 3);
    if (sign && size == 2 && !wide) {
        sign = false;
    }
    asm_rm(&g->a, load_ops[sign][size], wide, dst, m);
}

static void cold_access(Gen *g, const Cold *c)
{
    const IrInst *i = c->inst;
    bool store = i->op == IR_ST;
    HostMem arg0 = x64_frame(g, FRAME_ARG0), arg1 = x64_frame(g, FRAME_ARG1);
    asm_patch(c->from, g->a.p);
    if (store && c->value == HOST_NONE) {
        asm_store_imm(&g->a, 3, arg1, c->value_imm);
    } else if (store) {
        asm_store(&g->a, true, arg1, c->value);
    }
    if (c->address == HOST_NONE) {
        asm_mov_imm(&g->a, c->scratch, c->imm);
        asm_store(&g->a, true, arg0, c->scratch);
    } else if (i->imm) {
        asm_rm(&g->a, OP_LEA, true, c->scratch,
               host_mem(c->address, i->imm));
        asm_store(&g->a, true, arg0, c->scratch);
    } else {
        asm_store(&g->a, true, arg0, c->address);
    }
    note_place(g, c->scratch, c->fault, c->site);
    asm_call_to(&g->a, g->x->slow[store][i->mem & 3][ir_mem_mode(i->mem)]);
    if (!store) {
        load_value(g, i, c->result, x64_frame(g, FRAME_RESULT));
    }
    asm_jmp_to(&g->a, c->back);
}

/* --- the fast path --------------------------------------------------------------------- */

/* An access being compiled. */
typedef struct Access {
    const IrInst *i;
    MmuAccess kind;
    unsigned size, mode;
    bool constant;         /* the address is va */
    uint64_t va;
    unsigned base;         /* else it is base + i->imm */
    unsigned s1, s2;       /* scratch */
} Access;

static void access_begin(Gen *g, const IrInst *i, MmuAccess kind, Access *a)
{
    *a = (Access){ .i = i, .kind = kind, .size = ir_mem_size(i->mem),
                   .mode = ir_mem_mode(i->mem), .base = HOST_NONE };
    a->constant = x64_const(g, i->arg[0], &a->va);
    if (a->constant) {
        a->va += i->imm;
    } else {
        a->base = x64_use(g, i->arg[0]);
    }
}

static void probe_constant(Gen *g, const Access *a)
{
    size_t entry = ((a->va >> PAGE_BITS) & (TLB_SIZE - 1)) << ENTRY_SHIFT;
    uint64_t tag = (a->va + a->size - 1) & PAGE_MASK;
    HostMem m = x64_env(g, tag_offset(a->mode, a->kind) + entry);
    if (fits32(tag)) {
        asm_alu_mem_imm(&g->a, ALU_CMP, true, m, tag);
    } else {
        asm_mov_imm(&g->a, a->s1, tag);
        asm_alu_mem(&g->a, ALU_CMP, true, a->s1, m);
    }
}

static void probe(Gen *g, const Access *a)
{
    int32_t disp = a->i->imm, last = disp + a->size - 1;
    HostMem tag = x64_env(g, tag_offset(a->mode, a->kind));
    tag.index = a->s1;
    if (disp) {
        asm_rm(&g->a, OP_LEA, false, a->s1, host_mem(a->base, disp));
    } else {
        asm_mov(&g->a, false, a->s1, a->base);
    }
    asm_shift_imm(&g->a, SH_SHR, false, a->s1, PAGE_BITS - ENTRY_SHIFT);
    asm_alu_imm(&g->a, ALU_AND, false, a->s1, (TLB_SIZE - 1) << ENTRY_SHIFT);
    if (last) {
        asm_rm(&g->a, OP_LEA, true, a->s2, host_mem(a->base, last));
    } else {
        asm_mov(&g->a, true, a->s2, a->base);
    }
    asm_alu_imm(&g->a, ALU_AND, true, a->s2, -(int32_t)PAGE_SIZE);
    asm_alu_mem(&g->a, ALU_CMP, true, a->s2, tag);
}

/* Emits the probe up to the jump to the slow path; the host's address of the
 * bytes is the result. */
static HostMem access_host(Gen *g, Access *a, uint8_t **miss)
{
    a->s1 = x64_scratch(g);
    if (a->constant) {
        size_t entry = ((a->va >> PAGE_BITS) & (TLB_SIZE - 1)) << ENTRY_SHIFT;
        a->s2 = fits32(a->va) ? HOST_NONE : x64_scratch(g);
        probe_constant(g, a);
        *miss = asm_jcc(&g->a, CC_NE);
        asm_load(&g->a, true, a->s1,
                 x64_env(g, addend_offset(a->mode) + entry));
        if (fits32(a->va)) {
            return host_mem(a->s1, a->va);
        }
        asm_mov_imm(&g->a, a->s2, a->va);
        return host_mem_index(a->s1, a->s2, 0);
    }
    a->s2 = x64_scratch(g);
    probe(g, a);
    *miss = asm_jcc(&g->a, CC_NE);
    HostMem addend = x64_env(g, addend_offset(a->mode));
    addend.index = a->s1;
    asm_load(&g->a, true, a->s1, addend);
    return host_mem_index(a->s1, a->base, a->i->imm);
}

static Cold *cold_for(Gen *g, const Access *a, uint8_t *miss, unsigned site)
{
    Cold *c = x64_cold(g, cold_access, miss);
    c->inst = a->i;
    c->fault = g->insn;
    c->site = site;
    c->address = a->base;
    c->imm = a->va;
    c->scratch = a->s1;
    c->value = c->result = HOST_NONE;
    return c;
}

void x64_load(Gen *g, const IrInst *i)
{
    Access a;
    uint8_t *miss;
    access_begin(g, i, MMU_LOAD, &a);
    HostMem m = access_host(g, &a, &miss);
    unsigned site = x64_site(g);
    x64_release_args(g);
    unsigned dst = x64_def(g, a.s1);
    load_value(g, i, dst, m);
    Cold *c = cold_for(g, &a, miss, site);
    c->result = dst;
    c->back = g->a.p;
}

/* Only what fits an immediate of the store's size is stored as one. */
static bool store_imm(const Gen *g, const IrInst *i, uint64_t *imm)
{
    return x64_const(g, i->arg[1], imm) && fits32(*imm);
}

void x64_store(Gen *g, const IrInst *i)
{
    Access a;
    uint8_t *miss;
    uint64_t imm = 0;
    access_begin(g, i, MMU_STORE, &a);
    bool constant = store_imm(g, i, &imm);
    unsigned value = constant ? HOST_NONE : x64_use(g, i->arg[1]);
    HostMem m = access_host(g, &a, &miss);
    if (constant) {
        asm_store_imm(&g->a, i->mem & 3, m, imm);
    } else {
        asm_store_size(&g->a, i->mem & 3, m, value);
    }
    Cold *c = cold_for(g, &a, miss, x64_site(g));
    c->value = value;
    c->value_imm = imm;
    c->back = g->a.p;
    x64_release_args(g);
}

/* --- the shared slow paths --------------------------------------------------------------- */

static HostMem fixed_env(const X64State *x, size_t offset)
{
    return host_mem(HOST_ENV, (int32_t)((int64_t)offset - x->bias));
}

static HostMem save_word(const X64State *x, unsigned word)
{
    return fixed_env(x, offsetof(Cpu, frame) + 8 * word);
}

static void for_temps(const X64State *x, Asm *a, bool store)
{
    for (unsigned t = RAX; t < R8; t++) {
        if (TEMPS & BIT(t)) {
            asm_rm(a, store ? OP_MOV_ST : OP_MOV_LD, true, t,
                   save_word(x, FRAME_SAVE + t));
        }
    }
}

static void for_pins(const X64State *x, Asm *a, bool store)
{
    for (unsigned p = 0; p < x->pin_count; p++) {
        unsigned host = x64_pin_host[p];
        if (store || PIN_IS_VOLATILE(host)) {
            asm_rm(a, store ? OP_MOV_ST : OP_MOV_LD, true, host,
                   fixed_env(x, x->cls->regs[x->pin_reg[p]].offset));
        }
    }
}

static void lea_cpu(const X64State *x, Asm *a)
{
    asm_rm(a, OP_LEA, true, RDI, host_mem(HOST_ENV, -x->bias));
}

/* The arguments of tlb_load_slow() and tlb_store_slow(). */
static void slow_arguments(const X64State *x, Asm *a, bool store,
                           unsigned size, unsigned mode)
{
    unsigned at = RDX;
    lea_cpu(x, a);
    asm_load(a, true, RSI, save_word(x, FRAME_ARG0));
    if (store) {
        asm_rm(a, load_ops[0][size], size == 3, RDX, save_word(x, FRAME_ARG1));
        at = RCX;
    }
    asm_mov_imm(a, at, 1u << size);
    asm_mov_imm(a, store ? R8 : RCX, mode);
}

static void make_slow_path(X64State *x, Asm *a, bool store, unsigned sm)
{
    unsigned size = sm & 3, mode = sm >> 2;
    HostMem budget = fixed_env(x, offsetof(Cpu, budget));
    x->slow[store][size][mode] = a->p;
    for_temps(x, a, true);
    for_pins(x, a, true);
    asm_store(a, true, budget, HOST_BUDGET);
    slow_arguments(x, a, store, size, mode);
    asm_alu_imm(a, ALU_SUB, true, RSP, 8);
    asm_mov_imm(a, RAX, store ? (uintptr_t)tlb_store_slow
                              : (uintptr_t)tlb_load_slow);
    asm_call_reg(a, RAX);
    asm_alu_imm(a, ALU_ADD, true, RSP, 8);
    asm_store(a, true, save_word(x, FRAME_RESULT), RAX);
    asm_load(a, true, HOST_BUDGET, budget);
    for_temps(x, a, false);
    for_pins(x, a, false);
    asm_ret(a);
}

void x64_make_slow_paths(X64State *x, Asm *a)
{
    for (unsigned store = 0; store < 2; store++) {
        for (unsigned sm = 0; sm < 4 * MMU_MODES; sm++) {
            make_slow_path(x, a, store, sm);
        }
    }
}

/* --- helpers ---------------------------------------------------------------------------------- */

static const uint8_t arg_host[] = { RSI, RDX, RCX, R8, R9 };

/* Where an argument comes from. */
typedef struct Move {
    uint8_t to, from;      /* from HOST_NONE: not a register */
    IrVal v;
    bool done;
} Move;

static unsigned host_of(const Gen *g, IrVal v)
{
    const Value *x = &g->val[v];
    uint64_t unused;
    if (x64_const(g, v, &unused)) {
        return HOST_NONE;
    }
    if (x->temp != HOST_NONE) {
        return x->temp;
    }
    return x->pins ? x64_pin_host[__builtin_ctz(x->pins)] : HOST_NONE;
}

static bool is_source(const Move *m, unsigned count, unsigned host)
{
    for (unsigned k = 0; k < count; k++) {
        if (!m[k].done && m[k].from == host && m[k].to != host) {
            return true;
        }
    }
    return false;
}

static void change_source(Move *m, unsigned count, unsigned from, unsigned to)
{
    for (unsigned k = 0; k < count; k++) {
        if (!m[k].done && m[k].from == from) {
            m[k].from = to;
        }
    }
}

/* All moves between registers at once; a cycle is broken through RAX, which no
 * argument goes to. */
static void move_registers(Gen *g, Move *m, unsigned count)
{
    for (;;) {
        bool moved = false, left = false;
        for (unsigned k = 0; k < count; k++) {
            if (m[k].done || m[k].from == HOST_NONE) {
                continue;
            }
            if (m[k].to != m[k].from && is_source(m, count, m[k].to)) {
                left = true;
                continue;
            }
            asm_mov(&g->a, true, m[k].to, m[k].from);
            m[k].done = moved = true;
        }
        if (!left) {
            return;
        }
        if (!moved) {
            unsigned k = 0;
            while (m[k].done || m[k].from == HOST_NONE) {
                k++;
            }
            asm_mov(&g->a, true, RAX, m[k].to);
            change_source(m, count, m[k].to, RAX);
        }
    }
}

static void move_arguments(Gen *g, const IrInst *i)
{
    Move m[G_N_ELEMENTS(arg_host)];
    for (unsigned k = 0; k < i->nargs; k++) {
        m[k] = (Move){ arg_host[k], host_of(g, i->arg[k]), i->arg[k], false };
    }
    move_registers(g, m, i->nargs);
    for (unsigned k = 0; k < i->nargs; k++) {
        if (m[k].from == HOST_NONE) {
            x64_copy_to(g, m[k].to, m[k].v);
        }
        if ((g->val[g->n].unclean_args & BIT(k)) != 0) {
            asm_mov(&g->a, false, m[k].to, m[k].to);
        }
    }
}

static void store_budget(Gen *g)
{
    asm_store(&g->a, true, x64_env(g, offsetof(Cpu, budget)), HOST_BUDGET);
}

void x64_call(Gen *g, const IrInst *i)
{
    const IrHelper *h = g_ptr_array_index(g->ir->helpers, i->imm);
    bool writes = h->effects & IR_WRITES;
    g_assert(h->nargs <= G_N_ELEMENTS(arg_host));
    x64_save_for_call(g, writes);
    x64_save_frame(g);
    x64_sync_pins(g, h->effects);
    if (h->effects) {
        unsigned site = x64_site(g);
        store_budget(g);
        move_arguments(g, i);
        note_place(g, RAX, g->insn, site);
    } else {
        move_arguments(g, i);
    }
    lea_cpu(g->x, &g->a);
    asm_mov_imm(&g->a, RAX, (uintptr_t)h->fn);
    asm_call_reg(&g->a, RAX);
    x64_after_call(g, writes);
    if (h->effects) {
        asm_load(&g->a, true, HOST_BUDGET,
                 x64_env(g, offsetof(Cpu, budget)));
    }
    if (g->val[g->n].uses) {
        unsigned dst = x64_def(g, RAX);
        asm_mov(&g->a, true, dst, RAX);
    }
}
