/*
 * Delivery of interrupts and exceptions in every mode: SDM vol. 3, chapters 6
 * and 20 (virtual-8086), 6.14 (64-bit).
 */
#include "base/log.h"
#include "show.h"
#include "sys.h"

/* An event on its way. */
typedef struct Event {
    X86Cpu *cpu;
    int vector;
    EventKind kind;
    int error;             /* -1: none */
    uint32_t flags;        /* EFLAGS to save */
    Desc gate;
    unsigned size;         /* bytes of a frame's words */
} Event;

/* The error code that faults during delivery carry (6.13): IDT; x86_raise()
 * adds EXT. */
static int idt_error(const Event *e)
{
    return e->vector * 8 + 2;
}

static void idt_fault(const Event *e, int vector) G_GNUC_NORETURN;
static void idt_fault(const Event *e, int vector)
{
    x86_raise(e->cpu, vector, idt_error(e));
}

/* --- real mode ------------------------------------------------------------------- */

static void deliver_real(Event *e)
{
    X86Cpu *cpu = e->cpu;
    X86State *s = &cpu->s;
    if (e->vector * 4u + 3 > s->idt_limit) {
        x86_raise(cpu, EXC_GP, -1);
    }
    uint32_t target = cpu_ld(&cpu->parent, s->idt_base + e->vector * 4, 4,
                             MMU_KERNEL);
    Frame f;
    frame_present(&f, cpu);
    f.mask = 0xffff;
    frame_push(&f, 2, e->flags);
    frame_push(&f, 2, s->seg_sel[SEG_CS]);
    frame_push(&f, 2, s->rip);
    frame_commit(&f);
    frame_set_rsp(&f);
    s->rip = target & 0xffff;
    seg_put_real(cpu, SEG_CS, target >> 16);
    x86_set_eflags(cpu, x86_eflags(cpu) &
                            ~(FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF));
}

/* --- protected mode -------------------------------------------------------------------- */

static void fetch_gate(Event *e, unsigned entry_bytes)
{
    X86Cpu *cpu = e->cpu;
    if (e->vector * entry_bytes + entry_bytes - 1 > cpu->s.idt_limit) {
        idt_fault(e, EXC_GP);
    }
    e->gate.addr = cpu->s.idt_base + e->vector * entry_bytes;
    uint64_t v = cpu_ld(&cpu->parent, e->gate.addr, 8, MMU_KERNEL);
    e->gate.lo = v;
    e->gate.hi = v >> 32;
}

static void check_gate(Event *e, uint32_t types)
{
    if (!desc_is_system(&e->gate) ||
        !(types & (1u << desc_type(&e->gate)))) {
        idt_fault(e, EXC_GP);
    }
    if (e->kind == EVENT_SOFTWARE && desc_dpl(&e->gate) < x86_cpl(e->cpu)) {
        idt_fault(e, EXC_GP);
    }
    if (!(e->gate.hi & DESC_P)) {
        idt_fault(e, EXC_NP);
    }
}

/* The code segment of a gate; the CPL that it will run at. */
static unsigned gate_code(Event *e, uint16_t sel, Desc *code)
{
    X86Cpu *cpu = e->cpu;
    if (!(sel & ~3)) {
        x86_raise(cpu, EXC_GP, 0);
    }
    desc_fetch(cpu, sel, EXC_GP, code);
    if (!desc_is_code(code) || desc_dpl(code) > x86_cpl(cpu)) {
        x86_raise_sel(cpu, EXC_GP, sel);
    }
    if (!(code->hi & DESC_P)) {
        x86_raise_sel(cpu, EXC_NP, sel);
    }
    bool vm = cpu->s.eflags & FLAG_VM;
    unsigned cpl = code->hi & DESC_C ? x86_cpl(cpu) : desc_dpl(code);
    if (vm && cpl != 0) {
        x86_raise_sel(cpu, EXC_GP, sel);
    }
    return cpl;
}

