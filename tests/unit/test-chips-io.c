/*
 * The PC's serial port, keyboard controller, fw_cfg and small ports, poked
 * through the I/O space.
 */
#include <string.h>

#include "base/bytes.h"
#include "chips-machine.h"

static void move_pointer(Machine *m, int dx, int dy, unsigned buttons)
{
    InputPointer p = { dx, dy, 0, buttons & 7, 7 };
    input_send_pointer(m, &p);
}

/* --- serial --------------------------------------------------------------- */

#define COM1 0x3f8

static uint8_t com(ChipsMachine *c, unsigned reg)
{
    return chips_in(c, COM1 + reg);
}

static void com_set(ChipsMachine *c, unsigned reg, uint8_t v)
{
    chips_out(c, COM1 + reg, v);
}

static void com_input(ChipsMachine *c, const char *text)
{
    chips_serial_input(c, text);
    nondet_deliver(c->m, 0);
}

static void test_serial_transmit(void)
{
    ChipsMachine *c = chips_new();
    g_assert_cmphex(com(c, 5), ==, 0x60);
    g_assert_cmphex(com(c, 2), ==, 0x01);
    com_set(c, 1, 0x02);               /* holding register empty: at once */
    g_assert_true(c->level[4]);
    g_assert_cmphex(com(c, 2), ==, 0x02);
    g_assert_false(c->level[4]);       /* reading IIR cleared it */
    com_set(c, 0, 'h');
    g_assert_cmpuint(c->rises[4], ==, 2);
    com_set(c, 0, 'i');
    g_assert_cmpuint(c->rises[4], ==, 3);
    g_assert_cmpstr(chips_output->str, ==, "hi");
    com_set(c, 3, 0x83);               /* divisor latch */
    com_set(c, 0, 0x34);
    com_set(c, 1, 0x12);
    g_assert_cmphex(com(c, 0), ==, 0x34);
    g_assert_cmphex(com(c, 1), ==, 0x12);
    com_set(c, 3, 0x03);
    g_assert_cmphex(com(c, 1), ==, 0x02);
    com_set(c, 7, 0xa5);
    g_assert_cmphex(com(c, 7), ==, 0xa5);
    chips_free(c);
}

static void test_serial_pace(void)
{
    ChipsMachine *c = chips_new();
    Device *dev = device_new(c->m, &isa_serial_class, "slow");
    dev->bus = &c->isa;
    device_set_prop(dev, "pace", "on", NULL);
    g_assert_true(device_realize(dev, NULL));
    chips_out(c, 0x2fb, 0x83);
    chips_out(c, 0x2f8, 1);            /* 115200 baud */
    chips_out(c, 0x2f9, 0);
    chips_out(c, 0x2fb, 0x03);         /* 8N1: ten bits, 86.8 us */
    chips_out(c, 0x2f8, 'x');
    g_assert_cmphex(chips_in(c, 0x2fd), ==, 0x20);
    chips_out(c, 0x2f8, 'y');
    g_assert_cmphex(chips_in(c, 0x2fd), ==, 0x00);
    chips_run_ns(c, 86805);
    g_assert_cmphex(chips_in(c, 0x2fd), ==, 0x20);
    chips_run_ns(c, 86804);
    g_assert_cmphex(chips_in(c, 0x2fd), ==, 0x20);
    chips_run_ns(c, 1);
    g_assert_cmphex(chips_in(c, 0x2fd), ==, 0x60);
    chips_free(c);
}

static void test_serial_receive(void)
{
    ChipsMachine *c = chips_new();
    com_set(c, 1, 0x01);
    com_input(c, "ab");                /* no FIFO: one at a time */
    g_assert_cmphex(com(c, 2), ==, 0x04);
    g_assert_cmpuint(com(c, 0), ==, 'a');
    g_assert_cmpuint(c->rises[4], ==, 2);
    g_assert_cmpuint(com(c, 0), ==, 'b');
    g_assert_cmphex(com(c, 5), ==, 0x60);

    com_set(c, 2, 0xc1);               /* FIFO, trigger at 14 */
    g_assert_cmphex(com(c, 2), ==, 0xc1);
    com_input(c, "0123456789abc");
    g_assert_false(c->level[4]);
    com_input(c, "d");
    g_assert_cmphex(com(c, 2), ==, 0xc4);
    g_assert_cmpuint(com(c, 0), ==, '0');
    g_assert_cmphex(com(c, 2), ==, 0xc1);
    chips_run_ns(c, 5 * NS_PER_MS);    /* four characters at 9600 baud */
    g_assert_cmphex(com(c, 2), ==, 0xcc);
    g_assert_cmpuint(com(c, 0), ==, '1');
    g_assert_false(c->level[4]);
    com_set(c, 2, 0xc3);               /* clears the FIFO */
    g_assert_cmphex(com(c, 5), ==, 0x60);
    chips_free(c);
}

