/*
 * The packets that read and write memory: the virtual memory that the CPU sees in
 * its present mode, or physical memory, if the debugger asked for that (qemu.c).
 */
#include "commands.h"

static bool read_memory(Gdbstub *g, uint64_t addr, void *buf, uint64_t n)
{
    return g->physical
        ? address_space_read_debug(g->machine->memory, addr, buf, n)
        : cpu_read_debug(stub_cpu(g), addr, buf, n);
}

bool memory_get_range(const char **args, uint64_t *addr, uint64_t *len)
{
    return packet_get_number(args, addr) && packet_get_char(args, ',') &&
           packet_get_number(args, len) && *len < PACKET_MAX;
}

void handle_read_mem(Gdbstub *g, const char *args, size_t len)
{
    uint64_t addr, n;
    if (!memory_get_range(&args, &addr, &n) || n > PACKET_MAX / 2) {
        stub_send(g, "E22");
        return;
    }
    g_autofree uint8_t *buf = g_malloc(n + 1);
    if (!read_memory(g, addr, buf, n)) {
        stub_send(g, "E14");
        return;
    }
    packet_put_hex(g->reply, buf, n);
    stub_send_reply(g);
}

static void store(Gdbstub *g, uint64_t addr, const uint8_t *data, uint64_t n)
{
    g_autofree uint8_t *old = g_malloc(n + 1);
    if (!read_memory(g, addr, old, n)) {
        stub_send(g, "E14");
        return;
    }
    GateChange c = { .what = GATE_MEMORY, .cpu = stub_cpu(g)->index,
                     .addr = addr, .physical = g->physical, .data = data,
                     .len = n };
    command_change(g, &c);
}

#define CRC_POLYNOMIAL 0x04c11db7u
/* More would keep everybody else waiting. */
#define CRC_MAX_BYTES (64 * MIB)

static uint32_t crc_more(uint32_t crc, const uint8_t *p, size_t n)
{
    while (n--) {
        crc ^= (uint32_t)*p++ << 24;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc << 1 ^ (crc >> 31 ? CRC_POLYNOMIAL : 0);
        }
    }
    return crc;
}

/* "ADDR,LENGTH": the CRC of the manual's qCRC packet, high bit first. */
void handle_memory_crc(Gdbstub *g, const char *args, size_t len)
{
    uint64_t addr, n;
    uint32_t crc = 0xffffffff;
    if (!command_may_look(g)) {
        return;
    }
    if (!packet_get_number(&args, &addr) || !packet_get_char(&args, ',') ||
        !packet_get_number(&args, &n) || *args || n > CRC_MAX_BYTES) {
        stub_send(g, "E22");
        return;
    }
    for (uint8_t page[PAGE_SIZE]; n;) {
        size_t part = MIN(n, sizeof page);
        if (!read_memory(g, addr, page, part)) {
            stub_send(g, "E14");
            return;
        }
        crc = crc_more(crc, page, part);
        addr += part;
        n -= part;
    }
    g_string_printf(g->reply, "C%08x", crc);
    stub_send_reply(g);
}

void handle_write_mem(Gdbstub *g, const char *args, size_t len)
{
    uint64_t addr, n;
    if (!memory_get_range(&args, &addr, &n) || !packet_get_char(&args, ':') ||
        strlen(args) != 2 * n) {
        stub_send(g, "E22");
        return;
    }
    g_autofree uint8_t *buf = g_malloc(n + 1);
    if (!packet_get_hex(args, buf, n)) {
        stub_send(g, "E22");
        return;
    }
    store(g, addr, buf, n);
}

void handle_write_mem_binary(Gdbstub *g, const char *args, size_t len)
{
    uint64_t addr, n;
    const char *end = args + len;
    if (!memory_get_range(&args, &addr, &n) || !packet_get_char(&args, ':') ||
        (uint64_t)(end - args) != n) {
        stub_send(g, "E22");
        return;
    }
    store(g, addr, (const uint8_t *)args, n);
}
