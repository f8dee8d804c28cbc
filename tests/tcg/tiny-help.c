/*
 * The made-up processor's helpers for the translator; see tiny.h.
 */
#include "tiny-parts.h"

static uint64_t help_pure(Cpu *c, uint64_t a, uint64_t b)
{
    return tiny_mix(a, b);
}

void tiny_raise(Cpu *c, uint64_t cause)
{
    tiny_cpu(c)->cause = cause;
    cpu_raise(c);
}

static uint64_t help_faults(Cpu *c, uint64_t a)
{
    if (!(a & 3)) {
        tiny_raise(c, CAUSE_HELPER);
    }
    return a * 3;
}

static uint64_t help_undef(Cpu *c)
{
    tiny_raise(c, CAUSE_UNDEF);
    return 0;
}

static uint64_t help_reads(Cpu *c)
{
    const TinyState *s = &tiny_cpu(c)->s;
    return tiny_mix(s->dst + s->op, s->src + s->r[3]);
}

static uint64_t help_writes(Cpu *c, uint64_t n)
{
    TinyState *s = &tiny_cpu(c)->s;
    uint64_t v = s->dst;
    s->dst = s->r[n];
    s->r[n] = v;
    return 0;
}

static uint64_t help_io(Cpu *c, uint64_t v)
{
    TinyState *s = &tiny_cpu(c)->s;
    return tiny_io(s, 0, v, 8, machine_icount(c->machine), false);
}

static uint64_t help_table(Cpu *c)
{
    tiny_cpu(c)->s.table ^= 1;
    return 0;
}

static uint64_t help_enable(Cpu *c, uint64_t on)
{
    tiny_cpu(c)->s.enabled = on & 1;
    return 0;
}

static void fp_from_state(Cpu *c)
{
    c->fp = sf_env_sse(tiny_cpu(c)->s.fp);
    c->fp.flags = tiny_cpu(c)->s.fp & TINY_FP_FLAGS;
}

static void x80_from_state(Cpu *c)
{
    const TinyState *s = &tiny_cpu(c)->s;
    c->fp80 = sf_env_x87(s->xcontrol | SF_ALL);
    c->fp80.flags = s->xflags;
}

void tiny_fp_from_state(Cpu *c)
{
    fp_from_state(c);
    x80_from_state(c);
}

void tiny_fp_to_state(Cpu *c)
{
    TinyState *s = &tiny_cpu(c)->s;
    s->fp = (s->fp & ~TINY_FP_FLAGS) | (c->fp.flags & TINY_FP_FLAGS);
    s->xflags = c->fp80.flags & TINY_X80_FLAGS;
}

/* The flags are taken away, so that others are seen to come. */
static uint64_t help_fpget(Cpu *c)
{
    tiny_fp_to_state(c);
    c->fp.flags = 0;
    return tiny_cpu(c)->s.fp;
}

static uint64_t help_fpset(Cpu *c, uint64_t v)
{
    tiny_cpu(c)->s.fp = tiny_fp(v);
    fp_from_state(c);
    return 0;
}

/* The flags of numbers of 80 bits, in the same way. */
static uint64_t help_xget(Cpu *c)
{
    tiny_fp_to_state(c);
    c->fp80.flags = 0;
    return tiny_cpu(c)->s.xflags;
}

static uint64_t help_xset(Cpu *c, uint64_t v)
{
    tiny_fp_to_state(c);
    tiny_cpu(c)->s.xcontrol = v & TINY_X80_CONTROL;
    x80_from_state(c);
    return 0;
}

static uint64_t help_xspecial(Cpu *c, uint64_t reg, uint64_t low, uint64_t high)
{
    uint64_t *x = tiny_cpu(c)->s.f[reg];
    x[0] = low;
    x[1] = high;
    return 0;
}

static uint64_t help_flush(Cpu *c)
{
    tlb_flush(c);
    return 0;
}

/* Half of the time the instruction ends here. */
static uint64_t help_retire(Cpu *c, uint64_t v, uint64_t next)
{
    TinyState *s = &tiny_cpu(c)->s;
    s->scratch++;
    if (v & 1) {
        s->pc = next;
        cpu_exit_retired(c);
    }
    return v + 1;
}

#define HELPER(name, nargs, result, effects) \
    { #name, (void (*)(void))help_##name, nargs, result, effects }

const IrHelper tiny_h_pure = HELPER(pure, 2, IR_I64, 0);
const IrHelper tiny_h_faults = HELPER(faults, 1, IR_I64, IR_FAULTS);
const IrHelper tiny_h_undef = HELPER(undef, 0, IR_NONE, IR_FAULTS);
const IrHelper tiny_h_reads = HELPER(reads, 0, IR_I64, IR_READS);
const IrHelper tiny_h_writes = HELPER(writes, 1, IR_NONE,
                                        IR_READS | IR_WRITES);
const IrHelper tiny_h_io = HELPER(io, 1, IR_I64, IR_READS | IR_WRITES);
const IrHelper tiny_h_table = HELPER(table, 0, IR_NONE,
                                       IR_READS | IR_WRITES);
const IrHelper tiny_h_enable = HELPER(enable, 1, IR_NONE,
                                        IR_READS | IR_WRITES);
const IrHelper tiny_h_fpget = HELPER(fpget, 0, IR_I64,
                                       IR_READS | IR_WRITES);
const IrHelper tiny_h_fpset = HELPER(fpset, 1, IR_NONE,
                                       IR_READS | IR_WRITES);
const IrHelper tiny_h_flush = HELPER(flush, 0, IR_NONE, IR_WRITES);
const IrHelper tiny_h_retire = HELPER(retire, 2, IR_I64,
                                        IR_READS | IR_WRITES | IR_FAULTS);
const IrHelper tiny_h_xget = HELPER(xget, 0, IR_I64, IR_READS | IR_WRITES);
const IrHelper tiny_h_xset = HELPER(xset, 1, IR_NONE, IR_READS | IR_WRITES);
const IrHelper tiny_h_xspecial = HELPER(xspecial, 3, IR_NONE, IR_WRITES);
