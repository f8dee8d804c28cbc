/*
 * Vectors: steps of SHA-1 and SHA-256 (FIPS 180-4, 4.1, 4.2, 6.1, 6.2; how they
 * are laid out in registers: SDM vol. 2, SHA1RNDS4 to SHA256MSG2).
 */
#include "lanes.h"

static inline uint32_t rotl(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}

static inline uint32_t rotr(uint32_t v, unsigned n)
{
    return rotl(v, 32 - n);
}

static V128 from_words(uint32_t w3, uint32_t w2, uint32_t w1, uint32_t w0)
{
    return (V128){ { (uint64_t)w1 << 32 | w0, (uint64_t)w3 << 32 | w2 } };
}

static uint32_t choose(uint32_t x, uint32_t y, uint32_t z)
{
    return (x & y) ^ (~x & z);
}

static uint32_t majority(uint32_t x, uint32_t y, uint32_t z)
{
    return (x & y) ^ (x & z) ^ (y & z);
}

/* The function and constant of a quarter of SHA-1's rounds. */
static uint32_t sha1_mix(unsigned quarter, uint32_t x, uint32_t y, uint32_t z)
{
    switch (quarter) {
    case 0:
        return choose(x, y, z) + 0x5a827999;
    case 1:
        return (x ^ y ^ z) + 0x6ed9eba1;
    case 2:
        return majority(x, y, z) + 0x8f1bbcdc;
    default:
        return (x ^ y ^ z) + 0xca62c1d6;
    }
}

/* b's top lane comes with e added to it; so e is 0 in the first round. */
void vec_SHA1RNDS4(VecArgs *v, SfEnv *env)
{
    uint32_t a = vec_u32(&v->a, 3), b = vec_u32(&v->a, 2);
    uint32_t c = vec_u32(&v->a, 1), d = vec_u32(&v->a, 0), e = 0;
    for (unsigned n = 0; n < 4; n++) {
        uint32_t next = sha1_mix(v->imm & 3, b, c, d) + rotl(a, 5) +
                        vec_u32(&v->b, 3 - n) + e;
        e = d;
        d = c;
        c = rotl(b, 30);
        b = a;
        a = next;
    }
    v->out = from_words(a, b, c, d);
}

void vec_SHA1NEXTE(VecArgs *v, SfEnv *env)
{
    v->out = v->b;
    vec_set_lane(&v->out, 32, 3,
                 vec_u32(&v->b, 3) + rotl(vec_u32(&v->a, 3), 30));
}

void vec_SHA1MSG1(VecArgs *v, SfEnv *env)
{
    v->out.w[1] = v->a.w[1] ^ v->a.w[0];
    v->out.w[0] = v->a.w[0] ^ v->b.w[1];
}

void vec_SHA1MSG2(VecArgs *v, SfEnv *env)
{
    uint32_t w16 = rotl(vec_u32(&v->a, 3) ^ vec_u32(&v->b, 2), 1);
    uint32_t w17 = rotl(vec_u32(&v->a, 2) ^ vec_u32(&v->b, 1), 1);
    uint32_t w18 = rotl(vec_u32(&v->a, 1) ^ vec_u32(&v->b, 0), 1);
    uint32_t w19 = rotl(vec_u32(&v->a, 0) ^ w16, 1);
    v->out = from_words(w16, w17, w18, w19);
}

static uint32_t big_sigma0(uint32_t x)
{
    return rotr(x, 2) ^ rotr(x, 13) ^ rotr(x, 22);
}

static uint32_t big_sigma1(uint32_t x)
{
    return rotr(x, 6) ^ rotr(x, 11) ^ rotr(x, 25);
}

static uint32_t small_sigma0(uint32_t x)
{
    return rotr(x, 7) ^ rotr(x, 18) ^ x >> 3;
}

static uint32_t small_sigma1(uint32_t x)
{
    return rotr(x, 17) ^ rotr(x, 19) ^ x >> 10;
}

/* v->b is a, b, e, f from its top; v->a is c, d, g, h; v->c the two words of
 * the schedule with their constants added. */
void vec_SHA256RNDS2(VecArgs *v, SfEnv *env)
{
    uint32_t a = vec_u32(&v->b, 3), b = vec_u32(&v->b, 2);
    uint32_t e = vec_u32(&v->b, 1), f = vec_u32(&v->b, 0);
    uint32_t c = vec_u32(&v->a, 3), d = vec_u32(&v->a, 2);
    uint32_t g = vec_u32(&v->a, 1), h = vec_u32(&v->a, 0);
    for (unsigned n = 0; n < 2; n++) {
        uint32_t t1 =
            h + big_sigma1(e) + choose(e, f, g) + vec_u32(&v->c, n);
        uint32_t t2 = big_sigma0(a) + majority(a, b, c);
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    v->out = from_words(a, b, e, f);
}

VEC_EACH(SHA256MSG1, 32,
         vec_u32(&v->a, n) +
             small_sigma0(n < 3 ? vec_u32(&v->a, n + 1) : vec_u32(&v->b, 0)))

void vec_SHA256MSG2(VecArgs *v, SfEnv *env)
{
    uint32_t w16 = vec_u32(&v->a, 0) + small_sigma1(vec_u32(&v->b, 2));
    uint32_t w17 = vec_u32(&v->a, 1) + small_sigma1(vec_u32(&v->b, 3));
    uint32_t w18 = vec_u32(&v->a, 2) + small_sigma1(w16);
    uint32_t w19 = vec_u32(&v->a, 3) + small_sigma1(w17);
    v->out = from_words(w19, w18, w17, w16);
}
