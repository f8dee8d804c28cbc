/*
 * Random cases for the comparison with the host. See case.h.
 */
#include "case.h"
#include "fpu-state.h"

#include <stdlib.h>
#include <string.h>

#include "opmap-gen.h"

uint32_t case_features[FEAT_WORDS];
static uint64_t rng_state;

/* xorshift64*: the tests' own, so that seeds mean the same everywhere. */
void random_seed(uint64_t seed)
{
    rng_state = seed * 2 + 1;
    random64();
    random64();
}

uint64_t random64(void)
{
    rng_state ^= rng_state >> 12;
    rng_state ^= rng_state << 25;
    rng_state ^= rng_state >> 27;
    return rng_state * UINT64_C(0x2545f4914f6cdd1d);
}

unsigned random_below(unsigned n)
{
    return (random64() >> 33) % n;
}

bool chance(unsigned percent)
{
    return random_below(100) < percent;
}

/* Values at which arithmetic turns are more likely than by chance. */
static uint64_t random_value(void)
{
    static const uint64_t corners[] = { 0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff,
                                        0x8000, 0xffff, 0x7fffffff,
                                        0x80000000, 0xffffffff,
                                        INT64_MAX, UINT64_C(1) << 63,
                                        UINT64_MAX };
    uint64_t v = random64();
    switch (random_below(4)) {
    case 0:
        return corners[random_below(G_N_ELEMENTS(corners))];
    case 1:
        return bits_sext(v, 1 + random_below(64));
    case 2:
        return v & bits_mask(1 + random_below(64));
    default:
        return v;
    }
}

/* --- which rows, which flags ------------------------------------------------*/

/* Rows that need privilege or touch what a process cannot, or whose results
 * are the processor's own. */
static const char *const skipped[] = {
    "esc", "in", "out", "ins", "outs", "int", "int3", "int1",
    "into", "iret", "retf", "cli", "sti", "popf", "pushf", "les", "lds",
    "lss", "lfs", "lgs", "syscall", "sysret", "sysenter", "sysexit", "cpuid",
    "rdtsc", "rdtscp", "rdpmc", "rdrand", "rdseed", "rsm", "monitor",
    "mwait", "sgdt", "sidt", "sldt", "str", "smsw", "verr", "verw", "lar",
    "lsl", "rdfsbase", "rdgsbase", "wrfsbase", "wrgsbase", "rdpid",
    "rcpps", "rcpss", "rsqrtps", "rsqrtss", "vrcpps", "vrcpss",
    "vrsqrtps", "vrsqrtss", "xgetbv", "rdpkru",
};

/* These end their TB though programs may have them: they change the mode of
 * SIMD exceptions, or store much. */
static bool may_end(const OpRow *row)
{
    return is_one_of(row->mnemonic, "ldmxcsr vldmxcsr") || row_is_area(row);
}

