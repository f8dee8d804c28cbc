/*
 * Loads of what the TB itself has stored or loaded before take that value.
 *
 * What an access did is remembered until something may have changed those
 * bytes: a store that may overlap, or a helper with effects. Addresses are
 * compared as a value plus a constant. Two that differ by a constant may still
 * be the same RAM, mapped twice: only bytes at different places within a page
 * are surely different.
 *
 * Why the memory is RAM that nobody else changes in between: what touches a
 * device or is stored where it cannot be read back, a store to code or page
 * tables, and a page walk that sets bits in them, is the last instruction of
 * its TB. Within that one instruction none of this holds, so what it does
 * itself is of no use to it, and nothing is forwarded behind its first access.
 *
 * A load that is left out would not have faulted: stores and loads before it
 * were allowed, and translations change at the end of a TB only. It would not
 * be seen by a watchpoint, though: with those the pass is not used.
 */
#include "tb.h"

/* Accesses that are remembered at a time, so that the pass stays linear. */
#define MOST_KNOWN 32

/* A value as another one plus a constant; base IR_NO_VAL: that constant. */
typedef struct Place {
    IrVal base;
    uint64_t offset;
} Place;

/* An address in two forms. The second looks through masks: it is right modulo
 * 2^bits, and the whole address is less than that if is_short. */
typedef struct Address {
    Place whole, low;
    uint8_t bits;
    bool is_short;
} Address;

/* The value of some bytes in memory. */
typedef struct Known {
    Address address;
    IrMem mem;
    IrVal value;           /* its low bytes are these */
    bool loaded;           /* it was extended as mem says */
} Known;

typedef struct Forward {
    IrBlock *b;
    GArray *insts;         /* the block anew */
    Address *address;      /* of each value, were it one */
    Known known[MOST_KNOWN];
    unsigned count, next;  /* in use; to be replaced when all are */
    bool accessed;         /* this guest instruction has touched memory */
    bool changed;
} Forward;

static IrInst *inst(const Forward *f, IrVal v)
{
    return &g_array_index(f->insts, IrInst, v);
}

static unsigned width(const IrInst *i)
{
    return i->type == IR_I32 ? 32 : 64;
}

/* --- addresses -------------------------------------------------------------------- */

/* Bits that i, a mask of its operand, leaves; 64 if it is none. Places within
 * a page must stay what they are. */
static unsigned mask_bits(const Forward *f, const IrInst *i)
{
    uint64_t k = UINT64_MAX;
    if (i->op == IR_ZEXT) {
        k = bits_mask(i->imm);
    } else if (i->op == IR_AND && inst(f, i->arg[1])->op == IR_CONST) {
        k = inst(f, i->arg[1])->imm;
    }
    return k & (k + 1) || k < ~PAGE_MASK ? 64 : 64 - __builtin_clzll(k);
}

static bool is_half(const IrInst *i)
{
    return (i->op == IR_CONST && i->imm <= UINT32_MAX) ||
           i->op == IR_ZEXT64 ||
           (i->op == IR_LD && !(i->mem & IR_MEM_SIGN) &&
            ir_mem_size(i->mem) <= 4);
}

static Address plus(Address a, uint64_t k)
{
    a.whole.offset += k;
    a.low.offset += k;
    a.is_short = false;
    return a;
}

/* The value n, made by i, as an address. */
static Address address_of(const Forward *f, IrVal n, const IrInst *i)
{
    bool half = is_half(i);
    Place own = i->op == IR_CONST ? (Place){ IR_NO_VAL, i->imm }
                                  : (Place){ n, 0 };
    Address a = { own, own, half ? 32 : 64, half };
    if (i->type != IR_I64 || !i->nargs) {
        return a;
    }
    const Address *from = &f->address[i->arg[0]];
    unsigned bits = mask_bits(f, i);
    if (bits < 64) {
        a.low = from->low;
        a.bits = MIN(bits, from->bits);
        /* A sum of short ones may be longer. */
        a.is_short = a.bits == bits || from->is_short;
    } else if (i->op == IR_ADD || i->op == IR_SUB) {
        const IrInst *k = inst(f, i->arg[1]);
        if (k->op == IR_CONST) {
            a = plus(*from, i->op == IR_ADD ? k->imm : -k->imm);
        }
    }
    return a;
}

static bool same_address(const Address *a, const Address *b)
{
    bool whole = a->whole.base == b->whole.base &&
                 a->whole.offset == b->whole.offset;
    return whole ||
           (a->is_short && b->is_short && a->bits == b->bits &&
            a->low.base == b->low.base &&
            !((a->low.offset ^ b->low.offset) & bits_mask(a->bits)));
}

/* How far b is from a, within a page. False: unknown. */
static bool distance(const Address *a, const Address *b, uint64_t *out)
{
    bool whole = a->whole.base == b->whole.base;
    *out = (whole ? b->whole.offset - a->whole.offset
                  : b->low.offset - a->low.offset) & ~PAGE_MASK;
    return whole || a->low.base == b->low.base;
}

static bool may_overlap(const Known *k, const Address *a, unsigned size)
{
    uint64_t d;
    return !distance(&k->address, a, &d) || d < ir_mem_size(k->mem) ||
           PAGE_SIZE - d < size;
}

/* --- what is known ---------------------------------------------------------------- */

