/*
 * Runs cases on the emulator: a machine of RAM and one CPU, with real page
 * tables, descriptor tables and handlers.
 *
 * The code under test runs at CPL 3. Behind it, and at the branch target,
 * there is a jump to itself, so that a generous budget lets the whole case run
 * in one TB. Every vector has a handler that is such a jump, too: where the
 * CPU is in the end says what happened.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "emu-machine.h"
#include "fpu-state.h"
#include "vm/machine.h"

#define RAM_BYTES (32 * MIB)
#define TABLES 0x100000u       /* PML4, PDPT, PD */
#define GDT 0x110000u
#define IDT 0x111000u
#define TSS 0x112000u
#define HANDLERS 0x113000u     /* 16 bytes each */
#define KERNEL_STACK 0x118000u
#define BUDGET 400
#define SPIN_BYTES 3
#define CODE_ROOM 4u           /* for prefixes that 16-bit code needs */

enum { SEL_CODE32 = 0x08, SEL_CODE64 = 0x10, SEL_DATA = 0x18,
       SEL_USER32 = 0x23, SEL_USER_DATA = 0x2b, SEL_USER64 = 0x33,
       SEL_TSS = 0x38 };

#define SEGMENT_BASE 0x800000u
#define SEGMENT_LIMIT (ISA_DATA + ISA_DATA_BYTES - 1)

static Machine *machine;
static X86Cpu *cpu;
static bool segmented, code16;

static void poke(uint64_t addr, uint64_t v, unsigned size)
{
    address_space_st(machine->memory, addr, v, size);
}

static bool board_build(Machine *m, Error **errp)
{
    static MemRegion ram;
    mem_init_ram(&ram, "ram", ram_block_new(m, "isa.ram", RAM_BYTES));
    mem_add(&m->memory_root, 0, &ram, 0);
    return cpu_new(m, m->config.cpu_model, errp) != NULL;
}

/* The first 32 MiB, one to one, for everybody. */
static void build_page_tables(void)
{
    poke(TABLES, (TABLES + 0x1000) | 7, 8);
    poke(TABLES + 0x1000, (TABLES + 0x2000) | 7, 8);
    for (unsigned i = 0; i < RAM_BYTES / (2 * MIB); i++) {
        poke(TABLES + 0x2000 + 8 * i, i * 2 * MIB | 0xe7, 8);
    }
}

static void build_gdt(void)
{
    static const uint64_t gdt[] = {
        0, UINT64_C(0x00cf9b000000ffff), UINT64_C(0x00af9b000000ffff),
        UINT64_C(0x00cf93000000ffff), UINT64_C(0x00cffb000000ffff),
        UINT64_C(0x00cff3000000ffff), UINT64_C(0x00affb000000ffff),
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(gdt); i++) {
        poke(GDT + 8 * i, gdt[i], 8);
    }
    poke(TSS + 4, KERNEL_STACK, 8);    /* RSP0; in a 32-bit TSS ESP0 … */
}

static void build_handlers(void)
{
    for (unsigned v = 0; v < 32; v++) {
        poke(HANDLERS + 16 * v, 0xfeeb, 2);
    }
}

/* Gates are 8 bytes, or 16 in long mode. */
static void build_idt(bool code64)
{
    for (unsigned v = 0; v < 32; v++) {
        uint32_t at = HANDLERS + 16 * v;
        uint64_t sel = code64 ? SEL_CODE64 : SEL_CODE32;
        uint64_t gate = (at & 0xffff) | sel << 16 | UINT64_C(0xee00) << 32 |
                        (uint64_t)(at >> 16) << 48;
        poke(IDT + v * (code64 ? 16 : 8), gate, 8);
        if (code64) {
            poke(IDT + v * 16 + 8, 0, 8);
        }
    }
    if (!code64) {
        poke(TSS + 8, SEL_DATA, 4);    /* … and SS0 */
    } else {
        poke(TSS + 8, 0, 4);
    }
}

X86Cpu *emu_cpu(void)
{
    return cpu;
}

static uint64_t slice = UINT64_MAX;

extern const CpuClass x86_64_cpu_class; /* target/i386/cpu.c */
extern const AccelOps accel_tcg;         /* accel/tcg/accel.c */

static const MachineParts parts = { .cpu = &x86_64_cpu_class,
                                    .accel = &accel_tcg };
static AccelOptions options;

void emu_option(const char *option)
{
    g_auto(GStrv) pair = g_strsplit(option, "=", 2);
    Error *error = NULL;
    if (!pair[1] ||
        !accel_tcg.set_option(&options, pair[0], pair[1], &error)) {
        fprintf(stderr, "%s\n", error ? error_message(error) : option);
        exit(1);
    }
}

static const char *more_features = "";

void emu_model(const char *more)
{
    more_features = more;
}

