/*
 * What users turn on a machine that runs, besides its keys and buttons: cables of
 * network adapters, and the memory that a balloon leaves the guest; and what its
 * guest tells them.
 *
 * softmmu/knobs.c implements it over the hook `knobs` of a DeviceClass. What
 * changes the guest (link_set(), balloon_set()) is called when a monitor's command
 * is delivered, and nowhere else.
 */
#ifndef VM_KNOBS_H
#define VM_KNOBS_H

#include "vm/device.h"

struct DeviceKnobs {
    /* The network that an adapter's cable leads to: its id, or NULL. */
    const char *(*network)(const Device *dev);
    /* The cable is plugged, or pulled. */
    void (*set_link)(Device *dev, bool up);
    /* So many bytes of RAM the driver has not given up. */
    uint64_t (*ram_left)(const Device *dev);
    /* So many it is to have. */
    void (*want_ram)(Device *dev, uint64_t bytes);
    /* Where the guest's kernel says that it keeps a note for those who read its
     * memory; false: it has said nothing. */
    bool (*core_note)(const Device *dev, PhysAddr *addr, uint32_t *bytes);
};

/* Whether an adapter has that id, or is on a network that has it. */
bool link_exists(const Machine *m, const char *name);
/* Plugs or pulls its cable; nothing if there is none. */
void link_set(Machine *m, const char *name, bool up);

/* How many bytes the guest has, as its balloon's driver says; false: there is no
 * balloon. */
bool balloon_ram(const Machine *m, uint64_t *bytes);
/* Asks the driver to leave the guest so many bytes of RAM. */
void balloon_set(Machine *m, uint64_t bytes);

/* Where the guest keeps a note for dumps; false: nowhere, or nobody asked it. */
bool core_note_find(const Machine *m, PhysAddr *addr, uint32_t *bytes);

#endif
