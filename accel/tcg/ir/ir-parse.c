/*
 * IR from text. See ir-text.h.
 */
#include <string.h>

#include "base/error.h"
#include "ir-text.h"

typedef struct Parser {
    IrBlock *b;
    const IrHelper *const *helpers;
    GHashTable *values;    /* name -> IrVal */
    char **word;           /* the next one of the line; NULL ends it */
    const char *wrong;     /* the first complaint about this line */
} Parser;

static const char *next_word(Parser *p)
{
    if (!*p->word) {
        p->wrong = p->wrong ? p->wrong : "something is missing";
        return "";
    }
    return *p->word++;
}

static bool take_word(Parser *p, const char *word)
{
    bool found = *p->word && g_str_equal(*p->word, word);
    p->word += found;
    return found;
}

/* The index of text in a table; complains if it is not there. */
static unsigned index_of(Parser *p, const char *text,
                         const char *const *table, unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        if (g_str_equal(text, table[n])) {
            return n;
        }
    }
    p->wrong = p->wrong ? p->wrong : "unknown op, type, condition or exit";
    return 0;
}

static uint64_t parse_number(Parser *p)
{
    const char *text = next_word(p);
    char *end;
    uint64_t v = g_ascii_strtoull(text, &end, 0);
    if (end == text || *end) {
        p->wrong = p->wrong ? p->wrong : "not a number";
    }
    return v;
}

static IrVal parse_value(Parser *p)
{
    gpointer v;
    const char *name = next_word(p);
    if (!g_hash_table_lookup_extended(p->values, name, NULL, &v)) {
        p->wrong = p->wrong ? p->wrong : "unknown value";
        return 0;
    }
    return GPOINTER_TO_UINT(v);
}

static unsigned parse_reg(Parser *p)
{
    const char *name = next_word(p);
    for (unsigned n = 0; n < p->b->cls->reg_count; n++) {
        if (g_str_equal(p->b->cls->regs[n].name, name)) {
            return n;
        }
    }
    p->wrong = p->wrong ? p->wrong : "unknown register";
    return 0;
}

/* "4", "4s" */
static IrMem parse_size(Parser *p)
{
    static const char *const sizes[] = { "1", "2", "4", "8", "16", "10", "?",
                                         "?", "1s", "2s", "4s", "8s" };
    return index_of(p, next_word(p), sizes, G_N_ELEMENTS(sizes));
}

static void parse_insn(Parser *p)
{
    uint64_t word0 = parse_number(p), word1 = parse_number(p);
    while (take_word(p, "frame")) {
        unsigned reg = parse_reg(p);
        IrFrame f = { p->b->insn_words->len, reg, parse_value(p) };
        g_array_append_val(p->b->frames, f);
    }
    ir_insn_start(p->b, word0, word1);
}

static void parse_call(Parser *p, IrInst *i)
{
    const char *name = next_word(p);
    const IrHelper *const *h = p->helpers;
    while (h && *h && !g_str_equal((*h)->name, name)) {
        h++;
    }
    if (!h || !*h) {
        p->wrong = p->wrong ? p->wrong : "unknown helper";
        return;
    }
    i->imm = p->b->helpers->len;
    i->nargs = (*h)->nargs;
    g_ptr_array_add(p->b->helpers, (void *)*h);
    if (i->type != (*h)->result) {
        p->wrong = p->wrong ? p->wrong : "not the helper's result type";
    }
}

/* "shuf32 0x1b" */
static void parse_vec(Parser *p, IrInst *i)
{
    const char *name = next_word(p);
    unsigned op = 0;
    while (op < VEC_OP_COUNT && !g_str_equal(vec_ops[op].name, name)) {
        op++;
    }
    if (op == VEC_OP_COUNT) {
        p->wrong = p->wrong ? p->wrong : "unknown vector operation";
        return;
    }
    i->imm = op | parse_number(p) << 16;
    i->nargs = strlen(vec_ops[op].sig) - 2;
}

static void parse_x80(Parser *p, IrInst *i)
{
    const char *name = next_word(p);
    unsigned op = 0;
    while (op < X80_OP_COUNT && !g_str_equal(x80_ops[op].name, name)) {
        op++;
    }
    if (op == X80_OP_COUNT) {
        p->wrong = p->wrong ? p->wrong : "unknown operation of 80 bits";
        return;
    }
    i->imm = op | parse_number(p) << 16;
    i->nargs = strlen(x80_ops[op].sig) - 2;
}

static void parse_exit(Parser *p, IrInst *i)
{
    unsigned how = index_of(p, next_word(p), exit_text,
                            G_N_ELEMENTS(exit_text));
    if (i->op == IR_EXIT) {
        i->cond = how;
    } else {
        i->mem = how;
    }
    if (take_word(p, "retired")) {
        i->insn = parse_number(p);
    } else {
        i->insn = p->b->insn_words->len;
    }
}

