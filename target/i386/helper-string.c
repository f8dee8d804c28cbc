/*
 * Repeated string instructions, many iterations at a time.
 *
 * Each iteration is a retired instruction. A helper makes the one that the TB
 * has accounted for and, while the memory is plain RAM within a page, as many
 * more as the budget allows, which it takes from the budget. Where memory is
 * not plain (devices, watchpoints, page ends), where each iteration must be
 * seen (single step, breakpoints), and downwards, it makes one iteration only.
 * So nobody can tell how many were made in one go.
 *
 * A helper returns 1 if the instruction is to be repeated.
 */
#include <string.h>

#include "cpu.h"

typedef struct Rep {
    X86Cpu *cpu;
    unsigned bytes;        /* of an element */
    unsigned addr_bytes;
    unsigned mode;         /* MMU */
    uint64_t count;        /* left, at least 1 */
    uint64_t most;         /* iterations that may be made in one go */
} Rep;

/* One of the two operands. */
typedef struct RepSide {
    unsigned reg, seg;
    MmuAccess access;
    uint64_t linear;
    uint8_t *direct;       /* for rep->most elements, or NULL */
} RepSide;

/* Modes in which every iteration must be a boundary of its own. */
static bool must_go_slowly(const X86Cpu *cpu)
{
    const Cpu *c = &cpu->parent;
    return (cpu->tb_flags & (TB_TF | TB_SHADOW | TB_RF | TB_AC)) ||
           (int64_t)cpu->df < 0 || c->breakpoints->len;
}

static Rep rep_begin(Cpu *c, uint64_t bytes, uint64_t addr_bytes)
{
    X86Cpu *cpu = x86_cpu(c);
    Rep r = { cpu, bytes, addr_bytes, x86_mmu_mode(cpu), 0, 1 };
    r.count = cpu->s.gpr[X86_RCX] & bits_mask(addr_bytes * 8);
    if (!must_go_slowly(cpu) && c->budget > 0) {
        r.most = MIN(r.count, (uint64_t)c->budget + 1);
    }
    return r;
}

static bool is_checked(const X86Cpu *cpu, unsigned seg)
{
    unsigned flags = cpu->tb_flags;
    if (flags & TB_CS64) {
        return false;
    }
    if (seg == SEG_CS) {
        return true;
    }
    bool flat = (flags & TB_FLAT) && seg < SEG_FS;
    return !flat && !(flags & TB_BIG_REAL);
}

/* Lowers r->most to what the segment allows; one element is known to be
 * inside. */
static void limit_to_segment(Rep *r, unsigned seg, uint64_t offset)
{
    const X86State *s = &r->cpu->s;
    uint64_t room = s->seg_limit[seg] - offset + 1;
    bool down = (s->seg_attr[seg] & (DESC_CODE | DESC_E)) == DESC_E;
    r->most = down ? 1 : MIN(r->most, MAX(room / r->bytes, 1));
}

/* Checks the first element, finds its address and how far one can go. */
static void side_begin(Rep *r, RepSide *side)
{
    X86Cpu *cpu = r->cpu;
    uint64_t wrap = bits_mask(r->addr_bytes * 8);
    uint64_t offset = cpu->s.gpr[side->reg] & wrap;
    if (is_checked(cpu, side->seg)) {
        helper_seg_check(&cpu->parent, side->seg, offset, r->bytes,
                         side->access == MMU_STORE);
        limit_to_segment(r, side->seg, offset);
    }
    bool has_base = !(cpu->tb_flags & TB_CS64) || side->seg >= SEG_FS;
    side->linear = offset + (has_base ? cpu->s.seg_base[side->seg] : 0);
    if (!(cpu->tb_flags & TB_CS64)) {
        side->linear = (uint32_t)side->linear;
    }
    uint64_t page_room = PAGE_SIZE - (side->linear & ~PAGE_MASK);
    uint64_t room = MIN(page_room - 1, wrap - offset) + 1;
    r->most = MIN(r->most, MAX(room / r->bytes, 1));
    if (cpu->tb_flags & TB_AC) {
        helper_align_check(&cpu->parent, side->linear, r->bytes);
    }
}

