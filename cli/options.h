/*
 * What the command line said, in types. Private to cli/.
 *
 * options.def has a row for each option; its handler (options-*.c) fills in
 * a part of Options; build.c makes a machine of it. Strings are owned by
 * `kept` or by argv.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "io/blockdev.h"
#include "io/chardev-open.h"
#include "io/sandbox.h"
#include "keyval.h"
#include "svc/monitor.h"
#include "svc/timeline.h"
#include "vm/machine.h"

typedef enum Tristate { UNSET = -1, OFF, ON } Tristate;

typedef struct DriveOption {
    const char *arg;           /* as given, for messages */
    char *id;
    const char *file, *format;
    Tristate readonly, snapshot;
    bool write_through, no_flush, detect_zeroes, keep_discarded;
    bool if_none, cdrom;
    bool plain_file;           /* -blockdev driver=file: may be another's file */
    bool if_pflash;            /* if_none, and the board has a place for it */
    bool if_virtio, if_floppy; /* if_none, and with a device of its own */
    int index;                 /* -1: next free */
} DriveOption;

/* -netdev, -nic and -net. Everything is owned. */
typedef struct NetOption {
    char *backend, *id;
    GPtrArray *keys, *values;  /* char * */
} NetOption;
void net_option_free(NetOption *n);

/* -set GROUP.ID.KEY=VALUE */
typedef struct SetOption {
    const char *arg;           /* as given */
    char **parts;              /* GROUP, ID, KEY */
    const char *value;
    bool used;                 /* there was such an option */
} SetOption;

/* -object filter-dump */
typedef struct DumpOption {
    const char *netdev, *file;
    uint32_t maxlen;
} DumpOption;

/* -fsdev and -virtfs */
typedef struct ShareOption {
    char *id;
    const char *path;
    unsigned model;            /* ShareModel */
    bool readonly;
    unsigned file_mode, folder_mode;
} ShareOption;
void share_option_free(ShareOption *s);

typedef struct ChardevOption {
    char *id;
    ChardevSpec spec;
} ChardevOption;

/* A -serial, -monitor, -qmp, -mon, -gdb or -qtest. */
typedef enum EndKind {
    END_SERIAL, END_MONITOR, END_QMP, END_GDB, END_QTEST, END_DEBUGCON
} EndKind;

typedef struct EndOption {
    EndKind kind;
    const char *option;        /* "-serial", for messages */
    char *dev;                 /* short form: "stdio", "tcp::1234", … */
    bool by_id;                /* dev is a chardev's id */
    char *id;                  /* the chardev's, once it is open */
    bool pretty;
} EndOption;

typedef struct IcountOption {
    bool given;
    IcountMode mode;
    unsigned shift;
    bool has_shift, sleep;
    ReplayMode rr;
    const char *arg;           /* as given */
    const char *rrfile, *rrsnapshot;
    uint64_t rrdigest, rrsnapshot_period, rrsnapshot_max, rrsnapshot_bytes;
} IcountOption;

/* -replay-timeline */
typedef struct ReplayOption {
    bool given, off;
    uint64_t bytes, interval;  /* 0: default, auto */
} ReplayOption;

/* -replay-end */
typedef enum ReplayEndAction {
    REPLAY_END_PAUSE,
    REPLAY_END_EXIT,
    REPLAY_END_SHUTDOWN,       /* exit, unless -no-shutdown */
} ReplayEndAction;

/* -replay-verify, -replay-state and -replay-bisect: a replay for the sake of
 * its states. */
typedef enum VerifyMode {
    VERIFY_NO,
    VERIFY_LOG,
    VERIFY_STATE,
    VERIFY_BISECT,
} VerifyMode;

typedef struct VerifyOption {
    VerifyMode mode;
    const char *report;        /* -replay-report, or NULL */
    Icount from, to;           /* -replay-state; to: ICOUNT_NONE: the end */
    uint64_t step;
    bool whole;                /* all fields, not only digests */
    bool checkpoint;           /* come from a checkpoint */
    const char *pages;         /* of RAM, separated by ':'; or NULL */
    const char *with;          /* -replay-bisect: another log, or NULL */
} VerifyOption;

/* What the program is made of (parts.c). */
extern const MachineParts program_parts;

