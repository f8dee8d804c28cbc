/*
 * The common translation loop: one guest instruction after another until the
 * TB must end. See vm/ir.h for what it offers a target.
 *
 * A TB stays in the page it starts in, except that its first instruction may
 * reach into the next one. It ends before a breakpoint, after an instruction
 * that was seen to touch a device (so that the access is its last), and at
 * TB_MAX_INSNS.
 */
#include "base/log.h"
#include "disas.h"
#include "translate.h"

/* IR of one guest instruction is a few dozen ops; stop well before the
 * numbers of values run out. */
#define IR_MOST 8000

static uint8_t byte_on_next_page(Translation *t, GuestAddr va)
{
    TranslateContext *tc = &t->tc;
    if (tc->insn_count) {
        siglongjmp(t->cut, 1);
    }
    if (t->ram[1] == TB_NO_RAM &&
        !cpu_fetch_ram(tc->cpu, va & PAGE_MASK, tc->mmu_fetch, &t->ram[1])) {
        t->ram[0] = t->ram[1] = TB_NO_RAM;
        t->host = NULL;
    }
    return cpu_fetch_byte(tc->cpu, va, tc->mmu_fetch);
}

static uint8_t code_byte(TranslateContext *tc, unsigned offset)
{
    Translation *t = container_of(tc, Translation, tc);
    GuestAddr va = tc->pc + offset;
    if ((va ^ t->key->pc) & PAGE_MASK) {
        return byte_on_next_page(t, va);
    }
    return t->host ? t->host[va & ~PAGE_MASK]
                   : cpu_fetch_byte(tc->cpu, va, tc->mmu_fetch);
}

static void mark_insn(Translation *t)
{
    IrBlock *ir = t->tc.ir;
    t->insts = ir->insts->len;
    t->words = ir->insn_words->len;
    t->helpers = ir->helpers->len;
    t->insn_pc = t->tc.pc;
}

void translation_cut(Translation *t)
{
    IrBlock *ir = t->tc.ir;
    g_array_set_size(ir->insts, t->insts);
    g_array_set_size(ir->insn_words, t->words);
    g_ptr_array_set_size(ir->helpers, t->helpers);
    t->tc.pc = t->insn_pc;
    t->tc.cpu->cls->translate_stop(&t->tc);
}

void translation_insn(Translation *t)
{
    mark_insn(t);
    t->tc.cpu->cls->translate_insn(&t->tc);
    t->tc.insn_count++;
}

static bool break_at(Cpu *cpu, GuestAddr pc, GuestAddr base)
{
    return cpu->breakpoints->len && cpu_breakpoint_at(cpu, pc, base);
}

/* True if a TB begins where the next instruction is. */
static bool meets_tb(const Translation *t)
{
    TbKey key = *t->key;
    key.pc = t->tc.pc;
    RamAddr ra = t->ram[0] | (key.pc & ~PAGE_MASK);
    return t->ram[0] != TB_NO_RAM &&
           cache_find(tcg_state(t->tc.cpu), &key, ra, TB_FULL);
}

bool translation_must_stop(Translation *t)
{
    TranslateContext *tc = &t->tc;
    TcgState *s = tcg_state(tc->cpu);
    return tc->end_after || tc->insn_count >= t->max_insns || !t->host ||
           ((tc->pc ^ t->key->pc) & PAGE_MASK) ||
           tc->ir->insts->len > IR_MOST ||
           g_hash_table_contains(s->last_here,
                                 GSIZE_TO_POINTER(t->insn_pc)) ||
           break_at(tc->cpu, tc->pc, tc->base) ||
           (s->joins && meets_tb(t));
}

static void translate_all(Translation *t)
{
    TranslateContext *tc = &t->tc;
    if (sigsetjmp(t->cut, 0)) {
        translation_cut(t);
        return;
    }
    do {
        translation_insn(t);
        if (!tc->ended && translation_must_stop(t)) {
            tc->cpu->cls->translate_stop(tc);
            return;
        }
    } while (!tc->ended);
}

