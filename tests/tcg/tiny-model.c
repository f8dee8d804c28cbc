/*
 * The made-up processor as a plain interpreter: no TBs, no TLB, every access
 * walks the page table, every instruction is decoded again. See tiny.h.
 */
#include "tiny.h"

#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"

typedef TinyModel Model;

typedef struct Step {
    Model *m;
    uint64_t cause;        /* of the trap, or 0 */
    MmuAccess access;
    uint64_t code_page;    /* fetched from in this instruction … */
    uint64_t code_phys;    /* … and where it is */
} Step;

/* --- memory -------------------------------------------------------------------- */

static uint8_t *plain(Model *m, uint64_t pa)
{
    return pa < TINY_RAM_BYTES ? &m->ram[pa]
           : pa - TINY_ROM_AT < TINY_ROM_BYTES ? &m->rom[pa - TINY_ROM_AT]
                                               : NULL;
}

static bool is_io(uint64_t pa)
{
    return pa - TINY_IO_AT < TINY_IO_BYTES;
}

static bool walk(Step *st, uint64_t va, MmuAccess access, uint64_t *pa)
{
    va &= TINY_ADDR_MASK;
    uint8_t *at = st->m->ram + TINY_TABLE(st->m->s.table) +
                  (va >> PAGE_BITS) * 8;
    uint64_t entry = bytes_ld_le(at, 8);
    if (!(entry & TINY_P) || (access == MMU_STORE && !(entry & TINY_W))) {
        st->cause = CAUSE_PAGE | va << 8;
        return false;
    }
    entry |= TINY_A | (access == MMU_STORE ? TINY_D : 0);
    bytes_st_le(at, 8, entry);
    *pa = (entry & 0xff000) | (va & ~PAGE_MASK);
    return true;
}

static uint64_t phys_ld(Model *m, uint64_t pa, unsigned size)
{
    if (is_io(pa)) {
        return tiny_io(&m->s, pa - TINY_IO_AT, 0, size, m->icount, false);
    }
    uint8_t *at = plain(m, pa);
    return at ? bytes_ld_le(at, size) : bits_mask(8 * size);
}

static void phys_st(Model *m, uint64_t pa, uint64_t v, unsigned size)
{
    if (is_io(pa)) {
        tiny_io(&m->s, pa - TINY_IO_AT, v & bits_mask(8 * size), size,
                m->icount, true);
    } else if (pa < TINY_RAM_BYTES) {
        bytes_st_le(m->ram + pa, size, v);
    }
}

static void watch(Model *m, uint64_t va, unsigned size, MmuAccess access)
{
    for (unsigned i = 0; i < 2; i++) {
        TinyWatch *w = &m->watch[i];
        if ((w->access & 1u << access) && va < w->addr + w->len &&
            w->addr < va + size) {
            w->hit = true;
            w->hit_addr = MAX(va, w->addr);
        }
    }
}

/* Where each byte of an access is; one entry if it is within a page. */
static bool resolve(Step *st, uint64_t va, unsigned size, MmuAccess access,
                    uint64_t *pa)
{
    unsigned first = PAGE_SIZE - (va & ~PAGE_MASK);
    if (!walk(st, va, access, &pa[0])) {
        return false;
    }
    if (first < size && !walk(st, va + first, access, &pa[first])) {
        return false;
    }
    for (unsigned i = 1; i < size; i++) {
        pa[i] = i == first ? pa[i] : pa[i - 1] + 1;
    }
    return true;
}

static bool crosses(uint64_t va, unsigned size)
{
    return (va & ~PAGE_MASK) + size > PAGE_SIZE;
}

static bool ld(Step *st, uint64_t va, unsigned size, uint64_t *v)
{
    uint64_t pa[16];
    if (!resolve(st, va, size, MMU_LOAD, pa)) {
        return false;
    }
    watch(st->m, va, size, MMU_LOAD);
    if (!crosses(va, size)) {
        *v = phys_ld(st->m, pa[0], size);
        return true;
    }
    *v = 0;
    for (unsigned i = 0; i < size; i++) {
        *v |= phys_ld(st->m, pa[i], 1) << (8 * i);
    }
    return true;
}

static bool store(Step *st, uint64_t va, uint64_t v, unsigned size)
{
    uint64_t pa[8];
    if (!resolve(st, va, size, MMU_STORE, pa)) {
        return false;
    }
    watch(st->m, va, size, MMU_STORE);
    if (!crosses(va, size)) {
        phys_st(st->m, pa[0], v, size);
        return true;
    }
    for (unsigned i = 0; i < size; i++) {
        phys_st(st->m, pa[i], v >> (8 * i), 1);
    }
    return true;
}

/* --- vectors ----------------------------------------------------------------------- */

