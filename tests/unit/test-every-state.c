/*
 * Every state table of a PC: save, scramble, load gives the digest back; a
 * changed element changes the digest; rewire() does not; a stream that is cut
 * or has bytes flipped is refused or loads, and never crashes.
 */
#include "busy-pc.h"

typedef struct Saved {
    GPtrArray *streams;    /* GByteArray by section */
    guint next;
    GRand *rnd;
} Saved;

static void save_section(void *opaque, const Section *s)
{
    Saved *saved = opaque;
    GByteArray *bytes = g_byte_array_new();
    state_save(s->table, s->object, bytes);
    g_ptr_array_add(saved->streams, bytes);
}

static void scramble_section(void *opaque, const Section *s)
{
    Saved *saved = opaque;
    for (uint32_t i = 0; i < s->table->field_count; i++) {
        const StateField *f = &s->table->fields[i];
        for (uint32_t n = 0; n < f->count; n++) {
            state_set(f, s->object, n,
                      (uint64_t)g_rand_int(saved->rnd) << 32 |
                          g_rand_int(saved->rnd));
        }
    }
}

static void load_section(void *opaque, const Section *s)
{
    Saved *saved = opaque;
    Error *err = NULL;
    GByteArray *bytes = g_ptr_array_index(saved->streams, saved->next++);
    bool ok = state_load(s->table, s->object, bytes->data, bytes->len, &err);
    if (!ok) {
        g_error("%s: %s", s->name, error_message(err));
    }
}

/* Every single element counts. */
static void check_elements(void *opaque, const Section *s)
{
    unsigned *checked = opaque;
    uint64_t before = state_digest(s->table, s->object);
    for (uint32_t i = 0; i < s->table->field_count; i++) {
        const StateField *f = &s->table->fields[i];
        uint32_t step = MAX(f->count / 64, 1);
        for (uint32_t n = 0; n < f->count; n += step) {
            uint64_t v = state_get(f, s->object, n);
            state_set(f, s->object, n, f->tag == STATE_BOOL ? !v : v ^ 1);
            if (state_digest(s->table, s->object) == before) {
                g_error("%s.%s[%u] is not in the digest", s->name, f->name, n);
            }
            state_set(f, s->object, n, v);
            (*checked)++;
        }
    }
    g_assert_cmphex(state_digest(s->table, s->object), ==, before);
}

static void damage_section(void *opaque, const Section *s)
{
    Saved *saved = opaque;
    g_autofree void *obj = g_malloc0(s->table->size_bytes + 1);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    state_save(s->table, s->object, bytes);
    for (guint n = 0; n < 200; n++) {
        guint at = g_rand_int_range(saved->rnd, 0, bytes->len);
        uint8_t old = bytes->data[at];
        bytes->data[at] ^= 1u << g_rand_int_range(saved->rnd, 0, 8);
        state_load(s->table, obj, bytes->data, bytes->len, NULL);
        bytes->data[at] = old;
        g_assert_false(state_load(s->table, obj, bytes->data,
                                  g_rand_int_range(saved->rnd, 0, bytes->len),
                                  NULL));
    }
    g_assert_true(state_load(s->table, obj, bytes->data, bytes->len, NULL));
}

static void check_with(Machine *m, void *opaque)
{
    void (**check)(Machine *m, Saved *saved) = opaque;
    Saved saved = {
        .streams = g_ptr_array_new_with_free_func(
            (GDestroyNotify)g_byte_array_unref),
        .rnd = g_rand_new_with_seed(20),
    };
    (*check)(m, &saved);
    g_rand_free(saved.rnd);
    g_ptr_array_free(saved.streams, TRUE);
}

static void with_pc(void (*check)(Machine *m, Saved *saved))
{
    busy_machines(check_with, &check);
}

static void check_round_trip(Machine *m, Saved *saved)
{
    uint64_t before = machine_state_digest(m);
    machine_sections(m, save_section, saved);
    machine_sections(m, scramble_section, saved);
    g_assert_cmphex(machine_state_digest(m), !=, before);
    machine_sections(m, load_section, saved);
    g_assert_cmphex(machine_state_digest(m), ==, before);
    machine_rewire(m);
    g_assert_cmphex(machine_state_digest(m), ==, before);
}

static void check_every_element(Machine *m, Saved *saved)
{
    unsigned checked = 0;
    machine_sections(m, check_elements, &checked);
    g_assert_cmpuint(checked, >, 500);
}

static void check_damage(Machine *m, Saved *saved)
{
    machine_sections(m, damage_section, saved);
}

/* --- ranges ---------------------------------------------------------------- */

/* A stream with one element replaced is refused, and the row is named. */
static void check_refused(const Section *s, const StateField *f, uint64_t v)
{
    g_autofree uint8_t *obj = g_memdup2(s->object, s->table->size_bytes);
    g_autofree uint8_t *fresh = g_malloc0(s->table->size_bytes);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    Error *err = NULL;
    state_set(f, obj, f->count - 1, v);
    if (state_get(f, obj, f->count - 1) != v) {
        return;            /* it does not fit into the row at all */
    }
    state_save(s->table, obj, bytes);
    if (state_load(s->table, fresh, bytes->data, bytes->len, &err)) {
        g_error("%s.%s takes %" G_GINT64_FORMAT, s->name, f->name, (int64_t)v);
    }
    g_assert_nonnull(strstr(error_message(err), f->name));
    g_assert_nonnull(strstr(error_message(err), s->table->name));
    error_free(err);
}

static void check_ranges(void *opaque, const Section *s)
{
    unsigned *checked = opaque;
    for (uint32_t i = 0; i < s->table->field_count; i++) {
        const StateField *f = &s->table->fields[i];
        bool is_signed = f->tag == STATE_I64 || f->tag == STATE_TIME;
        if (!f->ranged && f->tag != STATE_TIME) {
            continue;
        }
        check_refused(s, f, f->ranged ? f->max + 1 : STATE_TIME_MAX + 1);
        check_refused(s, f, (uint64_t)INT64_MAX - 1);
        check_refused(s, f, UINT64_C(1) << 63);
        if (is_signed || f->min > 0) {
            check_refused(s, f, f->min - 1);
        }
        g_assert_true(state_in_range(f, f->reset) || !is_signed);
        (*checked)++;
    }
}

static void check_every_range(Machine *m, Saved *saved)
{
    unsigned checked = 0;
    machine_sections(m, check_ranges, &checked);
    g_assert_cmpuint(checked, >, 50);
}

static void test_ranges(void)
{
    with_pc(check_every_range);
}

static void test_round_trip(void)
{
    with_pc(check_round_trip);
}

static void test_every_element(void)
{
    with_pc(check_every_element);
}

static void test_damage(void)
{
    with_pc(check_damage);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/state/round-trip", test_round_trip);
    g_test_add_func("/state/every-element", test_every_element);
    g_test_add_func("/state/damage", test_damage);
    g_test_add_func("/state/ranges", test_ranges);
    return g_test_run();
}
