/*
 * A guest that checks rules of 32-bit protected mode that are easily got
 * wrong, against the Intel SDM (chapters of volume 3 in brackets): which
 * accesses count as stores, stacks of other widths, call gates with parameters,
 * events that fault on their way, debug registers, instructions over the ends
 * of pages, PSE-36, model-specific registers. The output is as sys32's.
 */
#include "trap32.h"

enum { SEL_STACK16 = 0x68, SEL_GATE16 = 0x70 };

#define FAULT (exc_vector << 16 | exc_error)

/* --- stores, and what is none [3.4, 4.7] ------------------------------------------ */

static void test_read_only(void)
{
    /* The destination is a register: nothing is stored to memory. */
    TRY("movl %0, %%eax\n movl %%eax, %%fs\n"
        "addl %%fs:0, %%eax\n orl %%fs:0, %%eax\n adcl %%fs:0, %%eax\n"
        "sbbl %%fs:0, %%eax\n andl %%fs:0, %%eax\n subl %%fs:0, %%eax\n"
        "xorl %%fs:0, %%eax\n addb %%fs:0, %%al\n cmpl %%eax, %%fs:0\n"
        "testl %%eax, %%fs:0\n btl $1, %%fs:0\n imull %%fs:0, %%eax",
        "i"(SEL_RO));
    check("arithmetic from a read-only segment", exc_vector, ~0u);
    TRY("addl %%cs:here, %%eax\n xorl %%cs:here, %%eax", "i"(0));
    check("arithmetic from the code segment", exc_vector, ~0u);
    TRY("movl %0, %%eax\n movl %%eax, %%fs\n addl %%eax, %%fs:0",
        "i"(SEL_RO));
    check("ADD to a read-only segment", FAULT, 13 << 16);
    TRY("movl %0, %%eax\n movl %%eax, %%fs\n btsl $1, %%fs:0", "i"(SEL_RO));
    check("BTS in a read-only segment", FAULT, 13 << 16);
}

/* ARPL stores if it raises the RPL only. */
static void test_arpl(void)
{
    uint8_t zf;
    TRY("movl %0, %%eax\n movl %%eax, %%fs\n movw $0, %%ax\n"
        "arpl %%ax, %%fs:0", "i"(SEL_RO));
    check("ARPL that changes nothing, read-only segment", exc_vector, ~0u);
    paging_on();
    *(volatile uint16_t *)0x300000 = 0x8;
    table[PAGE] = PAGE << 12 | 1;
    TRY("movl $0x300000, %%ebx\n movw $0, %%ax\n arpl %%ax, (%%ebx)",
        "i"(0));
    check("ARPL that changes nothing, read-only page", exc_vector, ~0u);
    TRY("movl $0x300000, %%ebx\n movw $3, %%ax\n arpl %%ax, (%%ebx)",
        "i"(0));
    check("ARPL that stores, read-only page", FAULT, 14 << 16 | 3);
    table[PAGE] = PAGE << 12 | 3;
    __asm__ volatile("movl %0, %%cr3" : : "r"(dir) : "memory");
    __asm__ volatile("movw $2, %%ax\n arpl %%ax, 0x300000\n setz %0"
                     : "=q"(zf) : : "eax", "cc", "memory");
    check("ARPL", *(volatile uint16_t *)0x300000, 0xa);
    check("ARPL ZF", zf, 1);
    paging_off();
}

/* What reads and writes is refused as a store. */
#define MODIFY(name, code)                                    \
    TRY(code, "i"(0));                                        \
    check(name " of an absent page", FAULT, 14 << 16 | 2);    \
    check(name ": CR2", cr2(), 0x300010)

