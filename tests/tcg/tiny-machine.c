/*
 * The machine around the made-up processor: RAM, ROM and a device that answers
 * as the model's does.
 */
#include "tb.h"
#include "tiny.h"

static uint64_t io_read(void *opaque, PhysAddr offset, unsigned size)
{
    TinyMachine *t = opaque;
    return tiny_io(&t->cpu->s, offset, 0, size, machine_icount(t->machine),
                   false);
}

static void io_write(void *opaque, PhysAddr offset, uint64_t v, unsigned size)
{
    TinyMachine *t = opaque;
    tiny_io(&t->cpu->s, offset, v, size, machine_icount(t->machine), true);
    cpu_kick(&t->cpu->parent);
}

/* The board has nothing else to find its parts by. */
static TinyMachine *building;

static bool build(Machine *m, Error **errp)
{
    static const MemOps ops = { .read = io_read, .write = io_write };
    static MemRegion ram_region, rom_region, io_region;
    static const uint8_t empty[TINY_ROM_BYTES];
    TinyMachine *t = building;
    t->ram = ram_block_new(m, "ram", TINY_RAM_BYTES);
    t->rom = rom_block_new(m, "rom", empty, sizeof empty);
    mem_init_ram(&ram_region, "ram", t->ram);
    mem_init_ram(&rom_region, "rom", t->rom);
    mem_init_io(&io_region, "io", TINY_IO_BYTES, &ops, t);
    mem_add(&m->memory_root, 0, &ram_region, 0);
    mem_add(&m->memory_root, TINY_ROM_AT, &rom_region, 0);
    mem_add(&m->memory_root, TINY_IO_AT, &io_region, 0);
    return cpu_new(m, "tiny", errp) != NULL;
}

void tiny_machine_make(TinyMachine *t, AccelOptions *options)
{
    static const BoardClass board = { .name = "tiny", .build = build };
    Error *error = NULL;
    building = t;
    t->machine = machine_new(&tiny_parts, &board);
    t->machine->config.accel = options;
    t->machine->config.has_seed = true;
    if (!machine_build(t->machine, &error)) {
        g_error("%s", error_message(error));
    }
    machine_power_on(t->machine);
    t->cpu = tiny_cpu(g_ptr_array_index(t->machine->cpus, 0));
}
