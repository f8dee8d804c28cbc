/*
 * Whole page tables: what `info mem` and `info tlb` print, and which memory a
 * dump finds at which virtual address. Nothing here changes the guest: no
 * accessed bit is set.
 */
#include "base/bits.h"
#include "paging.h"
#include "show.h"
#include "sys.h"

typedef void PageFn(void *opaque, GuestAddr va, uint64_t size,
                    const MmuResult *res, uint64_t rights);

/* A guest's tables may refer to each other in circles: so many entries are
 * looked at, and so much is printed or noted. */
#define SCAN_ENTRIES (1u << 20)
#define SCAN_TEXT    (512 * KIB)
#define DUMP_ENTRIES (1u << 22)

/* Every mapped page. */
typedef struct Scan {
    X86Cpu *cpu;
    PageFn *fn;
    void *opaque;
    GString *out;          /* NULL: nothing is printed */
    unsigned left;         /* entries to look at */
} Scan;

static bool scan_goes_on(const Scan *sc)
{
    return sc->left && (!sc->out || sc->out->len < SCAN_TEXT);
}

static void scan_table(Scan *sc, PhysAddr base, unsigned shift, GuestAddr va,
                       uint64_t rights)
{
    bool pae = sc->cpu->s.cr[4] & CR4_PAE;
    unsigned bits = pae ? 9 : 10;
    AddressSpace *as = sc->cpu->parent.cls->memory(&sc->cpu->parent);
    for (unsigned i = 0; i < 1u << bits && scan_goes_on(sc); i++) {
        uint64_t entry = 0;
        unsigned size = pae ? 8 : 4;
        sc->left--;
        if (!address_space_read_debug(as, base + i * size, &entry, size) ||
            !(entry & PTE_P)) {
            continue;
        }
        GuestAddr at = va | (uint64_t)i << shift;
        uint64_t r = (rights & (entry | ~(PTE_W | PTE_U))) | (entry & PTE_NX);
        bool pse = pae || (sc->cpu->s.cr[4] & CR4_PSE);
        if (shift == 12 || ((entry & PTE_PS) && pse && shift <= 30)) {
            MmuResult res = { entry & (pae ? FRAME_MASK : 0xfffff000) &
                                  ~bits_mask(shift), entry & 0xff };
            if (sc->cpu->s.efer & EFER_LMA) {
                at = bits_sext(at, x86_linear_bits(sc->cpu));
            }
            sc->fn(sc->opaque, at, UINT64_C(1) << shift, &res, r);
        } else {
            scan_table(sc, entry & (pae ? FRAME_MASK : 0xfffff000),
                       shift - bits, at, r);
        }
    }
}

static void scan(Scan *sc)
{
    const X86State *s = &sc->cpu->s;
    if (s->efer & EFER_LMA) {
        scan_table(sc, s->cr[3] & FRAME_MASK, paging_top_shift(s), 0,
                   PTE_W | PTE_U);
    } else if (s->cr[4] & CR4_PAE) {
        for (unsigned i = 0; i < 4; i++) {
            if (s->pdpte[i] & PTE_P) {
                scan_table(sc, s->pdpte[i] & FRAME_MASK, 21,
                           (uint64_t)i << 30, PTE_W | PTE_U);
            }
        }
    } else {
        scan_table(sc, s->cr[3] & 0xfffff000, 22, 0, PTE_W | PTE_U);
    }
}

/* The same for `info`. */
static void scan_shown(Scan *sc)
{
    if (sc->cpu->s.cr[0] & CR0_PG) {
        scan(sc);
    } else {
        g_string_append(sc->out, "PG disabled\n");
    }
}

static void scan_end(const Scan *sc)
{
    if (!scan_goes_on(sc)) {
        g_string_append(sc->out, "(there is more, which is not shown)\n");
    }
}

typedef struct MemRun {
    GString *out;
    GuestAddr start, end;
    uint64_t rights;
    bool any;
} MemRun;

static void flush_run(MemRun *run)
{
    if (run->any) {
        g_string_append_printf(run->out, "%016" G_GINT64_MODIFIER "x-%016"
                               G_GINT64_MODIFIER "x %016" G_GINT64_MODIFIER
                               "x %cr%c\n", run->start, run->end,
                               run->end - run->start,
                               run->rights & PTE_U ? 'u' : '-',
                               run->rights & PTE_W ? 'w' : '-');
    }
    run->any = false;
}

static void mem_page(void *opaque, GuestAddr va, uint64_t size,
                     const MmuResult *res, uint64_t rights)
{
    MemRun *run = opaque;
    uint64_t r = rights & (PTE_U | PTE_W);
    if (!run->any || va != run->end || r != run->rights) {
        flush_run(run);
        run->start = va;
        run->rights = r;
        run->any = true;
    }
    run->end = va + size;
}

void x86_print_mem(Cpu *cpu, GString *out)
{
    MemRun run = { .out = out };
    Scan sc = { x86_cpu(cpu), mem_page, &run, out, SCAN_ENTRIES };
    scan_shown(&sc);
    flush_run(&run);
    scan_end(&sc);
}

static void tlb_page(void *opaque, GuestAddr va, uint64_t size,
                     const MmuResult *res, uint64_t rights)
{
    GString *out = opaque;
    uint8_t e = res->prot;
    g_string_append_printf(out, "%016" G_GINT64_MODIFIER "x: %016"
                           G_GINT64_MODIFIER "x %c-%c%c%c%c%c%c%c\n", va,
                           res->phys, rights & PTE_NX ? 'X' : '-',
                           size > 4096 ? 'P' : '-', e & PTE_D ? 'D' : '-',
                           e & PTE_A ? 'A' : '-', e & 0x10 ? 'C' : '-',
                           e & 0x08 ? 'T' : '-', e & PTE_U ? 'U' : '-',
                           e & PTE_W ? 'W' : '-');
}

void x86_print_tlb(Cpu *cpu, GString *out)
{
    Scan sc = { x86_cpu(cpu), tlb_page, out, out, SCAN_ENTRIES };
    scan_shown(&sc);
    scan_end(&sc);
}

/* --- for dumps --------------------------------------------------------------- */

typedef struct Mapper {
    CpuMappingFn *fn;
    void *opaque;
} Mapper;

static void map_page(void *opaque, GuestAddr va, uint64_t size,
                     const MmuResult *res, uint64_t rights)
{
    Mapper *m = opaque;
    m->fn(m->opaque, va, res->phys, size);
}

CpuMappings x86_dump_mappings(Cpu *parent, CpuMappingFn *fn, void *opaque)
{
    Mapper m = { fn, opaque };
    Scan sc = { x86_cpu(parent), map_page, &m, NULL, DUMP_ENTRIES };
    if (!(sc.cpu->s.cr[0] & CR0_PG)) {
        return CPU_MAPPINGS_NONE;
    }
    scan(&sc);
    return scan_goes_on(&sc) ? CPU_MAPPINGS_ALL : CPU_MAPPINGS_PART;
}
