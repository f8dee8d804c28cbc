/*
 * The machine: owns RAM, CPUs, devices, the clock and the boundary. There are
 * no globals; whoever needs something of the machine is given the machine.
 *
 * Implemented by softmmu/machine.c; boards (hw/boards) fill one in, the roof
 * creates it, services read it.
 */
#ifndef VM_MACHINE_H
#define VM_MACHINE_H

#include "base/error.h"
#include "vm/board-config.h"
#include "vm/clock.h"
#include "vm/device.h"
#include "vm/guest-action.h"
#include "vm/memory.h"
#include "vm/nondet.h"
#include "vm/parts.h"
#include "vm/runstate.h"

/* A block device to attach, as -drive/-hda/-cdrom said. */
typedef struct DriveConfig {
    char *id;
    BlockDev *dev;
    bool if_none;          /* waits for a -device with drive= */
    bool pflash;           /* and if_none: flash chip number index */
    bool cdrom;            /* media=cdrom */
    int index;             /* IDE: bus * 2 + unit; -1: next free */
} DriveConfig;

/* A -device, in the order of the command line. */
typedef struct DeviceConfig {
    char *driver;
    char *id;
    GPtrArray *props;      /* char *name, char *value, alternating */
} DeviceConfig;

/* -smp: cpus is the product of the four below it. */
typedef struct MachineSmp {
    unsigned cpus;
    unsigned sockets, dies, cores, threads; /* of each, in one of the former */
    unsigned quantum;      /* instructions of a vCPU's turn; vm/turn.h */
} MachineSmp;

/* What the command line decides and a board reads. Contents of files arrive
 * as bytes: nothing below the roof opens a file. */
typedef struct MachineConfig {
    uint64_t ram_bytes;
    MachineSmp smp;
    const char *cpu_model; /* NULL: the board's default */
    GBytes *firmware;      /* -bios */
    const char *firmware_name;
    const uint8_t *recording; /* MACHINE_RECORDING_BYTES that tell the recording
                               * that is made or replayed from all others; NULL:
                               * none. Snapshots carry it */
    GBytes *kernel;        /* -kernel */
    const char *kernel_name; /* without its folder; NULL: "kernel" */
    GBytes *initrd;
    const char *initrd_name; /* NULL: "initrd" */
    const char *cmdline;   /* -append */
    GPtrArray *drives;     /* DriveConfig * */
    GPtrArray *devices;    /* DeviceConfig * */
    GPtrArray *serials;    /* Chardev *; an entry may be NULL (none) */
    GHashTable *chardevs;  /* id -> Chardev * */
    GHashTable *netdevs;   /* id -> Netdev * */
    GHashTable *shares;    /* id -> Share * */
    GHashTable *vsocks;    /* path -> Vsock * */
    GHashTable *roms;      /* name -> GBytes *: PROP_ROM */
    const char *boot_order; /* -boot order=, NULL: default */
    int64_t rtc_base_sec;  /* -rtc base=DATE; INT64_MIN: host's time */
    bool has_seed;
    uint64_t seed;         /* -seed */
    const char *uuid;      /* text or NULL */
    bool defaults;         /* false with -nodefaults */
    bool no_acpi, no_hpet; /* -machine acpi=off, hpet=off */
    BoardConfig tables;    /* lists may be NULL */
    PanicAction panic_action; /* -action panic= */
    WatchdogActionKind watchdog_action; /* -action watchdog=: at power-on */
    const struct AccelOptions *accel; /* -accel tcg,…; NULL: the defaults */
} MachineConfig;

struct BoardClass {
    const char *name;      /* "pc-i440fx-7.2" */
    const char *alias;     /* "pc", or NULL */
    const char *desc;
    const char *default_cpu;
    uint64_t default_ram_bytes;
    bool is_default;
    const char *firmware;  /* -bios if it is not said; NULL: none */
    const char *boot_order; /* -boot order= if it is not said; NULL: none */
    bool virtio_mmio;      /* virtio devices have no bus: -drive if=virtio */
    /* Builds the machine from m->config. */
    bool (*build)(Machine *m, Error **errp);
    /* Asks the world what the hardware knows at power-on (the date), before
     * the first reset. May be NULL. Never asks in build(). */
    void (*power_on)(Machine *m);
};

