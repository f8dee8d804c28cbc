/*
 * What snapshot.c, which saves and loads, offers to snapshot-shared.c: snapshots
 * that share, and those of several recordings in one image.
 */
#ifndef MIGRATION_SNAPSHOT_PARTS_H
#define MIGRATION_SNAPSHOT_PARTS_H

#include "owner.h"

/* What goes into the disks; one of the two is the VM state. */
typedef struct SnapshotSave {
    BlockSnapshot info;
    BlockDev *holder;      /* of the VM state */
    GBytes *stream;
    BlockVmState *pieces;
} SnapshotSave;

/* The same snapshot in every disk; the machine's state in one of them. */
bool snapshot_to_disks(Machine *m, const SnapshotSave *s, Error **errp);
/* The row of a snapshot of now; the name is the caller's. */
BlockSnapshot snapshot_row(Machine *m, const char *name, GDateTime *now);
void snapshot_delete_everywhere(Machine *m, const char *name);
bool snapshot_rename_everywhere(Machine *m, const char *from, const char *to,
                                Error **errp);
/* A name that no disk has. */
char *snapshot_free_name(Machine *m, char *wanted);

#endif
