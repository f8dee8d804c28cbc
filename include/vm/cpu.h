/*
 * What a target owes the accelerator, the debugger and the monitor; and what
 * the accelerator and softmmu offer a target.
 *
 * A target (target/i386) fills in one CpuClass and derives its CPU struct from
 * Cpu. accel/tcg runs it; softmmu/tlb.c caches its translations.
 */
#ifndef VM_CPU_H
#define VM_CPU_H

#include <setjmp.h>

#include "vm/accel.h"
#include "vm/debug.h"
#include "vm/ir.h"
#include "vm/machine.h"
#include "vm/state.h"
#include "vm/tlb.h"

/* The result of a target's page walk. */
typedef struct MmuResult {
    PhysAddr phys;         /* of the byte asked for */
    uint8_t prot;          /* bit per MmuAccess that needs no new walk */
} MmuResult;

/* --- the CPU --------------------------------------------------------------- */

/* Where translated code starts and under which assumptions it was made. TBs
 * are shared by all states with the same key and the same bytes. */
typedef struct TbKey {
    GuestAddr pc;          /* linear address of the first instruction */
    GuestAddr base;        /* linear minus what the target calls pc (CS base) */
    uint32_t flags;        /* the target's modes */
} TbKey;

struct TranslateContext;

/* What a register holds, up to 512 bits: its bytes, the least significant
 * first, and zeroes behind them. */
#define CPU_REG_BYTES 64u
typedef struct CpuRegValue {
    uint8_t bytes[CPU_REG_BYTES];
} CpuRegValue;

/* A register as gdb and `print $reg` see it: a row of a target's table. Others
 * than the table's owner use cpu_reg_get() and its like. */
typedef struct CpuReg {
    const char *name;
    uint16_t bits;
    const char *gdb_type;  /* "int32", "code_ptr", "data_ptr", "vec128" */
    const char *group;     /* which part of the target description has it */
    /* v comes zeroed. */
    void (*get)(Cpu *cpu, unsigned n, CpuRegValue *v);
    /* What cannot be (reserved bits, a read-only register) changes nothing. */
    void (*set)(Cpu *cpu, unsigned n, const CpuRegValue *v);
    unsigned n;            /* handed to get and set */
} CpuReg;

/* The register file as a debugger sees it, whatever mode the CPU is in: a
 * debugger asks once. */
typedef struct CpuGdbView {
    const CpuReg *regs;         /* in g-packet order */
    unsigned count;
    unsigned pc, sp;            /* indices */
    /* Names that are none of the layout's: monitors know them, and so did
     * debuggers whose writes are in older recordings. */
    const CpuReg *others;
    unsigned other_count;
    /* A file of the target description ("target.xml" and what it includes),
     * which the caller frees; NULL: there is none of that name. */
    char *(*describe)(const struct CpuGdbView *view, const char *file);
} CpuGdbView;

/* An instruction as text; the strings live until the next one. */
typedef struct DisasInsn {
    GuestAddr pc;
    unsigned bytes;
    const char *mnemonic, *operands;
} DisasInsn;

/* False: no more of them are wanted. */
typedef bool DisasFn(void *opaque, const DisasInsn *insn);

/* A model, and a feature of a model, for those who ask. */
typedef void CpuModelFn(void *opaque, const char *name);
typedef void CpuFeatureFn(void *opaque, const char *feature, bool on);

struct CpuClass {
    const char *name;           /* target: "x86_64", "i386" */
    size_t size;                /* of the CPU struct, which starts with Cpu */
    size_t state_offset;
    StateTableFn *state;
    const IrReg *regs;          /* guest registers known to the IR */
    unsigned reg_count;
    unsigned pc_reg;            /* index in regs; exits write it */
    const void *pins;           /* what boards drive: include/pins */

    /* Fixed models: "qemu64 …" lines for -cpu help; creation by name. */
    void (*help)(GString *out);
    bool (*set_model)(Cpu *cpu, const char *model, Error **errp);
    /* Tells every model of this program. */
    void (*models)(const struct CpuClass *cls, CpuModelFn *fn, void *opaque);
    /* Tells every feature that there is, and whether `model` (as set_model()
     * takes it) has it. False with an error. */
    bool (*expand)(const struct CpuClass *cls, const char *model,
                   CpuFeatureFn *fn, void *opaque, Error **errp);
    /* NULL, or: what the model has become, a line, for the identity of
     * recordings: models grow with the program. */
    void (*identify)(const Cpu *cpu, GString *out);

    /* After the rows' reset values: power-on or INIT state. */
    void (*reset)(Cpu *cpu);
    /* Brings lazy caches (flags) into the state rows. Idempotent. */
    void (*sync)(Cpu *cpu);
    /* Recomputes all caches from the rows (mode flags, lazy flags). */
    void (*rewire)(Cpu *cpu);

