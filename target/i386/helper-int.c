/*
 * Helpers of integer instructions: division, rotation through carry, decimal
 * adjustment, and the instructions that make several memory accesses, which
 * must all be known to succeed before the first store.
 */
#include "base/bytes.h"
#include "base/crc32c.h"
#include "cpu.h"

static void gpr_set(X86Cpu *cpu, unsigned reg, uint64_t v, unsigned bytes)
{
    uint64_t *r = &cpu->s.gpr[reg];
    *r = bytes >= 4 ? v & bits_mask(bytes * 8)
                    : bits_deposit(*r, 0, bytes * 8, v);
}

static uint64_t gpr_get(const X86Cpu *cpu, unsigned reg, unsigned bytes)
{
    return cpu->s.gpr[reg] & bits_mask(bytes * 8);
}

/* Results of arithmetic helpers that change flags: the EFLAGS form. */
static void set_cc(X86Cpu *cpu, uint32_t flags)
{
    cpu->cc_op = CC_EFLAGS;
    cpu->cc_src = flags & FLAG_ARITH;
}

/* --- division --------------------------------------------------------------*/

typedef unsigned __int128 Wide;
typedef __int128 SignedWide;

static Wide dividend_get(const X86Cpu *cpu, unsigned bytes)
{
    if (bytes == 1) {
        return gpr_get(cpu, X86_RAX, 2);
    }
    return (Wide)gpr_get(cpu, X86_RDX, bytes) << (bytes * 8) |
           gpr_get(cpu, X86_RAX, bytes);
}

static void quotient_set(X86Cpu *cpu, unsigned bytes, uint64_t q, uint64_t r)
{
    if (bytes == 1) {
        gpr_set(cpu, X86_RAX, (q & 0xff) | (r & 0xff) << 8, 2);
        return;
    }
    gpr_set(cpu, X86_RAX, q, bytes);
    gpr_set(cpu, X86_RDX, r, bytes);
}

uint64_t helper_div(Cpu *c, uint64_t divisor, uint64_t bytes)
{
    X86Cpu *cpu = x86_cpu(c);
    Wide n = dividend_get(cpu, bytes);
    if (!(n >> 64) && divisor && (uint64_t)n / divisor <= bits_mask(bytes * 8)) {
        uint64_t low = n; /* 64 bits are divided much faster */
        quotient_set(cpu, bytes, low / divisor, low % divisor);
        return 0;
    }
    if (!divisor || n / divisor > bits_mask(bytes * 8)) {
        x86_raise(cpu, EXC_DE, -1);
    }
    quotient_set(cpu, bytes, n / divisor, n % divisor);
    return 0;
}

uint64_t helper_idiv(Cpu *c, uint64_t divisor, uint64_t bytes)
{
    X86Cpu *cpu = x86_cpu(c);
    unsigned up = 128 - bytes * 16;
    SignedWide n = (SignedWide)(dividend_get(cpu, bytes) << up) >> up;
    int64_t d = bits_sext(divisor, bytes * 8), low = n;
    if (n == low && d && d != -1 &&
        low / d == (int64_t)bits_sext((uint64_t)(low / d), bytes * 8)) {
        quotient_set(cpu, bytes, low / d, low % d);
        return 0;
    }
    /* The most negative dividend by -1 overflows C's type, too. */
    bool over = !d || (d == -1 && n == (SignedWide)((Wide)1 << 127));
    if (over || n / d != bits_sext((uint64_t)(n / d), bytes * 8)) {
        x86_raise(cpu, EXC_DE, -1);
    }
    quotient_set(cpu, bytes, (uint64_t)(n / d), (uint64_t)(n % d));
    return 0;
}

uint64_t helper_divu(Cpu *c, uint64_t a, uint64_t b, uint64_t bytes)
{
    uint64_t mask = bits_mask(bytes * 8);
    return b & mask ? (a & mask) / (b & mask) : 0;
}

uint64_t helper_divs(Cpu *c, uint64_t a, uint64_t b, uint64_t bytes)
{
    int64_t x = bits_sext(a, bytes * 8), y = bits_sext(b, bytes * 8);
    uint64_t q = y == -1 ? -(uint64_t)x : y ? (uint64_t)(x / y) : 0;
    return q & bits_mask(bytes * 8);
}

