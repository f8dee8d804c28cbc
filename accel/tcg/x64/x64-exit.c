/*
 * The ways out of a TB.
 *
 * A chain within a page is one jump, which leads to a stub until the target is
 * known. A chain to another page first asks the jump cache whether the target
 * is still what is mapped there. Any other jump looks the jump cache up. What
 * cannot go on leaves to run() with the pc stored.
 */
#include "x64-gen.h"

Cold *x64_cold(Gen *g, void (*emit)(Gen *g, const Cold *c), uint8_t *from)
{
    Cold c = { .emit = emit, .from = from };
    g_array_append_val(g->cold, c);
    return &g_array_index(g->cold, Cold, g->cold->len - 1);
}

void x64_leave(Gen *g, unsigned why)
{
    asm_mov_imm(&g->a, RAX, (uintptr_t)g->tb | why);
    asm_jmp_to(&g->a, g->x->leave);
}

static HostMem pc_mem(const Gen *g)
{
    const CpuClass *cls = g->ir->cls;
    return x64_env(g, cls->regs[cls->pc_reg].offset);
}

static void store_pc(Gen *g, uint64_t pc)
{
    if (fits32(pc)) {
        asm_store_imm(&g->a, 3, pc_mem(g), pc);
    } else {
        asm_mov_imm(&g->a, RAX, pc);
        asm_store(&g->a, true, pc_mem(g), RAX);
    }
}

/* Instructions of the TB that were paid for and not executed. */
static void refund(Gen *g, const IrInst *i)
{
    int left = g->tb->insn_count - i->insn;
    if (left) {
        asm_alu_imm(&g->a, ALU_ADD, true, HOST_BUDGET, left);
    }
}

static uint32_t place(const Gen *g, const uint8_t *p)
{
    return p - g->x->buf.rw;
}

/* --- chains -------------------------------------------------------------------------- */

static void cold_stub(Gen *g, const Cold *c)
{
    unsigned slot = c->scratch;
    asm_patch(c->from, g->a.p);
    if (c->back) {
        asm_patch(c->back, g->a.p);
    }
    g->tb->stub_at[slot] = place(g, g->a.p);
    x64_x80_cold_leave(g, c->x80);
    store_pc(g, c->imm);
    x64_leave(g, slot);
}

static GuestAddr linear(const Gen *g, uint64_t pc)
{
    return pc + g->tb->key.base;
}

/* The longest instruction of any guest, bytes. */
#define LONGEST_INSN 16

/* True if a TB at pc is in this TB's page. Its first instruction may reach into
 * the next one, which may be mapped otherwise one day: then there is a guard. */
static bool same_page(const Gen *g, uint64_t pc)
{
    return !((linear(g, pc) ^ g->tb->key.pc) & PAGE_MASK) &&
           !((linear(g, pc + LONGEST_INSN - 1) ^ g->tb->key.pc) & PAGE_MASK);
}

/* from: the rel32 of a jump to be chained. */
static void chain(Gen *g, unsigned slot, uint64_t pc, uint8_t *from)
{
    Cold *c = x64_cold(g, cold_stub, from);
    c->scratch = slot;
    c->imm = pc;
    c->x80 = g->x80.exit;
    x64_x80_note_exit(g, slot, linear(g, pc) == g->tb->key.pc);
    g->tb->jump_at[slot] = place(g, from);
}

/* The words of guards stand in front of the TB. */
static void guarded_chain(Gen *g, unsigned slot, uint64_t pc)
{
    size_t entry = offsetof(Cpu, jump_cache) +
                   jump_hash(linear(g, pc)) * sizeof(JumpEntry);
    uint8_t *word = g->guards + 8 * slot;
    asm_load(&g->a, true, RAX,
             x64_env(g, entry + offsetof(JumpEntry, tb)));
    /* cmp rax, [rip + word] */
    asm_op(&g->a, ALU_CMP << 3 | 3, 8, false);
    asm_8(&g->a, 5);
    asm_32(&g->a, word - (g->a.p + 4));
    uint8_t *miss = asm_jcc(&g->a, CC_NE);
    chain(g, slot, pc, asm_jmp(&g->a));
    g_array_index(g->cold, Cold, g->cold->len - 1).back = miss;
    g->tb->guard_at[slot] = place(g, word);
}

/* --- any pc ----------------------------------------------------------------------------- */

static void cold_lookup(Gen *g, const Cold *c)
{
    asm_patch(c->from, g->a.p);
    asm_patch(c->back, g->a.p);
    asm_store(&g->a, true, pc_mem(g), c->address);
    x64_leave(g, LEFT_LOOKUP);
}

