/*
 * Where the values of a TB are: see interp.h.
 */
#include "interp.h"

/* The frame: slots for values below, constants above. */
#define FRAME_VALUES 1024u
#define FRAME_CONSTS (CPU_FRAME_WORDS - FRAME_VALUES)

/* --- slots ---------------------------------------------------------------------- */

static uint32_t slot_offset(unsigned n)
{
    return offsetof(Cpu, frame) + n * sizeof(uint64_t);
}

static uint32_t new_slot(Compiler *c)
{
    if (c->free_slots->len) {
        uint32_t slot = g_array_index(c->free_slots, uint32_t,
                                      c->free_slots->len - 1);
        g_array_set_size(c->free_slots, c->free_slots->len - 1);
        return slot;
    }
    g_assert(c->next_slot < FRAME_VALUES);
    return slot_offset(c->next_slot++);
}

/* Two slots, the offset of the first. */
static uint32_t new_pair(Compiler *c)
{
    if (c->free_pairs->len) {
        uint32_t pair = g_array_index(c->free_pairs, uint32_t,
                                      c->free_pairs->len - 1);
        g_array_set_size(c->free_pairs, c->free_pairs->len - 1);
        return pair;
    }
    g_assert(c->next_slot + 2 <= FRAME_VALUES);
    c->next_slot += 2;
    return slot_offset(c->next_slot - 2);
}

static GArray *free_list(const Compiler *c, IrVal v)
{
    return ir_is_big(inst(c, v)->type) ? c->free_pairs : c->free_slots;
}

void place_result(Compiler *c, unsigned n, Code *o)
{
    c->where[n] = ir_is_big(inst(c, n)->type) ? new_pair(c) : new_slot(c);
    o->d = c->where[n];
    if (!c->last_use[n]) {
        g_array_append_val(free_list(c, n), c->where[n]);
    }
}

void place_release(Compiler *c, IrVal v, unsigned n)
{
    v = c->root[v];
    bool owned = c->where[v] >= slot_offset(0) &&
                 c->where[v] < slot_offset(FRAME_VALUES);
    if (c->last_use[v] == n && owned) {
        g_array_append_val(free_list(c, v), c->where[v]);
        c->last_use[v] = 0; /* the same value may be two operands */
    }
}

void place_release_args(Compiler *c, unsigned n)
{
    const IrInst *i = inst(c, n);
    for (unsigned k = 0; k < i->nargs; k++) {
        place_release(c, i->arg[k], n);
    }
}

/* --- lives ---------------------------------------------------------------------- */

/* ZEXT64 costs nothing, as i32 values are kept zero-extended: its value is
 * its operand's. */
static void find_lives(Compiler *c)
{
    for (unsigned n = 0; n < c->ir->insts->len; n++) {
        const IrInst *i = inst(c, n);
        c->root[n] = i->op == IR_ZEXT64 ? c->root[i->arg[0]] : n;
        for (unsigned k = 0; k < i->nargs; k++) {
            c->last_use[c->root[i->arg[k]]] = n;
        }
    }
}

/* What a frame state names must be there until the end of its instruction. */
static void extend_lives(Compiler *c)
{
    const GArray *frames = c->ir->frames;
    unsigned end = c->ir->insts->len;
    guint left = frames->len;
    for (unsigned n = c->ir->insts->len; n-- > 0;) {
        if (inst(c, n)->op != IR_INSN) {
            continue;
        }
        for (; left; left--) {
            const IrFrame *f = &g_array_index(frames, IrFrame, left - 1);
            if (f->insn != inst(c, n)->imm) {
                break;
            }
            IrVal v = c->root[f->value];
            c->last_use[v] = MAX(c->last_use[v], end);
        }
        end = n;
    }
}

static bool writes_reg(const Compiler *c, const IrInst *i, unsigned reg)
{
    if (i->op == IR_SET) {
        return i->imm == reg;
    }
    if (i->op == IR_CALL) {
        const IrHelper *h = g_ptr_array_index(c->ir->helpers, i->imm);
        return h->effects & IR_WRITES;
    }
    return i->op == IR_STENV && ir_env_overlaps(c->ir, i, reg);
}

/* True if register reg keeps its value from n until its last use there. */
static bool stable_until_use(const Compiler *c, unsigned n, unsigned reg)
{
    unsigned last = c->last_use[n];
    for (unsigned k = n + 1; k < last; k++) {
        if (writes_reg(c, inst(c, k), reg)) {
            return false;
        }
    }
    return true;
}

bool place_in_reg(Compiler *c, unsigned n, unsigned reg)
{
    const IrReg *r = &c->ir->cls->regs[reg];
    if (r->type == IR_I32 || !stable_until_use(c, n, reg)) {
        return false;
    }
    c->where[n] = r->offset;
    return true;
}

/* --- constants and operands ------------------------------------------------------ */

/* The offset of a constant in the pool, which all TBs share and which only
 * grows; 0 when it is full. TBs are run by every CPU, so each has the pool in
 * its frame. */
static uint32_t pool_constant(Cpu *cpu, uint64_t v)
{
    TcgState *s = tcg_state(cpu);
    gpointer found = g_hash_table_lookup(s->pool, &v);
    if (found) {
        return GPOINTER_TO_UINT(found);
    }
    if (s->pool_used == FRAME_CONSTS) {
        return 0;
    }
    unsigned n = FRAME_VALUES + s->pool_used++;
    const GPtrArray *cpus = cpu->machine->cpus;
    for (guint i = 0; i < cpus->len; i++) {
        ((Cpu *)g_ptr_array_index(cpus, i))->frame[n] = v;
    }
    g_hash_table_insert(s->pool, &cpu->frame[n],
                        GUINT_TO_POINTER(slot_offset(n)));
    return slot_offset(n);
}

uint32_t place_operand(Compiler *c, IrVal v)
{
    v = c->root[v];
    const IrInst *i = inst(c, v);
    bool vector = i->type == IR_V128;
    if (i->op == IR_CONST && !c->where[v] && !vector) {
        c->where[v] = pool_constant(c->cpu, i->imm);
    }
    if (!c->where[v]) {
        g_assert(i->op == IR_CONST);
        Code *o = compile_emit(c, vector ? OP_VCONST : OP_CONST);
        o->imm = i->imm;
        o->d = c->where[v] = vector ? new_pair(c) : new_slot(c);
    }
    return c->where[v];
}

void place_init(Compiler *c)
{
    unsigned n = c->ir->insts->len;
    c->root = g_new0(IrVal, n);
    c->where = g_new0(uint32_t, n);
    c->last_use = g_new0(uint16_t, n);
    c->free_slots = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    c->free_pairs = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    find_lives(c);
    extend_lives(c);
}

void place_fini(Compiler *c)
{
    g_free(c->root);
    g_free(c->where);
    g_free(c->last_use);
    g_array_free(c->free_slots, TRUE);
    g_array_free(c->free_pairs, TRUE);
}
