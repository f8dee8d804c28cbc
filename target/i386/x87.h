/*
 * What the x87's files share: the register stack, exceptions and the last
 * instruction's pointers (SDM vol. 1, chapter 8). Included by x87-*.c and, for
 * the names of operations, by trans-x87.c.
 *
 * A helper gets its instruction as one word, X87_INSN(). It computes without
 * changing anything, tells x87_flags() which exceptions that met, and stores
 * the result if it may. Anything that faults comes before all of that.
 */
#ifndef TARGET_I386_X87_H
#define TARGET_I386_X87_H

#include "base/x80.h"
#include "cpu.h"

/* The status word. The six exceptions are SF_*; C1 is SF_ROUNDED_UP. */
#define FSW_SF 0x40u           /* stack fault */
#define FSW_ES 0x80u           /* an unmasked exception is pending */
#define FSW_C0 0x100u
#define FSW_C1 0x200u
#define FSW_C2 0x400u
#define FSW_C3 0x4000u
#define FSW_CC (FSW_C0 | FSW_C1 | FSW_C2 | FSW_C3)
#define FSW_B 0x8000u          /* as ES */
#define FSW_TOP_SHIFT 11
#define FSW_TOP (7u << FSW_TOP_SHIFT)
/* What of it is in Cpu.fp80. */
#define FSW_FP80 (SF_ALL | FSW_C1)
#define FCW_INIT 0x37fu
#define FCW_MASK 0x1f3fu       /* bits that exist; bit 6 is always set */

#define X87_FOP_MASK 0x7ffu     /* what there is of the opcode */

#define X87_BEFORE (SF_INVALID | SF_DENORMAL | SF_DIV_ZERO)

/* An instruction: operation, register, number of pops, whether the result goes
 * to ST(i), and the opcode as FOP has it. */
#define X87_INSN(op, i, pops, to_sti, fop)                         \
    ((uint64_t)(op) | (uint64_t)(i) << 8 | (uint64_t)(pops) << 12 | \
     (uint64_t)(to_sti) << 15 | (uint64_t)(fop) << 16)
static inline unsigned x87_op(uint64_t insn) { return insn & 0xff; }
static inline unsigned x87_sti(uint64_t insn) { return insn >> 8 & 7; }
static inline unsigned x87_pops(uint64_t insn) { return insn >> 12 & 3; }
static inline bool x87_to_sti(uint64_t insn) { return insn >> 15 & 1; }
/* With a memory operand: what it is, and its segment register. */
#define X87_MEM(kind, seg) ((uint64_t)(kind) << 32 | (uint64_t)(seg) << 36)
static inline unsigned x87_mem_kind(uint64_t insn) { return insn >> 32 & 15; }
static inline unsigned x87_mem_seg(uint64_t insn) { return insn >> 36 & 7; }

/* ModRM.reg of the arithmetic opcodes; UCOM is ours. */
enum { X87_ADD, X87_MUL, X87_COM, X87_COMP, X87_SUB, X87_SUBR, X87_DIV,
       X87_DIVR, X87_UCOM };

/* Memory operands: X80Kind, and one more. */
enum { X87_BCD = X80_T64 + 1 };

/* Operations on the top. The first of each line are in order of ModRM.rm. */
enum {
    X87_LD1, X87_LDL2T, X87_LDL2E, X87_LDPI, X87_LDLG2, X87_LDLN2, X87_LDZ,
    X87_F2XM1, X87_YL2X, X87_PTAN, X87_PATAN, X87_XTRACT, X87_PREM1,
    X87_DECSTP, X87_INCSTP,
    X87_PREM, X87_YL2XP1, X87_SQRT, X87_SINCOS, X87_RNDINT, X87_SCALE,
    X87_SIN, X87_COS,
    X87_CHS, X87_ABS, X87_TST, X87_XAM,
    X87_NOP, X87_FREE, X87_XCH, X87_LDST, X87_STST, X87_STST1,
};

/* --- the register stack ----------------------------------------------------*/

static inline unsigned x87_phys(const X86State *s, unsigned i)
{
    return ((s->fsw >> FSW_TOP_SHIFT) + i) & 7;
}

static inline bool x87_is_empty(const X86State *s, unsigned i)
{
    return !(s->fvalid >> x87_phys(s, i) & 1);
}

static inline Sf80 x87_get(const X86State *s, unsigned i)
{
    unsigned r = x87_phys(s, i);
    return (Sf80){ s->fpr[r][0], s->fpr[r][1] };
}

/* Writes ST(i), which is not empty then. */
static inline void x87_put(X86State *s, unsigned i, Sf80 v)
{
    unsigned r = x87_phys(s, i);
    s->fpr[r][0] = v.frac;
    s->fpr[r][1] = v.sign_exp;
    s->fvalid |= 1u << r;
}

/* Moves TOP by n, modulo 8. */
static inline void x87_move_top(X86State *s, unsigned n)
{
    unsigned top = x87_phys(s, n);
    s->fsw = (s->fsw & ~(7u << FSW_TOP_SHIFT)) | top << FSW_TOP_SHIFT;
}

static inline void x87_pop(X86State *s, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        s->fvalid &= ~(1u << x87_phys(s, 0));
        x87_move_top(s, 1);
    }
}

static inline void x87_push(X86State *s, Sf80 v)
{
    x87_move_top(s, 7);
    x87_put(s, 0, v);
}

/* What masked invalid operations give. */
#define X87_INDEFINITE ((Sf80){ UINT64_C(0xc000000000000000), 0xffff })

/* --- x87.c -----------------------------------------------------------------*/

/* An exception is pending: #MF, or EXC_FREEZE. Returns if IGNNE# is active. */
void x87_pending(X86Cpu *cpu);
/* A waiting instruction begins. */
static inline void x87_wait(X86Cpu *cpu)
{
    x87_sync(cpu);
    if (G_UNLIKELY(cpu->s.fsw & FSW_ES)) {
        x87_pending(cpu);
    }
}
/* Sets flags and C1 from SF_* and FSW_SF; false if one of `stops`, unmasked, is
 * among them, so that the operation is not completed. */
bool x87_flags(X86Cpu *cpu, unsigned flags, unsigned stops);
/* What env has met, as the status word tells it. */
unsigned x87_told(const SfEnv *env);
/* Stack faults: underflow, or overflow (C1). */
#define X87_UNDERFLOW (FSW_SF | SF_INVALID)
#define X87_OVERFLOW (FSW_SF | SF_INVALID | FSW_C1)
/* The instruction is done: its pointer and opcode. */
void x87_note_code(X86Cpu *cpu, uint64_t insn, uint64_t ip);
/* And its memory operand's. */
void x87_note_data(X86Cpu *cpu, unsigned seg, uint64_t offset);

/* --- x87-env.c ---------------------------------------------------------------*/

/* FLDCW; ES follows. */
void x87_update_fcw(X86Cpu *cpu, uint16_t v);
/* The tag word, two bits a register (8.1.7). */
uint16_t x87_tags(const X86State *s);
/* From a tag word: which registers are empty. */
void x87_set_tags(X86State *s, uint16_t tags);

#endif
