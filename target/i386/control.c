/*
 * Control registers, EFLAGS instructions, ports and the small system
 * instructions. SDM vol. 3, 2.5; vol. 2 for each.
 */
#include "base/log.h"
#include "cpuid.h"
#include "sys.h"
#include "pins/x86.h"
#include "vm/turn.h"

/* --- CR0..CR8 ------------------------------------------------------------------ */

static void general_protection(X86Cpu *cpu) G_GNUC_NORETURN;
static void general_protection(X86Cpu *cpu)
{
    x86_raise(cpu, EXC_GP, 0);
}

uint64_t cr_get(const X86Cpu *cpu, unsigned n)
{
    if (n == 8) {
        return cpu->apic ? cpu->apic_ops->cr8(cpu->apic) : cpu->s.cr8;
    }
    return cpu->s.cr[n];
}

uint64_t helper_read_cr(Cpu *parent, uint64_t n)
{
    X86Cpu *cpu = x86_cpu(parent);
    bool there = n == 8 ? cpuid_has_long_mode(cpu) : n <= 4 && n != 1;
    if (!there) {
        x86_raise(cpu, EXC_UD, -1);
    }
    return cr_get(cpu, n);
}

/* PG going on or off takes long mode along (10.8.5). */
static bool switch_long_mode(X86Cpu *cpu, uint64_t old, uint64_t v)
{
    X86State *s = &cpu->s;
    if ((v & CR0_PG) && !(old & CR0_PG) && (s->efer & EFER_LME)) {
        if (!(s->cr[4] & CR4_PAE) || (s->seg_attr[SEG_CS] & DESC_L)) {
            return false;
        }
        s->efer |= EFER_LMA;
    } else if (!(v & CR0_PG) && (old & CR0_PG) && (s->efer & EFER_LMA)) {
        if (x86_code64(cpu)) {
            return false;
        }
        s->efer &= ~(uint64_t)EFER_LMA;
    }
    return true;
}

static bool put_cr0(X86Cpu *cpu, uint64_t v)
{
    X86State *s = &cpu->s;
    uint64_t old = s->cr[0];
    uint64_t known = CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE |
                     CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG;
    bool pcids = !(v & CR0_PG) && (s->cr[4] & CR4_PCIDE);
    if (((v & CR0_PG) && !(v & CR0_PE)) || ((v & CR0_NW) && !(v & CR0_CD)) ||
        pcids || v >> 32 || !switch_long_mode(cpu, old, v)) {
        return false;
    }
    s->cr[0] = (v & known) | CR0_ET;
    if (((old ^ v) & CR0_PG) && !mmu_load_pdptes(cpu)) {
        s->cr[0] = old;
        return false;
    }
    /* Without paging neither PE nor WP is part of a translation. */
    if (((old ^ v) & CR0_PG) || ((old & CR0_PG) && ((old ^ v) & CR0_WP))) {
        tlb_flush(&cpu->parent);
    }
    return true;
}

/* With PCIDs: what is cached of the new address space may stay (4.10.4.1). It
 * makes no difference, and is not kept in the register. */
#define CR3_KEEP BIT(63)
#define CR3_PCID UINT64_C(0xfff)

static bool put_cr3(X86Cpu *cpu, uint64_t v)
{
    X86State *s = &cpu->s;
    MmuRoot old = mmu_root(cpu);
    if (s->cr[4] & CR4_PCIDE) {
        v &= ~CR3_KEEP;
    }
    if (v >> cpuid_phys_bits(cpu)) {
        return false;
    }
    s->cr[3] = v;
    if (!mmu_load_pdptes(cpu)) {
        s->cr[3] = old.cr3;
        return false;
    }
    mmu_change_root(cpu, &old);
    return true;
}

