/*
 * Compares our x86 with the host's processor: every row of the opcode map that
 * user code can execute is run many times with random operands and flags on
 * both, and registers, memory, defined flags and the outcome must agree.
 *
 * Encodings are made from the rows themselves: random prefixes, ModRM, SIB,
 * displacements and immediates within what a row matches. The decoder then
 * says which registers address memory, and these are set so that the address
 * falls into the data pages. A row that never ran is a failure. The seeds are
 * fixed.
 *
 * Rows that no comparison reaches (privilege, ports, far transfers, results that
 * are the processor's own) are in unreached.txt: a new one must be put there,
 * and one that is reached must go.
 *
 * Every row is tried with LOCK, too, which most must refuse, and vector rows with
 * other forbidden and reserved encodings (spoil.c). Then sequences of
 * register instructions, each in one TB.
 *
 * usage: test-hostcmp [--unreached=FILE] [--cases=N] [--sequences=N] [--row=MNEMONIC] [--seed=N] [--x87]
 *                     [--accel=KEY=VALUE] [--segmented] [--code16] [--vectors]
 *                     [--edges | --alignment]
 *
 * --vectors: rows of MMX, SSE and AVX, and no others. --edges: memory operands
 * lie around the end of a page, the next being absent or read-only; what a
 * fault leaves, CR2 and the error code count, too. --alignment: with EFLAGS.AC.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fpu-state.h"
#include "opmap-gen.h"
#include "sequence.h"
#include "spoil.h"

static unsigned cases_per_row = 300;
static unsigned sequences = 20000;
static bool x87_only;      /* --x87: nothing but long sequences of those */
static uint64_t seed = 1;
static const char *only;
static bool segmented, code16;
static bool edges;             /* page faults of all that has memory operands */
static bool alignment;         /* alignment checks */
static bool vectors;           /* only rows of MMX, SSE and AVX */

static const char *unreached_path;

/* --- comparing --------------------------------------------------------------*/

static void print_words(const char *what, const uint64_t *w)
{
    printf("    %-6s %016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %016" PRIx64
           "\n", what, w[3], w[2], w[1], w[0]);
}

static void print_vector(const IsaCase *c, const IsaState *host,
                         const IsaState *ours, unsigned n)
{
    X86Insn in;
    bool named = decode_case((IsaCase *)c, 0, &in) == DECODE_OK &&
                 (n == in.reg || n == in.rm || n == in.vvvv);
    if (named || memcmp(host->ymm[n], ours->ymm[n], 32)) {
        printf("  ymm%u\n", n);
        print_words("before", c->before.ymm[n]);
        print_words("host", host->ymm[n]);
        print_words("ours", ours->ymm[n]);
    }
}

static void print_case(const IsaCase *c, const IsaState *host,
                       const IsaState *ours)
{
    printf("  %s-bit code:", c->code64 ? "64" : "32");
    for (unsigned i = 0; i < c->len; i++) {
        printf(" %02x", c->insn[i]);
    }
    printf("\n  flags before %03" PRIx64 " host %03" PRIx64 " ours %03" PRIx64
           "\n", c->before.flags, host->flags, ours->flags);
    for (unsigned i = 0; i < 16; i++) {
        if (c->before.gpr[i] != host->gpr[i] ||
            host->gpr[i] != ours->gpr[i]) {
            printf("  r%-2u before %016" PRIx64 " host %016" PRIx64
                   " ours %016" PRIx64 "\n", i, c->before.gpr[i],
                   host->gpr[i], ours->gpr[i]);
        }
    }
    fpu_print("before", c->before.fpu);
    fpu_print("host  ", host->fpu);
    fpu_print("ours  ", ours->fpu);
    for (unsigned i = 0; i < 16; i++) {
        print_vector(c, host, ours, i);
    }
    printf("  mxcsr before %04" PRIx64 " host %04" PRIx64 " ours %04" PRIx64
           "\n", c->before.mxcsr, host->mxcsr, ours->mxcsr);
    for (unsigned i = 0; i < ISA_DATA_BYTES; i++) {
        if (host->data[i] != ours->data[i]) {
            printf("  [%x] before %02x host %02x ours %02x\n", ISA_DATA + i,
                   c->before.data[i], host->data[i], ours->data[i]);
        }
    }
}

static bool same_registers(const IsaCase *c, const IsaState *a,
                           const IsaState *b)
{
    for (unsigned i = 0; i < (c->code64 ? 16 : 8); i++) {
        uint64_t x = a->gpr[i] ^ b->gpr[i];
        if (c->code64 ? x : (uint32_t)x) {
            return false;
        }
    }
    return true;
}

