// module.c - opens the module that draws, once per process; a missing one may come later.
#include "plot/module.h"

#include "core/error.h"
#include "core/plugin.h"

#include <pthread.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const dogb_plot_module *opened; // under lock; never closed

static int find(char **out, dogb_arena *arena) {
    char *folders = NULL;
    int rc = dogb_plugin_path(out, &folders, arena, "dogbreed-plot.so");
    if (rc < 0 || *out != NULL) {
        return rc;
    }
    return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                     "pictures need dogbreed-plot.so, which is not installed (searched %s); it is "
                     "built with -Dplot=enabled where cairo and pango are (Debian: libcairo2-dev, "
                     "libpango1.0-dev; scripts/setup.sh installs them)",
                     folders);
}

static int load(dogb_arena *arena) {
    char *path = NULL;
    void *symbol = NULL;
    dogb_plot_entry entry = NULL;
    int rc = find(&path, arena);
    rc = rc < 0 ? rc : dogb_plugin_function(&symbol, path, "pictures", "dogb_plot_v1");
    if (rc < 0) {
        return rc;
    }
    memcpy(&entry, &symbol, sizeof entry);
    const dogb_plot_module *module = entry();
    if (module == NULL || module->abi != DOGB_PLOT_ABI || module->size < sizeof *module) {
        return dogb_fail(DOGBREED_ERROR_MISMATCH,
                         "%s: made for another release of the library: install both from one",
                         path);
    }
    opened = module;
    return DOGBREED_OK;
}

int dogb_plot_open(const dogb_plot_module **out) {
    dogb_arena arena = {0};
    (void)pthread_mutex_lock(&lock);
    int rc = opened == NULL ? load(&arena) : DOGBREED_OK;
    *out = opened;
    (void)pthread_mutex_unlock(&lock);
    dogb_arena_free(&arena);
    return rc;
}
