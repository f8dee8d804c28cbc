/*
 * x87 instructions on the top of the stack: constants, functions, partial
 * remainders, register moves (SDM vol. 1, 8.3.3 to 8.3.8).
 */
#include "x87.h"

/* --- constants ---------------------------------------------------------------*/

/* ORDER x80-const: FLD1 to FLDZ are numbered alike. */
G_STATIC_ASSERT(X87_LDZ == (int)X80_K_0);

/* Pushes unless the stack is full. */
static void push_checked(X86Cpu *cpu, Sf80 v, bool source_empty)
{
    X86State *s = &cpu->s;
    unsigned flags = source_empty ? X87_UNDERFLOW
                     : !x87_is_empty(s, 7) ? X87_OVERFLOW : 0;
    if (x87_flags(cpu, flags, X87_BEFORE)) {
        x87_push(s, flags ? X87_INDEFINITE : v);
    }
}

/* --- one operand, one result ----------------------------------------------------*/

static Sf80 function1(unsigned op, Sf80 a, SfEnv *env)
{
    switch (op) {
    case X87_F2XM1:
        return sf80_f2xm1(a, env);
    case X87_SQRT:
        return sf80_sqrt(a, env);
    case X87_RNDINT:
        return sf80_round_int(a, env->rounding, true, env);
    case X87_CHS:
        a.sign_exp ^= 0x8000;
        return a;
    default:
        a.sign_exp &= 0x7fff;
        return a;
    }
}

static void run1(X86Cpu *cpu, unsigned op)
{
    X86State *s = &cpu->s;
    SfEnv env = sf_env_x87(s->fcw);
    Sf80 r = X87_INDEFINITE;
    unsigned flags = X87_UNDERFLOW;
    if (!x87_is_empty(s, 0)) {
        r = function1(op, x87_get(s, 0), &env);
        flags = x87_told(&env);
    }
    if (x87_flags(cpu, flags, X87_BEFORE)) {
        x87_put(s, 0, r);
    }
}

/* --- two operands -------------------------------------------------------------*/

static Sf80 function2(unsigned op, Sf80 a, Sf80 b, SfEnv *env)
{
    switch (op) {
    case X87_YL2X:
        return sf80_yl2x(a, b, env);
    case X87_YL2XP1:
        return sf80_yl2xp1(a, b, env);
    case X87_PATAN:
        return sf80_patan(a, b, env);
    default:
        return sf80_scale(a, b, env);
    }
}

/* The result replaces ST(1) and ST(0) is popped; FSCALE's replaces ST(0). */
static void run2(X86Cpu *cpu, unsigned op)
{
    X86State *s = &cpu->s;
    SfEnv env = sf_env_x87(s->fcw);
    Sf80 r = X87_INDEFINITE;
    unsigned flags = X87_UNDERFLOW, pops = op != X87_SCALE;
    if (!x87_is_empty(s, 0) && !x87_is_empty(s, 1)) {
        r = function2(op, x87_get(s, 0), x87_get(s, 1), &env);
        flags = x87_told(&env);
    }
    if (x87_flags(cpu, flags, X87_BEFORE)) {
        x87_put(s, pops, r);
        x87_pop(s, pops);
    }
}

static void run_prem(X86Cpu *cpu, bool nearest)
{
    X86State *s = &cpu->s;
    SfEnv env = sf_env_x87(s->fcw);
    SfPrem p = { .rest = X87_INDEFINITE };
    unsigned flags = X87_UNDERFLOW;
    if (!x87_is_empty(s, 0) && !x87_is_empty(s, 1)) {
        p = sf80_prem(x87_get(s, 0), x87_get(s, 1), nearest, &env);
        flags = x87_told(&env) & ~SF_ROUNDED_UP;
    }
    bool nan = (p.rest.sign_exp & 0x7fff) == 0x7fff && p.rest.frac << 1;
    s->fsw &= ~FSW_C2;
    if (!x87_flags(cpu, flags, X87_BEFORE)) {
        return;
    }
    x87_put(s, 0, p.rest);
    if (!nan) { /* else C0 and C3 stay */
        s->fsw = (s->fsw & ~FSW_CC) | (p.quotient & 1 ? FSW_C1 : 0) |
                 (p.quotient & 2 ? FSW_C3 : 0) |
                 (p.quotient & 4 ? FSW_C0 : 0) | (p.partial ? FSW_C2 : 0);
    }
}

/* --- two results -----------------------------------------------------------------*/

/* Replaces the top by `under` and pushes `over`. `flags` are those of the
 * computation; a fault of the stack comes first. */
