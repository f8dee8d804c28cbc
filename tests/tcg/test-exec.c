/*
 * Random programs of a made-up processor, run by the translator and by a
 * plain interpreter (tiny.h). Registers, memory, accessed and dirty bits, what
 * a device saw and at which icount: all must be the same at every stop,
 * whatever the budgets, TB lengths and flushes; so must be where the
 * debugger's break- and watchpoints stop it.
 *
 * usage: test-exec [--cases=N] [--seed=N] [--insns=N] [--accel=KEY=VALUE]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "exec-program.h"
#include "tb.h"

/* So many cases have all there is. */
#define ENOUGH 100u

static unsigned cases = 300, insns = 4000;
static uint64_t seed = 1;
static bool verbose;

static TinyMachine tiny;
static TinyModel model;

static AccelOptions options;

static void machine_load(void)
{
    ram_will_write(tiny.machine, tiny.ram->base, TINY_RAM_BYTES);
    memcpy(tiny.ram->host, model.ram, TINY_RAM_BYTES);
    ram_will_write(tiny.machine, tiny.rom->base, TINY_ROM_BYTES);
    memcpy(tiny.rom->host, model.rom, TINY_ROM_BYTES);
    tiny.cpu->s = model.s;
    machine_set_icount(tiny.machine, model.icount);
    machine_rewire(tiny.machine);
}

/* --- variants ------------------------------------------------------------------------- */

static void random_points(void)
{
    Cpu *c = &tiny.cpu->parent;
    cpu_debug_clear(c, BREAK_GDB);
    cpu_debug_clear(c, BREAK_CPU);
    memset(model.watch, 0, sizeof model.watch);
    for (unsigned i = 0; i < 2; i++) {
        TinyWatch *w = &model.watch[i];
        if (chance(60)) {
            continue;
        }
        *w = (TinyWatch){ .addr = program_watch_address(),
                          .len = 1 + below(chance(50) ? 16 : 5000) };
        if (chance(60)) {
            w->access = 1 + below(3);
            cpu_watchpoint_insert(c, w->addr, w->len, w->access, i + 1);
        } else {
            w->addr = chance(30) ? TINY_TRAP
                                 : (model.s.pc + below(64)) & TINY_ADDR_MASK;
            cpu_breakpoint_insert(c, w->addr, i + 1);
        }
    }
}

static void random_variant(void)
{
    TcgState *t = tcg_state(&tiny.cpu->parent);
    options.one_insn_per_tb = chance(15);
    options.interpret = chance(40) ? INTERPRET_ONCE
                        : chance(25) ? INTERPRET_ALWAYS : INTERPRET_NEVER;
    torture_set(t, chance(25) ? random64() | 1 : 0);
    if (chance(5)) {
        tb_flush_all(tiny.machine);
    }
    random_points();
}

/* --- running and comparing ------------------------------------------------------------- */

static bool complain(const char *what, uint64_t got, uint64_t want)
{
    printf("%s: got %" G_GINT64_MODIFIER "x, wanted %" G_GINT64_MODIFIER
           "x\n", what, got, want);
    return false;
}

static bool same_state(void)
{
    const StateTable *t = tiny.cpu->parent.cls->state();
    bool ok = true;
    tiny.cpu->parent.cls->sync(&tiny.cpu->parent);
    for (uint32_t n = 0; n < t->field_count; n++) {
        const StateField *f = &t->fields[n];
        for (uint32_t i = 0; i < f->count; i++) {
            uint64_t got = state_get(f, &tiny.cpu->s, i);
            uint64_t want = state_get(f, &model.s, i);
            ok = got == want ? ok : complain(f->name, got, want);
        }
    }
    for (uint32_t n = 0; n < TINY_RAM_BYTES; n++) {
        if (tiny.ram->host[n] != model.ram[n]) {
            printf("at %x ", n);
            return complain("memory", tiny.ram->host[n], model.ram[n]);
        }
    }
    return ok;
}

/* The model goes on until something would stop the translator. */
static ExecStop run_model(Icount until)
{
    while (model.icount < until) {
        tiny_model_step(&model);
        if (model.stopped) {
            return EXEC_BREAKPOINT;
        }
        if (model.watch[0].hit) {
            return EXEC_WATCHPOINT;
        }
        if (model.s.halted) {
            return EXEC_HALTED;
        }
    }
    return EXEC_BUDGET;
}

