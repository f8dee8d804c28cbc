/*
 * Questions about the past: who wrote here last, when was this executed?
 *
 * The machine goes back to look, as a debugger's reverse-continue would with a
 * point of its own, and returns to where it was.
 */
#include "search.h"

typedef struct Query {
    Travel t;
    const ReplayQuery *q;
    SearchPlan plan;
    GPtrArray *points;     /* by CPU: the debugger's points, put aside */
    RamAddr ra;            /* of physical memory */
    GArray *hits;          /* while armed */
} Query;

/* --- the debugger's points ----------------------------------------------------------- */

typedef struct Points {
    GArray *breakpoints, *watchpoints;
    bool (*holds)(void *opaque, Cpu *cpu);
} Points;

static void points_free(gpointer p)
{
    Points *points = p;
    g_array_unref(points->breakpoints);
    g_array_unref(points->watchpoints);
    g_free(points);
}

static void put_aside(Query *f, Cpu *cpu)
{
    Points *p = g_new0(Points, 1);
    p->breakpoints = g_array_copy(cpu->breakpoints);
    p->watchpoints = g_array_copy(cpu->watchpoints);
    p->holds = cpu->break_holds;
    cpu->break_holds = NULL;
    g_ptr_array_add(f->points, p);
    cpu_debug_clear(cpu, BREAK_GDB);
}

static void put_back(const Query *f, Cpu *cpu)
{
    const Points *p = g_ptr_array_index(f->points, cpu->index);
    cpu_debug_clear(cpu, BREAK_GDB);
    for (guint i = 0; i < p->breakpoints->len; i++) {
        const Breakpoint *b = &g_array_index(p->breakpoints, Breakpoint, i);
        if (b->owner == BREAK_GDB) {
            cpu_breakpoint_insert(cpu, b->addr, b->owner);
        }
    }
    for (guint i = 0; i < p->watchpoints->len; i++) {
        const Watchpoint *w = &g_array_index(p->watchpoints, Watchpoint, i);
        if (w->owner == BREAK_GDB) {
            cpu_watchpoint_insert(cpu, w->addr, w->len, w->access, w->owner);
        }
    }
    cpu->break_holds = p->holds;
}

/* --- physical memory ------------------------------------------------------------------- */

static bool find_ram(Machine *m, const ReplayQuery *q, RamAddr *ra,
                     Error **errp)
{
    const MemRange *r = address_space_find(m->memory, q->addr);
    if (!r || r->region->kind != MEM_RAM || r->end - q->addr < q->len - 1) {
        error_set(errp, "physical address 0x%" G_GINT64_MODIFIER "x is not "
                  "in RAM", q->addr);
        return false;
    }
    *ra = r->region->ram->base + r->offset + (q->addr - r->start);
    return true;
}

/* What a CPU is at, or what happens at the boundary. */
static void present(Machine *m, Hit *h)
{
    h->icount = machine_icount(m);
    h->watch.cpu = REPLAY_NO_CPU;
    for (guint i = 0; i < m->cpus->len; i++) {
        const Cpu *cpu = g_ptr_array_index(m->cpus, i);
        if (cpu_present_insn(cpu, &h->icount, &h->watch.pc)) {
            h->watch.cpu = i;
        }
    }
}

static bool ram_written(void *opaque, RamAddr ra, uint64_t len)
{
    Query *f = opaque;
    if (f->hits && ra < f->ra + f->q->len && f->ra < ra + len) {
        Hit h = { .access = true };
        present(f->t.r->m, &h);
        g_array_append_val(f->hits, h);
    }
    return false;
}

static void arm_ram(void *opaque, GArray *hits)
{
    Query *f = opaque;
    Machine *m = f->t.r->m;
    RamAddr last = (f->ra + f->q->len - 1) & PAGE_MASK;
    f->hits = hits;
    for (RamAddr ra = f->ra & PAGE_MASK; ra <= last; ra += PAGE_SIZE) {
        if (hits) {
            ram_watch_arm(m, RAM_WATCH_QUERY, ra);
        } else {
            ram_watch_disarm(m, RAM_WATCH_QUERY, ra);
        }
    }
}

/* --- beginning and end -------------------------------------------------------------------- */

static void set_point(Query *f, Cpu *cpu)
{
    const ReplayQuery *q = f->q;
    if (q->what == REPLAY_EXEC) {
        cpu_breakpoint_insert(cpu, q->addr, BREAK_GDB);
    } else if (!q->physical) {
        cpu_watchpoint_insert(cpu, q->addr, q->len, BIT(MMU_STORE),
                              BREAK_GDB);
    }
}

static void plan_ram(Query *f)
{
    PageQuery pages = { PAGE_TRACE_RAM, f->ra, f->ra + f->q->len - 1 };
    ram_watch_set(f->t.r->m, RAM_WATCH_QUERY, ram_written, f);
    f->plan = (SearchPlan){ .points = 1, .arm = arm_ram, .opaque = f };
    f->plan.queries = g_array_new(FALSE, FALSE, sizeof(PageQuery));
    g_array_append_val(f->plan.queries, pages);
}

