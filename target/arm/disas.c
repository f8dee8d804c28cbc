/*
 * A64 as text, from the rows of insn.decode. The names are those of the
 * instructions themselves: no aliases.
 */
#include <inttypes.h>

#include "a64-gen.h"
#include "base/bytes.h"
#include "show.h"

static void put_reg(GString *out, char letter, int64_t r, bool sp)
{
    if (r == 31) {
        g_string_append(out, sp ? (letter == 'x' ? "sp" : "wsp")
                                : (letter == 'x' ? "xzr" : "wzr"));
    } else {
        g_string_append_printf(out, "%c%" PRId64, letter, r);
    }
}

static void put_condition(GString *out, int64_t cond)
{
    static const char *const names[] = {
        "eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc",
        "hi", "ls", "ge", "lt", "gt", "le", "al", "nv",
    };
    g_string_append(out, names[cond & 15]);
}

static void put_base(GString *out, int64_t rn, int64_t offset)
{
    g_string_append_c(out, '[');
    put_reg(out, 'x', rn, true);
    if (offset) {
        g_string_append_printf(out, ", #%" PRId64, offset);
    }
    g_string_append_c(out, ']');
}

/* how: ORDER a64-how (insn.decode) */
static void put_place(GString *out, int64_t rn, int64_t how, int64_t offset)
{
    if (how == 1) {
        put_base(out, rn, 0);
        g_string_append_printf(out, ", #%" PRId64, offset);
    } else {
        put_base(out, rn, offset);
        g_string_append(out, how == 3 ? "!" : "");
    }
}

static void put_extend(GString *out, int64_t rm, int64_t opt, int64_t by)
{
    static const char *const names[] = { "uxtb", "uxth", "uxtw", "uxtx",
                                         "sxtb", "sxth", "sxtw", "sxtx" };
    put_reg(out, (opt & 3) == 3 ? 'x' : 'w', rm, false);
    g_string_append_printf(out, ", %s", names[opt & 7]);
    if (by) {
        g_string_append_printf(out, " #%" PRId64, by);
    }
}

static void put_shift(GString *out, int64_t kind, int64_t by)
{
    static const char *const names[] = { "lsl", "lsr", "asr", "ror" };
    if (kind || by) {
        g_string_append_printf(out, ", %s #%" PRId64, names[kind & 3], by);
    }
}

static void put_index(GString *out, const int64_t *v)
{
    g_string_append_c(out, '[');
    put_reg(out, 'x', v[0], true);
    g_string_append(out, ", ");
    put_extend(out, v[1], v[2], v[3] ? v[4] : 0);
    g_string_append_c(out, ']');
}

/* What stands in {KIND:…}: a word of insn.decode. */
typedef enum Kind { K_X, K_W, K_R, K_S, K_SP, K_ST, K_C, K_A, K_PAGE, K_IMM12,
                    K_WIDE, K_MASK, K_PSTATE, K_SYSREG, K_PAIR, K_AT,
                    K_SCALED, K_INDEX, K_EXT, K_SHIFT, K_COUNT } Kind;

static const char *const kinds[K_COUNT] = {
    "x", "w", "r", "s", "sp", "st", "c", "a", "page", "imm12", "wide", "mask",
    "pstate", "sysreg", "pair", "at", "scaled", "index", "ext", "shift",
};

static Kind kind_of(const char *word)
{
    Kind k = 0;
    while (k < K_COUNT && !g_str_equal(kinds[k], word)) {
        k++;
    }
    return k;
}

static bool print_register(GString *out, Kind kind, const int64_t *v)
{
    switch (kind) {
    case K_X:
        put_reg(out, 'x', v[0], false);
        return true;
    case K_W:
        put_reg(out, 'w', v[0], false);
        return true;
    case K_R:
    case K_S:
        put_reg(out, v[1] ? 'x' : 'w', v[0], kind == K_S);
        return true;
    case K_SP:
        put_reg(out, 'x', v[0], true);
        return true;
    case K_ST:
        put_reg(out, v[1] == 3 ? 'x' : 'w', v[0], false);
        return true;
    case K_C:
        put_condition(out, v[0]);
        return true;
    case K_EXT:
        put_extend(out, v[0], v[1], v[2]);
        return true;
    case K_SHIFT:
        put_shift(out, v[0], v[1]);
        return true;
    default:
        return false;
    }
}

static void print_place(GString *out, Kind kind, const int64_t *v)
{
    switch (kind) {
    case K_PAIR:
        put_place(out, v[0], v[1], v[2] * (v[3] ? 8 : 4));
        break;
    case K_AT:
        put_place(out, v[0], v[1], v[2]);
        break;
    case K_SCALED:
        put_base(out, v[0], v[1] << v[2]);
        break;
    default:
        put_index(out, v);
    }
}

static void print_number(GString *out, Kind kind, const int64_t *v,
                         uint64_t pc)
{
    switch (kind) {
    case K_A:
        g_string_append_printf(out, "%#" PRIx64, pc + v[0]);
        break;
    case K_PAGE:
        g_string_append_printf(out, "%#" PRIx64,
                               (pc & ~UINT64_C(0xfff)) + v[0]);
        break;
    case K_IMM12:
        g_string_append_printf(out, "#%#" PRIx64 "%s", v[0],
                               v[1] ? ", lsl #12" : "");
        break;
    case K_WIDE:
        g_string_append_printf(out, "#%#" PRIx64 ", lsl #%" PRId64, v[0],
                               16 * v[1]);
        break;
    case K_MASK:
        g_string_append_printf(out, "#(n=%" PRId64 ", r=%" PRId64 ", s=%"
                               PRId64 ")", v[0], v[1], v[2]);
        break;
    case K_PSTATE:
        g_string_append_printf(out, "pstate_%" PRId64 "_%" PRId64, v[0], v[1]);
        break;
    default:
        g_string_append_printf(out, "s%" PRId64 "_%" PRId64 "_c%" PRId64
                               "_c%" PRId64 "_%" PRId64, v[0] + 2, v[1], v[2],
                               v[3], v[4]);
    }
}

static void print_operand(GString *out, const char *word, const int64_t *v,
                          void *opaque)
{
    const uint64_t *pc = opaque;
    Kind kind = kind_of(word);
    if (print_register(out, kind, v)) {
        return;
    }
    if (kind >= K_PAIR) {
        print_place(out, kind, v);
    } else {
        print_number(out, kind, v, *pc);
    }
}

size_t a64_disas(Cpu *cpu, GuestAddr pc, const uint8_t *code, size_t len,
                 DisasFn *fn, void *opaque)
{
    size_t done = 0;
    bool goes_on = true;
    g_autoptr(GString) text = g_string_new(NULL);
    while (goes_on && done + 4 <= len) {
        uint32_t word = bytes_ld_le32(code + done);
        int row = a64_decode32(word);
        uint64_t at = pc + done;
        g_string_truncate(text, 0);
        if (row >= 0) {
            insn_print(&a64_rows[row], word, text, print_operand, &at);
        } else {
            g_string_printf(text, "%#010x", word);
        }
        goes_on = fn(opaque, &(DisasInsn){
                                 .pc = at, .bytes = 4, .operands = text->str,
                                 .mnemonic = row >= 0 ? a64_rows[row].mnemonic
                                                      : ".inst" });
        done += 4;
    }
    return done;
}
