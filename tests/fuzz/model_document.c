// model_document.c - fuzz target: the two JSON texts in a model file's metadata, the model document
// and the network, separated by a zero byte. What is accepted must be written and read again.
#include "fuzz.h"

#include "core/error.h"
#include "model/model_struct.h"

#include <stdlib.h>
#include <string.h>

static void again(const dogbreed_model *model) {
    dogb_arena arena = {0};
    json_t *document = NULL;
    json_t *network = NULL;
    dogbreed_model *second = NULL;
    if (dogb_model_to_document(&document, &arena, model) == DOGBREED_OK &&
        dogb_graph_to_json(&network, &arena, model->graph) == DOGBREED_OK) {
        const char *text = dogb_json_text_in(&arena, document, 0);
        const char *graph = dogb_json_text_in(&arena, network, 0);
        if (text != NULL && graph != NULL &&
            dogb_model_parse(&second, text, graph, "again") != DOGBREED_OK) {
            abort();
        }
    }
    dogbreed_model_destroy(second);
    dogb_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dogb_arena arena = {0};
    const uint8_t *zero = size == 0 ? NULL : memchr(data, 0, size);
    size_t first = zero == NULL ? size : (size_t)(zero - data);
    size_t second = zero == NULL ? 0 : size - first - 1;
    dogbreed_model *model = NULL;
    char *document = dogb_strndup(&arena, (const char *)data, first);
    char *graph = dogb_strndup(&arena, (const char *)data + (size - second), second);
    if (document != NULL && graph != NULL &&
        dogb_model_parse(&model, document, graph, "x") == DOGBREED_OK) {
        again(model);
    }
    dogbreed_model_destroy(model);
    dogb_arena_free(&arena);
    return 0;
}
