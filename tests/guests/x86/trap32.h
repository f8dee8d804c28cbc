/*
 * What the guests that check the processor in 32-bit protected mode share:
 * descriptor tables, exceptions that are caught, ring 3, paging, and counting
 * what is right. Each guest includes it once.
 */
#ifndef GUEST_TRAP32_H
#define GUEST_TRAP32_H

#include "lib.h"

static unsigned passed, failed;

static void check(const char *name, uint32_t got, uint32_t want)
{
    if (got == want) {
        passed++;
        return;
    }
    failed++;
    print("FAIL ");
    print(name);
    print(": got ");
    print_hex(got);
    print(", expected ");
    print_hex(want);
    print("\n");
}

/* --- exceptions are caught: what happened is noted, and the test goes on at
 * `resume` on the stack `saved_esp`, in ring 0 ---------------------------------- */

volatile uint32_t exc_vector, exc_error, exc_eip, exc_cs, exc_eflags, exc_esp;
volatile uint32_t resume, saved_esp;

__asm__(
    ".macro exc n, code\n"
    "exc_\\n:\n"
    ".if \\code == 0\n pushl $0\n .endif\n"
    " pushl $\\n\n jmp exc_common\n"
    ".endm\n"
    ".irp n, 0,1,2,3,4,5,6,7,9,15,16,18,19,128\n exc \\n, 0\n .endr\n"
    ".irp n, 8,10,11,12,13,14,17\n exc \\n, 1\n .endr\n"
    "exc_common:\n"
    " cld\n"
    " movl $0x10, %eax\n movl %eax, %ds\n movl %eax, %es\n"
    " popl exc_vector\n popl exc_error\n popl exc_eip\n popl exc_cs\n"
    " popl exc_eflags\n"
    " movl %esp, exc_esp\n"
    " movl $0x10, %eax\n movl %eax, %ss\n"
    " movl saved_esp, %esp\n"
    " jmp *resume\n");

#define EXC(n) void exc_##n(void);
EXC(0) EXC(1) EXC(2) EXC(3) EXC(4) EXC(5) EXC(6) EXC(7) EXC(8) EXC(9) EXC(10)
EXC(11) EXC(12) EXC(13) EXC(14) EXC(15) EXC(16) EXC(17) EXC(18) EXC(19)
EXC(128)

/* Runs code; exc_vector is ~0 afterwards if it went through. The label 2 may
 * mark the instruction that is expected to fault. */
#define TRY(code, ...)                                                    \
    __asm__ volatile("movl %%esp, saved_esp\n movl $9f, resume\n"         \
                     "movl $-1, exc_vector\n movl $-1, exc_error\n"       \
                     "movl $-1, exc_eip\n" code "\n9:"                    \
                     : : __VA_ARGS__                                      \
                     : "memory", "cc", "eax", "ebx", "ecx", "edx", "esi", \
                       "edi")

/* --- descriptors ------------------------------------------------------------------ */

enum {
    SEL_CODE = 0x08, SEL_DATA = 0x10, SEL_CODE3 = 0x1b, SEL_DATA3 = 0x23,
    SEL_TSS = 0x28, SEL_TSS2 = 0x30, SEL_SMALL = 0x38, SEL_RO = 0x40,
    SEL_DOWN = 0x48, SEL_ABSENT = 0x50, SEL_XONLY = 0x58, SEL_GATE = 0x60,
    SEL_END = 0x80
};

static uint64_t gdt[16];
static uint64_t idt[256];
static uint32_t tss[26], tss2[26];
/* Of the task of tss2, where there is one. */
static uint8_t stack2[4096] __attribute__((unused));
static uint8_t stack0[4096];

