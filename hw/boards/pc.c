/*
 * What every PC has: processors with their interrupt controllers, the chips of
 * the legacy bus, and the lines between them. Wiring only.
 */
#include "base/bits.h"
#include "hw/boot.h"
#include "hw/fw-cfg.h"
#include "pc.h"
#include "pins/x86.h"
#include "vm/cpu.h"

#define PC_RAM_MIN MIB

/* --- lines into the CPU -------------------------------------------------------*/

static void cpu_intr(void *cpu, int n, bool level)
{
    x86_pins(cpu)->set_intr(cpu, level);
}

/* An interrupt of the ISA bus goes to both kinds of controller; the timer's to
 * another input of the I/O APIC, as the tables of firmware say. */
#define IOAPIC_TIMER_PIN 2

void pc_pic_irq(void *opaque, int irq, bool level)
{
    Pc *pc = opaque;
    if (pc->pic) {
        i8259_irq(pc->pic, irq, level);
    }
}

void pc_apic_pin(void *opaque, int pin, bool level)
{
    Pc *pc = opaque;
    if (pc->ioapic && pin < (int)IOAPIC_PINS) {
        ioapic_irq(pc->ioapic, pin, level);
    }
}

void pc_irq(void *opaque, int irq, bool level)
{
    pc_pic_irq(opaque, irq, level);
    if (irq != IOAPIC_TIMER_PIN) {
        pc_apic_pin(opaque, irq ? irq : IOAPIC_TIMER_PIN, level);
    }
}

void pc_smi(void *opaque, int n, bool level)
{
    const Pc *pc = opaque;
    if (level) {
        x86_pins(pc->cpu)->set_smi(pc->cpu);
    }
}

static void pc_a20(void *opaque, int n, bool level)
{
    const Machine *m = ((Pc *)opaque)->dev.machine;
    for (guint i = 0; i < m->cpus->len; i++) {
        Cpu *cpu = g_ptr_array_index(m->cpus, i);
        x86_pins(cpu)->set_a20(cpu, level);
    }
}

static void cpu_ignne(void *cpu, int n, bool level)
{
    x86_pins(cpu)->set_ignne(cpu, level);
}

/* Global system interrupts, as the HPET names them: IRQ 0 and 8 in place of the
 * chips that have them, others by input of the I/O APIC. */
#define HPET_ROUTES BIT(IOAPIC_TIMER_PIN)

void pc_gsi(void *opaque, int gsi, bool level)
{
    if (gsi < 16 && gsi != IOAPIC_TIMER_PIN) {
        pc_irq(opaque, gsi, level);
    } else {
        pc_apic_pin(opaque, gsi, level);
    }
}

/* To each processor's LINT1; to its pin where it has no local APIC. */
static void nmi_button(void *opaque)
{
    const Pc *pc = opaque;
    const Machine *m = pc->dev.machine;
    for (guint i = 0; i < m->cpus->len; i++) {
        Cpu *cpu = g_ptr_array_index(m->cpus, i);
        if (pc->apics[i]) {
            apic_lint1_pulse(pc->apics[i]);
        } else {
            x86_pins(cpu)->set_nmi(cpu, true);
            x86_pins(cpu)->set_nmi(cpu, false);
        }
    }
}

/* --- construction --------------------------------------------------------------*/

static bool pc_check(const Machine *m, Error **errp)
{
    if (m->config.ram_bytes < PC_RAM_MIN || m->config.ram_bytes % PAGE_SIZE) {
        error_set(errp, "machine '%s' needs at least 1 MiB of RAM, in whole "
                  "pages of 4 KiB", m->board->name);
        return false;
    }
    if (m->config.ram_bytes > 64 * GIB) {
        error_set(errp, "machine '%s' takes at most 64 GiB of RAM",
                  m->board->name);
        return false;
    }
    return true;
}

