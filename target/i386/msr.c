/*
 * RDMSR, WRMSR, the time stamp counter.
 *
 * A register that the model does not have is #GP, or reads as zero and takes
 * any value with -cpu MODEL,unknown-msr=ignore, for systems that ask for more
 * than their processor says it has. What a known register refuses is #GP in
 * any case.
 */
#include "base/log.h"
#include "cpuid.h"
#include "sys.h"
#include "pins/x86.h"

enum { RULE_any, RULE_canonical, RULE_pat, RULE_mtrr_def, RULE_ones,
       RULE_zero };

/* Who has a register: a vendor, or a bit of CPUID + 1. */
enum { NEED_ANY, NEED_AMD, NEED_INTEL, NEED_AUX, NEED_SPEC, NEED_PREDICT,
       NEED_BITS = 16 };
#define ANY NEED_ANY
#define AMD NEED_AMD
#define INTEL NEED_INTEL
#define AUX NEED_AUX
#define SPEC NEED_SPEC
#define PREDICT NEED_PREDICT
#define BIT_OF(word, bit) (NEED_BITS + FEAT_##word * 32 + (bit))

enum { REFUSED, IGNORED };

typedef struct MsrRow {
    uint32_t number;
    const char *name;
    uint32_t offset;       /* of the uint64_t in X86State */
    uint64_t writable;
    uint8_t rule;
    uint16_t needs;
} MsrRow;

static const MsrRow rows[] = {
#define MSR(number, name, field, writable, rule, needs) \
    { number, name, offsetof(X86State, field), writable, RULE_##rule, needs },
#include "msr.def"
};

typedef struct FixedRow {
    uint32_t number;
    const char *name;
    uint64_t value;
    bool ignored;
    uint16_t needs;
} FixedRow;

static const FixedRow fixed_rows[] = {
#define MSR_FIXED(number, name, value, writes, needs) \
    { number, name, value, writes == IGNORED, needs },
#include "msr.def"
};

typedef struct CommandRow {
    uint32_t number;
    const char *name;
    uint64_t bits;
    uint16_t needs;
} CommandRow;

static const CommandRow command_rows[] = {
#define MSR_COMMAND(number, name, bits, needs) { number, name, bits, needs },
#include "msr.def"
};

enum {
    MSR_TSC = 0x10, MSR_APIC_BASE = 0x1b, MSR_TSC_DEADLINE = 0x6e0,
    MSR_X2APIC = 0x800, MSR_TSC_ADJUST = 0x3b,
    MSR_MCG_CAP = 0x179, MSR_MTRR_VAR = 0x200, MSR_MTRR_VAR_COUNT = 16,
    MSR_MC_BANKS = 0x400, MSR_EFER = 0xc0000080,
};

#define CPUID_MTRR BIT_OF(1_EDX, 12)
#define CPUID_MCA  BIT_OF(1_EDX, 14)
#define CPUID_TSC_ADJUST BIT_OF(7_EBX, 1)

static bool has_any(const X86Cpu *cpu, unsigned word, uint32_t bits)
{
    return x86_feature_word(cpu, word) & bits;
}

#define CPUID_X2APIC BIT_OF(1_ECX, 21)
#define APIC_BASE_EXTD (1u << 10)

static bool offered(const X86Cpu *cpu, unsigned needs)
{
    switch (needs) {
    case NEED_AUX: /* RDTSCP, RDPID */
        return has_any(cpu, FEAT_80000001_EDX, 1u << 27) ||
               has_any(cpu, FEAT_7_ECX, 1u << 22);
    case NEED_SPEC: /* IBRS, STIBP or SSBD, as either vendor says it */
        return has_any(cpu, FEAT_7_EDX, 1u << 26 | 1u << 27 | 1u << 31) ||
               has_any(cpu, FEAT_80000008_EBX, 1u << 14 | 1u << 15 | 1u << 24);
    case NEED_PREDICT: /* IBPB */
        return has_any(cpu, FEAT_7_EDX, 1u << 26) ||
               has_any(cpu, FEAT_80000008_EBX, 1u << 12);
    case NEED_ANY:
        return true;
    case NEED_AMD:
        return cpuid_is_amd(cpu);
    case NEED_INTEL:
        return !cpuid_is_amd(cpu);
    default:
        needs -= NEED_BITS;
        return x86_feature_word(cpu, needs / 32) & (1u << needs % 32);
    }
}

static const MsrRow *find_row(const X86Cpu *cpu, uint32_t n)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].number == n && offered(cpu, rows[i].needs)) {
            return &rows[i];
        }
    }
    return NULL;
}

