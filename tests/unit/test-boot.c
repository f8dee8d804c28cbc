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
        fw_cfg_file(fw, "genroms/multiboot.bin"), &len);
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
                    "/rom@genroms/multiboot.bin");
    g_assert_cmpuint(len, ==, strlen("/rom@genroms/multiboot.bin") + 1);
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

    check_refused("x", 1, "-kernel: not a multiboot kernel");
    memcpy(image + 0x202, "HdrS", 4);
    check_refused(image, sizeof image,
                  "-kernel: Linux kernels are not supported yet");
    kludge_image(image);
    multiboot_header(image + 64, 0x10008);
    check_refused(image, sizeof image,
                  "-kernel: unknown multiboot header flags 0x8");
    kludge_image(image);
    bytes_st_le32(image + 64 + 16, 0x200000);
    check_refused(image, sizeof image, "-kernel: invalid load address in the "
                                       "multiboot header");
    kludge_image(image);
    bytes_st_le32(image + 64 + 20, 0x101001);
    check_refused(image, sizeof image, "-kernel: invalid load end or bss end "
                                       "in the multiboot header");
    kludge_image(image);
    bytes_st_le32(image + 64 + 24, 0xffffffff);
    check_refused(image, sizeof image, "-kernel: invalid load end or bss end "
                                       "in the multiboot header");
    kludge_image(image);
    bytes_st_le32(image + 64 + 12, 0x90040);
    bytes_st_le32(image + 64 + 16, 0x90000);
    bytes_st_le32(image + 64 + 24, 0xa0000);
    check_refused(image, sizeof image, "-kernel: the kernel, 0x90000 to "
                                       "0xa0000, does not fit into memory");
    elf_image(image);
    bytes_st_le32(image + 52 + 12, 0xf00000);
    bytes_st_le32(image + 52 + 20, 0x100001);
    check_refused(image, 1024, "-kernel: the ELF segments do not fit into 16 "
                               "MiB of RAM below 4 GiB");
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
    g_test_add_func("/boot/hostile", test_hostile);
    return g_test_run();
}
