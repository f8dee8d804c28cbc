/*
 * A tiny PC without a CPU for the unit tests of the legacy chips: ports are
 * poked through the I/O space, time is moved by hand. Implemented by
 * chips-machine.c.
 */
#ifndef CHIPS_MACHINE_H
#define CHIPS_MACHINE_H

#include "hw/fw-cfg.h"
#include "hw/isa.h"
#include "hw/pc-chips.h"
#include "io/chardev.h"
#include "io/input.h"
#include "vm/machine.h"

typedef struct ChipsMachine {
    Machine *m;
    IsaBus isa;
    MemRegion ram;         /* 4 MiB at 0 */
    Device *pic, *pit, *rtc, *gate, *port92, *kbc, *dma, *fw, *serial;
    bool intr, a20;
    unsigned rises[16];    /* rising edges on each ISA IRQ */
    bool level[16];
} ChipsMachine;

ChipsMachine *chips_new(void);
void chips_free(ChipsMachine *c);

void chips_out(ChipsMachine *c, uint16_t port, uint8_t v);
uint8_t chips_in(ChipsMachine *c, uint16_t port);
/* Lets virtual time pass, firing timers at their due times. */
void chips_run_ns(ChipsMachine *c, int64_t ns);
/* Delivers bytes to the serial port as its chardev would. */
void chips_serial_input(ChipsMachine *c, const char *text);

/* What serial port and debug console of the newest machine wrote; and the
 * room that its port has. */
extern GString *chips_output;
size_t chips_serial_room(void);

/* Every section of the machine as bytes; and back. */
GByteArray *chips_save(ChipsMachine *c);
void chips_load(ChipsMachine *c, const GByteArray *saved);

#endif
