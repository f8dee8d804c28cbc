/*
 * The x86_64 back end from inside: what its files share.
 *
 *   x64-lower.c   prepares a block: which values end up in addressing modes, how
 *                 long they live; x64-narrow.c: which share a place, which are
 *                 computed in 32 bits; x64-groups.c: accesses that share a probe
 *   x64-alloc.c   where values are, from instruction to instruction; x64-regs.c:
 *                 guest registers; x64-site.c: frame states
 *   x64-ops.c     arithmetic; x64-bits.c: counts, extensions, fields;
 *                 x64-compare.c: comparison, selection
 *   x64-memory.c  guest loads and stores; x64-probe.c: the TLB; x64-slow.c: an
 *                 access's cold part; x64-slow-paths.c: what all TBs share
 *   x64-call.c    helper calls
 *   x64-vec.c     vector operations; x64-vec-ops.def: which have an instruction;
 *                 x64-vec-int.c, x64-vec-special.c, x64-vec-portable.c: the rest
 *   x64-vec-alloc.c   where vectors are; x64-vec-regs.c: guest registers;
 *                 x64-vec-pair.c: halves of 32 bytes (found by x64-pair.c)
 *   x64-x80*.c    numbers of 80 bits, see x64-x80.c
 *   x64-fp.c      the guest's rounding and flags in the host's MXCSR
 *   x64-exit.c    the ways out of a TB
 *   x64-frame.c   frame states, when something has faulted
 *   x64-entry.c   entry and exit of generated code, pins
 *   x64.c         the back end's table
 *
 * Host registers. The hot guest registers are pinned: each has a host register
 * of its own from TB to TB and is stored to the CPU struct only for C code to
 * see. Values of a TB live in five temporaries, in pinned registers (as long
 * as the guest register has that value), in the CPU struct (guest registers
 * without a pin), and in spill slots, which are words of cpu->frame. Vectors
 * live in XMM0 to 15, in the CPU struct and in pairs of spill slots.
 */
#ifndef ACCEL_TCG_X64_GEN_H
#define ACCEL_TCG_X64_GEN_H

#include "codebuf.h"
#include "tb.h"
#include "x64-emit.h"
#include "x64-value.h"
#include "x64-x80.h"

/* Points into the CPU struct, so that guest registers have short offsets. */
#define HOST_ENV    R14
#define HOST_BUDGET R15
#define HOST_VECS   16

/* ORDER x64-pin: the host register of each pin. */
extern const uint8_t x64_pin_host[PINS];
#define TEMPS (BIT(RAX) | BIT(RCX) | BIT(RDX) | BIT(RSI) | BIT(RDI))
/* Pinned registers that a call may change. */
#define PIN_IS_VOLATILE(host) ((host) >= R8 && (host) <= R11)

/* Words of cpu->frame. */
enum {
    FRAME_SAVE = 0,        /* temporaries on the slow path, by number */
    FRAME_ARG0 = 16,       /* slow path: address, value, result */
    FRAME_ARG1,
    FRAME_RESULT,
    FRAME_SCRATCH1,        /* GROUP_NEXT, on its way to a probe of its own */
    FRAME_SCRATCH2,
    FRAME_MXCSR,           /* on its way to and from the register */
    FRAME_FP_LIVE,         /* byte: MXCSR is the guest's, see x64-fp.c; the
                            * next one: FRAME_X80_LIVE, see x64-x80-env.c */
    FRAME_MEM,             /* slow path of vectors: IrMem, and one or two */
    FRAME_VEC = 24,
    FRAME_VEC_SAVE = 28,   /* YMM0 to 15 on the slow path */
    FRAME_VEC_ARGS = 92,   /* VecArgs of an operation without an instruction */
    FRAME_X80_ARG = 104,   /* an integer, for the host's x87 */
    FRAME_X80_CW,          /* on its way to the register; its fifth byte: where
                             * C1 is, see X80_EITHER */
    FRAME_X80_ENV,         /* 28 bytes: the host's x87 environment */
    FRAME_X80_SAVE = 110,  /* the host's x87 stack on the slow path */
    FRAME_PAGES = 126,     /* pages of groups of accesses, by lane */
    FRAME_SLOTS = 130,     /* spilled values; vectors take even pairs */
    FRAME_SLOT_COUNT = 1024,
};

/* What run() is told in the low bits of the TB's address. */
enum {
    LEFT_CHAIN0, LEFT_CHAIN1, LEFT_LOOKUP, LEFT_LOOP, LEFT_BUDGET,
    LEFT_STALE,
    LEFT_MASK = 7,
};

/* --- what is there once, per machine ------------------------------------------ */

