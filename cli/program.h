/*
 * The program: a machine, what it is connected to, and its run.
 *
 * Implemented by build.c, drives.c, identity.c, ends.c, doors.c and run.c;
 * called by main.c.
 */
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

#include <stdio.h>

#include "io/loop.h"
#include "io/netdev-open.h"
#include "io/share-open.h"
#include "io/vsock-open.h"
#include "io/world.h"
#include "options.h"
#include "svc/gdbstub.h"
#include "svc/monitor.h"
#include "svc/qtest.h"

typedef struct Program {
    Options opts;
    Machine *m;
    World *world;
    ChardevSet *chardevs;
    NetdevSet *netdevs;
    ShareSet *shares;
    VsockSet *vsocks;
    Replay *replay;            /* NULL: neither record nor replay */
    GPtrArray *monitors;       /* Monitor */
    Gdbstub *gdb;
    Chardev *gdb_chardev;      /* its own, and the one to come */
    Chardev *gdb_next;
    guint gdb_source;          /* HMP gdbserver: when that happens */
    Qtest *qtest;
    FILE *qtest_log;           /* -qtest-log */
    NondetPort *host_clock;    /* without -icount: virtual time's master */
    int64_t left_ns;           /* virtual time when the guest was left */
    NondetPort *shift_port;    /* shift=auto */
    FILE *perfmap;             /* -perfmap */
    NumaConfig *numa;          /* -numa, or NULL */
} Program;

/* Makes the machine that p->opts describe, ready to run. */
bool program_build(Program *p, Error **errp);
/* Runs until something ends it; the exit code. */
int program_run(Program *p);
/* The same for -replay-verify and -replay-state. failure: why the machine could
 * not be built (freed), or NULL. */
int program_verify(Program *p, Error *failure);
/* -replay-bisect, which builds no machine but runs this program again and
 * again; the exit code. */
int program_bisect(const Options *o);
/* Ends the recording and closes everything, in order. */
void program_close(Program *p);

/* --- the parts (private to cli/) ------------------------------------------- */

/* Opens every drive into m->config.drives. */
bool program_open_drives(Program *p, Error **errp);
void program_close_drives(Program *p);
/* Offers `info block`, once the machine is built. */
void program_add_block_info(Program *p);
/* -device's drive= that names a blkreplay drive names what is behind it. */
const char *program_drive_id(const Program *p, const char *id);

/* Reads the boot ROMs of devices into m->config.roms (roms.c). */
bool program_load_roms(Program *p, Error **errp);
/* Reads what -fw_cfg, -smbios, -acpitable and -numa say into m->config.tables
 * (tables.c, numa.c); the lines of it that a recording is bound to. */
bool program_load_tables(Program *p, Error **errp);
bool program_make_numa(Program *p, Error **errp);
void program_free_tables(Program *p);
void program_identify_tables(const Program *p, GString *out);
/* Opens networks into m->config.netdevs; offers their `info`, once the machine
 * is built. */
bool program_open_networks(Program *p, Error **errp);
void program_add_network_infos(Program *p);
/* Opens folders and sockets for the guest into m->config. */
bool program_open_shares(Program *p, Error **errp);

/* Does what -replay-end says, when it comes to that (replay-end.c). */
bool program_arm_replay_end(Program *p, Error **errp);

/* Opens the file of -perfmap, if it was asked for. */
bool program_open_perfmap(Program *p, Error **errp);
void program_close_perfmap(Program *p);

/* Opens chardevs, and fills in m->config.serials and chardevs. */
bool program_open_chardevs(Program *p, Error **errp);
/* Opens the chardev of a short form; whether it is none; an error that names
 * the option, false (ends.c). */
bool program_end_open(Program *p, EndOption *e, Error **errp);
bool program_end_is_none(const EndOption *e);
bool program_end_failed(const EndOption *e, Error **errp, Error *err);
/* Creates monitors and the gdb stub; the machine is built (doors.c). */
bool program_open_doors(Program *p, Error **errp);
void program_close_doors(Program *p);

/* Prints what -replay-state asks for; the exit code. */
int program_print_states(Program *p);

/* The lines that a recording and its replay must agree on. */
bool program_identity(Program *p, GString *out, Error **errp);

#endif