static void test_modify(void)
{
    paging_on();
    table[PAGE] = 0;
    MODIFY("ADD", "addl $1, 0x300010");
    MODIFY("ADD register", "addl %%eax, 0x300010");
    MODIFY("LOCK INC", "lock incl 0x300010");
    MODIFY("NEG", "negb 0x300010");
    MODIFY("NOT", "notw 0x300010");
    MODIFY("BTS", "btsl $3, 0x300010");
    MODIFY("XCHG", "xchgl %%eax, 0x300010");
    MODIFY("SHL", "shll $3, 0x300010");
    MODIFY("SHL CL", "shll %%cl, 0x300010");
    MODIFY("ROL", "rolb $1, 0x300010");
    MODIFY("SHLD", "shldl $3, %%eax, 0x300010");
    MODIFY("XADD", "xaddl %%eax, 0x300010");
    MODIFY("CMPXCHG", "cmpxchgl %%ecx, 0x300010");
    MODIFY("CMPXCHG8B", "cmpxchg8b 0x300010");
    MODIFY("XOR", "xorb $1, 0x300010");
    TRY("addl 0x300010, %%eax", "i"(0));
    check("ADD from an absent page", FAULT, 14 << 16);
    TRY("cmpl $1, 0x300010", "i"(0));
    check("CMP with an absent page", FAULT, 14 << 16);
    TRY("btl $1, 0x300010", "i"(0));
    check("BT of an absent page", FAULT, 14 << 16);
    paging_off();
}

/* --- a 16-bit stack [6.2 of vol. 1] ------------------------------------------------ */

volatile uint32_t ebp32, esp32, ebp16, pushed;

/* ENTER: the expected values are what an Intel processor does. */
static void test_stack16(void)
{
    gdt[SEL_STACK16 >> 3] = segment(0x60000, 0xffff, 0x093);
    __asm__ volatile(
        "movl %%esp, %%edi\n movl %%ebp, %%esi\n movl %0, %%eax\n"
        "movl $0xabcd1000, %%ebx\n movl %%eax, %%ss\n movl %%ebx, %%esp\n"
        "movl $0x12345678, %%ebp\n enter $16, $0\n"
        "movl %%ebp, ebp32\n movl %%esp, esp32\n"
        "movl %%ebx, %%esp\n movl $0x12345678, %%ebp\n"
        ".byte 0x66\n enter $16, $0\n movl %%ebp, ebp16\n"
        "movl $0x55551000, %%esp\n movl $0xabcd0ff0, %%ebp\n enter $16, $1\n"
        "movl $0x10, %%eax\n movl %%eax, %%ss\n movl %%edi, %%esp\n"
        "movl %%esi, %%ebp\n movl 0x60ff8, %%eax\n movl %%eax, pushed\n"
        :
        : "i"(SEL_STACK16) : "eax", "ebx", "esi", "edi", "memory");
    check("ENTER: EBP", ebp32, 0xabcd0ffc);
    check("ENTER: ESP", esp32, 0xabcd0fec);
    check("ENTER, 16 bits: EBP", ebp16, 0x12340ffe);
    check("ENTER, a level: the frame's pointer", pushed, 0x55550ffc);
}

/* --- call gates [5.8] ----------------------------------------------------------------- */

volatile uint32_t gate_saw[6], user_esp[2];

void gate_entry(void);
void gate_entry16(void);
__asm__("gate_entry:\n"
        " movl (%esp), %eax\n movl %eax, gate_saw\n"
        " movl 4(%esp), %eax\n movl %eax, gate_saw+4\n"
        " movl 8(%esp), %eax\n movl %eax, gate_saw+8\n"
        " movl 12(%esp), %eax\n movl %eax, gate_saw+12\n"
        " movl 16(%esp), %eax\n movl %eax, gate_saw+16\n"
        " movl 20(%esp), %eax\n movl %eax, gate_saw+20\n"
        " lretl $8\n"
        "gate_entry16:\n"
        " movl (%esp), %eax\n movl %eax, gate_saw\n"
        " movl 4(%esp), %eax\n movl %eax, gate_saw+4\n"
        " movl 8(%esp), %eax\n movl %eax, gate_saw+8\n"
        " movl %esp, gate_saw+12\n"
        " int $0x80\n");

