/*
 * x87 loads and stores (SDM vol. 1, 8.3.3): numbers of 32, 64 and 80 bits,
 * integers and packed decimals.
 */
#include "x87.h"

#include "base/bytes.h"

static Sf80 load_bcd(uint64_t lo, uint64_t hi)
{
    uint8_t bcd[16];
    bytes_st_le64(bcd, lo);
    bytes_st_le64(bcd + 8, hi);
    return sf80_from_bcd(bcd);
}

static Sf80 load(unsigned kind, uint64_t lo, uint64_t hi, SfEnv *env)
{
    switch (kind) {
    case X80_F32:
        return sf32_to_sf80(lo, env);
    case X80_F64:
        return sf64_to_sf80(lo, env);
    case X80_F80:
        return (Sf80){ lo, hi };
    case X87_BCD:
        return load_bcd(lo, hi);
    case X80_I16:
        return sf80_from_int64((int16_t)lo, env);
    case X80_I32:
        return sf80_from_int64((int32_t)lo, env);
    default:
        return sf80_from_int64(lo, env);
    }
}

uint64_t helper_x87_load(Cpu *c, uint64_t insn, uint64_t ip, uint64_t offset,
                         uint64_t lo, uint64_t hi)
{
    X86Cpu *cpu = x86_cpu(c);
    X86State *s = &cpu->s;
    x87_wait(cpu);
    SfEnv env = sf_env_x87(s->fcw);
    Sf80 v = X87_INDEFINITE;
    unsigned flags = X87_OVERFLOW;
    if (x87_is_empty(s, 7)) {
        v = load(x87_mem_kind(insn), lo, hi, &env);
        flags = x87_told(&env);
    }
    /* A denormal is loaded even if that is unmasked. */
    if (x87_flags(cpu, flags, SF_INVALID)) {
        x87_push(s, v);
    }
    x87_note_code(cpu, insn, ip);
    x87_note_data(cpu, x87_mem_seg(insn), offset);
    return 0;
}

/* --- stores ------------------------------------------------------------------*/

typedef struct Stored {
    uint64_t lo, hi;
    unsigned bytes;
} Stored;

static Stored store_bcd(Sf80 v, SfEnv *env)
{
    uint8_t bcd[10];
    sf80_to_bcd(v, bcd, env);
    return (Stored){ bytes_ld_le64(bcd), bytes_ld_le16(bcd + 8), 10 };
}

static Stored convert(unsigned kind, Sf80 v, SfEnv *env)
{
    static const uint8_t bits[] = { [X80_I16] = 16, [X80_I32] = 32,
                                    [X80_I64] = 64, [X80_T16] = 16,
                                    [X80_T32] = 32, [X80_T64] = 64 };
    switch (kind) {
    case X80_F32:
        return (Stored){ sf80_to_sf32(v, env), 0, 4 };
    case X80_F64:
        return (Stored){ sf80_to_sf64(v, env), 0, 8 };
    case X80_F80:
        return (Stored){ v.frac, v.sign_exp, 10 };
    case X87_BCD:
        return store_bcd(v, env);
    default:
        break;
    }
    unsigned how = SF_INT(bits[kind]) | SF_INT_INDEFINITE |
                   (kind >= X80_T16 ? SF_INT_TRUNCATE : 0);
    return (Stored){ sf80_to_int(v, how, env), 0, bits[kind] / 8 };
}

/* All of it or nothing. */
static void put_memory(X86Cpu *cpu, uint64_t linear, const Stored *v,
                       unsigned mode)
{
    Cpu *c = &cpu->parent;
    if (cpu->tb_flags & TB_AC) {
        helper_align_check(c, linear, MIN(v->bytes, 8));
    }
    if (v->bytes <= 8) {
        cpu_st(c, linear, v->lo, v->bytes, mode);
        return;
    }
    uint64_t second = linear + 8;
    if (!(cpu->tb_flags & TB_CS64)) {
        second = (uint32_t)second;
    }
    cpu_probe(c, linear, v->bytes, MMU_STORE, mode);
    cpu_st(c, linear, v->lo, 8, mode);
    cpu_st(c, second, v->hi, 2, mode);
}

/* The exceptions that keep a store from memory (8.5). */
#define STORE_STOPS (X87_BEFORE | SF_OVERFLOW | SF_UNDERFLOW)

uint64_t helper_x87_store(Cpu *c, uint64_t insn, uint64_t ip, uint64_t offset,
                          uint64_t linear, uint64_t mode)
{
    X86Cpu *cpu = x86_cpu(c);
    X86State *s = &cpu->s;
    x87_wait(cpu);
    SfEnv env = sf_env_x87(s->fcw);
    bool empty = x87_is_empty(s, 0);
    Sf80 top = empty ? X87_INDEFINITE : x87_get(s, 0);
    Stored v = convert(x87_mem_kind(insn), top, &env);
    unsigned flags = empty ? X87_UNDERFLOW : x87_told(&env);
    if (flags & ~s->fcw & STORE_STOPS) {
        /* Nothing is stored: memory need not be there. */
        flags &= ~(SF_INEXACT | SF_ROUNDED_UP);
    } else {
        put_memory(cpu, linear, &v, mode);
    }
    if (x87_flags(cpu, flags, STORE_STOPS)) {
        x87_pop(s, x87_pops(insn));
    }
    x87_note_code(cpu, insn, ip);
    x87_note_data(cpu, x87_mem_seg(insn), offset);
    return 0;
}
