/*
 * What a target owes those who dump the guest's memory: where it has mapped
 * what, and its registers as notes of an ELF file.
 *
 * A target has a table of it in its CpuClass (target/i386/dump.c, mmu-scan.c);
 * monitor/ calls through it.
 */
#ifndef VM_CPU_DUMP_H
#define VM_CPU_DUMP_H

#include "vm/cpu.h"

/* A page: size bytes at virtual address va are those at pa. */
typedef void CpuMappingFn(void *opaque, GuestAddr va, PhysAddr pa,
                          uint64_t size);

typedef enum CpuMappings {
    CPU_MAPPINGS_NONE,     /* no paging is on: addresses are physical */
    CPU_MAPPINGS_ALL,
    CPU_MAPPINGS_PART,     /* there are more than anybody can mean */
} CpuMappings;

/* What a dump of its memory is: an ELF file of that machine and width. */
typedef struct CpuDumpKind {
    uint16_t machine;      /* e_machine */
    unsigned bits;         /* 32 or 64 */
    const char *uname;     /* as the guest's kernels call it */
} CpuDumpKind;

typedef struct CpuDumpOps {
    CpuDumpKind (*kind)(Cpu *cpu);
    /* Tells each page that it has mapped. The CPU is in step
     * (CpuClass.sync). */
    CpuMappings (*mappings)(Cpu *cpu, CpuMappingFn *fn, void *opaque);
    /* Appends its ELF notes to a dump of that width. */
    void (*notes)(Cpu *cpu, unsigned bits, GByteArray *out);
} CpuDumpOps;

#endif
