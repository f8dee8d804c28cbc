/*
 * A guest that checks how processor and chips of the board work together:
 * system management mode (SDM vol. 3, 31), the interrupt controllers' priorities
 * (8259A), DMA registers (8237A), bus master IDE and ATAPI packets. It wants a
 * CD as the second channel's first drive, whose blocks begin with their number.
 * The output is as sys32's.
 */
#include "trap32.h"

enum { COM1 = 0x3f8, PIC = 0x20 };

static void outl(uint16_t port, uint32_t v)
{
    __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}

static uint32_t inl(uint16_t port)
{
    uint32_t v;
    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static uint32_t pci_address(unsigned device, unsigned function, unsigned at)
{
    return 0x80000000 | device << 11 | function << 8 | (at & ~3u);
}

static uint8_t pci_get8(unsigned device, unsigned function, unsigned at)
{
    outl(0xcf8, pci_address(device, function, at));
    return inb(0xcfc + (at & 3));
}

static void pci_set8(unsigned device, unsigned function, unsigned at,
                     uint8_t v)
{
    outl(0xcf8, pci_address(device, function, at));
    outb(0xcfc + (at & 3), v);
}

/* --- system management mode ----------------------------------------------------- */

/* What the handler, 16-bit code with a zero DS and 4 GiB of it, leaves here. */
volatile uint32_t smm_saw[6];

extern uint8_t smi_code[], smi_end[];
__asm__(".code16\n"
        "smi_code:\n"
        " movl $smm_saw, %ebx\n"
        " movl $0x534d4d21, (%ebx)\n"
        " movl %cr0, %eax\n movl %eax, 4(%ebx)\n"
        " movw %cs, %ax\n movzwl %ax, %eax\n movl %eax, 8(%ebx)\n"
        " pushfl\n popl %eax\n movl %eax, 12(%ebx)\n"
        /* The saved EBX: by the format that the revision tells. */
        " movl %cs:0xfefc, %eax\n movl %eax, 16(%ebx)\n"
        " testb $0x64, %al\n jz 1f\n"
        " movl %cs:0xffe0, %eax\n movl %eax, 20(%ebx)\n"
        " movl $0x600d, %cs:0xffe0\n jmp 2f\n"
        "1: movl %cs:0xffdc, %eax\n movl %eax, 20(%ebx)\n"
        " movl $0x600d, %cs:0xffdc\n"
        "2: rsm\n"
        "smi_end:\n"
        ".code32\n");

static int has_nx(void)
{
    uint32_t a = 0x80000000, b, c, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    if (a < 0x80000001) {
        return 0;
    }
    a = 0x80000001;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    return d >> 20 & 1;
}

static uint32_t efer(void)
{
    uint32_t a, d;
    __asm__ volatile("rdmsr" : "=a"(a), "=d"(d) : "c"(0xc0000080));
    return a;
}

static void set_nxe(void)
{
    __asm__ volatile("wrmsr" : : "a"(efer() | 0x800), "d"(0),
                     "c"(0xc0000080));
}

/* The firmware has put SMBASE to a0000, and left SMRAM unlocked. */
static void test_smm(void)
{
    enum { HOST = 0, SMRAM = 0x72, OPEN = 0x4a, CLOSED = 0x0a };
    volatile uint8_t *to = (volatile uint8_t *)0xa8000;
    uint32_t ebx = 0x1234, flags, cr0, cr0_after, esp, esp_after;
    pci_set8(HOST, 0, SMRAM, OPEN);
    for (unsigned i = 0; i < (unsigned)(smi_end - smi_code); i++) {
        to[i] = smi_code[i];
    }
    pci_set8(HOST, 0, SMRAM, CLOSED);
    check("SMRAM is hidden", to[0] == smi_code[0], 0);
    if (has_nx()) {
        set_nxe();
    }
    __asm__ volatile("movl %%cr0, %0" : "=r"(cr0));
    __asm__ volatile("movl %%esp, %2\n stc\n outb %%al, $0xb2\n nop\n"
                     "movl %%esp, %3\n pushfl\n popl %1"
                     : "+b"(ebx), "=r"(flags), "=&r"(esp), "=&r"(esp_after)
                     : "a"(0x55) : "memory", "cc");
    __asm__ volatile("movl %%cr0, %0" : "=r"(cr0_after));
    check("the handler ran", smm_saw[0], 0x534d4d21);
    check("SMM: CR0", smm_saw[1] & 0x8000000d, 0);
    check("SMM: CS", smm_saw[2], 0xa000);
    check("SMM: EFLAGS", smm_saw[3], 2);
    check("SMM: saved EBX", smm_saw[5], 0x1234);
    check("RSM loads EBX", ebx, 0x600d);
    check("RSM: flags", flags & 1, 1);
    check("RSM: CR0", cr0_after, cr0);
    check("RSM: ESP", esp_after, esp);
    check("RSM: EFER", has_nx() ? efer() & 0x800 : 0x800, 0x800);
    TRY("rsm", "i"(0));
    check("RSM outside", exc_vector, 6);
}

/* --- interrupt priorities ---------------------------------------------------------- */

volatile uint8_t irq_log[8], irq_count;

void irq_32(void);
void irq_36(void);
__asm__(".macro irq n\n"
        "irq_\\n:\n"
        " pushl %eax\n movzbl irq_count, %eax\n"
        " movb $\\n, irq_log(%eax)\n incb irq_count\n popl %eax\n iretl\n"
        ".endm\n"
        " irq 32\n irq 36\n");

/* IRQ 0 rises: one shot of the PIT. */
static void raise_timer(void)
{
    outb(0x43, 0x30);
    outb(0x40, 20);
    outb(0x40, 0);
    do {
        outb(0x43, 0xe2);
    } while (!(inb(0x40) & 0x80));
}

/* IRQ 4 rises: the transmitter is empty. */
static void raise_serial(void)
{
    outb(COM1 + 1, 0);
    while (!(inb(COM1 + 5) & 0x20)) {
    }
    outb(COM1 + 1, 2);
}

/* Takes what the controller lets through; the vectors in order, a byte each. */
static uint32_t taken(void)
{
    irq_count = 0;
    __asm__ volatile("sti\n nop\n nop\n nop\n cli" : : : "memory");
    uint32_t v = 0;
    for (unsigned i = 0; i < irq_count; i++) {
        v = v << 8 | irq_log[i];
    }
    return v;
}

static void test_pic(void)
{
    gate(32, irq_32, 0);
    gate(36, irq_36, 0);
    outb(PIC, 0x11);
    outb(PIC + 1, 32);
    outb(PIC + 1, 4);
    outb(PIC + 1, 1);
    outb(PIC + 1, 0xee);
    outb(0xa1, 0xff);
    raise_timer();
    raise_serial();
    uint32_t first = taken(), in_service, second, third, fourth;
    outb(PIC, 0x0b);
    in_service = inb(PIC);
    outb(PIC, 0xa0); /* EOI that rotates: IRQ 0 becomes the lowest */
    second = taken();
    outb(PIC, 0x20);
    raise_timer();
    raise_serial();
    third = taken();
    outb(PIC, 0x64);
    fourth = taken();
    outb(PIC, 0x60);
    outb(PIC, 0xc7); /* IRQ 0 is the highest again */
    raise_timer();
    uint32_t timer = taken();
    raise_serial();
    uint32_t blocked = taken();
    outb(PIC + 1, 0xef);
    outb(PIC, 0x68); /* special mask: what is in service and masked */
    uint32_t through = taken();
    outb(PIC, 0x64);
    outb(PIC, 0x48);
    outb(PIC, 0x60);
    outb(PIC + 1, 0xff);
    outb(COM1 + 1, 0);
    check("IRQ 0 goes first", first, 32);
    check("ISR", in_service, 1);
    check("IRQ 4 after the EOI", second, 36);
    check("after the rotation IRQ 4 goes first", third, 36);
    check("and IRQ 0 second", fourth, 32);
    check("priority is set back", timer, 32);
    check("IRQ 4 is blocked by IRQ 0", blocked, 0);
    check("special mask mode lets it through", through, 36);
}

/* --- x87 errors as on a PC ---------------------------------------------------------- */

volatile uint16_t fpu_status;
volatile uint8_t fpu_errors;

void irq_45(void);
/* Port F0h lets the handler use the x87 (FWAIT does not stop then). */
__asm__("irq_45:\n"
        " pushl %eax\n outb %al, $0xf0\n fwait\n fnstsw %ax\n"
        " movw %ax, fpu_status\n fnclex\n incb fpu_errors\n"
        " movb $0x20, %al\n outb %al, $0xa0\n outb %al, $0x20\n"
        " popl %eax\n iretl\n");

static void slave_init(void)
{
    gate(45, irq_45, 0);
    outb(PIC + 1, 0xfb);
    outb(0xa0, 0x11);
    outb(0xa1, 40);
    outb(0xa1, 2);
    outb(0xa1, 1);
    outb(0xa1, 0xdf);
}

/* CR0.NE is clear: IRQ 13 comes at the next instruction that waits, which then
 * goes on. [SDM vol. 1, 8.7.2] */
static void test_fpu_error(void)
{
    static const uint16_t control = 0x37b; /* division by zero unmasked */
    uint32_t top, after;
    uint16_t status;
    slave_init();
    for (unsigned i = 0; i < 2; i++) {
        __asm__ volatile("fninit\n fldcw %2\n fldz\n fld1\n fdivp\n sti\n"
                         "nop\n nop\n movzbl fpu_errors, %1\n"
                         "fld1\n cli\n fnstsw %0"
                         : "=a"(status), "=&r"(top) : "m"(control) : "memory");
        check("no IRQ 13 before it is waited for", top, i);
        check("IRQ 13", fpu_errors, i + 1);
        check("its status word", fpu_status & 0xb8ff, 0xb084);
        after = status & 0xb8ff;
        check("the instruction that waited ran", after, 0x2800);
    }
    __asm__ volatile("fninit\n fldcw %1\n fldz\n fld1\n fdivp\n sti\n"
                     "nop\n nop\n movd %%esp, %%mm0\n cli\n fnstsw %0"
                     : "=a"(status) : "m"(control) : "memory");
    check("MMX waits, too", fpu_errors, 3);
    check("the status word then", fpu_status & 0xb8ff, 0xb084);
    check("and ran", status & 0xb8ff, 0);
    __asm__ volatile("fninit");
    outb(PIC + 1, 0xff);
}

/* --- DMA ------------------------------------------------------------------------------ */

static void test_8237(void)
{
    outb(0x0c, 0);
    outb(0x02, 0x34);
    outb(0x02, 0x12);
    outb(0x03, 0x78);
    outb(0x03, 0x56);
    outb(0x83, 0x9a);
    outb(0x0c, 0);
    uint32_t low = inb(0x02), high = inb(0x02);
    check("DMA address", high << 8 | low, 0x1234);
    low = inb(0x03);
    high = inb(0x03);
    check("DMA count", high << 8 | low, 0x5678);
    check("DMA page", inb(0x83), 0x9a);
    outb(0x0d, 0);
    check("master clear sets all masks", inb(0x08) & 0x0f, 0);
}

static uint8_t buffer[4096] __attribute__((aligned(4096)));
static uint8_t expected[4096];
static uint32_t prd[2] __attribute__((aligned(8)));

static uint16_t bus_master(void)
{
    outl(0xcf8, pci_address(1, 1, 0x20));
    uint16_t at = inl(0xcfc) & 0xfff0;
    pci_set8(1, 1, 4, pci_get8(1, 1, 4) | 4);
    return at;
}

/* To memory; the command was given. The status afterwards. */
static uint8_t bus_master_run(uint16_t at, uint32_t bytes)
{
    uint8_t status;
    prd[0] = (uint32_t)buffer;
    prd[1] = 0x80000000 | bytes;
    outl(at + 4, (uint32_t)prd);
    outb(at + 2, 0x06);
    outb(at, 0x09);
    do {
        status = inb(at + 2);
    } while (!(status & 4));
    outb(at, 0);
    return status;
}

static unsigned differences(unsigned bytes)
{
    unsigned n = 0;
    for (unsigned i = 0; i < bytes; i++) {
        n += buffer[i] != expected[i];
    }
    return n;
}

static void test_bus_master(void)
{
    uint16_t at = bus_master();
    disk_read(0, expected);
    outb(0x1f6, 0xe0);
    outb(0x1f2, 1);
    outb(0x1f3, 0);
    outb(0x1f4, 0);
    outb(0x1f5, 0);
    outb(0x1f7, 0xc8);
    check("bus master status", bus_master_run(at, 512) & 7, 4);
    check("disk status", inb(0x1f7) & 0x89, 0);
    check("the sector", differences(512), 0);
    check("its mark", buffer[511], 0xaa);
}

/* --- ATAPI ---------------------------------------------------------------------------- */

static uint8_t cd_wait(void)
{
    uint8_t status;
    do {
        status = inb(0x177);
    } while ((status & 0x80) || !(status & 0x49));
    return status;
}

/* Gives a packet; features bit 0: by DMA. */
static void cd_packet(const uint8_t *packet, uint8_t features)
{
    outb(0x176, 0xa0);
    outb(0x171, features);
    outb(0x174, 0xfe);
    outb(0x175, 0xff);
    outb(0x177, 0xa0);
    cd_wait();
    for (unsigned i = 0; i < 12; i += 2) {
        outw(0x170, packet[i] | packet[i + 1] << 8);
    }
}

static unsigned cd_read(void)
{
    unsigned bytes = 0;
    while (cd_wait() & 8) {
        unsigned n = inb(0x174) | inb(0x175) << 8;
        for (unsigned i = 0; i < n; i += 2, bytes += 2) {
            uint16_t v = inw(0x170);
            buffer[bytes] = v;
            buffer[bytes + 1] = v >> 8;
        }
    }
    return bytes;
}

static void test_atapi(void)
{
    static const uint8_t inquiry[12] = { 0x12, 0, 0, 0, 36 };
    static const uint8_t unknown[12] = { 0xf7 };
    static const uint8_t sense[12] = { 3, 0, 0, 0, 18 };
    static const uint8_t read[12] = { 0x28, 0, 0, 0, 0, 7, 0, 0, 2 };
    outb(0x376, 2); /* no interrupts */
    cd_packet(sense, 0); /* that it was reset */
    cd_read();
    cd_packet(inquiry, 0);
    check("INQUIRY", cd_read(), 36);
    check("a CD drive", buffer[0], 5);
    cd_packet(unknown, 0);
    check("unknown packet", cd_wait() & 1, 1);
    cd_packet(sense, 0);
    check("REQUEST SENSE", cd_read(), 18);
    check("ILLEGAL REQUEST", buffer[2], 5);
    check("INVALID COMMAND", buffer[12], 0x20);
    cd_packet(read, 0);
    check("READ(10)", cd_read(), 4096);
    check("block 7", buffer[0], 7);
    check("block 8", buffer[2048], 8);
    for (unsigned i = 0; i < 4096; i++) {
        expected[i] = buffer[i];
        buffer[i] = 0;
    }
    uint16_t at = bus_master() + 8;
    outb(0x376, 0);
    cd_packet(read, 1);
    check("READ(10) by DMA", bus_master_run(at, 4096) & 7, 4);
    check("the same blocks", differences(4096), 0);
}

void guest_main(void);

void guest_main(void)
{
    serial_init();
    load_tables();
    test_smm();
    test_pic();
    test_fpu_error();
    test_8237();
    test_bus_master();
    test_atapi();
    report("board");
}
