/*
 * Any x86 code in any mode, on both back ends: states and memory must be the
 * same in the end, whatever the lengths of TBs and budgets and whatever is
 * forgotten on the way.
 *
 * A machine of 1 MiB of RAM and a CPU, with page tables, descriptor tables and
 * handlers that halt. The first byte is the mode, the second a budget, then
 * come the flags (2), a byte for each register, and the code.
 */
#include <string.h>

#include "base/digest.h"
#include "cpu.h"
#include "fuzz.h"
#include "vm/machine.h"
#include "vm/sched.h"

#define RAM_BYTES (1 * MIB)
#define IVT       0x0u
#define CODE      0x4000u
#define DATA      0x8000u      /* to 0xbfff, the stack behind */
#define STACK     0xd000u
#define TABLES    0x10000u     /* PML4, PDPT, PD, and for 32 bits a PD */
#define GDT       0x14000u
#define IDT       0x15000u
#define TSS       0x16000u
#define HANDLERS  0x17000u     /* 16 bytes each */
#define INSNS     300u
#define CODE_MAX  512u

enum { SEL_CODE32 = 0x08, SEL_CODE64 = 0x10, SEL_DATA = 0x18,
       SEL_USER32 = 0x23, SEL_USER_DATA = 0x2b, SEL_USER64 = 0x33,
       SEL_TSS = 0x38, SEL_CODE16 = 0x48 };

typedef enum Mode {
    MODE_REAL, MODE_KERNEL32, MODE_USER32, MODE_KERNEL64, MODE_USER64,
    MODE_PROT16, MODE_VM86, MODE_COMPAT, MODE_COUNT
} Mode;

typedef struct Case {
    Mode mode;
    bool paging;               /* also where the mode does not need it */
    uint64_t slice;            /* instructions at a time */
    uint16_t flags;
    uint8_t reg[16];
    const uint8_t *code;
    size_t code_len;
} Case;

/* --- the machine --------------------------------------------------------------- */

typedef struct Way {
    AccelOptions options;
    bool sliced;
} Way;

static const Way ways[] = {
    { .options = { .backend = "interp" } },     /* the oracle */
    { .options = { .backend = "x86_64" } },
    { .options = { .backend = "x86_64" }, .sliced = true },
    { .options = { .backend = "x86_64", .interpret = INTERPRET_ONCE },
      .sliced = true },
    { .options = { .backend = "x86_64", .interpret = INTERPRET_ALWAYS } },
    { .options = { .backend = "interp", .one_insn_per_tb = true,
                   .flush_seed = 1 } },
};

static bool board_build(Machine *m, Error **errp)
{
    MemRegion *ram = g_new0(MemRegion, 1);
    mem_init_ram(ram, "ram", ram_block_new(m, "ram", RAM_BYTES));
    mem_add(&m->memory_root, 0, ram, 0);
    m->memory_root.opaque = ram;
    return cpu_new(m, m->config.cpu_model, errp) != NULL;
}

extern const CpuClass x86_64_cpu_class; /* target/i386/cpu.c */
extern const AccelOps accel_tcg;         /* accel/tcg/accel.c */

static Machine *machine_start(AccelOptions *o)
{
    static const MachineParts parts = { .cpu = &x86_64_cpu_class,
                                        .accel = &accel_tcg };
    static const BoardClass board = { .name = "fuzz", .build = board_build };
    Machine *m = machine_new(&parts, &board);
    o->tb_bytes = MIB;
    o->verify = true;
    m->config.accel = o;
    m->config.has_seed = true;
    m->config.cpu_model = "max";
    bool ok = machine_build(m, NULL);
    g_assert(ok);
    machine_power_on(m);
    return m;
}

static void machine_end(Machine *m)
{
    MemRegion *ram = m->memory_root.opaque;
    machine_free(m);
    g_free(ram);
}

/* --- memory ------------------------------------------------------------------------ */

static void poke(Machine *m, uint64_t addr, uint64_t v, unsigned size)
{
    address_space_st(m->memory, addr, v, size);
}

/* One to one, for everybody; the last pages of DATA are not to be written. */
static void put_page_tables(Machine *m)
{
    poke(m, TABLES, (TABLES + 0x1000) | 7, 8);
    poke(m, TABLES + 0x1000, (TABLES + 0x2000) | 7, 8);
    poke(m, TABLES + 0x2000, 0xe7, 8);
    poke(m, TABLES + 0x3000, 0xe7, 4);
}

