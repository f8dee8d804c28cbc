/*
 * The softmmu TLB and guest memory as a CPU sees it.
 *
 * Implemented by softmmu/tlb*.c; back ends probe the entries inline, targets and
 * helpers call the functions. Included by vm/cpu.h, which is what to include.
 */
#ifndef VM_TLB_H
#define VM_TLB_H

#include "vm/ir.h"

/* --- softmmu TLB -------------------------------------------------------- */

#define TLB_BITS  12
#define TLB_SIZE  (1u << TLB_BITS)
#define MMU_MODES 4        /* most that any target uses */
/* Sets of entries: each mode has one for data and, behind all of those, one for
 * code, so that neither takes the other's places. */
#define TLB_SETS  (2 * MMU_MODES)
/* What may be added to an MMU mode; translations do not depend on it.
 * MMU_UPDATE: a load before a store to the same place, which faults as that
 * would. MMU_TARGET: for the target's walk() and addressable(). */
#define MMU_UPDATE 4u
#define MMU_TARGET 8u
#define MMU_FLAGS  (MMU_UPDATE | MMU_TARGET)
#define MMU_ACCESSES 16u   /* modes with any flags are below */
#define TLB_TRAIL 8        /* most entries that a walk reads */
#define TLB_FILLED 4096    /* as many entries are dropped one by one */
#define TLB_HALVES 2       /* of the address space: see TlbFilled */

typedef enum MmuAccess { MMU_LOAD, MMU_STORE, MMU_FETCH } MmuAccess;

/* Low bits of a tag that force the slow path. */
#define TLB_INVALID BIT(0) /* nothing here */
#define TLB_SLOW    BIT(1) /* MMIO, ROM store, watched page, watchpoint */

/* One direct-mapped entry: index (vaddr >> PAGE_BITS) & (TLB_SIZE - 1). An
 * access of n bytes at va is fast when tag[kind] == ((va + n - 1) &
 * PAGE_MASK), with va's index: then the bytes are at va + addend. */
typedef struct TlbEntry {
    uint64_t tag[3];       /* by MmuAccess: page address | TLB_* bits */
    uint64_t addend;       /* host address minus guest address */
} TlbEntry;

/* What softmmu/tlb.c remembers beside it. */
typedef struct TlbInfo {
    GuestAddr page;        /* virtual, page aligned */
    PhysAddr phys;         /* page aligned */
    RamAddr ram;           /* if is_ram */
    RamAddr leaf;          /* the last word that the walk read */
    bool is_ram;
    bool readonly;         /* stores do nothing */
    uint8_t prot;          /* bit per MmuAccess */
    bool fetched;          /* the jump cache may know code of this page */
    uint8_t listed;        /* in which of CpuTlb.filled, a bit each */
} TlbInfo;

/* What was filled since the last flush: set << TLB_BITS | index; all of it while
 * the count is at most TLB_FILLED. Places of the upper half, which is a kernel's,
 * have a list of their own, because a change of the root leaves them alone. */
typedef struct TlbFilled {
    uint16_t place[TLB_FILLED];
    unsigned count;
} TlbFilled;

typedef struct CpuTlb {
    TlbEntry entry[TLB_SETS][TLB_SIZE];
    TlbInfo info[TLB_SETS][TLB_SIZE];
    uint64_t flushes, fills, slow;
    bool empty;            /* nothing was filled since the last flush */
    bool mixed;            /* the list of the upper half has some from below
                            * 4 GiB */
    TlbFilled filled[TLB_HALVES];
    /* Entries of page tables that the present walk has read. */
    RamAddr trail[TLB_TRAIL];
    unsigned trail_len;
    /* The first CPU's: page of RAM -> its 8-byte words from which cached
     * translations of any CPU were made; and those asked for last. */
    GHashTable *walked;
    struct WalkedPage *walked_last[TLB_TRAIL];
} CpuTlb;

/* --- softmmu/tlb-*.c: guest memory of a CPU ------------------------------ */

/* Loads and stores by helpers at a virtual address in an MMU mode (here and
 * below with any of MMU_FLAGS); faults
 * leave by cpu_raise(). size 1, 2, 4 or 8, any alignment, little-endian. */
uint64_t cpu_ld(Cpu *cpu, GuestAddr va, unsigned size, unsigned mmu_mode);
void cpu_st(Cpu *cpu, GuestAddr va, uint64_t v, unsigned size,
            unsigned mmu_mode);
