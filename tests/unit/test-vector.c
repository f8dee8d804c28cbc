/*
 * The vector table on any host: it is well-formed, rows keep to their
 * signatures, and cryptography and strings give what standards publish.
 */
#include "base/bits.h"
#include "base/vector.h"

#include <string.h>

static V128 random_vector(void)
{
    V128 v;
    for (unsigned n = 0; n < 4; n++) {
        vec_set_lane(&v, 32, n, (uint32_t)g_test_rand_int());
    }
    return v;
}

static VecArgs random_args(void)
{
    VecArgs v = { .out = random_vector(), .a = random_vector(),
                  .b = random_vector(), .c = random_vector() };
    V128 integers = random_vector();
    v.x = integers.w[0];
    v.r = integers.w[1];
    v.imm = (uint32_t)g_test_rand_int();
    return v;
}

static SfEnv usual_env(void)
{
    return sf_env_sse(0x1f80);
}

static bool has_operand(const VecInfo *info, char kind, unsigned least)
{
    unsigned count = 0;
    for (const char *p = info->sig + 2; *p; p++) {
        count += *p == kind;
    }
    return count >= least;
}

/* --- the table ----------------------------------------------------------- */

static void test_table(void)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    for (unsigned op = 0; op < VEC_OP_COUNT; op++) {
        const VecInfo *info = &vec_ops[op];
        g_assert_true(g_hash_table_add(names, (char *)info->name));
        g_assert_true(strchr("v48", info->sig[0]) && info->sig[1] == ':');
        size_t vectors = strspn(info->sig + 2, "v");
        const char *rest = info->sig + 2 + vectors;
        g_assert_cmpuint(vectors, <=, 3);
        g_assert_true(!*rest || (strchr("48", *rest) && !rest[1]));
        g_assert_nonnull(info->fn);
        g_assert_true(!info->env || info->name[0] == 'f' ||
                      strstr(info->name, "tof"));
    }
}

/* Other values where the signature says that nobody looks. */
static VecArgs disturbed(const VecInfo *info, const VecArgs *args)
{
    VecArgs v = *args, other = random_args();
    v.out = other.out;
    v.r = other.r;
    v.a = has_operand(info, 'v', 1) ? v.a : other.a;
    v.b = has_operand(info, 'v', 2) ? v.b : other.b;
    v.c = has_operand(info, 'v', 3) ? v.c : other.c;
    bool integer = has_operand(info, '4', 1) || has_operand(info, '8', 1);
    v.x = integer ? v.x : other.x;
    return v;
}

static void assert_same(const VecInfo *info, const char *what, const V128 *a,
                        const V128 *b)
{
    if (a->w[0] != b->w[0] || a->w[1] != b->w[1]) {
        g_test_message("%s: %s", info->name, what);
        g_test_fail();
    }
}

static void assert_kept(const VecInfo *info, const VecArgs *before,
                        const VecArgs *after)
{
    assert_same(info, "a is written", &before->a, &after->a);
    assert_same(info, "b is written", &before->b, &after->b);
    assert_same(info, "c is written", &before->c, &after->c);
    g_assert_cmphex(before->x, ==, after->x);
    g_assert_cmphex(before->imm, ==, after->imm);
    if (info->sig[0] == 'v') {
        g_assert_cmphex(before->r, ==, after->r);
    } else {
        assert_same(info, "out is written", &before->out, &after->out);
    }
}

static void check_signature(const VecInfo *info)
{
    VecArgs v = random_args();
    v.x = has_operand(info, '4', 1) ? (uint32_t)v.x : v.x;
    VecArgs first = v, second = disturbed(info, &v);
    VecArgs before = second;
    SfEnv env = usual_env(), again = env;
    info->fn(&first, info->env ? &env : NULL);
    info->fn(&second, info->env ? &again : NULL);
    assert_kept(info, &v, &first);
    assert_kept(info, &before, &second);
    if (info->sig[0] == 'v') {
        assert_same(info, "what it looks at", &first.out, &second.out);
    } else {
        g_assert_cmphex(first.r, ==, second.r);
        g_assert_true(info->sig[0] == '8' || first.r <= UINT32_MAX);
    }
    g_assert_cmphex(env.flags, ==, again.flags);
}

static void test_signatures(void)
{
    for (unsigned op = 0; op < VEC_OP_COUNT; op++) {
        for (unsigned n = 0; n < 100 && !g_test_failed(); n++) {
            check_signature(&vec_ops[op]);
        }
    }
}

/* Flags are added to those that were there, none of which is lost or decides
 * anything; the x87's C1 is not among them, nor is the environment changed. */
