/*
 * -kernel: what the firmware finds in fw_cfg, and files that are refused.
 */
#include "base/bytes.h"
#include "fake-pc.h"
#include "hw/fw-cfg.h"

#define RAM (16 * MIB)

static Machine *pc_with_kernel(const void *data, size_t len)
{
    Machine *m = fake_pc_new(RAM);
    m->config.kernel = g_bytes_new(data, len);
    return m;
}

static void pc_end(Machine *m)
{
    g_bytes_unref(m->config.kernel);
    g_clear_pointer(&m->config.initrd, g_bytes_unref);
    fake_pc_free(m);
}

static Device *find(Machine *m, const char *name)
{
    for (guint i = 0; i < m->devices->len; i++) {
        Device *dev = g_ptr_array_index(m->devices, i);
        if (g_str_equal(dev->cls->name, name)) {
            return dev;
        }
    }
    g_assert_not_reached();
}

static void multiboot_header(uint8_t *h, uint32_t flags)
{
    bytes_st_le32(h, 0x1badb002);
    bytes_st_le32(h + 4, flags);
    bytes_st_le32(h + 8, -(0x1badb002 + flags));
}

/* An a.out-kludge image of 4096 bytes with the header at 64, for 1 MiB. */
static void kludge_image(uint8_t *image)
{
    for (unsigned i = 0; i < 4096; i++) {
        image[i] = i * 3;
    }
    multiboot_header(image + 64, 0x10003);
    bytes_st_le32(image + 64 + 12, 0x100040);   /* header */
    bytes_st_le32(image + 64 + 16, 0x100000);   /* load */
    bytes_st_le32(image + 64 + 20, 0);          /* load end */
    bytes_st_le32(image + 64 + 24, 0x102000);   /* bss end */
    bytes_st_le32(image + 64 + 28, 0x100060);   /* entry */
}

static uint8_t sum(const uint8_t *p, size_t len)
{
    uint8_t v = 0;
    for (size_t i = 0; i < len; i++) {
        v += p[i];
    }
    return v;
}

static void test_kludge(void)
{
    uint8_t image[4096];
    gsize len;

    kludge_image(image);
    Machine *m = pc_with_kernel(image, sizeof image);
    m->config.initrd = g_bytes_new("module", 6);
    m->config.kernel_name = "k";
    m->config.cmdline = "a b";
    fake_pc_start(m);
    Device *fw = find(m, "fw_cfg_io");

    const uint8_t *rom = g_bytes_get_data(
        fw_cfg_file(fw, "genroms/kernel.bin"), &len);
    g_assert_cmpuint(len, ==, 1024);
    g_assert_cmphex(bytes_ld_le16(rom), ==, 0xaa55);
    g_assert_cmphex(sum(rom, len), ==, 0);
    g_assert_cmphex(sum(rom + 0x20, 32), ==, 0);
    g_assert_cmpmem(rom + 0x20, 4, "$PnP", 4);

    const uint8_t *kernel = g_bytes_get_data(
        fw_cfg_item(fw, FW_CFG_KERNEL_DATA), &len);
    g_assert_cmpuint(len, ==, 0x2000);
    g_assert_cmpmem(kernel, 4096, image, 4096);
    g_assert_cmphex(kernel[4096] | kernel[0x1fff], ==, 0);

    const uint8_t *low = g_bytes_get_data(
        fw_cfg_item(fw, FW_CFG_SETUP_DATA), &len);
    uint32_t base = bytes_ld_le32(rom + 0x4c);
    g_assert_cmphex(bytes_ld_be32(rom + 0x48), ==, base);
    g_assert_cmphex(bytes_ld_be32(rom + 0x44), ==, len);
    g_assert_cmphex(bytes_ld_le32(low), ==, 0x24d);
    g_assert_cmpstr((char *)low + (bytes_ld_le32(low + 16) - base), ==,
                    "k a b");
    const uint8_t *module = low + (bytes_ld_le32(low + 24) - base);
    g_assert_cmphex(bytes_ld_le32(module), ==, 0x102000);
    g_assert_cmphex(bytes_ld_le32(module + 4), ==, 0x102006);
    g_assert_cmpstr(g_bytes_get_data(fw_cfg_file(fw, "bootorder"), &len), ==,
                    "/rom@genroms/kernel.bin");
    g_assert_cmpuint(len, ==, strlen("/rom@genroms/kernel.bin") + 1);
    /* Two descriptors: kernel and module. */
    g_assert_cmpuint(bytes_ld_le16(rom + 0x52), ==, 2);
    g_assert_cmphex(bytes_ld_be32(low + 0x704), ==, 0x2000);
    g_assert_cmphex(bytes_ld_be64(low + 0x708), ==, 0x100000);
    g_assert_cmphex(bytes_ld_be64(low + 0x718), ==, 0x102000);
    pc_end(m);
}

