/*
 * Floating point without a floating-point unit: IEEE 754-2019 arithmetic,
 * x86's and Arm's and RISC-V's ways with NaNs, denormals and flags, and the
 * x87's own functions, computed with integers only. Results, flags included,
 * are the same on every host.
 *
 * Implemented by util/softfloat; called by helpers of targets, by the
 * translator's interpreter and by tests, for which it is the oracle.
 *
 * Every function is pure but for `env->flags`, which it only ever adds to.
 * A caller who wants the flags of one operation clears them first. Values are
 * bit patterns. docs/devel/softfloat.md says how it works.
 */
#ifndef BASE_SOFTFLOAT_H
#define BASE_SOFTFLOAT_H

#include "base/types.h"

typedef uint16_t Sf16;  /* binary16 */
typedef uint16_t SfB16; /* bfloat16: a binary32 cut to 8 bits of precision */
typedef uint32_t Sf32;  /* binary32 */
typedef uint64_t Sf64;  /* binary64 */

/* The x87's double extended format: the integer bit is bit 63 of frac. */
typedef struct Sf80 {
    uint64_t frac;
    uint16_t sign_exp;
} Sf80;

typedef struct Sf128 { /* binary128; sign, exponent are on top of hi */
    uint64_t lo, hi;
} Sf128;

/* The first four are numbered as the RC field of x86 (SDM vol. 1, 4.8.4). */
typedef enum SfRound {
    SF_NEAREST_EVEN,
    SF_DOWN,
    SF_UP,
    SF_ZERO,
    SF_NEAREST_AWAY, /* a tie goes away from zero */
    SF_ODD,          /* an inexact result gets its last bit set */
} SfRound;

/* Flags: the numbers of MXCSR and of the x87 status word. SF_ROUNDED_UP is C1:
 * the magnitude of a result was rounded up. */
enum {
    SF_INVALID = 0x01,
    SF_DENORMAL = 0x02, /* an operand was denormal (x86), or flushed (Arm) */
    SF_DIV_ZERO = 0x04,
    SF_OVERFLOW = 0x08,
    SF_UNDERFLOW = 0x10,
    SF_INEXACT = 0x20,
    SF_ALL = 0x3f,
    SF_ROUNDED_UP = 0x200,
};

/* Which NaN an operation on NaNs returns (always quieted). */
typedef enum SfNanRule {
    SF_NAN_SSE,     /* the first operand that is a NaN (SSE, AVX) */
    SF_NAN_X87,     /* a quiet one before a signalling one, then the larger
                       significand, then the positive one */
    SF_NAN_ARM,     /* a signalling one before a quiet one, then the first; of
                       a fused multiply-add the addend is first */
    SF_NAN_DEFAULT, /* the default NaN (RISC-V; Arm with FPCR.DN) */
} SfNanRule;

/* What becomes of denormal operands. */
typedef enum SfDenormalIn {
    SF_IN_KEEP,       /* used as they are (RISC-V, Arm) */
    SF_IN_FLAG,       /* used, and SF_DENORMAL raised (x86) */
    SF_IN_ZERO,       /* zero of the same sign (MXCSR.DAZ) */
    SF_IN_ZERO_FLAG,  /* zero, and SF_DENORMAL raised (Arm FPCR.FZ) */
} SfDenormalIn;

/* What becomes of results too small to be normal. */
typedef enum SfDenormalOut {
    SF_OUT_KEEP,
    SF_OUT_ZERO_AFTER,  /* zero with underflow and inexact if it is tiny after
                           rounding and underflow is masked (MXCSR.FTZ) */
    SF_OUT_ZERO_BEFORE, /* zero with underflow alone if it is tiny before
                           rounding (Arm FPCR.FZ) */
} SfDenormalOut;

typedef struct SfEnv {
    uint16_t flags;       /* SF_*, accumulated */
    uint8_t unmasked;     /* x86: the SF_* that trap: an exact tiny result
                             underflows; x87 results get a biased exponent */
    uint8_t rounding;     /* SfRound */
    uint8_t nan_rule;     /* SfNanRule */
    uint8_t denormal_in;  /* SfDenormalIn */
    uint8_t denormal_out; /* SfDenormalOut */
    uint8_t precision;    /* of add, sub, mul, div, sqrt of Sf80: 24, 53 or 64
                             bits (x87 PC); 0 is 64 */
    bool tiny_before;     /* tininess is seen before rounding (Arm) */
    bool nan_negative;    /* the default NaN has its sign set (x86) */
} SfEnv;

/* An environment from a control register, all flags clear. */
SfEnv sf_env_sse(uint32_t mxcsr);   /* SDM vol. 1, 10.2.3 */
SfEnv sf_env_x87(uint16_t control); /* SDM vol. 1, 8.1.5 */
/* frm or rm 0..4 (RISC-V "F", 11.2); any other number is our mistake. */
SfEnv sf_env_riscv(unsigned rm);
/* FPCR: RMode, FZ (FZ16 for Sf16 when `half`), DN (Arm ARM, C5.2.8). */
SfEnv sf_env_arm(uint32_t fpcr, bool half);

/* The flags of one operation as a processor tells them. Where an unmasked
 * invalid, denormal or division by zero stops it before it computes, what
 * computing would have raised is left out (SDM vol. 1, 4.9.2). */
unsigned sf_flags_told(const SfEnv *env);

/* What a value is. The last four exist in Sf80 only (SDM vol. 1, 8.2.2); all
 * but the pseudo-denormal are invalid operands. */
typedef enum SfClass {
    SF_CLASS_ZERO,
    SF_CLASS_DENORMAL,
    SF_CLASS_NORMAL,
    SF_CLASS_INF,
    SF_CLASS_QNAN,
    SF_CLASS_SNAN,
    SF_CLASS_PSEUDO_DENORMAL, /* exponent 0, integer bit set */
    SF_CLASS_UNNORMAL,        /* integer bit clear */
    SF_CLASS_PSEUDO_INF,
    SF_CLASS_PSEUDO_NAN,
} SfClass;

typedef enum SfRelation {
    SF_LESS = -1,
    SF_EQUAL = 0,
    SF_GREATER = 1,
    SF_UNORDERED = 2,
} SfRelation;

/* Rules of minimum and maximum. */
typedef enum SfMinMax {
    SF_MM_X86,            /* MINPS: the second operand if either is a NaN
                             (invalid) or both are zeros */
    SF_MM_NUM_2008,       /* minNum: a number before a quiet NaN; -0 < +0
                             (Arm FMINNM) */
    SF_MM_NUMBER_2019,    /* minimumNumber: a number before any NaN (RISC-V) */
    SF_MM_PROPAGATE_2019, /* minimum: a NaN before any number (Arm FMIN) */
} SfMinMax;

/* How a number becomes an integer of `bits` bits, or-ed together: SF_INT(32),
 * SF_INT(64) | SF_INT_UNSIGNED | SF_INT_TRUNCATE, ... */
#define SF_INT(bits) (bits) /* 8..64 */
enum {
    SF_INT_BITS = 0x7f,
    SF_INT_UNSIGNED = 0x80,
    SF_INT_TRUNCATE = 0x100,   /* toward zero, whatever env->rounding */
    SF_INT_INDEFINITE = 0x200, /* NaN and out of range: x86's 80..0h (all ones
                                  if unsigned); otherwise they saturate */
    SF_INT_NAN_ZERO = 0x400,   /* saturating: NaN is 0 (Arm), else the largest
                                  integer (RISC-V) */
    SF_INT_WRAP = 0x800,       /* out of range: modulo 2^bits, NaN 0 (FJCVTZS) */
    SF_INT_QUIET = 0x1000,     /* SF_INEXACT is not raised */
};

