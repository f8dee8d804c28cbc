/*
 * The toy machine. See toy.h.
 */
#include "toy.h"

#include <errno.h>

#include "base/bytes.h"
#include "vm/page-trace.h"
#include "vm/irq.h"
#include "vm/sched.h"
#include "vm/work.h"

/* --- a disk in memory ------------------------------------------------------------- */

typedef uint8_t ToySectors[TOY_DISK_SECTORS][512];

struct BlockDev {
    BlockDevHead head;
    ToySectors data;
    GPtrArray *names;      /* BlockSnapshot * */
    GPtrArray *states;     /* GBytes * or NULL */
    GPtrArray *contents;   /* ToySectors * */
};

struct BlockMark {
    ToySectors data;
};

BlockDev *toy_failing_disk;

static bool disk_no(const BlockDev *b)
{
    return false;
}

static const BlockDevOps disk_ops = { .is_empty = disk_no,
                                      .readonly = disk_no };

static BlockDev *disk_new(void)
{
    BlockDev *b = g_new0(BlockDev, 1);
    b->head = (BlockDevHead){ &disk_ops, "toy0" };
    b->names = g_ptr_array_new();
    b->states = g_ptr_array_new();
    b->contents = g_ptr_array_new();
    return b;
}

bool blockdev_can_snapshot(const BlockDev *b)
{
    return true;
}

bool blockdev_snapshot_may_create(BlockDev *b, const char *name, Error **errp)
{
    return true;
}

void blockdev_snapshot_withdraw(BlockDev *b, const char *name)
{
}

static BlockSnapshot *snapshot_copy(const BlockSnapshot *s)
{
    BlockSnapshot *copy = g_memdup2(s, sizeof *s);
    copy->id = g_strdup(s->id ? s->id : "1");
    copy->name = g_strdup(s->name);
    return copy;
}

void block_snapshot_free(BlockSnapshot *s)
{
    g_free(s->id);
    g_free(s->name);
    g_free(s);
}

GPtrArray *blockdev_snapshot_list(BlockDev *b, Error **errp)
{
    GPtrArray *list =
        g_ptr_array_new_with_free_func((GDestroyNotify)block_snapshot_free);
    for (guint i = 0; i < b->names->len; i++) {
        g_ptr_array_add(list, snapshot_copy(g_ptr_array_index(b->names, i)));
    }
    return list;
}

static int snapshot_index(BlockDev *b, const char *name)
{
    for (guint i = 0; i < b->names->len; i++) {
        const BlockSnapshot *s = g_ptr_array_index(b->names, i);
        if (g_str_equal(s->name, name)) {
            return i;
        }
    }
    return -1;
}

bool blockdev_snapshot_create(BlockDev *b, const BlockSnapshot *info,
                              GBytes *vm_state, Error **errp)
{
    if (b == toy_failing_disk) {
        error_set(errp, "no room");
        return false;
    }
    if (snapshot_index(b, info->name) >= 0) {
        blockdev_snapshot_delete(b, info->name, NULL);
    }
    g_ptr_array_add(b->names, snapshot_copy(info));
    g_ptr_array_add(b->states, vm_state ? g_bytes_ref(vm_state) : NULL);
    g_ptr_array_add(b->contents, g_memdup2(b->data, sizeof b->data));
    return true;
}

bool blockdev_snapshot_goto(BlockDev *b, const char *name, Error **errp)
{
    int i = snapshot_index(b, name);
    g_assert(i >= 0);
    memcpy(b->data, g_ptr_array_index(b->contents, i), sizeof b->data);
    return true;
}

bool blockdev_snapshot_rename(BlockDev *b, const char *from, const char *to,
                              Error **errp)
{
    int i = snapshot_index(b, from);
    g_assert(i >= 0 && snapshot_index(b, to) < 0);
    BlockSnapshot *s = g_ptr_array_index(b->names, i);
    g_free(s->name);
    s->name = g_strdup(to);
    return true;
}

bool blockdev_snapshot_delete(BlockDev *b, const char *name, Error **errp)
{
    int i = snapshot_index(b, name);
    g_assert(i >= 0);
    block_snapshot_free(g_ptr_array_index(b->names, i));
    if (g_ptr_array_index(b->states, i)) {
        g_bytes_unref(g_ptr_array_index(b->states, i));
    }
    g_free(g_ptr_array_index(b->contents, i));
    g_ptr_array_remove_index(b->names, i);
    g_ptr_array_remove_index(b->states, i);
    g_ptr_array_remove_index(b->contents, i);
    return true;
}

