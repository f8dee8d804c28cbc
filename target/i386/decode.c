/*
 * The x86 decoder; SDM vol. 2, chapter 2 (instruction format).
 *
 * Prefixes, opcode, ModRM, SIB, displacement and immediates are read in the
 * order in which they stand. The rows of an opcode are few (at most a dozen),
 * so that finding the one that matches is a short search.
 */
#include "decode.h"

#include "opmap-gen.h"

#define INSN_MAX 15

typedef struct Decoder {
    const DecodeMode *m;
    X86Insn *in;
    unsigned pos;
    bool too_long;
    bool illegal;          /* #UD, whatever follows */
    uint8_t vvvv;          /* VEX.vvvv, not inverted */
} Decoder;

static uint8_t next_byte(Decoder *d)
{
    if (d->pos >= INSN_MAX) {
        d->too_long = true;
        return 0;
    }
    return d->m->byte(d->m->opaque, d->pos++);
}

static uint64_t next_bytes(Decoder *d, unsigned count)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < count; i++) {
        v |= (uint64_t)next_byte(d) << (8 * i);
    }
    return v;
}

static int64_t next_signed(Decoder *d, unsigned count)
{
    return bits_sext(next_bytes(d, count), 8 * count);
}

static void set_segment(Decoder *d, int seg)
{
    if (!d->m->code64 || seg >= SEG_FS) {
        d->in->seg_override = seg;
    }
}

/* True if the byte was a legacy prefix. */
static bool legacy_prefix(Decoder *d, uint8_t byte)
{
    X86Insn *in = d->in;
    switch (byte) {
    case 0x26: case 0x2e: case 0x36: case 0x3e:
        set_segment(d, (byte >> 3) & 3);
        return true;
    case 0x64: case 0x65:
        set_segment(d, byte - 0x64 + SEG_FS);
        return true;
    case 0x66:
        in->opsize_prefix = true;
        return true;
    case 0x67:
        in->addrsize_prefix = true;
        return true;
    case 0xf0:
        in->lock = true;
        return true;
    case 0xf2:
    case 0xf3:
        /* The last of the two counts. */
        in->repne = byte == 0xf2;
        in->rep = byte == 0xf3;
        return true;
    }
    return false;
}

/* Reads prefixes and returns the first opcode byte. */
static uint8_t read_prefixes(Decoder *d)
{
    for (;;) {
        uint8_t byte = next_byte(d);
        if (d->too_long) {
            return 0;
        }
        if (legacy_prefix(d, byte)) {
            d->in->rex = 0; /* REX counts only just before the opcode */
        } else if (d->m->code64 && (byte & 0xf0) == 0x40) {
            d->in->rex = byte;
        } else {
            return byte;
        }
    }
}

/* --- VEX (vol. 2, 2.3.5) --------------------------------------------------- */

/* Outside 64-bit mode C4 and C5 are LES and LDS unless ModRM, which would come
 * next, named a register. */
static bool is_vex(Decoder *d)
{
    X86Insn *in = d->in;
    return d->m->vex && (in->opcode == 0xc4 || in->opcode == 0xc5) &&
           d->pos < INSN_MAX &&
           (d->m->code64 || d->m->byte(d->m->opaque, d->pos) >= 0xc0);
}

/* The last byte of either form: vvvv inverted, L, pp; R or W is its top bit. */
static void set_vex_fields(Decoder *d, uint8_t byte)
{
    static const uint8_t pp[4] = { 0, 0x66, 0xf3, 0xf2 };
    X86Insn *in = d->in;
    d->vvvv = ~byte >> 3 & 15;
    in->vvvv = d->m->code64 ? d->vvvv : d->vvvv & 7;
    in->vex_256 = byte & 4;
    in->opsize_prefix = pp[byte & 3] == 0x66;
    in->rep = pp[byte & 3] == 0xf3;
    in->repne = pp[byte & 3] == 0xf2;
}