static void side_map(const Rep *r, RepSide *side)
{
    uint64_t len = r->most * r->bytes;
    bool inside = (side->linear & ~PAGE_MASK) + len <= PAGE_SIZE;
    side->direct = inside ? cpu_direct(&r->cpu->parent, side->linear, len,
                                       side->access, r->mode) : NULL;
}

static uint64_t side_load(const Rep *r, const RepSide *side)
{
    return cpu_ld(&r->cpu->parent, side->linear, r->bytes, r->mode);
}

static void side_store(const Rep *r, const RepSide *side, uint64_t v)
{
    cpu_st(&r->cpu->parent, side->linear, v, r->bytes, r->mode);
}

static void reg_add(const Rep *r, unsigned reg, uint64_t n)
{
    uint64_t *g = &r->cpu->s.gpr[reg];
    uint64_t sum = *g + n;
    if (r->addr_bytes == 2) {
        *g = bits_deposit(*g, 0, 16, sum);
    } else {
        *g = sum & bits_mask(r->addr_bytes * 8);
    }
}

static void side_advance(const Rep *r, const RepSide *side, uint64_t n)
{
    reg_add(r, side->reg, n * r->bytes * r->cpu->df);
}

/* n iterations were made, of which the TB has paid for one. True if some are
 * left, and `go`. */
static bool rep_end(const Rep *r, uint64_t n, bool go)
{
    reg_add(r, X86_RCX, -n);
    r->cpu->parent.budget -= n - 1;
    r->cpu->s.in_rep = go && r->count != n;
    return r->cpu->s.in_rep;
}

static uint64_t element(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;
    memcpy(&v, p, bytes);
    return v;
}

/* --- MOVS, STOS --------------------------------------------------------------*/

/* Element by element upwards: where the destination starts inside the source,
 * elements are copied that were copied before. */
static void copy_up(uint8_t *to, const uint8_t *from, uint64_t len,
                    unsigned bytes)
{
    if (to <= from || to >= from + len) {
        memmove(to, from, len);
        return;
    }
    for (uint64_t i = 0; i < len; i += bytes) {
        uint64_t v = element(from + i, bytes);
        memcpy(to + i, &v, bytes);
    }
}

uint64_t helper_rep_movs(Cpu *c, uint64_t bytes, uint64_t addr_bytes,
                         uint64_t seg)
{
    Rep r = rep_begin(c, bytes, addr_bytes);
    RepSide from = { X86_RSI, seg, MMU_LOAD, 0, NULL };
    RepSide to = { X86_RDI, SEG_ES, MMU_STORE, 0, NULL };
    side_begin(&r, &from);
    side_begin(&r, &to);
    side_map(&r, &from);
    side_map(&r, &to);
    uint64_t n = 1;
    if (from.direct && to.direct) {
        n = r.most;
        copy_up(to.direct, from.direct, n * bytes, bytes);
    } else {
        side_store(&r, &to, side_load(&r, &from));
    }
    side_advance(&r, &from, n);
    side_advance(&r, &to, n);
    return rep_end(&r, n, true);
}

static void fill(uint8_t *to, uint64_t v, uint64_t count, unsigned bytes)
{
    if (bytes == 1) {
        memset(to, v & 0xff, count);
        return;
    }
    /* What is there is copied behind itself, twice as much each time. */
    uint64_t len = count * bytes, done = bytes;
    memcpy(to, &v, bytes);
    while (done < len) {
        uint64_t n = MIN(done, len - done);
        memcpy(to + done, to, n);
        done += n;
    }
}

uint64_t helper_rep_stos(Cpu *c, uint64_t bytes, uint64_t addr_bytes)
{
    Rep r = rep_begin(c, bytes, addr_bytes);
    RepSide to = { X86_RDI, SEG_ES, MMU_STORE, 0, NULL };
    uint64_t v = r.cpu->s.gpr[X86_RAX];
    side_begin(&r, &to);
    side_map(&r, &to);
    uint64_t n = 1;
    if (to.direct) {
        n = r.most;
        fill(to.direct, v, n, bytes);
    } else {
        side_store(&r, &to, v & bits_mask(bytes * 8));
    }
    side_advance(&r, &to, n);
    return rep_end(&r, n, true);
}

/* --- CMPS, SCAS --------------------------------------------------------------*/

/* The elements that a loop looks at, of `most`: REPE stops behind the first
 * that differs, REPNE behind the first that does not. */
