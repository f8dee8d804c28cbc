/*
 * Task state segments: stacks for inner levels, the I/O bitmap, and task
 * switches. SDM vol. 3, chapter 7.
 */
#include "show.h"
#include "sys.h"

static bool tss_is_32(const X86State *s)
{
    return s->tr_attr & 0x800;
}

static uint64_t tss_ld(X86Cpu *cpu, uint32_t offset, unsigned size)
{
    return cpu_ld(&cpu->parent, cpu->s.tr_base + offset, size, MMU_KERNEL);
}

void tss_stack(X86Cpu *cpu, unsigned cpl, uint16_t *ss, uint32_t *esp)
{
    X86State *s = &cpu->s;
    bool wide = tss_is_32(s);
    unsigned at = wide ? 4 + cpl * 8 : 2 + cpl * 4;
    if (at + (wide ? 5 : 3) > s->tr_limit) {
        x86_raise_sel(cpu, EXC_TS, s->tr_sel);
    }
    *esp = tss_ld(cpu, at, wide ? 4 : 2);
    *ss = tss_ld(cpu, at + (wide ? 4 : 2), 2);
}

/* Slots 0..2: RSP0..2; 7..13: IST1..7 (7.7). */
uint64_t tss64_stack(X86Cpu *cpu, unsigned slot)
{
    unsigned at = slot < 3 ? 4 + slot * 8 : 36 + (slot - 7) * 8;
    if (at + 7 > cpu->s.tr_limit) {
        x86_raise_sel(cpu, EXC_TS, cpu->s.tr_sel);
    }
    uint64_t sp = tss_ld(cpu, at, 8);
    if (!is_canonical(cpu, sp)) {
        x86_raise(cpu, EXC_SS, 0);
    }
    return sp;
}

/* --- the I/O permission bitmap (vol. 1, 19.5.2) --------------------------------- */

uint64_t helper_io_check(Cpu *parent, uint64_t port, uint64_t size)
{
    X86Cpu *cpu = x86_cpu(parent);
    X86State *s = &cpu->s;
    unsigned iopl = (s->eflags & FLAG_IOPL) >> FLAG_IOPL_SHIFT;
    bool vm = s->eflags & FLAG_VM;
    if (!(s->cr[0] & CR0_PE) || (!vm && x86_cpl(cpu) <= iopl)) {
        return 0;
    }
    if (!tss_is_32(s) || s->tr_limit < 103) {
        x86_raise(cpu, EXC_GP, 0);
    }
    uint32_t at = tss_ld(cpu, 102, 2) + port / 8;
    if (at + 1 > s->tr_limit) {
        x86_raise(cpu, EXC_GP, 0);
    }
    uint32_t bits = tss_ld(cpu, at, 2) >> (port & 7);
    if (bits & ((1u << size) - 1)) {
        x86_raise(cpu, EXC_GP, 0);
    }
    return 0;
}

/* --- task switches (7.3) ----------------------------------------------------------- */

/* What a TSS holds, in either format. Segments in encoding order. */
typedef struct Task {
    uint32_t cr3, eip, eflags;
    uint32_t reg[8];
    uint16_t seg[SEG_COUNT];
    uint16_t ldt;
    bool trap;
} Task;

/* Offsets: figures 7-2 and 7-10. */
static void task_read(X86Cpu *cpu, uint64_t base, bool wide, Task *t)
{
    Cpu *p = &cpu->parent;
    unsigned step = wide ? 4 : 2;
    unsigned at = wide ? 32 : 14;
    *t = (Task){ 0 };
    t->cr3 = wide ? cpu_ld(p, base + 28, 4, MMU_KERNEL) : 0;
    t->eip = cpu_ld(p, base + at, step, MMU_KERNEL);
    t->eflags = cpu_ld(p, base + at + step, step, MMU_KERNEL);
    at += 2 * step;
    for (unsigned i = 0; i < 8; i++, at += step) {
        t->reg[i] = cpu_ld(p, base + at, step, MMU_KERNEL);
    }
    for (unsigned i = 0; i < (wide ? 6u : 4u); i++, at += step) {
        t->seg[i] = cpu_ld(p, base + at, 2, MMU_KERNEL);
    }
    t->ldt = cpu_ld(p, base + at, 2, MMU_KERNEL);
    t->trap = wide && (cpu_ld(p, base + 100, 2, MMU_KERNEL) & 1);
}

