/*
 * The PCI side of the PC: configuration mechanism, BARs, PAM and SMRAM
 * routing, interrupt routing, reset control, power management.
 */
#include "fake-pc.h"
#include "vm/runstate.h"

#define HOST 0x00
#define ISA  0x08
#define IDE  0x09
#define PM   0x0b

#define RAM (8 * MIB)

static uint32_t mem(Machine *m, PhysAddr a, unsigned size)
{
    return address_space_ld(m->memory, a, size);
}

static Machine *pc_with_ram(uint64_t bytes)
{
    Machine *m = fake_pc_new(bytes);
    fake_pc_start(m);
    return m;
}

static void test_mechanism(void)
{
    Machine *m = pc_with_ram(RAM);

    g_assert_cmphex(pci_cfg_read(m, HOST, 0, 4), ==, 0x12378086);
    g_assert_cmphex(pci_cfg_read(m, ISA, 0, 4), ==, 0x70008086);
    g_assert_cmphex(pci_cfg_read(m, IDE, 0, 4), ==, 0x70108086);
    g_assert_cmphex(pci_cfg_read(m, PM, 0, 4), ==, 0x71138086);
    g_assert_cmphex(pci_cfg_read(m, 0x0a, 0, 4), ==, 0xffffffff);
    g_assert_cmphex(pci_cfg_read(m, ISA, 0x0e, 1), ==, 0x80);
    g_assert_cmphex(pci_cfg_read(m, ISA, 0x0a, 2), ==, 0x0601);
    /* Bytes and words of the address port do not touch it. */
    out_port(m, 0xcf8, 0x80000000, 4);
    out_port(m, 0xcf8, 0x12, 1);
    out_port(m, 0xcfa, 0x1234, 2);
    g_assert_cmphex(in_port(m, 0xcf8, 4), ==, 0x80000000);
    g_assert_cmphex(in_port(m, 0xcfe, 2), ==, 0x1237);
    /* Disabled, or another bus: nothing there. */
    out_port(m, 0xcf8, 0, 4);
    g_assert_cmphex(in_port(m, 0xcfc, 4), ==, 0xffffffff);
    out_port(m, 0xcf8, 0x80010000, 4);
    g_assert_cmphex(in_port(m, 0xcfc, 4), ==, 0xffffffff);
    /* IDs are read-only. */
    pci_cfg_write(m, HOST, 0, 0, 4);
    g_assert_cmphex(pci_cfg_read(m, HOST, 0, 4), ==, 0x12378086);
    fake_pc_free(m);
}

static void test_bar(void)
{
    Machine *m = pc_with_ram(RAM);

    g_assert_cmphex(pci_cfg_read(m, IDE, 0x20, 4), ==, 1);
    pci_cfg_write(m, IDE, 0x20, 0xffffffff, 4);
    g_assert_cmphex(pci_cfg_read(m, IDE, 0x20, 4), ==, 0xfffffff1);
    pci_cfg_write(m, IDE, 0x20, 0xc001, 4);
    /* Not decoded before the command register says so. */
    g_assert_cmphex(in_port(m, 0xc004, 4), ==, 0xffffffff);
    pci_cfg_write(m, IDE, 4, 1, 2);
    g_assert_cmphex(in_port(m, 0xc004, 4), ==, 0);
    out_port(m, 0xc004, 0x12345678, 4);
    g_assert_cmphex(in_port(m, 0xc004, 4), ==, 0x12345678);
    /* Moves, and lets the old place go. */
    pci_cfg_write(m, IDE, 0x20, 0xd001, 4);
    g_assert_cmphex(in_port(m, 0xc004, 4), ==, 0xffffffff);
    g_assert_cmphex(in_port(m, 0xd004, 4), ==, 0x12345678);
    /* Wiring follows from state alone. */
    uint64_t digest = machine_state_digest(m);
    machine_rewire(m);
    g_assert_cmpuint(machine_state_digest(m), ==, digest);
    g_assert_cmphex(in_port(m, 0xd004, 4), ==, 0x12345678);
    /* A reset unmaps it. */
    machine_reset(m);
    g_assert_cmphex(in_port(m, 0xd004, 4), ==, 0xffffffff);
    fake_pc_free(m);
}

