/*
 * The CPUID instruction: what each leaf says of the model, and of the few bits
 * that follow the CPU's state. SDM vol. 2, CPUID.
 */
#include "base/bytes.h"
#include "cpuid.h"
#include "xstate.h"

typedef struct Leaf {
    uint32_t a, b, c, d;
} Leaf;

/* AMD's way to say that those in its package are no threads of one core. */
static uint32_t extended_ecx(const X86Cpu *cpu)
{
    bool legacy = cpuid_is_multi(cpu) && cpuid_is_amd(cpu);
    return cpu->features[FEAT_80000001_ECX] |
           (legacy ? CPUID_80000001_ECX_CMP_LEGACY : 0);
}

static Leaf vendor_leaf(const X86Identity *m, uint32_t level)
{
    return (Leaf){ level, bytes_ld_le32(m->vendor),
                   bytes_ld_le32(m->vendor + 8),
                   bytes_ld_le32(m->vendor + 4) };
}

static Leaf brand_leaf(const X86Identity *m, unsigned part)
{
    const char *p = m->model_id + 16 * part;
    return (Leaf){ bytes_ld_le32(p), bytes_ld_le32(p + 4),
                   bytes_ld_le32(p + 8), bytes_ld_le32(p + 12) };
}

/* AMD's extended features repeat those of leaf 1. */
static uint32_t extended_edx(const X86Cpu *cpu)
{
    uint32_t shared = 0x0183f3ff;
    return cpu->features[FEAT_80000001_EDX] |
           (cpu->features[FEAT_1_EDX] & shared);
}

/* CR4.OSXSAVE, for programs. */
static uint32_t one_ecx(const X86Cpu *cpu)
{
    bool on = cpu->s.cr[4] & CR4_OSXSAVE;
    return cpu->features[FEAT_1_ECX] | (on ? CPUID_OSXSAVE : 0);
}

/* CR4.PKE, for programs. */
static uint32_t seven_ecx(const X86Cpu *cpu)
{
    bool on = cpu->s.cr[4] & CR4_PKE;
    return cpu->features[FEAT_7_ECX] | (on ? CPUID_OSPKE : 0);
}

/* Sizes of areas: of what is enabled now, of all there is. */
static Leaf xsave_leaf(const X86Cpu *cpu, uint32_t sub)
{
    const X86State *s = &cpu->s;
    uint64_t offered = xstate_offered(cpu);
    uint32_t bytes, offset;
    if (!offered) {
        return (Leaf){ 0 };
    }
    if (sub == 0) {
        return (Leaf){ offered, xstate_bytes(s->xcr0, false),
                       xstate_bytes(offered, false), offered >> 32 };
    }
    if (sub == 1) {
        uint32_t how = cpu->features[FEAT_D_1_EAX];
        bool sized = how & (CPUID_XSAVEC | CPUID_XSAVES);
        return (Leaf){ how, sized ? xstate_bytes(s->xcr0 | s->xss, true) : 0,
                       0, 0 };
    }
    return xstate_component(cpu, sub, &bytes, &offset)
               ? (Leaf){ bytes, offset, 0, 0 } : (Leaf){ 0 };
}

/* Lines of 64 bytes; extensions, of which interrupts may end the wait though
 * IF=0; one kind of C1. */
static Leaf monitor_leaf(const X86Cpu *cpu)
{
    return cpu->features[FEAT_1_ECX] & 1u << 3
               ? (Leaf){ 64, 64, 3, 1 << 4 } : (Leaf){ 0 };
}

/* EBX: CLFLUSH works on 8 × 8 bytes. */
static Leaf first_leaf(const X86Cpu *cpu)
{
    uint32_t edx = cpu->features[FEAT_1_EDX] & ~cpuid_hidden_by_apic(cpu);
    return (Leaf){ cpu->id.signature, 8 << 8 | cpuid_id_word(cpu),
                   one_ecx(cpu),
                   edx | (cpuid_is_multi(cpu) ? CPUID_1_EDX_HTT : 0) };
}

static Leaf leaf_from(const uint32_t words[4])
{
    return (Leaf){ words[0], words[1], words[2], words[3] };
}

/* Leaves that other files know. */
static Leaf other_leaf(const X86Cpu *cpu, uint32_t n, uint32_t sub)
{
    uint32_t out[4] = { 0 };
    switch (n) {
    case 2:
        cpuid_descriptor_leaf(cpu, out);
        break;
    case 4:
        cpuid_cache_leaf(cpu, sub, out);
        break;
    case 0xb:
        cpuid_topology_leaf(cpu, sub, out);
        break;
    case 0x80000005:
    case 0x80000006:
        cpuid_amd_cache_leaf(cpu, n - 0x80000004, out);
        break;
    }
    return leaf_from(out);
}

static Leaf basic_leaf(const X86Cpu *cpu, uint32_t n, uint32_t sub)
{
    const X86Identity *m = &cpu->id;
    switch (n) {
    case 0:
        return vendor_leaf(m, m->level);
    case 1:
        return first_leaf(cpu);
    case 5:
        return monitor_leaf(cpu);
    case 6: /* power: of it all, that the APIC's timer never stops */
        return (Leaf){ cpu->features[FEAT_6_EAX], 0, 0, 0 };
    case 7:
        return sub == 0 ? (Leaf){ 0, cpu->features[FEAT_7_EBX],
                                  seven_ecx(cpu),
                                  cpu->features[FEAT_7_EDX] }
                        : (Leaf){ 0 };
    case 0xd:
        return xsave_leaf(cpu, sub);
    default:
        return other_leaf(cpu, n, sub);
    }
}

static Leaf extended_leaf(const X86Cpu *cpu, uint32_t n)
{
    const X86Identity *m = &cpu->id;
    switch (n) {
    case 0x80000000:
        return vendor_leaf(m, m->xlevel);
    case 0x80000001:
        return (Leaf){ m->signature, 0, extended_ecx(cpu),
                       extended_edx(cpu) };
    case 0x80000002:
    case 0x80000003:
    case 0x80000004:
        return brand_leaf(m, n - 0x80000002);
    case 0x80000007:
        return (Leaf){ 0, 0, 0, cpu->features[FEAT_80000007_EDX] };
    case 0x80000008: /* physical and linear address bits */
        return (Leaf){ cpuid_phys_bits(cpu) |
                       cpuid_linear_bits(cpu) << 8,
                       cpu->features[FEAT_80000008_EBX],
                       cpuid_core_count_word(cpu), 0 };
    default:
        return other_leaf(cpu, n, 0);
    }
}

/* Leaves beyond the highest answer like the highest basic one (Intel) or zero
 * (AMD): we answer zero for both, which the manual leaves open to models. */
static Leaf leaf_of(const X86Cpu *cpu, uint32_t n, uint32_t sub)
{
    const X86Identity *m = &cpu->id;
    if (n >= 0x80000000) {
        return n <= m->xlevel ? extended_leaf(cpu, n) : (Leaf){ 0 };
    }
    return n <= m->level ? basic_leaf(cpu, n, sub) : (Leaf){ 0 };
}

uint64_t helper_cpuid(Cpu *parent)
{
    X86Cpu *cpu = x86_cpu(parent);
    uint64_t *r = cpu->s.gpr;
    Leaf l = leaf_of(cpu, r[X86_RAX], r[X86_RCX]);
    r[X86_RAX] = l.a;
    r[X86_RBX] = l.b;
    r[X86_RCX] = l.c;
    r[X86_RDX] = l.d;
    return 0;
}
