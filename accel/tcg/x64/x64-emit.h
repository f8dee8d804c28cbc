/*
 * An assembler for x86-64: one inline function an instruction form. Encodings
 * are from the Intel SDM, vol. 2. Private to the x86_64 back end.
 *
 * Code is written through one mapping and runs in another (codebuf.h): `p` is
 * where bytes go, and p + rx where they run.
 */
#ifndef ACCEL_TCG_X64_EMIT_H
#define ACCEL_TCG_X64_EMIT_H

#include <string.h>

#include "base/types.h"

enum {
    RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI,
    R8, R9, R10, R11, R12, R13, R14, R15,
    HOST_REGS, HOST_NONE = 0xff,
};

/* ORDER x64-cc: condition codes as in Jcc, SETcc, CMOVcc (vol. 2, B.1.4.7). */
enum {
    CC_O, CC_NO, CC_B, CC_AE, CC_E, CC_NE, CC_BE, CC_A,
    CC_S, CC_NS, CC_P, CC_NP, CC_L, CC_GE, CC_LE, CC_G,
};

/* ORDER x64-alu: the /digit of 81 and the row of 01, 03 (vol. 2, A.2). */
enum { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };
/* The /digit of C1 and D3. */
enum { SH_ROL, SH_ROR, SH_RCL, SH_RCR, SH_SHL, SH_SHR, SH_SAR = 7 };

/* Opcodes, with their map in the second byte and a mandatory prefix in the
 * third: 0xPPMMOO. MM: 0 none, 0x0f, or 0x38 for 0f 38. */
enum {
    OP_MOV_ST8 = 0x88, OP_MOV_ST = 0x89, OP_MOV_LD8 = 0x8a, OP_MOV_LD = 0x8b,
    OP_LEA = 0x8d, OP_TEST8 = 0x84, OP_TEST = 0x85, OP_XCHG = 0x87,
    OP_MOVSXD = 0x63, OP_IMUL_IMM = 0x69, OP_GROUP3 = 0xf7, OP_GROUP5 = 0xff,
    OP_MOV_ST16 = 0x660089,
    OP_IMUL = 0x0faf, OP_MOVZX8 = 0x0fb6, OP_MOVZX16 = 0x0fb7,
    OP_MOVSX8 = 0x0fbe, OP_MOVSX16 = 0x0fbf, OP_CMOV = 0x0f40,
    OP_SETCC = 0x0f90, OP_BSR = 0x0fbd, OP_BSF = 0x0fbc,
    OP_POPCNT = 0xf30fb8, OP_LZCNT = 0xf30fbd, OP_TZCNT = 0xf30fbc,
};

typedef struct Asm {
    uint8_t *p;
    ptrdiff_t rx;
    bool vex;              /* the host has AVX, and code may use it */
} Asm;

/* [base + index * (1 << scale) + disp]; index HOST_NONE: none. */
typedef struct HostMem {
    uint8_t base, index, scale;
    int32_t disp;
} HostMem;

static inline HostMem host_mem(unsigned base, int32_t disp)
{
    return (HostMem){ base, HOST_NONE, 0, disp };
}

static inline HostMem host_mem_index(unsigned base, unsigned index,
                                     int32_t disp)
{
    return (HostMem){ base, index, 0, disp };
}

static inline void asm_8(Asm *a, unsigned v)
{
    *a->p++ = v;
}

static inline void asm_32(Asm *a, uint32_t v)
{
    memcpy(a->p, &v, 4);
    a->p += 4;
}

static inline void asm_64(Asm *a, uint64_t v)
{
    memcpy(a->p, &v, 8);
    a->p += 8;
}

static inline uint8_t *asm_here(const Asm *a)
{
    return a->p + a->rx;
}

static inline bool fits8(int64_t v)
{
    return v == (int8_t)v;
}

static inline bool fits32(int64_t v)
{
    return v == (int32_t)v;
}

/* Prefixes and opcode. byte: SPL to DIL need a REX to be meant. */
static inline void asm_op(Asm *a, unsigned op, unsigned rex, bool byte)
{
    if (op >> 16) {
        asm_8(a, op >> 16);
    }
    if (rex || byte) {
        asm_8(a, 0x40 | rex);
    }
    if ((op >> 8) & 0xff) {
        asm_8(a, op >> 8);
    }
    asm_8(a, op);
}

