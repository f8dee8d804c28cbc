/*
 * Vector operations without an instruction: a call of the row's portable
 * function. See x64-vec.c.
 */
#include "x64-vec.h"

static HostMem args_mem(const Gen *g, size_t offset)
{
    HostMem m = x64_frame(g, FRAME_VEC_ARGS);
    m.disp += offset;
    return m;
}

static void pass_operands(Gen *g, const IrInst *i)
{
    static const size_t places[] = { offsetof(VecArgs, a), offsetof(VecArgs, b),
                                     offsetof(VecArgs, c) };
    G_STATIC_ASSERT(sizeof(VecArgs) <=
                    8 * (FRAME_SLOTS - FRAME_VEC_ARGS));
    for (unsigned k = 0; k < i->nargs; k++) {
        IrType type = g->inst[i->arg[k]].type;
        HostMem x = args_mem(g, offsetof(VecArgs, x));
        if (type == IR_V128) {
            asm_vec_store(&g->a, args_mem(g, places[k]),
                          x64_vec_use(g, i->arg[k]));
            continue;
        }
        asm_store(&g->a, type == IR_I64, x, x64_use(g, i->arg[k]));
        if (type == IR_I32) {
            x.disp += 4;
            asm_store_imm(&g->a, 2, x, 0);
        }
    }
    asm_store_imm(&g->a, 2, args_mem(g, offsetof(VecArgs, imm)),
                  ir_vec_imm(i));
}

static void call(Gen *g, uintptr_t fn)
{
    asm_vzeroupper(&g->a);
    asm_mov_imm(&g->a, RAX, fn);
    asm_call_reg(&g->a, RAX);
}

/* It computes with integers only and so may run under any MXCSR. */
static void call_plain(Gen *g, const IrInst *i)
{
    x64_save_for_call(g, false);
    x64_sync_pins(g, false);
    asm_rm(&g->a, OP_LEA, true, RDI, args_mem(g, 0));
    asm_rm(&g->a, OP_LEA, true, RSI, x64_env(g, offsetof(Cpu, fp)));
    call(g, (uintptr_t)vec_ops[ir_vec_op(i)].fn);
}

/* It may leave the TB. */
static void call_checked(Gen *g, const IrInst *i)
{
    x64_x80_flush(g);
    x64_fp_drop(g);
    x64_save_for_call(g, false);
    x64_save_frame(g);
    x64_sync_pins(g, true);
    unsigned site = x64_site(g);
    asm_store(&g->a, true, x64_env(g, offsetof(Cpu, budget)), HOST_BUDGET);
    x64_note_place(g, g->insn, site);
    x64_lea_cpu(g->x, &g->a);
    asm_mov_imm(&g->a, RSI, ir_vec_op(i));
    asm_rm(&g->a, OP_LEA, true, RDX, args_mem(g, 0));
    call(g, (uintptr_t)tcg_vec_checked);
}

static void take_result(Gen *g, const IrInst *i)
{
    if (!g->val[g->n].uses) {
        return;
    }
    if (i->type == IR_V128) {
        asm_vec_load(&g->a, x64_vec_def(g, HOST_NONE),
                     args_mem(g, offsetof(VecArgs, out)));
    } else {
        asm_load(&g->a, i->type == IR_I64, x64_def(g, HOST_NONE),
                 args_mem(g, offsetof(VecArgs, r)));
    }
}

void x64_vec_portable(Gen *g, const IrInst *i)
{
    pass_operands(g, i);
    if (i->op == IR_FVECX) {
        call_checked(g, i);
    } else {
        call_plain(g, i);
    }
    x64_after_call(g, false);
    take_result(g, i);
}
