/*
 * pvpanic, watchdogs, edu, test devices, vmgenid and vmcoreinfo, by what their
 * specifications say, and drivers that write noise.
 */
#include "base/bytes.h"
#include "fake-pc.h"
#include "hw/fw-cfg.h"

#define SLOT (4 << 3)
#define BAR  0xe0000000u
#define PORTS 0xc100u
#define RAM  0x100000u
#define MSI_ADDRESS 0xfee01000u

static Machine *pc_with(const char *driver)
{
    Machine *m = fake_pc_new(4 * MIB);
    fake_pc_add_device(m, driver, NULL);
    fake_pc_start(m);
    return m;
}

/* On PCI, its BARs 0 and 1 in place. */
static Machine *pci_with(const char *driver)
{
    Machine *m = fake_pc_new(4 * MIB);
    fake_pc_add_device(m, driver, "addr", "4", NULL);
    fake_pc_start(m);
    pci_cfg_write(m, SLOT, 0x10, BAR, 4);
    pci_cfg_write(m, SLOT, 0x14, PORTS, 4);
    pci_cfg_write(m, SLOT, 4, 7, 2);
    return m;
}

static uint64_t mem_read(Machine *m, PhysAddr at, unsigned size)
{
    return address_space_ld(m->memory, BAR + at, size);
}

static void mem_write(Machine *m, PhysAddr at, uint64_t v, unsigned size)
{
    address_space_st(m->memory, BAR + at, v, size);
}

/* --- events ------------------------------------------------------------------------ */

typedef struct Heard {
    unsigned panics, loads, dogs, action;
} Heard;

static void hear(void *opaque, const RunEvent *ev)
{
    Heard *h = opaque;
    h->panics += ev->type == RUN_EVENT_PANIC;
    h->loads += ev->type == RUN_EVENT_CRASH_LOADED;
    h->dogs += ev->type == RUN_EVENT_WATCHDOG;
    h->action = ev->action;
}

/* --- pvpanic -------------------------------------------------------------------------- */

static void test_pvpanic_isa(void)
{
    Machine *m = pc_with("pvpanic");
    Heard h = { 0 };
    gsize len;

    runstate_listen(m, hear, &h);
    g_assert_cmphex(in_port(m, 0x505, 1), ==, 3);
    const uint8_t *port = g_bytes_get_data(
        fw_cfg_file(fw_cfg_of(m), "etc/pvpanic-port"), &len);
    g_assert_cmpuint(len, ==, 2);
    g_assert_cmphex(bytes_ld_le16(port), ==, 0x505);
    out_port(m, 0x505, 4, 1);
    out_port(m, 0x505, 2, 1);
    g_assert_cmpuint(h.loads, ==, 1);
    g_assert_false(runstate_request_pending(m));
    out_port(m, 0x505, 1, 1);
    g_assert_cmpuint(h.panics, ==, 1);
    g_assert_cmpuint(h.action, ==, 1);
    g_assert_true(runstate_request_pending(m));
    runstate_handle_requests(m);
    g_assert_cmpint(runstate_shutdown_cause(m), ==, CAUSE_GUEST_PANIC);
    fake_pc_free(m);
}

static void test_pvpanic_action(void)
{
    static const struct {
        PanicAction action;
        bool no_shutdown;
        unsigned told;
        RunState state;
    } cases[] = { { PANIC_PAUSE, false, 0, RUN_GUEST_PANICKED },
                  { PANIC_SHUTDOWN, true, 0, RUN_GUEST_PANICKED },
                  { PANIC_NONE, false, 2, RUN_RUNNING } };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        Machine *m = pci_with("pvpanic-pci");
        Heard h = { 0 };
        runstate_set(m, RUN_RUNNING);
        runstate_listen(m, hear, &h);
        m->config.panic_action = cases[i].action;
        m->no_shutdown = cases[i].no_shutdown;
        g_assert_cmphex(mem_read(m, 0, 1), ==, 3);
        mem_write(m, 0, 1, 1);
        runstate_handle_requests(m);
        g_assert_cmpuint(h.action, ==, cases[i].told);
        g_assert_cmpint(runstate(m), ==, cases[i].state);
        fake_pc_free(m);
    }
}