static uint64_t call_gate(void (*fn)(void), uint32_t type, unsigned params)
{
    uint32_t at = (uint32_t)fn;
    return (at & 0xffff) | (uint64_t)SEL_CODE << 16 |
           (uint64_t)(0xe000 | type << 8 | params) << 32 |
           (uint64_t)(at & 0xffff0000) << 32;
}

static void test_call_gates(void)
{
    gdt[SEL_GATE >> 3] = call_gate(gate_entry, 12, 2);
    gdt[SEL_GATE16 >> 3] = call_gate(gate_entry16, 4, 1);
    RING3("movl %%esp, user_esp\n pushl $0x1111\n pushl $0x2222\n"
          "movl $4f, here\n lcall $0x63, $0x12345678\n"
          "4: movl %%esp, user_esp+4\n int $0x80");
    check("call gate comes back", exc_vector, 128);
    check("gate: return address", gate_saw[0], here);
    check("gate: caller's CS", gate_saw[1] & 0xffff, SEL_CODE3);
    check("gate: last parameter", gate_saw[2], 0x2222);
    check("gate: first parameter", gate_saw[3], 0x1111);
    check("gate: caller's ESP", gate_saw[4], user_esp[0] - 8);
    check("gate: caller's SS", gate_saw[5] & 0xffff, SEL_DATA3);
    check("RET takes the parameters away", user_esp[1], user_esp[0]);
    RING3("movl %%esp, user_esp\n pushw $0x3333\n movl $4f, here\n"
          "lcall $0x73, $0\n 4: ud2");
    check("16-bit call gate", exc_vector, 128);
    check("16-bit gate: CS:IP", gate_saw[0],
          (uint32_t)SEL_CODE3 << 16 | (here & 0xffff));
    check("16-bit gate: SP and parameter", gate_saw[1],
          ((user_esp[0] - 2) << 16) | 0x3333);
    check("16-bit gate: SS", gate_saw[2] & 0xffff, SEL_DATA3);
    check("16-bit gate: words were pushed", gate_saw[3],
          (uint32_t)stack0 + sizeof stack0 - 10);
    gdt[SEL_GATE >> 3] = call_gate(gate_entry, 12, 0) & ~(3ull << 45);
    RING3("lcall $0x63, $0");
    check("gate of DPL 0 from ring 3", FAULT, 13 << 16 | SEL_GATE);
    gdt[SEL_GATE >> 3] = call_gate(gate_entry, 12, 0) & ~(1ull << 47);
    RING3("lcall $0x63, $0");
    check("gate that is not present", FAULT, 11 << 16 | SEL_GATE);
}

/* --- events on their way [6.13, 6.15] --------------------------------------------------- */

/* IRQ 0 at vector 8, whose gate is not there: the interrupt wakes HLT, its
 * delivery faults, and although its number is that of the double fault nothing
 * is doubled. */
static void test_interrupt_faults(void)
{
    uint64_t gate8 = idt[8];
    idt[8] &= ~(1ull << 47);
    outb(0x20, 0x11);
    outb(0x21, 8);
    outb(0x21, 4);
    outb(0x21, 1);
    outb(0x21, 0xfe);
    outb(0xa1, 0xff);
    outb(0x43, 0x30);
    outb(0x40, 100);
    outb(0x40, 0);
    TRY("movl $2f, here\n sti\n hlt\n2: nop", "i"(0));
    check("interrupt through an absent gate", FAULT, 11 << 16 | 0x43);
    check("HLT is over", exc_eip, here);
    outb(0x21, 0xff);
    outb(0x20, 0x20);
    idt[8] = gate8;
}

static void test_software_faults(void)
{
    uint64_t gate129 = idt[129];
    idt[129] &= ~(1ull << 47);
    TRY("int $0x81", "i"(0));
    check("INT through an absent gate has no EXT", FAULT,
          11 << 16 | (129 * 8 + 2));
    idt[129] = gate129;
    uint64_t gate6 = idt[6];
    idt[6] &= ~(1ull << 47);
    TRY("ud2", "i"(0));
    check("exception through an absent gate has EXT", FAULT,
          11 << 16 | (6 * 8 + 3));
    idt[6] = gate6;
}

