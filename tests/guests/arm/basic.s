/*
 * A64 at EL1 without translation: what instructions compute, by the Arm ARM. The
 * wanted values were worked out by hand, or are the manual's own.
 */
    .include "check.inc"

    .arch armv8.5-a+lse+rcpc
    .global main
    .text
main:
    str x30, [sp, #-16]!
    bl arithmetic
    bl flags
    bl logic
    bl bit_fields
    bl multiplication
    bl choices
    bl memory
    bl atomics
    ldr x30, [sp], #16
    ret

arithmetic:
    str x30, [sp, #-16]!
    mov x2, #-1
    add w3, w2, #1
    check x3, 0
    add x3, x2, w2, uxtb #4
    check x3, 0xfef
    add x3, x2, w2, sxth #2
    check x3, -5
    sub x3, x2, x2, lsr #60
    check x3, -16
    sub w3, w2, w2, asr #31
    check x3, 0
    ldr x2, =0x7fffffffffffffff
    adds x3, x2, #1
    check_flags 0x90000000
    ldr w2, =0x80000000
    subs w3, w2, #1
    check_flags 0x30000000
    check x3, 0x7fffffff
    adr x3, .
    lsr x3, x3, #16
    check x3, 0x4000
    adrp x3, main
    and x3, x3, #0xfff
    check x3, 0
    ldr x30, [sp], #16
    ret

flags:
    str x30, [sp, #-16]!
    mov x2, #5
    cmp x2, #5
    check_flags 0x60000000
    cmp x2, #6
    check_flags 0x80000000
    mov x4, #-5
    cmn x2, x4
    check_flags 0x60000000
    subs xzr, x2, #6                /* C is clear */
    adc x3, x2, x2
    check x3, 10
    cmp x2, #5                      /* C is set */
    adc x3, x2, x2
    check x3, 11
    cmp x2, #6
    sbc x3, x2, xzr
    check x3, 4
    mov x4, #-1
    cmp x2, #5
    adcs x3, x4, xzr
    check_flags 0x60000000
    check x3, 0
    cmp x2, #6
    sbcs w3, wzr, wzr
    check_flags 0x80000000
    check x3, 0xffffffff
    ldr x3, =0x7fffffffffffffff
    cmp x2, #5
    adcs x3, x3, xzr
    check_flags 0x90000000
    tst x4, #0x8000000000000000
    check_flags 0x80000000
    bics xzr, x4, x4
    check_flags 0x40000000
    mov x3, #0x0d
    rmif x3, #0, #15
    check_flags 0xd0000000
    mov x3, #0x80
    setf8 w3
    check_flags 0x90000000
    ldr x30, [sp], #16
    ret

logic:
    str x30, [sp, #-16]!
    ldr x2, =0x0123456789abcdef
    and x3, x2, #0xff00ff00ff00ff00
    check x3, 0x010045008900cd00
    orr w3, w2, #0x0f0f0f0f
    check x3, 0x8fafcfef
    eor x3, x2, #0x7ffffffffffffffe
    check x3, 0x7edcba9876543211
    orn w3, wzr, w2, ror #8
    check x3, 0x10765432
    bic x3, x2, x2, lsl #4
    check x3, 0x10301070103010f
    eon x3, x2, xzr
    check x3, 0xfedcba9876543210
    movn w3, #0x1234, lsl #16
    check x3, 0xedcbffff
    movz x3, #0xbeef, lsl #48
    movk x3, #0xcafe, lsl #16
    check x3, 0xbeef0000cafe0000
    ldr x30, [sp], #16
    ret

bit_fields:
    str x30, [sp, #-16]!
    ldr x2, =0x0123456789abcdef
    ubfx x3, x2, #4, #12
    check x3, 0xcde
    sbfx x3, x2, #24, #8
    check x3, 0xffffffffffffff89
    sbfx w3, w2, #24, #8
    check x3, 0xffffff89
    ubfiz x3, x2, #60, #4
    check x3, 0xf000000000000000
    sbfiz w3, w2, #8, #8
    check x3, 0xffffef00
    mov x3, #-1
    bfi x3, x2, #16, #16
    check x3, 0xffffffffcdefffff
    mov x3, #0
    bfxil x3, x2, #32, #32
    check x3, 0x01234567
    asr w3, w2, #4
    check x3, 0xf89abcde
    extr x3, x2, x2, #4
    check x3, 0xf0123456789abcde
    extr w3, w2, wzr, #28
    check x3, 0x9abcdef0
    rbit x3, x2
    check x3, 0xf7b3d591e6a2c480
    rbit w3, w2
    check x3, 0xf7b3d591
    rev x3, x2
    check x3, 0xefcdab8967452301
    rev w3, w2
    check x3, 0xefcdab89
    rev16 x3, x2
    check x3, 0x23016745ab89efcd
    rev32 x3, x2
    check x3, 0x67452301efcdab89
    clz x3, x2
    check x3, 7
    clz w3, wzr
    check x3, 32
    cls x3, x2
    check x3, 6
    mov x4, #-1
    cls w3, w4
    check x3, 31
    mov x4, #68
    lsl x3, x2, x4
    check x3, 0x123456789abcdef0
    ror w3, w2, w4
    check x3, 0xf89abcde
    ldr x30, [sp], #16
    ret

multiplication:
    str x30, [sp, #-16]!
    ldr x2, =0x0123456789abcdef
    mov x4, #-3
    mul x3, x2, x4
    check x3, 0xfc962fc962fc9633
    smulh x3, x2, x4
    check x3, -1
    umulh x3, x2, x4
    check x3, 0x123456789abcdee
    madd w3, w4, w4, w4
    check x3, 6
    msub x3, x4, x4, xzr
    check x3, -9
    smaddl x3, w4, w4, x4
    check x3, 6
    umull x3, w4, w4
    check x3, 0xfffffffa00000009
    udiv x3, x2, xzr
    check x3, 0
    sdiv x3, x2, x4
    check x3, 0xff9ee8dd7cc6bb5b
    sdiv w3, w2, w4
    check x3, 0x27716605
    ldr w2, =0x80000000
    mov w4, #-1
    sdiv w3, w2, w4
    check x3, 0x80000000
    ldr x2, =0x3433323138373635
    crc32x w3, wzr, x2
    check x3, 0x3417369c
    mov w4, #0x31
    crc32b w3, wzr, w4
    check x3, 0x51de003a
    crc32cb w3, wzr, w4
    check x3, 0xc288cab2
    ldr x30, [sp], #16
    ret

choices:
    str x30, [sp, #-16]!
    mov x2, #7
    mov x4, #9
    cmp x2, x4
    csel x3, x2, x4, lt
    check x3, 7
    csinc x3, x2, x4, gt
    check x3, 10
    csinv w3, w2, w4, hi
    check x3, 0xfffffff6
    csneg x3, x2, x4, eq
    check x3, -9
    cmp x2, #7
    ccmp x4, #9, #0, eq
    check_flags 0x60000000
    ccmp x4, #9, #9, ne
    check_flags 0x90000000
    ccmn w4, w4, #0, mi
    check_flags 0
    mov x3, #0
    tbz x2, #3, 1f
    mov x3, #1
1:  tbnz x2, #0, 2f
    orr x3, x3, #2
2:  cbz xzr, 3f
    orr x3, x3, #4
3:  check x3, 0
    ldr x30, [sp], #16
    ret

memory:
    str x30, [sp, #-16]!
    adr x2, words
    ldrsb x3, [x2, #7]
    check x3, 0xffffffffffffff88
    ldrsb w3, [x2, #7]
    check x3, 0xffffff88
    ldrsh x3, [x2, #6]
    check x3, 0xffffffffffff8877
    ldrsw x3, [x2, #4]
    check x3, 0xffffffff88776655
    ldrb w3, [x2, #1]!
    check x3, 0x22
    sub x2, x2, #1
    ldr w3, [x2], #4
    check x3, 0x44332211
    mov x4, #-1
    ldr w3, [x2, w4, sxtw #2]
    check x3, 0x44332211
    mov x4, #1
    adr x2, words
    ldr x3, [x2, x4, lsl #3]
    check x3, 0x1112131415161718
    ldp x3, x4, [x2]
    check x4, 0x1112131415161718
    check x3, 0x8877665544332211
    ldpsw x3, x4, [x2], #8
    check x3, 0x44332211
    check x4, 0xffffffff88776655
    ldp w3, w4, [x2, #-8]!
    check x4, 0x88776655
    adr x3, words
    sub x3, x3, x2
    check x3, 0
    adr x2, scratch
    mov x3, #0x55
    mov x4, #-1
    stp x4, x3, [x2]
    strb wzr, [x2, #2]
    strh w3, [x2, #4]
    ldr x5, [x2]
    check x5, 0xffff0055ff00ffff
    ldr x5, [x2, #8]
    check x5, 0x55
    ldr x5, =0xabcdef
    str x5, [x2, #-8]!
    ldr x6, [x2], #8
    check x6, 0xabcdef
    mov x3, #0x1ff
    dc zva, x2
    ldr x5, [x2]
    check x5, 0
    ldr x30, [sp], #16
    ret

atomics:
    str x30, [sp, #-16]!
    adr x2, scratch
    mov x3, #40
    str x3, [x2]
    ldxr x4, [x2]
    add x4, x4, #2
    stxr w5, x4, [x2]
    check x5, 0
    ldr x6, [x2]
    check x6, 42
    stxr w5, x3, [x2]               /* nobody watches any more */
    check x5, 1
    ldaxr w4, [x2]
    clrex
    stlxr w5, w3, [x2]
    check x5, 1
    ldxr x4, [x2]
    str x3, [x2]                    /* what was seen has changed */
    stxr w5, x4, [x2]
    check x5, 1
    ldxp x4, x5, [x2]
    mov x6, #3
    stxp w7, x6, x3, [x2]
    check x7, 0
    ldr x4, [x2, #8]
    check x4, 40
    ldadd x6, x4, [x2]
    check x4, 3
    ldr x4, [x2]
    check x4, 6
    mov x6, #-1
    ldsmaxb w6, w4, [x2]
    check x4, 6
    ldrb w4, [x2]
    check x4, 6
    ldumaxb w6, w4, [x2]
    ldrb w4, [x2]
    check x4, 0xff
    ldclr x6, x4, [x2]
    ldr x4, [x2]
    check x4, 0
    swp x6, x4, [x2]
    check x4, 0
    mov x4, #-1
    cas x4, x3, [x2]
    check x4, -1
    ldr x4, [x2]
    check x4, 40
    cas x4, xzr, [x2]
    mov x4, #1
    mov x6, #2
    cas x4, x6, [x2]
    check x4, 0
    mov x4, #0
    mov x5, #40
    mov x6, #7
    mov x7, #8
    casp x4, x5, x6, x7, [x2]
    check x5, 40
    ldp x4, x5, [x2]
    check x4, 7
    check x5, 8
    ldr x30, [sp], #16
    ret

    .ltorg
    .balign 64
words:
    .quad 0x8877665544332211, 0x1112131415161718
    .quad 0
    .balign 64
    .quad 0
    .quad 0
    .balign 64
scratch:
    .skip 64

    .include "check.s"