/* --- rotation through carry ------------------------------------------------*/

/* carry:value, bits + 1 wide, rotated left by count. */
static Wide rotate_left(uint64_t value, uint64_t count, uint64_t carry,
                        unsigned bits)
{
    Wide v = (Wide)carry << bits | value;
    Wide mask = ((Wide)1 << (bits + 1)) - 1;
    count %= bits + 1;
    return count ? (v << count | v >> (bits + 1 - count)) & mask : v;
}

static Wide rotate_right(uint64_t value, uint64_t count, uint64_t carry,
                         unsigned bits)
{
    return rotate_left(value, bits + 1 - count % (bits + 1), carry, bits);
}

uint64_t helper_rcl(Cpu *cpu, uint64_t value, uint64_t count, uint64_t carry,
                    uint64_t bytes)
{
    return (uint64_t)rotate_left(value, count, carry, bytes * 8) &
           bits_mask(bytes * 8);
}

uint64_t helper_rcl_carry(Cpu *cpu, uint64_t value, uint64_t count,
                          uint64_t carry, uint64_t bytes)
{
    return rotate_left(value, count, carry, bytes * 8) >> (bytes * 8) & 1;
}

uint64_t helper_rcr(Cpu *cpu, uint64_t value, uint64_t count, uint64_t carry,
                    uint64_t bytes)
{
    return (uint64_t)rotate_right(value, count, carry, bytes * 8) &
           bits_mask(bytes * 8);
}

uint64_t helper_rcr_carry(Cpu *cpu, uint64_t value, uint64_t count,
                          uint64_t carry, uint64_t bytes)
{
    return rotate_right(value, count, carry, bytes * 8) >> (bytes * 8) & 1;
}

/* CRC-32C, reflected, without the inversions that a checksum has at both ends
 * (vol. 2, CRC32). */
uint64_t helper_crc32(Cpu *cpu, uint64_t crc, uint64_t value, uint64_t bytes)
{
    uint8_t data[8];
    bytes_st_le(data, 8, value);
    return (uint32_t)~crc32c(~(uint32_t)crc, data, bytes);
}

/* --- decimal adjustment ----------------------------------------------------*/

static void set_adjusted(X86Cpu *cpu, uint8_t al, uint32_t carries)
{
    gpr_set(cpu, X86_RAX, al, 1);
    set_cc(cpu, carries | cc_compute(CC_LOGIC, al, 0, 0));
}

uint64_t helper_daa(Cpu *c, uint64_t flags)
{
    X86Cpu *cpu = x86_cpu(c);
    uint8_t old = gpr_get(cpu, X86_RAX, 1), al = old;
    uint32_t carries = 0;
    if ((old & 15) > 9 || (flags & FLAG_AF)) {
        al += 6;
        carries |= FLAG_AF;
    }
    if (old > 0x99 || (flags & FLAG_CF)) {
        al += 0x60;
        carries |= FLAG_CF;
    }
    set_adjusted(cpu, al, carries);
    return 0;
}

uint64_t helper_das(Cpu *c, uint64_t flags)
{
    X86Cpu *cpu = x86_cpu(c);
    uint8_t old = gpr_get(cpu, X86_RAX, 1), al = old;
    uint32_t carries = 0;
    if ((old & 15) > 9 || (flags & FLAG_AF)) {
        carries |= FLAG_AF | (old < 6 ? FLAG_CF : 0);
        al -= 6;
    }
    if (old > 0x99 || (flags & FLAG_CF)) {
        al -= 0x60;
        carries |= FLAG_CF;
    }
    set_adjusted(cpu, al, carries);
    return 0;
}

/* AAA adds 0x106 to AX, AAS subtracts it, as processors since the 286 do. */
static void ascii_adjust(X86Cpu *cpu, uint64_t flags, int ax_step)
{
    uint16_t ax = gpr_get(cpu, X86_RAX, 2);
    uint32_t carries = 0;
    if ((ax & 15) > 9 || (flags & FLAG_AF)) {
        ax += ax_step;
        carries = FLAG_AF | FLAG_CF;
    }
    gpr_set(cpu, X86_RAX, ax & 0xff0f, 2);
    set_cc(cpu, carries | cc_compute(CC_LOGIC, ax & 15, 0, 0));
}