static void task_save(X86Cpu *cpu, uint32_t eflags, uint32_t eip)
{
    Cpu *p = &cpu->parent;
    X86State *s = &cpu->s;
    bool wide = tss_is_32(s);
    unsigned step = wide ? 4 : 2;
    uint64_t at = s->tr_base + (wide ? 32 : 14);
    cpu_st(p, at, eip, step, MMU_KERNEL);
    cpu_st(p, at + step, eflags, step, MMU_KERNEL);
    at += 2 * step;
    for (unsigned i = 0; i < 8; i++, at += step) {
        cpu_st(p, at, s->gpr[i], step, MMU_KERNEL);
    }
    for (unsigned i = 0; i < (wide ? 6u : 4u); i++, at += step) {
        cpu_st(p, at, s->seg_sel[i], 2, MMU_KERNEL);
    }
}

static void set_busy(X86Cpu *cpu, uint16_t sel, bool busy)
{
    Desc d;
    desc_fetch(cpu, sel, EXC_TS, &d);
    d.hi = busy ? d.hi | 0x200 : d.hi & ~0x200u;
    cpu_st(&cpu->parent, d.addr + 4, d.hi, 4, MMU_KERNEL);
}

static void check_tss(X86Cpu *cpu, uint16_t sel, const Desc *d, TaskSource how)
{
    unsigned type = desc_type(d);
    bool busy = type & 2;
    bool tss = desc_is_system(d) && (type & 5) == 1;
    int vector = how == TASK_IRET ? EXC_TS : EXC_GP;
    if (!tss || busy != (how == TASK_IRET)) {
        x86_raise_sel(cpu, vector, sel);
    }
    if (!(d->hi & DESC_P)) {
        x86_raise_sel(cpu, EXC_NP, sel);
    }
    if (desc_limit(d) < (type & 8 ? 103u : 43u)) {
        x86_raise_sel(cpu, EXC_TS, sel);
    }
}

static void load_ldt(X86Cpu *cpu, uint16_t sel)
{
    X86State *s = &cpu->s;
    s->ldt_sel = sel;
    s->ldt_base = 0;
    s->ldt_limit = 0;
    s->ldt_attr = 0;
    if (!(sel & ~3)) {
        return;
    }
    Desc d;
    if (sel & 4) {
        x86_raise_sel(cpu, EXC_TS, sel);
    }
    desc_fetch(cpu, sel, EXC_TS, &d);
    if (!desc_is_system(&d) || desc_type(&d) != SYS_LDT ||
        !(d.hi & DESC_P)) {
        x86_raise_sel(cpu, EXC_TS, sel);
    }
    s->ldt_base = desc_base(&d);
    s->ldt_limit = desc_limit(&d);
    s->ldt_attr = d.hi & 0x00f0ff00;
}

static void load_task_cs(X86Cpu *cpu, uint16_t sel)
{
    Desc d;
    unsigned rpl = sel & 3;
    if (!(sel & ~3)) {
        x86_raise_sel(cpu, EXC_TS, sel);
    }
    desc_fetch(cpu, sel, EXC_TS, &d);
    bool ok = desc_is_code(&d) && (d.hi & DESC_C ? desc_dpl(&d) <= rpl
                                                 : desc_dpl(&d) == rpl);
    if (!ok) {
        x86_raise_sel(cpu, EXC_TS, sel);
    }
    if (!(d.hi & DESC_P)) {
        x86_raise_sel(cpu, EXC_NP, sel);
    }
    desc_touch(cpu, &d);
    cs_put(cpu, sel, &d, rpl);
}

