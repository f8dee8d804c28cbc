/*
 * The "low block": what the option ROM block-rom.S needs below 640 KiB to load
 * a kernel and to enter it in 32-bit protected mode, laid out here for the
 * formats that are started so (multiboot.c, pvh.c). The ROM writes the memory
 * map and three numbers of the multiboot information into it.
 */
#ifndef HW_BOOT_LOW_BLOCK_H
#define HW_BOOT_LOW_BLOCK_H

#include "boot.h"
#include "kernel-image.h"

/* ORDER block-rom (block-rom.S) */
enum {
    LOW_INFO = 0x000,
    LOW_GDTR = 0x080,
    LOW_ENTRY = 0x088,     /* far pointer to LOW_CODE */
    LOW_GDT = 0x0a0,
    LOW_CODE = 0x0c0,
    LOW_MMAP = 0x100,
    LOW_DESCRIPTORS = 0x700,
    LOW_STACK = 0xb00,
    LOW_TEXT = 0xb00,      /* module list and strings, to the end */
    LOW_MAX = 0xf000,
};

/* What the ROM writes in LOW_INFO, as multiboot has it (3.3): bytes of the map,
 * of which each entry is preceded by a word. */
enum { LOW_MAP_BYTES = LOW_INFO + 44, LOW_MAP_ENTRY = 24, LOW_MAP_WORD = 4 };

enum { SELECTOR_CODE = 0x08, SELECTOR_DATA = 0x10, SELECTOR_TSS = 0x18 };

typedef struct LowBlock {
    uint32_t addr;
    GByteArray *bytes;
    unsigned descriptors;
    uint32_t map_word;     /* in front of each entry of the map */
} LowBlock;

/* Finds a place for it that the kernel does not use, and has the kernel loaded;
 * false with an error if there is none. */
bool low_block_init(LowBlock *low, const KernelImage *k, uint32_t map_word,
                    Error **errp);
void low_block_clear(LowBlock *low);
void low_block_set_32(LowBlock *low, unsigned offset, uint32_t v);
/* Appends to the end; the guest's address of it. */
uint32_t low_block_append(LowBlock *low, const void *data, size_t len);
/* The same for "a b", or "a" if b is NULL or empty. */
uint32_t low_block_string(LowBlock *low, const char *a, const char *b);
/* The 32-bit code that enters the kernel. */
void low_block_code(LowBlock *low, const uint8_t *code, size_t len);
/* Has the initrd loaded behind the kernel, on a page boundary above 1 MiB;
 * *at: where. */
bool low_block_initrd(LowBlock *low, const Machine *m, const KernelImage *k,
                      Device *fw, uint64_t ram_bytes, uint64_t *at,
                      Error **errp);
/* Puts it all into fw_cfg, with the ROM. False if the block
 * has become too large: the command line's fault. */
bool low_block_finish(LowBlock *low, const KernelImage *k, Device *fw,
                      Error **errp);

#endif
