/*
 * A recorded command line: the files that it names, and the command line with
 * which a replay somewhere else would be started. Pure functions of the words;
 * they touch no file. Private to tools/.
 *
 * Implemented by replay-argv.c, which knows each option from cli/options.def;
 * called by pack and unpack.
 */
#ifndef REPLAY_ARGV_H
#define REPLAY_ARGV_H

#include "base/error.h"

typedef enum ArgvRole {
    ARGV_DISK,
    ARGV_FIRMWARE,         /* may be looked for in the firmware folders */
    ARGV_KERNEL,
    ARGV_INITRD,
    ARGV_OTHER,
} ArgvRole;

typedef struct ArgvFile {
    ArgvRole role;
    unsigned argument;     /* which word of argv says so */
    char *name;            /* as said; NULL: a drive without a medium */
    char *format;          /* of a disk, or NULL */
} ArgvFile;

typedef struct ArgvNames {
    GPtrArray *files;      /* ArgvFile; disks in the order of the drives */
    GPtrArray *firmware_dirs; /* char *, from -L */
    char *snapshot;        /* rrsnapshot, or NULL */
    const char *elsewhere; /* an option that may name more files, or NULL */
} ArgvNames;

/* What argv names. NULL with an error about a word that is not understood. */
ArgvNames *argv_names(const char *const *argv, Error **errp);
void argv_names_free(ArgvNames *n);

/* Where a replay finds things. */
typedef struct ArgvPlaces {
    const char *log;
    const char *firmware_dir; /* for -L, or NULL */
    /* The path of what word `argument` names; NULL: leave it. */
    const char *(*path)(void *opaque, unsigned argument);
    void *opaque;
} ArgvPlaces;

/* The words, ended by NULL, that replay what argv recorded; owned by the
 * caller (g_strfreev). The doors to the world are shut, but the first serial
 * line is shown on the terminal; `notes` gets a line for each word that was
 * changed in its meaning or left out. NULL with an error as above. */
char **argv_for_replay(const char *const *argv, const ArgvPlaces *places,
                       GPtrArray *notes, Error **errp);

#endif
