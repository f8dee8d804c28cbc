/*
 * The x87's control registers and environment: FLDCW, FNINIT, FNCLEX, FSTENV,
 * FSAVE and back, in the four layouts of memory (SDM vol. 1, 8.1.10).
 */
#include "x87.h"

#include "base/bytes.h"
#include "cpuid.h"

#define IMAGE_MAX 108u

/* 16-bit or 32-bit words; real and virtual-8086 mode has layouts of its own. */
typedef struct Layout {
    unsigned word;         /* bytes: 2 or 4 */
    bool real;
} Layout;

static Layout layout_now(const X86Cpu *cpu, uint64_t word)
{
    return (Layout){ word, !(cpu->tb_flags & TB_PE) };
}

static unsigned env_bytes(Layout l)
{
    return 7 * l.word;
}

void x87_update_fcw(X86Cpu *cpu, uint16_t v)
{
    cpu->s.fcw = (v & FCW_MASK) | 0x40;
    x87_update_es(cpu);
}

void x87_init(X86Cpu *cpu)
{
    X86State *s = &cpu->s;
    s->fcw = FCW_INIT;
    s->fsw = s->fvalid = s->fop = s->fcs = s->fds = 0;
    s->fip = s->fdp = 0;
    x87_update_es(cpu);
}

/* --- tags (8.1.7) ----------------------------------------------------------*/

static unsigned tag_of(Sf80 v)
{
    switch (sf80_classify(v)) {
    case SF_CLASS_NORMAL:
        return 0;
    case SF_CLASS_ZERO:
        return 1;
    default:
        return 2;
    }
}

uint16_t x87_tags(const X86State *s)
{
    uint16_t tags = 0;
    for (unsigned r = 0; r < 8; r++) {
        Sf80 v = { s->fpr[r][0], s->fpr[r][1] };
        tags |= (s->fvalid >> r & 1 ? tag_of(v) : 3u) << (2 * r);
    }
    return tags;
}

void x87_set_tags(X86State *s, uint16_t tags)
{
    s->fvalid = 0;
    for (unsigned r = 0; r < 8; r++) {
        s->fvalid |= ((tags >> (2 * r) & 3) != 3) << r;
    }
}

/* --- images ------------------------------------------------------------------*/

/* Processors fill what is reserved with ones. */
static void put_word(uint8_t *image, Layout l, unsigned n, uint32_t v)
{
    bytes_st_le(image + n * l.word, l.word, v);
}

static void env_put_real(const X86State *s, Layout l, uint8_t *image)
{
    uint32_t ip = s->fip + s->fcs * 16u, dp = s->fdp + s->fds * 16u;
    if (l.word == 2) {
        put_word(image, l, 3, ip);
        put_word(image, l, 4, (ip >> 4 & 0xf000) | s->fop);
        put_word(image, l, 5, dp);
        put_word(image, l, 6, dp >> 4 & 0xf000);
    } else {
        put_word(image, l, 3, (ip & 0xffff) | 0xffff0000);
        put_word(image, l, 4, (ip >> 4 & 0x0ffff000) | s->fop);
        put_word(image, l, 5, (dp & 0xffff) | 0xffff0000);
        put_word(image, l, 6, dp >> 4 & 0x0ffff000);
    }
}

static void env_put(const X86State *s, Layout l, uint8_t *image)
{
    uint32_t high = l.word == 4 ? 0xffff0000 : 0;
    put_word(image, l, 0, s->fcw | high);
    put_word(image, l, 1, s->fsw | high);
    put_word(image, l, 2, x87_tags(s) | high);
    if (l.real) {
        env_put_real(s, l, image);
        return;
    }
    put_word(image, l, 3, s->fip);
    put_word(image, l, 4, s->fcs | (l.word == 4 ? s->fop << 16 : 0));
    put_word(image, l, 5, s->fdp);
    put_word(image, l, 6, s->fds | high);
}

static uint32_t get_word(const uint8_t *image, Layout l, unsigned n)
{
    return bytes_ld_le(image + n * l.word, l.word);
}

static void env_get_real(X86State *s, Layout l, const uint8_t *image)
{
    uint32_t high = l.word == 2 ? 0xf000 : 0x0ffff000;
    uint32_t w4 = get_word(image, l, 4), w6 = get_word(image, l, 6);
    s->fip = (get_word(image, l, 3) & 0xffff) | (w4 & high) << 4;
    s->fdp = (get_word(image, l, 5) & 0xffff) | (w6 & high) << 4;
    s->fop = w4 & X87_FOP_MASK;
    s->fcs = s->fds = 0;
}

static void env_get(X86Cpu *cpu, Layout l, const uint8_t *image)
{
    X86State *s = &cpu->s;
    s->fsw = get_word(image, l, 1);
    x87_set_tags(s, get_word(image, l, 2));
    if (l.real) {
        env_get_real(s, l, image);
    } else {
        s->fip = get_word(image, l, 3);
        s->fcs = get_word(image, l, 4);
        s->fop = l.word == 4 ? get_word(image, l, 4) >> 16 & X87_FOP_MASK
                             : 0;
        s->fdp = get_word(image, l, 5);
        s->fds = get_word(image, l, 6);
    }
    if (cpuid_has_zero_fcs_fds(cpu)) {
        s->fcs = s->fds = 0;
    }
    x87_update_fcw(cpu, get_word(image, l, 0));
}

