/* memcpy, strlen, memchr and memcmp as C libraries have them: by vectors of 16
 * bytes, or of 32 where the level has them; at all alignments. */
#include <immintrin.h>

#include "corpus.h"

enum { BYTES = 1024 };

#ifdef __AVX2__
typedef __m256i Wide;
#define LOAD(p)     _mm256_loadu_si256((const Wide *)(p))
#define LOAD_A(p)   _mm256_load_si256((const Wide *)(p))
#define STORE(p, v) _mm256_storeu_si256((Wide *)(p), v)
#define EQUAL(a, b) ((uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, b)))
#define ALL(c)      _mm256_set1_epi8(c)
#define FULL        0xffffffffu
#else
typedef __m128i Wide;
#define LOAD(p)     _mm_loadu_si128((const Wide *)(p))
#define LOAD_A(p)   _mm_load_si128((const Wide *)(p))
#define STORE(p, v) _mm_storeu_si128((Wide *)(p), v)
#define EQUAL(a, b) ((uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(a, b)))
#define ALL(c)      _mm_set1_epi8(c)
#define FULL        0xffffu
#endif
enum { W = sizeof(Wide) };

/* The ends overlap, so that there is no loop for single bytes. */
static void copy(uint8_t *to, const uint8_t *from, size_t len)
{
    if (len < W) {
        for (size_t i = 0; i < len; i++) {
            ((volatile uint8_t *)to)[i] = from[i];
        }
        return;
    }
    Wide last = LOAD(from + len - W);
    for (size_t i = 0; i < len - W; i += W) {
        STORE(to + i, LOAD(from + i));
    }
    STORE(to + len - W, last);
}

/* Reads aligned vectors only, and so never another page. */
static size_t find(const uint8_t *p, int c)
{
    size_t skip = (uintptr_t)p % W;
    const uint8_t *q = p - skip;
    Wide want = ALL(c);
    uint32_t bits = EQUAL(LOAD_A(q), want) >> skip << skip;
    while (!bits) {
        q += W;
        bits = EQUAL(LOAD_A(q), want);
    }
    return q + __builtin_ctz(bits) - p;
}

static int compare(const uint8_t *a, const uint8_t *b, size_t len)
{
    size_t i = 0;
    for (; i + W <= len; i += W) {
        uint32_t bits = EQUAL(LOAD(a + i), LOAD(b + i)) ^ FULL;
        if (bits) {
            i += __builtin_ctz(bits);
            return a[i] - b[i];
        }
    }
    for (; i < len; i++) {
        if (a[i] != b[i]) {
            return a[i] - b[i];
        }
    }
    return 0;
}

uint32_t strings(uint32_t size)
{
    uint8_t *a = corpus_heap, *b = a + 4096;
    uint32_t seed = 3, sum = 0;
    __builtin_memset(b, 0, 4096);
    for (int i = 0; i < BYTES; i++) {
        a[i] = random_next(&seed) | 1;
    }
    for (uint32_t round = 0; round < size * 8; round++) {
        unsigned skip = round % 61, len = BYTES - 2 * skip - round % 97;
        copy(b + round % 37, a + skip, len);
        b[round % 37 + len] = 0;
        sum = mix(sum, find(b + round % 37, 0));
        sum = mix(sum, find(b + round % 37, a[skip + len / 2]));
        a[skip + len - 1 - round % 3] ^= 2;
        sum = mix(sum, compare(a + skip, b + round % 37, len));
    }
    return mix_bytes(sum, b, BYTES);
}
