/*
 * The table of vector operations. What a row means is written in the files
 * beside this one, a family each, in terms of lanes; docs/devel/vectors.md
 * tells how a row is used.
 */
#include "lanes.h"

/* ORDER vec-op */
const VecInfo vec_ops[VEC_OP_COUNT] = {
#define VEC_OP(name, text, sig, flags, meaning) \
    [VEC_##name] = { text, sig, sizeof(flags) > 1, vec_##name },
#include "base/vec-ops.def"
#undef VEC_OP
};
