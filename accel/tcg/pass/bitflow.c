/*
 * Which bits of a value may be one, and which bits of its operands an op looks
 * at. See bitflow.h.
 */
#include "bitflow.h"

/* The count of a shift or rotation, if it is known. */
static bool known_count(const Bits *x, const IrInst *i, unsigned *out)
{
    uint64_t k;
    bool known = bits_constant(x, i->arg[1], &k);
    *out = k & (bits_width(i) - 1);
    return known;
}

/* All bits up to the highest in v. */
static uint64_t up_to(uint64_t v)
{
    return v ? bits_mask(64 - __builtin_clzll(v)) : 0;
}

/* --- bits that may be one --------------------------------------------------------- */

static uint64_t may_sum(uint64_t a, uint64_t b)
{
    uint64_t most;
    return __builtin_add_overflow(a, b, &most) ? UINT64_MAX : up_to(most);
}

static uint64_t may_product(uint64_t a, uint64_t b)
{
    uint64_t most;
    return __builtin_mul_overflow(a, b, &most) ? UINT64_MAX : up_to(most);
}

/* a with everything from bit len - 1 up equal to that bit. */
static uint64_t may_extend(uint64_t a, unsigned len)
{
    return bits_sext(a & bits_mask(len), len);
}

static uint64_t may_shift(const Bits *x, const IrInst *i, uint64_t a)
{
    unsigned n;
    bool known = known_count(x, i, &n);
    switch (i->op) {
    case IR_SHL:
        return known ? a << n : UINT64_MAX;
    case IR_SHR:
        return known ? a >> n : up_to(a);
    default:
        return a >> (bits_width(i) - 1) ? UINT64_MAX : known ? a >> n : up_to(a);
    }
}

static uint64_t may_convert(const IrInst *i, uint64_t a, uint64_t b)
{
    switch (i->op) {
    case IR_ZEXT:
        return a & bits_mask(i->imm);
    case IR_SEXT:
        return may_extend(a, i->imm);
    case IR_SEXT64:
        return may_extend(a, 32);
    case IR_EXTRACT:
        return a >> field_pos(i) & field_mask(i);
    case IR_DEPOSIT:
        return (a & ~(field_mask(i) << field_pos(i))) |
               (b & field_mask(i)) << field_pos(i);
    default:
        return a;          /* ZEXT64, TRUNC */
    }
}

static uint64_t may_load(const IrInst *i)
{
    return i->mem & IR_MEM_SIGN ? UINT64_MAX
                                : bits_mask(8 * ir_mem_size(i->mem));
}

/* Not yet cut to the width of the value. */
static uint64_t may_be(const Bits *x, const IrInst *i)
{
    uint64_t a = i->nargs > 0 ? x->may[i->arg[0]] : 0;
    uint64_t b = i->nargs > 1 ? x->may[i->arg[1]] : 0;
    switch (i->op) {
    case IR_CONST: return i->imm;
    case IR_LD:
    case IR_LDENV: return may_load(i);
    case IR_ADD: return may_sum(a, b);
    case IR_MUL: return may_product(a, b);
    case IR_AND: return a & b;
    case IR_OR:
    case IR_XOR: return a | b;
    case IR_ANDC: return a;
    case IR_SHL:
    case IR_SHR:
    case IR_SAR: return may_shift(x, i, a);
    case IR_CLZ:
    case IR_CTZ:
    case IR_POPCNT: return bits_mask(7);
    case IR_ZEXT:
    case IR_SEXT:
    case IR_ZEXT64:
    case IR_SEXT64:
    case IR_TRUNC:
    case IR_EXTRACT:
    case IR_DEPOSIT: return may_convert(i, a, b);
    case IR_SETCOND: return 1;
    case IR_SELECT: return x->may[i->arg[2]] | x->may[i->arg[3]];
    default: return UINT64_MAX;
    }
}

uint64_t bits_may_be(const Bits *x, const IrInst *i)
{
    return may_be(x, i) & bits_mask(bits_width(i));
}

/* --- bits that are wanted --------------------------------------------------------- */

static uint64_t rotate_right(uint64_t v, unsigned n, unsigned bits)
{
    return (v >> n | v << ((bits - n) & (bits - 1))) & bits_mask(bits);
}

