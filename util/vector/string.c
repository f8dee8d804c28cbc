/*
 * Vectors: PCMPESTRI and its three sisters (SDM vol. 2, 4.1).
 */
#include "lanes.h"

/* imm: what elements are, how they are compared, what becomes of the result,
 * and which of two forms it has (SDM vol. 2, 4.1.1 to 4.1.6). */
enum {
    STR_WORDS = 0x01,
    STR_SIGNED = 0x02,
    STR_AGGREGATION = 0x0c,
    STR_ANY = 0x00,
    STR_RANGES = 0x04,
    STR_EACH = 0x08,
    STR_ORDERED = 0x0c,
    STR_NEGATIVE = 0x10,
    STR_MASKED = 0x20,
    STR_HIGH = 0x40, /* the last index; a mask of whole lanes */
};

typedef struct Strings {
    int32_t a[16], b[16];
    unsigned len_a, len_b; /* valid elements of each */
    unsigned count;        /* elements of a vector */
} Strings;

static int32_t string_element(const V128 *v, uint32_t imm, unsigned n)
{
    unsigned bits = imm & STR_WORDS ? 16 : 8;
    return (int32_t)(imm & STR_SIGNED ? vec_signed(v, bits, n)
                                      : (int64_t)vec_lane(v, bits, n));
}

/* Up to the first zero. */
static unsigned implicit_length(const int32_t *elements, unsigned count)
{
    unsigned n = 0;
    while (n < count && elements[n]) {
        n++;
    }
    return n;
}

static unsigned explicit_length(uint64_t x, unsigned count)
{
    int64_t length = (int32_t)x;
    return (unsigned)MIN(ABS(length), count);
}

static Strings strings_of(const VecArgs *v)
{
    Strings s = { .count = v->imm & STR_WORDS ? 8 : 16 };
    for (unsigned n = 0; n < s.count; n++) {
        s.a[n] = string_element(&v->a, v->imm, n);
        s.b[n] = string_element(&v->b, v->imm, n);
    }
    bool implicit = v->imm & VEC_STR_IMPLICIT;
    s.len_a = implicit ? implicit_length(s.a, s.count)
                       : explicit_length(v->x, s.count);
    s.len_b = implicit ? implicit_length(s.b, s.count)
                       : explicit_length(v->x >> 32, s.count);
    return s;
}

/* Whether b[n] is one of a, or in one of a's ranges. */
static bool string_any(const Strings *s, unsigned n)
{
    bool found = false;
    for (unsigned i = 0; i < s->len_a; i++) {
        found |= s->a[i] == s->b[n];
    }
    return found && n < s->len_b;
}

static bool string_ranges(const Strings *s, unsigned n)
{
    bool found = false;
    for (unsigned i = 0; i + 1 < s->len_a; i += 2) {
        found |= s->a[i] <= s->b[n] && s->b[n] <= s->a[i + 1];
    }
    return found && n < s->len_b;
}

/* Elements beyond both ends are equal. */
static bool string_each(const Strings *s, unsigned n)
{
    if (n < s->len_a && n < s->len_b) {
        return s->a[n] == s->b[n];
    }
    return n >= s->len_a && n >= s->len_b;
}

/* Whether a begins at b[n], as far as the vector reaches. */
static bool string_ordered(const Strings *s, unsigned n)
{
    bool same = true;
    for (unsigned i = 0; i < s->len_a && n + i < s->count; i++) {
        same &= n + i < s->len_b && s->a[i] == s->b[n + i];
    }
    return same;
}

static bool string_compare(const Strings *s, uint32_t imm, unsigned n)
{
    switch (imm & STR_AGGREGATION) {
    case STR_ANY:
        return string_any(s, n);
    case STR_RANGES:
        return string_ranges(s, n);
    case STR_EACH:
        return string_each(s, n);
    default:
        return string_ordered(s, n);
    }
}

/* IntRes2: a bit an element of b. */
static uint32_t strings_result(const Strings *s, uint32_t imm)
{
    uint32_t r = 0;
    for (unsigned n = 0; n < s->count; n++) {
        r |= (uint32_t)string_compare(s, imm, n) << n;
    }
    unsigned negated = imm & STR_MASKED ? s->len_b : s->count;
    return imm & STR_NEGATIVE ? r ^ (uint32_t)bits_mask(negated) : r;
}

void vec_PCMPSTRI(VecArgs *v, SfEnv *env)
{
    Strings s = strings_of(v);
    uint32_t r = strings_result(&s, v->imm);
    unsigned index = s.count;
    if (r) {
        index = (unsigned)(v->imm & STR_HIGH ? 31 - __builtin_clz(r)
                                             : __builtin_ctz(r));
    }
    unsigned cf = r != 0, zf = s.len_b < s.count, sf = s.len_a < s.count;
    v->r = index | cf << 8 | zf << 9 | sf << 10 | (r & 1) << 11;
}

void vec_PCMPSTRM(VecArgs *v, SfEnv *env)
{
    Strings s = strings_of(v);
    uint32_t r = strings_result(&s, v->imm);
    v->out = (V128){ { r, 0 } };
    for (unsigned n = 0; n < s.count && v->imm & STR_HIGH; n++) {
        vec_set_lane(&v->out, 128 / s.count, n, lane_mask(r >> n & 1));
    }
}