void emu_init(uint32_t *features)
{
    static const BoardClass board = { .name = "isa", .build = board_build };
    Error *error = NULL;
    machine = machine_new(&parts, &board);
    machine->config.accel = &options;
    machine->config.has_seed = true;
    machine->config.cpu_model = g_strconcat("max", more_features, NULL);
    if (!machine_build(machine, &error)) {
        fprintf(stderr, "%s\n", error_message(error));
        exit(1);
    }
    machine_power_on(machine);
    cpu = x86_cpu(g_ptr_array_index(machine->cpus, 0));
    build_page_tables();
    build_gdt();
    build_handlers();
    for (unsigned i = 0; i < FEAT_WORDS; i++) {
        features[i] = x86_feature_word(cpu, i);
    }
    emu_option("verify=on");
}

void emu_set_variant(bool new_segmented, bool new_code16)
{
    segmented = new_segmented;
    code16 = new_code16;
}

/* The first 2 MiB page that cases use becomes small ones. */
void emu_set_guard(IsaGuard guard)
{
    const uint64_t big = ISA_CODE & ~UINT64_C(0x1fffff), table = TABLES + 0x3000;
    for (unsigned i = 0; i < 512; i++) {
        poke(table + 8 * i, (big + i * PAGE_SIZE) | 0x67, 8);
    }
    poke(table + 8 * ((ISA_GUARD - big) / PAGE_SIZE),
         guard == ISA_ABSENT ? 0 : ISA_GUARD | 0x65, 8);
    poke(TABLES + 0x2000 + 8 * (big / (2 * MIB)), table | 7, 8);
}

void emu_set_slice(uint64_t n)
{
    slice = n;
}

static uint32_t base_of(const IsaCase *c)
{
    return segmented && !c->code64 ? SEGMENT_BASE : 0;
}

static void set_segment(unsigned seg, uint16_t sel, uint32_t attr)
{
    X86State *s = &cpu->s;
    s->seg_sel[seg] = sel;
    s->seg_base[seg] = 0;
    s->seg_limit[seg] = UINT32_MAX;
    s->seg_attr[seg] = attr;
}

static void set_mode(bool code64)
{
    X86State *s = &cpu->s;
    s->cr[0] = CR0_PE | CR0_ET | CR0_WP | CR0_NE | CR0_AM | (code64 ? CR0_PG : 0);
    s->cr[3] = TABLES;
    s->cr[4] = (code64 ? CR4_PAE : 0) | CR4_OSFXSR | CR4_OSXMMEXCPT |
               CR4_OSXSAVE;
    s->xcr0 = XCR0_X87 | XCR0_SSE | XCR0_AVX;
    s->efer = code64 ? EFER_LME | EFER_LMA | EFER_SCE : 0;
    for (unsigned seg = 0; seg < SEG_COUNT; seg++) {
        set_segment(seg, SEL_USER_DATA, 0xcff300);
    }
    set_segment(SEG_CS, code64 ? SEL_USER64 : SEL_USER32,
                code64 ? 0xaffb00 : 0xcffb00);
    s->gdt_base = GDT;
    s->gdt_limit = 0xff;
    s->idt_base = IDT;
    s->idt_limit = code64 ? 32 * 16 - 1 : 32 * 8 - 1;
    s->tr_sel = SEL_TSS;
    s->tr_base = TSS;
    s->tr_limit = 0x67;
    s->tr_attr = 0x8b00;
    s->halted = s->shutdown = s->irq_shadow = false;
    s->pending_debug = 0;
    build_idt(code64);
}

static void set_variant(const IsaCase *c)
{
    X86State *s = &cpu->s;
    for (unsigned seg = 0; seg < SEG_COUNT && base_of(c); seg++) {
        s->seg_base[seg] = SEGMENT_BASE;
        s->seg_limit[seg] = SEGMENT_LIMIT;
    }
    if (code16 && !c->code64) {
        s->seg_attr[SEG_CS] &= ~DESC_B;
    }
}

/* The present prefixes of a kind go, or one comes. */
static unsigned invert_prefix(uint8_t *out, const uint8_t *in, unsigned len,
                              uint8_t prefix)
{
    static const uint8_t prefixes[] = { 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26,
                                        0x2e, 0x36, 0x3e, 0x64, 0x65 };
    unsigned n = 0, i = 0;
    bool had = false;
    for (; i < len && memchr(prefixes, in[i], sizeof(prefixes)); i++) {
        had |= in[i] == prefix;
        if (in[i] != prefix) {
            out[n++] = in[i];
        }
    }
    if (!had) {
        memmove(out + 1, out, n);
        out[0] = prefix;
        n++;
    }
    memcpy(out + n, in + i, len - i);
    return n + len - i;
}

/* Places the case so that it ends where its 32-bit form would: with 66 and 67
 * where that has none, and the other way round. Returns the offset at which it
 * starts. */
