/*
 * A guest that checks what programs cannot see of FXSAVE, XSAVE and their kin
 * (SDM vol. 1, chapter 13; vol. 3, 2.5, 2.6, 13): CR4 and what CPUID makes of
 * it, XCR0 and its rules, sizes of areas, what is in use, exceptions, faults in
 * the middle of an area, XSAVES. It needs a model with AVX and XSAVES.
 */
#include "trap32.h"

enum { CR4_OSFXSR = 0x200, CR4_OSXMMEXCPT = 0x400, CR4_OSXSAVE = 0x40000 };
enum { X87 = 1, SSE = 2, AVX = 4 };
enum { MXCSR_AT = 24, XMM_AT = 160, HEADER_AT = 512, AVX_AT = 576,
       AREA_BYTES = 832 };

#define FAULT (exc_vector << 16 | exc_error)

uint8_t area[4096] __attribute__((aligned(4096)));
volatile uint32_t got[4];

typedef struct Regs {
    uint32_t a, b, c, d;
} Regs;

static Regs cpuid(uint32_t leaf, uint32_t sub)
{
    Regs r;
    __asm__ volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
                             : "a"(leaf), "c"(sub));
    return r;
}

static uint32_t cr4(void)
{
    uint32_t v;
    __asm__ volatile("movl %%cr4, %0" : "=r"(v));
    return v;
}

static void set_cr4(uint32_t v)
{
    __asm__ volatile("movl %0, %%cr4" : : "r"(v));
}

static void cr0_change(uint32_t clear, uint32_t set)
{
    uint32_t v;
    __asm__ volatile("movl %%cr0, %0" : "=r"(v));
    __asm__ volatile("movl %0, %%cr0" : : "r"((v & ~clear) | set));
}

static void fill(uint8_t v)
{
    for (unsigned i = 0; i < sizeof area; i++) {
        area[i] = v;
    }
}

static uint32_t word(unsigned at)
{
    return *(volatile uint32_t *)(area + at);
}

static void set_word(unsigned at, uint32_t v)
{
    *(volatile uint32_t *)(area + at) = v;
}

/* An area with an empty header. */
static void clear_area(void)
{
    fill(0);
    set_word(MXCSR_AT, 0x1f80);
}

/* Bytes from..to that are not v. */
static unsigned changed(unsigned from, unsigned to, uint8_t v)
{
    unsigned n = 0;
    for (; from < to; from++) {
        n += ((volatile uint8_t *)area)[from] != v;
    }
    return n;
}

/* INSN on the area plus `at` with a mask of components. */
#define ON_AREA(insn, mask, at)                                   \
    TRY("movl %0, %%eax\n xorl %%edx, %%edx\n movl %1, %%edi\n"   \
        insn " (%%edi)", "i"(mask), "i"(area + (at)))

static uint32_t xgetbv(uint32_t n)
{
    got[0] = n;
    TRY("movl got, %%ecx\n xgetbv\n movl %%eax, got\n movl %%edx, got+4", "i"(0));
    return exc_vector == ~0u ? got[0] : 0xbad;
}

/* The vector, ~0 if it went through. */
static uint32_t xsetbv(uint32_t n, uint32_t low, uint32_t high)
{
    got[0] = n;
    got[1] = low;
    got[2] = high;
    TRY("movl got, %%ecx\n movl got+4, %%eax\n movl got+8, %%edx\n xsetbv", "i"(0));
    return exc_vector;
}

/* --- CR4, CPUID ------------------------------------------------------------------ */

