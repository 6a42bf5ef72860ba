// plots.c - the pictures of a study as files, each with its table beside it.
#include "tuner/picture.h"

#include "core/error.h"
#include "core/file.h"

static const struct {
    const char *name;
    int (*make)(dogb_picture *picture);
} pictures[] = {{"history", dogb_picture_history},
                {"parallel", dogb_picture_parallel},
                {"slices", dogb_picture_slices},
                {"importance", dogb_picture_importance}};

static const struct {
    uint32_t format;
    const char *ending;
} formats_known[] = {{DOGBREED_PLOT_SVG, "svg"}, {DOGBREED_PLOT_PNG, "png"}};

// Pixels of a PNG for one of the drawing: sharp on dense screens and on paper.
static const double png_scale = 2;

// These can be made again: no waiting for the disk.
static int write_file(const char *directory, const char *name, const char *ending,
                      const dogb_buffer *text) {
    dogb_arena arena = {0};
    char *file = dogb_format(&arena, "%s.%s", name, ending);
    char *path = file == NULL ? NULL : dogb_path_join(&arena, directory, file);
    int rc =
        path == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_file_replace(path, text->data, text->length);
    dogb_arena_free(&arena);
    return rc;
}

static int write_picture(const dogb_picture *picture, const char *directory, const char *name,
                         uint32_t formats) {
    int rc =
        picture->csv.rc < 0 ? picture->csv.rc : write_file(directory, name, "csv", &picture->csv);
    for (size_t i = 0; rc == DOGBREED_OK && i < sizeof formats_known / sizeof formats_known[0];
         i++) {
        uint32_t format = formats_known[i].format;
        dogb_buffer out = {.arena = picture->arena};
        if (formats & format) {
            rc = format == DOGBREED_PLOT_SVG ? dogb_drawing_svg(&out, &picture->drawing)
                                             : dogb_drawing_png(&out, &picture->drawing, png_scale);
            rc = rc < 0 ? rc : write_file(directory, name, formats_known[i].ending, &out);
        }
    }
    return rc;
}

static int make(const dogbreed_tuner *tuner, size_t index, const char *directory,
                uint32_t formats) {
    dogb_arena arena = {0};
    dogb_picture picture = {.tuner = tuner, .arena = &arena, .csv = {.arena = &arena}};
    int rc = dogb_picture_prepare(&picture);
    rc = rc < 0 ? rc : pictures[index].make(&picture);
    rc = rc < 0 ? rc : write_picture(&picture, directory, pictures[index].name, formats);
    dogb_arena_free(&arena);
    return rc;
}

int dogbreed_tuner_plots(dogbreed_tuner *tuner, const char *directory, uint32_t formats) {
    const uint32_t known = DOGBREED_PLOT_SVG | DOGBREED_PLOT_PNG;
    DOGB_CHECK(tuner != NULL, "tuner: is NULL");
    DOGB_CHECK(directory != NULL && *directory != '\0', "directory: is empty");
    DOGB_CHECK(formats != 0 && (formats & ~known) == 0,
               "formats: 0x%x, expected DOGBREED_PLOT_SVG, DOGBREED_PLOT_PNG or both", formats);
    const dogb_plot_module *module = NULL;
    int rc = dogb_plot_open(&module); // before anything is written
    rc = rc < 0 ? rc : dogb_tuner_open(tuner);
    rc = rc < 0 ? rc : dogb_directory_make(directory);
    for (size_t i = 0; rc == DOGBREED_OK && i < sizeof pictures / sizeof pictures[0]; i++) {
        rc = make(tuner, i, directory, formats);
    }
    return rc;
}
