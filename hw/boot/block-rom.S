/*
 * The option ROM that starts a kernel in 32-bit mode: source of block-rom.inc
 * (scripts/make-rom-inc.py writes it).
 *
 * Everything is prepared in a "low block" (low-block.h): information as
 * multiboot has it, a GDT, a stack, a list of fw_cfg DMA descriptors and a few
 * 32-bit instructions. The ROM loads that block, fills in the memory map, has
 * fw_cfg carry out the other descriptors, and jumps. The parameters at the end
 * of the header are patched by low-block.c. ORDER block-rom
 */
#include "rom-head.S"

        .org    0x40
low_control:    .long 0                 /* big-endian, as fw_cfg wants them */
low_bytes:      .long 0
low_addr_be:    .long 0
low_addr:       .long 0
low_segment:    .word 0
descriptors:    .word 0                 /* how many are in the low block */
map_word:       .long 0                 /* in front of an entry of the map */
        .org    0x60
name:   .asciz  "kernel"

/* Offsets in the low block. */
        .set    MBI, 0x0
        .set    MBI_LOWER, MBI + 4
        .set    MBI_UPPER, MBI + 8
        .set    MBI_MMAP_BYTES, MBI + 44
        .set    GDTR, 0x80
        .set    ENTRY, 0x88
        .set    MMAP, 0x100
        .set    MMAP_END, 0x700
        .set    DESCRIPTORS, 0x700
        .set    STACK, 0xb00

        .org    0x80
boot:
        /* The first descriptor is made on the firmware's stack. */
        cld
        subw    $16, %sp
        movw    %sp, %bp
        movl    %cs:low_control, %eax
        movl    %eax, (%bp)
        movl    %cs:low_bytes, %eax
        movl    %eax, 4(%bp)
        xorl    %eax, %eax
        movl    %eax, 8(%bp)
        movl    %cs:low_addr_be, %eax
        movl    %eax, 12(%bp)
        xorl    %eax, %eax
        movw    %ss, %ax
        shll    $4, %eax
        movzwl  %bp, %ecx
        addl    %ecx, %eax
        call    dma

        movw    %cs:low_segment, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movw    $STACK, %sp

        /* The memory map, by INT 15h AX=E820h; an entry is preceded by a word,
         * for multiboot its size. */
        xorl    %ebx, %ebx
        movw    $MMAP + 4, %di
next:   movl    $0xe820, %eax
        movl    $0x534d4150, %edx
        movl    $20, %ecx
        int     $0x15
        jc      mapped
        cmpl    $0x534d4150, %eax
        jne     mapped
        movl    %cs:map_word, %eax
        movl    %eax, -4(%di)
        /* The RAM from 1 MiB up is mem_upper. */
        cmpl    $1, 16(%di)
        jne     other
        cmpl    $0, 4(%di)
        jne     other
        movl    (%di), %eax
        cmpl    $0x100000, %eax
        ja      other
        addl    8(%di), %eax
        subl    $0x100000, %eax
        jbe     other
        shrl    $10, %eax
        movl    %eax, MBI_UPPER
other:  addw    $24, %di
        cmpw    $MMAP_END, %di
        jae     mapped
        testl   %ebx, %ebx
        jnz     next
mapped: leaw    -(MMAP + 4)(%di), %ax
        movzwl  %ax, %eax
        movl    %eax, MBI_MMAP_BYTES
        int     $0x12
        movzwl  %ax, %eax
        movl    %eax, MBI_LOWER

        /* From here on the firmware may be overwritten. */
        cli
        movw    $DESCRIPTORS, %si
load:   movw    %si, %ax
        subw    $DESCRIPTORS, %ax
        shrw    $4, %ax
        cmpw    %cs:descriptors, %ax
        jae     loaded
        movzwl  %si, %eax
        addl    %cs:low_addr, %eax
        call    dma
        addw    $16, %si
        jmp     load

loaded: inb     $0x92, %al              /* A20 */
        orb     $2, %al
        andb    $0xfe, %al
        outb    %al, $0x92
        lgdtl   GDTR
        movl    %cr0, %eax
        orb     $1, %al
        movl    %eax, %cr0
        ljmpl   *ENTRY

/* Carries out the fw_cfg DMA descriptor at linear address eax; it is done when
 * the second half of its address has been written. */
dma:    movl    %eax, %ecx
        xorl    %eax, %eax
        movw    $0x514, %dx
        outl    %eax, %dx
        movl    %ecx, %eax
        bswapl  %eax
        addw    $4, %dx
        outl    %eax, %dx
        ret

        .org    0x400 - 1
        .byte   0                       /* checksum: patched */
