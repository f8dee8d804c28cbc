/*
 * The host processor's own instructions for rows of the vector table, for tests
 * on x86-64 to compare with: one line of vector-host.def each.
 */
#ifndef VECTOR_HOST_H
#define VECTOR_HOST_H

#include "base/vector.h"

typedef enum HostNeeds {
    NEEDS_SSE, /* up to SSE4.2 */
    NEEDS_AVX,
    NEEDS_AVX2,
    NEEDS_FMA,
    NEEDS_F16C,
    NEEDS_AES,
    NEEDS_PCLMUL,
    NEEDS_SHA,
    NEEDS_GFNI,
    NEEDS_INTEL, /* where the manual leaves bits open: estimates, DPPS's NaN */
} HostNeeds;

typedef enum HostOperands {
    OPERANDS_BITS,
    OPERANDS_COUNT,   /* b's low word is mostly a small number */
    OPERANDS_COUNTS,  /* b's lanes of 32 bits are */
    OPERANDS_WORDS16, /* integers of so many bits, often small */
    OPERANDS_WORDS32,
    OPERANDS_STRING,
    OPERANDS_F16,
    OPERANDS_F32,
    OPERANDS_F64,
} HostOperands;

typedef struct HostRow {
    const char *name; /* ROW/tag */
    VecOp op;
    HostNeeds needs;
    HostOperands operands;
    uint8_t imm_bits;  /* of the instruction's imm8 that are tried */
    uint32_t imm_more; /* or-ed to it, for the row */
    /* Machine code, up to the imm8's end and to the end of all. */
    const uint8_t *code, *code_imm, *code_end;
} HostRow;

extern const HostRow host_rows[];
extern const unsigned host_row_count;

/* Operands in; out and x hold the result afterwards, mxcsr its flags. */
typedef struct HostCall {
    V128 a, b, c;
    uint64_t x;
    uint32_t mxcsr;
    uint32_t usual; /* (the caller's MXCSR) */
    V128 out;
} HostCall;

typedef struct HostCode HostCode;

/* Whether this processor, and the system, has what a row needs. */
bool host_has(HostNeeds needs);

/* Callable code of a row, for all its immediates; freed by the caller. */
HostCode *host_code_new(const HostRow *row);
void host_code_free(HostCode *code);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HostCode, host_code_free)

/* Runs it; false if an unmasked exception stopped it, without a result. */
bool host_code_run(const HostCode *code, uint8_t imm, HostCall *call);

#endif
