/*
 * The process itself: going to the background, and the pid file.
 *
 * Implemented by host/process.c; called by main.c.
 */
#ifndef IO_PROCESS_H
#define IO_PROCESS_H

#include "base/error.h"
#include "base/types.h"

/* Goes to the background: returns in the child, whose parent waits. */
bool process_daemonize(Error **errp);
/* Lets the waiting parent exit with success, and lets go of the terminal. */
void process_daemon_ready(void);
/* Writes and locks the pid file; it is removed by process_remove_pidfile. */
bool process_write_pidfile(const char *path, Error **errp);
void process_remove_pidfile(const char *path);

#endif
