/*
 * Paging: 32-bit, PAE, 4-level and 5-level, with every protection. SDM vol. 3,
 * chapter 4. One walker for all formats: a format is a row of a table.
 */
#include "base/bytes.h"
#include "cpuid.h"
#include "paging.h"
#include "show.h"
#include "sys.h"

/* Bits of a #PF error code (4.7). */
enum { PF_P = 1, PF_W = 2, PF_U = 4, PF_RSVD = 8, PF_I = 16, PF_PK = 32 };

/* A protection key's two bits of PKRU (4.6.2). */
enum { PKRU_AD = 1, PKRU_WD = 2 };

typedef struct Walk {
    X86Cpu *cpu;
    GuestAddr va;
    MmuAccess access;
    bool user, smap, probe;
    bool pae;              /* 8-byte entries */
    uint64_t rights;       /* PTE_W, PTE_U: all levels allow; PTE_NX: any */
    unsigned key;          /* PKRU_*: what the page's protection key denies */
    uint32_t error;        /* of a #PF, without PF_P and PF_RSVD */
} Walk;

static PhysAddr a20_mask(const X86Cpu *cpu, PhysAddr pa)
{
    return cpu->s.a20 ? pa : pa & ~(UINT64_C(1) << 20);
}

/* --- faults ------------------------------------------------------------------------- */

static bool page_fault(Walk *w, uint32_t bits)
{
    X86Cpu *cpu = w->cpu;
    if (!w->probe) {
        cpu->s.cr[2] = w->va;
        cpu->exc_vector = EXC_PF;
        cpu->exc_has_error = true;
        cpu->exc_error = w->error | bits;
    }
    return false;
}

static void note_not_canonical(X86Cpu *cpu, unsigned mode)
{
    cpu->exc_vector = mode & MMU_TARGET ? EXC_SS : EXC_GP;
    cpu->exc_has_error = true;
    cpu->exc_error = 0;
}

/* The stack's accesses have MMU_TARGET (5.3.1). */
bool x86_addressable(Cpu *parent, GuestAddr va, unsigned mode)
{
    X86Cpu *cpu = x86_cpu(parent);
    bool wide = (cpu->s.efer & EFER_LMA) && (cpu->s.cr[0] & CR0_PG);
    if (!wide || is_canonical(cpu, va)) {
        return true;
    }
    note_not_canonical(cpu, mode);
    return false;
}

/* A near jump, call or return out of the canonical range, noticed before
 * anything changed (vol. 2, JMP). */
void x86_bad_target(Cpu *parent, uint64_t target)
{
    note_not_canonical(x86_cpu(parent), 0);
}

/* --- entries ------------------------------------------------------------------------- */

/* A 4 MiB page's entry has address bits 32 up from bit 13 on, as many as the
 * model has; bit 21 is none (figure 4-4). */
static uint64_t pse_reserved(unsigned phys_bits)
{
    return 0x003fe000 & ~(bits_mask(phys_bits - 19) & 0x001fe000);
}

/* Bits that must be zero in an entry of `bytes` covering 2^shift bytes. */
static uint64_t reserved_bits(const Walk *w, unsigned shift, bool leaf)
{
    const X86State *s = &w->cpu->s;
    unsigned phys_bits = cpuid_phys_bits(w->cpu);
    if (!w->pae) {
        return leaf && shift == 22 ? pse_reserved(phys_bits) : 0;
    }
    uint64_t r = FRAME_MASK & ~bits_mask(phys_bits);
    if (!(s->efer & EFER_NXE)) {
        r |= PTE_NX;
    }
    if (!(s->efer & EFER_LMA)) {
        r |= UINT64_C(0x7ff) << 52;
    }
    if (leaf && shift > 12) {
        r |= bits_mask(shift) & ~UINT64_C(0x1fff); /* below the frame */
    }
    if (shift >= 39 || (shift == 30 && !cpuid_has_gib_pages(w->cpu))) {
        r |= PTE_PS;
    }
    return r;
}

static uint64_t entry_ld(Walk *w, PhysAddr at)
{
    Cpu *cpu = &w->cpu->parent;
    at = a20_mask(w->cpu, at);
    if (!w->probe) {
        return walk_ld(cpu, at, w->pae ? 8 : 4);
    }
    uint64_t v = 0;
    AddressSpace *as = cpu->cls->memory(cpu);
    return address_space_read_debug(as, at, &v, w->pae ? 8 : 4)
               ? GUINT64_FROM_LE(v) : 0;
}

static void entry_mark(Walk *w, PhysAddr at, uint64_t entry, uint64_t bits)
{
    if (!w->probe && (entry & bits) != bits) {
        walk_st(&w->cpu->parent, a20_mask(w->cpu, at), entry | bits,
                w->pae ? 8 : 4);
    }
}

/* --- rights (4.6) ---------------------------------------------------------------------- */