/* INT 3 with two bytes is an INT n: IOPL-sensitive, unlike INT3 [20.3]. */
static void test_v86_int(void)
{
    static const uint8_t code[] = { 0xcd, 3, 0xcc };
    for (unsigned i = 0; i < sizeof code; i++) {
        ((volatile uint8_t *)0x50000)[i] = code[i];
    }
    for (unsigned start = 0; start < 3; start += 2) {
        __asm__ volatile("movl %0, here" : : "r"(start));
        TRY("pushl $0\n pushl $0\n pushl $0\n pushl $0\n pushl $0x5000\n"
            "pushl $0xfff0\n pushl $0x20002\n pushl $0x5000\n pushl here\n"
            "iretl", "i"(0));
        check(start ? "INT3 in V86" : "INT 3 in V86",
              start ? exc_vector : FAULT, start ? 3 : 13 << 16);
    }
}

/* --- debug registers [17.2] ---------------------------------------------------------------- */

static void test_debug_io(void)
{
    dr6_clear();
    __asm__ volatile("movl %%cr4, %%eax\n orl $8, %%eax\n movl %%eax, %%cr4\n"
                     "movl $0x80, %%eax\n movl %%eax, %%dr0\n"
                     "movl $0x20402, %%eax\n movl %%eax, %%dr7"
                     : : : "eax");
    TRY("movl $2f, here\n outb %%al, $0x80\n2: nop", "i"(0));
    check("I/O breakpoint", exc_vector, 1);
    check("behind the OUT", exc_eip, here);
    check("I/O: DR6.B0", dr6() & 0xe00f, 1);
    dr6_clear();
    TRY("outb %%al, $0x84", "i"(0));
    check("another port", exc_vector, ~0u);
    TRY("movl %%dr4, %%eax", "i"(0));
    check("DR4 with CR4.DE", exc_vector, 6);
    __asm__ volatile("movl $0x400, %%eax\n movl %%eax, %%dr7\n"
                     "movl %%cr4, %%eax\n andl $~8, %%eax\n"
                     "movl %%eax, %%cr4" : : : "eax");
}

/* A breakpoint on a repeated instruction hits once: RF lasts until it is done.
 * A data breakpoint of MOV SS waits for the next instruction [6.8.3]. */
static void test_debug_order(void)
{
    static volatile uint8_t to[4];
    static volatile uint16_t selector = SEL_DATA;
    dr6_clear();
    TRY("movl $2f, %%eax\n movl %%eax, %%dr0\n movl %%eax, here\n"
        "movl $0x402, %%eax\n movl %%eax, %%dr7\n"
        "pushl $0x10002\n pushl %%cs\n pushl $2f\n"
        "movl %0, %%edi\n movl $3, %%ecx\n movb $7, %%al\n iretl\n"
        "2: rep stosb\n movl %%ecx, here", "i"(to));
    check("RF lasts for all iterations", exc_vector, ~0u);
    check("all were made", to[0] + to[1] + to[2], 21);
    check("ECX", here, 0);
    __asm__ volatile("movl %0, %%dr0\n movl %1, %%dr7"
                     : : "r"(&selector), "r"(0x00070402));
    TRY("movl $2f, here\n movw %0, %%ss\n nop\n2: nop", "m"(selector));
    check("data breakpoint of MOV SS", exc_vector, 1);
    check("behind the next instruction", exc_eip, here);
    TRY("movl $2f, %%eax\n movl %%eax, %%dr0\n"
        "movl $0x402, %%eax\n movl %%eax, %%dr7\n"
        "movw %0, %%ss\n2: nop", "m"(selector));
    check("instruction breakpoint behind MOV SS", exc_vector, ~0u);
    __asm__ volatile("movl %0, %%dr7" : : "r"(0x400));
    dr6_clear();
}