/* An ELF32 executable with one segment linked at 3 GiB, loaded at 1 MiB. */
static void elf_image(uint8_t *image)
{
    memset(image, 0, 1024);
    memcpy(image, "\177ELF\1\1\1", 7);
    bytes_st_le16(image + 16, 2);
    bytes_st_le16(image + 18, 3);
    bytes_st_le32(image + 24, 0xc0000010);      /* entry */
    bytes_st_le32(image + 28, 52);              /* program headers */
    bytes_st_le16(image + 42, 32);
    bytes_st_le16(image + 44, 1);
    bytes_st_le32(image + 52, 1);
    bytes_st_le32(image + 52 + 4, 512);         /* offset */
    bytes_st_le32(image + 52 + 8, 0xc0000000);  /* virtual */
    bytes_st_le32(image + 52 + 12, 0x100000);   /* physical */
    bytes_st_le32(image + 52 + 16, 512);        /* in the file */
    bytes_st_le32(image + 52 + 20, 8192);       /* in memory */
    multiboot_header(image + 512, 0);
}

static void test_elf(void)
{
    uint8_t image[1024];
    gsize len;

    elf_image(image);
    Machine *m = pc_with_kernel(image, sizeof image);
    fake_pc_start(m);
    Device *fw = find(m, "fw_cfg_io");
    const uint8_t *kernel = g_bytes_get_data(
        fw_cfg_item(fw, FW_CFG_KERNEL_DATA), &len);
    g_assert_cmpuint(len, ==, 8192);
    g_assert_cmpmem(kernel, 512, image + 512, 512);
    /* The entry is where the segment was loaded: mov $entry, %ecx. */
    const uint8_t *low = g_bytes_get_data(
        fw_cfg_item(fw, FW_CFG_SETUP_DATA), &len);
    g_assert_cmphex(low[0xc0 + 24], ==, 0xb9);
    g_assert_cmphex(bytes_ld_le32(low + 0xc0 + 25), ==, 0x100010);
    pc_end(m);
}

/* The ELF headers that a linker puts in front of 1 MiB are left out. */
static void test_headers_in_rom(void)
{
    uint8_t image[1024];
    gsize len;

    elf_image(image);
    bytes_st_le32(image + 24, 0x100010);
    bytes_st_le32(image + 52 + 8, 0xfff80);
    bytes_st_le32(image + 52 + 12, 0xfff80);
    Machine *m = pc_with_kernel(image, sizeof image);
    fake_pc_start(m);
    const uint8_t *kernel = g_bytes_get_data(
        fw_cfg_item(find(m, "fw_cfg_io"), FW_CFG_KERNEL_DATA), &len);
    g_assert_cmpuint(len, ==, 8192 - 128);
    g_assert_cmpmem(kernel, 384, image + 512 + 128, 384);
    pc_end(m);
}

