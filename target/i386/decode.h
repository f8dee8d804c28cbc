/*
 * The x86 decoder: bytes to an X86Insn by the tables that gen-opmap.py makes
 * from insn.opmap. Knows nothing of the IR or of CPU state, so that tests can
 * run it over plain buffers.
 */
#ifndef TARGET_I386_DECODE_H
#define TARGET_I386_DECODE_H

#include "cpu.h"

/* Addressing methods of SDM vol. 2, A.2.1, and some of our own. */
typedef enum OpMethod {
    OPM_NONE,
    OPM_E, OPM_G, OPM_M, OPM_I, OPM_IS, OPM_J, OPM_O, OPM_A, OPM_S, OPM_C,
    OPM_D, OPM_Z, OPM_R, OPM_X, OPM_Y,
    OPM_REG,               /* a fixed register */
    OPM_ONE,               /* the constant 1 */
    OPM_SEG,               /* a fixed segment register */
} OpMethod;

/* Operand sizes; see insn.opmap. OPS_n: the mode's natural width. */
typedef enum OpSize {
    OPS_0, OPS_b, OPS_w, OPS_d, OPS_q, OPS_v, OPS_z, OPS_y, OPS_vw, OPS_n,
    OPS_p, OPS_a, OPS_s
} OpSize;

typedef struct OpSpec {
    uint8_t method, size, reg;
} OpSpec;

enum {
    ROW_LOCK = 1, ROW_IO = 2, ROW_END = 4, ROW_PRIV = 8, ROW_PROT = 16,
    ROW_D64 = 32, ROW_F64 = 64, ROW_OPCODE_REG = 128
};

#define OP_MAX 3

struct X86Trans;

typedef struct OpRow {
    void (*trans)(struct X86Trans *t);
    const char *mnemonic;
    const char *opcode;    /* as insn.opmap writes it */
    OpSpec op[OP_MAX];
    uint8_t flags;         /* ROW_* */
    /* What the row matches, as masks: prefixes (none, 66, F3, F2), ModRM.reg,
     * memory/register, ModRM.rm, outside/in 64-bit mode. */
    uint8_t prefixes, regs, mods, rms, modes;
    uint8_t feat_word;     /* the CPUID bit it needs, if feat_mask */
    uint32_t feat_mask;
} OpRow;

/* The rows of one opcode: opmap_list[first .. first + count). */
typedef struct OpSlot {
    uint16_t first;
    uint8_t count;
    uint8_t modrm;
} OpSlot;

extern const OpRow opmap_rows[];
extern const OpSlot opmap_slots[4][256];
extern const uint16_t opmap_list[];

#define BASE_NONE (-1)
#define BASE_RIP (-2)

typedef struct X86Insn {
    const OpRow *row;
    uint8_t len;
    uint8_t map, opcode;
    uint8_t opsize, addrsize;   /* bytes */
    uint8_t rex;
    bool opsize_prefix, addrsize_prefix, lock, rep, repne;
    int8_t seg_override;        /* SEG_*, -1: none */
    uint8_t mod, reg, rm;       /* REX bits included */
    /* Memory operand. */
    int8_t base, index;         /* register, BASE_NONE, BASE_RIP */
    uint8_t scale;              /* log2 */
    uint8_t seg;                /* after overrides */
    int64_t disp;
    /* Immediates in order; offset then selector for Ap, address for O. */
    uint64_t imm[2];
} X86Insn;

/* What decides how bytes decode. */
typedef struct DecodeMode {
    bool code64, cs32;
    uint32_t features[FEAT_WORDS];
    uint8_t (*byte)(void *opaque, unsigned offset);
    void *opaque;
} DecodeMode;

typedef enum DecodeResult {
    DECODE_OK,
    DECODE_UD,             /* not an instruction here */
    DECODE_TOO_LONG,       /* over 15 bytes: #GP(0), 2.3.11 of vol. 2 */
} DecodeResult;

/* Decodes the instruction whose bytes m->byte hands out. Unless the result is
 * DECODE_OK only in->len is valid: the bytes that led to it, at least 1. */
DecodeResult x86_decode(const DecodeMode *m, X86Insn *in);
/* Bytes of operand size `size` in this instruction. */
unsigned x86_operand_bytes(const X86Insn *in, OpSize size);

#endif
