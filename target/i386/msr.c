/*
 * RDMSR, WRMSR, the time stamp counter.
 */
#include "base/log.h"
#include "cpuid.h"
#include "sys.h"

enum { RULE_any, RULE_canonical, RULE_pat };

typedef struct MsrRow {
    uint32_t number;
    const char *name;
    uint32_t offset;       /* of the uint64_t in X86State */
    uint64_t writable;
    uint8_t rule;
} MsrRow;

static const MsrRow rows[] = {
#define MSR(number, name, field, writable, rule) \
    { number, name, offsetof(X86State, field), writable, RULE_##rule },
#include "msr.def"
#undef MSR
};

enum {
    MSR_TSC = 0x10, MSR_APIC_BASE = 0x1b, MSR_TSC_ADJUST = 0x3b,
    MSR_BIOS_SIGN = 0x8b, MSR_MTRR_CAP = 0xfe, MSR_MCG_CAP = 0x179,
    MSR_MCG_STATUS = 0x17a, MSR_PLATFORM_INFO = 0xce, MSR_FEATURE = 0x3a,
    MSR_PLATFORM_ID = 0x17, MSR_MTRR_VAR = 0x200, MSR_MTRR_VAR_COUNT = 16,
    MSR_EFER = 0xc0000080, MSR_SMBASE = 0x9e,
};

/* Fixed-range MTRRs in the order of s.mtrr[16..26] (vol. 3, 11.11.2.2). */
static const uint16_t fixed_mtrrs[] = {
    0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e,
    0x26f,
};

static uint64_t *mtrr_slot(X86State *s, uint32_t n)
{
    if (n - MSR_MTRR_VAR < MSR_MTRR_VAR_COUNT) {
        return &s->mtrr[n - MSR_MTRR_VAR];
    }
    for (size_t i = 0; i < G_N_ELEMENTS(fixed_mtrrs); i++) {
        if (fixed_mtrrs[i] == n) {
            return &s->mtrr[MSR_MTRR_VAR_COUNT + i];
        }
    }
    return NULL;
}

static const MsrRow *find_row(uint32_t n)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].number == n) {
            return &rows[i];
        }
    }
    return NULL;
}

/* One tick a nanosecond of virtual time. */
static uint64_t tsc_now(X86Cpu *cpu)
{
    return clock_now_ns(cpu->parent.machine->clock) + cpu->s.tsc_adjust;
}

/* --- reading ------------------------------------------------------------------ */

static bool read_special(X86Cpu *cpu, uint32_t n, uint64_t *v)
{
    const X86State *s = &cpu->s;
    switch (n) {
    case MSR_TSC:
        *v = tsc_now(cpu);
        return true;
    case MSR_APIC_BASE:
        *v = s->apic_base;
        return true;
    case MSR_TSC_ADJUST:
        *v = s->tsc_adjust;
        return true;
    case MSR_MTRR_CAP:
        *v = 0x508; /* 8 variable ranges, fixed ranges, WC */
        return true;
    case MSR_EFER:
        *v = s->efer;
        return cpuid_has_long_mode(cpu) || cpuid_has_syscall(cpu);
    case MSR_PLATFORM_INFO:
        *v = 10 << 8; /* 10 × 100 MHz */
        return true;
    case MSR_BIOS_SIGN:
    case MSR_MCG_CAP:
    case MSR_MCG_STATUS:
    case MSR_FEATURE:
    case MSR_PLATFORM_ID:
        *v = 0;
        return true;
    }
    return false;
}

static void require_ring0(X86Cpu *cpu)
{
    if ((cpu->s.cr[0] & CR0_PE) && x86_cpl(cpu)) {
        x86_raise(cpu, EXC_GP, 0);
    }
}

uint64_t helper_rdmsr(Cpu *parent)
{
    X86Cpu *cpu = x86_cpu(parent);
    X86State *s = &cpu->s;
    uint32_t n = s->gpr[X86_RCX];
    uint64_t v;
    require_ring0(cpu);
    const MsrRow *row = find_row(n);
    const uint64_t *mtrr = mtrr_slot(s, n);
    if (row) {
        v = *(const uint64_t *)((const char *)s + row->offset);
    } else if (mtrr) {
        v = *mtrr;
    } else if (!read_special(cpu, n, &v)) {
        guest_unimp("rdmsr 0x%x", n);
        x86_raise(cpu, EXC_GP, 0);
    }
    s->gpr[X86_RAX] = (uint32_t)v;
    s->gpr[X86_RDX] = v >> 32;
    return 0;
}