typedef struct Scan {
    const uint8_t *a, *b;  /* b NULL: all are compared with x */
    uint64_t x, most;
    bool equal;            /* REPE */
} Scan;

/* bytes is a constant where this is inlined. */
static inline uint64_t scan_elements(const Scan *s, unsigned bytes)
{
    uint64_t n = 0;
    bool same;
    do {
        uint64_t at = n++ * bytes, x = s->x, y = 0;
        memcpy(&y, s->a + at, bytes);
        if (s->b) {
            x = 0;
            memcpy(&x, s->b + at, bytes);
        }
        same = x == y;
    } while (same == s->equal && n < s->most);
    return n;
}

/* REPE CMPS: eight bytes at a time as long as they are the same. */
static uint64_t scan_same(const Scan *s, unsigned bytes)
{
    uint64_t len = s->most * bytes, at = 0;
    while (at + 8 <= len && !memcmp(s->a + at, s->b + at, 8)) {
        at += 8;
    }
    while (at < len && s->a[at] == s->b[at]) {
        at++;
    }
    return MIN(at / bytes + 1, s->most);
}

static uint64_t scan(const Scan *s, unsigned bytes)
{
    if (s->b && s->equal) {
        return scan_same(s, bytes);
    }
    if (!s->b && !s->equal && bytes == 1) {
        const uint8_t *found = memchr(s->a, s->x, s->most);
        return found ? found - s->a + 1 : s->most;
    }
    switch (bytes) {
    case 1: return scan_elements(s, 1);
    case 2: return scan_elements(s, 2);
    case 4: return scan_elements(s, 4);
    default: return scan_elements(s, 8);
    }
}

/* The flags of a - b; true if ZF is as REPE (1) or REPNE (0) wants it. */
static bool compare(const Rep *r, uint64_t a, uint64_t b, uint64_t want_equal)
{
    X86Cpu *cpu = r->cpu;
    cpu->cc_op = CC_SUB + __builtin_ctz(r->bytes);
    cpu->cc_dst = (a - b) & bits_mask(r->bytes * 8);
    cpu->cc_src = b;
    return (a == b) == want_equal;
}

uint64_t helper_rep_cmps(Cpu *c, uint64_t bytes, uint64_t addr_bytes,
                         uint64_t seg, uint64_t equal)
{
    Rep r = rep_begin(c, bytes, addr_bytes);
    RepSide a = { X86_RSI, seg, MMU_LOAD, 0, NULL };
    RepSide b = { X86_RDI, SEG_ES, MMU_LOAD, 0, NULL };
    side_begin(&r, &a);
    side_begin(&r, &b);
    side_map(&r, &a);
    side_map(&r, &b);
    uint64_t n = 0;
    bool go;
    if (a.direct && b.direct) {
        n = scan(&(Scan){ a.direct, b.direct, 0, r.most, equal }, bytes);
        go = compare(&r, element(a.direct + (n - 1) * bytes, bytes),
                     element(b.direct + (n - 1) * bytes, bytes), equal);
    } else {
        n = 1;
        uint64_t x = side_load(&r, &a);
        go = compare(&r, x, side_load(&r, &b), equal);
    }
    side_advance(&r, &a, n);
    side_advance(&r, &b, n);
    return rep_end(&r, n, go);
}

uint64_t helper_rep_scas(Cpu *c, uint64_t bytes, uint64_t addr_bytes,
                         uint64_t equal)
{
    Rep r = rep_begin(c, bytes, addr_bytes);
    RepSide b = { X86_RDI, SEG_ES, MMU_LOAD, 0, NULL };
    uint64_t x = r.cpu->s.gpr[X86_RAX] & bits_mask(bytes * 8);
    side_begin(&r, &b);
    side_map(&r, &b);
    uint64_t n = 0;
    bool go;
    if (b.direct) {
        n = scan(&(Scan){ b.direct, NULL, x, r.most, equal }, bytes);
        go = compare(&r, x, element(b.direct + (n - 1) * bytes, bytes),
                     equal);
    } else {
        n = 1;
        go = compare(&r, x, side_load(&r, &b), equal);
    }
    side_advance(&r, &b, n);
    return rep_end(&r, n, go);
}