#define MACHINE_RECORDING_BYTES 16u

typedef enum IcountMode { ICOUNT_OFF, ICOUNT_FIXED, ICOUNT_AUTO } IcountMode;

/* A button of the case; press is NULL if the board has none. */
typedef struct MachineButton {
    void (*press)(void *opaque);
    void *opaque;
} MachineButton;

/* What the run loop (accel/sched.c) and those who ask it to stop know of where
 * the machine is between two instructions. No state: a load sets it anew. */
typedef struct MachineSched {
    Icount log_end;        /* replay: nothing is recorded beyond */
    Icount arrived;        /* the icount of the last boundary sched saw */
    bool revisited;        /* sched was at this icount before */
    Icount touched;        /* where something else than an instruction happened
                            * last: inputs, timers, exceptions, idling */
    Icount late_icount;    /* replay: an input is recorded behind exceptions
                            * or interrupts of this icount */
    Icount step_limit;     /* a debugger's step ends here (vm/sched.h) */
    Icount step_done;      /* where the last one ended */
    const Cpu *step_cpu;   /* a debugger wants one instruction of this one;
                            * NULL: none is waited for */
    bool idle_sleep;       /* -icount sleep=on: idle time follows the host */
    int64_t work_left;     /* vm/work.h */
    bool at_boundary;      /* since the last instruction retired nothing has
                            * happened: THE state at its icount (vm/sched.h) */
} MachineSched;

/* What debuggers and travellers want of it; no state either. */
typedef struct MachineDebug {
    bool travelling;       /* replay is on its way to another icount: nobody
                            * outside is told of what happens meanwhile */
    struct PageTrace *trace; /* vm/page-trace.h; NULL: nobody asks */
    uint64_t break_conditions; /* a number for the conditions of debuggers'
                            * breakpoints; 0: they have none */
    bool quiet;            /* debuggers' breakpoints and watchpoints are off */
} MachineDebug;

struct Machine {
    const MachineParts *parts;
    const BoardClass *board;
    MachineConfig config;
    const char *name; /* -name, or NULL */
    Clock *clock;
    Nondet *nondet;
    MemRegion memory_root, io_root;
    AddressSpace *memory;       /* what CPUs and DMA see */
    AddressSpace *io;           /* x86 ports */
    GPtrArray *cpus;            /* Cpu * */
    GPtrArray *devices;         /* Device *, in order of creation */
    MachineButton power_button; /* system_powerdown */
    MachineButton nmi_button;   /* inject-nmi */
    GPtrArray *infos; /* MachineInfo *, NULL until the first is added */
    GPtrArray *buses; /* MachineBus *, NULL until the first is added */
    IcountMode icount_mode;
    bool no_reboot, no_shutdown;
    MachineSched sched;
    MachineDebug debug;
    NondetPort *seed_port;         /* where its randomness starts */
    NondetPort *command_port;      /* monitor commands that change the guest */
    NondetPort *debug_port;        /* what a debugger writes */
    NondetPort *warp_port;         /* idle time that an input ended */
    struct RamState *ram;          /* softmmu/ram.c */
    struct MemState *mem;          /* softmmu/memory.c */
    struct RunControl *run;        /* softmmu/runstate.c */
    struct SystemState *system;    /* softmmu/machine.c: section "machine" */
    struct TurnState *turn;        /* softmmu/turn.c: section "turn" */
};

/* A machine with clock, boundary and empty address spaces. parts: what it may
 * be made of, for as long as it lives. */
Machine *machine_new(const MachineParts *parts, const BoardClass *board);
/* Lets the board build it; to be called once. The machine is not to run
 * before machine_power_on(). */
bool machine_build(Machine *m, Error **errp);
/* Draws the seed and resets everything: icount 0. Comes after a record or
 * replay source was plugged in, because it asks the world. */
