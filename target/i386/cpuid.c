/*
 * What the CPU's model has: questions about features, for the rest of the
 * target.
 */
#include "cpuid.h"

uint32_t x86_feature_word(const X86Cpu *cpu, unsigned word)
{
    return cpu->features[word];
}

static bool has(const X86Cpu *cpu, unsigned word, unsigned bit)
{
    return cpu->features[word] & (1u << bit);
}

bool cpuid_has_long_mode(const X86Cpu *cpu)
{
    return has(cpu, FEAT_80000001_EDX, 29);
}

bool cpuid_has_syscall(const X86Cpu *cpu)
{
    return has(cpu, FEAT_80000001_EDX, 11);
}

bool cpuid_has_nx(const X86Cpu *cpu)
{
    return has(cpu, FEAT_80000001_EDX, 20);
}

bool cpuid_is_amd(const X86Cpu *cpu)
{
    return g_str_equal(cpu->id.vendor, "AuthenticAMD");
}

bool cpuid_has_sse(const X86Cpu *cpu)
{
    return has(cpu, FEAT_1_EDX, 25);
}

bool cpuid_has_avx(const X86Cpu *cpu)
{
    return has(cpu, FEAT_1_ECX, 28);
}

bool cpuid_has_gib_pages(const X86Cpu *cpu)
{
    return has(cpu, FEAT_80000001_EDX, 26);
}

unsigned cpuid_phys_bits(const X86Cpu *cpu)
{
    bool pae = has(cpu, FEAT_1_EDX, 6), pse36 = has(cpu, FEAT_1_EDX, 17);
    if (cpu->id.phys_bits) {
        return cpu->id.phys_bits;
    }
    return cpuid_has_long_mode(cpu) ? 40 : pae || pse36 ? 36 : 32;
}

unsigned cpuid_linear_bits(const X86Cpu *cpu)
{
    return !cpuid_has_long_mode(cpu) ? 32
           : has(cpu, FEAT_7_ECX, 16) ? 57 : 48;
}

bool cpuid_has_ffxsr(const X86Cpu *cpu)
{
    return has(cpu, FEAT_80000001_EDX, 25);
}

bool cpuid_has_fdp_excptn_only(const X86Cpu *cpu)
{
    return has(cpu, FEAT_7_EBX, 6);
}

bool cpuid_has_zero_fcs_fds(const X86Cpu *cpu)
{
    return has(cpu, FEAT_7_EBX, 13);
}

uint32_t cpuid_signature(const X86Cpu *cpu)
{
    return cpu->id.signature;
}
