/*
 * Operations on the double extended format of x87 and 68881, one table for
 * targets and back ends, as base/vector.h is for vectors.
 *
 * Implemented by util/softfloat/x80.c, which is what they mean: the interpreter
 * calls it, and a native back end that has such a unit does the same with
 * instructions. Targets write IR that names rows (vm/ir.h).
 */
#ifndef BASE_X80_H
#define BASE_X80_H

#include "base/softfloat.h"

typedef enum X80Op {
#define X80_OP(name, text, sig, c1, meaning) X80_##name,
#include "base/x80-ops.def"
#undef X80_OP
    X80_OP_COUNT
} X80Op;

/* Of X80_CONST, in the order of FLD1 to FLDZ (SDM vol. 1, 8.3.4). */
typedef enum X80Const {
    X80_K_1, X80_K_LOG2_10, X80_K_LOG2_E, X80_K_PI, X80_K_LOG10_2,
    X80_K_LN_2, X80_K_0, X80_K_COUNT
} X80Const;

typedef enum X80C1 { X80_C1_ROUND, X80_C1_CLEAR, X80_C1_KEEP } X80C1;

typedef struct X80Info {
    const char *name;      /* as in IR text */
    const char *sig;
    X80C1 c1;
} X80Info;

extern const X80Info x80_ops[X80_OP_COUNT];

typedef struct X80Args {
    Sf80 a, b, out;
    uint64_t x, r;         /* integer operand; result, zero-extended */
    unsigned imm;
} X80Args;

/* Does a row's operation. env, whose exceptions are all masked, gets the flags:
 * SF_ALL are added, SF_ROUNDED_UP becomes what the row says. */
void x80_do(X80Op op, X80Args *v, SfEnv *env);

/* How a number is in memory; Tn: integers, stored truncated. */
typedef enum X80Kind {
    X80_F32, X80_F64, X80_F80, X80_I16, X80_I32, X80_I64,
    X80_T16, X80_T32, X80_T64
} X80Kind;

/* Memory's bytes, the low 8 and the rest, as a number and back; flags as with
 * x80_do(): loading is CLEAR and storing ROUND. */
Sf80 x80_load(X80Kind kind, const uint64_t bytes[2], SfEnv *env);
void x80_store(X80Kind kind, Sf80 v, uint64_t bytes[2], SfEnv *env);

/* A number of 32 or 64 bits in 80, a signalling NaN still signalling. A denormal
 * is a normal number then: whether it was one is told. No flags. */
Sf80 x80_widen(X80Kind kind, uint64_t v, bool *denormal);
/* A constant (X80Const) as an environment rounds it; no flags (8.3.4). */
Sf80 x80_constant(X80Const k, SfRound rounding);

#endif
