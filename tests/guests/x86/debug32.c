/*
 * A guest that checks what events leave behind for debuggers, against the Intel
 * SDM (chapters of volume 3 in brackets): RF in the frames of faults, traps and
 * interrupts [17.3.1.1], within string instructions too, and single-stepping
 * from branch to branch [17.4.3]. The output is as sys32's.
 */
#include "trap32.h"

enum { RF = 0x10000, TF = 0x100, DR7_NONE = 0x400, VECTOR_TIMER = 32,
       DEBUGCTL = 0x1d9, BTF = 2 };

uint8_t from[16], to[16];

/* The frame's RF. */
#define SAVED_RF (exc_eflags & RF)

static void debug_off(void)
{
    __asm__ volatile("movl %0, %%dr7" : : "r"(DR7_NONE));
    dr6_clear();
}

/* DRn watches stores to one byte (kind 1) or is an instruction breakpoint (0). */
static void debug_at(const volatile void *at, uint32_t kind)
{
    dr6_clear();
    __asm__ volatile("movl %0, %%dr0\n movl %1, %%dr7"
                     : : "r"(at), "r"(DR7_NONE | 2 | kind << 16));
}

/* --- faults and traps ------------------------------------------------------------------- */

#define SAVES(name, vector, rf, code)             \
    TRY(code, "i"(0));                            \
    check(name, exc_vector, vector);              \
    check(name ": RF in the frame", SAVED_RF, rf)

static void test_faults(void)
{
    SAVES("#UD", 6, RF, "ud2");
    SAVES("#DE", 0, RF, "xorl %%ecx, %%ecx\n divl %%ecx");
    SAVES("#GP", 13, RF, "movl $0x38, %%eax\n movl %%eax, %%fs\n"
          "movl %%fs:0x2000, %%eax");
    SAVES("#NP", 11, RF, "movl $0x50, %%eax\n movl %%eax, %%fs");
    SAVES("#BR", 5, RF, "movl $9, %%eax\n pushl $8\n pushl $0\n"
          "boundl %%eax, (%%esp)");
    SAVES("general detect", 1, RF, "movl $0x2400, %%eax\n movl %%eax, %%dr7\n"
          "movl %%dr0, %%eax");
    debug_off();
    paging_on();
    table[PAGE] = 0;
    SAVES("#PF", 14, RF, "movl 0x300000, %%eax");
    paging_off();
}

static void test_traps(void)
{
    SAVES("INT3", 3, 0, "int3");
    SAVES("INTO", 4, 0, "movb $0x7f, %%al\n addb $1, %%al\n into");
    SAVES("INT n", 128, 0, "int $0x80");
    SAVES("INT1", 1, 0, ".byte 0xf1");
    /* An instruction has RF cleared when it starts, and INT n starts. */
    SAVES("INT n under RF", 128, 0,
          "pushl $0x10002\n pushl %%cs\n pushl $2f\n iretl\n 2: int $0x80");
    SAVES("#UD under RF", 6, RF,
          "pushl $0x10002\n pushl %%cs\n pushl $2f\n iretl\n 2: ud2");
    SAVES("single step", 1, 0, "pushl $0x102\n popfl\n nop");
    debug_at(to, 1);
    SAVES("data breakpoint", 1, 0, "movb $1, to");
    TRY("movl $2f, %%eax\n movl %%eax, %%dr0\n movl %0, %%eax\n"
        "movl %%eax, %%dr7\n 2: nop", "i"(DR7_NONE | 2));
    check("instruction breakpoint", exc_vector, 1);
    check("instruction breakpoint: RF in the frame", SAVED_RF, 0);
    debug_off();
}

/* --- string instructions ------------------------------------------------------------------ */

/* Steps once and twice through two iterations: after the first, RF is saved. */
#define STRING "movl $from, %%esi\n movl $to, %%edi\n movl $0x80, %%edx\n" \
               "xorl %%eax, %%eax\n"