/* Pieces of the largest size; what is the same is copied. */
static GBytes *join_pieces(BlockDev *b, const BlockVmState *state)
{
    uint8_t *out = g_malloc0(state->bytes);
    const uint8_t *base = NULL;
    if (state->base) {
        base = g_bytes_get_data(g_ptr_array_index(
            b->states, snapshot_index(b, state->base)), NULL);
    }
    for (uint64_t at = 0; at < state->bytes; at += VM_STATE_PIECE_MAX) {
        VmStatePiece kind = state->fill(state->opaque, at, out + at,
                                        VM_STATE_PIECE_MAX);
        if (kind == VM_STATE_SAME) {
            memcpy(out + at, base + at, VM_STATE_PIECE_MAX);
        } else if (kind == VM_STATE_ZERO) {
            memset(out + at, 0, VM_STATE_PIECE_MAX);
        }
    }
    return g_bytes_new_take(out, state->bytes);
}

bool blockdev_snapshot_create_pieces(BlockDev *b, const BlockSnapshot *info,
                                     BlockVmState *state, Error **errp)
{
    g_assert(state->bytes % VM_STATE_PIECE_MAX == 0);
    g_autoptr(GBytes) whole = join_pieces(b, state);
    return blockdev_snapshot_create(b, info, whole, errp);
}

bool blockdev_snapshot_read(BlockDev *b, const VmStateRead *what, Error **errp)
{
    int i = snapshot_index(b, what->name);
    gsize len = 0;
    const uint8_t *data =
        i < 0 ? NULL : g_bytes_get_data(g_ptr_array_index(b->states, i), &len);
    if (!data || what->offset > len || what->bytes > len - what->offset) {
        error_set(errp, "too short");
        return false;
    }
    toy_loads += what->offset > 0;
    what->sink(what->opaque, what->offset, data + what->offset, what->bytes);
    return true;
}

uint64_t blockdev_snapshot_room(BlockDev *b, const GPtrArray *names)
{
    return names->len * MIB;
}

const char *blockdev_format(const BlockDev *b)
{
    return "qcow2";
}

const char *blockdev_file(const BlockDev *b)
{
    return "toy.disk";
}

unsigned toy_loads;

GBytes *blockdev_snapshot_vm_state(BlockDev *b, const char *name, Error **errp)
{
    toy_loads++;
    return g_bytes_ref(g_ptr_array_index(b->states, snapshot_index(b, name)));
}

void blockdev_keep_past(BlockDev *b, bool on)
{
}

void blockdev_return_to_present(BlockDev *b)
{
}

uint64_t blockdev_past_bytes(const BlockDev *b)
{
    return 0;
}

BlockMark *blockdev_mark(BlockDev *b)
{
    return g_memdup2(b->data, sizeof b->data);
}

void blockdev_return_to(BlockDev *b, const BlockMark *mark)
{
    memcpy(b->data, mark->data, sizeof b->data);
}

void blockdev_mark_free(BlockMark *mark)
{
    g_free(mark);
}

static void disk_free(BlockDev *b)
{
    while (b->names->len) {
        const BlockSnapshot *s = g_ptr_array_index(b->names, 0);
        blockdev_snapshot_delete(b, s->name, NULL);
    }
    g_ptr_array_free(b->names, TRUE);
    g_ptr_array_free(b->states, TRUE);
    g_ptr_array_free(b->contents, TRUE);
    g_free(b);
}

/* --- the CPU ----------------------------------------------------------------------- */

typedef struct ToyCpu {
    Cpu cpu;
    ToyCpuState s;
    bool kicked;
    bool watched;
    Toy *toy;
} ToyCpu;

static STATE_TABLE(toy_cpu_state, "toy-cpu", 1, ToyCpuState, TOY_CPU_STATE)

static void cpu_nothing(Cpu *cpu)
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

static const CpuClass toy_cpu_class = {
    .name = "toy",
    .size = sizeof(ToyCpu),
    .state_offset = offsetof(ToyCpu, s),
    .state = toy_cpu_state,
    .set_model = cpu_any_model,
    .reset = cpu_nothing,
    .sync = cpu_nothing,
    .rewire = cpu_nothing,
    .halted = cpu_halted,
    .tb_key = cpu_tb_key,
    .gdb_view = cpu_gdb_view,
};

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

void tlb_revoke_stores(Machine *m, RamAddr ra)
{
}

void tlb_revoke_all_stores(Machine *m)
{
}

void tlb_revoke_all(Machine *m)
{
}

static bool toy_present_insn(const Cpu *cpu, Icount *icount, GuestAddr *pc)
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

static void toy_kick(Cpu *cpu)
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

