/*
 * Vector operations that one instruction does only if its operands come in the
 * right places: fused multiply-add, strings, permutations. See x64-vec.c.
 */
#include "x64-vec.h"

/* --- fused multiply-add ------------------------------------------------------------------ */

/* The operand that the result overwrites: 0 a, 1 b, 2 c; each has a form that
 * takes the NaNs of a, b, c in this order. Scalar forms: the one whose upper
 * lanes stay. */
static unsigned fma_keeps(Gen *g, const Op *o, bool scalar)
{
    if (scalar) {
        return o->imm >> 6 & 3;
    }
    for (unsigned k = 0; k < 3; k++) {
        if (g->val[o->i->arg[k]].last <= g->n) {
            return k;
        }
    }
    return 2;
}

/* Opcodes of the 132 forms, vol. 2, VFMADD132PD and following. */
static unsigned fma_opcode(unsigned imm, bool scalar)
{
    static const uint8_t by_signs[] = { 0x98, 0x9c, 0x9a, 0x9e };
    return imm & 0x10 ? 0x96 : imm & 0x20 ? 0x97
           : by_signs[imm & 3] + (scalar ? 1 : 0);
}

/* No instruction negates the result, or an operand of the alternating forms. */
bool x64_vec_fma_exists(unsigned imm)
{
    unsigned alternates = imm & 0x30;
    return !(imm & SF_FMA_NEG_RESULT) && imm >> 6 < 3 &&
           (!alternates || (alternates != 0x30 && !(imm & 3)));
}

VecFma x64_vec_fma_form(Gen *g, const Op *o)
{
    /* By what is overwritten: the other two, and the form's distance. */
    static const uint8_t forms[3][3] = { { 2, 1, 0x00 }, { 0, 2, 0x10 },
                                         { 0, 1, 0x20 } };
    bool scalar = o->code & 1;
    unsigned keep = fma_keeps(g, o, scalar);
    const uint8_t *form = forms[keep];
    return (VecFma){ keep, form[0], form[1],
                     0x663800 | (fma_opcode(o->imm, scalar) + form[2]) };
}

void x64_vec_fma(Gen *g, const Op *o)
{
    VecFma f = x64_vec_fma_form(g, o);
    unsigned a = x64_vec_use(g, o->i->arg[f.keeps]);
    unsigned b = x64_vec_use(g, o->i->arg[f.factor]);
    VecSrc c = x64_vec_src(g, o->i->arg[f.last]);
    x64_vec_release_args(g);
    unsigned dst = x64_vec_def(g, a);
    asm_vec_mov(&g->a, dst, a);
    Op fma = *o;
    fma.code = f.code;
    x64_vec_emit_src(g, &fma, dst, b, c);
}

/* --- strings, permutations ------------------------------------------------------------------ */

/* The row's lengths in EAX and EDX if the instruction looks at them. */
static void string_compare(Gen *g, const Op *o)
{
    bool implicit = o->imm & VEC_STR_IMPLICIT;
    x64_take(g, RAX);
    x64_take(g, RCX);
    x64_take(g, RDX);
    unsigned a = x64_vec_use(g, o->i->arg[0]);
    unsigned b = x64_vec_use(g, o->i->arg[1]);
    if (!implicit) {
        x64_copy_to(g, RDX, o->i->arg[2]);
        asm_mov(&g->a, false, RAX, RDX);
        asm_shift_imm(&g->a, SH_SHR, true, RDX, 32);
    }
    Op form = *o;
    form.code += implicit ? 2 : 0;
    x64_vec_emit(g, &form, a, 0, b);
    asm_8(&g->a, o->imm);
    x64_vec_release_args(g);
}

/* ECX | CF << 8 | ZF << 9 | SF << 10 | OF << 11 */
void x64_vec_stri(Gen *g, const Op *o)
{
    static const uint8_t flags[] = { CC_O, CC_S, CC_E, CC_B };
    string_compare(g, o);
    for (unsigned n = 0; n < 4; n++) {
        x64_vec_setcc(g, flags[n], n ? RDX : RAX);
        if (n) {
            asm_rm(&g->a, OP_LEA, false, RAX, (HostMem){ RDX, RAX, 1, 0 });
        }
    }
    asm_shift_imm(&g->a, SH_SHL, false, RAX, 8);
    asm_alu(&g->a, ALU_OR, false, RAX, RCX);
    asm_mov(&g->a, true, x64_def(g, RAX), RAX);
}

void x64_vec_strm(Gen *g, const Op *o)
{
    x64_vec_take(g, 0);
    string_compare(g, o);
    asm_vec_mov(&g->a, x64_vec_def(g, 0), 0);
}

/* From a by the low two bits of each index, and from b; the third bit says
 * which of them. */
void x64_vec_perm8x32(Gen *g, const Op *o)
{
    enum { VPERMILPS = 0x66380c, PSLLD = 0x660f72, VBLENDVPS = 0x663a4a };
    unsigned from_a = x64_vec_scratch(g), from_b = x64_vec_scratch(g);
    unsigned index = x64_vec_use(g, o->i->arg[2]);
    asm_vex_rr(&g->a, VPERMILPS, false, from_a,
               x64_vec_use(g, o->i->arg[0]), index);
    asm_vex_rr(&g->a, VPERMILPS, false, from_b,
               x64_vec_use(g, o->i->arg[1]), index);
    x64_vec_release_args(g);
    unsigned dst = x64_vec_def(g, index);
    asm_vex_rr(&g->a, PSLLD, false, 6, dst, index);
    asm_8(&g->a, 29);
    asm_vex_rr(&g->a, VBLENDVPS, false, dst, from_a, from_b);
    asm_8(&g->a, dst << 4);
}