/* Alignment checks in ring 3 are for all accesses [6.15, interrupt 17]. */
static void test_alignment(void)
{
    __asm__ volatile("movl %%cr0, %%eax\n orl $0x40000, %%eax\n"
                     "movl %%eax, %%cr0" : : : "eax");
#define UNALIGNED(name, code)                                             \
    RING3("pushfl\n orl $0x40000, (%%esp)\n popfl\n" code "\n int $0x80"); \
    check(name " not aligned", exc_vector, 17)
    UNALIGNED("MOV", "movl 0x60002, %%eax");
    UNALIGNED("CMPXCHG8B", "cmpxchg8b 0x60004");
    UNALIGNED("PUSHA", "subl $2, %%esp\n pushal");
    UNALIGNED("ENTER", "subl $2, %%esp\n enter $0, $0");
    UNALIGNED("far CALL", "subl $2, %%esp\n lcall $0x1b, $4f\n 4:");
    RING3("pushfl\n orl $0x40000, (%%esp)\n popfl\n"
          "movl 0x60004, %%eax\n int $0x80");
    check("aligned", exc_vector, 128);
    __asm__ volatile("movl %%cr0, %%eax\n andl $~0x40000, %%eax\n"
                     "movl %%eax, %%cr0" : : : "eax");
}

static void test_general_detect(void)
{
    dr6_clear();
    TRY("movl $0x2400, %%eax\n movl %%eax, %%dr7\n movl $2f, here\n"
        "2: movl %%dr0, %%eax", "i"(0));
    check("GD", exc_vector, 1);
    check("GD is a fault", exc_eip, here);
    check("DR6.BD", dr6() & 0xe00f, 0x2000);
    dr6_clear();
    TRY("movl $0x2400, %%eax\n movl %%eax, %%dr7\n"
        "pushfl\n orl $0x100, (%%esp)\n popfl\n nop\n nop", "i"(0));
    check("a step with GD", exc_vector, 1);
    TRY("movl %%dr7, %%eax\n movl %%eax, here", "i"(0));
    check("the step's delivery cleared GD", exc_vector, ~0u);
    check("DR7", here, 0x400);
}

/* --- fetching [2.3.11 of vol. 2, 4.7] ------------------------------------------------------- */

static void test_fetch(void)
{
    static volatile uint8_t code[24];
    volatile uint8_t *end = (volatile uint8_t *)0x2ffffe;
    for (unsigned i = 0; i < 15; i++) {
        code[i] = 0x66;
    }
    code[14] = 0x90;
    code[15] = 0xc3;
    TRY("call *%0", "r"(code));
    check("an instruction of 15 bytes", exc_vector, ~0u);
    code[14] = 0x66;
    code[15] = 0x90;
    code[16] = 0xc3;
    TRY("call *%0", "r"(code));
    check("one of 16 bytes", FAULT, 13 << 16);
    check("it is where it starts", exc_eip, (uint32_t)code);
    paging_on();
    end[0] = 0x90;
    end[1] = 0xc3;
    table[PAGE] = 0;
    TRY("movl $0x2ffffe, %%eax\n call *%%eax", "i"(0));
    check("code up to the end of a page", exc_vector, ~0u);
    end[1] = 0x05; /* ADD EAX, imm32 */
    TRY("movl $0x2ffffe, %%eax\n call *%%eax", "i"(0));
    check("over the end", FAULT, 14 << 16);
    check("over the end: CR2", cr2(), 0x300000);
    check("over the end: EIP", exc_eip, 0x2fffff);
    paging_off();
}

/* --- PSE-36 [4.3] ---------------------------------------------------------------------------- */

/* Bits 13 up of a 4 MiB page's entry are address bits 32 up; the boot sector
 * is at 7c00, and nothing 4 GiB further up. */
