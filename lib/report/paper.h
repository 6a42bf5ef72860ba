// paper.h - the pages of a PDF while they are filled, from above; shared by pdf.c and pdf_grid.c.
// Lengths are points, 1/72 inch.
#ifndef DOGB_REPORT_PAPER_H
#define DOGB_REPORT_PAPER_H

#include "report/page.h"

#define DOGB_PAPER_WIDTH 595.28 // A4
#define DOGB_PAPER_HEIGHT 841.89
#define DOGB_PAPER_MARGIN 48.0
#define DOGB_PAPER_INNER (DOGB_PAPER_WIDTH - 2 * DOGB_PAPER_MARGIN)
#define DOGB_PAPER_BOTTOM (DOGB_PAPER_HEIGHT - 56.0)

typedef struct dogb_paper {
    const dogb_page *page;
    dogb_arena *arena;
    dogb_pdf *pdf;
    dogb_drawing drawing; // the page that is filled
    int32_t number;       // of it, from 1
    int rc;
    double y; // where the next thing begins
} dogb_paper;

extern const uint32_t dogb_paper_colors[DOGB_TONE_COUNT];
#define DOGB_PAPER_CARD 0xfff4f5f7u
#define DOGB_PAPER_LINE 0xffdde0e4u

// A new page when less than this is left.
void dogb_paper_need(dogb_paper *paper, double height);
void dogb_paper_turn(dogb_paper *paper); // a new page
void dogb_paper_grid(dogb_paper *paper, const dogb_grid *grid);

#endif
