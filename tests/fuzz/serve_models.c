// serve_models.c - fuzz target: the body of POST /models, names of models, and the way from a url
// to a file. What begins with '{' is a body, else the input is a url itself. Whatever is opened is
// one of the files below the folder, by no link and no step upwards.
#include "folder.h"
#include "fuzz.h"

#include "serve/call.h"
#include "serve/models.h"
#include "serve/served.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int root = -1;

static void put(const char *name) {
    int file = openat(root, name, O_CREAT | O_WRONLY, 0600);
    if (file < 0 || write(file, "m", 1) != 1 || close(file) != 0) {
        abort();
    }
}

// A model, one in a folder, links to both and out, a pipe, a folder that is none of a model.
static void make(void) {
    char outside[160];
    (void)snprintf(outside, sizeof outside, "%s/outside", fuzz_folder);
    char inside[160];
    (void)snprintf(inside, sizeof inside, "%s/root", fuzz_folder);
    if (mkdir(inside, 0700) != 0 || (root = open(inside, O_RDONLY | O_DIRECTORY)) < 0 ||
        mkdirat(root, "a", 0700) != 0 || mkdirat(root, "a/b", 0700) != 0 ||
        mkdirat(root, "empty", 0700) != 0) {
        abort();
    }
    put("m");
    put("a/b/model.safetensors");
    put("../outside");
    if (symlinkat(outside, root, "out") != 0 || symlinkat("..", root, "up") != 0 ||
        symlinkat("m", root, "a/link") != 0 || mkfifoat(root, "pipe", 0600) != 0 ||
        symlinkat("a", root, "c") != 0) {
        abort();
    }
}

// Independent of the walk: where the descriptor really lies.
static void check_file(int file, int64_t size) {
    static const char *const files[] = {"/root/m", "/root/a/b/model.safetensors"};
    char link[40];
    char path[400];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0 || size != 1 || strncmp(path, fuzz_folder, strlen(fuzz_folder)) != 0) {
        abort();
    }
    path[length] = '\0';
    const char *below = path + strlen(fuzz_folder);
    if (strcmp(below, files[0]) != 0 && strcmp(below, files[1]) != 0) {
        abort();
    }
    (void)close(file);
}

static void check_url(const char *url) {
    char path[160];
    int file = -1;
    int64_t size = 0;
    (void)snprintf(path, sizeof path, "%s/root", fuzz_folder);
    if (dogb_models_open(&file, &size, root, path, url) < 0) {
        if (file != -1 || *dogbreed_error_message() == '\0') {
            abort();
        }
        return;
    }
    check_file(file, size);
    for (const char *at = url; at != NULL; at = strchr(at, '/')) {
        at += *at == '/';
        if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == '\0')) {
            abort();
        }
    }
}

// A name is one part of an address, as it stands.
static void check_name(const char *name, int good) {
    size_t length = strlen(name);
    int plain = length > 0 && length <= 200 && strcmp(name, ".") != 0 && strstr(name, "..") == NULL;
    for (size_t i = 0; i < length; i++) {
        char c = name[i];
        plain &= (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '_' || c == '.';
    }
    if (plain != good) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    call_fields fields = {0};
    const char *name = NULL;
    const char *url = NULL;
    if (fuzz_folder_make()) {
        make();
    }
    dogb_request r = call_request(&fields, "application/json", data, size);
    if (size > 0 && *data == '{') {
        if (dogb_models_read(&name, &url, &r) == 0) {
            check_name(name, 1);
            check_url(url);
        }
    } else {
        char *text = dogb_strndup(&r.arena, (const char *)data, size);
        if (text == NULL) {
            abort();
        }
        check_name(text, dogb_served_is_name(text));
        check_url(text);
    }
    dogb_arena_free(&r.arena);
    return 0;
}