void machine_power_on(Machine *m);
void machine_free(Machine *m);

/* Instructions retired before the present one. Exact whenever guest-side code
 * runs: between instructions, in an `io` helper and in a device access. */
Icount machine_icount(Machine *m);
/* The next of the machine's disks, in the order of the command line, from *at
 * on (0: the first), which moves behind it; NULL: there are no more. A drive
 * without a medium is one, too. Whoever walks all disks does it with this. */
BlockDev *machine_disk_next(const Machine *m, guint *at);
/* Adds what a vCPU has retired; called by accel/ and on load. */
void machine_set_icount(Machine *m, Icount icount);

/* An exception or an interrupt was delivered before the present instruction.
 * True if so many were since the last one retired that no guest can mean it
 * (a handler whose first instruction faults, say): then that storm counts as
 * an instruction, so that time goes on and inputs get in. Called by accel/. */
bool machine_stalled(Machine *m);
/* True if such an event has come since the last instruction retired: what
 * waits for the next boundary must go on waiting. */
bool machine_has_begun(Machine *m);
/* How many have. Together with the icount it says where between two instructions
 * a machine that is not idle stands. */
unsigned machine_events_here(Machine *m);

/* The next 64 bits of the machine's own randomness (its seed is an input,
 * its position is state). */
uint64_t machine_random(Machine *m);

/* System reset: every device and CPU; time goes on. */
void machine_reset(Machine *m);

/* --- buses into which -device plugs (softmmu/machine-bus.c) -------------- */

typedef struct MachineBus {
    const char *kind;      /* as DeviceClass.bus says */
    char *name;            /* as `bus=` of -device says */
    void *bus;             /* what becomes Device.bus */
    /* Whether one more device fits there; unit is the value of its property of
     * that name, or NULL. A NULL hook: there is always room. */
    bool (*has_room)(const void *bus, const char *unit);
} MachineBus;

/* Offers a bus; to be called by who makes it, from realize(). The name is
 * copied. */
void machine_add_bus(Machine *m, const MachineBus *bus);
/* The bus of that kind and name; without a name the first of that kind that has
 * room. NULL: there is none. */
const MachineBus *machine_find_bus(const Machine *m, const char *kind,
                                   const char *name, const char *unit);
/* The n-th bus of a kind, from 0 on, in the order in which they were made. */
void *machine_bus_at(const Machine *m, const char *kind, unsigned n);

/* --- texts that boards and devices offer to `info` ----------------------- */

typedef void MachineInfoFn(void *opaque, GString *out);

typedef struct MachineInfo {
    const char *name;      /* "pci", "pic" */
    MachineInfoFn *fn;
    void *opaque;
} MachineInfo;

/* Offers a text (softmmu/machine-info.c); a later one of the same name is
 * printed after the earlier ones. */
void machine_add_info(Machine *m, const char *name, MachineInfoFn *fn,
                      void *opaque);
/* Appends the texts of that name; false if this machine has none. */
bool machine_info(Machine *m, const char *name, GString *out);
/* Appends each device with its bus address and properties: `info qtree`. */
void machine_info_qtree(Machine *m, GString *out);

/* --- sections: every state table of the machine, in a fixed order ------- */

typedef struct Section {
    char name[64];         /* "clock", "cpu.0", "isa-serial.0" */
    const StateTable *table;
    void *object;
} Section;

typedef void SectionFn(void *opaque, const Section *s);
/* Calls fn for "machine", "turn", "clock", "nondet", each CPU, each device. CPUs'
 * lazy state is brought into their tables first. */
void machine_sections(Machine *m, SectionFn *fn, void *opaque);
/* After rows were loaded or changed: rewire() everything, drop every cache.
 * That changes no row, or the digest would be another one. */
void machine_rewire(Machine *m);
/* The same for rows that somebody else wrote: false with an error that names
 * the section whose rows contradict each other. */
bool machine_rewire_loaded(Machine *m, Error **errp);
/* A hash over all sections (not RAM). */
uint64_t machine_state_digest(Machine *m);

#endif
