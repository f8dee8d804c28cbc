/*
 * Starting a kernel that is an ELF file with a note of a 32-bit entry point, as
 * Linux's vmlinux: "x86/HVM direct boot ABI (PVH)" of Xen's documentation, with
 * a memory map (version 1 of its start information).
 *
 * The low block and its ROM (low-block.h) do what a multiboot kernel needs;
 * here the code in the block also makes the map's length a number of entries.
 */
#include "base/bytes.h"
#include "boot.h"
#include "elf.h"
#include "low-block.h"

/* The note that has the entry point: XEN_ELFNOTE_PHYS32_ENTRY. */
#define NOTE_NAME  "Xen"
#define NOTE_ENTRY 18u

/* struct hvm_start_info */
enum {
    S_MAGIC = 0, S_VERSION = 4, S_MODULES = 12, S_MODULE_LIST = 16,
    S_CMDLINE = 24, S_MAP = 40, S_MAP_ENTRIES = 48, S_BYTES = 56
};
#define START_MAGIC 0x336ec578u

/* struct hvm_modlist_entry */
enum { M_ADDR = 0, M_SIZE = 8, M_BYTES = 32 };

static bool entry_note(const uint8_t *data, size_t len, uint64_t *entry)
{
    const uint8_t *desc;
    size_t bytes;

    if (!elf_note(data, len, NOTE_NAME, NOTE_ENTRY, &desc, &bytes) ||
        (bytes != 4 && bytes != 8)) {
        return false;
    }
    *entry = bytes_ld_le(desc, bytes);
    return true;
}

bool pvh_is(const uint8_t *data, size_t len)
{
    uint64_t entry;
    return entry_note(data, len, &entry);
}

/* Flat segments, a task register, ebx = the start information. Nothing is said of
 * fs and gs, and 32-bit Linux uses fs at once. */
static void add_code(LowBlock *low, uint32_t start, uint32_t entry)
{
    uint8_t code[] = {
        0x66, 0xb8, SELECTOR_DATA, 0x00,        /* mov $data, %ax */
        0x8e, 0xd8,                             /* mov %ax, %ds */
        0x8e, 0xc0,                             /* mov %ax, %es */
        0x8e, 0xd0,                             /* mov %ax, %ss */
        0x8e, 0xe0,                             /* mov %ax, %fs */
        0x8e, 0xe8,                             /* mov %ax, %gs */
        0x66, 0xb8, SELECTOR_TSS, 0x00,         /* mov $tss, %ax */
        0x0f, 0x00, 0xd8,                       /* ltr %ax */
        0xa1, 0, 0, 0, 0,                       /* mov map_bytes, %eax */
        0x31, 0xd2,                             /* xor %edx, %edx */
        0xb9, LOW_MAP_ENTRY, 0, 0, 0,           /* mov $24, %ecx */
        0xf7, 0xf1,                             /* div %ecx */
        0xa3, 0, 0, 0, 0,                       /* mov %eax, map_entries */
        0xbb, 0, 0, 0, 0,                       /* mov $start, %ebx */
        0xb9, 0, 0, 0, 0,                       /* mov $entry, %ecx */
        0xff, 0xe1,                             /* jmp *%ecx */
    };

    bytes_st_le32(code + 22, low->addr + LOW_MAP_BYTES);
    bytes_st_le32(code + 36, start + S_MAP_ENTRIES);
    bytes_st_le32(code + 41, start);
    bytes_st_le32(code + 46, entry);
    low_block_code(low, code, sizeof code);
}

static void set_initrd(LowBlock *low, uint8_t *start, uint64_t at,
                       uint64_t bytes)
{
    uint8_t module[M_BYTES] = { 0 };

    bytes_st_le64(module + M_ADDR, at);
    bytes_st_le64(module + M_SIZE, bytes);
    bytes_st_le64(start + S_MODULE_LIST,
                  low_block_append(low, module, sizeof module));
    bytes_st_le32(start + S_MODULES, 1);
}

static bool add_all(Machine *m, const KernelImage *k, LowBlock *low,
                    Device *fw, uint64_t ram_bytes, Error **errp)
{
    const char *cmdline = m->config.cmdline;
    uint8_t start[S_BYTES] = { 0 };
    uint64_t at;

    bytes_st_le32(start + S_MAGIC, START_MAGIC);
    bytes_st_le32(start + S_VERSION, 1);
    bytes_st_le64(start + S_MAP, low->addr + LOW_MMAP + LOW_MAP_WORD);
    if (m->config.initrd) {
        if (!low_block_initrd(low, m, k, fw, ram_bytes, &at, errp)) {
            return false;
        }
        set_initrd(low, start, at, g_bytes_get_size(m->config.initrd));
    }
    bytes_st_le64(start + S_CMDLINE,
                  low_block_string(low, cmdline ? cmdline : "", NULL));
    add_code(low, low_block_append(low, start, sizeof start), k->entry);
    return low_block_finish(low, k, fw, errp);
}

bool pvh_add(Machine *m, Device *fw, uint64_t ram_bytes, Error **errp)
{
    KernelImage k = { .bytes = g_byte_array_new() };
    LowBlock low = { 0 };
    uint64_t entry = 0;

    k.data = g_bytes_get_data(m->config.kernel, &k.len);
    bool ok = entry_note(k.data, k.len, &entry);
    g_assert(ok);
    ok = kernel_image_from_elf(&k, ram_bytes, errp);
    k.entry = entry;
    /* The word in front of an entry is the reserved one of the entry before. */
    ok = ok && kernel_image_check(&k, ram_bytes, errp) &&
         low_block_init(&low, &k, 0, errp);
    if (!ok) {
        boot_blame_kernel(m, errp);
    }
    ok = ok && add_all(m, &k, &low, fw, ram_bytes, errp);
    g_byte_array_free(k.bytes, TRUE);
    low_block_clear(&low);
    return ok;
}
