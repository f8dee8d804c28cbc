/*
 * Break- and watchpoints: what the debugger wants, and what the CPU has.
 *
 * Guest memory is never patched: a software breakpoint is the same as a
 * hardware one here.
 */
#include "agent.h"
#include "base/digest.h"
#include "stub.h"

static bool point_equal(const Point *a, const Point *b)
{
    return a->type == b->type && a->addr == b->addr && a->len == b->len;
}

static int point_find(const GArray *list, const Point *p)
{
    for (guint i = 0; i < list->len; i++) {
        if (point_equal(&g_array_index(list, Point, i), p)) {
            return i;
        }
    }
    return -1;
}

bool point_insert(Gdbstub *g, const Point *p)
{
    if (p->type >= POINT_WRITE && (!p->len || p->addr + p->len < p->addr)) {
        return false;
    }
    point_remove(g, p);
    g_array_append_val(g->points, *p);
    return true;
}

bool point_remove(Gdbstub *g, const Point *p)
{
    int i = point_find(g->points, p);
    if (i >= 0) {
        g_clear_pointer(&g_array_index(g->points, Point, i).conditions,
                        g_ptr_array_unref);
        g_array_remove_index(g->points, i);
    }
    return i >= 0;
}

/* ORDER gdb-point (stub.h) */
static const uint8_t point_access[POINT_TYPE_COUNT] = {
    0,
    0,
    1 << MMU_STORE,
    1 << MMU_LOAD,
    1 << MMU_LOAD | 1 << MMU_STORE,
};

static bool same_points(const GArray *a, const GArray *b)
{
    if (a->len != b->len) {
        return false;
    }
    for (guint i = 0; i < a->len; i++) {
        if (point_find(b, &g_array_index(a, Point, i)) < 0) {
            return false;
        }
    }
    return true;
}

static uint64_t condition_number(const Point *p)
{
    uint64_t sum = digest_mix(p->addr, p->type);
    for (guint i = 0; i < p->conditions->len; i++) {
        gsize len;
        const void *code =
            g_bytes_get_data(g_ptr_array_index(p->conditions, i), &len);
        sum = digest_mix(digest_bytes(code, len), sum);
    }
    return sum;
}

/* Hits that a search remembers are those of certain conditions, and of the
 * registers that these see. */
static uint64_t conditions_number(const Gdbstub *g)
{
    uint64_t sum = 0;
    for (guint i = 0; i < g->points->len; i++) {
        const Point *p = &g_array_index(g->points, Point, i);
        sum += p->conditions
            ? digest_mix(condition_number(p), (uintptr_t)g->view) : 0;
    }
    return sum;
}

static void points_give(Gdbstub *g, Cpu *cpu)
{
    cpu_debug_clear(cpu, BREAK_GDB);
    for (guint i = 0; i < g->points->len; i++) {
        const Point *p = &g_array_index(g->points, Point, i);
        if (p->type < POINT_WRITE) {
            cpu_breakpoint_insert(cpu, p->addr, BREAK_GDB);
        } else {
            cpu_watchpoint_insert(cpu, p->addr, p->len, point_access[p->type],
                                  BREAK_GDB);
        }
    }
}

void points_sync(Gdbstub *g)
{
    g->machine->debug.break_conditions = conditions_number(g);
    if (same_points(g->points, g->active)) {
        return;
    }
    Cpu *cpu;
    for (guint i = 0; (cpu = stub_nth_cpu(g, i)); i++) {
        points_give(g, cpu);
    }
    g_array_set_size(g->active, 0);
    g_array_append_vals(g->active, g->points->data, g->points->len);
}

void points_clear(Gdbstub *g)
{
    while (g->points->len) {
        Point last = g_array_index(g->points, Point, g->points->len - 1);
        point_remove(g, &last);
    }
    if (g->active->len) {
        points_sync(g);
    }
}

/* --- conditions -------------------------------------------------------------- */

/* One that cannot be evaluated stops, so that gdb may look itself. */
static bool point_holds(Gdbstub *g, Cpu *cpu, const Point *p)
{
    for (guint i = 0; p->conditions && i < p->conditions->len; i++) {
        uint64_t v;
        if (!agent_eval(cpu, g->view, g_ptr_array_index(p->conditions, i),
                        &v) || v) {
            return true;
        }
    }
    return !p->conditions;
}

void points_ask(Gdbstub *g, bool ask)
{
    Cpu *cpu;
    for (guint i = 0; (cpu = stub_nth_cpu(g, i)); i++) {
        cpu->break_holds = ask ? points_hold : NULL;
        cpu->break_opaque = g;
    }
}

bool points_hold(void *opaque, Cpu *cpu)
{
    Gdbstub *g = opaque;
    TbKey key;
    cpu->cls->tb_key(cpu, &key);
    for (guint i = 0; i < g->points->len; i++) {
        const Point *p = &g_array_index(g->points, Point, i);
        bool here = p->addr == key.pc || p->addr == key.pc - key.base;
        if (here && p->type < POINT_WRITE && point_holds(g, cpu, p)) {
            return true;
        }
    }
    return false;
}

/* --- saying what was hit ------------------------------------------------------ */

static const char *watch_word(uint8_t access)
{
    switch (access) {
    case 1 << MMU_STORE:
        return "watch";
    case 1 << MMU_LOAD:
        return "rwatch";
    default:
        return "awatch";
    }
}

/* Only a breakpoint at what gdb sees as $pc may be named: at a linear address
 * in a segment, gdb finds none of its own at $pc, would take the trap for a
 * late one of a breakpoint that is gone, and go on. */
static const char *break_word(Gdbstub *g)
{
    Cpu *cpu = stub_cpu(g);
    TbKey key;
    cpu->cls->tb_key(cpu, &key);
    for (guint i = 0; i < g->active->len; i++) {
        const Point *p = &g_array_index(g->active, Point, i);
        bool here = p->addr == key.pc - key.base;
        if (here && p->type == POINT_SOFTWARE && g->swbreak) {
            return "swbreak:;";
        }
        if (here && p->type == POINT_HARDWARE && g->hwbreak) {
            return "hwbreak:;";
        }
    }
    return "";
}

char *point_stop_reply(Gdbstub *g, const WatchHit *hit)
{
    if (hit && hit->valid) {
        g_autofree char *rest =
            g_strdup_printf("%s:%" G_GINT64_MODIFIER "x;",
                            watch_word(hit->watch.access), hit->addr);
        return stub_stop_text(g, GDB_SIGTRAP, rest);
    }
    return stub_stop_text(g, GDB_SIGTRAP, break_word(g));
}
