/*
 * Starting a Linux kernel for x86 ("bzImage") by the kernel's own boot
 * protocol, Documentation/x86/boot.rst, from version 2.06 on (2.6.22).
 *
 * The file is a real-mode part, whose header says what the kernel can do and
 * takes what the loader has to say, and a protected-mode part. Both go into
 * fw_cfg with the initrd and the command line, each with its address; our
 * option ROM (linux-rom.S) has them loaded and enters the real-mode part. So
 * firmware that looks for a kernel in fw_cfg itself finds the same items.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "boot.h"
#include "hw/fw-cfg.h"
#include "linux-cmdline.h"
#include "rom.h"

/* boot.rst, "The Real-Mode Kernel Header" */
enum {
    H_SETUP_SECTS = 0x1f1, H_SYSSIZE = 0x1f4, H_VID_MODE = 0x1fa,
    H_BOOT_FLAG = 0x1fe, H_MAGIC = 0x202, H_VERSION = 0x206,
    H_LOADER = 0x210, H_LOADFLAGS = 0x211, H_RAMDISK = 0x218,
    H_RAMDISK_BYTES = 0x21c, H_HEAP_END = 0x224, H_CMDLINE = 0x228,
    H_INITRD_MAX = 0x22c, H_CMDLINE_MAX = 0x238, H_PREF_ADDR = 0x258,
    H_INIT_BYTES = 0x260, H_END_2_06 = 0x23c, H_END_2_10 = 0x264,
};
#define BOOT_FLAG       0xaa55u
#define VERSION_MIN     0x206u
#define VERSION_PLACE   0x20au     /* pref_address and init_size */
#define LOADED_HIGH     BIT(0)
#define CAN_USE_HEAP    BIT(7)
#define LOADER_UNKNOWN  0xffu      /* no number was given to this loader */
#define SETUP_SECTS_OLD 4u         /* what 0 means */
#define SECTOR          512u
#define PARAGRAPH       16u
/* cmdline_size is 2.06's; a kernel that leaves it empty has the old limit. */
#define CMDLINE_OLD     255u
#define CMDLINE_LIMIT   0xffffu

/* Where the parts go. A bzImage is loaded high; a zImage ("Memory Layout")
 * below 640 KiB, with its real-mode part behind it. */
typedef struct LinuxLayout {
    uint32_t setup, heap_end, cmdline, kernel, kernel_max;
} LinuxLayout;

static const LinuxLayout layout_high = {
    .setup = 0x10000, .heap_end = 0xe000, .cmdline = 0x20000,
    .kernel = MIB, .kernel_max = UINT32_MAX,
};
static const LinuxLayout layout_low = {
    .setup = 0x90000, .heap_end = 0x9800, .cmdline = 0x99800,
    .kernel = 0x10000, .kernel_max = 0x80000,
};

/* The firmware keeps its tables (ACPI, SMBIOS) at the top of the RAM below
 * 4 GiB and reserves what it takes: an initrd must stay below. */
#define FIRMWARE_TABLES_BYTES MIB

typedef struct Linux {
    const Machine *m;
    const uint8_t *data;   /* the file */
    size_t len;
    size_t setup_bytes;    /* of its real-mode part */
    unsigned version;
    const LinuxLayout *layout;
    uint64_t ram_bytes;
    uint64_t end;          /* what the kernel needs while it unpacks */
    const char *cmdline;
    uint8_t *setup;        /* a copy of the real-mode part, filled in */
} Linux;

bool linux_is(const uint8_t *data, size_t len)
{
    return len >= H_MAGIC + 4 && !memcmp(data + H_MAGIC, "HdrS", 4);
}

/* --- what the file says ------------------------------------------------------- */

