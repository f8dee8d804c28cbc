/*
 * What the comparison of our x86 with the host's shares: the state of a case,
 * and the two machines that run one instruction from it.
 *
 * Code and data are at the same fixed addresses in both, below 2 GiB, so that
 * one encoding serves both modes.
 */
#ifndef TESTS_ISA_H
#define TESTS_ISA_H

#include "base/bits.h"

#define ISA_CODE 0x01000000u   /* a page; the instruction is at its start */
#define ISA_INSN_BYTES 80u
#define ISA_TAKEN 0x70u        /* offset in it where branches go */
#define ISA_DATA 0x01002000u   /* two pages */
#define ISA_DATA_BYTES 0x2000u
#define ISA_GUARD 0x01004000u  /* the page behind the data, see isa_guard */
#define ISA_STUB 0x01005000u   /* host only: the way in and out */
#define ISA_SLOTS 0x01006000u  /* host only: registers */

#define ISA_FPU_BYTES 108u    /* FNSAVE, 32-bit */

#define ISA_FLAGS 0x8d5u       /* OF SF ZF AF PF CF */
#define ISA_DF 0x400u
#define ISA_AC 0x40000u

/* Outcomes: vectors of faults, and these. */
#define ISA_NEXT (-1)          /* went on behind the instruction */
#define ISA_BRANCH (-2)        /* is at ISA_CODE + ISA_TAKEN */
#define ISA_ELSEWHERE (-3)

typedef struct IsaState {
    uint64_t gpr[16];
    uint64_t flags;            /* ISA_FLAGS and DF */
    uint64_t ymm[16][4];
    uint64_t mxcsr;
    uint64_t fault_addr, fault_error; /* of a page fault, or 0 */
    uint8_t data[ISA_DATA_BYTES];
    uint8_t fpu[ISA_FPU_BYTES];
} IsaState;

/* What the page behind the data is. */
typedef enum IsaGuard { ISA_NO_GUARD, ISA_ABSENT, ISA_READ_ONLY } IsaGuard;

typedef struct IsaCase {
    bool code64;
    bool only_outcome;         /* registers and memory are not compared */
    bool keeps_66;             /* 66 says which instruction it is, not a size */
    uint8_t insn[ISA_INSN_BYTES];
    unsigned len;
    IsaState before;
} IsaCase;

/* host-native.c. False if this host cannot run 32-bit code. */
bool host_init(bool *has_32);
int host_run(const IsaCase *c, IsaState *after);
void host_set_guard(IsaGuard guard);
/* True if the host has vectors of 32 bytes; cases load and save none
 * otherwise. */
bool host_has_vectors(void);
/* Takes away what the host's processor does not have; words are in ORDER
 * x86-feat. */
void host_features(uint32_t *features);
/* What our CPU must offer beside "max" to be like this host's, ",+NAME"... */
const char *host_model(void);
/* For emu_init(). */
void emu_model(const char *more);
/* emu-machine.c. KEY=VALUE of -accel tcg; before emu_init(). */
void emu_option(const char *option);
/* Says which features the emulated CPU offers. Translated code
 * is verified. */
void emu_init(uint32_t *features);
/* Runs 32-bit cases in other ways that must come out the same: in segments
 * with a base and tight limits, and as 16-bit code, with the size prefixes
 * inverted. After emu_init(). */
void emu_set_variant(bool segmented, bool code16);
/* 64-bit code only. After emu_init(). */
void emu_set_guard(IsaGuard guard);
/* Budgets of n instructions instead of one for all. */
void emu_set_slice(uint64_t n);
int emu_run(const IsaCase *c, IsaState *after);

#endif