/* --- watchdogs ---------------------------------------------------------------------------- */

static void test_ib700(void)
{
    Machine *m = pc_with("ib700");
    Heard h = { 0 };

    runstate_listen(m, hear, &h);
    out_port(m, 0x443, 0xd, 1);        /* 4 s */
    fake_pc_run_ns(m, 3 * NS_PER_SEC);
    out_port(m, 0x443, 0xe, 1);        /* 2 s from now */
    fake_pc_run_ns(m, NS_PER_SEC);
    g_assert_cmpuint(h.dogs, ==, 0);
    out_port(m, 0x441, 0, 1);
    fake_pc_run_ns(m, 100 * NS_PER_SEC);
    g_assert_cmpuint(h.dogs, ==, 0);
    out_port(m, 0x443, 0x0, 1);        /* 30 s */
    fake_pc_run_ns(m, 30 * NS_PER_SEC - 1);
    g_assert_cmpuint(h.dogs, ==, 0);
    fake_pc_run_ns(m, 1);
    g_assert_cmpuint(h.dogs, ==, 1);
    g_assert_true(runstate_request_pending(m));
    fake_pc_free(m);
}

static void esb_unlock(Machine *m)
{
    mem_write(m, 0xc, 0x80, 2);
    mem_write(m, 0xc, 0x86, 2);
}

static void esb_preload(Machine *m, unsigned stage, uint32_t ticks)
{
    esb_unlock(m);
    mem_write(m, 4 * stage, ticks, 4);
}

#define TICK_NS (32768 * INT64_C(30))

static void test_i6300esb(void)
{
    Machine *m = pci_with("i6300esb");
    Heard h = { 0 };

    runstate_listen(m, hear, &h);
    mem_write(m, 0, 5, 4);             /* locked: nothing */
    esb_preload(m, 0, 1000);
    esb_preload(m, 1, 500);
    pci_cfg_write(m, SLOT, 0x60, 3, 2);
    pci_cfg_write(m, SLOT, 0x68, 2, 1);
    fake_pc_run_ns(m, 999 * TICK_NS);
    g_assert_cmphex(mem_read(m, 8, 1), ==, 0);
    fake_pc_run_ns(m, TICK_NS);
    g_assert_cmphex(mem_read(m, 8, 1), ==, 1);
    mem_write(m, 8, 1, 1);
    g_assert_cmphex(mem_read(m, 8, 1), ==, 0);
    fake_pc_run_ns(m, 499 * TICK_NS);
    esb_unlock(m);
    mem_write(m, 0xc, 0x100, 2);       /* from the beginning */
    fake_pc_run_ns(m, 1499 * TICK_NS);
    g_assert_cmpuint(h.dogs, ==, 0);
    fake_pc_run_ns(m, TICK_NS);
    g_assert_cmpuint(h.dogs, ==, 1);
    runstate_handle_requests(m);       /* the reset */
    pci_cfg_write(m, SLOT, 0x10, BAR, 4);
    pci_cfg_write(m, SLOT, 4, 7, 2);
    g_assert_cmphex(mem_read(m, 0xc, 2), ==, 0x200);
    esb_unlock(m);
    mem_write(m, 0xc, 0x200, 2);
    g_assert_cmphex(mem_read(m, 0xc, 2), ==, 0);
    fake_pc_free(m);
}

/* Locked, it cannot be switched off; with its reboot off it does nothing. */
static void test_i6300esb_lock(void)
{
    Machine *m = pci_with("i6300esb");
    Heard h = { 0 };

    runstate_listen(m, hear, &h);
    pci_cfg_write(m, SLOT, 0x60, 0x24, 2); /* fast */
    esb_preload(m, 0, 10);
    esb_preload(m, 1, 10);
    pci_cfg_write(m, SLOT, 0x68, 3, 1);
    pci_cfg_write(m, SLOT, 0x68, 0, 1);
    g_assert_cmphex(pci_cfg_read(m, SLOT, 0x68, 1), ==, 3);
    fake_pc_run_ns(m, NS_PER_SEC);
    g_assert_cmphex(mem_read(m, 8, 1), ==, 1);
    g_assert_cmpuint(h.dogs, ==, 0);
    fake_pc_free(m);
}