static void check_refused(const void *data, size_t len, const char *text)
{
    Machine *m = pc_with_kernel(data, len);
    Error *err = NULL;

    g_assert_false(machine_build(m, &err));
    g_assert_cmpstr(error_message(err), ==, text);
    error_free(err);
    pc_end(m);
}

static void test_refused(void)
{
    uint8_t image[4096] = { 0 };

    check_refused("x", 1, "-kernel kernel: neither a Linux kernel (bzImage or "
                          "PVH) nor a multiboot kernel");
    check_refused("", 0, "-kernel kernel: the file is empty");
    kludge_image(image);
    multiboot_header(image + 64, 0x10008);
    check_refused(image, sizeof image,
                  "-kernel kernel: unknown multiboot header flags 0x8");
    kludge_image(image);
    bytes_st_le32(image + 64 + 16, 0x200000);
    check_refused(image, sizeof image, "-kernel kernel: invalid load address in the "
                                       "multiboot header");
    kludge_image(image);
    bytes_st_le32(image + 64 + 20, 0x101001);
    check_refused(image, sizeof image, "-kernel kernel: invalid load end or bss end "
                                       "in the multiboot header");
    kludge_image(image);
    bytes_st_le32(image + 64 + 24, 0xffffffff);
    check_refused(image, sizeof image, "-kernel kernel: invalid load end or bss end "
                                       "in the multiboot header");
    kludge_image(image);
    bytes_st_le32(image + 64 + 12, 0x90040);
    bytes_st_le32(image + 64 + 16, 0x90000);
    bytes_st_le32(image + 64 + 24, 0xa0000);
    check_refused(image, sizeof image, "-kernel kernel: the kernel, 0x90000 to "
                                       "0xa0000, does not fit into memory");
    elf_image(image);
    bytes_st_le32(image + 52 + 12, 0xf00000);
    bytes_st_le32(image + 52 + 20, 0x100001);
    check_refused(image, 1024, "-kernel kernel: the ELF segments do not fit into 16 "
                               "MiB of RAM below 4 GiB");
}

/* --- Linux ---------------------------------------------------------------------- */

enum { LINUX_SETUP = 1024, LINUX_KERNEL = 4096 };

/* A bzImage of protocol 2.12: a real-mode part of two sectors, then 4 KiB. */
static void linux_image(uint8_t *image)
{
    for (unsigned i = 0; i < LINUX_SETUP + LINUX_KERNEL; i++) {
        image[i] = i < LINUX_SETUP ? 0 : i * 7;
    }
    image[0x1f1] = 1;
    bytes_st_le32(image + 0x1f4, LINUX_KERNEL / 16);
    bytes_st_le16(image + 0x1fa, 0xffff);
    bytes_st_le16(image + 0x1fe, 0xaa55);
    memcpy(image + 0x202, "HdrS", 4);
    bytes_st_le16(image + 0x206, 0x20c);
    image[0x211] = 1;
    bytes_st_le32(image + 0x22c, 0x37ffffff);
    bytes_st_le32(image + 0x238, 100);
    bytes_st_le64(image + 0x258, 0x400000);
    bytes_st_le32(image + 0x260, 0x600000);
}

typedef struct LinuxCase {
    Machine *m;
    Device *fw;
    const uint8_t *setup;
} LinuxCase;

static const uint8_t *item(LinuxCase *c, uint16_t key, size_t want)
{
    gsize len;
    const uint8_t *data = g_bytes_get_data(fw_cfg_item(c->fw, key), &len);
    g_assert_cmpuint(len, ==, want);
    return data;
}

static uint32_t number(LinuxCase *c, uint16_t key)
{
    return bytes_ld_le32(item(c, key, 4));
}

static void linux_start(LinuxCase *c, const uint8_t *image, size_t initrd,
                        const char *cmdline)
{
    g_autofree uint8_t *bytes = g_malloc0(initrd);
    c->m = pc_with_kernel(image, LINUX_SETUP + LINUX_KERNEL);
    c->m->config.initrd = initrd ? g_bytes_new(bytes, initrd) : NULL;
    c->m->config.cmdline = cmdline;
    fake_pc_start(c->m);
    c->fw = find(c->m, "fw_cfg_io");
    c->setup = item(c, FW_CFG_SETUP_DATA, LINUX_SETUP);
}

