/*
 * A guest that goes mad in many ways, to see whether who watches it is still
 * answered: it reads a letter from the serial line and never comes back. The
 * letters are in the table at the end.
 */
#include "lib.h"

typedef void Handler(void);

enum {
    INT_GATE = 0x8e00, TRAP_GATE = 0x8f00,
    SEL_CODE = 0x08, SEL_STACK16 = 0x18, SEL_CODE64 = 0x30,
    PIC1 = 0x20, ELCR1 = 0x4d0, COM1 = 0x3f8,
    SCRATCH = 0x800000, WILD = 0x1000000, WILD_END = 0x3000000,
};

static uint64_t idt[2 * 64];
static uint32_t tss64[26];
static uint8_t ist[4096] __attribute__((aligned(16)));
static uint32_t page_dir[1024] __attribute__((aligned(4096)));
static uint32_t page_table[1024] __attribute__((aligned(4096)));
static uint64_t pml4[512] __attribute__((aligned(4096)));
static uint64_t pdpt[512] __attribute__((aligned(4096)));
static uint64_t pd[512] __attribute__((aligned(4096)));

/* 08 code, 10 data, 18 a stack at 0x30000 whose pointer wraps at 64 KiB, 20
 * code and 28 data as in real mode, 30 64-bit code, 38 TSS. */
static uint64_t gdt[] = {
    0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x000093030000ffff,
    0x00009b000000ffff, 0x000093000000ffff, 0x00af9b000000ffff, 0, 0,
};

typedef struct Pointer {
    uint16_t limit;
    uint32_t base;
} __attribute__((packed)) Pointer;

static void set_tables(void)
{
    Pointer g = { sizeof gdt - 1, (uint32_t)gdt };
    Pointer i = { sizeof idt - 1, (uint32_t)idt };
    __asm__ volatile("cli; lgdt %0; lidt %1" : : "m"(g), "m"(i));
}

static void gate(unsigned vector, Handler *to, uint32_t type)
{
    uint32_t addr = (uint32_t)to;
    idt[vector] = ((uint64_t)((addr & 0xffff0000) | type) << 32) |
                  SEL_CODE << 16 | (addr & 0xffff);
}

/* On the stack that wraps. */
static void go(Handler *to) __attribute__((noreturn));
static void go(Handler *to)
{
    __asm__ volatile("movw %w0, %%ss; movl $0, %%esp; jmp *%1"
                     : : "r"(SEL_STACK16), "r"(to));
    __builtin_unreachable();
}

/* Large pages, flat, up to 64 MiB; but the one at SCRATCH has small ones. */
static void paging_on(void)
{
    for (unsigned i = 0; i < 16; i++) {
        page_dir[i] = i << 22 | 0x83;
    }
    for (unsigned i = 0; i < 1024; i++) {
        page_table[i] = (SCRATCH + (i << 12)) | 3;
    }
    page_dir[SCRATCH >> 22] = (uint32_t)page_table | 3;
    __asm__ volatile("movl %%cr4, %%eax; orl $0x10, %%eax; movl %%eax, %%cr4;"
                     "movl %0, %%cr3; movl %%cr0, %%eax;"
                     "orl $0x80000000, %%eax; movl %%eax, %%cr0; jmp 1f; 1:"
                     : : "r"(page_dir) : "eax", "memory");
}

void undefined(void);
void real_start(void);
void long_start(void);
void long_undefined(void);
void again(void);
void skip_code(void);
void broken(void);
void acknowledge(void);
void hot_byte(void);

