/*
 * -d in_asm and out_asm.
 */
#ifndef ACCEL_TCG_DISAS_H
#define ACCEL_TCG_DISAS_H

#include "vm/cpu.h"

/* Logs the guest code [pc, tc->pc) if in_asm is on. */
void log_guest_code(TranslateContext *tc, GuestAddr pc);
/* Appends code generated for this host as text. */
void disas_host(const void *code, size_t len, GString *out);

#endif
