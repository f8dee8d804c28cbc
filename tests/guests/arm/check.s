/*
 * What check.inc promises: the start, the UART, the end.
 */
    .equ UART, 0x09000000

    .global _start, check_equal, finish, put_text
    .section .text.start, "ax"
_start:
    adr x0, stack_top
    mov sp, x0
    mov x19, #0
    mov x20, #0
    bl main
finish:
    mov x0, x19
    bl put_number
    adr x0, text_checks
    bl put_text
    mov x0, x20
    bl put_number
    adr x0, text_failed
    bl put_text
    ldr x0, =0x84000008
    hvc #0
    b .

    .text
/* x0: seen, x1: wanted. Keeps the flags and everything but x0 and x1. */
check_equal:
    stp x30, x2, [sp, #-16]!
    mrs x2, nzcv
    add x19, x19, #1
    cmp x0, x1
    b.eq 1f
    bl tell_failure
1:  msr nzcv, x2
    ldp x30, x2, [sp], #16
    ret

tell_failure:
    stp x30, x21, [sp, #-16]!
    stp x22, x23, [sp, #-16]!
    stp x2, x3, [sp, #-16]!
    stp x4, x5, [sp, #-16]!
    stp x6, x7, [sp, #-16]!
    mov x22, x0
    mov x23, x1
    add x20, x20, #1
    adr x0, text_check
    bl put_text
    mov x0, x19
    bl put_number
    adr x0, text_is
    bl put_text
    mov x0, x22
    bl put_hex
    adr x0, text_not
    bl put_text
    mov x0, x23
    bl put_hex
    adr x0, text_line
    bl put_text
    ldp x6, x7, [sp], #16
    ldp x4, x5, [sp], #16
    ldp x2, x3, [sp], #16
    ldp x22, x23, [sp], #16
    ldp x30, x21, [sp], #16
    ret

put_text:
    ldr x2, =UART
1:  ldrb w1, [x0], #1
    cbz w1, 2f
    str w1, [x2]
    b 1b
2:  ret

/* Decimal. */
put_number:
    sub sp, sp, #32
    add x3, sp, #31
    strb wzr, [x3]
    mov x4, #10
1:  udiv x5, x0, x4
    msub x6, x5, x4, x0
    add w6, w6, #'0'
    strb w6, [x3, #-1]!
    mov x0, x5
    cbnz x0, 1b
    ldr x2, =UART
2:  ldrb w1, [x3], #1
    cbz w1, 3f
    str w1, [x2]
    b 2b
3:  add sp, sp, #32
    ret

put_hex:
    ldr x2, =UART
    mov x3, #60
1:  lsr x1, x0, x3
    and x1, x1, #15
    cmp x1, #10
    add x4, x1, #'0'
    add x5, x1, #'a' - 10
    csel x1, x4, x5, lo
    str w1, [x2]
    subs x3, x3, #4
    b.pl 1b
    ret

text_check:  .asciz "check "
text_is:     .asciz ": "
text_not:    .asciz ", not "
text_line:   .asciz "\n"
text_checks: .asciz " checks, "
text_failed: .asciz " failed\n"
    .balign 16
    .ltorg

    .bss
    .balign 16
    .skip 8192
stack_top:
