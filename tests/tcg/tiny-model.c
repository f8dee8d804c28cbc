/*
 * The made-up processor as a plain interpreter: no TBs, no TLB, every access
 * walks the page table, every instruction is decoded again. See tiny.h.
 */
#include "tiny-model.h"

#include <string.h>

#include "base/bits.h"

uint64_t model_address(const TinyState *s, const TinyInsn *in)
{
    return (s->r[in->s] + (in->imm & 0x3fff)) & TINY_ADDR_MASK;
}

static bool exec_ld(Step *st, const TinyInsn *in)
{
    TinyState *s = &st->m->s;
    unsigned size = 1u << in->x;
    uint64_t v;
    if (!model_ld(st, model_address(s, in), size, &v)) {
        return false;
    }
    if (in->imm < 0) {
        v = bits_sext(v, 8 * size);
    }
    bool narrow = in->x < 3 && (in->imm & 0x4000);
    s->r[in->d] = narrow ? (uint32_t)v : v;
    return true;
}

static bool exec_st(Step *st, const TinyInsn *in)
{
    TinyState *s = &st->m->s;
    uint64_t a = model_address(s, in);
    uint64_t v = in->imm < 0 ? (uint64_t)in->imm : s->r[in->d];
    if (!model_st(st, a, v, 1u << in->x)) {
        return false;
    }
    s->src = a;
    return true;
}

static void exec_ldenv(TinyState *s, const TinyInsn *in)
{
    s->r[in->d] = s->scratch & bits_mask(8u << in->x);
}

/* The same of numbers of 80 bits, whose instructions came last. */
static void exec_number(TinyState *s, const TinyInsn *in)
{
    switch (in->op) {
    case TINY_XMOV:
        memmove(s->f[in->d], s->f[in->s], sizeof s->f[0]);
        break;
    case TINY_XSPECIAL:
        tiny_x80_special(in, s->f[in->d]);
        break;
    case TINY_XGET:
        s->r[in->d] = s->xflags;
        s->xflags = 0;
        break;
    case TINY_XSET:
        s->xcontrol = s->r[in->s] & TINY_X80_CONTROL;
        break;
    case TINY_XOP:
        model_xop(s, in);
        break;
    case TINY_ASSUME:
        s->r[in->d] = s->r[in->s] + (s->scratch & TINY_ASSUMED);
        break;
    }
}

/* Instructions on registers, which cannot trap. */
static void exec_plain(Step *st, const TinyInsn *in)
{
    TinyState *s = &st->m->s;
    uint64_t v = s->r[in->s];
    switch (in->op) {
    case TINY_ALU:
        model_alu(s, in, v);
        break;
    case TINY_ALUI:
        model_alu(s, in, in->imm >> 6);
        break;
    case TINY_LI:
        s->r[in->d] = (uint64_t)(int64_t)in->imm << (4 * in->x);
        break;
    case TINY_PURE:
        s->r[in->d] = tiny_mix(v, s->r[in->d]);
        break;
    case TINY_READS:
        s->r[in->d] = tiny_mix(s->dst + s->op, s->src + s->r[3]);
        break;
    case TINY_WRITES:
        s->r[in->s] = s->dst;
        s->dst = v;
        break;
    case TINY_RETIRE:
        s->scratch++;
        s->r[in->d] = v & 1 ? s->r[in->d] : v + 1;
        break;
    case TINY_LDENV:
        exec_ldenv(s, in);
        break;
    case TINY_STENV:
        s->scratch = bits_deposit(s->scratch, 0, 8u << in->x, v);
        break;
    case TINY_IO:
        s->r[in->d] = tiny_io(s, 0, v, 8, st->m->icount, false);
        break;
    case TINY_TABLE:
        s->table ^= 1;
        break;
    case TINY_ENABLE:
        s->enabled = in->x & 1;
        break;
    case TINY_VMOV:
        memmove(s->v[in->d], s->v[in->s], sizeof s->v[0]);
        break;
    case TINY_VSET:
        s->v[in->d][0] = s->v[in->d][1] = tiny_vec_const(in);
        break;
    case TINY_FPGET:
        s->r[in->d] = s->fp;
        s->fp &= ~TINY_FP_FLAGS;
        break;
    case TINY_FPSET:
        s->fp = tiny_fp(v);
        break;
    default:
        exec_number(s, in);
        break;
    }
}