static const FixedRow *find_fixed(const X86Cpu *cpu, uint32_t n)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fixed_rows); i++) {
        if (fixed_rows[i].number == n && offered(cpu, fixed_rows[i].needs)) {
            return &fixed_rows[i];
        }
    }
    return NULL;
}

static const CommandRow *find_command(const X86Cpu *cpu, uint32_t n)
{
    for (size_t i = 0; i < G_N_ELEMENTS(command_rows); i++) {
        if (command_rows[i].number == n &&
            offered(cpu, command_rows[i].needs)) {
            return &command_rows[i];
        }
    }
    return NULL;
}

/* The local APIC's own: its base and, where the model has them, deadlines and
 * the registers of x2APIC mode. */
static bool apic_msr_offered(const X86Cpu *cpu, uint32_t n)
{
    return cpu->apic &&
           (n == MSR_APIC_BASE ||
            (n == MSR_TSC_DEADLINE && offered(cpu, BIT_OF(1_ECX, 24))) ||
            (n >> 8 == MSR_X2APIC >> 8 && offered(cpu, CPUID_X2APIC)));
}

/* One tick a nanosecond of virtual time. */
static uint64_t tsc_now(X86Cpu *cpu)
{
    return clock_now_ns(cpu->parent.machine->clock) + cpu->s.tsc_adjust;
}

/* The same for an instruction that need not be the last of its TB. */
static uint64_t tsc_here(X86Cpu *cpu)
{
    Icount now;
    GuestAddr pc;
    if (!cpu_present_insn(&cpu->parent, &now, &pc)) {
        return tsc_now(cpu);
    }
    return clock_ns_at(cpu->parent.machine->clock, now) + cpu->s.tsc_adjust;
}

/* --- memory types (vol. 3, 11.11) --------------------------------------------- */

/* Fixed-range MTRRs in the order of s.mtrr[16..26] (11.11.2.2). */
static const uint16_t fixed_mtrrs[] = {
    0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e,
    0x26f,
};

