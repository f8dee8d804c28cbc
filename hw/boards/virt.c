/*
 * The board `virt`: no real one, but what guests for virtual machines expect. A
 * GICv2, a PL011, a PL031, places for virtio devices, and RAM at 1 GiB.
 */
#include "virt.h"

#include "board-plug.h"
#include "hw/arm-chips.h"
#include "hw/virtio-mmio.h"
#include "vm/machine.h"
#include "vm/nondet.h"

/* --- RAM ------------------------------------------------------------------ */

static void add_ram(Virt *v)
{
    Machine *m = v->dev.machine;
    v->ram_block = ram_block_new(m, "mach-virt.ram", m->config.ram_bytes);
    mem_init_ram(&v->ram, "mach-virt.ram", v->ram_block);
    mem_add(&m->memory_root, VIRT_RAM, &v->ram, 0);
}

void virt_add_image(Virt *v, uint64_t addr, GBytes *bytes)
{
    VirtImage image = { addr, bytes };
    g_array_append_val(v->images, image);
}

/* --- chips ---------------------------------------------------------------- */

static bool add_cpus(Machine *m, Error **errp)
{
    const char *model = m->config.cpu_model ? m->config.cpu_model
                                            : m->board->default_cpu;
    if (m->config.smp.cpus > GICV2_CPUS) {
        error_set(errp, "-smp %u: a GICv2 has %u CPU interfaces",
                  m->config.smp.cpus, GICV2_CPUS);
        return false;
    }
    for (unsigned i = 0; i < m->config.smp.cpus; i++) {
        Cpu *cpu = cpu_new(m, model, errp);
        if (!cpu) {
            return false;
        }
        arm_pins(cpu)->enable_psci(cpu);
    }
    return true;
}

static void connect_timers(Virt *v, unsigned n)
{
    Cpu *cpu = g_ptr_array_index(v->dev.machine->cpus, n);
    const ArmPins *pins = arm_pins(cpu);
    irq_connect(pins->timer_line(cpu, ARM_TIMER_VIRT), gicv2_ppi, v->gic,
                n * GIC_PRIVATE + VIRT_PPI_VIRT_TIMER);
    irq_connect(pins->timer_line(cpu, ARM_TIMER_PHYS), gicv2_ppi, v->gic,
                n * GIC_PRIVATE + VIRT_PPI_PHYS_TIMER);
}

static void add_gic(Virt *v)
{
    Machine *m = v->dev.machine;
    v->gic = device_create(m, &gicv2_class);
    mem_add(&m->memory_root, VIRT_GIC_DIST, gicv2_dist_region(v->gic), 0);
    mem_add(&m->memory_root, VIRT_GIC_CPU, gicv2_cpu_region(v->gic), 0);
    gicv2_connect_cpus(v->gic);
    for (guint n = 0; n < m->cpus->len; n++) {
        connect_timers(v, n);
    }
}

/* The first -serial; a board with more has no place for them. */
static bool add_uart(Virt *v, Error **errp)
{
    Machine *m = v->dev.machine;
    const GPtrArray *serials = m->config.serials;
    if (serials && serials->len > 1) {
        error_set(errp, "-serial: machine 'virt' has one serial port");
        return false;
    }
    v->uart = device_new(m, &pl011_class, NULL);
    if (serials && serials->len && g_ptr_array_index(serials, 0)) {
        device_set_chardev(v->uart, "chardev", g_ptr_array_index(serials, 0));
    }
    if (!device_realize(v->uart, errp)) {
        return false;
    }
    mem_add(&m->memory_root, VIRT_UART, pl011_region(v->uart), 0);
    irq_connect(pl011_irq(v->uart), gicv2_spi, v->gic, VIRT_SPI_UART);
    return true;
}

static void add_rtc(Virt *v)
{
    Machine *m = v->dev.machine;
    v->rtc = device_create(m, &pl031_class);
    mem_add(&m->memory_root, VIRT_RTC, pl031_region(v->rtc), 0);
    irq_connect(pl031_irq(v->rtc), gicv2_spi, v->gic, VIRT_SPI_RTC);
}