/* As MOV does it, but what is wrong with a selector is #TS (table 7-1). */
static void load_task_data(X86Cpu *cpu, unsigned seg, uint16_t sel)
{
    Desc d;
    if (!(sel & ~3)) {
        return;
    }
    desc_fetch(cpu, sel, EXC_TS, &d);
    data_check(cpu, sel, EXC_TS, &d);
    desc_touch(cpu, &d);
    seg_put(cpu, seg, sel, &d);
}

static void load_task_segments(X86Cpu *cpu, const Task *t)
{
    static const uint8_t data[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };
    X86State *s = &cpu->s;
    Desc d;
    if (s->eflags & FLAG_VM) {
        for (unsigned i = 0; i < SEG_COUNT; i++) {
            seg_put_real(cpu, i, t->seg[i]);
        }
        return;
    }
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        seg_put_null(cpu, i, t->seg[i]);
    }
    load_ldt(cpu, t->ldt);
    load_task_cs(cpu, t->seg[SEG_CS]);
    x86_update_modes(cpu);
    ss_check(cpu, t->seg[SEG_SS], t->seg[SEG_CS] & 3, EXC_TS, &d);
    desc_touch(cpu, &d);
    seg_put(cpu, SEG_SS, t->seg[SEG_SS], &d);
    x86_update_modes(cpu);
    for (size_t i = 0; i < G_N_ELEMENTS(data); i++) {
        load_task_data(cpu, data[i], t->seg[data[i]]);
    }
}

static void task_check_eip(X86Cpu *cpu)
{
    if (cpu->s.rip > cpu->s.seg_limit[SEG_CS]) {
        x86_raise(cpu, EXC_GP, 0);
    }
}

void task_switch(X86Cpu *cpu, uint16_t sel, const Desc *d, TaskSource how,
                 uint64_t next)
{
    X86State *s = &cpu->s;
    bool wide = desc_type(d) & 8;
    bool nested = how == TASK_CALL || how == TASK_INT;
    uint16_t old_sel = s->tr_sel;
    Task t;
    check_tss(cpu, sel, d, how);
    uint64_t base = desc_base(d);
    cpu_probe(&cpu->parent, base, wide ? 104 : 44, MMU_STORE, MMU_KERNEL);
    cpu_probe(&cpu->parent, s->tr_base, tss_is_32(s) ? 104 : 44, MMU_STORE,
              MMU_KERNEL);
    task_read(cpu, base, wide, &t);
    uint32_t old_flags = x86_eflags(cpu);
    task_save(cpu, how == TASK_IRET ? old_flags & ~FLAG_NT : old_flags, next);
    if (!nested) {
        set_busy(cpu, old_sel, false);
    } else {
        cpu_st(&cpu->parent, base, old_sel, 2, MMU_KERNEL);
    }
    if (how != TASK_IRET) {
        set_busy(cpu, sel, true);
    }
    s->tr_sel = sel;
    s->tr_base = base;
    s->tr_limit = desc_limit(d);
    s->tr_attr = (d->hi & 0x00f0ff00) | 0x200;
    s->cr[0] |= CR0_TS;
    if (wide && (s->cr[0] & CR0_PG)) {
        s->cr[3] = t.cr3;
        mmu_load_pdptes(cpu);
        tlb_flush(&cpu->parent);
    }
    for (unsigned i = 0; i < 8; i++) {
        s->gpr[i] = wide ? t.reg[i] : t.reg[i] | 0xffff0000u;
    }
    s->rip = t.eip;
    cpu->task_committed = true;
    cpu->task_switched = how != TASK_INT && (cpu->tb_flags & TB_TF);
    x86_set_eflags(cpu, t.eflags | 2 | (nested ? FLAG_NT : 0));
    s->dr[7] &= ~UINT64_C(0x55); /* local breakpoints are the old task's */
    debug_rearm(cpu);
    load_task_segments(cpu, &t);
    task_check_eip(cpu);
    cpu->task_committed = false;
    if (t.trap) {
        s->pending_debug |= 0x8000; /* DR6.BT */
    }
    x86_update_modes(cpu);
}