/* Bits of what is shifted. Those that come down or go around are wanted where
 * they come from. */
static uint64_t want_shifted(const Bits *x, const IrInst *i, uint64_t wanted)
{
    unsigned n, bits = bits_width(i);
    if (!known_count(x, i, &n)) {
        return i->op == IR_SHL ? up_to(wanted) : UINT64_MAX;
    }
    switch (i->op) {
    case IR_SHL:
        return wanted >> n;
    case IR_SHR:
        return wanted << n;
    case IR_SAR:
        return wanted << n |
               (wanted & ~(bits_mask(bits) >> n) ? BIT(bits - 1) : 0);
    case IR_ROTL:
        return rotate_right(wanted, n, bits);
    default:
        return rotate_right(wanted, (bits - n) & (bits - 1), bits);
    }
}

static uint64_t want_field(const IrInst *i, unsigned k, uint64_t wanted)
{
    unsigned pos = field_pos(i);
    if (i->op == IR_EXTRACT) {
        return (wanted & field_mask(i)) << pos;
    }
    return k ? wanted >> pos & field_mask(i)
             : wanted & ~(field_mask(i) << pos);
}

/* len: bits that are extended. */
static uint64_t want_extended(unsigned len, bool sign, uint64_t wanted)
{
    bool copies = sign && (wanted & ~bits_mask(len));
    return (wanted & bits_mask(len)) | (copies ? BIT(len - 1) : 0);
}

/* Of AND, a constant says which bits of the other operand count. If neither is
 * one, the one that may have fewer ones stays as it is and says so. */
static uint64_t want_masked(const Bits *x, const IrInst *i, unsigned k,
                            uint64_t wanted)
{
    uint64_t unused, mine = x->may[i->arg[k]], other = x->may[i->arg[!k]];
    bool rules = bits_constant(x, i->arg[!k], &unused) ||
                 (k ? other <= mine : other < mine);
    return rules ? wanted & other : wanted;
}

static uint64_t want_compared(const Bits *x, const IrInst *i, unsigned k)
{
    uint64_t mask;
    bool tests = i->cond == IR_TST || i->cond == IR_TSTZ;
    return tests && bits_constant(x, i->arg[!k], &mask) ? mask : UINT64_MAX;
}

/* Not yet cut to the operand's width. */
static uint64_t want_of(const Bits *x, const IrInst *i, unsigned k,
                        uint64_t wanted)
{
    switch (i->op) {
    case IR_ADD: case IR_SUB: case IR_MUL: case IR_NEG:
        return up_to(wanted);
    case IR_AND:
        return want_masked(x, i, k, wanted);
    case IR_OR: case IR_XOR: case IR_ANDC: case IR_NOT: case IR_TRUNC:
        return wanted;
    case IR_SHL: case IR_SHR: case IR_SAR: case IR_ROTL: case IR_ROTR:
        return k ? bits_width(i) - 1 : want_shifted(x, i, wanted);
    case IR_ZEXT: case IR_SEXT:
        return want_extended(i->imm, i->op == IR_SEXT, wanted);
    case IR_ZEXT64: case IR_SEXT64:
        return want_extended(32, i->op == IR_SEXT64, wanted);
    case IR_EXTRACT: case IR_DEPOSIT:
        return want_field(i, k, wanted);
    case IR_BSWAP:
        return i->type == IR_I32 ? __builtin_bswap32(wanted)
                                 : __builtin_bswap64(wanted);
    case IR_SETCOND: case IR_EXIT_IF:
        return k < 2 ? want_compared(x, i, k) : UINT64_MAX;
    case IR_SELECT:
        return k < 2 ? want_compared(x, i, k) : wanted;
    case IR_ST:
        return k ? bits_mask(8 * ir_mem_size(i->mem)) : UINT64_MAX;
    case IR_STENV:
        return bits_mask(8 * ir_mem_size(i->mem));
    default:
        return UINT64_MAX;
    }
}

uint64_t bits_want(const Bits *x, const IrInst *i, unsigned k,
                   uint64_t wanted)
{
    return want_of(x, i, k, wanted) &
           bits_mask(bits_width(bits_inst(x, i->arg[k])));
}
