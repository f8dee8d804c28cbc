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
#include "tb.h"
#include "tiny.h"

static unsigned cases = 300, insns = 4000;
static uint64_t seed = 1;
static bool verbose;

static TinyMachine tiny;
static TinyModel model;

/* --- chance --------------------------------------------------------------------- */

static uint64_t random_state;

static uint64_t random64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

static unsigned below(unsigned n)
{
    return (random64() >> 32) % n;
}

static bool chance(unsigned percent)
{
    return below(100) < percent;
}

static AccelOptions options;

/* --- programs ------------------------------------------------------------------------ */

/* Half of the programs have little that traps, so that they get to loops and
 * long TBs. Half of those live at the edge of a page and map the pages around
 * it anew all the time, or mostly load and store at few places. */
static bool calm, edge, dense;
/* A third of the programs computes with vectors most of the time, and mostly
 * goes ahead, so that it comes to many operations. */
static bool vectors;

#define EDGE_PAGES 6u      /* from page 2 on */

static bool traps_often(unsigned op)
{
    return op == TINY_UNDEF || op == TINY_FAULTS || op == TINY_JUMPR ||
           op == TINY_RETURN || op == TINY_TABLE;
}

static unsigned random_op(void)
{
    static const uint8_t often[] = {
        TINY_ALU, TINY_ALU, TINY_ALU, TINY_ALUI, TINY_ALUI, TINY_LI, TINY_LD,
        TINY_LD, TINY_LD, TINY_ST, TINY_ST, TINY_ST, TINY_SKIP, TINY_BRANCH,
        TINY_LDENV, TINY_STENV, TINY_READS, TINY_WRITES, TINY_PURE,
        TINY_FAULTS,
    };
    static const uint8_t vector[] = {
        TINY_VEC, TINY_VEC, TINY_VEC, TINY_VEC, TINY_VEC, TINY_VEC, TINY_VSET,
        TINY_VSET, TINY_VLD, TINY_VLD, TINY_VST, TINY_VMOV, TINY_FPGET,
    };
    if (vectors && chance(85)) {
        return chance(97) ? vector[below(G_N_ELEMENTS(vector))] : TINY_FPSET;
    }
    unsigned op = chance(92) ? often[below(G_N_ELEMENTS(often))]
                             : below(TINY_OP_COUNT);
    return calm && traps_often(op) && chance(90) ? TINY_ALU : op;
}

static unsigned op_bytes(unsigned op)
{
    return op <= TINY_JUMP || op >= TINY_VEC ? 4 : 2;
}

static void random_insn(uint8_t *at, unsigned op)
{
    unsigned most = (256 - op - 1) / TINY_OP_COUNT;
    bytes_st_le(at, 4, random64());
    /* r4 to r6 are for place_map() and place_access(). */
    at[1] &= edge || dense ? ~0x24 : ~0;
    at[0] = op + TINY_OP_COUNT * below(most + 1);
    /* Few vectors have to be aligned: most addresses are not. */
    if ((op == TINY_VLD || op == TINY_VST) && chance(80)) {
        at[3] &= ~0x40;
    }
    /* Mostly short ways, so that there are loops. */
    if ((op == TINY_SKIP || op == TINY_BRANCH || op == TINY_JUMP) &&
        chance(80)) {
        int to = (int)below(33) * 2 - (vectors && chance(90) ? -4 : 40);
        bytes_st_le(at + 2, 2, (uint16_t)(to * 16 + below(16)));
    }
}

static void place(uint8_t *at, unsigned op, unsigned d, unsigned imm)
{
    at[0] = op;
    at[1] = d | 3 << 6;
    bytes_st_le(at + 2, 2, imm);
}

#define MAP_BYTES 16u

/* The entry of a page becomes r5, and r4 and r5 change places; r6 has the
 * table's address. */
static void place_map(uint8_t *at, unsigned page)
{
    enum { XOR = 7 };
    place(at, TINY_ST, 5 | 6 << 3, page * 8);
    place(at + 4, TINY_ALU, 4 | 5 << 3, XOR);
    place(at + 8, TINY_ALU, 5 | 4 << 3, XOR);
    place(at + 12, TINY_ALU, 4 | 5 << 3, XOR);
    at[5] &= 0x3f;
    at[9] &= 0x3f;
    at[13] &= 0x3f;
}

static uint64_t random_pte(void)
{
    unsigned flags = chance(90) ? TINY_P | TINY_W : below(16);
    return (2 + below(EDGE_PAGES)) << PAGE_BITS | flags;
}

/* A loop around the end of each page, in which the next page, or this one, is
 * replaced by another that has such a loop. */
static void place_loop(unsigned page)
{
    static const uint8_t straight[] = {
        TINY_ALU, TINY_ALU, TINY_ALUI, TINY_LI, TINY_LD, TINY_ST, TINY_PURE,
        TINY_READS, TINY_WRITES, TINY_LDENV, TINY_STENV, TINY_VEC, TINY_VMOV,
        TINY_VSET, TINY_VLD, TINY_VST,
    };
    uint8_t *end = model.ram + (page << PAGE_BITS);
    int at = -64;
    place_map(end + at, chance(80) ? page : page - 1);
    at += MAP_BYTES;
    while (at < 20) {
        unsigned op = straight[below(G_N_ELEMENTS(straight))];
        random_insn(end + at, op);
        at += op_bytes(op);
    }
    place(end + at, TINY_JUMP, 0, (uint16_t)((-64 - at) * 16));
}

/* Traps and interrupts go anywhere. */
static void place_handler(void)
{
    uint8_t *at[] = { model.ram + TINY_TRAP, model.ram + TINY_IRQ };
    for (unsigned n = 0; n < G_N_ELEMENTS(at); n++) {
        at[n][0] = TINY_PURE;
        at[n][1] = 7 | 6 << 3;
        at[n][2] = TINY_JUMPR;
        at[n][3] = 7 << 3;
    }
}

