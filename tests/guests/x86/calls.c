/*
 * A guest for debuggers: small functions, a global that one place writes, a
 * loop, and a clean end. tests/functional steps through it in both directions.
 */
#include "lib.h"

volatile uint32_t counter;
volatile uint32_t culprit;
uint32_t table[16];

__attribute__((noinline)) uint32_t square(uint32_t n)
{
    counter++;
    return n * n;
}

__attribute__((noinline)) uint32_t sum_of_squares(uint32_t n)
{
    uint32_t sum = 0;
    for (uint32_t i = 1; i <= n; i++) {
        sum += square(i);
    }
    return sum;
}

__attribute__((noinline)) void corrupt(uint32_t value)
{
    culprit = value;
}

void guest_main(void);

void guest_main(void)
{
    serial_init();
    print("calls guest\n");
    for (uint32_t i = 0; i < 16; i++) {
        table[i] = sum_of_squares(i);
        if (i == 7) {
            corrupt(0xbad);
        }
    }
    print("sum ");
    print_dec(table[15]);
    print(" calls ");
    print_dec(counter);
    print("\n");
    guest_exit(0);
}