static void check_flags(const VecInfo *info)
{
    VecArgs v = random_args(), w = v;
    uint32_t unmasked = (uint32_t)g_test_rand_int() & 0x1f80;
    SfEnv env = sf_env_sse(0x6000 | unmasked), dirty = env, expected = env;
    dirty.flags = (uint16_t)(g_test_rand_int() & SF_ALL);
    expected.flags = dirty.flags;
    info->fn(&v, &env);
    info->fn(&w, &dirty);
    g_assert_cmphex(env.flags & ~SF_ALL, ==, 0);
    expected.flags |= env.flags;
    g_assert_cmphex(dirty.flags, ==, expected.flags);
    dirty.flags = expected.flags = 0;
    g_assert_cmpmem(&dirty, sizeof(dirty), &expected, sizeof(expected));
    assert_same(info, "old flags decide", &v.out, &w.out);
}

static void test_flags(void)
{
    for (unsigned op = 0; op < VEC_OP_COUNT; op++) {
        for (unsigned n = 0; n < 100 && vec_ops[op].env; n++) {
            check_flags(&vec_ops[op]);
        }
    }
}

/* --- what is published --------------------------------------------------- */

static V128 binary(VecOp op, V128 a, V128 b, uint32_t imm)
{
    VecArgs v = { .a = a, .b = b, .imm = imm };
    vec_ops[op].fn(&v, NULL);
    return v.out;
}

/* Bytes as they lie in memory. */
static V128 from_bytes(const uint8_t bytes[16])
{
    V128 v = { { 0, 0 } };
    for (unsigned n = 0; n < 16; n++) {
        vec_set_lane(&v, 8, n, bytes[n]);
    }
    return v;
}

/* The next round key, of an AES-128 key schedule (FIPS 197, 5.2). */
static V128 next_key(V128 key, uint32_t rcon)
{
    V128 none = { { 0, 0 } };
    uint32_t temp = vec_u32(
        (const V128[]){ binary(VEC_AESKEYGEN, key, none, rcon) }, 3);
    V128 r = none;
    for (unsigned n = 0; n < 4; n++) {
        temp ^= vec_u32(&key, n);
        vec_set_lane(&r, 32, n, temp);
    }
    return r;
}

/* FIPS 197, appendix C.1, there and back. */
static void test_aes(void)
{
    static const uint8_t cipher_text[16] = {
        0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30,
        0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a,
    };
    static const uint8_t rcon[] = { 1, 2, 4, 8, 16, 32, 64, 128, 0x1b, 0x36 };
    uint8_t plain[16], first_key[16];
    for (unsigned n = 0; n < 16; n++) {
        plain[n] = (uint8_t)(n * 0x11);
        first_key[n] = (uint8_t)n;
    }
    V128 key[11] = { from_bytes(first_key) }, none = { { 0, 0 } };
    V128 text = from_bytes(plain), wanted = from_bytes(cipher_text);
    V128 state = binary(VEC_XOR, text, key[0], 0);
    for (unsigned n = 1; n <= 10; n++) {
        key[n] = next_key(key[n - 1], rcon[n - 1]);
        VecOp op = n < 10 ? VEC_AESENC : VEC_AESENCLAST;
        state = binary(op, state, key[n], 0);
    }
    assert_same(&vec_ops[VEC_AESENC], "FIPS 197 C.1", &state, &wanted);
    state = binary(VEC_XOR, state, key[10], 0);
    for (unsigned n = 9; n; n--) {
        V128 inverse = binary(VEC_AESIMC, key[n], none, 0);
        state = binary(VEC_AESDEC, state, inverse, 0);
    }
    state = binary(VEC_AESDECLAST, state, key[0], 0);
    assert_same(&vec_ops[VEC_AESDEC], "FIPS 197 C.1", &state, &text);
}

/* A word of the fractional part of the square (cube) root of a prime (FIPS
 * 180-4, 4.2.2 and 5.3.3), by trial with integers. */
static uint32_t root_fraction(unsigned prime, bool cube)
{
    uint64_t root = 0;
    for (int bit = 35; bit >= 0; bit--) {
        unsigned __int128 t = root | BIT(bit);
        /* t / 2^32 against the root; below 2^36, so t^3 < 2^108. */
        unsigned __int128 power = cube ? t * t * t : t * t;
        unsigned __int128 limit = (unsigned __int128)prime << (cube ? 96 : 64);
        root = power <= limit ? (uint64_t)t : root;
    }
    return (uint32_t)root;
}

static void primes(unsigned *out, unsigned count)
{
    for (unsigned n = 2, found = 0; found < count; n++) {
        bool prime = true;
        for (unsigned i = 0; i < found; i++) {
            prime &= n % out[i] != 0;
        }
        if (prime) {
            out[found++] = n;
        }
    }
}

