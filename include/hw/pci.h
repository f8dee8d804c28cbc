/*
 * The PCI bus as its functions see it: configuration space, BARs, INTx, DMA.
 *
 * Implemented by hw/pci/pci.c. A PCI device struct starts with PciFunction,
 * its state list starts with PCI_FUNCTION_STATE, and its hooks call
 * pci_function_{init,reset,rewire}. Section numbers are those of the PCI Local
 * Bus Specification 3.0.
 */
#ifndef HW_PCI_H
#define HW_PCI_H

#include "vm/device.h"
#include "vm/irq.h"
#include "vm/machine.h"

/* The configuration header, 6.1. */
enum {
    PCI_VENDOR_ID = 0x00,
    PCI_DEVICE_ID = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION = 0x08,
    PCI_CLASS_PROG = 0x09,
    PCI_CLASS = 0x0a,      /* subclass, then base class */
    PCI_CACHE_LINE = 0x0c,
    PCI_LATENCY = 0x0d,
    PCI_HEADER_TYPE = 0x0e,
    PCI_BAR0 = 0x10,
    PCI_PRIMARY = 0x18,    /* of a bridge: numbers of buses */
    PCI_SECONDARY = 0x19,
    PCI_SUBORDINATE = 0x1a,
    PCI_SUBSYSTEM_VENDOR = 0x2c,
    PCI_SUBSYSTEM_ID = 0x2e,
    PCI_ROM = 0x30,
    PCI_CAPABILITIES = 0x34,
    PCI_INTERRUPT_LINE = 0x3c,
    PCI_INTERRUPT_PIN = 0x3d,
};

/* PCI_COMMAND, 6.2.2. */
#define PCI_COMMAND_IO        0x0001u
#define PCI_COMMAND_MEMORY    0x0002u
#define PCI_COMMAND_MASTER    0x0004u
#define PCI_COMMAND_PARITY    0x0040u
#define PCI_COMMAND_SERR      0x0100u
#define PCI_COMMAND_INTX_OFF  0x0400u

/* PCI_STATUS, 6.2.3; the upper byte is cleared by writing ones. */
#define PCI_STATUS_INTX         0x0008u
#define PCI_STATUS_CAPABILITIES 0x0010u
#define PCI_STATUS_MEDIUM       0x0200u

/* Low bits of a BAR, 6.2.5.1. */
#define PCI_BAR_IO       0x1u
#define PCI_BAR_MEM32    0x0u
#define PCI_BAR_MEM64    0x4u
#define PCI_BAR_PREFETCH 0x8u

#define PCI_BAR_COUNT 6
#define PCI_ROM_SLOT  6        /* index of the expansion ROM in bar[] */
#define PCI_DEVFN(slot, fn) (((slot) << 3) | (fn))
#define PCI_ADDR_AUTO (-1)

typedef uint8_t PciConfig[256];

/* Configuration space of PCI Express, 7.2 there: what is behind the first 256
 * bytes. Rows of a function that has registers there, somewhere behind
 * PCI_FUNCTION_STATE. */
#define PCI_CONFIG_BYTES   4096u
#define PCI_EXTENDED_BYTES (PCI_CONFIG_BYTES - 256)
typedef uint8_t PciExtended[PCI_EXTENDED_BYTES];
#define PCI_EXTENDED_STATE(_)                                              \
    _(PciExtended, STATE_U8, extended, 0, 1, "extended configuration space")

/* The first rows of every PCI function's state. */
#define PCI_FUNCTION_STATE(_)                                              \
    _(PciConfig, STATE_U8, config, 0, 1, "configuration space")            \
    _(bool, STATE_BOOL, intx, 0, 1, "interrupt pin asserted")
STATE_STRUCT(PciFunctionState, PCI_FUNCTION_STATE);

/* Wiring of those rows. */
typedef struct PciExtendedSpace {
    uint8_t *bytes;        /* the row; offset 0x100 is its first */
    PciExtended writable, clears;
} PciExtendedSpace;

typedef struct PciBus PciBus;
typedef struct PciFunction PciFunction;

/* Told of a place to boot from: its bootindex, and what the function is called
 * in an Open Firmware path, and the place below it; %s is the slot. */
typedef void PciBootFn(void *opaque, uint32_t boot_index, const char *path);

/* What a function is; constant. */
typedef struct PciInfo {
    uint16_t vendor, device;
    uint16_t subsystem_vendor, subsystem_device;
    uint16_t class_code;   /* base class << 8 | subclass */
    uint8_t prog_if, revision;
    uint8_t interrupt_pin; /* 1: INTA#, 0: none */
    bool multifunction;
    bool bridge;           /* header type 1; see hw/pci/bridge.h */
    /* More defaults and writable bits beyond the header; NULL: none. Called
     * at the end of reset, with the header filled in. */
    void (*config_reset)(PciFunction *f);
    /* After a write to [offset, offset + len) has been merged; BARs and
     * INTx follow by themselves. NULL: nothing else. */
    void (*config_written)(PciFunction *f, unsigned offset, unsigned len);
    /* [offset, offset + len) is about to be read: a field that is a window
     * onto something else is filled in. NULL: there is none. */
    void (*config_reading)(PciFunction *f, unsigned offset, unsigned len);
    /* Of a function with several places to boot from: tells them all. NULL:
     * boot_path has the only one. */
    void (*boot_places)(const PciFunction *f, PciBootFn *add, void *opaque);
} PciInfo;

