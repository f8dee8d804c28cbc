/*
 * Vector operations from and to integers. See x64-vec.c.
 */
#include "x64-vec.h"

void x64_vec_from(Gen *g, const Op *o)
{
    unsigned x = x64_use(g, o->i->arg[0]);
    x64_vec_release_args(g);
    x64_vec_emit(g, o, x64_vec_def(g, HOST_NONE), 0, x);
}

void x64_vec_int(Gen *g, const Op *o)
{
    unsigned a = x64_vec_use(g, o->i->arg[0]);
    unsigned x = x64_use(g, o->i->arg[1]);
    x64_vec_release_args(g);
    unsigned dst = x64_vec_def(g, a);
    if (!has_avx(g)) {
        asm_vec_mov(&g->a, dst, a);
    }
    x64_vec_emit(g, o, dst, a, x);
}

void x64_vec_to(Gen *g, const Op *o)
{
    unsigned a = x64_vec_use(g, o->i->arg[0]);
    x64_vec_release_args(g);
    x64_vec_emit(g, o, x64_def(g, HOST_NONE), 0, a);
}

/* The lowest lane of 32 or 64 bits, which every host can get at. */
bool x64_vec_is_movd(const Op *o)
{
    return o->row->form == FORM_EXT && o->row->k <= 3 &&
           !(o->imm & o->row->k);
}

void x64_vec_ext(Gen *g, const Op *o)
{
    unsigned a = x64_vec_use(g, o->i->arg[0]);
    x64_vec_release_args(g);
    unsigned dst = x64_def(g, HOST_NONE);
    if (x64_vec_is_movd(o)) {
        Op movd = *o;
        movd.code = VOP_MOVD_FROM;
        x64_vec_emit(g, &movd, a, 0, dst);
        return;
    }
    x64_vec_emit(g, o, a, 0, dst);
    asm_8(&g->a, o->imm & o->row->k);
}

void x64_vec_setcc(Gen *g, unsigned cc, unsigned dst)
{
    asm_op(&g->a, OP_SETCC | cc, dst >> 3, dst >= 4);
    asm_8(&g->a, 0xc0 | (dst & 7));
    asm_rr8(&g->a, OP_MOVZX8, dst, dst);
}

static void compare(Gen *g, const Op *o)
{
    unsigned a = x64_vec_use(g, o->i->arg[0]);
    x64_vec_emit_src(g, o, a, 0, x64_vec_src(g, o->i->arg[1]));
    x64_vec_release_args(g);
}

/* ZF | CF << 1 */
void x64_vec_test(Gen *g, const Op *o)
{
    unsigned t = x64_scratch(g), dst = x64_def(g, HOST_NONE);
    compare(g, o);
    x64_vec_setcc(g, CC_E, dst);
    x64_vec_setcc(g, CC_B, t);
    asm_rm(&g->a, OP_LEA, false, dst, (HostMem){ dst, t, 1, 0 });
}

/* ZF << 6 | PF << 2 | CF: of the byte that LAHF loads the other bits are 0, but
 * for bit 1 (vol. 2, LAHF). */
void x64_vec_com(Gen *g, const Op *o)
{
    enum { LAHF = 0x9f, ZF_PF_CF = 0x45 };
    x64_take(g, RAX);
    compare(g, o);
    asm_8(&g->a, LAHF);
    unsigned dst = x64_def(g, RAX);
    asm_mov(&g->a, true, dst, RAX);
    asm_shift_imm(&g->a, SH_SHR, false, dst, 8);
    asm_alu_imm(&g->a, ALU_AND, false, dst, ZF_PF_CF);
}