static void put_gdt(Machine *m)
{
    static const uint64_t gdt[] = {
        0, UINT64_C(0x00cf9b000000ffff), UINT64_C(0x00af9b000000ffff),
        UINT64_C(0x00cf93000000ffff), UINT64_C(0x00cffb000000ffff),
        UINT64_C(0x00cff3000000ffff), UINT64_C(0x00affb000000ffff),
        UINT64_C(0x00008b0000000067) | (uint64_t)(TSS & 0xffffff) << 16, 0,
        UINT64_C(0x00009b000000ffff),
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(gdt); i++) {
        poke(m, GDT + 8 * i, gdt[i], 8);
    }
    poke(m, TSS + 4, STACK, 8);
}

/* Every vector leads to a HLT. */
static void put_handlers(Machine *m, bool wide)
{
    uint64_t sel = wide ? SEL_CODE64 : SEL_CODE32;
    for (unsigned v = 0; v < 256; v++) {
        uint32_t at = HANDLERS + 16 * (v % 32);
        uint64_t gate = (at & 0xffff) | sel << 16 | UINT64_C(0xee00) << 32 |
                        (uint64_t)(at >> 16) << 48;
        poke(m, IVT + 4 * v, (at & 0xf) | (uint64_t)(at >> 4) << 16, 4);
        poke(m, IDT + v * (wide ? 16 : 8), gate, 8);
        if (wide) {
            poke(m, IDT + v * 16 + 8, 0, 8);
        } else {
            poke(m, TSS + 8, SEL_DATA, 4);
        }
        poke(m, at, 0xf4, 1);
    }
}

static void put_data(Machine *m)
{
    uint64_t v = 1;
    for (unsigned at = DATA; at < STACK; at += 8) {
        v = v * UINT64_C(0x5851f42d4c957f2d) + 1;
        poke(m, at, at % 64 ? v : DATA + (v >> 50), 8);
    }
}

/* --- the CPU -------------------------------------------------------------------------- */

static bool is_long(Mode mode)
{
    return mode == MODE_KERNEL64 || mode == MODE_USER64 || mode == MODE_COMPAT;
}

static bool is_user(Mode mode)
{
    return mode == MODE_USER32 || mode == MODE_USER64 || mode == MODE_COMPAT;
}

static void set_segments(X86State *s, Mode mode)
{
    /* ORDER fuzz mode */
    static const struct {
        uint16_t sel;
        uint32_t attr;
    } code[MODE_COUNT] = {
        { 0, 0x9b00 }, { SEL_CODE32, 0xcf9b00 }, { SEL_USER32, 0xcffb00 },
        { SEL_CODE64, 0xaf9b00 }, { SEL_USER64, 0xaffb00 },
        { SEL_CODE16, 0x9b00 }, { 0, 0xf300 }, { SEL_USER32, 0xcffb00 },
    };
    bool flat = mode != MODE_REAL && mode != MODE_PROT16 && mode != MODE_VM86;
    uint16_t data_sel = mode == MODE_REAL || mode == MODE_VM86 ? 0
                        : is_user(mode) ? SEL_USER_DATA : SEL_DATA;
    for (unsigned n = 0; n < SEG_COUNT; n++) {
        bool cs = n == SEG_CS;
        s->seg_sel[n] = cs ? code[mode].sel : data_sel;
        s->seg_base[n] = 0;
        s->seg_limit[n] = flat ? UINT32_MAX : 0xffff;
        s->seg_attr[n] = cs ? code[mode].attr
                         : is_user(mode) ? 0xcff300
                         : flat ? 0xcf9300
                         : mode == MODE_VM86 ? 0xf300 : 0x9300;
    }
}

static void set_control(X86State *s, const Case *c)
{
    bool wide = is_long(c->mode);
    bool prot = c->mode != MODE_REAL;
    bool paging = wide || (prot && c->paging);
    s->cr[0] = CR0_ET | (prot ? CR0_PE | CR0_WP : 0) | (paging ? CR0_PG : 0);
    s->cr[3] = wide ? TABLES : TABLES + 0x3000;
    s->cr[4] = (wide ? CR4_PAE : CR4_PSE);
    s->efer = wide ? EFER_LME | EFER_LMA | EFER_SCE : 0;
    s->gdt_base = GDT;
    s->gdt_limit = 0xff;
    s->idt_base = prot ? IDT : IVT;
    s->idt_limit = wide ? 256 * 16 - 1 : prot ? 256 * 8 - 1 : 0x3ff;
    s->tr_sel = SEL_TSS;
    s->tr_base = TSS;
    s->tr_limit = 0x67;
    s->tr_attr = 0x8b00;
}

/* Where arithmetic turns, or somewhere in the data. */
static uint64_t reg_value(uint8_t b)
{
    static const uint64_t corners[] = {
        0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
        0xffffffff, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX, CODE, STACK,
    };
    if (b < 128) {
        return DATA + b * 97;
    }
    if (b < 128 + G_N_ELEMENTS(corners)) {
        return corners[b - 128];
    }
    return UINT64_C(0x9e3779b97f4a7c15) * b;
}

