/*
 * Which components of state an XSAVE area has and what is in use of them.
 * SDM vol. 1, 13.4 (areas), 13.6 (initial configurations).
 */
#include "xstate.h"

#include "base/bits.h"
#include "x87.h"

typedef struct Component {
    uint8_t number;
    uint16_t bytes, offset;
    uint8_t word, bit;     /* of CPUID */
} Component;

static const Component components[] = {
#define XSTATE(number, bytes, offset, word, bit, what) \
    { number, bytes, offset, FEAT_##word, bit },
#include "xstate.def"
#undef XSTATE
};

#define XSTATE(number, bytes, offset, word, bit, what) \
    G_STATIC_ASSERT((offset) + (bytes) <= XSAVE_MOST);
#include "xstate.def"
#undef XSTATE

static bool has_component(const X86Cpu *cpu, const Component *c)
{
    return x86_feature_word(cpu, c->word) >> c->bit & 1;
}

uint64_t xstate_offered(const X86Cpu *cpu)
{
    uint64_t offered = XCR0_X87 | XCR0_SSE;
    if (!(x86_feature_word(cpu, FEAT_1_ECX) & CPUID_XSAVE)) {
        return 0;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(components); i++) {
        if (has_component(cpu, &components[i])) {
            offered |= BIT(components[i].number);
        }
    }
    return offered;
}

bool xstate_xcr0_valid(const X86Cpu *cpu, uint64_t v)
{
    bool avx_alone = (v & (XCR0_AVX | XCR0_SSE)) == XCR0_AVX;
    return !(v & ~xstate_offered(cpu)) && (v & XCR0_X87) && !avx_alone;
}

bool xstate_component(const X86Cpu *cpu, unsigned n, uint32_t *bytes,
                      uint32_t *offset)
{
    for (size_t i = 0; i < G_N_ELEMENTS(components); i++) {
        const Component *c = &components[i];
        if (c->number == n && has_component(cpu, c)) {
            *bytes = c->bytes;
            *offset = c->offset;
            return true;
        }
    }
    return false;
}

static uint32_t compacted_offset(unsigned n, uint64_t have)
{
    uint32_t at = XSAVE_LEGACY + XSAVE_HEADER;
    for (size_t i = 0; i < G_N_ELEMENTS(components); i++) {
        const Component *c = &components[i];
        if (c->number < n && (have & BIT(c->number))) {
            at += c->bytes;
        }
    }
    return at;
}

uint32_t xstate_offset(unsigned n, uint64_t have, bool compacted)
{
    if (compacted) {
        return compacted_offset(n, have);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(components); i++) {
        if (components[i].number == n) {
            return components[i].offset;
        }
    }
    g_assert_not_reached();
}

uint32_t xstate_bytes(uint64_t have, bool compacted)
{
    uint32_t end = XSAVE_LEGACY + XSAVE_HEADER;
    if (compacted) {
        return compacted_offset(63, have);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(components); i++) {
        const Component *c = &components[i];
        if (have & BIT(c->number)) {
            end = MAX(end, (uint32_t)c->offset + c->bytes);
        }
    }
    return end;
}

/* --- what is in use ----------------------------------------------------------*/

unsigned xstate_vectors(const X86Cpu *cpu)
{
    return cpu->tb_flags & TB_CS64 ? 16 : 8;
}

static bool any_set(const uint64_t (*halves)[2], unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        if (halves[n][0] | halves[n][1]) {
            return true;
        }
    }
    return false;
}

/* As after FNINIT, and registers that are zero. */
static bool x87_in_use(const X86State *s)
{
    bool used = s->fcw != FCW_INIT || s->fsw || s->fvalid || s->fop ||
                s->fcs || s->fds || s->fip || s->fdp;
    return used || any_set(s->fpr, 8);
}

uint64_t xstate_in_use(X86Cpu *cpu)
{
    const X86State *s = &cpu->s;
    unsigned vectors = xstate_vectors(cpu);
    x87_sync(cpu);
    return (x87_in_use(s) ? XCR0_X87 : 0) |
           (any_set(s->xmm, vectors) ? XCR0_SSE : 0) |
           (any_set(s->ymmh, vectors) ? XCR0_AVX : 0) |
           (s->pkru ? XCR0_PKRU : 0);
}
