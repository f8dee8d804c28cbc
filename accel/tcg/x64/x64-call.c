/*
 * Helper calls.
 *
 * Before a call what is needed later goes where the call leaves it, and what C
 * code may look at goes to the CPU struct; so a call is dear, and helpers are
 * for what is rare.
 */
#include "x64-gen.h"
#include "x64-host.h"
#include "x64-vec-emit.h"

void x64_lea_cpu(const X64State *x, Asm *a)
{
    asm_rm(a, OP_LEA, true, RDI, host_mem(HOST_ENV, -x->bias));
}

static const uint8_t arg_host[] = { RSI, RDX, RCX, R8, R9 };

/* Where an argument comes from. */
typedef struct Move {
    uint8_t to, from;      /* from HOST_NONE: not a register */
    IrVal v;
    bool done;
} Move;

static unsigned host_of(const Gen *g, IrVal v)
{
    const Value *x = &g->val[v];
    uint64_t unused;
    if (x64_const(g, v, &unused)) {
        return HOST_NONE;
    }
    if (x->temp != HOST_NONE) {
        return x->temp;
    }
    return x->pins ? x64_pin_host[__builtin_ctz(x->pins)] : HOST_NONE;
}

static bool is_source(const Move *m, unsigned count, unsigned host)
{
    for (unsigned k = 0; k < count; k++) {
        if (!m[k].done && m[k].from == host && m[k].to != host) {
            return true;
        }
    }
    return false;
}

static void change_source(Move *m, unsigned count, unsigned from, unsigned to)
{
    for (unsigned k = 0; k < count; k++) {
        if (!m[k].done && m[k].from == from) {
            m[k].from = to;
        }
    }
}

/* All moves between registers at once; a cycle is broken through RAX, which no
 * argument goes to. */
static void move_registers(Gen *g, Move *m, unsigned count)
{
    for (;;) {
        bool moved = false, left = false;
        for (unsigned k = 0; k < count; k++) {
            if (m[k].done || m[k].from == HOST_NONE) {
                continue;
            }
            if (m[k].to != m[k].from && is_source(m, count, m[k].to)) {
                left = true;
                continue;
            }
            asm_mov(&g->a, true, m[k].to, m[k].from);
            m[k].done = moved = true;
        }
        if (!left) {
            return;
        }
        if (!moved) {
            unsigned k = 0;
            while (m[k].done || m[k].from == HOST_NONE) {
                k++;
            }
            asm_mov(&g->a, true, RAX, m[k].to);
            change_source(m, count, m[k].to, RAX);
        }
    }
}

static void move_arguments(Gen *g, const IrInst *i)
{
    Move m[G_N_ELEMENTS(arg_host)];
    for (unsigned k = 0; k < i->nargs; k++) {
        m[k] = (Move){ arg_host[k], host_of(g, i->arg[k]), i->arg[k], false };
    }
    move_registers(g, m, i->nargs);
    for (unsigned k = 0; k < i->nargs; k++) {
        if (m[k].from == HOST_NONE) {
            x64_copy_to(g, m[k].to, m[k].v);
        }
        if ((g->val[g->n].unclean_args & BIT(k)) != 0) {
            asm_mov(&g->a, false, m[k].to, m[k].to);
        }
    }
}

static void store_budget(Gen *g)
{
    asm_store(&g->a, true, x64_env(g, offsetof(Cpu, budget)), HOST_BUDGET);
}

/* --- what the host has an instruction for ----------------------------------------- */

/* value, mask: VEX, F2 or F3 for the prefix (vol. 2, PDEP). */
static void bits_idiom(Gen *g, const IrInst *i, unsigned pp)
{
    uint8_t v = x64_use(g, i->arg[0]), mask = x64_use(g, i->arg[1]);
    x64_release_args(g);
    uint8_t dst = x64_def(g, v);
    asm_vex(&g->a, 2, pp, 0xf5, true, (uint8_t[]){ dst, v, mask });
}

/* The crc is overwritten; a value of 2 bytes has a prefix more (vol. 2,
 * CRC32). */
