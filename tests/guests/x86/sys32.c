/*
 * A guest that checks the processor's system side in 32-bit mode against the
 * rules of the Intel SDM, volume 3 (chapters in brackets): exceptions with
 * their error codes, segments, privilege, paging, debug registers, tasks and
 * virtual-8086 mode. Prints "ok" or "FAIL" for each and a line of totals.
 */
#include "trap32.h"

/* --- exceptions [6] ------------------------------------------------------------------ */

static void test_exceptions(void)
{
    TRY("movl $2f, here\n xorl %%edx, %%edx\n xorl %%ecx, %%ecx\n"
        "2: divl %%ecx", "i"(0));
    check("#DE vector", exc_vector, 0);
    check("#DE eip", exc_eip, here);
    TRY("movl $2f, here\n 2: ud2", "i"(0));
    check("#UD vector", exc_vector, 6);
    check("#UD eip", exc_eip, here);
    TRY("movl $2f, here\n int3\n2: nop", "i"(0));
    check("#BP vector", exc_vector, 3);
    check("#BP eip is behind", exc_eip, here);
    TRY("movb $0x7f, %%al\n addb $1, %%al\n movl $2f, here\n into\n 2: nop",
        "i"(0));
    check("#OF vector", exc_vector, 4);
    check("#OF eip is behind", exc_eip, here);
    TRY("int $0x80", "i"(0));
    check("int 0x80", exc_vector, 128);
    TRY("movl $0x12345678, %%eax\n movl %%eax, %%cr3\n nop\n"
        "xorl %%eax, %%eax\n movl %%eax, %%cr3", "i"(0));
    check("mov cr3", exc_vector, ~0u);
    TRY("movl %%cr0, %%eax\n orl $0x80000000, %%eax\n andl $~1, %%eax\n"
        "movl %%eax, %%cr0", "i"(0));
    check("PG without PE", exc_vector, 13);
    check("PG without PE, code", exc_error, 0);
}

/* --- segments [3, 5] --------------------------------------------------------------------- */

static void test_segments(void)
{
    TRY("movl $0x88, %%eax\n movl %%eax, %%fs", "i"(0));
    check("beyond the GDT", exc_vector << 16 | exc_error, 13 << 16 | 0x88);
    TRY("movl %0, %%eax\n movl %%eax, %%fs", "i"(SEL_ABSENT));
    check("#NP", exc_vector << 16 | exc_error, 11 << 16 | SEL_ABSENT);
    TRY("movl %0, %%eax\n movl %%eax, %%ss", "i"(SEL_ABSENT));
    check("#SS on load", exc_vector << 16 | exc_error, 12 << 16 | SEL_ABSENT);
    TRY("xorl %%eax, %%eax\n movl %%eax, %%ss", "i"(0));
    check("null SS", exc_vector << 16 | exc_error, 13 << 16);
    TRY("movl %0, %%eax\n movl %%eax, %%ss", "i"(SEL_RO));
    check("read-only SS", exc_vector << 16 | exc_error, 13 << 16 | SEL_RO);
    TRY("movl %0, %%eax\n movl %%eax, %%fs", "i"(SEL_XONLY));
    check("execute-only FS", exc_vector << 16 | exc_error,
          13 << 16 | SEL_XONLY);
    TRY("xorl %%eax, %%eax\n movl %%eax, %%fs\n movb %%fs:0, %%al", "i"(0));
    check("null FS used", exc_vector << 16 | exc_error, 13 << 16);
    TRY("movl %0, %%eax\n movl %%eax, %%fs\n movl %%fs:0xffc, %%eax",
        "i"(SEL_SMALL));
    check("inside the limit", exc_vector, ~0u);
    TRY("movl %0, %%eax\n movl %%eax, %%fs\n movl %%fs:0xffd, %%eax",
        "i"(SEL_SMALL));
    check("across the limit", exc_vector << 16 | exc_error, 13 << 16);
    TRY("movl %0, %%eax\n movl %%eax, %%fs\n movb %%al, %%fs:0", "i"(SEL_RO));
    check("store to read-only", exc_vector << 16 | exc_error, 13 << 16);
    TRY("movl %0, %%eax\n movl %%eax, %%fs\n movb %%fs:0x1000, %%al",
        "i"(SEL_DOWN));
    check("expand-down, inside", exc_vector, ~0u);
    TRY("movl %0, %%eax\n movl %%eax, %%fs\n movb %%fs:0xfff, %%al",
        "i"(SEL_DOWN));
    check("expand-down, outside", exc_vector << 16 | exc_error, 13 << 16);
    uint32_t lar, lsl;
    uint8_t zf;
    __asm__("lar %3, %0\n setz %2\n lsl %3, %1"
            : "=&r"(lar), "=&r"(lsl), "=&q"(zf) : "r"(SEL_SMALL) : "cc");
    check("LAR", lar, 0x00409300);
    check("LAR ZF", zf, 1);
    check("LSL", lsl, 0xfff);
    __asm__("verw %w1\n setz %0" : "=q"(zf) : "r"(SEL_RO) : "cc");
    check("VERW read-only", zf, 0);
    __asm__("verr %w1\n setz %0" : "=q"(zf) : "r"(SEL_RO) : "cc");
    check("VERR read-only", zf, 1);
}

