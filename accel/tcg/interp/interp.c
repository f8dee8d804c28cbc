/*
 * The portable back end; see interp.h.
 */
#include "interp.h"

/* Most registers that a target has. */
#define CPU_FRAME_REGS 64u

static const char *const op_names[] = {
#define INTERP_OP(name) #name,
#include "interp-ops.def"
};

static void interp_release(Tb *tb)
{
    g_free(tb->code);
    g_free(tb->frames);
}

/* A value may be in the place of a register that is restored as well: all are
 * read before any is written. */
static void interp_restore_frame(Cpu *cpu, const Tb *tb)
{
    unsigned insn = cpu->fault_insn;
    const Frame *rows = tb->frames, *row[CPU_FRAME_REGS];
    uint64_t value[CPU_FRAME_REGS];
    unsigned count = 0;
    for (unsigned n = 0; n < tb->frame_count; n++) {
        if (rows[n].insn == insn) {
            g_assert(count < CPU_FRAME_REGS);
            value[count] = REG(rows[n].where);
            row[count++] = &rows[n];
        }
    }
    for (unsigned n = 0; n < count; n++) {
        if (row[n]->wide) {
            REG(row[n]->reg) = value[n];
        } else {
            REG32(row[n]->reg) = value[n];
        }
    }
}

static void interp_dump(const Tb *tb, GString *out)
{
    const Code *p = tb->code;
    for (size_t n = 0; n < tb->code_bytes / sizeof *p; n++, p++) {
        g_string_append_printf(out, "%3u  %-14s d=%-6u a=%-6u b=%-6u "
                               "c=%-6u imm=0x%" G_GINT64_MODIFIER "x\n",
                               p->insn, op_names[p->op], p->d, p->a, p->b,
                               p->c, p->imm);
    }
}

static bool interp_init(TcgState *s, Cpu *cpu)
{
    s->pool = g_hash_table_new(g_int64_hash, g_int64_equal);
    return true;
}

static void interp_fini(TcgState *s)
{
    g_hash_table_destroy(s->pool);
}

static bool interp_is_full(const TcgState *s)
{
    return s->bytes > tcg_tb_bytes(s);
}

static void interp_flush(TcgState *s)
{
}

/* run() looks at tb->chain itself. */
static void interp_chain(TcgState *s, Tb *tb, int slot, const Tb *to)
{
}

const Backend backend_interp = {
    .name = "interp",
    .init = interp_init,
    .fini = interp_fini,
    .is_full = interp_is_full,
    .flush = interp_flush,
    .chain = interp_chain,
    .compile = interp_compile,
    .release = interp_release,
    .restore_frame = interp_restore_frame,
    .run = interp_run,
    .dump = interp_dump,
};