static void test_linux(void)
{
    uint8_t image[LINUX_SETUP + LINUX_KERNEL];
    LinuxCase c;
    gsize len;

    linux_image(image);
    linux_start(&c, image, 5000, "a vga=0x305 b");
    const uint8_t *rom = g_bytes_get_data(
        fw_cfg_file(c.fw, "genroms/kernel.bin"), &len);
    g_assert_cmpuint(len, ==, 1024);
    g_assert_cmphex(sum(rom, len) | sum(rom + 0x20, 32), ==, 0);
    g_assert_cmpmem(item(&c, FW_CFG_KERNEL_DATA, LINUX_KERNEL), LINUX_KERNEL,
                    image + LINUX_SETUP, LINUX_KERNEL);
    g_assert_cmphex(number(&c, FW_CFG_KERNEL_ADDR), ==, 0x100000);
    g_assert_cmphex(number(&c, FW_CFG_KERNEL_SIZE), ==, LINUX_KERNEL);
    g_assert_cmphex(number(&c, FW_CFG_SETUP_ADDR), ==, 0x10000);
    g_assert_cmphex(number(&c, FW_CFG_SETUP_SIZE), ==, LINUX_SETUP);
    g_assert_cmpstr((char *)item(&c, FW_CFG_CMDLINE_DATA, 14), ==,
                    "a vga=0x305 b");
    g_assert_cmphex(bytes_ld_le32(c.setup + 0x228), ==,
                    number(&c, FW_CFG_CMDLINE_ADDR));
    g_assert_cmphex(bytes_ld_le16(c.setup + 0x1fa), ==, 0x305);
    g_assert_cmphex(c.setup[0x210], ==, 0xff);
    g_assert_cmphex(c.setup[0x211], ==, 0x81);
    g_assert_cmphex(bytes_ld_le16(c.setup + 0x224), ==, 0xde00);
    /* The initrd: below the firmware's tables, on a page. */
    g_assert_cmphex(bytes_ld_le32(c.setup + 0x218), ==, 0xefe000);
    g_assert_cmphex(bytes_ld_le32(c.setup + 0x21c), ==, 5000);
    g_assert_cmphex(number(&c, FW_CFG_INITRD_ADDR), ==, 0xefe000);
    item(&c, FW_CFG_INITRD_DATA, 5000);
    pc_end(c.m);

    /* Its own limit and mem= hold, too; without an initrd there is none. */
    bytes_st_le32(image + 0x22c, 0xdfffff);
    linux_start(&c, image, 5000, NULL);
    g_assert_cmphex(number(&c, FW_CFG_INITRD_ADDR), ==, 0xdfe000);
    g_assert_cmphex(bytes_ld_le16(c.setup + 0x1fa), ==, 0xffff);
    pc_end(c.m);
    linux_start(&c, image, 4096, "mem=12M vga=ask");
    g_assert_cmphex(number(&c, FW_CFG_INITRD_ADDR), ==, 0xbff000);
    g_assert_cmphex(bytes_ld_le16(c.setup + 0x1fa), ==, 0xfffd);
    pc_end(c.m);
    linux_start(&c, image, 0, "mem=nopentium");
    g_assert_cmphex(number(&c, FW_CFG_INITRD_SIZE), ==, 0);
    g_assert_cmphex(bytes_ld_le32(c.setup + 0x218), ==, 0);
    pc_end(c.m);
}