typedef struct PciBar {
    MemRegion *region;     /* NULL: not implemented */
    uint8_t flags;         /* PCI_BAR_* */
    uint64_t size;         /* a power of two */
} PciBar;

/* --- MSI-X, 6.8.2 (hw/pci/msix.c) ------------------------------------------- */

#define PCI_MSIX_MAX 66        /* vectors of one function */
typedef uint32_t PciMsixTable[4 * PCI_MSIX_MAX];
typedef uint64_t PciMsixPending[(PCI_MSIX_MAX + 63) / 64];

/* Rows of a function with MSI-X, somewhere behind PCI_FUNCTION_STATE. */
#define PCI_MSIX_STATE(_)                                                    \
    _(PciMsixTable, STATE_U32, msix_table, 0, 1, "MSI-X table, as dwords")   \
    _(PciMsixPending, STATE_U64, msix_pending, 0, 1, "MSI-X pending bits")

/* Wiring of a function's MSI-X. */
typedef struct PciMsix {
    PciFunction *f;
    uint32_t *table;           /* its rows */
    uint64_t *pending;
    unsigned vectors;          /* 0: it has no MSI-X */
    unsigned capability;       /* offset in configuration space */
    unsigned bar;
    bool sending;              /* a message is under way: it may come back */
    MemRegion region;
} PciMsix;

/* --- PCI Express (hw/pci/express.c); sections of its Base Specification 2.0 --- */

/* What a function is to PCI Express, 7.8.2. */
enum { PCI_EXPRESS_ENDPOINT = 0, PCI_EXPRESS_ROOT_PORT = 4,
       PCI_EXPRESS_TO_PCI = 7 };

typedef struct PciExpress {
    unsigned capability;   /* offset, 60 bytes; 0: it is conventional */
    unsigned kind;
    unsigned port, slot;   /* numbers of a port's link and slot */
} PciExpress;

/* Every PCI device struct starts with this. All of it is wiring. */
struct PciFunction {
    Device dev;
    const PciInfo *info;
    PciFunctionState *s;   /* the start of the device's state struct */
    PciBus *bus;
    int devfn;
    char *addr;            /* property "addr": "SLOT[.FUNCTION]", hex */
    PciBar bar[PCI_BAR_COUNT + 1];
    PciConfig writable;    /* bits that a write changes */
    PciConfig clears;      /* bits that writing one clears */
    PciMsix *msix;         /* NULL: none */
    unsigned msi;          /* offset of the MSI capability; 0: none */
    bool msi_sending;      /* a message is under way: it may come back */
    PciExpress express;
    PciExtendedSpace *extended; /* or NULL */
    PciBus *secondary;     /* of a bridge: the bus behind it; or NULL */
    bool multifunction;    /* property: has functions beside number 0 */
    /* Firmware's boot order: property bootindex, and what the function is
     * called in an Open Firmware path ("scsi@%s/disk@0,0"; %s is the slot).
     * NULL: nothing to boot from. */
    GBytes *rom;           /* property romfile, or NULL */
    MemRegion rom_region;
    const uint32_t *boot_index;
    const char *boot_path;
};

/* Properties that every PCI device has: put first in its PropDef list. */
#define PCI_PROPS(Type)                                                   \
    PROP(Type, pci.addr, "addr", PROP_STRING, NULL,                       \
         "slot and optional function number, example: 06.0 or 06"),       \
    PROP(Type, pci.multifunction, "multifunction", PROP_BOOL, "off",      \
         "other functions of the slot may be used")

/* The expansion ROM, for functions that have one. */
#define PCI_ROM_PROP(Type, file)                                          \
    PROP(Type, pci.rom, "romfile", PROP_ROM, file,                        \
         "its boot ROM; nothing: none")

/* --- for functions -------------------------------------------------------- */

/* From realize(): takes the address of property "addr", else devfn, else
 * (PCI_ADDR_AUTO) the first free slot of dev->bus. */
bool pci_function_init(PciFunction *f, const PciInfo *info, int devfn,
                       Error **errp);
/* From reset() and rewire(). */
void pci_function_reset(PciFunction *f);
void pci_function_rewire(PciFunction *f);
void pci_function_unrealize(PciFunction *f);
/* The same as hooks of a DeviceClass, for functions that do nothing more. */
void pci_device_reset(Device *dev);
void pci_device_rewire(Device *dev);
void pci_device_unrealize(Device *dev);

/* After pci_function_init(): BAR n is this region, whose size must be a power
 * of two (IO: at least 4, memory: at least 16). MEM64 takes BAR n + 1 too. */
void pci_bar_init(PciFunction *f, unsigned n, unsigned flags,
                  MemRegion *region);
/* The expansion ROM; region is RAM made of a ROM block. */
void pci_rom_init(PciFunction *f, MemRegion *region);
/* Adds a capability of len bytes (header included) at offset, zero-filled;
 * from config_reset(). The caller sets writable bits at init. */
void pci_capability_add(PciFunction *f, uint8_t id, unsigned offset,
                        unsigned len);
/* Little-endian fields of the config space. */
uint16_t pci_config_16(const PciFunction *f, unsigned offset);
uint32_t pci_config_32(const PciFunction *f, unsigned offset);
void pci_config_set_16(PciFunction *f, unsigned offset, uint16_t v);
void pci_config_set_32(PciFunction *f, unsigned offset, uint32_t v);

/* Drives the function's interrupt pin. */
void pci_set_intx(PciFunction *f, bool level);

/* From realize(), after pci_function_init(): MSI-X with so many vectors, whose
 * table and pending bits are a memory BAR of their own (4 KiB). msix, table
 * and pending are the device's. Nothing if vectors is 0. */
typedef struct PciMsixSetup {
    unsigned vectors, bar, capability;
    uint32_t *table;
    uint64_t *pending;
} PciMsixSetup;
void pci_msix_init(PciFunction *f, PciMsix *msix, const PciMsixSetup *setup);
/* True while the driver has MSI-X on: then there is no interrupt pin. */
bool pci_msix_enabled(const PciFunction *f);
/* Sends a vector's message, or remembers it while it is masked. A vector that
 * does not exist is nothing. */
void pci_msix_send(PciFunction *f, unsigned vector);

/* From realize(), after pci_function_init(): MSI with one message, whose
 * capability is at that offset (hw/pci/msi.c). */
void pci_msi_init(PciFunction *f, unsigned capability);
/* True while the driver has MSI on: then there is no interrupt pin. */
bool pci_msi_enabled(const PciFunction *f);
/* Sends the message; nothing while the driver has MSI off. */
void pci_msi_send(PciFunction *f);

/* From realize(), after pci_function_init(): a function of PCI Express. */
void pci_express_init(PciFunction *f, const PciExpress *express);

/* DMA. Without bus mastering reads are all ones and writes vanish; false. */
bool pci_dma_read(PciFunction *f, PhysAddr addr, void *buf, uint64_t len);
bool pci_dma_write(PciFunction *f, PhysAddr addr, const void *buf,
                   uint64_t len);

/* --- for bridges and boards ------------------------------------------------ */

/* A root bus in front of the given containers; name as in `bus=pci.0`. Owned
 * by its creator. */
PciBus *pci_bus_new(Machine *m, const char *name, MemRegion *memory,
                    MemRegion *io);
/* The bus behind a bridge (hw/pci/bridge.c). */
PciBus *pci_bus_new_behind(PciFunction *bridge, const char *name,
                           MemRegion *memory, MemRegion *io);
/* It is one of PCI Express. */
void pci_bus_set_express(PciBus *bus);
/* Whether it is a link of PCI Express behind a port, with room for one
 * device. */
bool pci_bus_is_link(const PciBus *bus);
/* Whether it is a root bus of PCI Express, on which ports may be. */
bool pci_bus_is_root_complex(const PciBus *bus);
void pci_bus_free(PciBus *bus);
const char *pci_bus_name(const PciBus *bus);
/* Of a root bus: irq_fn receives (line, level), a wired or of all pins that
 * `route` leads there. */
void pci_bus_connect_irq(PciBus *bus, IrqFn *irq_fn, void *opaque);
/* The line of a pin (0: INTA#) of a function on a root bus; opaque is that of
 * pci_bus_connect_irq(). */
typedef unsigned PciRouteFn(void *opaque, int devfn, unsigned pin);
void pci_bus_set_route(PciBus *bus, unsigned lines, PciRouteFn *route);
/* The default, four lines: slots take turns. */
unsigned pci_pirq_of(void *opaque, int devfn, unsigned pin);
/* Drives the lines again; from a bridge's rewire(). */
void pci_bus_drive_irqs(PciBus *bus);
/* Whether any function drives the line. */
bool pci_bus_pirq_level(const PciBus *bus, unsigned pirq);
PciFunction *pci_bus_function(PciBus *bus, int devfn);

/* What a bridge hands on: the first and the last address of a window, which is
 * shut if that is below the first. */
#define PCI_WINDOWS 3
enum { PCI_WINDOW_IO, PCI_WINDOW_MEMORY, PCI_WINDOW_PREFETCH };
void pci_bridge_window(const PciFunction *f, unsigned n, uint64_t *base,
                       uint64_t *end);

/* Configuration accesses of 1, 2 or 4 bytes that do not cross a dword, from a
 * root bus; all ones where there is no function. */
uint32_t pci_config_read(PciBus *bus, unsigned bdf, unsigned offset,
                         unsigned size);
void pci_config_write(PciBus *bus, unsigned bdf, unsigned offset, uint32_t v,
                      unsigned size);

/* `info pci`: a MachineInfoFn, opaque is the bus. */
void pci_bus_info(void *bus, GString *out);

#endif
