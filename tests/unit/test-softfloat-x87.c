/*
 * Softfloat beside the host's x87: results, flags and C1, in all rounding modes
 * and precisions, over every kind of register contents, with overflow,
 * underflow and inexact masked and unmasked. The transcendental functions may
 * be a unit in the last place away from the host's, whose own they are.
 */
#include "softfloat-operands.h"

#include <inttypes.h>
#include <string.h>

#define SW_C1 0x200
#define SW_CC 0x4700 /* C0, C1, C2, C3 */

typedef struct In {
    Sf80 a, b;
    uint64_t mem[2];
    uint16_t control;
} In;

/* What an instruction leaves: two registers, memory, the status word. */
typedef struct Out {
    Sf80 r0, r1;
    uint64_t mem[2];
    uint16_t status;
} Out;

typedef void (*HostFn)(const In *in, Out *out);
typedef void (*OurFn)(const In *in, SfEnv *env, Out *out);

/* b is st(1), a is st(0) before the instruction. */
#define HOST(name, insn)                                                    \
    static void host_##name(const In *in, Out *out)                         \
    {                                                                       \
        memcpy(out->mem, in->mem, sizeof(out->mem));                        \
        __asm__ volatile("fninit\n fldt %[b]\n fldt %[a]\n fldcw %[cw]\n"   \
                         insn "\n fnstsw %[sw]\n fnclex\n"                  \
                         "fstpt %[r0]\n fstpt %[r1]\n fninit"               \
                         : [sw] "=m"(out->status), [r0] "=m"(out->r0),      \
                           [r1] "=m"(out->r1), [mem] "+m"(out->mem)         \
                         : [a] "m"(in->a), [b] "m"(in->b),                  \
                           [cw] "m"(in->control)                            \
                         : "st", "st(1)", "st(2)", "st(3)", "cc",           \
                           "memory");                                       \
    }
#define OURS(name, statement)                                               \
    static void our_##name(const In *in, SfEnv *env, Out *out)              \
    {                                                                       \
        Sf80 a = in->a, b = in->b;                                          \
        (void)a, (void)b;                                                   \
        memcpy(out->mem, in->mem, sizeof(out->mem));                        \
        statement;                                                          \
        out->status |= sf_flags_told(env) | (env->flags & SF_ROUNDED_UP);   \
    }
#define ROW(name, insn, statement) HOST(name, insn) OURS(name, statement)

static uint16_t relation_bits(SfRelation r)
{
    return r == SF_UNORDERED ? 0x4500 : r == SF_LESS ? 0x100
           : r == SF_EQUAL   ? 0x4000 : 0;
}

static void put_prem(SfPrem p, Out *out)
{
    out->r0 = p.rest;
    out->status = (p.quotient & 1 ? 0x200 : 0) | (p.quotient & 2 ? 0x4000 : 0) |
                  (p.quotient & 4 ? 0x100 : 0) | (p.partial ? 0x400 : 0);
}

static void put_int(uint64_t v, unsigned bits, Out *out)
{
    uint64_t mask = bits_mask(bits);
    out->mem[0] = (out->mem[0] & ~mask) | (v & mask);
}

#define INT(bits) (SF_INT(bits) | SF_INT_INDEFINITE)

ROW(fadd, "fadd %%st(1), %%st", out->r0 = sf80_add(a, b, env))
ROW(fsub, "fsub %%st(1), %%st", out->r0 = sf80_sub(a, b, env))
ROW(fmul, "fmul %%st(1), %%st", out->r0 = sf80_mul(a, b, env))
ROW(fdiv, "fdiv %%st(1), %%st", out->r0 = sf80_div(a, b, env))
ROW(fsqrt, "fsqrt", out->r0 = sf80_sqrt(a, env))
ROW(frndint, "frndint", out->r0 = sf80_round_int(a, env->rounding, true, env))
ROW(fscale, "fscale", out->r0 = sf80_scale(a, b, env))
ROW(fprem, "fprem", put_prem(sf80_prem(a, b, false, env), out))
ROW(fprem1, "fprem1", put_prem(sf80_prem(a, b, true, env), out))
ROW(fxtract, "fxtract", out->r1 = sf80_xtract(a, &out->r0, env))
ROW(fcom, "fcom %%st(1)",
    out->status = relation_bits(sf80_compare(a, b, true, env)))
ROW(fucom, "fucom %%st(1)",
    out->status = relation_bits(sf80_compare(a, b, false, env)))
ROW(fsts, "fsts %[mem]", put_int(sf80_to_sf32(a, env), 32, out))
ROW(fstl, "fstl %[mem]", put_int(sf80_to_sf64(a, env), 64, out))
ROW(fists, "fists %[mem]", put_int(sf80_to_int(a, INT(16), env), 16, out))
ROW(fistl, "fistl %[mem]", put_int(sf80_to_int(a, INT(32), env), 32, out))
ROW(fistpll, "fistpll %[mem]", put_int(sf80_to_int(a, INT(64), env), 64, out))
ROW(fisttpll, "fisttpll %[mem]",
    put_int(sf80_to_int(a, INT(64) | SF_INT_TRUNCATE, env), 64, out))
