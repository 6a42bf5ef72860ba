// evaluation.c - what an evaluation leaves in a run directory: evaluation.json with each picture,
// and the pictures as a table.
#include "training.h"
#include "paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A cell as in RFC 4180.
static void put_text(FILE *file, const char *text) {
    if (strpbrk(text, ",\"\r\n") == NULL) {
        (void)fputs(text, file);
        return;
    }
    (void)fputc('"', file);
    for (const char *c = text; *c != '\0'; c++) {
        (void)fputs(*c == '"' ? "\"\"" : (const char[2]){*c, '\0'}, file);
    }
    (void)fputc('"', file);
}

static void put_class(FILE *file, const json_t *classes, const json_t *index) {
    const json_t *row = json_array_get(classes, (size_t)json_integer_value(index));
    if (row != NULL) {
        put_text(file, text_of(row, "class"));
    } else {
        (void)fprintf(file, "%lld", (long long)json_integer_value(index));
    }
}

static void put_row(FILE *file, const json_t *row, const json_t *classes) {
    put_text(file, text_of(row, "path"));
    (void)fputc(',', file);
    put_class(file, classes, json_object_get(row, "true"));
    for (size_t i = 0; i < 5; i++) {
        const json_t *pair = json_array_get(json_object_get(row, "top"), i);
        (void)fputc(',', file);
        if (pair != NULL) {
            put_class(file, classes, json_array_get(pair, 0));
        }
        (void)fputc(',', file);
        if (pair != NULL) {
            (void)fprintf(file, "%.6g", json_number_value(json_array_get(pair, 1)));
        }
    }
    (void)fprintf(file, ",%.6g\n", real_of(row, "loss"));
}

static char *predictions_csv(const json_t *report) {
    char *text = NULL;
    size_t size = 0;
    size_t i = 0;
    const json_t *row = NULL;
    FILE *file = open_memstream(&text, &size);
    if (file == NULL) {
        return NULL;
    }
    (void)fputs("path,true,predicted,probability,class_2,probability_2,class_3,probability_3,"
                "class_4,probability_4,class_5,probability_5,loss\n",
                file);
    json_array_foreach(json_object_get(report, "predictions"), i, row) {
        put_row(file, row, json_object_get(report, "classes"));
    }
    if (fclose(file) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

// For TensorBoard, unless the run has no event files.
static void write_board(const char *run) {
    dogbreed_report_options options;
    char *text = NULL;
    int rc = dogbreed_run_config(&text, run);
    json_t *config = rc < 0 ? NULL : parse_json(text);
    int wanted = !json_is_false(json_object_get(config, "tensorboard"));
    json_decref(config);
    rc = rc < 0 || !wanted ? rc : dogbreed_report_options_init(&options, sizeof options);
    if (rc == DOGBREED_OK && wanted) {
        options.html = 0;
        options.tensorboard = 1;
        rc = dogbreed_report_write(run, &options);
    }
    if (rc < 0) {
        warn("%s/evaluation: %s", run, dogbreed_error_message());
    }
}

void keep_evaluation(const char *run, json_t *report) {
    const char *split = text_of(report, "split");
    int is_test = strcmp(split, "test") == 0;
    char document[80];
    char table[80];
    (void)snprintf(document, sizeof document, is_test ? "evaluation.json" : "evaluation-%s.json",
                   split);
    (void)snprintf(table, sizeof table, is_test ? "predictions.csv" : "predictions-%s.csv", split);
    char *root = absolute_path(text_of(report, "root"));
    if (root != NULL) { // so that a report from any folder finds the pictures
        (void)json_object_set_new(report, "root", json_text(root));
    }
    free(root);
    write_document(run, document, report);
    if (is_test) { // the one that reports are about
        write_board(run);
    }
    if (json_object_get(report, "predictions") != NULL) {
        char *text = predictions_csv(report);
        write_text(run, table, text);
        free(text);
    }
}
