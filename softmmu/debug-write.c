/*
 * A debugger's writes. See vm/debug-write.h; the payload is described in
 * docs/devel/log-format.md.
 */
#include "vm/debug-write.h"

#include "base/bytes.h"

enum { HEAD_BYTES = 10 };  /* u8 kind, u8 CPU, u64 value */

static Cpu *find_cpu(Machine *m, unsigned n)
{
    return n < m->cpus->len ? g_ptr_array_index(m->cpus, n) : NULL;
}

const CpuReg *debug_write_register(Cpu *cpu, const char *name, size_t len)
{
    const CpuGdbView *view = cpu->cls->gdb_view(cpu);
    for (unsigned i = 0; i < view->count; i++) {
        const char *known = view->regs[i].name;
        if (strlen(known) == len && !memcmp(known, name, len)) {
            return &view->regs[i];
        }
    }
    return NULL;
}

/* Written as a whole or not at all: every byte must be there. */
static bool memory_is_there(Cpu *cpu, const DebugWrite *w)
{
    g_autofree uint8_t *old = g_malloc(w->len + 1);
    return w->value + w->len >= w->value &&
           cpu_read_debug(cpu, w->value, old, w->len);
}

bool debug_write_possible(Machine *m, const DebugWrite *w, Error **errp)
{
    Cpu *cpu = find_cpu(m, w->cpu);
    if (!cpu) {
        error_set(errp, "there is no vCPU %u", w->cpu);
        return false;
    }
    if (w->kind == DEBUG_MEMORY) {
        if (!memory_is_there(cpu, w)) {
            error_set(errp, "there is no memory at 0x%" G_GINT64_MODIFIER "x",
                      w->value);
            return false;
        }
        return true;
    }
    if (!debug_write_register(cpu, w->data, w->len)) {
        error_set(errp, "the CPU shows no register '%.*s' in its present mode:"
                  " connect again", (int)w->len, (const char *)w->data);
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
    if (w->kind == DEBUG_MEMORY) {
        cpu_write_debug(cpu, w->value, w->data, w->len);
        return;
    }
    const CpuReg *reg = debug_write_register(cpu, w->data, w->len);
    cpu->cls->sync(cpu);
    reg->set(cpu, reg->n, w->value);
}

GByteArray *debug_write_encode(const DebugWrite *w)
{
    uint8_t head[HEAD_BYTES] = { w->kind, w->cpu };
    GByteArray *out = g_byte_array_sized_new(HEAD_BYTES + w->len);
    bytes_st_le64(head + 2, w->value);
    g_byte_array_append(out, head, sizeof head);
    g_byte_array_append(out, w->data, w->len);
    return out;
}

void debug_write_sink(void *machine, const void *data, size_t len)
{
    const uint8_t *p = data;
    if (len < HEAD_BYTES ||
        (p[0] != DEBUG_MEMORY && p[0] != DEBUG_REGISTER)) {
        return; /* no log of ours has one */
    }
    DebugWrite w = { p[0], p[1], bytes_ld_le64(p + 2), p + HEAD_BYTES,
                     len - HEAD_BYTES };
    debug_write_apply(machine, &w);
}