static void read_vex(Decoder *d)
{
    X86Insn *in = d->in;
    /* Prefixes that VEX stands for itself, and LOCK, before it are #UD. */
    bool illegal = in->opsize_prefix || in->rep || in->repne || in->lock ||
                   in->rex;
    unsigned map = 1;
    uint8_t first = next_byte(d), last = first;
    in->rex = 0x40 | (first & 0x80 ? 0 : 4);
    if (in->opcode == 0xc4) {
        last = next_byte(d);
        map = first & 31;
        in->rex |= (first & 0x40 ? 0 : 2) | (first & 0x20 ? 0 : 1) |
                   (last & 0x80 ? 8 : 0);
    }
    if (!d->m->code64) {
        in->rex &= ~7;
    }
    set_vex_fields(d, last);
    in->opcode = next_byte(d);
    in->vex = true;
    d->illegal = illegal || map < 1 || map > 3;
    in->map = d->illegal ? 4 : 4 + map;
}

static void read_opcode(Decoder *d)
{
    X86Insn *in = d->in;
    in->opcode = read_prefixes(d);
    if (is_vex(d)) {
        read_vex(d);
    } else if (in->opcode == 0x0f) {
        in->map = 1;
        in->opcode = next_byte(d);
        if (in->opcode == 0x38 || in->opcode == 0x3a) {
            in->map = in->opcode == 0x38 ? 2 : 3;
            in->opcode = next_byte(d);
        }
    }
}

static unsigned prefix_bit(const X86Insn *in)
{
    return in->repne ? 8 : in->rep ? 4 : in->opsize_prefix ? 2 : 1;
}

static bool row_matches(const OpRow *row, const Decoder *d)
{
    const X86Insn *in = d->in;
    return (row->prefixes & prefix_bit(in)) &&
           (row->regs & (1u << (in->reg & 7))) &&
           (row->mods & (in->mod == 3 ? 2 : 1)) &&
           (row->rms & (1u << (in->rm & 7))) &&
           (row->modes & (d->m->code64 ? 2 : 1)) &&
           (!in->vex || ((row->lengths & (in->vex_256 ? 2 : 1)) &&
                         (row->widths & (in->rex & 8 ? 2 : 1)))) &&
           (!row->feat_mask ||
            (d->m->features[row->feat_word] & row->feat_mask));
}

static const OpRow *find_row(const Decoder *d, const OpSlot *slot)
{
    for (unsigned i = 0; i < slot->count; i++) {
        const OpRow *row = &opmap_rows[opmap_list[slot->first + i]];
        if (row_matches(row, d)) {
            return row;
        }
    }
    return NULL;
}

static void set_sizes(Decoder *d)
{
    X86Insn *in = d->in;
    unsigned flags = in->row->flags;
    if (!d->m->code64) {
        bool wide = d->m->cs32 != in->opsize_prefix;
        in->opsize = wide || in->vex ? 4 : 2;
    } else if ((flags & ROW_F64) || (in->rex & 8)) {
        in->opsize = 8;
    } else if (in->vex) {
        in->opsize = 4;
    } else if (in->opsize_prefix) {
        in->opsize = 2;
    } else {
        in->opsize = flags & ROW_D64 ? 8 : 4;
    }
}

static void set_address_size(Decoder *d)
{
    X86Insn *in = d->in;
    if (d->m->code64) {
        in->addrsize = in->addrsize_prefix ? 4 : 8;
    } else {
        in->addrsize = d->m->cs32 != in->addrsize_prefix ? 4 : 2;
    }
}

