/*
 * What passes the ranges of a snapshot hurts nobody: machines whose every row
 * has any value that it may have, over RAM full of what looks like rings,
 * lists and tables, are poked at all their registers, run on and are reset. No
 * access, no timer and no reset may take the host more than a bounded amount
 * of work, and none may touch what is not its own.
 *
 * REPRISE_CASES and REPRISE_SEED make more and other ones.
 */
#include <stdio.h>

#include "busy-pc.h"
#include "vm/work.h"

/* In units of vm/work.h, a tenth of a microsecond each. */
#define WORK_MAX_ONCE 2000000

typedef struct Hostile {
    Machine *m;
    GRand *rnd;
    GPtrArray *streams;    /* GByteArray by section: the good state */
    guint next;
} Hostile;

static unsigned from_env(const char *name, unsigned otherwise)
{
    const char *text = g_getenv(name);
    return text ? g_ascii_strtoull(text, NULL, 0) : otherwise;
}

static uint64_t random_64(GRand *rnd)
{
    return (uint64_t)g_rand_int(rnd) << 32 | g_rand_int(rnd);
}

/* --- work --------------------------------------------------------------------- */

static void work_begin(Machine *m)
{
    m->sched.work_left = INT64_MAX / 2;
}

static void work_end(Machine *m, const char *what, uint64_t where)
{
    int64_t done = INT64_MAX / 2 - m->sched.work_left;
    if (done > WORK_MAX_ONCE) {
        g_error("%s 0x%" G_GINT64_MODIFIER "x: %" G_GINT64_FORMAT
                " units of work", what, where, done);
    }
}

/* --- state and RAM ---------------------------------------------------------------- */

static void save_section(void *opaque, const Section *s)
{
    Hostile *h = opaque;
    GByteArray *bytes = g_byte_array_new();
    state_save(s->table, s->object, bytes);
    g_ptr_array_add(h->streams, bytes);
}

static void load_section(void *opaque, const Section *s)
{
    Hostile *h = opaque;
    GByteArray *bytes = g_ptr_array_index(h->streams, h->next++);
    g_assert_true(state_load(s->table, s->object, bytes->data, bytes->len,
                             NULL));
}

/* Any value that a row may have; small ones more often. */
static uint64_t garbage(GRand *rnd, const StateField *f)
{
    uint64_t span = f->ranged ? (uint64_t)(f->max - f->min) + 1 : 0;
    uint64_t v = random_64(rnd) >> g_rand_int_range(rnd, 0, 64);

    if (f->tag == STATE_TIME || f->tag == STATE_I64) {
        v %= UINT64_C(1) << 40;     /* not aeons of timers to catch up */
    }
    return span ? f->min + v % span : v;
}

static void spoil_section(void *opaque, const Section *s)
{
    Hostile *h = opaque;
    for (uint32_t i = 0; i < s->table->field_count; i++) {
        const StateField *f = &s->table->fields[i];
        if (g_rand_boolean(h->rnd)) {
            continue;      /* some rows fit together */
        }
        for (uint32_t n = 0; n < f->count; n++) {
            state_set(f, s->object, n, garbage(h->rnd, f));
        }
    }
}

/* Addresses in RAM, lengths, flags. */
static void spoil_ram(Hostile *h)
{
    uint64_t ram = h->m->config.ram_bytes;
    for (unsigned n = 0; n < 20000; n++) {
        uint64_t at = random_64(h->rnd) % ram & ~UINT64_C(7);
        uint64_t v = random_64(h->rnd) >> g_rand_int_range(h->rnd, 0, 64);
        if (n % 3) {
            v = v % ram & -(UINT64_C(1) << n % 13);
        }
        address_space_write(h->m->memory, at, &v, sizeof v);
    }
}

/* --- registers ---------------------------------------------------------------------- */

typedef struct Window {
    uint64_t first, last;
} Window;

/* What answers in a space and is no memory. */
static GArray *windows_of(AddressSpace *as)
{
    GArray *out = g_array_new(FALSE, FALSE, sizeof(Window));
    g_autoptr(GString) text = g_string_new(NULL);
    address_space_print_flat(as, text);
    g_auto(GStrv) lines = g_strsplit(text->str, "\n", -1);

    for (char **line = lines; *line; line++) {
        Window w;
        char kind[32] = "";
        if (sscanf(*line, " %" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER
                   "x (%31[^)])", &w.first, &w.last, kind) == 3 &&
            g_str_equal(kind, "i/o")) {
            g_array_append_val(out, w);
        }
    }
    return out;
}

static void poke(Hostile *h, AddressSpace *as, const Window *w)
{
    unsigned size = 1u << g_rand_int_range(h->rnd, 0, as == h->m->io ? 3 : 4);
    uint64_t span = MIN(w->last - w->first, g_rand_boolean(h->rnd) ? 255
                                                                   : 65535);
    uint64_t at = w->first + (random_64(h->rnd) % (span + 1) & -(uint64_t)size);

    work_begin(h->m);
    if (g_rand_boolean(h->rnd)) {
        address_space_st(as, at, random_64(h->rnd) >>
                                 g_rand_int_range(h->rnd, 0, 64), size);
    } else {
        address_space_ld(as, at, size);
    }
    work_end(h->m, as == h->m->io ? "port" : "address", at);
}

/* Registers move while they are written: the windows are looked up anew. */
static void poke_space(Hostile *h, AddressSpace *as, unsigned count)
{
    g_autoptr(GArray) windows = windows_of(as);

    for (unsigned n = 0; n < count && windows->len; n++) {
        guint i = g_rand_int_range(h->rnd, 0, windows->len);
        poke(h, as, &g_array_index(windows, Window, i));
    }
}

/* --- time ----------------------------------------------------------------------------- */

static void let_time_pass(Hostile *h)
{
    Clock *clock = h->m->clock;

    for (unsigned n = 0; n < 300; n++) {
        int64_t due = clock_next_due_ns(clock);
        if (due == TIME_NEVER) {
            return;
        }
        clock_warp_to(clock, due);
        work_begin(h->m);
        clock_run_timer(clock);
        work_end(h->m, "timer of", due);
    }
}

/* --- the test ---------------------------------------------------------------------------- */

static void run_on(Hostile *h)
{
    for (unsigned n = 0; n < 6; n++) {
        poke_space(h, h->m->io, 200);
        poke_space(h, h->m->memory, 300);
        let_time_pass(h);
    }
}

static void check_machine(Machine *m, void *opaque)
{
    Hostile h = { .m = m, .rnd = opaque,
                  .streams = g_ptr_array_new_with_free_func(
                      (GDestroyNotify)g_byte_array_unref) };
    unsigned cases = from_env("REPRISE_CASES", 60);

    machine_sections(m, save_section, &h);
    for (unsigned round = 0; round < cases; round++) {
        h.next = 0;
        spoil_ram(&h);
        machine_sections(m, spoil_section, &h);
        machine_rewire_loaded(m, NULL);
        run_on(&h);
        work_begin(m);
        machine_reset(m);
        work_end(m, "reset of round", round);
        run_on(&h);
        machine_sections(m, load_section, &h);
        machine_rewire(m);
    }
    g_ptr_array_free(h.streams, TRUE);
}

static void test_hostile(void)
{
    GRand *rnd = g_rand_new_with_seed(from_env("REPRISE_SEED", 21));
    busy_machines(check_machine, rnd);
    g_rand_free(rnd);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/state/hostile", test_hostile);
    return g_test_run();
}
