/*
 * The components of extended state: which exist, where they lie in an XSAVE
 * area, whether they are in use (SDM vol. 1, chapter 13). Used by xsave.c,
 * cpuid.c and msr.c.
 */
#ifndef TARGET_I386_XSTATE_H
#define TARGET_I386_XSTATE_H

#include "cpu.h"

#define XSAVE_LEGACY 512u      /* bytes, as FXSAVE's */
#define XSAVE_HEADER 64u
#define XSAVE_COMPACTED BIT(63) /* of XCOMP_BV */
/* An area is at most so long, in any format. */
#define XSAVE_MOST 1024u

/* The bits of XCR0 that the model has; 0 without XSAVE. */
uint64_t xstate_offered(const X86Cpu *cpu);
/* Whether XSETBV takes v (2.6). */
bool xstate_xcr0_valid(const X86Cpu *cpu, uint64_t v);
/* Size and offset of component n >= 2; false: the model does not have it. */
bool xstate_component(const X86Cpu *cpu, unsigned n, uint32_t *bytes,
                      uint32_t *offset);
/* Where component n >= 2 is in an area, which if compacted has the components
 * `have`. */
uint32_t xstate_offset(unsigned n, uint64_t have, bool compacted);
/* Bytes of an area that holds components `have`, header included. */
uint32_t xstate_bytes(uint64_t have, bool compacted);
/* XINUSE (13.6): those not in their initial configuration. It follows from
 * their values only, so that it is the same whatever came before. */
uint64_t xstate_in_use(X86Cpu *cpu);
/* XMM and YMM registers that the present mode knows. */
unsigned xstate_vectors(const X86Cpu *cpu);

#endif
