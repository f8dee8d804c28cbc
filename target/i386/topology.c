/*
 * What CPUID says of a processor's place among the others. SDM vol. 2, CPUID;
 * vol. 3, "Detecting Hardware Multi-Threading Support and Topology"; APM vol.
 * 3, appendix E for the extended leaves.
 */
#include "cpuid.h"
#include "pins/x86.h"

enum { LEVEL_THREAD, LEVEL_PACKAGE };
enum { TYPE_NONE, TYPE_SMT, TYPE_CORE };

static const MachineSmp *smp_of(const X86Cpu *cpu)
{
    return &cpu->parent.machine->config.smp;
}

static unsigned per_package(const X86Cpu *cpu)
{
    const MachineSmp *s = smp_of(cpu);
    return s->dies * s->cores * s->threads;
}

static unsigned package_bits(const X86Cpu *cpu)
{
    const MachineSmp *s = smp_of(cpu);
    return x86_id_bits(s->dies) + x86_id_bits(s->cores) +
           x86_id_bits(s->threads);
}

static uint32_t id_of(const X86Cpu *cpu)
{
    return x86_apic_id(smp_of(cpu), cpu->parent.index);
}

bool cpuid_is_multi(const X86Cpu *cpu)
{
    return per_package(cpu) > 1;
}

unsigned cpuid_package_ids(const X86Cpu *cpu)
{
    return 1u << package_bits(cpu);
}

unsigned cpuid_core_ids(const X86Cpu *cpu)
{
    return 1u << x86_id_bits(smp_of(cpu)->threads);
}

uint32_t cpuid_id_word(const X86Cpu *cpu)
{
    return (id_of(cpu) & 0xff) << 24 | (1u << package_bits(cpu)) << 16;
}

uint32_t cpuid_core_count_word(const X86Cpu *cpu)
{
    return cpuid_is_multi(cpu)
               ? (per_package(cpu) - 1) | package_bits(cpu) << 12 : 0;
}

void cpuid_topology_leaf(const X86Cpu *cpu, uint32_t sub, uint32_t out[4])
{
    const MachineSmp *s = smp_of(cpu);
    out[0] = out[1] = 0;
    out[2] = (sub & 0xff) | TYPE_NONE << 8;
    out[3] = id_of(cpu);
    if (sub == LEVEL_THREAD) {
        out[0] = x86_id_bits(s->threads);
        out[1] = s->threads;
        out[2] |= TYPE_SMT << 8;
    } else if (sub == LEVEL_PACKAGE) {
        out[0] = package_bits(cpu);
        out[1] = per_package(cpu);
        out[2] |= TYPE_CORE << 8;
    }
}

uint32_t cpuid_hidden_by_apic(const X86Cpu *cpu)
{
    bool on = cpu->apic && cpu->apic_ops->enabled(cpu->apic);
    return on ? 0 : CPUID_1_EDX_APIC;
}
