/*
 * What guests share that check the processor in 64-bit mode: descriptor tables,
 * exceptions that are caught, ring 3, page tables of their own, and counting
 * what is right. As trap32.h. Each guest includes it once.
 */
#ifndef GUEST_TRAP64_H
#define GUEST_TRAP64_H

#include "check64.h"

/* --- exceptions are caught: what happened is noted, and the test goes on at
 * `resume` on the stack `saved_rsp`, in ring 0 ---------------------------------- */

volatile uint64_t exc_vector, exc_error, exc_rip;
volatile uint64_t resume, saved_rsp;
volatile uint64_t ticks64;

__asm__(
    ".macro exc n, code\n"
    "exc_\\n:\n"
    ".if \\code == 0\n pushq $0\n .endif\n"
    " pushq $\\n\n jmp exc_common\n"
    ".endm\n"
    ".irp n, 0,1,2,3,4,5,6,7,9,15,16,18,19,128\n exc \\n, 0\n .endr\n"
    ".irp n, 8,10,11,12,13,14,17\n exc \\n, 1\n .endr\n"
    "exc_common:\n"
    " cld\n popq exc_vector\n popq exc_error\n popq exc_rip\n"
    " movl $0x10, %eax\n movl %eax, %ds\n movl %eax, %es\n"
    " movq saved_rsp, %rsp\n movq resume, %rax\n jmpq *%rax\n"
    /* The timer's interrupt. */
    "timer:\n"
    " pushq %rax\n incq ticks64\n movb $0x20, %al\n outb %al, $0x20\n"
    " popq %rax\n iretq\n"
    "exc_table:\n"
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19\n"
    " .quad exc_\\n\n .endr\n"
    " .quad exc_128, timer\n");

extern const uint64_t exc_table[22];

/* Runs code; exc_vector is ~0 afterwards if it went through. */
#define TRY(code, ...)                                                     \
    __asm__ volatile("movq %%rsp, saved_rsp\n movq $9f, resume\n"          \
                     "movq $-1, exc_vector\n movq $-1, exc_error\n" code   \
                     "\n9:" : : __VA_ARGS__                                \
                     : "memory", "cc", "rax", "rbx", "rcx", "rdx", "rsi",  \
                       "rdi", "r8", "r9", "r10", "r11")

#define FAULT (exc_vector << 16 | (uint16_t)exc_error)

enum { SEL_CODE = 0x08, SEL_DATA = 0x10, SEL_DATA3 = 0x1b, SEL_CODE3 = 0x23,
       SEL_TSS = 0x28, SEL_CODE32 = 0x38 };

/* Goes to ring 3; int $0x80 comes back. */
#define RING3(code)                                                        \
    TRY("pushq %0\n pushq %1\n pushq $0x2\n pushq %2\n pushq $3f\n iretq\n" \
        "3: " code "\n int $0x80", "i"(SEL_DATA3), "i"(0x70000),           \
        "i"(SEL_CODE3))

static uint64_t gdt[8], idt[2 * 256];
static uint32_t tss[26];
static uint8_t ring0[4096] __attribute__((aligned(16)));

static void gate(unsigned n, uint64_t at, unsigned dpl)
{
    idt[2 * n] = (at & 0xffff) | (uint64_t)SEL_CODE << 16 |
                 (uint64_t)(0x8e00 | dpl << 13) << 32 |
                 (at & 0xffff0000) << 32;
}

