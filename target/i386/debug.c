/*
 * Debug registers: SDM vol. 3, chapter 17.2.
 */
#include "show.h"
#include "sys.h"

enum { DR6_BD = 0x2000, DR6_FIXED = 0xffff0ff0 };

/* Kinds of DR7's R/W fields. */
enum { KIND_EXEC, KIND_WRITE, KIND_IO, KIND_ACCESS };

static bool enabled(const X86State *s, unsigned n)
{
    return (s->dr[7] >> (2 * n)) & 3;
}

static unsigned kind_of(const X86State *s, unsigned n)
{
    return (s->dr[7] >> (16 + 4 * n)) & 3;
}

static unsigned len_of(const X86State *s, unsigned n)
{
    static const uint8_t lens[] = { 1, 2, 8, 4 };
    return lens[(s->dr[7] >> (18 + 4 * n)) & 3];
}

static void arm(X86Cpu *cpu, unsigned n)
{
    Cpu *p = &cpu->parent;
    const X86State *s = &cpu->s;
    unsigned len = len_of(s, n);
    uint64_t addr = s->dr[n] & ~(uint64_t)(len - 1);
    switch (kind_of(s, n)) {
    case KIND_EXEC:
        cpu_breakpoint_insert(p, s->dr[n], BREAK_CPU);
        break;
    case KIND_WRITE:
        cpu_watchpoint_insert(p, addr, len, 1 << MMU_STORE, BREAK_CPU);
        break;
    case KIND_ACCESS:
        cpu_watchpoint_insert(p, addr, len, 1 << MMU_STORE | 1 << MMU_LOAD,
                              BREAK_CPU);
        break;
    }
}

static bool anything_armed(Cpu *cpu)
{
    for (guint i = 0; i < cpu->breakpoints->len; i++) {
        if (g_array_index(cpu->breakpoints, Breakpoint, i).owner ==
            BREAK_CPU) {
            return true;
        }
    }
    for (guint i = 0; i < cpu->watchpoints->len; i++) {
        if (g_array_index(cpu->watchpoints, Watchpoint, i).owner ==
            BREAK_CPU) {
            return true;
        }
    }
    return false;
}

void debug_rearm(X86Cpu *cpu)
{
    if (anything_armed(&cpu->parent)) {
        cpu_debug_clear(&cpu->parent, BREAK_CPU);
    }
    for (unsigned n = 0; n < 4; n++) {
        if (enabled(&cpu->s, n)) {
            arm(cpu, n);
        }
    }
}

/* An instruction breakpoint is a fault, before the instruction. */
bool x86_debug_break(Cpu *parent, GuestAddr pc)
{
    X86Cpu *cpu = x86_cpu(parent);
    X86State *s = &cpu->s;
    uint32_t bits = 0;
    /* Vol. 3, 17.3.1.1: behind MOV SS and POP SS as if RF were 1. */
    if ((s->eflags & FLAG_RF) || s->ss_shadow || s->in_rep) {
        return false;
    }
    for (unsigned n = 0; n < 4; n++) {
        if (enabled(s, n) && kind_of(s, n) == KIND_EXEC && s->dr[n] == pc) {
            bits |= 1u << n;
        }
    }
    if (!bits) {
        return false;
    }
    s->dr[6] |= bits;
    x86_deliver(cpu, EXC_DB, EVENT_TRAP, -1);
    return true;
}

/* A data breakpoint is a trap, after the instruction. */
void x86_debug_hit(Cpu *parent, const WatchHit *hit)
{
    X86State *s = &x86_cpu(parent)->s;
    for (unsigned n = 0; n < 4; n++) {
        unsigned kind = kind_of(s, n);
        unsigned len = len_of(s, n);
        uint64_t addr = s->dr[n] & ~(uint64_t)(len - 1);
        bool data = kind == KIND_ACCESS ||
                    (kind == KIND_WRITE && hit->access == MMU_STORE);
        if (enabled(s, n) && data && hit->addr < addr + len &&
            addr < hit->addr + hit->len) {
            s->pending_debug |= 1u << n;
        }
    }
}

void debug_io(X86Cpu *cpu, uint32_t port, unsigned size)
{
    X86State *s = &cpu->s;
    for (unsigned n = 0; (s->cr[4] & CR4_DE) && n < 4; n++) {
        unsigned len = len_of(s, n);
        uint64_t addr = s->dr[n] & ~(uint64_t)(len - 1);
        if (enabled(s, n) && kind_of(s, n) == KIND_IO && port < addr + len &&
            addr < port + size) {
            s->pending_debug |= 1u << n;
        }
    }
}

/* --- MOV to and from DRn -------------------------------------------------------------- */

static void general_detect(X86Cpu *cpu)
{
    X86State *s = &cpu->s;
    if (s->dr[7] & DR7_GD) {
        s->dr[6] |= DR6_BD;
        x86_raise(cpu, EXC_DB, -1);
    }
}

/* DR4 and DR5 are DR6 and DR7 unless CR4.DE says they do not exist. */
static unsigned alias(X86Cpu *cpu, unsigned n)
{
    if (n == 4 || n == 5) {
        if (cpu->s.cr[4] & CR4_DE) {
            x86_raise(cpu, EXC_UD, -1);
        }
        return n + 2;
    }
    if (n > 7) {
        x86_raise(cpu, EXC_UD, -1);
    }
    return n;
}

uint64_t helper_read_dr(Cpu *parent, uint64_t n)
{
    X86Cpu *cpu = x86_cpu(parent);
    n = alias(cpu, n);
    general_detect(cpu);
    return cpu->s.dr[n];
}

uint64_t helper_write_dr(Cpu *parent, uint64_t n, uint64_t v)
{
    X86Cpu *cpu = x86_cpu(parent);
    X86State *s = &cpu->s;
    n = alias(cpu, n);
    general_detect(cpu);
    if (n >= 6 && v >> 32) {
        x86_raise(cpu, EXC_GP, 0);
    }
    if (n == 6) {
        v = (v & 0xe00f) | DR6_FIXED;
    } else if (n == 7) {
        v = (v & 0xffff2bff) | 0x400;
    }
    s->dr[n] = v;
    if (n != 6) {
        debug_rearm(cpu);
    }
    return 0;
}
