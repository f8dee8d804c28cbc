/*
 * Guest memory: the cold part of an access. What does not hit the TLB notes where
 * it is and calls one of the slow paths that all TBs share; of a group's accesses
 * each has a probe of its own first.
 */
#include "x64-access.h"

/* --- noting where one is -------------------------------------------------------- */

void x64_store_imm64(Gen *g, HostMem m, uint64_t v)
{
    if (fits32(v)) {
        asm_store_imm(&g->a, 3, m, v);
        return;
    }
    asm_store_imm(&g->a, 2, m, v);
    m.disp += 4;
    asm_store_imm(&g->a, 2, m, v >> 32);
}

void x64_note_place(Gen *g, unsigned insn, unsigned site)
{
    G_STATIC_ASSERT(offsetof(Cpu, fault_site) == offsetof(Cpu, fault_insn) + 2);
    x64_store_imm64(g, x64_env(g, offsetof(Cpu, tb)), (uintptr_t)g->tb);
    asm_store_imm(&g->a, 2, x64_env(g, offsetof(Cpu, fault_insn)),
                  insn | site << 16);
}

/* --- slow paths of one access ------------------------------------------------------ */

/* Cold code's turn: what the straight line does with m. */
static void move_number(Gen *g, const Cold *c, HostMem m)
{
    if (c->inst->op == IR_ST) {
        x64_x80_emit_store(g, c->inst, m, c->pops);
    } else {
        x64_x80_emit_load(g, c->inst, m);
    }
}

static uint32_t wide(const Gen *g, const IrInst *i)
{
    return is_pair(g, i) ? VEX_256 : 0;
}

/* The value to be stored, where the slow path finds it. */
static void pass_value(Gen *g, const Cold *c)
{
    HostMem arg1 = x64_frame(g, FRAME_ARG1);
    if (c->inst->type == IR_F80) {
        return;                        /* see x64_x80_cold_pass_top() */
    }
    if (is_vector(c->inst)) {
        asm_vec_move(&g->a, VOP_MOVUPS_ST | wide(g, c->inst), c->vec,
                     x64_frame(g, FRAME_VEC));
    } else if (c->value == HOST_NONE) {
        x64_store_imm64(g, arg1, c->value_imm);
    } else {
        asm_store(&g->a, true, arg1, c->value);
    }
}

static const uint8_t *slow_path_of(Gen *g, const IrInst *i)
{
    bool store = i->op == IR_ST;
    if (is_big(i)) {
        asm_store_imm(&g->a, 2, x64_frame(g, FRAME_MEM), i->mem);
        return store && i->type == IR_F80 ? g->x->x80_store
               : is_pair(g, i)            ? g->x->slow_pair[store]
                                          : g->x->slow_vec[store];
    }
    return g->x->slow[store][ir_mem_log2(i->mem)][ir_mem_access(i->mem)];
}

static void take_result(Gen *g, const Cold *c)
{
    if (c->inst->type == IR_F80) {
        move_number(g, c, x64_frame(g, FRAME_VEC));
        return;
    }
    if (c->inst->op == IR_ST) {
        return;
    }
    if (is_vector(c->inst)) {
        asm_vec_move(&g->a, VOP_MOVUPS_LD | wide(g, c->inst), c->vec,
                     x64_frame(g, FRAME_VEC));
    } else {
        x64_load_value(g, c->inst, c->result, x64_frame(g, FRAME_RESULT));
    }
}

/* No group's page is known any more, in the register and in some lanes. */
static void forget_pages(Gen *g, const Cold *c, unsigned lanes)
{
    if (c->page != HOST_NONE) {
        asm_mov_imm(&g->a, c->page, 0);
    }
    for (unsigned k = 0; k < LANES; k++) {
        if (lanes & BIT(k)) {
            asm_store_imm(&g->a, 3, x64_frame(g, FRAME_PAGES + k), 0);
        }
    }
}

/* Everything is where it was when the probe missed; no register is free. What
 * the slow path does may change the TLB: groups' pages are not known then. */
static void call_slow_path(Gen *g, const Cold *c)
{
    const IrInst *i = c->inst;
    HostMem arg0 = x64_frame(g, FRAME_ARG0);
    if (i->op == IR_ST) {
        pass_value(g, c);
    }
    if (c->address == HOST_NONE) {
        x64_store_imm64(g, arg0, c->imm);
    } else {
        asm_store(&g->a, true, arg0, c->address);
        if (i->imm) {
            asm_alu_mem_imm(&g->a, ALU_ADD, true, arg0, i->imm);
        }
    }
    x64_note_place(g, c->fault, c->site);
    x64_x80_cold_leave(g, c->x80);
    if (i->op == IR_ST && i->type == IR_F80) {
        x64_x80_cold_pass_top(g, c->x80);
    }
    if (c->saves_vec) {
        asm_call_to(&g->a, g->x->save_vec);
    }
    asm_call_to(&g->a, slow_path_of(g, i));
    if (c->saves_vec) {
        asm_call_to(&g->a, g->x->restore_vec);
    }
    if (c->fp) {
        asm_call_to(&g->a, g->x->fp_enter);
    }
    x64_x80_cold_return(g, c->x80, i->type != IR_F80);
    take_result(g, c);
    forget_pages(g, c, c->pages_saved);
    asm_jmp_to(&g->a, c->back);
}