ROW(fbstp, "fbstp %[mem]", sf80_to_bcd(a, (uint8_t *)out->mem, env))
ROW(flds, "flds %[mem]", out->r0 = sf32_to_sf80(in->mem[0], env))
ROW(fldl, "fldl %[mem]", out->r0 = sf64_to_sf80(in->mem[0], env))
ROW(fildll, "fildll %[mem]", out->r0 = sf80_from_int64(in->mem[0], env))
ROW(fbld, "fbld %[mem]", out->r0 = sf80_from_bcd((const uint8_t *)in->mem))

/* The functions keep away from PC; C2 leaves the operand. */
static void put_trig(bool done, Sf80 r, Sf80 a, Out *out)
{
    out->r0 = done ? r : a;
    out->status = done ? 0 : 0x400;
}

static void put_sincos(const In *in, SfEnv *env, Out *out)
{
    Sf80 s, c, a = in->a;
    bool done = sf80_sincos(a, &s, &c, env);
    put_trig(done, c, a, out);
    out->r1 = done ? s : in->b;
}
ROW(f2xm1, "f2xm1", out->r0 = sf80_f2xm1(a, env))
ROW(fyl2x, "fyl2x", out->r0 = sf80_yl2x(a, b, env))
ROW(fyl2xp1, "fyl2xp1", out->r0 = sf80_yl2xp1(a, b, env))
ROW(fpatan, "fpatan", out->r0 = sf80_patan(a, b, env))
ROW(fsin, "fsin", Sf80 r; bool done = sf80_sincos(a, &r, NULL, env);
    put_trig(done, r, a, out))
ROW(fcos, "fcos", Sf80 r; bool done = sf80_sincos(a, NULL, &r, env);
    put_trig(done, r, a, out))
ROW(fsincos, "fsincos", put_sincos(in, env, out))
ROW(fptan, "fptan\n fnstsw %[sw]\n testw $0x400, %[sw]\n jnz 1f\n"
    "fstp %%st(0)\n 1:", Sf80 r; bool done = sf80_tan(a, &r, env);
    put_trig(done, r, a, out))

typedef enum What { R0 = 1, R1 = 2, MEM = 4, NEAR = 8, TINY = 16 } What;

typedef struct Row {
    const char *name;
    HostFn host;
    OurFn ours;
    uint8_t what;     /* of Out is compared; NEAR: to within a unit */
    uint16_t status;  /* bits that are compared */
} Row;

#define R(n, what, status) { #n, host_##n, our_##n, what, status }
#define ARITH (SF_ALL | SW_C1)

static const Row rows[] = {
    R(fadd, R0, ARITH), R(fsub, R0, ARITH), R(fmul, R0, ARITH),
    R(fdiv, R0, ARITH), R(fsqrt, R0, ARITH), R(frndint, R0, ARITH),
    R(fscale, R0, ARITH), R(fprem, R0, SF_ALL | SW_CC),
    R(fprem1, R0, SF_ALL | SW_CC), R(fxtract, R0 | R1, SF_ALL),
    R(fcom, 0, SF_ALL | SW_CC), R(fucom, 0, SF_ALL | SW_CC),
    R(fsts, MEM, ARITH), R(fstl, MEM, ARITH), R(fists, MEM, ARITH),
    R(fistl, MEM, ARITH), R(fistpll, MEM, ARITH), R(fisttpll, MEM, ARITH),
    R(fbstp, MEM, ARITH), R(flds, R0, ARITH), R(fldl, R0, ARITH),
    R(fildll, R0, ARITH), R(fbld, R0, SF_ALL),
    R(f2xm1, R0 | NEAR, SF_ALL), R(fyl2x, R0 | NEAR, SF_ALL),
    R(fyl2xp1, R0 | NEAR, SF_ALL), R(fpatan, R0 | NEAR, SF_ALL),
    R(fsin, R0 | NEAR, SF_ALL | 0x400), R(fcos, R0 | NEAR, SF_ALL | 0x400),
    R(fsincos, R0 | R1 | NEAR, SF_ALL | 0x400),
    R(fptan, R0 | NEAR, SF_ALL | 0x400),
};

/* Equal, or for functions next to each other. */
static bool same80(Sf80 a, Sf80 b, bool near)
{
    if (a.frac == b.frac && a.sign_exp == b.sign_exp) {
        return true;
    }
    int64_t apart = a.frac - b.frac;
    if (a.sign_exp != b.sign_exp) { /* across a power of two, or bad */
        bool neighbours = (a.sign_exp ^ b.sign_exp) < 0x8000 &&
                          ABS(a.sign_exp - b.sign_exp) == 1;
        bool denormal = !(a.sign_exp & 0x7fff) || !(b.sign_exp & 0x7fff);
        uint64_t last = denormal ? INT64_MAX : UINT64_MAX;
        bool ends = (a.frac == BIT(63) && b.frac == last) ||
                    (b.frac == BIT(63) && a.frac == last);
        return near && neighbours && ends;
    }
    return near && apart >= -1 && apart <= 1;
}

