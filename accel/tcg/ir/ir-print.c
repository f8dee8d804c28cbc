/*
 * IR as text. See ir-text.h.
 */
#include "ir-text.h"

static void print_head(const IrInst *i, guint n, GString *out)
{
    bool value = i->type != IR_NONE && i->op != IR_SET && i->op != IR_ST &&
                 i->op != IR_STENV;
    if (value) {
        g_string_append_printf(out, "%%%u = ", n);
    }
    g_string_append(out, ir_op_info[i->op].text);
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
    case IR_CANON:
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
        g_string_append_printf(out, " %u%s%s%s%s%s mode %u",
                               ir_mem_size(i->mem),
                               i->mem & IR_MEM_SIGN ? "s" : "",
                               i->mem & IR_MEM_ALIGN ? " aligned" : "",
                               i->mem & IR_MEM_PAIR ? " pair" : "",
                               i->mem & IR_MEM_INT ? " int" : "",
                               i->mem & IR_MEM_TRUNC ? " trunc" : "",
                               ir_mem_mode(i->mem));
        if (ir_mem_access(i->mem) & MMU_UPDATE) {
            g_string_append(out, " update");
        }
        if (ir_mem_access(i->mem) & MMU_TARGET) {
            g_string_append(out, " target");
        }
        break;
    case IR_VEC:
    case IR_FVEC:
    case IR_FVECX:
        g_string_append_printf(out, " %s 0x%x", vec_ops[ir_vec_op(i)].name,
                               ir_vec_imm(i));
        break;
    case IR_X80:
        g_string_append_printf(out, " %s 0x%x", x80_ops[ir_x80_op(i)].name,
                               ir_x80_imm(i));
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

static void print_insn(const IrBlock *b, const IrInst *i, GString *out)
{
    const uint64_t *words = &g_array_index(b->insn_words, uint64_t,
                                           2 * i->imm);
    g_string_append_printf(out, "insn 0x%" G_GINT64_MODIFIER "x 0x%"
                           G_GINT64_MODIFIER "x", words[0], words[1]);
    for (guint n = 0; n < b->frames->len; n++) {
        const IrFrame *f = &g_array_index(b->frames, IrFrame, n);
        if (f->insn == i->imm) {
            g_string_append_printf(out, " frame %s %%%u",
                                   b->cls->regs[f->reg].name, f->value);
        }
    }
    g_string_append_c(out, '\n');
}

void ir_print(const IrBlock *b, GString *out)
{
    for (guint n = 0; n < b->insts->len; n++) {
        const IrInst *i = &g_array_index(b->insts, IrInst, n);
        if (i->op == IR_INSN) {
            print_insn(b, i, out);
            continue;
        }
        g_string_append(out, "  ");
        print_head(i, n, out);
        print_extra(b, i, out);
        for (unsigned k = 0; k < i->nargs; k++) {
            g_string_append_printf(out, "%s %%%u", k ? "," : "", i->arg[k]);
        }
        g_string_append(out, i->lazy ? " (lazy)\n" : "\n");
    }
}
