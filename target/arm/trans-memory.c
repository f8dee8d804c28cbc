/*
 * How A64 accesses memory: alignment, byte order, extended indices.
 */
#include "translate.h"

static unsigned mmu_mode(const A64Trans *t, bool el0)
{
    uint32_t flags = t->tc->flags;
    if (el0 || !(flags & TB_EL1)) {
        return MMU_EL0;
    }
    return flags & TB_PAN ? MMU_EL1_PAN : MMU_EL1;
}

IrMem t_mem(const A64Trans *t, unsigned log2, bool el0)
{
    return log2 | IR_MEM_MODE(mmu_mode(t, el0));
}

void t_check_align(A64Trans *t, IrVal address, unsigned log2, bool always)
{
    if (log2 && (always || (t->tc->flags & TB_ALIGN))) {
        CALL(t, check_align, address, k64(t, BIT(log2) - 1));
    }
}

/* The bytes of a value in the other order. */
static IrVal swapped(A64Trans *t, IrVal v, unsigned log2)
{
    IrVal all = ir_op1(t->ir, IR_BSWAP, v);
    return log2 == 3 ? all : ir_op2i(t->ir, IR_SHR, all, 64 - (8u << log2));
}

IrVal t_load(A64Trans *t, IrVal address, unsigned log2, bool sign, bool el0)
{
    bool big = (t->tc->flags & TB_BIG) && log2;
    IrMem mem = t_mem(t, log2, el0) | (sign && !big ? IR_MEM_SIGN : 0);
    t_check_align(t, address, log2, false);
    IrVal v = ir_ld(t->ir, IR_I64, address, mem);
    if (big) {
        v = swapped(t, v, log2);
        v = sign && log2 < 3 ? ir_sext(t->ir, v, 8u << log2) : v;
    }
    return v;
}

void t_store(A64Trans *t, IrVal address, IrVal v, unsigned log2, bool el0)
{
    bool big = (t->tc->flags & TB_BIG) && log2;
    t_check_align(t, address, log2, false);
    ir_st(t->ir, address, big ? swapped(t, v, log2) : v, t_mem(t, log2, el0));
}

IrVal t_extended(A64Trans *t, unsigned rm, unsigned opt, unsigned shift)
{
    unsigned bits = 8u << (opt & 3);
    IrVal v = t_get(t, rm, true);
    if (bits < 64) {
        v = opt & 4 ? ir_sext(t->ir, v, bits) : ir_zext(t->ir, v, bits);
    }
    return shift ? ir_op2i(t->ir, IR_SHL, v, shift) : v;
}

IrVal t_base(A64Trans *t, unsigned rn)
{
    if (rn != 31) {
        return ir_get(t->ir, ARM_X0 + rn);
    }
    IrVal sp = ir_get(t->ir, ARM_SP);
    if (t->tc->flags & TB_SP_ALIGN) {
        CALL(t, check_sp, sp);
    }
    return sp;
}

/* --- single registers (C4.1.88) ------------------------------------------- */

/* ORDER a64-how (insn.decode) */
enum { HOW_UNSCALED, HOW_POST, HOW_AS_EL0, HOW_PRE, HOW_SCALED };

typedef struct Place {
    IrVal address;         /* of the access */
    IrVal base;            /* what the base becomes, or IR_NO_VAL */
    unsigned rn;
    bool el0;
} Place;

static Place place_of(A64Trans *t, unsigned rn, unsigned how, int64_t imm,
                      unsigned log2)
{
    IrVal base = t_base(t, rn);
    int64_t offset = how == HOW_SCALED ? imm << log2 : imm;
    IrVal moved = offset ? ir_op2i(t->ir, IR_ADD, base, offset) : base;
    bool writes = how == HOW_POST || how == HOW_PRE;
    return (Place){
        .address = how == HOW_POST ? base : moved,
        .base = writes ? moved : IR_NO_VAL, .rn = rn,
        .el0 = how == HOW_AS_EL0,
    };
}

static void write_back(A64Trans *t, const Place *p)
{
    if (p->base != IR_NO_VAL) {
        t_set_sp(t, p->rn, p->base, true);
    }
}

void trans_st(A64Trans *t, const A64_how_imm_rn_rt_size *a)
{
    Place p = place_of(t, a->rn, a->how, a->imm, a->size);
    t_store(t, p.address, t_get(t, a->rt, true), a->size, p.el0);
    write_back(t, &p);
}

void trans_ld(A64Trans *t, const A64_how_imm_rn_rt_size *a)
{
    Place p = place_of(t, a->rn, a->how, a->imm, a->size);
    IrVal v = t_load(t, p.address, a->size, false, p.el0);
    write_back(t, &p);
    t_set(t, a->rt, v, true);
}

