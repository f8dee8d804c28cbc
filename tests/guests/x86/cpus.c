/*
 * What guests with several processors share. See cpus.h.
 */
#include "cpus.h"

#define STACK_BYTES 4096u

/* In real mode at TRAMPOLINE: to protected mode with the boot processor's
 * tables, a stack of its own, and C. */
__asm__(
    " .globl trampoline, trampoline_end\n"
    " .code16\n"
    "trampoline:\n"
    " cli\n"
    " xorw %ax, %ax\n movw %ax, %ds\n"
    " lgdtl gdt_pointer\n"
    " movl %cr0, %eax\n orl $1, %eax\n movl %eax, %cr0\n"
    " ljmpl $8, $ap_protected\n"
    "trampoline_end:\n"
    " .code32\n"
    "ap_protected:\n"
    " movw $0x10, %ax\n movw %ax, %ds\n movw %ax, %es\n movw %ax, %ss\n"
    " movw %ax, %fs\n movw %ax, %gs\n"
    " movl 0xfee00020, %eax\n shrl $24, %eax\n incl %eax\n"
    " imull $4096, %eax, %eax\n"
    " leal stacks(%eax), %esp\n"
    " cld\n"
    " call ap_main\n"
    "1: cli\n hlt\n jmp 1b\n");

extern const uint8_t trampoline[], trampoline_end[];
uint8_t stacks[MOST_CPUS][STACK_BYTES] __attribute__((aligned(16)));

unsigned cpus;
volatile uint32_t started;

uint32_t fw_cfg_cpus(void)
{
    outw(0x510, 5);
    uint32_t low = inb(0x511);
    return low | inb(0x511) << 8;
}

void wait_a_bit(void)
{
    for (unsigned i = 0; i < 3000; i++) {
        relax();
    }
}

void start_cpus(void)
{
    uint8_t *to = (uint8_t *)TRAMPOLINE;
    for (const uint8_t *p = trampoline; p < trampoline_end; p++) {
        *to++ = *p;
    }
    started = 1;
    send(0, TO_OTHERS | MODE_INIT | ASSERT);
    wait_a_bit();
    send(0, TO_OTHERS | MODE_STARTUP | ASSERT | TRAMPOLINE >> 12);
    send(0, TO_OTHERS | MODE_STARTUP | ASSERT | TRAMPOLINE >> 12);
    while (started < cpus) {
        relax();
    }
}

static volatile uint32_t phase, arrived;

void barrier(void)
{
    uint32_t now = phase;
    if (fetch_add(&arrived, 1) + 1 == cpus) {
        arrived = 0;
        phase = now + 1;
        return;
    }
    while (phase == now) {
        relax();
    }
}
