/*
 * Random programs for test-exec.
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "exec-program.h"

/* --- chance ------------------------------------------------------------------------- */

static uint64_t random_state;

void random_start(uint64_t seed)
{
    random_state = seed;
}

uint64_t random64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

unsigned below(unsigned n)
{
    return (random64() >> 32) % n;
}

bool chance(unsigned percent)
{
    return below(100) < percent;
}

/* --- code ----------------------------------------------------------------------------- */

/* Half of the programs have little that traps, so that they get to loops and
 * long TBs. Half of those live at the edge of a page and map the pages around
 * it anew all the time, or mostly load and store at few places. */
static bool calm, edge, dense;
/* Half of the programs compute with vectors or with numbers of 80 bits most of the
 * time, and mostly go ahead, so that they come to many operations. */
static bool wide, numbers;

#define EDGE_PAGES 6u      /* from page 2 on */

static bool traps_often(unsigned op)
{
    return op == TINY_UNDEF || op == TINY_FAULTS || op == TINY_JUMPR ||
           op == TINY_RETURN || op == TINY_TABLE;
}

static unsigned random_op(void)
{
    static const uint8_t often[] = {
        TINY_ALU, TINY_ALU, TINY_ALU, TINY_ALUI, TINY_ALUI, TINY_LI, TINY_LD,
        TINY_LD, TINY_LD, TINY_ST, TINY_ST, TINY_ST, TINY_SKIP, TINY_BRANCH,
        TINY_LDENV, TINY_STENV, TINY_READS, TINY_WRITES, TINY_PURE,
        TINY_FAULTS,
    };
    static const uint8_t vector[] = {
        TINY_VEC, TINY_VEC, TINY_VEC, TINY_VEC, TINY_VEC, TINY_VEC, TINY_VSET,
        TINY_VSET, TINY_VLD, TINY_VLD, TINY_VST, TINY_VMOV, TINY_FPGET,
    };
    static const uint8_t number[] = {
        TINY_XOP, TINY_XOP, TINY_XOP, TINY_XOP, TINY_XOP, TINY_XOP, TINY_XLD,
        TINY_XLD, TINY_XST, TINY_XST, TINY_XMOV, TINY_XGET, TINY_XSPECIAL,
        TINY_ASSUME,
    };
    if (wide && chance(85)) {
        return chance(3) ? (numbers ? TINY_XSET : TINY_FPSET)
               : numbers ? number[below(G_N_ELEMENTS(number))]
                         : vector[below(G_N_ELEMENTS(vector))];
    }
    unsigned op = chance(92) ? often[below(G_N_ELEMENTS(often))]
                             : below(TINY_OP_COUNT);
    return calm && traps_often(op) && chance(90) ? TINY_ALU : op;
}

static void random_insn(uint8_t *at, unsigned op)
{
    unsigned most = (256 - op - 1) / TINY_OP_COUNT;
    bytes_st_le(at, 4, random64());
    /* r4 to r6 are for place_map() and place_access(). */
    at[1] &= edge || dense ? ~0x24 : ~0;
    at[0] = op + TINY_OP_COUNT * below(most + 1);
    /* Few vectors have to be aligned: most addresses are not. */
    if ((op == TINY_VLD || op == TINY_VST) && chance(80)) {
        at[3] &= ~0x40;
    }
    /* Mostly short ways, so that there are loops. */
    if ((op == TINY_SKIP || op == TINY_BRANCH || op == TINY_JUMP) &&
        chance(80)) {
        int to = (int)below(33) * 2 - (wide && chance(90) ? -4 : 40);
        bytes_st_le(at + 2, 2, (uint16_t)(to * 16 + below(16)));
    }
}

static void place(uint8_t *at, unsigned op, unsigned d, unsigned imm)
{
    at[0] = op;
    at[1] = d | 3 << 6;
    bytes_st_le(at + 2, 2, imm);
}

#define MAP_BYTES 16u

/* The entry of a page becomes r5, and r4 and r5 change places; r6 has the
 * table's address. */
