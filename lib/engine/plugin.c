#define _GNU_SOURCE // dl_iterate_phdr, memmem
// plugin.c - finding an engine's plug-in, and opening it only when it can work in this process.
// Knows no particular engine; what a plug-in needs it says in its own file.
#include "engine/engine_internal.h"

#include "core/error.h"
#include "core/file.h"
#include "core/plugin.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLUGIN_SIZE_MAX = 256 << 20 };

int dogb_plugin_find(char **out, dogb_arena *arena, const char *name) {
    char *folders = NULL;
    char *file = dogb_format(arena, "dogbreed-engine-%s.so", name);
    int rc = file == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_plugin_path(out, &folders, arena, file);
    if (rc < 0 || *out != NULL) {
        return rc;
    }
    return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "engine %s: %s is not installed (searched %s)%s",
                     name, file, folders, strcmp(name, "torch") == 0 ? "; " DOGB_GET_TORCH : "");
}

// --- whether

typedef struct needs {
    char library[64]; // "libtorch_cpu"
    char version[32]; // "2.15.0"
} needs;

typedef struct mapped {
    const char *library;
    char path[512]; // "": not mapped
} mapped;

// The text after DOGB_ENGINE_NEEDS in the file; empty when it is not there.
static int read_needs(needs *out, const char *path) {
    dogb_arena arena = {0};
    dogb_map map;
    size_t length = strlen(DOGB_ENGINE_NEEDS);
    memset(out, 0, sizeof *out);
    int rc = dogb_map_open(&map, &arena, path, PLUGIN_SIZE_MAX);
    const uint8_t *found = rc < 0 ? NULL : memmem(map.data, map.size, DOGB_ENGINE_NEEDS, length);
    if (found != NULL) {
        char text[100] = "";
        size_t rest = map.size - (size_t)(found - map.data) - length;
        memcpy(text, found + length, rest < sizeof text - 1 ? rest : sizeof text - 1);
        if (sscanf(text, "%63[a-z0-9_] %31[0-9.]", out->library, out->version) != 2) {
            memset(out, 0, sizeof *out);
        }
    }
    dogb_arena_free(&arena);
    return rc;
}

static int visit(struct dl_phdr_info *info, size_t size, void *userdata) {
    mapped *m = userdata;
    (void)size;
    const char *name = info->dlpi_name == NULL ? "" : dogb_path_name(info->dlpi_name);
    size_t length = strlen(m->library);
    if (strncmp(name, m->library, length) == 0 && strncmp(name + length, ".so", 3) == 0) {
        (void)snprintf(m->path, sizeof m->path, "%s", info->dlpi_name);
        return 1;
    }
    return 0;
}

// Version of a mapped libtorch, by the function of its C shim that reports it: major, minor and
// patch in the upper bytes. Other libraries, and old ones, do not tell: "".
static void mapped_version(char out[32], const char *path) {
    void *handle = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
    void *symbol = handle == NULL ? NULL : dlsym(handle, "aoti_torch_abi_version");
    uint64_t (*version)(void) = NULL;
    out[0] = '\0';
    if (symbol != NULL) {
        memcpy(&version, &symbol, sizeof version);
        uint64_t number = version();
        (void)snprintf(out, 32, "%u.%u.%u", (unsigned)(number >> 56),
                       (unsigned)(number >> 48 & 0xff), (unsigned)(number >> 40 & 0xff));
    }
    if (handle != NULL) {
        (void)dlclose(handle);
    }
}

// Two versions of such a library in one process crash, or get each other's functions.
static int check_mapped(const char *name, const needs *need) {
    mapped found = {need->library, ""};
    char version[32];
    if (need->library[0] == '\0') {
        return DOGBREED_OK;
    }
    (void)dl_iterate_phdr(visit, &found);
    if (found.path[0] == '\0') {
        return DOGBREED_OK;
    }
    mapped_version(version, found.path);
    if (strcmp(version, need->version) == 0) {
        return DOGBREED_OK;
    }
    return dogb_fail(DOGBREED_ERROR_MISMATCH,
                     "engine %s: %s %s is already loaded in this process (%s), the engine is made "
                     "for %s: use that version in both, or another engine",
                     name, need->library, version[0] == '\0' ? "of unknown version" : version,
                     found.path, need->version);
}

// --- opening

// Libraries behind engines read these once, when they are loaded. A user's own value wins.
static void set_environment(void) {
    static const char *const defaults[][2] = {
        {"OMP_WAIT_POLICY", "passive"}, // spinning at barriers starves other processes
        {"GOMP_SPINCOUNT", "1000"},     // but a short wait saves a sleep
        {"ONEDNN_PRIMITIVE_CACHE_CAPACITY", "512"},
        {"CUBLAS_WORKSPACE_CONFIG", ":4096:8"}, // deterministic sums
        {"PYTORCH_ALLOC_CONF", "expandable_segments:True"},
    };
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
        (void)setenv(defaults[i][0], defaults[i][1], 0);
    }
}

// Functions from net creation to the end of the required part, as one array.
static int has_all(const dogb_engine *engine, size_t first, size_t last) {
    for (size_t at = first; at < last; at += sizeof(void (*)(void))) {
        void (*function)(void) = NULL;
        memcpy(&function, (const char *)engine + at, sizeof function);
        if (function == NULL) {
            return 0;
        }
    }
    return 1;
}

static int check_table(dogb_engine *out, const dogb_engine *table, const char *path) {
    if (table == NULL || table->abi != DOGB_ENGINE_ABI) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH,
                         "%s: made for engine interface %u, this library has %d: install both from "
                         "one release",
                         path, table == NULL ? 0 : table->abi, DOGB_ENGINE_ABI);
    }
    if (table->size < offsetof(dogb_engine, heads_create)) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH,
                         "%s: its table has %u bytes, expected at least %zu", path, table->size,
                         offsetof(dogb_engine, heads_create));
    }
    memset(out, 0, sizeof *out);
    memcpy(out, table, table->size < sizeof *out ? table->size : sizeof *out);
    out->size = (uint32_t)sizeof *out;
    // Inference alone needs the functions up to `infer`; the rest goes with DOGB_CAN_TRAIN.
    if (out->name == NULL ||
        !has_all(out, offsetof(dogb_engine, version), offsetof(dogb_engine, param_read))) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH, "%s: a required function is missing", path);
    }
    return DOGBREED_OK;
}

int dogb_plugin_open(dogb_engine *out, const char *path, const char *name) {
    needs need;
    dogb_engine_entry entry = NULL;
    int rc;
    if ((rc = read_needs(&need, path)) < 0 || (rc = check_mapped(name, &need)) < 0) {
        return rc;
    }
    set_environment();
    char what[80];
    void *symbol = NULL;
    (void)snprintf(what, sizeof what, "engine %s", name);
    if ((rc = dogb_plugin_function(&symbol, path, what, "dogb_engine_v1")) < 0) {
        return rc;
    }
    memcpy(&entry, &symbol, sizeof entry);
    return check_table(out, entry(), path);
}