/* --- guest memory --------------------------------------------------------------*/

static uint64_t address(const X86Cpu *cpu, uint64_t linear, unsigned n)
{
    linear += n;
    return cpu->tb_flags & TB_CS64 ? linear : (uint32_t)linear;
}

/* Faults now, if any of it would. An image is shorter than a page. */
static void probe_image(X86Cpu *cpu, uint64_t linear, unsigned bytes,
                        MmuAccess access, unsigned mode)
{
    uint64_t last = address(cpu, linear, bytes - 1) & PAGE_MASK;
    cpu_probe(&cpu->parent, linear, 1, access, mode);
    if (last != (linear & PAGE_MASK)) {
        cpu_probe(&cpu->parent, last, 1, access, mode);
    }
}

static void store_image(X86Cpu *cpu, uint64_t linear, const uint8_t *image,
                        unsigned bytes, unsigned mode)
{
    probe_image(cpu, linear, bytes, MMU_STORE, mode);
    for (unsigned i = 0; i < bytes; i += 2) {
        cpu_st(&cpu->parent, address(cpu, linear, i),
               bytes_ld_le16(image + i), 2, mode);
    }
}

static void load_image(X86Cpu *cpu, uint64_t linear, uint8_t *image,
                       unsigned bytes, unsigned mode)
{
    probe_image(cpu, linear, bytes, MMU_LOAD, mode);
    for (unsigned i = 0; i < bytes; i += 2) {
        bytes_st_le16(image + i, cpu_ld(&cpu->parent,
                                        address(cpu, linear, i), 2, mode));
    }
}

/* --- the instructions --------------------------------------------------------*/

uint64_t helper_x87_ldcw(Cpu *c, uint64_t v)
{
    x87_wait(x86_cpu(c));
    x87_update_fcw(x86_cpu(c), v);
    return 0;
}

uint64_t helper_x87_init(Cpu *c)
{
    x87_init(x86_cpu(c));
    return 0;
}

uint64_t helper_x87_clex(Cpu *c)
{
    X86Cpu *cpu = x86_cpu(c);
    x87_sync(cpu);
    cpu->s.fsw &= ~(SF_ALL | FSW_SF);
    x87_update_es(cpu);
    return 0;
}

uint64_t helper_x87_stenv(Cpu *c, uint64_t linear, uint64_t mode,
                          uint64_t word)
{
    X86Cpu *cpu = x86_cpu(c);
    uint8_t image[IMAGE_MAX];
    Layout l = layout_now(cpu, word);
    x87_sync(cpu);
    env_put(&cpu->s, l, image);
    store_image(cpu, linear, image, env_bytes(l), mode);
    cpu->s.fcw |= SF_ALL;
    x87_update_es(cpu);
    return 0;
}

uint64_t helper_x87_ldenv(Cpu *c, uint64_t linear, uint64_t mode,
                          uint64_t word)
{
    X86Cpu *cpu = x86_cpu(c);
    uint8_t image[IMAGE_MAX];
    Layout l = layout_now(cpu, word);
    x87_wait(cpu);
    load_image(cpu, linear, image, env_bytes(l), mode);
    env_get(cpu, l, image);
    return 0;
}

uint64_t helper_x87_save(Cpu *c, uint64_t linear, uint64_t mode,
                         uint64_t word)
{
    X86Cpu *cpu = x86_cpu(c);
    uint8_t image[IMAGE_MAX];
    Layout l = layout_now(cpu, word);
    unsigned bytes = env_bytes(l);
    x87_sync(cpu);
    env_put(&cpu->s, l, image);
    for (unsigned i = 0; i < 8; i++, bytes += 10) {
        Sf80 v = x87_get(&cpu->s, i);
        bytes_st_le64(image + bytes, v.frac);
        bytes_st_le16(image + bytes + 8, v.sign_exp);
    }
    store_image(cpu, linear, image, bytes, mode);
    x87_init(cpu);
    return 0;
}

uint64_t helper_x87_rstor(Cpu *c, uint64_t linear, uint64_t mode,
                          uint64_t word)
{
    X86Cpu *cpu = x86_cpu(c);
    X86State *s = &cpu->s;
    uint8_t image[IMAGE_MAX];
    Layout l = layout_now(cpu, word);
    unsigned at = env_bytes(l);
    x87_wait(cpu);
    load_image(cpu, linear, image, at + 80, mode);
    env_get(cpu, l, image);
    for (unsigned i = 0; i < 8; i++, at += 10) {
        unsigned r = x87_phys(s, i);
        s->fpr[r][0] = bytes_ld_le64(image + at);
        s->fpr[r][1] = bytes_ld_le16(image + at + 8);
    }
    return 0;
}

uint64_t helper_fwait(Cpu *c)
{
    X86Cpu *cpu = x86_cpu(c);
    if ((cpu->s.cr[0] & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS)) {
        x86_raise(cpu, EXC_NM, -1);
    }
    x87_wait(cpu);
    return 0;
}