struct X64State {
    CodeBuf buf;
    uint64_t fixed_bytes;  /* entry, exit and slow paths, at the buffer's start */
    const CpuClass *cls;
    int32_t bias;          /* HOST_ENV - Cpu * */
    int8_t *pin_of;        /* per guest register, or NO_PIN */
    uint16_t pin_reg[PINS]; /* guest register of each pin */
    unsigned pin_count;
    uint64_t (*enter)(Cpu *cpu, const void *code);
    uint8_t *leave;        /* as written */
    /* [is store][size][mode and its flags], as written */
    uint8_t *slow[2][4][MMU_ACCESSES];
    uint8_t *bad_target;   /* calls cpu_bad_target() */
    uint8_t *slow_vec[2];  /* [is store]; what else there is: FRAME_MEM */
    uint8_t *slow_pair[2]; /* the same for both halves of 32 bytes */
    uint8_t *save_vec, *restore_vec; /* YMM0 to 15, to FRAME_VEC_SAVE */
    uint8_t *fp_enter, *fp_leave;    /* see x64-fp.c */
    unsigned int_regs;     /* behind them guest registers are vectors only */
    bool bmi2, lzcnt, bmi1, popcnt;
    uint32_t features;     /* HOST_* of host-features.h */
    bool pairs;            /* the host has AVX2: halves of 32 bytes together */
    uint8_t *x80_enter, *x80_set_c1; /* see x64-x80-env.c */
    uint8_t *x80_store;    /* slow path: x64_x80_store_slow() */
    unsigned x80_first, x80_count; /* guest registers of 80 bits */
    X80Layout x80_left;    /* the stack where a TB was left last */
    struct Gen *gen;
};

/* --- compiling one TB ---------------------------------------------------------- */

/* What the host's flags say: of the value flags_result (zero, sign), or of the
 * comparison of flags_x and flags_y as well. */
typedef enum FlagsKind { FLAGS_UNKNOWN, FLAGS_RESULT, FLAGS_COMPARE } FlagsKind;

/* Code behind the TB's straight line. */
typedef struct Cold {
    void (*emit)(Gen *g, const struct Cold *c);
    uint8_t *from;         /* rel32 that leads here */
    uint8_t *back;         /* where it goes on, if it does */
    uint8_t *unaligned;    /* accesses: rel32 of a jump to the slow path */
    const IrInst *inst;
    uint16_t fault, site;
    uint8_t address, value, scratch, scratch2, result; /* host registers */
    uint8_t page;          /* Gen.page_host then */
    uint8_t pages_saved;   /* Gen.pages_saved then */
    uint8_t lane;          /* the access's */
    uint8_t vec;           /* accesses of vectors: its XMM register */
    bool saves_vec;        /* the XMM registers have values */
    bool fp;               /* behind it MXCSR must be the guest's */
    bool pops;             /* stores of 80 bits: the value is not needed */
    uint16_t x80;          /* accesses: x64_x80_note() */
    uint64_t imm;          /* constant address or pc */
    uint64_t value_imm;
} Cold;

/* A row of a frame state: what a guest register is to become, or where an
 * operand of a lazy value is. */
typedef enum RowKind { ROW_PLACE, ROW_CONST, ROW_LAZY } RowKind;
typedef struct X64Row {
    uint16_t site;
    IrVal v;               /* the value in question */
    uint8_t kind;          /* RowKind */
    uint8_t bytes;         /* 4, 8, 16 */
    bool leaf;             /* no register: an operand */
    uint32_t reg;          /* offset from the Cpu */
    uint64_t where;        /* the same, or the constant */
} X64Row;

/* A lazy value of a TB. */
typedef struct X64Lazy {
    IrVal v;
    IrInst inst;
    bool half;             /* its first operand is an i32 */
    const IrHelper *helper; /* CALL */
} X64Lazy;

/* A TB's frame states. */
typedef struct X64Frames {
    X64Row *rows;
    X64Lazy *lazy;
    unsigned row_count, lazy_count;
} X64Frames;

