/*
 * A device: one vtable, one state table, some wiring.
 *
 * Implemented by every file of hw/; walked by softmmu/device.c for reset,
 * snapshots, digests and introspection. Guest-visible state is the struct
 * made by STATE_STRUCT at class->state_offset; everything else in the device
 * is wiring that the command line decides.
 */
#ifndef VM_DEVICE_H
#define VM_DEVICE_H

#include "base/error.h"
#include "vm/state.h"

/* A property that -device can set. */
typedef enum PropType {
    PROP_STRING,           /* char *, owned by the device */
    PROP_BOOL,             /* bool */
    PROP_U32,              /* uint32_t, decimal or 0x */
    PROP_U64,              /* uint64_t */
    PROP_CHARDEV,          /* Chardev *, by id */
    PROP_DRIVE,            /* BlockDev *, by -drive id */
    PROP_NETDEV,           /* Netdev *, by -netdev id */
    PROP_SHARE,            /* Share *, by -fsdev id */
    PROP_VSOCK,            /* Vsock *, by the path of its socket */
    PROP_ROM,              /* GBytes *, by the name of a file that the roof has
                            * read; NULL if it is "" */
} PropType;

typedef struct PropDef {
    const char *name;
    PropType type;
    uint32_t offset;       /* in the device struct */
    const char *value;     /* default as text; NULL: zero */
    const char *what;
} PropDef;

#define PROP(Type, member, label, type, value, what) \
    { label, type, offsetof(Type, member), value, what }
#define PROP_END { NULL, 0, 0, NULL, NULL }

/* See vm/knobs.h. */
typedef struct DeviceKnobs DeviceKnobs;

struct DeviceClass {
    const char *name;      /* as -device spells it: "ide-hd" */
    const char *desc;      /* for -device help */
    const char *bus;       /* "ISA", "PCI", "IDE"; NULL: on the board */
    const char *category;  /* "Storage", "Input", "Misc", as QEMU groups them */
    bool user;             /* -device may create it */
    size_t size;           /* of the device struct, which starts with Device */
    size_t state_offset;   /* of the state struct in it */
    StateTableFn *state;   /* mandatory: state_none if there is none */
    const PropDef *props;  /* ends with PROP_END; NULL: none */
    /* Connects the device to its bus and host objects. Called once. */
    bool (*realize)(Device *dev, Error **errp);
    /* After every row got its reset value: what a reset does beyond that
     * (lines driven, rows that depend on properties). May be NULL. */
    void (*reset)(Device *dev);
    /* After load: recompute wiring (regions, lines) from state. Must not
     * change the digest. May be NULL. */
    void (*rewire)(Device *dev);
    void (*unrealize)(Device *dev);
    /* The rows survive a machine reset (CMOS on its battery): device_reset()
     * then only calls reset(). device_realize() sets them in any case. */
    bool battery;
    /* The word after `info` in the monitor that shows this device, and what
     * it prints. NULL: none. */
    const char *info_word;
    void (*info)(Device *dev, GString *out);
    /* A test may listen to the device's interrupt lines: the tap of the n-th
     * that comes in or goes out, driven as that line is; NULL: it has none.
     * The hook may be NULL: none of its lines has one. */
    IrqLine *(*irq_tap)(Device *dev, bool out, unsigned n);
    /* What users turn while the machine runs (vm/knobs.h). NULL: nothing. */
    const DeviceKnobs *knobs;
    /* A device that every device of this class carries: made with it, plugged
     * in and realized by it. Properties that this class does not have are set
     * there. NULL: none. */
    const DeviceClass *inner;
};

struct Device {
    const DeviceClass *cls;
    Machine *machine;
    char *id;              /* user's id or NULL */
    char *path;            /* unique stable section name: "isa-serial.0" */
    void *bus;             /* what it was plugged into, set by who plugs */
    char *at;              /* address on its bus, for `info qtree`; or NULL */
    Device *inner;         /* what it carries, of cls->inner; or NULL */
};

/* Allocates a device with default properties; not realized. The path is made
 * of the class name and a number per class. Owned by the machine. */
Device *device_new(Machine *m, const DeviceClass *cls, const char *id);
/* Sets a property from text. Errors name the device and the property. */
bool device_set_prop(Device *dev, const char *name, const char *value,
                     Error **errp);
/* Sets object properties from C. */
void device_set_chardev(Device *dev, const char *name, Chardev *c);
void device_set_drive(Device *dev, const char *name, BlockDev *b);
/* Resets the state rows and calls realize(). */
bool device_realize(Device *dev, Error **errp);
/* Cold reset: rows, then reset(). */
void device_reset(Device *dev);
/* Unrealizes and frees; called by machine_free(). */
void device_free(Device *dev);

/* The state struct of a device. */
static inline void *device_state(Device *dev)
{
    return (char *)dev + dev->cls->state_offset;
}

/* device_new + device_realize for a board's own devices, which cannot fail. */
Device *device_create(Machine *m, const DeviceClass *cls);

/* "Every user-creatable device" as `-device help` prints it, and one device's
 * properties as `-device NAME,help`. */
void device_help(const MachineParts *parts, GString *out);
bool device_help_props(const MachineParts *parts, const char *name,
                       GString *out, Error **errp);

#endif