/* ORDER jump-hash: t = index of pc's entry, in bytes; u: scratch. */
static void hash_pc(Gen *g, unsigned t, unsigned u, unsigned pc)
{
    G_STATIC_ASSERT(sizeof(JumpEntry) == 16);
    asm_mov(&g->a, false, t, pc);
    asm_shift_imm(&g->a, SH_SHR, false, t, JUMP_GROUP_BITS - 4);
    asm_mov(&g->a, false, u, pc);
    asm_shift_imm(&g->a, SH_SHL, false, u, 4);
    asm_alu_imm(&g->a, ALU_AND, false, u, ((1 << JUMP_GROUP_BITS) - 1) << 4);
    asm_alu(&g->a, ALU_XOR, false, t, u);
    asm_alu_imm(&g->a, ALU_AND, false, t, (JUMP_CACHE_SIZE - 1) << 4);
}

static void jump_anywhere(Gen *g, const IrInst *i)
{
    unsigned pc = x64_use(g, i->arg[0]);
    unsigned t = x64_scratch(g), u = x64_scratch(g);
    HostMem entry = x64_env(g, offsetof(Cpu, jump_cache));
    entry.index = t;
    hash_pc(g, t, u, pc);
    asm_alu_mem(&g->a, ALU_CMP, true, pc, entry);
    uint8_t *miss = asm_jcc(&g->a, CC_NE);
    entry.disp += offsetof(JumpEntry, tb);
    asm_load(&g->a, true, u, entry);
    asm_alu_mem_imm(&g->a, ALU_CMP, false, host_mem(u, offsetof(Tb, mode)),
                    g->tb->mode);
    uint8_t *other = asm_jcc(&g->a, CC_NE);
    asm_rm(&g->a, OP_GROUP5, false, 4, host_mem(u, offsetof(Tb, code)));
    Cold *c = x64_cold(g, cold_lookup, miss);
    c->back = other;
    c->address = pc;
}

/* --- exits -------------------------------------------------------------------------------- */

static void leave_with_pc(Gen *g, const IrInst *i, IrVal pc, unsigned why)
{
    uint64_t imm;
    if (x64_const(g, pc, &imm)) {
        store_pc(g, imm);
    } else {
        asm_store(&g->a, true, pc_mem(g), x64_use(g, pc));
    }
    x64_leave(g, why);
}

static unsigned left_by(IrExit how)
{
    return how == IR_EXIT_LOOP    ? LEFT_LOOP
           : how == IR_EXIT_STALE ? LEFT_STALE : LEFT_LOOKUP;
}

static bool may_chain(const Gen *g, IrExit how)
{
    return how <= IR_EXIT_CHAIN1 && !g->tb->jump_at[how] &&
           g->tb->ram[0] != TB_NO_RAM;
}

static void exit_to(Gen *g, const IrInst *i, IrExit how, IrVal pc)
{
    uint64_t imm;
    bool constant = x64_const(g, pc, &imm);
    refund(g, i);
    if (constant && may_chain(g, how)) {
        if (same_page(g, imm)) {
            chain(g, how, imm, asm_jmp(&g->a));
        } else {
            guarded_chain(g, how, imm);
        }
    } else if (how == IR_EXIT_JUMP && !constant && !g->tb->key.base) {
        jump_anywhere(g, i);
    } else {
        leave_with_pc(g, i, pc, left_by(how));
    }
}

void x64_exit(Gen *g, const IrInst *i)
{
    uint64_t pc;
    if (x64_const(g, i->arg[0], &pc) && may_chain(g, i->cond)) {
        x64_x80_settle(g);
        g->x80.exit = x64_x80_note(g);
    } else {
        x64_x80_flush(g);
    }
    exit_to(g, i, i->cond, i->arg[0]);
}

static void cold_side_exit(Gen *g, const Cold *c)
{
    const IrInst *i = c->inst;
    uint64_t pc;
    asm_patch(c->from, g->a.p);
    x64_x80_cold_leave(g, c->x80);
    g->x80.exit = X80_NOT_SAVED;
    if (x64_const(g, i->arg[2], &pc)) {
        exit_to(g, i, i->mem, i->arg[2]);
    } else {
        refund(g, i);
        x64_leave(g, left_by(i->mem));
    }
}

/* A side exit's pc that is no constant is stored ahead: nobody looks at the pc
 * unless the exit is taken. */
void x64_exit_if(Gen *g, const IrInst *i)
{
    uint64_t pc;
    bool constant = x64_const(g, i->arg[2], &pc);
    IrExit how = i->mem;
    bool direct = constant && may_chain(g, how) && same_page(g, pc) &&
                  i->insn == g->tb->insn_count;
    if (direct) {
        x64_x80_settle(g);
    }
    if (!constant) {
        asm_store(&g->a, true, pc_mem(g), x64_use(g, i->arg[2]));
    }
    unsigned cc = x64_compare(g, i);
    uint8_t *from = asm_jcc(&g->a, cc);
    g->x80.exit = x64_x80_note(g);
    if (direct) {
        chain(g, how, pc, from);
    } else {
        Cold *c = x64_cold(g, cold_side_exit, from);
        c->inst = i;
        c->x80 = g->x80.exit;
    }
    x64_release_args(g);
}