static inline unsigned asm_rex(bool wide, unsigned reg, unsigned index,
                               unsigned base)
{
    return wide << 3 | (reg >> 3) << 2 | (index >> 3) << 1 | base >> 3;
}

/* op with register operands; the byte forms of moves and tests. */
static inline void asm_rr(Asm *a, unsigned op, bool wide, unsigned reg,
                          unsigned rm)
{
    asm_op(a, op, asm_rex(wide, reg, 0, rm), false);
    asm_8(a, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

static inline void asm_rr8(Asm *a, unsigned op, unsigned reg, unsigned rm)
{
    asm_op(a, op, asm_rex(false, reg, 0, rm), reg >= 4 || rm >= 4);
    asm_8(a, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

static inline void asm_modrm(Asm *a, unsigned reg, HostMem m)
{
    bool sib = m.index != HOST_NONE || (m.base & 7) == RSP;
    unsigned mod = m.disp == 0 && (m.base & 7) != RBP ? 0
                   : fits8(m.disp) ? 1 : 2;
    asm_8(a, mod << 6 | (reg & 7) << 3 | (sib ? RSP : m.base & 7));
    if (sib) {
        unsigned index = m.index == HOST_NONE ? RSP : m.index & 7;
        asm_8(a, m.scale << 6 | index << 3 | (m.base & 7));
    }
    if (mod == 1) {
        asm_8(a, m.disp);
    } else if (mod == 2) {
        asm_32(a, m.disp);
    }
}

static inline void asm_rm(Asm *a, unsigned op, bool wide, unsigned reg,
                          HostMem m)
{
    unsigned index = m.index == HOST_NONE ? 0 : m.index;
    bool byte = (op == OP_MOV_ST8 || op == OP_MOV_LD8) && reg >= 4;
    asm_op(a, op, asm_rex(wide, reg, index, m.base), byte);
    asm_modrm(a, reg, m);
}

/* --- moves ------------------------------------------------------------------ */

static inline void asm_mov(Asm *a, bool wide, unsigned dst, unsigned src)
{
    if (dst != src || !wide) {
        asm_rr(a, OP_MOV_LD, wide, dst, src);
    }
}

static inline void asm_mov_imm(Asm *a, unsigned dst, uint64_t v)
{
    if (v <= UINT32_MAX) {
        asm_op(a, 0xb8 | (dst & 7), dst >> 3, false);
        asm_32(a, v);
    } else if (fits32(v)) {
        asm_rr(a, 0xc7, true, 0, dst);
        asm_32(a, v);
    } else {
        asm_op(a, 0xb8 | (dst & 7), 8 | dst >> 3, false);
        asm_64(a, v);
    }
}

static inline void asm_load(Asm *a, bool wide, unsigned dst, HostMem m)
{
    asm_rm(a, OP_MOV_LD, wide, dst, m);
}

static inline void asm_store(Asm *a, bool wide, HostMem m, unsigned src)
{
    asm_rm(a, OP_MOV_ST, wide, src, m);
}

/* A store of 1 << size_log2 bytes. */
static inline void asm_store_size(Asm *a, unsigned size_log2, HostMem m,
                                  unsigned src)
{
    static const uint32_t ops[] = { OP_MOV_ST8, OP_MOV_ST16, OP_MOV_ST,
                                    OP_MOV_ST };
    asm_rm(a, ops[size_log2], size_log2 == 3, src, m);
}

/* The same of a constant; 8 bytes: sign-extended from 32 bits. */
static inline void asm_store_imm(Asm *a, unsigned size_log2, HostMem m,
                                 uint32_t v)
{
    static const uint32_t ops[] = { 0xc6, 0x6600c7, 0xc7, 0xc7 };
    asm_rm(a, ops[size_log2], size_log2 == 3, 0, m);
    if (size_log2 == 0) {
        asm_8(a, v);
    } else if (size_log2 == 1) {
        asm_8(a, v);
        asm_8(a, v >> 8);
    } else {
        asm_32(a, v);
    }
}

/* --- arithmetic ------------------------------------------------------------- */

static inline void asm_alu(Asm *a, unsigned alu, bool wide, unsigned dst,
                           unsigned src)
{
    asm_rr(a, alu << 3 | 3, wide, dst, src);
}

static inline void asm_alu_mem(Asm *a, unsigned alu, bool wide, unsigned dst,
                               HostMem m)
{
    asm_rm(a, alu << 3 | 3, wide, dst, m);
}

static inline void asm_imm_8_or_32(Asm *a, int32_t v)
{
    if (fits8(v)) {
        asm_8(a, v);
    } else {
        asm_32(a, v);
    }
}

static inline void asm_alu_imm(Asm *a, unsigned alu, bool wide, unsigned dst,
                               int32_t v)
{
    asm_rr(a, fits8(v) ? 0x83 : 0x81, wide, alu, dst);
    asm_imm_8_or_32(a, v);
}

static inline void asm_alu_mem_imm(Asm *a, unsigned alu, bool wide, HostMem m,
                                   int32_t v)
{
    asm_rm(a, fits8(v) ? 0x83 : 0x81, wide, alu, m);
    asm_imm_8_or_32(a, v);
}

static inline void asm_shift_imm(Asm *a, unsigned sh, bool wide, unsigned dst,
                                 unsigned n)
{
    asm_rr(a, 0xc1, wide, sh, dst);
    asm_8(a, n);
}

static inline void asm_shift_cl(Asm *a, unsigned sh, bool wide, unsigned dst)
{
    asm_rr(a, 0xd3, wide, sh, dst);
}

/* VEX-coded BMI2: dst = rm op vvvv, all registers. pp as in vol. 2, 2.3.5. */
static inline void asm_vex(Asm *a, unsigned map, unsigned pp, unsigned op,
                           bool wide, const uint8_t reg_vvvv_rm[3])
{
    unsigned reg = reg_vvvv_rm[0], vvvv = reg_vvvv_rm[1], rm = reg_vvvv_rm[2];
    asm_8(a, 0xc4);
    asm_8(a, (reg < 8) << 7 | 1 << 6 | (rm < 8) << 5 | map);
    asm_8(a, wide << 7 | (~vvvv & 15) << 3 | pp);
    asm_8(a, op);
    asm_8(a, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

/* SHLX, SHRX, SARX: sh is SH_SHL, SH_SHR or SH_SAR. */
static inline void asm_shift_bmi2(Asm *a, unsigned sh, bool wide,
                                  const uint8_t dst_count_src[3])
{
    unsigned pp = sh == SH_SHL ? 1 : sh == SH_SHR ? 3 : 2;
    asm_vex(a, 2, pp, 0xf7, wide, dst_count_src);
}

static inline void asm_rorx(Asm *a, bool wide, unsigned dst, unsigned src,
                            unsigned n)
{
    asm_vex(a, 3, 3, 0xf0, wide, (uint8_t[]){ dst, 0, src });
    asm_8(a, n);
}

static inline void asm_bswap(Asm *a, bool wide, unsigned dst)
{
    asm_op(a, 0x0fc8 | (dst & 7), asm_rex(wide, 0, 0, dst), false);
}

/* --- control ---------------------------------------------------------------- */

/* Emit a jump to be filled in; the result is the place of its rel32. */
static inline uint8_t *asm_jcc(Asm *a, unsigned cc)
{
    asm_8(a, 0x0f);
    asm_8(a, 0x80 | cc);
    asm_32(a, 0);
    return a->p - 4;
}

static inline uint8_t *asm_jmp(Asm *a)
{
    asm_8(a, 0xe9);
    asm_32(a, 0);
    return a->p - 4;
}

/* Makes the rel32 at `at` lead to `to`; both as written, not as run. */
static inline void asm_patch(uint8_t *at, const uint8_t *to)
{
    int32_t rel = to - (at + 4);
    memcpy(at, &rel, 4);
}

static inline void asm_jmp_to(Asm *a, const uint8_t *to)
{
    asm_patch(asm_jmp(a), to);
}

static inline void asm_call_to(Asm *a, const uint8_t *to)
{
    asm_8(a, 0xe8);
    asm_32(a, 0);
    asm_patch(a->p - 4, to);
}

static inline void asm_call_reg(Asm *a, unsigned reg)
{
    asm_rr(a, OP_GROUP5, false, 2, reg);
}

static inline void asm_push(Asm *a, unsigned reg)
{
    asm_op(a, 0x50 | (reg & 7), reg >> 3, false);
}

static inline void asm_pop(Asm *a, unsigned reg)
{
    asm_op(a, 0x58 | (reg & 7), reg >> 3, false);
}

static inline void asm_ret(Asm *a)
{
    asm_8(a, 0xc3);
}

#endif