static void cold_access(Gen *g, const Cold *c)
{
    asm_patch(c->from, g->a.p);
    if (c->unaligned) {
        asm_patch(c->unaligned, g->a.p);
    }
    call_slow_path(g, c);
}

/* A group's range was not found in one page: this access alone may be. The
 * scratch registers of GROUP_NEXT hold values. */
static void cold_alone(Gen *g, const Cold *c)
{
    const IrInst *i = c->inst;
    bool store = i->op == IR_ST;
    MmuAccess kind = store ? MMU_STORE : MMU_LOAD;
    Access a = { .i = i, .kind = kind, .asks = kind,
                 .size = ir_mem_span(i->mem), .mode = ir_mem_mode(i->mem),
                 .base = c->address, .to = ir_mem_span(i->mem),
                 .s1 = c->scratch, .s2 = c->scratch2 };
    HostMem save1 = x64_frame(g, FRAME_SCRATCH1);
    HostMem save2 = x64_frame(g, FRAME_SCRATCH2);
    asm_patch(c->from, g->a.p);
    asm_store(&g->a, true, save1, a.s1);
    asm_store(&g->a, true, save2, a.s2);
    x64_probe(g, &a);
    uint8_t *miss = asm_jcc(&g->a, CC_NE);
    x64_load_addend(g, &a);
    x64_note_lines(g, &a, a.s2);
    HostMem m = host_mem_index(a.s1, a.base, i->imm);
    if (i->type == IR_F80) {
        move_number(g, c, m);
    } else if (is_vector(i) && store) {
        x64_store_vector(g, i, m, c->vec);
    } else if (is_vector(i)) {
        x64_load_vector(g, i, c->vec, m);
    } else if (!store) {
        x64_load_value(g, i, c->result, m);
    } else if (c->value == HOST_NONE) {
        asm_store_imm(&g->a, ir_mem_log2(i->mem), m, c->value_imm);
    } else {
        asm_store_size(&g->a, ir_mem_log2(i->mem), m, c->value);
    }
    if (c->result != a.s1) {
        asm_load(&g->a, true, a.s1, save1);
    }
    if (c->result != a.s2) {
        asm_load(&g->a, true, a.s2, save2);
    }
    forget_pages(g, c, c->pages_saved & BIT(c->lane));
    asm_jmp_to(&g->a, c->back);
    asm_patch(miss, g->a.p);
    asm_load(&g->a, true, a.s1, save1);
    asm_load(&g->a, true, a.s2, save2);
    if (c->unaligned) {
        asm_patch(c->unaligned, g->a.p);
    }
    call_slow_path(g, c);
}

/* A temporary that the access does not need otherwise. */
static unsigned other_temp(const Cold *c, unsigned not)
{
    for (unsigned t = RAX; t < R8; t++) {
        if ((TEMPS & BIT(t)) && t != c->address && t != c->value &&
            t != c->page && t != not) {
            return t;
        }
    }
    g_assert_not_reached();
}

Cold *x64_access_cold(Gen *g, const Access *a, uint8_t *miss, unsigned site)
{
    Cold *c = x64_cold(g, cold_access, miss);
    c->inst = a->i;
    c->fault = g->insn;
    c->site = site;
    c->address = a->base;
    c->imm = a->va;
    c->value = c->result = HOST_NONE;
    c->page = g->page_host;
    c->pages_saved = g->pages_saved;
    c->lane = g->val[g->n].lane;
    c->unaligned = a->unaligned;
    c->saves_vec = g->vectors && (g->site_vec || x64_vec_is_live(g));
    c->fp = g->fp_live;
    c->x80 = x64_x80_note(g);
    return c;
}

/* The rest is known: in a group an access has a second chance. */
void x64_access_end(Gen *g, const Access *a, Cold *c)
{
    GroupRole role = g->val[g->n].role;
    c->back = g->a.p;
    if (role != GROUP_NONE && c->page != HOST_NONE && !a->constant &&
        (role == GROUP_FIRST || a->s1 == HOST_NONE)) {
        c->emit = cold_alone;
        c->scratch = other_temp(c, HOST_NONE);
        c->scratch2 = other_temp(c, c->scratch);
    }
}