static void test_watchdog_actions(void)
{
    static const RunState after[WATCHDOG_ACTIONS] = {
        [WATCHDOG_RESET] = RUN_RUNNING, [WATCHDOG_SHUTDOWN] = RUN_RUNNING,
        [WATCHDOG_POWEROFF] = RUN_SHUTDOWN, [WATCHDOG_PAUSE] = RUN_WATCHDOG,
        [WATCHDOG_DEBUG] = RUN_RUNNING, [WATCHDOG_NONE] = RUN_RUNNING,
        [WATCHDOG_INJECT_NMI] = RUN_RUNNING,
    };
    for (unsigned a = 0; a < WATCHDOG_ACTIONS; a++) {
        Machine *m = pc_with("ib700");
        Heard h = { 0 };
        m->no_shutdown = true;
        runstate_set(m, RUN_RUNNING);
        runstate_listen(m, hear, &h);
        guest_set_watchdog_action(m, a);
        out_port(m, 0x443, 0xf, 1);
        fake_pc_run_ns(m, 1);
        runstate_handle_requests(m);
        g_assert_cmpuint(h.dogs, ==, 1);
        g_assert_cmpint(runstate(m), ==, after[a]);
        fake_pc_free(m);
    }
}

/* --- edu -------------------------------------------------------------------------------------- */

static bool edu_pin(Machine *m)
{
    return pci_cfg_read(m, SLOT, 6, 2) & 8;
}

static void test_edu_computes(void)
{
    Machine *m = pci_with("edu");

    g_assert_cmphex(mem_read(m, 0, 4), ==, 0x010000ed);
    mem_write(m, 4, 0x12345678, 4);
    g_assert_cmphex(mem_read(m, 4, 4), ==, (uint32_t)~0x12345678);
    mem_write(m, 8, 10, 4);
    g_assert_cmphex(mem_read(m, 0x20, 4), ==, 1);
    fake_pc_run_ns(m, NS_PER_MS);
    g_assert_cmphex(mem_read(m, 0x20, 4), ==, 0);
    g_assert_cmpuint(mem_read(m, 8, 4), ==, 3628800);
    g_assert_false(edu_pin(m));
    mem_write(m, 0x20, 0x80, 4);
    mem_write(m, 8, UINT32_MAX, 4);
    fake_pc_run_ns(m, NS_PER_MS);
    g_assert_cmpuint(mem_read(m, 8, 4), ==, 0);
    g_assert_cmphex(mem_read(m, 0x24, 4), ==, 1);
    g_assert_true(edu_pin(m));
    mem_write(m, 0x64, 1, 4);
    g_assert_false(edu_pin(m));
    fake_pc_free(m);
}

static void edu_dma(Machine *m, uint64_t from, uint64_t to, uint64_t bytes,
                    unsigned command)
{
    mem_write(m, 0x80, from, 8);
    mem_write(m, 0x88, to, 8);
    mem_write(m, 0x90, bytes, 8);
    mem_write(m, 0x98, command, 4);
    g_assert_cmphex(mem_read(m, 0x98, 8) & 1, ==, 1);
    fake_pc_run_ns(m, NS_PER_SEC);
    g_assert_cmphex(mem_read(m, 0x98, 8) & 1, ==, 0);
}

static void test_edu_moves(void)
{
    Machine *m = pci_with("edu");

    address_space_write(m->memory, RAM, "from memory", 12);
    edu_dma(m, RAM, 0x40000 + 100, 12, 1);
    g_assert_cmphex(mem_read(m, 0x24, 4), ==, 0);
    edu_dma(m, 0x40000 + 100, RAM + 0x1000, 12, 7);
    g_assert_cmphex(mem_read(m, 0x24, 4), ==, 0x100);
    g_assert_true(edu_pin(m));
    char back[12];
    address_space_read(m->memory, RAM + 0x1000, back, sizeof back);
    g_assert_cmpstr(back, ==, "from memory");
    /* Out of the buffer, by a little and by far: nothing moves. */
    edu_dma(m, 0x40000 + 4090, RAM + 0x1000, 12, 3);
    edu_dma(m, UINT64_MAX, RAM + 0x1000, UINT64_MAX, 3);
    address_space_read(m->memory, RAM + 0x1000, back, sizeof back);
    g_assert_cmpstr(back, ==, "from memory");
    fake_pc_free(m);
}

/* A message instead of the pin. It is a store: here to RAM. */
static void test_edu_msi(void)
{
    Machine *m = pci_with("edu");
    unsigned cap = pci_cfg_read(m, SLOT, 0x34, 1);

    g_assert_cmphex(pci_cfg_read(m, SLOT, cap, 1), ==, 5);
    g_assert_cmphex(pci_cfg_read(m, SLOT, cap + 2, 2), ==, 0x80);
    pci_cfg_write(m, SLOT, cap + 4, RAM, 4);
    pci_cfg_write(m, SLOT, cap + 12, 0x4321, 2);
    mem_write(m, 0x60, 1, 4);
    g_assert_true(edu_pin(m));
    pci_cfg_write(m, SLOT, cap + 2, 1, 2);
    g_assert_false(edu_pin(m));
    g_assert_cmphex(address_space_ld(m->memory, RAM, 4), ==, 0);
    mem_write(m, 0x60, 2, 4);
    g_assert_cmphex(address_space_ld(m->memory, RAM, 4), ==, 0x4321);
    /* One that makes the device send another ends there. */
    pci_cfg_write(m, SLOT, cap + 4, BAR + 0x60, 4);
    mem_write(m, 0x60, 4, 4);
    g_assert_cmphex(mem_read(m, 0x24, 4), ==, 0x4321 | 7);
    fake_pc_free(m);
}

/* --- test devices -------------------------------------------------------------------------------- */

static void test_pci_testdev(void)
{
    static const char *const names[] = { "no-eventfd", "wildcard-eventfd",
                                         "datamatch-eventfd" };
    Machine *m = pci_with("pci-testdev");

    for (unsigned n = 0; n < 3; n++) {
        char name[17] = { 0 };
        out_port(m, PORTS, n, 1);
        mem_write(m, 0, n, 1);
        uint32_t offset = mem_read(m, 4, 4), data = mem_read(m, 8, 4);
        g_assert_cmpuint(mem_read(m, 1, 1), ==, 1);
        for (unsigned i = 0; i < sizeof name - 1; i++) {
            name[i] = mem_read(m, 16 + 5 + i, 1);
        }
        g_assert_true(g_str_has_prefix(names[n], name) ||
                      g_str_has_prefix(name, names[n]));
        mem_write(m, offset, data, 1);
        mem_write(m, offset, data + 1, 1);
        g_assert_cmpuint(mem_read(m, 12, 4), ==, n == 1 ? 2 : 1);
        out_port(m, PORTS + in_port(m, PORTS + 4, 4), data, 1);
        g_assert_cmpuint(in_port(m, PORTS + 12, 4), ==, 1);
    }
    mem_write(m, 0, 3, 1);
    g_assert_cmpuint(mem_read(m, 1, 1), ==, 0);
    fake_pc_free(m);
}

