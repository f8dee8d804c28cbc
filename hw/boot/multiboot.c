/*
 * Starting a kernel by the Multiboot specification, version 0.6.96.
 *
 * The firmware boots from our option ROM (block-rom.S). What the ROM needs is in
 * one block of memory (low-block.h), which begins with the multiboot
 * information.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "boot.h"
#include "low-block.h"

/* The header, 3.1. */
#define HEADER_MAGIC  0x1badb002u
#define HEADER_SEARCH 8192u
enum {
    H_MAGIC = 0, H_FLAGS = 4, H_CHECKSUM = 8, H_SHORT_BYTES = 12,
    H_HEADER_ADDR = 12, H_LOAD_ADDR = 16, H_LOAD_END = 20, H_BSS_END = 24,
    H_ENTRY = 28, H_LONG_BYTES = 32
};
#define FLAG_ADDRESSES BIT(16)
/* Must be understood: modules on page boundaries, memory and video infos. */
#define FLAGS_REQUIRED 0xffffu
#define FLAGS_KNOWN    0x0007u

/* The information, 3.3. */
enum {
    MBI_FLAGS = 0, MBI_CMDLINE = 16, MBI_MODS_COUNT = 20, MBI_MODS_ADDR = 24,
    MBI_MMAP_ADDR = 48, MBI_LOADER = 64
};
#define MBI_HAS (BIT(0) | BIT(2) | BIT(3) | BIT(6) | BIT(9))

/* The size that precedes an entry of the memory map. */
#define MAP_ENTRY_BYTES 20u

typedef struct Kernel {
    KernelImage image;
    size_t header;         /* offset of the multiboot header in the file */
    uint32_t flags;
} Kernel;

/* --- the header -----------------------------------------------------------------*/

static bool header_at(const uint8_t *p)
{
    return bytes_ld_le32(p) == HEADER_MAGIC &&
           (uint32_t)(HEADER_MAGIC + bytes_ld_le32(p + H_FLAGS) +
                      bytes_ld_le32(p + H_CHECKSUM)) == 0;
}

static bool header_find(const uint8_t *data, size_t len, size_t *at)
{
    size_t end = MIN(len, HEADER_SEARCH);
    for (*at = 0; *at + H_SHORT_BYTES <= end; *at += 4) {
        if (header_at(data + *at)) {
            return true;
        }
    }
    return false;
}

bool multiboot_is(const uint8_t *data, size_t len)
{
    size_t at;
    return header_find(data, len, &at);
}

/* --- the image -------------------------------------------------------------------*/

/* The header says where things go (3.1.3). */
static bool image_from_header(Kernel *k, uint64_t ram_bytes, Error **errp)
{
    KernelImage *file = &k->image;
    const uint8_t *h = file->data + k->header;

    if (file->len - k->header < H_LONG_BYTES) {
        error_set(errp, "the multiboot header is cut short");
        return false;
    }
    uint32_t header_addr = bytes_ld_le32(h + H_HEADER_ADDR);
    uint32_t load_addr = bytes_ld_le32(h + H_LOAD_ADDR);
    uint32_t load_end = bytes_ld_le32(h + H_LOAD_END);
    uint32_t bss_end = bytes_ld_le32(h + H_BSS_END);

    if (header_addr < load_addr || header_addr - load_addr > k->header) {
        error_set(errp, "invalid load address in the multiboot header");
        return false;
    }
    size_t start = k->header - (header_addr - load_addr);
    uint64_t bytes = load_end ? (uint64_t)load_end - load_addr
                              : file->len - start;
    uint64_t mem_bytes = bss_end ? (uint64_t)bss_end - load_addr : bytes;
    if ((load_end && load_end < load_addr) || bytes > file->len - start ||
        (bss_end && bss_end < load_addr) || mem_bytes > ram_bytes) {
        error_set(errp, "invalid load end or bss end in the multiboot header");
        return false;
    }
    file->addr = load_addr;
    file->entry = bytes_ld_le32(h + H_ENTRY);
    g_byte_array_append(file->bytes, file->data + start, bytes);
    g_byte_array_set_size(file->bytes, MAX(mem_bytes, bytes));
    memset(file->bytes->data + bytes, 0, file->bytes->len - bytes);
    return true;
}