uint64_t helper_aaa(Cpu *c, uint64_t flags)
{
    ascii_adjust(x86_cpu(c), flags, 0x106);
    return 0;
}

uint64_t helper_aas(Cpu *c, uint64_t flags)
{
    ascii_adjust(x86_cpu(c), flags, -0x106);
    return 0;
}

uint64_t helper_aam(Cpu *cpu, uint64_t al, uint64_t base)
{
    return (al / base) << 8 | al % base;
}

/* --- checks ----------------------------------------------------------------*/

uint64_t helper_bound(Cpu *cpu, uint64_t index, uint64_t low, uint64_t high)
{
    if ((int64_t)index < (int64_t)low || (int64_t)index > (int64_t)high) {
        x86_raise(x86_cpu(cpu), EXC_BR, -1);
    }
    return 0;
}

uint64_t helper_into(Cpu *c, uint64_t taken, uint64_t next)
{
    X86Cpu *cpu = x86_cpu(c);
    bool step = cpu->tb_flags & TB_TF;
    if (taken) {
        helper_soft_int(c, EXC_OF, next);
        return 0;
    }
    cpu->s.rip = next;
    if (step) {
        helper_single_step(c, false);
    }
    return 0;
}

/* The instruction retires in here: nothing behind it in its TB may run. */
uint64_t helper_rep_none(Cpu *c, uint64_t count, uint64_t next)
{
    X86Cpu *cpu = x86_cpu(c);
    if (count) {
        return 0;
    }
    bool step = cpu->tb_flags & TB_TF;
    helper_end_shadow(c);
    cpu->s.rip = next;
    cpu->s.in_rep = false;
    if (step) {
        helper_single_step(c, false);
    }
    cpu_exit_retired(c);
}

uint64_t helper_align_check(Cpu *cpu, uint64_t linear, uint64_t bytes)
{
    if (linear & (bytes - 1)) {
        x86_raise(x86_cpu(cpu), EXC_AC, 0);
    }
    return 0;
}

uint64_t helper_probe_load(Cpu *c, uint64_t linear, uint64_t bytes,
                           uint64_t mode)
{
    cpu_probe(c, linear, bytes, MMU_LOAD, mode);
    return 0;
}

uint64_t helper_probe_store(Cpu *c, uint64_t linear, uint64_t bytes,
                            uint64_t mode)
{
    cpu_probe(c, linear, bytes, MMU_STORE, mode);
    return 0;
}

#define LINE_BYTES 64u

uint64_t helper_clzero(Cpu *c, uint64_t linear, uint64_t mode)
{
    linear &= ~(uint64_t)(LINE_BYTES - 1);
    cpu_probe(c, linear, LINE_BYTES, MMU_STORE, mode);
    cpu_need_last_insn(c); /* now; a later restart would see the stores */
    for (unsigned i = 0; i < LINE_BYTES; i += 8) {
        cpu_st(c, linear + i, 0, 8, mode);
    }
    return 0;
}

uint64_t helper_pdep(Cpu *c, uint64_t value, uint64_t mask)
{
    uint64_t r = 0;
    for (; mask; mask &= mask - 1, value >>= 1) {
        r |= value & 1 ? mask & -mask : 0;
    }
    return r;
}

uint64_t helper_pext(Cpu *c, uint64_t value, uint64_t mask)
{
    uint64_t r = 0;
    for (unsigned n = 0; mask; mask &= mask - 1, n++) {
        r |= (uint64_t)!!(value & mask & -mask) << n;
    }
    return r;
}

uint64_t helper_random(Cpu *c)
{
    return machine_random(c->machine);
}

/* Without a coprocessor nobody answers: nothing happens, and FNSTSW leaves its
 * destination as it was, which is how software finds out (vol. 3, 10.2). */
