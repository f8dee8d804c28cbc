/*
 * The x86 translator's three hooks (vm/cpu.h): what is common to all
 * instructions. Decoding, the checks that rows ask for, and the ways out of
 * a TB are here; the instructions are in trans-*.c.
 *
 * Single stepping, the interrupt shadow and RF have in common that something
 * must happen when an instruction has retired. A TB in one of these modes has
 * one instruction and leaves by t_jump(), which does it.
 */
#include "trans-vec.h"

G_STATIC_ASSERT(sizeof(TransState) <=
                sizeof(((TranslateContext *)NULL)->scratch));

static TransState *trans_state(TranslateContext *tc)
{
    return (TransState *)tc->scratch;
}

static uint64_t offset_of(const TranslateContext *tc, uint64_t linear)
{
    uint64_t offset = linear - tc->base;
    return tc->flags & TB_CS64 ? offset : (uint32_t)offset;
}

IrVal t_call(X86Trans *t, X86HelperId id, const IrVal *args)
{
    if (x86_helpers[id].effects & IR_WRITES) {
        t->st->mmx = false;
    }
    return ir_call(t->ir, &x86_helpers[id], args);
}

bool t_is_special(const X86Trans *t)
{
    return t->tc->flags & (TB_TF | TB_SHADOW | TB_RF);
}

void t_end(X86Trans *t, IrExit how)
{
    t->tc->end_after = true;
    t->st->exit = MAX(t->st->exit, how);
}

void t_raise(X86Trans *t, unsigned vector)
{
    CALL(t, raise, k64(t, vector));
    ir_exit(t->ir, k64(t, t->pc), IR_EXIT_LOOP);
    t->tc->ended = true;
}

void t_raise_gp(X86Trans *t)
{
    CALL(t, raise_gp, k64(t, 0));
    ir_exit(t->ir, k64(t, t->pc), IR_EXIT_LOOP);
    t->tc->ended = true;
}

static bool has_shadow(const X86Trans *t)
{
    return (t->tc->flags & (TB_SHADOW | TB_RF)) && !t->st->shadow_ended;
}

void t_end_shadow_now(X86Trans *t)
{
    if (has_shadow(t)) {
        CALL0(t, end_shadow);
        t->st->shadow_ended = true;
    }
}

void t_end_shadow_rep(X86Trans *t, IrVal again)
{
    if (has_shadow(t)) {
        CALL(t, end_shadow_rep, again);
        t->st->shadow_ended = true;
    }
}

/* What the modes ask for once the instruction has retired. */
static void insn_retired(X86Trans *t, IrVal branched)
{
    t_end_shadow_now(t);
    if ((t->tc->flags & TB_TF) && !t->st->no_step) {
        CALL(t, single_step, branched);
    }
}

void t_jump(X86Trans *t, IrVal pc, IrExit how)
{
    if (t_is_special(t)) {
        insn_retired(t, k64(t, t->branch));
        how = IR_EXIT_LOOP;
    }
    ir_exit(t->ir, pc, how);
    t->tc->ended = true;
}

void t_branch_to(X86Trans *t, IrVal pc, IrExit how)
{
    t->branch = true;
    t_jump(t, pc, how);
}

void t_jump_rip(X86Trans *t)
{
    t->branch = true;
    t_jump(t, ir_get(t->ir, X86_RIP), IR_EXIT_LOOP);
}

void t_branch(X86Trans *t, Cond c, uint64_t taken)
{
    IrVal to = k64(t, taken);
    IrVal next = k64(t, t->next);
    if (t_is_special(t)) {
        insn_retired(t, cond_value(t, c));
        ir_exit(t->ir, ir_select(t->ir, c.cond, c.x, c.y, to, next),
                IR_EXIT_LOOP);
        t->tc->ended = true;
        return;
    }
    ir_exit_if(t->ir, c.cond, c.x, c.y, to, IR_EXIT_CHAIN0);
    t_jump(t, next, IR_EXIT_CHAIN1);
}

void x86_translate_start(TranslateContext *tc)
{
    TransState *st = trans_state(tc);
    *st = (TransState){ .cc_op = -1, .exit = IR_EXIT_CHAIN0,
                        .features = x86_cpu(tc->cpu)->features };
    tc->ir->fp_traps = tc->flags & TB_XM;
    X86Trans t = { .tc = tc, .ir = tc->ir, .st = st };
    x87_known_start(&t);
}

static uint8_t byte_of_code(void *opaque, unsigned offset)
{
    return translate_byte(opaque, offset);
}

