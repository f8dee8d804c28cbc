/*
 * What an accelerator does for the machine, its CPUs and their target.
 *
 * Floor 2 and the targets call the functions of this header without knowing
 * who runs the CPUs: softmmu/accel.c hands each call to the ops table that the
 * roof put into the machine's parts (vm/parts.h). accel/tcg fills one in;
 * test programs whose CPUs are made up bring their own.
 */
#ifndef VM_ACCEL_H
#define VM_ACCEL_H

#include "base/error.h"
#include "base/types.h"

/* Whether code is interpreted before it is compiled: not at all, when it is
 * entered for the first time, or always (never compiled). ORDER interpret. */
typedef enum InterpretWhen {
    INTERPRET_NEVER, INTERPRET_ONCE, INTERPRET_ALWAYS,
} InterpretWhen;

/* "-accel tcg,KEY=VALUE", and who listens to what is generated. Set by the
 * roof before the machine is built; copied by nobody, so it must live as long
 * as the machine. */
typedef struct AccelOptions {
    const char *backend;   /* by name; NULL: the best that runs here */
    bool one_insn_per_tb;
    bool plain_host;       /* native code: nothing that not every host has */
    uint32_t host_off;     /* extensions of the host that it does not use, bits
                            * of the accelerator's (host-features.h) */
    bool verify;           /* check the IR of every TB */
    uint64_t flush_seed;   /* flush-at-random: 0 is off */
    uint64_t tb_bytes;     /* room for TBs; 0: the default */
    InterpretWhen interpret;
    /* Called for each piece of generated host code (not of the portable back
     * end): where it runs, its length and a name for it. NULL: nobody. */
    void (*code_listener)(void *opaque, const void *code, size_t bytes,
                          const char *name);
    void *code_opaque;
} AccelOptions;

typedef struct AccelOps {
    const char *name;                       /* "tcg" */
    /* False with an error for unknown keys and values. */
    bool (*set_option)(AccelOptions *o, const char *key, const char *value,
                       Error **errp);
    /* The accelerator's own data for a CPU. */
    void (*cpu_init)(Cpu *cpu);
    void (*cpu_free)(Cpu *cpu);
    /* ORDER accel-op: what the functions below are handed to. */
    void (*kick)(Cpu *cpu);
    void (*stop_chain)(Cpu *cpu);
    void (*raise)(Cpu *cpu) G_GNUC_NORETURN;
    void (*exit_retired)(Cpu *cpu) G_GNUC_NORETURN;
    bool (*present_insn)(const Cpu *cpu, Icount *icount, GuestAddr *pc);
    void (*need_last_insn)(Cpu *cpu);
    void (*need_last_insn_once)(Cpu *cpu);
    void (*drop_store)(Cpu *cpu);
    void (*jump_cache_flush)(Cpu *cpu);
    void (*jump_cache_flush_page)(Cpu *cpu, GuestAddr va);
    void (*tb_unchain_all)(Machine *m);
    void (*tb_flush_all)(Machine *m);
    void (*tb_invalidate)(Machine *m, RamAddr ra, uint64_t len);
    bool (*tb_code_at)(Machine *m, RamAddr ra, uint64_t len);
    void (*print_info)(Machine *m, GString *out);
} AccelOps;

/* Ends the present cpu_exec() at the next instruction boundary with
 * EXEC_EVENT (an interrupt line moved, a timer was armed, a request). */
void cpu_kick(Cpu *cpu);

/* The TB being run is the last: the next one must be looked up, because the
 * TLB was flushed or somebody wants the CPU. Does nothing outside TBs. It makes
 * the budget too small for any TB, and run_end with it, so that icounts stay
 * right. */
void cpu_stop_chain(Cpu *cpu);
/* Empties the jump cache, or the part that serves the page of va. */
void jump_cache_flush(Cpu *cpu);
void jump_cache_flush_page(Cpu *cpu, GuestAddr va);

/* Leaves the present instruction for an exception noted in the CPU; state is
 * brought to the start of that instruction first. Does not return. */
void cpu_raise(Cpu *cpu) G_GNUC_NORETURN;
/* The number and the pc (as gdb calls it) of the instruction that a TB is in.
 * False outside TBs: a device or an exception is at work. */
bool cpu_present_insn(const Cpu *cpu, Icount *icount, GuestAddr *pc);
/* Makes sure that the present instruction is the last of its TB, so that
 * icount is exact and changes take effect after it: returns if it is, and
 * otherwise restarts it in a TB of its own. For device accesses and the like. */
void cpu_need_last_insn(Cpu *cpu);
/* The same where it is the data that asks for it and not the place in the
 * code: the TB stays as it is for the next time. */
void cpu_need_last_insn_once(Cpu *cpu);
/* The present instruction stores to where nothing is, or to ROM: harmless,
 * unless the TB takes what it stored for what is there. Then as
 * cpu_need_last_insn(). */
void cpu_drop_store(Cpu *cpu);
/* Like cpu_raise() without an exception: go back to the run loop with the
 * state as helpers left it; the present instruction is retired. */
void cpu_exit_retired(Cpu *cpu) G_GNUC_NORETURN;

/* Every TB is looked up anew before it is entered: no TB leads to another
 * unless the jump cache has that. Between slices only. */
void tb_unchain_all(Machine *m);
/* Drops every TB / those that overlap [ra, ra + len). Never visible. */
void tb_flush_all(Machine *m);
void tb_invalidate(Machine *m, RamAddr ra, uint64_t len);
/* True if a write to [ra, ra + len), inside one page, may change code that
 * was translated. */
bool tb_code_at(Machine *m, RamAddr ra, uint64_t len);
/* "info jit": TBs, code size, flushes, slow accesses. Nothing if no CPU is
 * there. */
void accel_print_info(Machine *m, GString *out);

#endif
