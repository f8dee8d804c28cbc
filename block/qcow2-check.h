/*
 * What the parts of the checker share. Private to qcow2-check*.c.
 */
#ifndef QCOW2_CHECK_H
#define QCOW2_CHECK_H

#include "qcow2.h"

/* Clusters that are kept book of: at most 2.25 GiB of memory, of which what is
 * not in use by the image is not touched. */
#define CHECK_CLUSTERS_MAX (UINT64_C(1) << 28)

/* What a cluster is used for. Only L2 tables and data have more than one
 * reference; nothing is two of these. */
typedef enum Use { USE_NONE, USE_META, USE_COUNTS, USE_L2, USE_DATA } Use;

typedef struct Check {
    Qcow2 *q;
    ImageCheck *result;
    bool repair;
    uint32_t *refs;        /* as found, by cluster */
    uint8_t *uses;         /* Use, by cluster */
    uint32_t *seen;        /* by cluster: the last map that has it as L2 table */
    uint32_t map;          /* that is being counted: 1, 2, … */
    uint64_t clusters;     /* the file's */
    uint64_t copied_wrong; /* "copied" flags that disagree */
    uint64_t blocks_wrong; /* blocks of counts that cannot be ones */
    uint64_t rows_wrong;   /* of the snapshot table */
    uint64_t next;         /* where data would go on without a gap, or 0 */
} Check;

static inline uint64_t check_reftable_entries(const Qcow2 *q)
{
    return ((uint64_t)q->reftable_clusters << q->cluster_bits) / 8;
}

void check_report(const Check *c, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* Counts one and reports it. */
void check_corruption(Check *c, uint64_t offset, const char *what);

/* --- qcow2-check-fix.c -------------------------------------------------- */

/* Compares the counts with those found; with repair sets them right. */
int check_compare(Check *c);
/* Bad blocks are out of the table in the file, too. */
int check_fix_reftable(Check *c);
/* Rows of the snapshot table that lack what the version asks for. */
void check_rows(Check *c);
/* Last: writes the table anew, if everything else is right. */
int check_fix_rows(Check *c);

#endif
