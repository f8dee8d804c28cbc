/*
 * A guest for debuggers that look at the x87, SSE and AVX: it loads values that
 * tests know, as far as CPUID says that there is something to load them into,
 * stops being interesting at labels, and changes one register an instruction
 * between them. Last it goes to 64-bit mode, if there is one, and does the same
 * with what only that has.
 */
#include "lib.h"

enum { HAS_SSE = 1, HAS_AVX = 2, HAS_LONG = 4 };

/* What CPUID offers, for debuggers, too. */
volatile uint32_t units;

/* Register n: n, 16 + n, ...: each element tells where it belongs. */
float xmm_values[16][4] __attribute__((aligned(16)));
double ymm_values[8][4] __attribute__((aligned(32)));
/* One instruction stores all of it, across a page's end. */
uint8_t ymm_pages[8192] __attribute__((aligned(4096)));
__asm__(".globl ymm_stored\n.set ymm_stored, ymm_pages + 4096 - 12");

static void cpuid(uint32_t leaf, uint32_t *a, uint32_t *c, uint32_t *d)
{
    uint32_t b;
    __asm__ volatile("cpuid" : "=a"(*a), "=b"(b), "=c"(*c), "=d"(*d)
                     : "a"(leaf), "c"(0));
}

#define CPUID_1D_SSE (1u << 25)
#define CPUID_1C_AVX (1u << 28 | 1u << 26) /* and XSAVE */
#define CPUID_LONG (1u << 29)
#define CR4_OSFXSR (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define CR4_OSXSAVE (1u << 18)

