/*
 * A boot sector that works on every disk that the BIOS knows, as long as it is
 * let: blocks are read from places that look random, added up, changed and
 * written elsewhere, on one disk after the other. A line on the serial port says
 * what each round came to. So one guest drives whatever disk controllers there
 * are, by the firmware's own drivers.
 */
        .set    UART, 0x3f8
        .set    BUFFER, 0x2000          /* segment; no DMA crosses 64 KiB */
        .set    BLOCKS, 24              /* of 512 bytes, in a request */

        .code16
        .text
        .globl _start
_start: ljmp    $0, $begin
begin:  xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %ss
        movw    $0x7c00, %sp
        movb    0x475, %al              /* how many hard disks the BIOS has */
        movb    %al, disks
        movw    $BUFFER, %ax
        movw    %ax, %es
        cld

round:  movb    $0x80, %dl
1:      movb    %dl, %al
        subb    $0x80, %al
        cmpb    disks, %al
        jae     floppy
        movb    $0x42, %ah
        call    extended
        call    change
        movb    $0x43, %ah
        call    extended
        incw    %dx
        jmp     1b
floppy: xorb    %dl, %dl                /* two sectors there and back */
        movb    $2, %ah
        call    sectors
        call    change
        movb    $3, %ah
        call    sectors

        movl    sum, %ebx
        movw    $4, %cx
2:      roll    $8, %ebx
        movb    %bl, %al
        call    print_byte
        loop    2b
        movb    $'\n', %al
        call    put
        jmp     round

/* INT 13h function ah, by a packet, on disk dl. What fails is counted in. */
extended:
        call    random
        andw    $0x3ff, %bx
        addw    $64, %bx
        movw    %bx, lba
        movw    $packet, %si
        xorb    %al, %al
        int     $0x13
        jc      3f
        ret
sectors:
        call    random
        movb    $2, %al
        movb    %bl, %ch
        andb    $31, %ch
        movb    $1, %cl
        movb    %bh, %dh
        andb    $1, %dh
        xorw    %bx, %bx
        int     $0x13
        jc      3f
        ret
3:      movzbl  %ah, %eax
        incl    %eax
        roll    $5, sum
        addl    %eax, sum
        ret

/* Adds up what is in the buffer and makes something else of it. */
change: xorw    %di, %di
        movw    $BLOCKS * 128, %cx
4:      movl    %es:(%di), %eax
        addl    sum, %eax
        roll    $3, %eax
        movl    %eax, sum
        stosl
        loop    4b
        ret

random: imull   $1103515245, seed, %ebx
        addl    $12345, %ebx
        movl    %ebx, seed
        shrl    $12, %ebx
        ret

print_byte:
        pushw   %ax
        shrb    $4, %al
        call    5f
        popw    %ax
5:      andb    $15, %al
        addb    $'0', %al
        cmpb    $'9', %al
        jbe     put
        addb    $'a' - '9' - 1, %al
put:    movw    $UART, %dx
        outb    %al, %dx
        ret

disks:  .byte   0
        .balign 4
packet: .byte   16, 0
        .word   BLOCKS, 0, BUFFER
lba:    .long   0, 0
seed:   .long   1
sum:    .long   0
        .org    510
        .word   0xaa55
