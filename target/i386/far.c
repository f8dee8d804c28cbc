/*
 * Far jumps, calls and returns, IRET, and the fast system calls: SDM vol. 2,
 * JMP, CALL, RET, IRET, SYSCALL, SYSENTER and their returns; vol. 3, 5.8.
 */
#include "sys.h"


/* The offset must lie in the code segment (or be canonical). */
static void check_offset(X86Cpu *cpu, const Desc *code, uint64_t offset)
{
    bool l = x86_long(cpu) && (code->hi & DESC_L);
    bool bad = l ? !is_canonical(cpu, offset)
                 : offset > desc_limit(code);
    if (bad) {
        x86_raise(cpu, EXC_GP, 0);
    }
}

static void check_present(X86Cpu *cpu, uint16_t sel, const Desc *d)
{
    if (!(d->hi & DESC_P)) {
        x86_raise_sel(cpu, EXC_NP, sel);
    }
    if (x86_long(cpu) && (d->hi & DESC_L) && (d->hi & DESC_B)) {
        x86_raise_sel(cpu, EXC_GP, sel);
    }
}

/* A direct transfer to a code segment of the same privilege. */
static void check_direct(X86Cpu *cpu, uint16_t sel, const Desc *d)
{
    unsigned cpl = x86_cpl(cpu);
    bool ok = d->hi & DESC_C ? desc_dpl(d) <= cpl
                             : desc_dpl(d) == cpl && (sel & 3u) <= cpl;
    if (!ok) {
        x86_raise_sel(cpu, EXC_GP, sel);
    }
    check_present(cpu, sel, d);
}

static void fetch_target(X86Cpu *cpu, uint16_t sel, Desc *d)
{
    if (!(sel & ~3)) {
        x86_raise(cpu, EXC_GP, 0);
    }
    desc_fetch(cpu, sel, EXC_GP, d);
}

/* --- gates --------------------------------------------------------------------------- */

typedef struct CallGate {
    uint16_t sel;
    uint64_t offset;
    unsigned size;         /* of pushed words */
    unsigned params;
    Desc code;
} CallGate;

static void check_gate_privilege(X86Cpu *cpu, uint16_t sel, const Desc *d)
{
    if (desc_dpl(d) < x86_cpl(cpu) || desc_dpl(d) < (sel & 3u)) {
        x86_raise_sel(cpu, EXC_GP, sel);
    }
    if (!(d->hi & DESC_P)) {
        x86_raise_sel(cpu, EXC_NP, sel);
    }
}

static void read_gate(X86Cpu *cpu, uint16_t sel, const Desc *d, CallGate *g)
{
    bool wide = desc_type(d) == SYS_CALL32;
    check_gate_privilege(cpu, sel, d);
    g->sel = d->lo >> 16;
    g->offset = (d->lo & 0xffff) | (wide ? d->hi & 0xffff0000 : 0);
    g->size = wide ? 4 : 2;
    g->params = d->hi & 31;
    if (x86_long(cpu)) {
        g->offset |= cpu_ld(&cpu->parent, d->addr + 8, 4, MMU_KERNEL) << 32;
        g->size = 8;
        g->params = 0;
    }
    fetch_target(cpu, g->sel, &g->code);
    if (!desc_is_code(&g->code) || desc_dpl(&g->code) > x86_cpl(cpu)) {
        x86_raise_sel(cpu, EXC_GP, g->sel);
    }
    bool l = g->code.hi & DESC_L;
    if (x86_long(cpu) && (!l || (g->code.hi & DESC_B))) {
        x86_raise_sel(cpu, EXC_GP, g->sel);
    }
    check_present(cpu, g->sel, &g->code);
    check_offset(cpu, &g->code, g->offset);
}

static bool is_call_gate(X86Cpu *cpu, const Desc *d)
{
    return desc_type(d) == SYS_CALL32 ||
           (desc_type(d) == SYS_CALL16 && !x86_long(cpu));
}

