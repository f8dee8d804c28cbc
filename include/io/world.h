/*
 * The host's clocks, randomness and files.
 *
 * Implemented by host/{clock,entropy,file}.c; connected to a machine's
 * boundary by the roof. The guest side never sees this header.
 */
#ifndef IO_WORLD_H
#define IO_WORLD_H

#include "base/error.h"
#include "base/types.h"

typedef struct World World;

/* local: -rtc base=localtime. */
World *world_new(bool local);
void world_free(World *w);
/* Answers NONDET_RTC_BASE, NONDET_HOST_CLOCK and NONDET_SEED of m. */
void world_connect(World *w, Machine *m);

/* The clock behind NONDET_HOST_CLOCK: host ns during which it was running.
 * It starts stopped at 0. */
int64_t world_clock_ns(World *w);
void world_clock_run(World *w, bool run);
/* It shows ns now: the guest went to another time (loadvm). */
void world_clock_set(World *w, int64_t ns);

/* A whole regular file. NULL with an error naming it. */
GBytes *world_read_file(const char *path, Error **errp);
/* True if the file can be read; its first len bytes, as many as there are,
 * are put into head (zeroes after them). */
bool world_peek_file(const char *path, void *head, size_t len, Error **errp);
/* True if both names lead to one file, or would if it existed. */
bool world_same_file(const char *a, const char *b);
/* Where a firmware file is: the path itself if it exists, else the first of
 * dirs (char *, from -L) and the usual directories that has it; NULL: none.
 * Freed by the caller. */
char *world_find_firmware(const GPtrArray *dirs, const char *name);
/* The usual directories, ended by NULL. */
const char *const *world_firmware_dirs(void);

#endif
