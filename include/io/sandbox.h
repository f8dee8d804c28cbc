/*
 * Giving up system calls that the program does not need (-sandbox): what breaks
 * into it can do less.
 *
 * Implemented by host/sandbox.c with libseccomp, or by host/sandbox-none.c
 * where that is not there; called by the roof when everything is open.
 */
#ifndef IO_SANDBOX_H
#define IO_SANDBOX_H

#include "base/error.h"
#include "base/types.h"

typedef struct SandboxSpec {
    bool on;
    bool obsolete;         /* obsolete and privileged calls are allowed */
    bool no_elevation;     /* other users and groups cannot be become */
    bool no_spawn;         /* no process is made, no program run: fork() fails
                            * with EPERM, so that a dump in the background is
                            * refused */
    bool no_resources;     /* priorities and processors are left as they are */
} SandboxSpec;

/* What is forbidden ends the process from now on. False with an error. */
bool sandbox_enter(const SandboxSpec *spec, Error **errp);

#endif
