/*
 * "microvm": processors with their APICs, memory, places for virtio devices, and
 * next to nothing else. No PCI; interrupts and timers of old PCs as the user
 * likes. ACPI of the reduced kind, or none. Wiring only.
 *
 * Firmware is SeaBIOS as Debian builds it for QEMU's board of this name, so what
 * it finds is laid out like that board: docs/system/i386/microvm.rst.
 */
#include "base/bits.h"
#include "board-plug.h"
#include "hw/boot.h"
#include "hw/fw-cfg.h"
#include "hw/ged.h"
#include "hw/microvm-acpi.h"
#include "hw/virtio-mmio.h"
#include "pc.h"
#include "pins/x86.h"

/* Without ACPI there are as many places as ISA interrupts are free, from this
 * one on. */
#define OLD_PLACES 8u
#define OLD_IRQ    5u
#define BELOW_4G_MAX (3 * GIB)
/* The end of firmware is in RAM below 1 MiB, too, where it changes itself. */
#define LOW_FIRMWARE_MAX (128 * KIB)

typedef struct Microvm {
    Device dev;
    Pc *pc;
    Device *ioapic_2, *ged;
    Device *place[MICROVM_PLACES];
    unsigned places;
    MemRegion ram, low, high;
    char *cmdline;         /* -append and what was added, or NULL */
} Microvm;

static const MicrovmConfig *options(const Microvm *vm)
{
    return &vm->dev.machine->config.tables.microvm;
}

/* --- memory ---------------------------------------------------------------------- */

static void add_ram(Microvm *vm)
{
    Machine *m = vm->dev.machine;
    Pc *pc = vm->pc;
    uint64_t bytes = m->config.ram_bytes;

    pc->pci_memory = &m->memory_root;
    pc->below_4g = MIN(bytes, BELOW_4G_MAX);
    pc->above_4g = bytes - pc->below_4g;
    mem_init_ram(&vm->ram, "microvm.ram",
                 ram_block_new(m, "microvm.ram", bytes));
    mem_init_alias(&vm->low, "ram-below-4g", &vm->ram, 0, pc->below_4g);
    mem_add(&m->memory_root, 0, &vm->low, 0);
    if (pc->above_4g) {
        mem_init_alias(&vm->high, "ram-above-4g", &vm->ram, pc->below_4g,
                       pc->above_4g);
        mem_add(&m->memory_root, 4 * GIB, &vm->high, 0);
    }
}

/* What a reset finds below 1 MiB. */
static void copy_firmware(Device *dev)
{
    Machine *m = dev->machine;
    gsize len = LOW_FIRMWARE_MAX;
    const uint8_t *data = m->config.firmware
                              ? g_bytes_get_data(m->config.firmware, &len)
                              : NULL;
    gsize low = MIN(len, LOW_FIRMWARE_MAX);
    g_autofree uint8_t *flash = data ? NULL : g_malloc(low);

    if (!data) {
        address_space_read(m->memory, 4 * GIB - low, flash, low);
    }
    address_space_write(m->memory, MIB - low,
                        data ? data + len - low : flash, low);
}

/* --- chips ------------------------------------------------------------------------- */

static void add_chips(Microvm *vm)
{
    Machine *m = vm->dev.machine;
    Pc *pc = vm->pc;
    const MicrovmConfig *o = options(vm);

    pc->pic = o->no_pic ? NULL : device_create(m, &i8259_class);
    pc->pit = o->no_pit ? NULL : device_create(m, &i8254_class);
    pc->rtc = o->no_rtc ? NULL : device_create(m, &mc146818_class);
    pc->fw_cfg = device_create(m, &fw_cfg_class);
    pc->isa = (IsaBus){ m, pc_irq, pc };
    machine_add_bus(m, &(MachineBus){ .kind = "ISA", .name = "isa.0",
                                      .bus = &pc->isa });
    machine_add_bus(m, &(MachineBus){ .kind = "System",
                                      .name = "main-system-bus",
                                      .bus = pc->fw_cfg });
    pc_add_apics(pc);
    vm->ioapic_2 = ioapic_new(pc->apic_bus, MICROVM_IOAPIC_2, 1);
    vm->ged = device_create(m, &ged_class);
}

static void connect_chips(Microvm *vm)
{
    Pc *pc = vm->pc;

    if (pc->pit) {
        irq_connect(i8254_irq(pc->pit), pc_irq, pc, 0);
    }
    if (pc->rtc) {
        irq_connect(mc146818_irq(pc->rtc), pc_irq, pc, 8);
    }
    irq_connect(ged_irq(vm->ged), pc_irq, pc, GED_IRQ);
    pc_connect_cpus(pc, NULL);
    vm->dev.machine->power_button =
        (MachineButton){ ged_power_button, vm->ged };
}

/* --- places of virtio devices ---------------------------------------------------------- */

static bool place_is_free(const void *bus, const char *unit)
{
    return !((const VirtioBus *)bus)->device;
}

static bool place_is_used(const Microvm *vm, unsigned n)
{
    return virtio_mmio_bus(vm->place[n])->device;
}

