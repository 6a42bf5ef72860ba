// serve_tool.c - the formats of the endpoint for the oracles: a body on standard input, the reply
// or what was read from the body on standard output. Usage:
//   serve_tool floats                          float32 -> a line of text each
//   serve_tool input TYPE SIDE MAX [NAME=VALUE]  body -> items; NAME=VALUE: a query
//   serve_tool output ACCEPT CLASSES TOP       float32 [N][CLASSES] -> reply; "predict":
//   /v1/predict serve_tool infer SIDE CLASSES MAX LENGTH LOGITS  body -> items, reply. LENGTH: of
//   the JSON, or - serve_tool model SIDE CLASSES              -> reply
// A reply is "STATUS TYPE LENGTH\n" and its body, items are "COUNT\n" and for each "KIND SIZE\n"
// and its bytes.
#include "serve/call.h"

#include "core/float.h"
#include "serve/output.h"
#include "serve/v2.h"

#include <stdio.h>
#include <stdlib.h>

enum { LABELS = 2000 };

typedef struct tool {
    dogb_request r;
    dogb_reply reply;
    call_fields fields;
    dogb_model_facts facts;
    char texts[LABELS][16];
    const char *labels[LABELS];
    char *body;
    size_t size;
} tool;

static char *read_all(FILE *file, size_t *size) {
    size_t capacity = 1 << 16;
    char *data = malloc(capacity);
    *size = 0;
    for (size_t got = 1; data != NULL && got > 0; *size += got) {
        if (capacity - *size < 1 << 15) {
            capacity *= 2;
            data = realloc(data, capacity);
        }
        got = data == NULL ? 0 : fread(data + *size, 1, capacity - *size, file);
    }
    return data;
}

static void set_facts(tool *t, const char *side, const char *classes, const char *max) {
    for (int i = 0; i < LABELS; i++) {
        (void)snprintf(t->texts[i], sizeof t->texts[i], "%s%d", i == 1 ? "Hü\"nd\\" : "class", i);
        t->labels[i] = t->texts[i];
    }
    t->facts = (dogb_model_facts){"dogs", "3", t->labels, atoi(classes), atoi(side), atoi(max)};
}

static int print_reply(const tool *t) {
    const char *length = t->reply.header_count > 0 ? t->reply.headers[0][1] : "-";
    printf("%d %s %s\n", (int)t->reply.status, t->reply.type, length);
    return fwrite(t->reply.body, 1, t->reply.size, stdout) != t->reply.size;
}

static void print_items(const dogb_input *in) {
    printf("%d\n", (int)in->count);
    for (int32_t i = 0; i < in->count; i++) {
        printf("%d %zu\n", (int)in->items[i].kind, in->items[i].size);
        (void)fwrite(in->items[i].bytes, 1, in->items[i].size, stdout);
    }
}

static int run_floats(tool *t, char **argv) {
    (void)argv;
    for (size_t i = 0; i + 4 <= t->size; i += 4) {
        char text[DOGB_FLOAT_TEXT];
        float value = 0;
        memcpy(&value, t->body + i, sizeof value);
        printf("%.*s\n", (int)dogb_float_text(text, value), text);
    }
    return 0;
}

static int run_input(tool *t, char **argv) {
    static const char *query[3];
    dogb_input in;
    char *value = argv[3] == NULL ? NULL : strchr(argv[3], '=');
    if (value != NULL) {
        *value = '\0';
        query[0] = argv[3];
        query[1] = value + 1;
        t->fields.query = query;
    }
    t->r.type = argv[0];
    set_facts(t, argv[1], "3", argv[2]);
    if (dogb_input_read(&in, &t->reply, &t->r, &t->facts) < 0) {
        return print_reply(t);
    }
    print_items(&in);
    return 0;
}

static int run_output(tool *t, char **argv) {
    int predict = strcmp(argv[0], "predict") == 0;
    set_facts(t, "2", argv[1], "1000000");
    size_t row = (size_t)t->facts.classes * sizeof(float);
    dogb_input in = {.count = (int32_t)(t->size / row), .top = atoi(argv[2])};
    in.items = calloc((size_t)in.count, sizeof *in.items);
    for (int32_t i = 0; in.items != NULL && i < in.count; i++) {
        in.items[i].logits = (float *)(void *)(t->body + (size_t)i * row);
    }
    t->r.accept = argv[0];
    (void)(predict ? dogb_predict_write : dogb_output_write)(&t->reply, &t->r, &in, &t->facts);
    free(in.items);
    return print_reply(t);
}

static int run_infer(tool *t, char **argv) {
    const char *headers[] = {"Inference-Header-Content-Length", argv[3], NULL};
    dogb_v2 in;
    size_t size = 0;
    t->fields.headers = strcmp(argv[3], "-") == 0 ? NULL : headers;
    set_facts(t, argv[0], argv[1], argv[2]);
    if (dogb_v2_read(&in, &t->reply, &t->r, &t->facts) < 0) {
        return print_reply(t);
    }
    print_items(&in.input);
    FILE *file = fopen(argv[4], "rb");
    char *logits = file == NULL ? NULL : read_all(file, &size);
    size_t row = (size_t)t->facts.classes * sizeof(float);
    for (int32_t i = 0; logits != NULL && i < in.input.count && size >= row; i++, size -= row) {
        memcpy(in.input.items[i].logits, logits + (size_t)i * row, row);
    }
    (void)dogb_v2_write(&t->reply, &t->r, &in, &t->facts);
    free(logits);
    if (file != NULL) {
        (void)fclose(file);
    }
    return print_reply(t);
}

static int run_model(tool *t, char **argv) {
    set_facts(t, argv[0], argv[1], "1");
    return dogb_v2_model(&t->reply, &t->r, &t->facts) < 0 || print_reply(t);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        int arguments;
        int (*run)(tool *t, char **argv);
    } modes[] = {{"floats", 0, run_floats},
                 {"input", 3, run_input},
                 {"output", 3, run_output},
                 {"infer", 5, run_infer},
                 {"model", 2, run_model}};
    static tool t;
    for (size_t i = 0; argc > 1 && i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(argv[1], modes[i].name) == 0 && argc - 2 >= modes[i].arguments) {
            t.body = read_all(stdin, &t.size);
            t.r = call_request(&t.fields, "", t.body, t.size);
            int rc = modes[i].run(&t, argv + 2);
            dogb_arena_free(&t.r.arena);
            free(t.body);
            return rc;
        }
    }
    fprintf(stderr, "usage: serve_tool floats|input|output|infer|model ...\n");
    return 2;
}
