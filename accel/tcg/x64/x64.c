/*
 * The x86_64 back end: compiles a TB's IR to host code and runs it. See
 * x64-gen.h for its files and docs/devel/translator.md for the whole path.
 *
 * A TB begins with its check of the budget; run() enters the first one behind
 * it. Behind the straight line is the cold part: slow paths, side exits and the
 * stubs of chains that are not made.
 */
#include "disas.h"
#include "x64-gen.h"
#include "x64-host.h"

#define ENTRY_CHECK_BYTES 10
#define GUARD_BYTES       16
#define FLUSH_MARGIN      (2 * MIB)

/* --- what the host has ------------------------------------------------------------- */

static void find_host_features(X64State *x, const AccelOptions *o)
{
    uint32_t have = o->plain_host ? 0 : x64_host() & ~o->host_off;
    x->bmi1 = have & HOST_BMI1;
    x->bmi2 = have & HOST_BMI2;
    x->lzcnt = have & HOST_LZCNT;
    x->popcnt = have & HOST_POPCNT;
    x->features = have;
    x->pairs = have & HOST_AVX2;
}

/* --- compiling --------------------------------------------------------------------- */

static Gen *gen_new(X64State *x)
{
    Gen *g = g_new0(Gen, 1);
    g->x = x;
    g->cold = g_array_new(FALSE, FALSE, sizeof(Cold));
    g->rows = g_array_new(FALSE, FALSE, sizeof(X64Row));
    g->lazy = g_array_new(FALSE, FALSE, sizeof(X64Lazy));
    g->in_reg = g_new(IrVal, x->cls->reg_count);
    g->x80.saved = g_array_new(FALSE, FALSE, sizeof(X80Saved));
    return g;
}

static void gen_free(Gen *g)
{
    g_array_free(g->cold, TRUE);
    g_array_free(g->rows, TRUE);
    g_array_free(g->lazy, TRUE);
    g_array_free(g->x80.saved, TRUE);
    g_free(g->x80.over);
    g_free(g->in_reg);
    g_free(g->inst);
    g_free(g->val);
    g_free(g->next_use);
    g_free(g);
}

static void gen_begin(Gen *g, Cpu *cpu, Tb *tb, const IrBlock *ir)
{
    CodeBuf *buf = &g->x->buf;
    g->a = (Asm){ buf->rw + ((buf->used + 15) & ~UINT64_C(15)), buf->rx,
                  g->x->features & HOST_AVX };
    g->cpu = cpu;
    g->tb = tb;
    g->ir = ir;
    g->count = ir->insts->len;
    g->inst = g_renew(IrInst, g->inst, g->count);
    g->val = g_renew(Value, g->val, g->count + X80_DEPTH); /* ORDER x80-entry */
    g->next_use = g_renew(uint16_t, g->next_use, g->count * IR_MAX_ARGS);
    memcpy(g->inst, ir->insts->data, g->count * sizeof(IrInst));
    g->frame = g->frame_end = 0;
    g->sites = 0;
    g->flags = FLAGS_UNKNOWN;
    g->fp_live = false;
    memset(tb->jump_at, 0, sizeof tb->jump_at);
    memset(tb->guard_at, 0, sizeof tb->guard_at);
    g_array_set_size(g->cold, 0);
    g_array_set_size(g->rows, 0);
    g_array_set_size(g->lazy, 0);
}

static void cold_budget(Gen *g, const Cold *c)
{
    asm_patch(c->from, g->a.p);
    asm_alu_imm(&g->a, ALU_ADD, true, HOST_BUDGET, g->tb->insn_count);
    x64_leave(g, LEFT_BUDGET);
}

static void entry_check(Gen *g)
{
    g->guards = g->a.p;
    memset(g->guards, 0, GUARD_BYTES);
    g->a.p += GUARD_BYTES;
    g->tb->code = asm_here(&g->a);
    uint8_t *start = g->a.p;
    asm_alu_imm(&g->a, ALU_SUB, true, HOST_BUDGET, g->tb->insn_count);
    x64_cold(g, cold_budget, asm_jcc(&g->a, CC_S));
    g_assert(g->a.p - start == ENTRY_CHECK_BYTES);
}

static void guest_insn(Gen *g, unsigned n)
{
    const GArray *frames = g->ir->frames;
    g->insn = g->inst[n].imm;
    g->frame = g->frame_end;
    while (g->frame_end < frames->len &&
           g_array_index(frames, IrFrame, g->frame_end).insn == g->insn) {
        g->frame_end++;
    }
    x64_alloc_insn(g);
}

static void env_load(Gen *g, const IrInst *i)
{
    static const uint32_t ops[] = { OP_MOVZX8, OP_MOVZX16, OP_MOV_LD,
                                    OP_MOV_LD };
    unsigned size = ir_mem_log2(i->mem);
    x64_env_read(g, i);
    asm_rm(&g->a, ops[size], size == 3, x64_def(g, HOST_NONE),
           x64_env(g, i->imm));
}