static void test_pc_testdev(void)
{
    Machine *m = pc_with("pc-testdev");

    out_port(m, 0xe0, 0x11223344, 4);
    out_port(m, 0xe1, 0xaa, 1);
    g_assert_cmphex(in_port(m, 0xe0, 4), ==, 0x1122aa44);
    address_space_st(m->memory, 0xff00fff8, UINT64_C(0x1122334455667788), 8);
    g_assert_cmphex(address_space_ld(m->memory, 0xff00fffc, 4), ==,
                    0x11223344);
    out_port(m, 0x20, 0x11, 1);        /* the 8259: all lines open, edges */
    out_port(m, 0x21, 0x20, 1);
    out_port(m, 0x21, 0x04, 1);
    out_port(m, 0x21, 0x01, 1);
    out_port(m, 0x21, 0x00, 1);
    out_port(m, 0x2005, 1, 1);
    out_port(m, 0x20, 0x0a, 1);
    g_assert_cmphex(in_port(m, 0x20, 1) & 0x20, ==, 0x20);
    out_port(m, 0x2005, 0, 1);
    fake_pc_free(m);
}

/* --- vmgenid, vmcoreinfo ---------------------------------------------------------------------------- */

/* A DMA request of fw_cfg to file `name`: control bits are READ or WRITE. */
static uint32_t fw_dma(Machine *m, const char *name, unsigned control,
                       uint32_t len)
{
    gsize dir_len;
    uint8_t request[16] = { 0 }, result[4];
    const uint8_t *dir = g_bytes_get_data(
        fw_cfg_item(fw_cfg_of(m), FW_CFG_FILE_DIR), &dir_len);

    for (const uint8_t *e = dir + 4; e < dir + dir_len; e += 64) {
        if (!strcmp((const char *)e + 8, name)) {
            control |= bytes_ld_be16(e + 4) << 16 | 8;
        }
    }
    bytes_st_be32(request, control);
    bytes_st_be32(request + 4, len);
    bytes_st_be64(request + 8, RAM + 0x100);
    address_space_write(m->memory, RAM, request, sizeof request);
    out_port(m, 0x514, 0, 4);
    out_port(m, 0x518, GUINT32_SWAP_LE_BE(RAM), 4);
    address_space_read(m->memory, RAM, result, sizeof result);
    return bytes_ld_be32(result);
}

static void test_vmcoreinfo(void)
{
    Machine *m = pc_with("vmcoreinfo");
    g_autoptr(GString) out = g_string_new(NULL);
    uint8_t note[16] = { 0, 0, 1, 0, 0x24, 0x10, 0, 0, 0, 0x40, 0x1d, 5 };

    g_assert_cmphex(fw_dma(m, "etc/vmcoreinfo", 2, 16), ==, 0);
    g_assert_cmphex(address_space_ld(m->memory, RAM + 0x100, 4), ==, 1);
    address_space_write(m->memory, RAM + 0x100, note, sizeof note);
    g_assert_cmphex(fw_dma(m, "etc/vmcoreinfo", 16, 16), ==, 0);
    g_assert_true(machine_info(m, "vmcoreinfo", out));
    g_assert_cmpstr(out->str, ==, "format 1, 4132 bytes at 0x51d4000\n");
    /* Too much, and what cannot be written at all. */
    g_assert_cmphex(fw_dma(m, "etc/vmcoreinfo", 16, 17), ==, 1);
    g_assert_cmphex(fw_dma(m, "etc/e820", 16, 4), ==, 1);
    machine_reset(m);
    g_string_truncate(out, 0);
    g_assert_true(machine_info(m, "vmcoreinfo", out));
    g_assert_cmpstr(out->str, ==, "format 0, 0 bytes at 0x0\n");
    fake_pc_free(m);
}

static void test_vmgenid(void)
{
    Machine *m = fake_pc_new(4 * MIB);
    g_autoptr(GString) out = g_string_new(NULL);
    static const uint8_t bytes[16] = {
        0xaf, 0x6e, 0x4e, 0x32, 0xd1, 0xd1, 0xf6, 0x4b,
        0xbf, 0x41, 0xb9, 0xbb, 0x6c, 0x91, 0xfb, 0x87
    };
    uint8_t got[16];

    fake_pc_add_device(m, "vmgenid", "guid",
                       "324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87", NULL);
    fake_pc_start(m);
    g_assert_true(machine_info(m, "vm-generation-id", out));
    g_assert_cmpstr(out->str, ==, "324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87\n");
    g_assert_cmphex(fw_dma(m, "etc/vmgenid_guid", 2, 4096), ==, 0);
    address_space_read(m->memory, RAM + 0x100 + 40, got, sizeof got);
    g_assert_cmpmem(got, 16, bytes, 16);
    g_assert_cmphex(fw_dma(m, "etc/vmgenid_guid", 16, 4), ==, 1);
    g_assert_cmphex(fw_dma(m, "etc/vmgenid_addr", 16, 8), ==, 0);
    fake_pc_free(m);
}