#define STEP(count) "movl $" #count ", %%ecx\n pushl $0x102\n popfl\n"
#define STEPS(name, insn)                                                 \
    TRY(STRING STEP(2) insn "\n movl %%eax, here", "i"(0));               \
    check(name " stepped", exc_vector, 1);                                \
    check(name ": RF after an iteration", SAVED_RF, RF);                  \
    TRY(STRING STEP(1) insn, "i"(0));                                     \
    check(name ": RF after the last", SAVED_RF, 0);                       \
    TRY(STRING STEP(0) insn, "i"(0));                                     \
    check(name ": RF after none", SAVED_RF, 0)

static void test_string_steps(void)
{
    STEPS("REP MOVSB", "rep movsb");
    STEPS("REP MOVSL", "rep movsl");
    STEPS("REP STOSW", "rep stosw");
    STEPS("REP LODSB", "rep lodsb");
    STEPS("REPE CMPSB", "repe cmpsb");
    STEPS("REPE SCASB", "repe scasb");
    STEPS("REP INSB", "rep insb");
    STEPS("REP OUTSB", "rep outsb");
    TRY(STRING "movl $2, %%ecx\n pushl $0x502\n popfl\n rep stosb", "i"(0));
    check("downwards: RF after an iteration", SAVED_RF, RF);
    /* A comparison that ends it makes an iteration the last. */
    TRY(STRING STEP(5) "repne cmpsb", "i"(0));
    check("REPNE CMPSB that ends: RF", SAVED_RF, 0);
    TRY(STRING STEP(5) "repne scasb", "i"(0));
    check("REPNE SCASB that ends: RF", SAVED_RF, 0);
    TRY(STRING STEP(2) "stosb", "i"(0));
    check("STOSB without REP: RF", SAVED_RF, 0);
}

volatile uint32_t string_at;

static void test_string_traps(void)
{
    debug_at(to + 1, 1);
    TRY(STRING "movl $3, %%ecx\n movl $2f, string_at\n 2: rep stosb", "i"(0));
    check("data breakpoint within REP", exc_vector, 1);
    check("shows the instruction", exc_eip, string_at);
    check("and saves RF", SAVED_RF, RF);
    TRY(STRING "movl $2, %%ecx\n rep stosb", "i"(0));
    check("data breakpoint of the last iteration", exc_vector, 1);
    check("saves no RF", SAVED_RF, 0);
    TRY(STRING "movl $2, %%ecx\n rep movsb", "i"(0));
    check("of MOVSB", exc_vector == 1 ? SAVED_RF : ~0u, 0);
    debug_off();
    paging_on();
    table[PAGE] = 0;
    TRY("movl $0x2ffffe, %%edi\n movl $4, %%ecx\n movl $2f, string_at\n"
        "2: rep stosb", "i"(0));
    check("fault within REP", exc_vector, 14);
    check("shows it", exc_eip, string_at);
    check("and saves RF, too", SAVED_RF, RF);
    paging_off();
}

/* --- interrupts --------------------------------------------------------------------------- */

static void timer_init(void)
{
    outb(0x20, 0x11);
    outb(0x21, VECTOR_TIMER);
    outb(0x21, 4);
    outb(0x21, 1);
    outb(0x21, 0xfe);
    outb(0xa1, 0xff);
    gate(VECTOR_TIMER, exc_128, 0);
}

/* The timer's interrupt waits; then the code, which lets it in. */
static void timer_due(void)
{
    outb(0x43, 0x30);
    outb(0x40, 20);
    outb(0x40, 0);
    while (!(inb(0x20) & 1)) {
    }
}

static void timer_done(void)
{
    outb(0x20, 0x20);
}

#define INTERRUPT(code)   \
    timer_due();          \
    TRY(code, "i"(0));    \
    timer_done()

