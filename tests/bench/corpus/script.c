/*
 * A small language, as scripting languages are made: source text, a recursive
 * descent compiler to bytecode, a stack machine whose values are doubles. So:
 * jumps through a table, conversions, comparisons of doubles.
 *
 *   program  = { statement }
 *   statement = letter "=" sum ";" | "?" sum "{" program "}"
 *             | "@" sum "{" program "}"              while
 *   sum      = product { ("+" | "-" | "<") product }
 *   product  = atom { ("*" | "/" | "%") atom }
 *   atom     = number | letter | "[" sum "]" | "(" sum ")"
 */
#include "corpus.h"

typedef enum Code {
    PUSH, LOAD, STORE, PEEK, ADD, SUB, LESS, MUL, DIV, MOD, JUMP_IF_NOT, JUMP,
    STOP,
} Code;

typedef struct Machine {
    const char *at;
    double constants[64], vars[26], cells[256], stack[64];
    uint16_t code[512];
    unsigned constant_count, len;
} Machine;

static const char sieve[] =
    /* Collatz's lengths, a sum of reciprocals, Newton's square roots. */
    "n=1;t=0;@ n<200 { m=n;c=0;"
    " @ 1<m { h=m%2; ? h { m=m*3+1; } ? 1-h { m=m/2; } c=c+1; }"
    " t=t+c/n; n=n+1; }"
    "s=0;i=1;@ i<400 { s=s+1/(i*i); i=i+1; }"
    "q=2;x=q;i=0;@ i<300 { x=(x+q/x)/2; i=i+1; ? 299<i { t=t+x; } "
    " ? i%7-5 { q=q+[i%200]; x=q; } }"
    "t=t+s;";

static void emit(Machine *m, Code op, unsigned arg)
{
    m->code[m->len++] = op | arg << 4;
}

static void skip_blanks(Machine *m)
{
    while (*m->at == ' ') {
        m->at++;
    }
}

static int accept(Machine *m, char c)
{
    skip_blanks(m);
    if (*m->at != c) {
        return 0;
    }
    m->at++;
    return 1;
}

static void sum_of(Machine *m);

static void number(Machine *m)
{
    double v = 0;
    while (*m->at >= '0' && *m->at <= '9') {
        v = v * 10 + (*m->at++ - '0');
    }
    m->constants[m->constant_count] = v;
    emit(m, PUSH, m->constant_count++);
}

static void atom(Machine *m)
{
    if (accept(m, '(')) {
        sum_of(m);
        accept(m, ')');
    } else if (accept(m, '[')) {
        sum_of(m);
        accept(m, ']');
        emit(m, PEEK, 0);
    } else if (*m->at >= 'a') {
        emit(m, LOAD, *m->at++ - 'a');
    } else {
        number(m);
    }
}

static void product(Machine *m)
{
    atom(m);
    for (;;) {
        Code op = accept(m, '*') ? MUL : accept(m, '/') ? DIV
                  : accept(m, '%') ? MOD : STOP;
        if (op == STOP) {
            return;
        }
        atom(m);
        emit(m, op, 0);
    }
}

static void sum_of(Machine *m)
{
    product(m);
    for (;;) {
        Code op = accept(m, '+') ? ADD : accept(m, '-') ? SUB
                  : accept(m, '<') ? LESS : STOP;
        if (op == STOP) {
            return;
        }
        product(m);
        emit(m, op, 0);
    }
}

static void program(Machine *m);

static void statement(Machine *m)
{
    unsigned start = m->len;
    int loops = accept(m, '@');
    if (loops || accept(m, '?')) {
        sum_of(m);
        unsigned jump = m->len;
        emit(m, JUMP_IF_NOT, 0);
        accept(m, '{');
        program(m);
        accept(m, '}');
        if (loops) {
            emit(m, JUMP, start);
        }
        m->code[jump] = JUMP_IF_NOT | m->len << 4;
        return;
    }
    skip_blanks(m);
    unsigned name = *m->at++ - 'a';
    accept(m, '=');
    sum_of(m);
    accept(m, ';');
    emit(m, STORE, name);
}

static void program(Machine *m)
{
    for (skip_blanks(m); *m->at && *m->at != '}'; skip_blanks(m)) {
        statement(m);
    }
}

static double modulo(double a, double b)
{
    return a - (double)(int64_t)(a / b) * b;
}

static uint32_t run(Machine *m)
{
    double *sp = m->stack;
    uint32_t steps = 0;
    for (const uint16_t *pc = m->code;; steps++) {
        unsigned arg = *pc >> 4;
        switch ((Code)(*pc++ & 15)) {
        case PUSH: *sp++ = m->constants[arg]; break;
        case LOAD: *sp++ = m->vars[arg]; break;
        case STORE: m->vars[arg] = *--sp; break;
        case PEEK: sp[-1] = m->cells[(unsigned)sp[-1] & 255]; break;
        case ADD: sp--; sp[-1] += *sp; break;
        case SUB: sp--; sp[-1] -= *sp; break;
        case LESS: sp--; sp[-1] = sp[-1] < *sp; break;
        case MUL: sp--; sp[-1] *= *sp; break;
        case DIV: sp--; sp[-1] /= *sp; break;
        case MOD: sp--; sp[-1] = modulo(sp[-1], *sp); break;
        case JUMP_IF_NOT: pc = *--sp != 0 ? pc : m->code + arg; break;
        case JUMP: pc = m->code + arg; break;
        case STOP: return steps;
        }
    }
}

uint32_t script(uint32_t size)
{
    Machine *m = (Machine *)corpus_heap;
    uint32_t seed = 4, sum = 0;
    __builtin_memset(m, 0, sizeof *m);
    for (int n = 0; n < 256; n++) {
        m->cells[n] = 1 + random_unit(&seed);
    }
    for (uint32_t round = 0; round < size; round++) {
        m->at = sieve;
        m->len = m->constant_count = 0;
        program(m);
        emit(m, STOP, 0);
        sum = mix(sum, run(m));
        for (int n = 0; n < 26; n++) {
            sum = mix_double(sum, m->vars[n]);
        }
        m->cells[round & 255] += 1;
    }
    return sum;
}