    /* --- execution */
    void (*tb_key)(Cpu *cpu, TbKey *key);
    /* Fills key-dependent private data; the array is the target's scratch. */
    void (*translate_start)(struct TranslateContext *tc);
    /* Decodes and translates the instruction at tc->pc. */
    void (*translate_insn)(struct TranslateContext *tc);
    /* Emits the exit of a TB that did not end by itself (length, page). */
    void (*translate_stop)(struct TranslateContext *tc);
    /* An exception left a TB: set the state to the instruction whose
     * ir_insn_start() words are given. */
    void (*restore)(Cpu *cpu, const uint64_t words[2]);
    /* True if there is something to do although halted. */
    bool (*has_work)(Cpu *cpu);
    bool (*halted)(Cpu *cpu);
    /* Takes the most urgent pending interrupt if it may be taken now. True
     * if the state changed. Between instructions. */
    bool (*interrupt)(Cpu *cpu);
    /* A guest exception raised by cpu_raise() is delivered here, with the
     * state of the faulting instruction. */
    void (*deliver_exception)(Cpu *cpu);
    /* Notes the exception of a vector access that is not aligned; who calls
     * raises it. NULL: there is no such rule. */
    void (*unaligned)(Cpu *cpu, GuestAddr va);
    /* Notes the exception of a vector operation that would raise these SF_*,
     * one of which is unmasked; they are in cpu->fp already. */
    void (*fp_trap)(Cpu *cpu, unsigned flags);
    /* Walks the page tables (A/D bits are set). False: the exception is noted
     * in the CPU and the caller raises it; probe: nothing is noted or set.
     * mmu_mode may have MMU_TARGET. */
    bool (*walk)(Cpu *cpu, GuestAddr va, MmuAccess access, unsigned mmu_mode,
                 bool probe, MmuResult *res);
    unsigned (*mmu_mode)(Cpu *cpu, bool fetch);
    /* NULL, or: whether va is an address at all (canonical). False: the
     * exception is noted, as by walk(). Asked for the last byte of accesses
     * across two pages, before either page is looked at. */
    bool (*addressable)(Cpu *cpu, GuestAddr va, unsigned mmu_mode);
    /* NULL, or: notes the exception of a jump to what IR_CANON refused. */
    void (*bad_target)(Cpu *cpu, uint64_t target);
    /* The address space it sees now, NULL hook: machine->memory. Who changes
     * the answer flushes the TLB. */
    AddressSpace *(*memory)(Cpu *cpu);
    /* A watchpoint owned by the CPU (debug register) was hit; the instruction
     * has retired. */
    void (*debug_hit)(Cpu *cpu, const WatchHit *hit);
    /* The same for a breakpoint, before the instruction. True if it raised an
     * exception (the state changed). */
    bool (*debug_break)(Cpu *cpu, GuestAddr pc);

    /* --- inspection */
    const CpuGdbView *(*gdb_view)(Cpu *cpu);
    void (*print_registers)(Cpu *cpu, GString *out); /* info registers */
    void (*print_mem)(Cpu *cpu, GString *out);       /* info mem */
    void (*print_tlb)(Cpu *cpu, GString *out);       /* info tlb */
    const struct CpuDumpOps *dump; /* vm/cpu-dump.h; NULL: its memory cannot
                                    * be dumped */
    /* How wide a debugger should print addresses now: 16, 32 or 64. */
    unsigned (*address_bits)(Cpu *cpu);
    /* NULL, or: tells the instructions in `code`, which lies at pc and would
     * run in the mode that the CPU is in, until fn has enough or these bytes
     * are no (whole) instruction. How many bytes were told. */
    size_t (*disas)(Cpu *cpu, GuestAddr pc, const uint8_t *code, size_t len,
                    DisasFn *fn, void *opaque);
};

/* Where TBs were found last, so that they need not be looked up: by pc, a
 * group of entries a page, so that one page's can be dropped. No TB here has
 * a breakpoint. */
#define JUMP_CACHE_BITS  13
#define JUMP_CACHE_SIZE  (1u << JUMP_CACHE_BITS)
#define JUMP_GROUP_BITS  8
#define JUMP_GROUPS      (1u << (JUMP_CACHE_BITS - JUMP_GROUP_BITS)) /* 128 */

typedef struct JumpEntry {
    GuestAddr pc;
    struct Tb *tb;              /* never NULL: without a TB, one that nothing
                                 * matches */
} JumpEntry;

/* ORDER jump-hash: native back ends compute the same inline. */
static inline unsigned jump_hash(GuestAddr pc)
{
    return ((pc >> JUMP_GROUP_BITS) ^ (pc & ((1u << JUMP_GROUP_BITS) - 1))) &
           (JUMP_CACHE_SIZE - 1);
}

/* What a CPU stores to may be noted by lines of 64 bytes, for the debugger's
 * searches (vm/page-trace.h): a byte a line, so that generated code needs one
 * store for it; lines 256 MiB apart share one. */
#define CPU_LINE_BITS 6u
#define CPU_LINES     (1u << 22)

#define CPU_OWN_HITS 8u
#define CPU_FRAME_WORDS 4096u