/* Options of fused multiply-add, a * b + c. Among NaNs, x86 takes the first of
 * a, b, c where its 132 forms pass operands (1, 3, 2), 213 (2, 1, 3), 231 (2,
 * 3, 1). */
enum {
    SF_FMA_NEG_PRODUCT = 1,
    SF_FMA_NEG_ADDEND = 2,
    SF_FMA_NEG_RESULT = 4, /* after rounding (a NaN is not negated) */
};

/*
 * The operations that all formats have; T is the format's type and p its
 * prefix: sf16_add, sfb16_add, sf32_add, sf64_add, sf80_add, sf128_add ...
 *
 *   add sub mul div sqrt   rounded by env
 *   fma          a * b + c rounded once; `how` is SF_FMA_*
 *   remainder    IEEE's a - b * n, n the integer nearest to a / b
 *   round_int    to an integer in the same format; SF_INEXACT only if `inexact`
 *   scalbn       a * 2^n
 *   logb         the exponent of a as a number; -inf and SF_DIV_ZERO for 0
 *   min max      by one of the rules of SfMinMax
 *   compare      a quiet NaN is invalid only if `signalling`
 *   quiet        a with its NaN made quiet, SF_INVALID if it was signalling
 *   default_nan  what invalid operations return
 *   classify     without side effects; denormals are not flushed
 *   to_int       `how` is SF_INT_*; a signed result is sign-extended
 *   from_int64 from_uint64   rounded by env
 */
#define SF_DECLARE(T, p)                                      \
    T p##_add(T a, T b, SfEnv *env);                          \
    T p##_sub(T a, T b, SfEnv *env);                          \
    T p##_mul(T a, T b, SfEnv *env);                          \
    T p##_div(T a, T b, SfEnv *env);                          \
    T p##_sqrt(T a, SfEnv *env);                              \
    T p##_fma(T a, T b, T c, unsigned how, SfEnv *env);       \
    T p##_remainder(T a, T b, SfEnv *env);                    \
    T p##_round_int(T a, SfRound r, bool inexact, SfEnv *env); \
    T p##_scalbn(T a, int n, SfEnv *env);                     \
    T p##_logb(T a, SfEnv *env);                              \
    T p##_min(T a, T b, SfMinMax rule, SfEnv *env);           \
    T p##_max(T a, T b, SfMinMax rule, SfEnv *env);           \
    T p##_quiet(T a, SfEnv *env);                             \
    T p##_default_nan(const SfEnv *env);                      \
    SfRelation p##_compare(T a, T b, bool signalling, SfEnv *env); \
    SfClass p##_classify(T a);                                \
    uint64_t p##_to_int(T a, unsigned how, SfEnv *env);       \
    T p##_from_int64(int64_t i, SfEnv *env);                  \
    T p##_from_uint64(uint64_t i, SfEnv *env);

SF_DECLARE(Sf16, sf16)
SF_DECLARE(SfB16, sfb16)
SF_DECLARE(Sf32, sf32)
SF_DECLARE(Sf64, sf64)
SF_DECLARE(Sf80, sf80)
SF_DECLARE(Sf128, sf128)

/* Conversion from each format to each other, rounded by env: sf32_to_sf64 ...
 * A NaN keeps its payload from the left. (x87's FLD and FST of 80 bits copy
 * and do not come here.) */