/* --- privilege [5.5, 6.12] ------------------------------------------------------------------ */

static void test_privilege(void)
{
    RING3("cli");
    check("cli in ring 3", exc_vector << 16 | exc_error, 13 << 16);
    check("it came from ring 3", exc_cs, SEL_CODE3);
    check("stack from the TSS", exc_esp,
          (uint32_t)stack0 + sizeof stack0 - 8);
    RING3("hlt");
    check("hlt in ring 3", exc_vector, 13);
    RING3("inb $0x60, %%al");
    check("in without bitmap", exc_vector << 16 | exc_error, 13 << 16);
    RING3("int $0x80");
    check("int 0x80 from ring 3", exc_vector, 128);
    RING3("int $0x81");
    check("int 0x81, DPL 0", exc_vector << 16 | exc_error,
          13 << 16 | (0x81 * 8 + 2));
    RING3("movl $0x10, %%eax\n movl %%eax, %%fs");
    check("DPL 0 data in ring 3", exc_vector << 16 | exc_error,
          13 << 16 | 0x10);
    RING3("ljmp $0x08, $3b");
    check("ring 0 code from ring 3", exc_vector << 16 | exc_error,
          13 << 16 | 0x08);
    RING3("pushl $0x3202\n popfl\n pushfl\n popl %%eax\n movl %%eax, here\n"
          "int $0x80");
    check("popf keeps IF and IOPL", here & 0x3200, 0);
}

/* --- paging [4] -------------------------------------------------------------------------------- */



static void test_paging(void)
{
    paging_on();
    table[PAGE] = PAGE << 12 | 3;
    TRY("movl 0x300000, %%eax", "i"(0));
    check("load goes through", exc_vector, ~0u);
    check("A set, D clear", table[PAGE] & 0x60, 0x20);
    TRY("movl %%eax, 0x300000", "i"(0));
    check("D set by a store", table[PAGE] & 0x60, 0x60);
    table[PAGE] &= ~0x60u;
    TRY("movl %%eax, 0x300000", "i"(0));
    check("A and D set again after they were cleared", table[PAGE] & 0x60,
          0x60);
    table[PAGE] = 0;
    TRY("movl 0x300123, %%eax", "i"(0));
    check("#PF load", exc_vector << 16 | exc_error, 14 << 16);
    check("CR2", cr2(), 0x300123);
    TRY("movl %%eax, 0x300456", "i"(0));
    check("#PF store", exc_vector << 16 | exc_error, 14 << 16 | 2);
    table[PAGE] = PAGE << 12 | 1;
    TRY("movl %%eax, 0x300000", "i"(0));
    check("WP", exc_vector << 16 | exc_error, 14 << 16 | 3);
    table[PAGE] = PAGE << 12 | 3;
    RING3("movl 0x300000, %%eax");
    check("user on supervisor page", exc_vector << 16 | exc_error,
          14 << 16 | 5);
    table[PAGE] = PAGE << 12 | 5;
    RING3("movl %%eax, 0x300000");
    check("user store to read-only", exc_vector << 16 | exc_error,
          14 << 16 | 7);
    paging_off();
}

/* Six bytes fit before the page that is not there. */
static void test_string_fault(void)
{
    uint32_t esi, edi, ecx;
    paging_on();
    table[PAGE] = 0;
    __asm__ volatile(
        "movl %%esp, saved_esp\n movl $9f, resume\n movl $-1, exc_vector\n"
        "movl $0x200000, %%esi\n movl $0x2ffffa, %%edi\n movl $20, %%ecx\n"
        "rep movsb\n9:"
        : "=&S"(esi), "=&D"(edi), "=&c"(ecx) : : "memory", "cc", "eax");
    check("rep movsb faults", exc_vector << 16 | exc_error, 14 << 16 | 2);
    check("ecx", ecx, 14);
    check("esi", esi, 0x200006);
    check("edi", edi, 0x300000);
    paging_off();
}

