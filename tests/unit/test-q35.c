/*
 * The board q35 against its data sheets: memory routing and configuration window
 * of the MCH (Intel 3 Series Express Chipset Family), interrupts, power
 * management, reset and SMBus of the ICH9.
 */
#include "fake-pc.h"
#include "vm/runstate.h"

#define MCH   0x00
#define LPC   0xf8
#define SATA  0xfa
#define SMBUS 0xfb

#define RAM    (32 * MIB)
#define ECAM   UINT64_C(0xb0000000)
#define RCBA   UINT64_C(0xfed1c000)
#define PMBASE 0x600
#define SMB    0x700

static uint32_t mem(Machine *m, PhysAddr a, unsigned size)
{
    return address_space_ld(m->memory, a, size);
}

static void set_mem(Machine *m, PhysAddr a, uint32_t v, unsigned size)
{
    address_space_st(m->memory, a, v, size);
}

static Machine *q35(void)
{
    Machine *m = fake_board_new("q35", RAM);
    fake_pc_start(m);
    return m;
}

/* As firmware does it. */
static Machine *q35_set_up(void)
{
    Machine *m = q35();
    pci_cfg_write(m, MCH, 0x60, ECAM | 1, 4);
    pci_cfg_write(m, LPC, 0x40, PMBASE | 1, 4);
    pci_cfg_write(m, LPC, 0x44, 0x80, 1);
    pci_cfg_write(m, LPC, 0xf0, RCBA | 1, 4);
    pci_cfg_write(m, SMBUS, 0x20, SMB | 1, 4);
    pci_cfg_write(m, SMBUS, 0x04, 1, 2);
    pci_cfg_write(m, SMBUS, 0x40, 1, 1);
    return m;
}

static void test_functions(void)
{
    Machine *m = q35();

    g_assert_cmphex(pci_cfg_read(m, MCH, 0, 4), ==, 0x29c08086);
    g_assert_cmphex(pci_cfg_read(m, MCH, 0x08, 4), ==, 0x06000002);
    g_assert_cmphex(pci_cfg_read(m, LPC, 0, 4), ==, 0x29188086);
    g_assert_cmphex(pci_cfg_read(m, LPC, 0x0a, 2), ==, 0x0601);
    g_assert_cmphex(pci_cfg_read(m, LPC, 0x0e, 1), ==, 0x80);
    g_assert_cmphex(pci_cfg_read(m, SATA, 0, 4), ==, 0x29228086);
    g_assert_cmphex(pci_cfg_read(m, SMBUS, 0, 4), ==, 0x29308086);
    g_assert_cmphex(pci_cfg_read(m, SMBUS, 0x0a, 2), ==, 0x0c05);
    fake_pc_free(m);
}

/* --- the MCH -------------------------------------------------------------------*/

static void test_pam(void)
{
    Machine *m = q35();

    g_assert_cmphex(mem(m, 0xf1234, 1), ==, 0x12);
    set_mem(m, 0xf1234, 0x55, 1);
    g_assert_cmphex(mem(m, 0xf1234, 1), ==, 0x12);
    pci_cfg_write(m, MCH, 0x90, 0x30, 1);
    g_assert_cmphex(mem(m, 0xf1234, 1), ==, 0);
    set_mem(m, 0xf1234, 0x55, 1);
    pci_cfg_write(m, MCH, 0x90, 0x10, 1);
    set_mem(m, 0xf1234, 0x66, 1);
    g_assert_cmphex(mem(m, 0xf1234, 1), ==, 0x55);
    /* Writes to RAM, reads from PCI. */
    pci_cfg_write(m, MCH, 0x90, 0x20, 1);
    set_mem(m, 0xf1234, 0x77, 1);
    g_assert_cmphex(mem(m, 0xf1234, 1), ==, 0x12);
    pci_cfg_write(m, MCH, 0x90, 0x30, 1);
    g_assert_cmphex(mem(m, 0xf1234, 1), ==, 0x77);
    /* PAM6, upper half: the last 16 KiB before F0000h. */
    pci_cfg_write(m, MCH, 0x96, 0x30, 1);
    set_mem(m, 0xefffc, 0x12345678, 4);
    g_assert_cmphex(mem(m, 0xefffc, 4), ==, 0x12345678);
    fake_pc_free(m);
}

