/*
 * The emulator's machine that cases run on, for tests that look inside.
 */
#ifndef TESTS_ISA_EMU_MACHINE_H
#define TESTS_ISA_EMU_MACHINE_H

#include "cpu.h"

/* After emu_init(). */
X86Cpu *emu_cpu(void);

#endif
