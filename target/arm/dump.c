/*
 * What dumps of memory want of a processor: its registers as NT_PRSTATUS, in
 * the order of Linux' user_pt_regs, and which memory its tables map where (Arm
 * ARM, D8: tables of the EL1&0 regime, both halves). See vm/cpu-dump.h.
 */
#include <elf.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "show.h"

/* Bytes of a prstatus, and where its parts are. */
#define PRSTATUS 392u
#define PID      32u
#define REGS     112u

static CpuDumpKind dump_kind(Cpu *parent)
{
    return (CpuDumpKind){ EM_AARCH64, 64, "aarch64" };
}

/* A note (System V ABI, "Note Section"). */
static void add_note(GByteArray *out, uint32_t type, const uint8_t *data,
                     uint32_t bytes)
{
    static const char name[8] = "CORE";
    uint8_t head[12];
    bytes_st_le32(head, strlen(name) + 1);
    bytes_st_le32(head + 4, bytes);
    bytes_st_le32(head + 8, type);
    g_byte_array_append(out, head, sizeof head);
    g_byte_array_append(out, (const uint8_t *)name, sizeof name);
    g_byte_array_append(out, data, bytes);
}

static void dump_notes(Cpu *parent, unsigned bits, GByteArray *out)
{
    ArmCpu *cpu = arm_cpu(parent);
    uint8_t status[PRSTATUS] = { 0 };
    parent->cls->sync(parent);
    bytes_st_le32(status + PID, parent->index + 1);
    for (unsigned i = 0; i < 31; i++) {
        bytes_st_le64(status + REGS + 8 * i, cpu->s.x[i]);
    }
    bytes_st_le64(status + REGS + 8 * 31, cpu->s.sp);
    bytes_st_le64(status + REGS + 8 * 32, cpu->s.pc);
    bytes_st_le64(status + REGS + 8 * 33, arm_pstate(cpu));
    add_note(out, NT_PRSTATUS, status, sizeof status);
}

/* --- what is mapped ------------------------------------------------------- */

/* A guest's tables may refer to each other in circles. */
#define ENTRIES_MAX (1u << 22)

#define ENTRY_VALID BIT(0)
#define ENTRY_TABLE BIT(1)         /* at the last level: a page */
#define ENTRY_FRAME 0x0000ffffffffffff

typedef struct Scan {
    ArmCpu *cpu;
    CpuMappingFn *fn;
    void *opaque;
    unsigned granule;              /* bits of a page */
    unsigned left;                 /* entries to look at */
} Scan;

/* A table whose entries resolve from `shift` on and are 2^bits many. */
static void scan_table(Scan *sc, PhysAddr table, unsigned shift, unsigned bits,
                       GuestAddr va)
{
    AddressSpace *as = sc->cpu->parent.machine->memory;
    for (uint64_t i = 0; i < BIT(bits) && sc->left; i++) {
        uint64_t entry = 0;
        sc->left--;
        if (!address_space_read_debug(as, table + 8 * i, &entry, 8) ||
            !((entry = GUINT64_FROM_LE(entry)) & ENTRY_VALID)) {
            continue;
        }
        GuestAddr at = va + (i << shift);
        PhysAddr frame = entry & ENTRY_FRAME;
        if (shift > sc->granule && (entry & ENTRY_TABLE)) {
            scan_table(sc, frame & ~(BIT(sc->granule) - 1),
                       shift - (sc->granule - 3), sc->granule - 3, at);
        } else if (shift > sc->granule || (entry & ENTRY_TABLE)) {
            sc->fn(sc->opaque, at, frame & ~(BIT(shift) - 1), BIT(shift));
        }
    }
}

/* TG0 and TG1 tell sizes by different numbers (TCR_EL1). */
static void scan_half(Scan *sc, bool upper)
{
    static const uint8_t tg[2][4] = { { 12, 16, 14, 12 }, { 12, 14, 12, 16 } };
    uint64_t tcr = sc->cpu->s.tcr;
    unsigned size = upper ? tcr >> 16 & 63 : tcr & 63;
    unsigned va_bits = 64 - MIN(MAX(size, 16), 39);
    if (tcr & (upper ? BIT(23) : BIT(7))) {
        return;                    /* EPDn: no walks */
    }
    sc->granule = tg[upper][upper ? tcr >> 30 & 3 : tcr >> 14 & 3];
    unsigned stride = sc->granule - 3;
    unsigned shift = sc->granule;
    while (shift + stride < va_bits) {
        shift += stride;
    }
    unsigned bits = va_bits - shift;
    PhysAddr table = sc->cpu->s.ttbr[upper] & ENTRY_FRAME &
                     ~(BIT(MAX(bits + 3, 6)) - 1);
    scan_table(sc, table, shift, bits, upper ? UINT64_MAX << va_bits : 0);
}

static CpuMappings dump_mappings(Cpu *parent, CpuMappingFn *fn,
                                 void *opaque)
{
    Scan sc = { arm_cpu(parent), fn, opaque, .left = ENTRIES_MAX };
    if (!(sc.cpu->s.sctlr & SCTLR_M)) {
        return CPU_MAPPINGS_NONE;
    }
    scan_half(&sc, false);
    scan_half(&sc, true);
    return sc.left ? CPU_MAPPINGS_ALL : CPU_MAPPINGS_PART;
}

const CpuDumpOps arm_dump_ops = {
    .kind = dump_kind,
    .mappings = dump_mappings,
    .notes = dump_notes,
};