static void crc_idiom(Gen *g, const IrInst *i, unsigned bytes)
{
    unsigned v = x64_use(g, i->arg[1]), t = x64_scratch(g);
    x64_copy_to(g, t, i->arg[0]);
    if (bytes == 2) {
        asm_8(&g->a, 0x66);
    }
    asm_8(&g->a, 0xf2);
    asm_8(&g->a, 0x40 | asm_rex(bytes == 8, t, 0, v));
    asm_8(&g->a, 0x0f);
    asm_8(&g->a, 0x38);
    asm_8(&g->a, bytes == 1 ? 0xf0 : 0xf1);
    asm_8(&g->a, 0xc0 | (t & 7) << 3 | (v & 7));
    x64_release_args(g);
    asm_mov(&g->a, true, x64_def(g, t), t);
}

/* EAX = EDX:EAX / divisor, or those of 64 bits (vol. 2, DIV, IDIV). Where both
 * have no upper half the short form does, which some hosts are faster at. */
static void div_idiom(Gen *g, const IrInst *i, bool is_signed, bool wide)
{
    enum { CDQ = 0x99, DIV = 6, IDIV = 7 };
    wide &= is_signed || !g->val[i->arg[0]].short_value ||
            !g->val[i->arg[1]].short_value;
    x64_take(g, RAX);
    x64_take(g, RDX);
    x64_copy_to(g, RAX, i->arg[0]);
    unsigned b = x64_use(g, i->arg[1]);
    if (is_signed) {
        asm_op(&g->a, CDQ, asm_rex(wide, 0, 0, 0), false);
    } else {
        asm_alu(&g->a, ALU_XOR, false, RDX, RDX);
    }
    asm_rr(&g->a, OP_GROUP3, wide, is_signed ? IDIV : DIV, b);
    x64_release_args(g);
    asm_mov(&g->a, true, x64_def(g, RAX), RAX);
}

/* False: there is no instruction for what the helper does. */
static bool idiom(Gen *g, const IrInst *i, const IrHelper *h)
{
    uint64_t bytes;
    switch (h->idiom) {
    case IR_IDIOM_CRC32C:
        if (!(g->x->features & HOST_SSE42) ||
            !x64_const(g, i->arg[2], &bytes)) {
            return false;
        }
        crc_idiom(g, i, bytes);
        return true;
    case IR_IDIOM_DIVU:
    case IR_IDIOM_DIVS:
        if (!x64_const(g, i->arg[2], &bytes)) {
            return false;
        }
        div_idiom(g, i, h->idiom == IR_IDIOM_DIVS, bytes == 8);
        return true;
    case IR_IDIOM_PDEP:
    case IR_IDIOM_PEXT:
        if (g->x->bmi2) {
            bits_idiom(g, i, h->idiom == IR_IDIOM_PDEP ? 3 : 2);
        }
        return g->x->bmi2;
    default:
        return false;
    }
}

void x64_call(Gen *g, const IrInst *i)
{
    const IrHelper *h = g_ptr_array_index(g->ir->helpers, i->imm);
    bool writes = h->effects & IR_WRITES;
    if (idiom(g, i, h)) {
        return;
    }
    g_assert(h->nargs <= G_N_ELEMENTS(arg_host));
    x64_x80_save_for_call(g, writes);
    x64_fp_drop(g);
    x64_save_for_call(g, writes);
    x64_save_frame(g);
    x64_sync_pins(g, h->effects);
    if (h->effects) {
        unsigned site = x64_site(g);
        store_budget(g);
        move_arguments(g, i);
        x64_note_place(g, g->insn, site);
    } else {
        move_arguments(g, i);
    }
    asm_vzeroupper(&g->a);
    x64_lea_cpu(g->x, &g->a);
    asm_mov_imm(&g->a, RAX, (uintptr_t)h->fn);
    asm_call_reg(&g->a, RAX);
    x64_after_call(g, writes);
    if (h->effects) {
        asm_load(&g->a, true, HOST_BUDGET,
                 x64_env(g, offsetof(Cpu, budget)));
    }
    if (g->val[g->n].uses) {
        unsigned dst = x64_def(g, RAX);
        asm_mov(&g->a, true, dst, RAX);
    }
}