static void jump_task(X86Cpu *cpu, uint16_t sel, Desc *d, TaskSource how,
                      uint64_t next)
{
    check_gate_privilege(cpu, sel, d);
    if (desc_type(d) == SYS_TASK_GATE) {
        sel = d->lo >> 16;
        if (sel & 4) {
            x86_raise_sel(cpu, EXC_GP, sel);
        }
        desc_fetch(cpu, sel, EXC_GP, d);
    }
    task_switch(cpu, sel, d, how, next);
}

static bool is_task(X86Cpu *cpu, const Desc *d)
{
    unsigned t = desc_type(d);
    return !x86_long(cpu) && (t == SYS_TASK_GATE || t == SYS_TSS16 ||
                              t == SYS_TSS32 || t == SYS_TSS16_BUSY ||
                              t == SYS_TSS32_BUSY);
}

/* --- JMP ------------------------------------------------------------------------------- */

static void jump_system(X86Cpu *cpu, uint16_t sel, Desc *d, uint64_t next)
{
    if (is_task(cpu, d)) {
        jump_task(cpu, sel, d, TASK_JMP, next);
        return;
    }
    if (!is_call_gate(cpu, d)) {
        x86_raise_sel(cpu, EXC_GP, sel);
    }
    CallGate g;
    read_gate(cpu, sel, d, &g);
    if (!(g.code.hi & DESC_C) && desc_dpl(&g.code) != x86_cpl(cpu)) {
        x86_raise_sel(cpu, EXC_GP, g.sel);
    }
    desc_touch(cpu, &g.code);
    cs_put(cpu, g.sel, &g.code, x86_cpl(cpu));
    cpu->s.rip = g.offset;
}

uint64_t helper_ljmp(Cpu *parent, uint64_t sel, uint64_t offset, uint64_t size,
                     uint64_t next)
{
    X86Cpu *cpu = x86_cpu(parent);
    Desc d;
    if (x86_real_or_vm(cpu)) {
        if (offset > cpu->s.seg_limit[SEG_CS]) {
            x86_raise(cpu, EXC_GP, 0);
        }
        seg_put_real(cpu, SEG_CS, sel);
        cpu->s.rip = offset;
        x86_update_modes(cpu);
        return 0;
    }
    fetch_target(cpu, sel, &d);
    if (desc_is_system(&d)) {
        jump_system(cpu, sel, &d, next);
    } else {
        if (!desc_is_code(&d)) {
            x86_raise_sel(cpu, EXC_GP, sel);
        }
        check_direct(cpu, sel, &d);
        check_offset(cpu, &d, offset);
        desc_touch(cpu, &d);
        cs_put(cpu, sel, &d, x86_cpl(cpu));
        cpu->s.rip = offset;
    }
    x86_update_modes(cpu);
    return 0;
}

/* --- CALL -------------------------------------------------------------------------------- */

static void call_same(X86Cpu *cpu, uint16_t sel, Desc *d, uint64_t offset,
                      unsigned size, uint64_t next)
{
    Frame f;
    frame_present(&f, cpu);
    frame_push(&f, size, cpu->s.seg_sel[SEG_CS]);
    frame_push(&f, size, next);
    frame_commit(&f);
    desc_touch(cpu, d);
    frame_set_rsp(&f);
    cs_put(cpu, sel, d, x86_cpl(cpu));
    cpu->s.rip = offset;
}

static void call_inner_long(X86Cpu *cpu, CallGate *g, uint64_t next)
{
    X86State *s = &cpu->s;
    unsigned cpl = desc_dpl(&g->code);
    Frame f;
    frame_64(&f, cpu, tss64_stack(cpu, cpl), cpl);
    frame_push(&f, 8, s->seg_sel[SEG_SS]);
    frame_push(&f, 8, s->gpr[X86_RSP]);
    frame_push(&f, 8, s->seg_sel[SEG_CS]);
    frame_push(&f, 8, next);
    frame_commit(&f);
    desc_touch(cpu, &g->code);
    seg_put_null(cpu, SEG_SS, cpl);
    s->gpr[X86_RSP] = f.sp;
    cs_put(cpu, g->sel, &g->code, cpl);
    s->rip = g->offset;
}

