/*
 * Blocks of bytes: the string instructions with REP over 16 bytes to 64 KiB,
 * and the loops by bytes that C compilers make of strlen and memcpy.
 */
#include "bench.h"

enum { LARGEST = 64 << 10, PER_SIZE = 1 << 16 };

static void rep_movsb(void *to, const void *from, size_t n)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : :
                     "memory");
}

static void rep_movsl(void *to, const void *from, size_t n)
{
    __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(n) : :
                     "memory");
}

static void rep_stosb(void *to, uint8_t v, size_t n)
{
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(v) : "memory");
}

static void rep_stosl(void *to, uint32_t v, size_t n)
{
    __asm__ volatile("rep stosl" : "+D"(to), "+c"(n) : "a"(v) : "memory");
}

/* How far the byte v is. */
static size_t repne_scasb(const void *p, uint8_t v, size_t n)
{
    size_t left = n;
    __asm__ volatile("repne scasb" : "+D"(p), "+c"(left) : "a"(v) :
                     "memory", "cc");
    return n - left;
}

/* How far both are equal. */
static size_t repe_cmpsb(const void *a, const void *b, size_t n)
{
    size_t left = n;
    __asm__ volatile("repe cmpsb" : "+D"(a), "+S"(b), "+c"(left) : :
                     "memory", "cc");
    return n - left;
}

static __attribute__((noinline)) size_t count_bytes(const char *s)
{
    const char *p = s;
    while (*p) {
        p++;
    }
    return p - s;
}

static __attribute__((noinline)) void copy_bytes(uint8_t *to,
                                                 const uint8_t *from,
                                                 size_t n)
{
    for (size_t i = 0; i < n; i++) {
        to[i] = from[i];
    }
}

/* Every operation once on n bytes, at addresses that vary. */
static uint32_t operations(uint8_t *a, uint8_t *b, size_t n, uint32_t state)
{
    uint32_t sum = 0;

    a += state & 15;
    b += state >> 4 & 15;
    rep_stosb(a, state | 1, n);
    a[n - 1] = 0;
    rep_movsb(b, a, n);
    sum = mix(sum, repne_scasb(b, 0, n));
    sum = mix(sum, count_bytes((char *)b));
    b[state % n] ^= 0x80;
    sum = mix(sum, repe_cmpsb(a, b, n));
    rep_movsl(b, a, n / 4);
    sum = mix(sum, repe_cmpsb(a, b, n));
    rep_stosl(a, state, n / 4);
    copy_bytes(b, a, n);
    return mix(mix(sum, b[n / 2]), a[n / 3]);
}

uint32_t workload(uint32_t size)
{
    uint8_t *a = heap(), *b = a + 2 * LARGEST;
    uint32_t state = hide(123456789u), sum = 0;

    for (uint32_t round = 0; round < size; round++) {
        for (uint32_t n = 16; n <= LARGEST; n *= 4) {
            for (uint32_t i = 0; i < PER_SIZE / n; i++) {
                sum += operations(a, b, n, random_next(&state));
            }
        }
    }
    return sum;
}