static void test_firmware(void)
{
    Machine *m = pc_with_ram(RAM);

    g_assert_cmphex(mem(m, 0xfffffff0, 4), ==, 0xffffffff);
    g_assert_cmphex(mem(m, 0xffff1234, 1), ==, 0x12);
    g_assert_cmphex(mem(m, 0xf1234, 1), ==, 0x12);
    address_space_st(m->memory, 0xf1234, 0x99, 1);
    g_assert_cmphex(mem(m, 0xf1234, 1), ==, 0x12);
    /* Nothing below the ROM's 64 KiB, in the video area, or above RAM. */
    g_assert_cmphex(mem(m, 0xe0000, 4), ==, 0xffffffff);
    g_assert_cmphex(mem(m, 0xa0000, 4), ==, 0xffffffff);
    g_assert_cmphex(mem(m, RAM, 4), ==, 0xffffffff);
    g_assert_cmphex(mem(m, RAM - 4, 4), ==, 0);
    fake_pc_free(m);
}

/* One segment through its four modes. */
static void check_pam(Machine *m, unsigned reg, unsigned shift, PhysAddr at,
                      uint8_t rom)
{
    uint8_t old = pci_cfg_read(m, HOST, reg, 1) & (0xf0 >> shift);

    /* Write to RAM, read the ROM. */
    pci_cfg_write(m, HOST, reg, old | 2 << shift, 1);
    address_space_st(m->memory, at, 0xa5, 1);
    g_assert_cmphex(mem(m, at, 1), ==, rom);
    /* Read RAM, writes vanish. */
    pci_cfg_write(m, HOST, reg, old | 1 << shift, 1);
    g_assert_cmphex(mem(m, at, 1), ==, 0xa5);
    address_space_st(m->memory, at, 0x5a, 1);
    g_assert_cmphex(mem(m, at, 1), ==, 0xa5);
    /* RAM altogether. */
    pci_cfg_write(m, HOST, reg, old | 3 << shift, 1);
    address_space_st(m->memory, at, 0x5a, 1);
    g_assert_cmphex(mem(m, at, 1), ==, 0x5a);
    /* And neither. */
    pci_cfg_write(m, HOST, reg, old, 1);
    g_assert_cmphex(mem(m, at, 1), ==, rom);
}

static void test_pam(void)
{
    Machine *m = pc_with_ram(RAM);

    check_pam(m, 0x59, 4, 0xf1234, 0x12);
    check_pam(m, 0x59, 4, 0xfffff, 0xff);
    for (unsigned n = 0; n < 12; n++) {
        PhysAddr start = 0xc0000 + n * 0x4000;
        check_pam(m, 0x5a + n / 2, n % 2 * 4, start, 0xff);
        check_pam(m, 0x5a + n / 2, n % 2 * 4, start + 0x3fff, 0xff);
    }
    /* Reserved bits read as zero. */
    pci_cfg_write(m, HOST, 0x5a, 0xff, 1);
    g_assert_cmphex(pci_cfg_read(m, HOST, 0x5a, 1), ==, 0x77);
    fake_pc_free(m);
}

