/*
 * The made-up processor for the translator: its registers, traps, interrupts and
 * paging; see tiny.h.
 */
#include "tiny-parts.h"

static STATE_TABLE(tiny_state, "tiny", 1, TinyState, TINY_STATE)

#define R(label, member, t) { label, offsetof(TinyCpu, s.member), t }
#define HOT(label, member) \
    { label, offsetof(TinyCpu, s.member), IR_I64, .hot = true }

#define V(n) { "v" #n, offsetof(TinyCpu, s.v[n]), IR_V128 }
#define F(n) { "f" #n, offsetof(TinyCpu, s.f[n]), IR_F80 }

/* ORDER tiny-reg */
static const IrReg regs[] = {
    HOT("r0", r[0]), HOT("r1", r[1]), HOT("r2", r[2]),
    HOT("r3", r[3]), HOT("r4", r[4]), HOT("r5", r[5]),
    R("r6", r[6], IR_I64), R("r7", r[7], IR_I64), R("dst", dst, IR_I64),
    R("src", src, IR_I64), R("op", op, IR_I32), R("pc", pc, IR_I64),
    V(0), V(1), V(2), V(3), V(4), V(5), V(6), V(7),
    F(0), F(1), F(2), F(3), F(4), F(5), F(6), F(7),
};

/* --- what TBs rest on ------------------------------------------------------------- */

/* And TINY_X80_CONTROL. */
enum { KEY_TABLE = 1, KEY_FP_TRAPS = 2 };

static void translate_start(TranslateContext *tc)
{
    tc->ir->fp_traps = tc->flags & KEY_FP_TRAPS;
}

static void tb_key(Cpu *c, TbKey *key)
{
    const TinyState *s = &tiny_cpu(c)->s;
    bool traps = (s->fp & 0x1f80) != 0x1f80;
    *key = (TbKey){ .pc = s->pc,
                    .flags = s->table | (traps ? KEY_FP_TRAPS : 0) |
                             s->xcontrol };
}

static void restore(Cpu *c, const uint64_t words[2])
{
    tiny_cpu(c)->s.pc = words[0];
}

/* --- traps, interrupts, paging ---------------------------------------------------------- */

/* The second trap without an instruction in between is the last. */
static void deliver(Cpu *c)
{
    TinyCpu *cpu = tiny_cpu(c);
    Icount now = machine_icount(c->machine);
    cpu->s.traps++;
    cpu->s.cause = cpu->cause;
    if (cpu->s.last_trap == now) {
        cpu->s.halted = true;
        return;
    }
    cpu->s.last_trap = now;
    cpu->s.enabled = false;
    cpu->s.epc = cpu->s.pc;
    cpu_st(c, TINY_STACK, cpu->s.pc, 8, cpu->s.table);
    cpu->s.pc = TINY_TRAP;
}

static bool interrupt(Cpu *c)
{
    TinyState *s = &tiny_cpu(c)->s;
    if (!s->irq || !s->enabled) {
        return false;
    }
    s->enabled = false;
    s->epc = s->pc;
    s->pc = TINY_IRQ;
    return true;
}

static bool halted(Cpu *c)
{
    return tiny_cpu(c)->s.halted;
}

static bool has_work(Cpu *c)
{
    return false;
}

static bool walk(Cpu *c, GuestAddr va, MmuAccess access, unsigned mode,
                 bool probe, MmuResult *res)
{
    va &= TINY_ADDR_MASK;
    PhysAddr at = TINY_TABLE(mode) + (va >> PAGE_BITS) * 8;
    uint64_t entry = walk_ld(c, at, 8);
    bool store = access == MMU_STORE;
    if (!(entry & TINY_P) || (store && !(entry & TINY_W))) {
        tiny_cpu(c)->cause = CAUSE_PAGE | va << 8;
        return false;
    }
    uint64_t marked = entry | TINY_A | (store ? TINY_D : 0);
    if (marked != entry) {
        walk_st(c, at, marked, 8);
    }
    res->phys = (entry & 0xff000) | (va & ~PAGE_MASK);
    res->prot = 1 << MMU_LOAD | 1 << MMU_FETCH |
                ((marked & TINY_W) && (marked & TINY_D) ? 1 << MMU_STORE : 0);
    return true;
}

static unsigned mmu_mode(Cpu *c, bool fetch)
{
    return tiny_cpu(c)->s.table;
}

static void debug_hit(Cpu *c, const WatchHit *hit)
{
    tiny_debug_hit(&tiny_cpu(c)->s, hit->addr, machine_icount(c->machine));
}

static bool debug_break(Cpu *c, GuestAddr pc)
{
    return tiny_debug_break(&tiny_cpu(c)->s, machine_icount(c->machine));
}

static void unaligned(Cpu *c, GuestAddr va)
{
    tiny_cpu(c)->cause = CAUSE_ALIGN | va << 8;
}

static void fp_trap(Cpu *c, unsigned flags)
{
    tiny_cpu(c)->cause = CAUSE_FP | flags << 8;
}

static void bad_target(Cpu *c, uint64_t target)
{
    tiny_raise(c, CAUSE_TARGET | target << 8);
}

static bool set_model(Cpu *c, const char *model, Error **errp)
{
    return true;
}

static void nothing(Cpu *c)
{
}

static unsigned address_bits(Cpu *c)
{
    return 64;
}

extern const AccelOps accel_tcg; /* accel/tcg/accel.c */

static const CpuClass tiny_class = {
    .name = "tiny", .size = sizeof(TinyCpu),
    .state_offset = offsetof(TinyCpu, s), .state = tiny_state,
    .regs = regs, .reg_count = G_N_ELEMENTS(regs), .pc_reg = TINY_REG_PC,
    .set_model = set_model, .reset = nothing, .sync = tiny_fp_to_state,
    .rewire = tiny_fp_from_state, .unaligned = unaligned, .fp_trap = fp_trap,
    .bad_target = bad_target,
    .tb_key = tb_key, .translate_start = translate_start,
    .translate_insn = tiny_translate_insn,
    .translate_stop = tiny_translate_stop,
    .restore = restore, .has_work = has_work, .halted = halted,
    .interrupt = interrupt, .deliver_exception = deliver, .walk = walk,
    .debug_hit = debug_hit, .debug_break = debug_break,
    .mmu_mode = mmu_mode, .address_bits = address_bits,
};

const MachineParts tiny_parts = { .cpu = &tiny_class, .accel = &accel_tcg };