struct Cpu {
    const CpuClass *cls;
    Machine *machine;
    int index;

    /* Hot: known to back ends by offset. */
    int64_t budget;             /* instructions still allowed */
    uint16_t fault_insn;        /* backend's note of where it is in its TB */
    uint16_t fault_site;        /* back end's own, set together with it */
    bool stop_chain;            /* the budget is biased: cpu_stop_chain() */
    struct Tb *tb;              /* being run, NULL between TBs */
    JumpEntry jump_cache[JUMP_CACHE_SIZE];
    /* A bit per group that may have entries. */
    uint64_t jump_groups[(JUMP_GROUPS + 63) / 64];
    CpuTlb tlb;

    /* The line of a store's first byte is noted if notes_lines: never, where
     * nobody asked for it. */
    bool notes_lines;
    uint8_t lines[CPU_LINES];

    /* The portable back end's values and constants; no state. */
    uint64_t frame[CPU_FRAME_WORDS];

    /* What FVEC ops run under, kept by the target's rewire() and by helpers that
     * write its control registers; sync() takes the flags out of it. */
    SfEnv fp;
    /* The same for X80 ops and loads and stores of such numbers, with all
     * exceptions masked. SF_ROUNDED_UP is that of the last one. Bits of flags
     * besides SF_ALL and it mean nothing. */
    SfEnv fp80;

    Icount run_end;             /* icount when budget reaches 0 */
    bool in_tb;                 /* translated code or its helpers run */
    bool last_insn_only;        /* next TB must have exactly one instruction */
    sigjmp_buf jump;            /* where cpu_raise() and friends go */
    void *accel;                /* accel/tcg's own */

    GArray *breakpoints;        /* Breakpoint */
    /* Asked before a debugger's breakpoint stops the machine: false if its
     * condition does not hold. NULL: it always does. */
    bool (*break_holds)(void *opaque, Cpu *cpu);
    void *break_opaque;
    GArray *watchpoints;        /* Watchpoint */
    WatchHit watch_hit;         /* the debugger's, of this instruction */
    WatchHit own_hits[CPU_OWN_HITS]; /* the CPU's, for cls->debug_hit */
    unsigned own_hit_count;
    Icount skip_break_icount;   /* do not report a breakpoint here, */
    GuestAddr skip_break_pc;    /* and not the one of a handler that an
                                 * interrupt then leads to */
};

/* What a debugger calls the code at linear address pc in a segment at base: its
 * offset, which wraps at 4 GiB. */
static inline GuestAddr cpu_code_offset(GuestAddr pc, GuestAddr base)
{
    return base ? (uint32_t)(pc - base) : pc;
}

static inline unsigned cpu_line(GuestAddr va)
{
    return (va >> CPU_LINE_BITS) & (CPU_LINES - 1);
}

static inline void cpu_note_line(Cpu *cpu, GuestAddr va)
{
    if (G_UNLIKELY(cpu->notes_lines)) {
        cpu->lines[cpu_line(va)] = 1;
    }
}

static inline void *cpu_state(Cpu *cpu)
{
    return (char *)cpu + cpu->cls->state_offset;
}

/* A CPU of a model, added to m->cpus and reset. */
Cpu *cpu_new(Machine *m, const char *model, Error **errp);
void cpu_free(Cpu *cpu);

/* --- softmmu/cpu.c: registers by name and by value ------------------------ */

/* Bytes of a register's value in packets. */
static inline unsigned cpu_reg_bytes(const CpuReg *reg)
{
    return (reg->bits + 7) / 8;
}
/* The register of that name (len bytes, without NUL), in the layout or among
 * the other names; NULL: none. */
const CpuReg *cpu_reg_find(Cpu *cpu, const char *name, size_t len);
/* What it holds; the CPU's caches are brought into the rows first. */
void cpu_reg_get(Cpu *cpu, const CpuReg *reg, CpuRegValue *v);
/* The same of one that has at most 64 bits; of wider ones the low 64. */
uint64_t cpu_reg_get_u64(Cpu *cpu, const CpuReg *reg);
/* Only the gate's (svc/gate.h), by vm/debug-write.h. */
void cpu_reg_set(Cpu *cpu, const CpuReg *reg, const CpuRegValue *v);
/* A number as the value of a register of that width. */
CpuRegValue cpu_reg_value(const CpuReg *reg, uint64_t number);

/* --- accel/tcg: execution ---------------------------------------------- */

typedef enum ExecStop {
    EXEC_BUDGET,                /* exactly `budget` instructions retired */
    EXEC_HALTED,
    EXEC_BREAKPOINT,            /* at the boundary before it */
    EXEC_WATCHPOINT,            /* after the instruction that hit */
    EXEC_EVENT,                 /* something changed: sched must look */
} ExecStop;

/* Runs at most budget instructions; *retired says how many. Pending
 * interrupts are taken first. */
ExecStop cpu_exec(Cpu *cpu, uint64_t budget, uint64_t *retired);

#endif
