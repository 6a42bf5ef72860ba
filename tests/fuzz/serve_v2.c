// serve_v2.c - fuzz target: an infer request. The first line is its header with the length of the
// JSON, "-" for none.
#include "serve.h"

#include "serve/v2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *headers[] = {"Inference-Header-Content-Length", NULL, NULL};
    call_fields fields = {.headers = headers};
    dogb_arena arena = {0};
    const uint8_t *line = size == 0 ? NULL : memchr(data, '\n', size);
    if (line == NULL) {
        return 0;
    }
    headers[1] = dogb_strndup(&arena, (const char *)data, (size_t)(line - data));
    if (strcmp(headers[1], "-") == 0) {
        fields.headers = NULL;
    }
    size_t left = size - (size_t)(line - data) - 1;
    dogb_request r = call_request(&fields, "", line + 1, left);
    dogb_reply reply = {.status = 0};
    dogb_v2 in;
    if (dogb_v2_read(&in, &reply, &r, &fuzz_facts) < 0) {
        fuzz_refused(&reply);
    } else {
        fuzz_items(&in.input);
        if (dogb_v2_write(&reply, &r, &in, &fuzz_facts) < 0 || reply.status != 200) {
            abort();
        }
    }
    dogb_arena_free(&r.arena);
    dogb_arena_free(&arena);
    return 0;
}