static bool header_check(Linux *k, Error **errp)
{
    if (k->len < H_END_2_06 ||
        bytes_ld_le16(k->data + H_BOOT_FLAG) != BOOT_FLAG) {
        error_set(errp, "a damaged Linux kernel: no boot flag 0xaa55 at "
                  "offset 0x1fe, or no whole header behind it");
        return false;
    }
    k->version = bytes_ld_le16(k->data + H_VERSION);
    if (k->version < VERSION_MIN) {
        error_set(errp, "a Linux kernel with boot protocol %u.%02u; at least "
                  "2.06 is needed", k->version >> 8, k->version & 0xff);
        return false;
    }
    unsigned sectors = k->data[H_SETUP_SECTS] ? k->data[H_SETUP_SECTS]
                                              : SETUP_SECTS_OLD;
    k->setup_bytes = (sectors + 1) * SECTOR;
    if (k->setup_bytes > k->layout->heap_end - SECTOR) {
        error_set(errp, "a damaged Linux kernel: a real-mode part of %zu "
                  "bytes (setup_sects at offset 0x1f1)", k->setup_bytes);
        return false;
    }
    return true;
}

/* The header counts the protected-mode part in paragraphs; the file may have
 * more (a signature, say). */
static bool length_check(const Linux *k, Error **errp)
{
    uint64_t kernel = (uint64_t)bytes_ld_le32(k->data + H_SYSSIZE) * PARAGRAPH;
    uint64_t whole = k->setup_bytes + kernel;

    /* The last paragraph need not be full. */
    if (k->len + PARAGRAPH <= whole || k->len <= k->setup_bytes) {
        error_set(errp, "a Linux kernel that is cut short: %zu of %"
                  G_GUINT64_FORMAT " bytes", k->len,
                  MAX(whole, k->setup_bytes + 1));
        return false;
    }
    return true;
}

/* From 2.10 on the header says how much memory behind its place the kernel
 * needs until it knows the memory map. */
static uint64_t kernel_end(const Linux *k)
{
    const LinuxLayout *l = k->layout;
    uint64_t end = l->kernel + (k->len - k->setup_bytes);

    if (k->version >= VERSION_PLACE && k->len >= H_END_2_10 &&
        l == &layout_high) {
        uint64_t at = MAX(bytes_ld_le64(k->data + H_PREF_ADDR), l->kernel);
        uint32_t bytes = bytes_ld_le32(k->data + H_INIT_BYTES);
        end = MAX(end, at > UINT64_MAX - bytes ? UINT64_MAX : at + bytes);
    }
    return end;
}

static bool place_check(Linux *k, Error **errp)
{
    const LinuxLayout *l = k->layout;

    if (k->len - k->setup_bytes > l->kernel_max) {
        error_set(errp, "a Linux kernel of %zu bytes to be loaded below "
                  "640 KiB, where %u is the most", k->len, l->kernel_max);
        return false;
    }
    k->end = kernel_end(k);
    if (k->end > k->ram_bytes) {
        error_set(errp, "the kernel needs %" G_GUINT64_FORMAT " MiB of RAM "
                  "below 4 GiB, and there are %" G_GUINT64_FORMAT,
                  k->end / MIB + 1, k->ram_bytes / MIB);
        return false;
    }
    return true;
}

static bool kernel_parse(Linux *k, Error **errp)
{
    k->layout = k->len > H_LOADFLAGS && k->data[H_LOADFLAGS] & LOADED_HIGH
                    ? &layout_high : &layout_low;
    return header_check(k, errp) && length_check(k, errp) &&
           place_check(k, errp);
}

/* --- what the loader says ------------------------------------------------------ */

static void setup_set_32(Linux *k, unsigned offset, uint32_t v)
{
    bytes_st_le32(k->setup + offset, v);
}

static bool add_cmdline(Linux *k, Device *fw, Error **errp)
{
    uint32_t max = bytes_ld_le32(k->data + H_CMDLINE_MAX);
    size_t len = strlen(k->cmdline);
    uint16_t video;

    max = max ? MIN(max, CMDLINE_LIMIT) : CMDLINE_OLD;
    if (len > max) {
        error_set(errp, "-append: %zu bytes, and this kernel takes %u at most",
                  len, max);
        return false;
    }
    if (!linux_cmdline_video(k->cmdline, &video, errp)) {
        return false;
    }
    if (video) {
        bytes_st_le16(k->setup + H_VID_MODE, video);
    }
    setup_set_32(k, H_CMDLINE, k->layout->cmdline);
    fw_cfg_add_i32(fw, FW_CFG_CMDLINE_ADDR, k->layout->cmdline);
    fw_cfg_add_i32(fw, FW_CFG_CMDLINE_SIZE, len + 1);
    fw_cfg_add_bytes(fw, FW_CFG_CMDLINE_DATA, k->cmdline, len + 1);
    return true;
}

