/*
 * An ELF executable's headers, checked: what a boot loader wants to know.
 */
#ifndef HW_BOOT_ELF_H
#define HW_BOOT_ELF_H

#include "base/error.h"
#include "base/types.h"

enum { ELF_MACHINE_386 = 3, ELF_MACHINE_ARM = 40, ELF_MACHINE_X86_64 = 62,
       ELF_MACHINE_RISCV = 243 };

/* A PT_LOAD segment with something in it; its bytes lie inside the file and
 * file_bytes <= mem_bytes; no address wraps. */
typedef struct ElfSegment {
    uint64_t file_offset, file_bytes;
    uint64_t vaddr, paddr, mem_bytes;
} ElfSegment;

typedef struct ElfImage {
    bool is_64;
    unsigned machine;
    uint64_t entry;        /* as in the header: virtual */
    GArray *segments;      /* ElfSegment, in file order */
} ElfImage;

/* True if the file starts like an ELF file. */
bool elf_is(const uint8_t *data, size_t len);
/* Little-endian executables of either class. */
bool elf_parse(const uint8_t *data, size_t len, ElfImage *elf, Error **errp);
void elf_free(ElfImage *elf);
/* The content of a note (gABI, "Note Section") of that name and type among the
 * program headers of a little-endian ELF file; false if there is none, or the
 * headers are damaged. */
bool elf_note(const uint8_t *data, size_t len, const char *name,
              uint32_t type, const uint8_t **desc, size_t *desc_bytes);
/* The physical address of the entry point: translated like the segment that
 * holds it. */
uint64_t elf_physical_entry(const ElfImage *elf);

#endif
