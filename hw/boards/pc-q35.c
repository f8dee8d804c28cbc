/*
 * "pc-q35-7.2": a PC of 2009 with the Q35 host bridge, an ICH9, PCI Express and
 * the legacy devices. Wiring only.
 */
#include "base/bits.h"
#include "hw/acpi.h"
#include "hw/q35.h"
#include "pc.h"

/* --- ACPI -------------------------------------------------------------------------*/

enum { SCI_IRQ = 9 };
#define LEVEL_IRQS (BIT(5) | BIT(9) | BIT(10) | BIT(11))

/* The tables say where firmware has put the ICH9's registers and the window of
 * PCI Express configuration, so they are made anew whenever it moves them;
 * their size and all else stays. */
static void describe_acpi(void *opaque)
{
    const Pc *pc = opaque;
    AcpiPlatform p = {
        .dsdt = acpi_dsdt_q35,
        .dsdt_bytes = acpi_dsdt_q35_bytes,
        .pm_port = ich9_lpc_pm_base(pc->south),
        .gpe_port = ich9_lpc_pm_base(pc->south) + ICH9_GPE,
        .gpe_bytes = ICH9_GPE_BYTES,
        .sci_irq = SCI_IRQ,
        .level_irqs = LEVEL_IRQS,
        .pci_hole = pc->below_4g,
        .has_apic = pc->ioapic != NULL,
        .has_hpet = pc->hpet != NULL,
        .has_mcfg = true,
    };
    p.mcfg_base = q35_mch_ecam(pc->bridge, &p.mcfg_buses);
    acpi_describe(pc->dev.machine, pc->fw_cfg, &p);
}

/* --- construction --------------------------------------------------------------*/

/* The controller of the board's disks, with a channel for each; its drives have
 * the numbers of -drive if=ide. */
static void add_disks(Pc *pc)
{
    const Machine *m = pc->dev.machine;
    const DeviceClass *ahci = device_class_find(m->parts, "ich9-ahci");

    if (!ahci) {
        return;
    }
    pc->disks = device_new(pc->dev.machine, ahci, NULL);
    pc->disks->bus = pc->pci;
    bool ok = device_set_prop(pc->disks, "addr", "1f.2", NULL) &&
              device_realize(pc->disks, NULL);
    g_assert(ok);
    while (machine_bus_at(m, "IDE", pc->ide_channels)) {
        pc->ide_channels++;
    }
}

static void add_bridges(Pc *pc)
{
    Machine *m = pc->dev.machine;
    RamBlock *ram = ram_block_new(m, "pc.ram", m->config.ram_bytes);

    pc->bridge = q35_mch_new(m, ram);
    pc->pci = q35_mch_bus(pc->bridge);
    pc->pci_memory = q35_mch_pci_memory(pc->bridge);
    pc->below_4g = q35_mch_ram_below_4g(pc->bridge);
    pc->above_4g = q35_mch_ram_above_4g(pc->bridge);
    pc->south = pc_pci_device(pc, &ich9_lpc_class);
    add_disks(pc);
    pc_pci_device(pc, &ich9_smbus_class);
}

static void connect_bridges(Pc *pc)
{
    const Ich9Lines lines = { pc_pic_irq, pc_apic_pin, pc };

    ich9_lpc_connect(pc->south, pc->pci, &lines);
    q35_mch_set_reset_port(pc->bridge, &ich9_reset_ops, pc->south);
    irq_connect(ich9_lpc_smi(pc->south), pc_smi, pc, 0);
    pc->dev.machine->power_button =
        (MachineButton){ ich9_lpc_power_button, pc->south };
}

static void on_move(Pc *pc)
{
    ich9_lpc_on_move(pc->south, describe_acpi, pc);
    q35_mch_on_move(pc->bridge, describe_acpi, pc);
}

static bool q35_build(Machine *m, Error **errp)
{
    static const PcBridges bridges = {
        .add = add_bridges,
        .connect = connect_bridges,
        .smm_memory = q35_mch_smm_memory,
        .describe_acpi = describe_acpi,
        .on_move = on_move,
    };
    return pc_build(m, &bridges, errp);
}

const BoardClass pc_q35_7_2_board = {
    .name = "pc-q35-7.2",
    .alias = "q35",
    .desc = "Standard PC (Q35 + ICH9, 2009)",
    .default_cpu = "qemu64",
    .default_ram_bytes = 128 * MIB,
    .firmware = PC_FIRMWARE,
    .boot_order = PC_BOOT_ORDER,
    .build = q35_build,
    .power_on = pc_power_on,
};
