/*
 * The translator as an accelerator: its options, its set-up for each CPU, what
 * it says of itself, and the table through which floor 2 and the targets reach
 * it (vm/accel.h).
 */
#include <errno.h>

#include "base/log.h"
#include "host-features.h"
#include "tb.h"

/* --- set-up -------------------------------------------------------------------- */

/* The best first. */
static const Backend *const backends[] = {
#ifdef HOST_X86_64
    &backend_x86_64,
#endif
    &backend_interp,
};

static const Backend *backend_start(TcgState *s, Cpu *cpu)
{
    const char *chosen = s->options->backend;
    for (size_t i = 0; i < G_N_ELEMENTS(backends); i++) {
        bool wanted = !chosen || g_str_equal(chosen, backends[i]->name);
        if (wanted && backends[i]->init(s, cpu)) {
            return backends[i];
        }
    }
    g_error("-accel tcg,backend=%s does not run on this host: %s", chosen,
            g_strerror(errno));
}

static void tcg_cpu_init(Cpu *cpu)
{
    Machine *m = cpu->machine;
    if (m->cpus->len) {
        cpu->accel = tcg_state(g_ptr_array_index(m->cpus, 0));
        jump_cache_init(cpu);
        return;
    }
    TcgState *s = cache_new(m);
    s->backend = backend_start(s, cpu);
    s->ir = ir_block_new(cpu->cls);
    torture_set(s, s->options->flush_seed);
    once_init(s);
    cpu->accel = s;
    jump_cache_init(cpu);
}

static void tcg_cpu_free(Cpu *cpu)
{
    if (cpu->index == 0) {
        cache_free(tcg_state(cpu));
    }
}

/* --- options -------------------------------------------------------------------- */

static bool option_switch(const char *key, const char *value, bool *out,
                          Error **errp)
{
    *out = g_str_equal(value, "on");
    if (!*out && !g_str_equal(value, "off")) {
        error_set(errp, "-accel tcg,%s=%s: takes 'on' or 'off'", key, value);
        return false;
    }
    return true;
}

static bool option_number(const char *key, const char *value, uint64_t most,
                          uint64_t *out, Error **errp)
{
    char *end;
    *out = g_ascii_strtoull(value, &end, 0);
    if (!*value || *end || !*out || *out > most) {
        error_set(errp, "-accel tcg,%s=%s: takes a number from 1 to %"
                  G_GUINT64_FORMAT, key, value, most);
        return false;
    }
    return true;
}

static bool option_backend(AccelOptions *o, const char *value, Error **errp)
{
    for (size_t i = 0; i < G_N_ELEMENTS(backends); i++) {
        if (g_str_equal(backends[i]->name, value)) {
            o->backend = backends[i]->name;
            return true;
        }
    }
    error_set(errp, "-accel tcg,backend=%s: unknown back end; there are "
              "'x86_64' (on such hosts) and 'interp'", value);
    return false;
}

static bool option_interpret(AccelOptions *o, const char *value, Error **errp)
{
    static const char *const when[] = { "never", "once", "always" };
    for (size_t i = 0; i < G_N_ELEMENTS(when); i++) {
        if (g_str_equal(when[i], value)) {
            o->interpret = i; /* ORDER interpret */
            return true;
        }
    }
    error_set(errp, "-accel tcg,interpret=%s: takes 'never', 'once' or "
              "'always'", value);
    return false;
}

static bool tcg_set_option(AccelOptions *o, const char *key,
                           const char *value, Error **errp)
{
    if (g_str_equal(key, "backend")) {
        return option_backend(o, value, errp);
    }
    if (g_str_equal(key, "interpret")) {
        return option_interpret(o, value, errp);
    }
    if (g_str_equal(key, "plain-host")) {
        return option_switch(key, value, &o->plain_host, errp);
    }
    if (g_str_equal(key, "host-features")) {
        return host_features_parse(value, &o->host_off, errp);
    }
    if (g_str_equal(key, "one-insn-per-tb")) {
        return option_switch(key, value, &o->one_insn_per_tb, errp);
    }
    if (g_str_equal(key, "verify")) {
        return option_switch(key, value, &o->verify, errp);
    }
    if (g_str_equal(key, "flush-at-random")) {
        return option_number(key, value, UINT64_MAX, &o->flush_seed, errp);
    }
    if (g_str_equal(key, "tb-size")) {
        bool ok = option_number(key, value, 4096, &o->tb_bytes, errp);
        o->tb_bytes *= MIB;
        return ok;
    }
    error_set(errp, "-accel tcg: unknown key '%s'; there are backend, "
              "one-insn-per-tb, verify, flush-at-random, plain-host, "
              "host-features, interpret and tb-size", key);
    return false;
}