static void test_pse36(void)
{
    uint32_t low = *(volatile uint32_t *)0x7c00, seen = 0;
    __asm__ volatile("movl %%cr4, %%eax\n orl $0x10, %%eax\n"
                     "movl %%eax, %%cr4" : : : "eax");
    paging_on();
    dir[3] = 0x83;
    __asm__ volatile("movl 0xc07c00, %0" : "=r"(seen) : : "memory");
    check("4 MiB page", seen, low);
    dir[3] = 0x83 | 1 << 13;
    __asm__ volatile("movl 0xc07c00, %0" : "=r"(seen) : : "memory");
    check("4 MiB page above 4 GiB", seen == low, 0);
    dir[3] = 0x83 | 1 << 21;
    TRY("movl 0xc07c00, %%eax", "i"(0));
    check("reserved bit 21", FAULT, 14 << 16 | 9);
    dir[3] = 0;
    paging_off();
    __asm__ volatile("movl %%cr4, %%eax\n andl $~0x10, %%eax\n"
                     "movl %%eax, %%cr4" : : : "eax");
}

/* --- model-specific registers [vol. 4] ------------------------------------------------------- */

volatile uint32_t msr_number, msr_low, msr_high;

static void msr_read(uint32_t n)
{
    msr_number = n;
    TRY("movl msr_number, %%ecx\n rdmsr\n movl %%eax, msr_low\n"
        "movl %%edx, msr_high", "i"(0));
}

static void msr_write(uint32_t n, uint32_t high, uint32_t low)
{
    msr_number = n;
    msr_low = low;
    msr_high = high;
    TRY("movl msr_number, %%ecx\n movl msr_low, %%eax\n"
        "movl msr_high, %%edx\n wrmsr", "i"(0));
}

static void test_msrs(void)
{
    static const uint32_t known[] = { 0, 1, 0x10, 0x17, 0x1b, 0x3a, 0x8b,
                                      0xce, 0xfe, 0x174, 0x179, 0x17a, 0x17b,
                                      0x198, 0x1a0, 0x1d9, 0x200, 0x20f, 0x250,
                                      0x277, 0x2ff, 0x400, 0x427 };
    for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++) {
        msr_read(known[i]);
        check("known register", exc_vector, ~0u);
    }
    msr_write(0x2ff, 0, 0xc06);
    check("default type WB", exc_vector, ~0u);
    msr_read(0x2ff);
    check("default type is kept", msr_low, 0xc06);
    msr_write(0x2ff, 0, 0xc02);
    check("default type 2", FAULT, 13 << 16);
    msr_write(0x200, 0, 0x03);
    check("variable range of type 3", FAULT, 13 << 16);
    msr_write(0x201, 0, 0x801);
    check("reserved bit of a mask", FAULT, 13 << 16);
    msr_write(0x250, 0, 0x02);
    check("fixed range of type 2", FAULT, 13 << 16);
    msr_write(0x277, 0, 0x02);
    check("PAT of type 2", FAULT, 13 << 16);
    msr_write(0x401, 0, 1);
    check("machine check status", FAULT, 13 << 16);
    msr_write(0x400, ~0u, ~0u);
    check("machine check control", exc_vector, ~0u);
    msr_write(0x410, ~0u, ~0x400u);
    print(exc_vector == 13 ? "some bits of it: #GP\n"
                           : "some bits of it: taken\n");
    msr_write(0xce, 0, 1);
    check("PLATFORM_INFO is read-only", FAULT, 13 << 16);
    msr_read(0x12345);
    print(exc_vector == 13 ? "unknown MSR: #GP\n"
          : exc_vector == ~0u && !msr_low && !msr_high ? "unknown MSR: 0\n"
                                                       : "unknown MSR: ?\n");
    msr_write(0x48, 0, 1);
    print(exc_vector == 13 ? "SPEC_CTRL: #GP\n" : "SPEC_CTRL: ignored\n");
}

/* --- hints ------------------------------------------------------------------------------------ */

