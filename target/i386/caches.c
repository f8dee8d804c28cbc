/*
 * What CPUID says of caches: leaves 2 and 4 of Intel's processors, 80000005h and
 * 80000006h of AMD's. SDM vol. 2, CPUID; APM vol. 3, appendix E.4.
 */
#include "cpuid.h"

#include <string.h>

#define LINE_BYTES 64u

/* Kinds as leaf 4 numbers them. */
enum { CACHE_NONE, CACHE_DATA, CACHE_CODE, CACHE_UNIFIED };
enum { VENDOR_INTEL, VENDOR_AMD };

typedef struct Cache {
    uint8_t vendor, level, kind;
    uint16_t kib;
    uint8_t ways;
} Cache;

static const Cache caches[] = {
#define CACHE(vendor, level, kind, kib, ways) \
    { VENDOR_##vendor, level, CACHE_##kind, kib, ways },
#include "caches.def"
#undef CACHE
};

/* The nth of a vendor; NULL: there are not so many. */
static const Cache *nth_cache(unsigned vendor, unsigned n)
{
    for (size_t i = 0; i < G_N_ELEMENTS(caches); i++) {
        if (caches[i].vendor == vendor && n-- == 0) {
            return &caches[i];
        }
    }
    return NULL;
}

/* Leaf 4 exists: its place is not to be guessed by descriptors of leaf 2. */
void cpuid_descriptor_leaf(const X86Cpu *cpu, uint32_t out[4])
{
    bool parameters = cpu->id.level >= 4;
    memset(out, 0, 4 * sizeof(*out));
    if (cpuid_is_amd(cpu)) {
        return;
    }
    /* One round; TLBs of 32 to 64 entries. FFh: see leaf 4. Else 16 KiB of code,
     * 16 KiB of data, 512 KiB of level 2. */
    out[0] = 0x03020101;
    out[3] = parameters ? 0xff : 0x000c0843;
}

void cpuid_cache_leaf(const X86Cpu *cpu, uint32_t sub, uint32_t out[4])
{
    const Cache *c = cpuid_is_amd(cpu) ? NULL : nth_cache(VENDOR_INTEL, sub);
    memset(out, 0, 4 * sizeof(*out));
    if (!c) {
        return;
    }
    unsigned sharing = c->level == 3 ? cpuid_package_ids(cpu)
                                     : cpuid_core_ids(cpu);
    unsigned cores = cpuid_package_ids(cpu) / cpuid_core_ids(cpu);
    out[0] = c->kind | c->level << 5 | 1u << 8 | (sharing - 1) << 14 |
             (cores - 1) << 26;
    out[1] = (LINE_BYTES - 1) | (c->ways - 1u) << 22;
    out[2] = c->kib * KIB / LINE_BYTES / c->ways - 1;
    out[3] = c->level == 3 ? 2 : 0; /* inclusive */
}

/* Associativity as 80000006h codes it. */
static unsigned ways_code(unsigned ways)
{
    return ways >= 16 ? 8 : ways >= 8 ? 6 : ways >= 4 ? 4 : ways;
}

static uint32_t first_level(const Cache *c)
{
    return (uint32_t)c->kib << 24 | c->ways << 16 | 1 << 8 | LINE_BYTES;
}

void cpuid_amd_cache_leaf(const X86Cpu *cpu, unsigned level, uint32_t out[4])
{
    memset(out, 0, 4 * sizeof(*out));
    if (!cpuid_is_amd(cpu)) {
        return;
    }
    if (level == 1) {
        out[2] = first_level(nth_cache(VENDOR_AMD, 0));
        out[3] = first_level(nth_cache(VENDOR_AMD, 1));
        return;
    }
    const Cache *l2 = nth_cache(VENDOR_AMD, 2), *l3 = nth_cache(VENDOR_AMD, 3);
    uint32_t common = 1 << 8 | LINE_BYTES;
    out[2] = (uint32_t)l2->kib << 16 | ways_code(l2->ways) << 12 | common;
    out[3] = (uint32_t)(l3->kib / 512) << 18 | ways_code(l3->ways) << 12 |
             common;
}
