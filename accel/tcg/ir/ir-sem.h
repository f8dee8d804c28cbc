/*
 * What the pure ops and the conditions of the IR mean, as functions: the rows of
 * vm/ir-ops.def and vm/ir-conds.def, for operands of 32 and of 64 bits.
 *
 *   sem_ADD32(a, b, k), sem_ADD64(a, b, k)
 *   sem_k_ADD(imm)              the k of an immediate, for both
 *   cond_LT32(a, b), cond_LT64(a, b)
 *
 * Values of 32 bits come and go zero-extended. Included by who evaluates ops one
 * at a time (ir-eval.c) and by who needs one function for each (interp).
 */
#ifndef IR_SEM_H
#define IR_SEM_H

#include "base/bits.h"

/* T, S, W, Z and BITS of the rows. */
#define SEM_TYPES(t, s, w, z, bits)                                        \
    typedef t T;                                                           \
    typedef s S G_GNUC_UNUSED;                                             \
    typedef w W G_GNUC_UNUSED;                                             \
    typedef z Z G_GNUC_UNUSED;                                             \
    enum { BITS = bits };
#define SEM_TYPES_32 SEM_TYPES(uint32_t, int32_t, uint64_t, int64_t, 32)
#define SEM_TYPES_64 \
    SEM_TYPES(uint64_t, int64_t, unsigned __int128, __int128, 64)

#define SEM_FUNCTION(bits, name, result, value)                            \
    static inline uint64_t sem_##name##bits(uint64_t a_, uint64_t b_,      \
                                            uint64_t k)                    \
    {                                                                      \
        SEM_TYPES_##bits                                                   \
        const T a = a_, b G_GNUC_UNUSED = b_;                              \
        const unsigned n G_GNUC_UNUSED = b_ & (BITS - 1);                  \
        const uint64_t v = (value);                                        \
        return result == 'v' ? (T)v : result == '4' ? (uint32_t)v : v;     \
    }

#define IR_OP(name, text, args, result, flags, meaning)
#define IR_PURE(name, text, args, result, flags, k, value)                 \
    SEM_FUNCTION(32, name, result, value)                                  \
    SEM_FUNCTION(64, name, result, value)
#include "vm/ir-ops.def"

#define IR_OP(name, text, args, result, flags, meaning)
#define IR_PURE(name, text, args, result, flags, k, value)                 \
    static inline uint64_t sem_k_##name(uint64_t imm) { return k; }
#include "vm/ir-ops.def"

#define COND_FUNCTION(bits, name, holds)                                   \
    static inline bool cond_##name##bits(uint64_t a_, uint64_t b_)         \
    {                                                                      \
        SEM_TYPES_##bits                                                   \
        const T a = a_, b = b_;                                            \
        return holds;                                                      \
    }
#define IR_COND(name, text, holds)                                         \
    COND_FUNCTION(32, name, holds)                                         \
    COND_FUNCTION(64, name, holds)
#include "vm/ir-conds.def"

#undef COND_FUNCTION
#undef SEM_FUNCTION
#undef SEM_TYPES
#undef SEM_TYPES_32
#undef SEM_TYPES_64

#endif
