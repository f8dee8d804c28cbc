/*
 * Kernels out of ELF files: see kernel-image.h.
 */
#include "kernel-image.h"

#include <string.h>

#include "base/bits.h"
#include "elf.h"

static void elf_extent(const ElfImage *elf, uint64_t *start, uint64_t *end)
{
    *start = UINT64_MAX;
    *end = 0;
    for (guint i = 0; i < elf->segments->len; i++) {
        const ElfSegment *s = &g_array_index(elf->segments, ElfSegment, i);
        *start = MIN(*start, s->paddr);
        *end = MAX(*end, s->paddr + s->mem_bytes);
    }
}

static bool image_from_segments(KernelImage *k, const ElfImage *elf,
                                uint64_t ram_bytes, Error **errp)
{
    uint64_t start, end;

    elf_extent(elf, &start, &end);
    if (start >= end || end > ram_bytes) {
        error_set(errp, "the ELF segments do not fit into %" G_GUINT64_FORMAT
                  " MiB of RAM below 4 GiB", ram_bytes / MIB);
        return false;
    }
    g_byte_array_set_size(k->bytes, end - start);
    memset(k->bytes->data, 0, k->bytes->len);
    for (guint i = 0; i < elf->segments->len; i++) {
        const ElfSegment *s = &g_array_index(elf->segments, ElfSegment, i);
        memcpy(k->bytes->data + (s->paddr - start), k->data + s->file_offset,
               s->file_bytes);
    }
    k->addr = start;
    k->entry = elf_physical_entry(elf);
    return true;
}

bool kernel_image_from_elf(KernelImage *k, uint64_t ram_bytes, Error **errp)
{
    ElfImage elf;

    if (!elf_parse(k->data, k->len, &elf, errp)) {
        return false;
    }
    bool ok = elf.machine == ELF_MACHINE_386 ||
              elf.machine == ELF_MACHINE_X86_64;
    if (!ok) {
        error_set(errp, "an ELF file for another machine (%u)", elf.machine);
    }
    ok = ok && image_from_segments(k, &elf, ram_bytes, errp);
    elf_free(&elf);
    return ok;
}

#define VIDEO_START 0xa0000u

/* Linkers put a page of ELF headers in front of a kernel at 1 MiB. That page
 * is the firmware's ROM: it is left out. */
static void image_trim(KernelImage *k)
{
    uint64_t end = k->addr + k->bytes->len;

    if (k->addr >= VIDEO_START && k->addr < MIB && end > MIB &&
        k->entry >= MIB) {
        g_byte_array_remove_range(k->bytes, 0, MIB - k->addr);
        k->addr = MIB;
    }
}

bool kernel_image_check(KernelImage *k, uint64_t ram_bytes, Error **errp)
{
    image_trim(k);
    uint64_t end = k->addr + k->bytes->len;

    if (end > ram_bytes || (k->addr < MIB && end > 0x9f000)) {
        error_set(errp, "the kernel, 0x%" G_GINT64_MODIFIER "x to 0x%"
                  G_GINT64_MODIFIER "x, does not fit into memory", k->addr,
                  end);
        return false;
    }
    if (k->entry > UINT32_MAX) {
        error_set(errp, "the kernel's entry point is above 4 GiB");
        return false;
    }
    return true;
}