static bool same_vectors(const IsaCase *c, const IsaState *a,
                         const IsaState *b)
{
    return !host_has_vectors() ||
           (!memcmp(a->ymm, b->ymm, c->code64 ? sizeof(a->ymm)
                                              : sizeof(a->ymm) / 2) &&
            a->mxcsr == b->mxcsr);
}

/* Which of the addresses CR2 has, if a masked store has several that fault or
 * an operand is accessed in pieces, is the processor's own. */
static bool is_fault_anywhere(const OpRow *row)
{
    return row && (row->trans == trans_vmaskmov_store ||
                   is_one_of(row->mnemonic, "fldenv fnstenv fnsave frstor fld "
                                            "fstp fbld fbstp"));
}

static bool same_fault(const OpRow *row, const IsaState *a, const IsaState *b)
{
    uint64_t apart = a->fault_addr ^ b->fault_addr;
    return (is_fault_anywhere(row) ? apart < PAGE_SIZE : !apart) &&
           a->fault_error == b->fault_error;
}

/* A store of an MMX register that faults has set TOP on some processors; ours
 * changes nothing. */
static bool same_fpu(const OpRow *row, bool faulted, const IsaState *a,
                     const IsaState *b)
{
    bool mmx_store = row && (row->flags & ROW_MMX) &&
                     (row->op[0].method == OPM_E || row->op[0].method == OPM_M ||
                      row->op[0].method == OPM_Q ||
                      row->trans == trans_maskmovq);
    return (mmx_store && faulted) ||
           fpu_same(a->fpu, b->fpu, row && fpu_is_function(row->mnemonic),
                    code16);
}

static bool same_state(const IsaCase *c, bool faulted, const IsaState *a,
                       const IsaState *b)
{
    X86Insn in;
    bool ok = decode_case((IsaCase *)c, 0, &in) == DECODE_OK;
    const OpRow *row = ok ? in.row : NULL;
    return same_registers(c, a, b) && same_vectors(c, a, b) &&
           same_fault(row, a, b) && same_fpu(row, faulted, a, b) &&
           !memcmp(a->data, b->data, ISA_DATA_BYTES);
}

/* True if both machines agree, except about undefined flags and, if only the
 * outcome is defined, about values. */
static bool compare_case(const IsaCase *c, const char *name,
                         uint32_t undefined, bool only_outcome)
{
    static IsaState host, ours;
    int host_outcome = host_run(c, &host);
    int our_outcome = emu_run(c, &ours);
    uint32_t flags = (ISA_FLAGS | ISA_DF) & ~undefined;
    bool faulted = host_outcome >= 0;
    bool same = same_state(c, faulted, &host, &ours) &&
                ((faulted && !edges) || !((host.flags ^ ours.flags) & flags));
    only_outcome |= c->only_outcome;
    if (host_outcome == our_outcome && (same || only_outcome)) {
        return true;
    }
    printf("%s: outcome host %d ours %d\n", name, host_outcome, our_outcome);
    printf("  page fault host %" PRIx64 " at %" PRIx64 " ours %" PRIx64
           " at %" PRIx64 "\n", host.fault_error, host.fault_addr,
           ours.fault_error, ours.fault_addr);
    print_case(c, &host, &ours);
    return false;
}

/* Returns how many cases ran. */
static unsigned run_row(const OpRow *row, bool code64, unsigned *failed)
{
    static IsaCase c;
    X86Insn in;
    unsigned ran = 0, bad = 0;
    g_autofree char *name = g_strdup_printf("%s (%s)", row->mnemonic,
                                            row->opcode);
    random_seed((seed << 20) + (row - opmap_rows) * 2 + code64);
    c.code64 = code64;
    for (unsigned tries = 0;
         tries < cases_per_row * 20 && ran < cases_per_row && bad < 3;
         tries++) {
        if (make_case(&c, row, &in)) {
            c.before.flags |= alignment ? ISA_AC : 0;
            bad += !compare_case(&c, name, undefined_flags(&c, &in),
                                 result_is_undefined(&c, &in));
            ran++;
        }
    }
    *failed += bad;
    return ran;
}

/* Puts LOCK in front; what is relative to the instruction's end must not be
 * in it. */
static bool add_lock(IsaCase *c, const X86Insn *in)
{
    if (in->base == BASE_RIP || is_branch(in->row) || c->len > 14) {
        return false;
    }
    memmove(c->insn + 1, c->insn, c->len++);
    c->insn[0] = 0xf0;
    return true;
}

#define LOCKED_CASES 6

/* What vol. 2, LOCK, allows it for. */
static bool may_be_locked(const X86Insn *in)
{
    const OpSpec *to = &in->row->op[0];
    return in->mod != 3 && (to->method == OPM_E || to->method == OPM_M) &&
           is_one_of(in->row->mnemonic,
                     "add adc and btc btr bts cmpxchg cmpxchg8b dec inc neg "
                     "not or sbb sub xor xadd xchg");
}

