/*
 * "pc-i440fx-7.2": a PC of 1996 with an i440FX host bridge, PIIX chips and the
 * legacy devices. Wiring only.
 */
#include "base/bits.h"
#include "hw/acpi.h"
#include "hw/pc-bridges.h"
#include "pc.h"

/* --- ACPI -------------------------------------------------------------------------*/

enum { GPE_PORT = 0xafe0, GPE_BYTES = 4, SCI_IRQ = 9 };
#define LEVEL_IRQS (BIT(5) | BIT(9) | BIT(10) | BIT(11))

/* The tables say where firmware has put the power management function's
 * registers, so they are made anew whenever it moves them; their size and all
 * else stays. */
static void describe_acpi(void *opaque)
{
    const Pc *pc = opaque;
    const AcpiPlatform p = {
        .dsdt = acpi_dsdt_pc,
        .dsdt_bytes = acpi_dsdt_pc_bytes,
        .pm_port = piix4_pm_base(pc->pm),
        .gpe_port = GPE_PORT,
        .gpe_bytes = GPE_BYTES,
        .sci_irq = SCI_IRQ,
        .level_irqs = LEVEL_IRQS,
        .pci_hole = pc->below_4g,
        .has_apic = pc->ioapic != NULL,
        .has_hpet = pc->hpet != NULL,
    };
    acpi_describe(pc->dev.machine, pc->fw_cfg, &p);
}

/* --- construction --------------------------------------------------------------*/

static void add_bridges(Pc *pc)
{
    Machine *m = pc->dev.machine;
    RamBlock *ram = ram_block_new(m, "pc.ram", m->config.ram_bytes);

    pc->bridge = i440fx_new(m, ram);
    pc->pci = i440fx_bus(pc->bridge);
    pc->pci_memory = i440fx_pci_memory(pc->bridge);
    pc->below_4g = i440fx_ram_below_4g(pc->bridge);
    pc->above_4g = i440fx_ram_above_4g(pc->bridge);
    pc->south = pc_pci_device(pc, &piix3_class);
    pc->disks = pc_pci_device(pc, &piix3_ide_class);
    pc->ide_channels = 2;
    pc->ide_path = "ide@1,1";
    pc->pm = pc_pci_device(pc, &piix4_pm_class);
}

static void connect_bridges(Pc *pc)
{
    piix3_connect(pc->south, pc->pci, &pc->isa);
    i440fx_set_reset_port(pc->bridge, &piix3_reset_ops, pc->south);
    for (unsigned n = 0; n < 2; n++) {
        irq_connect(piix3_ide_irq(pc->disks, n), pc_irq, pc, 14 + n);
    }
    irq_connect(piix4_pm_sci(pc->pm), piix3_sci, pc->south, 0);
    irq_connect(piix4_pm_smi(pc->pm), pc_smi, pc, 0);
    pc->dev.machine->power_button =
        (MachineButton){ piix4_pm_power_button, pc->pm };
}

static void on_move(Pc *pc)
{
    piix4_pm_on_move(pc->pm, describe_acpi, pc);
}

static bool i440fx_build(Machine *m, Error **errp)
{
    static const PcBridges bridges = {
        .add = add_bridges,
        .connect = connect_bridges,
        .smm_memory = i440fx_smm_memory,
        .describe_acpi = describe_acpi,
        .on_move = on_move,
    };
    return pc_build(m, &bridges, errp);
}

const BoardClass pc_i440fx_7_2_board = {
    .name = "pc-i440fx-7.2",
    .alias = "pc",
    .desc = "Standard PC (i440FX + PIIX, 1996)",
    .default_cpu = "qemu64",
    .default_ram_bytes = 128 * MIB,
    .firmware = PC_FIRMWARE,
    .boot_order = PC_BOOT_ORDER,
    .is_default = true,
    .build = i440fx_build,
    .power_on = pc_power_on,
};
