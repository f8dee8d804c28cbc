/*
 * The ICH9's LPC bridge, which two files make up: ich9-lpc.c (interrupts, root
 * complex registers, reset) and ich9-pm.c (power management).
 */
#ifndef HW_PCI_ICH9_H
#define HW_PCI_ICH9_H

#include "hw/acpi-pm.h"
#include "hw/q35.h"
#include "pci-internal.h"

/* Configuration space of D31:F0, 13.1. */
enum {
    ICH9_PMBASE = 0x40,
    ICH9_ACPI_CNTL = 0x44,
    ICH9_GPIOBASE = 0x48,
    ICH9_GPIO_CNTL = 0x4c,
    ICH9_PIRQA = 0x60,     /* PIRQA_ROUT..PIRQD_ROUT */
    ICH9_SIRQ_CNTL = 0x64,
    ICH9_PIRQE = 0x68,
    ICH9_GEN_PMCON_1 = 0xa0,
    ICH9_RCBA = 0xf0,
};

#define ICH9_PM_BYTES      128u
#define ICH9_CHIPSET_BYTES 0x4000u

typedef uint8_t Ich9PmPorts[ICH9_PM_BYTES];
typedef uint8_t Ich9Gpe[ICH9_GPE_BYTES];
typedef uint8_t Ich9Chipset[0x1000];

#define ICH9_STATE(_)                                                         \
    PCI_FUNCTION_STATE(_)                                                     \
    ACPI_PM_STATE(_)                                                          \
    _(uint32_t, STATE_U32, smi_enable, 0, 1, "SMI_EN")                        \
    _(uint32_t, STATE_U32, smi_status, 0, 1, "SMI_STS")                       \
    _(Ich9Gpe, STATE_U8, gpe, 0, 1, "GPE0_STS and GPE0_EN")                   \
    _(Ich9PmPorts, STATE_U8, ports, 0, 1, "registers that only keep their value") \
    _(uint8_t, STATE_U8, apm_command, 0, 1, "APM_CNT, port 0xb2")             \
    _(uint8_t, STATE_U8, apm_status, 0, 1, "APM_STS, port 0xb3")              \
    _(uint8_t, STATE_U8, reset_control, 0, 1, "RST_CNT, port 0xcf9")          \
    _(bool, STATE_BOOL, sci, 0, 1, "ACPI interrupt asserted")                 \
    _(Ich9Chipset, STATE_U8, chipset, 0, 1, "root complex registers from 0x3000")
STATE_STRUCT(Ich9State, ICH9_STATE);
const StateTable *ich9_lpc_state(void);

typedef struct Ich9 {
    PciFunction pci;
    Ich9State s;
    AcpiPm pm;
    IrqLine smi;
    MemRegion pm_io, apm_io, chipset;
    PciBus *pci_bus;
    Ich9Lines lines;
    uint16_t routed;       /* ISA IRQs driven by PIRQs now; a cache */
    int sci_pin;           /* that the ACPI interrupt drives now; a cache */
    uint16_t told_base;    /* what `moved` was told last */
    void (*moved)(void *opaque);
    void *moved_opaque;
} Ich9;

/* From realize(), reset(), and after a change of configuration space. */
void ich9_pm_init(Ich9 *p);
void ich9_pm_reset(Ich9 *p);
void ich9_pm_map(Ich9 *p);
/* An IrqFn (opaque: the Ich9): the ACPI interrupt. */
void ich9_sci(void *ich9, int n, bool level);

#endif
