/*
 * Code that is entered for the first time: interpreted as it is translated.
 *
 * Most code of a starting system is run once, and all of what a wild jump into
 * zeroed memory leads to. To optimise such code and make native code of it
 * takes ten times as long as to run its IR as it is. So the first time each
 * guest instruction is run as soon as it is translated, and only then the next
 * one is looked at; the second time a TB is made of it.
 *
 * That needs no care for what a TB takes for granted. The instruction that
 * runs is always the last of its "TB", so an access to a device need not end
 * it first; the next one's bytes are fetched when this one has stored to them;
 * and what drops translations makes the budget negative, which is looked at
 * after every instruction. All SETs are made in their order: where an
 * instruction faults, the registers are those of its start.
 *
 * Nothing is assumed that has to be looked at again (TranslateContext.may_assume).
 *
 * What was entered before is a bit in a map, which nothing needs to keep
 * exact: it only decides how something is done.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "translate.h"
#include "vm/page-trace.h"
#include "vm/work.h"

/* The map is emptied when that many bits are set. */
#define SEEN_BITS 20
#define SEEN_MOST (1u << (SEEN_BITS - 4))
#define TURNS     8u

typedef struct Once {
    Tb tb;                 /* what cpu->tb is meanwhile */
    Cpu *cpu;
    IrBlock *ir;
    V128 *value;           /* by IrVal; integers in the first half */
    uint64_t seen[(1u << SEEN_BITS) / 64];
    unsigned seen_count;
} Once;

/* --- when ------------------------------------------------------------------------ */

void once_init(TcgState *s)
{
    s->once = g_new0(Once, 1);
    s->once->value = g_new(V128, IR_NO_VAL);
    s->once->tb.ram[0] = s->once->tb.ram[1] = TB_NO_RAM;
}

void once_fini(TcgState *s)
{
    g_free(s->once->value);
    g_free(s->once);
}

Tb *once_tb(const TcgState *s)
{
    return &s->once->tb;
}

/* True if it was there already. */
static bool note_seen(Once *o, const TbKey *key, RamAddr ra, unsigned limit)
{
    uint64_t h = (ra ^ key->base * 31 ^ (uint64_t)key->flags << 32 ^ limit) *
                 UINT64_C(0x9e3779b97f4a7c15);
    unsigned n = h >> (64 - SEEN_BITS);
    if (o->seen[n / 64] & BIT(n % 64)) {
        return true;
    }
    if (o->seen_count++ == SEEN_MOST) {
        memset(o->seen, 0, sizeof o->seen);
        o->seen_count = 1;
    }
    o->seen[n / 64] |= BIT(n % 64);
    return false;
}

/* Who reads these wants to see TBs. */
#define LOG_TBS (LOG_IN_ASM | LOG_OP | LOG_OP_OPT | LOG_OUT_ASM | LOG_EXEC | \
                 LOG_CPU | LOG_NOCHAIN)

bool once_wanted(TcgState *s, const TbKey *key, RamAddr ra, TbLimit limit,
                 bool tail)
{
    InterpretWhen when = s->options->interpret;
    s->once->tb.insn_count = 0; /* as much as there is budget for */
    s->once->tb.limit = limit;
    if (when == INTERPRET_NEVER || log_enabled(LOG_TBS)) {
        return false;
    }
    /* A budget ends somewhere else each time: what is entered there is compiled
     * if that was so twice in the same turn of some, and else interpreted to
     * the budget's end. TBs would begin at every instruction of the code. */
    unsigned turn = tail ? 1 + s->left[TB_EXIT_BUDGET] % TURNS : 0;
    /* TBs of code outside RAM are never kept. */
    return when == INTERPRET_ALWAYS || ra == TB_NO_RAM ||
           !note_seen(s->once, key, ra, limit + TB_NO_LIMIT * turn);
}

/* --- one IR instruction ------------------------------------------------------------ */

static void *cpu_place(const Once *o, uint64_t offset)
{
    return (char *)o->cpu + offset;
}

static uint64_t arg(const Once *o, const IrInst *i, unsigned k)
{
    return o->value[i->arg[k]].w[0];
}

static unsigned width(const Once *o, IrVal v)
{
    const IrInst *i = &g_array_index(o->ir->insts, IrInst, v);
    return i->type == IR_I32 ? 32 : 64;
}

static uint64_t pure(const Once *o, const IrInst *i)
{
    uint64_t a[4];
    for (unsigned k = 0; k < i->nargs; k++) {
        a[k] = arg(o, i, k);
    }
    return ir_eval(i, width(o, i->arg[0]), a);
}

static bool holds(const Once *o, const IrInst *i)
{
    return ir_holds(i->cond, width(o, i->arg[0]), arg(o, i, 0), arg(o, i, 1));
}