static void test_interrupts(void)
{
    timer_init();
    INTERRUPT("movl $2f, string_at\n sti\n nop\n 2: nop\n nop");
    check("an interrupt between instructions", exc_eip, string_at);
    check("saves no RF", SAVED_RF, 0);
    INTERRUPT(STRING "movl $2f, string_at\n movl $3, %%ecx\n sti\n nop\n"
              "2: rep stosb");
    check("an interrupt before the first iteration", exc_eip, string_at);
    check("saves no RF there", SAVED_RF, 0);
    INTERRUPT(STRING "movl $2f, string_at\n movl $3, %%ecx\n sti\n"
              "2: rep stosb");
    check("an interrupt behind it", exc_eip, string_at);
    check("saves RF", SAVED_RF, RF);
    INTERRUPT(STRING "movl $3f, string_at\n movl $1, %%ecx\n sti\n"
              "rep stosb\n 3: nop");
    check("an interrupt behind the last", exc_eip, string_at);
    check("saves none", SAVED_RF, 0);
    INTERRUPT(STRING "movl $2f, string_at\n movl $3, %%ecx\n sti\n"
              "2: rep insb");
    check("REP INSB", exc_eip, string_at);
    check("REP INSB: RF", SAVED_RF, RF);
}

/* An interrupt that comes when it likes into a long REP with a breakpoint on
 * it: going on with the saved RF does not hit it again, without it does. */
void interrupt_back(void);
volatile uint32_t back_mask, back_count;
__asm__("interrupt_back:\n"
        " pushl %eax\n incl back_count\n"
        " movl 12(%esp), %eax\n andl back_mask, %eax\n movl %eax, 12(%esp)\n"
        " movl string_at, %eax\n movl %eax, %dr0\n"
        " movl $0x402, %eax\n movl %eax, %dr7\n"
        " movb $0x20, %al\n outb %al, $0x20\n popl %eax\n iretl\n");

#define INTO_STRING                                                        \
    STRING "movl $2f, string_at\n movl $3, %%ecx\n sti\n 2: rep stosb\n cli"

static void test_resuming(void)
{
    gate(VECTOR_TIMER, interrupt_back, 0);
    back_mask = ~0u;
    timer_due();
    TRY(INTO_STRING, "i"(0));
    check("a breakpoint within REP is not hit with RF", exc_vector, ~0u);
    check("the interrupt came", back_count, 1);
    debug_off();
    back_mask = ~(uint32_t)RF;
    timer_due();
    TRY(INTO_STRING, "i"(0));
    check("but without", exc_vector, 1);
    check("before the iteration", exc_eip, string_at);
    debug_off();
    outb(0x21, 0xff);
}

/* --- from branch to branch -------------------------------------------------------------------- */

volatile uint32_t msr_low;

static void debugctl_write(uint32_t v)
{
    msr_low = v;
    TRY("movl %0, %%ecx\n movl msr_low, %%eax\n xorl %%edx, %%edx\n wrmsr",
        "i"(DEBUGCTL));
}

static uint32_t debugctl(void)
{
    TRY("movl %0, %%ecx\n rdmsr\n movl %%eax, msr_low", "i"(DEBUGCTL));
    return msr_low;
}

/* Label 2 is where the first branch leads to, or what is behind the step. */
#define BRANCHES(name, code)                                              \
    debugctl_write(BTF);                                                  \
    dr6_clear();                                                          \
    TRY("movl $2f, here\n pushl $0x102\n popfl\n" code "\n nop\n nop",    \
        "i"(0));                                                          \
    check(name, exc_vector, 1);                                           \
    check(name ": where", exc_eip, here);                                 \
    check(name ": DR6", dr6() & 0xe00f, 0x4000);                          \
    check(name ": BTF is cleared", debugctl(), 0)