bool row_is_user(const OpRow *row)
{
    if ((row->flags & (ROW_PRIV | ROW_IO)) ||
        ((row->flags & ROW_END) && !may_end(row))) {
        return false;
    }
    for (unsigned i = 0; i < OP_MAX; i++) {
        if (row->op[i].method == OPM_SEG || row->op[i].method == OPM_S ||
            row->op[i].method == OPM_A) {
            return false;
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(skipped); i++) {
        if (!strcmp(row->mnemonic, skipped[i])) {
            return false;
        }
    }
    return true;
}

bool row_offered(const OpRow *row)
{
    return !row->feat_mask || (case_features[row->feat_word] & row->feat_mask);
}

bool is_one_of(const char *name, const char *list)
{
    size_t n = strlen(name);
    for (const char *at = strstr(list, name); at; at = strstr(at + 1, name)) {
        if ((at == list || at[-1] == ' ') &&
            (at[n] == ' ' || at[n] == '\0')) {
            return true;
        }
    }
    return false;
}

/* --- making a case ----------------------------------------------------------*/

static uint8_t pick_bit(uint8_t mask)
{
    for (;;) {
        unsigned n = random_below(8);
        if (mask & (1u << n)) {
            return n;
        }
    }
}

static bool row_has_modrm(const OpRow *row, unsigned map, unsigned opcode)
{
    return opmap_slots[map][opcode].modrm;
}

/* The first opcode byte of a row: what stands in front of "/1", "+r". */
static void row_opcode(const OpRow *row, unsigned *map, unsigned *opcode)
{
    g_auto(GStrv) words = g_strsplit(row->opcode, " ", -1);
    unsigned last = g_strv_length(words) - 1;
    last -= words[last][0] == '/';
    *opcode = strtoul(words[last], NULL, 16);
    *map = row->map;
    if (g_str_has_suffix(words[last], "+r")) {
        *opcode += random_below(8);
    } else if (g_str_has_suffix(words[last], "+cc")) {
        *opcode += random_below(16);
    }
}

static void put(IsaCase *c, uint8_t byte)
{
    c->insn[c->len++] = byte;
}

const OpRow *random_user_row(bool code64)
{
    for (;;) {
        const OpRow *row = &opmap_rows[random_below(OPMAP_ROWS)];
        if (row_is_user(row) && row_offered(row) &&
            (row->modes & (code64 ? 2 : 1))) {
            return row;
        }
    }
}

bool is_branch(const OpRow *row)
{
    return row->op[0].method == OPM_J ||
           is_one_of(row->mnemonic, "jmp call ret");
}

static void put_prefixes(IsaCase *c, const OpRow *row)
{
    bool free_66 = (row->prefixes & 3) == 3 || row->prefixes == 8;
    if (row->prefixes == 2 ||
        (free_66 && chance(30) && !is_branch(row))) {
        put(c, 0x66);
    }
    if (c->code64 && chance(15)) {
        put(c, 0x67);
    }
    if (row->prefixes == 8 || row->prefixes == 4) {
        put(c, row->prefixes == 8 ? 0xf2 : 0xf3);
    } else if (row->op[0].method == OPM_Y || row->op[0].method == OPM_X ||
               row->op[1].method == OPM_X || row->op[1].method == OPM_Y) {
        if (chance(60)) {
            put(c, chance(50) ? 0xf2 : 0xf3);
        }
    }
    if (c->code64 && chance(60)) {
        put(c, 0x40 | random_below(16));
    }
}

static unsigned pick_mod(const OpRow *row)
{
    if (row->mods == 2 || (row->mods == 3 && chance(50))) {
        return 3;
    }
    return random_below(3);
}

/* VEX in one of its forms. */
static void put_vex(IsaCase *c, const OpRow *row)
{
    unsigned pp = row->prefixes == 2 ? 1 : row->prefixes == 4 ? 2 :
                  row->prefixes == 8 ? 3 : 0;
    unsigned l = row->lengths == 3 ? random_below(2) : row->lengths == 2;
    unsigned w = row->widths == 3 ? random_below(2) : row->widths == 2;
    unsigned vvvv = row->flags & ROW_VVVV ? random_below(16) : 15;
    uint8_t last = vvvv << 3 | l << 2 | pp;
    unsigned rxb = c->code64 ? random_below(8) : 6 | random_below(2);
    if (c->code64 && chance(15)) {
        put(c, 0x67);
    }
    if (row->map == 5 && !(row->widths == 2) && chance(50)) {
        put(c, 0xc5);
        put(c, last | (c->code64 && chance(50) ? 0 : 0x80));
        return;
    }
    put(c, 0xc4);
    put(c, rxb << 5 | (row->map & 3));
    put(c, last | w << 7);
}

/* Legacy prefixes, REX and the bytes that say the map. */
static void put_map(IsaCase *c, const OpRow *row)
{
    put_prefixes(c, row);
    if (row->map) {
        put(c, 0x0f);
    }
    if (row->map > 1) {
        put(c, row->map == 2 ? 0x38 : 0x3a);
    }
}

/* Prefixes, opcode and ModRM as the row wants them, then random bytes. */
static void make_bytes(IsaCase *c, const OpRow *row, bool registers)
{
    unsigned start = c->len;
    unsigned map, opcode;
    row_opcode(row, &map, &opcode);
    if (row->flags & ROW_VEX) {
        put_vex(c, row);
    } else {
        put_map(c, row);
    }
    put(c, opcode);
    if (row_has_modrm(row, map, opcode)) {
        put(c, (registers ? 3 : pick_mod(row)) << 6 | pick_bit(row->regs) << 3 |
               pick_bit(row->rms));
    }
    while (c->len < start + 15) {
        put(c, random64() >> 20);
    }
}

static uint8_t case_byte(void *opaque, unsigned offset)
{
    return ((const uint8_t *)opaque)[offset];
}

DecodeResult decode_case(IsaCase *c, unsigned at, X86Insn *in)
{
    DecodeMode m = { .code64 = c->code64, .cs32 = true, .vex = true,
                     .features = case_features, .byte = case_byte,
                     .opaque = c->insn + at };
    return x86_decode(&m, in);
}

bool append_bytes(IsaCase *c, const OpRow *row, bool registers, X86Insn *in)
{
    unsigned at = c->len;
    make_bytes(c, row, registers);
    bool ok = decode_case(c, at, in) == DECODE_OK && in->row == row;
    c->len = ok ? at + in->len : at;
    return ok;
}

static bool uses_memory(const X86Insn *in)
{
    return in->mod != 3 && !is_one_of(in->row->mnemonic, "lea nop");
}

/* Where a 32-bit displacement stands: just before the immediates. */
static unsigned immediate_bytes(const X86Insn *in)
{
    unsigned n = 0;
    for (unsigned i = 0; i < OP_MAX; i++) {
        const OpSpec *op = &in->row->op[i];
        if (op->method == OPM_I || op->method == OPM_J) {
            n += x86_operand_bytes(in, op->size);
        } else if (op->method == OPM_IS || op->method == OPM_L) {
            n++;
        } else if (op->method == OPM_O) {
            n += in->addrsize;
        }
    }
    return n;
}

static void patch(IsaCase *c, unsigned at, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        c->insn[at + i] = v >> (8 * i);
    }
}