/* --- who wants to know of generated code ----------------------------------------- */

void tell_code(const TcgState *s, const void *code, size_t bytes,
               const char *name)
{
    const AccelOptions *o = s->options;
    if (o->code_listener) {
        o->code_listener(o->code_opaque, code, bytes, name);
    }
}

void tell_tb(const TcgState *s, const Tb *tb)
{
    if (s->options->code_listener) {
        g_autofree char *name =
            g_strdup_printf("guest_0x%" G_GINT64_MODIFIER "x", tb->key.pc);
        tell_code(s, tb->code, tb->code_bytes, name);
    }
}

/* --- "info jit" ------------------------------------------------------------------ */

static void print_count(GString *out, const char *name, uint64_t n)
{
    g_string_append_printf(out, "%-20s%" G_GUINT64_FORMAT "\n", name, n);
}

static uint64_t per_mille(uint64_t part, uint64_t whole)
{
    return whole ? part * 1000 / whole : 0;
}

static void tcg_print_info(Machine *m, GString *out)
{
    const Cpu *cpu = g_ptr_array_index(m->cpus, 0);
    const TcgState *s = tcg_state(cpu);
    g_string_append_printf(out, "back end            %s\n", s->backend->name);
    print_count(out, "TB count", s->tb_count);
    g_string_append_printf(out, "code size           %" G_GUINT64_FORMAT "/%"
                           G_GUINT64_FORMAT "\n", s->bytes,
                           tcg_tb_bytes(s));
    print_count(out, "TBs translated", s->translated);
    print_count(out, "interpreted", s->interpreted);
    print_count(out, "TBs invalidated", s->invalidated);
    print_count(out, "cache flushes", s->flushes);
    print_count(out, "exits chained", s->chained);
    print_count(out, "exits unchained", s->unchained);
    print_count(out, "lookups", s->left[TB_EXIT_LOOKUP]);
    print_count(out, "loop exits", s->left[TB_EXIT_LOOP]);
    print_count(out, "budget exits", s->left[TB_EXIT_BUDGET]);
    print_count(out, "stale exits", s->left[TB_EXIT_STALE]);
    print_count(out, "TLB flushes", cpu->tlb.flushes);
    print_count(out, "TLB fills", cpu->tlb.fills);
    print_count(out, "slow accesses", cpu->tlb.slow);
    uint64_t left = s->left[0] + s->left[1] + s->left[2];
    g_string_append_printf(out, "instructions/exit   %" G_GUINT64_FORMAT
                           "\nlookups of exits    %" G_GUINT64_FORMAT
                           " per mille\n",
                           left ? machine_icount(m) / left : 0,
                           per_mille(s->left[TB_EXIT_LOOKUP], left));
}

/* ORDER accel-op (include/vm/accel.h) */
const AccelOps accel_tcg = {
    .name = "tcg",
    .set_option = tcg_set_option,
    .cpu_init = tcg_cpu_init,
    .cpu_free = tcg_cpu_free,
    .kick = tcg_kick,
    .stop_chain = tcg_stop_chain,
    .raise = tcg_raise,
    .exit_retired = tcg_exit_retired,
    .present_insn = tcg_present_insn,
    .need_last_insn = tcg_need_last_insn,
    .need_last_insn_once = tcg_need_last_insn_once,
    .drop_store = tcg_drop_store,
    .jump_cache_flush = tcg_jump_cache_flush,
    .jump_cache_flush_page = tcg_jump_cache_flush_page,
    .tb_unchain_all = tcg_unchain_all,
    .tb_flush_all = tcg_flush_all,
    .tb_invalidate = tcg_invalidate,
    .tb_code_at = tcg_code_at,
    .print_info = tcg_print_info,
};
