/*
 * The guest's rounding, precision and flags in the host's x87, and how code that
 * leaves for C finds its way back.
 *
 * FRAME_X80_LIVE is 0 while the host's control word is C's, and else the mode
 * that it is set to: all exceptions masked, RC and PC as cpu->fp80 has them.
 * Then what the host's status word says of flags is true of the guest: it is
 * not cleared by each operation, and who makes it live sees to it that it has
 * the flags of cpu->fp80. Calls and exits look at it
 * together with MXCSR's (x64-fp.c). C code also finds the register stack empty.
 */
#include "x64-gen.h"

#define MODE_OF_C (0x80 | 3)

uint8_t x64_x80_mode(const Cpu *cpu)
{
    const SfEnv *e = &cpu->fp80;
    unsigned pc = e->precision == 24 ? 0 : e->precision == 53 ? 2 : 3;
    /* Only x86 has had such numbers so far; a target whose rules differ needs
     * calls of x80_do() here. */
    g_assert(e->rounding <= SF_ZERO && e->nan_rule == SF_NAN_X87 &&
             e->denormal_in == SF_IN_FLAG && !e->unmasked);
    return 0x80 | e->rounding << 2 | pc;
}

static HostMem fixed(const X64State *x, size_t offset)
{
    return host_mem(HOST_ENV, (int32_t)((int64_t)offset - x->bias));
}

static HostMem live_byte(const X64State *x)
{
    return fixed(x, offsetof(Cpu, frame) + 8 * FRAME_FP_LIVE + 1);
}

static HostMem control_word(const X64State *x)
{
    return fixed(x, offsetof(Cpu, frame) + 8 * FRAME_X80_CW);
}

static HostMem flags_of(const X64State *x, unsigned byte)
{
    return fixed(x, offsetof(Cpu, fp80) + offsetof(SfEnv, flags) + byte);
}

/* op m8, imm8 of the group 80. */
static void byte_op(Asm *a, unsigned alu, HostMem m, unsigned with)
{
    asm_rm(a, 0x80, false, alu, m);
    asm_8(a, with);
}

static void fnstsw_ax(Asm *a)
{
    asm_8(a, 0xdf);
    asm_8(a, 0xe0);
}

static void fnstsw_flags(const X64State *x, Asm *a)
{
    G_STATIC_ASSERT(sizeof(((SfEnv *)0)->flags) == 2);
    asm_rm(a, 0xdd, false, 7, flags_of(x, 0));
}

static void fldcw(const X64State *x, Asm *a)
{
    asm_rm(a, 0xd9, false, 5, control_word(x));
}

/* --- shared code: changes no register but the host's flags ------------------------ */

/* The guest's flags, in RCX. */
static void take_flags(X64State *x, Asm *a)
{
    asm_rm(a, OP_MOVZX8, false, RCX, flags_of(x, 0));
    asm_alu_imm(a, ALU_AND, false, RCX, SF_ALL);
}

/* To the flags of the host's status word come the guest's: through the environment
 * in memory, of 28 bytes, with the status word in the second dword. */
static void add_flags(X64State *x, Asm *a)
{
    HostMem env = fixed(x, offsetof(Cpu, frame) + 8 * FRAME_X80_ENV);
    HostMem status = env;
    status.disp += 4;
    asm_rm(a, 0xd9, false, 6, env);                /* fnstenv */
    asm_rm(a, ALU_OR << 3, false, RCX, status);    /* or m8, cl */
    asm_rm(a, 0xd9, false, 4, env);                /* fldenv */
}

/* The host's status word has the guest's flags, no more and no fewer: what it has
 * becomes the guest's. They differ when C code has computed meanwhile. */
static void make_same_flags(X64State *x, Asm *a)
{
    fnstsw_ax(a);
    asm_alu_imm(a, ALU_AND, false, RAX, SF_ALL);
    take_flags(x, a);
    asm_alu(a, ALU_CMP, false, RAX, RCX);
    uint8_t *same = asm_jcc(a, CC_E);
    asm_rr(a, OP_GROUP3, false, 2, RCX);           /* not ecx */
    asm_rr(a, OP_TEST, false, RCX, RAX);
    uint8_t *fewer = asm_jcc(a, CC_E);
    asm_8(a, 0xdb);
    asm_8(a, 0xe2);                                /* fnclex */
    asm_patch(fewer, a->p);
    take_flags(x, a);
    uint8_t *none = asm_jcc(a, CC_E);
    add_flags(x, a);
    asm_patch(none, a->p);
    asm_patch(same, a->p);
}

