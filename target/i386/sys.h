/*
 * What the files of the system half share: descriptors, far transfers,
 * delivery of events. Private to target/i386.
 */
#ifndef TARGET_I386_SYS_H
#define TARGET_I386_SYS_H

#include "base/bits.h"
#include "cpu.h"

/* --- seg.c: descriptors (SDM vol. 3, 3.4.5) ---------------------------------- */

typedef struct Desc {
    uint32_t lo, hi;
    uint64_t addr;         /* linear, of the descriptor */
} Desc;

/* Types of system descriptors (3.5). */
enum {
    SYS_TSS16 = 1, SYS_LDT = 2, SYS_TSS16_BUSY = 3, SYS_CALL16 = 4,
    SYS_TASK_GATE = 5, SYS_INT16 = 6, SYS_TRAP16 = 7, SYS_TSS32 = 9,
    SYS_TSS32_BUSY = 11, SYS_CALL32 = 12, SYS_INT32 = 14, SYS_TRAP32 = 15
};

static inline unsigned desc_type(const Desc *d)
{
    return (d->hi >> 8) & 15;
}
static inline bool desc_is_system(const Desc *d)
{
    return !(d->hi & DESC_S);
}
static inline bool desc_is_code(const Desc *d)
{
    return (d->hi & (DESC_S | DESC_CODE)) == (DESC_S | DESC_CODE);
}
static inline unsigned desc_dpl(const Desc *d)
{
    return (d->hi >> DESC_DPL_SHIFT) & 3;
}
static inline uint32_t desc_base(const Desc *d)
{
    return (d->lo >> 16) | (d->hi & 0xff) << 16 | (d->hi & 0xff000000);
}
uint32_t desc_limit(const Desc *d);

/* Linear addresses have 48 bits, or 57 with five levels of paging (3.3.7.1). */
static inline unsigned x86_linear_bits(const X86Cpu *cpu)
{
    return cpu->s.cr[4] & CR4_LA57 ? 57 : 48;
}
static inline bool is_canonical(const X86Cpu *cpu, uint64_t va)
{
    return (uint64_t)bits_sext(va, x86_linear_bits(cpu)) == va;
}
/* What is loaded into a register that holds an address may be one of five levels
 * whenever the model knows them (SDM vol. 1, 3.3.7.1). */
static inline bool base_is_canonical(const X86Cpu *cpu, uint64_t va)
{
    bool wide = cpu->features[FEAT_7_ECX] & CPUID_LA57;
    return (uint64_t)bits_sext(va, wide ? 57 : 48) == va;
}

static inline bool x86_real_or_vm(const X86Cpu *cpu)
{
    return !(cpu->tb_flags & TB_PE);
}
static inline bool x86_code64(const X86Cpu *cpu)
{
    return cpu->tb_flags & TB_CS64;
}
static inline bool x86_long(const X86Cpu *cpu)
{
    return cpu->s.efer & EFER_LMA;
}

/* Raises vector with the selector as error code. */
void x86_raise_sel(X86Cpu *cpu, int vector, uint16_t sel) G_GNUC_NORETURN;

/* Fetches a descriptor; raises vector(sel) if it is outside its table. */
void desc_fetch(X86Cpu *cpu, uint16_t sel, int vector, Desc *d);
/* Without faults; false: outside its table. */
bool desc_try(X86Cpu *cpu, uint16_t sel, Desc *d);
/* The upper half of a 64-bit system descriptor's base. */
uint64_t desc_base64(X86Cpu *cpu, const Desc *d);
/* Sets the accessed bit in memory if it is clear. */
void desc_touch(X86Cpu *cpu, Desc *d);
/* Puts a descriptor into a segment register, without checks. */
void seg_put(X86Cpu *cpu, unsigned seg, uint16_t sel, const Desc *d);
/* Real and virtual-8086 mode: the selector is the base. */
void seg_put_real(X86Cpu *cpu, unsigned seg, uint16_t sel);
void seg_put_null(X86Cpu *cpu, unsigned seg, uint16_t sel);
/* Loads CS for a new CPL, without checks. */
void cs_put(X86Cpu *cpu, uint16_t sel, const Desc *d, unsigned cpl);
/* A stack segment for a new CPL: all checks, raising vector(sel). */
void ss_check(X86Cpu *cpu, uint16_t sel, unsigned cpl, int vector, Desc *d);
/* A descriptor for DS, ES, FS, GS: raises vector(sel), or #NP. */
void data_check(X86Cpu *cpu, uint16_t sel, int vector, const Desc *d);
/* After a return to less privilege: data segments it may not have go. */
void segs_drop_privileged(X86Cpu *cpu);
/* Sets SS's DPL, which is the CPL. */
void cpl_set(X86Cpu *cpu, unsigned cpl);