/* Nothing is lost although the guest is slow, and room is told truly. */
static void test_serial_back_pressure(void)
{
    ChipsMachine *c = chips_new();
    GString *sent = g_string_new(NULL), *got = g_string_new(NULL);
    com_set(c, 2, 0x01);
    for (unsigned i = 0; i < 50; i++) {
        char text[65] = { 0 };
        size_t room = chips_serial_room();
        g_assert_cmpuint(room, <, sizeof text);
        memset(text, 'A' + i % 26, room);
        g_string_append(sent, text);
        chips_serial_input(c, text);
        g_assert_true(!room || !chips_serial_room());
        nondet_deliver(c->m, 0);
        for (unsigned n = 0; n < 7; n++) {
            g_string_append_c(got, com(c, 0));
        }
    }
    while (com(c, 5) & 1) {
        g_string_append_c(got, com(c, 0));
    }
    g_assert_cmphex(com(c, 5) & 0x1e, ==, 0);
    g_assert_cmpstr(got->str, ==, sent->str);
    g_string_free(sent, TRUE);
    g_string_free(got, TRUE);
    chips_free(c);
}

static void test_serial_loopback(void)
{
    ChipsMachine *c = chips_new();
    g_assert_cmphex(com(c, 6), ==, 0xb0);
    com_set(c, 4, 0x1a);               /* loop, RTS, OUT2 */
    g_assert_cmphex(com(c, 6), ==, 0x92);
    g_assert_cmphex(com(c, 6), ==, 0x90);
    com_set(c, 1, 0x0d);
    com_set(c, 4, 0x1b);               /* DTR comes: modem interrupt */
    g_assert_cmphex(com(c, 2), ==, 0x00);
    com(c, 6);
    g_assert_cmphex(com(c, 2), ==, 0x01);
    com_set(c, 0, 0x55);
    com_set(c, 0, 0xaa);               /* overruns the buffer register */
    g_assert_cmphex(com(c, 2), ==, 0x06);
    g_assert_cmphex(com(c, 5), ==, 0x63);
    g_assert_cmphex(com(c, 2), ==, 0x04);
    g_assert_cmphex(com(c, 0), ==, 0xaa);
    g_assert_cmphex(com(c, 2), ==, 0x01);
    com_input(c, "z");                 /* the line is cut off */
    g_assert_cmphex(com(c, 5) & 1, ==, 0);
    com_set(c, 4, 0);
    g_assert_cmpuint(com(c, 0), ==, 'z');
    g_assert_cmpuint(chips_output->len, ==, 0);
    chips_free(c);
}

/* --- keyboard controller -------------------------------------------------- */

static void kbc_command(ChipsMachine *c, uint8_t v)
{
    chips_out(c, 0x64, v);
}

/* Waits for a byte as a polling driver does. */
static int kbc_byte(ChipsMachine *c)
{
    for (int i = 0; i < 100; i++) {
        if (chips_in(c, 0x64) & 1) {
            return chips_in(c, 0x60);
        }
        chips_run_ns(c, 100 * NS_PER_US);
    }
    return -1;
}

static void expect_bytes(ChipsMachine *c, const char *hex)
{
    GString *got = g_string_new(NULL);
    for (int v = kbc_byte(c); v >= 0; v = kbc_byte(c)) {
        g_string_append_printf(got, "%s%02x", got->len ? " " : "", v);
    }
    g_assert_cmpstr(got->str, ==, hex);
    g_string_free(got, TRUE);
}

