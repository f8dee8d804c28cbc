/*
 * The assembler's vector instructions. See x64-emit.h.
 *
 * An opcode is 0xPPMMOO: mandatory prefix (0, 66, f2, f3), map (0f, 38 for 0f
 * 38, 3a for 0f 3a), opcode. VEX forms have the same three in fewer bytes
 * (Intel SDM vol. 2, 2.3.5).
 */
#ifndef ACCEL_TCG_X64_VEC_EMIT_H
#define ACCEL_TCG_X64_VEC_EMIT_H

#include "x64-emit.h"

enum {
    VOP_MOVUPS_LD = 0x000f10, VOP_MOVUPS_ST = 0x000f11, VOP_MOVAPS = 0x000f28,
    VOP_MOVSS_LD = 0xf30f10, VOP_MOVSS_ST = 0xf30f11,
    VOP_MOVQ_LD = 0xf30f7e, VOP_MOVQ_ST = 0x660fd6,
    VOP_MOVD_TO = 0x660f6e, VOP_MOVD_FROM = 0x660f7e,
    VOP_PXOR = 0x660fef, VOP_PCMPEQD = 0x660f76, VOP_PSHUFD = 0x660f70,
    VOP_GROUP15 = 0x000fae, /* /2 LDMXCSR, /3 STMXCSR */
    VOP_VPBROADCASTQ = 0x663859, VOP_VEXTRACTF128 = 0x663a19,
};

/* In an opcode: 256 bits, VEX only. */
#define VEX_256 0x2000000

/* Prefixes and opcode of the forms before VEX. */
static inline void asm_vec_op(Asm *a, uint32_t op, unsigned rex)
{
    unsigned prefix = op >> 16 & 0xff, map = op >> 8 & 0xff;
    if (prefix) {
        asm_8(a, prefix);
    }
    if (rex) {
        asm_8(a, 0x40 | rex);
    }
    asm_8(a, 0x0f);
    if (map != 0x0f) {
        asm_8(a, map);
    }
    asm_8(a, op);
}

static inline void asm_vec_rr(Asm *a, uint32_t op, bool wide, unsigned reg,
                              unsigned rm)
{
    asm_vec_op(a, op, asm_rex(wide, reg, 0, rm));
    asm_8(a, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

static inline void asm_vec_rm(Asm *a, uint32_t op, unsigned reg, HostMem m)
{
    unsigned index = m.index == HOST_NONE ? 0 : m.index;
    asm_vec_op(a, op, asm_rex(false, reg, index, m.base));
    asm_modrm(a, reg, m);
}

/* VEX and opcode; vvvv: an operand that does not exist is 0. */
static inline void asm_vex_op(Asm *a, uint32_t op, unsigned rex, unsigned vvvv)
{
    unsigned prefix = op >> 16 & 0xff, map = op >> 8 & 0xff;
    unsigned pp = prefix == 0x66 ? 1 : prefix == 0xf3 ? 2 : prefix ? 3 : 0;
    unsigned mm = map == 0x0f ? 1 : map == 0x38 ? 2 : 3;
    unsigned last = (~vvvv & 15) << 3 | (op & VEX_256 ? 4 : 0) | pp;
    if (mm == 1 && !(rex & ~4)) {
        asm_8(a, 0xc5);
        asm_8(a, (~rex & 4) << 5 | last);
    } else {
        asm_8(a, 0xc4);
        asm_8(a, (~rex & 7) << 5 | mm);
        asm_8(a, (rex & 8) << 4 | last);
    }
    asm_8(a, op);
}

static inline void asm_vex_rr(Asm *a, uint32_t op, bool wide, unsigned reg,
                              unsigned vvvv, unsigned rm)
{
    asm_vex_op(a, op, asm_rex(wide, reg, 0, rm), vvvv);
    asm_8(a, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

static inline void asm_vex_rm(Asm *a, uint32_t op, bool wide, unsigned reg,
                              unsigned vvvv, HostMem m)
{
    unsigned index = m.index == HOST_NONE ? 0 : m.index;
    asm_vex_op(a, op, asm_rex(wide, reg, index, m.base), vvvv);
    asm_modrm(a, reg, m);
}

/* Moves between registers and memory, as VEX where the host has it, so that upper
 * halves of YMM registers are neither kept nor waited for. */
static inline void asm_vec_move(Asm *a, uint32_t op, unsigned reg, HostMem m)
{
    if (a->vex) {
        asm_vex_rm(a, op, false, reg, 0, m);
    } else {
        asm_vec_rm(a, op, reg, m);
    }
}

static inline void asm_vec_load(Asm *a, unsigned dst, HostMem m)
{
    asm_vec_move(a, VOP_MOVUPS_LD, dst, m);
}

static inline void asm_vec_store(Asm *a, HostMem m, unsigned src)
{
    asm_vec_move(a, VOP_MOVUPS_ST, src, m);
}

static inline void asm_vec_mov_wide(Asm *a, bool wide, unsigned dst,
                                    unsigned src)
{
    if (dst == src) {
        return;
    }
    if (a->vex) {
        asm_vex_rr(a, VOP_MOVAPS | (wide ? VEX_256 : 0), false, dst, 0, src);
    } else {
        asm_vec_rr(a, VOP_MOVAPS, false, dst, src);
    }
}

static inline void asm_vec_mov(Asm *a, unsigned dst, unsigned src)
{
    asm_vec_mov_wide(a, false, dst, src);
}

/* An operation of a register with itself. */
static inline void asm_vec_same(Asm *a, uint32_t op, unsigned reg)
{
    if (a->vex) {
        asm_vex_rr(a, op, false, reg, reg, reg);
    } else {
        asm_vec_rr(a, op, false, reg, reg);
    }
}

/* op reg, [rip + disp32]; the displacement is the last thing written. */
static inline void asm_vec_rip(Asm *a, uint32_t op, unsigned reg)
{
    if (a->vex) {
        asm_vex_op(a, op, asm_rex(false, reg, 0, 0), 0);
    } else {
        asm_vec_op(a, op, asm_rex(false, reg, 0, 0));
    }
    asm_8(a, (reg & 7) << 3 | 5);
    asm_32(a, 0);
}

/* The upper half of a YMM register. */
static inline void asm_vec_upper(Asm *a, unsigned dst, unsigned src)
{
    asm_vex_rr(a, VOP_VEXTRACTF128 | VEX_256, false, src, 0, dst);
    asm_8(a, 1);
}

static inline void asm_vec_store_upper(Asm *a, HostMem m, unsigned src)
{
    asm_vex_rm(a, VOP_VEXTRACTF128 | VEX_256, false, src, 0, m);
    asm_8(a, 1);
}

/* C code is not to wait for upper halves (vol. 1, 14.1.2). */
static inline void asm_vzeroupper(Asm *a)
{
    if (a->vex) {
        asm_vex_op(a, 0x000f77, 0, 0);
    }
}

#endif
