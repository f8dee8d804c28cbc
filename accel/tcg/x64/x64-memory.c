/*
 * Guest memory.
 *
 * An access probes the TLB inline: index, tag, host address. What does not
 * hit goes to the TB's cold part, which notes where it is and calls one of the
 * slow paths that all TBs share; those store the guest's registers for C code
 * to see, save the temporaries, and bring all back.
 */
#include "x64-gen.h"
#include "x64-vec-emit.h"

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

static void store_imm64(Gen *g, HostMem m, uint64_t v)
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
    store_imm64(g, x64_env(g, offsetof(Cpu, tb)), (uintptr_t)g->tb);
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
    unsigned size = ir_mem_log2(i->mem);
    bool sign = i->mem & IR_MEM_SIGN;
    bool wide = i->type == IR_I64 && (sign || size == 3);
    if (sign && size == 2 && !wide) {
        sign = false;
    }
    asm_rm(&g->a, load_ops[sign][size], wide, dst, m);
}

static bool is_vector(const IrInst *i)
{
    return i->type == IR_V128;
}

static bool is_big(const IrInst *i)
{
    return ir_is_big(i->type);
}

/* Cold code's turn: what the straight line does with m. */
static void move_number(Gen *g, const Cold *c, HostMem m)
{
    if (c->inst->op == IR_ST) {
        x64_x80_emit_store(g, c->inst, m, c->pops);
    } else {
        x64_x80_emit_load(g, c->inst, m);
    }
}

/* Vectors of 4, 8 or 16 bytes. */
static void load_vector(Gen *g, const IrInst *i, unsigned dst, HostMem m)
{
    static const uint32_t ops[] = { VOP_MOVSS_LD, VOP_MOVQ_LD, VOP_MOVUPS_LD };
    asm_vec_rm(&g->a, ops[ir_mem_log2(i->mem) - 2], dst, m);
}

static void store_vector(Gen *g, const IrInst *i, HostMem m, unsigned src)
{
    static const uint32_t ops[] = { VOP_MOVSS_ST, VOP_MOVQ_ST, VOP_MOVUPS_ST };
    asm_vec_rm(&g->a, ops[ir_mem_log2(i->mem) - 2], src, m);
}

