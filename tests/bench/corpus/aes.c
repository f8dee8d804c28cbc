/* AES-128 in counter mode in plain C (FIPS 197): four tables of words. */
#include "corpus.h"

enum { ROUNDS = 10, BYTES = 2048 };

typedef struct Aes {
    uint8_t sbox[256];
    uint32_t t[4][256];
    uint32_t key[4 * (ROUNDS + 1)];
} Aes;

static uint8_t twice(uint8_t v)
{
    return v << 1 ^ (v & 0x80 ? 0x1b : 0);
}

static uint32_t rotate(uint32_t v, int n)
{
    return v << n | v >> (32 - n);
}

/* p runs through the powers of 3, q through those of its inverse. */
static void make_tables(Aes *a)
{
    uint8_t p = 1, q = 1;
    a->sbox[0] = 0x63;
    do {
        p ^= twice(p);
        q ^= q << 1;
        q ^= q << 2;
        q ^= q << 4;
        q ^= q & 0x80 ? 0x09 : 0;
        uint8_t x = q ^ (uint8_t)(q << 1 | q >> 7) ^
                    (uint8_t)(q << 2 | q >> 6) ^ (uint8_t)(q << 3 | q >> 5) ^
                    (uint8_t)(q << 4 | q >> 4);
        a->sbox[p] = x ^ 0x63;
    } while (p != 1);
    for (int n = 0; n < 256; n++) {
        uint8_t s = a->sbox[n];
        uint32_t w = twice(s) | s << 8 | s << 16 |
                     (uint32_t)(twice(s) ^ s) << 24;
        for (int k = 0; k < 4; k++) {
            a->t[k][n] = k ? rotate(w, 8 * k) : w;
        }
    }
}

static uint32_t substitute(const Aes *a, uint32_t v)
{
    return a->sbox[v & 255] | a->sbox[v >> 8 & 255] << 8 |
           a->sbox[v >> 16 & 255] << 16 | (uint32_t)a->sbox[v >> 24] << 24;
}

static void make_key(Aes *a)
{
    uint8_t rcon = 1;
    for (int n = 4; n < 4 * (ROUNDS + 1); n++) {
        uint32_t v = a->key[n - 1];
        if (n % 4 == 0) {
            v = substitute(a, rotate(v, 24)) ^ rcon;
            rcon = twice(rcon);
        }
        a->key[n] = a->key[n - 4] ^ v;
    }
}

static void encrypt(const Aes *a, uint32_t *s)
{
    uint32_t u[4];
    for (int c = 0; c < 4; c++) {
        s[c] ^= a->key[c];
    }
    for (int r = 1; r < ROUNDS; r++) {
        for (int c = 0; c < 4; c++) {
            u[c] = a->t[0][s[c] & 255] ^ a->t[1][s[(c + 1) & 3] >> 8 & 255] ^
                   a->t[2][s[(c + 2) & 3] >> 16 & 255] ^
                   a->t[3][s[(c + 3) & 3] >> 24] ^ a->key[4 * r + c];
        }
        __builtin_memcpy(s, u, sizeof u);
    }
    for (int c = 0; c < 4; c++) {
        u[c] = (s[c] & 255) | (s[(c + 1) & 3] & 0xff00) |
               (s[(c + 2) & 3] & 0xff0000) | (s[(c + 3) & 3] & 0xff000000);
    }
    for (int c = 0; c < 4; c++) {
        s[c] = substitute(a, u[c]) ^ a->key[4 * ROUNDS + c];
    }
}

uint32_t aes(uint32_t size)
{
    Aes *a = (Aes *)corpus_heap;
    uint32_t *data = (uint32_t *)(a + 1), seed = 21, counter[4] = { 0 };
    make_tables(a);
    __builtin_memset(data, 0, BYTES);
    for (int n = 0; n < 4; n++) {
        a->key[n] = random_next(&seed);
    }
    make_key(a);
    for (uint32_t round = 0; round < size; round++) {
        for (int n = 0; n < BYTES / 4; n += 4) {
            uint32_t s[4];
            counter[0]++;
            __builtin_memcpy(s, counter, sizeof s);
            encrypt(a, s);
            for (int c = 0; c < 4; c++) {
                data[n + c] ^= s[c];
            }
        }
    }
    return mix_bytes(0, data, BYTES);
}
