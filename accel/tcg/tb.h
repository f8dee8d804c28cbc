/*
 * Translation blocks, their cache, and what a back end must implement.
 * Private to accel/tcg.
 */
#ifndef ACCEL_TCG_TB_H
#define ACCEL_TCG_TB_H

#include "vm/cpu.h"

/* The longest TB, guest instructions. */
#define TB_MAX_INSNS 48
#define TB_NO_RAM UINT64_MAX

/* How long a TB may be: as long as it gets, or one instruction exactly. */
typedef enum TbLimit { TB_FULL, TB_SINGLE } TbLimit;

typedef struct Tb Tb;

struct Tb {
    TbKey key;
    TbLimit limit;
    uint16_t insn_count;
    uint16_t len_bytes;
    bool invalid;          /* its bytes changed: nothing may enter it */
    bool has_break;        /* a breakpoint is at its start: nothing chains here */
    RamAddr ram[2];        /* pages it has bytes in; ram[1] may be TB_NO_RAM;
                            * both TB_NO_RAM: code outside RAM, never cached */
    uint64_t (*words)[2];  /* per instruction, for CpuClass.restore() */
    void *code;            /* the back end's */
    size_t code_bytes;
    void *frames;          /* the back end's form of IrBlock.frames */
    unsigned frame_count;

    Tb *hash_next;
    Tb *page_next[2];      /* in the list of the page ram[n] */
    Tb *chain[2];          /* where IR_EXIT_CHAIN0/1 lead, or NULL */
    Tb *incoming;          /* first TB that chains to this one … */
    Tb *incoming_next[2];  /* … and the next, per exit of the source */
};

/* Why run() came back. */
typedef enum TbExit {
    TB_EXIT_LOOKUP,        /* find the next TB */
    TB_EXIT_LOOP,          /* look at interrupts and modes first */
    TB_EXIT_BUDGET,        /* too little budget for the TB at the pc */
} TbExit;

/* A back end. run() executes code from a TB on, following chains, keeps
 * cpu->budget and cpu->tb exact, and sets cpu->fault_insn to the number of
 * the instruction within cpu->tb before anything that may leave the TB by
 * cpu_raise() and friends. On TB_EXIT_LOOKUP *last and *slot say where a chain
 * could be made (slot -1: none). */
typedef struct Backend {
    const char *name;
    void (*compile)(Cpu *cpu, Tb *tb, const IrBlock *ir);
    void (*release)(Tb *tb);
    /* Instruction `insn` of the TB faulted: writes the registers of its frame
     * state back. */
    void (*restore_frame)(Cpu *cpu, const Tb *tb, unsigned insn);
    TbExit (*run)(Cpu *cpu, Tb *tb, Tb **last, int *slot);
    void (*dump)(const Tb *tb, GString *out);
} Backend;

extern const Backend backend_interp;

/* A page of RAM with TBs. Code and data often share one (firmware, boot
 * loaders): the map tells a store to data from one to code at once. */
typedef struct CodePage {
    Tb *first;
    uint8_t code[PAGE_SIZE / 8]; /* bytes that were in a TB, a bit each */
} CodePage;

/* --- cache.c ------------------------------------------------------------------ */

/* All of accel's data; one per machine, found through its first CPU. */
typedef struct TcgState {
    Machine *machine;
    const Backend *backend;
    IrBlock *ir;
    Tb **hash;             /* by page of RAM and key */
    GHashTable *pages;     /* page RamAddr -> CodePage */
    GHashTable *last_here; /* pcs of instructions that must end their TB */
    GPtrArray *garbage;    /* invalidated TBs, freed when none runs */
    uint64_t bytes, tb_count;
    bool kicked;           /* cpu_kick(): leave at the next boundary */
    uint64_t random;       /* flush-at-random: state, 0: off */
    uint64_t flushes, translated, invalidated;
    GHashTable *pool;      /* interp: constant -> its place in cpu->frame */
    unsigned pool_used;
} TcgState;

static inline TcgState *tcg_state(const Cpu *cpu)
{
    return cpu->accel;
}

/* The valid TB for a key at a place in RAM, or NULL. */
Tb *cache_find(TcgState *s, const TbKey *key, RamAddr ra, TbLimit limit);
void cache_insert(TcgState *s, Tb *tb, RamAddr ra);
/* The instruction at pc must be the last of its TB from now on; tb, in which
 * it is not, goes. */
void cache_end_at(TcgState *s, Tb *tb, GuestAddr pc);
/* from's exit `slot` leads to `to` from now on. */
void cache_chain(Tb *from, int slot, Tb *to);
/* Frees what was invalidated; no TB may be running. */
void cache_collect(TcgState *s);
void cache_flush(TcgState *s);
TcgState *cache_new(Machine *m);
void cache_free(TcgState *s);
void tb_free(TcgState *s, Tb *tb);

static inline unsigned jump_hash(GuestAddr pc)
{
    return (pc ^ (pc >> 12)) & (JUMP_CACHE_SIZE - 1);
}

static inline bool tb_matches(const Tb *tb, const TbKey *key)
{
    return tb->key.pc == key->pc && tb->key.base == key->base &&
           tb->key.flags == key->flags;
}

/* --- translate.c ----------------------------------------------------------------- */

/* Translates at key; may raise a guest fault (fetch). */
Tb *translate_tb(Cpu *cpu, const TbKey *key, TbLimit limit);

/* --- passes -------------------------------------------------------------------- */

/* Constant folding, identities, and copies; in place. */
void ir_fold(IrBlock *b);
/* Drops pure values that nobody uses and SETs that nothing can observe. */
void ir_dce(IrBlock *b);
/* True if an LDENV or STENV touches a guest register. */
static inline bool ir_env_overlaps(const IrBlock *b, const IrInst *i,
                                   unsigned reg)
{
    const IrReg *r = &b->cls->regs[reg];
    unsigned bytes = r->type == IR_I64 ? 8 : 4;
    return i->imm < r->offset + bytes &&
           r->offset < i->imm + ir_mem_size(i->mem);
}
/* Where only the low bits of a value matter, drops the extensions that make
 * the others; compares narrow values in narrow ops. In place. */
void ir_narrow(IrBlock *b);
/* Loads of what the TB itself has stored or loaded before take that value.
 * Stores to ROM and devices are always the last of their TB, so memory between
 * two instructions of one TB is RAM. In place. */
void ir_forward(IrBlock *b);
/* What is wrong with a block, or NULL; the caller frees it. */
char *ir_verify(const IrBlock *b);
/* The block as text; parsing gives the block back, or NULL with an error
 * that names the line. */
void ir_print(const IrBlock *b, GString *out);
/* helpers: NULL-ended table of those that text may name. */
IrBlock *ir_parse(const CpuClass *cls, const IrHelper *const *helpers,
                  const char *text, Error **errp);

/* --- options (exec.c) ------------------------------------------------------------ */

typedef struct AccelOptions {
    bool one_insn_per_tb;
    bool verify;           /* check the IR of every TB */
    uint64_t flush_seed;
    uint64_t tb_bytes;
} AccelOptions;
extern AccelOptions accel_options;

#endif