static void add_place(Microvm *vm, unsigned n)
{
    Machine *m = vm->dev.machine;
    Device *place = device_create(m, &virtio_mmio_class);
    char name[32];

    vm->place[n] = place;
    mem_add(&m->memory_root, MICROVM_PLACE_BASE + n * VIRTIO_MMIO_BYTES,
            virtio_mmio_region(place), 0);
    if (m->config.no_acpi) {
        irq_connect(virtio_mmio_irq(place), pc_irq, vm->pc, OLD_IRQ + n);
    } else {
        irq_connect(virtio_mmio_irq(place), ioapic_irq, vm->ioapic_2, n);
    }
    g_snprintf(name, sizeof name, "virtio-mmio-bus.%u", n);
    machine_add_bus(m, &(MachineBus){ .kind = "virtio-bus", .name = name,
                                      .bus = virtio_mmio_bus(place),
                                      .has_room = place_is_free });
}

static void add_places(Microvm *vm)
{
    vm->places = vm->dev.machine->config.no_acpi ? OLD_PLACES
                                                 : MICROVM_PLACES;
    for (unsigned n = 0; n < vm->places; n++) {
        add_place(vm, n);
    }
}

/* Without ACPI a kernel is told on its command line where they are:
 * Documentation/admin-guide/kernel-parameters, virtio_mmio.device. */
static void tell_places(Microvm *vm)
{
    MachineConfig *c = &vm->dev.machine->config;
    g_autoptr(GString) text = g_string_new(c->cmdline);

    if (!c->kernel || !c->no_acpi || options(vm)->no_auto_cmdline) {
        return;
    }
    for (unsigned n = 0; n < vm->places; n++) {
        if (place_is_used(vm, n)) {
            g_string_append_printf(
                text, "%svirtio_mmio.device=512@0x%" G_GINT64_MODIFIER "x:%u",
                text->len ? " " : "",
                MICROVM_PLACE_BASE + n * VIRTIO_MMIO_BYTES, OLD_IRQ + n);
        }
    }
    vm->cmdline = g_strdup(text->str);
    c->cmdline = vm->cmdline;
}

/* --- what is told ------------------------------------------------------------------------- */

static bool has_serial(const Machine *m)
{
    const GPtrArray *all = m->config.serials;
    return all && all->len && g_ptr_array_index(all, 0);
}

static void describe(Microvm *vm)
{
    const Machine *m = vm->dev.machine;
    MicrovmAcpi p = { .below_4g = vm->pc->below_4g,
                      .has_pic = vm->pc->pic,
                      .has_pit = vm->pc->pit,
                      .has_rtc = vm->pc->rtc,
                      .has_serial = has_serial(m) };

    for (unsigned n = 0; n < vm->places; n++) {
        p.used |= place_is_used(vm, n) ? 1u << n : 0;
    }
    pc_describe(vm->pc);
    if (!m->config.no_acpi) {
        acpi_describe_microvm(m, vm->pc->fw_cfg, &p);
    }
}

/* --- construction -------------------------------------------------------------------------- */

static void microvm_unrealize(Device *dev)
{
    g_free(((Microvm *)dev)->cmdline);
}

static const DeviceClass microvm_class = {
    .name = "microvm-board",
    .desc = "the board's own wiring",
    .category = "Misc",
    .size = sizeof(Microvm),
    .state_offset = offsetof(Microvm, dev),
    .state = state_none,
    .reset = copy_firmware,
    .unrealize = microvm_unrealize,
};

static bool check(const Microvm *vm, Error **errp)
{
    const Machine *m = vm->dev.machine;

    if (!x86_pins(vm->pc->cpu)->has_apic(vm->pc->cpu)) {
        error_set(errp, "machine 'microvm' needs a processor with a local "
                  "APIC");
        return false;
    }
    if (options(vm)->no_serial && has_serial(m) && m->config.defaults) {
        g_ptr_array_set_size(m->config.serials, 0);
    }
    if (options(vm)->no_serial && has_serial(m)) {
        error_set(errp, "-serial: machine 'microvm' has no port with "
                  "isa-serial=off");
        return false;
    }
    return true;
}

static bool finish(Microvm *vm, Error **errp)
{
    Machine *m = vm->dev.machine;
    Pc *pc = vm->pc;

    if (!pc_add_firmware(pc, errp) || !pc_plug_all(pc, errp)) {
        return false;
    }
    tell_places(vm);
    if (!boot_add_kernel(m, pc->fw_cfg, pc->below_4g, errp)) {
        return false;
    }
    describe(vm);
    return true;
}

static bool microvm_build(Machine *m, Error **errp)
{
    m->config.no_hpet = true;
    Pc *pc = pc_new(m, errp);
    if (!pc) {
        return false;
    }
    Microvm *vm = (Microvm *)device_create(m, &microvm_class);
    vm->pc = pc;
    if (!check(vm, errp)) {
        return false;
    }
    mem_transaction_begin(m);
    add_ram(vm);
    pc->firmware_in_ram = true;
    add_chips(vm);
    connect_chips(vm);
    add_places(vm);
    bool ok = finish(vm, errp);
    mem_transaction_commit(m);
    return ok;
}

extern const BoardClass microvm_board;

const BoardClass microvm_board = {
    .name = "microvm",
    .desc = "microvm (i386)",
    .default_cpu = "qemu64",
    .default_ram_bytes = 128 * MIB,
    .firmware = "bios-microvm.bin",
    .boot_order = PC_BOOT_ORDER,
    .virtio_mmio = true,
    .build = microvm_build,
    .power_on = pc_power_on,
};
