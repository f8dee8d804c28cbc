/*
 * The start of every benchmark guest, by the Multiboot specification, section
 * 3: the header says where the raw image goes, so that an image of 64-bit code
 * is as welcome as one of 32-bit code. The 64-bit flavour goes on to long mode
 * with the first 4 GiB mapped to themselves in pages of 2 MiB; the 32-bit one
 * stays as it was started, without paging. Interrupts are off in both.
 */
    .set    MAGIC, 0x1badb002
    .set    FLAGS, 1 << 16          /* addresses are in the header */

    .code32
    .section .start, "ax"
    .balign 4
header:
    .long   MAGIC, FLAGS, -(MAGIC + FLAGS)
    .long   header, image_start, image_end, bss_end, start

    .globl  start
start:
    cld
    movl    $STACK_TOP, %esp
    /* Firmware's interrupts stay away: mask both PICs. */
    movb    $0xff, %al
    outb    %al, $0x21
    outb    %al, $0xa1
    lgdt    gdt_pointer
#ifndef __x86_64__
    ljmp    $0x08, $1f
1:  movw    $0x10, %ax
    movw    %ax, %ds
    movw    %ax, %es
    movw    %ax, %ss
    call    bench_main
2:  hlt
    jmp     2b
#else
    /* One top-level entry, four of the next level, 2048 large pages. */
    movl    $pdpt + 3, pml4
    movl    $pd + 3, %eax
    movl    $pdpt, %edi
    movl    $4, %ecx
1:  movl    %eax, (%edi)
    addl    $4096, %eax
    addl    $8, %edi
    loop    1b
    movl    $0x83, %eax             /* present, writable, 2 MiB */
    movl    $pd, %edi
    movl    $2048, %ecx
2:  movl    %eax, (%edi)
    addl    $0x200000, %eax
    addl    $8, %edi
    loop    2b
    movl    %cr4, %eax
    orl     $0x20, %eax             /* PAE */
    movl    %eax, %cr4
    movl    $pml4, %eax
    movl    %eax, %cr3
    movl    $0xc0000080, %ecx       /* EFER.LME */
    rdmsr
    orl     $0x100, %eax
    wrmsr
    movl    %cr0, %eax
    orl     $0x80000000, %eax
    movl    %eax, %cr0
#ifdef BENCH_VECTORS
    /* SSE, and where there is XSAVE what it keeps of x87, SSE and AVX (Intel SDM
     * vol. 1, 13.5; vol. 3, 13.1). EBX is Multiboot's. */
    movl    %ebx, %esi
    movl    $1, %eax
    cpuid
    movl    %esi, %ebx
    movl    %cr4, %eax
    orl     $0x600, %eax            /* OSFXSR, OSXMMEXCPT */
    testl   $1 << 26, %ecx          /* XSAVE */
    jz      3f
    orl     $0x40000, %eax          /* OSXSAVE */
    movl    %eax, %cr4
    movl    $3, %eax
    testl   $1 << 28, %ecx          /* AVX */
    jz      4f
    movl    $7, %eax
4:  xorl    %ecx, %ecx
    xorl    %edx, %edx
    xsetbv
    movl    %cr4, %eax
3:  movl    %eax, %cr4
#endif
    ljmp    $0x18, $long_mode

    .code64
long_mode:
    movw    $0x10, %ax
    movw    %ax, %ds
    movw    %ax, %es
    movw    %ax, %ss
    movl    %ebx, %edi              /* Multiboot's information */
    call    bench_main
3:  hlt
    jmp     3b

    .bss
    .balign 4096
    .globl  pml4
pml4:   .skip   4096
pdpt:   .skip   4096
pd:     .skip   4 * 4096
#endif

    .section .rodata
    .balign 8
gdt:
    .quad   0
    .quad   0x00cf9b000000ffff      /* 08: 32-bit code */
    .quad   0x00cf93000000ffff      /* 10: data */
    .quad   0x00af9b000000ffff      /* 18: 64-bit code */
gdt_pointer:
    .word   . - gdt - 1
    .long   gdt

    .section .note.GNU-stack, "", @progbits