/* To an inner level: a new stack, with the parameters copied over. */
static void call_inner(X86Cpu *cpu, CallGate *g, uint64_t next)
{
    X86State *s = &cpu->s;
    unsigned cpl = desc_dpl(&g->code);
    uint16_t ss;
    uint32_t esp;
    uint32_t param[32];
    Desc stack;
    Frame old, f;
    tss_stack(cpu, cpl, &ss, &esp);
    ss_check(cpu, ss, cpl, EXC_TS, &stack);
    frame_present(&old, cpu);
    for (unsigned i = 0; i < g->params; i++) {
        param[i] = frame_pop(&old, g->size);
    }
    frame_other(&f, cpu, &stack, esp, cpl);
    f.fault_sel = ss;
    frame_push(&f, g->size, s->seg_sel[SEG_SS]);
    frame_push(&f, g->size, s->gpr[X86_RSP]);
    for (unsigned i = g->params; i-- > 0;) {
        frame_push(&f, g->size, param[i]);
    }
    frame_push(&f, g->size, s->seg_sel[SEG_CS]);
    frame_push(&f, g->size, next);
    frame_commit(&f);
    desc_touch(cpu, &stack);
    desc_touch(cpu, &g->code);
    seg_put(cpu, SEG_SS, ss, &stack);
    s->gpr[X86_RSP] = (uint32_t)s->gpr[X86_RSP];
    frame_set_rsp(&f);
    cs_put(cpu, g->sel, &g->code, cpl);
    s->rip = g->offset;
}

static void call_system(X86Cpu *cpu, uint16_t sel, Desc *d, uint64_t next)
{
    if (is_task(cpu, d)) {
        jump_task(cpu, sel, d, TASK_CALL, next);
        return;
    }
    if (!is_call_gate(cpu, d)) {
        x86_raise_sel(cpu, EXC_GP, sel);
    }
    CallGate g;
    read_gate(cpu, sel, d, &g);
    bool inner = !(g.code.hi & DESC_C) && desc_dpl(&g.code) < x86_cpl(cpu);
    if (!inner) {
        call_same(cpu, g.sel, &g.code, g.offset, g.size, next);
    } else if (x86_long(cpu)) {
        call_inner_long(cpu, &g, next);
    } else {
        call_inner(cpu, &g, next);
    }
}

static void call_real(X86Cpu *cpu, uint16_t sel, uint64_t offset,
                      unsigned size, uint64_t next)
{
    Frame f;
    frame_present(&f, cpu);
    frame_push(&f, size, cpu->s.seg_sel[SEG_CS]);
    frame_push(&f, size, next);
    if (offset > cpu->s.seg_limit[SEG_CS]) {
        x86_raise(cpu, EXC_GP, 0);
    }
    frame_commit(&f);
    frame_set_rsp(&f);
    seg_put_real(cpu, SEG_CS, sel);
    cpu->s.rip = offset;
}

uint64_t helper_lcall(Cpu *parent, uint64_t sel, uint64_t offset,
                      uint64_t size, uint64_t next)
{
    X86Cpu *cpu = x86_cpu(parent);
    Desc d;
    if (x86_real_or_vm(cpu)) {
        call_real(cpu, sel, offset, size, next);
        x86_update_modes(cpu);
        return 0;
    }
    fetch_target(cpu, sel, &d);
    if (desc_is_system(&d)) {
        call_system(cpu, sel, &d, next);
    } else {
        if (!desc_is_code(&d)) {
            x86_raise_sel(cpu, EXC_GP, sel);
        }
        check_direct(cpu, sel, &d);
        check_offset(cpu, &d, offset);
        call_same(cpu, sel, &d, offset, size, next);
    }
    x86_update_modes(cpu);
    return 0;
}

/* --- RET and IRET ----------------------------------------------------------------------------- */

typedef struct Return {
    Frame f;
    unsigned size;
    uint64_t rip, sel, flags, rsp, ss;
    Desc code, stack;
    unsigned cpl;          /* of where it goes */
    uint64_t release;      /* RET n */
    bool iret;
} Return;

