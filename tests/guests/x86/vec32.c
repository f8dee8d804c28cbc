/*
 * A guest that checks what user mode cannot see of MMX and SSE, against the
 * Intel SDM: which bits of CR0 and CR4 forbid them with which exception, x87
 * exceptions that wait, faults of memory operands, #XM, and what MMX does to
 * the x87. It wants a processor with SSSE3. The output is as sys32's.
 */
#include <stdbool.h>

#include "trap32.h"

#define FAULT (exc_vector << 16 | exc_error)

enum { CR0_EM = 4, CR0_TS = 8, CR0_NE = 0x20 };
enum { CR4_OSFXSR = 0x200, CR4_OSXMMEXCPT = 0x400,
       CR4_ALL = CR4_OSFXSR | CR4_OSXMMEXCPT };
enum { UD = 6, NM = 7, GP = 13, PF = 14, MF = 16, AC = 17, XM = 19, NONE = -1 };

static void cr0_set(uint32_t bits)
{
    uint32_t v;
    __asm__ volatile("movl %%cr0, %0" : "=r"(v));
    v = (v & ~(CR0_EM | CR0_TS | CR0_NE)) | bits;
    __asm__ volatile("movl %0, %%cr0" : : "r"(v));
}

static bool has_sse;           /* and FXSAVE, without which nobody enables it */

static void cr4_set(uint32_t bits)
{
    uint32_t v;
    __asm__ volatile("movl %%cr4, %0" : "=r"(v));
    v = (v & ~CR4_ALL) | (has_sse ? bits : 0);
    __asm__ volatile("movl %0, %%cr4" : : "r"(v));
}

static void mxcsr_set(uint32_t v)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(v));
}

static uint32_t mxcsr(void)
{
    uint32_t v;
    __asm__ volatile("stmxcsr %0" : "=m"(v));
    return v;
}

/* The x87's environment (vol. 1, 8.1.10); FNSTENV masks exceptions. */
typedef struct Env {
    uint32_t control, status, tags, rest[4];
} Env;

static Env env(void)
{
    Env e;
    __asm__ volatile("fnstenv %0" : "=m"(e));
    e.status &= 0xffff;
    e.tags &= 0xffff;
    return e;
}

/* --- what forbids MMX [vol. 3, 12.1 and 2.5] ------------------------------------- */

#define MMX_FORMS(_)                                                       \
    _("PADDB", "paddb %%mm1, %%mm0") _("MOVQ load", "movq 0x7c00, %%mm0")  \
    _("MOVD store", "movd %%mm0, 0x60000") _("EMMS", "emms")                \
    _("PSRLW", "psrlw $1, %%mm3") _("PSHUFW", "pshufw $1, %%mm1, %%mm2")   \
    _("PMOVMSKB", "pmovmskb %%mm1, %%eax") _("PADDQ", "paddq %%mm1, %%mm2") \
    _("PSHUFB", "pshufb %%mm1, %%mm2") _("MOVNTQ", "movntq %%mm0, 0x60000")

#define SSE_FORMS(_)                                                       \
    _("ADDPS", "addps %%xmm1, %%xmm0") _("MOVUPS", "movups 0x7c00, %%xmm0") \
    _("PADDB xmm", "paddb %%xmm1, %%xmm0")                                 \
    _("MOVQ2DQ", "movq2dq %%mm0, %%xmm0")                                  \
    _("MOVDQ2Q", "movdq2q %%xmm0, %%mm0")                                  \
    _("CVTPI2PS", "cvtpi2ps %%mm0, %%xmm0")                                \
    _("CVTTPD2PI", "cvttpd2pi %%xmm0, %%mm0")                              \
    _("PSHUFB xmm", "pshufb %%xmm1, %%xmm2")                               \
    _("STMXCSR", "stmxcsr 0x60000")

/* Each form meets this exception. */
#define EXPECT(name, code)                            \
    TRY(code, "i"(0));                                \
    check(name, exc_vector, want);

static void expect_mmx(uint32_t want)
{
    MMX_FORMS(EXPECT)
}

static void expect_sse(uint32_t want)
{
    if (has_sse) {
        SSE_FORMS(EXPECT)
    }
}

