// list_page.h - one page of a list of objects, as the server sends it.
#ifndef DOGB_STORE_LIST_PAGE_H
#define DOGB_STORE_LIST_PAGE_H

#include "store/client.h"

typedef struct dogb_list_page {
    dogb_arena *arena;
    dogb_objects objects; // sorted, names decoded; those without ETag are folders
    char *token;          // of the next page; NULL: none is named
    int32_t more;         // there is one
    int32_t is_root;
    int32_t encoded;
    int rc;
    dogb_object next; // being read
} dogb_list_page;

// FORMAT: it is no list, or one that cannot be understood.
int dogb_list_page_read(dogb_list_page *out, dogb_arena *arena, const char *text, size_t size);

#endif
