/*
 * The start of every bare-metal guest: a boot sector that loads what follows
 * it, then 32-bit protected mode with flat segments, then C. Guests that are
 * compiled for x86-64 go on to 64-bit mode, with the first GiB mapped one to one.
 *
 * Works from a disk (the BIOS loads 512 bytes, the rest is read by INT 13h
 * function 42h) and from a CD (El Torito without emulation: everything is
 * there already, which the mark behind the boot sector tells).
 */
    .code16
    .section .boot, "ax"
    .globl _start
_start:
    ljmp    $0, $1f
1:  cli
    xorw    %ax, %ax
    movw    %ax, %ds
    movw    %ax, %es
    movw    %ax, %ss
    movw    $0x7c00, %sp
    movb    %dl, boot_drive
    cmpl    $0x45534952, loaded_mark
    je      loaded
    movb    $0x42, %ah
    movw    $packet, %si
    int     $0x13
    jc      failed
    cmpl    $0x45534952, loaded_mark
    jne     failed
loaded:
    cli
    lgdt    gdt_pointer
    movl    %cr0, %eax
    orl     $1, %eax
    movl    %eax, %cr0
    ljmp    $8, $protected
failed:
    movw    $message, %si
2:  lodsb
    testb   %al, %al
    jz      3f
    movb    $0x0e, %ah
    movw    $7, %bx
    int     $0x10
    jmp     2b
3:  hlt
    jmp     3b

message:
    .asciz  "guest: cannot read the disk\r\n"
    .balign 4
packet:
    .byte   16, 0
    .word   sectors_to_load
    .word   0x7e00, 0
    .quad   1
    .balign 8
gdt:
    .quad   0
    .quad   0x00cf9b000000ffff      /* 08: code, 4 GiB */
    .quad   0x00cf93000000ffff      /* 10: data, 4 GiB */
    .quad   0x00af9b000000ffff      /* 18: 64-bit code */
    .globl  gdt_pointer
gdt_pointer:
    .word   . - gdt - 1
    .long   gdt
    .globl  boot_drive
boot_drive:
    .byte   0

    .org    510
    .word   0xaa55
loaded_mark:
    .long   0x45534952              /* "RISE" */

    .code32
    .section .text.start, "ax"
protected:
    movw    $0x10, %ax
    movw    %ax, %ds
    movw    %ax, %es
    movw    %ax, %ss
    movw    %ax, %fs
    movw    %ax, %gs
    movl    $0x80000, %esp
    cld
    movl    $bss_start, %edi
    movl    $bss_end, %ecx
    subl    %edi, %ecx
    xorl    %eax, %eax
    rep stosb
#ifdef __x86_64__
    movl    $boot_pdpt + 3, boot_pml4
    movl    $boot_pd + 3, boot_pdpt
    movl    $boot_pd, %edi
    movl    $0x83, %eax             /* pages of 2 MiB */
5:  movl    %eax, (%edi)
    addl    $8, %edi
    addl    $0x200000, %eax
    cmpl    $0x40000083, %eax
    jne     5b
    movl    %cr4, %eax
    orl     $0x20, %eax             /* PAE */
    movl    %eax, %cr4
    movl    $boot_pml4, %eax
    movl    %eax, %cr3
    movl    $0xc0000080, %ecx
    rdmsr
    orl     $0x100, %eax            /* EFER.LME */
    wrmsr
    movl    %cr0, %eax
    orl     $0x80000000, %eax
    movl    %eax, %cr0
    ljmp    $0x18, $wide
    .code64
wide:
    movl    $0x80000, %esp
    call    guest_main
4:  hlt
    jmp     4b

    .section .bss
    .balign 4096
    .globl  boot_pml4
boot_pml4:
    .skip   4096
boot_pdpt:
    .skip   4096
boot_pd:
    .skip   4096
#else
    call    guest_main
4:  hlt
    jmp     4b

/* Interrupt entries: one stub a vector, all to interrupt(vector). */
    .macro  stub vector
    .globl  isr_\vector
isr_\vector:
    pushal
    pushl   $\vector
    call    interrupt
    addl    $4, %esp
    popal
    iretl
    .endm
    .irp    v, 32, 33, 36, 46, 39
    stub    \v
    .endr
#endif

    .section .note.GNU-stack, "", @progbits
