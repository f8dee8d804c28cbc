/*
 * Vectors: comparison of floating point (SDM vol. 2, CMPPS, COMISS, UCOMISS).
 */
#include "fp.h"

/* Relations as a set: bit 0 less, 1 equal, 2 greater, 3 unordered. */
static inline unsigned relation_bit(SfRelation r)
{
    return 1u << (r + 1);
}
enum { L = 1, E = 2, G = 4, U = 8 };

/* In which relations a predicate of CMPPS holds: EQ LT LE UNORD, NEQ NLT NLE
 * ORD, EQ_UQ NGE NGT FALSE, NEQ_OQ GE GT TRUE. From 16 on they come again. */
static const uint8_t predicate_holds[16] = {
    E,     L,         L | E, U,         L | G | U, E | G | U, G | U, L | E | G,
    E | U, L | U, L | E | U, 0,         L | G,     E | G,     G,     15,
};

static inline bool predicate(SfRelation r, uint32_t imm)
{
    return predicate_holds[imm & 15] & relation_bit(r);
}

/* The middle ones of each four are signalling; from 16 on, the others. */
static inline bool predicate_signals(uint32_t imm)
{
    bool middle = (imm & 3) == 1 || (imm & 3) == 2;
    return middle != (imm >> 4 & 1);
}

#define VEC_FCMP(bits)                                                      \
    static uint64_t compare##bits(const VecArgs *v, unsigned n, SfEnv *e)   \
    {                                                                       \
        SfRelation r = sf##bits##_compare(FP_A(bits, n), FP_B(bits, n),     \
                                          predicate_signals(v->imm), e);    \
        return lane_mask(predicate(r, v->imm));                             \
    }                                                                       \
    VEC_F(FCMP##bits, bits, compare##bits(v, n, &e))                        \
    VEC_FS(FCMP##bits##S, bits, compare##bits(v, 0, &e))
VEC_FCMP(32)
VEC_FCMP(64)

/* ZF, PF and CF, at their places in EFLAGS. */
static uint64_t eflags(SfRelation r)
{
    switch (r) {
    case SF_LESS:
        return 0x01;
    case SF_EQUAL:
        return 0x40;
    case SF_UNORDERED:
        return 0x45;
    default:
        return 0;
    }
}
VEC_FI(FUCOM32, eflags(sf32_compare(FP_A(32, 0), FP_B(32, 0), false, &e)))
VEC_FI(FUCOM64, eflags(sf64_compare(FP_A(64, 0), FP_B(64, 0), false, &e)))
VEC_FI(FCOM32, eflags(sf32_compare(FP_A(32, 0), FP_B(32, 0), true, &e)))
VEC_FI(FCOM64, eflags(sf64_compare(FP_A(64, 0), FP_B(64, 0), true, &e)))