static void put_two(X86Cpu *cpu, Sf80 under, Sf80 over, unsigned flags)
{
    X86State *s = &cpu->s;
    if (!x87_is_empty(s, 7) && !x87_is_empty(s, 0)) {
        flags = X87_OVERFLOW;
    }
    if (!x87_flags(cpu, flags, X87_BEFORE)) {
        return;
    }
    if (flags & FSW_SF) {
        under = over = X87_INDEFINITE;
    }
    x87_put(s, 0, under);
    x87_push(s, over);
}

static void run_xtract(X86Cpu *cpu)
{
    X86State *s = &cpu->s;
    SfEnv env = sf_env_x87(s->fcw);
    Sf80 significand = X87_INDEFINITE, exponent = X87_INDEFINITE;
    unsigned flags = X87_UNDERFLOW;
    if (!x87_is_empty(s, 0)) {
        exponent = sf80_xtract(x87_get(s, 0), &significand, &env);
        flags = x87_told(&env);
    }
    put_two(cpu, exponent, significand, flags);
}

/* --- trigonometry: an operand out of range is C2, and stays ------------------*/

static void set_c2(X86State *s, bool out_of_range)
{
    s->fsw = (s->fsw & ~FSW_C2) | (out_of_range ? FSW_C2 : 0);
}

static void run_sin_cos(X86Cpu *cpu, bool sine)
{
    X86State *s = &cpu->s;
    SfEnv env = sf_env_x87(s->fcw);
    Sf80 r = X87_INDEFINITE;
    unsigned flags = X87_UNDERFLOW;
    bool done = true;
    if (!x87_is_empty(s, 0)) {
        done = sf80_sincos(x87_get(s, 0), sine ? &r : NULL, sine ? NULL : &r,
                           &env);
        flags = x87_told(&env);
    }
    set_c2(s, !done);
    if (x87_flags(cpu, flags, X87_BEFORE) && done) {
        x87_put(s, 0, r);
    }
}

/* FSINCOS leaves the cosine above the sine, FPTAN 1 above the tangent. */
static void run_two_trig(X86Cpu *cpu, bool tangent)
{
    X86State *s = &cpu->s;
    SfEnv env = sf_env_x87(s->fcw);
    Sf80 under = X87_INDEFINITE, over = X87_INDEFINITE;
    unsigned flags = X87_UNDERFLOW;
    bool done = true, empty = x87_is_empty(s, 0);
    if (!empty) {
        Sf80 a = x87_get(s, 0);
        done = tangent ? sf80_tan(a, &under, &env)
                       : sf80_sincos(a, &under, &over, &env);
        flags = x87_told(&env);
    }
    bool nan = (under.sign_exp & 0x7fff) == 0x7fff && under.frac << 1;
    if (tangent) {
        over = nan ? under : x80_constant(X80_K_1, SF_NEAREST_EVEN);
    }
    bool full = !empty && !x87_is_empty(s, 7);
    set_c2(s, !done && !full);
    if (done || full) {
        put_two(cpu, under, over, flags);
    } else {
        x87_flags(cpu, flags, 0);
    }
}

/* --- looking at the top ------------------------------------------------------------*/

static void run_tst(X86Cpu *cpu)
{
    X86State *s = &cpu->s;
    SfEnv env = sf_env_x87(s->fcw);
    unsigned flags = X87_UNDERFLOW, bits = FSW_C3 | FSW_C2 | FSW_C0;
    if (!x87_is_empty(s, 0)) {
        SfRelation r = sf80_compare(x87_get(s, 0), (Sf80){ 0, 0 }, true, &env);
        bits = r == SF_UNORDERED ? bits
               : r == SF_LESS ? FSW_C0 : r == SF_EQUAL ? FSW_C3 : 0;
        flags = x87_told(&env) & ~SF_ROUNDED_UP;
    }
    s->fsw = (s->fsw & ~(FSW_C3 | FSW_C2 | FSW_C0)) | bits;
    x87_flags(cpu, flags, X87_BEFORE);
}

