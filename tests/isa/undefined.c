/*
 * What the manual leaves undefined: SDM vol. 1, appendix A, and the
 * instructions' pages.
 */
#include <string.h>

#include "case.h"
#include "fpu-state.h"

/* The count operand of a shift, masked. */
static unsigned shift_count(const IsaCase *c, const X86Insn *in)
{
    unsigned mask = in->opsize == 8 && in->row->op[0].size != OPS_b ? 63 : 31;
    for (unsigned i = 1; i < OP_MAX; i++) {
        switch (in->row->op[i].method) {
        case OPM_ONE:
            return 1;
        case OPM_I:
            return in->imm[0] & mask;
        case OPM_REG:
            return c->before.gpr[X86_RCX] & mask;
        }
    }
    return 0;
}

static uint32_t undefined_shift(const IsaCase *c, const X86Insn *in)
{
    const char *name = in->row->mnemonic;
    unsigned n = shift_count(c, in);
    unsigned bits = 8 * x86_operand_bytes(in, in->row->op[0].size);
    uint32_t f = 0;
    if (n == 0) {
        return 0;
    }
    if (n != 1) {
        f |= OF;
    }
    if (name[0] == 's') {
        f |= AF;
    }
    if (n >= bits && is_one_of(name, "shl shr shld shrd")) {
        f |= CF;
    }
    if (n > bits && is_one_of(name, "shld shrd")) {
        f |= ISA_FLAGS;
    }
    return f;
}

uint32_t undefined_flags(const IsaCase *c, const X86Insn *in)
{
    static const struct {
        const char *names;
        uint32_t flags;
    } rules[] = {
        { "and or xor test", AF },
        { "mul imul", SF | ZF | AF | PF },
        { "div idiv", ISA_FLAGS },
        { "bt bts btr btc", OF | SF | AF | PF },
        { "bsf bsr", CF | OF | SF | AF | PF },
        { "tzcnt lzcnt", OF | SF | AF | PF },
        { "andn blsr blsmsk blsi bzhi", AF | PF },
        { "bextr", SF | AF | PF },
        { "aaa aas", OF | SF | ZF | PF },
        { "daa das", OF },
        { "aam aad", OF | AF | CF },
    };
    if (is_one_of(in->row->mnemonic, "shl shr sar shld shrd rol ror rcl rcr")) {
        return undefined_shift(c, in);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(rules); i++) {
        if (is_one_of(in->row->mnemonic, rules[i].names)) {
            return rules[i].flags;
        }
    }
    return 0;
}

/* What SHLD and SHRD leave when they shift by more than the width, and
 * BSWAP of 16 bits, are the processor's own; so are the two functions outside
 * of their ranges. */
bool result_is_undefined(const IsaCase *c, const X86Insn *in)
{
    if (is_one_of(in->row->mnemonic, "f2xm1 fyl2xp1")) {
        return fpu_top_exponent(c->before.fpu) >= 0x3ffd;
    }
    if (is_one_of(in->row->mnemonic, "shld shrd")) {
        return shift_count(c, in) > 8 * in->opsize;
    }
    return !strcmp(in->row->mnemonic, "bswap") && in->opsize == 2;
}

/* --- without values ---------------------------------------------------------*/

static bool counts_by_cl(const X86Insn *in)
{
    return in->row->op[1].method == OPM_REG || in->row->op[2].method == OPM_REG;
}

static bool is_shift(const X86Insn *in)
{
    return is_one_of(in->row->mnemonic, "shl shr sar shld shrd rol ror rcl rcr");
}

uint32_t flags_defined(const X86Insn *in)
{
    static const struct {
        const char *names;
        uint32_t flags;
    } rules[] = {
        { "add sub cmp adc sbb neg xadd cmpxchg popcnt", ISA_FLAGS },
        { "and or xor test shl shr sar shld shrd", ISA_FLAGS & ~AF },
        { "inc dec", ISA_FLAGS & ~CF },
        { "rol ror rcl rcr", CF | OF },
        { "mul imul", CF | OF },
        { "bt bts btr btc clc stc cmc adcx", CF },
        { "bsf bsr", ZF },
        { "tzcnt lzcnt", CF | ZF },
        { "andn blsr blsmsk blsi bzhi", ISA_FLAGS & ~(AF | PF) },
        { "bextr", OF | ZF | CF },
        { "sahf daa das", ISA_FLAGS & ~OF },
        { "adox", OF },
        { "fcomi fcomip fucomi fucomip", ISA_FLAGS },
        { "aaa aas", AF | CF },
        { "aad", SF | ZF | PF },
    };
    if (is_shift(in) && (counts_by_cl(in) ||
                         !shift_count(&(IsaCase){ 0 }, in))) {
        return 0;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(rules); i++) {
        if (is_one_of(in->row->mnemonic, rules[i].names)) {
            return rules[i].flags;
        }
    }
    return 0;
}

uint32_t flags_lost(const X86Insn *in)
{
    if (is_shift(in) && counts_by_cl(in)) {
        return OF | AF | CF;
    }
    return undefined_flags(&(IsaCase){ 0 }, in);
}

uint32_t flags_read(const X86Insn *in)
{
    static const uint32_t conditions[8] = { OF, CF, ZF, CF | ZF, SF, PF,
                                            SF | OF, SF | OF | ZF };
    const char *name = in->row->mnemonic;
    if (is_one_of(name, "fcmovb fcmove fcmovbe fcmovu fcmovnb fcmovne "
                        "fcmovnbe fcmovnu")) {
        return CF | ZF | PF;
    }
    if (is_one_of(name, "j set cmov")) {
        return conditions[(in->opcode & 15) >> 1];
    }
    if (is_one_of(name, "adc sbb rcl rcr cmc salc adcx")) {
        return CF;
    }
    if (is_one_of(name, "lahf")) {
        return ISA_FLAGS & ~OF;
    }
    if (is_one_of(name, "daa das aaa aas")) {
        return AF | CF;
    }
    return is_one_of(name, "adox") ? OF : 0;
}