static uint64_t *mtrr_slot(X86Cpu *cpu, uint32_t n)
{
    X86State *s = &cpu->s;
    if (!offered(cpu, CPUID_MTRR)) {
        return NULL;
    }
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

/* UC, WC, WT, WP, WB: table 11-8. */
static bool is_mtrr_type(unsigned type)
{
    return type <= 6 && type != 2 && type != 3;
}

/* Eight types, of which those of the PAT include UC-. */
static bool types_valid(uint64_t v, bool pat)
{
    for (unsigned i = 0; i < 8; i++) {
        unsigned type = (v >> (8 * i)) & 0xff;
        if (!is_mtrr_type(type) && !(pat && type == 7)) {
            return false;
        }
    }
    return true;
}

/* PhysBase has a type and 12-bit aligned address, PhysMask a valid bit. */
static bool mtrr_valid(const X86Cpu *cpu, uint32_t n, uint64_t v)
{
    if (n >= MSR_MTRR_VAR + MSR_MTRR_VAR_COUNT) {
        return types_valid(v, false);
    }
    if (v >> cpuid_phys_bits(cpu)) {
        return false;
    }
    return n & 1 ? !(v & 0x7ff) : !(v & 0xf00) && is_mtrr_type(v & 0xff);
}

/* --- machine checks (vol. 3, 15.3): banks that never see an error --------------- */

/* CTL, STATUS, ADDR, MISC of each. */
static uint64_t *bank_slot(X86Cpu *cpu, uint32_t n)
{
    uint32_t at = n - MSR_MC_BANKS;
    return at < 4 * X86_MC_BANKS && offered(cpu, CPUID_MCA)
               ? &cpu->s.mc_bank[at] : NULL;
}

/* Intel's control registers take all bits or none (vol. 3, 15.3.2.1); AMD's
 * any, a bit for each kind of error (APM vol. 2, 9.3.2). */
static bool bank_valid(const X86Cpu *cpu, uint32_t n, uint64_t v)
{
    bool is_ctl = !((n - MSR_MC_BANKS) & 3);
    return !v || (is_ctl && (v == UINT64_MAX || cpuid_is_amd(cpu)));
}

/* --- reading ------------------------------------------------------------------ */

static bool read_special(X86Cpu *cpu, uint32_t n, uint64_t *v)
{
    const X86State *s = &cpu->s;
    if (apic_msr_offered(cpu, n)) {
        return cpu->apic_ops->rdmsr(cpu->apic, n, v);
    }
    switch (n) {
    case MSR_TSC:
        *v = tsc_now(cpu);
        return true;
    case MSR_TSC_ADJUST:
        *v = s->tsc_adjust;
        return offered(cpu, CPUID_TSC_ADJUST);
    case MSR_MCG_CAP: /* the banks, and that MCG_CTL exists */
        *v = offered(cpu, CPUID_MCA) ? X86_MC_BANKS | 1 << 8 : 0;
        return true;
    case MSR_EFER:
        *v = s->efer;
        return cpuid_has_long_mode(cpu) || cpuid_has_syscall(cpu) ||
               cpuid_has_nx(cpu);
    }
    return false;
}

static bool msr_read(X86Cpu *cpu, uint32_t n, uint64_t *v)
{
    const MsrRow *row = find_row(cpu, n);
    const FixedRow *fixed = find_fixed(cpu, n);
    const uint64_t *slot = mtrr_slot(cpu, n);
    slot = slot ? slot : bank_slot(cpu, n);
    if (row) {
        *v = *(const uint64_t *)((const char *)&cpu->s + row->offset);
    } else if (fixed) {
        *v = fixed->value;
    } else if (slot) {
        *v = *slot;
    } else {
        return read_special(cpu, n, v);
    }
    return true;
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
    uint64_t v = 0;
    require_ring0(cpu);
    if (!msr_read(cpu, n, &v)) {
        guest_error("rdmsr 0x%x: the model has no such register", n);
        if (!cpu->ignore_unknown_msr) {
            x86_raise(cpu, EXC_GP, 0);
        }
    }
    s->gpr[X86_RAX] = (uint32_t)v;
    s->gpr[X86_RDX] = v >> 32;
    return 0;
}

/* --- writing ----------------------------------------------------------------------- */

typedef enum Written { MSR_WRITTEN, MSR_REFUSED, MSR_UNKNOWN } Written;

static bool rule_holds(const X86Cpu *cpu, unsigned rule, uint64_t v)
{
    switch (rule) {
    case RULE_canonical:
        return base_is_canonical(cpu, v);
    case RULE_pat:
        return types_valid(v, true);
    case RULE_mtrr_def:
        return is_mtrr_type(v & 0xff);
    case RULE_ones:
        return !v || v == UINT64_MAX;
    case RULE_zero:
        return !v;
    default:
        return true;
    }
}

static bool write_row(X86Cpu *cpu, const MsrRow *row, uint64_t v)
{
    bool ok = !(v & ~row->writable) && rule_holds(cpu, row->rule, v);
    if (ok) {
        *(uint64_t *)((char *)&cpu->s + row->offset) = v;
    }
    return ok;
}

bool efer_put(X86Cpu *cpu, uint64_t v)
{
    X86State *s = &cpu->s;
    uint64_t known = (cpuid_has_syscall(cpu) ? EFER_SCE : 0) |
                     (cpuid_has_nx(cpu) ? EFER_NXE : 0) |
                     (cpuid_has_ffxsr(cpu) ? EFER_FFXSR : 0) |
                     (cpuid_has_long_mode(cpu) ? EFER_LME | EFER_LMA : 0);
    bool paging = s->cr[0] & CR0_PG;
    if ((v & ~known) || (paging && ((v ^ s->efer) & EFER_LME))) {
        return false;
    }
    s->efer = (v & ~(uint64_t)EFER_LMA) | (s->efer & EFER_LMA);
    tlb_flush(&cpu->parent);
    return true;
}

static void set_tsc_adjust(X86Cpu *cpu, uint64_t v)
{
    cpu->s.tsc_adjust = v;
    if (cpu->apic) {
        cpu->apic_ops->tsc_moved(cpu->apic);
    }
}

static Written write_special(X86Cpu *cpu, uint32_t n, uint64_t v)
{
    X86State *s = &cpu->s;
    bool ok = true;
    if (apic_msr_offered(cpu, n)) {
        bool x2 = n == MSR_APIC_BASE && (v & APIC_BASE_EXTD);
        ok = (!x2 || offered(cpu, CPUID_X2APIC)) &&
             cpu->apic_ops->wrmsr(cpu->apic, n, v);
        return ok ? MSR_WRITTEN : MSR_REFUSED;
    }
    switch (n) {
    case MSR_TSC:
        set_tsc_adjust(cpu, s->tsc_adjust + v - tsc_now(cpu));
        break;
    case MSR_TSC_ADJUST:
        if (!offered(cpu, CPUID_TSC_ADJUST)) {
            return MSR_UNKNOWN;
        }
        set_tsc_adjust(cpu, v);
        break;
    case MSR_MCG_CAP:
        ok = false;
        break;
    case MSR_EFER:
        ok = efer_put(cpu, v);
        break;
    default:
        return MSR_UNKNOWN;
    }
    return ok ? MSR_WRITTEN : MSR_REFUSED;
}

static Written msr_write(X86Cpu *cpu, uint32_t n, uint64_t v)
{
    const MsrRow *row = find_row(cpu, n);
    const FixedRow *fixed = find_fixed(cpu, n);
    const CommandRow *command = find_command(cpu, n);
    uint64_t *mtrr = mtrr_slot(cpu, n), *bank = bank_slot(cpu, n);
    bool ok;
    if (row) {
        ok = write_row(cpu, row, v);
    } else if (command) {
        ok = !(v & ~command->bits);
    } else if (fixed) {
        ok = fixed->ignored;
    } else if (mtrr || bank) {
        ok = mtrr ? mtrr_valid(cpu, n, v) : bank_valid(cpu, n, v);
        *(mtrr ? mtrr : bank) = ok ? v : *(mtrr ? mtrr : bank);
    } else {
        return write_special(cpu, n, v);
    }
    return ok ? MSR_WRITTEN : MSR_REFUSED;
}

uint64_t helper_wrmsr(Cpu *parent)
{
    X86Cpu *cpu = x86_cpu(parent);
    X86State *s = &cpu->s;
    uint32_t n = s->gpr[X86_RCX];
    uint64_t v = s->gpr[X86_RDX] << 32 | (uint32_t)s->gpr[X86_RAX];
    require_ring0(cpu);
    Written how = msr_write(cpu, n, v);
    if (how != MSR_WRITTEN) {
        guest_error("wrmsr 0x%x: %s (0x%" G_GINT64_MODIFIER "x)", n,
                    how == MSR_REFUSED ? "not a value that it takes"
                                       : "the model has no such register", v);
        if (how == MSR_REFUSED || !cpu->ignore_unknown_msr) {
            x86_raise(cpu, EXC_GP, 0);
        }
    }
    x86_update_modes(cpu);
    return 0;
}

/* --- other instructions -------------------------------------------------------------- */

uint64_t helper_rdtsc(Cpu *parent)
{
    X86Cpu *cpu = x86_cpu(parent);
    const X86State *s = &cpu->s;
    if ((s->cr[4] & CR4_TSD) && (s->cr[0] & CR0_PE) && x86_cpl(cpu)) {
        x86_raise(cpu, EXC_GP, 0);
    }
    return tsc_here(cpu);
}

uint64_t helper_tsc_aux(Cpu *parent)
{
    return x86_cpu(parent)->s.tsc_aux;
}

/* No model has performance counters. */
uint64_t helper_rdpmc(Cpu *parent)
{
    x86_raise(x86_cpu(parent), EXC_GP, 0);
}
