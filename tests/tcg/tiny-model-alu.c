/*
 * The plain made-up processor's arithmetic: unlike what it is compared with, and
 * slow.
 */
#include "base/bits.h"
#include "tiny-model.h"

bool model_holds(unsigned cond, uint64_t a, uint64_t b, unsigned bits)
{
    int64_t x = bits_sext(a, bits), y = bits_sext(b, bits);
    const bool yes[] = { a == b, a != b, a < b, a >= b, a <= b, a > b,
                         x < y, x >= y, x <= y, x > y,
                         (a & b) != 0, (a & b) == 0 };
    return yes[cond];
}

/* One bit after the other: slow, and unlike what it is compared with. */
static uint64_t rotate_left(uint64_t a, unsigned n, unsigned bits)
{
    while (n--) {
        a = (a << 1 | (a >> (bits - 1) & 1)) & bits_mask(bits);
    }
    return a;
}

static uint64_t two_operands(unsigned what, uint64_t a, uint64_t b,
                             unsigned bits)
{
    int64_t x = bits_sext(a, bits), y = bits_sext(b, bits);
    unsigned n = b % bits;
    switch (what) {
    case 0: return a + b;
    case 1: return a - b;
    case 2: return a * b;
    case 3: return ((unsigned __int128)a * b) >> bits;
    case 4: return ((__int128)x * y) >> bits;
    case 5: return a & b;
    case 6: return a | b;
    case 7: return a ^ b;
    case 8: return a & ~b;
    case 9: return a << n;
    case 10: return a >> n;
    case 11: return x >> n;
    case 12: return rotate_left(a, n, bits);
    default: return rotate_left(a, bits - n, bits);
    }
}

static uint64_t count_from(uint64_t v, unsigned bits, bool top)
{
    unsigned n = 0;
    while (n < bits && !(v >> (top ? bits - 1 - n : n) & 1)) {
        n++;
    }
    return n;
}

static uint64_t one_operand(unsigned what, uint64_t v, unsigned bits)
{
    uint64_t r = 0;
    switch (what) {
    case 14: return ~v;
    case 15: return -v;
    case 16: return count_from(v, bits, true);
    case 17: return count_from(v, bits, false);
    case 18:
        for (unsigned i = 0; i < bits; i++) {
            r += v >> i & 1;
        }
        return r;
    default:
        for (unsigned i = 0; i < bits; i += 8) {
            r = r << 8 | (v >> i & 0xff);
        }
        return r;
    }
}

static uint64_t alu(unsigned what, uint64_t a, uint64_t b, unsigned bits)
{
    if (what < 14) {
        return two_operands(what, a, b, bits);
    }
    if (what < 20) {
        return one_operand(what, b, bits);
    }
    switch (what) {
    case 20:
        return a & 0xff;
    case 21:
        return (int16_t)a;
    case 22:
        return b >> 5 & 0xfffff;
    case 23:
        return (a & ~(UINT64_C(0x1ff) << 7)) | (b & 0x1ff) << 7;
    case 24:
        return a & 0xffff;
    default:
        return model_holds((what - 25) % 12, a, b, bits) ? b : a;
    }
}

void model_alu(TinyState *s, const TinyInsn *in, uint64_t b)
{
    unsigned what = in->imm & 63;
    uint64_t a = s->r[in->d], v;
    if (what >= 48) {
        v = model_holds((what - 48) % 12, a, b, 64);
    } else if (in->x & 1) {
        v = alu(what, (uint32_t)a, (uint32_t)b, 32);
        v = in->x & 2 ? (uint64_t)(int32_t)v : (uint32_t)v;
    } else {
        v = alu(what, a, b, 64);
    }
    s->r[in->d] = v;
    s->dst = v;
    s->src = b;
    s->op = what;
}
