/*
 * Random blocks, before and after ir_narrow(): with the same registers and
 * loaded values, what is stored, SET and decided must be the same.
 *
 * ir_fold() does the arithmetic: where every GET and LD is a constant, so is
 * everything else.
 *
 * usage: test-narrow [--blocks=N] [--seed=N]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tb.h"

#define REG(label, member, t) { label, offsetof(Cpu, member), t }

/* Registers of a CPU that is never made. */
static const IrReg regs[] = {
    REG("a", frame[0], IR_I64), REG("b", frame[1], IR_I64),
    REG("c", frame[2], IR_I64), REG("w", frame[3], IR_I32),
    REG("v", frame[4], IR_I32), REG("pc", frame[5], IR_I64),
};

static const CpuClass narrow_class = {
    .name = "narrow", .regs = regs, .reg_count = G_N_ELEMENTS(regs),
    .pc_reg = G_N_ELEMENTS(regs) - 1,
};

static unsigned blocks = 20000;
static uint64_t seed = 1, random_state;

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

/* Numbers at the edges of widths are more likely. */
static uint64_t random_number(void)
{
    switch (below(5)) {
    case 0:
        return below(70);
    case 1:
        return bits_mask(below(65)) + below(2);
    case 2:
        return BIT(below(64)) - below(2);
    case 3:
        return (uint32_t)random64();
    default:
        return random64();
    }
}

/* --- blocks -------------------------------------------------------------------------- */

/* A value of the type, the last ones more often; extended often. */
static IrVal operand(IrBlock *b, IrType type)
{
    for (unsigned tries = 0; tries < 20; tries++) {
        unsigned back = 1 + below(MIN(b->insts->len, tries < 8 ? 8 : 1000));
        if (ir_type(b, b->insts->len - back) == type &&
            g_array_index(b->insts, IrInst, b->insts->len - back).op !=
                IR_SET &&
            g_array_index(b->insts, IrInst, b->insts->len - back).op !=
                IR_ST) {
            return b->insts->len - back;
        }
    }
    return ir_const(b, type, random_number());
}

static unsigned random_bits(IrType type)
{
    return 8u << below(type == IR_I32 ? 2 : 3);
}

static IrType random_type(void)
{
    return below(4) ? IR_I64 : IR_I32;
}

static void random_field(IrType type, unsigned *pos, unsigned *len)
{
    unsigned width = type == IR_I32 ? 32 : 64;
    *pos = below(2) ? 0 : below(width);
    *len = below(2) ? 8u << below(2) : 1 + below(width);
    *len = MIN(*len, width - *pos);
}

static void binary(IrBlock *b, IrType type)
{
    static const uint8_t ops[] = {
        IR_ADD, IR_ADD, IR_SUB, IR_SUB, IR_MUL, IR_AND, IR_AND, IR_OR, IR_XOR,
        IR_ANDC, IR_SHL, IR_SHR, IR_SAR, IR_ROTL, IR_ROTR, IR_MULUH,
        IR_MULSH,
    };
    IrVal x = operand(b, type);
    IrVal y = below(3) ? operand(b, type)
                       : ir_const(b, type, random_number());
    ir_op2(b, ops[below(G_N_ELEMENTS(ops))], x, y);
}

static void unary(IrBlock *b, IrType type)
{
    static const uint8_t ops[] = { IR_NOT, IR_NEG, IR_CLZ, IR_CTZ, IR_POPCNT,
                                   IR_BSWAP };
    ir_op1(b, ops[below(G_N_ELEMENTS(ops))], operand(b, type));
}

static void convert(IrBlock *b)
{
    switch (below(4)) {
    case 0:
        ir_op1(b, IR_ZEXT64, operand(b, IR_I32));
        break;
    case 1:
        ir_op1(b, IR_SEXT64, operand(b, IR_I32));
        break;
    default:
        ir_op1(b, IR_TRUNC, operand(b, IR_I64));
        break;
    }
}