struct Gen {
    Asm a;
    X64State *x;
    Cpu *cpu;
    Tb *tb;
    const IrBlock *ir;
    uint8_t *guards;       /* words for guarded chains */
    IrInst *inst;          /* the block's, lowered; count of them */
    unsigned count;
    Value *val;
    uint16_t *next_use;    /* [instruction][operand]: the use after that */
    unsigned n;            /* instruction being compiled */
    unsigned insn;         /* guest instruction */
    guint frame, frame_end; /* its rows in ir->frames */
    IrVal in_temp[HOST_REGS];
    IrVal in_pin[PINS];
    IrVal *in_reg;         /* per guest register in memory */
    IrVal in_slot[FRAME_SLOT_COUNT];
    unsigned slot_top;     /* slots ever used in this TB */
    uint32_t locked;       /* temporaries that must stay */
    uint8_t dirty;         /* pins newer than the CPU struct */
    FlagsKind flags;
    IrVal flags_result, flags_x, flags_y;
    bool flags_wide;
    uint8_t page_host;     /* a group's: host minus guest address, or 0 if
                            * there is none; HOST_NONE: nowhere */
    uint8_t page_lane;     /* whose */
    uint8_t pages_saved;   /* lanes whose page is in FRAME_PAGES, a bit each */
    uint16_t lane_end[LANES]; /* last access of the lane's group */
    unsigned sites;
    bool site_vec;         /* the last one has values that are in XMM registers
                            * only: they are to be saved */
    uint32_t stamp;
    bool vectors;          /* the block has some */
    IrVal in_vec[HOST_VECS], in_upper[HOST_VECS]; /* low and high halves */
    uint16_t vec_locked;   /* XMM registers that must stay */
    bool uppers_dirty;     /* upper halves of YMM registers may not be zero */
    bool fp_live;          /* MXCSR is the guest's here */
    X80Gen x80;
    GArray *cold;          /* Cold */
    GArray *rows;          /* X64Row */
    GArray *lazy;          /* X64Lazy */
};

/* --- x64-entry.c ------------------------------------------------------------------ */

/* Which guest registers have a host register from TB to TB. */
void x64_choose_pins(X64State *x);
/* The code that run() calls, and the one that every way out ends in. */
void x64_make_entry(X64State *x, Asm *a);

/* --- x64-lower.c ------------------------------------------------------------------ */

/* Fills g->inst and g->val from the block. */
void x64_lower(Gen *g);

/* Calls fn for every value that is there and that v, a frame state's, is made
 * of: v itself if it is not lazy. Each once in a walk; who begins a walk adds 1
 * to g->stamp. */
typedef void LeafFn(Gen *g, IrVal v, void *opaque);
void x64_leaves(Gen *g, IrVal v, LeafFn *fn, void *opaque);

/* The operands of instruction n, and behind them those of the half that it makes
 * as well; where next uses of each are kept. */
static inline unsigned x64_operands(const Gen *g, unsigned n)
{
    const Value *v = &g->val[n];
    bool both = v->pair && v->pair <= PAIR_TABLE;
    bool store = v->pair == PAIR_MEMORY && g->inst[n].op == IR_ST;
    return g->inst[n].nargs + (both ? g->inst[v->twin].nargs : store ? 1 : 0);
}

static inline IrVal x64_operand(const Gen *g, unsigned n, unsigned k)
{
    const IrInst *i = &g->inst[n];
    if (k < i->nargs) {
        return i->arg[k];
    }
    unsigned skips = i->op == IR_ST ? 1 : 0; /* the address */
    return g->inst[g->val[n].twin].arg[k - i->nargs + skips];
}

static inline uint16_t *x64_next_use(Gen *g, unsigned n, unsigned k)
{
    unsigned own = g->inst[n].nargs;
    unsigned at = k < own ? n * IR_MAX_ARGS + k
                          : g->val[n].twin * IR_MAX_ARGS + k - own;
    return &g->next_use[at];
}

/* The half that instruction n makes besides its own value, or NULL. */
static inline Value *x64_other_half(const Gen *g, unsigned n)
{
    return g->val[n].pair ? &g->val[g->val[n].twin] : NULL;
}

static inline IrVal x64_root(const Gen *g, IrVal v)
{
    return g->val[v].root;
}

/* --- x64-alloc.c ------------------------------------------------------------------- */

/* An operand as an instruction may take it. */
typedef enum SrcKind { SRC_REG, SRC_IMM, SRC_MEM } SrcKind;
typedef struct Src {
    SrcKind kind;
    uint8_t reg;
    int32_t imm;
    HostMem mem;
} Src;

void x64_alloc_begin(Gen *g);
/* Instruction n begins: nothing is locked, its operands' next uses are known. */
void x64_alloc_inst(Gen *g, unsigned n);
/* A guest instruction begins: frees what only frame states needed. */
void x64_alloc_insn(Gen *g);
/* The value in a host register, locked. */
unsigned x64_use(Gen *g, IrVal v);
/* As an immediate where it fits (as 32 bits if !wide), in memory where it has
 * no later use, else in a register. */
Src x64_src(Gen *g, IrVal v, bool wide);
bool x64_const(const Gen *g, IrVal v, uint64_t *out);
/* A free temporary, locked. */
unsigned x64_scratch(Gen *g);
/* Frees that temporary and locks it. */
void x64_take(Gen *g, unsigned host);
/* Copies a value into a host register that holds none. */
void x64_copy_to(Gen *g, unsigned host, IrVal v);
/* The group's page leaves its register, for FRAME_PAGES if it is needed later. */
void x64_page_save(Gen *g);
/* Operands without later uses give their temporaries back. What they held is
 * there until something is written. */
