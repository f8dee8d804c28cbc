/*
 * What SMBIOS tells of memory: the array, its devices, the ranges of addresses
 * (DSP0134, 7.17, 7.18, 7.20).
 */
#include "base/bits.h"
#include "smbios-parts.h"

#define NO_ERRORS  0xfffeu
#define MAKER      SMBIOS_MAKER
#define DIMM_BYTES (16 * GIB)

static uint64_t ram_bytes(const Smbios *s)
{
    return s->below_4g + s->above_4g;
}

static unsigned dimms(const Smbios *s)
{
    return (ram_bytes(s) + DIMM_BYTES - 1) / DIMM_BYTES;
}

#define ARRAY_OTHER  1
#define ARRAY_SYSTEM 3
#define ARRAY_ECC    6
#define KIB_TOO_MANY 0x80000000u

static void add_memory_array(Smbios *s)
{
    SmbiosTable *t = &s->t;
    bool fits = ram_bytes(s) / KIB < KIB_TOO_MANY;

    smbios_begin_struct(t, MEMORY_ARRAY, HANDLE(MEMORY_ARRAY, 0));
    smbios_number(t, 1, ARRAY_OTHER);
    smbios_number(t, 1, ARRAY_SYSTEM);
    smbios_number(t, 1, ARRAY_ECC);
    smbios_number(t, 4, fits ? ram_bytes(s) / KIB : KIB_TOO_MANY);
    smbios_number(t, 2, NO_ERRORS);
    smbios_number(t, 2, dimms(s));
    smbios_number(t, 8, fits ? 0 : ram_bytes(s));
    smbios_end_struct(t);
}

#define DIMM 9
#define DIMM_RAM 7
#define DIMM_OTHER 2
#define MIB_TOO_MANY 0x7fffu

static void dimm_size(Smbios *s, uint64_t mib)
{
    smbios_number(&s->t, 2, mib < MIB_TOO_MANY ? mib : MIB_TOO_MANY);
}

static void add_dimm(Smbios *s, unsigned n, uint64_t bytes)
{
    SmbiosTable *t = &s->t;
    const char *prefix = smbios_field(s, MEMORY_DEVICE, "loc_pfx");
    uint64_t mib = bytes / MIB;
    g_autofree char *name =
        g_strdup_printf("%s %u", prefix ? prefix : "DIMM", n);

    smbios_begin_struct(t, MEMORY_DEVICE, HANDLE(MEMORY_DEVICE, n));
    smbios_number(t, 2, HANDLE(MEMORY_ARRAY, 0));
    smbios_number(t, 2, NO_ERRORS);
    smbios_number(t, 4, UINT32_MAX);   /* widths: unknown */
    dimm_size(s, mib);
    smbios_number(t, 1, DIMM);
    smbios_number(t, 1, 0);
    smbios_string(t, name);
    smbios_text(s, MEMORY_DEVICE, "bank", NULL);
    smbios_number(t, 1, DIMM_RAM);
    smbios_number(t, 2, DIMM_OTHER);
    smbios_number(t, 2, smbios_value(s, MEMORY_DEVICE, "speed", 0));
    smbios_text(s, MEMORY_DEVICE, "manufacturer", MAKER);
    smbios_text(s, MEMORY_DEVICE, "serial", NULL);
    smbios_text(s, MEMORY_DEVICE, "asset", NULL);
    smbios_text(s, MEMORY_DEVICE, "part", NULL);
    smbios_number(t, 1, 0);
    smbios_number(t, 4, mib < MIB_TOO_MANY ? 0 : mib);
    smbios_number(t, 2, smbios_value(s, MEMORY_DEVICE, "speed", 0));
    smbios_number(t, 6, 0);            /* voltages: unknown */
    smbios_end_struct(t);
}

static void add_range(Smbios *s, unsigned n, uint64_t base, uint64_t bytes)
{
    SmbiosTable *t = &s->t;
    uint64_t end = base + bytes - 1;
    bool fits = end / KIB < UINT32_MAX;

    if (!bytes) {
        return;
    }
    smbios_begin_struct(t, MEMORY_RANGE, HANDLE(MEMORY_RANGE, n));
    smbios_number(t, 4, fits ? base / KIB : UINT32_MAX);
    smbios_number(t, 4, fits ? end / KIB : UINT32_MAX);
    smbios_number(t, 2, HANDLE(MEMORY_ARRAY, 0));
    smbios_number(t, 1, 1);
    smbios_number(t, 8, fits ? 0 : base);
    smbios_number(t, 8, fits ? 0 : end);
    smbios_end_struct(t);
}

void smbios_add_memory(Smbios *s)
{
    uint64_t left = ram_bytes(s);

    add_memory_array(s);
    for (unsigned n = 0; n < dimms(s); n++) {
        add_dimm(s, n, MIN(left, DIMM_BYTES));
        left -= MIN(left, DIMM_BYTES);
    }
    add_range(s, 0, 0, s->below_4g);
    add_range(s, 1, 4 * GIB, s->above_4g);
}
