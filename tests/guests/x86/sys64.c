/*
 * A guest that goes to long mode and back and checks what is different there:
 * paging with NX, canonical addresses, interrupts with and without IST, rings
 * by IRETQ, SYSCALL and SYSRET, GS bases, call gates (SDM vol. 3, 4.5, 5.8,
 * 6.14), and that what faults has changed nothing. The 64-bit code notes
 * results in `out`; 32-bit code checks and prints them.
 */
#include "check64.h"

enum {
    OUT_WIDE, OUT_UD, OUT_UD_RIP, OUT_ALIGN, OUT_GP, OUT_GP_ERROR, OUT_IST,
    OUT_NX, OUT_NX_ERROR, OUT_NX_CR2, OUT_GS, OUT_SWAPGS, OUT_SYS_CS,
    OUT_SYS_RCX, OUT_SYS_FLAGS, OUT_USER, OUT_USER_CS, OUT_PF_USER,
    OUT_HLT_USER, OUT_COMPAT,
    /* 32: the last exception's vector, error code, rip; 37: its stack;
     * 38: where to go on, 39: on which stack. */
    OUT_UD_AT = 40, OUT_SYSCALL_AT,
    OUT_LAR, OUT_LSL, OUT_CR3_HIGH, OUT_CR3_TOP, /* 42: rules */
    OUT_JMP, OUT_JMP_RIP, OUT_CALL_RSP, OUT_CALL_PUSHED,
    OUT_RET_RIP, OUT_RET_RSP, /* 50 */
    OUT_SS, OUT_PUSH, OUT_PUSH_RSP, OUT_SPAN, OUT_SPAN_SS, OUT_FS,
    OUT_LTR, OUT_LTR_ERROR,
    OUT_GATE_RIP, OUT_GATE_CS, OUT_GATE_RSP, OUT_GATE_SS, OUT_GATE_BACK, /* 60 */
    OUT_STEP, OUT_STEP_RIP, OUT_STEP_DR6,
    OUT_GIB, OUT_GIB_ERROR,
    OUT_JMP_AT, OUT_CALL_RSP_WAS, OUT_RET_RSP_WAS, OUT_RET_AT, /* 70 */
    OUT_GATE_AT, OUT_GATE_USER_RSP, OUT_STEP_AT, OUT_GIB_SEEN, OUT_CALL,
    OUT_CX8, OUT_CX16, OUT_SIDT, /* 80 */
    OUT_HIGH, OUT_HIGH_RET, OUT_LOW,
    OUT_COUNT
};

/* 64-bit code finds it in r15. */
volatile uint64_t out[OUT_COUNT];

uint64_t pml4[512] __attribute__((aligned(4096)));
uint64_t pdpt[512] __attribute__((aligned(4096)));
static uint64_t pd[512] __attribute__((aligned(4096)));
static uint64_t gdt64[16];
static uint64_t idt64[2 * 256];
static uint32_t tss64[26];
static uint8_t ist[4096] __attribute__((aligned(16)));
static uint8_t ring0[4096] __attribute__((aligned(16)));

void run_long(void);
void exc64_1(void);
void exc64_6(void);
void exc64_12(void);
void exc64_13(void);
void exc64_14(void);
void exc64_128(void);
void sys_entry(void);
void gate64_entry(void);

/* Selectors: 8 code32, 10 data, 18 code64, 20 user code32 (unused), 28 user
 * data, 30 user code64, 38 TSS, 50 a TSS with a bad base, 60 a call gate. */