__asm__(
    "undefined: ud2\n"
    "again: jmp again\n"
    /* A #DB handler with an instruction breakpoint on it. */
    "broken: nop\n jmp broken\n"
    /* A page fault's: nothing is changed. */
    "skip_code: addl $4, %esp\n iretl\n"
    "acknowledge: pushl %eax\n movb $0x20, %al\n outb %al, $0x20\n"
    " popl %eax\n iretl\n"
    "real_start:\n"
    " cli\n lidt real_idt\n ljmp $0x20, $1f\n"
    ".code16\n"
    "1: movw $0x28, %ax\n movw %ax, %ds\n movw %ax, %ss\n"
    " movl %cr0, %eax\n andb $0xfe, %al\n movl %eax, %cr0\n"
    " ljmp $0, $2f\n"
    "2: xorw %ax, %ax\n movw %ax, %ds\n"
    " movw $real_undefined, 6 * 4\n movw %ax, 6 * 4 + 2\n"
    " movw $0x3000, %ax\n movw %ax, %ss\n xorw %sp, %sp\n"
    "real_undefined: ud2\n"
    ".code32\n"
    "real_idt: .word 0x3ff\n .long 0\n"
    "long_start:\n"
    " movl %cr4, %eax\n orl $0x20, %eax\n movl %eax, %cr4\n"
    " movl $0xc0000080, %ecx\n rdmsr\n orl $0x100, %eax\n wrmsr\n"
    " movl %cr0, %eax\n orl $0x80000000, %eax\n movl %eax, %cr0\n"
    " ljmp $0x30, $long_code\n"
    ".code64\n"
    "long_code: movw $0x38, %ax\n ltr %ax\n"
    "long_undefined: ud2\n"
    ".code32\n"
    "hot_byte: movl $0, %eax\n incb hot_byte + 1\n jmp hot_byte\n"
);

/* --- nothing retires -------------------------------------------------------------- */

static void storm_protected(void)
{
    gate(6, undefined, TRAP_GATE);
    go(undefined);
}

static void storm_page_fault(void)
{
    gate(14, (Handler *)0xd0000000, INT_GATE);
    paging_on();
    go((Handler *)0xd0000000);
}

static void storm_long(void)
{
    uint32_t to = (uint32_t)long_undefined, base = (uint32_t)tss64;
    uint64_t stack = (uint32_t)ist + sizeof ist;
    idt[2 * 6] = (uint64_t)((to & 0xffff0000) | INT_GATE | 1) << 32 |
                 SEL_CODE64 << 16 | (to & 0xffff);
    tss64[9] = stack; /* IST 1 */
    gdt[7] = (sizeof tss64 - 1) | (uint64_t)(base & 0xffffff) << 16 |
             0x890000000000 | (uint64_t)(base >> 24) << 56;
    /* All but the first lead back to where they stand. */
    for (unsigned i = 0; i < 512; i++) {
        pml4[i] = (uint32_t)pml4 | 3;
    }
    pml4[0] = (uint32_t)pdpt | 3;
    pdpt[0] = (uint32_t)pd | 3;
    for (unsigned i = 0; i < 32; i++) {
        pd[i] = i << 21 | 0x83;
    }
    __asm__ volatile("movl %0, %%cr3" : : "r"(pml4) : "memory");
    long_start();
}

static void storm_debug(void)
{
    gate(1, broken, TRAP_GATE);
    __asm__ volatile("movl %0, %%dr0; movl %1, %%dr7"
                     : : "r"(broken), "r"(0x402));
    go(broken);
}

/* A level that stays, a controller that forgets at once, a trap gate. */
static void storm_level(void)
{
    gate(36, again, TRAP_GATE);
    outb(PIC1, 0x11);
    outb(PIC1 + 1, 32);
    outb(PIC1 + 1, 4);
    outb(PIC1 + 1, 3);
    outb(PIC1 + 1, 0xef);
    outb(ELCR1, 0x10);
    outb(COM1 + 4, 0x0b);
    outb(COM1 + 1, 2);
    __asm__ volatile("movw %w0, %%ss; movl $0, %%esp; sti; 1: jmp 1b"
                     : : "r"(SEL_STACK16));
}

/* --- little retires --------------------------------------------------------------- */

static void storm_idle(void)
{
    __asm__ volatile("cli; hlt");
}

static void storm_timer(void)
{
    gate(32, acknowledge, INT_GATE);
    outb(PIC1 + 1, 0xfe);
    outb(0x43, 0x34);
    outb(0x40, 2);
    outb(0x40, 0);
    for (;;) {
        __asm__ volatile("sti; hlt");
    }
}