/* Drawn from the seed: the same seed, the same one, and no reset changes it. */
static void test_vmgenid_auto(void)
{
    g_autofree char *first = NULL;

    for (unsigned n = 0; n < 3; n++) {
        Machine *m = fake_pc_new(4 * MIB);
        g_autoptr(GString) out = g_string_new(NULL), again = g_string_new("");
        m->config.has_seed = true;
        m->config.seed = n / 2;
        fake_pc_add_device(m, "vmgenid", NULL);
        fake_pc_start(m);
        g_assert_true(machine_info(m, "vm-generation-id", out));
        machine_reset(m);
        g_assert_true(machine_info(m, "vm-generation-id", again));
        g_assert_cmpstr(out->str, ==, again->str);
        if (!first) {
            first = g_strdup(out->str);
        }
        g_assert_true(g_str_equal(first, out->str) == (n < 2));
        fake_pc_free(m);
    }
}

/* --- noise --------------------------------------------------------------------------------------------- */

static void make_noise(Machine *m, GRand *r)
{
    for (unsigned n = 0; n < 20000; n++) {
        unsigned size = 1u << g_rand_int_range(r, 0, 4);
        PhysAddr at = g_rand_int_range(r, 0, n % 8 ? 0xa0 : 0x1000) &
                      ~(PhysAddr)(n % 3 ? size - 1 : 0);
        mem_write(m, at, (uint64_t)g_rand_int(r) << 32 | g_rand_int(r), size);
        mem_read(m, at, size);
        pci_cfg_write(m, SLOT, 0x40 + (g_rand_int_range(r, 0, 0x30) & ~3),
                      g_rand_int(r), 4);
        out_port(m, PORTS + at % 256, n, 1);
        if (n % 16 == 0) {
            fake_pc_run_ns(m, g_rand_int_range(r, 0, 1000000));
        }
    }
}

static void test_noise(void)
{
    static const char *const drivers[] = { "edu", "i6300esb", "pci-testdev",
                                           "pvpanic-pci" };
    GRand *r = g_rand_new_with_seed(7);
    for (unsigned i = 0; i < G_N_ELEMENTS(drivers); i++) {
        Machine *m = pci_with(drivers[i]);
        make_noise(m, r);
        machine_rewire(m);
        fake_pc_free(m);
    }
    g_rand_free(r);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pvpanic/isa", test_pvpanic_isa);
    g_test_add_func("/pvpanic/action", test_pvpanic_action);
    g_test_add_func("/watchdog/ib700", test_ib700);
    g_test_add_func("/watchdog/i6300esb", test_i6300esb);
    g_test_add_func("/watchdog/i6300esb-lock", test_i6300esb_lock);
    g_test_add_func("/watchdog/actions", test_watchdog_actions);
    g_test_add_func("/edu/computes", test_edu_computes);
    g_test_add_func("/edu/moves", test_edu_moves);
    g_test_add_func("/edu/msi", test_edu_msi);
    g_test_add_func("/testdev/pci", test_pci_testdev);
    g_test_add_func("/testdev/pc", test_pc_testdev);
    g_test_add_func("/vmcoreinfo", test_vmcoreinfo);
    g_test_add_func("/vmgenid/given", test_vmgenid);
    g_test_add_func("/vmgenid/auto", test_vmgenid_auto);
    g_test_add_func("/noise", test_noise);
    return g_test_run();
}