static bool at_guard;

void case_at_guard(bool on)
{
    at_guard = on;
}

/* The next page is the guard. */
static uint32_t random_edge(void)
{
    return ISA_GUARD + 16 - (chance(50) ? random_below(64)
                                        : 16 * random_below(4));
}

static uint32_t random_target(void)
{
    if (at_guard) {
        return random_edge();
    }
    return ISA_DATA + 0x700 + random_below(0x200);
}

/* Makes the memory operand fall into the data pages; false if this encoding
 * cannot. */
static bool aim_memory(IsaCase *c, const X86Insn *in)
{
    uint64_t *gpr = c->before.gpr;
    uint64_t target = row_is_area(in->row) ? random_area(c, in)
                                           : random_target();
    if (is_branch(in->row)) {
        target &= ~UINT64_C(7);
    }
    if ((in->row->flags & ROW_SSE) && chance(80) && !at_guard) {
        target &= ~UINT64_C(31);
    }
    if (!target || in->addrsize == 2 || in->base == in->index) {
        return false;
    }
    if (in->base < 0) {
        unsigned at = c->len - immediate_bytes(in) - 4;
        uint64_t disp = target;
        if (in->base == BASE_RIP) {
            disp -= ISA_CODE + c->len;
        }
        if (in->index >= 0) {
            gpr[in->index] = random_below(16);
            disp -= gpr[in->index] << in->scale;
        }
        patch(c, at, disp, 4);
        return true;
    }
    if (in->index >= 0) {
        gpr[in->index] = in->base == X86_RSP ? random_below(16)
                                             : random_value();
        if (!c->code64) {
            gpr[in->index] = (uint32_t)gpr[in->index];
        }
        target -= gpr[in->index] << in->scale;
    }
    bool far = in->disp < -0x400 || in->disp > 0x400;
    if (in->base == X86_RSP && far &&
        is_one_of(in->row->mnemonic, "push pop call")) {
        return false; /* the stack itself must be in the pages, too */
    }
    gpr[in->base] = target - in->disp;
    if (in->addrsize == 4 && in->base == X86_RSP) {
        gpr[X86_RSP] = (uint32_t)gpr[X86_RSP]; /* pushes use all of it */
    }
    return true;
}

/* A bit offset in a register reaches out of the operand. */
static bool aim_bit_string(IsaCase *c, const X86Insn *in)
{
    if (!is_one_of(in->row->mnemonic, "bt bts btr btc") ||
        in->row->op[1].method != OPM_G || !uses_memory(in)) {
        return true;
    }
    if (in->reg == in->base || in->reg == in->index) {
        return false;
    }
    uint64_t offset = (uint64_t)(int64_t)((int)random_below(0x2000) - 0x1000);
    c->before.gpr[in->reg] = bits_deposit(c->before.gpr[in->reg], 0,
                                          in->opsize * 8, offset);
    return true;
}

/* Near each other, or on both sides of a page's end. */
static void aim_string(IsaCase *c)
{
    unsigned middle = chance(50) ? 0x800 : 0x1000;
    c->before.gpr[X86_RSI] = ISA_DATA + middle - 32 + random_below(64);
    c->before.gpr[X86_RDI] = ISA_DATA + middle - 32 + random_below(64);
    c->before.gpr[X86_RCX] = random_below(chance(50) ? 20 : 200);
    if (chance(50)) { /* something equal to compare */
        memset(c->before.data + middle - 0x100, 0x5a, 0x200);
        c->before.gpr[X86_RAX] = UINT64_C(0x5a5a5a5a5a5a5a5a);
    }
}

bool is_string(const OpRow *row)
{
    return is_one_of(row->mnemonic, "movs cmps stos lods scas");
}

