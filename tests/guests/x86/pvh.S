/*
 * A kernel with a PVH entry point (Xen's "x86/HVM direct boot ABI") that tells on
 * the serial port what it was started with, and exits: the command line, what
 * is wrong with the start information or the memory map, the initrd.
 */
        .set    UART, 0x3f8
        .set    EXIT_PORT, 0x501

        .section .note.pvh, "a", @note
        .long   4, 4, 18
        .asciz  "Xen"
        .long   entry

        .text
        .code32
        .globl  entry
entry:  movl    $stack, %esp
        movb    $'m', %al               /* magic and version */
        cmpl    $0x336ec578, (%ebx)
        jne     wrong
        cmpl    $1, 4(%ebx)
        jne     wrong
        movb    $'r', %al               /* registers */
        movl    %cr0, %ecx
        andl    $0x80000001, %ecx
        cmpl    $1, %ecx
        jne     wrong
        strw    %cx
        testw   %cx, %cx
        jz      wrong
        movl    24(%ebx), %esi
        call    print

        /* The map: the first entry is RAM at 0, reserved words are zero, and one
         * is RAM from 1 MiB on. */
        movb    $'e', %al
        movl    40(%ebx), %edi
        movl    48(%ebx), %ecx
        cmpl    $2, %ecx
        jb      wrong
        movl    (%edi), %edx
        orl     4(%edi), %edx
        jnz     wrong
        xorl    %ebp, %ebp
1:      cmpl    $0, 20(%edi)
        jne     wrong
        cmpl    $0x100000, (%edi)
        jne     2f
        cmpl    $1, 16(%edi)
        jne     2f
        incl    %ebp
2:      addl    $24, %edi
        loop    1b
        cmpl    $1, %ebp
        jne     wrong

        movb    $'i', %al
        cmpl    $1, 12(%ebx)
        jne     wrong
        movl    $newline, %esi
        call    print
        movl    16(%ebx), %edi
        movl    (%edi), %esi
        movl    8(%edi), %ecx
        movw    $UART, %dx
1:      lodsb
        outb    %al, %dx
        loop    1b
        xorl    %eax, %eax
end:    movw    $EXIT_PORT, %dx
        outb    %al, %dx
        hlt

wrong:  movb    %al, what
        movl    $says_wrong, %esi
        call    print
        movb    $1, %al
        jmp     end

print:  movw    $UART, %dx
1:      lodsb
        testb   %al, %al
        jz      2f
        outb    %al, %dx
        jmp     1b
2:      ret

        .data
says_wrong:     .ascii "wrong: "
what:   .asciz  "?"
newline:        .asciz "\n"
        .bss
        .skip   4096
stack:
