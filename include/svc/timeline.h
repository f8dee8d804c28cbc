/*
 * Time travel: record, replay, and going to any instruction of a run.
 *
 * Implemented by replay/; called by gdbstub/, monitor/ and the roof.
 */
#ifndef SVC_TIMELINE_H
#define SVC_TIMELINE_H

#include <stdio.h>

#include "vm/cpu.h"
#include "vm/machine.h"

typedef enum ReplayMode { REPLAY_NONE, REPLAY_RECORD, REPLAY_PLAY } ReplayMode;

/* From -icount. Strings are the caller's. */
typedef struct ReplayOptions {
    ReplayMode mode;
    const char *file;          /* rrfile */
    const char *snapshot;      /* rrsnapshot, or NULL */
    /* While recording, with `snapshot`: further ones every so many
     * instructions, 0: none; how many, and bytes of the image, 0: default. */
    uint64_t snapshot_period, snapshot_max, snapshot_bytes;
    uint64_t digest_interval;  /* rrdigest=N instructions, 0: default */
    uint64_t timeline_bytes;   /* most memory for checkpoints, 0: default */
    uint64_t timeline_spacing; /* instructions between them, 0: as it pays */
    bool timeline_off;         /* no checkpoints: there is no way back */
    const char *const *argv;   /* how the program was started, ended by NULL;
                                * kept in the log. NULL: not said */
    GString *identity;         /* lines "key=value" that must agree; the roof
                                * fills it in from the command line */
} ReplayOptions;

typedef struct Replay Replay;

/* How the snapshot `name` of a log may be called in the images because a later
 * recording wanted that name (snapshot_aside_name()); NULL if the log does not
 * say which recording it is of. Freed by the caller. */
char *replay_aside_name(const char *file, const char *name);
/* Starts recording or replaying a built machine at icount 0 (or at the
 * rrsnapshot): opens the log, writes or checks the identity, plugs in the
 * NondetSource, calls machine_power_on() (which asks the world for the date
 * and the seed), makes or loads the snapshot. With REPLAY_NONE the roof calls
 * machine_power_on() itself. */
Replay *replay_start(Machine *m, const ReplayOptions *opts, Error **errp);
/* All else has begun well: a new log gets its name, and a log that had it is
 * kept as NAME.old. Without this replay_free() removes the new log. NULL is
 * allowed. */
bool replay_begin(Replay *r, Error **errp);
/* False with an error if a recording cannot go on, because its log cannot be
 * written (the disk is full); NULL is allowed. */
bool replay_may_continue(Replay *r, Error **errp);
/* Ends a recording properly (end chunk, final digest); NULL is allowed. */
void replay_finish(Replay *r, ShutdownCause cause);
void replay_free(Replay *r);

ReplayMode replay_mode(const Replay *r);     /* r may be NULL: REPLAY_NONE */
const char *replay_file(const Replay *r);
/* The last icount on tape, ICOUNT_NONE if unknown (recording). */
Icount replay_end(const Replay *r);
/* The position in the log for snapshots made now. */
uint64_t replay_log_position(Replay *r);
/* The text of a divergence that stopped the replay, or NULL. */
const char *replay_divergence(const Replay *r);
/* savevm, whatever r is (NULL too): the snapshot and, when recording, its mark
 * in the log. */
bool replay_savevm(Machine *m, Replay *r, const char *name, Error **errp);
/* loadvm while replaying or recording: after the machine state went to
 * log_position; record: error. */
bool replay_loadvm(Replay *r, const char *name, Error **errp);

/* --- the replay break ---------------------------------------------------- */

/* Stops (RUN_PAUSED, as in QEMU) when icount is reached; replaces an earlier one. Error
 * when it is in the past or this is not a replay. */
bool replay_break_set(Replay *r, Icount icount, Error **errp);
void replay_break_delete(Replay *r);
Icount replay_break(const Replay *r);        /* ICOUNT_NONE: none */

/* --- travelling ----------------------------------------------------------- */

/* Polled during long travel; true: give up and return to where it began. */
typedef bool ReplayPoll(void *opaque);

/* Goes to an icount between 0 (or the first restorable point) and the end.
 * Error naming the last icount if beyond it: the position is unchanged. */
bool replay_seek(Replay *r, Icount icount, Error **errp);

/* Somebody wants a journey that is under way to end where it began. */
void replay_interrupt(Replay *r);

typedef enum ReverseStop {
    REVERSE_STEP,              /* arrived one instruction earlier */
    REVERSE_BREAKPOINT,        /* at a breakpoint's pc */
    REVERSE_WATCHPOINT,        /* before the access; *hit says what */
    REVERSE_BEGIN,             /* the start of history; no hit */
    REVERSE_INTERRUPTED,       /* poll said stop; back where it started */
} ReverseStop;

