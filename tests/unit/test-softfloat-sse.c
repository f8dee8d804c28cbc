/*
 * Softfloat beside the host's SSE, FMA, F16C and AVX512-FP16: every result and
 * every flag, in all rounding modes, with FTZ and DAZ. Rows that the host's
 * processor lacks are skipped by name.
 */
#include "softfloat-operands.h"

#include <cpuid.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

typedef uint64_t (*HostFn)(uint64_t a, uint64_t b, uint64_t c,
                           uint32_t *mxcsr);
typedef uint64_t (*OurFn)(uint64_t a, uint64_t b, uint64_t c, SfEnv *env);

#define HOST(name, insn)                                                    \
    static uint64_t host_##name(uint64_t a, uint64_t b, uint64_t c,         \
                                uint32_t *mxcsr)                            \
    {                                                                       \
        uint64_t r = a;                                                     \
        uint32_t usual = 0x1f80;                                            \
        __asm__ volatile("movq %[r], %%xmm0\n movq %[b], %%xmm1\n"          \
                         "movq %[c], %%xmm2\n ldmxcsr %[csr]\n" insn "\n"   \
                         "stmxcsr %[csr]\n ldmxcsr %[usual]"                \
                         : [r] "+&r"(r), [csr] "+m"(*mxcsr)                 \
                         : [b] "r"(b), [c] "r"(c), [usual] "m"(usual)       \
                         : "xmm0", "xmm1", "xmm2", "cc", "memory");         \
        return r;                                                           \
    }
#define OURS(name, expr)                                                    \
    static uint64_t our_##name(uint64_t a, uint64_t b, uint64_t c,          \
                               SfEnv *env)                                  \
    {                                                                       \
        return expr;                                                        \
    }
/* An instruction with its result in xmm0. */
#define ROW(name, insn, expr)                                               \
    HOST(name, insn "\n movq %%xmm0, %[r]") OURS(name, expr)
/* One with its result in a register or in flags. */
#define ROW_R(name, insn, expr) HOST(name, insn) OURS(name, expr)

#define XY "%%xmm1, %%xmm0"
#define XYZ "%%xmm1, %%xmm0, %%xmm0"
#define XYZ3 "%%xmm2, %%xmm1, %%xmm0"
#define JUST "%%xmm0, %%xmm0"