#define SF_DECLARE_TO(T, p, U, q) U p##_to_##q(T a, SfEnv *env);
#define SF_CONVERSIONS(_)                                           \
    _(Sf16, sf16, SfB16, sfb16) _(Sf16, sf16, Sf32, sf32)           \
    _(Sf16, sf16, Sf64, sf64) _(Sf16, sf16, Sf80, sf80)             \
    _(Sf16, sf16, Sf128, sf128) _(SfB16, sfb16, Sf16, sf16)         \
    _(SfB16, sfb16, Sf32, sf32) _(SfB16, sfb16, Sf64, sf64)         \
    _(SfB16, sfb16, Sf80, sf80) _(SfB16, sfb16, Sf128, sf128)       \
    _(Sf32, sf32, Sf16, sf16) _(Sf32, sf32, SfB16, sfb16)           \
    _(Sf32, sf32, Sf64, sf64) _(Sf32, sf32, Sf80, sf80)             \
    _(Sf32, sf32, Sf128, sf128) _(Sf64, sf64, Sf16, sf16)           \
    _(Sf64, sf64, SfB16, sfb16) _(Sf64, sf64, Sf32, sf32)           \
    _(Sf64, sf64, Sf80, sf80) _(Sf64, sf64, Sf128, sf128)           \
    _(Sf80, sf80, Sf16, sf16) _(Sf80, sf80, SfB16, sfb16)           \
    _(Sf80, sf80, Sf32, sf32) _(Sf80, sf80, Sf64, sf64)             \
    _(Sf80, sf80, Sf128, sf128) _(Sf128, sf128, Sf16, sf16)         \
    _(Sf128, sf128, SfB16, sfb16) _(Sf128, sf128, Sf32, sf32)       \
    _(Sf128, sf128, Sf64, sf64) _(Sf128, sf128, Sf80, sf80)
SF_CONVERSIONS(SF_DECLARE_TO)

/* RCPSS and RSQRTSS: within 1.5 * 2^-12 of 1/a and 1/sqrt(a), the same on
 * every host; no flags, no environment: denormals are zeros. */
Sf32 sf32_rcp_estimate(Sf32 a);
Sf32 sf32_rsqrt_estimate(Sf32 a);

/* What FPREM and FPREM1 leave (SDM vol. 2). */
typedef struct SfPrem {
    Sf80 rest;
    uint8_t quotient; /* low three bits, for C1, C3 and C0; 0 if partial */
    bool partial;     /* C2: the reduction is not finished */
} SfPrem;

/* One step of FPREM (truncating) or FPREM1 (`nearest`). */
SfPrem sf80_prem(Sf80 a, Sf80 b, bool nearest, SfEnv *env);

/* FXTRACT: returns the exponent and stores the significand (-0 -> -inf, -0). */
Sf80 sf80_xtract(Sf80 a, Sf80 *significand, SfEnv *env);

/* FSCALE: a * 2^trunc(b). */
Sf80 sf80_scale(Sf80 a, Sf80 b, SfEnv *env);

/* FBLD and FBSTP: ten bytes of packed decimal (SDM vol. 1, 4.7). What does not
 * fit or is no number becomes the indefinite with SF_INVALID. */
Sf80 sf80_from_bcd(const uint8_t bcd[10]);
void sf80_to_bcd(Sf80 a, uint8_t bcd[10], SfEnv *env);

/* The x87's functions, within 0.51 units of the 64th bit of the mathematical
 * result of the (reduced) operand. PC does not bear on them. */
Sf80 sf80_f2xm1(Sf80 a, SfEnv *env);            /* 2^a - 1, |a| <= 1 */
Sf80 sf80_yl2x(Sf80 x, Sf80 y, SfEnv *env);     /* y * log2(x) */
Sf80 sf80_yl2xp1(Sf80 x, Sf80 y, SfEnv *env);   /* y * log2(x + 1) */
Sf80 sf80_patan(Sf80 x, Sf80 y, SfEnv *env);    /* angle of the point (x, y) */
/* The trigonometric ones return false, and store and flag nothing, if |a| >=
 * 2^63 (C2). sincos may be given a null for what is not wanted. */
bool sf80_sincos(Sf80 a, Sf80 *sine, Sf80 *cosine, SfEnv *env);
bool sf80_tan(Sf80 a, Sf80 *tangent, SfEnv *env);

#endif
