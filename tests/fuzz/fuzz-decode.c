/*
 * The x86 decoder on any bytes, in every mode, with every feature.
 *
 * The first byte is the mode, the rest is code. Each instruction must be no
 * longer than 15 bytes, no longer than what was read of it, and decode the same
 * when nothing behind it can be read.
 */
#include <string.h>

#include "decode.h"
#include "fuzz.h"

typedef struct Code {
    const uint8_t *data;
    size_t len;
    unsigned read;             /* bytes asked for */
} Code;

static uint8_t code_byte(void *opaque, unsigned offset)
{
    Code *c = opaque;
    c->read = MAX(c->read, offset + 1);
    return offset < c->len ? c->data[offset] : 0;
}

static DecodeResult decode(DecodeMode *m, Code *c, X86Insn *in)
{
    memset(in, 0, sizeof *in);
    m->byte = code_byte;
    m->opaque = c;
    c->read = 0;
    return x86_decode(m, in);
}

/* Returns how far the next instruction is. */
static unsigned check_insn(DecodeMode *m, const uint8_t *data, size_t len)
{
    Code whole = { data, len, 0 };
    X86Insn in, again;
    DecodeResult result = decode(m, &whole, &in);
    g_assert_cmpuint(in.len, >, 0);
    g_assert_cmpuint(in.len, <=, 15);
    g_assert_cmpuint(in.len, ==, whole.read);
    if (result != DECODE_OK) {
        return 1;
    }
    g_assert(in.row && in.row->mnemonic);
    Code part = { data, MIN(in.len, len), 0 };
    g_assert_cmpint(decode(m, &part, &again), ==, DECODE_OK);
    g_assert(in.row == again.row && in.len == again.len &&
             in.imm[0] == again.imm[0] && in.imm[1] == again.imm[1] &&
             in.disp == again.disp);
    return MIN(in.len, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = { data, size };
    uint8_t mode = fuzz_u8(&in);
    static const uint32_t none[FEAT_WORDS];
    static const uint32_t all[FEAT_WORDS] = { [0 ... FEAT_WORDS - 1] = ~0u };
    DecodeMode m = { .code64 = mode & 1, .cs32 = mode & 2,
                     .features = mode & 4 ? none : all };
    while (in.len) {
        size_t got;
        fuzz_bytes(&in, check_insn(&m, in.data, in.len), &got);
    }
    return 0;
}
