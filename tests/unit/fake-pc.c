/*
 * A whole PC without a CPU or a world. See fake-pc.h.
 */
#include "fake-pc.h"

#include <errno.h>
#include <stdarg.h>

#include "hw/parts.h"
#include "pins/x86.h"
#include "vm/cpu.h"

FakeCpuPins fake_pins;

/* --- accel/ and target/ -------------------------------------------------------*/

typedef struct FakeCpu {
    Cpu parent;
    uint8_t state[8];
} FakeCpu;

static bool fake_set_model(Cpu *cpu, const char *model, Error **errp)
{
    return true;
}

static void fake_nothing(Cpu *cpu)
{
}

static void fake_set_intr(Cpu *cpu, bool level)
{
    fake_pins.intr = level;
}

static void fake_set_nmi(Cpu *cpu, bool level)
{
    fake_pins.nmi += level;
}

static void fake_set_smi(Cpu *cpu)
{
    fake_pins.smi++;
}

static void fake_set_a20(Cpu *cpu, bool open)
{
    fake_pins.a20 = open;
}

static void fake_connect_pic(Cpu *cpu, int (*ack)(void *opaque), void *opaque)
{
    fake_pins.ack = ack;
    fake_pins.pic = opaque;
}

static void fake_set_smram(Cpu *cpu, AddressSpace *smm_memory)
{
    fake_pins.smm_memory = smm_memory;
}

/* Nothing here has an error of the floating-point unit. */
static void fake_connect_ferr(Cpu *cpu,
                              void (*ferr)(void *opaque, bool level),
                              void *opaque)
{
}

static void fake_set_ignne(Cpu *cpu, bool level)
{
}

/* The interrupt controller is asked through the APIC, as its CPU would. */
static const X86ApicOps *apic_ops;

static int ask_apic(void *apic)
{
    return apic_ops->acknowledge(apic);
}

static void fake_connect_apic(Cpu *cpu, const X86ApicOps *ops, void *apic)
{
    apic_ops = ops;
    fake_connect_pic(cpu, ask_apic, apic);
}

static bool fake_has_apic(const Cpu *cpu)
{
    return true;
}

static void fake_init(Cpu *cpu)
{
}

static void fake_startup(Cpu *cpu, uint8_t vector)
{
}

static int64_t fake_tsc_due_ns(Cpu *cpu, uint64_t tsc)
{
    return tsc;
}

static const X86Pins pin_table = {
    .set_intr = fake_set_intr,
    .set_nmi = fake_set_nmi,
    .set_smi = fake_set_smi,
    .set_a20 = fake_set_a20,
    .connect_pic = fake_connect_pic,
    .set_smram = fake_set_smram,
    .connect_ferr = fake_connect_ferr,
    .set_ignne = fake_set_ignne,
    .init = fake_init,
    .startup = fake_startup,
    .connect_apic = fake_connect_apic,
    .has_apic = fake_has_apic,
    .tsc_due_ns = fake_tsc_due_ns,
};

static const CpuClass fake_cpu_class = {
    .name = "x86_64",
    .size = sizeof(FakeCpu),
    .state_offset = offsetof(FakeCpu, state),
    .pins = &pin_table,
    .state = state_none,
    .set_model = fake_set_model,
    .reset = fake_nothing,
    .sync = fake_nothing,
    .rewire = fake_nothing,
};

static void fake_flush(Machine *m)
{
}

static void fake_flush_page(Cpu *cpu, GuestAddr va)
{
}

/* Nothing is translated, so nothing can fault. */
static void G_GNUC_NORETURN fake_leave(Cpu *cpu)
{
    g_assert_not_reached();
}

static bool fake_present_insn(const Cpu *cpu, Icount *icount, GuestAddr *pc)
{
    return false;
}

static bool fake_code_at(Machine *m, RamAddr ra, uint64_t len)
{
    return false;
}

static const AccelOps fake_accel = {
    .name = "fake",
    .cpu_init = fake_nothing,
    .cpu_free = fake_nothing,
    .kick = fake_nothing,
    .stop_chain = fake_nothing,
    .raise = fake_leave,
    .exit_retired = fake_leave,
    .present_insn = fake_present_insn,
    .need_last_insn = fake_nothing,
    .drop_store = fake_nothing,
    .jump_cache_flush = fake_nothing,
    .jump_cache_flush_page = fake_flush_page,
    .tb_unchain_all = fake_flush,
    .tb_flush_all = fake_flush,
    .tb_code_at = fake_code_at,
};


static const MachineParts fake_parts = {
    .cpu = &fake_cpu_class,
    .accel = &fake_accel,
    .boards = pc_boards,
    .devices = pc_devices,
};

/* --- block/ ----------------------------------------------------------------------*/