#define DENSE_PAGE  0x24u  /* r4 has its address */
#define DENSE_PAGES 4u

static unsigned place_in_page(void)
{
    static const uint16_t places[] = { 0, 0, 4, 8, 0xffc };
    return places[below(G_N_ELEMENTS(places))];
}

static GuestAddr dense_address(void)
{
    return ((DENSE_PAGE + below(DENSE_PAGES)) << PAGE_BITS) + place_in_page();
}

/* A load or store at one of few places, or of those pages' entries in the table
 * that r6 has the address of; r5 is an entry. */
static void place_access(uint8_t *at)
{
    static unsigned page;
    bool entry = chance(30);
    unsigned op = chance(entry ? 20 : 50) ? TINY_ST : TINY_LD;
    page = chance(70) ? page : below(DENSE_PAGES);
    unsigned d = entry && op == TINY_ST ? 5 : below(4);
    unsigned size = entry || chance(60) ? 3 : below(4);
    unsigned imm = entry ? (DENSE_PAGE + page) * 8
                         : page << PAGE_BITS | place_in_page();
    at[0] = op;
    at[1] = d | (entry ? 6 : 4) << 3 | size << 6;
    bytes_st_le(at + 2, 2, imm | (op == TINY_LD ? below(4) << 14 : 0));
}

static uint64_t dense_entry(void)
{
    static const uint32_t to[] = { 0x10000, 0x10000, 0x10000, 0x11000,
                                   0x11000, TINY_ROM_AT, 0x90000 };
    return to[below(G_N_ELEMENTS(to))] | TINY_P | TINY_W |
           (chance(30) ? TINY_A : 0) | (chance(30) ? TINY_D : 0);
}

static void random_code(uint8_t *at, size_t len)
{
    for (size_t i = 0; i + MAP_BYTES <= len;) {
        if (edge && chance(4)) {
            place_map(at + i, 2 + below(EDGE_PAGES));
            i += MAP_BYTES;
            continue;
        }
        unsigned op = random_op();
        if (dense && chance(90)) {
            op = TINY_LD;
            place_access(at + i);
        } else {
            random_insn(at + i, op);
        }
        i += op_bytes(op);
    }
}

static uint64_t random_entry(unsigned page)
{
    static const uint32_t others[] = { TINY_IO_AT, TINY_ROM_AT, 0x41000,
                                       0x90000 };
    uint64_t flags = calm || chance(90) ? TINY_P : 0;
    uint64_t to = page << PAGE_BITS;
    flags |= calm || chance(85) ? TINY_W : 0;
    flags |= chance(30) ? TINY_A : 0;
    flags |= chance(30) ? TINY_D : 0;
    if (dense && page - DENSE_PAGE < DENSE_PAGES) {
        return dense_entry();
    }
    if (page < 2) {
        return TINY_P | TINY_W | to;
    }
    if (edge && page < TINY_RAM_BYTES >> PAGE_BITS) {
        return to | flags;
    }
    if (page >= TINY_RAM_BYTES >> PAGE_BITS || chance(20)) {
        to = chance(calm ? 99 : 85) ? below(TINY_RAM_BYTES >> PAGE_BITS) << PAGE_BITS
                        : others[below(G_N_ELEMENTS(others))];
    }
    return to | flags;
}

static void random_program(void)
{
    vectors = chance(33);
    calm = vectors || chance(50);
    edge = calm && chance(vectors ? 20 : 50);
    dense = calm && !edge && chance(vectors ? 20 : 70);
    random_code(model.ram, sizeof model.ram);
    random_code(model.rom, sizeof model.rom);
    for (unsigned t = 0; t < 2; t++) {
        for (unsigned page = 0; page < 256; page++) {
            bytes_st_le(model.ram + TINY_TABLE(t) + page * 8, 8,
                        random_entry(page));
        }
    }
    if (edge) {
        for (unsigned page = 3; page < 2 + EDGE_PAGES; page++) {
            place_loop(page);
        }
    }
    if (vectors) {
        place_handler();
    }
    TinyState *s = &model.s;
    *s = (TinyState){ .last_trap = ICOUNT_NONE, .last_debug = ICOUNT_NONE };
    s->fp = chance(70) ? 0x1f80 : tiny_fp(random64());
    for (unsigned i = 0; i < 8; i++) {
        s->v[i][0] = random64();
        s->v[i][1] = random64();
        s->r[i] = chance(50) ? below(TINY_RAM_BYTES) : random64();
    }
    s->r[4] = edge ? random_pte() : s->r[4];
    s->r[5] = edge ? random_pte() : s->r[5];
    s->r[6] = edge ? TINY_TABLE(0)
              : chance(50) ? TINY_TABLE(below(2)) - 0x1000 + below(0x1800)
                         : TINY_RAM_BYTES / 2;
    if (dense) {
        s->r[4] = DENSE_PAGE << PAGE_BITS;
        s->r[5] = dense_entry() & ~(TINY_A | TINY_D);
        s->r[6] = TINY_TABLE(0);
    }
    s->pc = edge ? ((3 + below(EDGE_PAGES - 1)) << PAGE_BITS) - 64
                 : below(TINY_RAM_BYTES);
    s->scratch = random64();
    s->enabled = chance(50);
    model.icount = below(1000);
}

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
        *w = (TinyWatch){ .addr = dense ? dense_address()
                                        : below(TINY_RAM_BYTES),
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
    random_program();
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
        random_state = tiny_mix(seed, i + 1) | 1;
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
    return failed || retired < cases;
}