/* As high as kernel, RAM and firmware allow, on a page boundary. */
static bool initrd_place(const Linux *k, size_t len, uint32_t *at,
                         Error **errp)
{
    uint64_t ram_end = k->ram_bytes, limit;

    if (!linux_cmdline_memory(k->cmdline, &limit, errp)) {
        return false;
    }
    ram_end = ram_end > FIRMWARE_TABLES_BYTES ? ram_end - FIRMWARE_TABLES_BYTES
                                              : 0;
    ram_end = MIN(ram_end, limit);
    ram_end = MIN(ram_end,
                  (uint64_t)bytes_ld_le32(k->data + H_INITRD_MAX) + 1);
    uint64_t first = bits_align_up(MAX(k->end, MIB), PAGE_SIZE);
    uint64_t last = ram_end >= len ? (ram_end - len) & ~(PAGE_SIZE - 1) : 0;

    if (last < first) {
        error_set(errp, "%zu bytes do not fit between the kernel, which ends "
                  "at 0x%" G_GINT64_MODIFIER "x, and 0x%" G_GINT64_MODIFIER
                  "x", len, k->end, ram_end);
        boot_blame_initrd(k->m, errp);
        return false;
    }
    *at = last;
    return true;
}

static bool add_initrd(Linux *k, Device *fw, Error **errp)
{
    GBytes *initrd = k->m->config.initrd;
    gsize len = 0;
    const void *data = initrd ? g_bytes_get_data(initrd, &len) : NULL;
    uint32_t at = 0;

    if (data && !initrd_place(k, len, &at, errp)) {
        return false;
    }
    setup_set_32(k, H_RAMDISK, at);
    setup_set_32(k, H_RAMDISK_BYTES, len);
    fw_cfg_add_i32(fw, FW_CFG_INITRD_ADDR, at);
    fw_cfg_add_i32(fw, FW_CFG_INITRD_SIZE, len);
    fw_cfg_add_bytes(fw, FW_CFG_INITRD_DATA, data, len);
    return true;
}

static void add_setup(Linux *k, Device *fw)
{
    k->setup[H_LOADER] = LOADER_UNKNOWN;
    k->setup[H_LOADFLAGS] |= CAN_USE_HEAP;
    bytes_st_le16(k->setup + H_HEAP_END, k->layout->heap_end - SECTOR);
    fw_cfg_add_i32(fw, FW_CFG_SETUP_ADDR, k->layout->setup);
    fw_cfg_add_i32(fw, FW_CFG_SETUP_SIZE, k->setup_bytes);
    fw_cfg_add_bytes(fw, FW_CFG_SETUP_DATA, k->setup, k->setup_bytes);
}

static void add_kernel(const Linux *k, Device *fw)
{
    size_t bytes = k->len - k->setup_bytes;

    fw_cfg_add_i32(fw, FW_CFG_KERNEL_ADDR, k->layout->kernel);
    fw_cfg_add_i32(fw, FW_CFG_KERNEL_SIZE, bytes);
    fw_cfg_add_bytes(fw, FW_CFG_KERNEL_DATA, k->data + k->setup_bytes, bytes);
}

bool linux_add(Machine *m, Device *fw, uint64_t ram_bytes, Error **errp)
{
    static const uint8_t rom_image[BOOT_ROM_BYTES] = {
#include "linux-rom.inc"
    };
    const MachineConfig *c = &m->config;
    Linux k = { .m = m, .ram_bytes = ram_bytes,
                .cmdline = c->cmdline ? c->cmdline : "" };
    uint8_t rom[BOOT_ROM_BYTES];

    k.data = g_bytes_get_data(c->kernel, &k.len);
    if (!kernel_parse(&k, errp)) {
        boot_blame_kernel(m, errp);
        return false;
    }
    k.setup = g_memdup2(k.data, k.setup_bytes);
    bool ok = add_cmdline(&k, fw, errp) && add_initrd(&k, fw, errp);
    if (ok) {
        add_setup(&k, fw);
        add_kernel(&k, fw);
        memcpy(rom, rom_image, sizeof rom);
        boot_rom_add(fw, rom);
    }
    g_free(k.setup);
    return ok;
}
