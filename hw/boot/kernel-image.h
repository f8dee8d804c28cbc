/*
 * A kernel as it is to lie in memory, for formats whose kernels are ELF files
 * or the like: multiboot.c, pvh.c.
 */
#ifndef HW_BOOT_KERNEL_IMAGE_H
#define HW_BOOT_KERNEL_IMAGE_H

#include "base/error.h"
#include "base/types.h"

typedef struct KernelImage {
    const uint8_t *data;   /* the file */
    size_t len;
    uint64_t addr;         /* where the image goes */
    GByteArray *bytes;     /* with its zeroed part */
    uint64_t entry;        /* physical */
} KernelImage;

/* Sets addr, bytes and entry by the segments of an x86 executable. ram_bytes
 * (here and below): from 0 on, below 4 GiB. */
bool kernel_image_from_elf(KernelImage *k, uint64_t ram_bytes, Error **errp);
/* The image may lie in RAM below 640 KiB or above 1 MiB. What linkers put in
 * front of 1 MiB is taken off. */
bool kernel_image_check(KernelImage *k, uint64_t ram_bytes, Error **errp);

#endif
