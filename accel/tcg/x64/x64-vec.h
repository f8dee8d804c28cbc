/*
 * What the rooms of vector operations share: x64-vec.c (the table, vectors to
 * vectors), x64-vec-int.c (vectors and integers), x64-vec-special.c (multiply and
 * add, strings, permutations), x64-vec-portable.c (the row's function).
 */
#ifndef ACCEL_TCG_X64_VEC_H
#define ACCEL_TCG_X64_VEC_H

#include "x64-gen.h"
#include "x64-host.h"
#include "x64-vec-emit.h"

typedef enum VecForm {
    FORM_NO_ROW,
    FORM_2,                /* vector = vector op vector */
    FORM_2_IMM,            /* the same by the row's immediate */
    FORM_MOVE,             /* FORM_2 and FORM_2_IMM whose forms with memory do */
    FORM_MOVE_IMM,         /* something else */
    FORM_1,                /* vector = op vector */
    FORM_1_IMM,
    FORM_1_CONST,          /* by an immediate of the table */
    FORM_SHIFT,            /* /digit in the table, by the immediate */
    FORM_BLENDV,           /* three vectors, the last in an immediate */
    FORM_ZLO32,
    FORM_LEGACY,           /* FORM_2 that has no VEX form */
    FORM_LEGACY_IMM,
    FORM_LEGACY_XMM0,      /* the same with a third operand, in XMM0 */
    FORM_FROM,             /* vector = integer */
    FORM_INT,              /* vector = vector op integer */
    FORM_INS,              /* the same by an immediate */
    FORM_TO,               /* integer = op vector */
    FORM_TO_IMM,
    FORM_EXT,              /* the same, encoded like a store */
    FORM_TEST,             /* integer from ZF and CF of a comparison */
    FORM_COM,              /* integer from ZF, PF and CF */
    FORM_CMP,              /* FORM_2_IMM whose upper predicates are AVX's */
    FORM_FMA,
    FORM_F16,              /* FORM_1_IMM, encoded like a store */
    FORM_STRI,             /* PCMPISTRI and PCMPESTRI */
    FORM_STRM,             /* the same for a mask, which comes in XMM0 */
    FORM_PERM8X32,
} VecForm;

typedef struct VecNative {
    uint8_t form;          /* VecForm */
    uint8_t k;
    uint16_t need;
    uint32_t code;
} VecNative;

/* A row of x64-vec-wide.def. */
typedef struct VecWide {
    uint8_t kind;          /* PairKind, or PAIR_NONE */
    uint8_t bits;
    uint32_t code;
} VecWide;

/* An operation being compiled. */
typedef struct Op {
    const IrInst *i;
    const VecNative *row;
    uint32_t code;
    bool wide;
    unsigned imm;
} Op;

static inline bool has_avx(const Gen *g)
{
    return g->x->features & HOST_AVX;
}

/* How a multiply and add is done: the operand that the result overwrites, the two
 * others in their places, the opcode. */
typedef struct VecFma {
    uint8_t keeps, factor, last;
    uint32_t code;
} VecFma;
VecFma x64_vec_fma_form(Gen *g, const Op *o);

/* How the host does an operation for both halves of 32 bytes; NULL: not at
 * once. */
const VecWide *x64_vec_wide(const Gen *g, const IrInst *i);
/* Compiles such an operation. */
void x64_vec_pair_op(Gen *g, const Op *o);

/* The instruction, as VEX where the host has it. */
void x64_vec_emit(Gen *g, const Op *o, unsigned reg, unsigned vvvv, unsigned rm);
/* The same with a last operand that may be in memory. */
void x64_vec_emit_src(Gen *g, const Op *o, unsigned reg, unsigned vvvv,
                      VecSrc b);

/* Each compiles the operations of one form. */
void x64_vec_from(Gen *g, const Op *o);
void x64_vec_int(Gen *g, const Op *o);
void x64_vec_to(Gen *g, const Op *o);
void x64_vec_ext(Gen *g, const Op *o);
void x64_vec_test(Gen *g, const Op *o);
void x64_vec_com(Gen *g, const Op *o);
void x64_vec_fma(Gen *g, const Op *o);
void x64_vec_stri(Gen *g, const Op *o);
void x64_vec_strm(Gen *g, const Op *o);
void x64_vec_perm8x32(Gen *g, const Op *o);
/* By a call of the row's function. */
void x64_vec_portable(Gen *g, const IrInst *i);

/* The lowest lane of 32 or 64 bits, which every host can get at. */
bool x64_vec_is_movd(const Op *o);
/* True if the host multiplies and adds with these signs. */
bool x64_vec_fma_exists(unsigned imm);
/* dst = 1 if the condition holds, else 0. */
void x64_vec_setcc(Gen *g, unsigned cc, unsigned dst);

#endif