/* A zImage is loaded below 640 KiB. */
static void test_linux_low(void)
{
    uint8_t image[LINUX_SETUP + LINUX_KERNEL];
    LinuxCase c;

    linux_image(image);
    bytes_st_le16(image + 0x206, 0x206);
    image[0x211] = 0;
    linux_start(&c, image, 0, "x");
    g_assert_cmphex(number(&c, FW_CFG_KERNEL_ADDR), ==, 0x10000);
    g_assert_cmphex(number(&c, FW_CFG_SETUP_ADDR), ==, 0x90000);
    g_assert_cmphex(bytes_ld_le32(c.setup + 0x228), ==, 0x99800);
    g_assert_cmphex(bytes_ld_le16(c.setup + 0x224), ==, 0x9600);
    pc_end(c.m);
}

typedef struct Damage {
    const char *error;
    size_t len;            /* of the file; 0: whole */
    unsigned at, bytes;    /* what is written there */
    uint64_t value;
    const char *cmdline;
    size_t initrd;
} Damage;

static const Damage damages[] = {
    { "-kernel kernel: a damaged Linux kernel: no boot flag 0xaa55 at offset "
      "0x1fe, or no whole header behind it", .at = 0x1fe, .bytes = 2 },
    { "-kernel kernel: a damaged Linux kernel: no boot flag 0xaa55 at offset "
      "0x1fe, or no whole header behind it", .len = 0x23b },
    { "-kernel kernel: a Linux kernel with boot protocol 2.05; at least 2.06 "
      "is needed", .at = 0x206, .bytes = 2, .value = 0x205 },
    { "-kernel kernel: a damaged Linux kernel: a real-mode part of 57344 "
      "bytes (setup_sects at offset 0x1f1)",
      .at = 0x1f1, .bytes = 1, .value = 111 },
    { "-kernel kernel: a Linux kernel that is cut short: 1000 of 5120 bytes",
      .len = 1000 },
    { "-kernel kernel: a Linux kernel that is cut short: 5104 of 5120 bytes",
      .len = 5104 },
    { "-kernel kernel: a Linux kernel that is cut short: 1024 of 1025 bytes",
      .len = 1024, .at = 0x1f4, .bytes = 4 },
    { "-kernel kernel: the kernel needs 17 MiB of RAM below 4 GiB, and there "
      "are 16", .at = 0x260, .bytes = 4, .value = 0xc00001 },
    { "-kernel kernel: the kernel needs 17592186044416 MiB of RAM below 4 "
      "GiB, and there are 16", .at = 0x258, .bytes = 8, .value = -1 },
    { "-append: 101 bytes, and this kernel takes 100 at most", .cmdline =
      "1234567890123456789012345678901234567890123456789012345678901234567890"
      "1234567890123456789012345678901" },
    { "-append: vga=zoom is no video mode: a number up to 65535, normal, ext "
      "or ask", .cmdline = "vga=zoom" },
    { "-append: mem=3X is no size", .cmdline = "mem=3X", .initrd = 1 },
    { "-initrd initrd: the file is empty", .initrd = SIZE_MAX },
    { "-initrd initrd: 5242881 bytes do not fit between the kernel, which "
      "ends at 0xa00000, and 0xf00000", .initrd = 0x500001 },
    { "-initrd initrd: 4097 bytes do not fit between the kernel, which "
      "ends at 0xa00000, and 0xa01000", .initrd = 4097,
      .cmdline = "mem=10244k" },
};

static void test_linux_refused(void)
{
    uint8_t image[LINUX_SETUP + LINUX_KERNEL];

    for (unsigned i = 0; i < G_N_ELEMENTS(damages); i++) {
        const Damage *d = &damages[i];
        size_t initrd = d->initrd == SIZE_MAX ? 0 : d->initrd;
        g_autofree uint8_t *bytes = g_malloc0(initrd + 1);
        Error *err = NULL;

        linux_image(image);
        bytes_st_le(image + d->at, d->bytes, d->value);
        Machine *m = pc_with_kernel(image, d->len ? d->len : sizeof image);
        m->config.initrd = d->initrd ? g_bytes_new(bytes, initrd) : NULL;
        m->config.cmdline = d->cmdline;
        g_assert_false(machine_build(m, &err));
        g_assert_cmpstr(error_message(err), ==, d->error);
        error_free(err);
        pc_end(m);
    }
}