static bool same(const Row *row, const In *in, const Out *x, const Out *y)
{
    bool near = row->what & NEAR;
    /* What is unmasked before computing leaves all as it was. */
    if (y->status & ~in->control & (SF_INVALID | SF_DENORMAL | SF_DIV_ZERO)) {
        return !((x->status ^ y->status) & SF_ALL);
    }
    if ((row->what & R0) && !same80(x->r0, y->r0, near)) {
        return false;
    }
    if ((row->what & R1) && !same80(x->r1, y->r1, near)) {
        return false;
    }
    /* Memory is not written where an unmasked exception forbids it. */
    bool stopped = y->status & ~in->control & (SF_OVERFLOW | SF_UNDERFLOW);
    if ((row->what & MEM) && !stopped &&
        (x->mem[0] != y->mem[0] || x->mem[1] != y->mem[1])) {
        return false;
    }
    /* A function that is a unit away may have underflowed or not. */
    uint16_t bits = row->status & ~(near ? SF_UNDERFLOW : 0);
    return !((x->status ^ y->status) & bits);
}

static void check(const Row *row, const In *in)
{
    Out theirs = { 0 }, mine = { 0 };
    row->host(in, &theirs);
    SfEnv env = sf_env_x87(in->control);
    row->ours(in, &env, &mine);
    if (!same(row, in, &mine, &theirs)) {
        g_test_message("%s a %04x:%016" PRIx64 " b %04x:%016" PRIx64
                       " mem %" PRIx64 " control %04x", row->name,
                       in->a.sign_exp, in->a.frac, in->b.sign_exp, in->b.frac,
                       in->mem[0], in->control);
        const Out *outs[] = { &mine, &theirs };
        for (int i = 0; i < 2; i++) {
            const Out *o = outs[i];
            g_test_message("  %s %04x:%016" PRIx64 " %04x:%016" PRIx64
                           " mem %" PRIx64 ":%" PRIx64 " status %04x",
                           i ? "host" : "ours", o->r0.sign_exp, o->r0.frac,
                           o->r1.sign_exp, o->r1.frac, o->mem[1], o->mem[0],
                           o->status & row->status);
        }
        g_test_fail();
    }
}

/* What the documented operand ranges leave undefined, is not compared. */
static bool undefined(const Row *row, const In *in)
{
    unsigned exp = in->a.sign_exp & 0x7fff;
    if (row->ours == our_f2xm1) {
        return exp >= 0x3fff && exp < 0x7fff;
    }
    if (row->ours == our_fyl2xp1) {
        return exp >= 0x3ffd; /* about 0.29 on either side */
    }
    return false;
}

static void random_bcd(Operands *o, uint64_t mem[2])
{
    uint64_t digits = 0;
    for (int i = 0; i < 16; i++) {
        digits = digits << 4 | operands_random(o) % 10;
    }
    mem[0] = digits;
    mem[1] = operands_random(o) % 10 * 16 + operands_random(o) % 10;
    mem[1] |= (operands_random(o) & 1) << 15;
}

static In random_in(const Row *row, Operands *o)
{
    In in = { .a = operands_next80(o, false), .b = operands_next80(o, false) };
    unsigned kind = operands_random(o) % 16;
    if (kind == 0) { /* the same significand: NaNs differ by sign only */
        in.b = in.a;
        in.b.sign_exp ^= 0x8000;
    } else if (kind == 1) { /* zero or infinity beside a denormal */
        in.b = (Sf80){ operands_random(o) & 1 ? BIT(63) : 0, 0 };
        in.b.sign_exp = in.b.frac ? 0x7fff : 0;
        in.a.sign_exp &= 0x8000;
    }
    if (row->ours == our_flds) {
        in.mem[0] = operands_next(o, 8, 23);
    } else if (row->ours == our_fldl) {
        in.mem[0] = operands_next(o, 11, 52);
    } else if (row->ours == our_fbld) {
        random_bcd(o, in.mem);
    } else {
        in.mem[0] = operands_integer(o);
    }
    return in;
}

static void test_row(gconstpointer data)
{
    const Row *row = data;
    Operands o = { .rand = g_rand_new_with_seed(g_test_rand_int()) };
    unsigned cases = operands_cases(4000);
    for (unsigned i = 0; i < cases && !g_test_failed(); i++) {
        In in = random_in(row, &o);
        in.control = 0x7f | (operands_random(&o) & 0xf) << 8;
        if (i % 4 == 0 && !(row->what & NEAR)) {
            in.control &= ~(operands_random(&o) & SF_ALL);
        }
        if (!undefined(row, &in)) {
            check(row, &in);
        }
    }
    g_rand_free(o.rand);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/softfloat/x87/%s",
                                                rows[i].name);
        g_test_add_data_func(path, &rows[i], test_row);
    }
    return g_test_run();
}
