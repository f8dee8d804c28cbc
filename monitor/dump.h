/*
 * A dump of the guest's memory, on its way into a file.
 *
 * dump.c decides what goes into it; dump-elf.c and dump-kdump.c write the two
 * formats. They run in a copy of the process, or while the machine stands, and
 * only read.
 */
#ifndef MONITOR_DUMP_H
#define MONITOR_DUMP_H

#include "io/outfile.h"
#include "vm/cpu-dump.h"

#define DUMP_PAGE (4 * KIB)

/* Memory that is dumped, in order of addresses; whole pages, unless the user
 * asked for a part. */
typedef struct DumpRange {
    PhysAddr start;
    uint64_t bytes;
} DumpRange;

/* A part of it that has a virtual address. */
typedef struct DumpMapping {
    GuestAddr va;
    PhysAddr pa;
    uint64_t bytes;
} DumpMapping;

typedef struct Dump {
    Machine *m;
    CpuDumpKind kind;
    GArray *ranges;        /* DumpRange */
    GArray *mappings;      /* DumpMapping, in order of va; NULL: physical */
    GByteArray *notes;
    guint info_at, info_bytes; /* in notes: content of VMCOREINFO; 0: none */
    uint64_t phys_base;    /* that it tells */
    OutFile out;
    uint64_t total, completed; /* bytes of memory */
    /* Called now and then. */
    void (*tell)(void *opaque, uint64_t completed);
    void *opaque;
} Dump;

/* Write the whole file; errors of writing are in out. False with an error if
 * memory could not be read. */
bool dump_write_elf(Dump *d, Error **errp);
bool dump_write_kdump(Dump *d, Error **errp);

/* Adds the note that the guest's kernel offers, if it is one. */
void dump_add_core_info(Dump *d);

/* --- for those two ---------------------------------------------------------- */

static inline const DumpRange *dump_range(const Dump *d, guint i)
{
    return &g_array_index(d->ranges, DumpRange, i);
}

/* Reads memory that is in a range. */
bool dump_read(Dump *d, PhysAddr pa, void *buf, size_t bytes, Error **errp);
/* So many more bytes are written. */
void dump_advance(Dump *d, uint64_t bytes);

/* Adds, merged with the one before if they touch. */
void dump_add_range(GArray *ranges, PhysAddr start, uint64_t bytes);
/* What is mapped of the ranges: by paging in any processor, or without paging
 * at its physical address. NULL with an error: that has no end. */
GArray *dump_mappings(Machine *m, const GArray *ranges, Error **errp);

#endif
