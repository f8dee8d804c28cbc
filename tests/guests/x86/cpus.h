/*
 * What guests with several processors share: their local APICs, starting them,
 * instructions that nobody can come between, barriers. See cpus.c.
 */
#ifndef GUEST_CPUS_H
#define GUEST_CPUS_H

#include "lib.h"

#define MOST_CPUS  16
#define TRAMPOLINE 0x60000u

#define APIC_ADDR  0xfee00000u
enum { ID = 0x20, VERSION = 0x30, TPR = 0x80, PPR = 0xa0, EOI = 0xb0,
       LDR = 0xd0, DFR = 0xe0, SVR = 0xf0, ISR = 0x100, ESR = 0x280,
       ICR = 0x300, ICR_TO = 0x310, LVT_TIMER = 0x320, LVT_LINT0 = 0x350,
       LVT_LINT1 = 0x360, TIMER_INITIAL = 0x380, TIMER_CURRENT = 0x390,
       TIMER_DIVIDE = 0x3e0 };
enum { TO_SELF = 1 << 18, TO_ALL = 2 << 18, TO_OTHERS = 3 << 18,
       LOGICAL = 1 << 11, MODE_NMI = 4 << 8, MODE_INIT = 5 << 8,
       MODE_STARTUP = 6 << 8, MODE_LOWEST = 1 << 8, ASSERT = 1 << 14 };

static inline uint32_t apic_get(unsigned reg)
{
    return *(volatile uint32_t *)(APIC_ADDR + reg);
}

static inline void apic_set(unsigned reg, uint32_t v)
{
    *(volatile uint32_t *)(APIC_ADDR + reg) = v;
}

static inline unsigned my_id(void)
{
    return apic_get(ID) >> 24;
}

/* An interrupt command to one. */
static inline void send(unsigned to, uint32_t command)
{
    apic_set(ICR_TO, to << 24);
    apic_set(ICR, command);
}

static inline void relax(void)
{
    __asm__ volatile("pause" ::: "memory");
}

static inline void add(volatile uint32_t *v, uint32_t n)
{
    __asm__ volatile("lock addl %1, %0" : "+m"(*v) : "r"(n) : "memory");
}

static inline uint32_t fetch_add(volatile uint32_t *v, uint32_t n)
{
    __asm__ volatile("lock xaddl %1, %0" : "+m"(*v), "+r"(n) : : "memory");
    return n;
}

static inline uint32_t swap_if(volatile uint32_t *v, uint32_t old,
                               uint32_t new)
{
    __asm__ volatile("lock cmpxchgl %2, %1"
                     : "+a"(old), "+m"(*v) : "r"(new) : "memory", "cc");
    return old;
}

/* How many there are; who starts them says so. */
extern unsigned cpus;
extern volatile uint32_t started;

/* What fw_cfg says of their number. */
uint32_t fw_cfg_cpus(void);
void wait_a_bit(void);
/* Starts all others, each in ap_main(), which the guest has and which does not
 * return; ends when all have been there and counted in `started`. */
void start_cpus(void);
void ap_main(void);

/* All wait for all. */
void barrier(void);

#endif
