/*
 * The toy machine's CPU as the machine sees it: registers, and a TLB that needs
 * nothing. See toy.h; what it executes is in toy-exec.c.
 */
#include "base/bytes.h"
#include "toy-parts.h"

static STATE_TABLE(toy_cpu_state, "toy-cpu", 1, ToyCpuState, TOY_CPU_STATE)

void toy_cpu_nothing(Cpu *cpu)
{
}

static bool cpu_any_model(Cpu *cpu, const char *model, Error **errp)
{
    return true;
}

static bool cpu_halted(Cpu *cpu)
{
    return ((ToyCpu *)cpu)->s.halted;
}

static void cpu_tb_key(Cpu *cpu, TbKey *key)
{
    *key = (TbKey){ .pc = ((ToyCpu *)cpu)->s.pc };
}

static void cpu_get_pc(Cpu *cpu, unsigned n, CpuRegValue *v)
{
    bytes_st_le64(v->bytes, ((ToyCpu *)cpu)->s.pc);
}

static void cpu_set_pc(Cpu *cpu, unsigned n, const CpuRegValue *v)
{
    ((ToyCpu *)cpu)->s.pc = bytes_ld_le64(v->bytes);
}

/* The last two registers, as one. */
static void cpu_get_wide(Cpu *cpu, unsigned n, CpuRegValue *v)
{
    bytes_st_le64(v->bytes, ((ToyCpu *)cpu)->s.reg[14]);
    bytes_st_le64(v->bytes + 8, ((ToyCpu *)cpu)->s.reg[15]);
}

static void cpu_set_wide(Cpu *cpu, unsigned n, const CpuRegValue *v)
{
    ((ToyCpu *)cpu)->s.reg[14] = bytes_ld_le64(v->bytes);
    ((ToyCpu *)cpu)->s.reg[15] = bytes_ld_le64(v->bytes + 8);
}

/* Its stack pointer is its pc, too. */
static const CpuGdbView *cpu_gdb_view(Cpu *cpu)
{
    static const CpuReg regs[] = {
        { .name = "pc", .bits = 64, .get = cpu_get_pc, .set = cpu_set_pc },
        { .name = "wide", .bits = 128, .get = cpu_get_wide,
          .set = cpu_set_wide },
    };
    static const CpuGdbView view = { .regs = regs,
                                     .count = G_N_ELEMENTS(regs) };
    return &view;
}

const CpuClass toy_cpu_class = {
    .name = "toy",
    .size = sizeof(ToyCpu),
    .state_offset = offsetof(ToyCpu, s),
    .state = toy_cpu_state,
    .set_model = cpu_any_model,
    .reset = toy_cpu_nothing,
    .sync = toy_cpu_nothing,
    .rewire = toy_cpu_nothing,
    .halted = cpu_halted,
    .tb_key = cpu_tb_key,
    .gdb_view = cpu_gdb_view,
};

/* --- no TLB ------------------------------------------------------------------------- */

void tlb_init(Cpu *cpu)
{
}

void tlb_free(Cpu *cpu)
{
}

void tlb_flush(Cpu *cpu)
{
}

void tlb_flush_all(Machine *m)
{
}

void tlb_revoke_stores(Machine *m, RamAddr ra, unsigned index)
{
}

void tlb_revoke_all_stores(Machine *m)
{
}

void tlb_revoke_all(Machine *m)
{
}
