/*
 * Of which recording a snapshot is; private to migration/. See svc/snapshot.h
 * for what others ask.
 */
#ifndef MIGRATION_OWNER_H
#define MIGRATION_OWNER_H

#include "stream.h"

/* False if nobody can tell: no VM state, or no record in it. */
bool owner_peek(Machine *m, const char *name, StreamHeader *h);
bool owner_is(const StreamHeader *h,
              const uint8_t recording[MACHINE_RECORDING_BYTES]);

#endif
