/*
 * Expressions of the human monitor: C's integer operators over numbers and
 * $registers, all 64 bits wide.
 */
#include "monitor.h"

typedef struct Parser {
    Cpu *cpu;
    const char *p;
    unsigned depth;
    Error **errp;
} Parser;

/* Deep nesting is a mistake, and must not eat the stack. */
#define DEPTH_MAX 64

static bool binary(Parser *ps, int level, uint64_t *v);

static void skip(Parser *ps)
{
    while (g_ascii_isspace(*ps->p)) {
        ps->p++;
    }
}

static const CpuReg *find_register(Cpu *cpu, const char *name)
{
    const CpuGdbView *view = cpu->cls->gdb_view(cpu);
    return g_str_equal(name, "sp") ? &view->regs[view->sp]
                                   : cpu_reg_find(cpu, name, strlen(name));
}

/* $pc is what `x` takes: an address without a segment. */
static uint64_t linear_pc(Cpu *cpu)
{
    TbKey key;
    cpu->cls->tb_key(cpu, &key);
    return key.pc;
}

static bool reg(Parser *ps, uint64_t *v)
{
    const char *start = ++ps->p;
    while (g_ascii_isalnum(*ps->p) || *ps->p == '_' || *ps->p == '.') {
        ps->p++;
    }
    g_autofree char *name = g_strndup(start, ps->p - start);
    if (g_str_equal(name, "pc")) {
        *v = linear_pc(ps->cpu);
        return true;
    }
    const CpuReg *r = find_register(ps->cpu, name);
    if (!r) {
        error_set(ps->errp, "unknown register");
        return false;
    }
    if (r->bits > 64) {
        error_set(ps->errp, "register has %u bits: see info registers",
                  r->bits);
        return false;
    }
    *v = cpu_reg_get_u64(ps->cpu, r);
    return true;
}

static bool number(Parser *ps, uint64_t *v)
{
    char *end;
    *v = g_ascii_strtoull(ps->p, &end, 0);
    if (end == ps->p) {
        error_set(ps->errp, *ps->p ? "invalid char '%c' in expression"
                                   : "unexpected end of expression%c",
                  *ps->p ? *ps->p : ' ');
        return false;
    }
    ps->p = end;
    return true;
}

static bool parenthesis(Parser *ps, uint64_t *v)
{
    ps->p++;
    if (!binary(ps, 0, v)) {
        return false;
    }
    skip(ps);
    if (*ps->p != ')') {
        error_set(ps->errp, "')' expected");
        return false;
    }
    ps->p++;
    return true;
}

static bool unary(Parser *ps, uint64_t *v)
{
    skip(ps);
    if (++ps->depth > DEPTH_MAX) {
        error_set(ps->errp, "expression too complex");
        return false;
    }
    bool ok;
    char op = *ps->p;
    if (op == '-' || op == '~' || op == '+') {
        ps->p++;
        ok = unary(ps, v);
        *v = op == '-' ? -*v : op == '~' ? ~*v : *v;
    } else if (op == '(') {
        ok = parenthesis(ps, v);
    } else if (op == '$') {
        ok = reg(ps, v);
    } else if (op == '\'' && ps->p[1] && ps->p[2] == '\'') {
        *v = (uint8_t)ps->p[1];
        ps->p += 3;
        ok = true;
    } else {
        ok = number(ps, v);
    }
    ps->depth--;
    return ok;
}

/* Binary operators by level, loosest first. */
static const char *const levels[] = { "|", "^", "&", "+-", "*/%" };

static bool apply(Parser *ps, char op, uint64_t *v, uint64_t w)
{
    if ((op == '/' || op == '%') && !w) {
        error_set(ps->errp, "division by zero");
        return false;
    }
    switch (op) {
    case '|': *v |= w; break;
    case '^': *v ^= w; break;
    case '&': *v &= w; break;
    case '+': *v += w; break;
    case '-': *v -= w; break;
    case '*': *v *= w; break;
    case '/': *v /= w; break;
    case '%': *v %= w; break;
    }
    return true;
}

static bool binary(Parser *ps, int level, uint64_t *v)
{
    if (level == G_N_ELEMENTS(levels)) {
        return unary(ps, v);
    }
    if (!binary(ps, level + 1, v)) {
        return false;
    }
    for (;;) {
        skip(ps);
        char op = *ps->p;
        uint64_t w;
        if (!op || !strchr(levels[level], op)) {
            return true;
        }
        ps->p++;
        if (!binary(ps, level + 1, &w) || !apply(ps, op, v, w)) {
            return false;
        }
    }
}

bool expr_eval(Cpu *cpu, const char **p, uint64_t *value, Error **errp)
{
    Parser ps = { cpu, *p, 0, errp };
    bool ok = binary(&ps, 0, value);
    *p = ps.p;
    return ok;
}