static void push_return(Event *e, Frame *f)
{
    const X86State *s = &e->cpu->s;
    frame_push(f, e->size, e->flags);
    frame_push(f, e->size, s->seg_sel[SEG_CS]);
    frame_push(f, e->size, s->rip);
    if (e->error >= 0) {
        frame_push(f, e->size, e->error);
    }
}

static void clear_flags(Event *e, bool interrupt_gate)
{
    uint32_t flags = x86_eflags(e->cpu) &
                     ~(FLAG_TF | FLAG_NT | FLAG_VM | FLAG_RF);
    x86_set_eflags(e->cpu, interrupt_gate ? flags & ~FLAG_IF : flags);
}

/* From virtual-8086 mode the data segments are saved too, and cleared. */
static void push_vm_segments(Event *e, Frame *f)
{
    static const uint8_t order[] = { SEG_GS, SEG_FS, SEG_DS, SEG_ES };
    for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
        frame_push(f, e->size, e->cpu->s.seg_sel[order[i]]);
    }
}

static void clear_vm_segments(X86Cpu *cpu)
{
    seg_put_null(cpu, SEG_GS, 0);
    seg_put_null(cpu, SEG_FS, 0);
    seg_put_null(cpu, SEG_DS, 0);
    seg_put_null(cpu, SEG_ES, 0);
}

static void enter_inner(Event *e, Desc *code, uint16_t sel, unsigned cpl,
                        uint32_t eip)
{
    X86Cpu *cpu = e->cpu;
    X86State *s = &cpu->s;
    bool vm = s->eflags & FLAG_VM;
    uint16_t ss;
    uint32_t esp;
    Desc stack;
    Frame f;
    tss_stack(cpu, cpl, &ss, &esp);
    ss_check(cpu, ss, cpl, EXC_TS, &stack);
    frame_other(&f, cpu, &stack, esp, cpl);
    f.fault_sel = ss;
    if (vm) {
        push_vm_segments(e, &f);
    }
    frame_push(&f, e->size, s->seg_sel[SEG_SS]);
    frame_push(&f, e->size, s->gpr[X86_RSP]);
    push_return(e, &f);
    frame_commit(&f);
    desc_touch(cpu, &stack);
    desc_touch(cpu, code);
    if (vm) {
        clear_vm_segments(cpu);
    }
    seg_put(cpu, SEG_SS, ss, &stack);
    frame_set_rsp(&f);
    s->gpr[X86_RSP] = (uint32_t)s->gpr[X86_RSP];
    cs_put(cpu, sel, code, cpl);
    s->rip = eip;
}

static void enter_same(Event *e, Desc *code, uint16_t sel, unsigned cpl,
                       uint32_t eip)
{
    X86Cpu *cpu = e->cpu;
    Frame f;
    frame_present(&f, cpu);
    push_return(e, &f);
    frame_commit(&f);
    desc_touch(cpu, code);
    frame_set_rsp(&f);
    cs_put(cpu, sel, code, cpl);
    cpu->s.rip = eip;
}

static void deliver_task(Event *e)
{
    X86Cpu *cpu = e->cpu;
    uint16_t sel = e->gate.lo >> 16;
    Desc d;
    if (sel & 4) {
        x86_raise_sel(cpu, EXC_GP, sel);
    }
    desc_fetch(cpu, sel, EXC_GP, &d);
    cpu->s.eflags |= e->flags & FLAG_RF; /* for the old task's TSS */
    task_switch(cpu, sel, &d, TASK_INT, cpu->s.rip);
    if (e->error >= 0) {
        Frame f;
        cpu->task_committed = true;
        frame_present(&f, cpu);
        frame_push(&f, cpu->s.tr_attr & 0x800 ? 4 : 2, e->error);
        frame_commit(&f);
        frame_set_rsp(&f);
        cpu->task_committed = false;
    }
}

