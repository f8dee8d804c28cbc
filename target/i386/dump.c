/*
 * A processor's notes in a dump of the guest's memory: NT_PRSTATUS with the
 * general registers, as core files of Linux have it (System V ABI, and the
 * kernel's <linux/elfcore.h> for x86), and a note "QEMU" with what a kernel's
 * debugger wants besides: descriptor tables and control registers.
 */
#include <elf.h>

#include "base/bytes.h"
#include "show.h"

/* Bytes of the structures. */
#define PRSTATUS32 144u
#define PRSTATUS64 336u
#define QEMU_STATE 440u

/* Where the thread's number and the registers are in a prstatus. */
#define PID32  24u
#define REGS32 72u
#define PID64  32u
#define REGS64 112u

static CpuDumpKind dump_kind(Cpu *parent)
{
    bool lma = x86_cpu(parent)->s.efer & EFER_LMA;
    return lma ? (CpuDumpKind){ EM_X86_64, 64, "x86_64" }
               : (CpuDumpKind){ EM_386, 32, "i686" };
}

/* A note (System V ABI, "Note Section"): sizes, type, and name and content
 * padded to four bytes. */
static void add_note(GByteArray *out, const char *name, uint32_t type,
                     const uint8_t *data, uint32_t bytes)
{
    static const uint8_t zeroes[4];
    uint32_t name_bytes = strlen(name) + 1;
    uint8_t head[12];
    bytes_st_le32(head, name_bytes);
    bytes_st_le32(head + 4, bytes);
    bytes_st_le32(head + 8, type);
    g_byte_array_append(out, head, sizeof head);
    g_byte_array_append(out, (const uint8_t *)name, name_bytes);
    g_byte_array_append(out, zeroes, -name_bytes & 3);
    g_byte_array_append(out, data, bytes);
    g_byte_array_append(out, zeroes, -bytes & 3);
}

/* In the order of the kernel's user_regs_struct. */
static void add_prstatus64(const X86Cpu *cpu, GByteArray *out)
{
    const X86State *s = &cpu->s;
    const uint64_t *g = s->gpr;
    const uint64_t regs[] = {
        g[15], g[14], g[13], g[12], g[5], g[3], g[11], g[10], g[9], g[8],
        g[0], g[1], g[2], g[6], g[7], UINT64_MAX /* orig_rax: no call */,
        s->rip, s->seg_sel[SEG_CS], s->eflags, g[4], s->seg_sel[SEG_SS],
        s->seg_base[SEG_FS], s->seg_base[SEG_GS], s->seg_sel[SEG_DS],
        s->seg_sel[SEG_ES], s->seg_sel[SEG_FS], s->seg_sel[SEG_GS],
    };
    uint8_t status[PRSTATUS64] = { 0 };
    bytes_st_le32(status + PID64, cpu->parent.index + 1);
    for (unsigned i = 0; i < G_N_ELEMENTS(regs); i++) {
        bytes_st_le64(status + REGS64 + 8 * i, regs[i]);
    }
    add_note(out, "CORE", NT_PRSTATUS, status, sizeof status);
}

static void add_prstatus32(const X86Cpu *cpu, GByteArray *out)
{
    const X86State *s = &cpu->s;
    const uint64_t *g = s->gpr;
    const uint32_t regs[] = {
        g[3], g[1], g[2], g[6], g[7], g[5], g[0], s->seg_sel[SEG_DS],
        s->seg_sel[SEG_ES], s->seg_sel[SEG_FS], s->seg_sel[SEG_GS],
        UINT32_MAX /* orig_eax */, s->rip, s->seg_sel[SEG_CS], s->eflags,
        g[4], s->seg_sel[SEG_SS],
    };
    uint8_t status[PRSTATUS32] = { 0 };
    bytes_st_le32(status + PID32, cpu->parent.index + 1);
    for (unsigned i = 0; i < G_N_ELEMENTS(regs); i++) {
        bytes_st_le32(status + REGS32 + 4 * i, regs[i]);
    }
    add_note(out, "CORE", NT_PRSTATUS, status, sizeof status);
}

/* --- the note "QEMU" ------------------------------------------------------------- */

typedef struct Filler {
    uint8_t bytes[QEMU_STATE];
    unsigned at;
} Filler;

typedef struct DumpedSegment {
    uint16_t sel;
    uint64_t base;
    uint32_t limit, attr;
} DumpedSegment;

static void fill32(Filler *f, uint32_t v)
{
    bytes_st_le32(f->bytes + f->at, v);
    f->at += 4;
}

static void fill64(Filler *f, uint64_t v)
{
    bytes_st_le64(f->bytes + f->at, v);
    f->at += 8;
}

static void fill_segment(Filler *f, const DumpedSegment *seg)
{
    uint32_t limit = seg->attr & DESC_G ? seg->limit >> 12 : seg->limit;
    fill32(f, seg->sel);
    fill32(f, seg->limit);
    fill32(f, seg->attr | (limit & 0xf0000));
    fill32(f, 0);
    fill64(f, seg->base);
}

static void fill_segments(Filler *f, const X86State *s)
{
    static const uint8_t order[] = { SEG_CS, SEG_DS, SEG_ES, SEG_FS, SEG_GS,
                                     SEG_SS };
    for (unsigned i = 0; i < G_N_ELEMENTS(order); i++) {
        unsigned n = order[i];
        fill_segment(f, &(DumpedSegment) { s->seg_sel[n], s->seg_base[n],
                                        s->seg_limit[n], s->seg_attr[n] });
    }
    fill_segment(f, &(DumpedSegment) { s->ldt_sel, s->ldt_base, s->ldt_limit,
                                    s->ldt_attr });
    fill_segment(f, &(DumpedSegment) { s->tr_sel, s->tr_base, s->tr_limit,
                                    s->tr_attr });
    fill_segment(f, &(DumpedSegment) { 0, s->gdt_base, s->gdt_limit, 0 });
    fill_segment(f, &(DumpedSegment) { 0, s->idt_base, s->idt_limit, 0 });
}

static void add_qemu_state(const X86State *s, GByteArray *out)
{
    static const uint8_t order[] = { 0, 3, 1, 2, 6, 7, 4, 5 };
    Filler f = { .at = 0 };
    fill32(&f, 1);                       /* version */
    fill32(&f, QEMU_STATE);
    for (unsigned i = 0; i < 16; i++) {
        fill64(&f, s->gpr[i < 8 ? order[i] : i]);
    }
    fill64(&f, s->rip);
    fill64(&f, s->eflags);
    fill_segments(&f, s);
    for (unsigned i = 0; i < 5; i++) {
        fill64(&f, s->cr[i]);
    }
    fill64(&f, s->kernel_gs_base);
    g_assert(f.at == QEMU_STATE);
    add_note(out, "QEMU", 0, f.bytes, sizeof f.bytes);
}

static void dump_notes(Cpu *parent, unsigned bits, GByteArray *out)
{
    const X86Cpu *cpu = x86_cpu(parent);
    parent->cls->sync(parent);
    if (bits == 64) {
        add_prstatus64(cpu, out);
    } else {
        add_prstatus32(cpu, out);
    }
    add_qemu_state(&cpu->s, out);
}

const CpuDumpOps x86_dump_ops = {
    .kind = dump_kind,
    .mappings = x86_dump_mappings,
    .notes = dump_notes,
};