#define FORMAT_ROWS(s, p)                                                   \
    ROW(add##s, "add" #s " " XY, p##_add(a, b, env))                        \
    ROW(sub##s, "sub" #s " " XY, p##_sub(a, b, env))                        \
    ROW(mul##s, "mul" #s " " XY, p##_mul(a, b, env))                        \
    ROW(div##s, "div" #s " " XY, p##_div(a, b, env))                        \
    ROW(sqrt##s, "sqrt" #s " " JUST, p##_sqrt(a, env))                      \
    ROW(min##s, "min" #s " " XY, p##_min(a, b, SF_MM_X86, env))             \
    ROW(max##s, "max" #s " " XY, p##_max(a, b, SF_MM_X86, env))             \
    ROW(round##s, "round" #s " $4, " JUST,                                  \
        p##_round_int(a, env->rounding, true, env))                         \
    ROW(floor##s, "round" #s " $9, " JUST,                                  \
        p##_round_int(a, SF_DOWN, false, env))                              \
    ROW(fmadd132##s, "vfmadd132" #s " " XYZ3,                               \
        p##_fma(a, c, b, 0, env))                                  \
    ROW(fmsub213##s, "vfmsub213" #s " " XYZ3,                               \
        p##_fma(b, a, c, SF_FMA_NEG_ADDEND, env))              \
    ROW(fnmadd231##s, "vfnmadd231" #s " " XYZ3,                             \
        p##_fma(b, c, a, SF_FMA_NEG_PRODUCT, env))             \
    ROW_R(comi##s, "comi" #s " " XY "\n" RELATION,                          \
          relation(p##_compare(a, b, true, env)))                           \
    ROW_R(ucomi##s, "ucomi" #s " " XY "\n" RELATION,                        \
          relation(p##_compare(a, b, false, env)))                          \
    ROW_R(cvt##s##2si, "cvt" #s "2si %%xmm0, %k[r]\n mov %k[r], %k[r]",     \
          (uint32_t)p##_to_int(a, SF_INT(32) | SF_INT_INDEFINITE, env))     \
    ROW_R(cvt##s##2siq, "cvt" #s "2si %%xmm0, %[r]",                        \
          p##_to_int(a, SF_INT(64) | SF_INT_INDEFINITE, env))               \
    ROW_R(cvtt##s##2siq, "cvtt" #s "2si %%xmm0, %[r]",                      \
          p##_to_int(a, SF_INT(64) | SF_INT_INDEFINITE | SF_INT_TRUNCATE,   \
                     env))                                                  \
    ROW_R(cvt##s##2usi, "vcvt" #s "2usi %%xmm0, %[r]",                      \
          p##_to_int(a, SF_INT(64) | SF_INT_INDEFINITE | SF_INT_UNSIGNED,   \
                     env))                                                  \
    ROW(cvtsi2##s, "cvtsi2" #s "q %[b], %%xmm0", p##_from_int64(b, env))    \
    ROW(cvtusi2##s, "vcvtusi2" #s "q %[b], %%xmm0, %%xmm0",                 \
        p##_from_uint64(b, env))                                            \
    ROW(getexp##s, "vgetexp" #s " %%xmm0, %%xmm0, %%xmm0",                  \
        getexp_##p(a, env))

/* CF, ZF and PF as COMISS sets them. */
#define RELATION                                                            \
    "setc %b[r]\n movzbl %b[r], %k[r]\n jp 1f\n jnz 2f\n add $2, %k[r]\n"   \
    "jmp 2f\n 1: mov $7, %k[r]\n 2:"

static uint64_t relation(SfRelation r)
{
    return r == SF_UNORDERED ? 7 : r == SF_LESS ? 1 : r == SF_EQUAL ? 2 : 0;
}

/* VGETEXP of 0 raises nothing; else it is logb. */
static uint64_t getexp_sf32(Sf32 a, SfEnv *env)
{
    unsigned divided = ~env->flags & SF_DIV_ZERO;
    Sf32 r = sf32_logb(a, env);
    env->flags &= ~divided;
    return r;
}

static uint64_t getexp_sf64(Sf64 a, SfEnv *env)
{
    unsigned divided = ~env->flags & SF_DIV_ZERO;
    Sf64 r = sf64_logb(a, env);
    env->flags &= ~divided;
    return r;
}

FORMAT_ROWS(ss, sf32)
FORMAT_ROWS(sd, sf64)
ROW(cvtss2sd, "cvtss2sd %%xmm0, %%xmm0", sf32_to_sf64(a, env))
ROW(cvtsd2ss, "cvtsd2ss %%xmm0, %%xmm0", sf64_to_sf32(a, env))

/* F16C ignores FTZ, and raises no #D for a half (SDM vol. 2, VCVTPH2PS). */
static uint64_t half_to_single(Sf16 a, SfEnv *env)
{
    env->denormal_in = SF_IN_KEEP;
    return sf16_to_sf32(a, env);
}

static uint64_t single_to_half(Sf32 a, SfEnv *env)
{
    env->denormal_out = SF_OUT_KEEP;
    return sf32_to_sf16(a, env);
}
ROW(cvtph2ps, "vcvtph2ps %%xmm0, %%xmm0", half_to_single(a, env))
ROW(cvtps2ph, "movss %%xmm0, %%xmm1\n xorps %%xmm0, %%xmm0\n"
    "movss %%xmm1, %%xmm0\n vcvtps2ph $4, %%xmm0, %%xmm0",
    single_to_half(a, env))

/* AVX512-FP16 ignores FTZ and DAZ. */
#define HALF(call)                                                          \
    (env->denormal_in = SF_IN_FLAG, env->denormal_out = SF_OUT_KEEP, call)
ROW(addsh, "vaddsh " XYZ, HALF(sf16_add(a, b, env)))
ROW(subsh, "vsubsh " XYZ, HALF(sf16_sub(a, b, env)))
ROW(mulsh, "vmulsh " XYZ, HALF(sf16_mul(a, b, env)))
ROW(divsh, "vdivsh " XYZ, HALF(sf16_div(a, b, env)))
ROW(sqrtsh, "vsqrtsh %%xmm0, %%xmm0, %%xmm0", HALF(sf16_sqrt(a, env)))
ROW(fmadd132sh, "vfmadd132sh " XYZ3,
    HALF(sf16_fma(a, c, b, 0, env)))
ROW(cvtsh2sd, "vcvtsh2sd %%xmm0, %%xmm0, %%xmm0", HALF(sf16_to_sf64(a, env)))
ROW(cvtsd2sh, "vcvtsd2sh %%xmm0, %%xmm0, %%xmm0",
    (env->denormal_out = SF_OUT_KEEP, sf64_to_sf16(a, env)))

/* Intel's estimates are ours; AMD's are others. */
ROW(rcpss, "rcpss %%xmm0, %%xmm0", sf32_rcp_estimate(a))
ROW(rsqrtss, "rsqrtss %%xmm0, %%xmm0", sf32_rsqrt_estimate(a))

typedef enum Needs { INTEL, SSE, FMA, F16C, AVX512, FP16 } Needs;

typedef struct Row {
    const char *name;
    HostFn host;
    OurFn ours;
    uint8_t in, out; /* bits of operands and result; 0: an integer */
    uint8_t needs;
} Row;

#define R(n, in, out, needs) { #n, host_##n, our_##n, in, out, needs }
#define FORMAT_TABLE(s, w)                                                  \
    R(add##s, w, w, SSE), R(sub##s, w, w, SSE), R(mul##s, w, w, SSE),       \
    R(div##s, w, w, SSE), R(sqrt##s, w, w, SSE), R(min##s, w, w, SSE),      \
    R(max##s, w, w, SSE), R(round##s, w, w, SSE), R(floor##s, w, w, SSE),   \
    R(fmadd132##s, w, w, FMA), R(fmsub213##s, w, w, FMA),                   \
    R(fnmadd231##s, w, w, FMA), R(comi##s, w, 64, SSE),                     \
    R(ucomi##s, w, 64, SSE), R(cvt##s##2si, w, 64, SSE),                    \
    R(cvt##s##2siq, w, 64, SSE), R(cvtt##s##2siq, w, 64, SSE),              \
    R(cvt##s##2usi, w, 64, AVX512), R(cvtsi2##s, 0, w, SSE),                \
    R(cvtusi2##s, 0, w, AVX512), R(getexp##s, w, w, AVX512)

static const Row rows[] = {
    FORMAT_TABLE(ss, 32), FORMAT_TABLE(sd, 64),
    R(cvtss2sd, 32, 64, SSE), R(cvtsd2ss, 64, 32, SSE),
    R(cvtph2ps, 16, 32, F16C), R(cvtps2ph, 32, 16, F16C),
    R(addsh, 16, 16, FP16), R(subsh, 16, 16, FP16), R(mulsh, 16, 16, FP16),
    R(divsh, 16, 16, FP16), R(sqrtsh, 16, 16, FP16),
    R(fmadd132sh, 16, 16, FP16), R(cvtsh2sd, 16, 64, FP16),
    R(cvtsd2sh, 64, 16, FP16), R(rcpss, 32, 32, INTEL),
    R(rsqrtss, 32, 32, INTEL),
};

static bool host_has(Needs needs)
{
    unsigned a, b, c, d;
    switch (needs) {
    case INTEL:
        return __builtin_cpu_is("intel");
    case FMA:
        return __builtin_cpu_supports("fma");
    case F16C:
        return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) &&
               __builtin_cpu_supports("avx");
    case AVX512:
        return __builtin_cpu_supports("avx512f");
    case FP16:
        return __builtin_cpu_supports("avx512f") &&
               __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & BIT(23));
    default:
        return __builtin_cpu_supports("sse4.1");
    }
}

static uint64_t next_operand(Operands *o, unsigned bits)
{
    switch (bits) {
    case 16:
        return operands_next(o, 5, 10);
    case 32:
        return operands_next(o, 8, 23);
    case 64:
        return operands_next(o, 11, 52);
    default:
        return operands_integer(o);
    }
}

static void check(const Row *row, const uint64_t v[3], uint32_t mxcsr)
{
    uint32_t csr = mxcsr;
    uint64_t mask = bits_mask(row->out);
    uint64_t theirs = row->host(v[0], v[1], v[2], &csr) & mask;
    SfEnv env = sf_env_sse(mxcsr);
    uint64_t mine = row->ours(v[0], v[1], v[2], &env) & mask;
    if (mine != theirs || (env.flags & SF_ALL) != (csr & SF_ALL)) {
        g_test_message("%s %" PRIx64 " %" PRIx64 " %" PRIx64 " mxcsr %x: "
                       "%" PRIx64 " flags %02x, host %" PRIx64 " flags %02x",
                       row->name, v[0], v[1], v[2], mxcsr, mine,
                       env.flags & SF_ALL, theirs, csr & SF_ALL);
        g_test_fail();
    }
}

static void test_row(gconstpointer data)
{
    const Row *row = data;
    if (!host_has(row->needs)) {
        g_test_skip("the host's processor lacks it");
        return;
    }
    Operands o = { .rand = g_rand_new_with_seed(g_test_rand_int()) };
    unsigned cases = operands_cases(3000);
    for (unsigned i = 0; i < cases && !g_test_failed(); i++) {
        unsigned in = row->in;
        uint64_t v[3] = { next_operand(&o, in), next_operand(&o, in),
                          next_operand(&o, in) };
        uint32_t mxcsr = 0x1f80 | (operands_random(&o) & 3) << 13;
        mxcsr |= i & 1 ? 0 : operands_random(&o) & 0x8040;
        check(row, v, mxcsr);
    }
    g_rand_free(o.rand);
}

/* MXCSR as SIGFPE finds it, and the way out of an instruction that traps. */
static sigjmp_buf trap_exit;
static volatile uint32_t trap_mxcsr;

static void trap_taken(int number, siginfo_t *info, void *context)
{
    const ucontext_t *at = context;
    uint32_t usual = 0x1f80;
    trap_mxcsr = at->uc_mcontext.fpregs->mxcsr;
    __asm__ volatile("ldmxcsr %0" : : "m"(usual));
    siglongjmp(trap_exit, 1);
}

/* The flags that the host raises, whether it traps or not. */
static unsigned host_flags(const Row *row, const uint64_t v[3], uint32_t mxcsr)
{
    volatile uint32_t csr = mxcsr;
    if (sigsetjmp(trap_exit, 1)) {
        return trap_mxcsr & SF_ALL;
    }
    row->host(v[0], v[1], v[2], (uint32_t *)&csr);
    return csr & SF_ALL;
}

static void check_trap(const Row *row, const uint64_t v[3], uint32_t mxcsr)
{
    unsigned theirs = host_flags(row, v, mxcsr);
    SfEnv env = sf_env_sse(mxcsr);
    row->ours(v[0], v[1], v[2], &env);
    if (theirs != sf_flags_told(&env)) {
        g_test_message("%s %" PRIx64 " %" PRIx64 " %" PRIx64 " mxcsr %x: "
                       "flags %02x, host %02x", row->name, v[0], v[1], v[2],
                       mxcsr, sf_flags_told(&env), theirs);
        g_test_fail();
    }
}

/* Which flags are raised, with random exceptions unmasked. (AVX512-FP16 calls
 * an unmasked underflow inexact by its denormal result, unlike all else.) */
static void test_traps(void)
{
    Operands o = { .rand = g_rand_new_with_seed(g_test_rand_int()) };
    struct sigaction action = { .sa_sigaction = trap_taken,
                                .sa_flags = SA_SIGINFO }, old;
    sigaction(SIGFPE, &action, &old);
    for (unsigned i = 0; i < operands_cases(500) * G_N_ELEMENTS(rows); i++) {
        const Row *row = &rows[i % G_N_ELEMENTS(rows)];
        unsigned in = row->in;
        uint64_t v[3] = { next_operand(&o, in), next_operand(&o, in),
                          next_operand(&o, in) };
        uint32_t mxcsr = operands_random(&o) & 0x1f80;
        mxcsr |= operands_random(&o) & 0x6000;
        mxcsr |= i & 1 ? 0 : operands_random(&o) & 0x8040;
        if (row->needs != FP16 && host_has(row->needs) &&
            !g_test_failed()) {
            check_trap(row, v, mxcsr);
        }
    }
    sigaction(SIGFPE, &old, NULL);
    g_rand_free(o.rand);
}

/* Every half there is, for the rows of one operand. */
static void test_all_halves(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        const Row *row = &rows[i];
        for (uint64_t v = 0; row->in == 16 && v < 0x10000; v++) {
            if (host_has(row->needs)) {
                check(row, (uint64_t[3]){ v, v, v }, 0x1f80);
            }
        }
    }
}

/* An estimate depends on the exponent and few bits of the fraction. */
static void test_estimates(void)
{
    if (!host_has(INTEL)) {
        g_test_skip("the host's estimates are others");
        return;
    }
    for (uint64_t v = 0; v <= UINT32_MAX; v += 0x5ff) {
        uint32_t csr = 0x1f80;
        g_assert_cmphex((uint32_t)host_rcpss(v, 0, 0, &csr), ==,
                        sf32_rcp_estimate(v));
        g_assert_cmphex((uint32_t)host_rsqrtss(v, 0, 0, &csr), ==,
                        sf32_rsqrt_estimate(v));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/softfloat/sse/%s",
                                                rows[i].name);
        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/softfloat/sse/all-halves", test_all_halves);
    g_test_add_func("/softfloat/sse/traps", test_traps);
    g_test_add_func("/softfloat/sse/estimates", test_estimates);
    return g_test_run();
}