/* --- PVH ---------------------------------------------------------------------------- */

enum { PVH_BYTES = 1024, PVH_NOTES = 256 };

/* An ELF64 file with a segment of 512 bytes for 1 MiB and, behind another note,
 * the entry point. */
static void pvh_image(uint8_t *image)
{
    memset(image, 0, PVH_BYTES);
    memcpy(image, "\177ELF\2\1\1", 7);
    bytes_st_le16(image + 16, 2);
    bytes_st_le16(image + 18, 62);
    bytes_st_le64(image + 24, 0x1000000);       /* not the PVH entry */
    bytes_st_le64(image + 32, 64);              /* program headers */
    bytes_st_le16(image + 54, 56);
    bytes_st_le16(image + 56, 2);
    bytes_st_le32(image + 64, 1);
    bytes_st_le64(image + 64 + 8, 512);
    bytes_st_le64(image + 64 + 24, 0x100000);
    bytes_st_le64(image + 64 + 32, 512);
    bytes_st_le64(image + 64 + 40, 8192);
    bytes_st_le32(image + 120, 4);
    bytes_st_le64(image + 120 + 8, PVH_NOTES);
    bytes_st_le64(image + 120 + 32, 20 + 24);
    memcpy(image + PVH_NOTES, "\4\0\0\0\1\0\0\0\5\0\0\0Xen\0x\0\0\0", 20);
    memcpy(image + PVH_NOTES + 20, "\4\0\0\0\10\0\0\0\22\0\0\0Xen\0", 16);
    bytes_st_le64(image + PVH_NOTES + 36, 0x100040);
    image[512] = 0xcc;
}

static void test_pvh(void)
{
    uint8_t image[PVH_BYTES];
    gsize len;

    pvh_image(image);
    Machine *m = pc_with_kernel(image, sizeof image);
    m->config.initrd = g_bytes_new("initrd", 6);
    m->config.cmdline = "a b";
    fake_pc_start(m);
    Device *fw = find(m, "fw_cfg_io");
    const uint8_t *rom = g_bytes_get_data(
        fw_cfg_file(fw, "genroms/kernel.bin"), &len);
    const uint8_t *low = g_bytes_get_data(
        fw_cfg_item(fw, FW_CFG_SETUP_DATA), &len);
    uint32_t base = bytes_ld_le32(rom + 0x4c);
    g_assert_cmphex(bytes_ld_le32(rom + 0x54), ==, 0);
    /* mov $start, %ebx; mov $entry, %ecx */
    g_assert_cmphex(low[0xc0 + 40] << 8 | low[0xc0 + 45], ==, 0xbbb9);
    g_assert_cmphex(bytes_ld_le32(low + 0xc0 + 46), ==, 0x100040);
    const uint8_t *start = low + bytes_ld_le32(low + 0xc0 + 41) - base;
    g_assert_cmphex(bytes_ld_le32(start), ==, 0x336ec578);
    g_assert_cmphex(bytes_ld_le32(start + 4), ==, 1);
    g_assert_cmpstr((char *)low + bytes_ld_le64(start + 24) - base, ==, "a b");
    g_assert_cmphex(bytes_ld_le64(start + 40), ==, base + 0x104);
    g_assert_cmphex(bytes_ld_le32(low + 0xc0 + 36), ==,
                    bytes_ld_le32(low + 0xc0 + 41) + 48);
    g_assert_cmphex(bytes_ld_le32(start + 12), ==, 1);
    const uint8_t *module = low + bytes_ld_le64(start + 16) - base;
    g_assert_cmphex(bytes_ld_le64(module), ==, 0x102000);
    g_assert_cmphex(bytes_ld_le64(module + 8), ==, 6);
    pc_end(m);
}