uint64_t helper_no_fpu(Cpu *c)
{
    X86Cpu *cpu = x86_cpu(c);
    if (cpu->s.cr[0] & (CR0_EM | CR0_TS)) {
        x86_raise(cpu, EXC_NM, -1);
    }
    return 0;
}

/* --- the stack -------------------------------------------------------------*/

typedef struct StackAccess {
    X86Cpu *cpu;
    unsigned bytes;        /* of an element */
    unsigned sp_bytes;
    unsigned mode;
} StackAccess;

static StackAccess stack_access(Cpu *c, unsigned bytes, unsigned sp_bytes)
{
    X86Cpu *cpu = x86_cpu(c);
    return (StackAccess){ cpu, bytes, sp_bytes,
                          x86_mmu_mode(cpu) | MMU_TARGET };
}

/* The linear address of the stack offset, after segment checks. */
static uint64_t stack_linear(const StackAccess *a, uint64_t offset,
                             MmuAccess access)
{
    X86Cpu *cpu = a->cpu;
    offset &= bits_mask(a->sp_bytes * 8);
    uint64_t linear = offset;
    if (!(cpu->tb_flags & TB_CS64)) {
        helper_seg_check(&cpu->parent, SEG_SS, offset, a->bytes,
                         access == MMU_STORE);
        linear = (uint32_t)(cpu->s.seg_base[SEG_SS] + offset);
    }
    if (cpu->tb_flags & TB_AC) {
        helper_align_check(&cpu->parent, linear, a->bytes);
    }
    return linear;
}

static void stack_probe(const StackAccess *a, uint64_t offset)
{
    uint64_t linear = stack_linear(a, offset, MMU_STORE);
    cpu_probe(&a->cpu->parent, linear, a->bytes, MMU_STORE, a->mode);
}

static void stack_store(const StackAccess *a, uint64_t offset, uint64_t v)
{
    uint64_t linear = stack_linear(a, offset, MMU_STORE);
    cpu_st(&a->cpu->parent, linear, v, a->bytes, a->mode);
}

static uint64_t stack_load(const StackAccess *a, uint64_t offset)
{
    uint64_t linear = stack_linear(a, offset, MMU_LOAD);
    return cpu_ld(&a->cpu->parent, linear, a->bytes, a->mode);
}

uint64_t helper_pusha(Cpu *c, uint64_t bytes, uint64_t sp_bytes)
{
    StackAccess a = stack_access(c, bytes, sp_bytes);
    uint64_t sp = gpr_get(a.cpu, X86_RSP, sp_bytes);
    for (unsigned i = 1; i <= 8; i++) {
        stack_probe(&a, sp - i * bytes);
    }
    for (unsigned i = 1; i <= 8; i++) {
        stack_store(&a, sp - i * bytes, gpr_get(a.cpu, i - 1, bytes));
    }
    gpr_set(a.cpu, X86_RSP, sp - 8 * bytes, sp_bytes);
    return 0;
}

uint64_t helper_popa(Cpu *c, uint64_t bytes, uint64_t sp_bytes)
{
    StackAccess a = stack_access(c, bytes, sp_bytes);
    uint64_t sp = gpr_get(a.cpu, X86_RSP, sp_bytes);
    uint64_t v[8];
    for (unsigned i = 0; i < 8; i++) {
        v[i] = stack_load(&a, sp + (7 - i) * bytes);
    }
    for (unsigned i = 0; i < 8; i++) {
        if (i != X86_RSP) {
            gpr_set(a.cpu, i, v[i], bytes);
        }
    }
    gpr_set(a.cpu, X86_RSP, sp + 8 * bytes, sp_bytes);
    return 0;
}

/* Every access of ENTER, so that none faults later. */
static void enter_probe(const StackAccess *a, uint64_t sp, uint64_t bp,
                        unsigned level, uint64_t size)
{
    for (unsigned i = 1; i < level; i++) {
        stack_load(a, bp - i * a->bytes);
    }
    for (unsigned i = 1; i <= level + 1; i++) {
        stack_probe(a, sp - i * a->bytes);
    }
    /* A push onto the new top must be possible, too. */
    stack_probe(a, sp - (level + 1) * a->bytes - size);
}