static void set_cr4(uint32_t bits)
{
    uint32_t cr4;
    __asm__ volatile("movl %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("movl %0, %%cr4" : : "r"(cr4 | bits));
}

/* Switches on what there is. */
static uint32_t find_units(void)
{
    uint32_t a, c, d, found = 0;
    cpuid(1, &a, &c, &d);
    if (d & CPUID_1D_SSE) {
        set_cr4(CR4_OSFXSR | CR4_OSXMMEXCPT);
        found |= HAS_SSE;
    }
    if ((d & CPUID_1D_SSE) && (c & CPUID_1C_AVX) == CPUID_1C_AVX) {
        set_cr4(CR4_OSXSAVE);
        __asm__ volatile("xsetbv" : : "a"(7), "d"(0), "c"(0));
        found |= HAS_AVX;
    }
    cpuid(0x80000000, &a, &c, &d);
    if (a > 0x80000000) {
        cpuid(0x80000001, &a, &c, &d);
        found |= d & CPUID_LONG ? HAS_LONG : 0;
    }
    return found;
}

/* Integers as floating point by their bits: no unit has been used yet. */
static uint32_t float_bits(uint32_t n)
{
    uint32_t exponent = 31 - __builtin_clz(n);
    return (127 + exponent) << 23 |
           (exponent > 23 ? 0 : n << (23 - exponent) & 0x7fffff);
}

static void fill_tables(void)
{
    for (uint32_t r = 0; r < 16; r++) {
        for (uint32_t i = 0; i < 4; i++) {
            ((uint32_t *)xmm_values[r])[i] = float_bits(1 + r + 16 * i);
        }
    }
    for (uint32_t r = 0; r < 8; r++) {
        for (uint32_t i = 0; i < 4; i++) {
            uint32_t single = float_bits(101 + r + 16 * i);
            uint32_t exponent = (single >> 23) - 127 + 1023;
            uint32_t *p = (uint32_t *)&ymm_values[r][i];
            p[0] = (single & 7) << 29;
            p[1] = exponent << 20 | (single & 0x7fffff) >> 3;
        }
    }
}

/* --- the labels, and what happens between them ------------------------------ */

void x87_loaded(void);
void x87_done(void);
void sse_loaded(void);
void sse_done(void);
void avx_loaded(void);
void avx_ended(void);

/* Four on the stack; then each instruction makes another ST(0). */
void use_x87(void);
__asm__(".globl use_x87, x87_loaded, x87_done\n"
        "use_x87:\n"
        "    fninit\n"
        "    fldz\n"
        "    fldl2e\n"
        "    fldpi\n"
        "    fld1\n"
        "x87_loaded:\n"
        "    fchs\n"
        "    fxch\n"
        "    fadd %st(0), %st\n"
        "    fstp %st(0)\n"
        "    fsqrt\n"              /* of -1: invalid, masked */
        "x87_done:\n"
        "    nop\n"
        "    ret\n");

#define LOAD_XMM(n) "    movaps xmm_values+16*" #n ", %xmm" #n "\n"
void use_sse(void);
__asm__(".globl use_sse, sse_loaded, sse_done\n"
        "use_sse:\n"
        LOAD_XMM(0) LOAD_XMM(1) LOAD_XMM(2) LOAD_XMM(3)
        LOAD_XMM(4) LOAD_XMM(5) LOAD_XMM(6) LOAD_XMM(7)
        "sse_loaded:\n"
        "    addps %xmm1, %xmm0\n"
        "    mulps %xmm0, %xmm0\n"
        "    divps %xmm3, %xmm0\n" /* inexact */
        "    xorps %xmm0, %xmm0\n"
        "sse_done:\n"
        "    nop\n"
        "    ret\n");

#define LOAD_YMM(n) "    vmovapd ymm_values+32*" #n ", %ymm" #n "\n"
void use_avx(void);
__asm__(".globl use_avx, avx_loaded, avx_ended, avx_stored\n"
        "use_avx:\n"
        LOAD_YMM(0) LOAD_YMM(1) LOAD_YMM(2) LOAD_YMM(3)
        LOAD_YMM(4) LOAD_YMM(5) LOAD_YMM(6) LOAD_YMM(7)
        "avx_loaded:\n"
        "    vaddpd %ymm1, %ymm0, %ymm0\n"
        "    vmulpd %ymm0, %ymm0, %ymm0\n"
        "    vxorps %xmm0, %xmm0, %xmm0\n"
        "avx_ended:\n"
        "    vmovupd %ymm2, ymm_stored\n"
        "avx_stored:\n"
        "    nop\n"
        "    ret\n");

/* --- 64-bit mode (SDM vol. 3, 10.8.5) ------------------------------------------ */

uint64_t pml4[512] __attribute__((aligned(4096)));
static uint64_t pdpt[512] __attribute__((aligned(4096)));
static uint64_t pd[512] __attribute__((aligned(4096)));
static const uint64_t gdt64[] = {
    0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00af9b000000ffff,
};
const struct {
    uint16_t limit;
    const uint64_t *base;
} __attribute__((packed)) gdt64_pointer = { sizeof gdt64 - 1, gdt64 };

void long_loaded(void);
void long_done(void);

#define LOAD_R(n) "    movabsq $0x1111222233330000+" #n ", %r" #n "\n"
#define LOAD_XMM64(n) "    movaps 16*" #n "(%rsi), %xmm" #n "\n"
#define SET_MSR(n, low, high)          \
    "    movl $" #n ", %ecx\n"         \
    "    movl $" #low ", %eax\n"       \
    "    movl $" #high ", %edx\n"      \
    "    wrmsr\n"

/* Ends the run. */
void use_long(void);
__asm__(".globl use_long, long_loaded, long_done\n"
        "use_long:\n"
        "    movl $xmm_values, %esi\n" /* 64-bit code has other relocations */
        "    movl units, %edi\n"
        "    lgdt gdt64_pointer\n"
        "    movl %cr4, %eax\n"
        "    orl $0x20, %eax\n"        /* PAE */
        "    movl %eax, %cr4\n"
        "    movl $pml4, %eax\n"
        "    movl %eax, %cr3\n"
        SET_MSR(0xc0000080, 0x100, 0)  /* EFER.LME */
        "    movl %cr0, %eax\n"
        "    orl $0x80000000, %eax\n"
        "    movl %eax, %cr0\n"
        "    ljmp $0x18, $1f\n"
        "    .code64\n"
        "1:\n"
        SET_MSR(0xc0000100, 0x11110000, 0x1)
        SET_MSR(0xc0000101, 0x22220000, 0x2)
        SET_MSR(0xc0000102, 0x33330000, 0x3)
        LOAD_R(8) LOAD_R(9) LOAD_R(10) LOAD_R(11)
        LOAD_R(12) LOAD_R(13) LOAD_R(14) LOAD_R(15)
        "    testl $1, %edi\n"
        "    jz long_loaded\n"
        LOAD_XMM64(8) LOAD_XMM64(9) LOAD_XMM64(10) LOAD_XMM64(11)
        LOAD_XMM64(12) LOAD_XMM64(13) LOAD_XMM64(14) LOAD_XMM64(15)
        "long_loaded:\n"
        "    swapgs\n"
        "    incq %r15\n"
        "    movq %r15, %r8\n"
        "long_done:\n"
        "    nop\n"
        "    movw $0x501, %dx\n"
        "    xorl %eax, %eax\n"
        "    outb %al, %dx\n"
        "2:  hlt\n"
        "    jmp 2b\n"
        "    .code32\n");

static void go_long(void)
{
    pml4[0] = (uintptr_t)pdpt | 3;
    pdpt[0] = (uintptr_t)pd | 3;
    pd[0] = 0x83;
    use_long();
}

void guest_main(void);

void guest_main(void)
{
    fill_tables();
    units = find_units();
    use_x87();
    if (units & HAS_SSE) {
        use_sse();
    }
    if (units & HAS_AVX) {
        use_avx();
    }
    serial_init();
    print("units used\n");
    if (units & HAS_LONG) {
        go_long();
    }
    guest_exit(0);
}
