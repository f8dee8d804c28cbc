/*
 * Interrupts: the PIT ticks 10,000 times a second of virtual time while the
 * main program computes, until enough ticks have come.
 */
#include "bench.h"

enum { PIC1 = 0x20, PIC2 = 0xa0, PIT = 0x40, VECTOR = 32, DIVISOR = 119 };

typedef struct Gate {
    uint16_t low, selector, type, middle;
#ifdef __x86_64__
    uint32_t high, zero;
#endif
} Gate;

#ifdef __x86_64__
enum { CODE = 0x18 };
#else
enum { CODE = 0x08 };
#endif

struct frame;

static volatile uint32_t ticks, work;

static __attribute__((interrupt)) void on_tick(struct frame *frame)
{
    (void)frame;
    ticks++;
    work = mix(work, ticks);
    outb(PIC1, 0x20);
}

static void idt_init(void)
{
    static Gate idt[VECTOR + 1];
    struct {
        uint16_t limit;
        uintptr_t base;
    } __attribute__((packed)) pointer = { sizeof idt - 1, (uintptr_t)idt };
    uint32_t handler = (uintptr_t)on_tick;

    idt[VECTOR].low = handler;
    idt[VECTOR].selector = CODE;
    idt[VECTOR].type = 0x8e00;
    idt[VECTOR].middle = handler >> 16;
    __asm__ volatile("lidt %0" : : "m"(pointer) : "memory");
}

static void ticks_start(void)
{
    outb(PIC1, 0x11);
    outb(PIC1 + 1, VECTOR);
    outb(PIC1 + 1, 4);
    outb(PIC1 + 1, 1);
    outb(PIC1 + 1, 0xfe);
    outb(PIT + 3, 0x34);
    outb(PIT, DIVISOR);
    outb(PIT, 0);
    __asm__ volatile("sti");
}

uint32_t workload(uint32_t size)
{
    uint32_t state = hide(271828183u), sum = 0;

    idt_init();
    ticks_start();
    while (ticks < size) {
        sum = mix(sum, random_next(&state));
    }
    __asm__ volatile("cli" : : "r"(sum));
    /* How far the main program came depends on when the first tick came. */
    return work + (ticks == size);
}
