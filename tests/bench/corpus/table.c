/*
 * A table of records as data bases keep them: a B-tree of pages, records as
 * bytes with lengths of variable size, integers and doubles in them; then
 * queries that look records up, walk all of them and add.
 */
#include "corpus.h"

enum { PAGE = 4096, MOST = 63, ROWS = 2000 };

typedef struct Page {
    uint16_t count, leaf;
    uint32_t child[MOST + 1];
    uint64_t key[MOST];
    uint32_t record[MOST];
} Page;

typedef struct Store {
    Page *pages;
    uint8_t *bytes;
    uint32_t page_count, byte_count, root;
} Store;

static unsigned put_varint(uint8_t *p, uint64_t v)
{
    unsigned n = 0;
    for (; v >= 0x80; v >>= 7) {
        p[n++] = v | 0x80;
    }
    p[n++] = v;
    return n;
}

static const uint8_t *get_varint(const uint8_t *p, uint64_t *v)
{
    unsigned shift = 0;
    for (*v = 0; *p & 0x80; shift += 7) {
        *v |= (uint64_t)(*p++ & 0x7f) << shift;
    }
    *v |= (uint64_t)*p++ << shift;
    return p;
}

/* Its first place for the key. */
static unsigned position(const Page *p, uint64_t key)
{
    unsigned low = 0, high = p->count;
    while (low < high) {
        unsigned mid = (low + high) / 2;
        if (p->key[mid] < key) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static void insert_at(Page *p, unsigned at, uint64_t key, uint32_t record)
{
    for (unsigned n = p->count; n > at; n--) {
        p->key[n] = p->key[n - 1];
        p->record[n] = p->record[n - 1];
        p->child[n + 1] = p->child[n];
    }
    p->key[at] = key;
    p->record[at] = record;
    p->count++;
}

static void split_child(Store *s, Page *p, unsigned at)
{
    Page *left = &s->pages[p->child[at]];
    uint32_t number = s->page_count++;
    Page *right = &s->pages[number];
    unsigned half = MOST / 2;
    *right = (Page){ .count = left->count - half - 1, .leaf = left->leaf };
    for (unsigned n = 0; n < right->count; n++) {
        right->key[n] = left->key[half + 1 + n];
        right->record[n] = left->record[half + 1 + n];
    }
    for (unsigned n = 0; n <= right->count; n++) {
        right->child[n] = left->child[half + 1 + n];
    }
    left->count = half;
    insert_at(p, at, left->key[half], left->record[half]);
    p->child[at + 1] = number;
}

static void insert(Store *s, uint64_t key, uint32_t record)
{
    if (s->pages[s->root].count == MOST) {
        uint32_t number = s->page_count++;
        s->pages[number] = (Page){ .child = { s->root } };
        s->root = number;
        split_child(s, &s->pages[number], 0);
    }
    Page *p = &s->pages[s->root];
    while (!p->leaf) {
        unsigned at = position(p, key);
        if (s->pages[p->child[at]].count == MOST) {
            split_child(s, p, at);
            at += p->key[at] < key;
        }
        p = &s->pages[p->child[at]];
    }
    insert_at(p, position(p, key), key, record);
}

static uint32_t write_record(Store *s, uint32_t *seed)
{
    uint32_t at = s->byte_count;
    uint8_t *p = s->bytes + at;
    double price = random_unit(seed) * 1000;
    unsigned len = random_next(seed) & 31;
    p += put_varint(p, random_next(seed) & 0xfffff);
    p += put_varint(p, len);
    for (unsigned n = 0; n < len; n++) {
        *p++ = 'a' + (random_next(seed) & 15);
    }
    __builtin_memcpy(p, &price, sizeof price);
    s->byte_count = p + sizeof price - s->bytes;
    return at;
}

static double amount(const Store *s, uint32_t record, uint32_t *sum)
{
    uint64_t count, len;
    double price;
    const uint8_t *p = get_varint(s->bytes + record, &count);
    p = get_varint(p, &len);
    if (len) {
        *sum = mix(*sum, p[len - 1]);
    }
    __builtin_memcpy(&price, p + len, sizeof price);
    return price * (double)count;
}

static double walk(const Store *s, uint32_t page, uint32_t *sum)
{
    const Page *p = &s->pages[page];
    double total = 0;
    for (unsigned n = 0; n < p->count; n++) {
        total += p->leaf ? 0 : walk(s, p->child[n], sum);
        total += amount(s, p->record[n], sum);
    }
    return total + (p->leaf ? 0 : walk(s, p->child[p->count], sum));
}

static double look_up(const Store *s, uint64_t key, uint32_t *sum)
{
    for (const Page *p = &s->pages[s->root];;) {
        unsigned at = position(p, key);
        if (at < p->count && p->key[at] == key) {
            return amount(s, p->record[at], sum);
        }
        if (p->leaf) {
            return -1;
        }
        p = &s->pages[p->child[at]];
    }
}

uint32_t table(uint32_t size)
{
    Store s = { .pages = (Page *)corpus_heap, .bytes = corpus_heap + (8 << 20) };
    uint32_t seed = 8, sum = 0;
    for (uint32_t round = 0; round < size; round++) {
        s.page_count = 1;
        s.byte_count = s.root = 0;
        s.pages[0] = (Page){ .leaf = 1 };
        for (int n = 0; n < ROWS; n++) {
            uint64_t key = random_next(&seed) & 0xffff;
            insert(&s, key << 16 | n, write_record(&s, &seed));
        }
        sum = mix_double(sum, walk(&s, s.root, &sum));
        for (int n = 0; n < ROWS; n++) {
            uint64_t key = random_next(&seed) & 0xffff;
            sum = mix_double(sum, look_up(&s, key << 16 | n, &sum));
        }
    }
    return sum;
}
