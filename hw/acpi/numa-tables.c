/*
 * SRAT and SLIT: which processors and which memory belong together, and how far
 * these nodes are from each other (ACPI 6.4, 5.2.16 and 5.2.17).
 */
#include "acpi-tables.h"

#include "hw/acpi.h"
#include "pins/x86.h"
#include "vm/machine.h"

enum { SRAT_PROCESSOR = 0, SRAT_MEMORY = 1, SRAT_X2APIC = 2 };
#define ENABLED 1u

static void add_processor(AcpiTables *t, uint32_t node, uint32_t id)
{
    bool wide = id >= 255;
    acpi_u8(t, wide ? SRAT_X2APIC : SRAT_PROCESSOR);
    acpi_u8(t, wide ? 24 : 16);
    if (wide) {
        acpi_u16(t, 0);
        acpi_u32(t, node);
        acpi_u32(t, id);
        acpi_u32(t, ENABLED);
        acpi_zeroes(t, 8);
        return;
    }
    acpi_u8(t, node);
    acpi_u8(t, id);
    acpi_u32(t, ENABLED);
    acpi_u8(t, 0);                 /* local SAPIC */
    acpi_u8(t, node >> 8);
    acpi_u8(t, node >> 16);
    acpi_u8(t, node >> 24);
    acpi_u32(t, 0);                /* clock domain */
}

static void add_memory(AcpiTables *t, uint32_t node, uint64_t base,
                       uint64_t bytes)
{
    acpi_u8(t, SRAT_MEMORY);
    acpi_u8(t, 40);
    acpi_u32(t, node);
    acpi_u16(t, 0);
    acpi_u64(t, base);
    acpi_u64(t, bytes);
    acpi_u32(t, 0);
    acpi_u32(t, ENABLED);
    acpi_zeroes(t, 8);
}

/* A node's part of the RAM, of which what does not fit below the hole for
 * devices goes on at 4 GiB. */
static void add_node_memory(AcpiTables *t, uint32_t node, uint64_t from,
                            uint64_t bytes, uint64_t below_4g)
{
    uint64_t low = from < below_4g ? MIN(bytes, below_4g - from) : 0;

    if (low) {
        add_memory(t, node, from, low);
    }
    if (bytes > low) {
        add_memory(t, node, 4 * GIB + from + low - below_4g, bytes - low);
    }
}

static void add_srat(AcpiTables *t, const Machine *m, uint64_t below_4g)
{
    const NumaConfig *numa = m->config.tables.numa;
    guint at = acpi_begin_table(t, "SRAT", 3);
    uint64_t from = 0;

    acpi_u32(t, 1);                /* reserved; it is what old systems want */
    acpi_zeroes(t, 8);
    for (guint i = 0; i < m->cpus->len; i++) {
        add_processor(t, numa->node_of_cpu[i],
                      x86_apic_id(&m->config.smp, i));
    }
    for (unsigned n = 0; n < numa->nodes; n++) {
        add_node_memory(t, n, from, numa->node_bytes[n], below_4g);
        from += numa->node_bytes[n];
    }
    acpi_end_table(t, at);
    acpi_name_in_root(t, at);
}

static void add_slit(AcpiTables *t, const NumaConfig *numa)
{
    guint at = acpi_begin_table(t, "SLIT", 1);

    acpi_u64(t, numa->nodes);
    for (unsigned a = 0; a < numa->nodes; a++) {
        for (unsigned b = 0; b < numa->nodes; b++) {
            acpi_u8(t, numa->distance[a][b]);
        }
    }
    acpi_end_table(t, at);
    acpi_name_in_root(t, at);
}

void acpi_add_numa(AcpiTables *t, const Machine *m, uint64_t below_4g)
{
    if (m->config.tables.numa) {
        add_srat(t, m, below_4g);
    }
    if (m->config.tables.numa && m->config.tables.numa->has_distances) {
        add_slit(t, m->config.tables.numa);
    }
}