/* Notes that are cut short, or not where they should be, are none. */
static void test_pvh_refused(void)
{
    static const struct {
        unsigned at, bytes;
        uint64_t value;
        const char *error;
    } damages[] = {
        { 120 + 32, 8, 43, "neither" }, { 120 + 8, 8, 1000, "neither" },
        { 120 + 8, 8, -8, "neither" }, { PVH_NOTES + 24, 4, 5, "neither" },
        { PVH_NOTES + 24, 4, UINT32_MAX, "neither" },
        { PVH_NOTES, 4, UINT32_MAX, "neither" },
        { PVH_NOTES + 20, 4, UINT32_MAX, "neither" },
        { 56, 2, 20, "neither" }, { 18, 2, 40, "another machine" },
        { 64 + 40, 8, 17 * MIB, "do not fit" },
        { PVH_NOTES + 36, 8, 4 * GIB, "above 4 GiB" },
    };
    uint8_t image[PVH_BYTES];

    for (unsigned i = 0; i < G_N_ELEMENTS(damages); i++) {
        Error *err = NULL;
        pvh_image(image);
        bytes_st_le(image + damages[i].at, damages[i].bytes,
                    damages[i].value);
        Machine *m = pc_with_kernel(image, sizeof image);
        g_assert_false(machine_build(m, &err));
        g_assert_nonnull(strstr(error_message(err), damages[i].error));
        error_free(err);
        pc_end(m);
    }
}

static void test_boot_index(void)
{
    Machine *m = fake_pc_new(RAM);
    BlockDev *disk = fake_disk_new(4096);
    gsize len;

    fake_pc_add_drive(m, "d", disk, false, -2);
    fake_pc_add_device(m, "ide-cd", "unit", "1", "bootindex", "2", NULL);
    fake_pc_add_device(m, "ide-hd", "drive", "d", "bus", "ide.1", "bootindex",
                       "1", NULL);
    fake_pc_start(m);
    g_assert_cmpstr(g_bytes_get_data(
                        fw_cfg_file(find(m, "fw_cfg_io"), "bootorder"), &len),
                    ==, "/pci@i0cf8/ide@1,1/drive@1/disk@0\n"
                        "/pci@i0cf8/ide@1,1/drive@0/disk@1");
    fake_pc_free(m);
    fake_disk_free(disk);
}

/* No byte of a header, set to anything that matters, gets past the checks in
 * a way that the sanitizers or an assertion would notice. */
static void test_hostile(void)
{
    static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
    uint8_t image[4096];

    for (unsigned at = 0; at < 84; at++) {
        for (unsigned v = 0; v < G_N_ELEMENTS(values); v++) {
            elf_image(image);
            image[at] = values[v];
            Machine *m = pc_with_kernel(image, 1024);
            machine_build(m, NULL);
            pc_end(m);
        }
    }
    for (unsigned at = 64 + 12; at < 64 + 32; at++) {
        for (unsigned v = 0; v < G_N_ELEMENTS(values); v++) {
            kludge_image(image);
            image[at] = values[v];
            Machine *m = pc_with_kernel(image, sizeof image);
            machine_build(m, NULL);
            pc_end(m);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/boot/kludge", test_kludge);
    g_test_add_func("/boot/elf", test_elf);
    g_test_add_func("/boot/headers-in-rom", test_headers_in_rom);
    g_test_add_func("/boot/bootindex", test_boot_index);
    g_test_add_func("/boot/refused", test_refused);
    g_test_add_func("/boot/linux", test_linux);
    g_test_add_func("/boot/pvh", test_pvh);
    g_test_add_func("/boot/pvh-refused", test_pvh_refused);
    g_test_add_func("/boot/linux-low", test_linux_low);
    g_test_add_func("/boot/linux-refused", test_linux_refused);
    g_test_add_func("/boot/hostile", test_hostile);
    return g_test_run();
}
