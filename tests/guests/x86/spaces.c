/*
 * A guest with several address spaces. What one of them maps must never be seen
 * in another, and what they share must follow its tables, however the processor
 * caches translations: 32-bit paging with large pages and PAE paging (Intel
 * SDM, volume 3, chapter 4), one check after each change of the root. Then it
 * switches a few thousand times and adds up what it reads.
 */
#include "trap32.h"

#define P_PRESENT  1u
#define P_WRITE    2u
#define P_ACCESSED 0x20u
#define P_DIRTY    0x40u
#define P_LARGE    0x80u

/* Tables and pages of data, from 1 MiB on. */
#define PAGE(n) ((volatile uint32_t *)(0x100000 + 4096 * (n)))
enum { DIR_A, DIR_B, TABLE_A, TABLE_B, SHARED, DATA_1, DATA_2, DATA_3,
       PAE_A, PAE_B, PMD_LOW, PMD_A, PMD_B, PMD_SHARED, PT_A, PT_B, PT_SHARED };

#define OWN    0x40000000u      /* another page in each space */
#define COMMON 0xc0000000u      /* through a table that both have */

static uint32_t at(uint32_t va)
{
    return *(volatile uint32_t *)va;
}

static void set(uint32_t va, uint32_t v)
{
    *(volatile uint32_t *)va = v;
}

static uint32_t entry(unsigned page)
{
    return (uint32_t)PAGE(page) | P_WRITE | P_PRESENT;
}

static void enter(unsigned root)
{
    __asm__ volatile("movl %0, %%cr3" : : "r"(PAGE(root)) : "memory");
}

static void paging(uint32_t root, uint32_t cr4)
{
    __asm__ volatile("movl %0, %%cr3\n movl %1, %%cr4\n movl %%cr0, %%eax\n"
                     "orl $0x80010000, %%eax\n movl %%eax, %%cr0"
                     : : "r"(root), "r"(cr4) : "eax", "memory");
}

static void no_paging(void)
{
    __asm__ volatile("movl %%cr0, %%eax\n andl $0x7fffffff, %%eax\n"
                     "movl %%eax, %%cr0" : : : "eax", "memory");
}

static void clear(void)
{
    for (uint32_t i = 0; i < 4096 / 4 * (PT_SHARED + 1); i++) {
        PAGE(0)[i] = 0;
    }
    set((uint32_t)PAGE(DATA_1), 111);
    set((uint32_t)PAGE(DATA_2), 222);
    set((uint32_t)PAGE(DATA_3), 333);
}

/* What every format must do; own(space, page) and shared(page) write the
 * entries that map OWN and COMMON. */
typedef struct Format {
    unsigned root_a, root_b;
    volatile uint32_t *own_a, *own_b, *shared;
} Format;

static void check_switches(const Format *f)
{
    *f->own_a = entry(DATA_1);
    *f->own_b = entry(DATA_2);
    *f->shared = entry(DATA_3);
    check("space A's own page", at(OWN), 111);
    check("the common page in A", at(COMMON), 333);
    enter(f->root_b);
    check("space B's own page", at(OWN), 222);
    check("the common page in B", at(COMMON), 333);
    set(OWN, 223);
    enter(f->root_a);
    check("A again", at(OWN), 111);
    set(OWN, 112);
    enter(f->root_b);
    check("B again", at(OWN), 223);
    check("A's page by its address", PAGE(DATA_1)[0], 112);
    set((uint32_t)PAGE(DATA_1), 111);
    set((uint32_t)PAGE(DATA_2), 222);
}

/* The tables change while another space uses them; roots are loaded, nothing is
 * invalidated by address. */
static void check_changes(const Format *f)
{
    enter(f->root_b);
    check("common before", at(COMMON), 333);
    *f->shared = entry(DATA_1);
    enter(f->root_a);
    check("common changed, in A", at(COMMON), 111);
    *f->own_b = entry(DATA_3);
    enter(f->root_b);
    check("B's own changed from A", at(OWN), 333);
    check("common changed, in B", at(COMMON), 111);
    *f->shared = entry(DATA_3);
    *f->own_b = entry(DATA_2);
    enter(f->root_b);
    check("the same root again", at(OWN) + at(COMMON), 222 + 333);
    *f->own_b = 0;
    enter(f->root_a);
    enter(f->root_b);
    TRY("movl %0, %%eax\n movl (%%eax), %%eax", "i"(OWN));
    check("gone while away", exc_vector << 16 | exc_error, 14 << 16);
    *f->own_b = entry(DATA_2);
    enter(f->root_a);
}

/* Accessed and dirty are set in the space that is used, and only there. */
static void check_marks(const Format *f)
{
    enter(f->root_a);
    *f->own_a = entry(DATA_1);
    *f->own_b = entry(DATA_2);
    enter(f->root_b);
    check("A is not accessed", *f->own_a & P_ACCESSED, 0);
    at(OWN);
    check("B is accessed", *f->own_b & (P_ACCESSED | P_DIRTY), P_ACCESSED);
    enter(f->root_a);
    set(OWN, 111);
    check("A is dirty", *f->own_a & P_DIRTY, P_DIRTY);
    check("B is not", *f->own_b & P_DIRTY, 0);
    enter(f->root_b);
    set(OWN, 222);
    check("B is dirty", *f->own_b & P_DIRTY, P_DIRTY);
    enter(f->root_a);
}

