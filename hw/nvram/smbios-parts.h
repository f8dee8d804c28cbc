/*
 * What the files share that describe a machine to SMBIOS: smbios.c,
 * smbios-memory.c.
 */
#ifndef HW_NVRAM_SMBIOS_PARTS_H
#define HW_NVRAM_SMBIOS_PARTS_H

#include "hw/smbios.h"
#include "smbios-table.h"

enum { BIOS = 0, SYSTEM = 1, BASEBOARD = 2, CHASSIS = 3, PROCESSOR = 4,
       OEM_STRINGS = 11, MEMORY_ARRAY = 16, MEMORY_DEVICE = 17,
       MEMORY_RANGE = 19, BOOT = 32, END = 127 };
/* A structure's number: its type, and which of that type. */
#define HANDLE(type, n) ((type) << 8 | (n))
#define SMBIOS_MAKER "Reprise"

typedef struct Smbios {
    const Machine *m;
    SmbiosTable t;
    uint64_t below_4g, above_4g;
} Smbios;

/* A field of -smbios type=N; NULL: it was not said. */
const char *smbios_field(const Smbios *s, unsigned type, const char *name);
/* Appends it as a string, or what it is otherwise. */
void smbios_text(Smbios *s, unsigned type, const char *name,
                 const char *otherwise);
/* The same as a number. */
uint64_t smbios_value(const Smbios *s, unsigned type, const char *name,
                      uint64_t otherwise);

void smbios_add_memory(Smbios *s);

#endif
