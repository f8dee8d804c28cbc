/*
 * The x87's exceptions: flags, masks, #MF and FERR# (SDM vol. 1, 8.4 to 8.7),
 * and what it remembers of the last instruction (8.1.8).
 */
#include "x87.h"

#include "cpuid.h"

void x87_sync(X86Cpu *cpu)
{
    cpu->s.fsw = (cpu->s.fsw & ~FSW_C1) | (cpu->parent.fp80.flags & FSW_FP80);
}

static void keep_flags(X86Cpu *cpu)
{
    cpu->parent.fp80.flags = cpu->s.fsw & FSW_FP80;
}

void x87_rewire(X86Cpu *cpu)
{
    cpu->parent.fp80 = sf_env_x87(cpu->s.fcw | SF_ALL);
    keep_flags(cpu);
}

void x87_pending(X86Cpu *cpu)
{
    if (cpu->s.cr[0] & CR0_NE) {
        x86_raise(cpu, EXC_MF, -1);
    }
    if (!cpu->s.ignne) {
        x86_raise(cpu, EXC_FREEZE, -1);
    }
}

static void drive_ferr(X86Cpu *cpu, bool level)
{
    if (level != cpu->s.ferr) {
        cpu->s.ferr = level;
        if (cpu->ferr) {
            cpu->ferr(cpu->ferr_opaque, level);
        }
    }
}

/* FERR# rises here and not where the exception is met: here the CPU is between
 * instructions, so that the interrupt comes at an exact one. */
void x87_freeze(X86Cpu *cpu)
{
    cpu->s.halted = true;
    drive_ferr(cpu, true);
}

void x87_update_es(X86Cpu *cpu)
{
    X86State *s = &cpu->s;
    bool es = s->fsw & ~s->fcw & SF_ALL;
    s->fsw = (s->fsw & ~(FSW_ES | FSW_B)) | (es ? FSW_ES | FSW_B : 0);
    if (!es) {
        s->ignne = false;
        drive_ferr(cpu, false);
    }
    x87_rewire(cpu);
}

bool x87_flags(X86Cpu *cpu, unsigned flags, unsigned stops)
{
    X86State *s = &cpu->s;
    s->fsw = (s->fsw & ~FSW_C1) | flags;
    unsigned unmasked = flags & ~s->fcw & SF_ALL;
    if (G_UNLIKELY(unmasked)) {
        x87_update_es(cpu);
    }
    return !(unmasked & stops);
}

unsigned x87_told(const SfEnv *env)
{
    bool stopped = env->flags & env->unmasked & X87_BEFORE;
    return sf_flags_told(env) | (stopped ? 0 : env->flags & SF_ROUNDED_UP);
}

/* Processors that say so in CPUID keep opcode and data pointer only of an
 * instruction that met an unmasked exception. */
static bool keeps_pointers(const X86Cpu *cpu)
{
    return (cpu->s.fsw & FSW_ES) || !cpuid_has_fdp_excptn_only(cpu);
}

static uint16_t selector_kept(const X86Cpu *cpu, unsigned seg)
{
    return cpuid_has_zero_fcs_fds(cpu) ? 0 : cpu->s.seg_sel[seg];
}

void x87_note_code(X86Cpu *cpu, uint64_t insn, uint64_t ip)
{
    X86State *s = &cpu->s;
    s->fip = ip;
    s->fcs = selector_kept(cpu, SEG_CS);
    if (keeps_pointers(cpu)) {
        s->fop = insn >> 16 & X87_FOP_MASK;
    }
    keep_flags(cpu);
}

void x87_note_data(X86Cpu *cpu, unsigned seg, uint64_t offset)
{
    X86State *s = &cpu->s;
    if (keeps_pointers(cpu)) {
        s->fdp = offset;
        s->fds = selector_kept(cpu, seg);
    }
}
