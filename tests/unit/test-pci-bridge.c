/*
 * Buses behind bridges: numbers and configuration cycles, windows, interrupt
 * pins, resets (PCI-to-PCI Bridge Architecture Specification 1.2), and what is
 * of PCI Express (Base Specification 2.0).
 */
#include "fake-pc.h"

#define RAM  (16 * MIB)
#define ECAM UINT64_C(0xb0000000)
#define MCH  0x00
#define LPC  0xf8
#define PORT 0x08          /* 01.0: the root port */

#define RNG_MODERN 0x10441af4u

/* Bus 1 is behind the port, with a virtio device. */
static Machine *with_port(void)
{
    Machine *m = fake_board_new("q35", RAM);
    fake_pc_add_device(m, "pcie-root-port", "chassis", "1", "slot", "5", NULL);
    fake_pc_add_device(m, "virtio-rng-pci", "bus", "pcie.1", NULL);
    fake_pc_start(m);
    pci_cfg_write(m, MCH, 0x60, ECAM | 1, 4);
    return m;
}

static void number_buses(Machine *m)
{
    pci_cfg_write(m, PORT, 0x18, 0x00010100, 4);
}

/* A function's register through the configuration window. */
static PhysAddr at(unsigned bus, unsigned devfn, unsigned offset)
{
    return ECAM + (bus << 20) + (devfn << 12) + offset;
}

static uint32_t get(Machine *m, PhysAddr addr, unsigned size)
{
    return address_space_ld(m->memory, addr, size);
}

static void set(Machine *m, PhysAddr addr, uint32_t v, unsigned size)
{
    address_space_st(m->memory, addr, v, size);
}

static unsigned find_capability(Machine *m, unsigned bus, unsigned devfn,
                                uint8_t id)
{
    unsigned cap = get(m, at(bus, devfn, 0x34), 1);
    while (cap && get(m, at(bus, devfn, cap), 1) != id) {
        cap = get(m, at(bus, devfn, cap + 1), 1);
    }
    return cap;
}

static void test_numbers(void)
{
    Machine *m = with_port();

    g_assert_cmphex(pci_cfg_read(m, PORT, 0, 4), ==, 0x000c1b36);
    g_assert_cmphex(pci_cfg_read(m, PORT, 0x0e, 1), ==, 0x01);
    g_assert_cmphex(pci_cfg_read(m, PORT, 0x0a, 2), ==, 0x0604);
    g_assert_cmphex(get(m, at(1, 0, 0), 4), ==, 0xffffffff);
    number_buses(m);
    g_assert_cmphex(get(m, at(1, 0, 0), 4), ==, RNG_MODERN);
    g_assert_cmphex(get(m, at(1, 1, 0), 4), ==, 0xffffffff);
    g_assert_cmphex(get(m, at(2, 0, 0), 4), ==, 0xffffffff);
    /* Mechanism #1 reaches it, too. */
    out_port(m, 0xcf8, 0x80010000, 4);
    g_assert_cmphex(in_port(m, 0xcfc, 4), ==, RNG_MODERN);
    /* Another number; the same after a load. */
    pci_cfg_write(m, PORT, 0x18, 0x00090900, 4);
    machine_rewire(m);
    g_assert_cmphex(get(m, at(1, 0, 0), 4), ==, 0xffffffff);
    g_assert_cmphex(get(m, at(9, 0, 0), 4), ==, RNG_MODERN);
    machine_reset(m);
    g_assert_cmphex(pci_cfg_read(m, PORT, 0x18, 4), ==, 0);
    fake_pc_free(m);
}

static void test_express(void)
{
    Machine *m = with_port();
    number_buses(m);
    unsigned port = find_capability(m, 0, PORT, 0x10);
    unsigned end = find_capability(m, 1, 0, 0x10);

    /* Version 2, a root port with a slot, which is number 5 and full. */
    g_assert_cmphex(get(m, at(0, PORT, port + 2), 2), ==, 0x0142);
    g_assert_cmpuint(get(m, at(0, PORT, port + 0x14), 4) >> 19, ==, 5);
    g_assert_cmphex(get(m, at(0, PORT, port + 0x1a), 2), ==, 0x0040);
    g_assert_cmphex(get(m, at(0, PORT, port + 0x12), 2), ==, 0x2011);
    g_assert_cmphex(get(m, at(1, 0, end + 2), 2), ==, 0x0002);
    /* Nothing behind the first 256 bytes, which is not the end of the bus. */
    g_assert_cmphex(get(m, at(1, 0, 0x100), 4), ==, 0);
    g_assert_cmphex(get(m, at(0, LPC, 0x100), 4), ==, 0xffffffff);
    /* Control registers keep what they have, status is cleared by ones. */
    set(m, at(1, 0, end + 8), 0xffffffff, 4);
    g_assert_cmphex(get(m, at(1, 0, end + 8), 4), ==, 0x00007fff);
    g_assert_cmpuint(find_capability(m, 0, PORT, 0x11), !=, 0);
    g_assert_cmpuint(find_capability(m, 0, PORT, 0x0d), !=, 0);
    fake_pc_free(m);
}

