/*
 * What bare-metal guests share: ports, the serial line, interrupts, the ATA
 * disk.
 */
#ifndef GUEST_LIB_H
#define GUEST_LIB_H

#include <stdint.h>

static inline void outb(uint16_t port, uint8_t v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
    uint8_t v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline void outw(uint16_t port, uint16_t v)
{
    __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint16_t inw(uint16_t port)
{
    uint16_t v;
    __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline uint64_t rdtsc(void)
{
    uint64_t v;
    __asm__ volatile("rdtsc" : "=A"(v));
    return v;
}

void serial_init(void);
void print(const char *text);
void print_hex(uint32_t v);
void print_dec(uint32_t v);

/* PIC at vectors 32 and 40, PIT at 100 Hz, serial and keyboard interrupts;
 * ends with interrupts enabled. */
void interrupts_init(void);
extern volatile uint32_t ticks;
extern volatile uint32_t scancode_count;
extern volatile uint8_t scancodes[64];
/* The next byte from the serial line; halts until there is one. */
uint8_t serial_get(void);

/* One sector of the first IDE disk by PIO. */
void disk_read(uint32_t lba, void *buf);
void disk_write(uint32_t lba, const void *buf);

uint8_t cmos_read(uint8_t index);

/* Ends the run through isa-debug-exit; halts if there is none. */
void guest_exit(uint8_t code) __attribute__((noreturn));

#endif