/* A page's part of a vector; a device sees the largest pieces it knows. */
static void vector_part(Model *m, uint64_t pa, uint8_t *bytes, unsigned size,
                        bool write)
{
    for (unsigned at = 0, n; at < size; at += n) {
        unsigned left = size - at;
        n = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
        if (write) {
            phys_st(m, pa + at, bytes_ld_le(bytes + at, n), n);
        } else {
            bytes_st_le(bytes + at, n, phys_ld(m, pa + at, n));
        }
    }
}

static bool access_vector(Step *st, uint64_t va, IrMem mem, uint64_t *v,
                          MmuAccess access)
{
    unsigned size = ir_mem_size(mem), first = PAGE_SIZE - (va & ~PAGE_MASK);
    uint64_t pa[16];
    uint8_t bytes[16] = { 0 };
    bool write = access == MMU_STORE;
    if ((mem & IR_MEM_ALIGN) && va % ir_mem_span(mem)) {
        st->cause = CAUSE_ALIGN | va << 8;
        return false;
    }
    /* Of a first half the page of the other one is looked at first. */
    uint64_t end = (va + ir_mem_span(mem) - 1) & PAGE_MASK;
    if (write && (mem & IR_MEM_PAIR) && end > va &&
        !walk(st, end, access, pa)) {
        return false;
    }
    if (!resolve(st, va, size, access, pa)) {
        return false;
    }
    watch(st->m, va, size, access);
    bytes_st_le(bytes, 8, v[0]);
    bytes_st_le(bytes + 8, 8, v[1]);
    vector_part(st->m, pa[0], bytes, MIN(first, size), write);
    if (first < size) {
        vector_part(st->m, pa[first], bytes + first, size - first, write);
    }
    if (!write) {
        v[0] = bytes_ld_le(bytes, 8);
        v[1] = bytes_ld_le(bytes + 8, 8);
    }
    return true;
}

/* A page is walked once an instruction. A fault is noted; the byte is then
 * of no importance. */
static uint8_t fetch(void *opaque, unsigned offset)
{
    Step *st = opaque;
    uint64_t va = st->m->s.pc + offset;
    if (st->cause) {
        return 0;
    }
    if ((va & PAGE_MASK) != st->code_page) {
        if (!walk(st, va, MMU_FETCH, &st->code_phys)) {
            return 0;
        }
        st->code_page = va & PAGE_MASK;
        st->code_phys &= PAGE_MASK;
    }
    return phys_ld(st->m, st->code_phys | (va & ~PAGE_MASK), 1);
}

/* --- arithmetic ------------------------------------------------------------------ */

static bool holds(unsigned cond, uint64_t a, uint64_t b, unsigned bits)
{
    int64_t x = bits_sext(a, bits), y = bits_sext(b, bits);
    const bool yes[] = { a == b, a != b, a < b, a >= b, a <= b, a > b,
                         x < y, x >= y, x <= y, x > y,
                         (a & b) != 0, (a & b) == 0 };
    return yes[cond];
}

/* One bit after the other: slow, and unlike what it is compared with. */
static uint64_t rotate_left(uint64_t a, unsigned n, unsigned bits)
{
    while (n--) {
        a = (a << 1 | (a >> (bits - 1) & 1)) & bits_mask(bits);
    }
    return a;
}

static uint64_t two_operands(unsigned what, uint64_t a, uint64_t b,
                             unsigned bits)
{
    int64_t x = bits_sext(a, bits), y = bits_sext(b, bits);
    unsigned n = b % bits;
    switch (what) {
    case 0: return a + b;
    case 1: return a - b;
    case 2: return a * b;
    case 3: return ((unsigned __int128)a * b) >> bits;
    case 4: return ((__int128)x * y) >> bits;
    case 5: return a & b;
    case 6: return a | b;
    case 7: return a ^ b;
    case 8: return a & ~b;
    case 9: return a << n;
    case 10: return a >> n;
    case 11: return x >> n;
    case 12: return rotate_left(a, n, bits);
    default: return rotate_left(a, bits - n, bits);
    }
}

static uint64_t count_from(uint64_t v, unsigned bits, bool top)
{
    unsigned n = 0;
    while (n < bits && !(v >> (top ? bits - 1 - n : n) & 1)) {
        n++;
    }
    return n;
}

static uint64_t one_operand(unsigned what, uint64_t v, unsigned bits)
{
    uint64_t r = 0;
    switch (what) {
    case 14: return ~v;
    case 15: return -v;
    case 16: return count_from(v, bits, true);
    case 17: return count_from(v, bits, false);
    case 18:
        for (unsigned i = 0; i < bits; i++) {
            r += v >> i & 1;
        }
        return r;
    default:
        for (unsigned i = 0; i < bits; i += 8) {
            r = r << 8 | (v >> i & 0xff);
        }
        return r;
    }
}