static void press(ChipsMachine *c, const char *word, bool down)
{
    InputKey key;
    g_assert_true(input_key_find(word, &key));
    g_assert_cmpstr(input_key_word(key), ==, word);
    input_send_key(c->m, key, down);
}

static void test_kbc_controller(void)
{
    ChipsMachine *c = chips_new();
    kbc_command(c, 0xaa);
    g_assert_cmphex(chips_in(c, 0x64), ==, 0x1d);
    g_assert_cmphex(chips_in(c, 0x60), ==, 0x55);
    kbc_command(c, 0xab);
    g_assert_cmphex(chips_in(c, 0x60), ==, 0x00);
    kbc_command(c, 0x20);
    g_assert_cmphex(chips_in(c, 0x60), ==, 0x03);
    kbc_command(c, 0x60);
    chips_out(c, 0x60, 0x65);
    kbc_command(c, 0xad);
    kbc_command(c, 0xa7);
    kbc_command(c, 0x20);
    g_assert_cmphex(chips_in(c, 0x60), ==, 0x75);
    kbc_command(c, 0xd3);
    chips_out(c, 0x60, 0x42);
    g_assert_cmphex(chips_in(c, 0x64) & 0x21, ==, 0x21);
    g_assert_cmphex(chips_in(c, 0x60), ==, 0x42);
    g_assert_cmpint(kbc_byte(c), ==, -1);
    chips_free(c);
}

static void test_kbc_scancodes(void)
{
    ChipsMachine *c = chips_new();
    press(c, "a", true);
    press(c, "a", false);
    expect_bytes(c, "1c f0 1c");       /* set 2 as the keyboard sends it */
    kbc_command(c, 0x60);
    chips_out(c, 0x60, 0x47);          /* translate, both interrupts */
    unsigned before = c->rises[1];
    press(c, "a", true);
    g_assert_cmpuint(c->rises[1], ==, before + 1);
    g_assert_cmphex(chips_in(c, 0x60), ==, 0x1e);
    g_assert_cmphex(chips_in(c, 0x60), ==, 0x1e);  /* stays readable */
    press(c, "a", false);
    press(c, "up", true);
    press(c, "up", false);
    press(c, "ctrl_r", true);
    press(c, "pause", true);
    press(c, "ctrl_r", false);
    press(c, "pause", true);
    press(c, "print", true);
    press(c, "print", false);
    press(c, "f7", true);
    press(c, "1", true);
    press(c, "less", true);
    expect_bytes(c, "9e e0 48 e0 c8 e0 1d e0 46 e0 c6 e0 9d e1 1d 45 e1 9d "
                 "c5 e0 2a e0 37 e0 b7 e0 aa 41 02 56");
    chips_free(c);
}

static void test_keyboard_commands(void)
{
    ChipsMachine *c = chips_new();
    chips_out(c, 0x60, 0xff);
    expect_bytes(c, "fa aa");
    chips_out(c, 0x60, 0xf2);
    expect_bytes(c, "fa ab 83");
    chips_out(c, 0x60, 0xed);
    expect_bytes(c, "fa");
    chips_out(c, 0x60, 0x07);
    expect_bytes(c, "fa");
    chips_out(c, 0x60, 0xee);
    expect_bytes(c, "ee");
    chips_out(c, 0x60, 0x99);
    expect_bytes(c, "fe");
    chips_out(c, 0x60, 0xf5);          /* scanning off */
    expect_bytes(c, "fa");
    press(c, "q", true);
    expect_bytes(c, "");
    chips_out(c, 0x60, 0xf4);
    expect_bytes(c, "fa");
    chips_out(c, 0x60, 0xf0);
    expect_bytes(c, "fa");
    chips_out(c, 0x60, 0x01);          /* set 1 by the keyboard itself */
    expect_bytes(c, "fa");
    press(c, "right", true);
    press(c, "right", false);
    expect_bytes(c, "e0 4d e0 cd");
    /* A reply overtakes keys, and too many keys end in an overrun code. */
    for (int i = 0; i < 60; i++) {
        press(c, "z", true);
    }
    g_assert_cmphex(kbc_byte(c), ==, 0x2c);
    chips_out(c, 0x60, 0xee);
    g_assert_cmphex(kbc_byte(c), ==, 0xee);
    int last = 0, n = 0;
    for (int v = kbc_byte(c); v >= 0; v = kbc_byte(c), n++) {
        last = v;
    }
    g_assert_cmpint(n, ==, 49);
    g_assert_cmphex(last, ==, 0xff);
    chips_free(c);
}