static void test_smram(void)
{
    Machine *m = q35();
    AddressSpace *smm = fake_pins.smm_memory;

    g_assert_cmphex(pci_cfg_read(m, MCH, 0x9d, 1), ==, 0x02);
    g_assert_cmphex(pci_cfg_read(m, MCH, 0x9e, 1), ==, 0x38);
    pci_cfg_write(m, MCH, 0x9d, 0x4a, 1);
    set_mem(m, 0xa8000, 0x12345678, 4);
    g_assert_cmphex(mem(m, 0xa8000, 4), ==, 0x12345678);
    pci_cfg_write(m, MCH, 0x9d, 0x0a, 1);
    g_assert_cmphex(mem(m, 0xa8000, 4), ==, 0xffffffff);
    g_assert_cmphex(address_space_ld(smm, 0xa8000, 4), ==, 0x12345678);
    /* High SMRAM is the same at FEDA0000h. */
    pci_cfg_write(m, MCH, 0x9e, 0x80, 1);
    g_assert_cmphex(pci_cfg_read(m, MCH, 0x9e, 1), ==, 0xb8);
    g_assert_cmphex(address_space_ld(smm, 0xfeda8000, 4), ==, 0x12345678);
    g_assert_cmphex(mem(m, 0xfeda8000, 4), ==, 0xffffffff);
    /* Locked until reset, ESMRAMC too. */
    pci_cfg_write(m, MCH, 0x9d, 0x1a, 1);
    pci_cfg_write(m, MCH, 0x9d, 0x4a, 1);
    pci_cfg_write(m, MCH, 0x9e, 0x00, 1);
    g_assert_cmphex(pci_cfg_read(m, MCH, 0x9d, 2), ==, 0xb81a);
    machine_reset(m);
    g_assert_cmphex(pci_cfg_read(m, MCH, 0x9d, 2), ==, 0x3802);
    fake_pc_free(m);
}

static void check_tseg(Machine *m, unsigned size, uint64_t bytes)
{
    AddressSpace *smm = fake_pins.smm_memory;
    PhysAddr at = RAM - bytes;

    set_mem(m, at, 0x11223344, 4);
    set_mem(m, at - 4, 0x55667788, 4);
    pci_cfg_write(m, MCH, 0x9e, size << 1 | 1, 1);
    g_assert_cmphex(mem(m, at, 4), ==, 0xffffffff);
    set_mem(m, at, 0, 4);
    g_assert_cmphex(mem(m, at - 4, 4), ==, 0x55667788);
    g_assert_cmphex(address_space_ld(smm, at, 4), ==, 0x11223344);
    g_assert_cmphex(address_space_ld(smm, RAM - 4, 4), ==, 0);
    machine_rewire(m);
    g_assert_cmphex(mem(m, at, 4), ==, 0xffffffff);
    pci_cfg_write(m, MCH, 0x9e, 0, 1);
    g_assert_cmphex(mem(m, at, 4), ==, 0x11223344);
}

static void test_tseg(void)
{
    Machine *m = q35();

    pci_cfg_write(m, MCH, 0x9d, 0x0a, 1);
    check_tseg(m, 0, 1 * MIB);
    check_tseg(m, 1, 2 * MIB);
    check_tseg(m, 2, 8 * MIB);
    fake_pc_free(m);
}