static void storm_string(void)
{
    gate(14, skip_code, INT_GATE);
    paging_on();
    page_table[2] = 0;
    __asm__ volatile("rep movsb" : : "S"(SCRATCH + 100), "D"(SCRATCH + 5000),
                     "c"(100000) : "memory");
}

/* --- much work for the host ----------------------------------------------------------- */

static void storm_self(void)
{
    hot_byte();
}

/* Each function is new every time. */
static void storm_code(void)
{
    for (uint32_t n = 0;; n += 0x01010101) {
        for (uint32_t at = SCRATCH; at < SCRATCH + 0x100000; at += 64) {
            volatile uint8_t *code = (volatile uint8_t *)at;
            code[0] = 0xb8;
            *(volatile uint32_t *)(code + 1) = n;
            code[5] = 0xc3;
            ((Handler *)at)();
        }
    }
}

static void storm_tlb(void)
{
    paging_on();
    for (uint32_t i = 0;; i = (i + 1) % 1024) {
        *(volatile uint32_t *)(SCRATCH + (i << 12)) += i;
        __asm__ volatile("movl %%cr3, %%eax; movl %%eax, %%cr3"
                         : : : "eax", "memory");
    }
}

static uint32_t swap(uint32_t v)
{
    return __builtin_bswap32(v);
}

/* 16 MiB of zeroes at a time. */
static void storm_dma(void)
{
    static volatile struct {
        uint32_t control, length, high, low;
    } request __attribute__((aligned(16)));
    for (;;) {
        request.control = swap(0x0a);
        request.length = swap(0x1000000);
        request.high = 0;
        request.low = swap(WILD);
        __asm__ volatile("outl %0, %w1" : : "a"(swap((uint32_t)&request)),
                         "d"(0x518) : "memory");
    }
}

/* An alarm that never comes: its minute is 7f. */
static void storm_alarm(void)
{
    outb(0x70, 3);
    outb(0x71, 0x7f);
    for (;;) {
        outb(0x70, 0x0b);
        outb(0x71, 0x22);
    }
}

/* ADD %AL, (%EAX) for ever, in code that was never run before. */
static void wild_jump(uint32_t eax)
{
    *(volatile uint8_t *)WILD_END = 0xe9;
    *(volatile uint32_t *)(WILD_END + 1) = WILD - (WILD_END + 5);
    __asm__ volatile("jmp *%1" : : "a"(eax), "r"(WILD));
}

static void storm_wild(void)
{
    wild_jump(0xe0000000);
}

static void storm_wild_rom(void)
{
    wild_jump(0xffff0000);
}

static const struct {
    char letter;
    Handler *start;
} storms[] = {
    { 'r', real_start },       /* #UD on #UD in real mode */
    { 'p', storm_protected },  /* the same in protected mode */
    { 'l', storm_long },       /* in long mode, by an interrupt stack */
    { 'f', storm_page_fault }, /* a page fault's handler is not there */
    { 'd', storm_debug },      /* a breakpoint on its own handler */
    { 'n', storm_level },      /* an interrupt that never goes away */
    { 'i', storm_idle },       /* asleep for good beside a timer */
    { 't', storm_timer },      /* a timer every other tick */
    { 's', storm_string },     /* REP into a page that never comes */
    { 'm', storm_self },       /* code that changes itself */
    { 'c', storm_code },       /* code that is always new */
    { 'v', storm_tlb },        /* a new address space all the time */
    { 'D', storm_dma },        /* large DMA */
    { 'a', storm_alarm },      /* a clock with nothing to wait for */
    { 'w', storm_wild },       /* zeroes are run; EAX points nowhere */
    { 'W', storm_wild_rom },   /* the same; EAX points into ROM */
};

void guest_main(void);

void guest_main(void)
{
    serial_init();
    print("storm? ");
    while (!(inb(COM1 + 5) & 1)) {
    }
    char letter = inb(COM1);
    outb(PIC1 + 1, 0xff);
    outb(0xa1, 0xff);
    set_tables();
    for (unsigned i = 0; i < sizeof storms / sizeof storms[0]; i++) {
        if (storms[i].letter == letter) {
            print("here it comes\n");
            storms[i].start();
        }
    }
    print("no such storm\n");
    guest_exit(1);
}
