/*
 * IR as text, for -d op and op_opt:
 *
 *   insn 0x7c00 0x0
 *     %1 = get.i64 rax
 *     %2 = const.i64 0x5
 *     %3 = add.i64 %1, %2
 *     set rax %3
 *     exit_if.ne chain0 retired 1 %1, %2, %3
 *     %5 = ld.i64 4s mode 0 %3
 *     exit lookup retired 1 %3
 */
#include "tb.h"

static const char *const op_text[] = {
#define IR_OP(name, text, args, result, flags, meaning) text,
#include "vm/ir-ops.def"
#undef IR_OP
};

static const char *const type_text[] = { "none", "i32", "i64", "f32", "f64",
                                         "v128" };

/* ORDER ir-cond (vm/ir.h) */
static const char *const cond_text[] = {
    "eq", "ne", "ltu", "geu", "leu", "gtu",
    "lt", "ge", "le",  "gt",  "tst", "tstz",
};

static const char *const exit_text[] = { "chain0", "chain1", "lookup",
                                         "loop" };

static bool has_cond(const IrInst *i)
{
    return i->op == IR_SETCOND || i->op == IR_SELECT || i->op == IR_EXIT_IF;
}

static void print_head(const IrInst *i, guint n, GString *out)
{
    bool value = i->type != IR_NONE && i->op != IR_SET && i->op != IR_ST &&
                 i->op != IR_STENV;
    if (value) {
        g_string_append_printf(out, "%%%u = ", n);
    }
    g_string_append(out, op_text[i->op]);
    if (has_cond(i)) {
        g_string_append_printf(out, ".%s", cond_text[i->cond]);
    }
    if (value) {
        g_string_append_printf(out, ".%s", type_text[i->type]);
    }
}

/* The part that is not a value: register, constant, helper, memory, exit. */
static void print_extra(const IrBlock *b, const IrInst *i, GString *out)
{
    switch (i->op) {
    case IR_CONST:
    case IR_ZEXT:
    case IR_SEXT:
    case IR_EXTRACT:
    case IR_DEPOSIT:
        g_string_append_printf(out, " 0x%" G_GINT64_MODIFIER "x", i->imm);
        break;
    case IR_GET:
    case IR_SET:
        g_string_append_printf(out, " %s", b->cls->regs[i->imm].name);
        break;
    case IR_CALL: {
        const IrHelper *h = g_ptr_array_index(b->helpers, i->imm);
        g_string_append_printf(out, " %s", h->name);
        break;
    }
    case IR_LD:
    case IR_ST:
        g_string_append_printf(out, " %u%s mode %u", ir_mem_size(i->mem),
                               i->mem & IR_MEM_SIGN ? "s" : "",
                               ir_mem_mode(i->mem));
        break;
    case IR_LDENV:
    case IR_STENV:
        g_string_append_printf(out, " %u at 0x%" G_GINT64_MODIFIER "x",
                               ir_mem_size(i->mem), i->imm);
        break;
    case IR_EXIT:
    case IR_EXIT_IF:
        g_string_append_printf(
            out, " %s retired %u",
            exit_text[i->op == IR_EXIT ? i->cond : i->mem], i->insn);
        break;
    }
}

void ir_print(const IrBlock *b, GString *out)
{
    for (guint n = 0; n < b->insts->len; n++) {
        const IrInst *i = &g_array_index(b->insts, IrInst, n);
        if (i->op == IR_INSN) {
            const uint64_t *words =
                &g_array_index(b->insn_words, uint64_t, 2 * i->imm);
            g_string_append_printf(out, "insn 0x%" G_GINT64_MODIFIER
                                   "x 0x%" G_GINT64_MODIFIER "x\n",
                                   words[0], words[1]);
            continue;
        }
        g_string_append(out, "  ");
        print_head(i, n, out);
        print_extra(b, i, out);
        for (unsigned k = 0; k < i->nargs; k++) {
            g_string_append_printf(out, "%s %%%u", k ? "," : "", i->arg[k]);
        }
        g_string_append_c(out, '\n');
    }
}
