/*
 * The made-up processor's instructions as both of its forms know them: how they
 * are encoded, and what their numbers mean. See tiny.h.
 */
#include "tiny.h"

#include "base/bits.h"

const char *const tiny_op_names[] = {
#define TINY_NAME(op, len) #op,
    TINY_OPS(TINY_NAME)
#undef TINY_NAME
};

static const uint8_t op_len[] = {
#define TINY_LEN(op, len) len,
    TINY_OPS(TINY_LEN)
#undef TINY_LEN
};

unsigned tiny_op_bytes(unsigned op)
{
    return op_len[op];
}

TinyInsn tiny_decode(uint8_t (*byte)(void *, unsigned), void *opaque)
{
    TinyInsn in = { .op = byte(opaque, 0) % TINY_OP_COUNT };
    uint8_t regs = byte(opaque, 1);
    in.len = op_len[in.op];
    in.d = regs & 7;
    in.s = regs >> 3 & 7;
    in.x = regs >> 6;
    if (in.len == 4) {
        in.imm = byte(opaque, 2);  /* first: which byte faults counts */
        in.imm |= byte(opaque, 3) << 8;
    }
    return in;
}

VecOp tiny_vec_op(const TinyInsn *in)
{
    return (in->imm & 0x1ff) % VEC_OP_COUNT;
}

/* Only immediates that mean something. */
unsigned tiny_vec_imm(const TinyInsn *in)
{
    unsigned imm = (in->imm >> 9 & 0x7f) | (in->x & 1) << 7;
    switch (tiny_vec_op(in)) {
    case VEC_FCMP32: case VEC_FCMP64: case VEC_FCMP32S: case VEC_FCMP64S:
        return imm & 31;
    case VEC_FMA32: case VEC_FMA64:
        return imm & 0x3f & ~(imm & 0x30 ? 7 : 0) & ~(imm & 0x20 ? 0x10 : 0);
    case VEC_FMA32S: case VEC_FMA64S:
        return (imm & 7) | (imm >> 5) % 3 << 6;
    default:
        return imm;
    }
}

uint64_t tiny_vec_const(const TinyInsn *in)
{
    static const uint64_t special[] = {
        0, UINT64_MAX, 0x8000000000000000, 0x3ff0000000000000,
        0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000,
        0x7ff0000000000001, 0xfff4000000000123, 0x0000000000000001,
        0x800fffffffffffff, 0x0010000000000000, 0x7fefffffffffffff,
        0x43e0000000000000, 0xc1e0000000200000, 0x3fe0000000000000,
        0x3f8000007f800000, 0xff8000007fc00000, 0x7f80000180000000,
        0xffa000010000fffe, 0x807fffff00800000, 0x7f7fffff4f000000,
        0xcf0000003f000000, 0x33800000b3800001, 0x7bff7c007c017e00,
        0x0001800103ff0400, 0x8080808080808080, 0x7fff80007fff8000,
    };
    unsigned n = (in->imm & 0xff) % G_N_ELEMENTS(special);
    return special[n] + (in->x & 1 ? in->imm >> 8 & 0xf : 0);
}

uint32_t tiny_fp(uint64_t v)
{
    /* Masks are mostly set: bits 8 to 15 decide. */
    uint32_t masks = v >> 8 & 0xe0 ? 0x1f80 : v & 0x1f80;
    return (v >> 16 & 0xe040) | masks | (v >> 3 & TINY_FP_FLAGS & v);
}

IrMem tiny_vec_mem(const TinyInsn *in)
{
    unsigned size = in->x == 3 ? 2 : in->x;
    bool pair = size == 2 && (in->imm & 0x8000);
    return (IR_MEM_32 + size) | (in->imm & 0x4000 ? IR_MEM_ALIGN : 0) |
           (pair ? IR_MEM_PAIR : 0);
}

uint64_t tiny_io(TinyState *s, uint64_t offset, uint64_t v, unsigned size,
                 Icount now, bool write)
{
    s->io_count++;
    s->io_hash = tiny_mix(s->io_hash + offset * 8 + size,
                          tiny_mix(now, write ? v : 0));
    if (write) {
        s->irq = v & 1;
        return 0;
    }
    return s->io_hash & bits_mask(8 * size);
}

void tiny_debug_hit(TinyState *s, uint64_t addr, Icount now)
{
    s->debug = tiny_mix(s->debug + addr, now);
}

/* Traps once at an icount. */
bool tiny_debug_break(TinyState *s, Icount now)
{
    if (s->last_debug == now) {
        return false;
    }
    s->last_debug = now;
    s->debug = tiny_mix(s->debug, now);
    s->epc = s->pc;
    s->pc = TINY_TRAP;
    return true;
}

/* --- numbers of 80 bits ------------------------------------------------------------ */

X80Op tiny_x80_op(const TinyInsn *in)
{
    return (in->imm & 0x3f) % X80_OP_COUNT;
}

unsigned tiny_x80_imm(const TinyInsn *in)
{
    return tiny_x80_op(in) == X80_CONST ? (in->imm >> 6 & 0xff) % X80_K_COUNT : 0;
}

/* Floats of each size and integers, which a store may truncate. */
IrMem tiny_x80_mem(const TinyInsn *in)
{
    static const IrMem kinds[] = {
        IR_MEM_32, IR_MEM_64, IR_MEM_80, IR_MEM_16 | IR_MEM_INT,
        IR_MEM_32 | IR_MEM_INT, IR_MEM_64 | IR_MEM_INT,
        IR_MEM_16 | IR_MEM_INT | IR_MEM_TRUNC,
        IR_MEM_32 | IR_MEM_INT | IR_MEM_TRUNC,
        IR_MEM_64 | IR_MEM_INT | IR_MEM_TRUNC,
    };
    unsigned n = in->x | (in->imm >> 14 & 3) << 2;
    return kinds[n % (in->op == TINY_XST ? G_N_ELEMENTS(kinds) : 6)];
}

void tiny_x80_special(const TinyInsn *in, uint64_t out[2])
{
    static const uint64_t special[][2] = {
        { 0, 0 }, { 1, 0 }, { 0x7fffffffffffffff, 0 }, { BIT(63), 0 },
        { BIT(63), 1 }, { BIT(63), 0x3fff }, { UINT64_MAX, 0x3ffe },
        { UINT64_MAX, 0x7ffe }, { BIT(63), 0x7fff },
        { BIT(63) | BIT(62), 0x7fff }, { BIT(63) | 1, 0x7fff },
        { 0, 0x7fff }, { 1, 0x7fff }, { 1, 0x4000 }, { BIT(63), 0x403e },
        { BIT(63) | 1, 0x401e }, { 0xfffffe8000000000, 0x3fff },
        { BIT(63), 0x3f80 }, { BIT(63), 0x3c00 }, { 0x8000010000000000, 0x407e },
    };
    unsigned n = (in->imm & 0xff) % G_N_ELEMENTS(special);
    out[0] = special[n][0] ^ (in->x & 1 ? in->imm >> 9 & 7 : 0);
    out[1] = special[n][1] | (in->imm & 0x100 ? 0x8000 : 0);
}