static void place_map(uint8_t *at, unsigned page)
{
    enum { XOR = 7 };
    place(at, TINY_ST, 5 | 6 << 3, page * 8);
    place(at + 4, TINY_ALU, 4 | 5 << 3, XOR);
    place(at + 8, TINY_ALU, 5 | 4 << 3, XOR);
    place(at + 12, TINY_ALU, 4 | 5 << 3, XOR);
    at[5] &= 0x3f;
    at[9] &= 0x3f;
    at[13] &= 0x3f;
}

static uint64_t random_pte(void)
{
    unsigned flags = chance(90) ? TINY_P | TINY_W : below(16);
    return (2 + below(EDGE_PAGES)) << PAGE_BITS | flags;
}

/* A loop around the end of each page, in which the next page, or this one, is
 * replaced by another that has such a loop. */
static void place_loop(TinyModel *m, unsigned page)
{
    static const uint8_t straight[] = {
        TINY_ALU, TINY_ALU, TINY_ALUI, TINY_LI, TINY_LD, TINY_ST, TINY_PURE,
        TINY_READS, TINY_WRITES, TINY_LDENV, TINY_STENV, TINY_VEC, TINY_VMOV,
        TINY_VSET, TINY_VLD, TINY_VST, TINY_XOP, TINY_XMOV, TINY_XLD, TINY_XST,
    };
    uint8_t *end = m->ram + (page << PAGE_BITS);
    int at = -64;
    place_map(end + at, chance(80) ? page : page - 1);
    at += MAP_BYTES;
    while (at < 20) {
        unsigned op = straight[below(G_N_ELEMENTS(straight))];
        random_insn(end + at, op);
        at += tiny_op_bytes(op);
    }
    place(end + at, TINY_JUMP, 0, (uint16_t)((-64 - at) * 16));
}

/* Traps and interrupts go anywhere. */
static void place_handler(TinyModel *m)
{
    uint8_t *at[] = { m->ram + TINY_TRAP, m->ram + TINY_IRQ };
    for (unsigned n = 0; n < G_N_ELEMENTS(at); n++) {
        at[n][0] = TINY_PURE;
        at[n][1] = 7 | 6 << 3;
        at[n][2] = TINY_JUMPR;
        at[n][3] = 7 << 3;
    }
}

#define DENSE_PAGE  0x24u  /* r4 has its address */
#define DENSE_PAGES 4u

static unsigned place_in_page(void)
{
    static const uint16_t places[] = { 0, 0, 4, 8, 0xffc };
    return places[below(G_N_ELEMENTS(places))];
}

GuestAddr program_watch_address(void)
{
    if (!dense) {
        return below(TINY_RAM_BYTES);
    }
    return ((DENSE_PAGE + below(DENSE_PAGES)) << PAGE_BITS) + place_in_page();
}

/* A load or store at one of few places, or of those pages' entries in the table
 * that r6 has the address of; r5 is an entry. */
static void place_access(uint8_t *at)
{
    static unsigned page;
    bool entry = chance(30);
    unsigned op = chance(entry ? 20 : 50) ? TINY_ST : TINY_LD;
    page = chance(70) ? page : below(DENSE_PAGES);
    unsigned d = entry && op == TINY_ST ? 5 : below(4);
    unsigned size = entry || chance(60) ? 3 : below(4);
    unsigned imm = entry ? (DENSE_PAGE + page) * 8
                         : page << PAGE_BITS | place_in_page();
    at[0] = op;
    at[1] = d | (entry ? 6 : 4) << 3 | size << 6;
    bytes_st_le(at + 2, 2, imm | (op == TINY_LD ? below(4) << 14 : 0));
}

static uint64_t dense_entry(void)
{
    static const uint32_t to[] = { 0x10000, 0x10000, 0x10000, 0x11000,
                                   0x11000, TINY_ROM_AT, 0x90000 };
    return to[below(G_N_ELEMENTS(to))] | TINY_P | TINY_W |
           (chance(30) ? TINY_A : 0) | (chance(30) ? TINY_D : 0);
}