static void mouse_command(ChipsMachine *c, uint8_t v, const char *reply)
{
    kbc_command(c, 0xd4);
    chips_out(c, 0x60, v);
    expect_bytes(c, reply);
}

static void test_mouse(void)
{
    ChipsMachine *c = chips_new();
    static const uint8_t wheel[] = { 200, 100, 80 };
    mouse_command(c, 0xff, "fa aa 00");
    move_pointer(c->m, 5, 5, 0);
    expect_bytes(c, "");               /* not enabled */
    mouse_command(c, 0xf4, "fa");
    move_pointer(c->m, 3, 2, 1);
    g_assert_true(c->level[12]);
    g_assert_cmphex(chips_in(c, 0x64) & 0x21, ==, 0x21);
    expect_bytes(c, "29 03 fe");
    move_pointer(c->m, 300, 0, 1);   /* more than a packet carries */
    move_pointer(c->m, -10, 0, 0);
    expect_bytes(c, "09 ff 00 08 23 00");
    mouse_command(c, 0xe9, "fa 20 02 64");
    for (int i = 0; i < 3; i++) {
        mouse_command(c, 0xf3, "fa");
        mouse_command(c, wheel[i], "fa");
    }
    mouse_command(c, 0xf2, "fa 03");
    move_pointer(c->m, 0, 0, 4);
    expect_bytes(c, "0c 00 00 00");
    chips_free(c);
}

static void test_a20_and_reset(void)
{
    ChipsMachine *c = chips_new();
    g_assert_true(c->a20);
    chips_out(c, 0x92, 0x00);
    g_assert_false(c->a20);
    kbc_command(c, 0xd0);
    g_assert_cmphex(chips_in(c, 0x60) & 2, ==, 0);
    kbc_command(c, 0xd1);
    chips_out(c, 0x60, 0xdf);
    g_assert_true(c->a20);
    g_assert_cmphex(chips_in(c, 0x92) & 2, ==, 2);
    kbc_command(c, 0xdd);
    g_assert_false(c->a20);
    kbc_command(c, 0xff);
    g_assert_false(runstate_request_pending(c->m));
    kbc_command(c, 0xfe);
    g_assert_true(runstate_request_pending(c->m));
    machine_reset(c->m);
    g_assert_true(c->a20);
    chips_free(c);
}

static void test_fast_reset(void)
{
    ChipsMachine *c = chips_new();
    chips_out(c, 0x92, 0x02);
    g_assert_false(runstate_request_pending(c->m));
    chips_out(c, 0x92, 0x03);
    g_assert_true(runstate_request_pending(c->m));
    chips_free(c);
}

/* --- fw_cfg --------------------------------------------------------------- */

static void fw_select(ChipsMachine *c, uint16_t key)
{
    address_space_st(c->m->io, 0x510, key, 2);
}

static void fw_get(ChipsMachine *c, void *out, unsigned len)
{
    for (unsigned i = 0; i < len; i++) {
        ((uint8_t *)out)[i] = chips_in(c, 0x511);
    }
}

/* Runs a DMA request whose structure is at 0x1000; its control word after. */
static uint32_t fw_dma(ChipsMachine *c, uint32_t control, uint32_t len,
                       uint64_t address)
{
    uint8_t raw[16], low[4];
    bytes_st_be32(raw, control);
    bytes_st_be32(raw + 4, len);
    bytes_st_be64(raw + 8, address);
    address_space_write(c->m->memory, 0x1000, raw, sizeof raw);
    bytes_st_be32(low, 0x1000);
    address_space_st(c->m->io, 0x518, bytes_ld_le32(low), 4);
    address_space_read(c->m->memory, 0x1000, raw, 4);
    return bytes_ld_be32(raw);
}