/* The modern registers of the device are BAR 4. */
static void test_memory_window(void)
{
    Machine *m = with_port();

    number_buses(m);
    set(m, at(1, 0, 0x20), 0xd0100000, 4);
    set(m, at(1, 0, 0x04), 0x0006, 2);
    g_assert_cmphex(get(m, 0xd0100014, 1), ==, 0xff);
    /* The window is shut until it has a place, and the port is switched on. */
    pci_cfg_write(m, PORT, 0x20, 0xd010d010, 4);
    g_assert_cmphex(get(m, 0xd0100014, 1), ==, 0xff);
    pci_cfg_write(m, PORT, 0x04, 0x0006, 2);
    g_assert_cmphex(get(m, 0xd0100014, 1), ==, 0x00);
    machine_rewire(m);
    g_assert_cmphex(get(m, 0xd0100014, 1), ==, 0x00);
    /* Elsewhere; a limit below the base. */
    pci_cfg_write(m, PORT, 0x20, 0xd020d020, 4);
    g_assert_cmphex(get(m, 0xd0100014, 1), ==, 0xff);
    pci_cfg_write(m, PORT, 0x20, 0xd010d020, 4);
    g_assert_cmphex(get(m, 0xd0100014, 1), ==, 0xff);
    /* The prefetchable window does as well. */
    pci_cfg_write(m, PORT, 0x24, 0xd010d010, 4);
    g_assert_cmphex(get(m, 0xd0100014, 1), ==, 0x00);
    fake_pc_free(m);
}

/* Ports of a card behind two bridges. */
static void test_io_window(void)
{
    Machine *m = fake_board_new("q35", RAM);
    fake_pc_add_device(m, "pcie-pci-bridge", "addr", "2", NULL);
    fake_pc_add_device(m, "pci-bridge", "bus", "pci.1", "addr", "3",
                       "chassis_nr", "7", NULL);
    fake_pc_add_device(m, "ne2k_pci", "bus", "pci.2", "addr", "4", NULL);
    fake_pc_start(m);
    pci_cfg_write(m, MCH, 0x60, ECAM | 1, 4);
    set(m, at(0, 0x10, 0x18), 0x00020100, 4);
    set(m, at(1, 0x18, 0x18), 0x00020201, 4);
    g_assert_cmphex(get(m, at(1, 0x18, 0), 4), ==, 0x00011b36);
    g_assert_cmphex(get(m, at(2, 0x20, 0), 4), ==, 0x802910ec);
    g_assert_cmphex(get(m, at(1, 0x18, find_capability(m, 1, 0x18, 4) + 3),
                        1), ==, 7);
    set(m, at(2, 0x20, 0x10), 0xc101, 4);
    set(m, at(2, 0x20, 0x04), 1, 2);
    set(m, at(1, 0x18, 0x1c), 0xc0c0, 2);
    set(m, at(1, 0x18, 0x04), 1, 2);
    g_assert_cmphex(in_port(m, 0xc100, 1), ==, 0xff);
    set(m, at(0, 0x10, 0x1c), 0xc0c0, 2);
    set(m, at(0, 0x10, 0x04), 1, 2);
    g_assert_cmphex(in_port(m, 0xc100, 1), ==, 0x21);
    fake_pc_free(m);
}

static unsigned requests(Machine *m)
{
    out_port(m, 0x20, 0x0a, 1);
    out_port(m, 0xa0, 0x0a, 1);
    return in_port(m, 0x20, 1) | in_port(m, 0xa0, 1) << 8;
}

/* The card's interrupt: its status after a reset has one, if it is let. */
static void raise_card(Machine *m)
{
    out_port(m, 0xc107, 0x80, 1);
    out_port(m, 0xc10f, 0x00, 1);
    out_port(m, 0xc10f, 0x40, 1);
    out_port(m, 0xc100, 0x22, 1);
    out_port(m, 0xc10a, 0x00, 1);
    out_port(m, 0xc10b, 0x00, 1);
    out_port(m, 0xc100, 0x0a, 1);
}

