/*
 * Hashing: FNV-1a by bytes, the block function of MurmurHash3 (x86, 32 bits)
 * by words and SHA-256's compression over a buffer, then an open-addressed
 * table filled and probed with what came out.
 */
#include "bench.h"

enum { BUFFER = 4096, SLOTS = 1 << 16, INSERTS = 512, PROBES = 1024 };

static uint32_t rotl(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}

static uint32_t rotr(uint32_t v, unsigned n)
{
    return v >> n | v << (32 - n);
}

static uint32_t fnv1a(const uint8_t *p, size_t len)
{
    uint32_t h = 2166136261u;
    while (len--) {
        h = (h ^ *p++) * 16777619u;
    }
    return h;
}

static uint32_t murmur3(const uint32_t *p, size_t words, uint32_t h)
{
    while (words--) {
        h ^= rotl(*p++ * 0xcc9e2d51u, 15) * 0x1b873593u;
        h = rotl(h, 13) * 5 + 0xe6546b64u;
    }
    return h;
}

/* FIPS 180-4, 6.2.2, with constants made by a generator: the work is the
 * same, the digest is not SHA-256's. */
static void compress(uint32_t *h, const uint32_t *block, const uint32_t *k)
{
    uint32_t w[64], v[8];

    for (int i = 0; i < 16; i++) {
        w[i] = __builtin_bswap32(block[i]);
    }
    for (int i = 16; i < 64; i++) {
        uint32_t x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + (rotr(x, 7) ^ rotr(x, 18) ^ x >> 3) + w[i - 7] +
               (rotr(y, 17) ^ rotr(y, 19) ^ y >> 10);
    }
    for (int i = 0; i < 8; i++) {
        v[i] = h[i];
    }
    for (int i = 0; i < 64; i++) {
        uint32_t a = v[0], e = v[4];
        uint32_t t1 = v[7] + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) +
                      ((e & v[5]) ^ (~e & v[6])) + k[i] + w[i];
        uint32_t t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) +
                      ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        for (int j = 7; j > 0; j--) {
            v[j] = v[j - 1];
        }
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) {
        h[i] += v[i];
    }
}

/* Counts steps; a full table starts anew. */
static uint32_t table_work(uint32_t *table, uint32_t *used, uint32_t seed)
{
    uint32_t steps = 0, found = 0, state = seed | 1;

    if (*used + INSERTS > SLOTS / 2) {
        for (uint32_t i = 0; i < SLOTS; i++) {
            table[i] = 0;
        }
        *used = 0;
    }
    for (int i = 0; i < INSERTS + PROBES; i++) {
        uint32_t key = (random_next(&state) & 0xfffff) | 1;
        uint32_t at = key * 0x9e3779b1u >> 16;
        while (table[at] && table[at] != key) {
            at = (at + 1) % SLOTS;
            steps++;
        }
        found += table[at] == key;
        if (i < INSERTS && !table[at]) {
            table[at] = key;
            ++*used;
        }
    }
    return steps * 31 + found;
}

uint32_t workload(uint32_t size)
{
    uint32_t *buffer = heap(), *table = buffer + BUFFER / 4;
    uint32_t k[64], h[8] = { 0 }, state = hide(2463534242u);
    uint32_t used = 0, sum = 0;

    for (int i = 0; i < 64; i++) {
        k[i] = random_next(&state);
    }
    for (uint32_t round = 0; round < size; round++) {
        for (int i = 0; i < BUFFER / 4; i++) {
            buffer[i] = random_next(&state);
        }
        sum = mix(sum, fnv1a((uint8_t *)buffer, BUFFER));
        sum = mix(sum, murmur3(buffer, BUFFER / 4, sum));
        for (int i = 0; i < BUFFER / 4; i += 16) {
            compress(h, buffer + i, k);
        }
        sum = mix(sum, table_work(table, &used, h[0] ^ h[7]));
    }
    return sum;
}