__asm__(
    "run_long:\n"
    " pushal\n"
    " movl %cr4, %eax\n orl $0x20, %eax\n movl %eax, %cr4\n"
    " movl $pml4, %eax\n movl %eax, %cr3\n"
    " movl $0xc0000080, %ecx\n rdmsr\n orl $0x901, %eax\n wrmsr\n"
    " movl %cr0, %eax\n orl $0x80000000, %eax\n movl %eax, %cr0\n"
    " ljmp $0x18, $long_start\n"
    ".code64\n"
    ".macro exc64 n, code\n"
    "exc64_\\n:\n"
    ".if \\code == 0\n pushq $0\n .endif\n"
    " pushq $\\n\n jmp exc64_common\n"
    ".endm\n"
    " exc64 1, 0\n exc64 6, 0\n exc64 128, 0\n"
    " exc64 12, 1\n exc64 13, 1\n exc64 14, 1\n"
    "exc64_common:\n"
    " movq %rsp, 8*37(%r15)\n"
    " popq 8*32(%r15)\n popq 8*33(%r15)\n popq 8*34(%r15)\n"
    " movq 8*39(%r15), %rsp\n"
    " jmpq *8*38(%r15)\n"
    ".macro label at, slot\n movl $\\at, %eax\n"
    " movq %rax, 8*\\slot(%r15)\n .endm\n"
    ".macro try\n"
    " movq %rsp, 8*39(%r15)\n label 9f, 38\n movq $-1, 8*32(%r15)\n"
    ".endm\n"
    ".macro note from, slot\n"
    " movq \\from, %rax\n movq %rax, 8*\\slot(%r15)\n"
    ".endm\n"
    /* ring 3 at label 3 */
    ".macro user\n"
    " pushq $0x2b\n pushq $0x70000\n pushq $0x2\n pushq $0x33\n"
    " movl $3f, %eax\n pushq %rax\n iretq\n3:\n"
    ".endm\n"
    "long_start:\n"
    " movl $0x10, %eax\n movl %eax, %ss\n movl %eax, %ds\n movl %eax, %es\n"
    " movl $0x38, %eax\n ltr %ax\n"
    " movl $out, %r15d\n"
    " movabsq $0x123456789abcdef0, %r8\n addq $1, %r8\n movq %r8, (%r15)\n"
    " try\n label 2f, 40\n2: ud2\n9:\n"
    " note 8*32(%r15), 1\n note 8*34(%r15), 2\n note 8*37(%r15), 3\n"
    " try\n movabsq $0x8000000000000000, %rax\n movq (%rax), %rax\n9:\n"
    " note 8*32(%r15), 4\n note 8*33(%r15), 5\n note 8*37(%r15), 6\n"
    " try\n movl $0x400000, %eax\n jmpq *%rax\n9:\n"
    " note 8*32(%r15), 7\n note 8*33(%r15), 8\n note %cr2, 9\n"
    " movl $0xc0000101, %ecx\n movl $out, %eax\n xorl %edx, %edx\n wrmsr\n"
    " note %gs:0, 10\n"
    " movl $0xc0000102, %ecx\n movl $0x1234, %eax\n movl $1, %edx\n wrmsr\n"
    " swapgs\n movl $0xc0000101, %ecx\n rdmsr\n shlq $32, %rdx\n"
    " orq %rdx, %rax\n movq %rax, 8*11(%r15)\n swapgs\n"
    " movl $0xc0000081, %ecx\n xorl %eax, %eax\n movl $0x00200018, %edx\n"
    " wrmsr\n"
    " movl $0xc0000082, %ecx\n movl $sys_entry, %eax\n xorl %edx, %edx\n"
    " wrmsr\n"
    " movl $0xc0000084, %ecx\n movl $0x1, %eax\n xorl %edx, %edx\n wrmsr\n"
    " try\n label 4f, 41\n user\n stc\n syscall\n"
    "4: note %cs, 16\n movq $77, 8*15(%r15)\n int $0x80\n9:\n"
    " try\n user\n movl $0x600000, %eax\n movq (%rax), %rax\n9:\n"
    " note 8*33(%r15), 17\n"
    " try\n user\n hlt\n9:\n note 8*32(%r15), 18\n"
    " call rules\n"
    /* A 32-bit code segment within long mode, and home. */
    " pushq $8\n movl $5f, %eax\n pushq %rax\n lretq\n"
    "sys_entry:\n"
    " note %cs, 12\n note %rcx, 13\n"
    " movq %rsp, %rbx\n movq 8*39(%r15), %rsp\n"
    " pushfq\n popq %rax\n movq %rax, 8*14(%r15)\n movq %rbx, %rsp\n"
    " sysretq\n"
    ".code32\n"
    /* IRETQ to ring 3 took DS and ES away. */
    "5: movl $0x10, %eax\n movl %eax, %ss\n movl %eax, %ds\n"
    " movl %eax, %es\n movl $0x55, out+8*19\n"
    " movl %cr0, %eax\n andl $0x7fffffff, %eax\n movl %eax, %cr0\n"
    " movl $0xc0000080, %ecx\n rdmsr\n andl $~0x100, %eax\n wrmsr\n"
    " popal\n ret\n");

