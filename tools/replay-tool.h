/*
 * The commands of reprise-replay and what they share. Private to tools/.
 */
#ifndef REPLAY_TOOL_H
#define REPLAY_TOOL_H

#include <jansson.h>
#include <stdio.h>

#include "base/error.h"
#include "log-format.h"

/* Exit statuses; docs/user/replay-tool.md. */
enum {
    STATUS_GOOD = 0,
    STATUS_BAD = 1,            /* damaged, or the command failed */
    STATUS_CUT_OFF = 2,        /* verify: good until where it was cut off */
};

/* What a command line said; not every command accepts everything. */
typedef struct ToolArgs {
    Icount from, to;           /* dump, events, trace */
    bool json, quiet, force;
    bool yes;                  /* pack: do not ask */
    GPtrArray *also;           /* pack: char *, folders to take files from */
    uint64_t max_bytes;        /* unpack: of all files together */
    const char *out;           /* pack, trace -o */
    const char *folder;        /* unpack -C */
    const char *file;
} ToolArgs;

/* Each returns the exit status. */
int tool_info(const ToolArgs *a);
int tool_dump(const ToolArgs *a);
int tool_verify(const ToolArgs *a);
int tool_stats(const ToolArgs *a);
int tool_events(const ToolArgs *a);
int tool_trace(const ToolArgs *a);
int tool_pack(const ToolArgs *a);
int tool_unpack(const ToolArgs *a);

/* Reports and frees; returns STATUS_BAD. */
int tool_fail(Error *err);
/* Opens a log; NULL after a report. */
LogReader *tool_open(const char *file);
/* Where the last whole chunk ends: what follows was cut off. */
uint64_t tool_good_bytes(const LogReader *r);
/* Arguments as a shell would be given them; free it. */
char *tool_quote(const char *const *argv);
/* A name from anywhere as a terminal may be shown it; free it. */
char *tool_printable(const char *text);
/* A string that may be anything as JSON. */
json_t *tool_json_text(const char *text);
/* Prints and releases. */
void tool_print_json(json_t *o);
/* n a million instructions. */
double tool_per_million(uint64_t n, Icount icount);

/* A port as the identity names it. */
typedef struct ToolPort {
    unsigned number;
    int kind;                  /* NondetKind; -1: one that is not known */
    char *kind_name, *name;
} ToolPort;

/* Ports, each at its number (GPtrArray of ToolPort or NULL). */
GPtrArray *tool_ports(const LogReader *r);
/* NULL: there is none. */
const ToolPort *tool_port_find(const GPtrArray *ports, unsigned number);

#endif
