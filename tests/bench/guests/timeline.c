/*
 * A run to travel in: a program that writes all of 512 MiB, window after
 * window, with calls, interrupts and disk writes all along. Unlike the other
 * guests it is about what changes, not about speed.
 *
 * size counts steps of about 55,000 instructions. A window of 4 MiB is worked
 * on for 400 steps: each fills some of its pages, changes words all over it,
 * and recurses. At 10/52 of the run a few things happen once that a debugger
 * can look for; each is there on a page of its own and on one that is busy all
 * the time, and so are places where nothing ever happens.
 */
#include "ticks.h"

enum {
    DIVISOR = 4773,                 /* 250 ticks a second: 31,250 insns */
    WINDOWS = 128, WINDOW = 4 << 20, STEPS = 400, STACK = 24 << 20,
    PAGE = 4096, UPDATES = 1000, HOT_WORDS = 256, DEPTH = 13,
    DISK_EVERY = 64, ATA = 0x1f0, SECTORS = 1 << 16,
};

#define HOT   __attribute__((section(".data.hot")))
#define LINE  __attribute__((aligned(64)))
#define ALONE __attribute__((aligned(PAGE)))
#define CODE_ALONE __attribute__((noinline, aligned(PAGE), \
                                  section(".text.zalone")))

/* One page, written all the time. */
static HOT uint32_t hot_words[HOT_WORDS] = { 1 };
static HOT LINE volatile uint32_t ticks = 0;
extern volatile uint32_t landmark_value, never_value_hot;
/* Their lines of 64 bytes have nothing else that is written. */
HOT LINE volatile uint32_t landmark_value = 0, never_value_hot = 0;

/* Arrays, so that nothing shares their pages. */
extern volatile uint32_t quiet_value[PAGE / 4], never_value[PAGE / 4];
ALONE volatile uint32_t quiet_value[PAGE / 4], never_value[PAGE / 4];

void landmark(void), landmark_hot(void), never_called(void),
    never_called_hot(void);

/* On the page of the functions that work, which are the next ones. */
__attribute__((noinline)) void landmark_hot(void)
{
    __asm__ volatile("nop");
}

__attribute__((noinline)) void never_called_hot(void)
{
    __asm__ volatile("nop; nop");
}

static __attribute__((interrupt)) void on_tick(struct frame *frame)
{
    (void)frame;
    ticks++;
    tick_done();
}

static __attribute__((noinline)) uint32_t fibonacci(uint32_t n)
{
    return n < 2 ? hide(n) : fibonacci(n - 1) + fibonacci(n - 2);
}

static __attribute__((noinline)) void page_fill(uint64_t *page, uint64_t v)
{
    for (unsigned i = 0; i < PAGE / 8; i++) {
        v = v * 6364136223846793005u + 1442695040888963407u;
        page[i] = v;
    }
}

static __attribute__((noinline)) uint32_t update(uint32_t *window,
                                                 uint32_t *state)
{
    uint32_t r = random_next(state);
    uint32_t *word = &window[r % (WINDOW / 4)];
    uint32_t *hot = &hot_words[r >> 24];

    *hot = mix(*hot, *word);
    return *word = mix(r, *hot);
}

static void disk_write(uint32_t lba, const uint16_t *from)
{
    while (inb(ATA + 7) & 0x80) {
    }
    outb(ATA + 6, 0xe0 | lba >> 24);
    outb(ATA + 2, 1);
    outb(ATA + 3, lba & 0xff);
    outb(ATA + 4, lba >> 8 & 0xff);
    outb(ATA + 5, lba >> 16 & 0xff);
    outb(ATA + 7, 0x30);
    while ((inb(ATA + 7) & 0x88) != 0x08) {
    }
    for (int i = 0; i < 256; i++) {
        __asm__ volatile("outw %0, %1" : : "a"(from[i]), "Nd"((uint16_t)ATA));
    }
}

static uint32_t step(uint32_t number, uint32_t *state)
{
    uint8_t *window = (uint8_t *)heap() + HEAP_BYTES + STACK +
                      (size_t)(number / STEPS % WINDOWS) * WINDOW;
    uint32_t in = number % STEPS, pages = WINDOW / PAGE, sum = 0;

    for (uint32_t p = pages * in / STEPS; p < pages * (in + 1) / STEPS; p++) {
        page_fill((uint64_t *)(window + (size_t)p * PAGE), *state + p);
    }
    for (int i = 0; i < UPDATES; i++) {
        sum = mix(sum, update((uint32_t *)window, state));
    }
    sum = mix(sum, fibonacci(DEPTH));
    if (number % DISK_EVERY == 0) {
        disk_write(number * 5 % SECTORS, (uint16_t *)window);
    }
    return sum;
}

CODE_ALONE void landmark(void)
{
    __asm__ volatile("nop; nop; nop");
}

CODE_ALONE void never_called(void)
{
    __asm__ volatile("nop; nop; nop; nop");
}

uint32_t workload(uint32_t size)
{
    uint32_t state = hide(314159265u), sum = 0;
    uint32_t when = (uint64_t)size * 10 / 52;

    ticks_start(on_tick, DIVISOR);
    for (uint32_t i = 0; i < size; i++) {
        if (i == when) {
            landmark();
            landmark_hot();
            landmark_value = 1;
            quiet_value[0] = 1;
        }
        if (hide(0)) {
            never_called();
            never_called_hot();
            never_value[0] = never_value_hot = 1;
        }
        sum = mix(sum, step(i, &state));
    }
    __asm__ volatile("cli");
    return sum + quiet_value[0] + never_value[0];
}
