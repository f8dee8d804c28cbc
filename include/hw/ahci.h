/*
 * An AHCI controller as a board that wires one sees it.
 *
 * Implemented by hw/ide/ahci.c; its ports are IDE buses of one place each
 * (hw/ide.h), which it offers to -device by itself.
 */
#ifndef HW_AHCI_H
#define HW_AHCI_H

#include "hw/ide.h"
#include "hw/pci.h"

#define AHCI_PORTS 6u

extern const DeviceClass ahci_class;       /* "ich9-ahci" */

/* Port n, into which a drive is plugged as unit 0. */
IdeBus *ahci_bus(Device *ahci, unsigned n);

#endif