static void test_fw_cfg_ports(void)
{
    ChipsMachine *c = chips_new();
    uint8_t raw[4 + 2 * 64];
    fw_cfg_add_file_copy(c->fw, "zz/last", "Z", 1);
    fw_cfg_add_file_copy(c->fw, "etc/first", "hello", 5);
    fw_cfg_add_i16(c->fw, FW_CFG_NB_CPUS, 0x1234);
    fw_select(c, FW_CFG_SIGNATURE);
    fw_get(c, raw, 6);
    g_assert_cmpmem(raw, 6, "QEMU\0\0", 6);
    fw_select(c, FW_CFG_ID);
    fw_get(c, raw, 4);
    g_assert_cmphex(bytes_ld_le32(raw), ==, 3);
    fw_select(c, FW_CFG_NB_CPUS);
    fw_get(c, raw, 2);
    g_assert_cmphex(bytes_ld_le16(raw), ==, 0x1234);
    fw_select(c, FW_CFG_FILE_DIR);
    fw_get(c, raw, sizeof raw);
    g_assert_cmpuint(bytes_ld_be32(raw), ==, 2);
    g_assert_cmpuint(bytes_ld_be32(raw + 4), ==, 5);
    g_assert_cmphex(bytes_ld_be16(raw + 8), ==, 0x20);
    g_assert_cmpstr((char *)raw + 12, ==, "etc/first");
    g_assert_cmphex(bytes_ld_be16(raw + 72), ==, 0x21);
    fw_select(c, 0x20);
    fw_get(c, raw, 6);
    g_assert_cmpmem(raw, 6, "hello", 6);
    fw_select(c, 0x7777);
    g_assert_cmphex(chips_in(c, 0x511), ==, 0);
    g_assert_cmphex(address_space_ld(c->m->io, 0x514, 4), ==, 0x554d4551);
    g_assert_cmphex(address_space_ld(c->m->io, 0x518, 4), ==, 0x47464320);
    chips_free(c);
}

static uint64_t mmio_read(void *opaque, PhysAddr offset, unsigned size)
{
    return 0;
}

static void mmio_write(void *opaque, PhysAddr offset, uint64_t v,
                       unsigned size)
{
    g_assert_not_reached();
}

/* DMA goes to RAM only: it cannot be used to poke devices. */
static void test_fw_cfg_dma_mmio(void)
{
    static const MemOps ops = { mmio_read, mmio_write };
    MemRegion mmio;
    ChipsMachine *c = chips_new();
    mem_init_io(&mmio, "mmio", 4096, &ops, NULL);
    mem_add(&c->m->memory_root, 0xfee00000, &mmio, 0);
    g_assert_cmphex(fw_dma(c, 8 | 2, 4, 0xfee00000), ==, 1);
    chips_free(c);
}

static void test_fw_cfg_dma(void)
{
    ChipsMachine *c = chips_new();
    AddressSpace *as = c->m->memory;
    char got[8];
    fw_cfg_add_file_copy(c->fw, "f", "0123456789", 10);
    g_assert_cmphex(fw_dma(c, 0x20 << 16 | 8 | 2, 4, 0x2000), ==, 0);
    address_space_read(as, 0x2000, got, 4);
    g_assert_cmpmem(got, 4, "0123", 4);
    g_assert_cmphex(fw_dma(c, 4, 2, 0), ==, 0);
    address_space_st(as, 0x2000, UINT64_MAX, 8);
    g_assert_cmphex(fw_dma(c, 2, 6, 0x2000), ==, 0);
    address_space_read(as, 0x2000, got, 8);
    g_assert_cmpmem(got, 8, "6789\0\0\xff\xff", 8);
    g_assert_cmphex(fw_dma(c, 0x20 << 16 | 8 | 16, 4, 0x2000), ==, 1);
    /* Not RAM, and the end of RAM. */
    g_assert_cmphex(fw_dma(c, 0x20 << 16 | 8 | 2, 4, 0x10000000), ==, 1);
    g_assert_cmphex(fw_dma(c, 0x20 << 16 | 8 | 2, 4, 4 * MIB - 2), ==, 1);
    g_assert_cmphex(fw_dma(c, 2, UINT32_MAX, 0x2000), ==, 1);
    g_assert_cmphex(fw_dma(c, 4, UINT32_MAX, 0), ==, 0);
    g_assert_cmphex(fw_dma(c, 4, UINT32_MAX, 0), ==, 0);
    g_assert_cmphex(fw_dma(c, 2, 1, UINT64_MAX), ==, 1);
    chips_free(c);
}

