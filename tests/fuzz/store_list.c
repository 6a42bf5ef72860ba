// store_list.c - fuzz target: pages of lists and error documents of stores. What is accepted can be
// handed out: names are there and sorted, sizes are sizes, and who must go on is told where.
#include "fuzz.h"

#include "store/list_page.h"

#include <stdlib.h>
#include <string.h>

static void require(int condition) {
    if (!condition) {
        abort();
    }
}

static void check_page(dogb_arena *arena, const char *text, size_t size) {
    dogb_list_page page;
    if (dogb_list_page_read(&page, arena, text, size) < 0) {
        return;
    }
    require(page.is_root && (!page.more || (page.token != NULL && *page.token != '\0')));
    for (size_t i = 0; i < page.objects.count; i++) {
        const dogb_object *object = &page.objects.items[i];
        require(object->key != NULL && object->size >= 0);
        require(i == 0 || strcmp(object[-1].key, object->key) <= 0);
    }
}

static void check_error(dogb_arena *arena, const char *text, size_t size) {
    dogb_store_error error;
    dogb_http_answer answer = {.body = (char *)(uintptr_t)text, .size = size};
    char *code = NULL;
    dogb_store_error_read(&error, arena, text, size);
    const char *const texts[] = {error.code, error.message, error.region};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        require(texts[i] == NULL || strlen(texts[i]) <= size);
    }
    // A document that is read to its end has its first code in both.
    if (dogb_store_text_of(&code, arena, &answer, "Error/Code") == DOGBREED_OK) {
        require((code == NULL) == (error.code == NULL));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dogb_arena arena = {0};
    char *text = malloc(size + 1); // exactly its size, for address checks
    if (text != NULL) {
        memcpy(text, data, size);
        text[size] = '\0'; // as answers have it
        check_page(&arena, text, size);
        check_error(&arena, text, size);
        require(dogb_store_time(text) >= 0.0 || dogb_store_time(text) < 0.0); // a number
    }
    free(text);
    dogb_arena_free(&arena);
    return 0;
}