static uint64_t fake_disk_size_bytes(const BlockDev *b)
{
    return b->size_bytes;
}

static bool fake_disk_readonly(const BlockDev *b)
{
    return b->readonly;
}

static bool fake_disk_is_empty(const BlockDev *b)
{
    return b->empty;
}

static void fake_disk_bind(BlockDev *b, Machine *m)
{
}

static int fake_disk_read(BlockDev *b, uint64_t offset, void *buf, size_t bytes)
{
    b->touched += bytes;
    g_assert_cmpuint(bytes, <=, b->size_bytes);
    g_assert_cmpuint(offset, <=, b->size_bytes - bytes);
    memcpy(buf, b->data + offset, bytes);
    return b->fail;
}

static int fake_disk_write(BlockDev *b, uint64_t offset, const void *buf, size_t bytes)
{
    b->touched += bytes;
    g_assert_cmpuint(bytes, <=, b->size_bytes);
    g_assert_cmpuint(offset, <=, b->size_bytes - bytes);
    if (!b->fail) {
        memcpy(b->data + offset, buf, bytes);
    }
    return b->fail;
}

static int fake_disk_write_zeroes(BlockDev *b, uint64_t offset, uint64_t bytes)
{
    b->touched += bytes;
    g_assert_cmpuint(bytes, <=, b->size_bytes);
    g_assert_cmpuint(offset, <=, b->size_bytes - bytes);
    if (!b->fail) {
        memset(b->data + offset, 0, bytes);
    }
    return b->fail;
}

static int fake_disk_flush(BlockDev *b)
{
    b->flushes++;
    return b->fail;
}

static bool fake_disk_discards(const BlockDev *b)
{
    return true;
}

static const BlockDevOps fake_disk_ops = {
    .size_bytes = fake_disk_size_bytes,
    .readonly = fake_disk_readonly,
    .is_empty = fake_disk_is_empty,
    .bind = fake_disk_bind,
    .read = fake_disk_read,
    .write = fake_disk_write,
    .write_zeroes = fake_disk_write_zeroes,
    .discard = fake_disk_write_zeroes,
    .discards = fake_disk_discards,
    .flush = fake_disk_flush,
};

BlockDev *fake_disk_new(uint64_t size_bytes)
{
    BlockDev *b = g_new0(BlockDev, 1);
    b->head.ops = &fake_disk_ops;
    b->head.node = g_strdup("disk");
    b->size_bytes = size_bytes;
    b->data = g_malloc0(size_bytes);
    for (uint64_t i = 0; i < size_bytes; i++) {
        b->data[i] = i % 512 == 0 ? i / 512 : i % 251;
    }
    return b;
}

void fake_disk_free(BlockDev *b)
{
    g_free(b->head.node);
    g_free(b->data);
    g_free(b);
}

/* --- host/ -----------------------------------------------------------------------*/

static void fake_stream_write(Chardev *c, const void *data, size_t len)
{
    g_byte_array_append(c->out, data, len);
}

static void fake_stream_bind_port(Chardev *c, NondetPort *port, ChardevRoom *room,
                                  void *opaque)
{
}

static void fake_stream_kick(Chardev *c)
{
}

static const ChardevOps fake_stream_ops = {
    .write = fake_stream_write,
    .bind_port = fake_stream_bind_port,
    .kick = fake_stream_kick,
};

Chardev *fake_chardev_new(void)
{
    Chardev *c = g_new0(Chardev, 1);
    c->head.ops = &fake_stream_ops;
    c->head.id = "chardev";
    c->out = g_byte_array_new();
    return c;
}

static void fake_net_send(Netdev *n, const void *frame, size_t len)
{
    g_ptr_array_add(n->sent, g_bytes_new(frame, len));
    n->room_at_send = n->room ? n->room(n->opaque) : 0;
}

static void fake_net_bind_port(Netdev *n, NondetPort *port, NetdevRoom *room,
                               void *opaque)
{
    n->port = port;
    n->room = room;
    n->opaque = opaque;
}

static void fake_net_kick(Netdev *n)
{
    n->kicks++;
}

static void fake_net_received(Netdev *n, const void *frame, size_t len)
{
    n->received++;
}

static void fake_net_describe(Netdev *n, GString *out)
{
    g_string_append(out, n->head.id);
}

static const NetdevOps fake_net_ops = {
    .send = fake_net_send,
    .bind_port = fake_net_bind_port,
    .kick = fake_net_kick,
    .received = fake_net_received,
    .describe = fake_net_describe,
};

Netdev *fake_netdev_new(void)
{
    Netdev *n = g_new0(Netdev, 1);
    n->head.ops = &fake_net_ops;
    n->head.id = "net";
    n->sent = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    return n;
}

void fake_netdev_free(Netdev *n)
{
    g_ptr_array_free(n->sent, TRUE);
    g_free(n);
}