static void test_branches(void)
{
    debugctl_write(BTF);
    check("BTF is kept", debugctl(), BTF);
    debugctl_write(1u << 31);
    check("a reserved bit", exc_vector << 16 | exc_error, 13 << 16);
    BRANCHES("JMP", "nop\n nop\n jmp 2f\n nop\n 2:");
    BRANCHES("JMP to the next", "jmp 2f\n 2:");
    BRANCHES("JZ", "cmpl %%eax, %%eax\n jnz 3f\n nop\n jz 2f\n nop\n 2:\n 3:");
    BRANCHES("JZ to the next", "cmpl %%eax, %%eax\n jnz 2f\n nop\n nop\n"
             "jz 2f\n 2:");
    BRANCHES("CALL", "nop\n call 2f\n nop\n 2:");
    BRANCHES("CALL by a register", "movl $2f, %%eax\n call *%%eax\n nop\n 2:");
    BRANCHES("RET", "pushl $2f\n nop\n ret\n nop\n 2:");
    BRANCHES("LOOP", "movl $1, %%ecx\n loop 3f\n movl $2, %%ecx\n loop 2f\n"
             "3: nop\n 2:");
    BRANCHES("JECXZ", "movl $1, %%ecx\n jecxz 3f\n xorl %%ecx, %%ecx\n"
             "jecxz 2f\n 3: nop\n 2:");
    BRANCHES("far JMP", "nop\n ljmp $8, $2f\n nop\n 2:");
    BRANCHES("IRET", "pushl $0x102\n pushl %%cs\n pushl $2f\n iretl\n nop\n"
             "2:");
    BRANCHES("REP is none", STRING "movl $3, %%ecx\n rep stosb\n jmp 2f\n"
             "nop\n 2:");
    debugctl_write(BTF);
    debug_at(to, 1);
    TRY("movl $2f, here\n movb $1, to\n 2: nop", "i"(0));
    check("a data breakpoint", exc_vector, 1);
    check("a data breakpoint clears BTF, too", debugctl(), 0);
    debug_off();
    debugctl_write(BTF);
    TRY("movl $2f, here\n pushl $0x102\n popfl\n movl $0, %%eax\n nop\n"
        "ud2\n 2:", "i"(0));
    check("a fault before any branch", exc_vector, 6);
    check("which leaves BTF", debugctl(), BTF);
    debugctl_write(0);
    TRY("pushl $0x102\n popfl\n 2: nop\n 3: nop", "i"(0));
    check("without BTF every instruction", exc_vector, 1);
}

/* --- tasks ---------------------------------------------------------------------------------------- */

void task_entry(void);
__asm__("task_entry:\n nop\n nop\n movl $1, here\n"
        " movl saved_esp, %esp\n jmp *resume\n");

static void task_prepare(void (*at)(void), uint32_t eflags)
{
    gdt[SEL_TSS2 >> 3] = segment((uint32_t)tss2, sizeof tss2 - 1, 0x089);
    tss2[8] = (uint32_t)at;
    tss2[9] = eflags;
    tss2[14] = (uint32_t)stack2 + sizeof stack2;
    tss2[18] = tss2[20] = tss2[21] = tss2[22] = tss2[23] = SEL_DATA;
    tss2[19] = SEL_CODE;
    tss2[25] = sizeof tss2 << 16;
}

/* The last test: we stay in the other task. */
static void test_tasks(void)
{
    task_prepare(task_entry, 2);
    idt[6] = (uint64_t)SEL_TSS2 << 16 | (uint64_t)0x8500 << 32;
    here = 0;
    TRY("ud2", "i"(0));
    check("a fault through a task gate", here, 1);
    check("saves RF in the old task", tss[9] & RF, RF);
    /* Back by a jump: a single step of an instruction that switches tasks is
     * none, with TF set in the new task or not. */
    gdt[SEL_TSS >> 3] = segment((uint32_t)tss, sizeof tss - 1, 0x089);
    tss[8] = (uint32_t)task_entry;
    tss[9] = 2;
    tss[14] = (uint32_t)stack0 + sizeof stack0;
    here = 0;
    TRY("pushl $0x102\n popfl\n ljmp %0, $0", "i"(SEL_TSS));
    check("a jump to a task is not stepped", exc_vector, ~0u);
    check("the task ran", here, 1);
    task_prepare(task_entry, 2 | TF);
    TRY("ljmp %0, $0", "i"(SEL_TSS2));
    check("a task with TF is", exc_vector, 1);
    check("behind its first instruction", exc_eip, (uint32_t)task_entry + 1);
}

void guest_main(void);

void guest_main(void)
{
    serial_init();
    load_tables();
    test_faults();
    test_traps();
    test_string_steps();
    test_string_traps();
    test_interrupts();
    test_resuming();
    test_branches();
    test_tasks();
    report("debug32");
}
