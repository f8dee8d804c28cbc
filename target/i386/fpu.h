/*
 * The state of the x87, MMX, SSE and AVX units and what it makes of CR0, CR4
 * and XCR0 (SDM vol. 1, chapters 8 to 14). Included by cpu.h.
 */
#ifndef TARGET_I386_FPU_H
#define TARGET_I386_FPU_H

#include "base/vector.h"
#include "vm/state.h"

typedef uint64_t X86Vectors[16][2];
typedef uint64_t X87Registers[8][2];

/* Rows of fewer than 32 bits that are registers of the IR, which writes 32: the
 * bytes behind them are nobody else's, and always zero. */
typedef uint16_t X87Word __attribute__((aligned(4)));
typedef uint8_t X87Byte __attribute__((aligned(4)));

/* x87 registers by number, R0 to R7 (ST(n) is R[(TOP + n) & 7]), each its
 * significand, and sign and exponent in the low 16 bits of a second word. TOP is
 * in the status word. MMX registers are the significands. A register's low half and, for
 * AVX, its high half are two vectors. Reset values are those of power-on (vol.
 * 3, table 10-1). */
#define X86_FPU_STATE(_)                                                      \
    _(X86Vectors, STATE_U64, xmm, 0, 2, "XMM0-15: low halves of YMM0-15")     \
    _(X86Vectors, STATE_U64, ymmh, 0, 2, "high halves of YMM0-15")            \
    _(uint32_t, STATE_U32, mxcsr, 0x1f80, 2, "MXCSR")                         \
    _(X87Registers, STATE_U64, fpr, 0, 2, "x87 R0-7, MM0-7")                  \
    _(X87Word, STATE_U16, fcw, 0x40, 2, "x87 control word")                   \
    _(X87Word, STATE_U16, fsw, 0, 2, "x87 status word")                       \
    _(X87Byte, STATE_U8, fvalid, 0xff, 2, "x87: bit n set if R[n] is not empty") \
    _(X87Word, STATE_U16, fop, 0, 2, "x87 last opcode")                       \
    _(X87Word, STATE_U16, fcs, 0, 2, "x87 last code segment")                 \
    _(X87Word, STATE_U16, fds, 0, 2, "x87 last data segment")                 \
    _(uint64_t, STATE_U64, fip, 0, 2, "x87 last instruction pointer")         \
    _(uint64_t, STATE_U64, fdp, 0, 2, "x87 last data pointer")                \
    _(uint64_t, STATE_U64, xcr0, 1, 2, "XCR0")                                \
    _(uint64_t, STATE_U64, xss, 0, 2, "IA32_XSS")                             \
    _(uint32_t, STATE_U32, pkru, 0, 3, "PKRU")                                \
    _(bool, STATE_BOOL, ferr, 0, 2, "FERR# pin: an x87 exception waits")      \
    _(bool, STATE_BOOL, ignne, 0, 2, "IGNNE# pin: it is ignored")

#define CR4_OSXSAVE 0x40000u
/* CPUID bits of the words that their names say. */
#define CPUID_XSAVE BIT(26)    /* 1:ECX */
#define CPUID_OSXSAVE BIT(27)
#define CPUID_PKU BIT(3)       /* 7:ECX */
#define CPUID_OSPKE BIT(4)
#define CPUID_LA57 BIT(16)
#define CPUID_XSAVEOPT BIT(0)  /* 0Dh.1:EAX */
#define CPUID_XSAVEC BIT(1)
#define CPUID_XGETBV1 BIT(2)
#define CPUID_XSAVES BIT(3)

#define XCR0_X87 1u
#define XCR0_SSE 2u
#define XCR0_AVX 4u
#define XCR0_PKRU 0x200u

#define MXCSR_FLAGS 0x3fu      /* SF_* */
#define MXCSR_MASKS_SHIFT 7
#define MXCSR_RESERVED 0xffff0000u
#define MXCSR_DEFAULT 0x1f80u

/* What helper fp_wide is told: the row, and from these bits on its immediate and
 * its operands, five bits each: registers, or memory. */
#define FP_WIDE_IMM 16
#define FP_WIDE_REGS 32
#define FP_WIDE_MEMORY 16u
/* The upper half is made of the upper 8 bytes of a source of 16. */
#define FP_WIDE_WIDENS (UINT64_C(1) << 63)

#endif
