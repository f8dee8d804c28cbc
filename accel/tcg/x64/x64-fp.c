/*
 * The guest's floating-point environment in the host's MXCSR.
 *
 * FRAME_FP_LIVE is 1 if and only if MXCSR holds the guest's rounding and
 * denormal rules, with all exceptions masked and the flags of what was done
 * since. All C code runs with 0 and the MXCSR of C; only the portable vector
 * operations, which compute with integers and add to cpu->fp.flags, do not
 * care. So a TB asks once, before its first floating-point instruction and
 * behind each call; who goes from generated code to C asks as well, and code
 * without floating point pays for one comparison there. (Intel SDM vol. 1,
 * 10.2.3.)
 */
#include "x64-gen.h"
#include "x64-vec-emit.h"

#define MXCSR_OF_C  0x1f80
#define MXCSR_FTZ   0x8000
#define MXCSR_DAZ   0x0040
#define MXCSR_FLAGS 0x3f
#define MXCSR_ROUND 13     /* first bit of RC; ORDER: SfRound */

enum { LDMXCSR = 2, STMXCSR = 3 };

bool x64_fp_is_host(const Cpu *cpu)
{
    const SfEnv *e = &cpu->fp;
    bool in = e->denormal_in == SF_IN_FLAG || e->denormal_in == SF_IN_ZERO;
    bool out = e->denormal_out == SF_OUT_KEEP ||
               e->denormal_out == SF_OUT_ZERO_AFTER;
    return in && out && e->rounding <= SF_ZERO && !e->tiny_before &&
           e->nan_negative && e->nan_rule == SF_NAN_SSE;
}

static HostMem fixed(const X64State *x, size_t offset)
{
    return host_mem(HOST_ENV, (int32_t)((int64_t)offset - x->bias));
}

static HostMem word(const X64State *x, unsigned n)
{
    return fixed(x, offsetof(Cpu, frame) + 8 * n);
}

static void compare_byte(Asm *a, HostMem m, unsigned with)
{
    asm_rm(a, 0x80, false, ALU_CMP, m);
    asm_8(a, with);
}

/* Is MXCSR or the x87 (FRAME_X80_LIVE, the byte behind) the guest's? */
static void compare_both(Asm *a, HostMem m)
{
    asm_rm(a, 0x660083, false, ALU_CMP, m);
    asm_8(a, 0);
}

static void mxcsr(const X64State *x, Asm *a, unsigned digit)
{
    asm_vec_rm(a, VOP_GROUP15, digit, word(x, FRAME_MXCSR));
}

static void set_live(const X64State *x, Asm *a, bool live)
{
    asm_store_imm(a, 0, word(x, FRAME_FP_LIVE), live);
}

/* --- shared code: changes no register but the host's flags ---------------------------- */

/* eax |= bit if a byte of cpu->fp has that value. */
static void or_if(const X64State *x, Asm *a, size_t at, const uint32_t is_bit[2])
{
    compare_byte(a, fixed(x, offsetof(Cpu, fp) + at), is_bit[0]);
    uint8_t *no = asm_jcc(a, CC_NE);
    asm_alu_imm(a, ALU_OR, false, RAX, is_bit[1]);
    asm_patch(no, a->p);
}

static void make_enter(X64State *x, Asm *a)
{
    static const uint32_t in[] = { SF_IN_ZERO, MXCSR_DAZ };
    static const uint32_t out[] = { SF_OUT_ZERO_AFTER, MXCSR_FTZ };
    x->fp_enter = a->p;
    asm_push(a, RAX);
    asm_rm(a, OP_MOVZX8, false, RAX,
           fixed(x, offsetof(Cpu, fp) + offsetof(SfEnv, rounding)));
    asm_shift_imm(a, SH_SHL, false, RAX, MXCSR_ROUND);
    asm_alu_imm(a, ALU_OR, false, RAX, MXCSR_OF_C);
    or_if(x, a, offsetof(SfEnv, denormal_in), in);
    or_if(x, a, offsetof(SfEnv, denormal_out), out);
    asm_store(a, false, word(x, FRAME_MXCSR), RAX);
    mxcsr(x, a, LDMXCSR);
    set_live(x, a, true);
    asm_pop(a, RAX);
    asm_ret(a);
}

static void make_leave(X64State *x, Asm *a)
{
    HostMem flags = fixed(x, offsetof(Cpu, fp) + offsetof(SfEnv, flags));
    G_STATIC_ASSERT(sizeof(((SfEnv *)0)->flags) == 2);
    x->fp_leave = a->p;
    x64_x80_drop_fixed(x, a);
    compare_byte(a, word(x, FRAME_FP_LIVE), 0);
    uint8_t *no = asm_jcc(a, CC_E);
    asm_push(a, RAX);
    mxcsr(x, a, STMXCSR);
    asm_load(a, false, RAX, word(x, FRAME_MXCSR));
    asm_alu_imm(a, ALU_AND, false, RAX, MXCSR_FLAGS);
    asm_rm(a, 0x660000 | ALU_OR << 3 | 1, false, RAX, flags);
    asm_store_imm(a, 2, word(x, FRAME_MXCSR), MXCSR_OF_C);
    mxcsr(x, a, LDMXCSR);
    set_live(x, a, false);
    asm_pop(a, RAX);
    asm_patch(no, a->p);
    asm_ret(a);
}

void x64_make_fp_paths(X64State *x, Asm *a)
{
    make_enter(x, a);
    make_leave(x, a);
}

void x64_fp_drop_fixed(const X64State *x, Asm *a)
{
    compare_both(a, word(x, FRAME_FP_LIVE));
    uint8_t *no = asm_jcc(a, CC_E);
    asm_call_to(a, x->fp_leave);
    asm_patch(no, a->p);
}

/* --- in a TB --------------------------------------------------------------------------- */

static void cold_enter(Gen *g, const Cold *c)
{
    asm_patch(c->from, g->a.p);
    asm_call_to(&g->a, g->x->fp_enter);
    asm_jmp_to(&g->a, c->back);
}

static void cold_leave(Gen *g, const Cold *c)
{
    asm_patch(c->from, g->a.p);
    asm_call_to(&g->a, g->x->fp_leave);
    asm_jmp_to(&g->a, c->back);
}

void x64_fp_ensure(Gen *g)
{
    if (!g->fp_live) {
        compare_byte(&g->a, word(g->x, FRAME_FP_LIVE), 0);
        Cold *c = x64_cold(g, cold_enter, asm_jcc(&g->a, CC_E));
        c->back = g->a.p;
        g->fp_live = true;
    }
}

void x64_fp_drop(Gen *g)
{
    compare_both(&g->a, word(g->x, FRAME_FP_LIVE));
    Cold *c = x64_cold(g, cold_leave, asm_jcc(&g->a, CC_NE));
    c->back = g->a.p;
    g->fp_live = g->x80.live = false;
}