/* What faults has changed nothing: RSP in the handler's frame, memory, the
 * upper half of registers. */
__asm__(
    ".code64\n"
    ".macro note_rsp slot\n"
    " movq 8*37(%r15), %rax\n movq 40(%rax), %rax\n"
    " movq %rax, 8*\\slot(%r15)\n"
    ".endm\n"
    "rules:\n"
    " movl $0xfff8, %ecx\n"
    " movabsq $0x1122334455667788, %rax\n lar %ecx, %eax\n"
    " movq %rax, 8*42(%r15)\n"
    " movabsq $0x1122334455667788, %rax\n lsl %ecx, %eax\n"
    " movq %rax, 8*43(%r15)\n"
    " try\n movl $pml4, %eax\n btsq $45, %rax\n movq %rax, %cr3\n9:\n"
    " note 8*32(%r15), 44\n"
    " try\n movl $pml4, %eax\n btsq $63, %rax\n movq %rax, %cr3\n9:\n"
    " note 8*32(%r15), 45\n"
    /* Near branches out of the canonical range fault where they are. */
    " movabsq $0x800000000000, %rbx\n"
    " try\n label 2f, 70\n2: jmpq *%rbx\n9:\n"
    " note 8*32(%r15), 46\n note 8*34(%r15), 47\n"
    " try\n movq $0x77, -8(%rsp)\n movq %rsp, 8*71(%r15)\n"
    " callq *%rbx\n9:\n"
    " note_rsp 48\n note -8(%rsp), 49\n note 8*32(%r15), 78\n"
    /* Within it they go from half to half. */
    " movabsq $0xffff800000000000, %rcx\n movl $7f, %eax\n"
    " orq %rax, %rcx\n jmpq *%rcx\n"
    "7: leaq (%rip), %rax\n movq %rax, 8*82(%r15)\n"
    " leaq 8f(%rip), %rax\n pushq %rax\n ret\n"
    "8: leaq (%rip), %rax\n movq %rax, 8*83(%r15)\n"
    " movl $7f, %eax\n pushq %rax\n ret\n"
    "7: leaq (%rip), %rax\n movq %rax, 8*84(%r15)\n"
    " try\n pushq %rbx\n movq %rsp, 8*72(%r15)\n label 2f, 73\n"
    "2: ret\n9:\n"
    " note 8*34(%r15), 50\n note_rsp 51\n"
    /* #SS for the stack, #GP elsewhere, and before #PF. */
    " try\n movq %rbx, %rbp\n movq (%rbp), %rcx\n9:\n"
    " note 8*32(%r15), 52\n"
    " try\n leaq 16(%rbx), %rsp\n pushq %rax\n9:\n"
    " note 8*32(%r15), 53\n note_rsp 54\n"
    " try\n leaq -4(%rbx), %rdx\n movq (%rdx), %rcx\n9:\n"
    " note 8*32(%r15), 55\n"
    " try\n leaq -4(%rbx), %rbp\n movq %rcx, (%rbp)\n9:\n"
    " note 8*32(%r15), 56\n"
    " try\n movq %rbx, %rbp\n movq %fs:(%rbp), %rcx\n9:\n"
    " note 8*32(%r15), 57\n"
    " try\n movq %rbx, %rbp\n cmpxchg8b (%rbp)\n9:\n"
    " note 8*32(%r15), 79\n"
    " try\n movq %rbx, %rbp\n cmpxchg16b (%rbp)\n9:\n"
    " note 8*32(%r15), 80\n"
    " try\n leaq -2(%rbx), %rbp\n sidt (%rbp)\n9:\n"
    " note 8*32(%r15), 81\n"
    " try\n movl $0x50, %eax\n ltr %ax\n9:\n"
    " note 8*32(%r15), 58\n note 8*33(%r15), 59\n"
    " try\n user\n label 4f, 74\n movl $gate_pointer, %eax\n"
    " lcall *(%rax)\n"
    "4: movq %rsp, 8*75(%r15)\n int $0x80\n9:\n"
    " note 8*32(%r15), 64\n"
    /* SYSRET sets TF: a trap before the caller's next instruction. */
    " movl $0xc0000082, %ecx\n movl $sys_step, %eax\n xorl %edx, %edx\n"
    " wrmsr\n xorl %eax, %eax\n movq %rax, %dr6\n"
    " try\n user\n label 4f, 76\n syscall\n4: nop\n ud2\n9:\n"
    " note 8*32(%r15), 65\n note 8*34(%r15), 66\n note %dr6, 67\n"
    " try\n movl $0x83, %eax\n movl $pdpt, %edx\n movq %rax, 8(%rdx)\n"
    " movl $0x40007c00, %ebx\n movl (%rbx), %ecx\n"
    " movq %rcx, 8*77(%r15)\n9:\n"
    " note 8*32(%r15), 68\n note 8*33(%r15), 69\n"
    " ret\n"
    "sys_step:\n"
    " orq $0x100, %r11\n sysretq\n"
    "gate64_entry:\n"
    " note (%rsp), 60\n note 8(%rsp), 61\n note 16(%rsp), 62\n"
    " note 24(%rsp), 63\n"
    " lretq\n"
    "gate_pointer: .long 0x12345678\n .word 0x60\n"
    ".code32\n");

