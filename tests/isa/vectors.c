/*
 * Random vectors: what floating point and saturating integers treat specially is
 * likely, and lanes are alike often enough for comparisons.
 */
#include <string.h>

#include "case.h"

static uint64_t special32(void)
{
    static const uint32_t values[] = {
        0, 0x80000000, 1, 0x80000001, 0x7fffff, 0x807fffff, 0x800000,
        0x80800000, 0x3f800000, 0xbf800000, 0x3fc00000, 0x40200000, 0x7f7fffff,
        0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001,
        0xffa12345, 0x7fd54321, 0x4effffff, 0x4f000000, 0xcf000000, 0x5f000000,
        0x33800000, 0x00ffffff, 0x34000000,
    };
    return values[random_below(G_N_ELEMENTS(values))];
}

static uint64_t special64(void)
{
    static const uint64_t values[] = {
        0, UINT64_C(1) << 63, 1, UINT64_C(0x8000000000000001),
        UINT64_C(0xfffffffffffff), UINT64_C(0x10000000000000),
        UINT64_C(0x3ff0000000000000), UINT64_C(0xbff0000000000000),
        UINT64_C(0x3ff8000000000000), UINT64_C(0x4004000000000000),
        UINT64_C(0x7fefffffffffffff), UINT64_C(0xffefffffffffffff),
        UINT64_C(0x7ff0000000000000), UINT64_C(0xfff0000000000000),
        UINT64_C(0x7ff8000000000000), UINT64_C(0xfff8000000000001),
        UINT64_C(0x7ff0000000000001), UINT64_C(0xfff4000000012345),
        UINT64_C(0x41dfffffffc00000), UINT64_C(0x41e0000000000000),
        UINT64_C(0xc1e0000000200000), UINT64_C(0x43e0000000000000),
        UINT64_C(0x47efffffe0000000), UINT64_C(0x3810000000000000),
        UINT64_C(0x36a0000000000000), UINT64_C(0x369fffffffffffff),
    };
    return values[random_below(G_N_ELEMENTS(values))];
}

/* A number near one, or of any size. */
static uint64_t ordinary32(void)
{
    uint64_t v = random64();
    return chance(50) ? (v & 0x83ffffff) + 0x3e000000 : v & 0xffffffff;
}

static uint64_t ordinary64(void)
{
    uint64_t v = random64();
    return chance(50) ? (v & UINT64_C(0x807fffffffffffff)) +
                            UINT64_C(0x3fc0000000000000)
                      : v;
}

static uint64_t word32(bool special)
{
    return special ? special32() : ordinary32();
}

uint64_t random_word(unsigned kind)
{
    switch (kind) {
    case 0:
        return word32(chance(60)) | word32(chance(60)) << 32;
    case 1:
        return chance(60) ? special64() : ordinary64();
    case 2: /* bytes and words at their limits */
        return random64() & UINT64_C(0x8001ff7f0080ff7f);
    default:
        return random64();
    }
}

/* Indices that stay in the data. */
void random_indices(IsaCase *c, const X86Insn *in)
{
    unsigned bits = (in->row->arg >> 4) * 8;
    for (unsigned n = 0; n < 256 / bits; n++) {
        uint64_t *w = &c->before.ymm[in->vsib][n * bits / 64];
        uint64_t v = (uint64_t)(int64_t)((int)random_below(64) - 32);
        *w = bits_deposit(*w, n * bits % 64, bits, v);
    }
}

void random_vectors(IsaCase *c)
{
    unsigned kind = random_below(4);
    for (unsigned n = 0; n < 16; n++) {
        for (unsigned w = 0; w < 4; w++) {
            c->before.ymm[n][w] = chance(10) && n
                ? c->before.ymm[n - 1][w] : random_word(kind);
        }
    }
    for (unsigned i = 0x600; i < 0xb00; i += 8) {
        uint64_t v = random_word(kind);
        memcpy(c->before.data + i, &v, 8);
    }
    /* Rounding, flags, FTZ, DAZ; sometimes exceptions that are unmasked. */
    c->before.mxcsr = 0x1f80 | (random64() & (chance(50) ? 0xe07f : 0x6000));
    if (chance(25)) {
        c->before.mxcsr &= ~(random64() & 0x1f80);
    }
}
