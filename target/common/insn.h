/*
 * Instructions as rows of bit fields: what gen-decode.py makes of an
 * insn.decode, and what can be done with any such table: text for the
 * disassembler, words for tests.
 */
#ifndef TARGET_COMMON_INSN_H
#define TARGET_COMMON_INSN_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Bits [pos, pos + bits) of the word are those from `at` on of the field. */
typedef struct InsnPiece {
    uint8_t pos, bits, at;
} InsnPiece;

typedef struct InsnField {
    const char *name;
    bool is_signed;
    uint8_t count;
    InsnPiece pieces[4];
} InsnField;

typedef struct InsnRow {
    const char *name;      /* "add.imm" */
    const char *mnemonic;  /* "add" */
    const char *operands;  /* "{KIND:FIELD,...}" where something stands */
    uint32_t mask, value;  /* fixed bits */
    struct {
        uint32_t mask, value;
    } never[2];            /* what these bits never are; mask 0: nothing */
    uint8_t width;         /* 16 or 32 bits */
    uint8_t field_count;
    uint16_t flags;        /* INSN_* */
    const InsnField *fields;
} InsnRow;

/* What a row obliges to. */
enum {
    INSN_IO = 1,           /* icount must be exact: last of its TB */
    INSN_END = 2,          /* last of its TB: modes may change */
    INSN_PRIV = 4,         /* undefined or trapped below EL1 and the like */
    INSN_FP = 8,           /* needs the floating-point unit */
};

static inline int64_t insn_sext(int64_t value, unsigned bits)
{
    return (int64_t)((uint64_t)value << (64 - bits)) >> (64 - bits);
}

/* A field's value in a word; 0 if the row has none of that name. */
int64_t insn_field(const InsnRow *row, uint32_t word, const char *name);

/* A word of the row that is `random` where the row says nothing. */
uint32_t insn_word(const InsnRow *row, uint32_t random);

/* Appends what stands for {KIND:FIELD,...}: the values of its fields. */
typedef void InsnPrint(GString *out, const char *kind, const int64_t *values,
                       void *opaque);

/* Appends the operands of a word. {FIELD} alone is its value, decimal. */
void insn_print(const InsnRow *row, uint32_t word, GString *out,
                InsnPrint *print, void *opaque);

#endif