void fake_netdev_deliver(Netdev *n, const void *frame, size_t len)
{
    nondet_sink(n->port, frame, len);
}

/* --- the machine -------------------------------------------------------------------*/

#define ROM_BYTES (64 * KIB)

Machine *fake_pc_new(uint64_t ram_bytes)
{
    return fake_board_new("pc", ram_bytes);
}

Machine *fake_board_new(const char *board, uint64_t ram_bytes)
{
    Machine *m = machine_new(&fake_parts, board_find(&fake_parts, board));
    uint8_t *rom = g_malloc(ROM_BYTES);

    for (unsigned i = 0; i < ROM_BYTES; i++) {
        rom[i] = i >> 8;
    }
    fake_pins = (FakeCpuPins){ 0 };
    m->config.ram_bytes = ram_bytes;
    m->config.firmware = g_bytes_new_take(rom, ROM_BYTES);
    m->config.defaults = false;
    m->config.has_seed = true;
    m->config.rtc_base_sec = 0;
    m->config.drives = g_ptr_array_new();
    m->config.devices = g_ptr_array_new();
    m->config.serials = g_ptr_array_new();
    return m;
}

void fake_pc_add_drive(Machine *m, const char *id, BlockDev *b, bool cdrom,
                       int index)
{
    DriveConfig *d = g_new0(DriveConfig, 1);
    d->id = g_strdup(id);
    d->dev = b;
    d->cdrom = cdrom;
    d->index = index;
    d->if_none = index < -1;
    g_ptr_array_add(m->config.drives, d);
}

void fake_pc_add_device(Machine *m, const char *driver, ...)
{
    DeviceConfig *d = g_new0(DeviceConfig, 1);
    va_list ap;
    char *s;

    d->driver = g_strdup(driver);
    d->props = g_ptr_array_new();
    va_start(ap, driver);
    while ((s = va_arg(ap, char *))) {
        g_ptr_array_add(d->props, s);
    }
    va_end(ap);
    g_ptr_array_add(m->config.devices, d);
}

void fake_pc_add_netdev(Machine *m, const char *id, Netdev *n)
{
    if (!m->config.netdevs) {
        m->config.netdevs = g_hash_table_new(g_str_hash, g_str_equal);
    }
    g_hash_table_insert(m->config.netdevs, (char *)id, n);
}

void fake_pc_start(Machine *m)
{
    Error *err = NULL;
    if (!machine_build(m, &err)) {
        g_error("%s", error_message(err));
    }
    machine_power_on(m);
}

static void free_configs(Machine *m)
{
    for (guint i = 0; i < m->config.drives->len; i++) {
        DriveConfig *d = g_ptr_array_index(m->config.drives, i);
        g_free(d->id);
        g_free(d);
    }
    for (guint i = 0; i < m->config.devices->len; i++) {
        DeviceConfig *d = g_ptr_array_index(m->config.devices, i);
        g_free(d->driver);
        g_ptr_array_free(d->props, TRUE);
        g_free(d);
    }
}

void fake_pc_free(Machine *m)
{
    free_configs(m);
    g_ptr_array_free(m->config.drives, TRUE);
    g_ptr_array_free(m->config.devices, TRUE);
    g_ptr_array_free(m->config.serials, TRUE);
    g_clear_pointer(&m->config.netdevs, g_hash_table_unref);
    g_bytes_unref(m->config.firmware);
    machine_free(m);
}

void fake_pc_run_ns(Machine *m, int64_t ns)
{
    int64_t end = clock_now_ns(m->clock) + ns, due;

    while ((due = clock_next_due_ns(m->clock)) <= end) {
        if (due > clock_now_ns(m->clock)) {
            clock_warp_to(m->clock, due);
        }
        clock_run_timers(m->clock);
    }
    clock_warp_to(m->clock, end);
}

/* --- ports -------------------------------------------------------------------------*/

uint32_t in_port(Machine *m, uint16_t port, unsigned size)
{
    return address_space_ld(m->io, port, size);
}

void out_port(Machine *m, uint16_t port, uint32_t v, unsigned size)
{
    address_space_st(m->io, port, v, size);
}

uint32_t pci_cfg_read(Machine *m, unsigned devfn, unsigned offset,
                      unsigned size)
{
    out_port(m, 0xcf8, 0x80000000u | devfn << 8 | (offset & ~3u), 4);
    return in_port(m, 0xcfc + (offset & 3), size);
}

void pci_cfg_write(Machine *m, unsigned devfn, unsigned offset, uint32_t v,
                   unsigned size)
{
    out_port(m, 0xcf8, 0x80000000u | devfn << 8 | (offset & ~3u), 4);
    out_port(m, 0xcfc + (offset & 3), v, size);
}
