/*
 * Random 32-bit programs with paging on, in segments whose bases are odd, or
 * in flat ones.
 *
 * A program calls functions in a random order that changes slowly, so that
 * most of them rest most of the time. Functions are loops of accesses: to
 * their own pages and across page ends, what was stored is loaded, strings are
 * copied, code is written, pages are taken away (a fault brings them back).
 * There are timer interrupts.
 */
#include "search-guest.h"

#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "vm/memory.h"

enum {
    GDT = 0x1000, IDT = 0x2000, PAGE_DIR = 0x3000, PAGE_TABLE = 0x4000,
    HANDLERS = 0x6000, STACK = 0x9fff3, CODE = 0x20000, CODE_MAIN = 0x3c00,
    DATA = 0x100000, DATA_PAGES = 40, FUNCTIONS = 18, ROOM = 0x300,
    POOL = 3, SCHEDULE = 90, NOWHERE = 0x300000, OWN = 0x180000,
    SEL_CODE = 8, SEL_DATA = 16, SEL_FLAT = 24, SEL_FLAT_CODE = 32,
    ALL_MEMORY = 4 << 20,
};

/* Where a program is being written. */
typedef struct Out {
    SearchGuest *g;
    uint8_t *host;         /* of the code segment's base */
    uint32_t at;           /* offset in it */
    uint32_t pool[POOL];   /* data pages of this function, as offsets */
    uint32_t victim;       /* linear address of an immediate operand */
    unsigned number;       /* of the function */
} Out;

static void bytes(Out *o, const char *p, size_t len)
{
    memcpy(o->host + o->at, p, len);
    o->at += len;
}

#define EMIT(o, text) bytes(o, text, sizeof text - 1)

/* An instruction begins: a place for a breakpoint. */
static void insn(Out *o)
{
    g_array_append_val(o->g->insns, o->at);
}

static void imm32(Out *o, uint32_t v)
{
    bytes_st_le32(o->host + o->at, v);
    o->at += 4;
}

static void imm8(Out *o, uint8_t v)
{
    o->host[o->at++] = v;
}

static unsigned below(Out *o, unsigned n)
{
    return g_rand_int_range(o->g->rand, 0, n);
}

/* eax, edx, ecx, as the operand of a ModRM byte. */
static unsigned some_reg(Out *o)
{
    static const uint8_t regs[] = { 0, 2, 1 };
    return regs[below(o, 3)] << 3;
}

static uint32_t some_data(Out *o)
{
    uint32_t page = o->pool[below(o, POOL)];
    return page + (below(o, 6) ? 8 * below(o, 300) + below(o, 3)
                               : PAGE_SIZE - 1 - below(o, 4));
}

/* --- pieces of functions ----------------------------------------------------- */

static void op_store(Out *o)
{
    insn(o);
    imm8(o, below(o, 2) ? 0x89 : 0x88);
    imm8(o, 5 | some_reg(o));
    imm32(o, some_data(o));
}

static void op_load(Out *o)
{
    insn(o);
    imm8(o, 0x8b);
    imm8(o, 5 | some_reg(o));
    imm32(o, some_data(o));
}

static void op_add(Out *o)
{
    insn(o);
    imm8(o, 0x01);
    imm8(o, 5 | some_reg(o));
    imm32(o, some_data(o));
}

/* Stores and loads what was stored, and what is beside it. */
static void op_group(Out *o)
{
    unsigned at = below(o, 60);
    insn(o);
    imm8(o, 0xbb); /* mov $, %ebx */
    imm32(o, some_data(o));
    insn(o);
    EMIT(o, "\x89\x43"); /* mov %eax, at(%ebx) */
    imm8(o, at);
    insn(o);
    EMIT(o, "\x8b\x53"); /* mov at(%ebx), %edx */
    imm8(o, at);
    insn(o);
    EMIT(o, "\x03\x43"); /* add at + 4(%ebx), %eax */
    imm8(o, at + 4);
}

/* The same in a page of its own, where every load follows a store to it. */
static void op_own_group(Out *o)
{
    insn(o);
    imm8(o, 0xbb); /* mov $, %ebx */
    imm32(o, OWN - o->g->ds_base + o->number * PAGE_SIZE);
    EMIT(o, "\x89\x43\x30"); /* mov %eax, 48(%ebx) */
    EMIT(o, "\xeb\x00"); /* in the next TB %ebx is no constant */
    insn(o);
    EMIT(o, "\x89\x43\x10"); /* mov %eax, 16(%ebx) */
    insn(o);
    if (o->number % 2) {
        EMIT(o, "\x8b\x53\x10"); /* mov 16(%ebx), %edx: known */
    } else {
        EMIT(o, "\x03\x53\x20"); /* add 32(%ebx), %edx: beside it */
    }
}

