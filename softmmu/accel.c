/*
 * Hands calls to the accelerator in the machine's parts. See vm/accel.h.
 */
#include "vm/accel.h"

#include "vm/cpu.h"

static const AccelOps *ops_of(const Cpu *cpu)
{
    return cpu->machine->parts->accel;
}

void cpu_kick(Cpu *cpu)
{
    ops_of(cpu)->kick(cpu);
}

void cpu_stop_chain(Cpu *cpu)
{
    ops_of(cpu)->stop_chain(cpu);
}

void jump_cache_flush(Cpu *cpu)
{
    ops_of(cpu)->jump_cache_flush(cpu);
}

void jump_cache_flush_page(Cpu *cpu, GuestAddr va)
{
    ops_of(cpu)->jump_cache_flush_page(cpu, va);
}

void cpu_raise(Cpu *cpu)
{
    ops_of(cpu)->raise(cpu);
}

bool cpu_present_insn(const Cpu *cpu, Icount *icount, GuestAddr *pc)
{
    return ops_of(cpu)->present_insn(cpu, icount, pc);
}

void cpu_need_last_insn(Cpu *cpu)
{
    ops_of(cpu)->need_last_insn(cpu);
}

void cpu_need_last_insn_once(Cpu *cpu)
{
    ops_of(cpu)->need_last_insn_once(cpu);
}

void cpu_drop_store(Cpu *cpu)
{
    ops_of(cpu)->drop_store(cpu);
}

void cpu_exit_retired(Cpu *cpu)
{
    ops_of(cpu)->exit_retired(cpu);
}

/* --- for a machine, which need not have CPUs ---------------------------------- */

void tb_unchain_all(Machine *m)
{
    if (m->cpus->len) {
        m->parts->accel->tb_unchain_all(m);
    }
}

void tb_flush_all(Machine *m)
{
    if (m->cpus->len) {
        m->parts->accel->tb_flush_all(m);
    }
}

void tb_invalidate(Machine *m, RamAddr ra, uint64_t len)
{
    if (m->cpus->len) {
        m->parts->accel->tb_invalidate(m, ra, len);
    }
}

bool tb_code_at(Machine *m, RamAddr ra, uint64_t len)
{
    return m->cpus->len && m->parts->accel->tb_code_at(m, ra, len);
}

void accel_print_info(Machine *m, GString *out)
{
    if (m->cpus->len) {
        m->parts->accel->print_info(m, out);
    }
}