static void deliver_protected(Event *e)
{
    fetch_gate(e, 8);
    check_gate(e, 1u << SYS_TASK_GATE | 1u << SYS_INT16 | 1u << SYS_TRAP16 |
                      1u << SYS_INT32 | 1u << SYS_TRAP32);
    unsigned type = desc_type(&e->gate);
    if (type == SYS_TASK_GATE) {
        deliver_task(e);
        return;
    }
    Desc code;
    bool wide = type & 8;
    uint16_t sel = e->gate.lo >> 16;
    uint32_t eip = (e->gate.lo & 0xffff) | (wide ? e->gate.hi & 0xffff0000 : 0);
    unsigned cpl = gate_code(e, sel, &code);
    e->size = wide ? 4 : 2;
    if (eip > desc_limit(&code)) {
        x86_raise(e->cpu, EXC_GP, 0);
    }
    if (cpl < x86_cpl(e->cpu)) {
        enter_inner(e, &code, sel, cpl, eip);
    } else {
        enter_same(e, &code, sel, cpl, eip);
    }
    clear_flags(e, !(type & 1));
}

/* --- 64-bit mode -------------------------------------------------------------------------- */

static uint64_t long_stack(Event *e, unsigned cpl)
{
    X86Cpu *cpu = e->cpu;
    unsigned ist = e->gate.hi & 7;
    uint64_t sp = cpu->s.gpr[X86_RSP];
    if (ist) {
        sp = tss64_stack(cpu, 6 + ist);
    } else if (cpl < x86_cpl(cpu)) {
        sp = tss64_stack(cpu, cpl);
    }
    return sp & ~UINT64_C(15);
}

static void deliver_long(Event *e)
{
    X86Cpu *cpu = e->cpu;
    X86State *s = &cpu->s;
    Desc code;
    Frame f;
    fetch_gate(e, 16);
    check_gate(e, 1u << SYS_INT32 | 1u << SYS_TRAP32);
    uint64_t high = cpu_ld(&cpu->parent, e->gate.addr + 8, 4, MMU_KERNEL);
    uint64_t rip = (e->gate.lo & 0xffff) | (e->gate.hi & 0xffff0000) |
                   high << 32;
    uint16_t sel = e->gate.lo >> 16;
    unsigned cpl = gate_code(e, sel, &code);
    if (!(code.hi & DESC_L) || (code.hi & DESC_B)) {
        x86_raise_sel(cpu, EXC_GP, sel);
    }
    if (!is_canonical(cpu, rip)) {
        x86_raise(cpu, EXC_GP, 0);
    }
    bool inner = cpl < x86_cpl(cpu);
    frame_64(&f, cpu, long_stack(e, cpl), cpl);
    frame_push(&f, 8, s->seg_sel[SEG_SS]);
    frame_push(&f, 8, s->gpr[X86_RSP]);
    e->size = 8;
    push_return(e, &f);
    frame_commit(&f);
    desc_touch(cpu, &code);
    if (inner) {
        seg_put_null(cpu, SEG_SS, cpl);
    }
    s->gpr[X86_RSP] = f.sp;
    cs_put(cpu, sel, &code, cpl);
    s->rip = rip;
    clear_flags(e, desc_type(&e->gate) == SYS_INT32);
}

/* --- all modes ------------------------------------------------------------------------------ */

static void log_event(const Event *e)
{
    const X86State *s = &e->cpu->s;
    log_printf(LOG_INT, "v=%02x e=%04x i=%d cpl=%u IP=%04x:%016"
               G_GINT64_MODIFIER "x SP=%04x:%016" G_GINT64_MODIFIER
               "x CR2=%016" G_GINT64_MODIFIER "x\n", e->vector,
               e->error < 0 ? 0 : e->error, e->kind == EVENT_SOFTWARE,
               x86_cpl(e->cpu), s->seg_sel[SEG_CS], s->rip,
               s->seg_sel[SEG_SS], s->gpr[X86_RSP], s->cr[2]);
}

/* #DF and #MC are aborts (table 6-1). */
static bool is_fault(const Event *e)
{
    return e->kind == EVENT_EXCEPTION && e->vector != EXC_DF &&
           e->vector != EXC_MC;
}

/* What is to go on within an instruction saves RF set, so that its breakpoint
 * does not hit again: faults, and what comes between two iterations of a
 * string instruction (17.3.1.1). */
