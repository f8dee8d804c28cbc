/*
 * Runs the files of tests/tcg: IR as text, what is done to it, and what must
 * come out.
 *
 *   === title | fold dce
 *   insn 0x0 0x0
 *     …
 *   ---
 *   what ir_print() makes of it afterwards
 *
 * The words behind the bar are passes, done in turn; "verify" replaces the
 * text by the verifier's complaint (or "ok"), "parse" by the parser's. Every
 * input that parses is also printed, parsed and printed again. With --update
 * the files are rewritten with what came out, to be read with care.
 *
 * usage: test-ir [--update] FILE...
 */
#include <stdio.h>
#include <string.h>

#include "tb.h"

#define REG(label, member, t) { label, offsetof(Cpu, member), t }

/* Registers of a CPU that is never made: only names and types count. */
static const IrReg regs[] = {
    REG("a", frame[0], IR_I64),   REG("b", frame[1], IR_I64),
    REG("c", frame[2], IR_I64),   REG("w", frame[3], IR_I32),
    REG("dst", frame[4], IR_I64), REG("src", frame[5], IR_I64),
    REG("op", frame[6], IR_I32),  REG("v", frame[8], IR_V128),
    REG("x", frame[10], IR_V128), REG("f", frame[12], IR_F80),
    REG("pc", frame[7], IR_I64),
};

static const CpuClass test_class = {
    .name = "test", .regs = regs, .reg_count = G_N_ELEMENTS(regs),
    .pc_reg = G_N_ELEMENTS(regs) - 1,
};

static const IrHelper pure = { "pure", NULL, 2, IR_I64, 0 };
static const IrHelper reads = { "reads", NULL, 0, IR_I64, IR_READS };
static const IrHelper writes = { "writes", NULL, 1, IR_NONE, IR_WRITES };
static const IrHelper faults = { "faults", NULL, 1, IR_NONE, IR_FAULTS };
static const IrHelper all = { "all", NULL, 0, IR_NONE,
                              IR_READS | IR_WRITES | IR_FAULTS };
static const IrHelper *const helpers[] = { &pure, &reads, &writes, &faults,
                                           &all, NULL };

static bool update;
static unsigned ran, failed;

/* --- one case ------------------------------------------------------------------ */

static char *print(const IrBlock *b)
{
    GString *out = g_string_new(NULL);
    ir_print(b, out);
    return g_string_free(out, FALSE);
}

static void check_round_trip(const char *title, const IrBlock *b)
{
    Error *error = NULL;
    g_autofree char *first = print(b);
    IrBlock *again = ir_parse(&test_class, helpers, first, &error);
    g_autofree char *second = again ? print(again)
                                    : g_strdup(error_message(error));
    if (!g_str_equal(first, second)) {
        printf("%s: printed and parsed, it is another:\n%s---\n%s\n", title,
               first, second);
        failed++;
    }
    g_clear_pointer(&again, ir_block_free);
    error_free(error);
}

/* Does one word's work; returns the text that replaces the block's, or
 * NULL. */
static char *do_pass(const char *pass, IrBlock *b)
{
    if (g_str_equal(pass, "fold")) {
        ir_fold(b);
    } else if (g_str_equal(pass, "forward")) {
        ir_forward(b);
    } else if (g_str_equal(pass, "narrow")) {
        ir_narrow(b);
    } else if (g_str_equal(pass, "dce")) {
        ir_dce(b, (DceRules){ false });
    } else if (g_str_equal(pass, "dce-lazy")) {
        ir_dce(b, (DceRules){ .lazy = true });
    } else if (g_str_equal(pass, "dce-vectors")) {
        ir_dce(b, (DceRules){ .lazy = true, .vectors = true });
    } else if (g_str_equal(pass, "verify")) {
        char *wrong = ir_verify(b);
        return wrong ? g_strconcat(wrong, "\n", NULL) : g_strdup("ok\n");
    } else if (!g_str_equal(pass, "parse")) {
        return g_strdup_printf("unknown pass '%s'\n", pass);
    }
    return NULL;
}

static char *run_passes(char **passes, IrBlock *b)
{
    for (char **pass = passes; *pass; pass++) {
        char *text = **pass ? do_pass(*pass, b) : NULL;
        if (text) {
            return text;
        }
    }
    return print(b);
}

static char *transform(const char *title, char **passes, const char *in)
{
    Error *error = NULL;
    IrBlock *b = ir_parse(&test_class, helpers, in, &error);
    if (!b) {
        char *text = g_strdup_printf("%s\n", error_message(error));
        error_free(error);
        return text;
    }
    check_round_trip(title, b);
    char *text = run_passes(passes, b);
    ir_block_free(b);
    return text;
}

/* Returns the case as the file should have it. */
static char *run_case(const char *text)
{
    g_auto(GStrv) part = g_strsplit(text, "---\n", 2);
    g_auto(GStrv) head_body = g_strsplit(part[0], "\n", 2);
    g_auto(GStrv) title = g_strsplit(head_body[0], "|", 2);
    g_auto(GStrv) passes = g_strsplit_set(title[1] ? title[1] : "", " ", -1);
    const char *want = part[1] ? part[1] : "";
    g_autofree char *got = transform(g_strstrip(title[0]), passes,
                                     head_body[1]);
    g_autofree char *want_text = g_strchomp(g_strdup(want));
    g_autofree char *got_text = g_strchomp(g_strdup(got));
    ran++;
    if (!g_str_equal(want_text, got_text) && !update) {
        failed++;
        printf("%s: wanted\n%s\n--- but got\n%s\n\n", title[0], want_text,
               got_text);
    }
    return g_strdup_printf("=== %s---\n%s\n\n", part[0], got_text);
}

/* --- files ----------------------------------------------------------------------- */

static bool run_file(const char *path)
{
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL)) {
        printf("cannot read %s\n", path);
        return false;
    }
    g_auto(GStrv) cases = g_strsplit(text, "=== ", -1);
    GString *now = g_string_new(cases[0]);
    for (unsigned n = 1; cases[0] && cases[n]; n++) {
        g_autofree char *done = run_case(cases[n]);
        g_string_append(now, done);
    }
    g_string_truncate(now, now->len - 1);
    bool ok = !update || g_file_set_contents(path, now->str, now->len, NULL);
    g_string_free(now, TRUE);
    return ok;
}

int main(int argc, char **argv)
{
    bool ok = true;
    for (int i = 1; i < argc; i++) {
        if (g_str_equal(argv[i], "--update")) {
            update = true;
        } else {
            ok &= run_file(argv[i]);
        }
    }
    printf("%u cases, %u failed\n", ran, failed);
    return !ok || failed || !ran;
}