static V128 get(const Once *o, const IrInst *i)
{
    const IrReg *r = &o->ir->cls->regs[i->imm];
    V128 v = { { 0, 0 } };
    if (r->type == IR_I32) {
        uint32_t word;
        memcpy(&word, cpu_place(o, r->offset), sizeof word);
        v.w[0] = word;
    } else {
        memcpy(&v, cpu_place(o, r->offset), ir_is_big(r->type) ? 16 : 8);
    }
    return v;
}

static void set(const Once *o, const IrInst *i)
{
    const IrReg *r = &o->ir->cls->regs[i->imm];
    const V128 *v = &o->value[i->arg[0]];
    uint32_t word = v->w[0];
    if (r->type == IR_I32) {
        memcpy(cpu_place(o, r->offset), &word, sizeof word);
    } else {
        memcpy(cpu_place(o, r->offset), v, ir_is_big(r->type) ? 16 : 8);
    }
}

static uint64_t extend_load(const IrInst *i, uint64_t v)
{
    if (i->mem & IR_MEM_SIGN) {
        v = bits_sext(v, 8 * ir_mem_size(i->mem));
    }
    return i->type == IR_I32 ? (uint32_t)v : v;
}

static V128 load_big(const Once *o, const IrInst *i)
{
    V128 v = { { 0, 0 } };
    tlb_load_vec(o->cpu, arg(o, i, 0), &v, i->mem);
    return i->type == IR_F80 ? tcg_x80_load(o->cpu, &v, i->mem) : v;
}

static V128 load(const Once *o, const IrInst *i)
{
    if (ir_is_big(i->type)) {
        return load_big(o, i);
    }
    uint64_t v = cpu_ld(o->cpu, arg(o, i, 0), ir_mem_size(i->mem),
                        ir_mem_access(i->mem));
    return (V128){ { extend_load(i, v), 0 } };
}

static void store_x80(const Once *o, const IrInst *i)
{
    SfEnv env = o->cpu->fp80;
    V128 bytes = tcg_x80_bytes(&o->value[i->arg[1]], i->mem, &env);
    tlb_store_vec(o->cpu, arg(o, i, 0), &bytes, i->mem);
    o->cpu->fp80.flags = env.flags;
}

static void store(const Once *o, const IrInst *i)
{
    if (i->type == IR_V128) {
        tlb_store_vec(o->cpu, arg(o, i, 0), &o->value[i->arg[1]], i->mem);
    } else if (i->type == IR_F80) {
        store_x80(o, i);
    } else {
        cpu_st(o->cpu, arg(o, i, 0), arg(o, i, 1), ir_mem_size(i->mem),
               ir_mem_access(i->mem));
    }
}

/* The CPU struct's part at imm, as wide as mem says. */
static uint64_t load_env(const Once *o, const IrInst *i)
{
    return bytes_ld_le(cpu_place(o, i->imm), ir_mem_size(i->mem));
}

static void store_env(const Once *o, const IrInst *i)
{
    bytes_st_le(cpu_place(o, i->imm), ir_mem_size(i->mem), arg(o, i, 0));
}