static bool image_make(Kernel *k, uint64_t ram_bytes, Error **errp)
{
    uint32_t unknown = k->flags & FLAGS_REQUIRED & ~FLAGS_KNOWN;

    if (unknown) {
        error_set(errp, "unknown multiboot header flags 0x%x", unknown);
        return false;
    }
    bool ok = k->flags & FLAG_ADDRESSES
                  ? image_from_header(k, ram_bytes, errp)
                  : kernel_image_from_elf(&k->image, ram_bytes, errp);
    return ok && kernel_image_check(&k->image, ram_bytes, errp);
}

/* The machine state that 3.2 asks for, then the kernel. */
static void low_code(LowBlock *low, uint32_t entry)
{
    uint8_t code[] = {
        0x66, 0xb8, SELECTOR_DATA, 0x00,        /* mov $data, %ax */
        0x8e, 0xd8,                             /* mov %ax, %ds */
        0x8e, 0xc0,                             /* mov %ax, %es */
        0x8e, 0xd0,                             /* mov %ax, %ss */
        0x8e, 0xe0,                             /* mov %ax, %fs */
        0x8e, 0xe8,                             /* mov %ax, %gs */
        0xb8, 0x02, 0xb0, 0xad, 0x2b,           /* mov $0x2badb002, %eax */
        0xbb, 0, 0, 0, 0,                       /* mov $mbi, %ebx */
        0xb9, 0, 0, 0, 0,                       /* mov $entry, %ecx */
        0xff, 0xe1,                             /* jmp *%ecx */
    };

    bytes_st_le32(code + 20, low->addr + LOW_INFO);
    bytes_st_le32(code + 25, entry);
    low_block_code(low, code, sizeof code);
}

static void low_modules(LowBlock *low, const Machine *m, uint32_t start,
                        uint32_t bytes)
{
    const char *name = m->config.initrd_name ? m->config.initrd_name
                                             : "initrd";
    uint8_t module[16] = { 0 };

    bytes_st_le32(module, start);
    bytes_st_le32(module + 4, start + bytes);
    bytes_st_le32(module + 8, low_block_string(low, name, NULL));
    low_block_set_32(low, MBI_MODS_ADDR, low_block_append(low, module, sizeof module));
    low_block_set_32(low, MBI_MODS_COUNT, 1);
}

static void low_info(LowBlock *low, const Machine *m)
{
    const char *name = m->config.kernel_name ? m->config.kernel_name
                                             : "kernel";

    low_block_set_32(low, MBI_FLAGS, MBI_HAS);
    low_block_set_32(low, MBI_MMAP_ADDR, low->addr + LOW_MMAP);
    low_block_set_32(low, MBI_CMDLINE, low_block_string(low, name, m->config.cmdline));
    low_block_set_32(low, MBI_LOADER, low_block_string(low, "qemu", NULL));
}

/* --- all of it -------------------------------------------------------------------------*/

static bool add_all(Machine *m, const Kernel *k, LowBlock *low, Device *fw,
                    uint64_t ram_bytes, Error **errp)
{
    uint64_t at;

    low_code(low, k->image.entry);
    low_info(low, m);
    if (m->config.initrd) {
        if (!low_block_initrd(low, m, &k->image, fw, ram_bytes, &at, errp)) {
            return false;
        }
        low_modules(low, m, at, g_bytes_get_size(m->config.initrd));
    }
    return low_block_finish(low, &k->image, fw, errp);
}

bool multiboot_add(Machine *m, Device *fw, uint64_t ram_bytes, Error **errp)
{
    Kernel k = { .image.bytes = g_byte_array_new() };
    LowBlock low = { 0 };

    k.image.data = g_bytes_get_data(m->config.kernel, &k.image.len);
    bool ok = header_find(k.image.data, k.image.len, &k.header);
    g_assert(ok);
    k.flags = bytes_ld_le32(k.image.data + k.header + H_FLAGS);
    ok = image_make(&k, ram_bytes, errp) &&
         low_block_init(&low, &k.image, MAP_ENTRY_BYTES, errp);
    if (!ok) {
        boot_blame_kernel(m, errp);
    }
    ok = ok && add_all(m, &k, &low, fw, ram_bytes, errp);
    g_byte_array_free(k.image.bytes, TRUE);
    low_block_clear(&low);
    return ok;
}