static void env_store(Gen *g, const IrInst *i)
{
    x64_env_before_write(g, i);
    unsigned v = x64_use(g, i->arg[0]);
    asm_store_size(&g->a, ir_mem_log2(i->mem), x64_env(g, i->imm), v);
    x64_env_written(g, i);
    x64_release_args(g);
}

static void gen_other(Gen *g, const IrInst *i)
{
    switch (i->op) {
    case IR_LD: x64_load(g, i); break;
    case IR_ST: x64_store(g, i); break;
    case IR_CANON: x64_canon(g, i); break;
    case IR_CALL: x64_call(g, i); break;
    case IR_LDENV: env_load(g, i); break;
    case IR_STENV: env_store(g, i); break;
    case IR_EXIT: x64_exit(g, i); break;
    case IR_EXIT_IF: x64_exit_if(g, i); break;
    default: x64_op(g, i); break;
    }
}

/* True for ops that compile to moves, which leave the host's flags alone. */
static bool keeps_flags(const IrInst *i)
{
    return i->op == IR_ZEXT || i->op == IR_ZEXT64 || i->op == IR_SEXT ||
           i->op == IR_SEXT64 || i->op == IR_EXIT_IF;
}

/* Instructions of the second register class; their loads and stores are with
 * the others. */
static void gen_vector(Gen *g, const IrInst *i)
{
    switch (i->op) {
    case IR_CONST: break;
    case IR_GET: x64_vec_get(g, i->imm); break;
    case IR_SET: x64_vec_set(g, i->imm, i->arg[0]); break;
    default:
        g->flags = FLAGS_UNKNOWN;
        if (ir_is_vec(i)) {
            x64_vec(g, i);
        } else {
            gen_other(g, i);
        }
        break;
    }
    x64_vec_def_end(g);
}

static void gen_number(Gen *g, const IrInst *i)
{
    if (i->op == IR_LD || i->op == IR_ST) {
        g->flags = FLAGS_UNKNOWN;
        gen_other(g, i);
    } else {
        x64_x80(g, i);
    }
}

static void gen_inst(Gen *g, unsigned n)
{
    const IrInst *i = &g->inst[n];
    x64_alloc_inst(g, n);
    if (ir_is_x80(i)) {
        gen_number(g, i);
        x64_def_end(g);
        return;
    }
    if (i->type == IR_V128 || ir_is_vec(i)) {
        gen_vector(g, i);
        x64_def_end(g);
        return;
    }
    switch (i->op) {
    case IR_CONST: break;
    case IR_INSN: guest_insn(g, n); break;
    case IR_GET: x64_get(g, i->imm); break;
    case IR_SET: x64_set(g, i->imm, i->arg[0]); break;
    default: {
        FlagsKind before = g->flags;
        if (i->op != IR_EXIT_IF && i->op != IR_SETCOND &&
            i->op != IR_SELECT) {
            g->flags = keeps_flags(i) ? before : FLAGS_UNKNOWN;
        }
        gen_other(g, i);
        if (i->op == IR_EXIT_IF || i->op == IR_SETCOND ||
            i->op == IR_SELECT) {
            g->flags = FLAGS_UNKNOWN;
        }
        break;
    }
    }
    x64_def_end(g);
}

static void note_lazy(Gen *g, unsigned n)
{
    const IrInst *i = &g->inst[n];
    X64Lazy z = { .v = n, .inst = *i };
    z.half = i->nargs && g->inst[i->arg[0]].type == IR_I32;
    z.helper = i->op == IR_CALL ? g_ptr_array_index(g->ir->helpers, i->imm)
                                : NULL;
    g_array_append_val(g->lazy, z);
}

static void gen_cold(Gen *g)
{
    for (guint k = 0; k < g->cold->len; k++) {
        Cold c = g_array_index(g->cold, Cold, k);
        c.emit(g, &c);
    }
}

static void compile_once(Gen *g, Cpu *cpu, Tb *tb, const IrBlock *ir)
{
    gen_begin(g, cpu, tb, ir);
    x64_lower(g);
    x64_alloc_begin(g);
    x64_x80_begin(g);
    entry_check(g);
    x64_x80_enter(g);
    for (unsigned n = 0; n < g->count; n++) {
        if (g->val[n].form == FORM_OP) {
            gen_inst(g, n);
        } else if (g->val[n].form == FORM_LAZY) {
            note_lazy(g, n);
        }
    }
    gen_cold(g);
}

/* Numbers of 80 bits that stay in the host's x87 do so in the order in which
 * the TB that was left last has them, which is where this one is jumped to
 * from; or in which they are at the end: in a loop nothing has to move. */
