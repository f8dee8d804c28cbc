/*
 * EL1 and EL0: exceptions and what they say, translation, the timer and its
 * interrupt.
 */
    .include "check.inc"

    .arch armv8.1-a
    .global main
    .text

/* Taken from EL1: keeps ESR in x25, FAR in x26, counts in x27; goes on behind
 * the instruction, or at x28 if that is not 0. */
main:
    str x30, [sp, #-16]!
    adr x2, vectors
    msr vbar_el1, x2
    mov x27, #0
    mov x28, #0
    bl synchronous
    bl translation
    bl user
    bl timer
    ldr x30, [sp], #16
    ret

synchronous:
    str x30, [sp, #-16]!
    svc #0x123
    check x25, 0x56000123
    brk #7
    check x25, 0xf2000007
    .inst 0x00000000
    check x25, 0x02000000
    check x27, 3
    mov x2, #0x4000
    movk x2, #0x4000, lsl #16
    add x2, x2, #1
    ldr x3, [x2]                    /* without translation all is device memory */
    check x25, 0x96000021
    check x26, 0x40004001
    mrs x2, CurrentEL
    check x2, 4
    mrs x2, daif
    check x2, 0x3c0
    mrs x2, midr_el1
    cmp x2, #0
    cset x2, ne
    check x2, 1
    adr x28, 1f
    mov x2, #2
    orr x2, x2, #0x40000000
    br x2                           /* no multiple of 4 */
1:  mov x28, #0
    check x25, 0x8a000000
    check x26, 0x40000002
    ldr x30, [sp], #16
    ret

/* Level 1 blocks of 1 GiB: devices, RAM; the same RAM again, read-only, at 2 GiB;
 * nothing at 3 GiB. RAM for EL0 at 4 GiB. */
translation:
    str x30, [sp, #-16]!
    adrp x2, tables
    ldr x3, =0x0060000000000405
    str x3, [x2]
    ldr x3, =0x40000701
    str x3, [x2, #8]
    ldr x3, =0x40000781
    str x3, [x2, #16]
    str xzr, [x2, #24]
    ldr x3, =0x40000741
    str x3, [x2, #32]
    msr ttbr0_el1, x2
    ldr x3, =0x44ff
    msr mair_el1, x3
    ldr x3, =0x0000002500803519     /* T0SZ 25: 39 bits, from level 1; TBI0 */
    msr tcr_el1, x3
    isb
    mrs x3, sctlr_el1
    orr x3, x3, #1
    msr sctlr_el1, x3
    isb
    adr x2, word
    ldr x4, =0x1122334455667788
    str x4, [x2]
    mov x3, #0x40000000
    add x3, x2, x3
    ldr x5, [x3]
    check x5, 0x1122334455667788
    ldr x5, [x3, #1]                /* now it may be unaligned */
    check x5, 0x0011223344556677
    str x4, [x3]                    /* read-only */
    check x25, 0x9600004d
    check x26, 0x40000000 + word
    mov x3, #0xc0000000
    ldr x5, [x3]
    check x25, 0x96000005
    check x26, 0xc0000000
    at s1e1r, x2
    mrs x5, par_el1
    and x5, x5, #1
    check x5, 0
    at s1e1r, x3
    mrs x5, par_el1
    and x5, x5, #0x7f
    check x5, 0x0b
    mov x3, #0x55                   /* the tag says nothing */
    orr x3, x2, x3, lsl #56
    ldr x5, [x3]
    check x5, 0x1122334455667788
    adrp x2, tables                 /* a changed entry counts at once */
    ldr x3, =0x40000701
    str x3, [x2, #24]
    dsb ish
    mov x3, #0xc0000000
    ldr x5, [x3]
    adr x2, _start
    ldr x4, [x2]
    cmp x4, x5
    cset x4, eq
    check x4, 1
    ldr x30, [sp], #16
    ret

/* At EL0 the code is seen at 4 GiB. */
user:
    str x30, [sp, #-16]!
    adr x2, user_code
    mov x3, #0xc0000000
    add x2, x2, x3
    msr elr_el1, x2
    msr spsr_el1, xzr
    mov x2, #77
    msr sp_el0, x2
    adr x28, 1f
    eret
1:  mov x28, #0
    check x25, 0x56000042
    check x9, 77
    mrs x2, spsr_el1
    and x2, x2, #0xf
    check x2, 0
    check x27, 9                    /* two of them came from EL0 */
    ldr x30, [sp], #16
    ret

user_code:
    mov x9, sp
    adr x10, word
    mov x11, #0x80000000
    sub x10, x10, x11
    ldr x10, [x10]                  /* EL1's only */
    svc #0x42

/* The virtual timer through the GIC. */
timer:
    str x30, [sp, #-16]!
    mov x29, #0
    ldr x2, =0x08000000
    mov w3, #1
    str w3, [x2]
    mov w3, #0x08000000
    str w3, [x2, #0x100]            /* 27 is enabled */
    ldr x2, =0x08010000
    mov w3, #0xff
    str w3, [x2, #4]
    mov w3, #1
    str w3, [x2]
    mov x2, #1
    msr cntv_tval_el0, xzr          /* due at once, and masked */
    msr cntv_ctl_el0, x2
    mrs x2, isr_el1
    check x2, 0x80
    msr cntv_ctl_el0, xzr
    mrs x2, isr_el1
    check x2, 0
    mrs x2, cntfrq_el0
    check x2, 62500000
    mov x2, #1000
    msr cntv_tval_el0, x2
    mov x2, #1
    mrs x5, cntvct_el0
    msr cntv_ctl_el0, x2
    msr daifclr, #2
1:  wfi
    cbz x29, 1b
    msr daifset, #2
    mrs x4, cntvct_el0
    sub x4, x4, x5
    cmp x4, #990
    cset x4, hs
    check x4, 1
    check x29, 27
    mrs x2, cntv_ctl_el0
    check x2, 7
    ldr x30, [sp], #16
    ret

    .balign 2048
vectors:
    .balign 128
    b .
    .balign 128
    b .
    .balign 128
    b .
    .balign 128
    b .
    .balign 128
    b sync
    .balign 128
    b irq
    .balign 128
    b .
    .balign 128
    b .
    .balign 128
    b sync
    .balign 128
    b irq
    .balign 128

sync:
    add x27, x27, #1
    mrs x25, esr_el1
    mrs x26, far_el1
    stp x0, x1, [sp, #-16]!
    lsr x0, x25, #26
    cmp x0, #0x15                   /* SVC returns behind itself, and from EL0 */
    b.eq 1f
    cbnz x28, 2f
3:  mrs x1, elr_el1
    add x1, x1, #4
    msr elr_el1, x1
    b 4f
2:  cmp x0, #0x24                   /* a fault of EL0 only is skipped */
    b.eq 3b
5:  msr elr_el1, x28
    mov x1, #0x3c5
    msr spsr_el1, x1
    b 4f
1:  cbnz x28, 6f
4:  ldp x0, x1, [sp], #16
    eret
6:  ldp x0, x1, [sp], #16
    br x28

irq:
    stp x0, x1, [sp, #-16]!
    ldr x0, =0x08010000
    ldr w29, [x0, #12]
    mov x1, #3                      /* masked */
    msr cntv_ctl_el0, x1
    str w29, [x0, #16]
    ldp x0, x1, [sp], #16
    eret

    .ltorg
    .balign 8
word:
    .quad 0, 0

    .bss
    .balign 4096
tables:
    .skip 4096

    .include "check.s"
