/*
 * A machine's disks as holders of snapshots; private to migration/.
 */
#ifndef MIGRATION_DISKS_H
#define MIGRATION_DISKS_H

#include "svc/snapshot.h"

guint disks_count(Machine *m);
/* NULL: there is no medium. */
BlockDev *disks_at(Machine *m, guint i);
/* Disks whose content must go back together with the machine. */
bool disks_takes_part(const BlockDev *b);
/* The disk that snapshots are read from: in replay the images are not
 * writable, but what they hold can be loaded. NULL with an error. */
BlockDev *disks_reading(Machine *m, Error **errp);
bool disks_one_has(BlockDev *b, const char *name);
/* True if every disk that takes part has a snapshot of that name. */
bool disks_all_have(Machine *m, const char *name);

void disks_list_free(GPtrArray *list);
const BlockSnapshot *disks_list_find(const GPtrArray *list, const char *name);

#endif