static void return_code(X86Cpu *cpu, Return *r)
{
    fetch_target(cpu, r->sel, &r->code);
    r->cpl = r->sel & 3;
    if (!desc_is_code(&r->code) || r->cpl < x86_cpl(cpu)) {
        x86_raise_sel(cpu, EXC_GP, r->sel);
    }
    bool ok = r->code.hi & DESC_C ? desc_dpl(&r->code) <= r->cpl
                                  : desc_dpl(&r->code) == r->cpl;
    if (!ok) {
        x86_raise_sel(cpu, EXC_GP, r->sel);
    }
    check_present(cpu, r->sel, &r->code);
    check_offset(cpu, &r->code, r->rip);
}

static bool null_stack_allowed(X86Cpu *cpu, const Return *r)
{
    return x86_long(cpu) && (r->code.hi & DESC_L) && r->cpl < 3 &&
           (r->ss & 3) == r->cpl;
}

/* SS:RSP from the frame: always for IRET in 64-bit mode, else on a change of
 * privilege. */
static void return_stack(X86Cpu *cpu, Return *r)
{
    r->rsp = frame_pop(&r->f, r->size);
    r->ss = frame_pop(&r->f, r->size) & 0xffff;
    if (!(r->ss & ~(uint64_t)3)) {
        if (!null_stack_allowed(cpu, r)) {
            x86_raise(cpu, EXC_GP, 0);
        }
        return;
    }
    ss_check(cpu, r->ss, r->cpl, EXC_GP, &r->stack);
}

static void load_stack(X86Cpu *cpu, Return *r)
{
    X86State *s = &cpu->s;
    if (r->ss & ~(uint64_t)3) {
        desc_touch(cpu, &r->stack);
        seg_put(cpu, SEG_SS, r->ss, &r->stack);
    } else {
        seg_put_null(cpu, SEG_SS, r->ss);
    }
    bool l = x86_long(cpu) && (r->code.hi & DESC_L);
    uint64_t rsp = r->rsp + r->release;
    if (l) {
        s->gpr[X86_RSP] = rsp;
    } else if (s->seg_attr[SEG_SS] & DESC_B) {
        s->gpr[X86_RSP] = (uint32_t)rsp;
    } else {
        s->gpr[X86_RSP] = (s->gpr[X86_RSP] & ~UINT64_C(0xffff)) |
                          (rsp & 0xffff);
    }
}

/* Which EFLAGS bits a return may change (vol. 2, IRET). */
static void return_flags(X86Cpu *cpu, const Return *r, unsigned old_cpl)
{
    uint32_t mask = FLAG_ARITH | FLAG_TF | FLAG_DF | FLAG_NT;
    uint32_t old = x86_eflags(cpu);
    unsigned iopl = (old & FLAG_IOPL) >> FLAG_IOPL_SHIFT;
    if (r->size > 2) {
        mask |= FLAG_RF | FLAG_AC | FLAG_ID;
    }
    if (old_cpl <= iopl) {
        mask |= FLAG_IF;
    }
    if (old_cpl == 0) {
        mask |= FLAG_IOPL;
        mask |= r->size > 2 ? FLAG_VIF | FLAG_VIP : 0;
    }
    x86_set_eflags(cpu, (old & ~mask) | (r->flags & mask));
}

static void finish_return(X86Cpu *cpu, Return *r, bool stack)
{
    unsigned old_cpl = x86_cpl(cpu);
    desc_touch(cpu, &r->code);
    if (stack) {
        load_stack(cpu, r);
    } else {
        r->f.sp = (r->f.sp & ~r->f.mask) |
                  ((r->f.sp + r->release) & r->f.mask);
        frame_set_rsp(&r->f);
    }
    cs_put(cpu, r->sel, &r->code, r->cpl);
    cpu->s.rip = r->rip;
    if (r->iret) {
        return_flags(cpu, r, old_cpl);
    }
    if (r->cpl > old_cpl) {
        segs_drop_privileged(cpu);
    }
    x86_update_modes(cpu);
}