static void check_often(const Format *f)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < 2000; i++) {
        enter(i % 3 ? f->root_a : f->root_b);
        sum += at(OWN) + at(COMMON);
        if (i % 100 == 99) {
            *f->own_a = entry(i % 200 == 99 ? DATA_2 : DATA_1);
        }
    }
    /* 667 times B, 666 times A with its first page and 667 with the other. */
    *f->own_a = entry(DATA_1);
    enter(f->root_a);
    check("many switches", sum, 2000 * 333 + 667 * 222 + 666 * 111 +
                                    667 * 222);
}

static void check_format(const Format *f)
{
    check_switches(f);
    check_changes(f);
    check_marks(f);
    check_often(f);
}

/* --- 32-bit paging: 4 MiB pages below 16 MiB, a large page at 0x80000000 ------- */

static void test_32_bit(void)
{
    Format f = { DIR_A, DIR_B, PAGE(TABLE_A), PAGE(TABLE_B), PAGE(SHARED) };

    clear();
    for (unsigned i = 0; i < 4; i++) {
        PAGE(DIR_A)[i] = PAGE(DIR_B)[i] =
            i << 22 | P_LARGE | P_WRITE | P_PRESENT;
    }
    PAGE(DIR_A)[OWN >> 22] = entry(TABLE_A);
    PAGE(DIR_B)[OWN >> 22] = entry(TABLE_B);
    PAGE(DIR_A)[COMMON >> 22] = PAGE(DIR_B)[COMMON >> 22] = entry(SHARED);
    paging((uint32_t)PAGE(DIR_A), 0x10);
    check_format(&f);

    /* What stays across the change of the root follows the new one. */
    at(COMMON);
    enter(DIR_B);
    check("common in B", at(COMMON), 333);
    PAGE(DIR_B)[COMMON >> 22] = entry(TABLE_B);
    check("B's root leads elsewhere", at(COMMON), 222);
    PAGE(DIR_B)[COMMON >> 22] = 0;
    TRY("movl %0, %%eax\n movl (%%eax), %%eax", "i"(COMMON));
    check("and nowhere", exc_vector << 16 | exc_error, 14 << 16);
    PAGE(DIR_B)[COMMON >> 22] = entry(SHARED);

    /* A large page that the other root has, too, and then has no more. */
    volatile uint32_t *a = PAGE(DIR_A) + 0x200, *b = PAGE(DIR_B) + 0x200;
    set(0x400000, 444);
    set(0x800000, 888);
    *a = *b = 1 << 22 | P_LARGE | P_ACCESSED | P_WRITE | P_PRESENT;
    enter(DIR_A);
    check("large page in A", at(0x80000000), 444);
    enter(DIR_B);
    check("large page in B", at(0x80000000), 444);
    *b = 2 << 22 | P_LARGE | P_WRITE | P_PRESENT;
    check("changed under its root", at(0x80000000), 888);
    check("and accessed", *b & P_ACCESSED, P_ACCESSED);
    enter(DIR_A);
    check("not in A", at(0x80000000), 444);
    *a = 0;
    TRY("movl $0x80000000, %%eax\n movl (%%eax), %%eax", "i"(0));
    check("gone from A", exc_vector << 16 | exc_error, 14 << 16);

    /* A whole table goes and another comes, unused in the new root so far. */
    enter(DIR_B);
    at(OWN);
    PAGE(DIR_A)[OWN >> 22] = entry(TABLE_B);
    enter(DIR_A);
    check("B's table in A", at(OWN), 222);
    check("its entry accessed", PAGE(DIR_A)[OWN >> 22] & P_ACCESSED,
          P_ACCESSED);
    no_paging();
}

/* --- PAE: the root's four entries are loaded with CR3 --------------------------- */

static void test_pae(void)
{
    Format f = { PAE_A, PAE_B, PAGE(PT_A), PAGE(PT_B), PAGE(PT_SHARED) };

    clear();
    for (unsigned i = 0; i < 8; i++) {
        PAGE(PMD_LOW)[2 * i] = i << 21 | P_LARGE | P_WRITE | P_PRESENT;
    }
    PAGE(PAE_A)[0] = PAGE(PAE_B)[0] = entry(PMD_LOW) & ~P_WRITE;
    PAGE(PAE_A)[2] = entry(PMD_A) & ~P_WRITE;
    PAGE(PAE_B)[2] = entry(PMD_B) & ~P_WRITE;
    PAGE(PAE_A)[6] = PAGE(PAE_B)[6] = entry(PMD_SHARED) & ~P_WRITE;
    PAGE(PMD_A)[0] = entry(PT_A);
    PAGE(PMD_B)[0] = entry(PT_B);
    PAGE(PMD_SHARED)[0] = entry(PT_SHARED);
    paging((uint32_t)PAGE(PAE_A), 0x20);
    check_format(&f);

    /* They are looked at when CR3 is loaded, and not before. */
    enter(PAE_A);
    PAGE(PAE_A)[2] = entry(PMD_B) & ~P_WRITE;
    check("the old entry still", at(OWN), 111);
    enter(PAE_A);
    check("the new one", at(OWN), 222);
    /* CR4.PGE loads them, too (4.4.1). */
    PAGE(PAE_A)[2] = entry(PMD_A) & ~P_WRITE;
    __asm__ volatile("movl $0xa0, %%eax\n movl %%eax, %%cr4"
                     : : : "eax", "memory");
    check("loaded by CR4.PGE", at(OWN), 111);
    no_paging();
    __asm__ volatile("xorl %%eax, %%eax\n movl %%eax, %%cr4" : : : "eax");
}

void guest_main(void);

void guest_main(void)
{
    serial_init();
    load_tables();
    test_32_bit();
    test_pae();
    report("spaces");
}