static uint64_t next_pc(TinyState *s, const TinyInsn *in)
{
    uint64_t next = s->pc + in->len;
    uint64_t to = s->pc + (in->imm >> 4);
    switch (in->op) {
    case TINY_SKIP:
    case TINY_BRANCH:
        return model_holds((in->imm & 15) % 12, s->r[in->d], s->r[in->s], 64)
                   ? to : next;
    case TINY_JUMP:
        return to;
    case TINY_JUMPR:
        return s->r[in->s];
    case TINY_RETURN:
        s->enabled = true;
        return s->epc;
    default:
        return next;
    }
}

/* It is next_pc() that jumps. */
static bool exec_jumpr(Step *st, const TinyInsn *in)
{
    uint64_t to = st->m->s.r[in->s];
    unsigned bits = tiny_jump_bits(in);
    if (!bits || (uint64_t)bits_sext(to, bits) == to) {
        return true;
    }
    st->cause = CAUSE_TARGET | to << 8;
    return false;
}

/* False: it trapped and nothing has changed, but for accessed bits. */
static bool exec(Step *st, const TinyInsn *in)
{
    TinyState *s = &st->m->s;
    switch (in->op) {
    case TINY_LD:
        return exec_ld(st, in);
    case TINY_ST:
        return exec_st(st, in);
    case TINY_VLD:
    case TINY_VST:
        return model_vector_memory(st, in);
    case TINY_VEC:
        return model_vec(st, in);
    case TINY_XLD:
    case TINY_XST:
        return model_x80_memory(st, in);
    case TINY_JUMPR:
        return exec_jumpr(st, in);
    case TINY_UNDEF:
        st->cause = CAUSE_UNDEF;
        return false;
    case TINY_FAULTS:
        if (!(s->r[in->s] & 3)) {
            st->cause = CAUSE_HELPER;
            return false;
        }
        s->r[in->d] = s->r[in->s] * 3;
        return true;
    default:
        exec_plain(st, in);
        return true;
    }
}

static void trap(TinyModel *m, uint64_t cause)
{
    TinyState *s = &m->s;
    Step st = { .m = m };
    uint64_t pa[8];
    s->traps++;
    s->cause = cause;
    if (s->last_trap == m->icount) {
        s->halted = true;
        return;
    }
    s->last_trap = m->icount;
    s->enabled = false;
    s->epc = s->pc;
    if (!model_resolve(&st, TINY_STACK, 8, MMU_STORE, pa)) {
        trap(m, st.cause);
        return;
    }
    model_phys_st(m, pa[0], s->pc, 8);
    s->pc = TINY_TRAP;
}

static void take_interrupt(TinyState *s)
{
    if (s->irq && s->enabled) {
        s->enabled = false;
        s->epc = s->pc;
        s->pc = TINY_IRQ;
    }
}

static bool break_at(const TinyModel *m, BreakOwner owner)
{
    const TinyWatch *w = &m->watch[owner - 1];
    return w->len && !w->access && w->addr == m->s.pc;
}

void tiny_model_step(TinyModel *m)
{
    TinyState *s = &m->s;
    m->watch[0].hit = m->watch[1].hit = m->stopped = false;
    while (!s->halted) {
        Step st = { .m = m, .code_page = UINT64_MAX };
        take_interrupt(s);
        if (break_at(m, BREAK_GDB) && m->skip_break != m->icount) {
            m->stopped = true;
            return;
        }
        if (break_at(m, BREAK_CPU) && tiny_debug_break(s, m->icount)) {
            continue;
        }
        TinyInsn in = tiny_decode(model_fetch, &st);
        if (!st.cause && exec(&st, &in)) {
            s->pc = next_pc(s, &in) & TINY_ADDR_MASK;
            m->icount++;
            if (m->watch[1].hit) {
                tiny_debug_hit(s, m->watch[1].hit_addr, m->icount);
            }
            return;
        }
        trap(m, st.cause);
    }
}