/* --- debugging [17] ------------------------------------------------------------------------------- */

volatile uint32_t watched;

static void test_debug(void)
{
    dr6_clear();
    TRY("movl $2f, here\n pushfl\n orl $0x100, (%%esp)\n popfl\n nop\n2: nop",
        "i"(0));
    check("TF vector", exc_vector, 1);
    check("TF eip", exc_eip, here);
    check("DR6.BS", dr6() & 0xe00f, 0x4000);
    dr6_clear();
    __asm__ volatile("movl %0, %%dr0\n movl %1, %%dr7"
                     : : "r"(&watched), "r"(0x000d0402));
    TRY("movl $2f, here\n movl $5, watched\n2: nop", "i"(0));
    check("data breakpoint", exc_vector, 1);
    check("after the store", exc_eip, here);
    check("the store was made", watched, 5);
    check("DR6.B0", dr6() & 0xe00f, 1);
    dr6_clear();
    TRY("movl $2f, %%eax\n movl %%eax, %%dr1\n movl %%eax, here\n"
        "movl $0x408, %%eax\n movl %%eax, %%dr7\n nop\n2: movl $6, watched",
        "i"(0));
    check("instruction breakpoint", exc_vector, 1);
    check("before the instruction", exc_eip, here);
    check("it did not run", watched, 5);
    check("DR6.B1", dr6() & 0xe00f, 2);
    __asm__ volatile("movl %0, %%dr7" : : "r"(0x400));
}

/* --- tasks [7] -------------------------------------------------------------------------------------- */

volatile uint32_t task_saw_nt, task_saw_link, task_saw_ebx;

void task_main(void);
__asm__("task_main:\n"
        " pushfl\n popl task_saw_nt\n"
        " movl %ebx, task_saw_ebx\n"
        " movzwl tss2, %eax\n movl %eax, task_saw_link\n"
        " iretl\n"
        " jmp task_main\n");

static void test_task(void)
{
    uint32_t cr0;
    tss2[8] = (uint32_t)task_main;
    tss2[9] = 2;
    tss2[13] = 0x1234;                          /* ebx */
    tss2[14] = (uint32_t)stack2 + sizeof stack2; /* esp */
    tss2[18] = SEL_DATA;
    tss2[19] = SEL_CODE;
    tss2[20] = tss2[21] = tss2[22] = tss2[23] = SEL_DATA;
    tss2[25] = sizeof tss2 << 16;
    __asm__ volatile("clts");
    TRY("movl $0x77, %%esi\n lcall %0, $0\n movl %%esi, here",
        "i"(SEL_TSS2));
    check("task call", exc_vector, ~0u);
    check("NT in the new task", task_saw_nt & 0x4000, 0x4000);
    check("its registers", task_saw_ebx, 0x1234);
    check("its link", task_saw_link, SEL_TSS);
    check("ours come back", here, 0x77);
    __asm__ volatile("movl %%cr0, %0" : "=r"(cr0));
    check("CR0.TS", cr0 & 8, 8);
    check("not busy any more", (gdt[6] >> 41) & 1, 0);
    check("we are busy", (gdt[5] >> 41) & 1, 1);
}

/* --- virtual-8086 mode [20] ---------------------------------------------------------------------------- */

static void test_v86(void)
{
    /* At 5000:0000: mov ax, 0x1234; hlt */
    static const uint8_t code[] = { 0xb8, 0x34, 0x12, 0xf4 };
    uint8_t *at = (uint8_t *)0x50000;
    for (unsigned i = 0; i < sizeof code; i++) {
        at[i] = code[i];
    }
    TRY("pushl $0\n pushl $0\n pushl $0\n pushl $0\n"
        "pushl $0x5000\n pushl $0xfff0\n pushl $0x20002\n pushl $0x5000\n"
        "pushl $0\n iretl", "i"(0));
    check("hlt in V86", exc_vector << 16 | exc_error, 13 << 16);
    check("CS of V86", exc_cs & 0xffff, 0x5000);
    check("EIP of V86", exc_eip, 3);
    check("EFLAGS.VM saved", exc_eflags & 0x20000, 0x20000);
}

void guest_main(void);

void guest_main(void)
{
    serial_init();
    load_tables();
    test_exceptions();
    test_segments();
    test_privilege();
    test_paging();
    test_string_fault();
    test_debug();
    test_task();
    test_v86();
    report("sys32");
}