static void test_cr4(void)
{
    fill(0x5a);
    check("CR4 at reset", cr4() & (CR4_OSFXSR | CR4_OSXSAVE), 0);
    check("CPUID.OSXSAVE at reset", cpuid(1, 0).c >> 26 & 3, 1);
    check("XGETBV without CR4.OSXSAVE", (xgetbv(0), exc_vector), 6);
    check("XSETBV without CR4.OSXSAVE", xsetbv(0, 1, 0), 6);
    ON_AREA("xsave", 7, 0);
    check("XSAVE without CR4.OSXSAVE", exc_vector, 6);
    TRY("xorps %%xmm0, %%xmm0", "i"(0));
    check("SSE without CR4.OSFXSR", exc_vector, 6);
    ON_AREA("fxsave", 0, 0);
    check("FXSAVE without CR4.OSFXSR", exc_vector, ~0u);
    check("it leaves MXCSR and XMM out", changed(MXCSR_AT, 32, 0x5a) +
          changed(XMM_AT, 512, 0x5a), 0);
    set_cr4(cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE);
    check("CPUID.OSXSAVE", cpuid(1, 0).c >> 26 & 3, 3);
    TRY("xorps %%xmm0, %%xmm0", "i"(0));
    check("SSE", exc_vector, ~0u);
}

/* --- XCR0 -------------------------------------------------------------------------- */

static void test_xcr0(void)
{
    check("XCR0 at reset", xgetbv(0), 1);
    check("XGETBV of a register that is not there", (xgetbv(2), exc_vector), 13);
    TRY("vxorps %%ymm0, %%ymm0, %%ymm0", "i"(0));
    check("AVX without XCR0", exc_vector, 6);
    check("area without SSE", cpuid(0xd, 0).b, 576);
    check("XSETBV: x87 must be on", xsetbv(0, SSE, 0), 13);
    check("XSETBV: AVX without SSE", xsetbv(0, X87 | AVX, 0), 13);
    check("XSETBV: what is not there", xsetbv(0, X87 | SSE | 8, 0), 13);
    check("XSETBV: nor above", xsetbv(0, X87 | SSE, 1), 13);
    check("XSETBV: XCR1", xsetbv(1, X87, 0), 13);
    check("XCR0 is as it was", xgetbv(0), 1);
    RING3("xorl %%ecx, %%ecx\n xorl %%edx, %%edx\n movl $1, %%eax\n xsetbv");
    check("XSETBV in ring 3", exc_vector, 13);
    check("XSETBV: x87 and SSE", xsetbv(0, X87 | SSE, 0), ~0u);
    TRY("vxorps %%ymm0, %%ymm0, %%ymm0", "i"(0));
    check("AVX without its bit of XCR0", exc_vector, 6);
    check("XSETBV: all three", xsetbv(0, X87 | SSE | AVX, 0), ~0u);
    check("XCR0", xgetbv(0), 7);
    TRY("vxorps %%ymm0, %%ymm0, %%ymm0", "i"(0));
    check("AVX", exc_vector, ~0u);
    RING3("xorl %%ecx, %%ecx\n xgetbv\n movl %%eax, got\n int $0x80");
    check("XGETBV in ring 3", exc_vector, 128);
    check("it is the same there", got[0], 7);
}

static void test_sizes(void)
{
    Regs all = cpuid(0xd, 0), how = cpuid(0xd, 1), avx = cpuid(0xd, 2);
    check("components", all.a & 7, 7);
    check("none above", all.d, 0);
    check("area of XCR0", all.b, AREA_BYTES);
    int pku = cpuid(7, 0).c >> 3 & 1;
    check("area of all", all.c, AREA_BYTES + (pku ? 8 : 0));
    check("XSAVEOPT, XSAVEC, XGETBV1, XSAVES", how.a, 15);
    check("compacted area", how.b, AREA_BYTES);
    check("IA32_XSS has nothing", how.c | how.d, 0);
    check("AVX: size", avx.a, 256);
    check("AVX: offset", avx.b, AVX_AT);
    check("AVX: flags", avx.c | avx.d, 0);
    Regs none = cpuid(0xd, 3);
    check("no component 3", none.a | none.b | none.c | none.d, 0);
    none = cpuid(0xd, 62);
    check("no component 62", none.a | none.b | none.c | none.d, 0);
    TRY("movl $0xda0, %%ecx\n rdmsr\n movl %%eax, got\n movl %%edx, got+4", "i"(0));
    check("IA32_XSS", got[0] | got[1], 0);
    TRY("movl $0xda0, %%ecx\n movl $0x100, %%eax\n xorl %%edx, %%edx\n wrmsr",
        "i"(0));
    check("it takes no bit", exc_vector, 13);
}

