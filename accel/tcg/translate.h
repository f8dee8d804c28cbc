/*
 * Translating guest code an instruction at a time; shared by translate.c,
 * which makes TBs, and once.c, which runs each instruction at once.
 */
#ifndef ACCEL_TCG_TRANSLATE_H
#define ACCEL_TCG_TRANSLATE_H

#include "tb.h"

typedef struct Translation {
    TranslateContext tc;
    const TbKey *key;
    unsigned max_insns;
    RamAddr ram[2];            /* of the first page and the next */
    const uint8_t *host;       /* byte 0 of the first page; NULL: not RAM */
    sigjmp_buf cut;            /* the instruction cannot be in this TB */
    /* Where the present instruction began, to take it back. */
    guint insts, words, helpers;
    GuestAddr insn_pc;
} Translation;

/* Begins at key; the IR goes to the TcgState's block. May raise a fault of the
 * fetch. tc.may_assume, false in a Translation of zeroes, is the caller's. */
void translation_start(Translation *t, Cpu *cpu, const TbKey *key,
                       unsigned max_insns);
/* The next instruction. It is taken back, and translation_insn() left by
 * siglongjmp(t->cut), if the TB has to end before it. */
void translation_insn(Translation *t);
/* What the siglongjmp() leads to. */
void translation_cut(Translation *t);
/* True if the TB ends behind the instruction just translated. */
bool translation_must_stop(Translation *t);

#endif
