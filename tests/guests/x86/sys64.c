/*
 * A guest that goes to long mode and back and checks what is different there:
 * paging with NX, canonical addresses, interrupts with and without IST, rings
 * by IRETQ, SYSCALL and SYSRET, GS bases (SDM vol. 3, 4.5, 5.8.8, 6.14). The
 * 64-bit code notes results in `out`; 32-bit code checks and prints them.
 */
#include "lib.h"

enum {
    OUT_WIDE, OUT_UD, OUT_UD_RIP, OUT_ALIGN, OUT_GP, OUT_GP_ERROR, OUT_IST,
    OUT_NX, OUT_NX_ERROR, OUT_NX_CR2, OUT_GS, OUT_SWAPGS, OUT_SYS_CS,
    OUT_SYS_RCX, OUT_SYS_FLAGS, OUT_USER, OUT_USER_CS, OUT_PF_USER,
    OUT_HLT_USER, OUT_COMPAT,
    /* 32: the last exception's vector, error code, rip; 37: its stack;
     * 38: where to go on, 39: on which stack. */
    OUT_UD_AT = 40, OUT_SYSCALL_AT, OUT_COUNT
};

/* 64-bit code finds it in r15. */
volatile uint64_t out[OUT_COUNT];

uint64_t pml4[512] __attribute__((aligned(4096)));
static uint64_t pdpt[512] __attribute__((aligned(4096)));
static uint64_t pd[512] __attribute__((aligned(4096)));
static uint64_t gdt64[16];
static uint64_t idt64[2 * 256];
static uint32_t tss64[26];
static uint8_t ist[4096] __attribute__((aligned(16)));
static uint8_t ring0[4096] __attribute__((aligned(16)));

void run_long(void);
void exc64_6(void);
void exc64_13(void);
void exc64_14(void);
void exc64_128(void);
void sys_entry(void);

/* Selectors: 8 code32, 10 data, 18 code64, 20 user code32 (unused), 28 user
 * data, 30 user code64, 38 TSS. */
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
    " exc64 6, 0\n exc64 128, 0\n exc64 13, 1\n exc64 14, 1\n"
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
    tss64[1] = (uint32_t)ring0 + sizeof ring0;
    tss64[9] = (uint32_t)ist + sizeof ist;
    tss64[25] = sizeof tss64 << 16;
    gate(6, exc64_6, 0, 0);
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

static unsigned passed, failed;

static void check(const char *name, uint64_t got, uint64_t want)
{
    if (got == want) {
        passed++;
        return;
    }
    failed++;
    print("FAIL ");
    print(name);
    print(": got ");
    print_hex(got >> 32);
    print_hex(got);
    print(", expected ");
    print_hex(want >> 32);
    print_hex(want);
    print("\n");
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
    print("sys64: ");
    print_dec(passed);
    print(" ok, ");
    print_dec(failed);
    print(" failed\n");
    guest_exit(failed != 0);
}
