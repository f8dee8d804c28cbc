/*
 * The test machine of chips-machine.h, with a chardev that collects.
 */
#include "chips-machine.h"

#include <string.h>

#define RAM_BYTES (4 * MIB)

GString *chips_output;
static ChardevRoom *bound_room;
static void *bound_opaque;

/* --- what the chips need of other folders --------------------------------- */

struct Chardev {
    int unused;
};
static Chardev collector;

void chardev_write(Chardev *c, const void *data, size_t len)
{
    g_string_append_len(chips_output, data, len);
}

void chardev_kick(Chardev *c)
{
}

void chardev_bind_port(Chardev *c, NondetPort *port, ChardevRoom *room,
                       void *opaque)
{
    bound_room = room;
    bound_opaque = opaque;
}

size_t chips_serial_room(void)
{
    return bound_room(bound_opaque);
}

static bool build_nothing(Machine *m, Error **errp)
{
    return true;
}

static const BoardClass test_board = {
    .name = "chips", .desc = "test", .build = build_nothing,
};
static const MachineParts no_parts;

/* --- the machine ---------------------------------------------------------- */

static void count_irq(void *opaque, int n, bool level)
{
    ChipsMachine *c = opaque;
    c->rises[n] += level && !c->level[n];
    c->level[n] = level;
    i8259_irq(c->pic, n, level);
}

static void set_flag(void *opaque, int n, bool level)
{
    *(bool *)opaque = level;
}

static Device *isa_device(ChipsMachine *c, const DeviceClass *cls,
                          const char *chardev_prop)
{
    Device *dev = device_new(c->m, cls, NULL);
    dev->bus = &c->isa;
    if (chardev_prop) {
        device_set_chardev(dev, chardev_prop, &collector);
    }
    g_assert(device_realize(dev, NULL));
    return dev;
}

static void make_keyboard(ChipsMachine *c)
{
    c->gate = device_create(c->m, &pc_a20_class);
    irq_connect(pc_a20_line(c->gate), set_flag, &c->a20, 0);
    c->kbc = device_create(c->m, &i8042_class);
    i8042_plug(c->kbc, device_create(c->m, &ps2_keyboard_class),
               device_create(c->m, &ps2_mouse_class));
    i8042_set_a20(c->kbc, c->gate);
    irq_connect(i8042_irq_keyboard(c->kbc), count_irq, c, 1);
    irq_connect(i8042_irq_mouse(c->kbc), count_irq, c, 12);
    c->port92 = device_create(c->m, &port92_class);
    port92_set_a20(c->port92, c->gate);
}

ChipsMachine *chips_new(void)
{
    ChipsMachine *c = g_new0(ChipsMachine, 1);
    Machine *m = c->m = machine_new(&no_parts, &test_board);
    mem_init_ram(&c->ram, "ram", ram_block_new(m, "ram", RAM_BYTES));
    mem_add(&m->memory_root, 0, &c->ram, 0);
    c->isa = (IsaBus){ m, count_irq, c };
    c->pic = device_create(m, &i8259_class);
    irq_connect(i8259_intr(c->pic), set_flag, &c->intr, 0);
    c->pit = device_create(m, &i8254_class);
    irq_connect(i8254_irq(c->pit), count_irq, c, 0);
    c->rtc = device_create(m, &mc146818_class);
    irq_connect(mc146818_irq(c->rtc), count_irq, c, 8);
    make_keyboard(c);
    c->dma = device_create(m, &i8237_class);
    c->fw = device_create(m, &fw_cfg_class);
    if (!chips_output) {
        chips_output = g_string_new(NULL);
    }
    g_string_truncate(chips_output, 0);
    c->serial = isa_device(c, &isa_serial_class, "chardev");
    isa_device(c, &isa_debugcon_class, "chardev");
    isa_device(c, &isa_debug_exit_class, NULL);
    g_assert(machine_build(m, NULL));
    machine_power_on(m);
    memset(c->rises, 0, sizeof c->rises);
    return c;
}

void chips_free(ChipsMachine *c)
{
    machine_free(c->m);
    g_free(c);
}

void chips_out(ChipsMachine *c, uint16_t port, uint8_t v)
{
    address_space_st(c->m->io, port, v, 1);
}

uint8_t chips_in(ChipsMachine *c, uint16_t port)
{
    return address_space_ld(c->m->io, port, 1);
}

void chips_run_ns(ChipsMachine *c, int64_t ns)
{
    Clock *clock = c->m->clock;
    int64_t end = clock_now_ns(clock) + ns;
    while (clock_next_due_ns(clock) <= end) {
        clock_warp_to(clock, clock_next_due_ns(clock));
        clock_run_timers(clock);
    }
    clock_warp_to(clock, end);
}

void chips_serial_input(ChipsMachine *c, const char *text)
{
    const GPtrArray *ports = nondet_ports(c->m);
    for (guint i = 0; i < ports->len; i++) {
        NondetPort *p = g_ptr_array_index(ports, i);
        if (p->kind == NONDET_SERIAL) {
            nondet_post(p, text, strlen(text));
        }
    }
}

/* --- save and load -------------------------------------------------------- */

static void save_section(void *opaque, const Section *s)
{
    GByteArray *out = opaque, *one = g_byte_array_new();
    state_save(s->table, s->object, one);
    g_byte_array_append(out, (uint8_t *)&one->len, sizeof one->len);
    g_byte_array_append(out, one->data, one->len);
    g_byte_array_unref(one);
}

GByteArray *chips_save(ChipsMachine *c)
{
    GByteArray *out = g_byte_array_new();
    machine_sections(c->m, save_section, out);
    return out;
}

static void load_section(void *opaque, const Section *s)
{
    const uint8_t **at = opaque;
    guint len;
    memcpy(&len, *at, sizeof len);
    *at += sizeof len;
    Error *err = NULL;
    if (!state_load(s->table, s->object, *at, len, &err)) {
        g_error("%s", error_message(err));
    }
    *at += len;
}

void chips_load(ChipsMachine *c, const GByteArray *saved)
{
    const uint8_t *at = saved->data;
    machine_sections(c->m, load_section, &at);
    g_assert(at == saved->data + saved->len);
    machine_rewire(c->m);
}
