/*
 * Numbers of 80 bits on the host's x87: what x64-x80*.c share, and the others
 * call. See x64-x80.c.
 */
#ifndef ACCEL_TCG_X64_X80_H
#define ACCEL_TCG_X64_X80_H

#include "tb.h"
#include "x64-emit.h"

#define X80_DEPTH 8

typedef struct Gen Gen;
typedef struct X64State X64State;

/* Where flags and C1 of what was done are, if not in cpu->fp80. */
typedef enum X80Told {
    X80_TOLD,              /* there */
    X80_IN_HOST,           /* both in the host's status word */
    X80_ZERO,              /* C1 is 0; flags in the host's */
    X80_KEPT,              /* C1 is there; flags in the host's */
    X80_EITHER,            /* a byte in FRAME_X80_CW says: X80_IN_HOST or TOLD;
                            * so TBs begin that find numbers on the stack */
} X80Told;

/* What is on the host's stack where a TB begins and where it ends: the entry of
 * ST(depth - 1 - k), the dirty registers it is in, a bit each. */
typedef struct X80Layout {
    uint8_t depth, told;   /* told: X80Told */
    uint8_t regs[X80_DEPTH];
} X80Layout;

/* A TB that is chained to may find registers on the host's stack, if it is
 * entered at entry_at. */
typedef struct X80Edges {
    uint8_t mode;
    X80Layout entry, exit[2];  /* entries: one register each */
    uint32_t entry_at;         /* place in the code buffer */
} X80Edges;

typedef struct X80Gen {
    bool used;             /* the block has such numbers */
    bool live;             /* FRAME_X80_LIVE is `mode` here */
    uint8_t mode;          /* 80h | RC << 2 | PC, as the TB wants it */
    uint8_t told;          /* X80Told */
    uint8_t depth;
    IrVal at[X80_DEPTH];   /* ST(i) is at[depth - 1 - i] */
    IrVal reg[X80_DEPTH];  /* the value of each guest register, or none */
    uint8_t dirty;         /* a bit each: newer than the CPU struct */
    uint8_t *over;         /* per instruction: a bit for each register that is
                            * SET behind it before anybody looks */
    GArray *saved;         /* X80Saved */
    X80Layout entry;       /* registers on the stack from the beginning */
    X80Layout end;         /* what is there where it jumps to itself */
    uint16_t exit;         /* the number of that in `saved` */
} X80Gen;

/* The host's stack where an access may go to its slow path. */
typedef struct X80Saved {
    uint8_t depth, told, dirty, mode;
    uint8_t regs[X80_DEPTH];   /* entry: dirty registers it is in, a bit each */
    int32_t home[X80_DEPTH];   /* offset from the Cpu that it comes back from */
    bool stored[X80_DEPTH];    /* it is there already */
} X80Saved;

#define X80_NOT_SAVED UINT16_MAX

/* --- x64-x80.c ------------------------------------------------------------------ */

/* Before the block is compiled: finds what there is to know of it. */
void x64_x80_begin(Gen *g);
/* Behind the check of the budget: the registers of the entry are loaded. */
void x64_x80_enter(Gen *g);
/* Compiles GET, SET and X80. */
void x64_x80(Gen *g, const IrInst *i);
/* All is where C code looks for it, and the host's stack is empty. */
void x64_x80_flush(Gen *g);
/* A chain is next: only registers that memory has not stay on the stack. */
void x64_x80_settle(Gen *g);
/* A call is next, or was. */
void x64_x80_save_for_call(Gen *g, bool writes);
void x64_x80_after_call(Gen *g, bool writes);
/* x64_env_read(), x64_env_before_write(). */
void x64_x80_env_read(Gen *g, const IrInst *i);
void x64_x80_env_before_write(Gen *g, const IrInst *i);

/* Loads and stores. Before the probe: room for a number, the number on top. */
void x64_x80_before_load(Gen *g);
void x64_x80_before_store(Gen *g, IrVal v);
/* Its conversion from or to m, and what changes by it. */
void x64_x80_load_from(Gen *g, const IrInst *i, HostMem m);
void x64_x80_store_to(Gen *g, const IrInst *i, HostMem m);
/* The same again for cold code: only the instructions. pops: see below. */
void x64_x80_emit_load(Gen *g, const IrInst *i, HostMem m);
void x64_x80_emit_store(Gen *g, const IrInst *i, HostMem m, bool pops);
/* True if nobody needs the value behind this instruction. */
bool x64_x80_dies(Gen *g, IrVal v);

/* --- x64-x80-env.c ---------------------------------------------------------------- */

/* The control word that cpu->fp80 asks for, as a mode. */
uint8_t x64_x80_mode(const Cpu *cpu);
/* The host's x87 runs as the guest's behind it. Changes no register. */
void x64_x80_ensure(Gen *g);
/* Flags and C1 go to cpu->fp80. Changes no register but the host's flags. */
void x64_x80_tell(Gen *g);
/* The same wherever code is made: what has to be told. X80_EITHER stays what it
 * is, and says X80_TOLD then. */
void x64_x80_tell_fixed(const X64State *x, Asm *a, X80Told told);
/* What cold code needs to leave the host's stack empty and bring it back; its
 * number in g->x80.saved, or X80_NOT_SAVED. */
uint16_t x64_x80_note(Gen *g);
void x64_x80_cold_leave(Gen *g, uint16_t saved);
void x64_x80_cold_return(Gen *g, uint16_t saved, bool c1);
/* The number on top, when cold code has left it: to FRAME_VEC. */
void x64_x80_cold_pass_top(Gen *g, uint16_t saved);
/* What X80_EITHER stands for from here on. */
void x64_x80_say(const X64State *x, Asm *a, bool in_host);
void x64_make_x80_paths(X64State *x, Asm *a);
/* Back to C's control word, if FRAME_X80_LIVE; for shared code. */
void x64_x80_drop_fixed(const X64State *x, Asm *a);
/* --- x64-x80-edge.c --------------------------------------------------------------- */

/* The TB has the layouts of g->x80 from now on; NULL before. */
void x64_x80_note_exit(Gen *g, unsigned slot, bool loops);
void x64_x80_note_entry(Gen *g, uint32_t at);
void x64_x80_edges_free(X80Edges *e);
/* Where tb's exit is to jump to enter `to`; code is made for that if need be.
 * NULL: there is no room. */
uint8_t *x64_x80_edge(X64State *x, const Tb *tb, int slot, const Tb *to);

/* The slow path of stores converts before it stores. */
void x64_x80_store_slow(Cpu *cpu, GuestAddr va, const V128 *v, IrMem mem);

#endif