static void field(IrBlock *b, IrType type)
{
    unsigned pos, len;
    random_field(type, &pos, &len);
    IrVal x = operand(b, type);
    if (below(2)) {
        ir_extract(b, x, pos, len);
    } else {
        ir_deposit(b, x, operand(b, type), pos, len);
    }
}

static void compare(IrBlock *b, IrType type)
{
    IrCond cond = below(12);
    IrType chosen = random_type();
    IrVal x = operand(b, type);
    IrVal y = below(2) ? operand(b, type)
                       : ir_const(b, type, below(2) ? 0 : random_number());
    switch (below(3)) {
    case 0:
        ir_setcond(b, cond, x, y);
        break;
    case 1:
        ir_select(b, cond, x, y, operand(b, chosen), operand(b, chosen));
        break;
    default:
        ir_exit_if(b, cond, x, y, operand(b, IR_I64), IR_EXIT_LOOP);
        break;
    }
}

static void source(IrBlock *b, IrType type)
{
    if (below(2)) {
        ir_get(b, type == IR_I64 ? below(3) : 3 + below(2));
        return;
    }
    unsigned size = below(type == IR_I32 ? 3 : 4);
    ir_insn_start(b, 0, 0); /* SETs stand behind what faults */
    ir_ld(b, type, operand(b, IR_I64),
          size | (below(3) ? 0 : IR_MEM_SIGN));
}

static void sink(IrBlock *b, IrType type)
{
    IrVal v = operand(b, type);
    if (below(2)) {
        ir_set(b, type == IR_I64 ? below(3) : 3 + below(2), v);
    } else {
        ir_insn_start(b, 0, 0);
        ir_st(b, operand(b, IR_I64), v, below(type == IR_I32 ? 3 : 4));
    }
}

static void random_inst(IrBlock *b)
{
    IrType type = random_type();
    switch (below(12)) {
    case 0: case 1: case 2:
        binary(b, type);
        break;
    case 3:
        unary(b, type);
        break;
    case 4: case 5: case 6:
        ir_zext(b, operand(b, type), random_bits(type));
        break;
    case 7:
        ir_sext(b, operand(b, type), random_bits(type));
        break;
    case 8:
        convert(b);
        break;
    case 9:
        below(2) ? field(b, type) : compare(b, type);
        break;
    case 10:
        source(b, type);
        break;
    case 11:
        sink(b, type);
        break;
    }
}

static IrBlock *random_block(void)
{
    IrBlock *b = ir_block_new(&narrow_class);
    unsigned len = 5 + below(60);
    ir_insn_start(b, 0, 0);
    for (unsigned reg = 0; reg < 5; reg++) {
        ir_get(b, reg);
    }
    while (b->insts->len < len) {
        random_inst(b);
    }
    IrVal last = operand(b, IR_I64);
    ir_set(b, 0, last);
    ir_exit(b, operand(b, IR_I64), IR_EXIT_LOOP);
    return b;
}

/* --- what a block does ---------------------------------------------------------------- */

static IrBlock *copy(const IrBlock *b)
{
    IrBlock *c = ir_block_new(b->cls);
    g_array_append_vals(c->insts, b->insts->data, b->insts->len);
    g_array_append_vals(c->insn_words, b->insn_words->data,
                        b->insn_words->len);
    return c;
}

static uint64_t loaded(const IrInst *i, uint64_t v)
{
    unsigned bits = 8 * ir_mem_size(i->mem);
    return i->op == IR_GET ? v
           : i->mem & IR_MEM_SIGN ? (uint64_t)bits_sext(v, bits)
                                  : v & bits_mask(bits);
}

/* The n-th GET or LD has the n-th random number. Exits become SETCONDs: the
 * block does not end there. */
static void give_values(IrBlock *b, uint64_t numbers)
{
    random_state = numbers;
    for (guint n = 0; n < b->insts->len; n++) {
        IrInst *i = &g_array_index(b->insts, IrInst, n);
        if (i->op == IR_GET || i->op == IR_LD) {
            uint64_t v = loaded(i, random_number());
            *i = (IrInst){ .op = IR_CONST, .type = i->type,
                           .imm = i->type == IR_I32 ? (uint32_t)v : v };
        } else if (i->op == IR_EXIT_IF) {
            i->op = IR_SETCOND;
            i->type = IR_I32;
            i->nargs = 2;
        }
    }
}