static bool place_is_free(const void *bus, const char *unit)
{
    return !((const VirtioBus *)bus)->device;
}

/* The last place is offered first: Linux numbers disks by address,
 * downwards. */
static void add_place(Virt *v, unsigned n)
{
    Machine *m = v->dev.machine;
    Device *place = device_create(m, &virtio_mmio_class);
    char name[32];
    v->place[n] = place;
    mem_add(&m->memory_root, VIRT_MMIO + n * VIRTIO_MMIO_BYTES,
            virtio_mmio_region(place), 0);
    irq_connect(virtio_mmio_irq(place), gicv2_spi, v->gic, VIRT_SPI_MMIO + n);
    g_snprintf(name, sizeof name, "virtio-mmio-bus.%u", n);
    machine_add_bus(m, &(MachineBus){ .kind = "virtio-bus", .name = name,
                                      .bus = virtio_mmio_bus(place),
                                      .has_room = place_is_free });
}

/* --- the board ------------------------------------------------------------ */

/* RAM as the boot loader leaves it. Before the CPUs begin, at every reset. */
static void virt_reset(Device *dev)
{
    Virt *v = (Virt *)dev;
    for (guint i = 0; v->images && i < v->images->len; i++) {
        const VirtImage *image = &g_array_index(v->images, VirtImage, i);
        gsize len;
        const void *data = g_bytes_get_data(image->bytes, &len);
        address_space_write(dev->machine->memory, image->addr, data, len);
    }
}

static void virt_unrealize(Device *dev)
{
    Virt *v = (Virt *)dev;
    for (guint i = 0; v->images && i < v->images->len; i++) {
        g_bytes_unref(g_array_index(v->images, VirtImage, i).bytes);
    }
    g_clear_pointer(&v->images, g_array_unref);
}

static const DeviceClass virt_class = {
    .name = "virt-board",
    .desc = "the board's own wiring",
    .category = "Misc",
    .size = sizeof(Virt),
    .state_offset = offsetof(Virt, dev),
    .state = state_none,
    .reset = virt_reset,
    .unrealize = virt_unrealize,
};

static bool virt_build(Machine *m, Error **errp)
{
    if (!add_cpus(m, errp)) {
        return false;
    }
    Virt *v = (Virt *)device_create(m, &virt_class);
    v->images = g_array_new(FALSE, FALSE, sizeof(VirtImage));
    v->rtc_base = nondet_port(m, NONDET_RTC_BASE, "rtc", NULL, NULL);
    mem_transaction_begin(m);
    add_ram(v);
    add_gic(v);
    add_rtc(v);
    for (unsigned n = VIRT_MMIO_PLACES; n--;) {
        add_place(v, n);
    }
    bool ok = add_uart(v, errp) && board_plug_devices(m, errp) &&
              virt_boot(v, errp);
    mem_transaction_commit(m);
    return ok;
}

static Virt *virt_of(const Machine *m)
{
    for (guint i = 0; i < m->devices->len; i++) {
        Device *dev = g_ptr_array_index(m->devices, i);
        if (dev->cls == &virt_class) {
            return (Virt *)dev;
        }
    }
    g_assert_not_reached();
}

static void virt_power_on(Machine *m)
{
    Virt *v = virt_of(m);
    int64_t sec = m->config.rtc_base_sec;
    if (sec == INT64_MIN) {
        nondet_pull(v->rtc_base, &sec, sizeof sec);
    }
    pl031_set_base(v->rtc, sec);
}

extern const BoardClass virt_7_2_board;

const BoardClass virt_7_2_board = {
    .name = "virt-7.2",
    .alias = "virt",
    .desc = "QEMU 7.2 ARM Virtual Machine",
    .default_cpu = "cortex-a57",
    .default_ram_bytes = 128 * MIB,
    .is_default = true,
    .virtio_mmio = true,
    .build = virt_build,
    .power_on = virt_power_on,
};