/* --- stack.c: pushing and popping frames ------------------------------------- */

/* A frame under construction: nothing is written before frame_commit(). */
typedef struct Frame {
    X86Cpu *cpu;
    uint64_t base, sp, mask;
    uint32_t limit, attr;
    unsigned mode;
    int fault_vector;
    uint16_t fault_sel;
    bool flat64;
    unsigned count;
    struct {
        uint64_t offset, value;
        unsigned size;
    } item[40];
} Frame;

/* On the present stack. */
void frame_present(Frame *f, X86Cpu *cpu);
/* On another: descriptor d for the CPL, stack pointer sp. */
void frame_other(Frame *f, X86Cpu *cpu, const Desc *d, uint64_t sp,
                 unsigned cpl);
void frame_64(Frame *f, X86Cpu *cpu, uint64_t sp, unsigned cpl);
void frame_push(Frame *f, unsigned size, uint64_t v);
/* Checks everything, then writes. The caller sets RSP afterwards. */
void frame_commit(Frame *f);
/* Reads and moves f->sp. */
uint64_t frame_pop(Frame *f, unsigned size);
/* Sets RSP from the frame, in the width of its stack. */
void frame_set_rsp(const Frame *f);

/* --- trap.c ------------------------------------------------------------------- */

/* EVENT_TRAP: a #DB that is no fault, or comes of an instruction breakpoint. */
typedef enum EventKind {
    EVENT_EXTERNAL, EVENT_EXCEPTION, EVENT_TRAP, EVENT_SOFTWARE
} EventKind;

/* General detect (17.2.4): accesses to debug registers raise #DB. */
#define DR7_GD 0x2000u

/* Delivers an interrupt or exception; state is at its boundary. error < 0:
 * none. */
void x86_deliver(X86Cpu *cpu, int vector, EventKind kind, int error);

/* --- task.c --------------------------------------------------------------------- */

typedef enum TaskSource { TASK_JMP, TASK_CALL, TASK_IRET, TASK_INT } TaskSource;

/* Switches to the task of a TSS descriptor; next: rip to save. */
void task_switch(X86Cpu *cpu, uint16_t sel, const Desc *d, TaskSource how,
                 uint64_t next);
/* The stack for a privilege level from the present TSS. */
void tss_stack(X86Cpu *cpu, unsigned cpl, uint16_t *ss, uint32_t *esp);
uint64_t tss64_stack(X86Cpu *cpu, unsigned slot);

/* --- control.c, msr.c -------------------------------------------------------------- */

/* CR0, 2, 3, 4 or 8. */
uint64_t cr_get(const X86Cpu *cpu, unsigned n);
/* As MOV to CR0, 2, 3, 4, 8 and WRMSR do, for an instruction or a debugger, but
 * for the modes: x86_update_modes(). False: the processor takes no such value
 * (#GP), and nothing has changed. */
bool cr_put(X86Cpu *cpu, unsigned n, uint64_t v);
bool efer_put(X86Cpu *cpu, uint64_t v);

/* --- smm.c, debug.c, mmu.c ------------------------------------------------------- */

void smm_enter(X86Cpu *cpu);
void debug_rearm(X86Cpu *cpu);
/* An I/O breakpoint may be hit; the trap comes after the instruction. */
void debug_io(X86Cpu *cpu, uint32_t port, unsigned size);
/* Loads PAE's four PDPTEs if paging uses them; false: reserved bits. */
bool mmu_load_pdptes(X86Cpu *cpu);
/* What the TLB has to know of CR3 and the PDPTEs before and after a change. */
typedef struct MmuRoot {
    uint64_t cr3, pdpte[4];
} MmuRoot;
MmuRoot mmu_root(const X86Cpu *cpu);
/* CR3 was loaded; before: what was there. Nothing else changed. */
void mmu_change_root(X86Cpu *cpu, const MmuRoot *before);

#endif
