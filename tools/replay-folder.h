/*
 * A folder that is written into on behalf of a file from anywhere: nothing
 * outside it is touched, whatever links there are. Private to tools/;
 * implemented by replay-folder.c, used by replay-unpack.c.
 *
 * Paths are relative, names with single slashes between, none of them "." or
 * "..": the caller has checked that.
 */
#ifndef REPLAY_FOLDER_H
#define REPLAY_FOLDER_H

#include "base/error.h"
#include "base/types.h"

typedef struct PackFolder PackFolder;

/* Makes the folder if it is not there. The user's own path to it may lead
 * through links. NULL with an error. */
PackFolder *pack_folder_open(const char *path, Error **errp);
void pack_folder_close(PackFolder *f);
/* True if there is nothing of that name, and no link on the way. */
bool pack_folder_is_free(PackFolder *f, const char *path, Error **errp);
/* A new file, never one that was there: with force, that one is removed
 * first. A descriptor for reading and writing, or -1 with an error. */
int pack_folder_create(PackFolder *f, const char *path, int mode, bool force,
                       Error **errp);
/* Removes the files and folders that were made, the newest first. */
void pack_folder_undo(PackFolder *f);

#endif
