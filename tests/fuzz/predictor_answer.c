// predictor_answer.c - a result of a batch transform that somebody else may have written over: a
// row that counts as whole loses that with its last byte.
#include "fuzz.h"

#include "predictor/answer.h"

#include <stdlib.h>
#include <string.h>

enum { CLASSES = 3 };

static void look(const dogb_answer_form *form, const uint8_t *data, size_t size) {
    dogb_arena scratch = {0};
    // A copy of the exact size, so that a byte too many is seen.
    char *text = malloc(size == 0 ? 1 : size);
    if (text == NULL) {
        return;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    int whole = dogb_answer_is_whole(form, text, size, &scratch);
    if (whole &&
        (size == 0 || (form->top == 0 && dogb_answer_is_whole(form, text, size - 1, &scratch)))) {
        abort();
    }
    dogb_arena_free(&scratch);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    for (int32_t accept = DOGBREED_ACCEPT_JSON; accept <= DOGBREED_ACCEPT_PREDICTIONS; accept++) {
        for (int32_t top = 0; top <= 2; top += 2) {
            dogb_answer_form form = {.accept = accept, .top = top, .classes = CLASSES};
            if (dogb_answer_form_settle(&form) == DOGBREED_OK) {
                look(&form, data, size);
            }
        }
    }
    return 0;
}
