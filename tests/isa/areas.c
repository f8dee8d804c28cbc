/*
 * Areas of FXSAVE and XSAVE: random ones that are mostly valid. Only components
 * that every processor with XSAVE has, and bits that none has: a host may have
 * more than we do.
 */
#include <string.h>

#include "case.h"
#include "base/bytes.h"

#define COMPONENTS 7u          /* x87, SSE, AVX */
#define HEADER 512u
#define UNKNOWN (UINT64_C(1) << 40)

bool row_is_area(const OpRow *row)
{
    return is_one_of(row->mnemonic, "fxsave fxrstor xsave xsaveopt xsavec "
                                    "xsaves xrstor xrstors");
}

static bool is_fx(const OpRow *row)
{
    return row->mnemonic[0] == 'f';
}

/* Compacted form with at least `bv`, standard, or what is neither. */
static uint64_t random_comp(uint64_t bv)
{
    uint64_t comp = chance(50) ? BIT(63) | bv | random_below(8) : 0;
    return chance(95) ? comp : comp ^ (chance(50) ? UNKNOWN : COMPONENTS);
}

static void random_header(uint8_t *header)
{
    uint64_t bv = random_below(8);
    memset(header, 0, 64);
    bytes_st_le64(header + 8, random_comp(bv));
    bytes_st_le64(header, chance(97) ? bv : bv | UNKNOWN);
    if (chance(4)) {
        header[16 + random_below(48)] = 1;
    }
}

static void fill(IsaCase *c, const OpRow *row, unsigned at)
{
    uint8_t *area = c->before.data + at;
    uint32_t mxcsr = bytes_ld_le32(area + 24) & (chance(90) ? 0xffff : ~0u);
    bytes_st_le32(area + 24, mxcsr);
    /* Processors find a bad MXCSR when XRSTOR has changed other registers. */
    c->only_outcome = mxcsr >> 16 && is_one_of(row->mnemonic, "xrstor");
    if (!is_fx(row)) {
        random_header(area + HEADER);
    }
}

static uint64_t random_place(const OpRow *row)
{
    unsigned at = 0x700 + random_below(0x200);
    return chance(94) ? at & ~(is_fx(row) ? 15u : 63u) : at;
}

uint64_t random_area(IsaCase *c, const X86Insn *in)
{
    uint64_t *gpr = c->before.gpr;
    unsigned at = random_place(in->row);
    int rax = X86_RAX, rdx = X86_RDX;
    if (in->base == rax || in->base == rdx || in->index == rax ||
        in->index == rdx) {
        return 0;
    }
    random_vectors(c);
    gpr[rax] = (c->code64 ? random64() << 32 : 0) | random_below(8);
    gpr[rdx] = c->code64 ? random64() << 32 : 0;
    fill(c, in->row, at);
    return ISA_DATA + at;
}
