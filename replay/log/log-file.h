/*
 * The file of a log: who may have it open, when it gets its name, and the one
 * place where bytes go into it. Implemented by log-file.c, for log-write.c and
 * log-read.c.
 *
 * A new log is written to NAME.part and locked. When the recording has begun
 * well, it becomes NAME, and the recording that was there becomes NAME.old:
 * one that fails at its start destroys nothing. Readers lock a log against
 * writers, writers against everybody.
 */
#ifndef REPLAY_LOG_FILE_H
#define REPLAY_LOG_FILE_H

#include "base/error.h"
#include "base/types.h"

typedef struct LogFile LogFile;

/* Makes a new file that is to be called `path`. False with an error if
 * somebody uses that log, or what is there is no log (and not empty). */
LogFile *log_file_create(const char *path, Error **errp);
/* Gives it its name; what had it becomes NAME.old, and the user is told. */
bool log_file_begin(LogFile *f, Error **errp);
/* 0 or an errno. All that a log is made of goes through these two. */
int log_file_write(LogFile *f, uint64_t offset, const void *data, size_t len);
int log_file_truncate(LogFile *f, uint64_t bytes);
/* Begins to bring what was written through to the disk itself, in a thread, so
 * that a power failure finds it there; false where one is still at work, or
 * began a short while ago. *err: the errno of the last one, 0 if it went well. */
bool log_file_sync(LogFile *f, int *err);
/* Another descriptor of the file, which shares its lock. */
int log_file_dup(const LogFile *f);
/* Closes it; one that never began is removed. NULL is allowed. */
void log_file_free(LogFile *f);

/* Opens a log for reading, locked against writers: a descriptor, or -1 with an
 * error. */
int log_file_open(const char *path, Error **errp);

#endif
