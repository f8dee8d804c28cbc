/*
 * What trans-xsave.c tells the helpers of xsave.c.
 */
#ifndef TARGET_I386_XSAVE_H
#define TARGET_I386_XSAVE_H

#include <stdint.h>

/* Saving ones first. */
enum {
    XSAVE_FX, XSAVE_PLAIN, XSAVE_OPT, XSAVE_C, XSAVE_S,
    XSAVE_LAST_STORE = XSAVE_S,
    XRSTOR_FX, XRSTOR_PLAIN, XRSTOR_S
};

/* Operation, segment register, REX.W. */
#define XSAVE_HOW(op, seg, wide) \
    ((uint64_t)(op) | (uint64_t)(seg) << 4 | (uint64_t)(wide) << 8)
#define XSAVE_OP(how) ((unsigned)(how) & 15)
#define XSAVE_SEG(how) ((unsigned)(how) >> 4 & 15)
#define XSAVE_WIDE(how) ((how) >> 8 & 1)

#endif
