/*
 * What SSE's control register and CR0, CR4, XCR0 make of the CPU. While the CPU
 * runs, MXCSR's flags are in Cpu.fp, where vector operations add to them; the
 * row has them after x86_fpu_sync().
 */
#include "cpu.h"

uint32_t x86_fpu_modes(const X86State *s)
{
    uint64_t avx = XCR0_SSE | XCR0_AVX;
    bool has_avx = (s->cr[4] & CR4_OSXSAVE) && (s->xcr0 & avx) == avx;
    uint32_t masks = s->mxcsr >> MXCSR_MASKS_SHIFT & SF_ALL;
    return (s->cr[0] & CR0_MP ? TB_MP : 0) | (s->cr[0] & CR0_EM ? TB_EM : 0) |
           (s->cr[0] & CR0_TS ? TB_TS : 0) |
           (s->cr[4] & CR4_OSFXSR ? TB_SSE : 0) | (has_avx ? TB_AVX : 0) |
           (masks != SF_ALL ? TB_XM : 0);
}

uint32_t x86_mxcsr(const X86Cpu *cpu)
{
    return (cpu->s.mxcsr & ~MXCSR_FLAGS) |
           (cpu->parent.fp.flags & MXCSR_FLAGS);
}

void x86_set_mxcsr(X86Cpu *cpu, uint32_t mxcsr)
{
    cpu->s.mxcsr = mxcsr;
    x86_fpu_rewire(cpu);
    x86_update_modes(cpu);
}

void x86_fpu_sync(X86Cpu *cpu)
{
    cpu->s.mxcsr = x86_mxcsr(cpu);
}

void x86_fpu_rewire(X86Cpu *cpu)
{
    cpu->parent.fp = sf_env_sse(cpu->s.mxcsr);
    cpu->parent.fp.flags = cpu->s.mxcsr & MXCSR_FLAGS;
}

/* Vol. 3, 2.5: without OSXMMEXCPT the operating system has not said that it
 * knows #XM. */
void x86_fp_trap(Cpu *parent, unsigned flags)
{
    X86Cpu *cpu = x86_cpu(parent);
    bool known = cpu->s.cr[4] & CR4_OSXMMEXCPT;
    cpu->exc_vector = known ? EXC_XM : EXC_UD;
    cpu->exc_has_error = false;
}

void x86_unaligned(Cpu *parent, GuestAddr va)
{
    X86Cpu *cpu = x86_cpu(parent);
    cpu->exc_vector = EXC_GP;
    cpu->exc_error = 0;
    cpu->exc_has_error = true;
}
