/*
 * The fixed ACPI registers that every PC chip set has: events, control, and the
 * power management timer (ACPI 6.4, 4.8.3), and the commands that switch ACPI
 * on and off.
 *
 * Implemented by hw/acpi/acpi-pm.c; part of a chip (hw/acpi/piix4-pm.c,
 * hw/pci/ich9-pm.c), which puts
 * ACPI_PM_STATE into its state list and shows the registers at its own ports.
 */
#ifndef HW_ACPI_PM_H
#define HW_ACPI_PM_H

#include "vm/device.h"
#include "vm/irq.h"
#include "vm/machine.h"

/* The widest first: the rows lie in the chip's struct as in AcpiPmRows. */
#define ACPI_PM_STATE(_)                                                     \
    _(uint64_t, STATE_U64, toggle_tick, 0, 1, "tick of the timer's overflow", \
      STATE_IN(0, INT64_C(1) << 53))                                         \
    _(int64_t, STATE_TIME, due_ns, TIME_NEVER, 1, "interrupt of the timer")  \
    _(uint16_t, STATE_U16, status, 0, 1, "PM1_STS, without an elapsed timer") \
    _(uint16_t, STATE_U16, enable, 0, 1, "PM1_EN")                           \
    _(uint16_t, STATE_U16, control, 0, 1, "PM1_CNT")
STATE_STRUCT(AcpiPmRows, ACPI_PM_STATE);

/* The rows in a chip's state struct. */
#define ACPI_PM_ROWS(State, s)                                               \
    ({                                                                       \
        G_STATIC_ASSERT(offsetof(State, control) -                           \
                            offsetof(State, toggle_tick) ==                  \
                        offsetof(AcpiPmRows, control));                      \
        (AcpiPmRows *)&(s)->toggle_tick;                                     \
    })

/* Where they are, from the chip's base on. */
enum { ACPI_PM_STATUS = 0, ACPI_PM_ENABLE = 2, ACPI_PM_CONTROL = 4,
       ACPI_PM_TIMER = 8, ACPI_PM_BYTES = 12 };

typedef struct AcpiPm {
    Device *dev;           /* the chip */
    AcpiPmRows *s;
    IrqLine sci;
    Timer timer;
    /* Whether the chip has an event of its own. */
    bool (*event)(const Device *dev);
} AcpiPm;

/* From the chip's realize(), reset() and unrealize(). */
void acpi_pm_init(AcpiPm *pm, Device *dev, AcpiPmRows *rows,
                  bool (*event)(const Device *dev));
void acpi_pm_reset(AcpiPm *pm);
void acpi_pm_destroy(AcpiPm *pm);
/* An event has come or gone: drives the line. */
void acpi_pm_update(AcpiPm *pm);
/* The power button was pressed. */
void acpi_pm_button(AcpiPm *pm);

/* The ACPI_PM_BYTES as they read now. */
void acpi_pm_image(const AcpiPm *pm, uint8_t *image);
/* Writes one of them; acpi_pm_update() is to follow. */
void acpi_pm_write(AcpiPm *pm, unsigned offset, uint8_t v);

/* What firmware tells the system to write to the APM port (FADT), which machines
 * carry out themselves: firmware's handler does not know them. */
enum { ACPI_PM_APM_OFF = 0xf0, ACPI_PM_APM_ON = 0xf1 };
void acpi_pm_apm(AcpiPm *pm, uint8_t command);

#endif
