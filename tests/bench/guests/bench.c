/*
 * Runs the workload, prints "bench: NAME CHECKSUM" on the serial port and ends
 * the emulator through isa-debug-exit.
 */
#include "bench.h"

enum { COM1 = 0x3f8, DEBUG_EXIT = 0x501 };

void bench_main(void) __attribute__((noreturn));

static void serial_init(void)
{
    static const uint8_t setup[][2] = {
        { 1, 0 }, { 3, 0x80 }, { 0, 1 }, { 1, 0 }, { 3, 3 }, { 2, 7 },
    };
    for (unsigned i = 0; i < sizeof setup / sizeof *setup; i++) {
        outb(COM1 + setup[i][0], setup[i][1]);
    }
}

static void print(const char *text)
{
    for (; *text; text++) {
        while (!(inb(COM1 + 5) & 0x20)) {
        }
        outb(COM1, *text);
    }
}

static void print_hex(uint32_t v)
{
    char digits[9] = { 0 };
    for (int i = 7; i >= 0; i--, v >>= 4) {
        digits[i] = "0123456789abcdef"[v & 15];
    }
    print(digits);
}

void bench_main(void)
{
    uint32_t sum = workload(hide(BENCH_SIZE));

    serial_init();
    print("bench: " BENCH_NAME " ");
    print_hex(sum);
    print("\n");
    outb(DEBUG_EXIT, 0);
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}

/* gcc may ask for these even in freestanding code. */
void *memset(void *to, int c, size_t len);
void *memcpy(void *to, const void *from, size_t len);

void *memset(void *to, int c, size_t len)
{
    for (uint8_t *p = to; len; len--) {
        *p++ = c;
    }
    return to;
}

void *memcpy(void *to, const void *from, size_t len)
{
    const uint8_t *q = from;
    for (uint8_t *p = to; len; len--) {
        *p++ = *q++;
    }
    return to;
}
