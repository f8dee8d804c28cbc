/*
 * VMSAv8-64, stage 1 of the EL1&0 regime: tables of 4, 16 and 64 KiB granules
 * (Arm ARM, D8). One walker: a granule is a number of address bits.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "cpu.h"

/* Descriptors (D8.3) */
#define DESC_VALID BIT(0)
#define DESC_TABLE BIT(1)          /* at the last level: a page */
#define DESC_AP1   BIT(6)          /* EL0 may */
#define DESC_AP2   BIT(7)          /* read-only */
#define DESC_AF    BIT(10)
#define DESC_DBM   BIT(51)
#define DESC_PXN   BIT(53)
#define DESC_UXN   BIT(54)
#define DESC_AP_TABLE0 BIT(61)
#define DESC_AP_TABLE1 BIT(62)
#define DESC_PXN_TABLE BIT(59)
#define DESC_UXN_TABLE BIT(60)
#define DESC_NS_TABLE  BIT(63)

/* Fault status codes (D19.2.37, DFSC): the level is added. */
enum { FSC_ADDRESS_SIZE = 0x00, FSC_TRANSLATION = 0x04, FSC_ACCESS = 0x08,
       FSC_PERMISSION = 0x0c, FSC_ALIGNMENT = 0x21 };

#define ISS_WNR BIT(6)
#define ISS_CM  BIT(8)

typedef struct Walk {
    ArmCpu *cpu;
    GuestAddr va;
    MmuAccess access;
    unsigned mode;         /* without flags */
    bool probe, cache_op;
    unsigned granule;      /* bits of a page */
    unsigned va_bits;
    PhysAddr table;
    unsigned level;
    bool is_disabled;      /* EPDn */
    uint64_t table_bits;   /* what tables on the way took away */
} Walk;

/* --- faults --------------------------------------------------------------- */

static bool fault(Walk *w, unsigned status)
{
    if (!w->probe) {
        bool fetch = w->access == MMU_FETCH;
        w->cpu->fault = (ArmFault){
            .ec = fetch ? EC_FETCH_LOWER : EC_DATA_LOWER,
            .iss = status | (w->access == MMU_STORE ? ISS_WNR : 0),
            .has_far = true,
            .far = w->va,
        };
    }
    return false;
}

void arm_unaligned(Cpu *parent, GuestAddr va)
{
    ArmCpu *cpu = arm_cpu(parent);
    cpu->fault = (ArmFault){ .ec = EC_DATA_LOWER, .iss = FSC_ALIGNMENT,
                             .has_far = true, .far = va };
}

uint64_t helper_check_align(Cpu *parent, uint64_t va, uint64_t mask)
{
    if (va & mask) {
        arm_unaligned(parent, va);
        cpu_raise(parent);
    }
    return 0;
}

uint64_t helper_check_sp(Cpu *parent, uint64_t sp)
{
    if (sp & 15) {
        arm_raise(arm_cpu(parent), EC_SP_ALIGN, 0);
    }
    return 0;
}

/* --- where a walk begins (D8.2) ------------------------------------------- */

/* TG0 and TG1 tell sizes by different numbers. 0: reserved, taken as 4 KiB. */
static unsigned granule_of(uint64_t tcr, bool upper)
{
    static const uint8_t tg0[] = { 12, 16, 14, 12 };
    static const uint8_t tg1[] = { 12, 14, 12, 16 };
    return upper ? tg1[tcr >> 30 & 3] : tg0[tcr >> 14 & 3];
}

/* Entries of a table, as bits of the address. */
static unsigned stride_of(const Walk *w)
{
    return w->granule - 3;
}

/* The lowest bit that a level resolves; level 3 resolves pages. */
static unsigned shift_of(const Walk *w, unsigned level)
{
    return w->granule + (3 - level) * stride_of(w);
}

/* False: no table serves this address. */
static bool begin(Walk *w)
{
    const ArmState *s = &w->cpu->s;
    bool upper = w->va & BIT(55);
    uint64_t tcr = s->tcr;
    unsigned size = upper ? tcr >> 16 & 63 : tcr & 63;
    bool tbi = tcr & (upper ? BIT(38) : BIT(37));
    w->granule = granule_of(tcr, upper);
    w->va_bits = 64 - MIN(MAX(size, 16), 39);
    w->is_disabled = tcr & (upper ? BIT(23) : BIT(7));
    w->level = 4 - (w->va_bits - w->granule + stride_of(w) - 1) /
                       stride_of(w);
    w->table = s->ttbr[upper] & 0x0000fffffffffffe;
    unsigned index_bits = w->va_bits - shift_of(w, w->level);
    w->table &= ~(BIT(MAX(index_bits + 3, 6)) - 1);
    uint64_t top = w->va >> w->va_bits;
    uint64_t want = upper ? UINT64_MAX >> w->va_bits : 0;
    if (tbi) {
        uint64_t seen = BIT(56 - w->va_bits) - 1;
        top &= seen;
        want &= seen;
    }
    return top == want && !w->is_disabled;
}

/* --- entries -------------------------------------------------------------- */

static uint64_t entry_ld(Walk *w, PhysAddr at)
{
    Cpu *cpu = &w->cpu->parent;
    uint64_t v = 0;
    if (!w->probe) {
        return walk_ld(cpu, at, 8);
    }
    return address_space_read_debug(cpu->machine->memory, at, &v, 8)
               ? GUINT64_FROM_LE(v) : 0;
}

static uint64_t frame_of(const Walk *w, uint64_t entry, unsigned shift)
{
    uint64_t frame = entry & 0x0000ffffffffffff;
    return frame & ~(BIT(shift) - 1);
}