/* What PKRU says of user pages, in 4- and 5-level paging. */
static unsigned key_of(const Walk *w, uint64_t entry)
{
    const X86State *s = &w->cpu->s;
    if (!(s->cr[4] & CR4_PKE) || !(s->efer & EFER_LMA) ||
        !(w->rights & PTE_U)) {
        return 0;
    }
    return s->pkru >> 2 * bits_extract(entry, 59, 4) & 3;
}

static bool key_allows(const Walk *w, MmuAccess access)
{
    bool wp = w->user || (w->cpu->s.cr[0] & CR0_WP);
    return !(w->key & PKRU_AD) &&
           !(access == MMU_STORE && wp && (w->key & PKRU_WD));
}

static bool may_load(const Walk *w)
{
    if (w->key & PKRU_AD) {
        return false;
    }
    if (w->user) {
        return w->rights & PTE_U;
    }
    return !(w->smap && (w->rights & PTE_U));
}

static bool may_store(const Walk *w)
{
    bool wp = w->user || (w->cpu->s.cr[0] & CR0_WP);
    return may_load(w) && key_allows(w, MMU_STORE) &&
           ((w->rights & PTE_W) || !wp);
}

static bool may_fetch(const Walk *w)
{
    const X86State *s = &w->cpu->s;
    if ((w->rights & PTE_NX) && (s->efer & EFER_NXE)) {
        return false;
    }
    if (w->user) {
        return w->rights & PTE_U;
    }
    return !((s->cr[4] & CR4_SMEP) && (w->rights & PTE_U));
}

static bool allowed(const Walk *w, MmuAccess access)
{
    return access == MMU_LOAD ? may_load(w)
           : access == MMU_STORE ? may_store(w)
                                 : may_fetch(w);
}

/* What the translation may be cached for: a store only after a walk for one,
 * so that D is set when it must be. */
static uint8_t protections(const Walk *w, bool dirty)
{
    return (may_load(w) ? 1u << MMU_LOAD : 0) |
           (may_store(w) && dirty ? 1u << MMU_STORE : 0) |
           (may_fetch(w) ? 1u << MMU_FETCH : 0);
}

/* --- the walk ---------------------------------------------------------------------------- */

static bool finish(Walk *w, PhysAddr at, uint64_t entry, unsigned shift,
                   MmuResult *res)
{
    w->key = key_of(w, entry);
    if (!w->probe && !allowed(w, w->access)) {
        bool data = w->access != MMU_FETCH;
        bool denied = data && !key_allows(w, w->access);
        return page_fault(w, PF_P | (denied ? PF_PK : 0));
    }
    bool store = w->access == MMU_STORE;
    entry_mark(w, at, entry, PTE_A | (store ? PTE_D : 0));
    uint64_t frame = entry & FRAME_MASK & ~bits_mask(shift);
    if (!w->pae) {
        frame = entry & 0xfffff000 & ~bits_mask(shift);
        if (shift == 22) {
            frame |= (entry & 0x1fe000) << 19; /* PSE-36 */
        }
    }
    res->phys = a20_mask(w->cpu, frame | (w->va & bits_mask(shift)));
    res->prot = protections(w, store || (entry & PTE_D));
    return true;
}

/* From a table at `base` whose entries cover 2^shift bytes downwards. */
static bool descend(Walk *w, PhysAddr base, unsigned shift, MmuResult *res)
{
    unsigned index_bits = w->pae ? 9 : 10;
    unsigned size_log = w->pae ? 3 : 2;
    bool pse = w->pae || (w->cpu->s.cr[4] & CR4_PSE);
    for (;;) {
        uint64_t index = bits_extract(w->va, shift, index_bits);
        PhysAddr at = base + (index << size_log);
        uint64_t entry = entry_ld(w, at);
        if (!(entry & PTE_P)) {
            return page_fault(w, 0);
        }
        bool leaf = shift == 12 || ((entry & PTE_PS) && pse && shift <= 30);
        if (entry & reserved_bits(w, shift, leaf)) {
            return page_fault(w, PF_P | PF_RSVD);
        }
        w->rights &= entry | ~(PTE_W | PTE_U);
        w->rights |= entry & PTE_NX;
        if (leaf) {
            return finish(w, at, entry, shift, res);
        }
        entry_mark(w, at, entry, PTE_A);
        base = w->pae ? entry & FRAME_MASK : entry & 0xfffff000;
        shift -= index_bits;
    }
}

static bool walk_pae(Walk *w, MmuResult *res)
{
    uint64_t entry = w->cpu->s.pdpte[bits_extract(w->va, 30, 2)];
    if (!(entry & PTE_P)) {
        return page_fault(w, 0);
    }
    return descend(w, entry & FRAME_MASK, 21, res);
}

static bool unpaged(Walk *w, MmuResult *res)
{
    res->phys = a20_mask(w->cpu, w->va);
    res->prot = 1u << MMU_LOAD | 1u << MMU_STORE | 1u << MMU_FETCH;
    return true;
}

