/*
 * What the command line says of tables and files that firmware and systems read:
 * -numa, -smbios, -acpitable, -fw_cfg. Filled in by cli/, read by boards. Files
 * arrive as bytes.
 */
#ifndef VM_BOARD_CONFIG_H
#define VM_BOARD_CONFIG_H

#include "base/types.h"

/* -numa: nodes of processors and memory. ORDER most-cpus (vm/turn.h) */
#define NUMA_NODES_MAX 64u
#define NUMA_CPUS_MAX  64u
typedef struct NumaConfig {
    unsigned nodes;
    uint64_t node_bytes[NUMA_NODES_MAX]; /* of RAM, in order */
    uint8_t node_of_cpu[NUMA_CPUS_MAX];
    bool has_distances;
    uint8_t distance[NUMA_NODES_MAX][NUMA_NODES_MAX];
} NumaConfig;

/* -fw_cfg: a file for firmware or the guest. */
typedef struct FwFileConfig {
    const char *name;
    GBytes *content;
} FwFileConfig;

/* A -smbios: fields of structures of a type, or a structure as a whole. */
typedef struct SmbiosConfig {
    unsigned type;
    GPtrArray *names, *values; /* char *, as many; a name may come again */
    GBytes *structure;     /* NULL: it is fields */
} SmbiosConfig;

/* -machine microvm,…: what it is to do without. */
typedef struct MicrovmConfig {
    bool no_pit, no_pic, no_rtc, no_serial;
    bool no_auto_cmdline;      /* places are not told on -append */
} MicrovmConfig;

typedef struct BoardConfig {
    const NumaConfig *numa;    /* NULL: no nodes */
    GPtrArray *acpi_tables;    /* GBytes *, header included */
    GPtrArray *fw_files;       /* FwFileConfig * */
    GPtrArray *smbios;         /* SmbiosConfig * */
    MicrovmConfig microvm;
    bool smbios_64;            /* -machine smbios-entry-point-type=64 */
} BoardConfig;

#endif