/* SDM vol. 2, table 2-1. */
static void read_address16(Decoder *d)
{
    static const int8_t bases[8] = { X86_RBX, X86_RBX, X86_RBP, X86_RBP,
                                     X86_RSI, X86_RDI, X86_RBP, X86_RBX };
    static const int8_t indices[8] = { X86_RSI, X86_RDI, X86_RSI, X86_RDI,
                                       BASE_NONE, BASE_NONE, BASE_NONE,
                                       BASE_NONE };
    X86Insn *in = d->in;
    in->base = bases[in->rm];
    in->index = indices[in->rm];
    if (in->mod == 0 && in->rm == 6) {
        in->base = BASE_NONE;
        in->disp = next_bytes(d, 2);
    } else if (in->mod == 1) {
        in->disp = next_signed(d, 1);
    } else if (in->mod == 2) {
        in->disp = next_bytes(d, 2);
    }
    in->seg = in->base == X86_RBP ? SEG_SS : SEG_DS;
}

/* SDM vol. 2, tables 2-2 and 2-3. */
static void read_address32(Decoder *d)
{
    X86Insn *in = d->in;
    unsigned base = in->rm & 7;
    unsigned base_ext = in->rm & 8;
    if (base == 4) {
        uint8_t sib = next_byte(d);
        base = sib & 7;
        unsigned index = ((sib >> 3) & 7) | (in->rex & 2 ? 8 : 0);
        in->scale = sib >> 6;
        in->index = index == 4 ? BASE_NONE : (int)index;
        in->vsib = index;
        in->base = base | base_ext;
        if (base == 5 && in->mod == 0) {
            in->base = BASE_NONE;
        }
    } else if (base == 5 && in->mod == 0) {
        in->base = d->m->code64 ? BASE_RIP : BASE_NONE;
    } else {
        in->base = base | base_ext;
    }
    if (in->mod == 1) {
        in->disp = next_signed(d, 1);
    } else if (in->mod == 2 || in->base < 0) {
        in->disp = next_signed(d, 4);
    }
    in->seg = in->base == X86_RSP || in->base == X86_RBP ? SEG_SS : SEG_DS;
}

static void read_modrm(Decoder *d)
{
    X86Insn *in = d->in;
    uint8_t modrm = next_byte(d);
    in->mod = modrm >> 6;
    in->reg = ((modrm >> 3) & 7) | (in->rex & 4 ? 8 : 0);
    in->rm = (modrm & 7) | (in->rex & 1 ? 8 : 0);
}

static bool always_register(const OpRow *row)
{
    return row->op[0].method == OPM_R || row->op[1].method == OPM_R;
}

static void read_address(Decoder *d)
{
    X86Insn *in = d->in;
    if (always_register(in->row)) {
        in->mod = 3; /* MOV to and from CR, DR ignore mod */
    } else if (in->mod == 3) {
        return;
    } else if (in->addrsize == 2) {
        read_address16(d);
    } else {
        read_address32(d);
    }
}

unsigned x86_operand_bytes(const X86Insn *in, OpSize size)
{
    switch (size) {
    case OPS_b:
        return 1;
    case OPS_w:
        return 2;
    case OPS_d:
        return 4;
    case OPS_q:
        return 8;
    case OPS_z:
        return in->opsize == 2 ? 2 : 4;
    case OPS_y:
        return in->opsize == 8 ? 8 : 4;
    case OPS_vw:
        return in->mod == 3 ? in->opsize : 2;
    case OPS_x:
        return in->vex_256 ? 32 : 16;
    case OPS_dq:
        return 16;
    case OPS_qq:
        return 32;
    case OPS_h:
        return in->vex_256 ? 16 : 8;
    case OPS_f:
        return in->vex_256 ? 8 : 4;
    case OPS_e:
        return in->vex_256 ? 4 : 2;
    case OPS_db:
        return in->mod == 3 ? 4 : 1;
    case OPS_dw:
        return in->mod == 3 ? 4 : 2;
    case OPS_yb:
        return in->mod == 3 ? (in->opsize == 8 ? 8 : 4) : 1;
    default:
        return in->opsize;
    }
}

/* Immediates are kept as the operand size needs them: Iz is sign-extended
 * to 64 bits, plain Ib and Iw are not. */