typedef uint64_t Fn0(Cpu *);
typedef uint64_t Fn1(Cpu *, uint64_t);
typedef uint64_t Fn2(Cpu *, uint64_t, uint64_t);
typedef uint64_t Fn3(Cpu *, uint64_t, uint64_t, uint64_t);
typedef uint64_t Fn4(Cpu *, uint64_t, uint64_t, uint64_t, uint64_t);
typedef uint64_t Fn5(Cpu *, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

static uint64_t call(const Once *o, const IrInst *i)
{
    const IrHelper *h = g_ptr_array_index(o->ir->helpers, i->imm);
    uint64_t a[IR_MAX_ARGS];
    for (unsigned k = 0; k < i->nargs; k++) {
        a[k] = arg(o, i, k);
    }
    switch (i->nargs) {
    case 0: return ((Fn0 *)h->fn)(o->cpu);
    case 1: return ((Fn1 *)h->fn)(o->cpu, a[0]);
    case 2: return ((Fn2 *)h->fn)(o->cpu, a[0], a[1]);
    case 3: return ((Fn3 *)h->fn)(o->cpu, a[0], a[1], a[2]);
    case 4: return ((Fn4 *)h->fn)(o->cpu, a[0], a[1], a[2], a[3]);
    case 5: return ((Fn5 *)h->fn)(o->cpu, a[0], a[1], a[2], a[3], a[4]);
    default: g_assert_not_reached();
    }
}

/* The operands of an operation on vectors or on numbers of 80 bits, of which an
 * integer is the last. */
static V128 big(const Once *o, const IrInst *i)
{
    const V128 *in[IR_MAX_ARGS];
    for (unsigned k = 0; k < i->nargs; k++) {
        in[k] = &o->value[i->arg[k]];
    }
    uint64_t x = i->nargs ? in[i->nargs - 1]->w[0] : 0;
    return i->op == IR_X80 ? tcg_x80(o->cpu, i, in, x)
                           : tcg_vec(o->cpu, i, in, x);
}

static void canonical(const Once *o, const IrInst *i)
{
    uint64_t a = arg(o, i, 0);
    if ((uint64_t)bits_sext(a, i->imm) != a) {
        cpu_bad_target(o->cpu, a);
    }
}

static void leave(const Once *o, const IrInst *i)
{
    const CpuClass *cls = o->ir->cls;
    uint64_t pc = arg(o, i, i->nargs - 1);
    memcpy(cpu_place(o, cls->regs[cls->pc_reg].offset), &pc, sizeof pc);
}

static V128 constant(const IrInst *i)
{
    return (V128){ { i->imm, i->type == IR_V128 ? i->imm : 0 } };
}

static V128 result(const Once *o, const IrInst *i)
{
    switch (i->op) {
    case IR_CONST: return constant(i);
    case IR_GET: return get(o, i);
    case IR_LD: return load(o, i);
    case IR_LDENV: return (V128){ { load_env(o, i), 0 } };
    case IR_CALL: return (V128){ { call(o, i), 0 } };
    case IR_VEC:
    case IR_FVEC:
    case IR_FVECX:
    case IR_X80: return big(o, i);
    default: return (V128){ { pure(o, i), 0 } };
    }
}

/* Runs what was appended to the IR from instruction n on. True if it left by
 * an exit. */
static bool run_from(const Once *o, guint n, TbExit *why)
{
    for (; n < o->ir->insts->len; n++) {
        const IrInst *i = &g_array_index(o->ir->insts, IrInst, n);
        switch (i->op) {
        case IR_INSN: break;
        case IR_SET: set(o, i); break;
        case IR_ST: store(o, i); break;
        case IR_STENV: store_env(o, i); break;
        case IR_CANON: canonical(o, i); break;
        case IR_EXIT:
        case IR_EXIT_IF:
            if (i->op == IR_EXIT || holds(o, i)) {
                unsigned how = i->op == IR_EXIT ? i->cond : i->mem;
                leave(o, i);
                *why = how == IR_EXIT_LOOP ? TB_EXIT_LOOP : TB_EXIT_LOOKUP;
                return true;
            }
            break;
        default: o->value[n] = result(o, i); break;
        }
    }
    return false;
}

/* --- one guest instruction after another ---------------------------------------------- */

static void note_code(const Translation *t)
{
    PageTrace *trace = t->tc.cpu->machine->debug.trace;
    if (trace) {
        page_trace_note_insns(trace, t->tc.base, t->insn_pc, t->tc.pc - 1);
    }
}

/* The instruction that was just translated is going to run: it is paid for, and
 * from now on in a TB. */
static void enter_insn(Once *o, const Translation *t)
{
    Cpu *cpu = o->cpu;
    note_code(t);
    cpu->fault_insn = o->tb.insn_count++;
    o->tb.words = (uint64_t (*)[2])(void *)o->ir->insn_words->data;
    cpu->tb = &o->tb;
    cpu->in_tb = true;
    cpu->budget--;
    machine_work(cpu->machine, WORK_ONCE);
}

/* The exit of a TB that did not end by itself. */
static TbExit stop(Once *o, guint from)
{
    TbExit why;
    o->tb.cut = true;
    bool left = run_from(o, from, &why);
    g_assert(left);
    return why;
}

TbExit once_run(Cpu *cpu, const TbKey *key)
{
    TcgState *s = tcg_state(cpu);
    Once *o = s->once;
    Translation t = { 0 };
    TbExit why;
    translation_start(&t, cpu, key,
                      o->tb.limit == TB_SINGLE ? 1 : TB_MAX_INSNS);
    o->cpu = cpu;
    o->ir = s->ir;
    o->tb.key = *key;
    o->tb.insn_count = 0;
    o->tb.cut = false;
    if (sigsetjmp(t.cut, 0)) {
        guint from = t.insts;
        translation_cut(&t);
        return stop(o, from);
    }
    for (;;) {
        translation_insn(&t);
        enter_insn(o, &t);
        s->interpreted++;
        if (run_from(o, t.insts, &why)) {
            return why;
        }
        if (translation_must_stop(&t) || cpu->budget <= 0) {
            guint from = s->ir->insts->len;
            cpu->cls->translate_stop(&t.tc);
            return stop(o, from);
        }
    }
}
