// section.h - what the sections of a report share. Each fills the page, and the document behind it.
#ifndef DOGB_REPORT_SECTION_H
#define DOGB_REPORT_SECTION_H

#include "image/image.h"
#include "predictor/heat.h"
#include "report/report.h"
#include "report/page.h"
#include "report/source.h"

enum {
    DOGB_REPORT_QUALITY = 78,    // of pictures, as JPEG's
    DOGB_REPORT_MATRIX_MAX = 20, // classes of a confusion matrix with names
    DOGB_REPORT_CLASSES_MAX = 1 << 20,
};

typedef struct dogb_report {
    dogb_arena *arena;
    const dogbreed_report_options *options;
    const dogb_source *source;
    dogb_page *page;
    json_t *json;          // the document
    dogbreed_model *model; // of heat maps, while pictures have them; NULL: they have none
    dogb_heat *heat;
} dogb_report;

// Everything from the source into page and document.
int dogb_report_fill(dogb_report *r);

void dogb_section_summary(dogb_report *r);
void dogb_section_data(dogb_report *r);
void dogb_section_curves(dogb_report *r);
void dogb_section_tuning(dogb_report *r);
void dogb_section_confusion(dogb_report *r);
void dogb_section_classes(dogb_report *r);
void dogb_section_gallery(dogb_report *r);
void dogb_section_calibration(dogb_report *r);
void dogb_section_ranking(dogb_report *r);
void dogb_section_rules(dogb_report *r);
void dogb_section_time(dogb_report *r);
void dogb_section_reproduce(dogb_report *r);

// The document of a file; where there is none the section says so in one line: why it is broken, or
// `hint`, how to get it.
const json_t *dogb_report_document(dogb_report *r, int file, const char *hint);
const json_t *dogb_report_evaluation(dogb_report *r); // of evaluation.json
// A member of the document. Takes the reference.
void dogb_report_set(dogb_report *r, const char *key, json_t *value);
void dogb_report_keep(dogb_report *r, const char *key, const json_t *value); // borrows it

// Of the evaluation: the name of a class, or its number.
const char *dogb_report_class(dogb_report *r, double index);
size_t dogb_report_class_count(const dogb_report *r);

// The picture of a prediction (row of evaluation.json), its longer side as the option says; in the
// report's arena.
int dogb_report_picture(dogb_image *out, dogb_report *r, const json_t *row);

// The same as the network sees it, with the heat of the class that was named.
int dogb_report_heat(dogb_image *out, dogb_report *r, const json_t *row);

// The confusion matrix of an evaluation that has one, in the arena. NO_MEMORY.
int dogb_report_matrix(dogb_matrix *out, dogb_report *r);
// Its picture, and groups of classes that are taken for each other. mistaken: there are mistakes.
void dogb_report_confusion(dogb_report *r, int mistaken);

// The evaluation as events for TensorBoard; nothing when there is none. r is filled.
int dogb_report_board(dogb_buffer *out, dogb_report *r);

// Pictures of predictions (rows of evaluation.json), as many as can be read; says how many cannot.
void dogb_report_thumbs(dogb_report *r, const json_t *const *rows, size_t count);

// A value as text: numbers in their shortest form, on and off. Members as "a 1, b x", without
// those that are off or empty.
const char *dogb_report_value(dogb_report *r, const json_t *value);
const char *dogb_report_members(dogb_report *r, const json_t *object);
int32_t dogb_report_tone(const char *status); // of a rule

// A column of metrics.csv by epoch, from 1. 0: it has no number.
typedef struct dogb_curve_range {
    double factor; // from the column to what is shown
    double low;    // of all that were filled
    double high;
    double last; // epoch
} dogb_curve_range;
int dogb_curve_fill(dogb_series *out, dogb_page *page, const dogb_columns *metrics,
                    const char *column, dogb_curve_range *range);

// The training's best epoch, from 1; 0: unknown.
int64_t dogb_report_best_epoch(const dogb_report *r);

#endif