void x64_release_args(Gen *g);
/* Where the present instruction's result goes: if it can be, into the pin it
 * is meant for, or into `prefer`. Emits nothing if `prefer` is free. */
unsigned x64_def(Gen *g, unsigned prefer);
/* The result needs no place if nobody uses it. */
void x64_def_end(Gen *g);
void x64_get(Gen *g, unsigned reg);
void x64_set(Gen *g, unsigned reg, IrVal v);
/* Stores pins that are newer than memory: all, or the volatile ones. */
void x64_sync_pins(Gen *g, bool all);
/* A call is next: what is needed later is put where the call leaves it.
 * writes: guest registers may change. */
void x64_save_for_call(Gen *g, bool writes);
/* What the present instruction's frame state names is put there as well. */
void x64_save_frame(Gen *g);
/* Behind the call. */
void x64_after_call(Gen *g, bool writes);
/* A new fault site, with the frame state of the present instruction; returns
 * its number. */
unsigned x64_site(Gen *g);
/* The bytes of the CPU struct are about to be read or were written behind the
 * allocator's back. */
void x64_env_read(Gen *g, const IrInst *i);
void x64_env_before_write(Gen *g, const IrInst *i);
void x64_env_written(Gen *g, const IrInst *i);

static inline HostMem x64_env(const Gen *g, size_t offset)
{
    return host_mem(HOST_ENV, (int32_t)((int64_t)offset - g->x->bias));
}

static inline HostMem x64_frame(const Gen *g, unsigned word)
{
    return x64_env(g, offsetof(Cpu, frame) + 8 * word);
}

/* For x64-vec-alloc.c: a guest register's place has no value any more; what is
 * there has no other place; it moves to a register. */
void x64_reg_forget(Gen *g, unsigned reg);
bool x64_only_in_reg(Gen *g, unsigned reg);
void x64_rescue(Gen *g, IrVal v);

/* --- x64-fp.c ------------------------------------------------------------------------------ */

/* True if the host's instructions do what cpu->fp asks for. */
bool x64_fp_is_host(const Cpu *cpu);
/* MXCSR is the guest's behind it. Changes no register. */
void x64_fp_ensure(Gen *g);
/* MXCSR is C's behind it, and the flags are in cpu->fp. */
void x64_fp_drop(Gen *g);
/* The same at run time, wherever one comes from; for shared code. */
void x64_fp_drop_fixed(const X64State *x, Asm *a);
void x64_make_fp_paths(X64State *x, Asm *a);

/* --- x64-frame.c ---------------------------------------------------------------------- */

/* What the TB has to remember for x64_restore_frame(). */
X64Frames *x64_frames_new(const Gen *g);
void x64_frames_free(X64Frames *f);
/* Something faulted at cpu->fault_site: writes that frame state's registers. */
void x64_restore_frame(Cpu *cpu, const Tb *tb);

/* --- x64-ops.c ------------------------------------------------------------------------ */

/* Compiles a simple op (no memory, no control). */
void x64_op(Gen *g, const IrInst *i);
/* Compares operands 0 and 1; the host's condition code for i->cond. */
unsigned x64_compare(Gen *g, const IrInst *i);
/* host = src. */
void x64_move(Gen *g, bool wide, unsigned host, Src s);

/* --- x64-memory.c ----------------------------------------------------------------------- */

void x64_load(Gen *g, const IrInst *i);
void x64_store(Gen *g, const IrInst *i);
void x64_canon(Gen *g, const IrInst *i);
/* Notes where one is, for whoever leaves the TB: cpu->tb, the guest
 * instruction and the fault site. Needs no register. */
void x64_note_place(Gen *g, unsigned insn, unsigned site);
/* Emits the slow paths that all TBs share. */
void x64_make_slow_paths(X64State *x, Asm *a);

/* --- x64-call.c -------------------------------------------------------------------------- */

void x64_call(Gen *g, const IrInst *i);
/* rdi = the Cpu. */
void x64_lea_cpu(const X64State *x, Asm *a);

/* --- x64-exit.c -------------------------------------------------------------------------- */

void x64_exit(Gen *g, const IrInst *i);
void x64_exit_if(Gen *g, const IrInst *i);
/* rax = tb | why, and out. */
void x64_leave(Gen *g, unsigned why);
Cold *x64_cold(Gen *g, void (*emit)(Gen *g, const Cold *c), uint8_t *from);

#include "x64-vec-alloc.h"

#endif
