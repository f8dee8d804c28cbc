/*
 * Translation of FXSAVE, XSAVE and their kin: each is a call of xsave.c, which
 * makes all checks.
 */
#include "translate.h"
#include "xsave.h"

static void save_or_restore(X86Trans *t, X86HelperId helper, unsigned op)
{
    bool wide = t->in.rex & 8;
    IrVal offset = mem_effective(t);
    t->on_stack = t->in.seg == SEG_SS;
    t_call(t, helper, (IrVal[]){ offset,
                                 k64(t, XSAVE_HOW(op, t->in.seg, wide)),
                                 k64(t, access_mode(t)) });
}

void trans_fxsave(X86Trans *t)
{
    save_or_restore(t, X86_HELPER_fxsave, XSAVE_FX);
}

void trans_fxrstor(X86Trans *t)
{
    save_or_restore(t, X86_HELPER_fxsave, XRSTOR_FX);
}

void trans_xsave(X86Trans *t)
{
    save_or_restore(t, X86_HELPER_xsave, XSAVE_PLAIN);
}

void trans_xsaveopt(X86Trans *t)
{
    save_or_restore(t, X86_HELPER_xsave, XSAVE_OPT);
}

void trans_xsavec(X86Trans *t)
{
    save_or_restore(t, X86_HELPER_xsave, XSAVE_C);
}

void trans_xsaves(X86Trans *t)
{
    save_or_restore(t, X86_HELPER_xsave, XSAVE_S);
}

void trans_xrstor(X86Trans *t)
{
    save_or_restore(t, X86_HELPER_xsave, XRSTOR_PLAIN);
}

void trans_xrstors(X86Trans *t)
{
    save_or_restore(t, X86_HELPER_xsave, XRSTOR_S);
}

void trans_rdpkru(X86Trans *t)
{
    CALL0(t, rdpkru);
}

void trans_wrpkru(X86Trans *t)
{
    CALL0(t, wrpkru);
}

void trans_xgetbv(X86Trans *t)
{
    CALL0(t, xgetbv);
}

void trans_xsetbv(X86Trans *t)
{
    CALL0(t, xsetbv);
}
