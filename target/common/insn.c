/*
 * What can be done with any table of instructions. See insn.h.
 */
#include "insn.h"

#include <inttypes.h>
#include <string.h>

#define MOST_VALUES 6

static int64_t field_value(const InsnField *f, uint32_t word)
{
    uint64_t value = 0;
    unsigned bits = 0;
    for (unsigned i = 0; i < f->count; i++) {
        const InsnPiece *p = &f->pieces[i];
        uint64_t part = word >> p->pos & ((1ull << p->bits) - 1);
        value |= part << p->at;
        bits = MAX(bits, p->at + p->bits);
    }
    return f->is_signed ? insn_sext(value, bits) : (int64_t)value;
}

int64_t insn_field(const InsnRow *row, uint32_t word, const char *name)
{
    for (unsigned i = 0; i < row->field_count; i++) {
        if (g_str_equal(row->fields[i].name, name)) {
            return field_value(&row->fields[i], word);
        }
    }
    return 0;
}

uint32_t insn_word(const InsnRow *row, uint32_t random)
{
    uint32_t all = row->width == 32 ? UINT32_MAX : UINT16_MAX;
    uint32_t word = ((random & ~row->mask) | row->value) & all;
    for (unsigned i = 0; i < G_N_ELEMENTS(row->never); i++) {
        uint32_t mask = row->never[i].mask;
        if (mask && (word & mask) == row->never[i].value) {
            word ^= mask & -mask;
        }
    }
    return word;
}

/* One "KIND:FIELD,...": who prints it, with the values; NULL: a plain
 * number. */
static const char *operand_kind(const InsnRow *row, uint32_t word, char *text,
                                int64_t *values)
{
    char *colon = strchr(text, ':');
    if (!colon) {
        values[0] = insn_field(row, word, text);
        return NULL;
    }
    *colon = '\0';
    g_auto(GStrv) names = g_strsplit(colon + 1, ",", MOST_VALUES);
    for (unsigned i = 0; names[i]; i++) {
        values[i] = insn_field(row, word, names[i]);
    }
    return text;
}

void insn_print(const InsnRow *row, uint32_t word, GString *out,
                InsnPrint *print, void *opaque)
{
    for (const char *p = row->operands; *p; p++) {
        const char *end = *p == '{' ? strchr(p, '}') : NULL;
        if (!end) {
            g_string_append_c(out, *p);
            continue;
        }
        int64_t values[MOST_VALUES] = { 0 };
        g_autofree char *text = g_strndup(p + 1, end - p - 1);
        const char *kind = operand_kind(row, word, text, values);
        if (kind) {
            print(out, kind, values, opaque);
        } else {
            g_string_append_printf(out, "%" PRId64, values[0]);
        }
        p = end;
    }
}