static ExecStop run_cpu(Icount until)
{
    Cpu *c = &tiny.cpu->parent;
    for (;;) {
        Icount now = machine_icount(tiny.machine);
        uint64_t retired;
        if (now == until) {
            return EXEC_BUDGET;
        }
        uint64_t most = until - now;
        uint64_t budget = chance(50) ? most : 1 + random64() % most;
        ExecStop why = cpu_exec(c, budget, &retired);
        if (machine_icount(tiny.machine) != now + retired || retired > budget) {
            complain("retired", retired, budget);
            return EXEC_EVENT;
        }
        if (why != EXEC_EVENT && why != EXEC_BUDGET) {
            return why;
        }
    }
}

/* Runs to an icount or the first stop before it. *ended: the case is over. */
static bool run_piece(Icount until, bool *ended)
{
    ExecStop want = run_model(until);
    ExecStop got = run_cpu(until);
    /* Both come to the last icount, one of them stopped there. */
    if (got != want && !(want == EXEC_WATCHPOINT && got == EXEC_BUDGET)) {
        return complain("stop", got, want);
    }
    if (machine_icount(tiny.machine) != model.icount) {
        return complain("icount", machine_icount(tiny.machine), model.icount);
    }
    if (got == EXEC_WATCHPOINT &&
        tiny.cpu->parent.watch_hit.addr != model.watch[0].hit_addr) {
        return complain("watch", tiny.cpu->parent.watch_hit.addr,
                        model.watch[0].hit_addr);
    }
    if (got == EXEC_BREAKPOINT) {
        model.skip_break = tiny.cpu->parent.skip_break_icount = model.icount;
        tiny.cpu->parent.skip_break_pc = model.s.pc;
    }
    *ended = got == EXEC_HALTED;
    return same_state();
}

static bool run_case(uint64_t *retired, uint64_t *traps)
{
    program_make(&model);
    machine_load();
    random_variant();
    Icount begin = model.icount, end = begin + insns;
    model.skip_break = tiny.cpu->parent.skip_break_icount = ICOUNT_NONE;
    bool ended = false;
    while (!ended && model.icount < end) {
        Icount until = MIN(end, model.icount + 1 + below(insns / 4 + 1));
        if (!run_piece(until, &ended)) {
            return false;
        }
    }
    *retired += model.icount - begin;
    *traps += model.s.traps;
    return true;
}

/* Every op of the IR, and every row on numbers of 80 bits, must have been
 * translated; what vectors do is test-vec's. */
static unsigned missing_ops(void)
{
    unsigned missing = 0;
    for (unsigned op = 0; op < IR_OP_COUNT; op++) {
        if (!tiny_seen.op[op]) {
            printf("no program has '%s'\n", ir_op_info[op].text);
            missing++;
        }
    }
    for (unsigned op = 0; op < X80_OP_COUNT; op++) {
        if (!tiny_seen.x80[op]) {
            printf("no program has 'x80 %s'\n", x80_ops[op].name);
            missing++;
        }
    }
    return missing;
}

static void option(const char *text)
{
    g_auto(GStrv) pair = g_strsplit(text, "=", 2);
    Error *error = NULL;
    if (!pair[0] || !pair[1] ||
        !tiny_parts.accel->set_option(&options, pair[0], pair[1], &error)) {
        fprintf(stderr, "%s\n", error ? error_message(error) : text);
        exit(1);
    }
}

static void arguments(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!strncmp(argv[i], "--cases=", 8)) {
            cases = strtoul(argv[i] + 8, NULL, 0);
        } else if (!strncmp(argv[i], "--seed=", 7)) {
            seed = strtoull(argv[i] + 7, NULL, 0);
        } else if (!strncmp(argv[i], "--insns=", 8)) {
            insns = strtoul(argv[i] + 8, NULL, 0);
        } else if (!strncmp(argv[i], "--accel=", 8)) {
            option(argv[i] + 8);
        } else if (!strcmp(argv[i], "--verbose")) {
            verbose = true;
        }
    }
}

int main(int argc, char **argv)
{
    uint64_t retired = 0, traps = 0;
    unsigned failed = 0;
    option("verify=on");
    arguments(argc, argv);
    tiny_machine_make(&tiny, &options);
    for (unsigned i = 0; i < cases; i++) {
        random_start(tiny_mix(seed, i + 1) | 1);
        if (!run_case(&retired, &traps)) {
            printf("case %u of seed %" G_GUINT64_FORMAT ", at icount %"
                   G_GUINT64_FORMAT "\n", i, seed, model.icount);
            failed++;
        }
    }
    printf("%u cases, %" G_GUINT64_FORMAT " instructions, %" G_GUINT64_FORMAT
           " traps: %u failed\n", cases, retired, traps, failed);
    if (verbose) {
        g_autoptr(GString) info = g_string_new(NULL);
        accel_print_info(tiny.machine, info);
        printf("%s", info->str);
    }
    return failed || retired < cases || (cases >= ENOUGH && missing_ops());
}