/* True if going back is possible (replaying). */
bool replay_can_reverse(const Replay *r);
/* Back to before the last instruction of a vCPU; cpu NULL: of any. */
bool replay_reverse_step(Replay *r, const Cpu *cpu, ReverseStop *stop,
                         Error **errp);
/* Back to the latest breakpoint or watchpoint hit before now, of those
 * inserted in the CPUs. */
bool replay_reverse_continue(Replay *r, ReplayPoll *poll, void *opaque,
                             ReverseStop *stop, WatchHit *hit, Error **errp);

/* --- a recording's past ----------------------------------------------------- */

/* A recording with a debugger can be gone back into: it then is a replay
 * (replay_mode() says so) whose end is the present. Back there it goes on
 * recording; nothing remains of the excursion. Elsewhere it only ends a
 * debugger's diversion. */
void replay_return_to_present(Replay *r);
/* True at the end of a replay, or in the present after an excursion: there is
 * nothing more to replay. */
bool replay_at_end(const Replay *r);

/* Leaves a replay where it is and goes on live, recording into a new file,
 * which begins with what was replayed. Error if the file exists, and where
 * there is nothing to leave. */
bool replay_branch(Replay *r, const char *file, Error **errp);

/* --- questions about the past --------------------------------------------- */

#define REPLAY_QUERY_BYTES 64u
#define REPLAY_NO_CPU      UINT32_MAX /* a device, not an instruction */

typedef struct ReplayQuery {
    enum { REPLAY_WRITE, REPLAY_EXEC } what;
    uint64_t addr;             /* virtual, in the present address space */
    uint64_t len;              /* 1 to REPLAY_QUERY_BYTES; EXEC: 1 */
    bool physical;             /* WRITE: addr is physical; devices count too */
} ReplayQuery;

typedef struct ReplayFound {
    Icount icount;             /* seek there to stand before it */
    unsigned cpu;              /* its number, or REPLAY_NO_CPU */
    GuestAddr pc;              /* of the instruction, if it is one */
    bool has_old, has_new;     /* WRITE: the bytes could be read */
    uint8_t old[REPLAY_QUERY_BYTES], now[REPLAY_QUERY_BYTES];
} ReplayFound;

/* The last `count` (at least 1) writes or executions before now, the latest
 * first, appended to out (ReplayFound); fewer, or none, if history has no
 * more. False with an error; the machine is where it was in either case. */
bool replay_query(Replay *r, const ReplayQuery *q, unsigned count,
                  GArray *out, Error **errp);

/* --- bookmarks ------------------------------------------------------------------ */

typedef struct ReplayBookmark {
    char *name;
    Icount icount;
} ReplayBookmark;

/* Names the present position, which stays quick to go to; moves the name if
 * there is one. Error if this is no replay, or for a name that looks like a
 * number or is empty. */
bool replay_bookmark(Replay *r, const char *name, Error **errp);
bool replay_bookmark_delete(Replay *r, const char *name, Error **errp);
/* By position (GArray of ReplayBookmark, ours); NULL without record/replay. */
const GArray *replay_bookmarks(const Replay *r);
bool replay_bookmark_find(const Replay *r, const char *name, Icount *icount);

/* fn(opaque, true) is called before the machine travels and fn(opaque, false)
 * after it: what the guest sends to the world meanwhile was sent before and
 * must not be shown again. The roof connects it to the chardevs. */
typedef void ReplayMute(void *opaque, bool muted);
void replay_set_mute(Replay *r, ReplayMute *fn, void *opaque);

/* Makes sure there is something to go back to (a debugger attached): without
 * rrsnapshot the present becomes the start, as in QEMU. */
void replay_start_debugging(Replay *r);

/* A debugger is about to change memory or registers in a replay, which is then
 * diverted: remembers the true state first. */
void replay_diversion_begin(Replay *r);
/* Returns to it; nothing if the replay is not diverted. r may be NULL. */
void replay_diversion_end(Replay *r);
/* True if going on means to run the diversion, because a debugger has set
 * another pc or stack pointer. */
bool replay_diverts(const Replay *r);

/* Where one can go, and what remembering it costs; for people. */
void replay_print_timeline(const Replay *r, GString *out);

/* --- for tools and tests --------------------------------------------------- */

/* Prints a log as text, one line an event. False with an error naming file
 * and offset where it stops to make sense; what came before is printed. */
bool replay_log_dump(const char *path, FILE *out, Error **errp);

/* --- for the run loop at the roof ----------------------------------------- */

/* Runs a slice of at most max_insns towards the next stop; does all that
 * record and replay need at its end (digests, chunk flushing, break, end of
 * log). The one way in which the roof runs a machine; r may be NULL. */
typedef struct SliceResult {
    bool idle;                 /* wait for a timer or an input */
    bool stopped;              /* runstate changed */
} SliceResult;
SliceResult replay_run_slice(Machine *m, Replay *r, uint64_t max_insns);

#endif
