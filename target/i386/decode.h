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
    OPM_V, OPM_W, OPM_U, OPM_H, OPM_L, /* XMM or YMM: reg, r/m, r/m that is a
                            * register, VEX.vvvv, upper half of an immediate */
    OPM_P, OPM_Q, OPM_N,   /* MMX: reg, r/m, r/m that is a register */
    OPM_B,                 /* general register in VEX.vvvv */
    OPM_XMM,               /* a fixed XMM register */
    OPM_REG,               /* a fixed register */
    OPM_ONE,               /* the constant 1 */
    OPM_SEG,               /* a fixed segment register */
} OpMethod;

/* Operand sizes; see insn.opmap. OPS_n: the mode's natural width. */
typedef enum OpSize {
    OPS_0, OPS_b, OPS_w, OPS_d, OPS_q, OPS_v, OPS_z, OPS_y, OPS_vw, OPS_n,
    OPS_p, OPS_a, OPS_s,
    OPS_x, OPS_dq, OPS_qq, /* 16 or 32 bytes by VEX.L, 16, 32 */
    OPS_h, OPS_f, OPS_e,   /* half, a fourth, an eighth of x */
    OPS_db, OPS_dw, OPS_yb /* register of d, d, y; byte, word, byte of memory */
} OpSize;

typedef struct OpSpec {
    uint8_t method, size, reg;
} OpSpec;

enum {
    ROW_LOCK = 1, ROW_IO = 2, ROW_END = 4, ROW_PRIV = 8, ROW_PROT = 16,
    ROW_D64 = 32, ROW_F64 = 64, ROW_OPCODE_REG = 128,
    ROW_SSE = 256,         /* SSE or, with ROW_VEX, AVX must be enabled */
    ROW_ALIGN = 512,       /* VEX: 16 or 32 bytes of memory must be aligned */
    ROW_MMX = 1024,
    ROW_VVVV = 2048,       /* VEX.vvvv names an operand */
    ROW_VEX = 4096,
    ROW_VSIB = 16384,      /* memory operand with an index that is a vector */
    ROW_UNAL = 8192        /* no VEX: 16 bytes of memory need no alignment */
};

#define OP_MAX 4

struct X86Trans;

typedef struct OpRow {
    void (*trans)(struct X86Trans *t);
    const char *mnemonic;
    const char *opcode;    /* as insn.opmap writes it */
    OpSpec op[OP_MAX];
    uint16_t flags;        /* ROW_* */
    /* What the row matches, as masks: prefixes (none, 66, F3, F2), ModRM.reg,
     * memory/register, ModRM.rm, outside/in 64-bit mode. */
    uint8_t prefixes, regs, mods, rms, modes;
    uint8_t lengths, widths; /* VEX.L; VEX.W (REX.W of rows without VEX is not
                            * looked at) */
    uint8_t map;           /* 0 to 3; 4 more with VEX */
    uint8_t feat_word;     /* the CPUID bit it needs, if feat_mask */
    uint32_t feat_mask;
    uint16_t vec, vec_w;   /* VecOp, without and with REX.W or VEX.W */
    uint16_t arg;          /* what the translator makes of it */
} OpRow;

/* The rows of one opcode: opmap_list[first .. first + count). */
typedef struct OpSlot {
    uint16_t first;
    uint8_t count;
    uint8_t modrm;
} OpSlot;

extern const OpRow opmap_rows[];
extern const OpSlot opmap_slots[8][256];
extern const uint16_t opmap_list[];

#define BASE_NONE (-1)
#define BASE_RIP (-2)

typedef struct X86Insn {
    const OpRow *row;
    uint8_t len;
    uint8_t map, opcode;
    uint8_t opsize, addrsize;   /* bytes */
    uint8_t rex;                /* with VEX: what REX would be */
    bool vex, vex_256;
    uint8_t vvvv;               /* VEX.vvvv, not inverted */
    bool opsize_prefix, addrsize_prefix, lock, rep, repne;
    int8_t seg_override;        /* SEG_*, -1: none */
    uint8_t mod, reg, rm;       /* REX bits included */
    /* Memory operand. */
    int8_t base, index;         /* register, BASE_NONE, BASE_RIP */
    uint8_t scale;              /* log2 */
    uint8_t vsib;               /* ROW_VSIB: the index, an XMM or YMM register */
    uint8_t seg;                /* after overrides */
    int64_t disp;
    /* Immediates in order; offset then selector for Ap, address for O. */
    uint64_t imm[2];
} X86Insn;

/* What decides how bytes decode. */
typedef struct DecodeMode {
    bool code64, cs32;
    bool vex;                   /* VEX exists: protected mode */
    const uint32_t *features;   /* ORDER x86-feat */
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
