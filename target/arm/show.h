/*
 * The CPU as debuggers and monitors see it.
 */
#ifndef TARGET_ARM_SHOW_H
#define TARGET_ARM_SHOW_H

#include "cpu.h"
#include "vm/cpu-dump.h"

/* regs.c, gdb-xml.c */
const CpuGdbView *arm_gdb_view(Cpu *cpu);
char *arm_describe(const CpuGdbView *v, const char *file);

/* print.c: `info registers`, `info mem`. */
void arm_print_registers(Cpu *cpu, GString *out);
void arm_print_mem(Cpu *cpu, GString *out);

/* disas.c: CpuClass.disas, from the rows of insn.decode. */
size_t a64_disas(Cpu *cpu, GuestAddr pc, const uint8_t *code, size_t len,
                 DisasFn *fn, void *opaque);

/* dump.c: CpuClass.dump. */
extern const CpuDumpOps arm_dump_ops;

/* translate.c */
void a64_translate_start(TranslateContext *tc);
void a64_translate_insn(TranslateContext *tc);
void a64_translate_stop(TranslateContext *tc);

#endif