static uint32_t saved_flags(const Event *e)
{
    uint32_t flags = x86_eflags(e->cpu);
    return is_fault(e) || e->cpu->s.in_rep ? flags | FLAG_RF : flags;
}

void x86_deliver(X86Cpu *cpu, int vector, EventKind kind, int error)
{
    X86State *s = &cpu->s;
    Event e = { .cpu = cpu, .vector = vector, .kind = kind, .error = error };
    e.flags = saved_flags(&e);
    /* Interrupts and INT n are benign whatever their number (table 6-4). */
    cpu->delivering = kind == EVENT_EXCEPTION ? vector : -1;
    cpu->delivering_ext = kind != EVENT_SOFTWARE;
    cpu->task_switched = false;
    s->in_rep = false;
    s->mwait_any = false;
    s->halted = false; /* whatever becomes of the delivery */
    if (vector == EXC_DB && kind != EVENT_SOFTWARE) {
        s->dr[7] &= ~(uint64_t)DR7_GD; /* 17.2.4 */
        s->debugctl &= ~(uint64_t)DEBUGCTL_BTF; /* 17.4.3 */
    }
    if (log_enabled(LOG_INT)) {
        log_event(&e);
    }
    if (!(s->cr[0] & CR0_PE)) {
        e.flags &= ~FLAG_RF;
        deliver_real(&e);
    } else if (x86_long(cpu)) {
        deliver_long(&e);
    } else {
        deliver_protected(&e);
    }
    cpu->delivering = -1;
    cpu->delivering_ext = false;
    s->irq_shadow = false;
    s->ss_shadow = false;
    x86_update_modes(cpu);
}

/* --- exceptions during exceptions (6.15, interrupt 8) ------------------------------------------ */

static bool contributory(int vector)
{
    return vector == EXC_DE || (vector >= EXC_TS && vector <= EXC_GP);
}

static bool doubles(int first, int second)
{
    return (contributory(first) && contributory(second)) ||
           (first == EXC_PF && (contributory(second) || second == EXC_PF));
}

static void triple_fault(X86Cpu *cpu)
{
    log_printf(LOG_INT | LOG_CPU_RESET, "triple fault\n");
    cpu->delivering = -1;
    cpu->s.shutdown = true;
    runstate_request_reset(cpu->parent.machine, CAUSE_GUEST_RESET);
}

void x86_deliver_exception(Cpu *parent)
{
    X86Cpu *cpu = x86_cpu(parent);
    int first = cpu->delivering;
    int vector = cpu->exc_vector;
    int error = cpu->exc_has_error ? (int)cpu->exc_error : -1;
    cpu->exc_vector = -1;
    cpu->delivering_ext = false;
    cpu->task_committed = false;
    if (vector == EXC_FREEZE) {
        x87_freeze(cpu);
        return;
    }
    if (first == EXC_DF) {
        triple_fault(cpu);
        return;
    }
    if (first >= 0 && doubles(first, vector)) {
        vector = EXC_DF;
        error = 0;
    }
    if (!(cpu->s.cr[0] & CR0_PE)) {
        error = -1;
    }
    x86_deliver(cpu, vector, EVENT_EXCEPTION, error);
}

/* --- from instructions ---------------------------------------------------------------------------- */

uint64_t helper_raise(Cpu *cpu, uint64_t vector)
{
    x86_raise(x86_cpu(cpu), vector, -1);
}

uint64_t helper_raise_gp(Cpu *cpu, uint64_t error)
{
    x86_raise(x86_cpu(cpu), EXC_GP, error);
}

/* True if INT n in virtual-8086 mode goes through the real-mode table: CR4.VME
 * and a clear bit in the TSS's redirection map (20.3.3). */
static bool redirected(X86Cpu *cpu, unsigned vector)
{
    X86State *s = &cpu->s;
    if (!(s->cr[4] & CR4_VME) || !(s->tr_attr & 0x800) ||
        s->tr_limit < 103) {
        return false;
    }
    uint32_t map = cpu_ld(&cpu->parent, s->tr_base + 102, 2, MMU_KERNEL);
    uint32_t at = map - 32 + vector / 8;
    if (map < 32 || at > s->tr_limit) {
        return false;
    }
    uint8_t byte = cpu_ld(&cpu->parent, s->tr_base + at, 1, MMU_KERNEL);
    return !(byte & (1u << (vector & 7)));
}

