/*
 * Snapshots at regular distances of a recording; private to replay/.
 */
#ifndef REPLAY_PERIODIC_H
#define REPLAY_PERIODIC_H

#include "internal.h"

/* Takes the first one, rrsnapshot's, of the machine at power-on. NULL with an
 * error. */
Periodic *periodic_new(Replay *r, const ReplayOptions *opts, Error **errp);
void periodic_free(Periodic *p);
/* The next icount after now at which periodic_arrive() has something to do;
 * p may be NULL. */
Icount periodic_due(const Periodic *p, Icount now);
/* The machine stands at a boundary at periodic_due(). If no snapshot can be
 * taken, says so and takes no more. */
void periodic_arrive(Periodic *p);

#endif
