/*
 * The portable back end's rooms: what they share. It compiles IR to threaded code
 * and runs it.
 *
 *   place.c    where values are: slots, constants, guest registers
 *   compile.c  IR to Code
 *   run.c      the dispatch
 *   big.c      vectors and numbers of 80 bits
 *   interp.c   the Backend, frame states, the dump
 *
 * An operand is a byte offset from the Cpu: a guest register's, a slot of
 * cpu->frame for a value, or a slot of the constant pool at the frame's upper
 * end. So no operation cares where its operands come from, and constants and
 * most register reads cost nothing. i32 values are kept zero-extended; a
 * vector or a number of 80 bits has two slots side by side.
 */
#ifndef INTERP_H
#define INTERP_H

#include "tb.h"

enum {
#define INTERP_OP(name) OP_##name,
#include "interp-ops.def"
    OP_COUNT
};

/* One operation. */
typedef struct Code {
    const void *label;
    uint32_t d, a, b, c;   /* operand offsets from the Cpu */
    uint32_t e, f;
    uint16_t op;           /* for dump() */
    uint16_t insn;         /* number of the guest instruction */
    uint16_t retired;      /* exits: instructions done */
    uint8_t how;           /* exits: IrExit */
    uint8_t mode;          /* memory: MMU mode with its flags; exits: 1 if imm
                            * is the pc */
    uint64_t imm;
} Code;

/* A row of a frame state: where the value of a register is. */
typedef struct Frame {
    uint16_t insn;
    bool wide;             /* 8 bytes, not 4 */
    uint32_t reg, where;   /* offsets from the Cpu */
} Frame;

/* What is at an offset. */
#define REG(off)   (*(uint64_t *)((char *)cpu + (off)))
#define REG32(off) (*(uint32_t *)((char *)cpu + (off)))

/* A TB while it is compiled. */
typedef struct Compiler {
    const IrBlock *ir;
    Cpu *cpu;
    GArray *code;          /* Code */
    IrVal *root;           /* the value whose place a value shares */
    uint32_t *where;       /* offset of each root; 0: none yet */
    uint16_t *last_use;    /* of each root: number of an instruction */
    GArray *free_slots;    /* uint32_t */
    GArray *free_pairs;    /* the same, for vectors */
    GArray *frames;        /* Frame */
    guint next_frame;      /* in ir->frames: of the present instruction */
    uint32_t next_slot;
    unsigned insn;
    const void *const *labels;
} Compiler;

static inline const IrInst *inst(const Compiler *c, unsigned n)
{
    return &g_array_index(c->ir->insts, IrInst, n);
}

/* --- place.c ------------------------------------------------------------------- */

void place_init(Compiler *c);
void place_fini(Compiler *c);
/* Where an operand is; a constant gets its place when it is first used. */
uint32_t place_operand(Compiler *c, IrVal v);
/* Gives the value of instruction n a slot, and its code that destination. Its
 * operands' slots may be released before. */
void place_result(Compiler *c, unsigned n, Code *o);
/* Instruction n's value is where guest register reg is. */
bool place_in_reg(Compiler *c, unsigned n, unsigned reg);
/* Frees the slot of a value, and of all operands, whose last use was
 * instruction n. */
void place_release(Compiler *c, IrVal v, unsigned n);
void place_release_args(Compiler *c, unsigned n);

/* --- compile.c ----------------------------------------------------------------- */

Code *compile_emit(Compiler *c, unsigned op);
void interp_compile(Cpu *cpu, Tb *tb, const IrBlock *ir);

/* --- run.c --------------------------------------------------------------------- */

TbExit interp_run(Cpu *cpu, Tb *tb, Tb **last, int *slot);
/* By OP_…: where the code of an operation is. */
const void *const *interp_labels(void);

/* --- big.c --------------------------------------------------------------------- */

void big_vec(Cpu *cpu, const Code *p);
void big_load_vec(Cpu *cpu, const Code *p);
void big_store_vec(Cpu *cpu, const Code *p);
void big_x80(Cpu *cpu, const Code *p);
void big_load_x80(Cpu *cpu, const Code *p);
void big_store_x80(Cpu *cpu, const Code *p);

/* Where in the host an access within a page is, or NULL: the slow path. */
static inline void *tlb_host(Cpu *cpu, uint64_t va, unsigned size,
                             MmuAccess access, unsigned mode)
{
    const TlbEntry *e =
        &cpu->tlb.entry[mode & ~MMU_FLAGS][(va >> PAGE_BITS) & (TLB_SIZE - 1)];
    if (e->tag[access] != ((va + size - 1) & PAGE_MASK)) {
        return NULL;
    }
    return (void *)(uintptr_t)(va + e->addend);
}

#endif
