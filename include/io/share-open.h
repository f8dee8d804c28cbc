/*
 * How shares come to be: what the roof asks of host/.
 *
 * Implemented by host/share.c. Devices do not include this; they are handed a
 * Share (io/share.h).
 */
#ifndef IO_SHARE_OPEN_H
#define IO_SHARE_OPEN_H

#include "io/share.h"

/* All shares of the program. */
typedef struct ShareSet ShareSet;

/* Who a file belongs to, and what it is, as the guest sees it. */
typedef enum ShareModel {
    SHARE_NONE,            /* as on the host; what may not be given away stays */
    SHARE_PASSTHROUGH,     /* as on the host, or an error */
    SHARE_MAPPED,          /* in extended attributes of the host's files */
} ShareModel;

typedef struct ShareSpec {
    const char *id, *path;
    ShareModel model;
    bool readonly;
    unsigned file_mode, folder_mode; /* of mapped files on the host */
} ShareSpec;

/* In a replay nothing is opened: no share ever answers. */
ShareSet *share_set_new(bool replay);
/* The machine's boundary, before any port is bound. */
void share_set_machine(ShareSet *set, Machine *m);
/* While muted, what devices ask is dropped: it was asked before. */
void share_set_mute(ShareSet *set, bool muted);
/* Waits for requests that are under way. */
void share_set_free(ShareSet *set);

/* Opens a folder; NULL with an error that names the path. Owned by the set. */
Share *share_open(ShareSet *set, const ShareSpec *spec, Error **errp);
/* id -> Share *, of the set. */
GHashTable *share_set_table(ShareSet *set);

#endif