/* --- exceptions ---------------------------------------------------------------------- */

static void test_exceptions(void)
{
    clear_area();
    cr0_change(0, 8);
    ON_AREA("fxsave", 0, 0);
    check("FXSAVE with CR0.TS", exc_vector, 7);
    ON_AREA("fxrstor", 0, 0);
    check("FXRSTOR with CR0.TS", exc_vector, 7);
    ON_AREA("xsave", 7, 0);
    check("XSAVE with CR0.TS", exc_vector, 7);
    ON_AREA("xrstor", 7, 0);
    check("XRSTOR with CR0.TS", exc_vector, 7);
    check("XGETBV does not mind", xgetbv(0), 7);
    cr0_change(8, 4);
    ON_AREA("fxsave", 0, 0);
    check("FXSAVE with CR0.EM", exc_vector, 7);
    ON_AREA("xsave", 7, 0);
    check("XSAVE with CR0.EM", exc_vector, ~0u);
    cr0_change(4, 0);
    ON_AREA("fxsave", 0, 8);
    check("FXSAVE: alignment", FAULT, 13 << 16);
    ON_AREA("xsave", 7, 32);
    check("XSAVE: alignment", FAULT, 13 << 16);
    ON_AREA("xsavec", 7, 16);
    check("XSAVEC: alignment", FAULT, 13 << 16);
    ON_AREA("xrstors", 7, 8);
    check("XRSTORS: alignment", FAULT, 13 << 16);
    RING3("movl $7, %%eax\n xorl %%edx, %%edx\n xsaves area");
    check("XSAVES in ring 3", FAULT, 13 << 16);
    RING3("movl $7, %%eax\n xorl %%edx, %%edx\n xrstors area");
    check("XRSTORS in ring 3", FAULT, 13 << 16);
}

static void test_unmasked(void)
{
    static const uint32_t unmasked = 0x1f80 & ~0x80, masked = 0x1f80;
    static const uint32_t bad = 0x1ff80;
    static const uint32_t snan = 0x7f800001;
    TRY("ldmxcsr %0", "m"(bad));
    check("LDMXCSR with reserved bits", FAULT, 13 << 16);
    TRY("ldmxcsr %0\n movss %1, %%xmm0\n addss %%xmm0, %%xmm0", "m"(unmasked),
        "m"(snan));
    check("#XM", exc_vector, 19);
    set_cr4(cr4() & ~CR4_OSXMMEXCPT);
    TRY("addss %%xmm0, %%xmm0", "i"(0));
    check("#UD without CR4.OSXMMEXCPT", exc_vector, 6);
    set_cr4(cr4() | CR4_OSXMMEXCPT);
    TRY("ldmxcsr %0", "m"(masked));
}

/* --- in use -------------------------------------------------------------------------- */

/* XRSTOR of an area with nothing in it. */
static void reset_state(void)
{
    clear_area();
    ON_AREA("xrstor", 7, 0);
}