/* INTA# of slot 3 behind the bridge is its INTD#, which in slot 2 of the root bus
 * is PIRQF#: (3 + 0) mod 4 = 3, (2 + 3) mod 4 = 1. */
static void test_pins(void)
{
    Machine *m = fake_board_new("q35", RAM);
    fake_pc_add_device(m, "pcie-pci-bridge", "addr", "2", NULL);
    fake_pc_add_device(m, "ne2k_pci", "bus", "pci.1", "addr", "3", NULL);
    fake_pc_start(m);
    pci_cfg_write(m, MCH, 0x60, ECAM | 1, 4);
    set(m, at(0, 0x10, 0x18), 0x00010100, 4);
    set(m, at(0, 0x10, 0x1c), 0xc0c0, 2);
    set(m, at(0, 0x10, 0x04), 1, 2);
    set(m, at(1, 0x18, 0x10), 0xc101, 4);
    set(m, at(1, 0x18, 0x04), 1, 2);
    out_port(m, 0x4d1, 0xde, 1);
    for (unsigned n = 0; n < 4; n++) {
        pci_cfg_write(m, LPC, 0x60 + n, 0x0b, 1);
        pci_cfg_write(m, LPC, 0x68 + n, n == 1 ? 0x0a : 0x0b, 1);
    }
    raise_card(m);
    g_assert_cmphex(requests(m) & 0x0c00, ==, 0x0400);
    machine_rewire(m);
    /* Bridge control: a reset of the bus behind it. */
    set(m, at(0, 0x10, 0x3e), 0x40, 2);
    g_assert_cmphex(requests(m) & 0x0c00, ==, 0);
    g_assert_cmphex(get(m, at(1, 0x18, 0x10), 4), ==, 1);
    g_assert_cmphex(get(m, at(0, 0x10, 0x18), 4), ==, 0x00010100);
    fake_pc_free(m);
}

static void test_info(void)
{
    Machine *m = with_port();
    g_autoptr(GString) out = g_string_new(NULL);

    number_buses(m);
    pci_cfg_write(m, PORT, 0x20, 0xd010d010, 4);
    machine_info(m, "pci", out);
    g_assert_nonnull(strstr(out->str,
                            "  Bus  0, device   1, function 0:\n"
                            "    PCI bridge: PCI device 1b36:000c\n"
                            "      IRQ 0, pin A\n"
                            "      BUS 0.\n"
                            "      secondary bus 1.\n"
                            "      subordinate bus 1.\n"));
    g_assert_nonnull(strstr(out->str,
                            "      memory range [0xd0100000, 0xd01fffff]\n"));
    g_assert_nonnull(strstr(out->str,
                            "  Bus  1, device   0, function 0:\n"
                            "    Class 0255: PCI device 1af4:1044\n"));
    fake_pc_free(m);
}

/* --- the command line -----------------------------------------------------------*/

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
    fake_pc_add_device(m, "pcie-root-port", NULL);
    check_error(m, "-device pcie-root-port: pcie-root-port needs a root bus "
                   "of PCI Express");

    m = fake_board_new("q35", RAM);
    fake_pc_add_device(m, "ioh3420", NULL);
    fake_pc_add_device(m, "virtio-rng-pci", "bus", "pcie.1", "addr", "1",
                       NULL);
    check_error(m, "-device virtio-rng-pci: PCI: slot 1 is not valid for "
                   "virtio-rng-pci, pcie.1 only allows plugging into slot 0");

    m = fake_board_new("q35", RAM);
    fake_pc_add_device(m, "ioh3420", NULL);
    fake_pc_add_device(m, "virtio-rng-pci", "bus", "pcie.1", NULL);
    fake_pc_add_device(m, "virtio-rng-pci", "bus", "pcie.1", NULL);
    check_error(m, "-device virtio-rng-pci: PCI: no slot/function available "
                   "for virtio-rng-pci, all in use");

    m = fake_pc_new(RAM);
    fake_pc_add_device(m, "pci-bridge", NULL);
    check_error(m, "-device pci-bridge: chassis_nr=0 must be from 1 to 255");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bridge/numbers", test_numbers);
    g_test_add_func("/bridge/express", test_express);
    g_test_add_func("/bridge/memory-window", test_memory_window);
    g_test_add_func("/bridge/io-window", test_io_window);
    g_test_add_func("/bridge/pins", test_pins);
    g_test_add_func("/bridge/info", test_info);
    g_test_add_func("/bridge/errors", test_errors);
    return g_test_run();
}