static void test_ecam(void)
{
    Machine *m = q35();
    PhysAddr lpc = ECAM + (LPC << 12);

    g_assert_cmphex(mem(m, lpc, 4), ==, 0xffffffff);
    pci_cfg_write(m, MCH, 0x60, ECAM | 1, 4);
    g_assert_cmphex(mem(m, lpc, 4), ==, 0x29188086);
    g_assert_cmphex(mem(m, lpc + 2, 1), ==, 0x18);
    set_mem(m, lpc + 0x84, 0xabcd, 2);
    g_assert_cmphex(pci_cfg_read(m, LPC, 0x84, 2), ==, 0xabcd);
    /* A conventional function has 256 bytes; bus 1 is not there. */
    g_assert_cmphex(mem(m, lpc + 0x100, 4), ==, 0xffffffff);
    g_assert_cmphex(mem(m, ECAM + MIB, 4), ==, 0xffffffff);
    /* 64 MiB are for 64 buses, and the base may have two bits more. */
    pci_cfg_write(m, MCH, 0x60, 0xbc000000 | 5, 4);
    g_assert_cmphex(mem(m, lpc, 4), ==, 0xffffffff);
    g_assert_cmphex(mem(m, 0xbc000000 + (LPC << 12), 4), ==, 0x29188086);
    /* 128 MiB; above 4 GiB. */
    pci_cfg_write(m, MCH, 0x64, 0x1, 4);
    pci_cfg_write(m, MCH, 0x60, 0x08000000 | 3, 4);
    g_assert_cmphex(mem(m, 0x108000000 + (LPC << 12), 4), ==, 0x29188086);
    /* The fourth length is reserved. */
    pci_cfg_write(m, MCH, 0x60, 0x08000000 | 7, 4);
    g_assert_cmphex(mem(m, 0x108000000 + (LPC << 12), 4), ==, 0xffffffff);
    fake_pc_free(m);
}

/* RAM leaves room for the window of configuration. */
static void test_high_ram(void)
{
    Machine *m = fake_board_new("q35", 3 * GIB);

    fake_pc_start(m);
    set_mem(m, 5 * GIB - 4, 0x11223344, 4);
    g_assert_cmphex(mem(m, 5 * GIB - 4, 4), ==, 0x11223344);
    g_assert_cmphex(mem(m, 5 * GIB, 4), ==, 0xffffffff);
    g_assert_cmphex(mem(m, 2 * GIB - 4, 4), ==, 0);
    g_assert_cmphex(mem(m, 2 * GIB, 4), ==, 0xffffffff);
    fake_pc_free(m);
}

/* --- interrupts of the ICH9 -----------------------------------------------------*/

/* The requests that both 8259s see. */
static unsigned requests(Machine *m)
{
    out_port(m, 0x20, 0x0a, 1);
    out_port(m, 0xa0, 0x0a, 1);
    return in_port(m, 0x20, 1) | in_port(m, 0xa0, 1) << 8;
}

static void set_level(Machine *m)
{
    out_port(m, 0x4d0, 0xf8, 1);
    out_port(m, 0x4d1, 0xde, 1);
}

/* The SMBus host has INTA#: an address that nobody answers. */
static void raise_smbus(Machine *m)
{
    out_port(m, SMB + 4, 0xa1, 1);
    out_port(m, SMB + 2, 0x41, 1);
}

static void test_pirq(void)
{
    Machine *m = q35_set_up();

    set_level(m);
    g_assert_cmphex(pci_cfg_read(m, LPC, 0x60, 4), ==, 0x80808080);
    g_assert_cmphex(pci_cfg_read(m, LPC, 0x68, 4), ==, 0x80808080);
    raise_smbus(m);
    g_assert_cmphex(requests(m) & 0x0c20, ==, 0);
    pci_cfg_write(m, LPC, 0x60, 0x0a, 1);
    g_assert_cmphex(requests(m) & 0x0c20, ==, 0x0400);
    pci_cfg_write(m, LPC, 0x60, 0x0b, 1);
    g_assert_cmphex(requests(m) & 0x0c20, ==, 0x0800);
    /* D31IR: INTA# of device 31 on PIRQB#, then on PIRQH#. */
    g_assert_cmphex(mem(m, RCBA + 0x3140, 2), ==, 0x3210);
    pci_cfg_write(m, LPC, 0x61, 0x05, 1);
    set_mem(m, RCBA + 0x3140, 0x3211, 2);
    g_assert_cmphex(requests(m) & 0x0c20, ==, 0x0020);
    pci_cfg_write(m, LPC, 0x6b, 0x0a, 1);
    set_mem(m, RCBA + 0x3140, 0x3217, 2);
    g_assert_cmphex(requests(m) & 0x0c20, ==, 0x0400);
    machine_rewire(m);
    /* The event is acknowledged. */
    out_port(m, SMB, 0x04, 1);
    g_assert_cmphex(requests(m) & 0x0c20, ==, 0);
    fake_pc_free(m);
}

