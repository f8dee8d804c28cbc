/*
 * The pins of the CPU, which boards drive and chips are wired to, and the two
 * messages that start a processor: INIT and the start-up IPI. See
 * pins/x86.h.
 */
#include "pins/x86.h"

#include <string.h>

#include "cpuid.h"
#include "sys.h"

static void pin_set_intr(Cpu *cpu, bool level)
{
    x86_cpu(cpu)->s.intr = level;
    cpu_kick(cpu);
}

/* The machine calls with each edge; a rising one latches. */
static void pin_set_nmi(Cpu *cpu, bool level)
{
    x86_cpu(cpu)->s.nmi_pending |= level;
    cpu_kick(cpu);
}

static void pin_set_smi(Cpu *cpu)
{
    x86_cpu(cpu)->s.smi_pending = true;
    cpu_kick(cpu);
}

static void pin_set_a20(Cpu *cpu, bool open)
{
    if (x86_cpu(cpu)->s.a20 != open) {
        x86_cpu(cpu)->s.a20 = open;
        tlb_flush(cpu);
        cpu_kick(cpu);
    }
}

static void pin_connect_pic(Cpu *cpu, int (*ack)(void *opaque),
                            void *opaque)
{
    x86_cpu(cpu)->pic_ack = ack;
    x86_cpu(cpu)->pic = opaque;
}

static void pin_set_smram(Cpu *cpu, AddressSpace *smm_memory)
{
    x86_cpu(cpu)->smm_memory = smm_memory;
}

static void pin_connect_ferr(Cpu *cpu,
                             void (*ferr)(void *opaque, bool level),
                             void *opaque)
{
    x86_cpu(cpu)->ferr = ferr;
    x86_cpu(cpu)->ferr_opaque = opaque;
}

static void pin_set_ignne(Cpu *cpu, bool level)
{
    x86_cpu(cpu)->s.ignne = level;
}

/* --- INIT and start-up ----------------------------------------------------------- */

/* The registers that INIT sets as power-on does (SDM vol. 3, table 10-1; APM
 * vol. 2, table 14-1); all others stay: the units', the memory types, most
 * model-specific registers, SMBASE and the pins. */
static void registers_as_at_power_on(X86State *s, const X86State *fresh)
{
#define RESET(member) memcpy(&s->member, &fresh->member, sizeof s->member)
    RESET(gpr); RESET(rip); RESET(eflags);
    RESET(seg_base); RESET(seg_limit); RESET(seg_attr); RESET(seg_sel);
    RESET(ldt_sel); RESET(ldt_base); RESET(ldt_limit); RESET(ldt_attr);
    RESET(tr_sel); RESET(tr_base); RESET(tr_limit); RESET(tr_attr);
    RESET(gdt_base); RESET(gdt_limit); RESET(idt_base); RESET(idt_limit);
    RESET(cr); RESET(cr8); RESET(dr); RESET(pdpte); RESET(efer);
    RESET(halted); RESET(shutdown); RESET(in_smm);
    RESET(nmi_pending); RESET(nmi_blocked); RESET(smi_pending);
    RESET(pending_debug); RESET(irq_shadow); RESET(ss_shadow);
    RESET(in_rep);
    RESET(monitoring); RESET(mwait_any);
    RESET(wait_sipi); RESET(init_pending);
#undef RESET
}

void x86_init(X86Cpu *cpu)
{
    const CpuClass *cls = cpu->parent.cls;
    uint64_t cache_bits = cpu->s.cr[0] & (CR0_CD | CR0_NW);
    cls->sync(&cpu->parent);
    X86State now = cpu->s;
    state_reset(cls->state(), &cpu->s);
    cls->reset(&cpu->parent);
    registers_as_at_power_on(&now, &cpu->s);
    now.cr[0] = (now.cr[0] & ~(uint64_t)(CR0_CD | CR0_NW)) | cache_bits;
    cpu->s = now;
    cls->rewire(&cpu->parent);
    if (cpu->apic) {
        cpu->apic_ops->init(cpu->apic);
    }
}

/* Who sends it to itself is in the middle of an instruction. */
static void pin_init(Cpu *cpu)
{
    if (cpu->in_tb) {
        x86_cpu(cpu)->s.init_pending = true;
    } else {
        x86_init(x86_cpu(cpu));
    }
    cpu_kick(cpu);
}

static void pin_startup(Cpu *cpu, uint8_t vector)
{
    X86State *s = &x86_cpu(cpu)->s;
    if (!s->wait_sipi) {
        return;
    }
    s->wait_sipi = false;
    s->seg_sel[SEG_CS] = vector << 8;
    s->seg_base[SEG_CS] = vector << 12;
    s->rip = 0;
    x86_update_modes(x86_cpu(cpu));
    cpu_kick(cpu);
}

static void pin_connect_apic(Cpu *cpu, const X86ApicOps *ops, void *apic)
{
    x86_cpu(cpu)->apic_ops = ops;
    x86_cpu(cpu)->apic = apic;
}

static int64_t pin_tsc_due_ns(Cpu *cpu, uint64_t tsc)
{
    int64_t now_ns = clock_now_ns(cpu->machine->clock);
    uint64_t now = now_ns + x86_cpu(cpu)->s.tsc_adjust;
    uint64_t left = tsc > now ? tsc - now : 0;
    return left < (uint64_t)CLOCK_FAR_NS ? now_ns + (int64_t)left : TIME_NEVER;
}

static bool pin_has_apic(const Cpu *cpu)
{
    const X86Cpu *x = x86_cpu((Cpu *)cpu);
    return x86_feature_word(x, FEAT_1_EDX) & CPUID_1_EDX_APIC;
}

const X86Pins x86_pin_table = {
    .set_intr = pin_set_intr,
    .set_nmi = pin_set_nmi,
    .set_smi = pin_set_smi,
    .set_a20 = pin_set_a20,
    .connect_pic = pin_connect_pic,
    .set_smram = pin_set_smram,
    .connect_ferr = pin_connect_ferr,
    .set_ignne = pin_set_ignne,
    .init = pin_init,
    .startup = pin_startup,
    .tsc_due_ns = pin_tsc_due_ns,
    .has_apic = pin_has_apic,
    .connect_apic = pin_connect_apic,
};

