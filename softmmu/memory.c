/*
 * The region tree and the flat views made from it. See vm/memory.h.
 *
 * A flat view is a sorted array of non-overlapping ranges. It is rebuilt
 * whole whenever the tree changes: there are a few dozen regions, and changes
 * (PAM, BARs, SMRAM) are rare. CPUs drop their translations only if the view
 * really became another.
 */
#include "vm/memory.h"

#include <string.h>

#include "memory-view.h"
#include "softmmu.h"
#include "vm/cpu.h"
#include "vm/machine.h"

struct MemState {
    GPtrArray *spaces;     /* AddressSpace * */
    unsigned depth;        /* of transactions */
    bool dirty;
};

struct MemState *mem_state_new(void)
{
    struct MemState *s = g_new0(struct MemState, 1);
    s->spaces = g_ptr_array_new();
    return s;
}

void mem_state_free(struct MemState *s)
{
    g_ptr_array_free(s->spaces, TRUE);
    g_free(s);
}

const GPtrArray *address_spaces(Machine *m)
{
    return m->mem->spaces;
}

/* --- flattening ---------------------------------------------------------------- */

typedef struct Window {
    int64_t lo, hi;        /* inclusive */
} Window;

static int range_order(gconstpointer a, gconstpointer b)
{
    const MemRange *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

static void emit(GArray *view, const MemRegion *r, int64_t base, Window w,
                 bool readonly)
{
    MemRange range = { w.lo, w.hi, (MemRegion *)r, w.lo - base, readonly };
    g_array_append_val(view, range);
}

/* Adds the parts of w that nothing covers yet: what is rendered first wins. */
static void emit_uncovered(GArray *view, const MemRegion *r, int64_t base,
                           Window w, bool readonly)
{
    int64_t lo = w.lo;
    guint covered = view->len;
    for (guint i = 0; i < covered && lo <= w.hi; i++) {
        MemRange c = g_array_index(view, MemRange, i);
        if ((int64_t)c.end < lo || (int64_t)c.start > w.hi) {
            continue;
        }
        if ((int64_t)c.start > lo) {
            emit(view, r, base, (Window){ lo, c.start - 1 }, readonly);
        }
        lo = c.end + 1;
    }
    if (lo <= w.hi) {
        emit(view, r, base, (Window){ lo, w.hi }, readonly);
    }
    g_array_sort(view, range_order);
}

static void render(GArray *view, const MemRegion *r, int64_t base, Window w,
                   bool readonly)
{
    int64_t end = r->size > INT64_MAX ? INT64_MAX : base + (int64_t)r->size - 1;
    w.lo = MAX(w.lo, base);
    w.hi = MIN(w.hi, end);
    if (!r->enabled || w.lo > w.hi) {
        return;
    }
    readonly |= r->readonly;
    switch (r->kind) {
    case MEM_CONTAINER:
        for (guint i = 0; i < r->children->len; i++) {
            const MemRegion *c = g_ptr_array_index(r->children, i);
            render(view, c, base + (int64_t)c->addr, w, readonly);
        }
        break;
    case MEM_ALIAS:
        render(view, r->alias, base - (int64_t)r->alias_offset, w, readonly);
        break;
    case MEM_RAM:
        emit_uncovered(view, r, base, w, readonly || r->ram->readonly);
        break;
    case MEM_IO:
        emit_uncovered(view, r, base, w, readonly);
        break;
    }
}

static bool view_equal(const GArray *a, const GArray *b)
{
    if (a->len != b->len) {
        return false;
    }
    for (guint i = 0; i < a->len; i++) {
        const MemRange *x = &g_array_index(a, MemRange, i);
        const MemRange *y = &g_array_index(b, MemRange, i);
        if (x->start != y->start || x->end != y->end ||
            x->region != y->region || x->offset != y->offset ||
            x->readonly != y->readonly) {
            return false;
        }
    }
    return true;
}

/* True if the view changed. */
static bool rebuild(AddressSpace *as)
{
    GArray *view = g_array_new(FALSE, FALSE, sizeof(MemRange));
    render(view, as->root, 0, (Window){ 0, INT64_MAX }, false);
    bool changed = !view_equal(view, as->view);
    g_array_free(as->view, TRUE);
    as->view = view;
    as->last = 0;
    return changed;
}

static void rebuild_all(Machine *m)
{
    bool changed = false;
    m->mem->dirty = false;
    for (guint i = 0; i < m->mem->spaces->len; i++) {
        changed |= rebuild(g_ptr_array_index(m->mem->spaces, i));
    }
    if (changed) {
        tlb_flush_all(m);
    }
}

/* The machine whose views show r; NULL while r hangs in no tree. */
static Machine *region_machine(const MemRegion *r)
{
    for (; r; r = r->parent) {
        if (r->spaces && r->spaces->len) {
            AddressSpace *as = g_ptr_array_index(r->spaces, 0);
            return as->machine;
        }
        for (guint i = 0; r->aliases && i < r->aliases->len; i++) {
            Machine *m = region_machine(g_ptr_array_index(r->aliases, i));
            if (m) {
                return m;
            }
        }
    }
    return NULL;
}

static void changed(MemRegion *r)
{
    Machine *m = region_machine(r);
    if (!m) {
        return;
    }
    m->mem->dirty = true;
    if (!m->mem->depth) {
        rebuild_all(m);
    }
}

void mem_transaction_begin(Machine *m)
{
    m->mem->depth++;
}

void mem_transaction_commit(Machine *m)
{
    g_assert(m->mem->depth);
    if (!--m->mem->depth && m->mem->dirty) {
        rebuild_all(m);
    }
}

/* --- regions -------------------------------------------------------------------- */

static void init(MemRegion *r, MemRegionKind kind, const char *name,
                 uint64_t size)
{
    *r = (MemRegion){ .kind = kind, .name = name, .size = size,
                      .enabled = true };
}

void mem_init_container(MemRegion *r, const char *name, uint64_t size)
{
    init(r, MEM_CONTAINER, name, size);
    r->children = g_ptr_array_new();
}

void mem_init_ram(MemRegion *r, const char *name, RamBlock *ram)
{
    init(r, MEM_RAM, name, ram->size_bytes);
    r->ram = ram;
}

void mem_init_flash(MemRegion *r, const char *name, RamBlock *ram,
                    const MemOps *ops, void *opaque)
{
    mem_init_ram(r, name, ram);
    r->readonly = true;
    r->ops = ops;
    r->opaque = opaque;
}

void mem_init_io(MemRegion *r, const char *name, uint64_t size,
                 const MemOps *ops, void *opaque)
{
    init(r, MEM_IO, name, size);
    r->ops = ops;
    r->opaque = opaque;
}

static void alias_link(MemRegion *r, MemRegion *target, PhysAddr offset)
{
    if (!target->aliases) {
        target->aliases = g_ptr_array_new();
    }
    g_ptr_array_add(target->aliases, r);
    r->alias = target;
    r->alias_offset = offset;
}

void mem_init_alias(MemRegion *r, const char *name, MemRegion *target,
                    PhysAddr offset, uint64_t size)
{
    init(r, MEM_ALIAS, name, size);
    alias_link(r, target, offset);
}

/* Children are kept with the winner first. */
static guint child_place(const MemRegion *parent, int priority)
{
    guint i = 0;
    while (i < parent->children->len) {
        const MemRegion *c = g_ptr_array_index(parent->children, i);
        if (c->priority <= priority) {
            break;
        }
        i++;
    }
    return i;
}

void mem_add(MemRegion *parent, PhysAddr addr, MemRegion *child, int priority)
{
    g_assert(parent->kind == MEM_CONTAINER && !child->parent);
    child->parent = parent;
    child->addr = addr;
    child->priority = priority;
    g_ptr_array_insert(parent->children, child_place(parent, priority), child);
    changed(parent);
}

void mem_remove(MemRegion *child)
{
    MemRegion *parent = child->parent;
    g_assert(parent);
    g_ptr_array_remove(parent->children, child);
    child->parent = NULL;
    changed(parent);
}

void mem_set_enabled(MemRegion *r, bool enabled)
{
    if (r->enabled != enabled) {
        r->enabled = enabled;
        changed(r);
    }
}

void mem_set_address(MemRegion *r, PhysAddr addr)
{
    if (r->addr != addr) {
        r->addr = addr;
        changed(r);
    }
}

void mem_set_alias_size(MemRegion *r, uint64_t size)
{
    g_assert(r->kind == MEM_ALIAS);
    if (r->size != size) {
        r->size = size;
        changed(r);
    }
}

void mem_set_alias(MemRegion *r, MemRegion *target, PhysAddr offset)
{
    g_assert(r->kind == MEM_ALIAS);
    if (r->alias == target && r->alias_offset == offset) {
        return;
    }
    g_ptr_array_remove(r->alias->aliases, r);
    alias_link(r, target, offset);
    changed(r);
}

void mem_set_readonly(MemRegion *r, bool readonly)
{
    if (r->readonly != readonly) {
        r->readonly = readonly;
        changed(r);
    }
}

/* --- address spaces -------------------------------------------------------------- */

AddressSpace *address_space_new(Machine *m, const char *name, MemRegion *root)
{
    AddressSpace *as = g_new0(AddressSpace, 1);
    as->machine = m;
    as->name = g_strdup(name);
    as->root = root;
    as->view = g_array_new(FALSE, FALSE, sizeof(MemRange));
    if (!root->spaces) {
        root->spaces = g_ptr_array_new();
    }
    g_ptr_array_add(root->spaces, as);
    g_ptr_array_add(m->mem->spaces, as);
    rebuild(as);
    return as;
}

void address_space_free(AddressSpace *as)
{
    g_ptr_array_remove(as->root->spaces, as);
    g_ptr_array_remove(as->machine->mem->spaces, as);
    g_array_free(as->view, TRUE);
    g_free(as->name);
    g_free(as);
}

/* --- info mtree -------------------------------------------------------------------- */

static const char *kind_name(const MemRegion *r)
{
    static const char *const names[] = { "container", "ram", "i/o", "alias" };
    return r->kind == MEM_RAM && r->ram->readonly ? "rom" : names[r->kind];
}

static void print_range(uint64_t lo, uint64_t hi, GString *out)
{
    g_string_append_printf(out, "%016" G_GINT64_MODIFIER "x-%016"
                           G_GINT64_MODIFIER "x", lo, hi);
}

static void print_region(const MemRegion *r, PhysAddr base, unsigned indent,
                         GString *out)
{
    g_string_append_printf(out, "%*s", (int)indent, "");
    print_range(base, base + r->size - 1, out);
    g_string_append_printf(out, " (prio %d, %s): %s", r->priority, kind_name(r),
                           r->name);
    if (r->kind == MEM_ALIAS) {
        g_string_append_printf(out, " @%s ", r->alias->name);
        print_range(r->alias_offset, r->alias_offset + r->size - 1, out);
    }
    g_string_append_printf(out, "%s\n", r->enabled ? "" : " [disabled]");
    for (guint i = 0; r->children && i < r->children->len; i++) {
        const MemRegion *c = g_ptr_array_index(r->children, i);
        print_region(c, base + c->addr, indent + 2, out);
    }
}

void address_space_print_tree(AddressSpace *as, GString *out)
{
    g_string_append_printf(out, "address-space: %s\n", as->name);
    print_region(as->root, 0, 2, out);
    g_string_append_c(out, '\n');
}

void address_space_print_flat(AddressSpace *as, GString *out)
{
    g_string_append_printf(out, "FlatView of address-space: %s\n", as->name);
    for (guint i = 0; i < as->view->len; i++) {
        const MemRange *r = &g_array_index(as->view, MemRange, i);
        g_string_append(out, "  ");
        print_range(r->start, r->end, out);
        g_string_append_printf(out, " (%s%s): %s @%016" G_GINT64_MODIFIER
                               "x\n", kind_name(r->region),
                               r->readonly ? ", read-only" : "",
                               r->region->name, r->offset);
    }
    g_string_append_c(out, '\n');
}