static uint64_t cr4_known(const X86Cpu *cpu)
{
    uint32_t seven = x86_feature_word(cpu, FEAT_7_EBX);
    uint32_t one = x86_feature_word(cpu, FEAT_1_EDX);
    uint32_t one_c = x86_feature_word(cpu, FEAT_1_ECX);
    uint32_t seven_c = x86_feature_word(cpu, FEAT_7_ECX);
    return CR4_PCE | (one & 1u << 7 ? CR4_MCE : 0) |
           (one & 1u << 24 ? CR4_OSFXSR : 0) |
           (one & 1u << 25 ? CR4_OSXMMEXCPT : 0) |
           (one_c & CPUID_XSAVE ? CR4_OSXSAVE : 0) |
           (one & 1u << 1 ? CR4_VME | CR4_PVI : 0) |
           (one & 1u << 2 ? CR4_DE : 0) | (one & 1u << 3 ? CR4_PSE : 0) |
           (one & 1u << 4 ? CR4_TSD : 0) | (one & 1u << 6 ? CR4_PAE : 0) |
           (one & 1u << 13 ? CR4_PGE : 0) |
           (seven & 1u << 0 ? CR4_FSGSBASE : 0) |
           (seven & 1u << 7 ? CR4_SMEP : 0) |
           (seven & 1u << 20 ? CR4_SMAP : 0) |
           (one_c & 1u << 17 ? CR4_PCIDE : 0) |
           (seven_c & 1u << 2 ? CR4_UMIP : 0) |
           (seven_c & CPUID_PKU ? CR4_PKE : 0) |
           (seven_c & CPUID_LA57 ? CR4_LA57 : 0);
}

/* What CR4 may not become in the present mode (2.5; 4.10.1 for PCIDs). */
static bool cr4_forbidden(const X86State *s, uint64_t v)
{
    bool lma = s->efer & EFER_LMA;
    bool pcide_comes = v & ~s->cr[4] & CR4_PCIDE;
    return (lma && (!(v & CR4_PAE) || ((v ^ s->cr[4]) & CR4_LA57))) ||
           (pcide_comes && (!lma || (s->cr[3] & CR3_PCID)));
}

static bool put_cr4(X86Cpu *cpu, uint64_t v)
{
    X86State *s = &cpu->s;
    MmuRoot root = mmu_root(cpu);
    uint64_t old = s->cr[4];
    if ((v & ~cr4_known(cpu)) || cr4_forbidden(s, v)) {
        return false;
    }
    s->cr[4] = v;
    if (((old ^ v) & (CR4_PAE | CR4_PSE | CR4_PGE)) &&
        !mmu_load_pdptes(cpu)) {
        s->cr[4] = old;
        return false;
    }
    /* These are set and cleared to flush a TLB; the others are set once. */
    if ((old ^ v) & ~(CR4_PGE | CR4_PCIDE)) {
        tlb_flush(&cpu->parent);
    } else {
        mmu_change_root(cpu, &root);
    }
    return true;
}

static bool put_cr8(X86Cpu *cpu, uint64_t v)
{
    if (v & ~UINT64_C(15)) {
        return false;
    }
    if (cpu->apic) {
        cpu->apic_ops->set_cr8(cpu->apic, v);
    } else {
        cpu->s.cr8 = v;
    }
    return true;
}

bool cr_put(X86Cpu *cpu, unsigned n, uint64_t v)
{
    switch (n) {
    case 0:
        return put_cr0(cpu, v);
    case 2:
        cpu->s.cr[2] = v;
        return true;
    case 3:
        return put_cr3(cpu, v);
    case 4:
        return put_cr4(cpu, v);
    default:
        return put_cr8(cpu, v);
    }
}

uint64_t helper_write_cr(Cpu *parent, uint64_t n, uint64_t v)
{
    X86Cpu *cpu = x86_cpu(parent);
    if (n == 1 || (n > 4 && n != 8)) {
        x86_raise(cpu, EXC_UD, -1);
    }
    if (!cr_put(cpu, n, v)) {
        general_protection(cpu);
    }
    x86_update_modes(cpu);
    return 0;
}

uint64_t helper_smsw(Cpu *parent)
{
    X86Cpu *cpu = x86_cpu(parent);
    if ((cpu->s.cr[4] & CR4_UMIP) && x86_cpl(cpu)) {
        general_protection(cpu);
    }
    return cpu->s.cr[0];
}

/* Only PE, MP, EM and TS; PE cannot be cleared. */
uint64_t helper_lmsw(Cpu *parent, uint64_t v)
{
    X86Cpu *cpu = x86_cpu(parent);
    uint64_t cr0 = cpu->s.cr[0];
    if (!put_cr0(cpu, (cr0 & ~UINT64_C(0xe)) | (v & 0xf))) {
        general_protection(cpu);
    }
    x86_update_modes(cpu);
    return 0;
}

uint64_t helper_clts(Cpu *parent)
{
    x86_cpu(parent)->s.cr[0] &= ~(uint64_t)CR0_TS;
    return 0;
}