static void test_in_use(void)
{
    reset_state();
    check("XRSTOR", exc_vector, ~0u);
    check("nothing is in use", xgetbv(1), 0);
    __asm__ volatile("pcmpeqb %xmm3, %xmm3");
    check("XMM3 is", xgetbv(1), SSE);
    __asm__ volatile("vcmpps $15, %ymm3, %ymm3, %ymm3");
    check("YMM3 is", xgetbv(1), SSE | AVX);
    __asm__ volatile("vzeroupper");
    check("VZEROUPPER", xgetbv(1), SSE);
    __asm__ volatile("fld1");
    check("FLD1", xgetbv(1), SSE | X87);
    __asm__ volatile("vzeroall");
    check("VZEROALL", xgetbv(1), X87);
    fill(0x5a);
    for (unsigned i = 0; i < 64; i += 4) {
        set_word(HEADER_AT + i, 0);
    }
    set_word(HEADER_AT, 0xf8);
    ON_AREA("xsaveopt", 7, 0);
    check("XSAVEOPT: XSTATE_BV", word(HEADER_AT), 0xf8 | X87);
    check("XSAVEOPT: MXCSR", word(MXCSR_AT), 0x1f80);
    check("XSAVEOPT leaves out what is not in use",
          changed(XMM_AT, 512, 0x5a) + changed(AVX_AT, AREA_BYTES, 0x5a), 0);
    fill(0x5a);
    ON_AREA("xsavec", 6, 0);
    check("XSAVEC: XSTATE_BV", word(HEADER_AT), 0);
    check("XSAVEC: XCOMP_BV", word(HEADER_AT + 8), 6);
    check("XSAVEC: its top bit", word(HEADER_AT + 12), 0x80000000);
    check("XSAVEC writes no more", changed(0, HEADER_AT, 0x5a) +
          changed(HEADER_AT + 16, AREA_BYTES, 0x5a), 0);
    reset_state();
}

/* --- faults ------------------------------------------------------------------------- */

/* The area's legacy region ends with a page; the rest is not there. */
static uint8_t *const split = (uint8_t *)0x2ffe00;

static void test_split(void)
{
    paging_on();
    for (unsigned i = 0; i < 512; i++) {
        split[i] = 0x5a;
    }
    __asm__ volatile("pcmpeqb %xmm1, %xmm1\n fld1");
    table[PAGE] = 0;
    __asm__ volatile("invlpg 0x300000" : : : "memory");
    TRY("movl $7, %%eax\n xorl %%edx, %%edx\n movl $0x2ffe00, %%edi\n"
        "xsave (%%edi)", "i"(0));
    check("XSAVE over a page that is not there", FAULT, 14 << 16);
    check("its CR2", cr2() & ~63u, 0x300000);
    unsigned n = 0;
    for (unsigned i = 0; i < 512; i++) {
        n += split[i] != 0x5a;
    }
    check("nothing was stored", n, 0);
    table[PAGE] = PAGE << 12 | 1;
    TRY("movl $7, %%eax\n xorl %%edx, %%edx\n movl $0x2ffe00, %%edi\n"
        "xsavec (%%edi)", "i"(0));
    check("XSAVEC to a read-only page", FAULT, 14 << 16 | 3);
    TRY("movl $0x2ffe08, %%edi\n xrstor (%%edi)", "i"(0));
    check("XRSTOR: alignment first", FAULT, 13 << 16);
    table[PAGE] = 0;
    __asm__ volatile("invlpg 0x300000" : : : "memory");
    TRY("movl $7, %%eax\n xorl %%edx, %%edx\n movl $0x2ffe00, %%edi\n"
        "xrstor (%%edi)", "i"(0));
    check("XRSTOR over a page that is not there", FAULT, 14 << 16);
    check("it changed nothing", xgetbv(1), X87 | SSE);
    paging_off();
    reset_state();
}

