/*
 * `info registers` and `info mem`.
 */
#include "base/bits.h"
#include "show.h"

void arm_print_registers(Cpu *parent, GString *out)
{
    ArmCpu *cpu = arm_cpu(parent);
    const ArmState *s = &cpu->s;
    uint32_t pstate = arm_pstate(cpu);
    g_string_append_printf(out, " PC=%016" G_GINT64_MODIFIER "x ", s->pc);
    for (unsigned i = 0; i < 32; i++) {
        uint64_t v = i < 31 ? s->x[i] : s->sp;
        if (i < 31) {
            g_string_append_printf(out, "X%02u=%016" G_GINT64_MODIFIER "x%c",
                                   i, v, i % 3 == 1 ? '\n' : ' ');
        } else {
            g_string_append_printf(out, " SP=%016" G_GINT64_MODIFIER "x\n", v);
        }
    }
    g_string_append_printf(out, "PSTATE=%08x %c%c%c%c EL%u%c\n", pstate,
                           pstate & BIT(31) ? 'N' : '-',
                           pstate & BIT(30) ? 'Z' : '-',
                           pstate & BIT(29) ? 'C' : '-',
                           pstate & BIT(28) ? 'V' : '-', s->el,
                           s->spsel ? 'h' : 't');
    g_string_append_printf(out, "FPCR=%08x FPSR=%08x\n", s->fpcr, s->fpsr);
    for (unsigned i = 0; i < 32; i++) {
        g_string_append_printf(
            out, "Q%02u=%016" G_GINT64_MODIFIER "x:%016" G_GINT64_MODIFIER
            "x%c", i, s->v[2 * i + 1], s->v[2 * i], i % 2 ? '\n' : ' ');
    }
}

void arm_print_mem(Cpu *parent, GString *out)
{
    const ArmState *s = &arm_cpu(parent)->s;
    g_string_append_printf(out, "TTBR0_EL1=%016" G_GINT64_MODIFIER
                           "x TTBR1_EL1=%016" G_GINT64_MODIFIER
                           "x TCR_EL1=%016" G_GINT64_MODIFIER "x%s\n",
                           s->ttbr[0], s->ttbr[1], s->tcr,
                           s->sctlr & SCTLR_M ? "" : " (off)");
}