static uint64_t alu(unsigned what, uint64_t a, uint64_t b, unsigned bits)
{
    if (what < 14) {
        return two_operands(what, a, b, bits);
    }
    if (what < 20) {
        return one_operand(what, b, bits);
    }
    switch (what) {
    case 20:
        return a & 0xff;
    case 21:
        return (int16_t)a;
    case 22:
        return b >> 5 & 0xfffff;
    case 23:
        return (a & ~(UINT64_C(0x1ff) << 7)) | (b & 0x1ff) << 7;
    case 24:
        return a & 0xffff;
    default:
        return holds((what - 25) % 12, a, b, bits) ? b : a;
    }
}

static void exec_alu(TinyState *s, const TinyInsn *in, uint64_t b)
{
    unsigned what = in->imm & 63;
    uint64_t a = s->r[in->d], v;
    if (what >= 48) {
        v = holds((what - 48) % 12, a, b, 64);
    } else if (in->x & 1) {
        v = alu(what, (uint32_t)a, (uint32_t)b, 32);
        v = in->x & 2 ? (uint64_t)(int32_t)v : (uint32_t)v;
    } else {
        v = alu(what, a, b, 64);
    }
    s->r[in->d] = v;
    s->dst = v;
    s->src = b;
    s->op = what;
}

/* --- instructions ------------------------------------------------------------------ */

static uint64_t address(const TinyState *s, const TinyInsn *in)
{
    return (s->r[in->s] + (in->imm & 0x3fff)) & TINY_ADDR_MASK;
}

static bool exec_ld(Step *st, const TinyInsn *in)
{
    TinyState *s = &st->m->s;
    unsigned size = 1u << in->x;
    uint64_t v;
    if (!ld(st, address(s, in), size, &v)) {
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
    uint64_t a = address(s, in);
    uint64_t v = in->imm < 0 ? (uint64_t)in->imm : s->r[in->d];
    if (!store(st, a, v, 1u << in->x)) {
        return false;
    }
    s->src = a;
    return true;
}

static void exec_ldenv(TinyState *s, const TinyInsn *in)
{
    s->r[in->d] = s->scratch & bits_mask(8u << in->x);
}

static bool exec_vector_memory(Step *st, const TinyInsn *in)
{
    TinyState *s = &st->m->s;
    bool load = in->op == TINY_VLD;
    uint64_t none[2] = { 0, 0 };
    uint64_t *v = load ? none : s->v[in->d];
    if (!access_vector(st, address(s, in), tiny_vec_mem(in), v,
                       load ? MMU_LOAD : MMU_STORE)) {
        return false;
    }
    if (load) {
        memcpy(s->v[in->d], none, sizeof none);
    }
    return true;
}

/* By the row's own function. */
static bool exec_vec(Step *st, const TinyInsn *in)
{
    TinyState *s = &st->m->s;
    VecOp op = tiny_vec_op(in);
    const char *sig = vec_ops[op].sig;
    VecArgs v = { .x = s->r[in->s], .imm = tiny_vec_imm(in) };
    SfEnv env = sf_env_sse(s->fp);
    memcpy(&v.a, s->v[in->d], sizeof v.a);
    memcpy(&v.b, s->v[in->s], sizeof v.b);
    memcpy(&v.c, s->v[(in->s + 1) & 7], sizeof v.c);
    if (strchr(sig + 2, '4')) {
        v.x = (uint32_t)v.x;
    }
    vec_ops[op].fn(&v, &env);
    if (vec_ops[op].env) {
        s->fp |= env.flags;
        if (env.flags & env.unmasked) {
            st->cause = CAUSE_FP | env.flags << 8;
            return false;
        }
    }
    if (sig[0] == 'v') {
        memcpy(s->v[in->d], &v.out, sizeof v.out);
    } else {
        s->r[in->d] = v.r;
    }
    return true;
}

/* Instructions on registers, which cannot trap. */
static void exec_plain(Step *st, const TinyInsn *in)
{
    TinyState *s = &st->m->s;
    uint64_t v = s->r[in->s];
    switch (in->op) {
    case TINY_ALU:
        exec_alu(s, in, v);
        break;
    case TINY_ALUI:
        exec_alu(s, in, in->imm >> 6);
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
    }
}

static uint64_t next_pc(TinyState *s, const TinyInsn *in)
{
    uint64_t next = s->pc + in->len;
    uint64_t to = s->pc + (in->imm >> 4);
    switch (in->op) {
    case TINY_SKIP:
    case TINY_BRANCH:
        return holds((in->imm & 15) % 12, s->r[in->d], s->r[in->s], 64)
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
        return exec_vector_memory(st, in);
    case TINY_VEC:
        return exec_vec(st, in);
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

static void trap(Model *m, uint64_t cause)
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
    if (!resolve(&st, TINY_STACK, 8, MMU_STORE, pa)) {
        trap(m, st.cause);
        return;
    }
    phys_st(m, pa[0], s->pc, 8);
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

static bool break_at(const Model *m, BreakOwner owner)
{
    const TinyWatch *w = &m->watch[owner - 1];
    return w->len && !w->access && w->addr == m->s.pc;
}

void tiny_model_step(Model *m)
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
        TinyInsn in = tiny_decode(fetch, &st);
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