static bool pc_add_cpus(Pc *pc, Error **errp)
{
    Machine *m = pc->dev.machine;
    const char *model = m->config.cpu_model ? m->config.cpu_model
                                            : m->board->default_cpu;
    for (unsigned i = 0; i < m->config.smp.cpus; i++) {
        Cpu *cpu = cpu_new(m, model, errp);
        if (!cpu) {
            return false;
        }
        pc->cpu = i ? pc->cpu : cpu;
    }
    if (m->cpus->len > 1 && !x86_pins(pc->cpu)->has_apic(pc->cpu)) {
        error_set(errp, "-smp %u: -cpu %s has no local APIC, without which "
                  "there can only be one", m->cpus->len, model);
        return false;
    }
    return true;
}

void pc_add_apics(Pc *pc)
{
    const Machine *m = pc->dev.machine;
    if (!x86_pins(pc->cpu)->has_apic(pc->cpu)) {
        return;
    }
    pc->apic_bus = device_create(pc->dev.machine, &apic_bus_class);
    for (guint i = 0; i < m->cpus->len; i++) {
        pc->apics[i] = apic_new(pc->apic_bus, g_ptr_array_index(m->cpus, i));
    }
    pc->ioapic = ioapic_new(pc->apic_bus, IOAPIC_BASE, 0);
    if (!m->config.no_hpet) {
        pc->hpet = hpet_new(pc->dev.machine, HPET_ROUTES, pc_gsi, pc);
    }
}

Device *pc_pci_device(Pc *pc, const DeviceClass *cls)
{
    Device *dev = device_new(pc->dev.machine, cls, NULL);
    Error *err = NULL;

    dev->bus = pc->pci;
    bool ok = device_realize(dev, &err);
    g_assert(ok);
    return dev;
}

/* The chips of the legacy bus. */
static void pc_add_chips(Pc *pc)
{
    Machine *m = pc->dev.machine;

    pc->pic = device_create(m, &i8259_class);
    pc->pit = device_create(m, &i8254_class);
    pc->rtc = device_create(m, &mc146818_class);
    pc->a20 = device_create(m, &pc_a20_class);
    pc->kbc = device_create(m, &i8042_class);
    pc->port92 = device_create(m, &port92_class);
    pc->fpu_error = device_create(m, &fpu_error_class);
    pc->dma = device_create(m, &i8237_class);
    pc->fw_cfg = device_create(m, &fw_cfg_class);
    pc->isa = (IsaBus){ m, pc_irq, pc, pc->dma };
    machine_add_bus(m, &(MachineBus){ .kind = "ISA", .name = "isa.0",
                                      .bus = &pc->isa });
    machine_add_bus(m, &(MachineBus){ .kind = "System", .name = "main-system-bus",
                                      .bus = pc->fw_cfg });
}

/* The chips' lines to the interrupt controllers and among themselves. */
static void pc_connect_chips(Pc *pc)
{
    if (pc->hpet) {
        irq_connect(i8254_irq(pc->pit), hpet_legacy_in, pc->hpet, 0);
        irq_connect(mc146818_irq(pc->rtc), hpet_legacy_in, pc->hpet, 1);
    } else {
        irq_connect(i8254_irq(pc->pit), pc_irq, pc, 0);
        irq_connect(mc146818_irq(pc->rtc), pc_irq, pc, 8);
    }
    irq_connect(i8042_irq_keyboard(pc->kbc), pc_irq, pc, 1);
    irq_connect(i8042_irq_mouse(pc->kbc), pc_irq, pc, 12);
    irq_connect(fpu_error_irq(pc->fpu_error), pc_irq, pc, 13);
    i8042_plug(pc->kbc, device_create(pc->dev.machine, &ps2_keyboard_class),
               device_create(pc->dev.machine, &ps2_mouse_class));
    i8042_set_a20(pc->kbc, pc->a20);
    port92_set_a20(pc->port92, pc->a20);
}

