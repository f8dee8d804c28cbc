/*
 * The slow paths that all TBs share: they store the guest's registers for C code
 * to see, save the temporaries, call, and bring all back. They are made once, in
 * front of the first TB.
 */
#include "x64-access.h"

static HostMem fixed_env(const X64State *x, size_t offset)
{
    return host_mem(HOST_ENV, (int32_t)((int64_t)offset - x->bias));
}

static HostMem save_word(const X64State *x, unsigned word)
{
    return fixed_env(x, offsetof(Cpu, frame) + 8 * word);
}

static void for_temps(const X64State *x, Asm *a, bool store)
{
    for (unsigned t = RAX; t < R8; t++) {
        if (TEMPS & BIT(t)) {
            asm_rm(a, store ? OP_MOV_ST : OP_MOV_LD, true, t,
                   save_word(x, FRAME_SAVE + t));
        }
    }
}

static void for_pins(const X64State *x, Asm *a, bool store)
{
    for (unsigned p = 0; p < x->pin_count; p++) {
        unsigned host = x64_pin_host[p];
        if (store || PIN_IS_VOLATILE(host)) {
            asm_rm(a, store ? OP_MOV_ST : OP_MOV_LD, true, host,
                   fixed_env(x, x->cls->regs[x->pin_reg[p]].offset));
        }
    }
}

/* The arguments of tlb_load_slow() and tlb_store_slow(). */
static void slow_arguments(const X64State *x, Asm *a, bool store,
                           unsigned size, unsigned mode)
{
    unsigned at = RDX;
    x64_lea_cpu(x, a);
    asm_load(a, true, RSI, save_word(x, FRAME_ARG0));
    if (store) {
        asm_rm(a, x64_load_ops[0][size], size == 3, RDX, save_word(x, FRAME_ARG1));
        at = RCX;
    }
    asm_mov_imm(a, at, 1u << size);
    asm_mov_imm(a, store ? R8 : RCX, mode);
}

/* Generated code's state goes where C code looks for it … */
static void slow_begin(const X64State *x, Asm *a)
{
    for_temps(x, a, true);
    for_pins(x, a, true);
    asm_vzeroupper(a);
    x64_fp_drop_fixed(x, a);
    asm_store(a, true, fixed_env(x, offsetof(Cpu, budget)), HOST_BUDGET);
}

/* … and comes back behind the call. */
static void slow_call(const X64State *x, Asm *a, uintptr_t fn)
{
    asm_alu_imm(a, ALU_SUB, true, RSP, 8);
    asm_mov_imm(a, RAX, fn);
    asm_call_reg(a, RAX);
    asm_alu_imm(a, ALU_ADD, true, RSP, 8);
    asm_store(a, true, save_word(x, FRAME_RESULT), RAX);
    asm_load(a, true, HOST_BUDGET, fixed_env(x, offsetof(Cpu, budget)));
    for_temps(x, a, false);
    for_pins(x, a, false);
    asm_ret(a);
}

/* Never returns: the registers go where C code may look. */
static void make_bad_target(X64State *x, Asm *a)
{
    x->bad_target = a->p;
    slow_begin(x, a);
    x64_lea_cpu(x, a);
    asm_load(a, true, RSI, save_word(x, FRAME_ARG0));
    asm_alu_imm(a, ALU_SUB, true, RSP, 8);
    asm_mov_imm(a, RAX, (uintptr_t)cpu_bad_target);
    asm_call_reg(a, RAX);
}

static void make_slow_path(X64State *x, Asm *a, bool store, unsigned sm)
{
    unsigned size = sm & 3, mode = sm >> 2;
    x->slow[store][size][mode] = a->p;
    slow_begin(x, a);
    slow_arguments(x, a, store, size, mode);
    slow_call(x, a, store ? (uintptr_t)tlb_store_slow
                          : (uintptr_t)tlb_load_slow);
}

/* tlb_load_vec(), tlb_store_vec(), those of pairs and x64_x80_store_slow() take
 * the same arguments. */
static uint8_t *make_slow_big(const X64State *x, Asm *a, uintptr_t fn)
{
    uint8_t *start = a->p;
    slow_begin(x, a);
    x64_lea_cpu(x, a);
    asm_load(a, true, RSI, save_word(x, FRAME_ARG0));
    asm_rm(a, OP_LEA, true, RDX, save_word(x, FRAME_VEC));
    asm_load(a, false, RCX, save_word(x, FRAME_MEM));
    slow_call(x, a, fn);
    return start;
}

static void make_vector_saves(X64State *x, Asm *a)
{
    uint32_t wide = x->pairs ? VEX_256 : 0;
    x->save_vec = a->p;
    for (unsigned t = 0; t < HOST_VECS; t++) {
        asm_vec_move(a, VOP_MOVUPS_ST | wide, t,
                     save_word(x, FRAME_VEC_SAVE + 4 * t));
    }
    asm_ret(a);
    x->restore_vec = a->p;
    for (unsigned t = 0; t < HOST_VECS; t++) {
        asm_vec_move(a, VOP_MOVUPS_LD | wide, t,
                     save_word(x, FRAME_VEC_SAVE + 4 * t));
    }
    asm_ret(a);
}

void x64_make_slow_paths(X64State *x, Asm *a)
{
    for (unsigned store = 0; store < 2; store++) {
        for (unsigned sm = 0; sm < 4 * MMU_ACCESSES; sm++) {
            make_slow_path(x, a, store, sm);
        }
    }
    x->slow_vec[0] = make_slow_big(x, a, (uintptr_t)tlb_load_vec);
    x->slow_vec[1] = make_slow_big(x, a, (uintptr_t)tlb_store_vec);
    x->slow_pair[0] = make_slow_big(x, a, (uintptr_t)x64_load_pair_slow);
    x->slow_pair[1] = make_slow_big(x, a, (uintptr_t)x64_store_pair_slow);
    x->x80_store = make_slow_big(x, a, (uintptr_t)x64_x80_store_slow);
    make_bad_target(x, a);
    make_vector_saves(x, a);
}