static void test_hints(void)
{
    TRY(".byte 0x0f, 0x0d, 0x08\n .byte 0x0f, 0x0d, 0xc0\n"
        ".byte 0x0f, 0x1f, 0x00", "i"(0));
    check("PREFETCHW and NOP", exc_vector, ~0u);
}

/* CR0 with these bits changed, then the instructions. */
#define TRY_CR0(set, insns)                                             \
    TRY("movl %%cr0, %%eax\n orl %0, %%eax\n movl %%eax, %%cr0\n" insns, \
        "i"(set))

static void cr0_plain(void)
{
    __asm__ volatile("movl %%cr0, %%eax\n andl $~0x2c, %%eax\n"
                     "movl %%eax, %%cr0" : : : "eax");
}

/* #MF comes with the next waiting instruction, and only if CR0.NE is set. */
static void test_fpu(void)
{
    static const uint16_t control = 0x37b; /* division by zero unmasked */
    uint16_t status;
    TRY_CR0(0x20, "fninit");
    __asm__ volatile("fldcw %0\n fldz\n fld1\n fdivp" : : "m"(control));
    TRY_CR0(0x20, "fld1");
    check("#MF", exc_vector, 16);
    __asm__ volatile("fnstsw %0\n fninit" : "=m"(status));
    check("the status word of 1 / 0", status & 0xb8ff, 0xb084);
    cr0_plain();
    TRY_CR0(4, "fninit");
    check("FNINIT with CR0.EM", exc_vector, 7);
    cr0_plain();
}

/* Without x87 (CPUID.1:EDX.0) its instructions do nothing; FNSTSW leaves what
 * was there. */
static void test_no_fpu(void)
{
    static volatile uint16_t status = 0x5a5a;
    uint32_t a = 1, b, c, d;
    __asm__("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    if (d & 1) {
        test_fpu();
        return;
    }
    TRY("fninit\n fnstsw %0", "m"(status));
    check("FNINIT without x87", exc_vector, ~0u);
    check("FNSTSW without x87", status, 0x5a5a);
    TRY("movl %%cr0, %%eax\n orl $4, %%eax\n movl %%eax, %%cr0\n fninit",
        "i"(0));
    check("FNINIT with CR0.EM", exc_vector, 7);
    __asm__ volatile("movl %%cr0, %%eax\n andl $~4, %%eax\n movl %%eax, %%cr0"
                     : : : "eax");
}

/* --- a task with a bad segment [7.3] ------------------------------------------------------------ */

/* The switch is made; what is wrong with DS is the new task's #TS. The last
 * test: we stay in that task. */
static void test_task_fault(void)
{
    tss2[8] = 0x1234;
    tss2[9] = 2;
    tss2[14] = (uint32_t)stack2 + sizeof stack2;
    tss2[18] = tss2[20] = tss2[22] = tss2[23] = SEL_DATA;
    tss2[19] = SEL_CODE;
    tss2[21] = 0x200; /* DS, beyond the GDT */
    tss2[25] = sizeof tss2 << 16;
    TRY("lcall %0, $0", "i"(SEL_TSS2));
    check("#TS", FAULT, 10 << 16 | 0x200);
    check("#TS in the new task", exc_eip, 0x1234);
    check("on its stack", exc_esp, tss2[14]);
    uint16_t tr;
    __asm__ volatile("str %0" : "=r"(tr));
    check("TR is the new task's", tr, SEL_TSS2);
}

void guest_main(void);

void guest_main(void)
{
    serial_init();
    load_tables();
    test_read_only();
    test_arpl();
    test_modify();
    test_stack16();
    test_call_gates();
    test_interrupt_faults();
    test_software_faults();
    test_v86_int();
    test_debug_io();
    test_general_detect();
    test_debug_order();
    test_alignment();
    test_fetch();
    test_pse36();
    test_msrs();
    test_hints();
    test_no_fpu();
    test_task_fault();
    report("cpu32");
}