/* --- rights (D8.4) -------------------------------------------------------- */

typedef struct Rights {
    bool load, store, fetch;
} Rights;

static Rights rights_of(const Walk *w, uint64_t entry)
{
    const ArmState *s = &w->cpu->s;
    bool user = (entry & DESC_AP1) && !(w->table_bits & DESC_AP_TABLE0);
    bool writable = !(entry & DESC_AP2) && !(w->table_bits & DESC_AP_TABLE1);
    bool pxn = (entry & DESC_PXN) || (w->table_bits & DESC_PXN_TABLE);
    bool uxn = (entry & DESC_UXN) || (w->table_bits & DESC_UXN_TABLE);
    bool wxn = (s->sctlr & BIT(19)) && writable;
    if (w->mode == MMU_EL0) {
        return (Rights){ user, user && writable, user && !uxn && !wxn };
    }
    bool denied = w->mode == MMU_EL1_PAN && user;
    bool fetch = !pxn && !wxn && !(user && writable);
    return (Rights){ !denied, writable && !denied, fetch };
}

static bool allowed(Rights r, MmuAccess access)
{
    return access == MMU_LOAD ? r.load : access == MMU_STORE ? r.store
                                                             : r.fetch;
}

static bool finish(Walk *w, uint64_t entry, MmuResult *res)
{
    Rights r = rights_of(w, entry);
    unsigned shift = shift_of(w, w->level);
    if (!(entry & DESC_AF)) {
        return fault(w, FSC_ACCESS + w->level);
    }
    if (!w->probe && !allowed(r, w->access)) {
        return fault(w, FSC_PERMISSION + w->level);
    }
    res->phys = frame_of(w, entry, shift) | (w->va & (BIT(shift) - 1));
    res->prot = r.load << MMU_LOAD | r.store << MMU_STORE |
                r.fetch << MMU_FETCH;
    return true;
}

/* --- the walk ------------------------------------------------------------- */

/* Blocks are where a granule has them: of 4 KiB at 1 and 2, of others at 2. */
static bool is_leaf(const Walk *w, uint64_t entry)
{
    return w->level == 3 || !(entry & DESC_TABLE);
}

static bool leaf_is_valid(const Walk *w, uint64_t entry)
{
    if (w->level == 3) {
        return entry & DESC_TABLE;
    }
    return w->level == 2 || (w->level == 1 && w->granule == 12);
}

static bool descend(Walk *w, MmuResult *res)
{
    uint64_t limit = ~(BIT(arm_phys_bits(w->cpu)) - 1);
    unsigned bits = w->va_bits - shift_of(w, w->level);
    for (;; w->level++, bits = stride_of(w)) {
        uint64_t index = bits_extract(w->va, shift_of(w, w->level), bits);
        uint64_t entry = entry_ld(w, w->table + 8 * index);
        bool leaf = is_leaf(w, entry);
        if (!(entry & DESC_VALID) || (leaf && !leaf_is_valid(w, entry))) {
            return fault(w, FSC_TRANSLATION + w->level);
        }
        unsigned shift = leaf ? shift_of(w, w->level) : w->granule;
        uint64_t frame = frame_of(w, entry, shift);
        if (frame & limit) {
            return fault(w, FSC_ADDRESS_SIZE + w->level);
        }
        if (leaf) {
            return finish(w, entry, res);
        }
        w->table_bits |= entry;
        w->table = frame;
    }
}

/* Without translation an address is one of memory (D8.2.10). */
static bool untranslated(Walk *w, MmuResult *res)
{
    uint64_t tagless = w->va & (BIT(56) - 1);
    if (tagless >> arm_phys_bits(w->cpu)) {
        return fault(w, FSC_ADDRESS_SIZE);
    }
    res->phys = tagless;
    res->prot = 1u << MMU_LOAD | 1u << MMU_STORE | 1u << MMU_FETCH;
    return true;
}

bool arm_walk(Cpu *parent, GuestAddr va, MmuAccess access, unsigned mode,
              bool probe, MmuResult *res)
{
    Walk w = { .cpu = arm_cpu(parent), .va = va, .access = access,
               .mode = mode & ~MMU_FLAGS, .probe = probe };
    if (!(w.cpu->s.sctlr & SCTLR_M)) {
        return untranslated(&w, res);
    }
    if (!begin(&w)) {
        return fault(&w, FSC_TRANSLATION);
    }
    return descend(&w, res);
}

/* --- another address space ------------------------------------------------ */

/* Cached translations never outlive their entries, so only the root matters;
 * where it stays, and only the ASID moves, nothing does. */
void arm_ttbr_changed(ArmCpu *cpu, unsigned n, uint64_t before)
{
    uint64_t root = 0x0000fffffffffffe;
    if ((cpu->s.ttbr[n] ^ before) & root) {
        tlb_flush(&cpu->parent);
    }
}

/* PAR_EL1 (D19.2.116): the address and its attributes, or F and the status. */
uint64_t arm_translate_par(ArmCpu *cpu, GuestAddr va, MmuAccess access,
                           unsigned mode)
{
    MmuResult res;
    cpu->fault.ec = EC_NONE;
    if (arm_walk(&cpu->parent, va, access, mode, false, &res)) {
        return (res.phys & 0x0000fffffffff000) | BIT(11) | BIT(9) | 0x180 |
               UINT64_C(0xff) << 56;
    }
    uint64_t status = cpu->fault.iss & 0x3f;
    cpu->fault.ec = EC_NONE;
    return BIT(11) | status << 1 | 1;
}