static bool query_begin(Query *f, Replay *r, const ReplayQuery *q,
                        Error **errp)
{
    *f = (Query){ .q = q };
    if (!travel_possible(r, errp)) {
        return false;
    }
    Machine *m = r->m;
    if ((q->physical && !find_ram(m, q, &f->ra, errp)) ||
        !search_allowed(r, errp)) {
        return false;
    }
    travel_begin(&f->t, r);
    f->points = g_ptr_array_new_with_free_func(points_free);
    for (guint i = 0; i < m->cpus->len; i++) {
        put_aside(f, g_ptr_array_index(m->cpus, i));
        set_point(f, g_ptr_array_index(m->cpus, i));
    }
    if (q->physical) {
        plan_ram(f);
    } else {
        search_plan_points(&f->plan, m);
    }
    return true;
}

static void query_end(Query *f)
{
    Machine *m = f->t.r->m;
    for (guint i = 0; i < m->cpus->len; i++) {
        put_back(f, g_ptr_array_index(m->cpus, i));
    }
    if (f->q->physical) {
        ram_watch_set(m, RAM_WATCH_QUERY, NULL, NULL);
    }
    g_array_unref(f->plan.queries);
    g_ptr_array_unref(f->points);
    travel_end(&f->t, true);
    travel_home(f->t.r);
}

/* --- what was there ------------------------------------------------------------------------- */

/* The bytes now, as the CPU that wrote sees them. */
static bool look(const Query *f, unsigned cpu, uint8_t *out)
{
    Machine *m = f->t.r->m;
    return f->q->physical
        ? address_space_read_debug(m->memory, f->q->addr, out, f->q->len)
        : cpu_read_debug(g_ptr_array_index(m->cpus, cpu), f->q->addr, out,
                         f->q->len);
}

/* Stands before the hit, and behind it if it is an access. */
static TravelEnd describe(Query *f, ReplayFound *found, Error **errp)
{
    unsigned cpu = found->cpu == REPLAY_NO_CPU ? 0 : found->cpu;
    TravelEnd end = travel_to(&f->t, found->icount, errp);
    if (end == TRAVEL_ARRIVED) {
        found->has_old = look(f, cpu, found->old);
        end = travel_forward(&f->t, found->icount + 1, NULL, NULL, errp);
        found->has_new = end == TRAVEL_ARRIVED && look(f, cpu, found->now);
    }
    return end;
}

/* Earlier ones first: the way forward is shorter than the way back. */
static TravelEnd describe_all(Query *f, GArray *out, Error **errp)
{
    TravelEnd end = TRAVEL_ARRIVED;
    for (guint i = out->len; i-- > 0 && end == TRAVEL_ARRIVED;) {
        end = describe(f, &g_array_index(out, ReplayFound, i), errp);
    }
    return end;
}

/* --- searching ---------------------------------------------------------------------------------- */

/* Takes hits from the end of the list; one instruction counts once. */
static void collect(const Query *f, const HitList *list, Icount before,
                    unsigned count, GArray *out)
{
    for (guint i = list->hits->len; i-- > 0 && out->len < count;) {
        const Hit *h = &g_array_index(list->hits, Hit, i);
        Icount last = out->len ? g_array_index(out, ReplayFound,
                                               out->len - 1).icount : before;
        if (h->icount < last) {
            ReplayFound found = { .icount = h->icount, .cpu = h->watch.cpu,
                                  .pc = h->access ? h->watch.pc
                                                  : f->q->addr };
            g_array_append_val(out, found);
        }
    }
}

static TravelEnd find(Query *f, unsigned count, GArray *out, Error **errp)
{
    HitList list = { 0 };
    Icount before = f->t.begin;
    bool more = true;
    TravelEnd end = TRAVEL_ARRIVED;
    while (more && out->len < count && end == TRAVEL_ARRIVED) {
        end = search_back(&f->t, &f->plan, &list, before, errp);
        more = end == TRAVEL_ARRIVED && hits_last(&list, before);
        if (more) {
            collect(f, &list, before, count, out);
            before = list.from;
            hits_clear(&list);
        }
    }
    hits_clear(&list);
    return end;
}

bool replay_query(Replay *r, const ReplayQuery *q, unsigned count,
                  GArray *out, Error **errp)
{
    Query f;
    g_assert(q->len >= 1 && q->len <= REPLAY_QUERY_BYTES);
    if (!query_begin(&f, r, q, errp)) {
        return false;
    }
    TravelEnd end = find(&f, count, out, errp);
    if (end == TRAVEL_ARRIVED && q->what == REPLAY_WRITE) {
        end = describe_all(&f, out, errp);
    }
    if (end == TRAVEL_INTERRUPTED) {
        error_set(errp, "the search was interrupted");
    }
    query_end(&f);
    return end == TRAVEL_ARRIVED;
}