/* The value to be stored, where the slow path finds it. */
static void pass_value(Gen *g, const Cold *c)
{
    HostMem arg1 = x64_frame(g, FRAME_ARG1);
    if (c->inst->type == IR_F80) {
        return;                        /* see x64_x80_cold_pass_top() */
    }
    if (is_vector(c->inst)) {
        asm_vec_store(&g->a, x64_frame(g, FRAME_VEC), c->vec);
    } else if (c->value == HOST_NONE) {
        store_imm64(g, arg1, c->value_imm);
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
        asm_vec_load(&g->a, c->vec, x64_frame(g, FRAME_VEC));
    } else {
        load_value(g, c->inst, c->result, x64_frame(g, FRAME_RESULT));
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
        store_imm64(g, arg0, c->imm);
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

/* --- lines of data (vm/page-trace.h) -------------------------------------------------- */

/* Notes the line of a store at base + imm that has hit the TLB; nothing for a
 * load. */
static void note_line(Gen *g, MmuAccess kind, unsigned base, int32_t imm,
                      unsigned scratch)
{
    HostMem line = x64_env(g, offsetof(Cpu, lines));
    if (kind != MMU_STORE || !g->cpu->notes_lines) {
        return;
    }
    if (imm) {
        asm_rm(&g->a, OP_LEA, false, scratch, host_mem(base, imm));
    } else {
        asm_mov(&g->a, false, scratch, base);
    }
    asm_shift_imm(&g->a, SH_SHR, false, scratch, CPU_LINE_BITS);
    asm_alu_imm(&g->a, ALU_AND, false, scratch, CPU_LINES - 1);
    line.index = scratch;
    asm_store_imm(&g->a, 0, line, 1);
}

static void note_constant_line(Gen *g, MmuAccess kind, uint64_t va)
{
    if (kind == MMU_STORE && g->cpu->notes_lines) {
        asm_store_imm(&g->a, 0,
                      x64_env(g, offsetof(Cpu, lines) + cpu_line(va)), 1);
    }
}

/* --- the fast path --------------------------------------------------------------------- */

/* An access being compiled. */
typedef struct Access {
    const IrInst *i;
    MmuAccess kind;
    MmuAccess asks;        /* what its page must be good for */
    unsigned size, mode;
    bool constant;         /* the address is va */
    uint64_t va;
    unsigned base;         /* else it is base + i->imm */
    int32_t from, to;      /* bytes to probe for, relative to the address */
    unsigned s1, s2;       /* scratch */
    uint8_t *unaligned;    /* rel32 of the jump for such addresses, or NULL */
} Access;

static void access_begin(Gen *g, const IrInst *i, MmuAccess kind, Access *a)
{
    *a = (Access){ .i = i, .kind = kind, .asks = kind, .size = ir_mem_span(i->mem),
                   .mode = ir_mem_mode(i->mem), .base = HOST_NONE };
    /* Where a number of 80 bits has a constant address, it is like any other:
     * too rare. */
    a->constant = i->type != IR_F80 && x64_const(g, i->arg[0], &a->va);
    a->to = a->size;
    if (g->val[g->n].role == GROUP_FIRST) {
        a->from = g->val[g->n].range_from;
        a->to = g->val[g->n].range_to;
        a->asks = g->val[g->n].stores ? MMU_STORE : kind;
    }
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

/* To the slow path, which raises what there is to raise. The tag could not tell:
 * its low bits mean something else. */
static void check_alignment(Gen *g, Access *a)
{
    if (!(a->i->mem & IR_MEM_ALIGN)) {
        return;
    }
    unsigned host = a->base;
    if (a->i->imm & (a->size - 1)) {
        host = a->s2;
        asm_rm(&g->a, OP_LEA, false, host, host_mem(a->base, a->i->imm));
    }
    asm_op(&g->a, 0xf6, host >> 3, host >= 4); /* test host, imm8 */
    asm_8(&g->a, 0xc0 | (host & 7));
    asm_8(&g->a, a->size - 1);
    a->unaligned = asm_jcc(&g->a, CC_NE);
}

/* s1 = the address's low half, its page's number where an entry's offset is.
 * What a rotation brings in above is masked away. */
static void page_bits(Gen *g, const Access *a, int32_t first)
{
    unsigned count = PAGE_BITS - ENTRY_SHIFT;
    if (!first && g->x->bmi2) {
        asm_rorx(&g->a, false, a->s1, a->base, count);
        return;
    }
    if (first) {
        asm_rm(&g->a, OP_LEA, false, a->s1, host_mem(a->base, first));
    } else {
        asm_mov(&g->a, false, a->s1, a->base);
    }
    asm_shift_imm(&g->a, SH_SHR, false, a->s1, count);
}

static void probe(Gen *g, const Access *a)
{
    int32_t first = a->i->imm + a->from, last = a->i->imm + a->to - 1;
    HostMem tag = x64_env(g, tag_offset(a->mode, a->asks));
    tag.index = a->s1;
    page_bits(g, a, first);
    asm_alu_imm(&g->a, ALU_AND, false, a->s1, (TLB_SIZE - 1) << ENTRY_SHIFT);
    if (last) {
        asm_rm(&g->a, OP_LEA, true, a->s2, host_mem(a->base, last));
    } else {
        asm_mov(&g->a, true, a->s2, a->base);
    }
    asm_alu_imm(&g->a, ALU_AND, true, a->s2, -(int32_t)PAGE_SIZE);
    asm_alu_mem(&g->a, ALU_CMP, true, a->s2, tag);
}

/* The host's address minus the guest's, into s1. */
static void load_addend(Gen *g, const Access *a)
{
    HostMem addend = x64_env(g, addend_offset(a->mode));
    addend.index = a->s1;
    asm_load(&g->a, true, a->s1, addend);
}

static HostMem constant_host(Gen *g, Access *a, uint8_t **miss)
{
    size_t entry = ((a->va >> PAGE_BITS) & (TLB_SIZE - 1)) << ENTRY_SHIFT;
    a->s1 = x64_scratch(g);
    a->s2 = fits32(a->va) ? HOST_NONE : x64_scratch(g);
    if ((a->i->mem & IR_MEM_ALIGN) && (a->va & (a->size - 1))) {
        a->unaligned = asm_jmp(&g->a);
    }
    probe_constant(g, a);
    *miss = asm_jcc(&g->a, CC_NE);
    note_constant_line(g, a->kind, a->va);
    asm_load(&g->a, true, a->s1, x64_env(g, addend_offset(a->mode) + entry));
    if (fits32(a->va)) {
        return host_mem(a->s1, a->va);
    }
    asm_mov_imm(&g->a, a->s2, a->va);
    return host_mem_index(a->s1, a->s2, 0);
}

static void begin_group(Gen *g, unsigned host)
{
    const Value *x = &g->val[g->n];
    g->page_host = host;
    g->page_lane = x->lane;
    g->pages_saved &= ~BIT(x->lane);
    g->lane_end[x->lane] = x->group_end;
}

/* The page of the access's group is in page_host now. False: it is lost. */
static bool find_page(Gen *g)
{
    unsigned lane = g->val[g->n].lane;
    if (g->page_host != HOST_NONE && g->page_lane == lane) {
        return true;
    }
    if (!(g->pages_saved & BIT(lane))) {
        return false;
    }
    unsigned host = x64_scratch(g);
    x64_page_save(g);
    asm_load(&g->a, true, host, x64_frame(g, FRAME_PAGES + lane));
    g->page_host = host;
    g->page_lane = lane;
    return true;
}

/* Emits the probe up to the jump to the cold part; the host's address of the
 * bytes is the result. What s1 holds then is the group's page. */
static HostMem access_host(Gen *g, Access *a, uint8_t **miss)
{
    if (a->constant) {
        return constant_host(g, a, miss);
    }
    GroupRole role = g->val[g->n].role;
    /* The result's register is found now: behind the jump nothing may move. */
    a->s2 = x64_scratch(g);
    if (role == GROUP_NEXT && find_page(g)) {
        a->s1 = HOST_NONE;
        check_alignment(g, a);
        asm_rr(&g->a, OP_TEST, true, g->page_host, g->page_host);
        *miss = asm_jcc(&g->a, CC_E);
        note_line(g, a->kind, a->base, a->i->imm, a->s2);
        return host_mem_index(g->page_host, a->base, a->i->imm);
    }
    a->s1 = x64_scratch(g);
    if (role == GROUP_FIRST) {
        x64_page_save(g);
    }
    check_alignment(g, a);
    probe(g, a);
    *miss = asm_jcc(&g->a, CC_NE);
    note_line(g, a->kind, a->base, a->i->imm, a->s2);
    load_addend(g, a);
    if (role == GROUP_FIRST) {
        begin_group(g, a->s1);
    }
    return host_mem_index(a->s1, a->base, a->i->imm);
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
    probe(g, &a);
    uint8_t *miss = asm_jcc(&g->a, CC_NE);
    load_addend(g, &a);
    note_line(g, a.kind, a.base, i->imm, a.s2);
    HostMem m = host_mem_index(a.s1, a.base, i->imm);
    if (i->type == IR_F80) {
        move_number(g, c, m);
    } else if (is_vector(i) && store) {
        store_vector(g, i, m, c->vec);
    } else if (is_vector(i)) {
        load_vector(g, i, c->vec, m);
    } else if (!store) {
        load_value(g, i, c->result, m);
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

static Cold *cold_for(Gen *g, const Access *a, uint8_t *miss, unsigned site)
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
static void end_cold(Gen *g, const Access *a, Cold *c)
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

static void load_vec(Gen *g, const IrInst *i)
{
    Access a;
    uint8_t *miss;
    unsigned dst = x64_vec_def(g, HOST_NONE);
    access_begin(g, i, MMU_LOAD, &a);
    HostMem m = access_host(g, &a, &miss);
    Cold *c = cold_for(g, &a, miss, x64_site(g));
    load_vector(g, i, dst, m);
    c->vec = dst;
    end_cold(g, &a, c);
    x64_release_args(g);
}

static void store_vec(Gen *g, const IrInst *i)
{
    Access a;
    uint8_t *miss;
    unsigned src = x64_vec_use(g, i->arg[1]);
    access_begin(g, i, MMU_STORE, &a);
    HostMem m = access_host(g, &a, &miss);
    store_vector(g, i, m, src);
    Cold *c = cold_for(g, &a, miss, x64_site(g));
    c->vec = src;
    end_cold(g, &a, c);
    x64_vec_release_args(g);
}

static void load_number(Gen *g, const IrInst *i)
{
    Access a;
    uint8_t *miss;
    x64_x80_before_load(g);
    access_begin(g, i, MMU_LOAD, &a);
    HostMem m = access_host(g, &a, &miss);
    Cold *c = cold_for(g, &a, miss, x64_site(g));
    x64_x80_load_from(g, i, m);
    end_cold(g, &a, c);
    x64_release_args(g);
}

static void store_number(Gen *g, const IrInst *i)
{
    Access a;
    uint8_t *miss;
    x64_x80_before_store(g, i->arg[1]);
    access_begin(g, i, MMU_STORE, &a);
    HostMem m = access_host(g, &a, &miss);
    Cold *c = cold_for(g, &a, miss, x64_site(g));
    c->pops = x64_x80_dies(g, i->arg[1]);
    x64_x80_store_to(g, i, m);
    end_cold(g, &a, c);
    x64_release_args(g);
}

void x64_load(Gen *g, const IrInst *i)
{
    Access a;
    uint8_t *miss;
    if (i->type == IR_F80) {
        load_number(g, i);
        return;
    }
    if (is_vector(i)) {
        load_vec(g, i);
        return;
    }
    access_begin(g, i, MMU_LOAD, &a);
    HostMem m = access_host(g, &a, &miss);
    Cold *c = cold_for(g, &a, miss, x64_site(g));
    x64_release_args(g);
    unsigned dst = x64_def(g, a.constant ? a.s1 : a.s2);
    load_value(g, i, dst, m);
    c->result = dst;
    end_cold(g, &a, c);
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
    if (i->type == IR_F80) {
        store_number(g, i);
        return;
    }
    if (is_vector(i)) {
        store_vec(g, i);
        return;
    }
    access_begin(g, i, MMU_STORE, &a);
    bool constant = store_imm(g, i, &imm);
    unsigned value = constant ? HOST_NONE : x64_use(g, i->arg[1]);
    HostMem m = access_host(g, &a, &miss);
    if (constant) {
        asm_store_imm(&g->a, ir_mem_log2(i->mem), m, imm);
    } else {
        asm_store_size(&g->a, ir_mem_log2(i->mem), m, value);
    }
    Cold *c = cold_for(g, &a, miss, x64_site(g));
    c->value = value;
    c->value_imm = imm;
    end_cold(g, &a, c);
    x64_release_args(g);
}

/* --- targets of jumps --------------------------------------------------------------------- */

static void cold_canon(Gen *g, const Cold *c)
{
    asm_patch(c->from, g->a.p);
    asm_alu_imm(&g->a, ALU_CMP, true, c->scratch, ~c->imm);
    asm_patch(asm_jcc(&g->a, CC_E), c->back);
    asm_store(&g->a, true, x64_frame(g, FRAME_ARG0), c->address);
    x64_note_place(g, c->fault, c->site);
    if (c->saves_vec) {
        asm_call_to(&g->a, g->x->save_vec);
    }
    asm_call_to(&g->a, g->x->bad_target);
}

/* The topmost bits are all zero or all one. Most jumps stay in the half of the
 * address space where they are: that is looked at first, the other half and the
 * fault are cold. */
void x64_canon(Gen *g, const IrInst *i)
{
    x64_x80_flush(g);
    unsigned v = x64_use(g, i->arg[0]), t = x64_scratch(g);
    bool upper = (int64_t)g->tb->key.pc < 0;
    asm_mov(&g->a, true, t, v);
    asm_shift_imm(&g->a, SH_SAR, true, t, i->imm - 1);
    if (upper) {
        asm_alu_imm(&g->a, ALU_CMP, true, t, -1);
    }
    Cold *c = x64_cold(g, cold_canon, asm_jcc(&g->a, CC_NE));
    c->back = g->a.p;
    c->scratch = t;
    c->imm = upper ? UINT64_MAX : 0;
    c->fault = g->insn;
    c->site = x64_site(g);
    c->saves_vec = g->site_vec;
    c->address = v;
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

/* The arguments of tlb_load_slow() and tlb_store_slow(). */
static void slow_arguments(const X64State *x, Asm *a, bool store,
                           unsigned size, unsigned mode)
{
    unsigned at = RDX;
    x64_lea_cpu(x, a);
    asm_load(a, true, RSI, save_word(x, FRAME_ARG0));
    if (store) {
        asm_rm(a, load_ops[0][size], size == 3, RDX, save_word(x, FRAME_ARG1));
        at = RCX;
    }
    asm_mov_imm(a, at, 1u << size);
    asm_mov_imm(a, store ? R8 : RCX, mode);
}

/* Generated code's state goes where C code looks for it … */
static void slow_begin(const X64State *x, Asm *a)
{
    for_temps(x, a, true);
    for_pins(x, a, true);
    x64_fp_drop_fixed(x, a);
    asm_store(a, true, fixed_env(x, offsetof(Cpu, budget)), HOST_BUDGET);
}

/* … and comes back behind the call. */
static void slow_call(const X64State *x, Asm *a, uintptr_t fn)
{
    asm_alu_imm(a, ALU_SUB, true, RSP, 8);
    asm_mov_imm(a, RAX, fn);
    asm_call_reg(a, RAX);
    asm_alu_imm(a, ALU_ADD, true, RSP, 8);
    asm_store(a, true, save_word(x, FRAME_RESULT), RAX);
    asm_load(a, true, HOST_BUDGET, fixed_env(x, offsetof(Cpu, budget)));
    for_temps(x, a, false);
    for_pins(x, a, false);
    asm_ret(a);
}

/* Never returns: the registers go where C code may look. */
static void make_bad_target(X64State *x, Asm *a)
{
    x->bad_target = a->p;
    slow_begin(x, a);
    x64_lea_cpu(x, a);
    asm_load(a, true, RSI, save_word(x, FRAME_ARG0));
    asm_alu_imm(a, ALU_SUB, true, RSP, 8);
    asm_mov_imm(a, RAX, (uintptr_t)cpu_bad_target);
    asm_call_reg(a, RAX);
}

static void make_slow_path(X64State *x, Asm *a, bool store, unsigned sm)
{
    unsigned size = sm & 3, mode = sm >> 2;
    x->slow[store][size][mode] = a->p;
    slow_begin(x, a);
    slow_arguments(x, a, store, size, mode);
    slow_call(x, a, store ? (uintptr_t)tlb_store_slow
                          : (uintptr_t)tlb_load_slow);
}

/* tlb_load_vec(), tlb_store_vec() and x64_x80_store_slow() take the same
 * arguments. */
static uint8_t *make_slow_big(const X64State *x, Asm *a, uintptr_t fn)
{
    uint8_t *start = a->p;
    slow_begin(x, a);
    x64_lea_cpu(x, a);
    asm_load(a, true, RSI, save_word(x, FRAME_ARG0));
    asm_rm(a, OP_LEA, true, RDX, save_word(x, FRAME_VEC));
    asm_load(a, false, RCX, save_word(x, FRAME_MEM));
    slow_call(x, a, fn);
    return start;
}

static void make_vector_saves(X64State *x, Asm *a)
{
    x->save_vec = a->p;
    for (unsigned t = 0; t < HOST_VECS; t++) {
        asm_vec_store(a, save_word(x, FRAME_VEC_SAVE + 2 * t), t);
    }
    asm_ret(a);
    x->restore_vec = a->p;
    for (unsigned t = 0; t < HOST_VECS; t++) {
        asm_vec_load(a, t, save_word(x, FRAME_VEC_SAVE + 2 * t));
    }
    asm_ret(a);
}

void x64_make_slow_paths(X64State *x, Asm *a)
{
    for (unsigned store = 0; store < 2; store++) {
        for (unsigned sm = 0; sm < 4 * MMU_ACCESSES; sm++) {
            make_slow_path(x, a, store, sm);
        }
    }
    x->slow_vec[0] = make_slow_big(x, a, (uintptr_t)tlb_load_vec);
    x->slow_vec[1] = make_slow_big(x, a, (uintptr_t)tlb_store_vec);
    x->x80_store = make_slow_big(x, a, (uintptr_t)x64_x80_store_slow);
    make_bad_target(x, a);
    make_vector_saves(x, a);
}