static Tb *tb_new(const Translation *t, TbLimit limit)
{
    const TranslateContext *tc = &t->tc;
    Tb *tb = g_new0(Tb, 1);
    tb->key = *t->key;
    tb->limit = limit;
    tb->mode = cache_mode(tcg_state(tc->cpu), t->key, limit);
    tb->insn_count = tc->ir->insn_words->len;
    tb->len_bytes = tc->pc - t->key->pc;
    tb->ram[0] = t->ram[0];
    /* The page behind the first counts only if a byte of it was used. Where
     * both are the same page of RAM, the TB is not kept. */
    bool crosses = ((tc->pc - 1) ^ t->key->pc) & PAGE_MASK;
    tb->ram[1] = crosses ? t->ram[1] : TB_NO_RAM;
    if (crosses && tb->ram[0] == tb->ram[1]) {
        tb->ram[0] = tb->ram[1] = TB_NO_RAM;
    }
    tb->words = g_memdup2(tc->ir->insn_words->data,
                          tb->insn_count * sizeof tb->words[0]);
    tb->cut = !tc->ended;
    tb->has_break = break_at(tc->cpu, tb->key.pc, tb->key.base);
    return tb;
}

static void log_ir(unsigned item, const char *title, const IrBlock *ir)
{
    if (log_enabled(item)) {
        g_autoptr(GString) text = g_string_new(NULL);
        ir_print(ir, text);
        log_printf(item, "%s:\n%s\n", title, text->str);
    }
}

/* Fewer instructions where TBs are left in the middle again and again. */
static unsigned longest(TcgState *s)
{
    unsigned aborts = s->aborts;
    s->aborts -= MIN(aborts, 1);
    return aborts >= ABORT_SINGLE ? 1
         : aborts >= ABORT_SHORT  ? TB_SHORT_INSNS
                                  : TB_MAX_INSNS;
}

void translation_start(Translation *t, Cpu *cpu, const TbKey *key,
                       unsigned max_insns)
{
    TranslateContext *tc = &t->tc;
    t->key = key;
    t->max_insns = max_insns;
    t->ram[0] = t->ram[1] = TB_NO_RAM;
    tc->cpu = cpu;
    tc->byte = code_byte;
    tc->ir = tcg_state(cpu)->ir;
    tc->base = key->base;
    tc->flags = key->flags;
    tc->pc = key->pc;
    tc->mmu_fetch = cpu->cls->mmu_mode(cpu, true);
    tc->mmu_data = cpu->cls->mmu_mode(cpu, false);
    ir_block_clear(tc->ir);
    RamAddr ra;
    if (cpu_fetch_ram(cpu, key->pc, tc->mmu_fetch, &ra)) {
        t->ram[0] = ra & PAGE_MASK;
        t->host = ram_host(cpu->machine, t->ram[0]);
    }
    cpu->cls->translate_start(tc);
}

static void verify_ir(const TcgState *s, const TbKey *key)
{
    g_autofree char *wrong = s->options->verify ? ir_verify(s->ir) : NULL;
    if (wrong) {
        g_error("IR of the TB at %" G_GINT64_MODIFIER "x: %s", key->pc, wrong);
    }
}

/* A watchpoint must see every load. TBs serve all CPUs. */
static bool may_forward(const Machine *m)
{
    for (guint n = 0; n < m->cpus->len; n++) {
        const Cpu *cpu = g_ptr_array_index(m->cpus, n);
        if (cpu->watchpoints->len) {
            return false;
        }
    }
    return true;
}

Tb *translate_tb(Cpu *cpu, const TbKey *key, TbLimit limit)
{
    TcgState *s = tcg_state(cpu);
    Translation t = { 0 };
    t.tc.may_assume = cache_may_assume(s, key->pc);
    translation_start(&t, cpu, key, limit == TB_SINGLE ? 1 : longest(s));
    translate_all(&t);
    log_guest_code(&t.tc, key->pc);
    log_ir(LOG_OP, "OP", s->ir);
    Tb *tb = tb_new(&t, limit);
    verify_ir(s, key);
    ir_fold(s->ir);
    if (s->plain) {
        s->plain--;
    } else if (may_forward(cpu->machine) && ir_forward(s->ir)) {
        tb->forwards = true;
        ir_fold(s->ir);
    }
    ir_narrow(s->ir);
    ir_dce(s->ir, s->backend->dce);
    log_ir(LOG_OP_OPT, "OP after optimization", s->ir);
    verify_ir(s, key);
    s->backend->compile(cpu, tb, s->ir);
    s->translated++;
    if (log_enabled(LOG_OUT_ASM)) {
        g_autoptr(GString) text = g_string_new("OUT:\n");
        s->backend->dump(tb, text);
        log_printf(LOG_OUT_ASM, "%s\n", text->str);
    }
    return tb;
}
