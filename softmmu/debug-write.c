/*
 * A debugger's writes. See vm/debug-write.h; the payload is described in
 * docs/devel/log-format.md.
 */
#include "vm/debug-write.h"

#include "base/bytes.h"

/* u8 kind, u8 CPU, u64: an address, a value, or the number of its bytes. */
enum { HEAD_BYTES = 10 };

/* Numbers are in logs. ORDER debug-write (docs/devel/log-format.md). Up to
 * version 3 of the log a register had at most 64 bits. */
typedef enum Kind {
    KIND_MEMORY = 1, KIND_SHORT = 2, KIND_REGISTER = 3, KIND_PHYSICAL = 4
} Kind;

static Cpu *find_cpu(Machine *m, unsigned n)
{
    return n < m->cpus->len ? g_ptr_array_index(m->cpus, n) : NULL;
}

/* Written as a whole or not at all: every byte must be there. */
static bool memory_is_there(Cpu *cpu, const DebugWrite *w)
{
    g_autofree uint8_t *old = g_malloc(w->len + 1);
    return w->addr + w->len >= w->addr &&
           (w->physical ? address_space_read_debug(cpu->machine->memory,
                                                   w->addr, old, w->len)
                        : cpu_read_debug(cpu, w->addr, old, w->len));
}

bool debug_write_possible(Machine *m, const DebugWrite *w, Error **errp)
{
    Cpu *cpu = find_cpu(m, w->cpu);
    if (!cpu) {
        error_set(errp, "there is no vCPU %u", w->cpu);
        return false;
    }
    if (w->what == DEBUG_MEMORY) {
        if (!memory_is_there(cpu, w)) {
            error_set(errp, "there is no memory at 0x%" G_GINT64_MODIFIER "x",
                      w->addr);
            return false;
        }
        return true;
    }
    if (!cpu_reg_find(cpu, w->data, w->len)) {
        error_set(errp, "the CPU has no register '%.*s'", (int)w->len,
                  (const char *)w->data);
        return false;
    }
    return true;
}

void debug_write_apply(Machine *m, const DebugWrite *w)
{
    Cpu *cpu = find_cpu(m, w->cpu);
    if (!debug_write_possible(m, w, NULL)) {
        return;
    }
    if (w->what == DEBUG_MEMORY && w->physical) {
        address_space_write_debug(m->memory, w->addr, w->data, w->len);
        return;
    }
    if (w->what == DEBUG_MEMORY) {
        cpu_write_debug(cpu, w->addr, w->data, w->len);
        return;
    }
    cpu_reg_set(cpu, cpu_reg_find(cpu, w->data, w->len), &w->value);
}

/* --- as bytes ------------------------------------------------------------------ */

static unsigned significant_bytes(const CpuRegValue *v)
{
    unsigned n = CPU_REG_BYTES;
    while (n && !v->bytes[n - 1]) {
        n--;
    }
    return n;
}

GByteArray *debug_write_encode(const DebugWrite *w)
{
    bool memory = w->what == DEBUG_MEMORY;
    unsigned value_bytes = memory ? 0 : significant_bytes(&w->value);
    uint8_t head[HEAD_BYTES] = { !memory       ? KIND_REGISTER
                                 : w->physical ? KIND_PHYSICAL
                                               : KIND_MEMORY, w->cpu };
    GByteArray *out = g_byte_array_sized_new(HEAD_BYTES + w->len);
    bytes_st_le64(head + 2, memory ? w->addr : value_bytes);
    g_byte_array_append(out, head, sizeof head);
    g_byte_array_append(out, w->value.bytes, value_bytes);
    g_byte_array_append(out, w->data, w->len);
    return out;
}

/* A register's value is in front of its name. */
static bool decode_value(DebugWrite *w, uint64_t value_bytes)
{
    if (value_bytes > sizeof w->value.bytes || value_bytes > w->len) {
        return false;
    }
    memcpy(w->value.bytes, w->data, value_bytes);
    w->data = (const uint8_t *)w->data + value_bytes;
    w->len -= value_bytes;
    return true;
}

static bool decode(const uint8_t *p, size_t len, DebugWrite *w)
{
    if (len < HEAD_BYTES) {
        return false;
    }
    uint64_t number = bytes_ld_le64(p + 2);
    *w = (DebugWrite){ .what = DEBUG_REGISTER, .cpu = p[1],
                       .data = p + HEAD_BYTES, .len = len - HEAD_BYTES };
    switch (p[0]) {
    case KIND_MEMORY:
    case KIND_PHYSICAL:
        w->what = DEBUG_MEMORY;
        w->addr = number;
        w->physical = p[0] == KIND_PHYSICAL;
        return true;
    case KIND_SHORT:
        bytes_st_le64(w->value.bytes, number);
        return true;
    case KIND_REGISTER:
        return decode_value(w, number);
    default:
        return false;
    }
}

void debug_write_sink(void *machine, const void *data, size_t len)
{
    DebugWrite w;
    if (decode(data, len, &w)) { /* no log of ours has another */
        debug_write_apply(machine, &w);
    }
}