/* Which instructions of b do something, before give_values(). */
static GArray *find_deeds(const IrBlock *b)
{
    GArray *deeds = g_array_new(FALSE, FALSE, sizeof(guint));
    for (guint n = 0; n < b->insts->len; n++) {
        unsigned op = g_array_index(b->insts, IrInst, n).op;
        if (op == IR_SET || op == IR_ST || op == IR_EXIT_IF ||
            op == IR_EXIT) {
            g_array_append_val(deeds, n);
        }
    }
    return deeds;
}

static uint64_t known(const IrBlock *b, IrVal v)
{
    uint64_t k = 0;
    g_assert(ir_is_const(b, v, &k));
    return k;
}

/* What those instructions do, as numbers. */
static GArray *run(const IrBlock *block, uint64_t numbers)
{
    GArray *out = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    IrBlock *b = copy(block);
    GArray *deeds = find_deeds(b);
    give_values(b, numbers);
    ir_fold(b);
    for (guint n = 0; n < deeds->len; n++) {
        guint at = g_array_index(deeds, guint, n);
        const IrInst *i = &g_array_index(b->insts, IrInst, at);
        uint64_t v = i->op == IR_CONST ? i->imm : known(b, i->arg[0]);
        g_array_append_val(out, v);
        if (i->op == IR_ST) {
            v = known(b, i->arg[1]) & bits_mask(8 * ir_mem_size(i->mem));
            g_array_append_val(out, v);
        }
    }
    g_array_free(deeds, TRUE);
    ir_block_free(b);
    return out;
}

/* --- comparing ------------------------------------------------------------------------ */

static void show(const char *what, const IrBlock *b)
{
    g_autoptr(GString) text = g_string_new(NULL);
    ir_print(b, text);
    printf("%s:\n%s\n", what, text->str);
}

static bool same_deeds(const IrBlock *b, const IrBlock *after,
                       uint64_t numbers)
{
    GArray *want = run(b, numbers), *got = run(after, numbers);
    bool same = want->len == got->len &&
                !memcmp(want->data, got->data, want->len * 8);
    for (guint n = 0; !same && n < MIN(want->len, got->len); n++) {
        uint64_t x = g_array_index(want, uint64_t, n);
        uint64_t y = g_array_index(got, uint64_t, n);
        if (x != y) {
            printf("deed %u: wanted %" G_GINT64_MODIFIER "x, got %"
                   G_GINT64_MODIFIER "x\n", n, x, y);
        }
    }
    g_array_free(want, TRUE);
    g_array_free(got, TRUE);
    return same;
}

static bool run_case(uint64_t number)
{
    random_state = (seed << 32 | number) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    IrBlock *b = random_block(), *after = copy(b);
    ir_narrow(after);
    g_autofree char *wrong = ir_verify(after);
    bool ok = !wrong;
    for (unsigned n = 0; ok && n < 6; n++) {
        ok = same_deeds(b, after, random64() | 1);
    }
    if (!ok) {
        printf("block %" G_GUINT64_FORMAT " of seed %" G_GUINT64_FORMAT
               ": %s\n", number, seed, wrong ? wrong : "does something else");
        show("before", b);
        show("after", after);
    }
    ir_block_free(b);
    ir_block_free(after);
    return ok;
}

int main(int argc, char **argv)
{
    unsigned failed = 0;
    for (int i = 1; i < argc; i++) {
        if (!strncmp(argv[i], "--blocks=", 9)) {
            blocks = strtoul(argv[i] + 9, NULL, 0);
        } else if (!strncmp(argv[i], "--seed=", 7)) {
            seed = strtoull(argv[i] + 7, NULL, 0);
        }
    }
    for (unsigned n = 0; n < blocks && failed < 3; n++) {
        failed += !run_case(n);
    }
    printf("%u blocks, %u failed\n", blocks, failed);
    return failed || !blocks;
}