/* The next four words of the schedule of SHA-256 from the last sixteen. */
static V128 sha256_schedule(const V128 w[4])
{
    V128 r = binary(VEC_SHA256MSG1, w[0], w[1], 0);
    r = binary(VEC_ADD32, r, binary(VEC_ALIGN, w[3], w[2], 4), 0);
    return binary(VEC_SHA256MSG2, r, w[3], 0);
}

static V128 sha256_two(V128 cdgh, V128 abef, V128 wk)
{
    VecArgs v = { .a = cdgh, .b = abef, .c = wk };
    vec_ops[VEC_SHA256RNDS2].fn(&v, NULL);
    return v.out;
}

/* The four rounds of words n*4 on. */
static void sha256_four(V128 *abef, V128 *cdgh, V128 w, const uint32_t k[4])
{
    V128 wk = { { 0, 0 } };
    for (unsigned n = 0; n < 4; n++) {
        vec_set_lane(&wk, 32, n, vec_u32(&w, n) + k[n]);
    }
    *cdgh = sha256_two(*cdgh, *abef, wk);
    wk = binary(VEC_SHRB, wk, wk, 8);
    *abef = sha256_two(*abef, *cdgh, wk);
}

static V128 two_words(uint32_t w3, uint32_t w2, uint32_t w1, uint32_t w0)
{
    return (V128){ { (uint64_t)w1 << 32 | w0, (uint64_t)w3 << 32 | w2 } };
}

/* FIPS 180-4's example, "abc": four words of the digest. */
static void test_sha256(void)
{
    unsigned p[64];
    uint32_t k[64], h[8] = { 0 };
    primes(p, 64);
    for (unsigned n = 0; n < 64; n++) {
        k[n] = root_fraction(p[n], true);
        h[n % 8] = n < 8 ? root_fraction(p[n], false) : h[n % 8];
    }
    V128 abef = two_words(h[0], h[1], h[4], h[5]);
    V128 cdgh = two_words(h[2], h[3], h[6], h[7]);
    V128 w[4] = { { { 0x61626380, 0 } }, { { 0, 0 } }, { { 0, 0 } },
                  { { 0, (uint64_t)24 << 32 } } };
    for (unsigned n = 0; n < 16; n++) {
        V128 next = sha256_schedule(w);
        sha256_four(&abef, &cdgh, w[0], k + 4 * n);
        memmove(w, w + 1, sizeof(w) - sizeof(w[0]));
        w[3] = next;
    }
    g_assert_cmphex((uint32_t)(vec_u32(&abef, 3) + h[0]), ==, 0xba7816bf);
    g_assert_cmphex((uint32_t)(vec_u32(&abef, 2) + h[1]), ==, 0x8f01cfea);
    g_assert_cmphex((uint32_t)(vec_u32(&cdgh, 3) + h[2]), ==, 0x414140de);
    g_assert_cmphex((uint32_t)(vec_u32(&cdgh, 0) + h[7]), ==, 0xf20015ad);
}

static V128 sha1_schedule(const V128 w[4])
{
    V128 r = binary(VEC_SHA1MSG1, w[0], w[1], 0);
    r = binary(VEC_XOR, r, w[2], 0);
    return binary(VEC_SHA1MSG2, r, w[3], 0);
}

/* The same of SHA-1; words lie in their lanes from the top down. */
static void test_sha1(void)
{
    V128 start = { { UINT64_C(0x98badcfe10325476),
                     UINT64_C(0x67452301efcdab89) } };
    V128 abcd = start, e = { { 0, (uint64_t)0xc3d2e1f0 << 32 } };
    V128 w[4] = { { { 0, (uint64_t)0x61626380 << 32 } }, { { 0, 0 } },
                  { { 0, 0 } }, { { 24, 0 } } };
    V128 last = { { 0, 0 } };
    for (unsigned n = 0; n < 20; n++) {
        V128 next = sha1_schedule(w), before = abcd;
        V128 we = n ? binary(VEC_SHA1NEXTE, last, w[0], 0)
                    : binary(VEC_ADD32, w[0], e, 0);
        abcd = binary(VEC_SHA1RNDS4, abcd, we, n / 5);
        last = before;
        memmove(w, w + 1, sizeof(w) - sizeof(w[0]));
        w[3] = next;
    }
    V128 sum = binary(VEC_ADD32, abcd, start, 0);
    V128 sum_e = binary(VEC_SHA1NEXTE, last, e, 0);
    g_assert_cmphex(vec_u32(&sum, 3), ==, 0xa9993e36);
    g_assert_cmphex(vec_u32(&sum, 2), ==, 0x4706816a);
    g_assert_cmphex(vec_u32(&sum, 1), ==, 0xba3e2571);
    g_assert_cmphex(vec_u32(&sum, 0), ==, 0x7850c26c);
    g_assert_cmphex(vec_u32(&sum_e, 3), ==, 0x9cd0d89d);
}

