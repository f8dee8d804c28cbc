/*
 * Agent expressions: a small stack machine over 64-bit values. The opcodes are
 * those of the manual's "Bytecode Descriptions" that conditions use; tracing
 * and writing ones are refused. Bytes of an operand are big-endian.
 */
#include "agent.h"

#include "base/bits.h"
#include "base/bytes.h"

#define STACK_MAX 64
/* Backward jumps could loop for ever; no condition is longer than this. */
#define STEPS_MAX 10000

typedef struct Agent {
    Cpu *cpu;
    const CpuGdbView *view;
    const uint8_t *code;
    size_t len, pc;
    uint64_t stack[STACK_MAX];
    unsigned depth;
    bool bad;
} Agent;

static void push(Agent *a, uint64_t v)
{
    if (a->depth == STACK_MAX) {
        a->bad = true;
        return;
    }
    a->stack[a->depth++] = v;
}

static uint64_t pop(Agent *a)
{
    if (!a->depth) {
        a->bad = true;
        return 0;
    }
    return a->stack[--a->depth];
}

static uint64_t operand(Agent *a, unsigned bytes)
{
    uint64_t v = 0;
    while (bytes--) {
        if (a->pc >= a->len) {
            a->bad = true;
            return 0;
        }
        v = v << 8 | a->code[a->pc++];
    }
    return v;
}

enum {
    AX_ADD = 0x02, AX_SUB, AX_MUL, AX_DIV_SIGNED, AX_DIV_UNSIGNED,
    AX_REM_SIGNED, AX_REM_UNSIGNED, AX_LSH, AX_RSH_SIGNED, AX_RSH_UNSIGNED,
    AX_LOG_NOT = 0x0e, AX_BIT_AND, AX_BIT_OR, AX_BIT_XOR, AX_BIT_NOT,
    AX_EQUAL, AX_LESS_SIGNED, AX_LESS_UNSIGNED, AX_EXT, AX_REF8, AX_REF16,
    AX_REF32, AX_REF64, AX_IF_GOTO = 0x20, AX_GOTO, AX_CONST8, AX_CONST16,
    AX_CONST32, AX_CONST64, AX_REG, AX_END, AX_DUP, AX_POP, AX_ZERO_EXT,
    AX_SWAP, AX_PICK = 0x32, AX_ROT
};

static uint64_t divide(Agent *a, uint8_t op, uint64_t x, uint64_t y)
{
    bool overflow = (int64_t)x == INT64_MIN && (int64_t)y == -1;
    bool is_signed = op == AX_DIV_SIGNED || op == AX_REM_SIGNED;
    if (!y || (is_signed && overflow)) {
        a->bad = true;
        return 0;
    }
    switch (op) {
    case AX_DIV_SIGNED:
        return (int64_t)x / (int64_t)y;
    case AX_DIV_UNSIGNED:
        return x / y;
    case AX_REM_SIGNED:
        return (int64_t)x % (int64_t)y;
    default:
        return x % y;
    }
}

static uint64_t shift(uint8_t op, uint64_t x, uint64_t n)
{
    if (n >= 64) {
        return op == AX_RSH_SIGNED && (int64_t)x < 0 ? UINT64_MAX : 0;
    }
    return op == AX_LSH ? x << n
           : op == AX_RSH_SIGNED ? (uint64_t)((int64_t)x >> n)
                                 : x >> n;
}

static uint64_t binary(Agent *a, uint8_t op, uint64_t x, uint64_t y)
{
    switch (op) {
    case AX_ADD:
        return x + y;
    case AX_SUB:
        return x - y;
    case AX_MUL:
        return x * y;
    case AX_LSH:
    case AX_RSH_SIGNED:
    case AX_RSH_UNSIGNED:
        return shift(op, x, y);
    case AX_BIT_AND:
        return x & y;
    case AX_BIT_OR:
        return x | y;
    case AX_BIT_XOR:
        return x ^ y;
    case AX_EQUAL:
        return x == y;
    case AX_LESS_SIGNED:
        return (int64_t)x < (int64_t)y;
    case AX_LESS_UNSIGNED:
        return x < y;
    default:
        return divide(a, op, x, y);
    }
}