static bool lock_is_right(IsaCase *c, const char *name, bool legal)
{
    X86Insn in;
    if (!legal) {
        return compare_case(c, name, 0, false);
    }
    bool ok = decode_case(c, 0, &in) == DECODE_OK;
    if (!ok) {
        printf("%s is refused\n", name);
    }
    return ok;
}

/* LOCK is #UD for other rows and for registers. Where it is legal it is only
 * decoded: hosts punish processes for locks across cache lines. */
static void run_locked(const OpRow *row, bool code64, unsigned *failed)
{
    static IsaCase c;
    X86Insn in;
    unsigned ran = 0, bad = 0;
    g_autofree char *name = g_strdup_printf("lock %s (%s)", row->mnemonic,
                                            row->opcode);
    c.code64 = code64;
    for (unsigned tries = 0; tries < 50 && ran < LOCKED_CASES && !bad;
         tries++) {
        if (make_case(&c, row, &in) && add_lock(&c, &in)) {
            bad += !lock_is_right(&c, name, may_be_locked(&in));
            ran++;
        }
    }
    *failed += bad;
}

#define SPOILT_CASES 12

/* Forbidden and reserved encodings of vector instructions. */
static void run_spoilt(const OpRow *row, bool code64, unsigned *failed)
{
    static IsaCase c;
    X86Insn in;
    unsigned ran = 0, bad = 0;
    g_autofree char *name = g_strdup_printf("spoilt %s (%s)", row->mnemonic,
                                            row->opcode);
    c.code64 = code64;
    for (unsigned tries = 0; tries < 100 && ran < SPOILT_CASES && !bad;
         tries++) {
        if (make_case(&c, row, &in) && spoil_case(&c, &in)) {
            bool ok = decode_case(&c, 0, &in) == DECODE_OK;
            bad += !compare_case(&c, name, ok ? undefined_flags(&c, &in) : 0,
                                 false);
            ran++;
        }
    }
    *failed += bad;
}

/* Compared by a run of their own (--vectors). */
static bool row_is_vector(const OpRow *row)
{
    return (row->flags & (ROW_SSE | ROW_MMX)) ||
           !strcmp(row->mnemonic, "crc32");
}

/* ENTER and FSTP of 80 bits have stored a part on some processors when they
 * fault; ours have not. */
static bool faults_differ(const OpRow *row)
{
    return !strcmp(row->mnemonic, "enter") || !strcmp(row->opcode, "DB /7");
}

/* Rows with one memory operand that may be anywhere. */
static bool has_edges(const OpRow *row)
{
    bool memory = false;
    for (unsigned i = 0; i < OP_MAX; i++) {
        unsigned m = row->op[i].method;
        memory |= m == OPM_E || m == OPM_M || m == OPM_W || m == OPM_Q;
    }
    return memory && (row->mods & 1) && (row->modes & 2) && !is_branch(row) &&
           !row_is_area(row);
}

static bool is_wanted(const OpRow *row)
{
    if ((edges || alignment) && faults_differ(row)) {
        return false;
    }
    return row_is_user(row) && (!edges || has_edges(row)) && row_offered(row) &&
           vectors == row_is_vector(row) &&
           (!only || !strcmp(only, row->mnemonic));
}

static unsigned run_rows(bool has_32, unsigned *failed)
{
    unsigned rows = 0, cases = 0, idle = 0;
    for (const OpRow *row = opmap_rows; row < opmap_rows + OPMAP_ROWS; row++) {
        if (!is_wanted(row) || (!has_32 && row->modes == 1)) {
            continue;
        }
        unsigned ran = 0;
        for (unsigned code64 = !has_32 || edges; code64 < 2; code64++) {
            if (row->modes & (code64 ? 2 : 1)) {
                ran += run_row(row, code64, failed);
                run_locked(row, code64, failed);
                if (row_is_vector(row) || (row->flags & ROW_VEX)) {
                    run_spoilt(row, code64, failed);
                }
            }
        }
        if (!ran) {
            printf("%s (%s) never ran\n", row->mnemonic, row->opcode);
            idle++;
        }
        rows++;
        cases += ran;
    }
    printf("%u rows, %u cases, %u rows never ran\n", rows, cases, idle);
    return idle;
}

/* All rows, the page behind the data being absent, then read-only. */
static unsigned run_edges(bool has_32, unsigned *failed)
{
    static const IsaGuard guards[] = { ISA_ABSENT, ISA_READ_ONLY };
    unsigned idle = 0;
    case_at_guard(true);
    for (unsigned i = 0; i < G_N_ELEMENTS(guards); i++) {
        host_set_guard(guards[i]);
        emu_set_guard(guards[i]);
        idle += run_rows(has_32, failed);
    }
    return idle;
}

