/*
 * Runs the programs of the corpus that the command line names ("IMAGE NAME SIZE
 * …"), prints "bench: NAME DIGEST" on the serial port for each, and ends the
 * emulator through isa-debug-exit.
 */
#include "bench.h"
#undef HEAP_BYTES
#define random_next guest_random_next
#define mix guest_mix
#include "corpus.h"

enum { COM1 = 0x3f8, DEBUG_EXIT = 0x501 };
enum { INFO_FLAGS = 0, INFO_CMDLINE = 4, HAS_CMDLINE = 4 }; /* Multiboot 3.3 */

void bench_main(const uint32_t *multiboot) __attribute__((noreturn));

unsigned char *corpus_heap;

static const struct {
    const char *name;
    Program *run;
} programs[] = {
#define PROGRAM(name, bench, what) { #name, name },
#include "programs.def"
#undef PROGRAM
};

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

static void leave(void) __attribute__((noreturn));
static void leave(void)
{
    outb(DEBUG_EXIT, 0);
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}

/* The rest of the text if it begins with that word. */
static const char *after_word(const char *text, const char *word)
{
    while (*word && *text == *word) {
        text++;
        word++;
    }
    return !*word && *text == ' ' ? text + 1 : NULL;
}

static uint32_t number(const char *text)
{
    uint32_t v = 0;
    while (*text >= '0' && *text <= '9') {
        v = v * 10 + (*text++ - '0');
    }
    return v;
}

static void run(const char *line)
{
    for (unsigned n = 0; n < sizeof programs / sizeof *programs; n++) {
        const char *size = after_word(line, programs[n].name);
        if (size) {
            uint32_t sum = programs[n].run(number(size));
            print("bench: ");
            print(programs[n].name);
            print(" ");
            print_hex(sum);
            print("\n");
            return;
        }
    }
}

/* boot.S sets XCR0 where there is one. */
static int has_level(void)
{
    uint32_t a = 1, b, c, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    return CORPUS_LEVEL < 3 || (c >> 28 & 1 && c >> 27 & 1);
}

void bench_main(const uint32_t *multiboot)
{
    corpus_heap = heap();
    /* At power-on all exceptions are unmasked, for a process none is. */
    __asm__ volatile("fninit");
    if (!has_level()) {
        print("corpus: this processor has no AVX\n");
        leave();
    }
    if (multiboot[INFO_FLAGS] & HAS_CMDLINE) {
        const char *line = (const char *)(uintptr_t)multiboot[INFO_CMDLINE];
        for (; *line; line++) {
            if (*line == ' ') {
                run(line + 1);
            }
        }
    }
    leave();
}

/* gcc may ask for these even in freestanding code. */
void *memset(void *to, int c, size_t len);
void *memcpy(void *to, const void *from, size_t len);
void *memmove(void *to, const void *from, size_t len);

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

void *memmove(void *to, const void *from, size_t len)
{
    uint8_t *p = to;
    const uint8_t *q = from;
    if (p <= q) {
        return memcpy(to, from, len);
    }
    while (len--) {
        p[len] = q[len];
    }
    return to;
}
