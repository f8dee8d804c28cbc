/*
 * What the files of replay/ share.
 */
#ifndef REPLAY_INTERNAL_H
#define REPLAY_INTERNAL_H

#include "timeline/coverage.h"
#include "timeline/hits.h"
#include "log/log-format.h"
#include "svc/snapshot.h"
#include "svc/timeline.h"
#include "vm/sched.h"

/* --- dirty.c: pages written since they were last asked for ---------------------- */

typedef struct DirtySet DirtySet;

/* Becomes the watcher of a bit; every page counts as clean. */
DirtySet *dirty_set_new(Machine *m, RamWatch bit);
void dirty_set_free(DirtySet *d);
/* Numbers of the pages written (GArray of uint64_t), each once. */
const GArray *dirty_set_pages(const DirtySet *d);
/* fn(opaque, page) is called before the first write to a clean page. */
typedef void DirtyFn(void *opaque, uint64_t page);
void dirty_set_tell(DirtySet *d, DirtyFn *fn, void *opaque);
/* All pages are clean again. */
void dirty_set_clean(DirtySet *d);

/* --- digest.c --------------------------------------------------------------------- */

typedef struct RamDigest RamDigest;

RamDigest *ram_digest_new(Machine *m);
void ram_digest_free(RamDigest *rd);
/* The digest of the present state; a pure function of it. */
void digest_take(RamDigest *rd, Digest *d);
/* What differs between the recorded and the present state, by name. */
char *digest_compare(Machine *m, const Digest *recorded, const Digest *now);

/* --- page-store.c: contents of RAM at several points in time --------------------- */

typedef struct PageStore PageStore;
typedef struct MemImage MemImage;

PageStore *page_store_new(Machine *m);
void page_store_free(PageStore *ps);
/* Memory that all images together take. */
uint64_t page_store_bytes(const PageStore *ps);
/* A page trace has begun: first writes to these pages are over. */
void page_store_trace(const PageStore *ps);
/* Pages written since an image was taken or restored. */
uint64_t page_store_changed(const PageStore *ps);
/* RAM as it is now; nothing is copied before it is written. */
MemImage *mem_image_take(PageStore *ps);
/* Makes RAM what it was, touching only pages whose bytes differ. */
void mem_image_restore(PageStore *ps, MemImage *image);
void mem_image_free(PageStore *ps, MemImage *image);

/* --- record.c, play.c: what is plugged in at the boundary ------------------------- */

typedef struct Recorder {
    Replay *replay;
    LogWriter *log;
    Icount last_icount;    /* of the last post */
    int64_t last_ns;       /* its virtual time */
} Recorder;

void recorder_plug(Recorder *rec, Replay *r);

typedef struct Player {
    Replay *replay;
    LogReader *log;
    LogCursor at;          /* before head */
    LogCursor after;       /* behind it */
    LogNext state;         /* of head */
    LogEvent head;         /* all but its data */
    Icount next_post;      /* cache; ICOUNT_NONE: none */
    bool next_post_valid;
    bool late;             /* delivering behind exceptions and interrupts */
} Player;

void player_plug(Player *p, Replay *r);
void player_seek(Player *p, const LogCursor *c);

/* --- timeline.c ------------------------------------------------------------------- */

typedef struct Timeline Timeline;

typedef struct Checkpoint {
    Icount icount;
    bool at_boundary;
    Icount arrived, touched; /* of Machine */
    bool pinned;           /* never dropped */
    bool excursion;        /* made while away from a recording's present */
    uint64_t position;     /* in the log */
    LogCursor cursor;      /* the same, if it is of this generation */
    unsigned generation;   /* Replay.log_generation; 0: none */
    GByteArray *state;     /* every section's struct */
    MemImage *ram;
    GPtrArray *disks;      /* BlockMark *, by drive; NULL where there is none */
} Checkpoint;

/* spacing: instructions between checkpoints; 0: as it pays. */
Timeline *timeline_new(Replay *r, uint64_t budget_bytes, uint64_t spacing);
void timeline_free(Timeline *t);
/* Remembers the present; the caller owns it. */
Checkpoint *checkpoint_take(Timeline *t);
/* Goes there. The checkpoint stays valid. */
void checkpoint_restore(Timeline *t, const Checkpoint *cp);
void checkpoint_free(Timeline *t, Checkpoint *cp);

/* Around a jump to another place: what is noted of the run ends here, and
 * begins again there; stops were at the place left. */
void replay_leave(Replay *r);
void replay_land(Replay *r);

