/*
 * Structures of SMBIOS as bytes: what smbios.c makes them of.
 */
#ifndef HW_NVRAM_SMBIOS_TABLE_H
#define HW_NVRAM_SMBIOS_TABLE_H

#include "base/types.h"

/* A structure that grows: its formatted part, and its strings behind that. */
typedef struct SmbiosTable {
    GByteArray *bytes;     /* all structures so far */
    GByteArray *strings;   /* of the present one, each with its zero */
    unsigned string_count, count;
    guint at;              /* where the present one begins */
    unsigned longest;      /* of all structures, bytes */
} SmbiosTable;

void smbios_begin(SmbiosTable *t);
void smbios_begin_struct(SmbiosTable *t, uint8_t type, uint16_t handle);
void smbios_end_struct(SmbiosTable *t);
/* A structure with its strings, made by somebody else. */
void smbios_add_struct(SmbiosTable *t, const void *data, size_t len);
/* Little-endian numbers; a string's number, 0 for NULL or none. */
void smbios_number(SmbiosTable *t, unsigned bytes, uint64_t v);
void smbios_string(SmbiosTable *t, const char *text);
void smbios_free(SmbiosTable *t);

/* The entry point: 31 bytes (2.8) or 24 (3.0) in out; its length. */
#define SMBIOS_ENTRY_MAX 31u
unsigned smbios_entry_point(const SmbiosTable *t, bool wide, uint8_t *out);

#endif