static void gate(unsigned n, void (*fn)(void), unsigned dpl, unsigned stack)
{
    uint32_t at = (uint32_t)fn;
    idt64[2 * n] = (at & 0xffff) | (uint64_t)0x18 << 16 |
                   (uint64_t)(0x8e00 | dpl << 13 | stack) << 32 |
                   (uint64_t)(at & 0xffff0000) << 32;
}

/* 2 MiB pages: 0 is everybody's, at 4 MiB nothing may run, at 6 MiB only the
 * supervisor may look. */
static void make_tables(void)
{
    pml4[0] = (uint32_t)pdpt | 7;
    pml4[256] = pml4[0]; /* the same once more, from ffff800000000000 */
    pdpt[0] = (uint32_t)pd | 7;
    for (unsigned i = 0; i < 512; i++) {
        pd[i] = (uint64_t)i << 21 | 0x87;
    }
    pd[2] |= 1ull << 63;
    pd[3] &= ~4ull;
    gdt64[1] = 0x00cf9b000000ffff;
    gdt64[2] = 0x00cf93000000ffff;
    gdt64[3] = 0x00af9b000000ffff;
    gdt64[4] = 0x00cffb000000ffff;
    gdt64[5] = 0x00cff3000000ffff;
    gdt64[6] = 0x00affb000000ffff;
    uint64_t base = (uint32_t)tss64;
    gdt64[7] = (sizeof tss64 - 1) | (base & 0xffffff) << 16 |
               (uint64_t)0x89 << 40 | (base >> 24) << 56;
    gdt64[10] = gdt64[7];
    gdt64[11] = 0x80000000; /* canonical with no number of levels */
    uint32_t entry = (uint32_t)gate64_entry;
    gdt64[12] = (entry & 0xffff) | (uint64_t)0x18 << 16 |
                (uint64_t)0xec00 << 32 | (uint64_t)(entry >> 16) << 48;
    tss64[1] = (uint32_t)ring0 + sizeof ring0;
    tss64[9] = (uint32_t)ist + sizeof ist;
    tss64[25] = sizeof tss64 << 16;
    gate(6, exc64_6, 0, 0);
    gate(1, exc64_1, 0, 0);
    gate(12, exc64_12, 0, 1);
    gate(13, exc64_13, 0, 1);
    gate(14, exc64_14, 0, 0);
    gate(128, exc64_128, 3, 0);
}

static void load_tables(void)
{
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) g = { sizeof gdt64 - 1, (uint32_t)gdt64 },
                              i = { sizeof idt64 - 1, (uint32_t)idt64 };
    __asm__ volatile("lgdt %0\n lidt %1" : : "m"(g), "m"(i));
}

