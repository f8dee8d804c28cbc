/*
 * Interrupts of the board, for 32-bit guests. See lib.h.
 */
#include "lib.h"

enum { COM1 = 0x3f8, PIC1 = 0x20, PIC2 = 0xa0, ATA = 0x1f0 };

/* --- interrupts --------------------------------------------------------------- */

volatile uint32_t ticks;
volatile uint32_t scancode_count;
volatile uint8_t scancodes[64];
static volatile uint8_t received[256];
static volatile uint8_t received_in, received_out;

void isr_32(void);
void isr_33(void);
void isr_36(void);
void isr_39(void);
void isr_46(void);
void interrupt(uint32_t vector);

void interrupt(uint32_t vector)
{
    switch (vector) {
    case 32:
        ticks++;
        break;
    case 33:
        scancodes[scancode_count++ % 64] = inb(0x60);
        break;
    case 36:
        while (inb(COM1 + 5) & 1) {
            received[received_in++] = inb(COM1);
        }
        break;
    case 46:
        inb(ATA + 7);
        outb(PIC2, 0x20);
        break;
    }
    outb(PIC1, 0x20);
}

static uint64_t idt[48];

static void gate(unsigned vector, void (*handler)(void))
{
    uint32_t addr = (uint32_t)handler;
    idt[vector] = ((uint64_t)(addr & 0xffff0000) << 32) |
                  0x00008e0000000000ull | 0x00080000 | (addr & 0xffff);
}

void interrupts_init(void)
{
    struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) pointer = { sizeof idt - 1, (uint32_t)idt };
    gate(32, isr_32);
    gate(33, isr_33);
    gate(36, isr_36);
    gate(39, isr_39);
    gate(46, isr_46);
    __asm__ volatile("lidt %0" : : "m"(pointer));
    outb(PIC1, 0x11);
    outb(PIC1 + 1, 32);
    outb(PIC1 + 1, 4);
    outb(PIC1 + 1, 1);
    outb(PIC2, 0x11);
    outb(PIC2 + 1, 40);
    outb(PIC2 + 1, 2);
    outb(PIC2 + 1, 1);
    outb(PIC1 + 1, 0xe8); /* timer, keyboard, cascade, COM1 */
    outb(PIC2 + 1, 0xbf); /* first IDE channel */
    outb(0x43, 0x34);
    outb(0x40, 11932 & 255);
    outb(0x40, 11932 >> 8);
    outb(COM1 + 1, 1);
    __asm__ volatile("sti");
}

uint8_t serial_get(void)
{
    for (;;) {
        __asm__ volatile("cli");
        if (received_in != received_out) {
            break;
        }
        __asm__ volatile("sti; hlt");
    }
    uint8_t c = received[received_out++];
    __asm__ volatile("sti");
    return c;
}