static void test_smram(void)
{
    Machine *m = pc_with_ram(RAM);
    AddressSpace *smm = fake_pins.smm_memory;

    g_assert_nonnull(smm);
    g_assert_cmphex(pci_cfg_read(m, HOST, 0x72, 1), ==, 0x02);
    /* Open: everyone sees it. */
    pci_cfg_write(m, HOST, 0x72, 0x4a, 1);
    address_space_st(m->memory, 0xa8000, 0x12345678, 4);
    g_assert_cmphex(mem(m, 0xa8000, 4), ==, 0x12345678);
    /* Closed: SMM only. */
    pci_cfg_write(m, HOST, 0x72, 0x0a, 1);
    g_assert_cmphex(mem(m, 0xa8000, 4), ==, 0xffffffff);
    g_assert_cmphex(address_space_ld(smm, 0xa8000, 4), ==, 0x12345678);
    g_assert_cmphex(address_space_ld(smm, 0xf1234, 1), ==, 0x12);
    /* Locked: cannot be opened until reset. */
    pci_cfg_write(m, HOST, 0x72, 0x1a, 1);
    pci_cfg_write(m, HOST, 0x72, 0x4a, 1);
    g_assert_cmphex(pci_cfg_read(m, HOST, 0x72, 1), ==, 0x1a);
    g_assert_cmphex(mem(m, 0xa8000, 4), ==, 0xffffffff);
    machine_rewire(m);
    pci_cfg_write(m, HOST, 0x72, 0x4a, 1);
    g_assert_cmphex(pci_cfg_read(m, HOST, 0x72, 1), ==, 0x1a);
    machine_reset(m);
    g_assert_cmphex(pci_cfg_read(m, HOST, 0x72, 1), ==, 0x02);
    g_assert_cmphex(address_space_ld(smm, 0xa8000, 4), ==, 0xffffffff);
    pci_cfg_write(m, HOST, 0x72, 0x4a, 1);
    g_assert_cmphex(mem(m, 0xa8000, 4), ==, 0x12345678);
    fake_pc_free(m);
}

static void test_hole(void)
{
    Machine *m = pc_with_ram(32 * MIB);

    address_space_st(m->memory, 15 * MIB, 0x77, 1);
    pci_cfg_write(m, HOST, 0x68, 0x80, 1);
    g_assert_cmphex(mem(m, 15 * MIB, 1), ==, 0xff);
    g_assert_cmphex(mem(m, 16 * MIB, 1), ==, 0);
    pci_cfg_write(m, HOST, 0x68, 0, 1);
    g_assert_cmphex(mem(m, 15 * MIB, 1), ==, 0x77);
    fake_pc_free(m);
}

static void test_high_ram(void)
{
    Machine *m = pc_with_ram(4 * GIB);

    address_space_st(m->memory, 4 * GIB + 512 * MIB - 4, 0x11223344, 4);
    g_assert_cmphex(mem(m, 4 * GIB + 512 * MIB - 4, 4), ==, 0x11223344);
    g_assert_cmphex(mem(m, 4 * GIB + 512 * MIB, 4), ==, 0xffffffff);
    g_assert_cmphex(mem(m, 3 * GIB + 512 * MIB - 4, 4), ==, 0);
    g_assert_cmphex(mem(m, 3 * GIB + 512 * MIB, 4), ==, 0xffffffff);
    fake_pc_free(m);
}

static void test_reset_port(void)
{
    Machine *m = pc_with_ram(RAM);

    out_port(m, 0xcf9, 0x02, 1);
    g_assert_cmphex(in_port(m, 0xcf9, 1), ==, 0x02);
    g_assert_false(runstate_request_pending(m));
    out_port(m, 0xcf9, 0x06, 1);
    g_assert_true(runstate_request_pending(m));
    fake_pc_free(m);
}

/* --- power management -------------------------------------------------------------*/

#define PMBASE 0x600

static Machine *pc_with_pm(void)
{
    Machine *m = pc_with_ram(RAM);

    g_assert_cmphex(in_port(m, PMBASE + 8, 4), ==, 0xffffffff);
    pci_cfg_write(m, PM, 0x40, PMBASE | 1, 4);
    g_assert_cmphex(pci_cfg_read(m, PM, 0x40, 4), ==, PMBASE | 1);
    g_assert_cmphex(in_port(m, PMBASE + 8, 4), ==, 0xffffffff);
    pci_cfg_write(m, PM, 0x80, 1, 1);
    return m;
}

/* The PIC set up so that IRQ 9 is seen on INTR. */
static void pic_open(Machine *m)
{
    static const uint8_t init[][2] = {
        { 0x20, 0x11 }, { 0x21, 0x08 }, { 0x21, 0x04 }, { 0x21, 0x01 },
        { 0xa0, 0x11 }, { 0xa1, 0x70 }, { 0xa1, 0x02 }, { 0xa1, 0x01 },
        { 0x21, 0xfb }, { 0xa1, 0x00 },
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(init); i++) {
        out_port(m, init[i][0], init[i][1], 1);
    }
    out_port(m, 0x4d1, 0x0e, 1);        /* 9, 10, 11: level */
}

