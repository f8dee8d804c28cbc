/*
 * An interpreter: a register machine whose instructions are told apart by a
 * switch, running the sieve of Eratosthenes. One jump through a table for
 * each instruction of it.
 */
#include "bench.h"

enum Op { HALT, LI, ADD, ADDI, XOR, MUL, SHR, LD, ST, BLT, BNZ, JMP };

typedef struct Insn {
    uint8_t op, a, b, c;
} Insn;

enum { LIMIT = 4096 };

/* Registers: 0 rounds left, 1 i, 2 flag, 3 j, 4 primes, 5 zero, 6 LIMIT,
 * 7 sum, 8 factor. The c of a branch is where it goes. */
extern Insn program[];
Insn program[] = {
    /* 0 */ { LI, 1, 0, 0 },
    /* 1 */ { ST, 5, 1, 0 },     /* clear the marks */
    /* 2 */ { ADDI, 1, 1, 1 },
    /* 3 */ { BLT, 1, 6, 1 },
    /* 4 */ { LI, 1, 2, 0 },
    /* 5 */ { LI, 4, 0, 0 },
    /* 6 */ { LD, 2, 1, 0 },
    /* 7 */ { BNZ, 2, 0, 17 },
    /* 8 */ { ADDI, 4, 4, 1 },   /* a prime */
    /* 9 */ { ADD, 7, 7, 1 },
    /* 10 */ { MUL, 7, 7, 8 },
    /* 11 */ { SHR, 2, 7, 15 },
    /* 12 */ { XOR, 7, 7, 2 },
    /* 13 */ { ADD, 3, 1, 1 },
    /* 14 */ { JMP, 0, 0, 20 },
    /* 15 */ { ST, 1, 3, 0 },    /* mark multiples */
    /* 16 */ { JMP, 0, 0, 19 },
    /* 17 */ { ADDI, 1, 1, 1 },
    /* 18 */ { JMP, 0, 0, 22 },
    /* 19 */ { ADD, 3, 3, 1 },
    /* 20 */ { BLT, 3, 6, 15 },
    /* 21 */ { JMP, 0, 0, 17 },
    /* 22 */ { BLT, 1, 6, 6 },
    /* 23 */ { ADD, 7, 7, 4 },
    /* 24 */ { ADDI, 0, 0, 255 },
    /* 25 */ { BNZ, 0, 0, 0 },
    /* 26 */ { HALT, 0, 0, 0 },
};

static uint32_t run(const Insn *code, uint32_t *r, uint32_t *memory)
{
    const Insn *pc = code;

    for (;;) {
        Insn i = *pc++;
        switch (i.op) {
        case HALT: return r[7];
        case LI: r[i.a] = i.b | i.c << 8; break;
        case ADD: r[i.a] = r[i.b] + r[i.c]; break;
        case ADDI: r[i.a] = r[i.b] + (int8_t)i.c; break;
        case XOR: r[i.a] = r[i.b] ^ r[i.c]; break;
        case MUL: r[i.a] = r[i.b] * r[i.c]; break;
        case SHR: r[i.a] = r[i.b] >> (i.c & 31); break;
        case LD: r[i.a] = memory[r[i.b] % LIMIT]; break;
        case ST: memory[r[i.b] % LIMIT] = r[i.a]; break;
        case BLT: pc = r[i.a] < r[i.b] ? code + i.c : pc; break;
        case BNZ: pc = r[i.a] ? code + i.c : pc; break;
        case JMP: pc = code + i.c; break;
        }
    }
}

uint32_t workload(uint32_t size)
{
    uint32_t r[16] = { [0] = size, [6] = LIMIT, [8] = 0x85ebca6bu };
    return mix(run(program, r, heap()), r[4]);
}