static void forget_stored(Forward *f, const IrInst *i)
{
    const Address *a = &f->address[i->arg[0]];
    for (unsigned n = f->count; n-- > 0;) {
        if (may_overlap(&f->known[n], a, ir_mem_size(i->mem))) {
            f->known[n] = f->known[--f->count];
        }
    }
}

/* The access i had this value. */
static void remember(Forward *f, const IrInst *i, IrVal value)
{
    const IrInst *v = inst(f, value);
    bool vector = v->type == IR_V128;
    if (v->type == IR_F80) {
        return;
    }
    if (!vector && 8 * ir_mem_size(i->mem) > width(v)) {
        return;
    }
    unsigned n = f->count < MOST_KNOWN ? f->count++
                                       : f->next++ % MOST_KNOWN;
    f->known[n] = (Known){ f->address[i->arg[0]], i->mem, value,
                           i->op == IR_LD };
}

/* In what the access that a load repeats may differ from it: a fault that the
 * first did not have the second does not have either. */
#define UNLIKE (IR_MEM_SIGN | IR_MEM_MODE(MMU_FLAGS))

static bool are_like(IrMem a, IrMem b)
{
    IrMem unlike = UNLIKE | ((a | b) & IR_MEM_ALIGN ? 0 : IR_MEM_PAIR);
    return !((a ^ b) & ~unlike);
}

/* True if the load i can be made of what is known. A vector that was stored in
 * part is another one when it is loaded. */
static bool fits(const Forward *f, const IrInst *i, const Known *k)
{
    bool vector = inst(f, k->value)->type == IR_V128;
    return vector == (i->type == IR_V128) &&
           (!vector || k->loaded || ir_mem_size(i->mem) == 16);
}

static const Known *find(const Forward *f, const IrInst *i)
{
    if (f->accessed || i->type == IR_F80) {
        return NULL;
    }
    for (unsigned n = 0; n < f->count; n++) {
        const Known *k = &f->known[n];
        if (are_like(k->mem, i->mem) && fits(f, i, k) &&
            same_address(&k->address, &f->address[i->arg[0]])) {
            return k;
        }
    }
    return NULL;
}

/* --- the block anew --------------------------------------------------------------- */

static IrVal append(Forward *f, IrInst i)
{
    IrVal n = f->insts->len;
    g_assert(n < IR_NO_VAL);
    f->address[n] = address_of(f, n, &i);
    g_array_append_val(f->insts, i);
    return n;
}

static IrVal convert(Forward *f, IrOp op, IrType type, IrVal v, unsigned bits)
{
    return append(f, (IrInst){ .op = op, .type = type, .nargs = 1,
                               .arg = { v }, .imm = bits });
}

/* What the load i makes of bytes that are known. */
static IrVal as_loaded(Forward *f, const IrInst *i, const Known *k)
{
    IrVal v = k->value;
    IrType from = inst(f, v)->type;
    unsigned bits = 8 * ir_mem_size(i->mem);
    bool sign = i->mem & IR_MEM_SIGN;
    if (from == IR_V128 ||
        (k->loaded && k->mem == i->mem && from == i->type)) {
        return v;
    }
    if (from == IR_I64 && i->type == IR_I32) {
        v = convert(f, IR_TRUNC, IR_I32, v, 0);
    }
    if (bits < width(inst(f, v))) {
        v = convert(f, sign ? IR_SEXT : IR_ZEXT, inst(f, v)->type, v, bits);
    }
    if (from == IR_I32 && i->type == IR_I64) {
        v = convert(f, sign ? IR_SEXT64 : IR_ZEXT64, IR_I64, v, 0);
    }
    return v;
}

static IrVal do_load(Forward *f, const IrInst *i)
{
    const Known *k = find(f, i);
    if (k) {
        f->changed = true;
        return as_loaded(f, i, k);
    }
    IrVal v = append(f, *i);
    f->accessed = true;
    remember(f, i, v);
    return v;
}

static IrVal do_inst(Forward *f, const IrInst *i)
{
    switch (i->op) {
    case IR_INSN:
        f->accessed = false;
        break;
    case IR_LD:
        return do_load(f, i);
    case IR_ST:
        f->accessed = true;
        forget_stored(f, i);
        remember(f, i, i->arg[1]);
        break;
    case IR_CALL: {
        const IrHelper *h = g_ptr_array_index(f->b->helpers, i->imm);
        if (h->effects) {
            f->accessed = true;
            f->count = 0;
        }
        break;
    }
    }
    return append(f, *i);
}

/* Instructions that one may become: a load, three conversions. */
#define MOST_PARTS 3

bool ir_forward(IrBlock *b)
{
    guint most = b->insts->len * MOST_PARTS;
    g_autofree IrVal *now = g_new(IrVal, b->insts->len);
    Forward f = {
        .b = b,
        .insts = g_array_sized_new(FALSE, FALSE, sizeof(IrInst), most),
        .address = g_new(Address, most),
    };
    g_assert(!b->frames->len);
    for (guint n = 0; n < b->insts->len; n++) {
        IrInst i = g_array_index(b->insts, IrInst, n);
        for (unsigned k = 0; k < i.nargs; k++) {
            i.arg[k] = now[i.arg[k]];
        }
        now[n] = do_inst(&f, &i);
    }
    g_array_free(b->insts, TRUE);
    b->insts = f.insts;
    b->room = b->insts->len;
    g_free(f.address);
    return f.changed;
}
