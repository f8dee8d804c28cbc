/*
 * The option ROM that starts a Linux kernel: source of linux-rom.inc
 * (scripts/make-rom-inc.py writes it).
 *
 * linux.c has put four pieces into fw_cfg, each as an address, a length and
 * the bytes: the kernel's protected-mode part, the initrd, the command line and
 * the kernel's real-mode part with its header filled in. The ROM has fw_cfg
 * put them into memory and enters the real-mode part, which asks the firmware
 * for the memory map and the rest itself (Documentation/x86/boot.rst, "Running
 * the kernel").
 */
#include "rom-head.S"

name:   .asciz  "Linux kernel"

        /* fw_cfg's items and what a DMA descriptor's control word says: select
         * the item in the upper half, read it. */
        .set    KERNEL_ADDR, 0x07
        .set    KERNEL_BYTES, 0x08
        .set    KERNEL_DATA, 0x11
        .set    INITRD_ADDR, 0x0a
        .set    INITRD_BYTES, 0x0b
        .set    INITRD_DATA, 0x12
        .set    CMDLINE_ADDR, 0x13
        .set    CMDLINE_BYTES, 0x14
        .set    CMDLINE_DATA, 0x15
        .set    SETUP_ADDR, 0x16
        .set    SETUP_BYTES, 0x17
        .set    SETUP_DATA, 0x18
        .set    SELECT_AND_READ, 0x0a

        /* The header's field that says where the heap ends, less 512. */
        .set    HEAP_END, 0x224

pieces: .word   KERNEL_ADDR, KERNEL_BYTES, KERNEL_DATA
        .word   INITRD_ADDR, INITRD_BYTES, INITRD_DATA
        .word   CMDLINE_ADDR, CMDLINE_BYTES, CMDLINE_DATA
        .word   SETUP_ADDR, SETUP_BYTES, SETUP_DATA
pieces_end:

        .org    0x80
boot:   cld
        movw    $pieces, %si
        subw    $16, %sp                /* room for a DMA descriptor */
        movw    %sp, %bp
piece:  movw    %cs:4(%si), %ax
        shll    $16, %eax
        movw    $SELECT_AND_READ, %ax
        bswapl  %eax
        movl    %eax, (%bp)
        movw    %cs:2(%si), %ax
        call    item
        bswapl  %ecx
        movl    %ecx, 4(%bp)
        xorl    %eax, %eax
        movl    %eax, 8(%bp)
        movw    %cs:(%si), %ax
        call    item
        bswapl  %ecx
        movl    %ecx, 12(%bp)
        call    dma
        addw    $6, %si
        cmpw    $pieces_end, %si
        jb      piece

        /* All segments are the real-mode part's, the stack begins at the end of
         * the heap, and the code 512 bytes further on. */
        cli
        movw    $SETUP_ADDR, %ax
        call    item
        shrl    $4, %ecx
        movw    %cx, %ds
        movw    %cx, %es
        movw    %cx, %fs
        movw    %cx, %gs
        movw    %cx, %ss
        movzwl  HEAP_END, %esp
        addw    $512, %sp
        addw    $0x20, %cx
        pushw   %cx
        pushw   $0
        lretw

/* ecx = the 32-bit number that fw_cfg has at key ax. */
item:   movw    $0x510, %dx
        outw    %ax, %dx
        incw    %dx
        movw    $4, %bx
byte:   inb     %dx, %al
        shrl    $8, %ecx
        shll    $24, %eax
        orl     %eax, %ecx
        decw    %bx
        jnz     byte
        ret

/* Has fw_cfg carry out the descriptor at ss:bp; that is done when the second
 * half of its address has been written. */
dma:    xorl    %eax, %eax
        movw    $0x514, %dx
        outl    %eax, %dx
        movw    %ss, %ax
        shll    $4, %eax
        movzwl  %bp, %ecx
        addl    %ecx, %eax
        bswapl  %eax
        addw    $4, %dx
        outl    %eax, %dx
        ret

        .org    0x400 - 1
        .byte   0                       /* checksum: patched */
