/*
 * CPUs as objects: creation, registers by name, and the lists of break- and
 * watchpoints. What runs them is accel/; what they are is target/. See
 * vm/cpu.h.
 */
#include "vm/cpu.h"

#include "base/bits.h"
#include "base/bytes.h"

Cpu *cpu_new(Machine *m, const char *model, Error **errp)
{
    const CpuClass *cls = m->parts->cpu;
    Cpu *cpu = g_malloc0(cls->size);
    cpu->cls = cls;
    cpu->machine = m;
    cpu->index = m->cpus->len;
    cpu->skip_break_icount = ICOUNT_NONE;
    cpu->breakpoints = g_array_new(FALSE, FALSE, sizeof(Breakpoint));
    cpu->watchpoints = g_array_new(FALSE, FALSE, sizeof(Watchpoint));
    m->parts->accel->cpu_init(cpu);
    if (!cls->set_model(cpu, model, errp)) {
        cpu_free(cpu);
        return NULL;
    }
    g_ptr_array_add(m->cpus, cpu);
    tlb_init(cpu);
    state_reset(cls->state(), cpu_state(cpu));
    cls->reset(cpu);
    cls->rewire(cpu);
    return cpu;
}

void cpu_free(Cpu *cpu)
{
    cpu->machine->parts->accel->cpu_free(cpu);
    tlb_free(cpu);
    g_array_free(cpu->breakpoints, TRUE);
    g_array_free(cpu->watchpoints, TRUE);
    g_free(cpu);
}

/* --- registers ----------------------------------------------------------------- */

static const CpuReg *find(const CpuReg *regs, unsigned count,
                          const char *name, size_t len)
{
    for (unsigned i = 0; i < count; i++) {
        if (strlen(regs[i].name) == len && !memcmp(regs[i].name, name, len)) {
            return &regs[i];
        }
    }
    return NULL;
}

const CpuReg *cpu_reg_find(Cpu *cpu, const char *name, size_t len)
{
    const CpuGdbView *view = cpu->cls->gdb_view(cpu);
    const CpuReg *reg = find(view->regs, view->count, name, len);
    return reg ? reg : find(view->others, view->other_count, name, len);
}

void cpu_reg_get(Cpu *cpu, const CpuReg *reg, CpuRegValue *v)
{
    *v = (CpuRegValue){ 0 };
    cpu->cls->sync(cpu);
    reg->get(cpu, reg->n, v);
    memset(v->bytes + cpu_reg_bytes(reg), 0,
           CPU_REG_BYTES - cpu_reg_bytes(reg));
}

uint64_t cpu_reg_get_u64(Cpu *cpu, const CpuReg *reg)
{
    CpuRegValue v;
    cpu_reg_get(cpu, reg, &v);
    return bytes_ld_le64(v.bytes);
}

void cpu_reg_set(Cpu *cpu, const CpuReg *reg, const CpuRegValue *v)
{
    cpu->cls->sync(cpu);
    reg->set(cpu, reg->n, v);
}

CpuRegValue cpu_reg_value(const CpuReg *reg, uint64_t number)
{
    CpuRegValue v = { 0 };
    bytes_st_le64(v.bytes, number & bits_mask(MIN(reg->bits, 64)));
    return v;
}

/* --- breakpoints: TBs that run over one must go ------------------------------- */

void cpu_breakpoint_insert(Cpu *cpu, GuestAddr addr, BreakOwner owner)
{
    Breakpoint b = { addr, owner };
    g_array_append_val(cpu->breakpoints, b);
    tb_flush_all(cpu->machine);
}

bool cpu_breakpoint_at(Cpu *cpu, GuestAddr pc, GuestAddr base)
{
    for (guint i = 0; i < cpu->breakpoints->len; i++) {
        const Breakpoint *b = &g_array_index(cpu->breakpoints, Breakpoint, i);
        if (b->addr == pc || (b->owner == BREAK_GDB &&
                                b->addr == cpu_code_offset(pc, base))) {
            return true;
        }
    }
    return false;
}

/* --- watchpoints: their pages leave the TLB's fast path --------------------------- */

/* Where nobody watches, code may know that an access needs no look. */
static void watching_changed(Cpu *cpu, guint count)
{
    if (count == 1) {
        tb_flush_all(cpu->machine);
    }
    tlb_flush(cpu);
}

void cpu_watchpoint_insert(Cpu *cpu, GuestAddr addr, uint64_t len,
                           uint8_t access, BreakOwner owner)
{
    Watchpoint w = { addr, len, access, owner };
    g_assert(len);
    g_array_append_val(cpu->watchpoints, w);
    watching_changed(cpu, cpu->watchpoints->len);
}

void cpu_debug_clear(Cpu *cpu, BreakOwner owner)
{
    for (guint i = cpu->breakpoints->len; i-- > 0;) {
        if (g_array_index(cpu->breakpoints, Breakpoint, i).owner == owner) {
            g_array_remove_index(cpu->breakpoints, i);
        }
    }
    for (guint i = cpu->watchpoints->len; i-- > 0;) {
        if (g_array_index(cpu->watchpoints, Watchpoint, i).owner == owner) {
            g_array_remove_index(cpu->watchpoints, i);
        }
    }
    tb_flush_all(cpu->machine);
    tlb_flush(cpu);
}