static void test_enabled(void)
{
    uint32_t a = 1, b, c, d;
    __asm__("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    check("CPUID.MMX", d >> 23 & 1, 1);
    has_sse = (d >> 24 & 3) == 3;
    check("FXSR and SSE", has_sse, 1);
    a = 0x80000001;
    __asm__("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    check("no 3DNow!", d >> 31, 0);
    cr0_set(CR0_NE);
    cr4_set(CR4_ALL);
    __asm__ volatile("fninit");
    expect_mmx(NONE);
    expect_sse(NONE);
    TRY("emms\n .byte 0x0f, 0x0e", "i"(0));
    check("FEMMS", exc_vector, UD);
}

static void test_disabled(void)
{
    cr0_set(CR0_EM | CR0_NE);
    expect_mmx(UD);
    expect_sse(UD);
    cr0_set(CR0_TS | CR0_NE);
    expect_mmx(NM);
    expect_sse(NM);
    cr0_set(CR0_EM | CR0_TS | CR0_NE);
    expect_mmx(UD);
    expect_sse(UD);
    cr0_set(CR0_NE);
    cr4_set(0); /* MMX does not ask for OSFXSR, whatever extension it is of */
    expect_mmx(NONE);
    expect_sse(UD);
    cr0_set(CR0_TS | CR0_NE);
    expect_sse(UD);
    cr0_set(CR0_NE);
    cr4_set(CR4_ALL);
}

/* --- an x87 exception that waits [vol. 3, 12.5] ---------------------------------- */

static void divide_by_zero(void)
{
    static const uint16_t control = 0x37b;
    __asm__ volatile("fninit\n fldcw %0\n fldz\n fld1\n fdivp" : : "m"(control));
}

static void test_pending_sse(void)
{
    TRY("movq2dq %%mm0, %%xmm0", "i"(0));
    check("MOVQ2DQ, exception pending", exc_vector, MF);
    TRY("cvtps2pi %%xmm0, %%mm0", "i"(0));
    check("CVTPS2PI, exception pending", exc_vector, MF);
    TRY("cvtpi2pd 0x7c00, %%xmm0", "i"(0));
    check("CVTPI2PD of memory, exception pending", exc_vector, NONE);
}

/* It comes before the faults of a memory operand, and after #UD and #NM. */
static void test_pending(void)
{
    divide_by_zero();
    expect_mmx(MF);
    if (has_sse) {
        test_pending_sse();
    }
    check("nothing changed", env().status & 0xb8ff, 0xb084);
    divide_by_zero();
    cr0_set(CR0_TS | CR0_NE);
    expect_mmx(NM);
    cr0_set(CR0_EM | CR0_NE);
    expect_mmx(UD);
    cr0_set(CR0_NE);
    paging_on();
    table[PAGE] = 0;
    TRY("movq 0x300000, %%mm0", "i"(0));
    check("#MF before #PF", exc_vector, MF);
    __asm__ volatile("fnclex");
    TRY("movq 0x300000, %%mm0", "i"(0));
    check("#PF", FAULT, PF << 16);
    paging_off();
}

/* --- the x87's registers [vol. 3, 12.2, table 12-1] -------------------------------- */

static unsigned empty_registers(void)
{
    unsigned n = 0;
    for (uint32_t tags = env().tags; tags; tags >>= 2) {
        n += (tags & 3) == 3;
    }
    return n;
}

static void test_aliases(void)
{
    struct {
        Env env;
        uint8_t st[8][10];
    } image;
    uint32_t low = 0x12345678;
    __asm__ volatile("fninit\n fld1\n fld1");
    check("TOP before", env().status, 0x3000);
    __asm__ volatile("pmovmskb %%mm1, %%eax" : : : "eax");
    check("MMX reads: TOP", env().status, 0);
    check("MMX reads: empty registers", empty_registers(), 0);
    __asm__ volatile("fninit\n movd %1, %%mm5\n fnsave %0"
                     : "=m"(image) : "r"(low) : "memory");
    check("MM5 is R5", *(uint32_t *)image.st[5], low);
    check("exponent", *(uint16_t *)(image.st[5] + 8), 0xffff);
    check("ST(5) is a NaN", image.env.tags >> 10 & 3, 2);
    __asm__ volatile("fninit\n fld1\n emms");
    check("EMMS: all are empty", env().tags, 0xffff);
    check("EMMS: TOP", env().status, 0);
    __asm__ volatile("fld1\n fstps %0" : "=m"(low));
    check("x87 after EMMS", low, 0x3f800000);
}

/* A memory operand that faults has changed nothing. */
#define UNCHANGED(name, code)                                  \
    __asm__ volatile("fninit\n fld1\n fld1");                  \
    TRY(code, "i"(0));                                         \
    check(name ": #PF", exc_vector, PF);                       \
    check(name ": CR2", cr2(), 0x300000);                      \
    seen = env();                                              \
    check(name ": TOP", seen.status, 0x3000);                  \
    check(name ": tags", seen.tags, 0x0fff);

static void test_faults(void)
{
    Env seen;
    paging_on();
    table[PAGE] = 0;
    UNCHANGED("MOVQ", "movq 0x300000, %%mm0")
    UNCHANGED("MOVD", "movd 0x300000, %%mm0")
    UNCHANGED("PADDW", "paddw 0x2ffffc, %%mm0")
    UNCHANGED("PINSRW", "pinsrw $1, 0x2fffff, %%mm0")
    UNCHANGED("MOVQ store", "movq %%mm0, 0x2ffff9")
    UNCHANGED("MOVD store", "movd %%mm0, 0x2ffffd")
    UNCHANGED("MOVNTQ", "movntq %%mm0, 0x300000")
    UNCHANGED("PALIGNR", "palignr $3, 0x300000, %%mm0")
    if (has_sse) {
        UNCHANGED("CVTTPS2PI", "cvttps2pi 0x300000, %%mm0")
    }
    paging_off();
}

/* Bytes that the mask leaves out may lie anywhere. */
static void test_maskmovq(void)
{
    static const uint64_t mask = 0x0000008000000000, data = 0x1122334455667788;
    volatile uint8_t *end = (volatile uint8_t *)0x2ffff8;
    paging_on();
    table[PAGE] = 0;
    end[7] = end[6] = 0x5a;
    TRY("movq %0, %%mm0\n movq %1, %%mm1\n movl $0x2ffffb, %%edi\n"
        "maskmovq %%mm0, %%mm1", "m"(mask), "m"(data));
    check("MASKMOVQ over the end of a page", exc_vector, NONE);
    check("MASKMOVQ stores", end[7], 0x44);
    check("MASKMOVQ leaves out", end[6], 0x5a);
    TRY("movl $0x2ffffc, %%edi\n maskmovq %%mm0, %%mm1", "i"(0));
    check("MASKMOVQ beyond it", FAULT, PF << 16 | 2);
    TRY("pxor %%mm0, %%mm0\n movl $0x300000, %%edi\n maskmovq %%mm0, %%mm1",
        "i"(0));
    check("MASKMOVQ without a mask", exc_vector, NONE);
    paging_off();
}

/* --- #XM [vol. 3, 13.1.3 and vol. 1, 11.5] ------------------------------------------ */

static void test_xm(void)
{
    static const float one = 1, three = 3;
    mxcsr_set(0x1f80 & ~0x1000); /* inexact results trap */
    TRY("movss %0, %%xmm0\n divss %1, %%xmm0", "m"(one), "m"(three));
    check("#XM", exc_vector, XM);
    check("its flag", mxcsr() & 0x3f, 0x20);
    cr4_set(CR4_OSFXSR);
    TRY("divss %0, %%xmm0", "m"(three));
    check("without OSXMMEXCPT", exc_vector, UD);
    cr4_set(CR4_ALL);
    mxcsr_set(0x1f80);
    TRY("ldmxcsr 0x7c00", "i"(0));
    check("LDMXCSR of reserved bits", FAULT, GP << 16);
    TRY("movaps 0x7c08, %%xmm0", "i"(0));
    check("MOVAPS, not aligned", FAULT, GP << 16);
    TRY("movups 0x7c08, %%xmm0", "i"(0));
    check("MOVUPS, not aligned", exc_vector, NONE);
    TRY("cvtpd2pi 0x7c08, %%mm0", "i"(0));
    check("CVTPD2PI, not aligned", FAULT, GP << 16);
}

/* --- alignment checks [6.15, #AC] --------------------------------------------------- */

/* Ring 3 with EFLAGS.AC, and CR0.AM. */
#define ALIGN3(name, code, want)                                      \
    RING3("pushl $0x40002\n popfl\n" code "\n int $128");             \
    check(name, exc_vector, want)

static void test_alignment(void)
{
    __asm__ volatile("movl %%cr0, %%eax\n orl $0x40000, %%eax\n"
                     "movl %%eax, %%cr0" : : : "eax");
    ALIGN3("MOVQ", "movq 0x7c04, %%mm0", AC);
    ALIGN3("MOVQ, aligned", "movq 0x7c08, %%mm0", 128);
    ALIGN3("MOVD", "movd 0x7c02, %%mm0", AC);
    ALIGN3("MOVD, aligned", "movd 0x7c04, %%mm0", 128);
    ALIGN3("MOVQ store", "movq %%mm0, 0x60001", AC);
    if (has_sse) {
        ALIGN3("MOVLPS", "movlps 0x7c04, %%xmm0", AC);
        ALIGN3("MOVSS", "movss 0x7c02, %%xmm0", AC);
        ALIGN3("MOVAPS", "movaps 0x7c04, %%xmm0", GP);
    }
    __asm__ volatile("movl %%cr0, %%eax\n andl $~0x40000, %%eax\n"
                     "movl %%eax, %%cr0" : : : "eax");
}

void guest_main(void);

void guest_main(void)
{
    serial_init();
    load_tables();
    test_enabled();
    test_disabled();
    test_pending();
    test_aliases();
    test_faults();
    test_maskmovq();
    if (has_sse) {
        test_xm();
    }
    test_alignment();
    report("vec32");
}