typedef struct Options {
    GPtrArray *kept;           /* KeyVal */
    GPtrArray *texts;          /* char *: arguments that are not in argv */
    GPtrArray *sets;           /* SetOption */
    GPtrArray *globals;        /* GlobalOption; NULL: none */
    GHashTable *fdsets;        /* set, as text -> its descriptor */
    GPtrArray *filtered;       /* netdevs of -object filter-replay */
    GHashTable *memory_backends; /* id -> uint64_t *, bytes */
    const char *memory_backend; /* the one of -machine; NULL: none */
    const char *const *argv;   /* as the program was started */

    const BoardClass *board;
    const char *cpu_model, *name, *uuid;
    uint64_t ram_bytes;        /* 0: the board's default */
    MachineSmp smp;
    bool no_acpi, no_hpet;     /* -machine acpi=off, hpet=off */
    const char *accel;         /* NULL: tcg */
    bool qtest;                /* that is qtest: no CPU runs */
    const char *qtest_log;     /* -qtest-log, or NULL */
    AccelOptions accel_options;

    const char *bios, *kernel, *append, *initrd;
    const char *kernel_name, *initrd_name; /* NULL: as kernel, initrd */
    GPtrArray *firmware_dirs;  /* char * */
    char *boot_order;

    GPtrArray *drives;         /* DriveOption */
    GHashTable *drive_alias;   /* blkreplay id -> id of what it filters */
    bool snapshot;
    GPtrArray *devices;        /* DeviceConfig */
    GPtrArray *virtio_nics;    /* those of devices that are -nic's, and become
                                * what the board has of virtio; not owned */

    GPtrArray *fw_cfgs, *smbioses, *acpitables, *numas; /* KeyVal, kept */
    MicrovmConfig microvm;     /* -machine microvm,… */
    const char *microvm_key;   /* one of them was given; NULL: none was */
    bool smbios_64;            /* -machine smbios-entry-point-type=64 */
    GPtrArray *nets;           /* NetOption */
    GPtrArray *dumps;          /* DumpOption */
    GPtrArray *shares;         /* ShareOption */
    GPtrArray *chardevs;       /* ChardevOption */
    SandboxSpec sandbox;       /* -sandbox */
    uint64_t escape;           /* -echr: 0: Ctrl-A */
    GPtrArray *ends;           /* EndOption */
    IcountOption icount;
    ReplayOption timeline;
    ReplayEndAction replay_end;
    VerifyOption verify;

    bool no_defaults, nographic, paused, daemonize;
    PanicAction panic_action;  /* -action */
    WatchdogActionKind watchdog_action;
    bool no_reboot, no_shutdown, rtc_local, has_seed, perfmap;
    int64_t rtc_base_sec;      /* INT64_MIN: the host's */
    uint64_t seed;
    const char *loadvm, *pidfile;
    const char *log_file;      /* -D */

    int exit_code;             /* when parsing ends the program */
    bool done;                 /* -help, -version: nothing more to do */
} Options;

/* A number of instructions, as in 5000000, 500k, 20M or 1G. False: it is
 * none. */
bool options_insns(const char *text, uint64_t *out);

typedef bool OptionFn(Options *o, const char *arg, KeyVal *kv, Error **errp);

#define GROUP(title)
#define OPTION(name, alias, arg, keys, handler, help) OptionFn handler;
#include "options.def"
#undef OPTION
#undef GROUP

/* Takes one option as if it stood on the command line. */
bool options_take(Options *o, const char *name, const char *arg,
                  Error **errp);

/* --- objects.c ---------------------------------------------------------------- */

bool object_filter_dump(Options *o, const KeyVal *kv, Error **errp);

/* --- options-blockdev.c --------------------------------------------------------- */

/* {"driver": "file", "a": {"b": 1}} as driver=file,a.b=1, which the caller
 * frees; NULL with an error. */
char *options_flatten_json(const char *text, Error **errp);

/* --- options-accepted.c ---------------------------------------------------------- */

/* /dev/fdset/SET becomes the name of the descriptor of -add-fd; other paths,
 * and NULL, stay. False with an error if there is no such set. */
bool options_resolve_fdset(const Options *o, char **path, Error **errp);

/* --- options-config.c ------------------------------------------------------------ */

/* Finds every -set, which may stand behind what it changes. */
bool options_collect_sets(Options *o, int argc, char **argv, Error **errp);
/* The argument of an option with what -set changes in it, which the caller
 * frees; NULL: nothing. */
char *options_apply_sets(Options *o, const char *group, const char *id,
                         const char *arg);
/* False with an error if one was for an option that is not there. */
bool options_check_sets(const Options *o, Error **errp);

/* The error for an option that is not in the table. *has_argument: the word
 * behind it is its own, if it is not an option itself. */
void options_refuse(const char *given, const char *word, bool *has_argument,
                    Error **errp);

/* Parses the command line. False with an error; o->done: the program has
 * nothing more to do and ends with o->exit_code. */
bool options_parse(Options *o, int argc, char **argv, Error **errp);
/* What depends on several options at once; after parsing. */
bool options_check(Options *o, Error **errp);
/* A log must be a file of its own (options-files.c). */
bool options_check_files(const Options *o, Error **errp);
/* The same for -replay-verify and its like (options-verify.c). */
bool options_check_verify(Options *o, Error **errp);
void options_clear(Options *o);
/* The table as -help prints it. */
void options_print_help(void);

/* The short form of a character device ("tcp::1234,server=on", "stdio",
 * "unix:PATH") as a spec. *mux_monitor: it began with "mon:". */
bool chardev_spec_parse(ChardevSpec *spec, const char *text,
                        bool *mux_monitor, Error **errp);
/* What the keys of a -chardev, or of a short form, say about a spec whose back
 * end is known. */
bool chardev_spec_fill(ChardevSpec *spec, const KeyVal *kv, Error **errp);

/* Gives the devices what -global says (options-global.c). */
bool options_apply_globals(Options *o, Error **errp);
/* Adds an end; see EndOption. */
EndOption *options_add_end(Options *o, EndKind kind, const char *option,
                     const char *dev);
/* Adds a -device with one property. */
void options_add_device(Options *o, const char *driver, const char *name,
                        const char *value);
/* True if there is an end of that kind. */
bool options_have_end(const Options *o, EndKind kind);

#endif
