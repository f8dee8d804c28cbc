/*
 * -replay-state: the machine's state at some icounts of a replay, as text.
 *
 * For each icount "state ICOUNT DIGEST", and what else was asked for; then
 * where the walk ended ("stop ICOUNT"), where the state was last known to be
 * the recorded one ("agreed ICOUNT") and, if it is not any more, "diverged
 * TEXT". -replay-bisect reads this (ORDER state-text, cli/walk.c).
 */
#include "program.h"

#include <stdlib.h>
#include <string.h>

#include "svc/verify.h"
#include "vm/cpu.h"

/* "insn 0x7c00 mov ...": what comes next, unless an interrupt does. */
static void print_insns(const Program *p)
{
    for (guint i = 0; i < p->m->cpus->len; i++) {
        Cpu *cpu = g_ptr_array_index(p->m->cpus, i);
        unsigned n = i;
        TbKey key;
        cpu->cls->tb_key(cpu, &key);
        g_autofree char *line =
            g_strdup_printf("x /1i 0x%" G_GINT64_MODIFIER "x", key.pc);
        g_autofree char *text = monitor_run_hmp(p->m, p->replay, &n, line);
        printf("insn %s\n", g_strchomp(text));
    }
}

static bool print_pages(const Program *p, GString *out, Error **errp)
{
    if (!p->opts.verify.pages) {
        return true;
    }
    g_auto(GStrv) places = g_strsplit(p->opts.verify.pages, ":", -1);
    for (char **place = places; *place; place++) {
        if (!replay_print_page(p->replay, *place, out, errp)) {
            return false;
        }
    }
    return true;
}

static bool print_state(const Program *p, Icount icount, Error **errp)
{
    g_autoptr(GString) out = g_string_new(NULL);
    printf("state %" G_GUINT64_FORMAT " %016" G_GINT64_MODIFIER "x\n", icount,
           replay_state_digest(p->replay));
    if (p->opts.verify.whole) {
        replay_print_state(p->replay, out);
        print_insns(p);
    }
    bool ok = print_pages(p, out, errp);
    fputs(out->str, stdout);
    return ok;
}

static void print_end(const Program *p)
{
    Icount agreed = replay_agreed(p->replay);
    const char *divergence = replay_divergence(p->replay);
    printf("stop %" G_GUINT64_FORMAT "\n", machine_icount(p->m));
    if (agreed != ICOUNT_NONE) {
        printf("agreed %" G_GUINT64_FORMAT "\n", agreed);
    }
    if (divergence) {
        printf("diverged %s\n", divergence);
    }
}

/* To the last icount, if the replay agrees until then, and back. */
static bool go_back(const Program *p, Error **errp)
{
    const VerifyOption *v = &p->opts.verify;
    Icount last = MIN(v->to, replay_end(p->replay));
    if (last) {
        replay_walk_to(p->replay, last - 1);
    }
    return replay_seek(p->replay, MIN(v->from, machine_icount(p->m)), errp);
}

static bool print_states(const Program *p, Error **errp)
{
    const VerifyOption *v = &p->opts.verify;
    if (v->checkpoint && !go_back(p, errp)) {
        return false;
    }
    for (Icount at = v->from;; at = MIN(v->to - at, v->step) + at) {
        if (replay_walk_to(p->replay, at) && !print_state(p, at, errp)) {
            return false;
        }
        if (at == v->to || machine_icount(p->m) < at) {
            return true;
        }
    }
}

int program_print_states(Program *p)
{
    Error *err = NULL;
    bool ok = print_states(p, &err);
    if (ok) {
        print_end(p);
    } else {
        error_report("%s", error_message(err));
        error_free(err);
    }
    bool diverged = replay_divergence(p->replay);
    return fflush(stdout) || !ok || diverged ? EXIT_FAILURE : EXIT_SUCCESS;
}
