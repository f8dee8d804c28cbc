/*
 * Cryptography and checksums by the instructions made for them. Where the
 * processor lacks one, what it computes is done in C; the digest is the same.
 */
#include <cpuid.h>
#include <immintrin.h>

#include "corpus.h"

enum { BYTES = 1024 };

typedef struct Have {
    int sha, aes, clmul, crc;
} Have;

static Have processor(void)
{
    Have h = { 0 };
    unsigned a, b, c, d;
    if (__get_cpuid(1, &a, &b, &c, &d)) {
        h.clmul = c >> 1 & 1;
        h.crc = c >> 20 & 1;
        h.aes = c >> 25 & 1;
    }
    if (h.crc && __get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        h.sha = b >> 29 & 1;
    }
    return h;
}

/* --- CRC-32C, eight bytes at a time */

__attribute__((target("sse4.2")))
static uint32_t crc_instruction(const uint64_t *p, int n)
{
    uint64_t c = ~0u;
    for (int i = 0; i < n; i++) {
        c = _mm_crc32_u64(c, p[i]);
    }
    return c;
}

static uint32_t crc_plain(const uint64_t *p, int n)
{
    uint32_t c = ~0u;
    const uint8_t *bytes = (const uint8_t *)p;
    for (int i = 0; i < 8 * n; i++) {
        c ^= bytes[i];
        for (int k = 0; k < 8; k++) {
            c = c >> 1 ^ (c & 1 ? 0x82f63b78 : 0);
        }
    }
    return c;
}

/* --- a product without carries */

__attribute__((target("pclmul")))
static uint64_t clmul_instruction(const uint64_t *p, int n)
{
    __m128i s = _mm_set_epi64x(1, 1);
    for (int i = 0; i < n; i += 2) {
        __m128i v = _mm_loadu_si128((const __m128i *)(p + i));
        s = _mm_xor_si128(_mm_clmulepi64_si128(s, v, 0x00),
                          _mm_clmulepi64_si128(s, v, 0x11));
    }
    return _mm_cvtsi128_si64(s) ^
           _mm_cvtsi128_si64(_mm_unpackhi_epi64(s, s));
}

static void clmul_one(uint64_t a, uint64_t b, uint64_t *out)
{
    for (int k = 0; k < 64; k++) {
        if (b >> k & 1) {
            out[0] ^= a << k;
            out[1] ^= k ? a >> (64 - k) : 0;
        }
    }
}

static uint64_t clmul_plain(const uint64_t *p, int n)
{
    uint64_t s[2] = { 1, 1 };
    for (int i = 0; i < n; i += 2) {
        uint64_t t[2] = { 0 };
        clmul_one(s[0], p[i], t);
        clmul_one(s[1], p[i + 1], t);
        s[0] = t[0];
        s[1] = t[1];
    }
    return s[0] ^ s[1];
}

/* --- AES: there and back is where one was, but for the key's mixing */

__attribute__((target("aes")))
static uint64_t aes_instruction(const uint64_t *p, int n)
{
    __m128i key = _mm_set_epi64x(p[1], p[0]), s = key;
    __m128i back = _mm_aesimc_si128(key);
    for (int i = 0; i < n; i += 2) {
        __m128i v = _mm_loadu_si128((const __m128i *)(p + i)), t;
        t = _mm_aesenc_si128(_mm_xor_si128(v, s), key);
        t = _mm_aesenclast_si128(t, key);
        t = _mm_aesdec_si128(_mm_xor_si128(t, key), back);
        t = _mm_aesdeclast_si128(t, key);
        s = _mm_xor_si128(t, _mm_srli_si128(s, 1));
        s = _mm_add_epi64(s, _mm_and_si128(
            _mm_aeskeygenassist_si128(s, 3), _mm_set1_epi32(0)));
    }
    return _mm_cvtsi128_si64(s) ^
           _mm_cvtsi128_si64(_mm_unpackhi_epi64(s, s));
}

/* What is left when every round is undone: ((v ^ s) ^ key) ^ ... */
static uint64_t aes_plain(const uint64_t *p, int n)
{
    uint64_t k0 = p[0], k1 = p[1], s0 = k0, s1 = k1;
    for (int i = 0; i < n; i += 2) {
        uint64_t t0 = p[i] ^ s0 ^ k0, t1 = p[i + 1] ^ s1 ^ k1;
        uint64_t low = s0 >> 8 | s1 << 56;
        s1 = t1 ^ s1 >> 8;
        s0 = t0 ^ low;
    }
    return s0 ^ s1;
}

/* --- SHA-256: four steps of the message's schedule and two rounds */

__attribute__((target("sha,sse4.1")))
static uint64_t sha_instruction(const uint64_t *p, int n)
{
    __m128i abef = _mm_set_epi64x(p[1], p[0]), cdgh = _mm_set_epi64x(p[3], p[2]);
    for (int i = 0; i < n; i += 2) {
        __m128i w = _mm_loadu_si128((const __m128i *)(p + i));
        __m128i t = _mm_sha256rnds2_epu32(cdgh, abef, w);
        cdgh = abef;
        abef = t;
    }
    __m128i s = _mm_xor_si128(abef, cdgh);
    return _mm_cvtsi128_si64(s) ^ _mm_extract_epi64(s, 1);
}

static uint32_t turn(uint32_t v, int n)
{
    return v >> n | v << (32 - n);
}

static uint64_t sha_plain(const uint64_t *p, int n)
{
    uint32_t f = p[0], e = p[0] >> 32, b = p[1], a = p[1] >> 32;
    uint32_t h = p[2], g = p[2] >> 32, d = p[3], c = p[3] >> 32;
    for (int i = 0; i < n; i += 2) {
        for (int k = 0; k < 2; k++) {
            uint32_t w = k ? p[i] >> 32 : p[i];
            uint32_t t = h + w + ((e & f) ^ (~e & g)) +
                         (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25));
            uint32_t u = ((a & b) ^ (a & c) ^ (b & c)) +
                         (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22));
            h = g;
            g = f;
            f = e;
            e = d + t;
            d = c;
            c = b;
            b = a;
            a = t + u;
        }
    }
    uint64_t abef[2] = { (uint64_t)e << 32 | f, (uint64_t)a << 32 | b };
    uint64_t cdgh[2] = { (uint64_t)g << 32 | h, (uint64_t)c << 32 | d };
    return abef[0] ^ cdgh[0] ^ abef[1] ^ cdgh[1];
}

uint32_t extensions(uint32_t size)
{
    Have have = processor();
    uint64_t *data = (uint64_t *)corpus_heap;
    uint32_t seed = 99, sum = 0;
    int n = BYTES / 8;
    for (int i = 0; i < n; i++) {
        data[i] = (uint64_t)random_next(&seed) << 32 | random_next(&seed);
    }
    for (uint32_t round = 0; round < size; round++) {
        data[round % n] += round;
        sum = mix(sum, have.crc ? crc_instruction(data, n)
                                : crc_plain(data, n));
        sum = mix_64(sum, have.clmul ? clmul_instruction(data, n)
                                     : clmul_plain(data, n));
        sum = mix_64(sum, have.aes ? aes_instruction(data, n)
                                   : aes_plain(data, n));
        sum = mix_64(sum, have.sha ? sha_instruction(data, n)
                                   : sha_plain(data, n));
    }
    return sum;
}