static void read_immediate(Decoder *d, const OpSpec *op, uint64_t *imm)
{
    unsigned bytes = x86_operand_bytes(d->in, op->size);
    switch (op->method) {
    case OPM_I:
        *imm = op->size == OPS_z ? (uint64_t)next_signed(d, bytes)
                                 : next_bytes(d, bytes);
        break;
    case OPM_IS:
        *imm = next_signed(d, 1);
        break;
    case OPM_J:
        *imm = next_signed(d, bytes);
        break;
    case OPM_O:
        *imm = next_bytes(d, d->in->addrsize);
        break;
    case OPM_L:
        *imm = next_bytes(d, 1);
        break;
    case OPM_A:
        imm[0] = next_bytes(d, d->in->opsize);
        imm[1] = next_bytes(d, 2);
        break;
    default:
        break;
    }
}

static bool is_immediate(const OpSpec *op)
{
    return op->method == OPM_I || op->method == OPM_IS ||
           op->method == OPM_J || op->method == OPM_O ||
           op->method == OPM_A || op->method == OPM_L;
}

static void read_immediates(Decoder *d)
{
    X86Insn *in = d->in;
    unsigned n = 0;
    for (unsigned i = 0; i < OP_MAX; i++) {
        if (is_immediate(&in->row->op[i])) {
            read_immediate(d, &in->row->op[i], &in->imm[n]);
            n++;
        }
    }
}

/* LOCK: the row allows it and the destination is memory (vol. 2, LOCK). */
static bool lock_is_legal(const X86Insn *in)
{
    return (in->row->flags & ROW_LOCK) && in->mod != 3;
}

/* VEX.vvvv that names nothing must be 1111b (vol. 2, 2.3.5.6),
 * outside 64-bit mode, too, where a register has three bits of it. */
static bool vvvv_is_legal(const Decoder *d)
{
    return (d->in->row->flags & ROW_VVVV) || d->vvvv == 0;
}

/* Vol. 2, 2.3.12: the SIB byte must be there, and names a vector; the register
 * that as an ordinary index stands for none is one. */
static bool vsib_is_legal(Decoder *d)
{
    X86Insn *in = d->in;
    if (!(in->row->flags & ROW_VSIB)) {
        return true;
    }
    in->index = BASE_NONE;
    return (in->rm & 7) == 4 && in->addrsize != 2;
}

static DecodeResult decode_insn(Decoder *d)
{
    X86Insn *in = d->in;
    read_opcode(d);
    const OpSlot *slot = &opmap_slots[in->map][in->opcode];
    if (!d->too_long && slot->modrm) {
        read_modrm(d);
    }
    if (d->too_long) {
        return DECODE_TOO_LONG;
    }
    in->row = d->illegal ? NULL : find_row(d, slot);
    if (!in->row || !vvvv_is_legal(d)) {
        return DECODE_UD;
    }
    set_sizes(d);
    set_address_size(d);
    if (slot->modrm) {
        read_address(d);
        if (!vsib_is_legal(d)) {
            return DECODE_UD;
        }
    } else if (in->row->flags & ROW_OPCODE_REG) {
        in->rm = (in->opcode & 7) | (in->rex & 1 ? 8 : 0);
        in->mod = 3;
    } else {
        in->mod = 3;
    }
    read_immediates(d);
    if (d->too_long) {
        return DECODE_TOO_LONG;
    }
    if (in->lock && !lock_is_legal(in)) {
        return DECODE_UD;
    }
    if (in->seg_override >= 0) {
        in->seg = in->seg_override;
    }
    return DECODE_OK;
}

DecodeResult x86_decode(const DecodeMode *m, X86Insn *in)
{
    Decoder d = { .m = m, .in = in };
    *in = (X86Insn){ .seg_override = -1, .base = BASE_NONE,
                     .index = BASE_NONE, .seg = SEG_DS };
    DecodeResult result = decode_insn(&d);
    in->len = d.pos;
    return result;
}
