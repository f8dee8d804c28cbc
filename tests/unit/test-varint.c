/*
 * Variable-length integers and CRC-32C.
 */
#include "base/crc32c.h"
#include "base/varint.h"

static void round_trip(uint64_t v)
{
    g_autoptr(GByteArray) b = g_byte_array_new();
    varint_append(b, v);
    const uint8_t *p = b->data;
    uint64_t out;
    g_assert_true(varint_read(&p, b->data + b->len, &out));
    g_assert_cmphex(out, ==, v);
    g_assert_true(p == b->data + b->len);
    for (guint cut = 0; cut < b->len; cut++) {
        p = b->data;
        g_assert_false(varint_read(&p, b->data + cut, &out));
    }
}

static void test_round_trip(void)
{
    for (unsigned bits = 0; bits < 64; bits++) {
        uint64_t v = UINT64_C(1) << bits;
        round_trip(v);
        round_trip(v - 1);
        round_trip(v + 1);
        round_trip(~v);
    }
    round_trip(UINT64_MAX);
}

static void test_too_long(void)
{
    uint8_t b[12];
    uint64_t v;
    memset(b, 0xff, sizeof b);
    const uint8_t *p = b;
    g_assert_false(varint_read(&p, b + sizeof b, &v));
    /* Ten bytes that would need 65 bits. */
    b[9] = 2;
    p = b;
    g_assert_false(varint_read(&p, b + 10, &v));
    b[9] = 1;
    p = b;
    g_assert_true(varint_read(&p, b + 10, &v));
    g_assert_cmphex(v, ==, UINT64_MAX);
}

/* RFC 3720, appendix B.4. */
static void test_crc(void)
{
    uint8_t b[32];
    memset(b, 0, sizeof b);
    g_assert_cmphex(crc32c(0, b, sizeof b), ==, 0x8a9136aa);
    memset(b, 0xff, sizeof b);
    g_assert_cmphex(crc32c(0, b, sizeof b), ==, 0x62a8ab43);
    for (unsigned i = 0; i < sizeof b; i++) {
        b[i] = i;
    }
    g_assert_cmphex(crc32c(0, b, sizeof b), ==, 0x46dd794e);
    g_assert_cmphex(crc32c(0, "123456789", 9), ==, 0xe3069283);
}

static void test_crc_pieces(void)
{
    GRand *rnd = g_rand_new_with_seed(1);
    uint8_t b[300];
    for (unsigned i = 0; i < sizeof b; i++) {
        b[i] = g_rand_int(rnd);
    }
    for (unsigned len = 0; len < sizeof b; len++) {
        unsigned cut = g_rand_int_range(rnd, 0, len + 1);
        uint32_t whole = crc32c(0, b, len);
        g_assert_cmphex(whole, ==, crc32c_portable(0, b, len));
        g_assert_cmphex(whole, ==,
                        crc32c(crc32c(0, b, cut), b + cut, len - cut));
    }
    g_rand_free(rnd);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/varint/round-trip", test_round_trip);
    g_test_add_func("/varint/too-long", test_too_long);
    g_test_add_func("/crc32c/known", test_crc);
    g_test_add_func("/crc32c/pieces", test_crc_pieces);
    return g_test_run();
}
