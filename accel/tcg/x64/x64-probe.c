/*
 * Guest memory: the TLB, probed inline. An access finds the host's address of
 * its bytes by index, tag and addend, or by what the first of its group has
 * found.
 */
#include "x64-access.h"

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

/* --- lines of data (vm/page-trace.h) -------------------------------------------------- */

static void note_line(Gen *g, unsigned base, int32_t imm, unsigned scratch)
{
    HostMem line = x64_env(g, offsetof(Cpu, lines));
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

/* Nothing for a load. What is longer than PAGE_TRACE_ACCESS is two stores. */
void x64_note_lines(Gen *g, const Access *a, unsigned scratch)
{
    unsigned bytes = is_pair(g, a->i) ? 32 : 16;
    if (a->kind != MMU_STORE || !g->cpu->notes_lines) {
        return;
    }
    for (unsigned at = 0; at < bytes; at += 16) {
        if (a->constant) {
            asm_store_imm(&g->a, 0, x64_env(g, offsetof(Cpu, lines) +
                                               cpu_line(a->va + at)), 1);
        } else {
            note_line(g, a->base, a->i->imm + at, scratch);
        }
    }
}

/* --- one access ---------------------------------------------------------------------------- */

void x64_access_begin(Gen *g, const IrInst *i, MmuAccess kind, Access *a)
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

void x64_probe(Gen *g, const Access *a)
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
void x64_load_addend(Gen *g, const Access *a)
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
    x64_note_lines(g, a, HOST_NONE);
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
HostMem x64_access_host(Gen *g, Access *a, uint8_t **miss)
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
        x64_note_lines(g, a, a->s2);
        return host_mem_index(g->page_host, a->base, a->i->imm);
    }
    a->s1 = x64_scratch(g);
    if (role == GROUP_FIRST) {
        x64_page_save(g);
    }
    check_alignment(g, a);
    x64_probe(g, a);
    *miss = asm_jcc(&g->a, CC_NE);
    x64_note_lines(g, a, a->s2);
    x64_load_addend(g, a);
    if (role == GROUP_FIRST) {
        begin_group(g, a->s1);
    }
    return host_mem_index(a->s1, a->base, a->i->imm);
}