static void set_registers(X86State *s, const Case *c)
{
    bool narrow = c->mode != MODE_KERNEL64 && c->mode != MODE_USER64;
    for (unsigned r = 0; r < (narrow ? 8 : 16); r++) {
        uint64_t v = reg_value(c->reg[r]);
        s->gpr[r] = narrow ? (uint32_t)v : v;
    }
    if (!(c->reg[X86_RSP] & 1)) {
        s->gpr[X86_RSP] = STACK - 0x100;
    }
    s->rip = CODE;
    /* Single steps only now and then: nothing else would be tried. */
    uint64_t flags = (c->flags & 0x47cd5) | (c->flags & 8 ? FLAG_TF : 0);
    s->eflags = flags | 2 | (c->mode == MODE_VM86 ? FLAG_VM : 0);
    if (c->mode == MODE_REAL) {
        s->eflags &= ~UINT64_C(0x40000);
    }
}

static void case_place(Machine *m, const Case *c)
{
    X86Cpu *cpu = x86_cpu(g_ptr_array_index(m->cpus, 0));
    put_page_tables(m);
    put_gdt(m);
    put_handlers(m, is_long(c->mode));
    put_data(m);
    address_space_write(m->memory, CODE, c->code, c->code_len);
    poke(m, CODE + c->code_len, 0xf4, 1);
    set_segments(&cpu->s, c->mode);
    set_control(&cpu->s, c);
    set_registers(&cpu->s, c);
    machine_rewire(m);
}

/* --- running and comparing --------------------------------------------------------- */

/* Idle, a triple fault or enough instructions end it; a reset happens. */
static void case_run(Machine *m, uint64_t slice)
{
    runstate_set(m, RUN_RUNNING);
    SchedStop why = SCHED_LIMIT;
    /* How much work a way takes differs: that a slice's is done ends nothing.
     * It comes to an end, because events without instructions count, too. */
    while (machine_icount(m) < INSNS &&
           (why == SCHED_LIMIT || why == SCHED_WORK)) {
        why = sched_run(m, MIN(machine_icount(m) + slice, INSNS));
    }
}

static void tell_state(Machine *m, const Way *w)
{
    Cpu *cpu = g_ptr_array_index(m->cpus, 0);
    g_autoptr(GString) out = g_string_new(NULL);
    cpu->cls->sync(cpu);
    cpu->cls->print_registers(cpu, out);
    g_printerr("way %d: icount %" G_GUINT64_FORMAT "\n%s\n",
               (int)(w - ways), machine_icount(m), out->str);
}

static void tell_difference(Machine *oracle, Machine *m, const Way *w,
                            const Case *c)
{
    g_printerr("mode %d, code:", c->mode);
    for (size_t i = 0; i < c->code_len; i++) {
        g_printerr(" %02x", c->code[i]);
    }
    g_printerr("\n");
    tell_state(oracle, &ways[0]);
    tell_state(m, w);
    const uint8_t *a = ram_host(oracle, 0), *b = ram_host(m, 0);
    for (unsigned i = 0; i < RAM_BYTES; i++) {
        if (a[i] != b[i]) {
            g_printerr("[%x] %02x %02x\n", i, a[i], b[i]);
        }
    }
    g_error("the ways of running it differ");
}

static bool same(Machine *a, Machine *b)
{
    return machine_icount(a) == machine_icount(b) &&
           machine_state_digest(a) == machine_state_digest(b) &&
           !memcmp(ram_host(a, 0), ram_host(b, 0), RAM_BYTES);
}

/* The options live as long as the machine. */
static Machine *case_machine(const Case *c, const Way *w, AccelOptions *o)
{
    *o = w->options;
    Machine *m = machine_start(o);
    case_place(m, c);
    case_run(m, w->sliced ? c->slice : INSNS);
    return m;
}

static Case case_read(FuzzInput *in)
{
    Case c;
    uint8_t mode = fuzz_u8(in);
    c.mode = mode % MODE_COUNT;
    c.paging = mode & 0x80;
    c.slice = 1 + fuzz_u8(in) % 16;
    c.flags = fuzz_int(in, 2);
    for (unsigned i = 0; i < 16; i++) {
        c.reg[i] = fuzz_u8(in);
    }
    c.code = fuzz_bytes(in, CODE_MAX, &c.code_len);
    return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = { data, size };
    Case c = case_read(&in);
    AccelOptions first, other;
    Machine *oracle = case_machine(&c, &ways[0], &first);
    for (unsigned i = 1; i < G_N_ELEMENTS(ways); i++) {
        Machine *m = case_machine(&c, &ways[i], &other);
        if (!same(oracle, m)) {
            tell_difference(oracle, m, &ways[i], &c);
        }
        machine_end(m);
    }
    machine_end(oracle);
    return 0;
}