/* Lines of that page which nothing else stores to: by the x87 and by a vector. */
static void op_own_wide(Out *o)
{
    insn(o);
    EMIT(o, "\xdb\x43\x30"); /* fildl 48(%ebx) */
    insn(o);
    EMIT(o, "\xdd\x9b\x88\x00\x00\x00"); /* fstpl 0x88(%ebx) */
    insn(o);
    EMIT(o, "\x0f\x10\x43\x30"); /* movups 48(%ebx), %xmm0 */
    insn(o);
    EMIT(o, "\x0f\x11\x83\x08\x01\x00\x00"); /* movups %xmm0, 0x108(%ebx) */
}

/* Jumps to a page that is not there; the fault leads back to %edi. */
static void op_nowhere(Out *o)
{
    uint32_t to = NOWHERE + o->number * 0x1040 - o->g->cs_base;
    insn(o);
    imm8(o, 0xbf); /* mov $, %edi */
    imm32(o, o->at + 9);
    insn(o);
    imm8(o, 0xe9);
    imm32(o, to - (o->at + 4));
    g_array_append_val(o->g->nowhere, to);
}

static void op_string(Out *o)
{
    static const char *const ops[] = { "\xf3\xa4", "\xf3\xa5", "\xf3\xab",
                                       "\xf3\xa6" };
    insn(o);
    imm8(o, 0xbe); /* mov $, %esi */
    imm32(o, some_data(o));
    insn(o);
    imm8(o, 0xbf); /* mov $, %edi */
    imm32(o, some_data(o));
    insn(o);
    imm8(o, 0xb9); /* mov $, %ecx */
    imm32(o, below(o, 30));
    insn(o);
    bytes(o, ops[below(o, 4)], 2);
}

static void op_address(Out *o, const char *insn_bytes)
{
    insn(o);
    bytes(o, insn_bytes, strlen(insn_bytes));
    imm32(o, some_data(o));
}

/* An integer becomes a float of some size, by the x87. */
static void op_x87(Out *o)
{
    static const char *const stores[] = { "\xd9\x1d", "\xdd\x1d", "\xdb\x3d",
                                          "\xdb\x1d", "\xdf\x3d" };
    op_address(o, "\xdb\x05"); /* fildl */
    op_address(o, stores[below(o, 5)]);
}

static void op_vector(Out *o)
{
    op_address(o, "\x0f\x10\x05"); /* movups, %xmm0 */
    op_address(o, "\x0f\x11\x05"); /* movups %xmm0, */
}

static void op_push(Out *o)
{
    insn(o);
    EMIT(o, "\x50"); /* push %eax */
    insn(o);
    EMIT(o, "\x5a"); /* pop %edx */
}

static void op_branch(Out *o)
{
    insn(o);
    EMIT(o, "\xa8\x04\x74\x02"); /* test $4, %al; jz over what follows */
    insn(o);
    EMIT(o, "\xff\xc2"); /* inc %edx */
}

/* Changes an immediate operand of code. */
static void op_modify(Out *o)
{
    insn(o);
    o->victim = o->g->cs_base + o->at + 1;
    imm8(o, 0xba); /* mov $, %edx */
    imm32(o, 0x1234);
    if (below(o, 2)) {
        insn(o);
        EMIT(o, "\x36\x88\x05"); /* mov %al, %ss:victim */
        imm32(o, o->victim);
    }
}

/* Marks a page not present. */
static void op_unmap(Out *o)
{
    uint32_t page = below(o, 2) ? o->g->ds_base + o->pool[0]
                                : o->g->cs_base + o->at;
    insn(o);
    EMIT(o, "\x36\x80\x25"); /* andb $~1, %ss:entry */
    imm32(o, PAGE_TABLE + 4 * (page >> PAGE_BITS));
    imm8(o, 0xfe);
}

static void body(Out *o)
{
    static void (*const ops[])(Out *) = {
        op_store, op_load, op_add, op_group, op_group, op_string, op_push,
        op_branch, op_store, op_load, op_x87, op_vector,
    };
    for (unsigned n = 4 + below(o, 10); n; n--) {
        ops[below(o, G_N_ELEMENTS(ops))](o);
    }
    if (o->number % 3 == 1) {
        op_own_group(o);
        op_own_wide(o);
    }
    if (o->number % 3 == 2) {
        op_nowhere(o);
    }
    if (!below(o, 4)) {
        op_modify(o);
    }
    if (!below(o, 3)) {
        op_unmap(o);
    }
}