/* FRAME_X80_LIVE says the mode already. */
static void make_enter(X64State *x, Asm *a)
{
    x->x80_enter = a->p;
    asm_push(a, RAX);
    asm_push(a, RCX);
    make_same_flags(x, a);
    asm_rm(a, OP_MOVZX8, false, RAX, live_byte(x));
    asm_alu_imm(a, ALU_AND, false, RAX, 0xf);
    asm_shift_imm(a, SH_SHL, false, RAX, 8);
    asm_alu_imm(a, ALU_OR, false, RAX, 0x7f);
    asm_store(a, false, control_word(x), RAX);
    fldcw(x, a);
    asm_pop(a, RCX);
    asm_pop(a, RAX);
    asm_ret(a);
}

void x64_x80_drop_fixed(const X64State *x, Asm *a)
{
    byte_op(a, ALU_CMP, live_byte(x), 0);
    uint8_t *no = asm_jcc(a, CC_E);
    byte_op(a, ALU_CMP, live_byte(x), MODE_OF_C);
    uint8_t *same = asm_jcc(a, CC_E);
    asm_store_imm(a, 1, control_word(x), 0x37f);
    fldcw(x, a);
    asm_patch(same, a->p);
    asm_store_imm(a, 0, live_byte(x), 0);
    asm_patch(no, a->p);
}

/* C1 in the status word as it is in cpu->fp80, in the same way. */
static void make_set_c1(X64State *x, Asm *a)
{
    HostMem env = fixed(x, offsetof(Cpu, frame) + 8 * FRAME_X80_ENV);
    HostMem c1 = env;
    c1.disp += 5;
    x->x80_set_c1 = a->p;
    asm_rm(a, 0xf6, false, 0, flags_of(x, 1));     /* test m8, imm8 */
    asm_8(a, SF_ROUNDED_UP >> 8);
    uint8_t *no = asm_jcc(a, CC_E);
    asm_rm(a, 0xd9, false, 6, env);                /* fnstenv */
    byte_op(a, ALU_OR, c1, SF_ROUNDED_UP >> 8);
    asm_rm(a, 0xd9, false, 4, env);                /* fldenv */
    asm_patch(no, a->p);
    asm_ret(a);
}

void x64_make_x80_paths(X64State *x, Asm *a)
{
    make_enter(x, a);
    make_set_c1(x, a);
}

/* --- in a TB ------------------------------------------------------------------------ */

static void set_live(Gen *g, uint8_t mode)
{
    asm_store_imm(&g->a, 0, live_byte(g->x), mode);
    asm_call_to(&g->a, g->x->x80_enter);
}

static void cold_enter(Gen *g, const Cold *c)
{
    asm_patch(c->from, g->a.p);
    set_live(g, c->imm);
    asm_jmp_to(&g->a, c->back);
}

void x64_x80_ensure(Gen *g)
{
    if (g->x80.live) {
        return;
    }
    byte_op(&g->a, ALU_CMP, live_byte(g->x), g->x80.mode);
    Cold *c = x64_cold(g, cold_enter, asm_jcc(&g->a, CC_NE));
    c->back = g->a.p;
    c->imm = g->x80.mode;
    g->x80.live = true;
    g->flags = FLAGS_UNKNOWN;
}

static HostMem in_host_byte(const X64State *x)
{
    return fixed(x, offsetof(Cpu, frame) + 8 * FRAME_X80_CW + 4);
}

void x64_x80_say(const X64State *x, Asm *a, bool in_host)
{
    asm_store_imm(a, 0, in_host_byte(x), in_host);
}

static void tell_either(const X64State *x, Asm *a)
{
    byte_op(a, ALU_CMP, in_host_byte(x), 0);
    uint8_t *no = asm_jcc(a, CC_E);
    fnstsw_flags(x, a);
    x64_x80_say(x, a, false);
    asm_patch(no, a->p);
}

void x64_x80_tell_fixed(const X64State *x, Asm *a, X80Told told)
{
    switch (told) {
    case X80_TOLD:
        break;
    case X80_IN_HOST:
        fnstsw_flags(x, a);
        break;
    case X80_ZERO:
        fnstsw_flags(x, a);
        byte_op(a, ALU_AND, flags_of(x, 1), 0xff & ~(SF_ROUNDED_UP >> 8));
        break;
    case X80_KEPT:
        asm_push(a, RAX);
        fnstsw_ax(a);
        asm_rm(a, ALU_OR << 3, false, RAX, flags_of(x, 0)); /* or m8, al */
        asm_pop(a, RAX);
        break;
    case X80_EITHER:
        tell_either(x, a);
        break;
    }
}