/* Branches go to the one place that is known to come back. */
static void aim_branch(IsaCase *c, const X86Insn *in)
{
    const OpRow *row = in->row;
    uint64_t to = ISA_CODE + ISA_TAKEN;
    if (row->op[0].method == OPM_J) {
        unsigned bytes = x86_operand_bytes(in, row->op[0].size);
        if (bytes == 1) {
            patch(c, c->len - 1, ISA_TAKEN - c->len, 1);
        } else {
            patch(c, c->len - bytes, to - (ISA_CODE + c->len), bytes);
        }
    } else if (!strcmp(row->mnemonic, "ret")) {
        uint64_t at = c->before.gpr[X86_RSP] - ISA_DATA;
        memcpy(c->before.data + at, &to, c->code64 ? 8 : 4);
        if (row->op[0].method == OPM_I) {
            patch(c, c->len - 2, 0x10, 2);
        }
    }
}

static void aim_indirect(IsaCase *c, const X86Insn *in)
{
    uint64_t to = ISA_CODE + ISA_TAKEN; /* at aligned addresses */
    if (in->row->op[0].method != OPM_E || !is_branch(in->row)) {
        return;
    }
    if (in->mod == 3) {
        c->before.gpr[in->rm] = to;
        return;
    }
    for (unsigned i = 0x600; i < 0xb00; i += 8) {
        memcpy(c->before.data + i, &to, 8);
    }
}

void random_state(IsaCase *c)
{
    for (unsigned i = 0; i < 16; i++) {
        c->before.gpr[i] = random_value();
        if (!c->code64) {
            c->before.gpr[i] = (uint32_t)c->before.gpr[i];
        }
    }
    c->before.gpr[X86_RSP] = ISA_DATA + 0x1000 + 8 * random_below(16);
    c->before.flags = random64() & ISA_FLAGS;
    for (unsigned i = 0; i < ISA_DATA_BYTES; i += 8) {
        uint64_t v = random_value();
        memcpy(c->before.data + i, &v, 8);
    }
    fpu_random(c->before.fpu);
}

/* Frames of ENTER and LEAVE. */
static void aim_frame(IsaCase *c, const OpRow *row)
{
    if (is_one_of(row->mnemonic, "enter leave")) {
        c->before.gpr[X86_RBP] = ISA_DATA + 0x1100 + 8 * random_below(16);
    }
    if (!strcmp(row->mnemonic, "enter")) {
        patch(c, c->len - 3, random_below(0x100), 2);
    }
    if (is_one_of(row->mnemonic, "maskmovq maskmovdqu vmaskmovdqu")) {
        c->before.gpr[X86_RDI] = random_target();
    }
    if (!strcmp(row->mnemonic, "xlat")) {
        c->before.gpr[X86_RBX] = random_target();
    }
}

/* Operands that are numbers; functions do not trap on underflow, which may
 * hang on the last bit. */
static void aim_fpu(IsaCase *c, const OpRow *row)
{
    fpu_random_memory(c->before.data + 0x600, 0x500);
    if (fpu_is_function(row->mnemonic)) {
        fpu_mask_underflow(c->before.fpu);
    }
}

/* What is loaded is mostly a value that MXCSR takes. */
static void clear_words(IsaCase *c)
{
    for (unsigned i = 0x602; i < 0xb00; i += 4) {
        memset(c->before.data + i, 0, 2);
    }
}

bool make_case(IsaCase *c, const OpRow *row, X86Insn *in)
{
    c->len = 0;
    c->only_outcome = false;
    c->keeps_66 = (row->flags & ROW_VEX) || (row->prefixes & 3) == 1 ||
                  (row->prefixes & 3) == 2;
    if (!append_bytes(c, row, false, in)) {
        return false;
    }
    random_state(c);
    if (row->mnemonic[0] == 'f') {
        aim_fpu(c, row);
    }
    if (row->flags & ROW_MMX) {
        fpu_random_mmx(c->before.fpu);
    }
    if (row->flags & (ROW_SSE | ROW_MMX)) {
        random_vectors(c);
        if (row->flags & ROW_VSIB) {
            random_indices(c, in);
        }
    }
    if (is_one_of(row->mnemonic, "ldmxcsr vldmxcsr") && chance(80)) {
        clear_words(c);
    }
    if (is_string(row)) {
        aim_string(c);
        c->before.flags |= chance(30) ? ISA_DF : 0;
    }
    if (uses_memory(in) && !aim_memory(c, in)) {
        return false;
    }
    if (row->op[0].method == OPM_O || row->op[1].method == OPM_O) {
        if (in->addrsize == 2) {
            return false;
        }
        patch(c, c->len - in->addrsize, random_target(), in->addrsize);
    }
    if (!aim_bit_string(c, in)) {
        return false;
    }
    aim_frame(c, row);
    aim_branch(c, in);
    aim_indirect(c, in);
    return in->addrsize != 2 && decode_case(c, 0, in) == DECODE_OK;
}

