/*
 * Exceptions: what is taken, where it goes, and the way back (Arm ARM, D1.3).
 */
#include <inttypes.h>

#include "base/bits.h"
#include "base/log.h"
#include "sysreg.h"

/* DAIF, from bit 3 down. */
enum { MASK_F = 1, MASK_I = 2, MASK_A = 4, MASK_D = 8 };

/* SPSR_EL1 */
#define SPSR_SS  BIT(21)
#define SPSR_IL  BIT(20)
#define SPSR_PAN BIT(22)

/* --- PSTATE --------------------------------------------------------------- */

uint64_t arm_pstate(ArmCpu *cpu)
{
    const ArmState *s = &cpu->s;
    return arm_nzcv(cpu) | (s->pan ? SPSR_PAN : 0) | (s->ss ? SPSR_SS : 0) |
           (s->il ? SPSR_IL : 0) | s->daif << 6 | s->el << 2 |
           (s->el ? s->spsel : 0);
}

/* An illegal return (D1.3.4): to a level or a state that is not there. */
static bool is_illegal(const ArmState *s, uint64_t spsr)
{
    unsigned el = spsr >> 2 & 3;
    return (spsr & BIT(4)) || (spsr & 2) || el > s->el ||
           (el == 0 && (spsr & 1));
}

void arm_set_pstate(ArmCpu *cpu, uint64_t spsr)
{
    ArmState *s = &cpu->s;
    bool illegal = is_illegal(s, spsr);
    unsigned el = illegal ? s->el : spsr >> 2 & 3;
    arm_set_nzcv(cpu, spsr);
    s->daif = spsr >> 6 & 15;
    s->il = illegal || (spsr & SPSR_IL);
    s->pan = spsr & SPSR_PAN;
    s->ss = (s->mdscr & MDSCR_SS) && (spsr & SPSR_SS);
    if (!illegal) {
        arm_switch_sp(cpu, el, el ? spsr & 1 : false);
    }
    arm_update_modes(cpu);
}

void arm_switch_sp(ArmCpu *cpu, unsigned el, bool spsel)
{
    ArmState *s = &cpu->s;
    s->sp_el[s->el && s->spsel] = s->sp;
    s->el = el;
    s->spsel = spsel;
    s->sp = s->sp_el[el && spsel];
}

/* --- raising -------------------------------------------------------------- */

void arm_raise(ArmCpu *cpu, uint32_t ec, uint32_t iss)
{
    cpu->fault = (ArmFault){ .ec = ec, .iss = iss };
    cpu_raise(&cpu->parent);
}

void arm_raise_undefined(ArmCpu *cpu)
{
    arm_raise(cpu, EC_UNKNOWN, 0);
}

uint64_t helper_raise(Cpu *parent, uint64_t ec, uint64_t iss)
{
    arm_raise(arm_cpu(parent), ec, iss);
}

/* --- taking --------------------------------------------------------------- */

/* Classes that say whether the exception came from a lower level. */
static uint32_t class_from(uint32_t ec, unsigned el)
{
    bool same = el == 1;
    switch (ec) {
    case EC_FETCH_LOWER:
    case EC_DATA_LOWER:
    case EC_STEP_LOWER:
        return ec + same;
    default:
        return ec;
    }
}

enum { VECTOR_SYNC = 0, VECTOR_IRQ = 0x80, VECTOR_FIQ = 0x100 };

/* To EL1 by the vector `kind`; elr: where it came from. */
static void take(ArmCpu *cpu, unsigned kind, uint64_t elr)
{
    ArmState *s = &cpu->s;
    unsigned from = s->el == 0 ? 0x400 : s->spsel ? 0x200 : 0;
    s->spsr = arm_pstate(cpu);
    s->elr = elr;
    arm_switch_sp(cpu, 1, true);
    s->daif = MASK_D | MASK_A | MASK_I | MASK_F;
    s->il = s->ss = false;
    if (arm_has_pan(cpu) && !(s->sctlr & SCTLR_SPAN)) {
        s->pan = true;
    }
    s->pc = s->vbar + from + kind;
    s->exclusive = false;
    arm_update_modes(cpu);
}

/* Behind an instruction that asks for the exception, at it otherwise. */
static uint64_t return_address(const ArmCpu *cpu)
{
    uint32_t ec = cpu->fault.ec;
    bool behind = ec == EC_SVC || ec == EC_HVC || ec == EC_SMC;
    return cpu->s.pc + (behind ? 4 : 0);
}

void arm_deliver_exception(Cpu *parent)
{
    ArmCpu *cpu = arm_cpu(parent);
    ArmState *s = &cpu->s;
    const ArmFault *f = &cpu->fault;
    uint32_t ec = class_from(f->ec, s->el);
    s->esr = (uint64_t)ec << 26 | BIT(25) | f->iss;
    if (f->has_far) {
        s->far = f->far;
    } else if (f->ec == EC_PC_ALIGN) {
        s->far = s->pc;
    }
    log_printf(LOG_INT, "exception %#x at %#" PRIx64 ", iss %#x, far %#"
               PRIx64 "\n", ec, s->pc, f->iss, s->far);
    take(cpu, VECTOR_SYNC, return_address(cpu));
    cpu->fault.ec = EC_NONE;
}

/* --- interrupts ----------------------------------------------------------- */

bool arm_has_work(Cpu *parent)
{
    const ArmState *s = &arm_cpu(parent)->s;
    return !s->off && (s->irq || s->fiq);
}

/* WFI ends with an interrupt, masked or not (D1.6). */
bool arm_halted(Cpu *parent)
{
    const ArmState *s = &arm_cpu(parent)->s;
    return s->off || (s->halted && !arm_has_work(parent));
}

bool arm_interrupt(Cpu *parent)
{
    ArmCpu *cpu = arm_cpu(parent);
    ArmState *s = &cpu->s;
    if (s->off) {
        return false;
    }
    if (s->halted && (s->irq || s->fiq)) {
        s->halted = false;
    }
    if (s->fiq && !(s->daif & MASK_F)) {
        take(cpu, VECTOR_FIQ, s->pc);
        return true;
    }
    if (s->irq && !(s->daif & MASK_I)) {
        take(cpu, VECTOR_IRQ, s->pc);
        return true;
    }
    return false;
}

/* --- and back ------------------------------------------------------------- */

uint64_t helper_eret(Cpu *parent)
{
    ArmCpu *cpu = arm_cpu(parent);
    ArmState *s = &cpu->s;
    uint64_t to = s->elr;
    arm_set_pstate(cpu, s->spsr);
    s->exclusive = false;
    s->pc = to;
    return 0;
}

/* --- software step (D2.12): the step is spent ----------------------------- */

uint64_t helper_step_over(Cpu *parent)
{
    ArmCpu *cpu = arm_cpu(parent);
    cpu->s.ss = false;
    arm_update_modes(cpu);
    return 0;
}