/* The counterpart of print_extra(). */
static void parse_extra(Parser *p, IrInst *i)
{
    switch (i->op) {
    case IR_CONST:
    case IR_CANON:
    case IR_ZEXT:
    case IR_SEXT:
    case IR_EXTRACT:
    case IR_DEPOSIT:
        i->imm = parse_number(p);
        break;
    case IR_GET:
    case IR_SET:
        i->imm = parse_reg(p);
        break;
    case IR_CALL:
        parse_call(p, i);
        break;
    case IR_VEC:
    case IR_FVEC:
    case IR_FVECX:
        parse_vec(p, i);
        break;
    case IR_X80:
        parse_x80(p, i);
        break;
    case IR_LD:
    case IR_ST:
        i->mem = parse_size(p);
        i->mem |= take_word(p, "aligned") ? IR_MEM_ALIGN : 0;
        i->mem |= take_word(p, "pair") ? IR_MEM_PAIR : 0;
        i->mem |= take_word(p, "int") ? IR_MEM_INT : 0;
        i->mem |= take_word(p, "trunc") ? IR_MEM_TRUNC : 0;
        if (take_word(p, "mode")) {
            i->mem |= IR_MEM_MODE(parse_number(p) % MMU_MODES);
        }
        if (take_word(p, "update")) {
            i->mem |= IR_MEM_MODE(MMU_UPDATE);
        }
        if (take_word(p, "target")) {
            i->mem |= IR_MEM_MODE(MMU_TARGET);
        }
        break;
    case IR_LDENV:
    case IR_STENV:
        i->mem = parse_size(p);
        take_word(p, "at");
        i->imm = parse_number(p);
        break;
    case IR_EXIT:
    case IR_EXIT_IF:
        parse_exit(p, i);
        break;
    }
}

static unsigned op_of(Parser *p, const char *text)
{
    for (unsigned n = 0; n < IR_OP_COUNT; n++) {
        if (g_str_equal(text, ir_op_info[n].text)) {
            return n;
        }
    }
    p->wrong = p->wrong ? p->wrong : "unknown op, type, condition or exit";
    return 0;
}

/* "add.i64", "setcond.eq.i32", "set" */
static void parse_head(Parser *p, bool has_value, IrInst *i)
{
    g_auto(GStrv) part = g_strsplit(next_word(p), ".", -1);
    char **next = part + 1;
    i->op = op_of(p, part[0]);
    i->nargs = ir_op_info[i->op].args;
    if (has_cond(i)) {
        i->cond = index_of(p, *next ? *next : "", cond_text,
                           G_N_ELEMENTS(cond_text));
        next += *next != NULL;
    }
    if (has_value) {
        i->type = index_of(p, *next ? *next : "", type_text,
                           G_N_ELEMENTS(type_text));
    }
}

static void parse_inst(Parser *p)
{
    IrInst i = { 0 };
    char *name = NULL;
    if (take_word(p, "insn")) {
        parse_insn(p);
        return;
    }
    if (**p->word == '%') {
        name = *p->word++;
        if (!take_word(p, "=")) {
            p->wrong = "'=' is missing";
        }
    }
    parse_head(p, name, &i);
    parse_extra(p, &i);
    for (unsigned k = 0; k < i.nargs; k++) {
        i.arg[k] = parse_value(p);
    }
    if (!name && i.nargs && (i.op == IR_SET || i.op == IR_ST ||
                             i.op == IR_STENV) && !p->wrong) {
        i.type = ir_type(p->b, i.arg[i.nargs - 1]);
    }
    if (name) {
        g_hash_table_insert(p->values, g_strdup(name),
                            GUINT_TO_POINTER(p->b->insts->len));
    }
    g_array_append_val(p->b->insts, i);
}

/* Returns what is wrong with the line, or NULL. */
static const char *parse_line(Parser *p, const char *line)
{
    g_autofree char *text = g_strdup(line);
    g_auto(GStrv) words = NULL;
    *strchrnul(text, '#') = 0;
    g_strdelimit(text, ",\t", ' ');
    GPtrArray *list = g_ptr_array_new();
    g_auto(GStrv) pieces = g_strsplit(text, " ", -1);
    for (char **w = pieces; *w; w++) {
        if (**w) {
            g_ptr_array_add(list, g_strdup(*w));
        }
    }
    bool empty = !list->len;
    g_ptr_array_add(list, NULL);
    words = (char **)g_ptr_array_free(list, FALSE);
    p->word = words;
    p->wrong = NULL;
    if (!empty) {
        parse_inst(p);
        if (*p->word && !p->wrong) {
            p->wrong = "something is left over";
        }
    }
    return p->wrong;
}

IrBlock *ir_parse(const CpuClass *cls, const IrHelper *const *helpers,
                  const char *text, Error **errp)
{
    Parser p = { ir_block_new(cls), helpers, NULL, NULL, NULL };
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    p.values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (unsigned n = 0; lines[n]; n++) {
        const char *wrong = parse_line(&p, lines[n]);
        if (wrong) {
            error_set(errp, "line %u: %s: '%s'", n + 1, wrong, lines[n]);
            g_clear_pointer(&p.b, ir_block_free);
            break;
        }
    }
    g_hash_table_destroy(p.values);
    return p.b;
}
