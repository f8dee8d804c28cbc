/*
 * A guest that prints what CPUID says: a line "LEAF SUB EAX EBX ECX EDX" in
 * hexadecimal for each leaf, all leaves up to the highest ones, with the subleaves
 * of those that have some.
 */
#include "lib.h"

static uint32_t print_leaf(uint32_t leaf, uint32_t sub)
{
    uint32_t a, b, c, d;
    __asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d)
                             : "a"(leaf), "c"(sub));
    const uint32_t words[] = { leaf, sub, a, b, c, d };
    for (unsigned i = 0; i < 6; i++) {
        print_hex(words[i]);
        print(i < 5 ? " " : "\n");
    }
    return a;
}

static void print_leaves(uint32_t first)
{
    uint32_t last = print_leaf(first, 0);
    for (uint32_t leaf = first + 1; leaf > first && leaf <= last; leaf++) {
        unsigned subs = leaf == 0xd ? 4 : leaf == 4 ? 5 : leaf == 7 ? 2 : 1;
        for (unsigned sub = 0; sub < subs; sub++) {
            print_leaf(leaf, sub);
        }
    }
}

void guest_main(void);

void guest_main(void)
{
    serial_init();
    print("\n");
    print_leaves(0);
    print_leaves(0x80000000);
    print("cpuid: done\n");
    guest_exit(0);
}