/* A loop; ends with RET. */
static void function(Out *o)
{
    for (unsigned i = 0; i < POOL; i++) {
        o->pool[i] = o->g->data_at + below(o, DATA_PAGES - 2) * PAGE_SIZE;
    }
    insn(o);
    imm8(o, 0xbd); /* mov $, %ebp */
    imm32(o, 1 + below(o, 25));
    uint32_t top = o->at;
    body(o);
    EMIT(o, "\x4d\x0f\x85"); /* dec %ebp; jnz top */
    imm32(o, top - (o->at + 4));
    insn(o);
    EMIT(o, "\xc3");
}

/* --- the whole ------------------------------------------------------------------- */

static uint64_t descriptor(uint32_t base, uint32_t type)
{
    return 0xffff | (uint64_t)(base & 0xffffff) << 16 |
           (uint64_t)type << 40 | UINT64_C(0xcf) << 48 |
           (uint64_t)(base >> 24) << 56;
}

static void tables(const SearchGuest *g, uint8_t *ram)
{
    const uint64_t gdt[] = {
        0, descriptor(g->cs_base, 0x9b), descriptor(g->ds_base, 0x93),
        descriptor(0, 0x93), descriptor(0, 0x9b),
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(gdt); i++) {
        bytes_st_le64(ram + GDT + 8 * i, gdt[i]);
    }
    for (unsigned v = 0; v < 48; v++) {
        uint32_t at = HANDLERS + 64 * v;
        bytes_st_le64(ram + IDT + 8 * v,
                      at | SEL_FLAT_CODE << 16 | UINT64_C(0x8e00) << 32);
        memcpy(ram + at, "\xeb\xfe", 2);
    }
    /* #PF: makes the page present, or returns to %edi. */
    static const char fault[] =
        "\x50\x0f\x20\xd0\xc1\xe8\x0c"       /* push; cr2; shr $12 */
        "\x3d\x00\x03\x00\x00\x73\x0e"       /* cmp $0x300; jae */
        "\x36\x80\x0c\x85\x00\x40\x00\x00\x01" /* orb $1, entry */
        "\x58\x83\xc4\x04\xcf"               /* pop; add $4, %esp; iret */
        "\x89\x7c\x24\x08"                   /* mov %edi, 8(%esp) */
        "\x58\x83\xc4\x04\xcf";
    memcpy(ram + HANDLERS + 64 * 14, fault, sizeof fault - 1);
    /* Timer: counts. */
    static const char tick[] = "\x36\xff\x05\x00\x50\x00\x00\xcf";
    memcpy(ram + HANDLERS + 64 * 32, tick, sizeof tick - 1);
    bytes_st_le32(ram + PAGE_DIR, PAGE_TABLE | 7);
    for (unsigned i = 0; i < 1024; i++) {
        bytes_st_le32(ram + PAGE_TABLE + 4 * i, i << PAGE_BITS | (i < NOWHERE >> PAGE_BITS ? 7 : 6));
    }
    bytes_st_le16(ram + GDT + 0x100, 0x7ff);
    bytes_st_le32(ram + GDT + 0x102, IDT);
}

/* From the reset vector to 32-bit code. */
static void reset_code(uint8_t *rom, uint32_t entry)
{
    static const char vector[] = "\xe9\x0d\xfe"; /* jmp 0xfe00 */
    static const char start[] =
        "\x2e\x66\x0f\x01\x16\x00\xff"  /* lgdtl %cs:0xff00 */
        "\x0f\x20\xc0\x0c\x01\x0f\x22\xc0"
        "\x66\xea....\x08\x00";      /* ljmpl $8, $entry */
    memcpy(rom + 0xff0, vector, sizeof vector - 1);
    memcpy(rom + 0xe00, start, sizeof start - 1);
    bytes_st_le32(rom + 0xe11, entry);
    bytes_st_le16(rom + 0xf00, 0x27);
    bytes_st_le32(rom + 0xf02, GDT);
}