/* --- writing ----------------------------------------------------------------------- */

static bool pat_valid(uint64_t v)
{
    for (unsigned i = 0; i < 8; i++) {
        unsigned type = (v >> (8 * i)) & 0xff;
        if (type > 7 || type == 2 || type == 3) {
            return false;
        }
    }
    return true;
}

static bool write_row(X86Cpu *cpu, const MsrRow *row, uint64_t v)
{
    bool ok = !(v & ~row->writable);
    ok &= row->rule != RULE_canonical || (uint64_t)bits_sext(v, 48) == v;
    ok &= row->rule != RULE_pat || pat_valid(v);
    if (ok) {
        *(uint64_t *)((char *)&cpu->s + row->offset) = v;
    }
    return ok;
}

static bool write_efer(X86Cpu *cpu, uint64_t v)
{
    X86State *s = &cpu->s;
    uint64_t known = (cpuid_has_syscall(cpu) ? EFER_SCE : 0) |
                     (cpuid_has_nx(cpu) ? EFER_NXE : 0) |
                     (cpuid_has_long_mode(cpu) ? EFER_LME | EFER_LMA : 0);
    bool paging = s->cr[0] & CR0_PG;
    if ((v & ~known) || (paging && ((v ^ s->efer) & EFER_LME))) {
        return false;
    }
    s->efer = (v & ~(uint64_t)EFER_LMA) | (s->efer & EFER_LMA);
    tlb_flush(&cpu->parent);
    return true;
}

static bool write_special(X86Cpu *cpu, uint32_t n, uint64_t v)
{
    X86State *s = &cpu->s;
    switch (n) {
    case MSR_TSC:
        s->tsc_adjust += v - tsc_now(cpu);
        return true;
    case MSR_TSC_ADJUST:
        s->tsc_adjust = v;
        return true;
    case MSR_APIC_BASE:
        s->apic_base = v & UINT64_C(0xffffff900);
        return true;
    case MSR_EFER:
        return write_efer(cpu, v);
    case MSR_BIOS_SIGN:
    case MSR_MCG_STATUS:
    case MSR_FEATURE:
        return true; /* nothing to remember */
    }
    return false;
}

uint64_t helper_wrmsr(Cpu *parent)
{
    X86Cpu *cpu = x86_cpu(parent);
    X86State *s = &cpu->s;
    uint32_t n = s->gpr[X86_RCX];
    uint64_t v = s->gpr[X86_RDX] << 32 | (uint32_t)s->gpr[X86_RAX];
    require_ring0(cpu);
    const MsrRow *row = find_row(n);
    uint64_t *mtrr = mtrr_slot(s, n);
    bool ok;
    if (mtrr) {
        *mtrr = v;
        ok = true;
    } else {
        ok = row ? write_row(cpu, row, v) : write_special(cpu, n, v);
    }
    if (!ok) {
        guest_unimp("wrmsr 0x%x", n);
        x86_raise(cpu, EXC_GP, 0);
    }
    x86_update_modes(cpu);
    return 0;
}

uint64_t helper_rdtsc(Cpu *parent, uint64_t aux)
{
    X86Cpu *cpu = x86_cpu(parent);
    X86State *s = &cpu->s;
    if ((s->cr[4] & CR4_TSD) && (s->cr[0] & CR0_PE) && x86_cpl(cpu)) {
        x86_raise(cpu, EXC_GP, 0);
    }
    uint64_t v = tsc_now(cpu);
    s->gpr[X86_RAX] = (uint32_t)v;
    s->gpr[X86_RDX] = v >> 32;
    if (aux) {
        s->gpr[X86_RCX] = 0; /* IA32_TSC_AUX, not offered */
    }
    return 0;
}

uint64_t helper_rdpmc(Cpu *parent)
{
    x86_raise(x86_cpu(parent), EXC_GP, 0);
}
