/*
 * Starting a kernel by the Multiboot specification, version 0.6.96.
 *
 * The firmware boots from our option ROM (multiboot-rom.S). What the ROM needs
 * is in one "low block" below 640 KiB that is laid out here: the multiboot
 * information, a GDT, the ROM's stack and descriptors that make fw_cfg put the
 * kernel and its module where they belong.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "boot.h"
#include "elf.h"
#include "hw/fw-cfg.h"
#include "rom.h"

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

/* The low block. ORDER multiboot-rom (multiboot-rom.S) */
enum {
    LOW_MBI = 0x000,
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
#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10

/* The ROM's parameters. ORDER multiboot-rom */
enum {
    ROM_LOW_CONTROL = 0x40, ROM_LOW_BYTES = 0x44, ROM_LOW_ADDR_BE = 0x48,
    ROM_LOW_ADDR = 0x4c, ROM_LOW_SEGMENT = 0x50, ROM_DESCRIPTORS = 0x52,
};

/* fw_cfg DMA descriptor: control, length, address, all big-endian. */
#define DMA_READ_SELECTED (BIT(1) | BIT(3))

typedef struct Kernel {
    const uint8_t *data;   /* the file */
    size_t len;
    size_t header;         /* offset of the multiboot header in it */
    uint32_t flags;
    uint64_t addr;         /* where the image goes */
    GByteArray *image;     /* with its zeroed part */
    uint64_t entry;
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
    const uint8_t *h = k->data + k->header;

    if (k->len - k->header < H_LONG_BYTES) {
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
                              : k->len - start;
    uint64_t mem_bytes = bss_end ? (uint64_t)bss_end - load_addr : bytes;
    if ((load_end && load_end < load_addr) || bytes > k->len - start ||
        (bss_end && bss_end < load_addr) || mem_bytes > ram_bytes) {
        error_set(errp, "invalid load end or bss end in the multiboot header");
        return false;
    }
    k->addr = load_addr;
    k->entry = bytes_ld_le32(h + H_ENTRY);
    g_byte_array_append(k->image, k->data + start, bytes);
    g_byte_array_set_size(k->image, MAX(mem_bytes, bytes));
    memset(k->image->data + bytes, 0, k->image->len - bytes);
    return true;
}

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

static bool image_from_segments(Kernel *k, const ElfImage *elf,
                                uint64_t ram_bytes, Error **errp)
{
    uint64_t start, end;

    elf_extent(elf, &start, &end);
    if (start >= end || end > ram_bytes) {
        error_set(errp, "the ELF segments do not fit into %" G_GUINT64_FORMAT
                  " MiB of RAM below 4 GiB", ram_bytes / MIB);
        return false;
    }
    g_byte_array_set_size(k->image, end - start);
    memset(k->image->data, 0, k->image->len);
    for (guint i = 0; i < elf->segments->len; i++) {
        const ElfSegment *s = &g_array_index(elf->segments, ElfSegment, i);
        memcpy(k->image->data + (s->paddr - start), k->data + s->file_offset,
               s->file_bytes);
    }
    k->addr = start;
    k->entry = elf_physical_entry(elf);
    return true;
}

static bool image_from_elf(Kernel *k, uint64_t ram_bytes, Error **errp)
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
static void image_trim(Kernel *k)
{
    uint64_t end = k->addr + k->image->len;

    if (k->addr >= VIDEO_START && k->addr < MIB && end > MIB &&
        k->entry >= MIB) {
        g_byte_array_remove_range(k->image, 0, MIB - k->addr);
        k->addr = MIB;
    }
}

/* The image may lie in RAM below 640 KiB or above 1 MiB. */
static bool image_check(Kernel *k, uint64_t ram_bytes, Error **errp)
{
    image_trim(k);
    uint64_t end = k->addr + k->image->len;

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

static bool image_make(Kernel *k, uint64_t ram_bytes, Error **errp)
{
    uint32_t unknown = k->flags & FLAGS_REQUIRED & ~FLAGS_KNOWN;

    if (unknown) {
        error_set(errp, "unknown multiboot header flags 0x%x", unknown);
        return false;
    }
    return (k->flags & FLAG_ADDRESSES ? image_from_header(k, ram_bytes, errp)
                                      : image_from_elf(k, ram_bytes, errp)) &&
           image_check(k, ram_bytes, errp);
}

/* --- the low block ----------------------------------------------------------------*/

typedef struct Low {
    uint32_t addr;
    GByteArray *bytes;
    unsigned descriptors;
} Low;

/* A place below 640 KiB that the kernel does not use. */
static bool low_place(const Kernel *k, uint32_t *addr)
{
    for (*addr = 0x80000; *addr; *addr -= 0x10000) {
        if (*addr >= k->addr + k->image->len || *addr + LOW_MAX <= k->addr) {
            return true;
        }
    }
    return false;
}

static void low_set_32(Low *low, unsigned offset, uint32_t v)
{
    bytes_st_le32(low->bytes->data + offset, v);
}

/* Appends to the end; the guest's address of it. */
static uint32_t low_append(Low *low, const void *data, size_t len)
{
    uint32_t at = low->addr + low->bytes->len;
    g_byte_array_append(low->bytes, data, len);
    return at;
}

static uint32_t low_string(Low *low, const char *a, const char *b)
{
    g_autofree char *text = g_strjoin(b && *b ? " " : NULL, a,
                                      b && *b ? b : NULL, NULL);
    return low_append(low, text, strlen(text) + 1);
}

static void low_descriptor(Low *low, uint16_t key, uint64_t addr,
                           uint32_t bytes)
{
    uint8_t *d = low->bytes->data + LOW_DESCRIPTORS + 16 * low->descriptors++;
    bytes_st_be32(d, (uint32_t)key << 16 | DMA_READ_SELECTED);
    bytes_st_be32(d + 4, bytes);
    bytes_st_be64(d + 8, addr);
}

/* Flat 32-bit code and data, SDM volume 3, 3.4.5. */
static void low_gdt(Low *low)
{
    uint8_t *gdt = low->bytes->data + LOW_GDT;
    bytes_st_le64(gdt + SELECTOR_CODE, UINT64_C(0x00cf9b000000ffff));
    bytes_st_le64(gdt + SELECTOR_DATA, UINT64_C(0x00cf93000000ffff));
    bytes_st_le16(low->bytes->data + LOW_GDTR, 3 * 8 - 1);
    low_set_32(low, LOW_GDTR + 2, low->addr + LOW_GDT);
    low_set_32(low, LOW_ENTRY, low->addr + LOW_CODE);
    bytes_st_le16(low->bytes->data + LOW_ENTRY + 4, SELECTOR_CODE);
}

/* The machine state that 3.2 asks for, then the kernel. */
static void low_code(Low *low, uint32_t entry)
{
    static const uint8_t code[] = {
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
    uint8_t *at = low->bytes->data + LOW_CODE;

    G_STATIC_ASSERT(sizeof code <= LOW_MMAP - LOW_CODE);
    memcpy(at, code, sizeof code);
    bytes_st_le32(at + 20, low->addr + LOW_MBI);
    bytes_st_le32(at + 25, entry);
}

static void low_modules(Low *low, const Machine *m, uint32_t start,
                        uint32_t bytes)
{
    const char *name = m->config.initrd_name ? m->config.initrd_name
                                             : "initrd";
    uint8_t module[16] = { 0 };

    bytes_st_le32(module, start);
    bytes_st_le32(module + 4, start + bytes);
    bytes_st_le32(module + 8, low_string(low, name, NULL));
    low_set_32(low, MBI_MODS_ADDR, low_append(low, module, sizeof module));
    low_set_32(low, MBI_MODS_COUNT, 1);
}

static void low_info(Low *low, const Machine *m)
{
    const char *name = m->config.kernel_name ? m->config.kernel_name
                                             : "kernel";

    low_set_32(low, MBI_FLAGS, MBI_HAS);
    low_set_32(low, MBI_MMAP_ADDR, low->addr + LOW_MMAP);
    low_set_32(low, MBI_CMDLINE, low_string(low, name, m->config.cmdline));
    low_set_32(low, MBI_LOADER, low_string(low, "qemu", NULL));
}

/* --- the ROM ------------------------------------------------------------------------*/

static void rom_add(const Low *low, Device *fw)
{
    static const uint8_t image[BOOT_ROM_BYTES] = {
#include "multiboot-rom.inc"
    };
    uint8_t rom[BOOT_ROM_BYTES];

    memcpy(rom, image, sizeof rom);
    bytes_st_be32(rom + ROM_LOW_CONTROL,
                  FW_CFG_SETUP_DATA << 16 | DMA_READ_SELECTED);
    bytes_st_be32(rom + ROM_LOW_BYTES, low->bytes->len);
    bytes_st_be32(rom + ROM_LOW_ADDR_BE, low->addr);
    bytes_st_le32(rom + ROM_LOW_ADDR, low->addr);
    bytes_st_le16(rom + ROM_LOW_SEGMENT, low->addr >> 4);
    bytes_st_le16(rom + ROM_DESCRIPTORS, low->descriptors);
    boot_rom_add(fw, rom);
}

/* --- all of it -------------------------------------------------------------------------*/

/* The module comes behind the kernel, on a page boundary, above 1 MiB. */
static bool add_module(Machine *m, const Kernel *k, Low *low, Device *fw,
                       uint64_t ram_bytes, Error **errp)
{
    gsize len;
    const void *data = g_bytes_get_data(m->config.initrd, &len);
    uint64_t at = bits_align_up(MAX(k->addr + k->image->len, MIB), PAGE_SIZE);

    if (len > ram_bytes || at > ram_bytes - len) {
        error_set(errp, "%zu bytes do not fit into memory behind the kernel",
                  len);
        boot_blame_initrd(m, errp);
        return false;
    }
    fw_cfg_add_bytes(fw, FW_CFG_INITRD_DATA, data, len);
    low_descriptor(low, FW_CFG_INITRD_DATA, at, len);
    low_modules(low, m, at, len);
    return true;
}

static bool add_all(Machine *m, const Kernel *k, Low *low, Device *fw,
                    uint64_t ram_bytes, Error **errp)
{
    low_gdt(low);
    low_code(low, k->entry);
    low_info(low, m);
    low_descriptor(low, FW_CFG_KERNEL_DATA, k->addr, k->image->len);
    if (m->config.initrd && !add_module(m, k, low, fw, ram_bytes, errp)) {
        return false;
    }
    if (low->bytes->len > LOW_MAX) {
        error_set(errp, "-append: the command line is too long");
        return false;
    }
    fw_cfg_add_bytes(fw, FW_CFG_KERNEL_DATA, k->image->data, k->image->len);
    fw_cfg_add_bytes(fw, FW_CFG_SETUP_DATA, low->bytes->data, low->bytes->len);
    rom_add(low, fw);
    return true;
}

bool multiboot_add(Machine *m, Device *fw, uint64_t ram_bytes, Error **errp)
{
    Kernel k = { .image = g_byte_array_new() };
    Low low = { .bytes = g_byte_array_new() };

    k.data = g_bytes_get_data(m->config.kernel, &k.len);
    bool ok = header_find(k.data, k.len, &k.header);
    g_assert(ok);
    k.flags = bytes_ld_le32(k.data + k.header + H_FLAGS);
    ok = image_make(&k, ram_bytes, errp);
    if (ok && !low_place(&k, &low.addr)) {
        error_set(errp, "the kernel leaves no room below 640 KiB");
        ok = false;
    }
    if (!ok) {
        boot_blame_kernel(m, errp);
    }
    g_byte_array_set_size(low.bytes, LOW_TEXT);
    memset(low.bytes->data, 0, low.bytes->len);
    ok = ok && add_all(m, &k, &low, fw, ram_bytes, errp);
    g_byte_array_free(k.image, TRUE);
    g_byte_array_free(low.bytes, TRUE);
    return ok;
}