static void main_code(Out *o, const uint32_t *functions)
{
    o->at = o->g->code_at + CODE_MAIN;
    EMIT(o, "\x66\xb8\x10\x00\x8e\xd8\x8e\xc0" /* ds, es */
            "\x66\xb8\x18\x00\x8e\xd0");       /* ss */
    imm8(o, 0xbc); /* mov $, %esp */
    imm32(o, STACK);
    EMIT(o, "\x36\x0f\x01\x1d"); /* lidt */
    imm32(o, GDT + 0x100);
    EMIT(o, "\xb8\x00\x30\x00\x00\x0f\x22\xd8"); /* cr3 */
    EMIT(o, "\xb8\x00\x02\x00\x00\x0f\x22\xe0"); /* cr4: OSFXSR */
    EMIT(o, "\xdb\xe3"); /* fninit */
    EMIT(o, "\x0f\x20\xc0\x0d\x01\x00\x01\x80\x0f\x22\xc0\xfb"); /* PG WP; sti */
    uint32_t top = o->at;
    for (unsigned i = 0; i < SCHEDULE; i++) {
        unsigned few = i / (SCHEDULE / 6) * (FUNCTIONS / 6);
        uint32_t to = functions[few + below(o, FUNCTIONS / 6)];
        insn(o);
        imm8(o, 0xe8);
        imm32(o, to - (o->at + 4));
    }
    imm8(o, 0xe9);
    imm32(o, top - (o->at + 4));
}

void search_guest_make(SearchGuest *g, uint32_t seed)
{
    *g = (SearchGuest){ .rand = g_rand_new_with_seed(seed) };
    g->insns = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    g->nowhere = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    g->ram = g_malloc0(ALL_MEMORY);
    uint32_t code = CODE + g_rand_int_range(g->rand, 0, PAGE_SIZE);
    uint32_t data = DATA + g_rand_int_range(g->rand, 0, PAGE_SIZE);
    bool flat = seed % 2;
    *(flat ? &g->code_at : &g->cs_base) = code;
    *(flat ? &g->data_at : &g->ds_base) = data;
    tables(g, g->ram);
    reset_code(g->rom, g->code_at + CODE_MAIN);
    Out o = { .g = g, .host = g->ram + g->cs_base };
    uint32_t functions[FUNCTIONS];
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        o.number = i;
        uint32_t room = g->code_at + i * ROOM;
        o.at = functions[i] = room + below(&o, 64);
        function(&o);
        g_assert(o.at < room + ROOM);
    }
    main_code(&o, functions);
}

uint32_t search_guest_forwarded(const SearchGuest *g, unsigned n)
{
    return OWN + (3 * n + 1) * PAGE_SIZE + (n % 2 ? 0x20 : 0x10);
}

uint32_t search_guest_wide(const SearchGuest *g, unsigned n)
{
    return OWN + (3 * n + 1) * PAGE_SIZE + (n % 2 ? 0x88 : 0x108);
}

uint32_t search_guest_fault_handler(void)
{
    return HANDLERS + 64 * 14;
}

uint32_t search_guest_code(SearchGuest *g)
{
    const GArray *from = g_rand_int_range(g->rand, 0, 3) ? g->insns
                                                         : g->nowhere;
    return g_array_index(from, uint32_t, g_rand_int_range(g->rand, 0,
                                                          from->len));
}

void search_guest_clear(SearchGuest *g)
{
    g_rand_free(g->rand);
    g_array_unref(g->insns);
    g_array_unref(g->nowhere);
    g_free(g->ram);
}

uint32_t search_guest_ram_bytes(void)
{
    return ALL_MEMORY;
}

uint32_t search_guest_address(SearchGuest *g)
{
    uint32_t data = g->ds_base + g->data_at;
    switch (g_rand_int_range(g->rand, 0, 12)) {
    case 0:
        return STACK - g_rand_int_range(g->rand, 0, 32);
    case 1:
        return PAGE_TABLE + 4 * (data >> PAGE_BITS) +
               g_rand_int_range(g->rand, 0, 4 * DATA_PAGES);
    case 2:
        return g->cs_base + g_array_index(g->insns, uint32_t,
            g_rand_int_range(g->rand, 0, g->insns->len));
    case 3:
        return 0x5000; /* the ticks */
    case 5:
    case 6:
        return OWN + 16 * g_rand_int_range(g->rand, 0, 3) +
               PAGE_SIZE * (1 + 3 * g_rand_int_range(g->rand, 0,
                                                     FUNCTIONS / 3));
    case 4:
        return (data + PAGE_SIZE * g_rand_int_range(
            g->rand, 0, DATA_PAGES)) / PAGE_SIZE * PAGE_SIZE + PAGE_SIZE - 3;
    default:
        return data + PAGE_SIZE * g_rand_int_range(
            g->rand, 0, DATA_PAGES) + g_rand_int_range(g->rand, 0, 2400);
    }
}