void x64_x80_tell(Gen *g)
{
    if (g->x80.told != X80_TOLD) {
        x64_x80_tell_fixed(g->x, &g->a, g->x80.told);
        g->x80.told = X80_TOLD;
        g->flags = FLAGS_UNKNOWN;
    }
}

/* --- cold code ------------------------------------------------------------------------ */

static int32_t reg_offset(const Gen *g, unsigned r)
{
    return g->ir->cls->regs[g->x->x80_first + r].offset;
}

static uint8_t dirty_with(const Gen *g, IrVal v)
{
    uint8_t regs = 0;
    for (unsigned r = 0; r < X80_DEPTH; r++) {
        regs |= (g->x80.reg[r] == v) << r;
    }
    return regs & g->x80.dirty;
}

/* A value that is nowhere else gets a place that only cold code uses. */
static void note_entry(const Gen *g, X80Saved *s, unsigned k)
{
    IrVal v = g->x80.at[k];
    const Value *x = &g->val[v];
    s->regs[k] = dirty_with(g, v);
    s->stored[k] = !s->regs[k] && (x->slot >= 0 || x->reg >= 0);
    if (s->regs[k]) {
        s->home[k] = reg_offset(g, __builtin_ctz(s->regs[k]));
    } else if (x->slot >= 0) {
        s->home[k] = offsetof(Cpu, frame) + 8 * (FRAME_SLOTS + x->slot);
    } else if (x->reg >= 0) {
        s->home[k] = g->ir->cls->regs[x->reg].offset;
    } else {
        s->home[k] = offsetof(Cpu, frame) + 8 * (FRAME_X80_SAVE + 2 * k);
    }
}

uint16_t x64_x80_note(Gen *g)
{
    X80Saved s = { .depth = g->x80.depth, .told = g->x80.told,
                   .mode = g->x80.mode };
    if (!g->x80.used || !g->x80.live) {
        return X80_NOT_SAVED;
    }
    for (unsigned k = 0; k < s.depth; k++) {
        note_entry(g, &s, k);
    }
    g_array_append_val(g->x80.saved, s);
    return g->x80.saved->len - 1;
}

static const X80Saved *saved_at(const Gen *g, uint16_t n)
{
    return &g_array_index(g->x80.saved, X80Saved, n);
}

static void fld80(Gen *g, int32_t offset)
{
    asm_rm(&g->a, 0xdb, false, 5, x64_env(g, offset));
}

static void fstp80(Gen *g, int32_t offset)
{
    asm_rm(&g->a, 0xdb, false, 7, x64_env(g, offset));
}

static void save_entry(Gen *g, const X80Saved *s, unsigned k)
{
    if (s->stored[k]) {
        asm_8(&g->a, 0xdd);
        asm_8(&g->a, 0xd8);                        /* fstp st(0) */
        return;
    }
    fstp80(g, s->home[k]);
    for (uint8_t r = s->regs[k] & (s->regs[k] - 1); r; r &= r - 1) {
        fld80(g, s->home[k]);
        fstp80(g, reg_offset(g, __builtin_ctz(r)));
    }
}

void x64_x80_cold_leave(Gen *g, uint16_t saved)
{
    if (saved == X80_NOT_SAVED) {
        return;
    }
    const X80Saved *s = saved_at(g, saved);
    x64_x80_tell_fixed(g->x, &g->a, s->told);
    for (unsigned k = s->depth; k-- > 0;) {
        save_entry(g, s, k);
    }
}

void x64_x80_cold_return(Gen *g, uint16_t saved, bool c1)
{
    if (saved == X80_NOT_SAVED) {
        return;
    }
    const X80Saved *s = saved_at(g, saved);
    set_live(g, s->mode);
    for (unsigned k = 0; k < s->depth; k++) {
        fld80(g, s->home[k]);
    }
    if (c1 && s->told == X80_IN_HOST) {
        asm_call_to(&g->a, g->x->x80_set_c1);
    }
}

void x64_x80_cold_pass_top(Gen *g, uint16_t saved)
{
    const X80Saved *s = saved_at(g, saved);
    fld80(g, s->home[s->depth - 1]);
    fstp80(g, offsetof(Cpu, frame) + 8 * FRAME_VEC);
}

/* The flags come when the host's x87 does the same again. */
void x64_x80_store_slow(Cpu *cpu, GuestAddr va, const V128 *v, IrMem mem)
{
    SfEnv env = cpu->fp80;
    V128 bytes;
    Sf80 number = { v->w[0], v->w[1] };
    x80_store(ir_mem_x80(mem), number, bytes.w, &env);
    tlb_store_vec(cpu, va, &bytes, mem);
}