static void test_pm_timer(void)
{
    Machine *m = pc_with_pm();

    g_assert_cmphex(in_port(m, PMBASE + 8, 4), ==, 0);
    fake_pc_run_ns(m, NS_PER_SEC);
    g_assert_cmpuint(in_port(m, PMBASE + 8, 4), ==, 3579545);
    /* Two ticks take 558.7 ns. */
    fake_pc_run_ns(m, 279);
    g_assert_cmpuint(in_port(m, PMBASE + 8, 4), ==, 3579545);
    fake_pc_run_ns(m, 1);
    g_assert_cmpuint(in_port(m, PMBASE + 8, 4), ==, 3579546);
    /* Bit 23 toggles after 8388608 ticks, 2.343 s. */
    g_assert_cmphex(in_port(m, PMBASE, 2) & 1, ==, 0);
    fake_pc_run_ns(m, 2 * NS_PER_SEC);
    g_assert_cmphex(in_port(m, PMBASE, 2) & 1, ==, 1);
    out_port(m, PMBASE, 1, 2);
    g_assert_cmphex(in_port(m, PMBASE, 2) & 1, ==, 0);
    /* After an hour: (3600 s * 3579545 + 10738635.9 + 1) mod 2^24. */
    fake_pc_run_ns(m, 3597 * NS_PER_SEC - 280);
    g_assert_cmpuint(in_port(m, PMBASE + 8, 4), ==,
                     UINT64_C(3600) * 3579545 % (1 << 24));
    fake_pc_free(m);
}

static void test_pm_interrupt(void)
{
    Machine *m = pc_with_pm();

    pic_open(m);
    out_port(m, PMBASE + 4, 1, 2);      /* SCI_EN */
    out_port(m, PMBASE + 2, 1, 2);      /* TMR_EN */
    fake_pc_run_ns(m, 2 * NS_PER_SEC);
    g_assert_false(fake_pins.intr);
    fake_pc_run_ns(m, NS_PER_SEC);
    g_assert_true(fake_pins.intr);
    g_assert_cmphex(fake_pins.ack(fake_pins.pic), ==, 0x71);
    out_port(m, PMBASE, 1, 2);
    out_port(m, 0xa0, 0x20, 1);
    out_port(m, 0x20, 0x20, 1);
    g_assert_false(fake_pins.intr);
    /* The power button. */
    out_port(m, PMBASE + 2, 0x100, 2);
    m->power_button.press(m->power_button.opaque);
    g_assert_cmphex(in_port(m, PMBASE, 2) & 0x100, ==, 0x100);
    g_assert_true(fake_pins.intr);
    out_port(m, PMBASE, 0x100, 2);
    g_assert_false(fake_pins.intr);
    fake_pc_free(m);
}

static void test_soft_off(void)
{
    Machine *m = pc_with_pm();
    int code = -1;

    out_port(m, PMBASE + 4, 1 << 10 | 0x2000, 2);       /* S3: not there */
    g_assert_false(runstate_request_pending(m));
    out_port(m, PMBASE + 4, 0x2000, 2);
    g_assert_true(runstate_request_pending(m));
    runstate_handle_requests(m);
    g_assert_true(runstate_quit_requested(m, &code));
    g_assert_cmpint(runstate_shutdown_cause(m), ==, CAUSE_GUEST_SHUTDOWN);
    fake_pc_free(m);
}

