/*
 * What bare-metal guests share. See lib.h.
 */
#include "lib.h"

enum { COM1 = 0x3f8, PIC1 = 0x20, PIC2 = 0xa0, ATA = 0x1f0 };

/* --- serial line ------------------------------------------------------------ */

void serial_init(void)
{
    outb(COM1 + 1, 0);
    outb(COM1 + 3, 0x80);
    outb(COM1 + 0, 1); /* 115200 */
    outb(COM1 + 1, 0);
    outb(COM1 + 3, 3);
    outb(COM1 + 2, 0x07);
    outb(COM1 + 4, 0x0b);
}

static void put(char c)
{
    while (!(inb(COM1 + 5) & 0x20)) {
    }
    outb(COM1, c);
}

void print(const char *text)
{
    for (; *text; text++) {
        if (*text == '\n') {
            put('\r');
        }
        put(*text);
    }
}

void print_hex(uint32_t v)
{
    for (int shift = 28; shift >= 0; shift -= 4) {
        put("0123456789abcdef"[(v >> shift) & 15]);
    }
}

void print_dec(uint32_t v)
{
    char buf[11];
    int i = 10;
    buf[i] = 0;
    do {
        buf[--i] = '0' + v % 10;
        v /= 10;
    } while (v);
    print(buf + i);
}

/* --- disk -------------------------------------------------------------------------- */

static void ata_command(uint32_t lba, uint8_t command)
{
    while (inb(ATA + 7) & 0x80) {
    }
    outb(ATA + 6, 0xe0 | ((lba >> 24) & 15));
    outb(ATA + 2, 1);
    outb(ATA + 3, lba);
    outb(ATA + 4, lba >> 8);
    outb(ATA + 5, lba >> 16);
    outb(ATA + 7, command);
}

static void ata_wait(void)
{
    uint8_t status;
    do {
        status = inb(ATA + 7);
    } while ((status & 0x80) || !(status & 0x09));
    if (status & 1) {
        print("disk error\n");
        guest_exit(1);
    }
}

void disk_read(uint32_t lba, void *buf)
{
    uint16_t *p = buf;
    ata_command(lba, 0x20);
    ata_wait();
    for (int i = 0; i < 256; i++) {
        p[i] = inw(ATA);
    }
}

void disk_write(uint32_t lba, const void *buf)
{
    const uint16_t *p = buf;
    ata_command(lba, 0x30);
    ata_wait();
    for (int i = 0; i < 256; i++) {
        outw(ATA, p[i]);
    }
    while (inb(ATA + 7) & 0x80) {
    }
}

uint8_t cmos_read(uint8_t index)
{
    outb(0x70, index);
    return inb(0x71);
}

void guest_exit(uint8_t code)
{
    outb(0x501, code);
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}
