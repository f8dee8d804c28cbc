/*
 * What every option ROM of ours begins with: the header of the BIOS boot
 * specification and the one of Plug and Play, which names the product (`name`)
 * and where it boots (`boot`). Whoever includes it goes on at 0x40.
 */
        .code16
        .text
        .globl _start
_start:
        .word   0xaa55                  /* BIOS boot specification 1.01 */
        .byte   2                       /* units of 512 bytes */
init:   lret                            /* nothing to be done at POST */
        .org    0x18
        .word   0                       /* no PCI data */
        .word   pnp
        .org    0x20
pnp:    .ascii  "$PnP"                  /* Plug and Play BIOS 1.0A, 3.2 */
        .byte   1, 2                    /* revision, units of 16 bytes */
        .word   0
        .byte   0
        .byte   0                       /* checksum: patched */
        .long   0
        .word   0                       /* manufacturer */
        .word   name
        .byte   2, 0, 0                 /* a mass storage device */
        .byte   0x64                    /* needed to boot, can be initial */
        .word   0, 0                    /* no connection vectors */
        .word   boot                    /* bootstrap entry vector */
        .word   0, 0
