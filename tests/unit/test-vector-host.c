/*
 * Each row of the vector table beside the host's own instruction: results and
 * flags over awkward operands, all immediates, all rounding modes, FTZ and DAZ,
 * exceptions masked and unmasked. A row that nothing is compared with fails.
 */
#include "softfloat-operands.h"
#include "vector-host.h"

#include <inttypes.h>
#include <string.h>

/* --- operands ------------------------------------------------------------ */

/* Lanes of one random width, of random bits or of an integer near an edge. */
static V128 random_lanes(Operands *o, unsigned bits, bool edges)
{
    V128 v = { { 0, 0 } };
    for (unsigned n = 0; n < 128 / bits; n++) {
        uint64_t r = edges ? operands_integer(o) : operands_random(o);
        vec_set_lane(&v, bits, n, r);
    }
    return v;
}

static V128 random_floats(Operands *o, unsigned bits)
{
    static const uint8_t exp_bits[] = { [16] = 5, [32] = 8, [64] = 11 };
    unsigned exp = exp_bits[bits];
    V128 v = { { 0, 0 } };
    for (unsigned n = 0; n < 128 / bits; n++) {
        vec_set_lane(&v, bits, n, operands_next(o, exp, bits - 1 - exp));
    }
    return v;
}

/* Few letters, so that strings have something in common, and ends. */
static V128 random_string(Operands *o)
{
    static const uint8_t letters[] = { 'a', 'b', 'c', 0x80, 0xff, 0, 'a', 'b' };
    uint64_t few = operands_random(o) % 2 ? 8 : 3;
    unsigned bits = operands_random(o) % 2 ? 8 : 16;
    V128 v = { { 0, 0 } };
    for (unsigned n = 0; n < 128 / bits; n++) {
        uint64_t c = letters[operands_random(o) % few];
        bool sign = bits == 16 && c == 0x80;
        vec_set_lane(&v, bits, n, sign ? 0x8000 : c);
    }
    return v;
}

static V128 random_operand(Operands *o, HostOperands sort)
{
    static const uint8_t widths[] = { 8, 16, 32, 64 };
    unsigned bits = widths[operands_random(o) % 4];
    bool edges = operands_random(o) % 4;
    switch (sort) {
    case OPERANDS_WORDS16:
        return random_lanes(o, 16, true);
    case OPERANDS_WORDS32:
        return random_lanes(o, 32, true);
    case OPERANDS_STRING:
        return random_string(o);
    case OPERANDS_F16:
        return random_floats(o, 16);
    case OPERANDS_F32:
        return random_floats(o, 32);
    case OPERANDS_F64:
        return random_floats(o, 64);
    default:
        return random_lanes(o, bits, edges);
    }
}

/* Shift counts around the widths; mostly in a whole word, or each lane. */
static V128 random_counts(Operands *o, unsigned bits)
{
    V128 v = { { 0, 0 } };
    for (unsigned n = 0; n < 128 / bits; n++) {
        uint64_t r = operands_random(o);
        vec_set_lane(&v, bits, n, r % 8 ? r / 8 % 70 : r);
    }
    return v;
}

/* Where both are compared, lanes should be equal now and then. */
static V128 mixed(Operands *o, V128 a, V128 b)
{
    unsigned bits = operands_random(o) % 2 ? 8 : 32;
    for (unsigned n = 0; n < 128 / bits; n++) {
        if (operands_random(o) % 2) {
            vec_set_lane(&b, bits, n, vec_lane(&a, bits, n));
        }
    }
    return b;
}

static uint64_t random_x(Operands *o, HostOperands sort)
{
    uint64_t r = operands_random(o);
    if (sort != OPERANDS_STRING) {
        return operands_integer(o);
    }
    uint32_t a = r % 41 - 20, b = r / 64 % 41 - 20;
    a = r >> 60 ? a : INT32_MIN;
    return (uint64_t)b << 32 | a;
}

static VecArgs random_args(Operands *o, const HostRow *row)
{
    VecArgs v = { .r = operands_random(o) };
    v.out = random_lanes(o, 64, false);
    v.a = random_operand(o, row->operands);
    v.b = random_operand(o, row->operands);
    v.c = random_operand(o, row->operands);
    if (row->operands == OPERANDS_COUNT) {
        v.b = random_counts(o, 64);
    } else if (row->operands == OPERANDS_COUNTS) {
        v.b = random_counts(o, operands_random(o) % 2 ? 32 : 64);
    } else if (operands_random(o) % 4 == 0) {
        v.b = mixed(o, v.a, v.b);
    }
    v.x = random_x(o, row->operands);
    v.imm = operands_random(o) & row->imm_bits;
    return v;
}

