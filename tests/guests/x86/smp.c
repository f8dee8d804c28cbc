/*
 * Several processors: starting them, locks, queues and races between them, the
 * local APIC's interrupts in every way to name their receiver, its timer, NMIs,
 * code that one writes and another runs, and INIT in the middle of work.
 *
 * Prints how many checks were right, and what the races came to: a number that
 * depends on each turn of each processor.
 */
#include "cpus.h"

enum { VECTOR_IPI = 0x40, VECTOR_TIMER = 0x50, VECTOR_LOW = 0x51,
       VECTOR_SPURIOUS = 0xff };

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

/* --- interrupts: a table for all, counters for each ------------------------- */

static volatile uint32_t seen[MOST_CPUS][256];

__asm__(
    ".macro vec n\n"
    "vec_\\n: pushal\n pushl $\\n\n jmp vec_common\n"
    ".endm\n"
    ".irp n, 2,64,80,81,255\n vec \\n\n .endr\n"
    "vec_common:\n"
    " cld\n call on_vector\n addl $4, %esp\n popal\n iretl\n");

void vec_2(void);
void vec_64(void);
void vec_80(void);
void vec_81(void);
void vec_255(void);

void on_vector(uint32_t vector);
void on_vector(uint32_t vector)
{
    seen[my_id()][vector]++;
    if (vector != 2 && vector != VECTOR_SPURIOUS) {
        apic_set(EOI, 0);
    }
}

static uint64_t idt[256];

static void gate(unsigned n, void (*fn)(void))
{
    uint32_t at = (uint32_t)fn;
    uint32_t low = 8 << 16 | (at & 0xffff);
    uint32_t high = (at & 0xffff0000) | 0x8e00;
    idt[n] = (uint64_t)high << 32 | low;
}

static void load_idt(void)
{
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) p = { sizeof idt - 1, (uint32_t)idt };
    __asm__ volatile("lidt %0" : : "m"(p));
}

static void apic_on(void)
{
    apic_set(DFR, 0xffffffff);
    apic_set(LDR, 1u << (24 + my_id() % 8));
    apic_set(SVR, 0x100 | VECTOR_SPURIOUS);
    apic_set(TPR, 0);
}

/* --- starting them --------------------------------------------------------- */

static volatile uint32_t restarted, expect_restart;

/* --- counters -------------------------------------------------------------------- */

#define ROUNDS 3000u
static volatile uint32_t exact, racy, guarded;
static volatile uint32_t ticket_next, ticket_now;

static void count(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        add(&exact, 1);
        uint32_t v = racy;
        __asm__ volatile("nop; nop; nop");
        racy = v + 1;
    }
    for (unsigned i = 0; i < ROUNDS / 10; i++) {
        uint32_t mine = fetch_add(&ticket_next, 1);
        while (ticket_now != mine) {
            relax();
        }
        guarded = guarded + 1;
        ticket_now = mine + 1;
    }
}

/* --- a queue without locks: everyone puts and takes --------------------------------- */

#define QUEUE 16u
static volatile uint32_t queue_turn[QUEUE], queue_value[QUEUE];
static volatile uint32_t queue_put, queue_got;
static volatile uint32_t put_sum, got_sum, got_order;

static void put(uint32_t value)
{
    for (;;) {
        uint32_t at = queue_put;
        if (queue_turn[at % QUEUE] == at &&
            swap_if(&queue_put, at, at + 1) == at) {
            queue_value[at % QUEUE] = value;
            queue_turn[at % QUEUE] = at + 1;
            return;
        }
        relax();
    }
}

static uint32_t get(void)
{
    for (;;) {
        uint32_t at = queue_got;
        if (queue_turn[at % QUEUE] == at + 1 &&
            swap_if(&queue_got, at, at + 1) == at) {
            uint32_t v = queue_value[at % QUEUE];
            queue_turn[at % QUEUE] = at + QUEUE;
            return v;
        }
        relax();
    }
}

static void pass_through(void)
{
    for (unsigned i = 0; i < 300; i++) {
        uint32_t v = my_id() * 1000 + i;
        put(v);
        add(&put_sum, v);
        uint32_t got = get();
        add(&got_sum, got);
        got_order = got_order * 33 + got;
    }
}

/* --- code that another has written ----------------------------------------------------- */

static uint8_t code[16] = { 0xb8, 0, 0, 0, 0, 0xc3 }; /* mov $0, %eax; ret */
static volatile uint32_t code_ran[MOST_CPUS];

static void run_code(void)
{
    for (unsigned i = 1; i <= 20; i++) {
        barrier();
        if (my_id() == i % cpus) {
            *(volatile uint32_t *)(code + 1) = i;
        }
        barrier();
        uint32_t got = ((uint32_t(*)(void))code)();
        code_ran[my_id()] += got == i;
    }
}

/* --- the timer ----------------------------------------------------------------------------- */

static volatile uint32_t timer_seen[MOST_CPUS];

static void timers(void)
{
    unsigned id = my_id();
    apic_set(TIMER_DIVIDE, 0xb);
    apic_set(LVT_TIMER, VECTOR_TIMER);
    apic_set(TIMER_INITIAL, 20000 + 1000 * id);
    while (seen[id][VECTOR_TIMER] < 1) {
        __asm__ volatile("sti; hlt; cli");
    }
    apic_set(LVT_TIMER, 1 << 17 | VECTOR_TIMER);
    apic_set(TIMER_INITIAL, 5000);
    while (seen[id][VECTOR_TIMER] < 6) {
        __asm__ volatile("sti; hlt; cli");
    }
    apic_set(TIMER_INITIAL, 0);
    apic_set(LVT_TIMER, 1 << 16);
    timer_seen[id] = seen[id][VECTOR_TIMER];
}