static void return_real(X86Cpu *cpu, Return *r)
{
    if (r->rip > cpu->s.seg_limit[SEG_CS]) {
        x86_raise(cpu, EXC_GP, 0);
    }
    r->f.sp = (r->f.sp & ~r->f.mask) | ((r->f.sp + r->release) & r->f.mask);
    frame_set_rsp(&r->f);
    seg_put_real(cpu, SEG_CS, r->sel);
    cpu->s.rip = r->rip;
}

uint64_t helper_lret(Cpu *parent, uint64_t size, uint64_t release)
{
    X86Cpu *cpu = x86_cpu(parent);
    Return r = { .size = size, .release = release };
    frame_present(&r.f, cpu);
    r.rip = frame_pop(&r.f, size);
    r.sel = frame_pop(&r.f, size) & 0xffff;
    if (x86_real_or_vm(cpu)) {
        return_real(cpu, &r);
        x86_update_modes(cpu);
        return 0;
    }
    return_code(cpu, &r);
    bool outer = r.cpl > x86_cpl(cpu);
    if (outer) {
        r.f.sp = (r.f.sp & ~r.f.mask) | ((r.f.sp + release) & r.f.mask);
        return_stack(cpu, &r);
    }
    finish_return(cpu, &r, outer);
    return 0;
}

/* --- IRET by mode --------------------------------------------------------------------------------- */

static void iret_real(X86Cpu *cpu, Return *r)
{
    uint32_t mask = FLAG_ARITH | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL |
                    FLAG_NT;
    if (r->size == 4) {
        mask |= FLAG_RF | FLAG_AC | FLAG_ID;
    }
    return_real(cpu, r);
    x86_set_eflags(cpu, (x86_eflags(cpu) & ~mask) | (r->flags & mask));
}

/* In virtual-8086 mode (20.2.7, and 20.3 with VME). */
static void iret_vm(X86Cpu *cpu, Return *r)
{
    uint32_t old = x86_eflags(cpu);
    uint32_t mask = FLAG_ARITH | FLAG_TF | FLAG_DF | FLAG_NT;
    bool trusted = (old & FLAG_IOPL) == FLAG_IOPL;
    bool vme = cpu->s.cr[4] & CR4_VME;
    if (trusted) {
        mask |= FLAG_IF | (r->size == 4 ? FLAG_RF | FLAG_AC | FLAG_ID : 0);
    } else if (!vme || r->size == 4 || (r->flags & FLAG_TF) ||
               ((r->flags & FLAG_IF) && (old & FLAG_VIP))) {
        x86_raise(cpu, EXC_GP, 0);
    }
    return_real(cpu, r);
    uint32_t flags = (old & ~mask) | (r->flags & mask);
    if (!trusted) {
        flags = (flags & ~FLAG_VIF) | (r->flags & FLAG_IF ? FLAG_VIF : 0);
    }
    x86_set_eflags(cpu, flags);
}

/* From CPL 0 back into virtual-8086 mode. */
static void iret_to_vm(X86Cpu *cpu, Return *r)
{
    static const uint8_t order[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };
    X86State *s = &cpu->s;
    uint16_t sel[4];
    uint32_t esp = frame_pop(&r->f, 4);
    uint16_t ss = frame_pop(&r->f, 4);
    for (int i = 0; i < 4; i++) {
        sel[i] = frame_pop(&r->f, 4);
    }
    uint32_t mask = FLAG_ARITH | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL |
                    FLAG_NT | FLAG_RF | FLAG_VM | FLAG_AC | FLAG_VIF |
                    FLAG_VIP | FLAG_ID;
    x86_set_eflags(cpu, (x86_eflags(cpu) & ~mask) | (r->flags & mask));
    for (int i = 0; i < 4; i++) {
        seg_put_real(cpu, order[i], sel[i]);
    }
    seg_put_real(cpu, SEG_SS, ss);
    seg_put_real(cpu, SEG_CS, r->sel);
    s->gpr[X86_RSP] = esp;
    s->rip = r->rip & 0xffff;
}