static uint64_t segment(uint32_t base, uint32_t limit, uint32_t attr)
{
    uint64_t d = (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16;
    d |= (uint64_t)(attr & 0xff) << 40 | (uint64_t)(limit >> 16) << 48;
    return d | (uint64_t)(attr >> 8) << 52 | (uint64_t)(base >> 24) << 56;
}

static void gate(unsigned n, void (*fn)(void), unsigned dpl)
{
    uint32_t at = (uint32_t)fn;
    idt[n] = (at & 0xffff) | (uint64_t)SEL_CODE << 16 |
             (uint64_t)(0x8e00 | dpl << 13) << 32 |
             (uint64_t)(at & 0xffff0000) << 32;
}

static void load_tables(void)
{
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) g = { SEL_END - 1, (uint32_t)gdt },
                              i = { sizeof idt - 1, (uint32_t)idt };
    static void (*const handlers[])(void) = {
        exc_0, exc_1, exc_2, exc_3, exc_4, exc_5, exc_6, exc_7, exc_8, exc_9,
        exc_10, exc_11, exc_12, exc_13, exc_14, exc_15, exc_16, exc_17,
        exc_18, exc_19,
    };
    gdt[1] = segment(0, 0xfffff, 0xc9b);
    gdt[2] = segment(0, 0xfffff, 0xc93);
    gdt[3] = segment(0, 0xfffff, 0xcfb);
    gdt[4] = segment(0, 0xfffff, 0xcf3);
    gdt[5] = segment((uint32_t)tss, sizeof tss - 1, 0x089);
    gdt[6] = segment((uint32_t)tss2, sizeof tss2 - 1, 0x089);
    gdt[7] = segment(0x100000, 0xfff, 0x493);
    gdt[8] = segment(0x100000, 0xfff, 0x491);
    gdt[9] = segment(0x100000, 0x0fff, 0x497); /* valid above 0xfff */
    gdt[10] = segment(0, 0xfffff, 0xc13);      /* not present */
    gdt[11] = segment(0, 0xfffff, 0xc99);      /* execute only */
    for (unsigned n = 0; n < 20; n++) {
        gate(n, handlers[n], n == 3 || n == 4 ? 3 : 0);
    }
    gate(128, exc_128, 3);
    gate(129, exc_128, 0);
    tss[1] = (uint32_t)stack0 + sizeof stack0;
    tss[2] = SEL_DATA;
    tss[25] = sizeof tss << 16; /* no I/O bitmap */
    __asm__ volatile("lgdt %0\n lidt %1\n ltr %w2"
                     : : "m"(g), "m"(i), "r"(SEL_TSS));
}

volatile uint32_t here;

/* Goes to ring 3 at label 3 with the stack stack3. */
#define RING3(code)                                                        \
    TRY("movl %0, %%eax\n movl %%eax, %%ds\n movl %%eax, %%es\n"           \
        "pushl %0\n pushl %1\n pushl $0x2\n pushl %2\n pushl $3f\n iretl\n" \
        "3: " code, "i"(SEL_DATA3), "i"((uint32_t)0x70000), "i"(SEL_CODE3))

/* --- paging ------------------------------------------------------------------------ */

static uint32_t dir[1024] __attribute__((aligned(4096)));
static uint32_t table[1024] __attribute__((aligned(4096)));

static inline uint32_t cr2(void)
{
    uint32_t v;
    __asm__ volatile("movl %%cr2, %0" : "=r"(v));
    return v;
}

static inline void paging_on(void)
{
    for (unsigned i = 0; i < 1024; i++) {
        table[i] = i << 12 | 7;
    }
    dir[0] = (uint32_t)table | 7;
    __asm__ volatile("movl %0, %%cr3\n movl %%cr0, %%eax\n"
                     "orl $0x80010000, %%eax\n movl %%eax, %%cr0"
                     : : "r"(dir) : "eax", "memory");
}

static inline void paging_off(void)
{
    __asm__ volatile("movl %%cr0, %%eax\n andl $0x7ffeffff, %%eax\n"
                     "movl %%eax, %%cr0" : : : "eax", "memory");
}

enum { PAGE = 0x300 }; /* at 0x300000: for tests to change */

static inline uint32_t dr6(void)
{
    uint32_t v;
    __asm__ volatile("movl %%dr6, %0" : "=r"(v));
    return v;
}

static inline void dr6_clear(void)
{
    __asm__ volatile("movl %0, %%dr6" : : "r"(0));
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