/* Every number but 0 times its inverse is 1: the identity as matrix. */
static void test_gf(void)
{
    V128 one = { { UINT64_C(0x0102040810204080),
                   UINT64_C(0x0102040810204080) } };
    for (unsigned n = 0; n < 256; n++) {
        V128 a = { { n, 0 } };
        V128 inverse = binary(VEC_GFAFFINEINV, a, one, 0);
        V128 product = binary(VEC_GFMUL8, a, inverse, 0);
        g_assert_cmphex(product.w[0], ==, n != 0);
        V128 same = binary(VEC_GFAFFINE, a, one, 0);
        g_assert_cmphex(same.w[0], ==, n);
    }
    V128 fips = binary(VEC_GFMUL8, (V128){ { 0x57, 0 } },
                       (V128){ { 0x83, 0 } }, 0); /* FIPS 197, 4.2 */
    g_assert_cmphex(fips.w[0], ==, 0xc1);
}

static uint32_t string_flags(const char *a, const char *b, uint32_t imm)
{
    uint8_t bytes[2][16] = { { 0 } };
    memcpy(bytes[0], a, strlen(a));
    memcpy(bytes[1], b, strlen(b));
    VecArgs v = { .a = from_bytes(bytes[0]), .b = from_bytes(bytes[1]),
                  .imm = imm | VEC_STR_IMPLICIT };
    vec_ops[VEC_PCMPSTRI].fn(&v, NULL);
    return (uint32_t)v.r;
}

/* A letter from both ends, ranges, a search, comparison, no string at all. */
static void test_strings(void)
{
    enum { CF = 0x100, ZF = 0x200, SF = 0x400, OF = 0x800 };
    g_assert_cmphex(string_flags("c", "abcabc", 0x00), ==, 2 | CF | ZF | SF);
    g_assert_cmphex(string_flags("c", "abcabc", 0x40), ==, 5 | CF | ZF | SF);
    g_assert_cmphex(string_flags("az", "ABCdE", 0x04), ==, 3 | CF | ZF | SF);
    g_assert_cmphex(string_flags("bca", "abcabc", 0x0c), ==, 1 | CF | ZF | SF);
    g_assert_cmphex(string_flags("same", "same", 0x18), ==, 16 | ZF | SF);
    g_assert_cmphex(string_flags("same", "sane", 0x18), ==, 2 | CF | ZF | SF);
    g_assert_cmphex(string_flags("\x01\xff", "abc", 0x14), ==,
                    3 | CF | ZF | SF);
    g_assert_cmphex(string_flags("", "0123456789abcdef", 0x08), ==, 16 | SF);
    g_assert_cmphex(string_flags("", "", 0x08), ==, CF | ZF | SF | OF);
}

/* Immediates that no instruction of eight bits can have. */
static void test_long_shifts(void)
{
    static const VecOp all_goes[] = { VEC_SHL16, VEC_SHR64, VEC_SHLB, VEC_SHRB,
                                      VEC_ALIGN };
    static const uint32_t counts[] = { 64, 256, 0x10001, UINT32_MAX };
    V128 ones = { { UINT64_MAX, UINT64_MAX } }, zero = { { 0, 0 } };
    for (unsigned n = 0; n < G_N_ELEMENTS(counts); n++) {
        for (unsigned i = 0; i < G_N_ELEMENTS(all_goes); i++) {
            V128 r = binary(all_goes[i], ones, ones, counts[n]);
            assert_same(&vec_ops[all_goes[i]], "long shift", &r, &zero);
        }
        V128 r = binary(VEC_SAR32, ones, ones, counts[n]);
        assert_same(&vec_ops[VEC_SAR32], "long shift", &r, &ones);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vector/table", test_table);
    g_test_add_func("/vector/signatures", test_signatures);
    g_test_add_func("/vector/flags", test_flags);
    g_test_add_func("/vector/aes", test_aes);
    g_test_add_func("/vector/sha1", test_sha1);
    g_test_add_func("/vector/sha256", test_sha256);
    g_test_add_func("/vector/gf", test_gf);
    g_test_add_func("/vector/strings", test_strings);
    g_test_add_func("/vector/long-shifts", test_long_shifts);
    return g_test_run();
}
