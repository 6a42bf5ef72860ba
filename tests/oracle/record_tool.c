// record_tool.c - tensor stores for record.py. Usage: record_tool write FOLDER payload|smdebug
#include "core/file.h"
#include "record/layout.h"
#include "record/writer.h"

#include <stdio.h>
#include <string.h>

static int report(int rc) {
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", dogbreed_error_name(rc), dogbreed_error_message());
    }
    return rc;
}

// Bytes of element i: small numbers that each type has.
static void put(unsigned char *out, int32_t dtype, int i) {
    static const uint16_t halves[] = {0x0000, 0x3c00, 0xc000, 0x4248, 0x7bff, 0x0001};
    float single = (float)i - 2.5f;
    double wide = i * 0.1 - 0.2;
    int64_t whole = dtype == DOGBREED_RECORD_BOOL ? i % 2 : i * 7 % 100;
    int negative = dtype == DOGBREED_RECORD_INT8 || dtype == DOGBREED_RECORD_INT16 ||
                   dtype == DOGBREED_RECORD_INT32 || dtype == DOGBREED_RECORD_INT64;
    whole = negative ? -whole : whole;
    uint32_t bits = 0;
    switch (dtype) {
    case DOGBREED_RECORD_FLOAT32:
        memcpy(out, &single, 4);
        break;
    case DOGBREED_RECORD_COMPLEX64:
        memcpy(out, &single, 4);
        memcpy(out + 4, &(float){1}, 4);
        break;
    case DOGBREED_RECORD_FLOAT64:
        memcpy(out, &wide, 8);
        break;
    case DOGBREED_RECORD_COMPLEX128:
        memcpy(out, &wide, 8);
        memcpy(out + 8, &(double){1}, 8);
        break;
    case DOGBREED_RECORD_FLOAT16:
        memcpy(out, &halves[i % 6], 2);
        break;
    case DOGBREED_RECORD_BFLOAT16:
        memcpy(&bits, &single, 4);
        memcpy(out, &(uint16_t){(uint16_t)(bits >> 16)}, 2);
        break;
    default:
        memcpy(out, &whole, (size_t)dogb_record_type_find(dtype)->size);
    }
}

static int add_types(dogb_record_writer *w) {
    static const char *const texts[] = {"Hund", "\xe7\x8a\xac", ""};
    int rc = 0;
    for (int32_t code = 1; rc == 0 && code < 24; code++) {
        const dogb_record_type *type = dogb_record_type_find(code);
        unsigned char data[16 * 6];
        char name[64];
        if (type == NULL) {
            continue;
        }
        (void)snprintf(name, sizeof name, "types/%s", type->name);
        if (type->size == 0) {
            rc = dogb_record_writer_add(w, name, code, 1, (int64_t[]){3}, texts);
            continue;
        }
        for (int i = 0; i < 6; i++) {
            put(data + i * type->size, code, i);
        }
        rc = dogb_record_writer_add(w, name, code, 2, (int64_t[]){2, 3}, data);
    }
    return rc;
}

static int add_step(dogb_record_writer *w, int32_t mode, int64_t mode_step, int64_t step) {
    float weight[6];
    float loss = 2 / ((float)step + 1);
    for (int i = 0; i < 6; i++) {
        weight[i] = (float)(step * 10 + i) * (i % 2 == 0 ? 0.5f : -0.5f);
    }
    int rc = dogb_record_writer_begin(w, mode, mode_step, step, 1700000000.25 + (double)step);
    rc = rc < 0 ? rc : dogb_record_writer_add(w, "CrossEntropyLoss_output_0", 1, 0, NULL, &loss);
    if (rc == 0 && mode == DOGBREED_MODE_TRAIN) {
        rc = dogb_record_writer_add(w, "fc.weight", 1, 2, (int64_t[]){2, 3}, weight);
        rc = rc < 0 ? rc
                    : dogb_record_writer_reduce(w, "fc.bias",
                                                "min,max,mean,std,variance,sum,prod,l1,l2,abs_mean,"
                                                "abs_max,median,nan_count,inf_count",
                                                weight, 6);
        rc = rc < 0 ? rc : dogb_record_writer_shape(w, "fc.bias", "bias", 1, (int64_t[]){6});
    }
    rc = rc == 0 && step == 0 ? add_types(w) : rc;
    return rc < 0 ? rc : dogb_record_writer_commit(w);
}

static int write_store(const char *folder, const char *crc) {
    static const char *const losses[] = {"CrossEntropyLoss_output_0"};
    dogb_record_save each = {.interval = 1, .end = -1};
    dogb_record_save some = {
        .interval = 10, .start = 2, .end = 90, .steps = (int64_t[]){1, 5}, .step_count = 2};
    dogb_record_collection all[] = {{.name = "losses",
                                     .include_regex = "[Ll]oss",
                                     .names = losses,
                                     .name_count = 1,
                                     .save_raw = 1,
                                     .reductions = "",
                                     .save = {{0}, each, each, each, each}},
                                    {.name = "biases",
                                     .include_regex = "bias",
                                     .reductions = "mean,abs_max,l2,median",
                                     .save_shape = 1,
                                     .save = {{0}, some, {0}, some, some}}};
    dogb_record_conf conf = {.directory = folder,
                             .crc = strcmp(crc, "smdebug") == 0 ? DOGB_RECORD_CRC_SMDEBUG
                                                                : DOGB_RECORD_CRC_PAYLOAD};
    dogb_record_writer *w = NULL;
    int rc = dogb_record_writer_open(&w, &conf);
    rc = rc < 0 ? rc : dogb_record_writer_collections(w, all, 2);
    for (int64_t step = 0; rc == 0 && step < 12; step++) { // after four of training one of EVAL
        int eval = step % 5 == 4;
        rc = add_step(w, eval ? DOGBREED_MODE_EVAL : DOGBREED_MODE_TRAIN,
                      eval ? step / 5 : step - step / 5, step);
    }
    rc = rc < 0 ? rc : dogb_record_writer_finish(w);
    dogb_record_writer_close(w);
    return rc;
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "write") == 0) {
        return report(write_store(argv[2], argv[3])) < 0;
    }
    fprintf(stderr, "usage: record_tool write FOLDER payload|smdebug\n");
    return 2;
}