/* --- devices ------------------------------------------------------------------------ */

#define TIMER_PERIOD_NS 3000

#define TOY_TIMER_STATE(_)                                \
    _(int64_t, STATE_TIME, due, TIME_NEVER, 1, "next tick") \
    _(uint64_t, STATE_U64, ticks, 0, 1, "ticks so far")

STATE_STRUCT(ToyTimerState, TOY_TIMER_STATE);
static STATE_TABLE(toy_timer_state, "toy-timer", 1, ToyTimerState,
                   TOY_TIMER_STATE)

typedef struct ToyTimer {
    Device dev;
    ToyTimerState s;
    Timer timer;
} ToyTimer;

typedef uint8_t ToyFifo[64];

#define TOY_SERIAL_STATE(_)                       \
    _(ToyFifo, STATE_U8, fifo, 0, 1, "received")  \
    _(uint8_t, STATE_U8, count, 0, 1, "how many") \
    _(uint64_t, STATE_U64, lost, 0, 1, "dropped")

STATE_STRUCT(ToySerialState, TOY_SERIAL_STATE);
static STATE_TABLE(toy_serial_state, "toy-serial", 1, ToySerialState,
                   TOY_SERIAL_STATE)

typedef struct ToySerial {
    Device dev;
    ToySerialState s;
} ToySerial;

uint32_t toy_work;

/* One time in so many the slice is over. */
static void some_work(Machine *m, unsigned rarely)
{
    if (!toy_work) {
        return;
    }
    toy_work ^= toy_work << 13;
    toy_work ^= toy_work >> 17;
    toy_work ^= toy_work << 5;
    machine_work(m, toy_work % rarely ? 1 : WORK_SLICE);
}

static void set_line(Machine *m, int line, bool up)
{
    ToyCpu *c = g_ptr_array_index(m->cpus, 0);
    c->s.lines = up ? c->s.lines | 1u << line : c->s.lines & ~(1u << line);
    cpu_kick(&c->cpu);
}

static void silent_tick(void *opaque)
{
    ToyTimer *t = opaque;
    t->s.ticks++;
    timer_arm(&t->timer, clock_now_ns(t->timer.clock) + TIMER_PERIOD_NS);
    some_work(t->dev.machine, 2);
}

static void timer_tick(void *opaque)
{
    ToyTimer *t = opaque;
    silent_tick(t);
    set_line(t->dev.machine, 0, true);
}

static bool silent_realize(Device *dev, Error **errp)
{
    ToyTimer *t = (ToyTimer *)dev;
    timer_init(&t->timer, dev->machine->clock, "silent", &t->s.due,
               silent_tick, t);
    return true;
}

static bool timer_realize(Device *dev, Error **errp)
{
    ToyTimer *t = (ToyTimer *)dev;
    timer_init(&t->timer, dev->machine->clock, "toy", &t->s.due, timer_tick,
               t);
    return true;
}

static void timer_reset(Device *dev)
{
    ToyTimer *t = (ToyTimer *)dev;
    timer_arm(&t->timer, clock_now_ns(t->timer.clock) + TIMER_PERIOD_NS);
}

static const DeviceClass toy_silent = {
    .name = "toy-silent",
    .size = sizeof(ToyTimer),
    .state_offset = offsetof(ToyTimer, s),
    .state = toy_timer_state,
    .realize = silent_realize,
    .reset = timer_reset,
};

static const DeviceClass toy_timer = {
    .name = "toy-timer",
    .size = sizeof(ToyTimer),
    .state_offset = offsetof(ToyTimer, s),
    .state = toy_timer_state,
    .realize = timer_realize,
    .reset = timer_reset,
};

static void serial_sink(void *device, const void *data, size_t len)
{
    ToySerial *s = device;
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++) {
        if (s->s.count < sizeof s->s.fifo) {
            s->s.fifo[s->s.count++] = p[i];
        } else {
            s->s.lost++;
        }
    }
    set_line(s->dev.machine, 1, s->s.count);
}

static int serial_pop(ToySerial *s)
{
    if (!s->s.count) {
        return 256;
    }
    int v = s->s.fifo[0];
    memmove(s->s.fifo, s->s.fifo + 1, --s->s.count);
    set_line(s->dev.machine, 1, s->s.count);
    return v;
}

static bool serial_realize(Device *dev, Error **errp)
{
    return true;
}

static const DeviceClass toy_serial = {
    .name = "toy-serial",
    .size = sizeof(ToySerial),
    .state_offset = offsetof(ToySerial, s),
    .state = toy_serial_state,
    .realize = serial_realize,
};

