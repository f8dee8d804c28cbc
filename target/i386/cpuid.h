/*
 * CPU models: fixed lists of features. Private to target/i386.
 */
#ifndef TARGET_I386_CPUID_H
#define TARGET_I386_CPUID_H

#include "cpu.h"

/* cpu-model.c: CpuClass.help and .set_model. */
void cpuid_help(GString *out);
bool cpuid_set_model(Cpu *cpu, const char *model, Error **errp);
/* cpu-model-list.c: CpuClass.models and .expand. */
void cpuid_models(const CpuClass *cls, CpuModelFn *fn, void *opaque);
bool cpuid_expand(const CpuClass *cls, const char *model, CpuFeatureFn *fn,
                  void *opaque, Error **errp);
/* CpuClass.identify: signature, leaves, words of features. */
void cpuid_identify(const Cpu *cpu, GString *out);
/* CPUID.1:EAX, which is also EDX at reset. */
uint32_t cpuid_signature(const X86Cpu *cpu);
bool cpuid_has_long_mode(const X86Cpu *cpu);
bool cpuid_has_syscall(const X86Cpu *cpu);
bool cpuid_has_sse(const X86Cpu *cpu);
bool cpuid_has_avx(const X86Cpu *cpu);
bool cpuid_has_nx(const X86Cpu *cpu);
/* EFER.FFXSR exists. */
bool cpuid_has_ffxsr(const X86Cpu *cpu);
/* FDP and FOP are kept of unmasked exceptions only; FCS and FDS are zero. */
bool cpuid_has_fdp_excptn_only(const X86Cpu *cpu);
bool cpuid_has_zero_fcs_fds(const X86Cpu *cpu);
bool cpuid_is_amd(const X86Cpu *cpu);
bool cpuid_has_gib_pages(const X86Cpu *cpu);

#define CPUID_1_EDX_APIC (1u << 9)
#define CPUID_1_EDX_HTT  (1u << 28)
#define CPUID_1_ECX_X2APIC (1u << 21)
#define CPUID_1_ECX_DEADLINE (1u << 24)
#define CPUID_80000001_ECX_CMP_LEGACY (1u << 1)

/* --- topology.c: its place among the others -------------------------------- */

/* There are several in its package. */
bool cpuid_is_multi(const X86Cpu *cpu);
/* CPUID.1:EBX 31..16: APIC id, and places for ids in its package. */
uint32_t cpuid_id_word(const X86Cpu *cpu);
/* CPUID.80000008h:ECX: how many there are in the package, less one. */
uint32_t cpuid_core_count_word(const X86Cpu *cpu);
/* CPUID.0Bh: EAX to EDX of a level. */
void cpuid_topology_leaf(const X86Cpu *cpu, uint32_t sub, uint32_t out[4]);
/* Places for APIC ids in a package, and in a core: powers of two. */
unsigned cpuid_package_ids(const X86Cpu *cpu);
unsigned cpuid_core_ids(const X86Cpu *cpu);
/* Bits of CPUID.1:EDX that are off while the local APIC is. */
uint32_t cpuid_hidden_by_apic(const X86Cpu *cpu);

/* --- caches.c: EAX to EDX of leaves ------------------------------------------ */

/* CPUID.2, CPUID.4; zero on AMD's models. */
void cpuid_descriptor_leaf(const X86Cpu *cpu, uint32_t out[4]);
void cpuid_cache_leaf(const X86Cpu *cpu, uint32_t sub, uint32_t out[4]);
/* CPUID.80000005h (level 1) and 80000006h (2): AMD's. */
void cpuid_amd_cache_leaf(const X86Cpu *cpu, unsigned level, uint32_t out[4]);

/* MAXPHYADDR (4.1.4). */
unsigned cpuid_phys_bits(const X86Cpu *cpu);
/* The most bits that linear addresses may have. */
unsigned cpuid_linear_bits(const X86Cpu *cpu);

#endif
