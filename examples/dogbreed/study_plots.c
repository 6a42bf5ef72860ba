// study_plots.c - the pictures of a study, in its run directory.
#include "study.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *word;
    uint32_t formats;
} kinds[] = {{"svg", DOGBREED_PLOT_SVG}, // the default, where they can be drawn
             {"png", DOGBREED_PLOT_SVG | DOGBREED_PLOT_PNG},
             {"off", 0}};

static int find(uint32_t *formats, const tool *t) {
    const char *word = value_of(t, "plots");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (word == NULL || strcmp(word, kinds[i].word) == 0) {
            *formats = kinds[i].formats;
            return 0;
        }
    }
    return -1;
}

static int draw(study *s, uint32_t formats) {
    char path[3100];
    (void)snprintf(path, sizeof path, "%s/plots", s->folder);
    int rc = dogbreed_tuner_plots(s->tuner, path, formats);
    s->pictures = rc == DOGBREED_OK;
    return rc;
}

int plots_check(study *s) {
    uint32_t formats = 0;
    if (find(&formats, s->t) != 0) {
        return usage_error(s->t, "--plots %s: expected svg, png or off", value_of(s->t, "plots"));
    }
    if (value_of(s->t, "plots") == NULL || formats == 0) {
        return TOOL_OK;
    }
    int rc = draw(s, formats); // what was asked for and cannot be done is said before the work
    return rc < 0 ? fail(s->t, PHASE_USAGE, rc) : TOOL_OK;
}

void plots_write(study *s) {
    uint32_t formats = 0;
    (void)find(&formats, s->t);
    int rc = formats == 0 ? DOGBREED_OK : draw(s, formats);
    if (rc < 0 && rc != DOGBREED_ERROR_UNSUPPORTED) {
        warn("%s/plots: %s", s->folder, dogbreed_error_message());
    }
}
