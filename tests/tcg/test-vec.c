/*
 * Every row of base/vec-ops.def as a back end does it, beside the row's own
 * function: operands of all kinds, every rounding mode, denormals flushed or
 * not, flags set before, exceptions masked and not. The processor is that of
 * tiny.h, and tiny-model.c says what must come out.
 *
 * usage: test-vec [--accel=KEY=VALUE]
 */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "tb.h"
#include "tiny.h"

#define PROGRAMS 12u       /* per row */
#define TRIALS   200u       /* per program */
#define INSNS    4u        /* of a program */
#define PROGRAM_BYTES 16u
#define PROGRAMS_AT   0x1000u

static TinyMachine tiny;
static TinyModel model;
static AccelOptions options;

/* --- chance --------------------------------------------------------------------- */

static uint64_t random64(void)
{
    static uint64_t state = 1;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

static unsigned below(unsigned n)
{
    return (random64() >> 32) % n;
}

/* A number that is special in some format, or close to one. */
static uint64_t special_lane(unsigned bits)
{
    static const uint64_t f64[] = {
        0, 1, 0x000fffffffffffff, 0x0010000000000000, 0x3ff0000000000000,
        0x3fefffffffffffff, 0x7fefffffffffffff, 0x7ff0000000000000,
        0x7ff0000000000001, 0x7ff8000000000000, 0x7fffffffffffffff,
        0x41dfffffffc00000, 0x41e0000000000000, 0x43e0000000000000,
        0x3fe0000000000000, 0x36a0000000000000, 0x380fffffffffffff,
        0x47efffffe0000000, 0x3ca0000000000000, 0x4340000000000001,
    };
    static const uint32_t f32[] = {
        0, 1, 0x007fffff, 0x00800000, 0x3f800000, 0x3f7fffff, 0x7f7fffff,
        0x7f800000, 0x7f800001, 0x7fc00000, 0x7fffffff, 0x4effffff,
        0x4f000000, 0x5f000000, 0x3f000000, 0x33800000, 0x387fe000,
        0x477fefff, 0x477ff000, 0x33000001, 0x4b800001,
    };
    static const uint16_t f16[] = { 0, 1, 0x3ff, 0x400, 0x3c00, 0x7bff,
                                    0x7c00, 0x7c01, 0x7e00, 0x7fff };
    uint64_t v = bits == 64   ? f64[below(G_N_ELEMENTS(f64))]
                 : bits == 32 ? f32[below(G_N_ELEMENTS(f32))]
                              : f16[below(G_N_ELEMENTS(f16))];
    return (v + (below(4) ? 0 : below(3) - 1)) ^
           (uint64_t)below(2) << (bits - 1);
}

static void random_vector(uint64_t out[2])
{
    static const uint8_t sizes[] = { 64, 64, 32, 32, 16 };
    V128 v = { { random64(), random64() } };
    unsigned bits = sizes[below(G_N_ELEMENTS(sizes))];
    for (unsigned n = 0; n < 128 / bits; n++) {
        unsigned kind = below(8);
        if (kind < 5) {
            vec_set_lane(&v, bits, n, special_lane(bits));
        } else if (kind == 5) {
            vec_set_lane(&v, bits, n, below(70));
        }
    }
    memcpy(out, v.w, sizeof v.w);
}

static uint32_t random_fp(void)
{
    uint32_t fp = below(4) << 13;
    fp |= below(3) ? 0 : 0x8000;
    fp |= below(3) ? 0 : 0x40;
    fp |= below(3) ? 0 : random64() & TINY_FP_FLAGS;
    return fp | (below(3) ? 0x1f80 : random64() & 0x1f80);
}

static void random_state_of(TinyState *s)
{
    *s = (TinyState){ .last_trap = ICOUNT_NONE, .last_debug = ICOUNT_NONE };
    s->fp = random_fp();
    for (unsigned n = 0; n < 8; n++) {
        random_vector(s->v[n]);
        s->r[n] = below(3) ? random64() : special_lane(64);
        s->r[n] = below(4) ? s->r[n] : below(40);
    }
}

/* --- programs --------------------------------------------------------------------- */

static uint64_t program_at(unsigned row, unsigned n)
{
    return PROGRAMS_AT + (row * PROGRAMS + n) * PROGRAM_BYTES;
}

static void place(uint8_t *at, const TinyInsn *in)
{
    at[0] = in->op;
    at[1] = in->d | in->s << 3 | in->x << 6;
    if (in->len == 4) {
        bytes_st_le(at + 2, 2, (uint16_t)in->imm);
    }
}

static TinyInsn random_row(unsigned row, unsigned d, unsigned s)
{
    return (TinyInsn){ .op = TINY_VEC, .d = d, .s = s, .x = below(4), .len = 4,
                       .imm = row | below(128) << 9 };
}

/* A copy, so that an operand is needed again, or is not; the row twice. */
static void make_program(uint8_t *at, unsigned row)
{
    unsigned d = below(8), s = below(8), e = below(8);
    TinyInsn copy = { .op = TINY_VMOV, .d = e, .s = d, .len = 2 };
    TinyInsn first = random_row(row, d, s), second = random_row(row, e, s);
    TinyInsn jump = { .op = TINY_JUMP, .len = 4 };
    if (below(2)) {
        second.imm = first.imm;
    }
    place(at, &copy);
    place(at + 2, &first);
    place(at + 6, &second);
    place(at + 10, &jump);
}

static void make_programs(void)
{
    TinyInsn jump = { .op = TINY_JUMP, .len = 4 };
    for (unsigned page = 0; page < 256; page++) {
        bytes_st_le(model.ram + TINY_TABLE(0) + 8 * page, 8,
                    page << PAGE_BITS | TINY_P | TINY_W | TINY_A | TINY_D);
    }
    place(model.ram + TINY_TRAP, &jump);
    for (unsigned row = 0; row < VEC_OP_COUNT; row++) {
        for (unsigned n = 0; n < PROGRAMS; n++) {
            make_program(model.ram + program_at(row, n), row);
        }
    }
}

/* --- the machine -------------------------------------------------------------------- */

static void machine_make(void)
{
    tiny_machine_make(&tiny, &options);
    make_programs();
    memcpy(tiny.ram->host, model.ram, TINY_RAM_BYTES);
}

static void run_both(void)
{
    uint64_t retired, left = INSNS;
    tiny.cpu->s = model.s;
    tiny.cpu->parent.cls->rewire(&tiny.cpu->parent);
    machine_set_icount(tiny.machine, model.icount);
    while (left) {
        cpu_exec(&tiny.cpu->parent, left, &retired);
        left -= retired;
    }
    for (Icount end = model.icount + INSNS; model.icount < end;) {
        tiny_model_step(&model);
    }
    tiny.cpu->parent.cls->sync(&tiny.cpu->parent);
}

/* --- comparing ------------------------------------------------------------------------ */

static bool same_state(unsigned row, const TinyState *before)
{
    const StateTable *t = tiny.cpu->parent.cls->state();
    bool ok = true;
    for (uint32_t n = 0; n < t->field_count; n++) {
        const StateField *f = &t->fields[n];
        for (uint32_t i = 0; i < f->count; i++) {
            uint64_t got = state_get(f, &tiny.cpu->s, i);
            uint64_t want = state_get(f, &model.s, i);
            if (got == want) {
                continue;
            }
            ok = false;
            printf("%s: %s[%u] is %" G_GINT64_MODIFIER "x, not %"
                   G_GINT64_MODIFIER "x (was %" G_GINT64_MODIFIER
                   "x, fp %x)\n", vec_ops[row].name, f->name, i, got, want,
                   state_get(f, (void *)before, i), before->fp);
        }
    }
    return ok;
}

static bool run_row(unsigned row)
{
    for (unsigned n = 0; n < PROGRAMS; n++) {
        for (unsigned k = 0; k < TRIALS; k++) {
            random_state_of(&model.s);
            model.s.pc = program_at(row, n);
            TinyState before = model.s;
            run_both();
            if (!same_state(row, &before)) {
                return false;
            }
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    unsigned failed = 0;
    Error *error = NULL;
    for (int i = 1; i < argc; i++) {
        g_auto(GStrv) word = g_strsplit(argv[i], "=", 3);
        if (g_strv_length(word) != 3 ||
            !tiny_parts.accel->set_option(&options, word[1], word[2],
                                          &error)) {
            fprintf(stderr, "%s\n", error ? error_message(error) : argv[i]);
            return 1;
        }
    }
    G_STATIC_ASSERT(PROGRAMS_AT + VEC_OP_COUNT * PROGRAMS * PROGRAM_BYTES <
                    TINY_TABLE(0));
    machine_make();
    for (unsigned row = 0; row < VEC_OP_COUNT; row++) {
        failed += !run_row(row);
    }
    printf("%u rows, %u runs each: %u failed\n", VEC_OP_COUNT,
           PROGRAMS * TRIALS, failed);
    return failed != 0;
}
