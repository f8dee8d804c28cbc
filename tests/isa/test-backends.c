/*
 * Random sequences of user instructions, memory operands, faults and jumps into
 * the blue included: prints what became of each. How it was run (back end,
 * lengths of TBs and budgets, flushes) must make no difference: backends.py
 * compares the output of several runs.
 *
 * usage: test-backends [--count=N] [--seed=N] [--case=N] [--accel=KEY=VALUE]
 *                      [--slice=N] [--segmented] [--code16]
 *   --case=N   only the last line, and the case and its outcome in full
 *   --slice=N  budgets of N instructions
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "emu-machine.h"

#define MOST_INSNS 8
#define MOST_BYTES (ISA_TAKEN - 16)

static unsigned count = 2000;
static uint64_t seed = 1;
static long only = -1;
static bool segmented, code16;

/* Addresses that have a chance to be in the data: see point_at_data(). */
static bool is_near(const X86Insn *in)
{
    return in->mod == 3 ||
           (in->base >= 0 && in->index < 0 && in->base != BASE_RIP &&
            (int64_t)in->disp >= -0x400 && (int64_t)in->disp < 0x400);
}

static void point_at_data(IsaCase *c)
{
    for (unsigned r = 0; r < 16; r++) {
        if (chance(60)) {
            c->before.gpr[r] = ISA_DATA + 0x600 + random_below(0x1000);
        }
    }
    c->before.gpr[X86_RCX] = random_below(chance(80) ? 40 : 5000);
    c->before.gpr[X86_RSP] = ISA_DATA + 0x800 + 8 * random_below(0x80);
}

static void make_program(IsaCase *c)
{
    X86Insn in;
    unsigned n = 1 + random_below(MOST_INSNS);
    c->code64 = chance(60);
    c->len = 0;
    random_state(c);
    random_vectors(c);
    point_at_data(c);
    for (unsigned tries = 0; n && tries < 1000; tries++) {
        unsigned at = c->len;
        if (append_bytes(c, random_user_row(c->code64), chance(40), &in)) {
            bool keep = c->len <= MOST_BYTES && (is_near(&in) || chance(3));
            c->len = keep ? c->len : at;
            n -= keep;
        }
    }
}

/* FNV-1a. */
static uint64_t hash(uint64_t h, const void *p, size_t len)
{
    const uint8_t *b = p;
    for (size_t i = 0; i < len; i++) {
        h = (h ^ b[i]) * UINT64_C(0x100000001b3);
    }
    return h;
}

static void show(const IsaCase *c, const IsaState *s)
{
    printf("%s-bit code:", c->code64 ? "64" : "32");
    for (unsigned i = 0; i < c->len; i++) {
        printf(" %02x", c->insn[i]);
    }
    printf("\nflags %03" PRIx64 " -> %03" PRIx64 "\n", c->before.flags,
           s->flags);
    for (unsigned r = 0; r < 16; r++) {
        printf("r%-2u %016" PRIx64 " -> %016" PRIx64 "\n", r,
               c->before.gpr[r], s->gpr[r]);
    }
    for (unsigned i = 0; i < ISA_DATA_BYTES; i++) {
        if (c->before.data[i] != s->data[i]) {
            printf("[%x] %02x -> %02x\n", ISA_DATA + i, c->before.data[i],
                   s->data[i]);
        }
    }
}

static void run_case(unsigned n)
{
    static IsaCase c;
    static IsaState after;
    make_program(&c);
    memset(&after, 0, sizeof after);
    int outcome = emu_run(&c, &after);
    uint64_t rip = emu_cpu()->s.rip;
    uint64_t h = hash(UINT64_C(0xcbf29ce484222325), &after, sizeof after);
    if (only < 0 || only == (long)n) {
        printf("%u outcome %d rip %" PRIx64 " state %016" PRIx64 "\n", n,
               outcome, rip, h);
    }
    if (only == (long)n) {
        show(&c, &after);
    }
}

static void parse_options(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *value = strchr(argv[i], '=');
        value = value ? value + 1 : "";
        if (g_str_has_prefix(argv[i], "--count=")) {
            count = strtoul(value, NULL, 0);
        } else if (g_str_has_prefix(argv[i], "--seed=")) {
            seed = strtoul(value, NULL, 0);
        } else if (g_str_has_prefix(argv[i], "--case=")) {
            only = strtol(value, NULL, 0);
        } else if (g_str_has_prefix(argv[i], "--slice=")) {
            emu_set_slice(strtoul(value, NULL, 0));
        } else if (g_str_has_prefix(argv[i], "--accel=")) {
            emu_option(value);
        } else if (g_str_equal(argv[i], "--segmented")) {
            segmented = true;
        } else if (g_str_equal(argv[i], "--code16")) {
            code16 = true;
        } else {
            fprintf(stderr, "unknown option %s\n", argv[i]);
            exit(1);
        }
    }
}

int main(int argc, char **argv)
{
    parse_options(argc, argv);
    emu_init(case_features);
    emu_set_variant(segmented, code16);
    random_seed(seed);
    for (unsigned n = 0; n < count && (only < 0 || (long)n <= only); n++) {
        run_case(n);
    }
    return 0;
}