static const DeviceClass *const toy_devices[] = { &toy_silent, &toy_timer,
                                                   &toy_serial, NULL };

/* --- execution ---------------------------------------------------------------------- */

typedef struct ToyBoard {
    NondetPort *rare, *pull;
    ToySerial *serial;
    BlockDev *disk;
    const ToyInsn *code;
    size_t code_count;
    Toy *toy;
} ToyBoard;

static ToyBoard building; /* what the next board is to be; tests run one */

static uint32_t rare_pull(ToyCpu *c)
{
    uint32_t v = c->toy->rare_answer;
    nondet_pull_rare(building.rare, &v, sizeof v);
    return v;
}

static uint64_t *sector(uint64_t n)
{
    return (uint64_t *)building.disk->data[n % TOY_DISK_SECTORS];
}

static void execute_io(ToyCpu *c, const ToyInsn *i)
{
    Machine *m = c->cpu.machine;
    uint64_t *a = &c->s.reg[i->a];
    switch (i->op) {
    case TOY_SERIAL:
        *a = serial_pop(building.serial);
        break;
    case TOY_OUT:
        if (!c->toy->muted) {
            g_byte_array_append(c->toy->output, (uint8_t *)a, 1);
        }
        break;
    case TOY_DISKR:
        *a = building.disk ? *sector(c->s.reg[i->b]) : 0;
        break;
    case TOY_DISKW:
        if (building.disk) {
            *sector(c->s.reg[i->b]) = *a;
        }
        break;
    case TOY_RARE:
        *a = rare_pull(c);
        break;
    case TOY_PULL:
        nondet_pull(building.pull, a, sizeof *a);
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
        some_work(cpu->machine, 256);
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

/* --- the board ----------------------------------------------------------------------- */

/* Counts ticks and keeps what came over the serial line. */
static const ToyInsn handler[] = {
    { TOY_ADDI, 15, 0, 1 },
    { TOY_ST, 15, 0, 0x4000 },
    { TOY_SERIAL, 14, 0, 0 },
    { TOY_MIX, 13, 14, 0 },
    { TOY_IRET, 0, 0, 0 },
};

static void load_code(RamBlock *ram, uint32_t at, const ToyInsn *code,
                      size_t count)
{
    for (size_t i = 0; i < count; i++, at += TOY_INSN_BYTES) {
        uint8_t *p = ram->host + at;
        p[0] = code[i].op;
        p[1] = code[i].a;
        p[2] = code[i].b;
        bytes_st_le32(p + 4, code[i].imm);
    }
}

static bool toy_build(Machine *m, Error **errp)
{
    RamBlock *ram = ram_block_new(m, "toy.ram", TOY_RAM_BYTES);
    rom_block_new(m, "toy.rom", "rom", 3);
    load_code(ram, TOY_VECTOR, handler, G_N_ELEMENTS(handler));
    load_code(ram, TOY_CODE, building.code, building.code_count);
    building.rare = nondet_port(m, NONDET_BLOCK_ERROR, "toy", NULL, NULL);
    building.pull = nondet_port(m, NONDET_HOST_CLOCK, "toy", NULL, NULL);
    ToyCpu *c = (ToyCpu *)cpu_new(m, "toy", errp);
    c->toy = building.toy;
    if (toy_work) {
        device_realize(device_new(m, &toy_silent, NULL), errp);
    }
    device_realize(device_new(m, &toy_timer, NULL), errp);
    Device *serial = device_new(m, &toy_serial, NULL);
    device_realize(serial, errp);
    building.serial = (ToySerial *)serial;
    building.toy->serial =
        nondet_port(m, NONDET_SERIAL, "serial0", serial_sink, serial);
    return true;
}

/* The one command: a reset. */
static void command_sink(void *device, const void *data, size_t len)
{
    Toy *t = device;
    runstate_request_reset(t->m, CAUSE_HOST_QMP_SYSTEM_RESET);
}

void toy_command(Toy *t)
{
    nondet_post(t->m->command_port, "reset", 5);
}

static const BoardClass toy_board = { .name = "toy", .build = toy_build };
static const BoardClass *const toy_boards[] = { &toy_board, NULL };

static void toy_flush(Machine *m)
{
}

static void toy_flush_page(Cpu *cpu, GuestAddr va)
{
}

static const AccelOps toy_accel = {
    .name = "toy",
    .cpu_init = cpu_nothing,
    .cpu_free = cpu_nothing,
    .kick = toy_kick,
    .stop_chain = cpu_nothing,
    .present_insn = toy_present_insn,
    .jump_cache_flush = cpu_nothing,
    .jump_cache_flush_page = toy_flush_page,
    .tb_unchain_all = toy_flush,
    .tb_flush_all = toy_flush,
};

static const MachineParts toy_parts = {
    .cpu = &toy_cpu_class,
    .accel = &toy_accel,
    .boards = toy_boards,
    .devices = toy_devices,
};

static void answer_pull(void *host, void *out, size_t len)
{
    Toy *t = host;
    g_assert(len == sizeof t->pull_answer);
    memcpy(out, &t->pull_answer, len);
    t->pull_answer = t->pull_answer * 3 + 1;
}

static void answer_seed(void *host, void *out, size_t len)
{
    memset(out, 0x5a, len);
}

static Toy *new_toy(const ToyInsn *code, size_t count, BlockDev *disk)
{
    Toy *t = g_new0(Toy, 1);
    t->output = g_byte_array_new();
    building = (ToyBoard){ .code = code, .code_count = count, .toy = t };
    t->m = machine_new(&toy_parts, &toy_board);
    t->m->icount_mode = ICOUNT_FIXED;
    t->m->config.drives = g_ptr_array_new();
    if (disk) {
        building.disk = disk;
        DriveConfig *d = g_new0(DriveConfig, 1);
        d->dev = building.disk;
        g_ptr_array_add(t->m->config.drives, d);
    }
    bool ok = machine_build(t->m, NULL);
    g_assert(ok);
    t->m->command_port->sink = command_sink;
    t->m->command_port->device = t;
    nondet_set_ask(t->m, NONDET_HOST_CLOCK, answer_pull, t);
    nondet_set_ask(t->m, NONDET_SEED, answer_seed, t);
    return t;
}

Toy *toy_new(const ToyInsn *code, size_t count, bool disk)
{
    return new_toy(code, count, disk ? disk_new() : NULL);
}

Toy *toy_again(Toy *old, const ToyInsn *code, size_t count)
{
    BlockDev *disk = building.disk;
    g_free(g_ptr_array_steal_index(old->m->config.drives, 0));
    toy_free(old);
    return new_toy(code, count, disk);
}

void toy_free(Toy *t)
{
    GPtrArray *drives = t->m->config.drives;
    for (guint i = 0; i < drives->len; i++) {
        DriveConfig *d = g_ptr_array_index(drives, i);
        disk_free(d->dev);
        g_free(d);
    }
    machine_free(t->m);
    g_ptr_array_free(drives, TRUE);
    g_byte_array_free(t->output, TRUE);
    g_free(t);
}

ToyCpuState *toy_cpu(Toy *t)
{
    return &((ToyCpu *)g_ptr_array_index(t->m->cpus, 0))->s;
}

BlockDev *toy_add_disk(Toy *t)
{
    DriveConfig *d = g_new0(DriveConfig, 1);
    d->dev = disk_new();
    g_ptr_array_add(t->m->config.drives, d);
    return d->dev;
}

BlockDev *toy_disk(Toy *t)
{
    return building.disk;
}

void toy_serial_input(Toy *t, const void *data, size_t len)
{
    nondet_post(t->serial, data, len);
}

const ToyInsn toy_busy[] = {
    { TOY_LI, 1, 0, 12345 },
    { TOY_LI, 2, 0, 0x10000 },
    { TOY_LI, 4, 0, 40 },
    /* TOY_BUSY_LOOP */
    { TOY_MIX, 1, 13, 0 },
    { TOY_ST, 1, 2, 0 },
    { TOY_ADDI, 2, 0, 968 },
    { TOY_LD, 3, 1, 0 },
    { TOY_MIX, 1, 3, 0 },
    { TOY_DISKW, 1, 1, 0 },
    { TOY_DISKR, 5, 3, 0 },
    { TOY_MIX, 1, 5, 0 },
    { TOY_RARE, 6, 0, 0 },
    { TOY_MIX, 1, 6, 0 },
    { TOY_ST, 1, 0, TOY_BUSY_CELL },
    { TOY_OUT, 1, 0, 0 },
    { TOY_ADDI, 4, 0, -1 },
    { TOY_JNZ, 4, 0, TOY_BUSY_LOOP },
    { TOY_LI, 4, 0, 40 },
    { TOY_PULL, 7, 0, 0 },
    { TOY_MIX, 1, 7, 0 },
    { TOY_TIME, 8, 0, 0 },
    { TOY_MIX, 1, 8, 0 },
    { TOY_HLT, 0, 0, 0 },
    { TOY_JMP, 0, 0, TOY_BUSY_LOOP },
};

const size_t toy_busy_count = G_N_ELEMENTS(toy_busy);
