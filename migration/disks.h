/*
 * A machine's disks as holders of snapshots; private to migration/.
 */
#ifndef MIGRATION_DISKS_H
#define MIGRATION_DISKS_H

#include "svc/snapshot.h"

/* As machine_disk_next(), of those whose content must go back together with
 * the machine: that have a medium and can be written. */
BlockDev *disks_next(Machine *m, guint *at);
/* The disk that snapshots are read from: in replay the images are not
 * writable, but what they hold can be loaded. NULL with an error. */
BlockDev *disks_reading(Machine *m, Error **errp);
bool disks_one_has(BlockDev *b, const char *name);
/* True if every disk that takes part has a snapshot of that name. */
bool disks_all_have(Machine *m, const char *name);
/* The same, with an error that says why not. */
bool disks_check_have(Machine *m, const char *name, Error **errp);

void disks_list_free(GPtrArray *list);
const BlockSnapshot *disks_list_find(const GPtrArray *list, const char *name);

#endif
