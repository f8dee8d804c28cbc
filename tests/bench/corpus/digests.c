/* SHA-256 and SHA-1 (FIPS 180-4) and CRC-32, in plain C: rotations and tables. */
#include "corpus.h"

enum { BYTES = 2048 };

static uint32_t rotate(uint32_t v, int n)
{
    return v >> n | v << (32 - n);
}

static uint32_t big_endian(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* The first 32 bits of the fractional parts of cube roots of primes; found by
 * search, so that the table is not written here. */
static void make_constants(uint32_t *k)
{
    int n = 0;
    for (uint32_t p = 2; n < 64; p++) {
        int prime = 1;
        for (uint32_t d = 2; d * d <= p; d++) {
            prime &= p % d != 0;
        }
        if (!prime) {
            continue;
        }
        /* The largest r with (r / 2^32)^3 <= p. */
        uint64_t r = 0;
        for (int bit = 35; bit >= 0; bit--) {
            uint64_t t = r | 1ull << bit;
            __uint128_t square = (__uint128_t)t * t >> 32;
            if ((square * t >> 64) < p) {
                r = t;
            }
        }
        k[n++] = r;
    }
}

static void sha256_block(uint32_t *h, const uint32_t *k, const uint8_t *data)
{
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++) {
        w[i] = big_endian(data + 4 * i);
    }
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) +
               (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
    }
    for (int i = 0; i < 8; i++) {
        s[i] = h[i];
    }
    for (int i = 0; i < 64; i++) {
        uint32_t e = s[4], a = s[0];
        uint32_t t = s[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                     ((e & s[5]) ^ (~e & s[6])) + k[i] + w[i];
        uint32_t u = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                     ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
        for (int j = 7; j > 0; j--) {
            s[j] = s[j - 1];
        }
        s[4] += t;
        s[0] = t + u;
    }
    for (int i = 0; i < 8; i++) {
        h[i] += s[i];
    }
}

static void sha1_block(uint32_t *h, const uint8_t *data)
{
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int i = 0; i < 80; i++) {
        w[i] = i < 16 ? big_endian(data + 4 * i)
                      : rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 31);
    }
    for (int i = 0; i < 80; i++) {
        uint32_t f = i < 20 ? ((b & c) | (~b & d)) + 0x5a827999
                     : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                     : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                              : (b ^ c ^ d) + 0xca62c1d6;
        uint32_t t = rotate(a, 27) + f + e + w[i];
        e = d;
        d = c;
        c = rotate(b, 2);
        b = a;
        a = t;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

static uint32_t crc(const uint32_t *table, const uint8_t *p, size_t len)
{
    uint32_t c = ~0u;
    for (size_t i = 0; i < len; i++) {
        c = table[(c ^ p[i]) & 0xff] ^ c >> 8;
    }
    return ~c;
}

uint32_t digests(uint32_t size)
{
    uint32_t k[64], table[256], seed = 17, sum = 0;
    uint32_t h[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, g[5] = { 1, 2, 3, 4, 5 };
    uint8_t *data = corpus_heap;
    make_constants(k);
    for (uint32_t n = 0; n < 256; n++) {
        table[n] = n;
        for (int bit = 0; bit < 8; bit++) {
            table[n] = table[n] >> 1 ^ (table[n] & 1 ? 0xedb88320 : 0);
        }
    }
    for (int n = 0; n < BYTES; n++) {
        data[n] = random_next(&seed);
    }
    for (uint32_t round = 0; round < size; round++) {
        for (int at = 0; at < BYTES; at += 64) {
            sha256_block(h, k, data + at);
            sha1_block(g, data + at);
        }
        sum = mix(sum, crc(table, data, BYTES));
        data[round % BYTES]++;
    }
    return mix_bytes(mix_bytes(sum, h, sizeof h), g, sizeof g);
}