static void run_xam(X86State *s)
{
    static const uint16_t bits[] = {
        [SF_CLASS_ZERO] = FSW_C3, [SF_CLASS_DENORMAL] = FSW_C3 | FSW_C2,
        [SF_CLASS_PSEUDO_DENORMAL] = FSW_C3 | FSW_C2,
        [SF_CLASS_NORMAL] = FSW_C2, [SF_CLASS_INF] = FSW_C2 | FSW_C0,
        [SF_CLASS_QNAN] = FSW_C0, [SF_CLASS_SNAN] = FSW_C0,
        [SF_CLASS_PSEUDO_NAN] = 0, [SF_CLASS_PSEUDO_INF] = 0,
        [SF_CLASS_UNNORMAL] = 0,
    };
    Sf80 v = x87_get(s, 0);
    unsigned cc = x87_is_empty(s, 0) ? FSW_C3 | FSW_C0
                                     : bits[sf80_classify(v)];
    s->fsw = (s->fsw & ~FSW_CC) | cc | (v.sign_exp & 0x8000 ? FSW_C1 : 0);
}

/* --- moves -------------------------------------------------------------------------*/

static void run_xch(X86Cpu *cpu, unsigned i)
{
    X86State *s = &cpu->s;
    bool empty = x87_is_empty(s, 0) || x87_is_empty(s, i);
    if (x87_flags(cpu, empty ? X87_UNDERFLOW : 0, X87_BEFORE)) {
        Sf80 a = x87_is_empty(s, 0) ? X87_INDEFINITE : x87_get(s, 0);
        Sf80 b = x87_is_empty(s, i) ? X87_INDEFINITE : x87_get(s, i);
        x87_put(s, 0, b);
        x87_put(s, i, a);
    }
}

/* D9 D8+i, which no manual has, is an FSTP that does not mind an empty top. */
static void run_store(X86Cpu *cpu, uint64_t insn)
{
    X86State *s = &cpu->s;
    bool empty = x87_is_empty(s, 0);
    if (empty && x87_op(insn) == X87_STST1) {
        x87_flags(cpu, 0, 0);
        x87_pop(s, 1);
    } else if (x87_flags(cpu, empty ? X87_UNDERFLOW : 0, X87_BEFORE)) {
        x87_put(s, x87_sti(insn), empty ? X87_INDEFINITE : x87_get(s, 0));
        x87_pop(s, x87_pops(insn));
    }
}

static void run_free(X86State *s, uint64_t insn)
{
    s->fsw &= ~FSW_C1;
    s->fvalid &= ~(1u << x87_phys(s, x87_sti(insn)));
    if (x87_pops(insn)) {
        x87_pop(s, 1);
    }
}

static void run_move(X86Cpu *cpu, uint64_t insn)
{
    X86State *s = &cpu->s;
    unsigned i = x87_sti(insn);
    switch (x87_op(insn)) {
    case X87_DECSTP:
    case X87_INCSTP:
        x87_flags(cpu, 0, 0);
        x87_move_top(s, x87_op(insn) == X87_INCSTP ? 1 : 7);
        break;
    case X87_FREE:
        run_free(s, insn);
        break;
    case X87_XCH:
        run_xch(cpu, i);
        break;
    case X87_LDST:
        push_checked(cpu, x87_get(s, i), x87_is_empty(s, i));
        break;
    case X87_STST:
    case X87_STST1:
        run_store(cpu, insn);
        break;
    default:
        break;
    }
}

static void run_top(X86Cpu *cpu, uint64_t insn)
{
    unsigned op = x87_op(insn);
    switch (op) {
    case X87_F2XM1: case X87_SQRT: case X87_RNDINT: case X87_CHS:
    case X87_ABS:
        run1(cpu, op);
        break;
    case X87_YL2X: case X87_YL2XP1: case X87_PATAN: case X87_SCALE:
        run2(cpu, op);
        break;
    case X87_PREM: case X87_PREM1:
        run_prem(cpu, op == X87_PREM1);
        break;
    case X87_XTRACT:
        run_xtract(cpu);
        break;
    case X87_SIN: case X87_COS:
        run_sin_cos(cpu, op == X87_SIN);
        break;
    case X87_PTAN: case X87_SINCOS:
        run_two_trig(cpu, op == X87_PTAN);
        break;
    case X87_TST:
        run_tst(cpu);
        break;
    case X87_XAM:
        run_xam(&cpu->s);
        break;
    default:
        run_move(cpu, insn);
        break;
    }
}

uint64_t helper_x87_top(Cpu *c, uint64_t insn, uint64_t ip)
{
    X86Cpu *cpu = x86_cpu(c);
    unsigned op = x87_op(insn);
    x87_wait(cpu);
    if (op <= X87_LDZ) {
        SfRound rounding = cpu->s.fcw >> 10 & 3;
        push_checked(cpu, x80_constant(op, rounding), false);
    } else {
        run_top(cpu, insn);
    }
    x87_note_code(cpu, insn, ip);
    return 0;
}