static void random_code(uint8_t *at, size_t len)
{
    for (size_t i = 0; i + MAP_BYTES <= len;) {
        if (edge && chance(4)) {
            place_map(at + i, 2 + below(EDGE_PAGES));
            i += MAP_BYTES;
            continue;
        }
        unsigned op = random_op();
        if (dense && chance(90)) {
            op = TINY_LD;
            place_access(at + i);
        } else {
            random_insn(at + i, op);
        }
        i += tiny_op_bytes(op);
    }
}

static uint64_t random_entry(unsigned page)
{
    static const uint32_t others[] = { TINY_IO_AT, TINY_ROM_AT, 0x41000,
                                       0x90000 };
    uint64_t flags = calm || chance(90) ? TINY_P : 0;
    uint64_t to = page << PAGE_BITS;
    flags |= calm || chance(85) ? TINY_W : 0;
    flags |= chance(30) ? TINY_A : 0;
    flags |= chance(30) ? TINY_D : 0;
    if (dense && page - DENSE_PAGE < DENSE_PAGES) {
        return dense_entry();
    }
    if (page < 2) {
        return TINY_P | TINY_W | to;
    }
    if (edge && page < TINY_RAM_BYTES >> PAGE_BITS) {
        return to | flags;
    }
    if (page >= TINY_RAM_BYTES >> PAGE_BITS || chance(20)) {
        to = chance(calm ? 99 : 85) ? below(TINY_RAM_BYTES >> PAGE_BITS) << PAGE_BITS
                        : others[below(G_N_ELEMENTS(others))];
    }
    return to | flags;
}

static void random_tables(TinyModel *m)
{
    for (unsigned t = 0; t < 2; t++) {
        for (unsigned page = 0; page < 256; page++) {
            bytes_st_le(m->ram + TINY_TABLE(t) + page * 8, 8,
                        random_entry(page));
        }
    }
}

/* A number of some kind. */
static void random_number(uint64_t out[2])
{
    TinyInsn in = { .x = below(4), .imm = random64() };
    tiny_x80_special(&in, out);
    if (chance(50)) {
        out[0] = random64() | (chance(95) ? BIT(63) : 0);
        out[1] = (out[1] & 0x8000) | (0x3fff + below(140) - 70);
    }
}

static void random_registers(TinyModel *m)
{
    TinyState *s = &m->s;
    *s = (TinyState){ .last_trap = ICOUNT_NONE, .last_debug = ICOUNT_NONE };
    s->fp = chance(70) ? 0x1f80 : tiny_fp(random64());
    s->xcontrol = chance(70) ? 0x300 : random64() & TINY_X80_CONTROL;
    for (unsigned i = 0; i < 8; i++) {
        s->v[i][0] = random64();
        s->v[i][1] = random64();
        random_number(s->f[i]);
        s->r[i] = chance(50) ? below(TINY_RAM_BYTES) : random64();
    }
    s->r[4] = edge ? random_pte() : s->r[4];
    s->r[5] = edge ? random_pte() : s->r[5];
    s->r[6] = edge ? TINY_TABLE(0)
              : chance(50) ? TINY_TABLE(below(2)) - 0x1000 + below(0x1800)
                           : TINY_RAM_BYTES / 2;
    if (dense) {
        s->r[4] = DENSE_PAGE << PAGE_BITS;
        s->r[5] = dense_entry() & ~(TINY_A | TINY_D);
        s->r[6] = TINY_TABLE(0);
    }
    s->pc = edge ? ((3 + below(EDGE_PAGES - 1)) << PAGE_BITS) - 64
                 : below(TINY_RAM_BYTES);
    s->scratch = random64();
    s->enabled = chance(50);
}

void program_make(TinyModel *m)
{
    wide = chance(50);
    numbers = wide && chance(50);
    calm = wide || chance(50);
    edge = calm && chance(wide ? 20 : 50);
    dense = calm && !edge && chance(wide ? 20 : 70);
    random_code(m->ram, sizeof m->ram);
    random_code(m->rom, sizeof m->rom);
    random_tables(m);
    for (unsigned page = 3; edge && page < 2 + EDGE_PAGES; page++) {
        place_loop(m, page);
    }
    if (wide) {
        place_handler(m);
    }
    random_registers(m);
    m->icount = below(1000);
}
