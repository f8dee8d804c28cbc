/*
 * A debugger's writes as they are in logs: every kind does what was asked for,
 * those of older logs too, and bytes that are none do nothing.
 */
#include "vm/debug-write.h"

#include "base/bytes.h"
#include "toy.h"

/* The toy has no paging, and these tests write no memory. */
bool cpu_read_debug(Cpu *cpu, GuestAddr va, void *buf, uint64_t len)
{
    return false;
}

bool cpu_write_debug(Cpu *cpu, GuestAddr va, const void *buf, uint64_t len)
{
    g_assert_not_reached();
}

static const ToyInsn program[] = { { TOY_NOP, 0, 0, 0 } };

static Toy *toy_started(void)
{
    Toy *t = toy_new(program, G_N_ELEMENTS(program), false);
    machine_power_on(t->m);
    return t;
}

static void sink(Toy *t, const char *hex)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    for (; *hex; hex++) {
        if (*hex != ' ') {
            uint8_t b = g_ascii_xdigit_value(hex[0]) << 4 |
                        g_ascii_xdigit_value(hex[1]);
            g_byte_array_append(bytes, &b, 1);
            hex++;
        }
    }
    debug_write_sink(t->m, bytes->data, bytes->len);
}

static void test_wide_register(void)
{
    Toy *t = toy_started();
    DebugWrite w = { .what = DEBUG_REGISTER, .data = "wide", .len = 4 };
    bytes_st_le64(w.value.bytes, 0x1122334455667788);
    bytes_st_le64(w.value.bytes + 8, 0x99);
    g_autoptr(GByteArray) payload = debug_write_encode(&w);
    /* What is zero at its end is left out. */
    g_assert_cmpuint(payload->len, ==, 10 + 9 + 4);
    debug_write_sink(t->m, payload->data, payload->len);
    g_assert_cmphex(toy_cpu(t)->reg[14], ==, 0x1122334455667788);
    g_assert_cmphex(toy_cpu(t)->reg[15], ==, 0x99);
    toy_free(t);
}

static void test_zero(void)
{
    Toy *t = toy_started();
    toy_cpu(t)->reg[14] = 5;
    DebugWrite w = { .what = DEBUG_REGISTER, .data = "wide", .len = 4 };
    g_autoptr(GByteArray) payload = debug_write_encode(&w);
    debug_write_sink(t->m, payload->data, payload->len);
    g_assert_cmphex(toy_cpu(t)->reg[14], ==, 0);
    toy_free(t);
}

/* Before version 4 of the log: the value in the head, at most 64 bits. */
static void test_older_logs(void)
{
    Toy *t = toy_started();
    sink(t, "02 00 78 56 34 12 00 00 00 00 70 63"); /* pc */
    g_assert_cmphex(toy_cpu(t)->pc, ==, 0x12345678);
    toy_free(t);
}

static void test_nonsense(void)
{
    static const char *const lines[] = {
        "", "03", "03 00 04 00 00 00 00 00 00",
        "03 00 04 00 00 00 00 00 00 00 01 02 03",       /* too short */
        "03 00 ff ff ff ff ff ff ff ff 70 63",
        "03 00 41 00 00 00 00 00 00 00 70 63",          /* too wide */
        "03 00 02 00 00 00 00 00 00 00 01 02",          /* no name */
        "03 00 02 00 00 00 00 00 00 00 01 02 70 64",    /* "pd" */
        "03 07 02 00 00 00 00 00 00 00 01 02 70 63",    /* vCPU 7 */
        "05 00 02 00 00 00 00 00 00 00 01 02 70 63",    /* kind 5 */
        "00 00 02 00 00 00 00 00 00 00 01 02 70 63",
        "01 00 ff ff ff ff ff ff ff ff 01 02 03",       /* end of memory */
        "04 00 ff ff ff ff ff ff ff ff 01 02 03",
    };
    Toy *t = toy_started();
    uint32_t pc = toy_cpu(t)->pc;
    for (unsigned i = 0; i < G_N_ELEMENTS(lines); i++) {
        sink(t, lines[i]);
        g_assert_cmphex(toy_cpu(t)->pc, ==, pc);
    }
    /* The same, whole. */
    sink(t, "03 00 02 00 00 00 00 00 00 00 01 02 70 63");
    g_assert_cmphex(toy_cpu(t)->pc, ==, 0x201);
    toy_free(t);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/debug-write/wide", test_wide_register);
    g_test_add_func("/debug-write/zero", test_zero);
    g_test_add_func("/debug-write/older", test_older_logs);
    g_test_add_func("/debug-write/nonsense", test_nonsense);
    return g_test_run();
}
