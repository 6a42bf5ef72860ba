// model_test.h - small models for the tests of lib/model.
#ifndef DOGB_MODEL_TEST_H
#define DOGB_MODEL_TEST_H

#include "core/file.h"
#include "model/model_internal.h"
#include "test.h"

static inline dogbreed_model *make_model(const char *architecture, const char *head,
                                         const char *freeze, const char *weights, int32_t classes) {
    dogbreed_model_options options;
    dogbreed_model *model = NULL;
    assert_ok(dogbreed_model_options_init(&options, sizeof options));
    options.architecture = architecture;
    options.head = head;
    options.freeze = freeze;
    options.weights = weights;
    options.classes = classes;
    options.seed = 7;
    assert_ok(dogbreed_model_create(&model, NULL, &options));
    return model;
}

static inline dogbreed_parameter parameter(const dogbreed_model *model, int32_t index) {
    dogbreed_parameter out = {.struct_size = sizeof out};
    assert_ok(dogbreed_model_parameter(model, index, &out));
    return out;
}

static inline int32_t find_parameter(const dogbreed_model *model, const char *name) {
    for (int32_t i = 0; i < dogbreed_model_parameter_count(model); i++) {
        if (strcmp(parameter(model, i).name, name) == 0) {
            return i;
        }
    }
    fail_msg("no parameter %s", name);
    return -1;
}

static inline size_t parameter_bytes(const dogbreed_model *model, int32_t index) {
    const dogb_param *param = &dogb_model_graph(model)->params[index];
    return (size_t)param->count * (param->role == DOGB_ROLE_COUNTER ? 8 : 4);
}

static inline void assert_same_weights(const dogbreed_model *a, const dogbreed_model *b) {
    assert_int_equal(dogbreed_model_parameter_count(a), dogbreed_model_parameter_count(b));
    for (int32_t i = 0; i < dogbreed_model_parameter_count(a); i++) {
        assert_string_equal(parameter(a, i).name, parameter(b, i).name);
        assert_memory_equal(dogb_model_weights(a)[i], dogb_model_weights(b)[i],
                            parameter_bytes(a, i));
    }
}

#endif