static void work(void)
{
    barrier();
    count();
    barrier();
    pass_through();
    barrier();
    run_code();
    barrier();
    timers();
    barrier();
}

/* Afterwards they wait for interrupts. */
void ap_main(void)
{
    load_idt();
    apic_on();
    if (expect_restart) {
        restarted++;
    } else {
        add(&started, 1);
        work();
    }
    for (;;) {
        __asm__ volatile("sti; hlt");
    }
}

/* --- the boot processor's checks --------------------------------------------------------------- */

static uint32_t total(unsigned vector)
{
    uint32_t n = 0;
    for (unsigned i = 0; i < cpus; i++) {
        n += seen[i][vector];
    }
    return n;
}

static void clear(unsigned vector)
{
    for (unsigned i = 0; i < cpus; i++) {
        seen[i][vector] = 0;
    }
}

static void check_work(void)
{
    check("locked additions", exact, cpus * ROUNDS);
    check("ticket lock", guarded, cpus * (ROUNDS / 10));
    check("races lose, they do not gain", racy <= cpus * ROUNDS, 1);
    check("queue", got_sum, put_sum);
    for (unsigned i = 0; i < cpus; i++) {
        check("code written elsewhere", code_ran[i], 20);
        check("timer", timer_seen[i] >= 6, 1);
    }
}

static void check_ipis(void)
{
    wait_a_bit();
    for (unsigned i = 1; i < cpus; i++) {
        send(i, VECTOR_IPI);
        wait_a_bit();
        check("to one", seen[i][VECTOR_IPI], 1);
    }
    check("to nobody else", total(VECTOR_IPI), cpus - 1);
    clear(VECTOR_IPI);
    send(0, TO_OTHERS | VECTOR_IPI);
    wait_a_bit();
    check("to the others", total(VECTOR_IPI), cpus - 1);
    check("not to itself", seen[0][VECTOR_IPI], 0);
    clear(VECTOR_IPI);
    send(3, LOGICAL | VECTOR_IPI);
    wait_a_bit();
    check("to a set", total(VECTOR_IPI), cpus > 1 ? 1 : 0);
    clear(VECTOR_IPI);
    send(0xff, LOGICAL | MODE_LOWEST | VECTOR_IPI);
    wait_a_bit();
    __asm__ volatile("sti; nop; nop; cli");
    check("to any one", total(VECTOR_IPI), 1);
    clear(VECTOR_IPI);
    send(0, TO_OTHERS | MODE_NMI | ASSERT);
    wait_a_bit();
    check("NMI", total(2), cpus - 1);
}

static void check_self(void)
{
    clear(VECTOR_IPI);
    send(0, TO_SELF | VECTOR_IPI);
    send(0, TO_SELF | VECTOR_LOW);
    check("held back", seen[0][VECTOR_IPI], 0);
    apic_set(TPR, 0x45);
    __asm__ volatile("sti; nop; nop; cli");
    check("a class below the task's", seen[0][VECTOR_IPI], 0);
    check("a class above it", seen[0][VECTOR_LOW], 1);
    check("processor priority", apic_get(PPR), 0x45);
    apic_set(TPR, 0);
    __asm__ volatile("sti; nop; nop; cli");
    check("later", seen[0][VECTOR_IPI], 1);
    check("none in service", apic_get(ISR + 0x20), 0);
    apic_set(ESR, 0);
    send(0, TO_SELF | 5);
    apic_set(ESR, 0);
    check("a vector below 16", apic_get(ESR), 0x20);
    check("version", apic_get(VERSION), 0x50014);
}

static void check_restart(void)
{
    expect_restart = 1;
    for (unsigned i = 1; i < cpus; i++) {
        send(i, MODE_INIT | ASSERT);
        send(i, MODE_STARTUP | ASSERT | TRAMPOLINE >> 12);
        while (restarted < i) {
            relax();
        }
    }
    check("restarted", restarted, cpus - 1);
}

static unsigned count_cpus(void)
{
    uint32_t a = 1, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    check("CPUID says APIC", d >> 9 & 1, 1);
    check("CPUID's id", b >> 24, my_id());
    uint32_t count = fw_cfg_cpus();
    a = 0;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    if (a >= 0xb) {
        a = 0xb;
        c = 1;
        __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
        check("CPUID's count", b, count);
    }
    return count;
}

void guest_main(void);
void guest_main(void)
{
    serial_init();
    outb(0x21, 0xff); /* nothing of the old controllers */
    outb(0xa1, 0xff);
    gate(2, vec_2);
    gate(VECTOR_IPI, vec_64);
    gate(VECTOR_TIMER, vec_80);
    gate(VECTOR_LOW, vec_81);
    gate(VECTOR_SPURIOUS, vec_255);
    load_idt();
    apic_on();
    for (unsigned i = 0; i < QUEUE; i++) {
        queue_turn[i] = i;
    }
    cpus = count_cpus();
    start_cpus();
    check("started", started, cpus);
    work();
    check_work();
    check_ipis();
    check_self();
    check_restart();
    print("races: ");
    print_hex(racy);
    print(" ");
    print_hex(got_order);
    print("\nsmp: ");
    print_dec(passed);
    print(" ok, ");
    print_dec(failed);
    print(" failed\n");
    guest_exit(0);
}