static int has_gib_pages(void)
{
    uint32_t a = 0x80000001, b, c, d;
    __asm__("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    return (d >> 26) & 1;
}

static void check_rules(void)
{
    const uint64_t kept = 0x1122334455667788, bad = 0x800000000000;
    check("failing LAR", out[OUT_LAR], kept);
    check("failing LSL", out[OUT_LSL], kept);
    check("CR3 above MAXPHYADDR", out[OUT_CR3_HIGH], 13);
    check("CR3 bit 63", out[OUT_CR3_TOP], 13);
    check("JMP out of range", out[OUT_JMP], 13);
    check("it faults where it is", out[OUT_JMP_RIP], out[OUT_JMP_AT]);
    check("CALL out of range", out[OUT_CALL], 13);
    check("CALL: RSP", out[OUT_CALL_RSP], out[OUT_CALL_RSP_WAS]);
    check("CALL: nothing pushed", out[OUT_CALL_PUSHED], 0x77);
    check("RET out of range", out[OUT_RET_RIP], out[OUT_RET_AT]);
    check("RET: RSP", out[OUT_RET_RSP], out[OUT_RET_RSP_WAS]);
    check("JMP to the upper half", out[OUT_HIGH] >> 47, 0x1ffff);
    check("RET within it", out[OUT_HIGH_RET] >> 47, 0x1ffff);
    check("RET to the lower half", out[OUT_LOW] >> 47, 0);
    check("load by RBP", out[OUT_SS], 12);
    check("PUSH", out[OUT_PUSH], 12);
    check("PUSH: RSP", out[OUT_PUSH_RSP], bad + 16);
    check("load over the limit", out[OUT_SPAN], 13);
    check("store over the limit by RBP", out[OUT_SPAN_SS], 12);
    check("load by FS and RBP", out[OUT_FS], 13);
    check("CMPXCHG8B by RBP", out[OUT_CX8], 12);
    check("CMPXCHG16B by RBP", out[OUT_CX16], 12);
    check("SIDT over the limit by RBP", out[OUT_SIDT], 12);
    check("LTR", out[OUT_LTR], 13);
    check("LTR: error code", out[OUT_LTR_ERROR], 0x50);
    check("call gate: RIP", out[OUT_GATE_RIP], out[OUT_GATE_AT]);
    check("call gate: CS", out[OUT_GATE_CS], 0x33);
    check("call gate: RSP", out[OUT_GATE_RSP], 0x70000);
    check("call gate: SS", out[OUT_GATE_SS], 0x2b);
    check("call gate comes back", out[OUT_GATE_BACK], 128);
    check("call gate: RSP is back", out[OUT_GATE_USER_RSP], 0x70000);
    check("SYSRET with TF", out[OUT_STEP], 1);
    check("SYSRET with TF: RIP", out[OUT_STEP_RIP], out[OUT_STEP_AT]);
    check("SYSRET with TF: DR6", out[OUT_STEP_DR6] & 0xe00f, 0x4000);
    if (has_gib_pages()) {
        check("1 GiB page", out[OUT_GIB], (uint64_t)-1);
        check("1 GiB page: what is there", out[OUT_GIB_SEEN],
              *(volatile uint32_t *)0x7c00);
    } else {
        check("no 1 GiB pages", out[OUT_GIB], 14);
        check("no 1 GiB pages: reserved bit", out[OUT_GIB_ERROR], 9);
    }
}

void guest_main(void);

void guest_main(void)
{
    serial_init();
    make_tables();
    load_tables();
    run_long();
    check("64-bit add", out[OUT_WIDE], 0x123456789abcdef1);
    check("#UD", out[OUT_UD], 6);
    check("#UD rip", out[OUT_UD_RIP], out[OUT_UD_AT]);
    check("frame is aligned", out[OUT_ALIGN] & 15, 8);
    check("not canonical", out[OUT_GP], 13);
    check("its error code", out[OUT_GP_ERROR], 0);
    check("IST", out[OUT_IST], (uint32_t)ist + sizeof ist - 56);
    check("NX", out[OUT_NX], 14);
    check("NX error code", out[OUT_NX_ERROR], 0x11);
    check("NX CR2", out[OUT_NX_CR2], 0x400000);
    check("GS base", out[OUT_GS], 0x123456789abcdef1);
    check("SWAPGS", out[OUT_SWAPGS], 0x100001234);
    check("SYSCALL CS", out[OUT_SYS_CS], 0x18);
    check("SYSCALL RCX", out[OUT_SYS_RCX], out[OUT_SYSCALL_AT]);
    check("SYSCALL masks CF", out[OUT_SYS_FLAGS] & 1, 0);
    check("SYSRET comes back", out[OUT_USER], 77);
    check("SYSRET CS", out[OUT_USER_CS], 0x33);
    check("user #PF", out[OUT_PF_USER], 5);
    check("user HLT", out[OUT_HLT_USER], 13);
    check("32-bit code in long mode", out[OUT_COMPAT], 0x55);
    check_rules();
    print("sys64: ");
    print_dec(passed);
    print(" ok, ");
    print_dec(failed);
    print(" failed\n");
    guest_exit(failed != 0);
}