static void pc_connect_intr(Pc *pc)
{
    if (pc->apics[0]) {
        irq_connect(i8259_intr(pc->pic), apic_lint0, pc->apics[0], 0);
        apic_connect_pic(pc->apics[0], pic_acknowledge, pc->pic);
    } else {
        irq_connect(i8259_intr(pc->pic), cpu_intr, pc->cpu, 0);
        x86_pins(pc->cpu)->connect_pic(pc->cpu, pic_acknowledge, pc->pic);
    }
}

void pc_connect_cpus(Pc *pc, AddressSpace *smm_memory)
{
    const Machine *m = pc->dev.machine;
    for (guint i = 0; smm_memory && i < m->cpus->len; i++) {
        Cpu *cpu = g_ptr_array_index(m->cpus, i);
        x86_pins(cpu)->set_smram(cpu, smm_memory);
    }
    if (pc->pic) {
        pc_connect_intr(pc);
    }
    if (pc->a20) {
        irq_connect(pc_a20_line(pc->a20), pc_a20, pc, 0);
    }
    if (pc->fpu_error) {
        irq_connect(fpu_error_ignne(pc->fpu_error), cpu_ignne, pc->cpu, 0);
        x86_pins(pc->cpu)->connect_ferr(pc->cpu, fpu_error_set,
                                        pc->fpu_error);
    }
    pc->dev.machine->nmi_button = (MachineButton){ nmi_button, pc };
}

static const DeviceClass pc_class = {
    .name = "pc-board",
    .desc = "the board's own wiring",
    .category = "Misc",
    .size = sizeof(Pc),
    .state_offset = offsetof(Pc, dev),
    .state = state_none,
};

Pc *pc_new(Machine *m, Error **errp)
{
    if (!pc_check(m, errp)) {
        return NULL;
    }
    Pc *pc = (Pc *)device_create(m, &pc_class);
    if (!pc_add_cpus(pc, errp)) {
        return NULL;
    }
    pc->rtc_base = nondet_port(m, NONDET_RTC_BASE, "rtc", NULL, NULL);
    return pc;
}

/* Firmware, devices of the command line, -kernel, fw_cfg and CMOS. */
static bool pc_finish(Pc *pc, Error **errp)
{
    Machine *m = pc->dev.machine;

    if (!pc_add_firmware(pc, errp) || !pc_plug_all(pc, errp) ||
        !boot_add_kernel(m, pc->fw_cfg, pc->below_4g, errp)) {
        return false;
    }
    pc_describe(pc);
    return true;
}

bool pc_build(Machine *m, const PcBridges *bridges, Error **errp)
{
    Pc *pc = pc_new(m, errp);
    if (!pc) {
        return false;
    }
    mem_transaction_begin(m);
    bridges->add(pc);
    pc_add_chips(pc);
    pc_add_apics(pc);
    pc_connect_chips(pc);
    bridges->connect(pc);
    pc_connect_cpus(pc, bridges->smm_memory(pc->bridge));
    bool ok = pc_finish(pc, errp);
    if (ok && !m->config.no_acpi) {
        bridges->describe_acpi(pc);
        bridges->on_move(pc);
    }
    mem_transaction_commit(m);
    return ok;
}

static Pc *pc_of(Machine *m)
{
    for (guint i = 0; i < m->devices->len; i++) {
        Device *dev = g_ptr_array_index(m->devices, i);
        if (dev->cls == &pc_class) {
            return (Pc *)dev;
        }
    }
    g_assert_not_reached();
}

void pc_power_on(Machine *m)
{
    Pc *pc = pc_of(m);
    int64_t sec = m->config.rtc_base_sec;

    if (!pc->rtc) {
        return;
    }
    if (sec == INT64_MIN) {
        nondet_pull(pc->rtc_base, &sec, sizeof sec);
    }
    mc146818_set_base(pc->rtc, sec);
}
