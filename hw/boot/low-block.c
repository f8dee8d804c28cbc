/*
 * The low block and its ROM: see low-block.h.
 */
#include "low-block.h"

#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "hw/fw-cfg.h"
#include "rom.h"

/* The ROM's parameters. ORDER block-rom */
enum {
    ROM_LOW_CONTROL = 0x40, ROM_LOW_BYTES = 0x44, ROM_LOW_ADDR_BE = 0x48,
    ROM_LOW_ADDR = 0x4c, ROM_LOW_SEGMENT = 0x50, ROM_DESCRIPTORS = 0x52,
    ROM_MAP_WORD = 0x54,
};

/* fw_cfg DMA descriptor: control, length, address, all big-endian. */
#define DMA_READ_SELECTED (BIT(1) | BIT(3))

/* A place below 640 KiB that the kernel does not use. */
static bool find_place(const KernelImage *k, uint32_t *addr)
{
    for (*addr = 0x80000; *addr; *addr -= 0x10000) {
        if (*addr >= k->addr + k->bytes->len || *addr + LOW_MAX <= k->addr) {
            return true;
        }
    }
    return false;
}

void low_block_set_32(LowBlock *low, unsigned offset, uint32_t v)
{
    bytes_st_le32(low->bytes->data + offset, v);
}

uint32_t low_block_append(LowBlock *low, const void *data, size_t len)
{
    uint32_t at = low->addr + low->bytes->len;
    g_byte_array_append(low->bytes, data, len);
    return at;
}

uint32_t low_block_string(LowBlock *low, const char *a, const char *b)
{
    g_autofree char *text = g_strjoin(b && *b ? " " : NULL, a,
                                      b && *b ? b : NULL, NULL);
    return low_block_append(low, text, strlen(text) + 1);
}

static void add_descriptor(LowBlock *low, uint16_t key, uint64_t addr,
                           uint32_t bytes)
{
    uint8_t *d = low->bytes->data + LOW_DESCRIPTORS + 16 * low->descriptors++;
    bytes_st_be32(d, (uint32_t)key << 16 | DMA_READ_SELECTED);
    bytes_st_be32(d + 4, bytes);
    bytes_st_be64(d + 8, addr);
}

/* Flat 32-bit code and data (SDM volume 3, 3.4.5), and a TSS of 104 bytes at 0
 * (8.2.2) for whoever wants one. */
static void add_gdt(LowBlock *low)
{
    uint8_t *gdt = low->bytes->data + LOW_GDT;
    bytes_st_le64(gdt + SELECTOR_CODE, UINT64_C(0x00cf9b000000ffff));
    bytes_st_le64(gdt + SELECTOR_DATA, UINT64_C(0x00cf93000000ffff));
    bytes_st_le64(gdt + SELECTOR_TSS, UINT64_C(0x0000890000000067));
    bytes_st_le16(low->bytes->data + LOW_GDTR, 4 * 8 - 1);
    low_block_set_32(low, LOW_GDTR + 2, low->addr + LOW_GDT);
    low_block_set_32(low, LOW_ENTRY, low->addr + LOW_CODE);
    bytes_st_le16(low->bytes->data + LOW_ENTRY + 4, SELECTOR_CODE);
}

bool low_block_init(LowBlock *low, const KernelImage *k, uint32_t map_word,
                    Error **errp)
{
    *low = (LowBlock){ .map_word = map_word, .bytes = g_byte_array_new() };
    if (!find_place(k, &low->addr)) {
        error_set(errp, "the kernel leaves no room below 640 KiB");
        return false;
    }
    g_byte_array_set_size(low->bytes, LOW_TEXT);
    memset(low->bytes->data, 0, low->bytes->len);
    add_gdt(low);
    add_descriptor(low, FW_CFG_KERNEL_DATA, k->addr, k->bytes->len);
    return true;
}

void low_block_clear(LowBlock *low)
{
    g_clear_pointer(&low->bytes, g_byte_array_unref);
}

void low_block_code(LowBlock *low, const uint8_t *code, size_t len)
{
    g_assert(len <= LOW_MMAP - LOW_CODE);
    memcpy(low->bytes->data + LOW_CODE, code, len);
}

bool low_block_initrd(LowBlock *low, const Machine *m, const KernelImage *k,
                      Device *fw, uint64_t ram_bytes, uint64_t *at,
                      Error **errp)
{
    gsize len;
    const void *data = g_bytes_get_data(m->config.initrd, &len);

    *at = bits_align_up(MAX(k->addr + k->bytes->len, MIB), PAGE_SIZE);
    if (len > ram_bytes || *at > ram_bytes - len) {
        error_set(errp, "%zu bytes do not fit into memory behind the kernel",
                  len);
        boot_blame_initrd(m, errp);
        return false;
    }
    fw_cfg_add_bytes(fw, FW_CFG_INITRD_DATA, data, len);
    add_descriptor(low, FW_CFG_INITRD_DATA, *at, len);
    return true;
}

/* --- the ROM ------------------------------------------------------------------------*/

static void rom_add(const LowBlock *low, Device *fw)
{
    static const uint8_t image[BOOT_ROM_BYTES] = {
#include "block-rom.inc"
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
    bytes_st_le32(rom + ROM_MAP_WORD, low->map_word);
    boot_rom_add(fw, rom);
}

bool low_block_finish(LowBlock *low, const KernelImage *k, Device *fw,
                      Error **errp)
{
    if (low->bytes->len > LOW_MAX) {
        error_set(errp, "-append: the command line is too long");
        return false;
    }
    fw_cfg_add_bytes(fw, FW_CFG_KERNEL_DATA, k->bytes->data, k->bytes->len);
    fw_cfg_add_bytes(fw, FW_CFG_SETUP_DATA, low->bytes->data, low->bytes->len);
    rom_add(low, fw);
    return true;
}
