/*
 * Breakpoints and watchpoints of a CPU, the debugger's and its own.
 *
 * The lists are in softmmu/cpu.c; the TLB finds accesses, accel/ finds
 * instructions. Included by vm/cpu.h, which is what to include.
 */
#ifndef VM_DEBUG_H
#define VM_DEBUG_H

#include "vm/tlb.h"

/* --- debugging ----------------------------------------------------------- */

typedef enum BreakOwner { BREAK_GDB = 1, BREAK_CPU = 2 } BreakOwner;

typedef struct Breakpoint {
    GuestAddr addr;        /* linear, or the offset gdb sees as $pc */
    BreakOwner owner;
} Breakpoint;

/* bit per MmuAccess: LOAD, STORE */
typedef struct Watchpoint {
    GuestAddr addr;        /* linear */
    uint64_t len;
    uint8_t access;
    BreakOwner owner;
} Watchpoint;

typedef struct WatchHit {
    bool valid;
    GuestAddr addr;        /* first byte of the access inside the watchpoint */
    uint64_t len;
    MmuAccess access;
    Watchpoint watch;      /* a copy of what was hit */
    GuestAddr pc;          /* of the instruction, as gdb calls it */
    unsigned cpu;          /* its number */
} WatchHit;

/* --- softmmu/cpu.c: breakpoints and watchpoints --------------------------- */

void cpu_breakpoint_insert(Cpu *cpu, GuestAddr addr, BreakOwner owner);
/* True if one is at linear pc or at offset pc - base. */
bool cpu_breakpoint_at(Cpu *cpu, GuestAddr pc, GuestAddr base);
void cpu_watchpoint_insert(Cpu *cpu, GuestAddr addr, uint64_t len,
                           uint8_t access, BreakOwner owner);
/* Removes all of an owner. */
void cpu_debug_clear(Cpu *cpu, BreakOwner owner);

#endif