/* The slow paths of translated code; same contract. */
uint64_t tlb_load_slow(Cpu *cpu, GuestAddr va, unsigned size,
                       unsigned mmu_mode);
void tlb_store_slow(Cpu *cpu, GuestAddr va, uint64_t v, unsigned size,
                    unsigned mmu_mode);
/* Loads or stores up to 32 bytes across two pages, if both are fast. False:
 * nothing was done. */
bool tlb_load_across(Cpu *cpu, GuestAddr va, void *out, unsigned size,
                     unsigned mmu_mode);
bool tlb_store_across(Cpu *cpu, GuestAddr va, const void *from, unsigned size,
                      unsigned mmu_mode);
/* What IR_CANON does with a target that it refuses. */
void cpu_bad_target(Cpu *cpu, uint64_t target) G_GNUC_NORETURN;
/* The same for vectors; mem: size (4, 8 or 16), alignment, mode. */
void tlb_load_vec(Cpu *cpu, GuestAddr va, V128 *out, IrMem mem);
void tlb_store_vec(Cpu *cpu, GuestAddr va, const V128 *v, IrMem mem);
/* Raises the fault that an access would, without making it. */
void cpu_probe(Cpu *cpu, GuestAddr va, uint64_t len, MmuAccess access,
               unsigned mmu_mode);
/* Host pointer for a direct access to [va, va + len) inside one page, or
 * NULL if it must go through cpu_ld/cpu_st (MMIO, watched). Faults as those
 * do. For string helpers. */
void *cpu_direct(Cpu *cpu, GuestAddr va, uint64_t len, MmuAccess access,
                 unsigned mmu_mode);
/* The RamAddr of code at va; faults as a fetch does. False: not RAM. */
bool cpu_fetch_ram(Cpu *cpu, GuestAddr va, unsigned mmu_mode, RamAddr *ra);
/* One byte of code at va, from RAM or a device. */
uint8_t cpu_fetch_byte(Cpu *cpu, GuestAddr va, unsigned mmu_mode);

/* Page walks read and write tables through these: pages are flagged, so that
 * a later guest store to them drops the translations made from them. */
uint64_t walk_ld(Cpu *cpu, PhysAddr pa, unsigned size);
void walk_st(Cpu *cpu, PhysAddr pa, uint64_t v, unsigned size);

/* The topmost tables of two address spaces in one format, as the target reads
 * them: n entries of entry_bytes, chosen by the bits of the virtual address from
 * shift on. */
typedef struct TlbRoots {
    const uint8_t *before, *after;
    bool in_ram;           /* after is at ram, and not in registers */
    RamAddr ram;
    unsigned entry_bytes, shift, index_bits;
    uint64_t valid;        /* bits of an entry that leads on and was used */
} TlbRoots;

/* The RAM that holds [pa, pa + len) of a page table, for TlbRoots; NULL if it is
 * not in RAM in one piece. */
const uint8_t *walk_table(Cpu *cpu, PhysAddr pa, unsigned len, RamAddr *ra);
/* The page tables have another root. Where both roots lead to the same tables
 * what is cached stays; the rest is dropped. */
void tlb_change_root(Cpu *cpu, const TlbRoots *roots);

/* Called once by cpu_new(), and by cpu_free(). */
void tlb_init(Cpu *cpu);
void tlb_free(Cpu *cpu);
/* Drops all cached translations. */
void tlb_flush(Cpu *cpu);
void tlb_flush_all(Machine *m);
/* Drops direct mappings for stores to the page of ra, in all CPUs: those at one
 * index, or with TLB_SIZE wherever they are. */
void tlb_revoke_stores(Machine *m, RamAddr ra, unsigned index);
void tlb_revoke_all_stores(Machine *m);
/* The next load and the next store of every page pass the slow path. */
void tlb_revoke_all(Machine *m);

/* A debugger's view: virtual memory without side effects, no faults. */
bool cpu_read_debug(Cpu *cpu, GuestAddr va, void *buf, uint64_t len);
bool cpu_write_debug(Cpu *cpu, GuestAddr va, const void *buf, uint64_t len);
/* Virtual to physical without side effects; false: not mapped. */
bool cpu_translate_debug(Cpu *cpu, GuestAddr va, PhysAddr *pa);

#endif