static bool is_x80_loop(const Gen *g)
{
    const X80Layout *at = &g->x80.entry, *end = &g->x80.end;
    return at->depth && end->depth &&
           (at->depth != end->depth || memcmp(at->regs, end->regs, at->depth));
}

static void x64_compile(Cpu *cpu, Tb *tb, const IrBlock *ir)
{
    X64State *x = tcg_state(cpu)->x64;
    Gen *g = x->gen;
    g->x80.end = x->x80_left;
    compile_once(g, cpu, tb, ir);
    if (is_x80_loop(g)) {
        compile_once(g, cpu, tb, ir);
    }
    x->buf.used = g->a.p - x->buf.rw;
    g_assert(x->buf.used <= x->buf.size);
    tb->code_bytes = asm_here(&g->a) - (uint8_t *)tb->code;
    tb->frames = x64_frames_new(g);
    tell_tb(tcg_state(cpu), tb);
}

/* --- the table ------------------------------------------------------------------------ */

static bool x64_init(TcgState *s, Cpu *cpu)
{
    X64State *x = g_new0(X64State, 1);
    if (!codebuf_init(&x->buf, tcg_tb_bytes(s) + FLUSH_MARGIN)) {
        g_free(x);
        return false;
    }
    find_host_features(x, s->options);
    Asm a = { x->buf.rw, x->buf.rx, x->features & HOST_AVX };
    x->cls = cpu->cls;
    x64_choose_pins(x);
    x64_make_x80_paths(x, &a);
    x64_make_fp_paths(x, &a);
    x64_make_entry(x, &a);
    x64_make_slow_paths(x, &a);
    x->fixed_bytes = x->buf.used = a.p - x->buf.rw;
    x->gen = gen_new(x);
    tell_code(s, x->buf.rw + x->buf.rx, x->fixed_bytes, "reprise_slow_paths");
    s->x64 = x;
    return true;
}

static void x64_fini(TcgState *s)
{
    X64State *x = s->x64;
    gen_free(x->gen);
    codebuf_free(&x->buf);
    g_free(x->pin_of);
    g_free(x);
}

static bool x64_is_full(const TcgState *s)
{
    return s->x64->buf.used + FLUSH_MARGIN > s->x64->buf.size;
}

static void x64_flush(TcgState *s)
{
    s->x64->buf.used = s->x64->fixed_bytes;
}

static void x64_release(Tb *tb)
{
    x64_frames_free(tb->frames);
    x64_x80_edges_free(tb->x80);
}

static void x64_chain(TcgState *s, Tb *tb, int slot, const Tb *to)
{
    const CodeBuf *buf = &s->x64->buf;
    uint8_t *stub = buf->rw + tb->stub_at[slot];
    uint8_t *target = to ? x64_x80_edge(s->x64, tb, slot, to) : NULL;
    asm_patch(buf->rw + tb->jump_at[slot], target ? target : stub);
    if (tb->guard_at[slot]) {
        memcpy(buf->rw + tb->guard_at[slot], &to, sizeof to);
    }
}

static void note_left(X64State *x, const Tb *tb, int slot)
{
    x->x80_left.depth = 0;
    if (tb->x80 && slot >= 0) {
        x->x80_left = tb->x80->exit[slot];
    }
}

static TbExit x64_run(Cpu *cpu, Tb *tb, Tb **last, int *slot)
{
    X64State *x = tcg_state(cpu)->x64;
    cpu->budget -= tb->insn_count;
    uint64_t left = x->enter(cpu, (uint8_t *)tb->code + ENTRY_CHECK_BYTES);
    Tb *from = (Tb *)(left & ~(uint64_t)LEFT_MASK);
    unsigned why = left & LEFT_MASK;
    if (why == LEFT_BUDGET) {
        cpu->cls->restore(cpu, from->words[0]);
        return TB_EXIT_BUDGET;
    }
    *last = from;
    *slot = why <= LEFT_CHAIN1 ? (int)why : -1;
    note_left(x, from, *slot);
    return why == LEFT_LOOP    ? TB_EXIT_LOOP
           : why == LEFT_STALE ? TB_EXIT_STALE : TB_EXIT_LOOKUP;
}

static void x64_dump(const Tb *tb, GString *out)
{
    disas_host(tb->code, tb->code_bytes, out);
}

const Backend backend_x86_64 = {
    .name = "x86_64",
    .init = x64_init,
    .fini = x64_fini,
    .is_full = x64_is_full,
    .flush = x64_flush,
    .compile = x64_compile,
    .release = x64_release,
    .chain = x64_chain,
    .restore_frame = x64_restore_frame,
    .run = x64_run,
    .dump = x64_dump,
    .dce = { .keep_hot = true, .lazy = true, .vectors = true },
};
