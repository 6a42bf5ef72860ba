// options.c - every options struct by name, over the index of all tables. Adding a struct adds one
// row here.
#include "options/index.h"
#include "core/error.h"
#include "dataset/dataset_internal.h"
#include "debug/debug_internal.h"
#include "evaluate/evaluate_internal.h"
#include "job/job_internal.h"
#include "model/model_internal.h"
#include "predictor/predictor_internal.h"
#include "profile/profile_internal.h"
#include "quantize/quantize_internal.h"
#include "report/report.h"
#include "serve/serve_internal.h"
#include "store/client.h"
#include "trainer/trainer_internal.h"
#include "tuner/tuner_internal.h"

#include <dogbreed/options.h>

#include <string.h>

static const dogb_table *const tables[] = {
    &dogb_dataset_table,   &dogb_check_table,    &dogb_synth_table,     &dogb_model_table,
    &dogb_trainer_table,   &dogb_evaluate_table, &dogb_predictor_table, &dogb_quantize_table,
    &dogb_tuner_table,     &dogb_command_table,  &dogb_debug_table,     &dogb_profile_table,
    &dogb_report_table,    &dogb_store_table,    &dogb_serve_table,     &dogb_job_table,
    &dogb_transform_table,
};

const dogb_table *dogb_options_table(uint32_t kind) {
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (tables[i]->kind == kind) {
            return tables[i];
        }
    }
    return NULL;
}

// Every options struct starts with struct_size and kind.
typedef struct head {
    uint32_t struct_size;
    uint32_t kind;
} head;

// Table of a struct, after checking that the named field lies inside what the caller allocated. An
// unknown name passes: set and get have the better message for it.
static int table_of(const dogb_table **out, const void *options, const char *name) {
    head h;
    memcpy(&h, options, sizeof h);
    *out = dogb_options_table(h.kind);
    DOGB_CHECK(*out != NULL, "options: kind %u is unknown; was the struct filled by its _init?",
               (unsigned)h.kind);
    const dogb_option *option = dogb_table_find(*out, name);
    if (option != NULL && option->offset + dogb_option_size(option) > h.struct_size) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "%s: the caller's struct of %u bytes does not have this option", name,
                         (unsigned)h.struct_size);
    }
    return DOGBREED_OK;
}

int dogbreed_options_set(void *options, const char *name, const char *value) {
    DOGB_CHECK(options != NULL, "options: NULL, expected an initialised options struct");
    DOGB_CHECK(name != NULL && value != NULL, "options: name and value must not be NULL");
    const dogb_table *table = NULL;
    int rc = table_of(&table, options, name);
    return rc < 0 ? rc : dogb_table_set(table, options, name, value, NULL);
}

int dogbreed_options_get(char **value, const void *options, const char *name) {
    DOGB_CHECK(value != NULL, "options: value is NULL, expected where to put the text");
    *value = NULL;
    DOGB_CHECK(options != NULL, "options: NULL, expected an initialised options struct");
    DOGB_CHECK(name != NULL, "options: name must not be NULL");
    const dogb_table *table = NULL;
    int rc = table_of(&table, options, name);
    return rc < 0 ? rc : dogb_table_get(value, table, options, name);
}

int dogbreed_options_describe(dogbreed_option_info *info, uint32_t kind, uint32_t index) {
    DOGB_CHECK(info != NULL, "options: info is NULL");
    DOGB_CHECK(info->struct_size >= sizeof(uint32_t) * 2,
               "options: info->struct_size is %u, expected sizeof(dogbreed_option_info) = %zu",
               (unsigned)info->struct_size, sizeof *info);
    uint32_t size = info->struct_size;
    const dogb_table *table = dogb_options_table(kind);
    if (table == NULL) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "options: there is no kind %u", (unsigned)kind);
    }
    if (index >= table->count) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "options: %s has %u options, there is no %u",
                         table->name, (unsigned)table->count, (unsigned)index);
    }
    const dogb_option *option = &table->options[index];
    dogbreed_option_info full = {
        .struct_size = size,
        .type = option->type,
        .name = option->name,
        .choices = option->choices,
        .default_value = option->default_value,
        .unit = option->unit,
        .help = option->help,
        .minimum = option->minimum,
        .maximum = option->maximum,
        .offset = option->offset,
    };
    memset(info, 0, size);
    memcpy(info, &full, size < sizeof full ? size : sizeof full);
    return DOGBREED_OK;
}