static void load_tables(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) g = { sizeof gdt - 1, (uint64_t)gdt },
                              i = { sizeof idt - 1, (uint64_t)idt };
    uint64_t base = (uint64_t)tss;
    gdt[1] = 0x00af9b000000ffff;
    gdt[2] = 0x00cf93000000ffff;
    gdt[3] = 0x00cff3000000ffff;
    gdt[4] = 0x00affb000000ffff;
    gdt[5] = (sizeof tss - 1) | (base & 0xffffff) << 16 |
             (uint64_t)0x89 << 40 | (base >> 24) << 56;
    gdt[7] = 0x00cf9b000000ffff;
    *(uint64_t *)(tss + 1) = (uint64_t)ring0 + sizeof ring0;
    tss[25] = sizeof tss << 16;
    for (unsigned n = 0; n < 20; n++) {
        gate(n, exc_table[n], n == 3 ? 3 : 0);
    }
    gate(128, exc_table[20], 3);
    gate(32, exc_table[21], 0);
    __asm__ volatile("lgdt %0\n lidt %1\n ltr %w2\n"
                     "pushq %3\n pushq $1f\n lretq\n1:"
                     : : "m"(g), "m"(i), "r"(SEL_TSS), "i"(SEL_CODE)
                     : "memory");
}

/* --- paging: 2 MiB pages one to one for everybody, from `page` on 4 KiB that
 * tests may change ----------------------------------------------------------------- */

static uint64_t pml5[512] __attribute__((aligned(4096), unused));
static uint64_t pml4[512] __attribute__((aligned(4096)));
static uint64_t pdpt[512] __attribute__((aligned(4096)));
static uint64_t pd[512] __attribute__((aligned(4096)));
static uint64_t pt[512] __attribute__((aligned(4096)));
#define PAGES 0x400000ull

static void set_cr3(uint64_t v)
{
    __asm__ volatile("movq %0, %%cr3" : : "r"(v) : "memory");
}

static inline uint64_t cr2(void)
{
    uint64_t v;
    __asm__ volatile("movq %%cr2, %0" : "=r"(v));
    return v;
}

static inline uint64_t cr3(void)
{
    uint64_t v;
    __asm__ volatile("movq %%cr3, %0" : "=r"(v));
    return v;
}

static inline uint64_t cr4(void)
{
    uint64_t v;
    __asm__ volatile("movq %%cr4, %0" : "=r"(v));
    return v;
}

/* The vector of MOV to CR4, ~0 if it went through. */
static uint64_t try_cr4(uint64_t v)
{
    static volatile uint64_t value;
    value = v;
    TRY("movq %0, %%rax\n movq %%rax, %%cr4", "m"(value));
    return exc_vector;
}

static void make_pages(void)
{
    for (unsigned i = 0; i < 512; i++) {
        pd[i] = (uint64_t)i << 21 | 0x87;
        pt[i] = (PAGES + ((uint64_t)i << 12)) | 7;
    }
    pd[PAGES >> 21] = (uint64_t)pt | 7;
    pdpt[0] = (uint64_t)pd | 7;
    pml4[0] = (uint64_t)pdpt | 7;
    set_cr3((uint64_t)pml4);
}

/* --- model-specific registers, CPUID ------------------------------------------------ */

static volatile uint64_t msr_value;

/* The vector, ~0 if it went through; the value is in msr_value. */
static inline uint64_t rdmsr(uint32_t n)
{
    static volatile uint32_t number;
    number = n;
    TRY("movl %0, %%ecx\n rdmsr\n shlq $32, %%rdx\n orq %%rdx, %%rax\n"
        "movq %%rax, %1", "m"(number), "m"(msr_value));
    return exc_vector;
}

static inline uint64_t wrmsr(uint32_t n, uint64_t v)
{
    static volatile uint32_t number, low, high;
    number = n;
    low = v;
    high = v >> 32;
    TRY("movl %0, %%ecx\n movl %1, %%eax\n movl %2, %%edx\n wrmsr",
        "m"(number), "m"(low), "m"(high));
    return exc_vector;
}

/* The line that tests/functional waits for, and the end. */
static void report(const char *guest)
{
    print(guest);
    print(": ");
    print_dec(passed);
    print(" ok, ");
    print_dec(failed);
    print(" failed\n");
    guest_exit(failed != 0);
}

#endif