static void iret_task(X86Cpu *cpu, uint64_t next)
{
    X86State *s = &cpu->s;
    Desc d;
    if (x86_long(cpu)) {
        x86_raise(cpu, EXC_GP, 0);
    }
    uint16_t link = cpu_ld(&cpu->parent, s->tr_base, 2, MMU_KERNEL);
    if (link & 4) {
        x86_raise_sel(cpu, EXC_TS, link);
    }
    desc_fetch(cpu, link, EXC_TS, &d);
    task_switch(cpu, link, &d, TASK_IRET, next);
}

static void iret_protected(X86Cpu *cpu, Return *r)
{
    if (!x86_long(cpu) && (r->flags & FLAG_VM) && r->size == 4 &&
        x86_cpl(cpu) == 0) {
        iret_to_vm(cpu, r);
        return;
    }
    return_code(cpu, r);
    bool stack = x86_code64(cpu) || r->cpl > x86_cpl(cpu);
    if (stack) {
        return_stack(cpu, r);
    }
    finish_return(cpu, r, stack);
}

uint64_t helper_iret(Cpu *parent, uint64_t size, uint64_t next)
{
    X86Cpu *cpu = x86_cpu(parent);
    X86State *s = &cpu->s;
    Return r = { .size = size, .iret = true };
    bool protected = !x86_real_or_vm(cpu);
    if (protected && (s->eflags & FLAG_NT)) {
        iret_task(cpu, next);
        s->nmi_blocked = false;
        x86_update_modes(cpu);
        return 0;
    }
    frame_present(&r.f, cpu);
    r.rip = frame_pop(&r.f, size);
    r.sel = frame_pop(&r.f, size) & 0xffff;
    r.flags = frame_pop(&r.f, size);
    if (protected) {
        iret_protected(cpu, &r);
    } else if (s->eflags & FLAG_VM) {
        iret_vm(cpu, &r);
    } else {
        iret_real(cpu, &r);
    }
    s->nmi_blocked = false;
    x86_update_modes(cpu);
    return 0;
}

/* --- SYSCALL, SYSENTER and back ------------------------------------------------------------------------ */

static void flat_cs(X86Cpu *cpu, uint16_t sel, unsigned cpl, bool l)
{
    X86State *s = &cpu->s;
    s->seg_sel[SEG_CS] = (sel & ~3) | cpl;
    s->seg_base[SEG_CS] = 0;
    s->seg_limit[SEG_CS] = UINT32_MAX;
    s->seg_attr[SEG_CS] = DESC_G | DESC_P | DESC_S | DESC_CODE | DESC_R |
                          DESC_A | (l ? DESC_L : DESC_B) |
                          cpl << DESC_DPL_SHIFT;
}

static void flat_ss(X86Cpu *cpu, uint16_t sel, unsigned cpl)
{
    X86State *s = &cpu->s;
    s->seg_sel[SEG_SS] = (sel & ~3) | cpl;
    s->seg_base[SEG_SS] = 0;
    s->seg_limit[SEG_SS] = UINT32_MAX;
    s->seg_attr[SEG_SS] = DESC_G | DESC_B | DESC_P | DESC_S | DESC_W | DESC_A |
                          cpl << DESC_DPL_SHIFT;
}

/* SYSCALL and SYSRET: TF counts as it is afterwards. So nobody steps into a
 * handler whose FMASK clears it, and a SYSRET that sets it traps before the
 * first instruction of its caller. */
static void step_after(X86Cpu *cpu)
{
    if (cpu->s.eflags & FLAG_TF) {
        helper_single_step(&cpu->parent, true);
    }
}

