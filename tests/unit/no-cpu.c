/*
 * What softmmu asks of accel/ and target/, for test programs whose machine
 * has no CPU. Weak, so that a program which links the real thing gets it.
 */
#include "vm/cpu.h"

#define WEAK __attribute__((weak))

WEAK const CpuClass *const target_cpu_class = NULL;

WEAK void accel_cpu_init(Cpu *cpu)
{
}

WEAK void accel_cpu_free(Cpu *cpu)
{
}

WEAK void cpu_kick(Cpu *cpu)
{
}

WEAK void cpu_stop_chain(Cpu *cpu)
{
}

WEAK void jump_cache_flush(Cpu *cpu)
{
}

WEAK void jump_cache_flush_page(Cpu *cpu, GuestAddr va)
{
}

WEAK void tb_flush_all(Machine *m)
{
}

WEAK bool tb_code_at(Machine *m, RamAddr ra, uint64_t len)
{
    return false;
}

WEAK void tlb_flush(Cpu *cpu)
{
}

WEAK void tlb_flush_all(Machine *m)
{
}

WEAK void tlb_revoke_stores(Machine *m, RamAddr ra)
{
}

WEAK void tlb_revoke_all_stores(Machine *m)
{
}

WEAK void cpu_raise(Cpu *cpu)
{
    g_assert_not_reached();
}

WEAK void cpu_need_last_insn(Cpu *cpu)
{
}

bool cpu_present_insn(const Cpu *cpu, Icount *icount, GuestAddr *pc)
{
    return false;
}