static void run_sequences(bool has_32, unsigned *failed)
{
    static IsaCase c;
    unsigned bad = 0;
    random_seed(seed << 20);
    for (unsigned n = 0; n < sequences && bad < 10; n++) {
        c.code64 = !has_32 || chance(50);
        unsigned count = 2 + random_below(SEQUENCE_MAX - 1);
        uint32_t undefined = 0;
        if (x87_only) {
            make_x87_sequence(&c);
        } else {
            undefined = make_sequence(&c, count);
        }
        bad += !compare_case(&c, "sequence", undefined, false);
    }
    printf("%u sequences\n", sequences);
    *failed += bad;
}

/* --- rows that no comparison reaches ----------------------------------------*/

/* How unreached.txt names a row. */
static char *row_name(const OpRow *row)
{
    return g_strdup_printf("%s | %s", row->opcode, row->mnemonic);
}

/* The list's lines; '#' starts a comment. NULL: it cannot be read. */
static GHashTable *read_list(const char *path)
{
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL)) {
        printf("%s cannot be read\n", path);
        return NULL;
    }
    GHashTable *list = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                             NULL);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **l = lines; *l; l++) {
        if (*g_strstrip(*l) && **l != '#') {
            g_hash_table_add(list, g_strdup(*l));
        }
    }
    return list;
}

/* What the emulated CPU can run here, whatever this host has. */
static unsigned check_row_listed(const OpRow *row, GHashTable *list)
{
    g_autofree char *name = row_name(row);
    bool reached = row_is_user(row) && row_offered(row);
    bool listed = g_hash_table_remove(list, name);
    if (reached == listed) {
        printf(reached ? "unreached.txt lists %s, which is compared\n"
                       : "unreached.txt lacks %s, which is not compared\n",
               name);
    }
    return reached == listed;
}

/* The number of rows about which the list is wrong. */
static unsigned check_unreached(void)
{
    GHashTable *list = read_list(unreached_path);
    unsigned wrong = list == NULL;
    if (!list) {
        return wrong;
    }
    for (unsigned i = 0; i < OPMAP_ROWS; i++) {
        if (vectors != row_is_vector(&opmap_rows[i])) {
            continue;
        }
        wrong += check_row_listed(&opmap_rows[i], list);
    }
    GHashTableIter iter;
    gpointer name;
    g_hash_table_iter_init(&iter, list);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        printf("unreached.txt lists %s, which is no row\n", (char *)name);
        wrong++;
    }
    g_hash_table_unref(list);
    return wrong;
}

static void parse_options(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!strncmp(argv[i], "--unreached=", 12)) {
            unreached_path = argv[i] + 12;
        } else if (!strncmp(argv[i], "--cases=", 8)) {
            cases_per_row = strtoul(argv[i] + 8, NULL, 0);
        } else if (!strncmp(argv[i], "--sequences=", 12)) {
            sequences = strtoul(argv[i] + 12, NULL, 0);
        } else if (!strncmp(argv[i], "--seed=", 7)) {
            seed = strtoul(argv[i] + 7, NULL, 0);
        } else if (!strncmp(argv[i], "--row=", 6)) {
            only = argv[i] + 6;
        } else if (!strncmp(argv[i], "--accel=", 8)) {
            emu_option(argv[i] + 8);
        } else if (!strcmp(argv[i], "--vectors")) {
            vectors = true;
        } else if (!strcmp(argv[i], "--x87")) {
            x87_only = true;
        } else if (!strcmp(argv[i], "--segmented")) {
            segmented = true;
        } else if (!strcmp(argv[i], "--edges")) {
            edges = true;
        } else if (!strcmp(argv[i], "--alignment")) {
            alignment = true;
        } else if (!strcmp(argv[i], "--code16")) {
            code16 = true;
        }
    }
}

int main(int argc, char **argv)
{
    bool has_32;
    unsigned failed = 0;
    parse_options(argc, argv);
    if (!host_init(&has_32)) {
        printf("this host cannot run the comparison\n");
        return 77;
    }
    if (!has_32) {
        printf("no 32-bit code on this host: those rows are skipped\n");
    }
    emu_model(host_model());
    emu_init(case_features);
    unsigned wrong = unreached_path ? check_unreached() : 0;
    host_features(case_features);
    emu_set_variant(segmented, code16);
    unsigned idle = 0;
    if (edges) {
        idle += run_edges(has_32, &failed);
    } else if (!x87_only) {
        idle += run_rows(has_32, &failed);
    }
    if (!only && !code16 && !edges) {
        run_sequences(has_32, &failed);
    }
    printf("%u cases differ\n", failed);
    return failed || idle || wrong ? 1 : 0;
}