void trans_lds(A64Trans *t, const A64_how_imm_rn_rt_size_x64 *a)
{
    Place p = place_of(t, a->rn, a->how, a->imm, a->size);
    IrVal v = t_load(t, p.address, a->size, true, p.el0);
    write_back(t, &p);
    t_set(t, a->rt, v, a->x64);
}

static IrVal indexed(A64Trans *t, unsigned rn, unsigned rm, unsigned opt,
                     unsigned shift)
{
    return ir_op2(t->ir, IR_ADD, t_base(t, rn),
                  t_extended(t, rm, opt, shift));
}

/* option<1> clear is not allocated. */
static bool index_is_undefined(A64Trans *t, unsigned opt)
{
    if (!(opt & 2)) {
        t_undefined(t);
    }
    return !(opt & 2);
}

void trans_st_reg(A64Trans *t, const A64_opt_rm_rn_rt_s_size *a)
{
    if (index_is_undefined(t, a->opt)) {
        return;
    }
    IrVal at = indexed(t, a->rn, a->rm, a->opt, a->s ? a->size : 0);
    t_store(t, at, t_get(t, a->rt, true), a->size, false);
}

void trans_ld_reg(A64Trans *t, const A64_opt_rm_rn_rt_s_size *a)
{
    if (index_is_undefined(t, a->opt)) {
        return;
    }
    IrVal at = indexed(t, a->rn, a->rm, a->opt, a->s ? a->size : 0);
    t_set(t, a->rt, t_load(t, at, a->size, false, false), true);
}

void trans_lds_reg(A64Trans *t, const A64_opt_rm_rn_rt_s_size_x64 *a)
{
    if (index_is_undefined(t, a->opt)) {
        return;
    }
    IrVal at = indexed(t, a->rn, a->rm, a->opt, a->s ? a->size : 0);
    t_set(t, a->rt, t_load(t, at, a->size, true, false), a->x64);
}

void trans_ldr_lit(A64Trans *t, const A64_imm_rt_x64 *a)
{
    IrVal v = t_load(t, k64(t, t->pc + a->imm), 2 + a->x64, false, false);
    t_set(t, a->rt, v, true);
}

void trans_ldrsw_lit(A64Trans *t, const A64_imm_rt *a)
{
    t_set(t, a->rt, t_load(t, k64(t, t->pc + a->imm), 2, true, false), true);
}

/* A prefetch, which is allowed to do nothing. */
void trans_nothing(A64Trans *t, const A64_nothing *a)
{
}

/* --- pairs ---------------------------------------------------------------- */

static Place pair_place(A64Trans *t, unsigned rn, unsigned how, int64_t imm,
                        unsigned log2)
{
    unsigned as = how == 1 || how == 3 ? how : HOW_UNSCALED;
    return place_of(t, rn, as, imm << log2, log2);
}

/* Where the second store faults the first has been made, as the architecture
 * allows (B2.2.1): the instruction is made again as a whole. */
void trans_stp(A64Trans *t, const A64_how_imm_rn_rt_rt2_x64 *a)
{
    unsigned log2 = 2 + a->x64;
    Place p = pair_place(t, a->rn, a->how, a->imm, log2);
    IrVal second = ir_op2i(t->ir, IR_ADD, p.address, BIT(log2));
    t_store(t, p.address, t_get(t, a->rt, true), log2, false);
    t_store(t, second, t_get(t, a->rt2, true), log2, false);
    write_back(t, &p);
}

void trans_ldp(A64Trans *t, const A64_how_imm_rn_rt_rt2_x64 *a)
{
    unsigned log2 = 2 + a->x64;
    Place p = pair_place(t, a->rn, a->how, a->imm, log2);
    IrVal second = ir_op2i(t->ir, IR_ADD, p.address, BIT(log2));
    IrVal v = t_load(t, p.address, log2, false, false);
    IrVal w = t_load(t, second, log2, false, false);
    write_back(t, &p);
    t_set(t, a->rt, v, true);
    t_set(t, a->rt2, w, true);
}

void trans_ldpsw(A64Trans *t, const A64_how_imm_rn_rt_rt2 *a)
{
    Place p = pair_place(t, a->rn, a->how, a->imm, 2);
    IrVal second = ir_op2i(t->ir, IR_ADD, p.address, 4);
    IrVal v = t_load(t, p.address, 2, true, false);
    IrVal w = t_load(t, second, 2, true, false);
    write_back(t, &p);
    t_set(t, a->rt, v, true);
    t_set(t, a->rt2, w, true);
}