static unsigned place_code16(const IsaCase *c, uint8_t *page)
{
    uint8_t half[ISA_INSN_BYTES + 2], whole[ISA_INSN_BYTES + 2];
    unsigned len = c->len;
    memcpy(half, c->insn, len);
    if (!c->keeps_66) {
        len = invert_prefix(half, c->insn, c->len, 0x66);
    }
    len = invert_prefix(whole, half, len, 0x67);
    unsigned start = CODE_ROOM + c->len - len;
    memcpy(page + start, whole, len);
    return start;
}

/* A jump to itself; in 16-bit code with 66, to keep the upper half of EIP. */
static void place_spin(const IsaCase *c, uint8_t *at)
{
    if (code16 && !c->code64) {
        memcpy(at, "\x66\xeb\xfd", 3);
    } else {
        memcpy(at, "\xeb\xfe", 2);
    }
}

/* Returns where execution starts. */
static uint32_t place_code(const IsaCase *c)
{
    uint8_t page[CODE_ROOM + ISA_TAKEN + SPIN_BYTES];
    unsigned start = CODE_ROOM, end = CODE_ROOM + c->len;
    memset(page, 0xcc, sizeof(page));
    if (code16 && !c->code64) {
        start = place_code16(c, page);
    } else {
        memcpy(page + start, c->insn, c->len);
    }
    place_spin(c, page + end);
    place_spin(c, page + CODE_ROOM + ISA_TAKEN);
    address_space_write(machine->memory,
                        ISA_CODE - CODE_ROOM + base_of(c), page, sizeof(page));
    return ISA_CODE - CODE_ROOM + start;
}

/* In a handler: the state at the fault is on its stack, above an error code
 * for some vectors. */
static int fault_outcome(IsaState *after, bool code64)
{
    unsigned vector = (cpu->s.rip - HANDLERS) / 16;
    bool has_error = vector == 8 || (vector >= 10 && vector <= 14) ||
                     vector == 17;
    unsigned word = code64 ? 8 : 4;
    uint64_t at = cpu->s.gpr[X86_RSP] + (has_error ? word : 0);
    if (vector == EXC_PF) {
        after->fault_addr = cpu->s.cr[2];
        after->fault_error = address_space_ld(machine->memory,
                                              cpu->s.gpr[X86_RSP], word);
    }
    after->gpr[X86_RSP] = address_space_ld(machine->memory, at + 3 * word,
                                           word);
    return vector;
}

static int outcome(const IsaCase *c, IsaState *after)
{
    uint64_t rip = cpu->s.rip;
    after->fault_addr = after->fault_error = 0;
    if (rip == ISA_CODE + c->len) {
        return ISA_NEXT;
    }
    if (rip == ISA_CODE + ISA_TAKEN) {
        return ISA_BRANCH;
    }
    if (rip >= HANDLERS && rip < HANDLERS + 32 * 16) {
        return fault_outcome(after, c->code64);
    }
    return ISA_ELSEWHERE;
}

static void set_vectors(const IsaState *from)
{
    X86State *s = &cpu->s;
    for (unsigned n = 0; n < 16; n++) {
        memcpy(s->xmm[n], from->ymm[n], 16);
        memcpy(s->ymmh[n], from->ymm[n] + 2, 16);
    }
    s->mxcsr = from->mxcsr ? from->mxcsr : MXCSR_DEFAULT;
}

static void get_vectors(IsaState *to)
{
    const X86State *s = &cpu->s;
    for (unsigned n = 0; n < 16; n++) {
        memcpy(to->ymm[n], s->xmm[n], 16);
        memcpy(to->ymm[n] + 2, s->ymmh[n], 16);
    }
    to->mxcsr = s->mxcsr;
}

int emu_run(const IsaCase *c, IsaState *after)
{
    X86State *s = &cpu->s;
    uint64_t retired;
    PhysAddr data = ISA_DATA + base_of(c);
    set_mode(c->code64);
    memcpy(s->gpr, c->before.gpr, sizeof(s->gpr));
    set_vectors(&c->before);
    set_variant(c);
    s->rip = place_code(c);
    s->eflags = c->before.flags | FLAG_IF | 2;
    fpu_load(s, c->before.fpu);
    address_space_write(machine->memory, data, c->before.data,
                        ISA_DATA_BYTES);
    cpu->parent.cls->rewire(&cpu->parent);
    for (uint64_t left = BUDGET; left; left -= retired) {
        ExecStop why = cpu_exec(&cpu->parent, MIN(left, slice), &retired);
        if (why == EXEC_HALTED) {
            break;
        }
    }
    cpu->parent.cls->sync(&cpu->parent);
    memcpy(after->gpr, s->gpr, sizeof(after->gpr));
    fpu_save(s, after->fpu);
    get_vectors(after);
    after->flags = s->eflags & (ISA_FLAGS | ISA_DF);
    address_space_read(machine->memory, data, after->data,
                       ISA_DATA_BYTES);
    return outcome(c, after);
}
