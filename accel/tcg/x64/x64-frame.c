/*
 * Frame states, when something has faulted.
 *
 * A row says where a guest register's value is: a constant, a place in the CPU
 * struct, or a lazy value, which is computed here from operands whose places
 * other rows of the site give. Flags are mostly that: they are computed only
 * for the faults that do happen.
 */
#include "x64-gen.h"

X64Frames *x64_frames_new(const Gen *g)
{
    if (!g->rows->len) {
        return NULL;
    }
    X64Frames *f = g_new(X64Frames, 1);
    f->row_count = g->rows->len;
    f->rows = g_memdup2(g->rows->data, g->rows->len * sizeof(X64Row));
    f->lazy_count = g->lazy->len;
    f->lazy = g_memdup2(g->lazy->data, g->lazy->len * sizeof(X64Lazy));
    return f;
}

void x64_frames_free(X64Frames *f)
{
    if (f) {
        g_free(f->rows);
        g_free(f->lazy);
        g_free(f);
    }
}

/* A frame state being evaluated. */
typedef struct Eval {
    Cpu *cpu;
    const X64Frames *f;
    unsigned first, end;   /* rows of the site */
    uint64_t *value;       /* of each lazy value, once known */
    bool *known;
} Eval;

static uint64_t at_place(const Eval *e, const X64Row *row)
{
    uint64_t v = row->where;
    if (row->kind == ROW_PLACE) {
        memcpy(&v, (char *)e->cpu + row->where, sizeof v);
    }
    return row->bytes == 4 ? (uint32_t)v : v;
}

static V128 vector_at_place(const Eval *e, const X64Row *row)
{
    V128 v = { { row->where, row->where } };
    if (row->kind == ROW_PLACE) {
        memcpy(&v, (char *)e->cpu + row->where, sizeof v);
    }
    return v;
}

static uint64_t leaf_value(const Eval *e, IrVal v)
{
    for (unsigned n = e->first; n < e->end; n++) {
        if (e->f->rows[n].leaf && e->f->rows[n].v == v) {
            return at_place(e, &e->f->rows[n]);
        }
    }
    g_assert_not_reached();
}

static uint64_t call_pure(const Eval *e, const IrHelper *h, const uint64_t *a)
{
    typedef uint64_t Fn(Cpu *cpu, uint64_t, uint64_t, uint64_t, uint64_t,
                        uint64_t, uint64_t);
    return ((Fn *)h->fn)(e->cpu, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static uint64_t value_of(Eval *e, IrVal v)
{
    unsigned k = 0;
    while (k < e->f->lazy_count && e->f->lazy[k].v != v) {
        k++;
    }
    if (k == e->f->lazy_count) {
        return leaf_value(e, v);
    }
    const X64Lazy *z = &e->f->lazy[k];
    uint64_t arg[IR_MAX_ARGS] = { 0 };
    if (e->known[k]) {
        return e->value[k];
    }
    for (unsigned n = 0; n < z->inst.nargs; n++) {
        arg[n] = value_of(e, z->inst.arg[n]);
    }
    e->value[k] = z->inst.op == IR_CONST ? z->inst.imm
                  : z->helper ? call_pure(e, z->helper, arg)
                              : ir_eval(&z->inst, z->half ? 32 : 64, arg);
    e->known[k] = true;
    return e->value[k];
}

/* What the row's register becomes, in the first bytes of a vector. */
static V128 row_value(Eval *e, const X64Row *row)
{
    if (row->bytes == 16) {
        return vector_at_place(e, row);
    }
    return (V128){ { row->kind == ROW_LAZY ? value_of(e, row->v)
                                           : at_place(e, row), 0 } };
}

static void find_rows(Eval *e, unsigned site)
{
    const X64Frames *f = e->f;
    while (e->first < f->row_count && f->rows[e->first].site < site) {
        e->first++;
    }
    e->end = e->first;
    while (e->end < f->row_count && f->rows[e->end].site == site) {
        e->end++;
    }
}

/* A value may be in the place of a register that is restored as well: all are
 * known before any is written. */
static void restore_rows(Eval *e)
{
    g_autofree V128 *now = g_new(V128, e->end - e->first + 1);
    for (unsigned n = e->first; n < e->end; n++) {
        now[n - e->first] = row_value(e, &e->f->rows[n]);
    }
    for (unsigned n = e->first; n < e->end; n++) {
        const X64Row *row = &e->f->rows[n];
        if (!row->leaf) {
            memcpy((char *)e->cpu + row->reg, &now[n - e->first],
                   row->bytes);
        }
    }
}

void x64_restore_frame(Cpu *cpu, const Tb *tb)
{
    Eval e = { .cpu = cpu, .f = tb->frames };
    if (!e.f) {
        return;
    }
    e.value = g_new(uint64_t, e.f->lazy_count + 1);
    e.known = g_new0(bool, e.f->lazy_count + 1);
    find_rows(&e, cpu->fault_site);
    restore_rows(&e);
    g_free(e.value);
    g_free(e.known);
}
