/*
 * The class's hooks that are in files of their own: paging, debug registers,
 * and what debuggers and monitors see. Private to target/i386.
 */
#ifndef TARGET_I386_SHOW_H
#define TARGET_I386_SHOW_H

#include "cpu.h"
#include "vm/cpu-dump.h"

extern const CpuClass x86_64_cpu_class, i386_cpu_class;

void x86_deliver_exception(Cpu *cpu);
bool x86_walk(Cpu *cpu, GuestAddr va, MmuAccess access, unsigned mmu_mode,
              bool probe, MmuResult *res);
bool x86_addressable(Cpu *cpu, GuestAddr va, unsigned mmu_mode);
void x86_bad_target(Cpu *cpu, uint64_t target);
void x86_debug_hit(Cpu *cpu, const WatchHit *hit);
bool x86_debug_break(Cpu *cpu, GuestAddr pc);
const CpuGdbView *x86_gdb_view(Cpu *cpu);
char *x86_describe(const CpuGdbView *view, const char *file);
void x86_print_registers(Cpu *cpu, GString *out);
void x86_print_mem(Cpu *cpu, GString *out);
void x86_print_tlb(Cpu *cpu, GString *out);

/* CpuClass.dump; dump.c has the table, mmu-scan.c what is mapped. */
extern const CpuDumpOps x86_dump_ops;
CpuMappings x86_dump_mappings(Cpu *cpu, CpuMappingFn *fn, void *opaque);

/* CpuClass.disas: in AT&T's syntax, as the present code segment's size says. */
size_t x86_disas(Cpu *cpu, GuestAddr pc, const uint8_t *code, size_t len,
                 DisasFn *fn, void *opaque);

#endif