static void test_headers(void)
{
    __asm__ volatile("pcmpeqb %xmm1, %xmm1");
    clear_area();
    set_word(HEADER_AT, 0x100);
    ON_AREA("xrstor", 7, 0);
    check("XSTATE_BV beyond XCR0", FAULT, 13 << 16);
    clear_area();
    set_word(HEADER_AT + 24, 1);
    ON_AREA("xrstor", 7, 0);
    check("byte 24 counts in the compacted form only", exc_vector, ~0u);
    set_word(HEADER_AT + 12, 0x80000000);
    ON_AREA("xrstor", 7, 0);
    check("there it does", FAULT, 13 << 16);
    clear_area();
    ON_AREA("xrstors", 7, 0);
    check("XRSTORS: standard form", FAULT, 13 << 16);
    set_word(HEADER_AT, SSE);
    set_word(HEADER_AT + 8, AVX);
    set_word(HEADER_AT + 12, 0x80000000);
    ON_AREA("xrstors", 7, 0);
    check("XSTATE_BV beyond XCOMP_BV", FAULT, 13 << 16);
    check("XSETBV: without AVX", xsetbv(0, X87 | SSE, 0), ~0u);
    clear_area();
    set_word(HEADER_AT, AVX);
    ON_AREA("xrstor", 3, 0);
    check("XSTATE_BV with what XCR0 has not", FAULT, 13 << 16);
    check("XSETBV: with AVX", xsetbv(0, X87 | SSE | AVX, 0), ~0u);
    clear_area();
    set_word(MXCSR_AT, 0x10000);
    __asm__ volatile("pcmpeqb %xmm1, %xmm1");
    ON_AREA("xrstor", 7, 0);
    check("MXCSR with reserved bits", FAULT, 13 << 16);
    check("nothing was restored", xgetbv(1), SSE);
    ON_AREA("xrstor", X87, 0);
    check("MXCSR is not looked at", exc_vector, ~0u);
    ON_AREA("fxrstor", 0, 0);
    check("FXRSTOR: MXCSR with reserved bits", FAULT, 13 << 16);
}

/* --- there and back -------------------------------------------------------------------- */

/* XMM2 is a pattern, the upper half of YMM5 another, ST(0) 1. */
static void set_pattern(void)
{
    static const uint32_t a[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    static const uint32_t mxcsr = 0x3fa0;
    __asm__ volatile("vzeroall\n fninit\n fld1\n movups %0, %%xmm2\n"
                     "vmovups %0, %%ymm5\n ldmxcsr %1" : : "m"(a), "m"(mxcsr));
}

static void check_pattern(const char *name)
{
    static uint32_t v[20];
    __asm__ volatile("movups %%xmm2, %0\n vmovups %%ymm5, %1\n stmxcsr %2\n"
                     "fstps %3" : "=m"(v[0]), "=m"(v[4]), "=m"(v[12]), "=m"(v[13])
                     : : "memory");
    volatile uint32_t *r = v;
    check(name, r[0] == 1 && r[3] == 4 && r[4] == 1 && r[8] == 5 &&
          r[11] == 8 && r[12] == 0x3fa0 && r[13] == 0x3f800000, 1);
}

static void test_round_trips(void)
{
    clear_area();
    set_pattern();
    ON_AREA("xsaves", 7, 0);
    check("XSAVES", exc_vector, ~0u);
    check("XSAVES: XSTATE_BV", word(HEADER_AT), 7);
    __asm__ volatile("vzeroall\n fninit");
    ON_AREA("xrstors", 7, 0);
    check("XRSTORS", exc_vector, ~0u);
    check_pattern("XSAVES and XRSTORS");
    set_pattern();
    clear_area();
    ON_AREA("xsavec", 7, 0);
    __asm__ volatile("vzeroall\n fninit");
    ON_AREA("xrstor", 7, 0);
    check_pattern("XSAVEC and XRSTOR");
    set_pattern();
    clear_area();
    ON_AREA("xsaveopt", 7, 0);
    __asm__ volatile("vzeroall\n fninit");
    ON_AREA("xrstor", 7, 0);
    check_pattern("XSAVEOPT and XRSTOR");
    set_pattern();
    ON_AREA("fxsave", 0, 0);
    __asm__ volatile("pxor %xmm2, %xmm2\n fninit");
    ON_AREA("fxrstor", 0, 0);
    check_pattern("FXSAVE and FXRSTOR");
    reset_state();
}

void guest_main(void);

void guest_main(void)
{
    serial_init();
    load_tables();
    cr0_change(0xc, 0x20);
    __asm__ volatile("fninit");
    test_cr4();
    test_xcr0();
    test_sizes();
    test_exceptions();
    test_unmasked();
    test_in_use();
    test_split();
    test_headers();
    test_round_trips();
    report("xstate");
}