static bool is_binary(uint8_t op)
{
    return (op >= AX_ADD && op <= AX_RSH_UNSIGNED) ||
           (op >= AX_BIT_AND && op <= AX_BIT_XOR) ||
           (op >= AX_EQUAL && op <= AX_LESS_UNSIGNED);
}

static uint64_t load(Agent *a, uint64_t addr, unsigned size)
{
    uint8_t buf[8];
    if (!cpu_read_debug(a->cpu, addr, buf, size)) {
        a->bad = true;
        return 0;
    }
    return bytes_ld_le(buf, size);
}

static uint64_t reg(Agent *a, unsigned n)
{
    if (n >= a->view->count || a->view->regs[n].bits > 64) {
        a->bad = true;
        return 0;
    }
    return cpu_reg_get_u64(a->cpu, &a->view->regs[n]);
}

static void extend(Agent *a, bool is_signed)
{
    unsigned bits = operand(a, 1);
    uint64_t v = pop(a);
    if (!bits || bits > 64) {
        a->bad = true;
        return;
    }
    push(a, is_signed ? (uint64_t)bits_sext(v, bits) : v & bits_mask(bits));
}

static void jump(Agent *a, bool conditional)
{
    size_t to = operand(a, 2);
    if (!conditional || pop(a)) {
        a->pc = to;
    }
}

static void shuffle(Agent *a, uint8_t op)
{
    uint64_t top, next, third;
    switch (op) {
    case AX_DUP:
        top = pop(a);
        push(a, top);
        push(a, top);
        break;
    case AX_SWAP:
        top = pop(a);
        next = pop(a);
        push(a, top);
        push(a, next);
        break;
    case AX_ROT:
        top = pop(a);
        next = pop(a);
        third = pop(a);
        push(a, top);
        push(a, third);
        push(a, next);
        break;
    case AX_PICK: {
        unsigned n = operand(a, 1);
        a->bad |= n >= a->depth;
        push(a, a->bad ? 0 : a->stack[a->depth - 1 - n]);
        break;
    }
    }
}

static void step(Agent *a, uint8_t op)
{
    uint64_t y;
    switch (op) {
    case AX_LOG_NOT:
        push(a, !pop(a));
        break;
    case AX_BIT_NOT:
        push(a, ~pop(a));
        break;
    case AX_EXT:
    case AX_ZERO_EXT:
        extend(a, op == AX_EXT);
        break;
    case AX_REF8:
    case AX_REF16:
    case AX_REF32:
    case AX_REF64:
        push(a, load(a, pop(a), 1u << (op - AX_REF8)));
        break;
    case AX_IF_GOTO:
    case AX_GOTO:
        jump(a, op == AX_IF_GOTO);
        break;
    case AX_CONST8:
    case AX_CONST16:
    case AX_CONST32:
    case AX_CONST64:
        push(a, operand(a, 1u << (op - AX_CONST8)));
        break;
    case AX_REG:
        push(a, reg(a, operand(a, 2)));
        break;
    case AX_POP:
        pop(a);
        break;
    case AX_DUP:
    case AX_SWAP:
    case AX_ROT:
    case AX_PICK:
        shuffle(a, op);
        break;
    default:
        y = pop(a);
        a->bad |= !is_binary(op);
        push(a, a->bad ? 0 : binary(a, op, pop(a), y));
    }
}

bool agent_eval(Cpu *cpu, const CpuGdbView *view, GBytes *code,
                uint64_t *result)
{
    Agent a = { .cpu = cpu, .view = view };
    a.code = g_bytes_get_data(code, &a.len);
    cpu->cls->sync(cpu);
    for (unsigned n = 0; n < STEPS_MAX && !a.bad && a.pc < a.len; n++) {
        uint8_t op = a.code[a.pc++];
        if (op == AX_END) {
            *result = pop(&a);
            return !a.bad;
        }
        step(&a, op);
    }
    return false;
}