uint64_t helper_syscall(Cpu *parent, uint64_t next)
{
    X86Cpu *cpu = x86_cpu(parent);
    X86State *s = &cpu->s;
    if (!(s->efer & EFER_SCE)) {
        x86_raise(cpu, EXC_UD, -1);
    }
    uint16_t sel = s->star >> 32;
    uint32_t flags = x86_eflags(cpu);
    bool code64 = x86_code64(cpu);
    s->gpr[X86_RCX] = code64 ? next : (uint32_t)next;
    if (x86_long(cpu)) {
        s->gpr[X86_R11] = flags & ~FLAG_RF;
        flags &= ~(s->fmask | FLAG_RF);
        s->rip = code64 ? s->lstar : s->cstar;
    } else {
        flags &= ~(FLAG_VM | FLAG_IF | FLAG_RF);
        s->rip = (uint32_t)s->star;
    }
    flat_cs(cpu, sel & 0xfffc, 0, x86_long(cpu));
    flat_ss(cpu, (sel & 0xfffc) + 8, 0);
    x86_set_eflags(cpu, flags);
    step_after(cpu);
    return 0;
}

uint64_t helper_sysret(Cpu *parent, uint64_t size)
{
    X86Cpu *cpu = x86_cpu(parent);
    X86State *s = &cpu->s;
    if (!(s->efer & EFER_SCE)) {
        x86_raise(cpu, EXC_UD, -1);
    }
    if (x86_cpl(cpu) || !(s->cr[0] & CR0_PE)) {
        x86_raise(cpu, EXC_GP, 0);
    }
    uint16_t sel = s->star >> 48;
    bool to64 = size == 8;
    uint64_t rcx = s->gpr[X86_RCX];
    if (to64 && !is_canonical(cpu, rcx)) {
        x86_raise(cpu, EXC_GP, 0);
    }
    uint32_t flags = x86_long(cpu)
        ? (s->gpr[X86_R11] & 0x3c7fd7) | 2 : x86_eflags(cpu) | FLAG_IF;
    s->rip = to64 ? rcx : (uint32_t)rcx;
    flat_cs(cpu, sel + (to64 ? 16 : 0), 3, to64);
    flat_ss(cpu, sel + 8, 3);
    x86_set_eflags(cpu, flags);
    step_after(cpu);
    return 0;
}

uint64_t helper_sysenter(Cpu *parent)
{
    X86Cpu *cpu = x86_cpu(parent);
    X86State *s = &cpu->s;
    if (!(s->cr[0] & CR0_PE) || !(s->sysenter_cs & 0xfffc)) {
        x86_raise(cpu, EXC_GP, 0);
    }
    bool l = x86_long(cpu);
    s->gpr[X86_RSP] = l ? s->sysenter_esp : (uint32_t)s->sysenter_esp;
    s->rip = l ? s->sysenter_eip : (uint32_t)s->sysenter_eip;
    flat_cs(cpu, s->sysenter_cs, 0, l);
    flat_ss(cpu, (s->sysenter_cs & 0xfffc) + 8, 0);
    x86_set_eflags(cpu, x86_eflags(cpu) & ~(FLAG_VM | FLAG_IF | FLAG_RF));
    return 0;
}

uint64_t helper_sysexit(Cpu *parent, uint64_t size)
{
    X86Cpu *cpu = x86_cpu(parent);
    X86State *s = &cpu->s;
    uint16_t sel = s->sysenter_cs & 0xfffc;
    bool to64 = size == 8;
    if (!sel || !(s->cr[0] & CR0_PE) || x86_cpl(cpu)) {
        x86_raise(cpu, EXC_GP, 0);
    }
    if (to64 && !(is_canonical(cpu, s->gpr[X86_RCX]) &&
                  is_canonical(cpu, s->gpr[X86_RDX]))) {
        x86_raise(cpu, EXC_GP, 0);
    }
    s->rip = to64 ? s->gpr[X86_RDX] : (uint32_t)s->gpr[X86_RDX];
    s->gpr[X86_RSP] = to64 ? s->gpr[X86_RCX] : (uint32_t)s->gpr[X86_RCX];
    flat_cs(cpu, sel + (to64 ? 32 : 16), 3, to64);
    flat_ss(cpu, sel + (to64 ? 40 : 24), 3);
    x86_update_modes(cpu);
    return 0;
}
