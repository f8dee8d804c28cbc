/*
 * Snapshots of the whole machine: savevm, loadvm, rrsnapshot, and the streams
 * that the timeline keeps in memory.
 *
 * Implemented by migration/; called by monitor/, replay/ and the roof.
 */
#ifndef SVC_SNAPSHOT_H
#define SVC_SNAPSHOT_H

#include "io/blockdev.h"
#include "vm/machine.h"

/* Writes every section and all RAM as one stream (zero pages elided, the rest
 * deflated), with the icount and log_position in its header. */
GBytes *snapshot_save_stream(Machine *m, uint64_t log_position);
/* Validates the whole stream (identity of sections, tables, crc), then loads
 * it and calls machine_rewire(). On error nothing was changed. */
bool snapshot_load_stream(Machine *m, GBytes *stream, uint64_t *log_position,
                          Error **errp);
/* icount and log position of a stream without loading it. */
bool snapshot_peek(GBytes *stream, Icount *icount, uint64_t *log_position,
                   Error **errp);

/* savevm: into the first writable qcow2, with internal snapshots of all such
 * disks at the same moment. Error if no image can hold it. A replay adds one of
 * the disks as it sees them, and changes nothing else in the images. */
bool snapshot_savevm(Machine *m, const char *name, uint64_t log_position,
                     Error **errp);
/* loadvm: disks go to their snapshots too. */
bool snapshot_loadvm(Machine *m, const char *name, uint64_t *log_position,
                     Error **errp);
/* Where the snapshot is that loadvm would load, without loading it. */
bool snapshot_peek_vm(Machine *m, const char *name, Icount *icount,
                      uint64_t *log_position, Error **errp);
bool snapshot_delvm(Machine *m, const char *name, Error **errp);
/* --- snapshots that share --------------------------------------------------- */

/* A snapshot whose RAM lies flat in the image, so that it shares what did not
 * change with an older one (docs/devel/snapshots.md). */
typedef struct SnapshotShared {
    const char *name;
    const char *base;          /* one made by the same machine; NULL: none. If
                                * it is gone, all RAM is written */
    Icount base_icount;
    const uint8_t *changed;    /* pages written since, a bit for each page of
                                * RamAddr, low bit first */
    bool periodic;             /* snapshot_delete_periodic() may delete it */
    uint64_t log_position;
    uint64_t written_bytes;    /* result: what was not shared */
} SnapshotShared;

/* As snapshot_savevm(), but the run state does not show it, and on error no
 * disk keeps a part of it. */
bool snapshot_save_shared(Machine *m, SnapshotShared *s, Error **errp);
/* --- snapshots of several recordings in one image ------------------------------ */

/* The name under which a snapshot of a recording is kept when another one
 * wants its name: NAME@ and eight digits of the recording. Freed by the
 * caller. */
char *snapshot_aside_name(const char *name,
                          const uint8_t recording[MACHINE_RECORDING_BYTES]);
/* The name that the machine's recording's snapshot `name` has now. Freed by the
 * caller. */
char *snapshot_resolve(Machine *m, const char *name);
/* False with an error if the snapshot is not of the machine's recording, or some
 * disk's was not made together with the others'. True where the recording has
 * no number, or there is no such snapshot. */
bool snapshot_is_ours(Machine *m, const char *name, Error **errp);
/* Whose a disk's snapshot is. Only one of the machine's disks has VM state, which
 * says so; those of the others were made together with it. */
typedef enum SnapshotOwner {
    OWNER_NO_SNAPSHOT, OWNER_NOT_SAID, OWNER_THIS, OWNER_OTHER,
    OWNER_DAMAGED          /* who loads it will hear what is wrong */
} SnapshotOwner;
SnapshotOwner snapshot_owner(BlockDev *b, const char *name,
                             const uint8_t recording[MACHINE_RECORDING_BYTES]);
/* True if two disks' snapshots are of the same moment. */
bool snapshot_made_together(const BlockSnapshot *a, const BlockSnapshot *b);
/* Makes way for a new snapshot: one of that name that is not of the machine's
 * recording is renamed, and the user is told. `start`: so are the periodic
 * ones of the prefix, and what is of no known recording too. */
bool snapshot_set_aside(Machine *m, const char *name, bool start,
                        Error **errp);
/* Deletes all periodic snapshots whose names are `prefix` and digits or dots. */
bool snapshot_delete_periodic(Machine *m, const char *prefix, Error **errp);
/* True if it is there, and is the periodic one that was made at icount. */
bool snapshot_is_periodic(Machine *m, const char *name, Icount icount);
/* True if any disk has a snapshot of that name. */
bool snapshot_name_taken(Machine *m, const char *name);
/* The room that the VM states of the named ones take together. */
uint64_t snapshot_room(Machine *m, const GPtrArray *names);

/* --- lists ------------------------------------------------------------------ */

/* The table of `info snapshots`, as QEMU prints it. */
bool snapshot_print(Machine *m, GString *out, Error **errp);
/* Snapshots that every disk has: GPtrArray of BlockSnapshot, caller owns. */
GPtrArray *snapshot_list(Machine *m, Error **errp);
/* The disk that would hold a snapshot; NULL with an error that says what to
 * do ("No block device can accept snapshots …"). */
BlockDev *snapshot_vm_state_disk(Machine *m, Error **errp);

#endif