/* --- comparison ---------------------------------------------------------- */

static bool wide_x(const VecInfo *info)
{
    return strchr(info->sig + 1, '8');
}

static bool same_result(const VecInfo *info, const VecArgs *v,
                        const HostCall *host)
{
    if (info->sig[0] != 'v') {
        uint64_t mask = info->sig[0] == '4' ? UINT32_MAX : UINT64_MAX;
        return v->r == (host->x & mask);
    }
    return v->out.w[0] == host->out.w[0] && v->out.w[1] == host->out.w[1];
}

static void tell(const HostRow *row, const VecArgs *v, const HostCall *host,
                 const SfEnv *env)
{
    const char *vector = "  %s %016" PRIx64 ":%016" PRIx64;
    g_test_message("%s imm %x x %" PRIx64 " rounding %d unmasked %x: flags "
                   "ours %x, the host's %x; integers %" PRIx64 ", %" PRIx64,
                   row->name, v->imm, v->x, env->rounding, env->unmasked,
                   env->flags, host->mxcsr, v->r, host->x);
    g_test_message(vector, "a", v->a.w[1], v->a.w[0]);
    g_test_message(vector, "b", v->b.w[1], v->b.w[0]);
    g_test_message(vector, "c", v->c.w[1], v->c.w[0]);
    g_test_message(vector, "ours", v->out.w[1], v->out.w[0]);
    g_test_message(vector, "host", host->out.w[1], host->out.w[0]);
    g_test_fail();
}

static void check(const HostRow *row, const HostCode *code, VecArgs v,
                  uint32_t mxcsr)
{
    const VecInfo *info = &vec_ops[row->op];
    HostCall host = { .a = v.a, .b = v.b, .c = v.c, .x = v.x, .mxcsr = mxcsr };
    bool done = host_code_run(code, (uint8_t)v.imm, &host);
    v.imm |= row->imm_more;
    v.x = wide_x(info) ? v.x : (uint32_t)v.x;
    SfEnv env = sf_env_sse(mxcsr);
    info->fn(&v, info->env ? &env : NULL);
    bool stopped = env.flags & env.unmasked;
    bool same = env.flags == (host.mxcsr & SF_ALL) && stopped == !done;
    if (!same || (done && !same_result(info, &v, &host))) {
        tell(row, &v, &host, &env);
    }
}

/* RC, FTZ and DAZ at random; all exceptions masked, or some. */
static uint32_t random_mxcsr(Operands *o, bool unmasked)
{
    uint32_t r = (uint32_t)operands_random(o);
    return (r & 0xe040) | (unmasked ? r & 0x1f80 : 0x1f80);
}

static void run(const HostRow *row, bool unmasked, unsigned cases)
{
    if (!host_has(row->needs)) {
        g_test_skip("the host has no such instruction");
        return;
    }
    g_autoptr(HostCode) code = host_code_new(row);
    Operands o = { .rand = g_rand_new_with_seed(g_test_rand_int()) };
    for (unsigned n = 0; n < cases && !g_test_failed(); n++) {
        check(row, code, random_args(&o, row), random_mxcsr(&o, unmasked));
    }
    g_rand_free(o.rand);
}

static void test_row(gconstpointer data)
{
    run(data, false, operands_cases(4000));
}

static void test_traps(gconstpointer data)
{
    run(data, true, operands_cases(4000) / 8 + 1);
}

/* Rows of which no processor has an instruction, and why. */
static const struct {
    VecOp op;
    const char *why;
} uncompared[] = {
    { VEC_OP_COUNT, "there are none" },
};

static void test_complete(void)
{
    bool seen[VEC_OP_COUNT + 1] = { false };
    for (unsigned n = 0; n < host_row_count; n++) {
        seen[host_rows[n].op] = true;
    }
    for (unsigned n = 0; n < G_N_ELEMENTS(uncompared); n++) {
        g_assert_false(seen[uncompared[n].op]);
        seen[uncompared[n].op] = true;
    }
    for (unsigned op = 0; op < VEC_OP_COUNT; op++) {
        if (!seen[op]) {
            g_test_message("%s is compared with nothing", vec_ops[op].name);
            g_test_fail();
        }
    }
}

static void add(const HostRow *row, const char *kind, GTestDataFunc test)
{
    g_autofree char *path = g_strdup_printf("/vector/%s/%s", kind, row->name);
    g_test_add_data_func(path, row, test);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vector/every-row-is-compared", test_complete);
    for (unsigned n = 0; n < host_row_count; n++) {
        add(&host_rows[n], "host", test_row);
        if (vec_ops[host_rows[n].op].env) {
            add(&host_rows[n], "traps", test_traps);
        }
    }
    return g_test_run();
}
