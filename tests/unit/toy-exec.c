/*
 * The toy machine's CPU at work: its instructions, one after the other. See toy.h.
 */
#include "base/bytes.h"
#include "toy-parts.h"
#include "vm/page-trace.h"
#include "vm/work.h"

/* --- memory -------------------------------------------------------------------------- */

bool toy_present_insn(const Cpu *cpu, Icount *icount, GuestAddr *pc)
{
    *icount = cpu->run_end - cpu->budget - 1;
    *pc = ((const ToyCpu *)cpu)->s.pc - TOY_INSN_BYTES;
    return cpu->in_tb;
}

static void note_page(ToyCpu *c, MmuAccess access, uint64_t addr)
{
    Machine *m = c->cpu.machine;
    if (m->debug.trace) {
        page_trace_note_page(m, m->debug.trace, access, addr);
        page_trace_note_page(m, m->debug.trace, access, addr + 7);
    }
    if (access == MMU_STORE) {
        cpu_note_line(&c->cpu, addr);
        cpu_note_line(&c->cpu, addr + 7);
    }
}

void toy_kick(Cpu *cpu)
{
    ((ToyCpu *)cpu)->kicked = true;
}

/* Between watch_hit being noted and the end of the instruction. */
static void check_watch(ToyCpu *c, uint64_t addr, MmuAccess access)
{
    note_page(c, access, addr);
    if (c->cpu.machine->debug.quiet) {
        return;
    }
    for (guint i = 0; i < c->cpu.watchpoints->len; i++) {
        const Watchpoint *w =
            &g_array_index(c->cpu.watchpoints, Watchpoint, i);
        if ((w->access & BIT(access)) && addr < w->addr + w->len &&
            w->addr < addr + 8) {
            c->cpu.watch_hit = (WatchHit){ true, MAX(addr, w->addr), 8,
                                           access, *w };
            Icount icount;
            cpu_present_insn(&c->cpu, &icount, &c->cpu.watch_hit.pc);
            c->watched = true;
        }
    }
}

static uint64_t toy_addr(uint64_t a)
{
    return a % (TOY_RAM_BYTES - 8);
}

static void store(ToyCpu *c, uint64_t addr, uint64_t v)
{
    addr = toy_addr(addr);
    check_watch(c, addr, MMU_STORE);
    if (addr < TOY_WRITABLE) {
        return; /* so that no program spoils itself */
    }
    ram_will_write(c->cpu.machine, addr, 8);
    bytes_st_le64(ram_host(c->cpu.machine, addr), v);
}

static uint64_t load(ToyCpu *c, uint64_t addr)
{
    addr = toy_addr(addr);
    check_watch(c, addr, MMU_LOAD);
    return bytes_ld_le64(ram_host(c->cpu.machine, addr));
}

/* --- instructions -------------------------------------------------------------------- */

static uint32_t rare_pull(ToyCpu *c)
{
    uint32_t v = c->toy->rare_answer;
    nondet_pull_rare(toy_building.rare, &v, sizeof v);
    return v;
}

static uint64_t *sector(uint64_t n)
{
    return (uint64_t *)toy_building.disk->data[n % TOY_DISK_SECTORS];
}

static void execute_io(ToyCpu *c, const ToyInsn *i)
{
    Machine *m = c->cpu.machine;
    uint64_t *a = &c->s.reg[i->a];
    switch (i->op) {
    case TOY_SERIAL:
        *a = toy_serial_pop(toy_building.serial);
        break;
    case TOY_OUT:
        if (!c->toy->muted) {
            g_byte_array_append(c->toy->output, (uint8_t *)a, 1);
        }
        break;
    case TOY_DISKR:
        *a = toy_building.disk ? *sector(c->s.reg[i->b]) : 0;
        break;
    case TOY_DISKW:
        if (toy_building.disk) {
            *sector(c->s.reg[i->b]) = *a;
        }
        break;
    case TOY_RARE:
        *a = rare_pull(c);
        break;
    case TOY_PULL:
        nondet_pull(toy_building.pull, a, sizeof *a);
        break;
    case TOY_TIME:
        *a = clock_now_ns(m->clock);
        break;
    case TOY_RESET:
        runstate_request_reset(m, CAUSE_GUEST_RESET);
        break;
    case TOY_OFF:
        runstate_request_shutdown(m, CAUSE_GUEST_SHUTDOWN, 0);
        break;
    }
}