/* Nothing is cached that the page tables do not say any more. */
uint64_t helper_invlpg(Cpu *parent, uint64_t va)
{
    return 0;
}

/* Vol. 2, INVPCID: what it would drop is not there, as for INVLPG. */
uint64_t helper_invpcid(Cpu *parent, uint64_t type, uint64_t pcid,
                        uint64_t va)
{
    X86Cpu *cpu = x86_cpu(parent);
    bool one = type < 2;
    if (type > 3 || pcid >> 12 || (type == 0 && !base_is_canonical(cpu, va)) ||
        (one && pcid && !(cpu->s.cr[4] & CR4_PCIDE))) {
        general_protection(cpu);
    }
    return 0;
}

uint64_t helper_invd(Cpu *parent)
{
    return 0; /* there is no cache to see */
}

/* --- EFLAGS ------------------------------------------------------------------------ */

static unsigned iopl_of(const X86Cpu *cpu)
{
    return (cpu->s.eflags & FLAG_IOPL) >> FLAG_IOPL_SHIFT;
}

/* CLI and STI act on VIF instead of IF: VME or PVI (20.3, 20.4). */
static bool virtual_if(const X86Cpu *cpu)
{
    const X86State *s = &cpu->s;
    if (s->eflags & FLAG_VM) {
        return s->cr[4] & CR4_VME;
    }
    return x86_cpl(cpu) == 3 && (s->cr[4] & CR4_PVI);
}

static bool may_change_if(const X86Cpu *cpu)
{
    return !(cpu->s.cr[0] & CR0_PE) || x86_cpl(cpu) <= iopl_of(cpu);
}

uint64_t helper_cli(Cpu *parent)
{
    X86Cpu *cpu = x86_cpu(parent);
    if (may_change_if(cpu)) {
        cpu->s.eflags &= ~(uint64_t)FLAG_IF;
    } else if (virtual_if(cpu)) {
        cpu->s.eflags &= ~(uint64_t)FLAG_VIF;
    } else {
        general_protection(cpu);
    }
    return 0;
}

uint64_t helper_sti(Cpu *parent)
{
    X86Cpu *cpu = x86_cpu(parent);
    X86State *s = &cpu->s;
    if (may_change_if(cpu)) {
        s->irq_shadow = !(s->eflags & FLAG_IF);
        s->eflags |= FLAG_IF;
        x86_update_modes(cpu);
    } else if (virtual_if(cpu) && !(s->eflags & FLAG_VIP)) {
        s->eflags |= FLAG_VIF;
    } else {
        general_protection(cpu);
    }
    return 0;
}

uint64_t helper_read_eflags(Cpu *parent)
{
    return x86_eflags(x86_cpu(parent));
}

uint64_t helper_pushf(Cpu *parent, uint64_t size)
{
    X86Cpu *cpu = x86_cpu(parent);
    uint32_t flags = x86_eflags(cpu) & ~(FLAG_VM | FLAG_RF);
    bool vm = cpu->s.eflags & FLAG_VM;
    if (!vm || iopl_of(cpu) == 3) {
        return flags;
    }
    if (!(cpu->s.cr[4] & CR4_VME) || size != 2) {
        general_protection(cpu);
    }
    flags = (flags | FLAG_IOPL) & ~FLAG_IF;
    return flags | (cpu->s.eflags & FLAG_VIF ? FLAG_IF : 0);
}

static void popf_vme(X86Cpu *cpu, uint32_t v, unsigned size)
{
    uint32_t old = x86_eflags(cpu);
    if (!(cpu->s.cr[4] & CR4_VME) || size != 2 || (v & FLAG_TF) ||
        ((v & FLAG_IF) && (old & FLAG_VIP))) {
        general_protection(cpu);
    }
    uint32_t mask = FLAG_ARITH | FLAG_TF | FLAG_DF | FLAG_NT;
    uint32_t flags = (old & ~(mask | FLAG_VIF)) | (v & mask);
    x86_set_eflags(cpu, flags | (v & FLAG_IF ? FLAG_VIF : 0));
}

