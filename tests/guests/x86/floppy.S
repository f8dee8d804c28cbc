/*
 * A boot sector that works in real mode through the BIOS only, as programs on
 * floppy disks did: it asks for the drive's geometry, reads the disk a track at a
 * time, adds up its 16-bit words, overwrites the last sector and reads it
 * back. What it finds goes to the serial port; then it ends the machine.
 */
        .set    UART, 0x3f8
        .set    EXIT_PORT, 0x501
        .set    BUFFER, 0x1000          /* segment; no DMA crosses 64 KiB */

        .code16
        .text
        .globl _start
_start: ljmp    $0, $begin
begin:  xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %ss
        movw    $0x7c00, %sp
        movb    %dl, drive
        movb    $8, %ah                 /* get drive parameters */
        int     $0x13
        jc      failed
        movb    %cl, last_sector        /* below 256 tracks no bits are mixed */
        cmpb    most, %ch
        jb      0f
        movb    most, %ch
0:      movb    %ch, last_track
        movb    %dh, last_head
        movw    $geometry, %si
        call    print
        movb    last_track, %al
        call    print_byte
        movb    last_head, %al
        call    print_byte
        movb    last_sector, %al
        call    print_byte

        movw    $BUFFER, %ax
        movw    %ax, %es
track:  movb    $2, %ah
        movb    last_sector, %al
        movb    $1, %cl
        call    disk
        jc      failed
        movzbw  last_sector, %cx
        shlw    $8, %cx                 /* words of a track */
        xorw    %si, %si
1:      movzwl  %es:(%si), %eax
        addl    %eax, sum
        addw    $2, %si
        loop    1b
        incb    head
        movb    head, %al
        cmpb    last_head, %al
        jbe     track
        movb    $0, head
        incb    cylinder
        movb    cylinder, %al
        cmpb    last_track, %al
        jbe     track

        movw    $summed, %si
        call    print
        movl    sum, %ebx
        movw    $4, %cx
2:      roll    $8, %ebx
        movb    %bl, %al
        call    print_byte
        loop    2b

        decb    cylinder                /* the last sector there is */
        movb    last_head, %al
        movb    %al, head
        xorw    %di, %di
        movw    $0x5aa5, %ax
        movw    $256, %cx
        rep     stosw
        movw    $0x0301, %ax
        movb    last_sector, %cl
        call    disk
        jc      failed
        xorw    %di, %di
        xorw    %ax, %ax
        movw    $256, %cx
        rep     stosw
        movw    $0x0201, %ax
        movb    last_sector, %cl
        call    disk
        jc      failed
        xorw    %di, %di
        movw    $0x5aa5, %ax
        movw    $256, %cx
        repe    scasw
        jne     failed
        movw    $written, %si
        call    print
end:    movw    $EXIT_PORT, %dx
        xorw    %ax, %ax
        outb    %al, %dx
        hlt

failed: movb    %ah, %bl
        movw    $error, %si
        call    print
        movb    %bl, %al
        call    print_byte
        movw    $newline, %si
        call    print
        jmp     end

/* INT 13h at cylinder and head; ax and cl are given. */
disk:   xorw    %bx, %bx
        movb    cylinder, %ch
        movb    head, %dh
        movb    drive, %dl
        int     $0x13
        ret

print_byte:
        pushw   %ax
        shrb    $4, %al
        call    3f
        popw    %ax
3:      andb    $15, %al
        addb    $'0', %al
        cmpb    $'9', %al
        jbe     put
        addb    $'a' - '9' - 1, %al
put:    movw    $UART, %dx
        outb    %al, %dx
        ret
print:  lodsb
        testb   %al, %al
        jz      4f
        call    put
        jmp     print
4:      ret

geometry:       .asciz "floppy guest: "
summed:         .asciz " sum "
written:        .asciz " written\n"
error:          .asciz " error "
newline:        .asciz "\n"
drive:          .byte 0
last_sector:    .byte 0
last_track:     .byte 0
last_head:      .byte 0
cylinder:       .byte 0
head:           .byte 0
sum:            .long 0
        .org    509
most:   .byte   0xff                    /* the last track to be read */
        .word   0xaa55
