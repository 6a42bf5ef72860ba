/* dogbreed/report.h - what came out of a run, for people: one HTML page, a PDF, one JSON document,
 * and several runs side by side. Reads the files of run directories alone (docs/run.md); each of
 * them may be missing or broken, and its section says so.
 */
#ifndef DOGBREED_REPORT_H
#define DOGBREED_REPORT_H

#include <dogbreed/options.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dogbreed_report_options {
    uint32_t struct_size;
    uint32_t kind;
    const char *title;     /* "": the name of the run directory */
    const char *pictures;  /* folder of the pictures; "": where they were when they were tested */
    const char *html_name; /* in the run directory, or an absolute path */
    const char *pdf_name;  /* the same */
    const char *json_name; /* the same */
    int32_t html;          /* 1: write the page */
    int32_t pdf;           /* 1: write the PDF; needs dogbreed-plot.so */
    int32_t json;          /* 1: write the document */
    int32_t gallery;       /* 1: pictures of the worst mistakes and the least certain ones */
    int32_t gallery_count; /* pictures of each kind, 1 to 200 */
    int32_t thumbnail;     /* their longer side, pixels, 32 to 512 */
    int32_t refresh;       /* seconds after which the page loads itself anew; 0: never */
    int32_t tensorboard;   /* 1: write evaluation/, the evaluation for TensorBoard */
    int32_t heat_maps;     /* 1: the gallery shows where the network saw the class it named */
    int32_t reserved;
} dogbreed_report_options;

DOGBREED_API int dogbreed_report_options_init(dogbreed_report_options *options, size_t struct_size);

/* Writes report.html, report.pdf and report.json (those that the options ask for) into the run
 * directory; with `tensorboard` also an event file in its folder evaluation (docs/tensorboard.md).
 * The page is one file that needs nothing else and no network. Without dogbreed-plot.so
 * there are no charts. With SOURCE_DATE_EPOCH in the environment the same run gives the same bytes.
 * Returns NOT_FOUND (no run directory), UNSUPPORTED (a PDF without dogbreed-plot.so), IO,
 * NO_MEMORY, INVALID_ARGUMENT. */
DOGBREED_API int dogbreed_report_write(const char *run, const dogbreed_report_options *options);

/* The same document and page as text. Free with dogbreed_free. */
DOGBREED_API int dogbreed_report_json(char **json, const char *run);
DOGBREED_API int dogbreed_report_html(char **html, const char *run,
                                      const dogbreed_report_options *options);

/* Runs side by side: {"runs":[{"run","state","accuracy",...}],"options":{name:[value of each]}}
 * with the options that differ; and as a page. count: 1 to 100. Free with dogbreed_free. */
DOGBREED_API int dogbreed_report_compare(char **json, const char *const *runs, int32_t count);
DOGBREED_API int dogbreed_report_compare_html(char **html, const char *const *runs, int32_t count);

#ifdef __cplusplus
}
#endif
#endif