static void test_chipset(void)
{
    Machine *m = q35_set_up();

    g_assert_cmphex(mem(m, RCBA + 0x0000, 4), ==, 0);
    set_mem(m, RCBA + 0x3100, 0xffffffff, 4);
    g_assert_cmphex(mem(m, RCBA + 0x3100, 4), ==, 0x00042210);
    set_mem(m, RCBA + 0x3418, 0x1234, 4);
    g_assert_cmphex(mem(m, RCBA + 0x3418, 4), ==, 0x1234);
    /* No reboot by the watchdog: a strap. */
    set_mem(m, RCBA + 0x3410, 0, 4);
    g_assert_cmphex(mem(m, RCBA + 0x3410, 4), ==, 0x20);
    pci_cfg_write(m, LPC, 0xf0, 0, 4);
    g_assert_cmphex(mem(m, RCBA + 0x3140, 2), ==, 0xffff);
    fake_pc_free(m);
}

/* --- power management --------------------------------------------------------------*/

static void test_acpi(void)
{
    Machine *m = q35();

    set_level(m);
    pci_cfg_write(m, LPC, 0x40, PMBASE | 1, 4);
    g_assert_cmphex(in_port(m, PMBASE + 8, 4), ==, 0xffffffff);
    pci_cfg_write(m, LPC, 0x44, 0x80, 1);
    fake_pc_run_ns(m, 1000000);
    g_assert_cmphex(in_port(m, PMBASE + 8, 4), ==, 3579);
    /* The button is an event of its own, on IRQ 9. */
    out_port(m, 0xb2, 0xf1, 1);
    g_assert_cmphex(in_port(m, PMBASE + 4, 2), ==, 1);
    out_port(m, PMBASE + 2, 0x0100, 2);
    m->power_button.press(m->power_button.opaque);
    g_assert_cmphex(in_port(m, PMBASE, 2), ==, 0x0100);
    g_assert_cmphex(requests(m) & 0x0e00, ==, 0x0200);
    /* ACPI_CNTL moves it to IRQ 11, or away from the 8259s. */
    pci_cfg_write(m, LPC, 0x44, 0x82, 1);
    g_assert_cmphex(requests(m) & 0x0e00, ==, 0x0800);
    pci_cfg_write(m, LPC, 0x44, 0x84, 1);
    g_assert_cmphex(requests(m) & 0x0e00, ==, 0);
    pci_cfg_write(m, LPC, 0x44, 0x80, 1);
    out_port(m, PMBASE, 0x0100, 2);
    g_assert_cmphex(requests(m) & 0x0e00, ==, 0);
    /* 64 events: status is cleared by ones, enable is kept. */
    out_port(m, PMBASE + 0x28, 0x12345678, 4);
    out_port(m, PMBASE + 0x20, 0xffffffff, 4);
    g_assert_cmphex(in_port(m, PMBASE + 0x28, 4), ==, 0x12345678);
    g_assert_cmphex(in_port(m, PMBASE + 0x20, 4), ==, 0);
    fake_pc_free(m);
}

