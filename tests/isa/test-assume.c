/*
 * TBs that rest on what the CPU is like when they are made (docs/devel/
 * translator.md, "Assumptions"): one that finds it otherwise is made anew, but
 * not for ever.
 *
 * Code that always breaks its assumption, as division by -1 does, goes round a
 * loop: the result is right, and its TBs are given up a few times each, not
 * every time round.
 */
#include <string.h>

#include "case.h"
#include "emu-machine.h"
#include "tb.h"

enum { ROUNDS = 50, REG_A = 0, REG_C = 1, REG_D = 2 };

/* The most that the TBs at one place are dropped, and places where such a TB
 * begins: the start, the loop, and the division itself, where one goes on. */
enum { STALE_AT_ONE_PLACE = 4, PLACES = 3 };

/* mov ecx, ROUNDS; again: mov eax, 7; cdq; mov ebx, divisor; idiv ebx; dec ecx;
 * jnz again */
static IsaCase loop(int8_t divisor)
{
    const uint8_t code[] = {
        0xb9, ROUNDS, 0, 0, 0, 0xb8, 7, 0, 0, 0, 0x99,
        0xbb, divisor, divisor >> 7, divisor >> 7, divisor >> 7,
        0xf7, 0xfb, 0xff, 0xc9, 0x75, 0xef,
    };
    IsaCase c = { .code64 = true, .len = sizeof code };
    memcpy(c.insn, code, sizeof code);
    return c;
}

/* How often a TB was given up while the loop ran. */
static uint64_t run(int8_t divisor)
{
    static IsaState after;
    IsaCase c = loop(divisor);
    const uint64_t *stale = tcg_state(&emu_cpu()->parent)->left +
                            TB_EXIT_STALE;
    uint64_t before = *stale;
    int outcome = emu_run(&c, &after);
    g_assert_cmpint(outcome, ==, ISA_NEXT);
    g_assert_cmphex(after.gpr[REG_A], ==, (uint32_t)(7 / divisor));
    g_assert_cmphex(after.gpr[REG_D], ==, (uint32_t)(7 % divisor));
    g_assert_cmpuint(after.gpr[REG_C], ==, 0);
    return *stale - before;
}

static void test_kept(void)
{
    g_assert_cmpuint(run(3), ==, 0);
}

static void test_given_up(void)
{
    uint64_t times = run(-1);
    g_assert_cmpuint(times, >, 0);
    g_assert_cmpuint(times, <=, STALE_AT_ONE_PLACE * PLACES);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    emu_option("interpret=never");
    emu_init(case_features);
    g_test_add_func("/assume/kept", test_kept);
    g_test_add_func("/assume/given-up", test_given_up);
    return g_test_run();
}
