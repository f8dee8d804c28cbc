/*
 * A value of a block as the x86_64 back end sees it: what lowering has found out
 * about it (x64-lower.c, x64-narrow.c, x64-groups.c, x64-pair.c), and where it is
 * while code is emitted (x64-alloc.c, x64-vec-alloc.c).
 */
#ifndef ACCEL_TCG_X64_VALUE_H
#define ACCEL_TCG_X64_VALUE_H

#include "vm/ir.h"

#define PINS        8
#define NO_PIN      (-1)

typedef enum ValueForm {
    FORM_OP,               /* computed by its instruction */
    FORM_ALIAS,            /* its root's value */
    FORM_NONE,             /* part of another instruction */
    FORM_LAZY,             /* computed when a fault asks for it */
} ValueForm;

/* Accesses off one base within a TB mostly touch one page. The first of such a
 * group probes the TLB for the range of all; the others use the host address
 * that it found, if it did. Groups may overlap: each has a lane of its own. */
typedef enum GroupRole { GROUP_NONE, GROUP_FIRST, GROUP_NEXT } GroupRole;
#define LANES 4

/* What the operations of both halves of a register of 32 bytes are like, of which
 * the host makes one. */
typedef enum PairKind {
    PAIR_NONE,
    PAIR_LANES,            /* each of its half of all operands */
    PAIR_COUNT,            /* the same, but for the last operand, which they share */
    PAIR_TABLE,            /* the same, but for the first two, which they share */
    PAIR_SAME,             /* both of the same vector */
    PAIR_WIDENS,           /* of the low and the next part of one vector */
    PAIR_MEMORY,           /* loads and stores */
} PairKind;

/* A value, where it is, and what becomes of it. It may be in several places. */
typedef struct Value {
    uint16_t last;         /* instruction of its last use, frames included */
    uint16_t next;         /* of its next use */
    uint16_t uses, address_uses;
    uint32_t stamp;        /* Gen.stamp of the last walk that came here */
    IrVal root;
    uint8_t form;          /* ValueForm */
    bool short_value;      /* the IR says that its upper half is zero */
    bool low;              /* nobody looks at its upper half */
    bool narrow;           /* its op is done in 32 bits */
    bool compares_wide;    /* it compares i64 values */
    bool clean;            /* bits 32 to 63 are known to be zero */
    uint8_t unclean_args;  /* CALL: i32 arguments that are not clean, a bit each */
    uint8_t role;          /* LD, ST: GroupRole */
    uint8_t lane;          /* of its group */
    bool stores;           /* GROUP_FIRST: the group has a store, so that its
                            * page must be one that may be stored to */
    int16_t range_from, range_to; /* GROUP_FIRST: bytes, relative to its own
                            * address */
    uint16_t group_end;    /* GROUP_FIRST: the last access */
    IrVal alike;           /* the first value that is computed the same way */
    int8_t hint;           /* pin that it will be SET to, soon enough to be
                            * computed there */
    uint8_t temp;          /* host register, or HOST_NONE */
    uint8_t pins;          /* a bit a pin */
    int16_t reg;           /* guest register in memory, or -1 */
    int16_t slot;          /* or -1 */
    int8_t vreg;           /* vectors: XMM register, or -1 */
    bool upper;            /* it is the upper half of that YMM register */
    bool second;           /* the upper one of two halves */
    uint8_t pair;          /* PairKind, of the instruction that makes both; the
                            * second one's form is FORM_NONE */
    IrVal twin;            /* the other half, or IR_NO_VAL */
} Value;

#endif
