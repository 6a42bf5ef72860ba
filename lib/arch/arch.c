// arch.c - the table of networks, and the head that each can end in.
#include "arch/arch_internal.h"

#include "core/error.h"
#include "core/number.h"
#include "core/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Crop and short side are those of torchvision's current default weights of each network (the V1
// weights where there are no others). mobilenet_v2 has 256, as with its V1 weights and those of
// most other sources: features of smaller photos separate breeds better by two points than with
// 232.
#define RESNET_STAGES "bn1,layer1,layer2,layer3,layer4"
#define MOBILENET_STAGES                                                                           \
    "features.0,features.1,features.2,features.3,features.4,features.5,features.6,features.7,"     \
    "features.8,features.9,features.10,features.11,features.12,features.13,features.14,"           \
    "features.15,features.16,features.17,features.18"
#define SQUEEZENET_1_0_STAGES                                                                      \
    "features.0,features.3,features.4,features.5,features.7,features.8,features.9,features.10,"    \
    "features.12"
#define SQUEEZENET_1_1_STAGES                                                                      \
    "features.0,features.3,features.4,features.6,features.7,features.9,features.10,features.11,"   \
    "features.12"

// DOGBREED_FILTER_BILINEAR, whose header lies above this layer.
enum { BILINEAR = 0 };

static const dogb_arch archs[] = {
    {"mobilenet_v2", "mobilenet", MOBILENET_STAGES, 224, 256, BILINEAR, 2, dogb_arch_mobilenet_v2},
    {"resnet18", "resnet", RESNET_STAGES, 224, 256, BILINEAR, 18, dogb_arch_resnet},
    {"resnet34", "resnet", RESNET_STAGES, 224, 256, BILINEAR, 34, dogb_arch_resnet},
    {"resnet50", "resnet", RESNET_STAGES, 224, 232, BILINEAR, 50, dogb_arch_resnet},
    {"resnet101", "resnet", RESNET_STAGES, 224, 232, BILINEAR, 101, dogb_arch_resnet},
    {"resnet152", "resnet", RESNET_STAGES, 224, 232, BILINEAR, 152, dogb_arch_resnet},
    {"squeezenet1_0", "squeezenet", SQUEEZENET_1_0_STAGES, 224, 256, BILINEAR, 0,
     dogb_arch_squeezenet},
    {"squeezenet1_1", "squeezenet", SQUEEZENET_1_1_STAGES, 224, 256, BILINEAR, 1,
     dogb_arch_squeezenet},
    {"tiny", "tiny", "bn1,bn2,bn3", 32, 36, BILINEAR, 0, dogb_arch_tiny},
};
enum { ARCH_COUNT = sizeof archs / sizeof archs[0] };

enum { CLASSES_MAX = 100000, HIDDEN_MAX = 65536, SIDE_MIN = 16, SIDE_MAX = 4096 };

int32_t dogb_arch_count(void) {
    return ARCH_COUNT;
}

const dogb_arch *dogb_arch_at(int32_t index) {
    return index < 0 || index >= ARCH_COUNT ? NULL : &archs[index];
}

int dogb_arch_find(const dogb_arch **out, const char *name) {
    const char *names[ARCH_COUNT];
    *out = NULL;
    for (int32_t i = 0; i < ARCH_COUNT; i++) {
        names[i] = archs[i].name;
        if (strcmp(names[i], name) == 0) {
            *out = &archs[i];
            return DOGBREED_OK;
        }
    }
    const char *nearest = dogb_nearest(name, names, ARCH_COUNT);
    if (nearest != NULL) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "architecture: %s is unknown, did you mean %s?",
                         name, nearest);
    }
    return dogb_fail(DOGBREED_ERROR_NOT_FOUND,
                     "architecture: %s is unknown, expected one of those that `dogbreed model "
                     "list` shows, for example %s or resnet50",
                     name, archs[0].name);
}

dogb_arch_name dogb_arch_join(const char *prefix, const char *part) {
    dogb_arch_name name;
    (void)snprintf(name.text, sizeof name.text, "%s.%s", prefix, part);
    return name;
}

dogb_arch_name dogb_arch_join_index(const char *prefix, int32_t index) {
    dogb_arch_name name;
    (void)snprintf(name.text, sizeof name.text, "%s.%d", prefix, index);
    return name;
}

