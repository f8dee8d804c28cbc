/*
 * The decoder against capstone: random bytes in 16-, 32- and 64-bit mode.
 *
 * What we decode capstone must decode with the same length. What we refuse
 * capstone must refuse, too, or know as an instruction that we do not have
 * (x87, vectors, virtualisation). Illegal LOCK prefixes it lets pass.
 *
 * usage: test-decode [--cases=N] [--seed=N]
 */
#include <capstone/capstone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "opmap-gen.h"

static unsigned cases = 300000;
static uint64_t seed = 1;
static const unsigned modes[] = { 16, 32, 64 };

typedef struct Probe {
    uint8_t bytes[24];
    unsigned bits;
    unsigned row_count;
} Probe;

static uint8_t probe_byte(void *opaque, unsigned offset)
{
    return ((Probe *)opaque)->bytes[offset];
}

static DecodeResult decode(Probe *p, X86Insn *in)
{
    static const uint32_t all[FEAT_WORDS] = { [0 ... FEAT_WORDS - 1] = ~0u };
    DecodeMode m = { .code64 = p->bits == 64, .cs32 = p->bits == 32,
                     .features = all, .vex = true, .byte = probe_byte,
                     .opaque = p };
    return x86_decode(&m, in);
}

/* Bytes that begin like instructions more often than chance would have it. */
static void random_bytes(Probe *p)
{
    static const uint8_t prefixes[] = { 0x66, 0x67, 0xf2, 0xf3, 0x2e, 0x36,
                                        0x64, 0x48, 0x41, 0x45, 0xf0 };
    unsigned n = 0;
    while (n < 3 && chance(30)) {
        p->bytes[n++] = prefixes[random_below(G_N_ELEMENTS(prefixes))];
    }
    if (chance(40)) {
        p->bytes[n++] = 0x0f;
    }
    while (n < sizeof(p->bytes)) {
        p->bytes[n++] = random64() >> 32;
    }
}

/* Where capstone 4 is known to differ from the manual. */
static bool has_segment_prefix(const Probe *p)
{
    return memchr(p->bytes, 0x2e, 3) || memchr(p->bytes, 0x36, 3) ||
           memchr(p->bytes, 0x64, 3);
}

static bool known_difference(const Probe *p, const X86Insn *in)
{
    const char *name = in->row->mnemonic;
    /* Branches with 66 in 64-bit mode: AMD's reading; with 67 and REX.W it
     * loses count. */
    if (p->bits == 64 && is_branch(in->row) &&
        (in->opsize_prefix || in->addrsize_prefix)) {
        return true;
    }
    /* A mandatory prefix that is not the last one, or in 16-bit code. */
    if ((in->row->flags & ROW_SSE) && in->row->prefixes > 1 &&
        (p->bits == 16 || in->addrsize_prefix || has_segment_prefix(p))) {
        return true;
    }
    /* 66 together with F2 or F3. */
    if (in->opsize_prefix && (in->rep || in->repne)) {
        return true;
    }
    /* Reserved NOPs, UD0, UD1, INT1, SALC and MOV CRn: it knows some. */
    return is_one_of(name, "nop ud0 ud1 ud2 esc int1 salc cmpxchg8b rdrand "
                           "rdseed xchg mov lgdt lidt prefetchw clflush "
                           "lfence mfence sfence popcnt clzero serialize "
                           "rdpkru wrpkru");
}

/* Capstone takes some of ours with prefixes or in modes that forbid them. */
static bool is_ours(const char *name)
{
    if (is_one_of(name, "movnti clflush rdrand rdseed stac clac swapgs "
                        "lfence mfence sfence movbe monitor mwait "
                        "clflushopt fxsave fxrstor xsave xsaveopt xsavec "
                        "xsaves xrstor xrstors xgetbv xsetbv")) {
        return false;
    }
    for (unsigned i = 0; i < OPMAP_ROWS; i++) {
        if (!strcmp(opmap_rows[i].mnemonic, name)) {
            /* Of vector instructions it takes any mandatory prefix. */
            return !(opmap_rows[i].flags & (ROW_SSE | ROW_MMX));
        }
    }
    return false;
}

static void print_probe(const Probe *p, const char *ours, unsigned our_len,
                        const cs_insn *cs)
{
    printf("%u-bit:", p->bits);
    for (unsigned i = 0; i < 15; i++) {
        printf(" %02x", p->bytes[i]);
    }
    printf("\n  ours: %s, %u bytes; capstone: %s %s, %u bytes\n", ours,
           our_len, cs ? cs->mnemonic : "nothing", cs ? cs->op_str : "",
           cs ? cs->size : 0);
}

static bool agrees(csh engine, Probe *p)
{
    X86Insn in;
    cs_insn *cs = NULL;
    DecodeResult result = decode(p, &in);
    size_t n = cs_disasm(engine, p->bytes, 15, 0x1000, 1, &cs);
    bool ok = true;
    if (result == DECODE_OK && !known_difference(p, &in)) {
        p->row_count++;
        ok = n == 1 && cs->size == in.len;
        if (!ok) {
            print_probe(p, in.row->mnemonic, in.len, n ? cs : NULL);
        }
    } else if (result == DECODE_UD && !in.lock && n == 1 &&
               is_ours(cs->mnemonic)) {
        ok = false;
        print_probe(p, "undefined", 0, cs);
    }
    if (n) {
        cs_free(cs, n);
    }
    return ok;
}

static unsigned run_mode(unsigned bits, unsigned *compared)
{
    cs_mode mode = bits == 16 ? CS_MODE_16 : bits == 32 ? CS_MODE_32
                                                        : CS_MODE_64;
    csh engine;
    Probe p = { .bits = bits };
    unsigned bad = 0;
    if (cs_open(CS_ARCH_X86, mode, &engine) != CS_ERR_OK) {
        return 1;
    }
    random_seed(seed << 8 | bits);
    for (unsigned i = 0; i < cases && bad < 20; i++) {
        random_bytes(&p);
        bad += !agrees(engine, &p);
    }
    cs_close(&engine);
    *compared += p.row_count;
    return bad;
}

int main(int argc, char **argv)
{
    unsigned bad = 0, compared = 0;
    for (int i = 1; i < argc; i++) {
        if (!strncmp(argv[i], "--cases=", 8)) {
            cases = strtoul(argv[i] + 8, NULL, 0);
        } else if (!strncmp(argv[i], "--seed=", 7)) {
            seed = strtoul(argv[i] + 7, NULL, 0);
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        bad += run_mode(modes[i], &compared);
    }
    printf("%u instructions compared, %u differ\n", compared, bad);
    return bad || compared < cases / 10;
}
