/*
 * The way into generated code and out of it, and the registers that guest
 * registers have from TB to TB.
 */
#include "x64-gen.h"
#include "x64-vec-emit.h"

static HostMem cpu_mem(const X64State *x, size_t offset)
{
    return host_mem(HOST_ENV, (int32_t)((int64_t)offset - x->bias));
}

static const uint8_t saved[] = { RBX, RBP, R12, R13, R14, R15 };

static void make_enter(X64State *x, Asm *a)
{
    x->enter = (uint64_t (*)(Cpu *, const void *))asm_here(a);
    for (unsigned k = 0; k < sizeof saved; k++) {
        asm_push(a, saved[k]);
    }
    asm_alu_imm(a, ALU_SUB, true, RSP, 8);
    asm_rm(a, OP_LEA, true, HOST_ENV, host_mem(RDI, x->bias));
    asm_mov(a, true, RAX, RSI);
    asm_load(a, true, HOST_BUDGET, cpu_mem(x, offsetof(Cpu, budget)));
    for (unsigned p = 0; p < x->pin_count; p++) {
        asm_load(a, true, x64_pin_host[p],
                 cpu_mem(x, x->cls->regs[x->pin_reg[p]].offset));
    }
    asm_rr(a, OP_GROUP5, false, 4, RAX); /* jmp rax */
}

static void make_leave(X64State *x, Asm *a)
{
    x->leave = a->p;
    asm_vzeroupper(a);
    x64_fp_drop_fixed(x, a);
    for (unsigned p = 0; p < x->pin_count; p++) {
        asm_store(a, true, cpu_mem(x, x->cls->regs[x->pin_reg[p]].offset),
                  x64_pin_host[p]);
    }
    asm_store(a, true, cpu_mem(x, offsetof(Cpu, budget)), HOST_BUDGET);
    asm_alu_imm(a, ALU_ADD, true, RSP, 8);
    for (unsigned k = sizeof saved; k-- > 0;) {
        asm_pop(a, saved[k]);
    }
    asm_ret(a);
}

void x64_choose_pins(X64State *x)
{
    const CpuClass *cls = x->cls;
    x->pin_of = g_new(int8_t, cls->reg_count);
    for (unsigned r = 0; r < cls->reg_count; r++) {
        bool pinned = cls->regs[r].hot && x->pin_count < PINS &&
                      !ir_is_big(cls->regs[r].type);
        g_assert(!pinned || cls->regs[r].type == IR_I64);
        x->pin_of[r] = pinned ? (int)x->pin_count : NO_PIN;
        if (pinned) {
            x->pin_reg[x->pin_count++] = r;
        }
        if (cls->regs[r].type == IR_F80) {
            x->x80_first = x->x80_count ? x->x80_first : r;
            g_assert(r == x->x80_first + x->x80_count++);
            g_assert(x->x80_count <= X80_DEPTH);
        }
        if (!ir_is_big(cls->regs[r].type)) {
            x->int_regs = r + 1;
        }
    }
    x->bias = x->pin_count ? cls->regs[x->pin_reg[0]].offset + 128 : 0;
}

void x64_make_entry(X64State *x, Asm *a)
{
    make_enter(x, a);
    make_leave(x, a);
}