static void int_redirected(X86Cpu *cpu, unsigned vector, uint64_t next)
{
    X86State *s = &cpu->s;
    uint32_t flags = x86_eflags(cpu);
    uint32_t image = flags;
    unsigned iopl = (flags & FLAG_IOPL) >> FLAG_IOPL_SHIFT;
    if (iopl < 3) {
        image = (flags | FLAG_IOPL) & ~FLAG_IF;
        image |= flags & FLAG_VIF ? FLAG_IF : 0;
    }
    uint32_t target = cpu_ld(&cpu->parent, vector * 4, 4, MMU_USER);
    Frame f;
    frame_present(&f, cpu);
    frame_push(&f, 2, image);
    frame_push(&f, 2, s->seg_sel[SEG_CS]);
    frame_push(&f, 2, next);
    frame_commit(&f);
    frame_set_rsp(&f);
    s->rip = target & 0xffff;
    seg_put_real(cpu, SEG_CS, target >> 16);
    flags &= ~(FLAG_TF | FLAG_NT | (iopl < 3 ? FLAG_VIF : FLAG_IF));
    x86_set_eflags(cpu, flags);
}

/* INT n is what virtual-8086 mode redirects and IOPL forbids; not INT3 and
 * INTO. INT1 counts as a debug exception (vol. 2, INT n): no privilege is
 * asked for. */
uint64_t helper_soft_int(Cpu *parent, uint64_t what, uint64_t next)
{
    X86Cpu *cpu = x86_cpu(parent);
    bool vm = cpu->s.eflags & FLAG_VM;
    unsigned vector = what & 0xff;
    if (vm && (what & SOFT_INT_N)) {
        if (redirected(cpu, vector)) {
            int_redirected(cpu, vector, next);
            return 0;
        }
        if ((cpu->s.eflags & FLAG_IOPL) != FLAG_IOPL) {
            x86_raise(cpu, EXC_GP, 0);
        }
    }
    /* A fault on the way must show the INT itself, which cpu_raise() sees to:
     * rip is put back to the instruction's start. */
    cpu->s.rip = next;
    bool int1 = vector == EXC_DB && !(what & SOFT_INT_N);
    x86_deliver(cpu, vector, int1 ? EVENT_TRAP : EVENT_SOFTWARE, -1);
    return 0;
}

/* With DEBUGCTL.BTF only branches are stepped; what switches tasks is not
 * stepped at all (17.4.3). */
uint64_t helper_single_step(Cpu *parent, uint64_t branched)
{
    X86Cpu *cpu = x86_cpu(parent);
    bool wanted = branched || !(cpu->s.debugctl & DEBUGCTL_BTF);
    if (wanted && !cpu->task_switched) {
        cpu->s.pending_debug |= 0x4000; /* DR6.BS */
    }
    cpu->task_switched = false;
    return 0;
}

uint64_t helper_rep_between(Cpu *parent, uint64_t again)
{
    x86_cpu(parent)->s.in_rep = again != 0;
    return 0;
}

uint64_t helper_set_shadow(Cpu *parent)
{
    X86Cpu *cpu = x86_cpu(parent);
    cpu->s.irq_shadow = true;
    cpu->s.ss_shadow = true;
    x86_update_modes(cpu);
    return 0;
}

/* An instruction breakpoint hits a repeated instruction once, not each
 * iteration. */
uint64_t helper_end_shadow_rep(Cpu *parent, uint64_t again)
{
    X86Cpu *cpu = x86_cpu(parent);
    cpu->s.irq_shadow = false;
    cpu->s.ss_shadow = false;
    if (!again) {
        cpu->s.eflags &= ~(uint64_t)FLAG_RF;
    }
    x86_update_modes(cpu);
    return 0;
}

uint64_t helper_end_shadow(Cpu *parent)
{
    return helper_end_shadow_rep(parent, 0);
}
