/*
 * A pack: a compressed tar with a recording, the files that a replay of it
 * reads, and a manifest in front. docs/user/replay-tool.md describes it.
 * Private to tools/.
 *
 * Implemented by replay-plan.c (which files), replay-consent.c (may they?),
 * replay-source.c (their bytes), replay-start.c (the disks' snapshot) and
 * replay-script.c; used by replay-pack.c and replay-unpack.c.
 */
#ifndef REPLAY_PACK_H
#define REPLAY_PACK_H

#include "io/blockdev.h"
#include "replay-argv.h"
#include "replay-tool.h"

#define PACK_FORMAT       "reprise-pack"
#define PACK_VERSION      1
#define PACK_MANIFEST     "manifest.json"
#define PACK_MANIFEST_MAX (16 * MIB)
#define PACK_LOG          "recording.rr"
#define PACK_SCRIPT       "replay"
#define PACK_FIRMWARE_DIR "firmware"
#define PACK_FILES_DIR    "files"
#define PACK_LETTERS      "._-+=,@"    /* in names, beside a-z, A-Z, 0-9 */
#define PACK_PIECE        (1 * MIB)    /* bytes copied at a time */

/* Bytes of a file that are not a hole. */
typedef struct PackExtent {
    uint64_t offset, bytes;
} PackExtent;

typedef struct PackFile {
    char *source;          /* where it is; in an unpacked pack: NULL */
    char *path;            /* in the pack */
    const char *role;      /* "log", "disk", "backing", "bios", "rom",
                            * "kernel", "initrd", "file" */
    GArray *arguments;     /* unsigned: the words of the command naming it */
    GBytes *head;          /* stands for as many of its first bytes, or NULL:
                            * a qcow2 header that names its moved backing file */
    uint64_t bytes, digest; /* digest_bytes() of what is packed */
    int64_t mtime_sec;
    bool usual;            /* firmware from a usual place */
    GArray *extents;       /* PackExtent */
} PackFile;

PackFile *pack_file_new(const char *source, char *path, const char *role);
void pack_file_free(PackFile *f);
/* Looks at the file: size, holes, digest. */
bool pack_file_scan(PackFile *f, Error **errp);
/* Calls fn with all bytes in order, in pieces; an error of fn ends it. */
typedef bool PackBytes(void *opaque, const uint8_t *data, size_t len,
                       Error **errp);
bool pack_file_read(const PackFile *f, PackBytes *fn, void *opaque,
                    Error **errp);

/* All files (GPtrArray of PackFile), the log first, of a recording whose
 * command line named `names`. Relative names are taken from the working
 * folder. NULL with an error about one that is not there. */
GPtrArray *pack_plan(const LogReader *r, const ArgvNames *names,
                     Error **errp);

/* Looks where the files lie, shows them, and asks the user, as his options
 * say. False with an error if they must not be packed. */
bool pack_consent(const ToolArgs *a, const char *log, const GPtrArray *files,
                  Error **errp);

/* The snapshot at which a recording begins, in its disks. */
typedef struct PackStart {
    const char *name;      /* rrsnapshot, or NULL */
    const char *aside;     /* what it is called if another has that name */
    const uint8_t *recording; /* MACHINE_RECORDING_BYTES, or NULL */
    bool any, has_state;
    BlockSnapshot first;   /* if any; its strings are gone */
} PackStart;

/* False with an error if the disk has no such snapshot, or one of another
 * recording or moment. */
bool pack_start_add(PackStart *p, BlockDev *b, const PackFile *f,
                    Error **errp);
/* After all disks. */
bool pack_start_end(const PackStart *p, Error **errp);

/* The text of a script that replays an unpacked log; free it. `files` are what
 * lies around it; `notes` as argv_for_replay()'s. NULL with an error. */
char *pack_script(const char *log, const GPtrArray *files, GPtrArray *notes,
                  Error **errp);

/* "KEY=VALUE" in an identity: the value; NULL if there is none. */
char *pack_identity_value(const LogReader *r, const char *key);

#endif