static void test_smi(void)
{
    Machine *m = q35_set_up();
    unsigned before = fake_pins.smi;

    out_port(m, 0xb2, 0x12, 1);
    out_port(m, PMBASE + 0x30, 0x20, 4);
    out_port(m, 0xb2, 0x12, 1);
    g_assert_cmpuint(fake_pins.smi, ==, before);
    out_port(m, PMBASE + 0x30, 0x21, 4);
    out_port(m, 0xb3, 0x34, 1);
    out_port(m, 0xb2, 0x12, 1);
    g_assert_cmpuint(fake_pins.smi, ==, before + 1);
    g_assert_cmphex(in_port(m, 0xb2, 1), ==, 0x12);
    g_assert_cmphex(in_port(m, 0xb3, 1), ==, 0x34);
    g_assert_cmphex(in_port(m, PMBASE + 0x34, 4), ==, 0x20);
    out_port(m, PMBASE + 0x34, 0x20, 4);
    g_assert_cmphex(in_port(m, PMBASE + 0x34, 4), ==, 0);
    /* SMI_LOCK keeps the global enable. */
    pci_cfg_write(m, LPC, 0xa0, 0x10, 1);
    out_port(m, PMBASE + 0x30, 0, 4);
    g_assert_cmphex(in_port(m, PMBASE + 0x30, 4), ==, 0x01);
    fake_pc_free(m);
}

static void test_reset_port(void)
{
    Machine *m = q35();

    out_port(m, 0xcf9, 0x02, 1);
    g_assert_cmphex(in_port(m, 0xcf9, 1), ==, 0x02);
    g_assert_false(runstate_request_pending(m));
    out_port(m, 0xcf9, 0x06, 1);
    g_assert_true(runstate_request_pending(m));
    fake_pc_free(m);
}

/* --- SMBus ----------------------------------------------------------------------------*/

static void test_smbus(void)
{
    Machine *m = q35_set_up();

    /* The semaphore is taken by reading and given back by a one. */
    g_assert_cmphex(in_port(m, SMB, 1), ==, 0x00);
    g_assert_cmphex(in_port(m, SMB, 1), ==, 0x40);
    out_port(m, SMB, 0x40, 1);
    /* Nobody answers; no interrupt is wanted. */
    out_port(m, SMB + 4, 0xa0, 1);
    out_port(m, SMB + 2, 0x48, 1);
    g_assert_cmphex(in_port(m, SMB, 1), ==, 0x04);
    g_assert_cmphex(in_port(m, SMB + 2, 1), ==, 0x08);
    g_assert_cmphex(pci_cfg_read(m, SMBUS, 0x06, 2) & 8, ==, 0);
    out_port(m, SMB, 0xff, 1);
    g_assert_cmphex(in_port(m, SMB, 1), ==, 0x00);
    /* The buffer of a block; reading control starts again. */
    in_port(m, SMB + 2, 1);
    out_port(m, SMB + 7, 0x11, 1);
    out_port(m, SMB + 7, 0x22, 1);
    in_port(m, SMB + 2, 1);
    g_assert_cmphex(in_port(m, SMB + 7, 1), ==, 0x11);
    g_assert_cmphex(in_port(m, SMB + 7, 1), ==, 0x22);
    /* Switched off nothing is sent. */
    out_port(m, SMB, 0xff, 1);
    pci_cfg_write(m, SMBUS, 0x40, 0, 1);
    out_port(m, SMB + 2, 0x48, 1);
    g_assert_cmphex(in_port(m, SMB, 1), ==, 0x00);
    fake_pc_free(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/q35/functions", test_functions);
    g_test_add_func("/q35/reset-port", test_reset_port);
    g_test_add_func("/mch/pam", test_pam);
    g_test_add_func("/mch/smram", test_smram);
    g_test_add_func("/mch/tseg", test_tseg);
    g_test_add_func("/mch/ecam", test_ecam);
    g_test_add_func("/mch/high-ram", test_high_ram);
    g_test_add_func("/ich9/pirq", test_pirq);
    g_test_add_func("/ich9/chipset", test_chipset);
    g_test_add_func("/ich9/acpi", test_acpi);
    g_test_add_func("/ich9/smi", test_smi);
    g_test_add_func("/ich9/smbus", test_smbus);
    return g_test_run();
}
