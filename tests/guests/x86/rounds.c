/*
 * A guest that wants nothing of anyone: fills memory once, then works in
 * rounds. Each writes some pages and a sector, and says so.
 */
#include "lib.h"

enum { AREA = 0x1000000, AREA_BYTES = 8 << 20, ROUNDS = 40, SPINS = 250000 };

static uint32_t hash = 2166136261u;

static void mix(uint32_t v)
{
    hash = (hash ^ v) * 16777619u;
}

static uint32_t *page(uint32_t i)
{
    return (uint32_t *)(AREA + (i * 4096) % AREA_BYTES);
}

static void fill(void)
{
    for (uint32_t i = 0; i < AREA_BYTES / 4096; i++) {
        page(i)[i % 1024] = i + 1;
    }
}

static void work(uint32_t round)
{
    static uint8_t sector[512];
    for (uint32_t i = 0; i < SPINS; i++) {
        mix(i);
    }
    for (uint32_t i = 0; i < 8; i++) {
        page(round * 37 + i)[7] += hash + i;
    }
    for (uint32_t i = 0; i < sizeof sector; i++) {
        sector[i] = hash >> (i % 24);
    }
    disk_write(2200 + round % 8 * 128, sector);
    disk_read(2200 + (round + 1) % 8 * 128, sector);
    mix(sector[round]);
}

void guest_main(void);

void guest_main(void)
{
    serial_init();
    interrupts_init();
    fill();
    for (uint32_t round = 0; round < ROUNDS; round++) {
        work(round);
        mix(ticks);
        print("round ");
        print_dec(round);
        print(" ");
        print_hex(hash);
        print("\n");
    }
    print("done\n");
    guest_exit(0);
}