static void execute(ToyCpu *c)
{
    const uint8_t *p = ram_host(c->cpu.machine, toy_addr(c->s.pc));
    ToyInsn i = { p[0], p[1] % 16, p[2] % 16, (int32_t)bytes_ld_le32(p + 4) };
    uint64_t *a = &c->s.reg[i.a], b = c->s.reg[i.b];
    c->s.pc += TOY_INSN_BYTES;
    c->toy->executed++;
    switch (i.op) {
    case TOY_LI:
        *a = i.imm;
        break;
    case TOY_ADD:
        *a += b;
        break;
    case TOY_ADDI:
        *a += i.imm;
        break;
    case TOY_MIX:
        *a = *a * UINT64_C(6364136223846793005) + b + 1;
        break;
    case TOY_LD:
        *a = load(c, b + i.imm);
        break;
    case TOY_ST:
        store(c, b + i.imm, *a);
        break;
    case TOY_JNZ:
        c->s.pc = *a ? (uint32_t)i.imm : c->s.pc;
        break;
    case TOY_JMP:
        c->s.pc = i.imm;
        break;
    case TOY_HLT:
        c->s.halted = true;
        break;
    case TOY_IRET:
        c->s.pc = c->s.saved_pc;
        c->s.in_irq = false;
        break;
    default:
        execute_io(c, &i);
    }
}

static void take_interrupt(ToyCpu *c)
{
    if (c->s.lines && !c->s.in_irq) {
        /* Which lines were up then is for the guest to see. */
        c->s.reg[12] = c->s.reg[12] * 5 + c->s.lines;
        c->s.saved_pc = c->s.pc;
        c->s.pc = TOY_VECTOR;
        c->s.in_irq = true;
        c->s.halted = false;
        c->s.lines &= ~1u; /* the timer's is an edge */
    }
}

/* Why to stop before the instruction at pc, or EXEC_BUDGET. */
static ExecStop before_insn(ToyCpu *c, Icount now)
{
    if (c->s.halted) {
        return EXEC_HALTED;
    }
    if (c->cpu.machine->debug.trace) {
        page_trace_note_code(c->cpu.machine->debug.trace, c->s.pc,
                             c->s.pc + TOY_INSN_BYTES - 1);
    }
    bool skip = now == c->cpu.skip_break_icount &&
                c->s.pc == c->cpu.skip_break_pc;
    if (!skip && !c->cpu.machine->debug.quiet &&
        cpu_breakpoint_at(&c->cpu, c->s.pc, 0)) {
        return EXEC_BREAKPOINT;
    }
    return EXEC_BUDGET;
}

static void one_insn(ToyCpu *c)
{
    c->cpu.budget--;
    c->cpu.in_tb = true;
    execute(c);
    c->cpu.in_tb = false;
}

ExecStop cpu_exec(Cpu *cpu, uint64_t budget, uint64_t *retired)
{
    ToyCpu *c = (ToyCpu *)cpu;
    Icount start = machine_icount(cpu->machine);
    ExecStop why = EXEC_BUDGET;
    cpu->budget = budget;
    cpu->run_end = start + budget;
    c->kicked = false;
    take_interrupt(c);
    while (cpu->budget && why == EXEC_BUDGET) {
        why = before_insn(c, cpu->run_end - cpu->budget);
        if (why != EXEC_BUDGET) {
            break;
        }
        one_insn(c);
        toy_some_work(cpu->machine, 256);
        if (c->watched) {
            why = EXEC_WATCHPOINT;
        } else if (c->kicked || c->s.pc == TOY_VECTOR ||
                   (cpu->budget && !machine_work_left(cpu->machine))) {
            why = EXEC_EVENT;
        } else if (c->s.lines && !c->s.in_irq) {
            why = EXEC_EVENT;
        }
    }
    c->watched = false;
    *retired = budget - cpu->budget;
    machine_set_icount(cpu->machine, start + *retired);
    return why;
}