/* Remembers the present in the timeline. */
void timeline_add(Timeline *t, bool pinned);
/* The distance between checkpoints while running forward. */
uint64_t timeline_spacing(const Timeline *t);
/* Another one while an interval is searched; 0: no more. */
void timeline_set_dense(Timeline *t, uint64_t insns);
/* A journey is over: what its beginning kept is free. */
void timeline_arrived(Timeline *t);
/* Forgets what is behind icount. */
void timeline_cut(Timeline *t, Icount icount);
/* Forgets points of an excursion. */
void timeline_drop_excursion(Timeline *t);
/* The points at icount may be dropped like others. */
void timeline_unpin(Timeline *t, Icount icount);
/* What is known of the past. */
Coverage *timeline_coverage(Timeline *t);
/* Memory that it takes. */
uint64_t timeline_bytes(const Timeline *t);
/* Wants checkpoints shortly before icount on the next way to it; ICOUNT_NONE:
 * no more. */
void timeline_approach(Timeline *t, Icount icount);
/* The next icount after now at which timeline_arrive() has something to do. */
Icount timeline_due(Timeline *t, Icount now);
/* The machine stands at a boundary at timeline_due(). */
void timeline_arrive(Timeline *t);
/* The newest checkpoint from which icount's boundary can be reached; NULL if
 * it is before history. Valid until the timeline changes. */
const Checkpoint *timeline_find(Timeline *t, Icount icount);
/* The start of history. */
Icount timeline_start(const Timeline *t);

/* --- replay.c --------------------------------------------------------------------- */

typedef struct Periodic Periodic;

struct Replay {
    Machine *m;
    ReplayMode mode;           /* PLAY too while away from the present */
    char *file;
    uint8_t recording[LOG_RECORDING_BYTES]; /* of the log and its snapshots */
    bool has_recording;        /* old logs have none */
    GPtrArray *argv;           /* of the program, for logs; or NULL */
    Checkpoint *present;       /* live.c: where the recording goes on */
    RunState present_state;
    bool kept_past;            /* the disks' past is kept */
    bool came_back;            /* and it has not run since */
    bool timeline_off;
    uint64_t timeline_bytes, timeline_spacing;
    unsigned log_generation;   /* counts the logs that play.log was */
    uint64_t digest_interval;
    RamDigest *ram_digest;
    Recorder rec;              /* record */
    Periodic *periodic;        /* or NULL */
    bool log_failed;           /* and the user was told */
    Player play;               /* replay */
    Timeline *timeline;
    Icount break_icount;
    HitList hits;              /* of the last search */
    GArray *bookmarks;         /* ReplayBookmark, by icount */
    bool interrupt;            /* somebody wants the journey to end */
    bool debugging;
    bool stepped;              /* a debugger's step ended with the advance */
    bool end_told;
    char *divergence;
    uint64_t agreements;       /* states that were the recorded ones */
    Icount agreed;             /* the last of them */
    Checkpoint *diversion;     /* diversion.c: where it began, or NULL */
    bool diverted;             /* and it has run */
    GArray *true_regs;         /* and the vCPUs' registers there */
    ReplayMute *mute;
    void *mute_opaque;
};

/* The replay is no longer what was recorded: says so and stops. */
void replay_diverged(Replay *r, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* The recording is a pure function no more: forget a divergence. */
void replay_forgive(Replay *r);
/* One call of sched_run() towards limit, which ends early where a digest or a
 * checkpoint is due; does what is due. */
SchedStop replay_advance(Replay *r, Icount limit);
/* The log could not be written: tries once more, or says so (once) and stops
 * the machine before its next instruction. */
void replay_log_failed(Replay *r);
/* Writes or checks the digest that belongs here. */
void replay_digest_here(Replay *r);
/* Writes a mark: a snapshot of that name is of this place. */
void replay_mark(Replay *r, const char *name);
/* False with an error if a snapshot's name is too long for a mark. */
bool replay_name_fits(const char *name, Error **errp);
/* Loads a snapshot of the recording and goes to its place in the log. */
bool replay_load_snapshot(Replay *r, const char *name, Error **errp);

/* live.c */
/* A recording can be gone back into from now on, and no more. */
void live_start(Replay *r);
void live_stop(Replay *r);
/* Before going back: a recording leaves the present. False with an error. */
bool live_leave(Replay *r, Error **errp);
/* Behind checkpoint_restore() in the present: the disks are written again. */
void live_disks(Machine *m);
/* False with an error while away from it; r may be NULL. */
bool live_here(const Replay *r, Error **errp);

/* diversion.c */
struct DebugWrite;
/* Execution goes on in the diversion: replay_diverts() said so. */
void diversion_run(Replay *r);
/* One slice of it; the run state says whether it stopped. */
void diversion_slice(Replay *r, uint64_t max_insns);
/* A debugger wrote a register; if all are what they were, that ends it. */
void diversion_wrote_register(Replay *r, const struct DebugWrite *w);

/* bookmark.c */
/* True if there is one. */
bool bookmark_at(const Replay *r, Icount icount);
/* Forgets those behind icount. */
void bookmarks_cut(Replay *r, Icount icount);
void bookmarks_free(GArray *bookmarks);

/* identity.c */
GString *identity_text(Machine *m, const GString *extra);
/* False with an error that names the differences. */
bool identity_compare(const char *path, const char *recorded, const char *now,
                      Error **errp);

#endif