bool x86_walk(Cpu *parent, GuestAddr va, MmuAccess access, unsigned mode,
              bool probe, MmuResult *res)
{
    X86Cpu *cpu = x86_cpu(parent);
    X86State *s = &cpu->s;
    bool nx = (s->efer & EFER_NXE) && (s->cr[4] & CR4_PAE);
    Walk w = {
        .cpu = cpu, .va = va, .access = access, .probe = probe,
        .user = (mode & ~MMU_FLAGS) == MMU_USER,
        .smap = (s->cr[4] & CR4_SMAP) && (mode & ~MMU_FLAGS) == MMU_KERNEL,
        .pae = s->cr[4] & CR4_PAE,
        .rights = PTE_W | PTE_U,
    };
    bool fetch = access == MMU_FETCH && (nx || (s->cr[4] & CR4_SMEP));
    w.error = (w.user ? PF_U : 0) | (access == MMU_STORE ? PF_W : 0) |
              (fetch ? PF_I : 0);
    if (!(s->cr[0] & CR0_PG)) {
        w.va = (uint32_t)va;
        return unpaged(&w, res);
    }
    if (s->efer & EFER_LMA) {
        bool canonical = is_canonical(cpu, va);
        if (!canonical && !probe) {
            note_not_canonical(cpu, mode);
        }
        return canonical && descend(&w, s->cr[3] & FRAME_MASK,
                                    paging_top_shift(s), res);
    }
    w.va = (uint32_t)va;
    return w.pae ? walk_pae(&w, res)
                 : descend(&w, s->cr[3] & 0xfffff000, 22, res);
}

/* Loaded with CR3, not on each walk (4.4.1). */
bool mmu_load_pdptes(X86Cpu *cpu)
{
    X86State *s = &cpu->s;
    bool pae = (s->cr[0] & CR0_PG) && (s->cr[4] & CR4_PAE) &&
               !(s->efer & EFER_LMA);
    uint64_t table[4];
    if (!pae) {
        return true;
    }
    AddressSpace *as = cpu->parent.cls->memory(&cpu->parent);
    for (unsigned i = 0; i < 4; i++) {
        PhysAddr at = (s->cr[3] & 0xffffffe0) + 8 * i;
        table[i] = address_space_ld(as, a20_mask(cpu, at), 8);
        uint64_t reserved = 0x1e6 | ~bits_mask(cpuid_phys_bits(cpu));
        if ((table[i] & PTE_P) && (table[i] & reserved)) {
            return false;
        }
    }
    memcpy(s->pdpte, table, sizeof table);
    return true;
}

/* --- another address space (4.10.4.1) ------------------------------------------------------- */

MmuRoot mmu_root(const X86Cpu *cpu)
{
    MmuRoot root = { .cr3 = cpu->s.cr[3] };
    memcpy(root.pdpte, cpu->s.pdpte, sizeof root.pdpte);
    return root;
}

/* The table of 2^bits entries that a root names, or NULL. */
static const uint8_t *root_table(X86Cpu *cpu, uint64_t cr3, TlbRoots *r,
                                 RamAddr *ra)
{
    PhysAddr at = cr3 & (r->entry_bytes == 8 ? FRAME_MASK : 0xfffff000);
    return walk_table(&cpu->parent, a20_mask(cpu, at), PAGE_SIZE, ra);
}

/* Cached translations never outlive their page-table entries (softmmu/tlb.c),
 * so only the root itself matters. */
void mmu_change_root(X86Cpu *cpu, const MmuRoot *before)
{
    const X86State *s = &cpu->s;
    bool pae = s->cr[4] & CR4_PAE, wide = s->efer & EFER_LMA;
    uint8_t pdptes[2][4 * 8];
    TlbRoots r = { .entry_bytes = pae ? 8 : 4, .shift = wide ? paging_top_shift(s) : 22,
                   .index_bits = pae ? 9 : 10, .valid = PTE_P | PTE_A,
                   .in_ram = true };

    if (pae && !wide) {
        for (unsigned i = 0; i < 4; i++) {
            bytes_st_le64(pdptes[0] + 8 * i, before->pdpte[i]);
            bytes_st_le64(pdptes[1] + 8 * i, s->pdpte[i]);
        }
        r = (TlbRoots){ pdptes[0], pdptes[1], .entry_bytes = 8, .shift = 30,
                        .index_bits = 2, .valid = PTE_P };
    } else {
        RamAddr old;
        r.before = root_table(cpu, before->cr3, &r, &old);
        r.after = root_table(cpu, s->cr[3], &r, &r.ram);
    }
    if ((s->cr[0] & CR0_PG) && r.before && r.after) {
        tlb_change_root(&cpu->parent, &r);
    } else {
        tlb_flush(&cpu->parent);
    }
}
