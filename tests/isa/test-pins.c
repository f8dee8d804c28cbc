/*
 * What boards are told of an x86 CPU: when its time stamp counter will reach a
 * value, whatever was added to it. Numbers are unsigned, as the counter is.
 */
#include "case.h"
#include "emu-machine.h"
#include "pins/x86.h"

static int64_t due_ns(uint64_t adjust, uint64_t tsc)
{
    X86Cpu *cpu = emu_cpu();
    cpu->s.tsc_adjust = adjust;
    return x86_pins(&cpu->parent)->tsc_due_ns(&cpu->parent, tsc);
}

static void test_tsc(void)
{
    int64_t now = clock_now_ns(emu_cpu()->parent.machine->clock);
    const uint64_t high = UINT64_C(1) << 63;

    g_assert_cmpint(due_ns(0, now + 1000), ==, now + 1000);
    g_assert_cmpint(due_ns(0, now), ==, now);
    g_assert_cmpint(due_ns(500, now + 1500), ==, now + 1000);
    g_assert_cmpint(due_ns(500, now + 100), ==, now);
    g_assert_cmpint(due_ns(high, now + high + 7), ==, now + 7);
    g_assert_cmpint(due_ns(high, now), ==, now);
    /* A guest that wants none asks for the latest there is. */
    g_assert_cmpint(due_ns(0, UINT64_MAX), ==, TIME_NEVER);
    g_assert_cmpint(due_ns(0, high), ==, TIME_NEVER);
    g_assert_cmpint(due_ns(0, now + 2 * (uint64_t)CLOCK_FAR_NS), ==,
                    TIME_NEVER);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    emu_init(case_features);
    g_test_add_func("/pins/tsc", test_tsc);
    return g_test_run();
}
