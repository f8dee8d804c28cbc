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
 * disks at the same moment. Error if no image can hold it. */
bool snapshot_savevm(Machine *m, const char *name, uint64_t log_position,
                     Error **errp);
/* loadvm: disks go to their snapshots too. */
bool snapshot_loadvm(Machine *m, const char *name, uint64_t *log_position,
                     Error **errp);
/* The stream that loadvm would load, without loading it; NULL with an error. */
GBytes *snapshot_vm_state(Machine *m, const char *name, Error **errp);
bool snapshot_delvm(Machine *m, const char *name, Error **errp);
/* The table of `info snapshots`, as QEMU prints it. */
bool snapshot_print(Machine *m, GString *out, Error **errp);
/* Snapshots that every disk has: GPtrArray of BlockSnapshot, caller owns. */
GPtrArray *snapshot_list(Machine *m, Error **errp);
/* The disk that would hold a snapshot; NULL with an error that says what to
 * do ("No block device can accept snapshots …"). */
BlockDev *snapshot_vm_state_disk(Machine *m, Error **errp);

#endif