static DecodeResult decode(X86Trans *t)
{
    DecodeMode mode = {
        .code64 = t->tc->flags & TB_CS64,
        .cs32 = t->tc->flags & TB_CS32,
        .vex = t->tc->flags & TB_PE,
        .features = t->st->features,
        .byte = byte_of_code,
        .opaque = t->tc,
    };
    return x86_decode(&mode, &t->in);
}

/* An instruction must lie within the code segment's limit. The limit is part
 * of the key only where it is one of the usual ones. False: it faults. */
static bool check_code_limit(X86Trans *t)
{
    unsigned flags = t->tc->flags;
    uint64_t last = t->pc + t->in.len - 1;
    if (flags & (TB_CS64 | TB_FLAT | TB_CS4G)) {
        return true;
    }
    if (flags & TB_CS64K) {
        return last <= 0xffff;
    }
    CALL(t, near_target, k64(t, last));
    return true;
}

static bool is_privileged_here(const X86Trans *t)
{
    return !(t->tc->flags & TB_VM) && t_cpl(t) == 0;
}

/* Vol. 3, 13.1.2 and vol. 1, 14.3: with VEX what CR0.EM and CR4.OSFXSR say does
 * not count. */
static bool sse_is_enabled(const X86Trans *t)
{
    uint32_t flags = t->tc->flags;
    return t->in.vex ? flags & TB_AVX : (flags & TB_SSE) && !(flags & TB_EM);
}

/* Ends the TB with a fault where mode or privilege forbid the row. */
static bool check_row(X86Trans *t)
{
    unsigned flags = t->in.row->flags;
    if ((flags & ROW_PROT) && !t_protected(t)) {
        t_raise(t, EXC_UD);
    } else if ((flags & ROW_SSE) && !sse_is_enabled(t)) {
        t_raise(t, EXC_UD);
    } else if ((flags & ROW_MMX) && (t->tc->flags & TB_EM)) {
        t_raise(t, EXC_UD);
    } else if ((flags & (ROW_SSE | ROW_MMX)) && (t->tc->flags & TB_TS)) {
        t_raise(t, EXC_NM);
    } else if ((flags & ROW_PRIV) && !is_privileged_here(t)) {
        t_raise_gp(t);
    }
    return !t->tc->ended;
}

static bool is_x87(const X86Insn *in)
{
    return in->map == 0 && (in->opcode & 0xf8) == 0xd8;
}

static void translate_insn(X86Trans *t)
{
    bool mmx = t->in.row->flags & ROW_MMX;
    if (is_x87(&t->in)) {
        t->st->mmx = false;
    }
    if (mmx) {
        mmx_begin(t);
    }
    t->in.row->trans(t);
    if (mmx) {
        mmx_end(t);
    }
}

static void translate_row(X86Trans *t)
{
    if (!check_code_limit(t)) {
        t_raise_gp(t);
        return;
    }
    if (!check_row(t)) {
        return;
    }
    if (t->in.row->flags & ROW_IO) {
        t_end(t, IR_EXIT_LOOP);
    } else if (t->in.row->flags & ROW_END) {
        t_end(t, IR_EXIT_LOOKUP);
    }
    if (t_is_special(t)) {
        t_end(t, IR_EXIT_LOOP);
    }
    translate_insn(t);
}

void x86_translate_insn(TranslateContext *tc)
{
    X86Trans t = {
        .tc = tc, .ir = tc->ir, .st = trans_state(tc),
        .pc = offset_of(tc, tc->pc),
        .linear = IR_NO_VAL, .vec_memory = { IR_NO_VAL, IR_NO_VAL },
        .sp_override = IR_NO_VAL,
    };
    DecodeResult result = decode(&t);
    unsigned first = tc->ir->insts->len;
    ir_insn_start(tc->ir, t.pc, 0);
    switch (result) {
    case DECODE_OK:
        t.next = offset_of(tc, tc->pc + t.in.len);
        translate_row(&t);
        x87_known_watch(&t, first);
        break;
    case DECODE_UD:
        t_raise(&t, EXC_UD);
        break;
    case DECODE_TOO_LONG:
        t_raise_gp(&t);
        break;
    }
    /* A fault, too, follows from every byte that was looked at. */
    tc->pc += t.in.len;
}

void x86_translate_stop(TranslateContext *tc)
{
    X86Trans t = { .tc = tc, .ir = tc->ir, .st = trans_state(tc) };
    t_jump(&t, k64(&t, offset_of(tc, tc->pc)), t.st->exit);
}
