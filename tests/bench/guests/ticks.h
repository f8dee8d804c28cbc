/*
 * The clock tick of benchmark guests that want interrupts: one vector of the
 * first PIC, fed by the PIT.
 */
#ifndef TICKS_H
#define TICKS_H

#include "bench.h"

enum { PIC1 = 0x20, PIT = 0x40, VECTOR = 32 };

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
typedef void TickHandler(struct frame *frame);

static void idt_init(TickHandler *on_tick)
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

/* Ends the interrupt: the handler's last act. */
static inline void tick_done(void)
{
    outb(PIC1, 0x20);
}

/* 1193182 / divisor ticks a second of virtual time from now on, interrupts
 * on. on_tick is an __attribute__((interrupt)) function. */
static inline void ticks_start(TickHandler *on_tick, uint16_t divisor)
{
    idt_init(on_tick);
    outb(PIC1, 0x11);
    outb(PIC1 + 1, VECTOR);
    outb(PIC1 + 1, 4);
    outb(PIC1 + 1, 1);
    outb(PIC1 + 1, 0xfe);
    outb(PIT + 3, 0x34);
    outb(PIT, divisor & 0xff);
    outb(PIT, divisor >> 8);
    __asm__ volatile("sti");
}

#endif
