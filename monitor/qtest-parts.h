/*
 * What qtest.c offers to qtest-memory.c: a request, and its answer.
 */
#ifndef MONITOR_QTEST_PARTS_H
#define MONITOR_QTEST_PARTS_H

#include "svc/qtest.h"
#include "vm/device.h"
#include "vm/irq.h"

#define TAPS_MAX 64u

typedef struct Tap {
    Qtest *qtest;
    IrqLine *line;             /* NULL: not in use */
    bool level;
} Tap;

struct Qtest {
    Machine *machine;
    Chardev *chr;
    FILE *log;
    int64_t start_us;
    GString *input;
    char **words;              /* of the request; words[0] is its name */
    unsigned count;
    Tap taps[TAPS_MAX];
    bool tapped;
};

/* A line to the peer. */
void qtest_say(Qtest *q, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* Word n of the request as a number; false: answered that it is none. */
bool qtest_number(Qtest *q, unsigned n, uint64_t *v);

/* --- qtest-memory.c: requests ---------------------------------------------------- */

void qtest_cmd_in(Qtest *q);
void qtest_cmd_out(Qtest *q);
void qtest_cmd_load(Qtest *q);
void qtest_cmd_store(Qtest *q);
void qtest_cmd_read(Qtest *q);
void qtest_cmd_b64read(Qtest *q);
void qtest_cmd_write(Qtest *q);
void qtest_cmd_b64write(Qtest *q);
void qtest_cmd_memset(Qtest *q);

#endif
