// help.c - help texts: examples first, then the command's own flags, then the options of its
// tables, all generated.
#include "tool.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void print_range(const dogbreed_option_info *info) {
    if (info->choices != NULL) {
        (void)printf("%s; ", info->choices);
    } else if (info->type == DOGBREED_TYPE_SWITCH) {
        (void)printf("on,off; ");
    } else if (info->type != DOGBREED_TYPE_STRING && info->type != DOGBREED_TYPE_UINT64 &&
               (fabs(info->minimum) < 1e15 && fabs(info->maximum) < 1e15)) {
        (void)printf("%.10g to %.10g%s%s; ", info->minimum, info->maximum,
                     *info->unit == '\0' ? "" : " ", info->unit);
    } else if (*info->unit != '\0') {
        (void)printf("%s; ", info->unit);
    }
    (void)printf("default %s", *info->default_value == '\0' ? "empty" : info->default_value);
}

// Names the later tables of the command that have the option too.
static void print_shared(const command *c, size_t row, const char *name) {
    dogbreed_option_info info;
    for (size_t i = row + 1; c->kinds[i] != 0; i++) {
        if (find_option(&info, c->kinds[i], name)) {
            (void)printf("; also of the %s", kind_name(c->kinds[i]));
        }
    }
    (void)printf("\n");
}

static void print_option(const command *c, size_t row, const dogbreed_option_info *info) {
    char name[96];
    (void)snprintf(name, sizeof name, "%s", info->name);
    for (char *letter = name; *letter != '\0'; letter++) {
        *letter = *letter == '_' ? '-' : *letter;
    }
    (void)printf("  --%-24s %s\n  %-26s ", name, info->help, "");
    print_range(info);
    print_shared(c, row, info->name);
}

static void print_flags(const flag *flags) {
    for (; flags->name != NULL; flags++) {
        char name[96];
        (void)snprintf(name, sizeof name, "%s%s%s", flags->name, flags->argument == NULL ? "" : " ",
                       flags->argument == NULL ? "" : flags->argument);
        (void)printf("  --%-24s %s\n", name, flags->help);
    }
}

// An option that several tables of the command have is shown with the first one.
static int shown_before(const command *c, size_t row, const char *name) {
    dogbreed_option_info info;
    for (size_t i = 0; i < row; i++) {
        if (find_option(&info, c->kinds[i], name)) {
            return 1;
        }
    }
    return 0;
}

void print_usage(const command *c) {
    if (c == NULL) {
        (void)printf("usage: dogbreed COMMAND [ARGUMENTS...] [OPTIONS...]\n");
    } else {
        (void)printf("usage: dogbreed %s %s\n", c->name, c->arguments);
    }
}

static void print_command(const command *c) {
    (void)printf("dogbreed %s - %s\n\nExamples:\n%s\n", c->name, c->summary, c->examples);
    print_usage(c);
    if (c->flags[0].name != NULL) {
        (void)printf("\nFlags:\n");
        print_flags(c->flags);
    }
    for (size_t i = 0; c->kinds[i] != 0; i++) {
        (void)printf("\nOptions of the %s (also written NAME=VALUE, with _ for -):\n",
                     kind_name(c->kinds[i]));
        dogbreed_option_info info = {.struct_size = sizeof info};
        for (uint32_t j = 0; dogbreed_options_describe(&info, c->kinds[i], j) == DOGBREED_OK; j++) {
            if (!shown_before(c, i, info.name)) {
                print_option(c, i, &info);
            }
        }
    }
    (void)printf("\nEvery command:\n");
    print_flags(common_flags);
}

static void print_tool(void) {
    (void)printf("dogbreed - train image classifiers, test them, predict\n\n"
                 "Examples:\n"
                 "  dogbreed synth shapes && dogbreed train shapes --arch tiny --freeze none\n"
                 "  dogbreed train PHOTOS --arch mobilenet_v2 --weights FILE --epochs 7\n"
                 "  dogbreed evaluate runs/a --data PHOTOS --split test\n"
                 "  dogbreed predict runs/a photo.jpg --top-k 5\n\n");
    print_usage(NULL);
    (void)printf("\nCommands:\n");
    for (size_t i = 0; i < command_count; i++) {
        (void)printf("  %-16s %s\n", commands[i]->name, commands[i]->summary);
    }
    (void)printf("\nOptions of a command: dogbreed help COMMAND\nEvery command:\n");
    print_flags(common_flags);
    (void)printf("\nExit codes: 0 ok, 1 failure, 2 usage, 3 data, 4 model, 5 interrupted but "
                 "resumable,\n124 time limit, 130/143 ended by a signal after a checkpoint.\n");
}

void print_help(const command *c) {
    if (c == NULL) {
        print_tool();
    } else {
        print_command(c);
    }
}
