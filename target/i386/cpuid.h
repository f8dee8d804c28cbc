/*
 * CPU models: fixed lists of features. Private to target/i386.
 */
#ifndef TARGET_I386_CPUID_H
#define TARGET_I386_CPUID_H

#include "cpu.h"

/* cpu-model.c: CpuClass.help and .set_model. */
void cpuid_help(GString *out);
bool cpuid_set_model(Cpu *cpu, const char *model, Error **errp);
/* CPUID.1:EAX, which is also EDX at reset. */
uint32_t cpuid_signature(const X86Cpu *cpu);
bool cpuid_has_long_mode(const X86Cpu *cpu);
bool cpuid_has_syscall(const X86Cpu *cpu);
bool cpuid_has_nx(const X86Cpu *cpu);
/* EFER.FFXSR exists. */
bool cpuid_has_ffxsr(const X86Cpu *cpu);
/* FDP and FOP are kept of unmasked exceptions only; FCS and FDS are zero. */
bool cpuid_has_fdp_excptn_only(const X86Cpu *cpu);
bool cpuid_has_zero_fcs_fds(const X86Cpu *cpu);
bool cpuid_is_amd(const X86Cpu *cpu);
bool cpuid_has_gib_pages(const X86Cpu *cpu);
/* MAXPHYADDR (4.1.4). */
unsigned cpuid_phys_bits(const X86Cpu *cpu);

#endif
