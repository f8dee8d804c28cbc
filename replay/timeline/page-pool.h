/*
 * Memory for copies of pages; private to replay/.
 */
#ifndef REPLAY_PAGE_POOL_H
#define REPLAY_PAGE_POOL_H

#include <glib.h>

#include "base/types.h"

typedef struct PagePool PagePool;

PagePool *page_pool_new(void);
/* With all pages that were taken from it. */
void page_pool_free(PagePool *pool);
/* PAGE_SIZE bytes of no particular content. */
uint8_t *page_pool_take(PagePool *pool);
void page_pool_give(PagePool *pool, uint8_t *page);

#endif
