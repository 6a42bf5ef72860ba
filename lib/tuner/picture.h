// picture.h - pictures of a study: what they are made from. Shared by plots.c and picture_*.c.
#ifndef DOGB_TUNER_PICTURE_H
#define DOGB_TUNER_PICTURE_H

#include "plot/chart.h"
#include "tuner/state.h"

typedef struct dogb_picture {
    const dogbreed_tuner *tuner;
    dogb_arena *arena;
    dogb_drawing drawing;
    double width;      // of history and importance; 0: the usual one
    dogb_buffer csv;   // the numbers behind it
    const char *label; // of the objective, with its unit
    double factor;     // from the objective to what is shown
    dogb_scale scale;  // of the objective; far away bad values lie beyond it
    uint8_t *noted;    // [trials] 1: it has a note
} dogb_picture;

// Of more trials, those that were the best when they ended and the worst one have notes; the others
// are marks alone, which take little room in a file and little time in a browser.
enum { DOGB_PICTURE_NOTES = 1000 };
// Lines of parallel coordinates: of more trials the better half of them, and of the rest as many,
// evenly by rank, the worst one included.
enum { DOGB_PICTURE_LINES = 1000 };

// Points of one series as they are collected.
typedef struct dogb_points_list {
    double *x;
    double *y;
    double *top;
    const char **notes;
    size_t count;
} dogb_points_list;
int dogb_points_make(dogb_points_list *out, int lists, dogb_arena *arena, size_t room);
void dogb_points_add(dogb_points_list *list, double x, double y, const char *note);
void dogb_points_use(dogb_series *series, const dogb_points_list *list);

// Each opens the drawing, draws and fills the table.
int dogb_picture_history(dogb_picture *picture);
int dogb_picture_parallel(dogb_picture *picture);
int dogb_picture_slices(dogb_picture *picture);
int dogb_picture_importance(dogb_picture *picture);

// picture.c
int dogb_picture_prepare(dogb_picture *picture); // label, factor, scale, noted
double dogb_picture_value(const dogb_picture *picture, const dogb_trial *trial); // as shown
// Where a trial without a value goes: the bad end.
double dogb_picture_bad_end(const dogb_picture *picture);
// "trial 12, complete: val_accuracy 84.3 % (learning_rate 0.01, ...)". NULL: no memory.
char *dogb_picture_describe(const dogb_picture *picture, const dogb_trial *trial);
// The same where it is noted, else NULL.
int dogb_picture_note(const char **out, const dogb_picture *picture, const dogb_trial *trial);
char *dogb_picture_number(dogb_arena *arena, double value); // 5 digits
dogb_scale dogb_picture_axis(const dogb_axis *axis);

#define DOGB_PICTURE_EMPTY "no trial has a result yet"

#endif
