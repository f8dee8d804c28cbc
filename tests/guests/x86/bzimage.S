/*
 * A kernel in Linux's format (Documentation/x86/boot.rst, protocol 2.12) that
 * tells on the serial port what it was started with, and exits. The real-mode
 * part checks its registers, asks the firmware for the memory map and prints
 * the command line; the protected-mode part prints the initrd.
 */
        .set    SECTORS, 2              /* behind the first one */
        .set    UART, 0x3f8
        .set    EXIT_PORT, 0x501

        .code16
        .text
        .globl _start
_start:
        .org    0x1f1
        .byte   SECTORS
        .word   0
        .long   (end - protected + 15) / 16
        .word   0, 0xffff, 0            /* ramdisk flags, video, root */
        .word   0xaa55
entry:  jmp     start
        .ascii  "HdrS"
        .word   0x20c                   /* version */
        .long   0
        .word   0, 0
loader: .byte   0
flags:  .byte   1                       /* to be loaded high */
        .word   0
        .long   0x100000                /* entry of the protected-mode part */
ramdisk:        .long 0
ramdisk_bytes:  .long 0
        .long   0
heap_end:       .word 0
        .word   0
cmdline:        .long 0
        .long   0x3fffffff              /* the initrd ends here, or before */
        .long   0x200000
        .byte   1, 21
        .word   0
        .long   2047                    /* of the command line */
        .long   0
        .quad   0
        .long   0, 0
        .quad   0
        .quad   0x200000                /* where it would like to be */
        .long   0x300000                /* and how much it needs */
        .long   0

/* Each check that fails prints its letter. */
start:  sti
        movw    %cs, %ax
        subw    $0x20, %ax
        movb    $'s', %bl
        movw    %ds, %dx
        cmpw    %dx, %ax
        jne     wrong
        movw    %es, %dx
        cmpw    %dx, %ax
        jne     wrong
        movw    %ss, %dx
        cmpw    %dx, %ax
        jne     wrong
        movb    $'l', %bl
        cmpb    $0, loader
        je      wrong
        cmpb    $0xff, loader           /* others than -kernel have other ways */
        jne     loaded
        cmpb    $0x81, flags
        jne     wrong
        movb    $'p', %bl
        movw    heap_end, %dx
        addw    $0x200, %dx
        cmpw    %dx, %sp
        jne     wrong

loaded:
        movb    $'m', %bl
        pushw   %bx
        xorl    %ebx, %ebx
        movl    $0xe820, %eax
        movl    $0x534d4150, %edx
        movl    $20, %ecx
        movw    $map, %di
        int     $0x15
        popw    %bx
        jc      wrong
        cmpl    $0x534d4150, %eax
        jne     wrong

        movw    $says_cmdline, %si
        call    print
        movl    cmdline, %eax
        pushw   %ds
        shrl    $4, %eax
        movw    %ax, %ds
        xorw    %si, %si
        call    print
        popw    %ds

        cli
        movw    %ds, %ax
        movzwl  %ax, %esi
        shll    $4, %esi                /* as Linux's own part passes it */
        leal    gdt(%esi), %eax
        movl    %eax, gdtr + 2
        lgdtl   gdtr
        inb     $0x92, %al              /* A20 */
        orb     $2, %al
        outb    %al, $0x92
        movl    %cr0, %eax
        orb     $1, %al
        movl    %eax, %cr0
        ljmpl   $8, $0x100000

wrong:  movw    $says_wrong, %si
        call    print
        movb    %bl, %al
        movw    $UART, %dx
        outb    %al, %dx
        movb    $1, %al
        movw    $EXIT_PORT, %dx
        outb    %al, %dx
        hlt

print:  movw    $UART, %dx
1:      lodsb
        testb   %al, %al
        jz      2f
        outb    %al, %dx
        jmp     1b
2:      ret

says_cmdline:   .asciz  "linux guest: "
says_wrong:     .asciz  "wrong: "
        .balign 8
gdt:    .quad   0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdtr:   .word   23
        .long   0
map:    .skip   20
        .org    512 * (SECTORS + 1)

        .code32
protected:
        movw    $16, %ax
        movw    %ax, %ds
        movw    $UART, %dx
        movb    $'\n', %al
        outb    %al, %dx
        movl    ramdisk_bytes(%esi), %ecx
        movl    ramdisk(%esi), %esi
        jecxz   2f
1:      lodsb
        outb    %al, %dx
        loop    1b
2:      movb    $0, %al
        movw    $EXIT_PORT, %dx
        outb    %al, %dx
        hlt
end:
