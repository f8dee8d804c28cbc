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

/* After so many translations without another reason code counts as ordinary
 * again (TcgState.plain). */
#define PLAIN_TBS 8u
/* What an access to a device in mid-TB is charged with (TcgState.aborts), and
 * from where on TBs are short, or of one instruction. */
#define ABORT_CHARGE 8u
#define ABORT_SHORT  64u
#define ABORT_SINGLE 128u
#define ABORT_MOST   160u
#define TB_SHORT_INSNS 8u

/* How long a TB may be: as long as it gets, or one instruction exactly. No TB
 * has the last one. */
typedef enum TbLimit { TB_FULL, TB_SINGLE, TB_NO_LIMIT } TbLimit;

typedef struct Tb Tb;

struct Tb {
    TbKey key;
    TbLimit limit;
    uint16_t insn_count;
    uint16_t len_bytes;
    bool invalid;          /* its bytes changed: nothing may enter it */
    bool forwards;         /* it takes for memory what it stored itself */
    bool cut;              /* it does not end with a jump */
    bool has_break;        /* a breakpoint is at its start: nothing chains here */
    RamAddr ram[2];        /* pages it has bytes in; ram[1] may be TB_NO_RAM;
                            * both TB_NO_RAM: code outside RAM, never cached */
    uint32_t mode;         /* TcgState.modes: base, flags and limit */
    uint64_t (*words)[2];  /* per instruction, for CpuClass.restore() */
    void *code;            /* the back end's */
    size_t code_bytes;
    void *frames;          /* the back end's form of IrBlock.frames */
    unsigned frame_count;

    /* x86_64: places in the code buffer, 0: none. */
    uint32_t jump_at[2];   /* rel32 that leads to chain[n] */
    uint32_t stub_at[2];   /* where it leads without a chain */
    uint32_t guard_at[2];  /* word that holds chain[n], on another page */
    struct X80Edges *x80;  /* numbers of 80 bits that stay in the host's x87 */

    Tb *hash_next;
    Tb *page_next[2];      /* in the list of the page ram[n]; */
    Tb **page_at[2];       /* what points to this one there */
    Tb *chain[2];          /* where IR_EXIT_CHAIN0/1 lead, or NULL */
    Tb *incoming;          /* first TB that chains to this one … */
    Tb *incoming_next[2];  /* … and the next, per exit of the source */
    Tb *unguarded_next;        /* of those with chains that ask nobody; */
    Tb **unguarded_at;         /* what points to this one; NULL: not in the list */
};

/* Why run() came back. */
typedef enum TbExit {
    TB_EXIT_LOOKUP,        /* find the next TB */
    TB_EXIT_LOOP,          /* look at interrupts and modes first */
    TB_EXIT_BUDGET,        /* too little budget for the TB at the pc */
    TB_EXIT_STALE,         /* *last is to be made anew */
} TbExit;

typedef struct TcgState TcgState;

/* How a back end wants dead code treated. */
typedef struct DceRules {
    bool keep_hot;         /* SETs of hot registers stay */
    bool lazy;             /* it knows IrInst.lazy */
    bool vectors;          /* its frame states may have vectors */
} DceRules;

/* A back end. run() executes code from a TB on, following chains and, where it
 * likes, the jump cache; it keeps cpu->budget exact whenever C code may look,
 * and sets cpu->tb and cpu->fault_insn, the number of the instruction within
 * it, before anything that may leave the TB by cpu_raise() and friends. It
 * enters the first TB whatever the budget is, and others only if the budget is
 * enough. On TB_EXIT_LOOKUP *last and *slot say where a chain could be made
 * (slot -1: none). */
typedef struct Backend {
    const char *name;
    /* False: this host cannot run it. Called once, before anything else. */
    bool (*init)(TcgState *s, Cpu *cpu);
    void (*fini)(TcgState *s);
    /* True if there may be no room for another TB before a flush(). */
    bool (*is_full)(const TcgState *s);
    /* No TB exists any more. */
    void (*flush)(TcgState *s);
    void (*compile)(Cpu *cpu, Tb *tb, const IrBlock *ir);
    void (*release)(Tb *tb);
    /* tb's exit `slot` leads to `to` from now on; NULL: back to run()'s
     * caller. tb->chain[slot] says the same. */
    void (*chain)(TcgState *s, Tb *tb, int slot, const Tb *to);
    /* Something faulted at cpu->fault_insn: writes the registers of its frame
     * state back. */
    void (*restore_frame)(Cpu *cpu, const Tb *tb);
    TbExit (*run)(Cpu *cpu, Tb *tb, Tb **last, int *slot);
    void (*dump)(const Tb *tb, GString *out);
    DceRules dce;
} Backend;

extern const Backend backend_interp;
extern const Backend backend_x86_64;

/* A page of RAM with TBs. Code and data often share one (firmware, boot
 * loaders): the map tells a store to data from one to code at once. */
typedef struct CodePage {
    Tb *first;
    uint8_t code[PAGE_SIZE / 8]; /* bytes that were in a TB, a bit each */
} CodePage;

/* --- cache.c ------------------------------------------------------------------ */

/* All of accel's data; one per machine, found through its first CPU. */
struct TcgState {
    Machine *machine;
    const AccelOptions *options; /* the roof's */
    const Backend *backend;
    IrBlock *ir;
    Tb **hash;             /* by page of RAM and key */
    unsigned hash_size;
    GHashTable *pages;     /* page RamAddr -> CodePage */
    GHashTable *last_here; /* pcs of instructions that must end their TB */
    GHashTable *stale;     /* pc -> how often a TB there had assumed too much */
    /* Code that was never run before may hit devices at every instruction; to
     * translate long TBs for it, and leave them at once, would be slow. */
    unsigned aborts;       /* TBs left for that, minus translations since */
    unsigned plain;        /* as many translations without forwarding */
    /* The code about to be entered is no jump's target, but where a budget, an
     * interrupt or the longest TB happened to end: it goes only so far as a TB
     * begins, or each of these places would begin a row of TBs of its own. */
    bool joins;
    GPtrArray *garbage;    /* invalidated TBs, freed when none runs */
    Tb *unguarded;         /* TBs with chains without a guard */
    uint64_t bytes, tb_count;
    bool kicked;           /* cpu_kick(): leave at the next boundary */
    struct Torture *torture; /* flush-at-random, or NULL */
    uint64_t flushes, translated, invalidated;
    uint64_t interpreted;  /* instructions, by once.c */
    uint64_t chained, unchained; /* exits, ever */
    uint64_t left[4];      /* returns of run(), by TbExit */
    GHashTable *modes;     /* TbMode -> Tb.mode */
    Tb no_tb;              /* in empty jump cache entries; its mode is no TB's */
    GHashTable *pool;      /* interp: constant -> its place in cpu->frame */
    unsigned pool_used;
    struct X64State *x64;
    struct Once *once;     /* once.c */
};

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
void cache_chain(TcgState *s, Tb *from, int slot, Tb *to);
/* tb, which runs no more, had assumed what is not so: it goes. */
void cache_drop_stale(TcgState *s, Tb *tb);
/* True if code at pc was not dropped for that too often. */
bool cache_may_assume(const TcgState *s, GuestAddr pc);
/* The jump cache: tb is found there from now on; all entries are empty. */
void jump_cache_enter(Cpu *cpu, Tb *tb);
void jump_cache_init(Cpu *cpu);
/* No CPU finds tb there any more. */
void jump_cache_drop(TcgState *s, const Tb *tb);
/* NULL: the machine has no CPU. */
TcgState *cache_of(Machine *m);
/* The number of a key's base and flags with a limit, above 0. */
uint32_t cache_mode(TcgState *s, const TbKey *key, TbLimit limit);
/* Frees what was invalidated; no TB may be running. */
void cache_collect(TcgState *s);
void cache_flush(TcgState *s);
TcgState *cache_new(Machine *m);
void cache_free(TcgState *s);
void tb_free(TcgState *s, Tb *tb);

static inline bool tb_matches(const Tb *tb, const TbKey *key)
{
    return tb->key.pc == key->pc && tb->key.base == key->base &&
           tb->key.flags == key->flags;
}

/* --- translate.c ----------------------------------------------------------------- */

/* Translates at key; may raise a guest fault (fetch). */
Tb *translate_tb(Cpu *cpu, const TbKey *key, TbLimit limit);

/* --- find.c ---------------------------------------------------------------------- */

/* Notes `bytes` of code from a key's pc on for the trace, if there is one. A
 * debugger may know a place by its offset in the segment. */
void find_note_code(const Cpu *cpu, const TbKey *key, unsigned bytes);
/* The TB at a key, made if need be, or once_tb(). May raise a fault (fetch). */
Tb *find_tb(Cpu *cpu, const TbKey *key, TbLimit limit);
/* Within a page the target is mapped as the source is. To another page the back
 * end must have a way to see whether it still is. */
bool find_may_chain(const Tb *from, int slot, const Tb *to);

/* --- once.c ---------------------------------------------------------------------- */

void once_init(TcgState *s);
void once_fini(TcgState *s);
/* True if the code at a key, of which there is no TB, is to be interpreted
 * now: it is entered for the first time (see AccelOptions.interpret). ra:
 * TB_NO_RAM if it is not in RAM. tail: the budget may end before a TB would. */
bool once_wanted(TcgState *s, const TbKey *key, RamAddr ra, TbLimit limit,
                 bool tail);
/* What stands for such code where a TB is expected; cpu->tb while it runs. */
Tb *once_tb(const TcgState *s);
/* Runs code at a key, as once_wanted() said, until its TB would end, the budget
 * is used up, or something must be looked at. May raise a fault of the fetch. */
TbExit once_run(Cpu *cpu, const TbKey *key);

/* --- torture.c ------------------------------------------------------------------- */

typedef struct Torture Torture;

/* From now on, as if no boundary had been passed before; seed 0: not at all. */
void torture_set(TcgState *s, uint64_t seed);
/* Code was overwritten: another place, maybe, though its address is the same. */
void torture_new_code(Torture *t);
/* At a boundary, where s->torture is not NULL: maybe drops caches. */
void torture_boundary(Cpu *cpu, TcgState *s);

/* --- ir/ir-eval.c ---------------------------------------------------------------- */

/* a cond b, both of so many bits (32 or 64). */
bool ir_holds(IrCond cond, unsigned bits, uint64_t a, uint64_t b);
/* A pure op (but no CONST, CALL or VEC) of these operands; bits: the width of the
 * first. */
uint64_t ir_eval(const IrInst *i, unsigned bits, const uint64_t *arg);
/* The k of such an op (see vm/ir-ops.def). */
uint64_t ir_prepare(const IrInst *i);

/* --- passes -------------------------------------------------------------------- */

/* Constant folding, identities, and copies; in place. */
void ir_fold(IrBlock *b);
/* Drops pure values that nobody uses and SETs that nothing can observe. */
void ir_dce(IrBlock *b, DceRules rules);
/* True if an LDENV or STENV touches a guest register. */
static inline bool ir_env_overlaps(const IrBlock *b, const IrInst *i,
                                   unsigned reg)
{
    const IrReg *r = &b->cls->regs[reg];
    unsigned bytes = ir_is_big(r->type) ? 16 : r->type == IR_I64 ? 8 : 4;
    return i->imm < r->offset + bytes &&
           r->offset < i->imm + ir_mem_size(i->mem);
}
/* Where only the low bits of a value matter, drops the extensions that make
 * the others; compares narrow values in narrow ops. In place. */
void ir_narrow(IrBlock *b);
/* Loads of what the TB itself has stored or loaded before take that value.
 * Stores to ROM and devices are always the last of their TB, so memory between
 * two instructions of one TB is RAM. In place; true if there was such a load.
 * Not for CPUs with watchpoints. */
bool ir_forward(IrBlock *b);
/* What is wrong with a block, or NULL; the caller frees it. */
char *ir_verify(const IrBlock *b);
/* The block as text; parsing gives the block back, or NULL with an error
 * that names the line. */
void ir_print(const IrBlock *b, GString *out);
/* helpers: NULL-ended table of those that text may name. */
IrBlock *ir_parse(const CpuClass *cls, const IrHelper *const *helpers,
                  const char *text, Error **errp);

/* --- exec.c and cache.c: see the functions of vm/accel.h -------------------------- */

void tcg_kick(Cpu *cpu);
void tcg_stop_chain(Cpu *cpu);
void tcg_raise(Cpu *cpu) G_GNUC_NORETURN;
void tcg_exit_retired(Cpu *cpu) G_GNUC_NORETURN;
bool tcg_present_insn(const Cpu *cpu, Icount *icount, GuestAddr *pc);
void tcg_need_last_insn(Cpu *cpu);
void tcg_need_last_insn_once(Cpu *cpu);
void tcg_drop_store(Cpu *cpu);
void tcg_jump_cache_flush(Cpu *cpu);
void tcg_jump_cache_flush_page(Cpu *cpu, GuestAddr va);
void tcg_unchain_all(Machine *m);
void tcg_flush_all(Machine *m);
void tcg_invalidate(Machine *m, RamAddr ra, uint64_t len);
bool tcg_code_at(Machine *m, RamAddr ra, uint64_t len);

/* --- vec.c ------------------------------------------------------------------------ */

/* FVECX: does a row's operation under cpu->fp, to which its flags are added; if
 * one of them is unmasked, leaves by cpu_raise() (set cpu->fault_insn first) and
 * the result does not count. */
void tcg_vec_checked(Cpu *cpu, VecOp op, VecArgs *v);
/* What VEC, FVEC and FVECX make of up to three vectors and an integer; an integer
 * result is in w[0]. Of FVECX the same holds as above. Only op and imm of i count,
 * here and below. */
V128 tcg_vec(Cpu *cpu, const IrInst *i, const V128 *const in[3], uint64_t x);
/* The same of X80, under cpu->fp80; numbers are as in registers. */
V128 tcg_x80(Cpu *cpu, const IrInst *i, const V128 *const in[2], uint64_t x);
/* The number that an access's bytes are, under cpu->fp80. */
V128 tcg_x80_load(Cpu *cpu, const V128 *bytes, IrMem mem);
/* A number's bytes. Flags go to env, a copy of cpu->fp80: they count when the
 * store has not faulted. */
V128 tcg_x80_bytes(const V128 *v, IrMem mem, SfEnv *env);

/* --- accel.c ---------------------------------------------------------------------- */

/* Tells the roof's listener of generated code, if there is one. */
void tell_code(const TcgState *s, const void *code, size_t bytes,
               const char *name);
void tell_tb(const TcgState *s, const Tb *tb);

/* The most room that TBs may take. Only what is filled is taken from the host.
 * A guest with much memory runs many programs: the start of a whole distribution
 * filled 64 MiB three times, and what does not fit goes, all of it. */
static inline uint64_t tcg_tb_bytes(const TcgState *s)
{
    uint64_t given = s->options->tb_bytes;
    uint64_t ram_bytes = s->machine->config.ram_bytes;
    return given ? given : CLAMP(ram_bytes / 4, 64 * MIB, 512 * MIB);
}

#endif
