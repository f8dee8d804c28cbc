/*
 * Races between processors, and with somebody at the serial line: a counter that
 * all increment without care, and a stack without locks of which all take and
 * put back. A byte that comes is answered at once, with what the races have come
 * to by then; so every answer depends on each turn of each processor, and on when
 * the byte came. 'q' ends it.
 */
#include "cpus.h"

#define NODES 24u
#define NONE  0u

static volatile uint32_t exact, racy, order, stop, stopped;

/* --- a stack without locks ------------------------------------------------------- */

/* Nodes are numbered from 1. The head has a count of changes beside it, so that
 * nobody takes a head for the one that he knew (the "ABA problem"). */
static volatile uint32_t next[NODES + 1], owner[NODES + 1];
static volatile uint64_t head;

static int swap_head(uint64_t old, uint32_t node)
{
    uint32_t low = old, high = old >> 32;
    uint8_t done;
    __asm__ volatile("lock cmpxchg8b %1\n sete %0"
                     : "=q"(done), "+m"(head), "+a"(low), "+d"(high)
                     : "b"(node), "c"((uint32_t)(old >> 32) + 1)
                     : "memory", "cc");
    return done;
}

static uint32_t take(void)
{
    for (;;) {
        uint64_t old = head;
        uint32_t node = old;
        if (node != NONE && swap_head(old, next[node])) {
            return node;
        }
        relax();
    }
}

static void put(uint32_t node)
{
    for (;;) {
        uint64_t old = head;
        next[node] = old;
        if (swap_head(old, node)) {
            return;
        }
        relax();
    }
}

/* --- what all do ------------------------------------------------------------------- */

static volatile uint32_t shared;     /* two had one node at the same time */

static void one_round(unsigned me)
{
    add(&exact, 1);
    uint32_t v = racy;
    uint32_t node = take();
    racy = v + 1;
    owner[node] = me;
    order = order * 33 + node * 16 + me;
    if (owner[node] != me) {
        shared = 1;
    }
    put(node);
}

void ap_main(void)
{
    unsigned me = my_id();
    add(&started, 1);
    while (!stop) {
        one_round(me);
    }
    add(&stopped, 1);
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}

static int serial_poll(void)
{
    return inb(0x3fd) & 1 ? inb(0x3f8) : -1;
}

static void answer(int byte)
{
    const char text[] = { byte, ' ', 0 };
    print(text);
    print_hex(racy);
    print(" ");
    print_hex(order);
    print("\n");
}

/* Each node is there, once. */
static unsigned count_nodes(void)
{
    unsigned n = 0;
    for (uint32_t node = head; node != NONE && n <= NODES; node = next[node]) {
        n++;
    }
    return n;
}

static int all_right(void)
{
    return count_nodes() == NODES && !shared && racy < exact;
}

void guest_main(void);
void guest_main(void)
{
    serial_init();
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
    apic_set(SVR, 0x1ff);
    cpus = fw_cfg_cpus();
    for (uint32_t node = 1; node <= NODES; node++) {
        put(node);
    }
    start_cpus();
    print("race\n");
    for (int byte = 0; byte != 'q';) {
        one_round(my_id());
        byte = serial_poll();
        if (byte >= 0) {
            answer(byte);
        }
    }
    stop = 1;
    while (stopped < cpus - 1) {
        relax();
    }
    print(all_right() ? "race: ok\n" : "race: FAILED\n");
    guest_exit(0);
}
