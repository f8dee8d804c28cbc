/*
 * Address translation that never stands still: a window of 64 pages whose
 * entries are pointed at other frames all the time, with INVLPG after each and
 * a reload of CR3 after every 32, and touched at once.
 */
#include "bench.h"

enum { SLOTS = 64, FRAMES = 256, PAGE = 4096, PRESENT_WRITABLE = 3 };

#ifdef __x86_64__

typedef uint64_t Entry;
#define WINDOW (1ul << 39)      /* the second entry of the top level */

extern Entry pml4[512];

/* Tables for the window; the rest is as boot.S left it. The one of the last
 * level. */
static volatile Entry *map_window(void)
{
    static Entry tables[3][512] __attribute__((aligned(PAGE)));

    pml4[1] = (uintptr_t)tables[0] | PRESENT_WRITABLE;
    tables[0][0] = (uintptr_t)tables[1] | PRESENT_WRITABLE;
    tables[1][0] = (uintptr_t)tables[2] | PRESENT_WRITABLE;
    return tables[2];
}

#else

typedef uint32_t Entry;
#define WINDOW 0x80000000ul

/* Everything mapped to itself in pages of 4 MiB, except the window; then
 * paging is turned on. */
static volatile Entry *map_window(void)
{
    static Entry directory[1024] __attribute__((aligned(PAGE)));
    static Entry table[1024] __attribute__((aligned(PAGE)));
    Entry v;

    for (Entry i = 0; i < 1024; i++) {
        directory[i] = i << 22 | 0x83;
    }
    directory[WINDOW >> 22] = (uintptr_t)table | PRESENT_WRITABLE;
    __asm__ volatile("mov %%cr4, %0; or $0x10, %0; mov %0, %%cr4; "
                     "mov %1, %%cr3; "
                     "mov %%cr0, %0; or $0x80000000, %0; mov %0, %%cr0"
                     : "=&r"(v) : "r"(directory) : "memory");
    return table;
}

#endif

static void flush_page(const volatile void *p)
{
    __asm__ volatile("invlpg (%0)" : : "r"(p) : "memory");
}

static void flush_all(void)
{
    unsigned long v;
    __asm__ volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(v) : : "memory");
}

static volatile uint32_t *page(uint32_t slot)
{
    return (volatile uint32_t *)(WINDOW + slot * PAGE);
}

static uint32_t touch(uint32_t slot, uint32_t v)
{
    volatile uint32_t *p = page(slot);
    uint32_t at = v % (PAGE / 4);
    uint32_t old = p[at];
    p[at] = old + v;
    return old ^ p[at ^ 1];
}

uint32_t workload(uint32_t size)
{
    volatile Entry *entries = map_window();
    uintptr_t frames = (uintptr_t)heap();
    uint32_t state = hide(977u), sum = 0;

    for (uint32_t i = 0; i < SLOTS; i++) {
        entries[i] = (frames + i * PAGE) | PRESENT_WRITABLE;
    }
    for (uint32_t i = 0; i < size; i++) {
        uint32_t r = random_next(&state);
        uint32_t slot = r % SLOTS;
        entries[slot] = (frames + (r >> 8) % FRAMES * PAGE) |
                        PRESENT_WRITABLE;
        flush_page(page(slot));
        sum = mix(sum, touch(slot, r));
        sum += touch((r >> 16) % SLOTS, i);
        if (i % 32 == 0) {
            flush_all();
            for (uint32_t s = 0; s < SLOTS; s += 4) {
                sum = mix(sum, touch(s, i + s));
            }
        }
    }
    return sum;
}