uint64_t helper_popf(Cpu *parent, uint64_t v, uint64_t size)
{
    X86Cpu *cpu = x86_cpu(parent);
    uint32_t mask = FLAG_ARITH | FLAG_TF | FLAG_DF | FLAG_NT;
    bool vm = cpu->s.eflags & FLAG_VM;
    if (vm && iopl_of(cpu) < 3) {
        popf_vme(cpu, v, size);
        return 0;
    }
    if (size > 2) {
        mask |= FLAG_AC | FLAG_ID;
    }
    if (may_change_if(cpu)) {
        mask |= FLAG_IF;
    }
    if (!(cpu->s.cr[0] & CR0_PE) || x86_cpl(cpu) == 0) {
        mask |= FLAG_IOPL;
    }
    x86_set_eflags(cpu, (x86_eflags(cpu) & ~(mask | FLAG_RF)) | (v & mask));
    return 0;
}

uint64_t helper_clac_stac(Cpu *parent, uint64_t set)
{
    X86Cpu *cpu = x86_cpu(parent);
    if (!(x86_feature_word(cpu, FEAT_7_EBX) & 1u << 20) || x86_cpl(cpu)) {
        x86_raise(cpu, EXC_UD, -1);
    }
    cpu->s.eflags = set ? cpu->s.eflags | FLAG_AC
                        : cpu->s.eflags & ~(uint64_t)FLAG_AC;
    x86_update_modes(cpu);
    return 0;
}

/* --- ports --------------------------------------------------------------------------- */

uint64_t helper_in(Cpu *parent, uint64_t port, uint64_t size)
{
    debug_io(x86_cpu(parent), port, size);
    return address_space_ld(parent->machine->io, port & 0xffff, size);
}

uint64_t helper_out(Cpu *parent, uint64_t port, uint64_t size, uint64_t v)
{
    debug_io(x86_cpu(parent), port, size);
    address_space_st(parent->machine->io, port & 0xffff, v, size);
    return 0;
}

/* --- the rest ------------------------------------------------------------------------ */

uint64_t helper_hlt(Cpu *parent, uint64_t next)
{
    X86State *s = &x86_cpu(parent)->s;
    s->halted = true;
    s->mwait_any = false;
    return 0;
}

uint64_t helper_pause(Cpu *parent)
{
    turn_yield(parent->machine);
    return 0;
}

uint64_t helper_swapgs(Cpu *parent)
{
    X86State *s = &x86_cpu(parent)->s;
    uint64_t base = s->seg_base[SEG_GS];
    s->seg_base[SEG_GS] = s->kernel_gs_base;
    s->kernel_gs_base = base;
    return 0;
}

static void require_fsgsbase(X86Cpu *cpu)
{
    if (!(cpu->s.cr[4] & CR4_FSGSBASE)) {
        x86_raise(cpu, EXC_UD, -1);
    }
}

uint64_t helper_fsgsbase_read(Cpu *parent, uint64_t seg)
{
    require_fsgsbase(x86_cpu(parent));
    return x86_cpu(parent)->s.seg_base[seg];
}

uint64_t helper_fsgsbase_write(Cpu *parent, uint64_t seg, uint64_t v)
{
    X86Cpu *cpu = x86_cpu(parent);
    require_fsgsbase(cpu);
    if (!base_is_canonical(cpu, v)) {
        general_protection(cpu);
    }
    cpu->s.seg_base[seg] = v;
    return 0;
}

/* --- MONITOR, MWAIT (8.10.4; vol. 2) ----------------------------------------------------- */

static void require_kernel(X86Cpu *cpu)
{
    if ((cpu->s.cr[0] & CR0_PE) && x86_cpl(cpu)) {
        x86_raise(cpu, EXC_UD, -1);
    }
}

uint64_t helper_kernel_only(Cpu *parent)
{
    require_kernel(x86_cpu(parent));
    return 0;
}

uint64_t helper_monitor(Cpu *parent, uint64_t extensions)
{
    X86Cpu *cpu = x86_cpu(parent);
    if (extensions) {
        general_protection(cpu);
    }
    cpu->s.monitoring = true;
    return 0;
}

/* Waits as HLT does, for an interrupt. A store by another processor ends the
 * wait, too: where there are several, it therefore is over at once, and theirs
 * is the next turn. */
uint64_t helper_mwait(Cpu *parent, uint64_t extensions)
{
    X86State *s = &x86_cpu(parent)->s;
    require_kernel(x86_cpu(parent));
    if (extensions & ~UINT64_C(1)) {
        general_protection(x86_cpu(parent));
    }
    if (s->monitoring && parent->machine->cpus->len > 1) {
        turn_yield(parent->machine);
    } else if (s->monitoring) {
        s->halted = true;
        s->mwait_any = extensions & 1;
    }
    s->monitoring = false;
    return 0;
}
