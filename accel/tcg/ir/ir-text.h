/*
 * IR as text (ir-print.c, ir-parse.c), for -d op and op_opt, and for tests that
 * write blocks down:
 *
 *   insn 0x7c00 0x0 frame rbx %0
 *     %1 = get.i64 rax
 *     %2 = const.i64 0x5
 *     %3 = add.i64 %1, %2
 *     set rax %3
 *     exit_if.ne chain0 retired 1 %1, %2, %3
 *     %5 = ld.i64 4s mode 0 %3
 *     exit lookup retired 1 %3
 *
 * The parser takes any word behind the % as the name of a value, and '#' to
 * the end of the line as a comment. What an op needs is in the table; whether
 * the block makes sense is ir_verify()'s to say.
 */
#ifndef IR_TEXT_H
#define IR_TEXT_H

#include "tb.h"

static const char *const type_text[] G_GNUC_UNUSED = {
    "none", "i32", "i64", "v128", "f80",
};

static const char *const cond_text[] G_GNUC_UNUSED = {
#define IR_COND(name, text, holds) text,
#include "vm/ir-conds.def"
};

static const char *const exit_text[] G_GNUC_UNUSED = {
    "chain0", "chain1", "jump", "lookup", "loop", "stale",
};

static inline bool has_cond(const IrInst *i)
{
    return i->op == IR_SETCOND || i->op == IR_SELECT || i->op == IR_EXIT_IF;
}

#endif