static void test_apm(void)
{
    Machine *m = pc_with_pm();

    out_port(m, 0xb3, 0x5a, 1);
    out_port(m, 0xb2, 0x01, 1);
    g_assert_cmpuint(fake_pins.smi, ==, 0);
    g_assert_cmphex(in_port(m, 0xb3, 1), ==, 0x5a);
    pci_cfg_write(m, PM, 0x58, 1 << 25, 4);
    out_port(m, 0xb2, 0x02, 1);
    g_assert_cmpuint(fake_pins.smi, ==, 1);
    g_assert_cmphex(in_port(m, 0xb2, 1), ==, 0x02);
    out_port(m, 0xb2, 0xf1, 1);
    g_assert_cmphex(in_port(m, PMBASE + 4, 2), ==, 1);
    out_port(m, 0xb2, 0xf0, 1);
    g_assert_cmphex(in_port(m, PMBASE + 4, 2), ==, 0);
    fake_pc_free(m);
}

static void test_smbus(void)
{
    Machine *m = pc_with_pm();

    pci_cfg_write(m, PM, 0x90, 0x701, 4);
    pci_cfg_write(m, PM, 0xd2, 9, 1);
    out_port(m, 0x702, 0x48, 1);
    g_assert_cmphex(in_port(m, 0x700, 1), ==, 0x04);
    out_port(m, 0x700, 0x04, 1);
    g_assert_cmphex(in_port(m, 0x700, 1), ==, 0);
    fake_pc_free(m);
}

static void test_info(void)
{
    Machine *m = pc_with_ram(RAM);
    g_autoptr(GString) out = g_string_new(NULL);

    g_assert_true(machine_info(m, "pci", out));
    g_assert_nonnull(strstr(out->str, "  Bus  0, device   1, function 1:\n"
                                      "    IDE controller: PCI device "
                                      "8086:7010\n"));
    g_assert_true(machine_info(m, "pic", out));
    g_assert_false(machine_info(m, "nothing", out));
    machine_info_qtree(m, out);
    g_assert_nonnull(strstr(out->str, "dev: PIIX4_PM"));
    fake_pc_free(m);
}

/* --- the command line -------------------------------------------------------------*/

static void check_error(Machine *m, const char *text)
{
    Error *err = NULL;
    g_assert_false(machine_build(m, &err));
    g_assert_cmpstr(error_message(err), ==, text);
    error_free(err);
    fake_pc_free(m);
}

static void test_errors(void)
{
    Machine *m = fake_pc_new(RAM);
    fake_pc_add_device(m, "foo", NULL);
    check_error(m, "-device foo: 'foo' is not a valid device model name");

    m = fake_pc_new(RAM);
    fake_pc_add_device(m, "PIIX3", NULL);
    check_error(m, "-device PIIX3: 'PIIX3' is not a valid device model name");

    m = fake_pc_new(RAM);
    fake_pc_add_device(m, "ide-hd", NULL);
    check_error(m, "-device ide-hd: No drive specified");

    m = fake_pc_new(RAM);
    fake_pc_add_device(m, "ide-cd", "bus", "ide.7", NULL);
    check_error(m, "-device ide-cd: Bus 'ide.7' not found");

    m = fake_pc_new(RAM);
    g_bytes_unref(m->config.firmware);
    m->config.firmware = g_bytes_new("x", 1);
    check_error(m, "could not load PC BIOS 'firmware': 1 bytes is not a "
                   "multiple of 64 KiB up to 16 MiB");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pci/mechanism", test_mechanism);
    g_test_add_func("/pci/bar", test_bar);
    g_test_add_func("/pci/info", test_info);
    g_test_add_func("/pc/firmware", test_firmware);
    g_test_add_func("/pc/errors", test_errors);
    g_test_add_func("/i440fx/pam", test_pam);
    g_test_add_func("/i440fx/smram", test_smram);
    g_test_add_func("/i440fx/hole", test_hole);
    g_test_add_func("/i440fx/high-ram", test_high_ram);
    g_test_add_func("/piix3/reset-port", test_reset_port);
    g_test_add_func("/pm/timer", test_pm_timer);
    g_test_add_func("/pm/interrupt", test_pm_interrupt);
    g_test_add_func("/pm/soft-off", test_soft_off);
    g_test_add_func("/pm/apm", test_apm);
    g_test_add_func("/pm/smbus", test_smbus);
    return g_test_run();
}