// "mlp:<hidden>[:<dropout>]"
static int parse_mlp(const char *head, int32_t *hidden, double *dropout) {
    char *end = NULL;
    *dropout = 0;
    if (head[4] < '0' || head[4] > '9') {
        return -1;
    }
    long long width = strtoll(head + 4, &end, 10);
    if (width < 1 || width > HIDDEN_MAX) {
        return -1;
    }
    *hidden = (int32_t)width;
    if (*end == '\0') {
        return 0;
    }
    const char *text = end + 1;
    if (*end != ':' || (*text != '.' && (*text < '0' || *text > '9'))) {
        return -1;
    }
    *dropout = dogb_number_parse(text, &end);
    return *end == '\0' && *dropout >= 0 && *dropout < 1 ? 0 : -1;
}

static int check_options(const dogb_arch_options *options) {
    const char *head = options->head;
    int32_t hidden = 0;
    double dropout = 0;
    int known = strcmp(head, "original") == 0 || strcmp(head, "linear") == 0 ||
                (strncmp(head, "mlp:", 4) == 0 && parse_mlp(head, &hidden, &dropout) == 0);
    DOGB_CHECK(known,
               "head: %s, expected linear, original or mlp:<hidden>[:<dropout>] with 1 to %d "
               "hidden units and a dropout of 0 to below 1",
               head, HIDDEN_MAX);
    DOGB_CHECK(options->classes >= 1 && options->classes <= CLASSES_MAX,
               "classes: %d, expected 1 to %d", options->classes, CLASSES_MAX);
    DOGB_CHECK(options->input_size == 0 ||
                   (options->input_size >= SIDE_MIN && options->input_size <= SIDE_MAX),
               "input_size: %d, expected 0 (the network's own) or %d to %d", options->input_size,
               SIDE_MIN, SIDE_MAX);
    return DOGBREED_OK;
}

int32_t dogb_arch_head(dogb_graph *graph, int32_t features, const char *classifier, double dropout,
                       const dogb_arch_options *options, int32_t init, double scale,
                       int32_t init_bias) {
    int32_t hidden = 0;
    double mlp_dropout = 0;
    int32_t x = features;
    graph->feature = features;
    if (dropout > 0) {
        // The dropout in front of "classifier.1" is "classifier.0".
        dogb_arch_name name = {""};
        size_t prefix = strcspn(classifier, ".");
        (void)snprintf(name.text, sizeof name.text, "%.*s.0", (int)prefix, classifier);
        x = dogb_graph_dropout(graph, x, name.text, dropout);
    }
    if (strncmp(options->head, "mlp:", 4) != 0 ||
        parse_mlp(options->head, &hidden, &mlp_dropout) < 0) {
        return dogb_graph_linear(graph, x, classifier, options->classes, init, scale, init_bias);
    }
    // What torch.nn.Sequential(Linear, ReLU, Dropout, Linear) starts from.
    x = dogb_graph_linear(graph, x, dogb_arch_join(classifier, "0").text, hidden,
                          DOGB_INIT_UNIFORM_FAN_IN, 0, DOGB_INIT_UNIFORM_FAN_IN);
    x = dogb_graph_relu(graph, x, dogb_arch_join(classifier, "1").text);
    x = dogb_graph_dropout(graph, x, dogb_arch_join(classifier, "2").text, mlp_dropout);
    return dogb_graph_linear(graph, x, dogb_arch_join(classifier, "3").text, options->classes,
                             DOGB_INIT_UNIFORM_FAN_IN, 0, DOGB_INIT_UNIFORM_FAN_IN);
}

int dogb_arch_build(dogb_graph **out, const dogb_arch *arch, const dogb_arch_options *options) {
    dogb_arch_options filled = *options;
    dogb_graph *graph = NULL;
    *out = NULL;
    int rc = check_options(options);
    if (filled.input_size == 0) {
        filled.input_size = arch->input_size;
    }
    if (rc < 0 || (rc = dogb_graph_create(&graph, arch->name)) < 0) {
        return rc;
    }
    (void)dogb_graph_input(graph, 3, filled.input_size, filled.input_size);
    if ((rc = arch->build(graph, arch, &filled)) < 0) {
        dogb_graph_destroy(graph);
        return rc;
    }
    *out = graph;
    return DOGBREED_OK;
}