/* Vol. 2, ENTER: the frame pointer, the outer frames' pointers for a nesting
 * level, and space. The frames may overlap: loads see earlier stores. */
uint64_t helper_enter(Cpu *c, uint64_t size, uint64_t level, uint64_t bytes,
                      uint64_t sp_bytes)
{
    StackAccess a = stack_access(c, bytes, sp_bytes);
    uint64_t sp = gpr_get(a.cpu, X86_RSP, sp_bytes);
    uint64_t bp = gpr_get(a.cpu, X86_RBP, sp_bytes);
    /* All of RSP, though only SP or ESP moves; the frame pointer is as wide as
     * the operand (the manual says the stack; processors disagree). */
    uint64_t frame = bits_deposit(a.cpu->s.gpr[X86_RSP], 0, sp_bytes * 8,
                                  sp - bytes);
    enter_probe(&a, sp, bp, level, size);
    cpu_need_last_insn(c); /* now; a later restart would see the stores */
    stack_store(&a, sp -= bytes, gpr_get(a.cpu, X86_RBP, bytes));
    for (unsigned i = 1; i < level; i++) {
        uint64_t v = stack_load(&a, bp - i * bytes);
        stack_store(&a, sp -= bytes, v);
    }
    if (level) {
        stack_store(&a, sp -= bytes, frame & bits_mask(bytes * 8));
    }
    gpr_set(a.cpu, X86_RBP, frame, bytes);
    gpr_set(a.cpu, X86_RSP, sp - size, sp_bytes);
    return 0;
}

/* --- wide compare and exchange ---------------------------------------------*/

static uint64_t pair_get(const X86Cpu *cpu, unsigned high, unsigned low)
{
    return gpr_get(cpu, high, 4) << 32 | gpr_get(cpu, low, 4);
}

uint64_t helper_cmpxchg8b(Cpu *c, uint64_t linear, uint64_t flags,
                          uint64_t mode)
{
    X86Cpu *cpu = x86_cpu(c);
    cpu_probe(c, linear, 8, MMU_STORE, mode);
    uint64_t old = cpu_ld(c, linear, 8, mode);
    bool equal = old == pair_get(cpu, X86_RDX, X86_RAX);
    cpu_st(c, linear, equal ? pair_get(cpu, X86_RCX, X86_RBX) : old, 8, mode);
    if (!equal) {
        gpr_set(cpu, X86_RAX, old, 4);
        gpr_set(cpu, X86_RDX, old >> 32, 4);
    }
    set_cc(cpu, (flags & ~FLAG_ZF) | (equal ? FLAG_ZF : 0));
    return 0;
}

uint64_t helper_cmpxchg16b(Cpu *c, uint64_t linear, uint64_t flags,
                           uint64_t mode)
{
    X86Cpu *cpu = x86_cpu(c);
    uint64_t *r = cpu->s.gpr;
    if (linear & 15) {
        x86_raise(cpu, EXC_GP, 0);
    }
    cpu_probe(c, linear, 16, MMU_STORE, mode);
    cpu_need_last_insn(c); /* now; a later restart would see the store */
    uint64_t low = cpu_ld(c, linear, 8, mode);
    uint64_t high = cpu_ld(c, linear + 8, 8, mode);
    bool equal = low == r[X86_RAX] && high == r[X86_RDX];
    cpu_st(c, linear, equal ? r[X86_RBX] : low, 8, mode);
    cpu_st(c, linear + 8, equal ? r[X86_RCX] : high, 8, mode);
    if (!equal) {
        r[X86_RAX] = low;
        r[X86_RDX] = high;
    }
    set_cc(cpu, (flags & ~FLAG_ZF) | (equal ? FLAG_ZF : 0));
    return 0;
}

/* --- ports -----------------------------------------------------------------*/

uint64_t helper_ins(Cpu *c, uint64_t linear, uint64_t port, uint64_t bytes)
{
    unsigned mode = x86_mmu_mode(x86_cpu(c));
    helper_io_check(c, port, bytes);
    cpu_probe(c, linear, bytes, MMU_STORE, mode);
    cpu_st(c, linear, helper_in(c, port, bytes), bytes, mode);
    return 0;
}
