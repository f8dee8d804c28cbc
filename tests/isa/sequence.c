/*
 * Short sequences of register instructions. Translated together they exercise
 * what a translator knows from one instruction to the next: above all how a
 * condition follows from the instruction that set the flags.
 */
#include "fpu-state.h"
#include "sequence.h"

#include <string.h>

static bool fits(const X86Insn *in)
{
    const OpRow *row = in->row;
    if (fpu_is_function(row->mnemonic)) {
        return false;
    }
    if (is_one_of(row->mnemonic, "div idiv aam call ret ud0 ud1 ud2 enter "
                                 "leave push pop pusha popa xlat loop loope "
                                 "loopne jcxz jmp movbe bound cmpxchg8b "
                                 "movnti lea prefetchw maskmovq maskmovdqu "
                                 "vmaskmovdqu") ||
        is_string(row) || row_is_area(row)) {
        return false;
    }
    if (in->opsize == 2 && is_one_of(row->mnemonic, "shld shrd bswap")) {
        return false;
    }
    for (unsigned i = 0; i < OP_MAX; i++) {
        if (row->op[i].method == OPM_O || row->op[i].method == OPM_J) {
            return false;
        }
    }
    return in->rm != X86_RSP && in->reg != X86_RSP; /* AH is lost, too */
}

/* Half of the time something that reads flags. */
static const OpRow *random_reader(bool code64)
{
    for (;;) {
        const OpRow *row = random_user_row(code64);
        if (is_one_of(row->mnemonic, "set cmov adc sbb")) {
            return row;
        }
    }
}

static bool append_one(IsaCase *c, uint32_t *undefined)
{
    X86Insn in;
    unsigned at = c->len;
    bool reads = chance(50);
    const OpRow *row = reads ? random_reader(c->code64)
                             : random_user_row(c->code64);
    if (!append_bytes(c, row, true, &in)) {
        return false;
    }
    if (!fits(&in) || (flags_read(&in) & *undefined)) {
        c->len = at;
        return false;
    }
    *undefined = (*undefined & ~flags_defined(&in)) | flags_lost(&in);
    return true;
}

/* Rows of the x87 without those that take the rest of the sequence away from
 * what is known of it: control and environment are rare here. */
static const OpRow *random_x87_row(bool code64)
{
    for (;;) {
        const OpRow *row = random_user_row(code64);
        bool rare = is_one_of(row->mnemonic, "fldenv fnstenv frstor fnsave "
                                             "fninit fnclex fldcw ffree "
                                             "ffreep fincstp fdecstp fbld "
                                             "fbstp");
        if (row->map == 0 && g_str_has_prefix(row->opcode, "D") &&
            row->mnemonic[0] == 'f' && (!rare || chance(5))) {
            return row;
        }
    }
}

void make_x87_sequence(IsaCase *c)
{
    X86Insn in;
    c->len = 0;
    c->only_outcome = false;
    random_state(c);
    random_vectors(c);
    if (chance(85)) {
        fpu_mask_all(c->before.fpu);
    }
    while (c->len + 15 <= ISA_INSN_BYTES) {
        unsigned at = c->len;
        if (append_bytes(c, random_x87_row(c->code64), true, &in) &&
            !fits(&in)) {
            c->len = at;
        }
    }
}

uint32_t make_sequence(IsaCase *c, unsigned count)
{
    uint32_t undefined = 0;
    c->len = 0;
    c->only_outcome = false;
    random_state(c);
    random_vectors(c);
    while (count) {
        count -= append_one(c, &undefined);
    }
    return undefined;
}
