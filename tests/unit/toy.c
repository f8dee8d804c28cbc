/*
 * The toy machine: its board, and what tests do with it. See toy.h.
 */
#include "base/bytes.h"
#include "toy-parts.h"
#include "vm/sched.h"

ToyBoard toy_building;

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
    load_code(ram, TOY_CODE, toy_building.code, toy_building.code_count);
    toy_building.rare = nondet_port(m, NONDET_BLOCK_ERROR, "toy", NULL, NULL);
    toy_building.pull = nondet_port(m, NONDET_HOST_CLOCK, "toy", NULL, NULL);
    ToyCpu *c = (ToyCpu *)cpu_new(m, "toy", errp);
    c->toy = toy_building.toy;
    if (toy_work) {
        device_realize(device_new(m, &toy_silent, NULL), errp);
    }
    device_realize(device_new(m, &toy_timer, NULL), errp);
    Device *serial = device_new(m, &toy_serial, NULL);
    device_realize(serial, errp);
    toy_building.serial = (ToySerial *)serial;
    toy_building.toy->serial =
        nondet_port(m, NONDET_SERIAL, "serial0", toy_serial_sink, serial);
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

static const DeviceClass *const toy_devices[] = { &toy_silent, &toy_timer,
                                                   &toy_serial, NULL };

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
    .cpu_init = toy_cpu_nothing,
    .cpu_free = toy_cpu_nothing,
    .kick = toy_kick,
    .stop_chain = toy_cpu_nothing,
    .present_insn = toy_present_insn,
    .jump_cache_flush = toy_cpu_nothing,
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
    toy_building = (ToyBoard){ .code = code, .code_count = count, .toy = t };
    t->m = machine_new(&toy_parts, &toy_board);
    t->m->icount_mode = ICOUNT_FIXED;
    t->m->config.drives = g_ptr_array_new();
    if (disk) {
        toy_building.disk = disk;
        DriveConfig *d = g_new0(DriveConfig, 1);
        d->dev = toy_building.disk;
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
    return new_toy(code, count, disk ? toy_disk_new() : NULL);
}

Toy *toy_again(Toy *old, const ToyInsn *code, size_t count)
{
    BlockDev *disk = toy_building.disk;
    g_free(g_ptr_array_steal_index(old->m->config.drives, 0));
    toy_free(old);
    return new_toy(code, count, disk);
}

void toy_free(Toy *t)
{
    GPtrArray *drives = t->m->config.drives;
    for (guint i = 0; i < drives->len; i++) {
        DriveConfig *d = g_ptr_array_index(drives, i);
        toy_disk_free(d->dev);
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
    d->dev = toy_disk_new();
    g_ptr_array_add(t->m->config.drives, d);
    return d->dev;
}

BlockDev *toy_disk(Toy *t)
{
    return toy_building.disk;
}

void toy_serial_input(Toy *t, const void *data, size_t len)
{
    nondet_post(t->serial, data, len);
}

/* --- the program ---------------------------------------------------------------------- */

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
