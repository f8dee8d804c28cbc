/*
 * Arithmetic flags from their lazy form (cpu.h, CcOp), and EFLAGS as a whole.
 *
 * What the manual calls undefined is fixed here, once:
 *   AF    0 after logic, shifts and multiplication
 *   OF    after shifts and rotates by more than one: by the rule for one,
 *         applied to the last step
 *   CF    after shifts by more than the width: of the last step
 *   MUL   SF, ZF and PF of the low half
 *   BSF, BSR  the flags of the source (ZF is defined)
 *   BT*   all but CF stay
 *   DIV   all stay
 *   SHLD, SHRD with 16 bits and a count above 16: the first operand follows
 *         the second
 *   AAM, AAD  CF, OF and AF 0;  AAA, AAS: OF, SF, ZF, PF as AL says
 */
#include "cpu.h"

typedef struct Lazy {
    uint64_t dst, src, src2;
    uint64_t left;         /* the first operand, where there is one */
    unsigned bits;
} Lazy;

static bool top_bit(uint64_t v, unsigned bits)
{
    return (v >> (bits - 1)) & 1;
}

static uint32_t result_flags(const Lazy *z)
{
    uint32_t f = 0;
    if (!z->dst) {
        f |= FLAG_ZF;
    }
    if (top_bit(z->dst, z->bits)) {
        f |= FLAG_SF;
    }
    if (!__builtin_parity(z->dst & 0xff)) {
        f |= FLAG_PF;
    }
    return f;
}

static uint32_t flag_if(bool set, uint32_t flag)
{
    return set ? flag : 0;
}

static uint32_t adjust_flag(const Lazy *z)
{
    return (z->left ^ z->src ^ z->dst) & FLAG_AF;
}

static uint32_t add_flags(const Lazy *z, bool carry)
{
    uint64_t over = (z->left ^ z->dst) & (z->src ^ z->dst);
    return flag_if(carry, FLAG_CF) | adjust_flag(z) |
           flag_if(top_bit(over, z->bits), FLAG_OF);
}

static uint32_t sub_flags(const Lazy *z, bool borrow)
{
    uint64_t over = (z->left ^ z->src) & (z->left ^ z->dst);
    return flag_if(borrow, FLAG_CF) | adjust_flag(z) |
           flag_if(top_bit(over, z->bits), FLAG_OF);
}

static uint32_t step_flags(const Lazy *z, bool up)
{
    uint64_t limit = BIT(z->bits - 1) - !up;
    return flag_if(z->src & 1, FLAG_CF) |
           flag_if((z->dst & 15) == (up ? 0 : 15), FLAG_AF) |
           flag_if(z->dst == limit, FLAG_OF);
}

/* Shifts: the last step took the bit `out` from src. */
static uint32_t shift_flags(const Lazy *z, unsigned out)
{
    return flag_if((z->src >> out) & 1, FLAG_CF) |
           flag_if(top_bit(z->src ^ z->dst, z->bits), FLAG_OF);
}

static uint32_t op_flags(CcOp kind, Lazy *z)
{
    uint64_t mask = bits_mask(z->bits);
    switch (kind) {
    case CC_ADD:
        z->left = (z->dst - z->src) & mask;
        return add_flags(z, z->dst < z->src);
    case CC_ADC:
        z->left = (z->dst - z->src - z->src2) & mask;
        return add_flags(z, z->src2 ? z->dst <= z->src : z->dst < z->src);
    case CC_SUB:
        z->left = (z->dst + z->src) & mask;
        return sub_flags(z, z->left < z->src);
    case CC_SBB:
        z->left = (z->dst + z->src + z->src2) & mask;
        return sub_flags(z, z->src2 ? z->left <= z->src : z->left < z->src);
    case CC_INC:
        return step_flags(z, true);
    case CC_DEC:
        return step_flags(z, false);
    case CC_SHL:
        return shift_flags(z, z->bits - 1);
    case CC_SAR:
        return shift_flags(z, 0);
    case CC_MUL:
        return z->src ? FLAG_CF | FLAG_OF : 0;
    default:
        return 0; /* CC_LOGIC */
    }
}

uint32_t cc_compute(uint32_t op, uint64_t dst, uint64_t src, uint64_t src2)
{
    if (op == CC_EFLAGS) {
        return src & FLAG_ARITH;
    }
    Lazy z = { dst, src, src2, 0, 8u << (op & 3) };
    return op_flags(op & ~3u, &z) | result_flags(&z);
}

uint32_t x86_eflags(X86Cpu *cpu)
{
    uint32_t kept = cpu->s.eflags & ~(FLAG_ARITH | FLAG_DF);
    return kept | 2 | flag_if((int64_t)cpu->df < 0, FLAG_DF) |
           cc_compute(cpu->cc_op, cpu->cc_dst, cpu->cc_src, cpu->cc_src2);
}

void x86_set_eflags(X86Cpu *cpu, uint32_t eflags)
{
    cpu->s.eflags = eflags | 2;
    cpu->cc_op = CC_EFLAGS;
    cpu->cc_src = eflags & FLAG_ARITH;
    cpu->df = eflags & FLAG_DF ? UINT64_MAX : 1;
    x86_update_modes(cpu);
}

uint64_t helper_cc_all(Cpu *cpu, uint64_t op, uint64_t dst, uint64_t src,
                       uint64_t src2)
{
    return cc_compute(op, dst, src, src2);
}

uint64_t helper_cc_carry(Cpu *cpu, uint64_t op, uint64_t dst, uint64_t src,
                         uint64_t src2)
{
    return cc_compute(op, dst, src, src2) & FLAG_CF;
}