/* --- the rest ------------------------------------------------------------- */

static void test_dma_registers(void)
{
    ChipsMachine *c = chips_new();
    uint8_t buf[8] = "ABCDEFG";
    bool terminal;
    chips_out(c, 0x0c, 0);
    chips_out(c, 0x04, 0x00);          /* channel 2: 0x12300, 4 bytes */
    chips_out(c, 0x04, 0x23);
    chips_out(c, 0x05, 3);
    chips_out(c, 0x05, 0);
    chips_out(c, 0x81, 1);
    chips_out(c, 0x0b, 0x46);
    g_assert_cmpuint(i8237_transfer(c->dma, 2, buf, 8, true, &terminal), ==,
                     0);
    chips_out(c, 0x0a, 2);             /* unmask, and the cascade */
    chips_out(c, 0xd4, 0);
    g_assert_cmpuint(i8237_transfer(c->dma, 2, buf, 8, true, &terminal), ==,
                     4);
    g_assert_true(terminal);
    g_assert_cmphex(address_space_ld(c->m->memory, 0x12300, 4), ==,
                    0x44434241);
    g_assert_cmphex(chips_in(c, 0x08), ==, 0x04);
    g_assert_cmphex(chips_in(c, 0x08), ==, 0x00);
    chips_out(c, 0x0c, 0);
    g_assert_cmphex(chips_in(c, 0x04), ==, 0x04);
    g_assert_cmphex(chips_in(c, 0x04), ==, 0x23);
    chips_out(c, 0x80, 0x5a);
    g_assert_cmphex(chips_in(c, 0x80), ==, 0x5a);
    chips_free(c);
}

static void test_debug_ports(void)
{
    ChipsMachine *c = chips_new();
    int code = 0;
    g_assert_cmphex(chips_in(c, 0xe9), ==, 0xe9);
    chips_out(c, 0xe9, 'd');
    g_assert_cmpstr(chips_output->str, ==, "d");
    chips_out(c, 0x501, 0x10);
    g_assert_true(runstate_request_pending(c->m));
    runstate_handle_requests(c->m);
    g_assert_true(runstate_quit_requested(c->m, &code));
    g_assert_cmpint(code, ==, 0x21);
    chips_free(c);
}

static void test_properties(void)
{
    ChipsMachine *c = chips_new();
    Error *err = NULL;
    Device *dev = device_new(c->m, &isa_serial_class, "bad");
    dev->bus = &c->isa;
    device_set_prop(dev, "index", "4", NULL);
    g_assert_false(device_realize(dev, &err));
    g_assert_cmpstr(error_message(err), ==,
                    "isa-serial: at most 4 serial ports");
    error_free(err);
    chips_free(c);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/serial/transmit", test_serial_transmit);
    g_test_add_func("/serial/pace", test_serial_pace);
    g_test_add_func("/serial/receive", test_serial_receive);
    g_test_add_func("/serial/back-pressure", test_serial_back_pressure);
    g_test_add_func("/serial/loopback", test_serial_loopback);
    g_test_add_func("/kbc/controller", test_kbc_controller);
    g_test_add_func("/kbc/scancodes", test_kbc_scancodes);
    g_test_add_func("/kbc/keyboard-commands", test_keyboard_commands);
    g_test_add_func("/kbc/mouse", test_mouse);
    g_test_add_func("/kbc/a20-and-reset", test_a20_and_reset);
    g_test_add_func("/port92/reset", test_fast_reset);
    g_test_add_func("/fw_cfg/ports", test_fw_cfg_ports);
    g_test_add_func("/fw_cfg/dma", test_fw_cfg_dma);
    g_test_add_func("/fw_cfg/dma-mmio", test_fw_cfg_dma_mmio);
    g_test_add_func("/dma/registers", test_dma_registers);
    g_test_add_func("/misc/debug-ports", test_debug_ports);
    g_test_add_func("/misc/properties", test_properties);
    return g_test_run();
}
