// pdf.c - a page's blocks on sheets of A4: what fits goes below what is there, the rest onto the
// next sheet.
#include "report/paper.h"

#include "core/error.h"
#include "core/json.h"

#include <math.h>
#include <string.h>

enum { TEXT_LEADING = 13, CODE_LEADING = 11 };
static const dogb_font font_title = {.size = 21, .color = 0xff1b1f24, .bold = 1};
static const dogb_font font_section = {.size = 14.5, .color = 0xff1b1f24, .bold = 1};
static const dogb_font font_heading = {.size = 10.5, .color = 0xff1b1f24, .bold = 1};
static const dogb_font font_text = {.size = 9, .color = 0xff1b1f24};
static const dogb_font font_small = {.size = 7.2, .color = 0xff5b6470};
static const dogb_font font_value = {.size = 14, .color = 0xff1b1f24, .bold = 1};

const uint32_t dogb_paper_colors[DOGB_TONE_COUNT] = {
    [DOGB_TONE_PLAIN] = 0xff1b1f24, [DOGB_TONE_FAINT] = 0xff5b6470, [DOGB_TONE_GOOD] = 0xff0a7348,
    [DOGB_TONE_WARN] = 0xff8a5a00,  [DOGB_TONE_BAD] = 0xffb3261e,
};

static dogb_font colored(const dogb_font *font, int32_t tone) {
    dogb_font out = *font;
    out.color = tone == DOGB_TONE_PLAIN ? font->color : dogb_paper_colors[tone];
    return out;
}

// --- sheets

static void open_sheet(dogb_paper *p) {
    int rc = dogb_drawing_open(&p->drawing, p->arena, DOGB_PAPER_WIDTH, DOGB_PAPER_HEIGHT,
                               p->page->title);
    p->rc = p->rc < 0 ? p->rc : rc;
    p->number++;
    p->y = DOGB_PAPER_MARGIN;
}

static void close_sheet(dogb_paper *p) {
    dogb_font right = dogb_font_at(&font_small, 1);
    double y = DOGB_PAPER_HEIGHT - 30;
    dogb_draw_text_within(&p->drawing, &font_small, DOGB_PAPER_MARGIN, y, p->page->title,
                          DOGB_PAPER_INNER - 60);
    char *number = dogb_format(p->arena, "%d", (int)p->number);
    dogb_draw_text(&p->drawing, &right, DOGB_PAPER_MARGIN + DOGB_PAPER_INNER, y,
                   number == NULL ? "" : number);
    p->rc = p->rc < 0 ? p->rc : number == NULL ? DOGBREED_ERROR_NO_MEMORY : p->drawing.rc;
    if (p->rc == DOGBREED_OK) {
        p->rc = p->drawing.module->pdf_page(p->pdf, p->drawing.shapes, p->drawing.count);
    }
}

void dogb_paper_turn(dogb_paper *p) {
    close_sheet(p);
    open_sheet(p);
}

void dogb_paper_need(dogb_paper *p, double height) {
    if (p->y + height > DOGB_PAPER_BOTTOM && p->y > DOGB_PAPER_MARGIN) {
        dogb_paper_turn(p);
    }
}

// --- blocks

static void add_lines(dogb_paper *p, const dogb_font *font, const char *text, double leading,
                      double indent) {
    dogb_wrap wrap = {
        .width = DOGB_PAPER_INNER - 2 * indent, .leading = leading, .most = DOGB_WRAP_MOST};
    size_t lines = dogb_draw_paragraph(&p->drawing, font, 0, 0, text, wrap);
    dogb_paper_need(p, (double)lines * leading);
    wrap.draw = 1;
    (void)dogb_draw_paragraph(&p->drawing, font, DOGB_PAPER_MARGIN + indent, p->y + font->size,
                              text, wrap);
    p->y += (double)lines * leading;
}

static void add_section(dogb_paper *p, const dogb_block *block) {
    dogb_paper_need(p, 110);
    p->y += p->y > DOGB_PAPER_MARGIN ? 20 : 0;
    const double line[] = {DOGB_PAPER_MARGIN, p->y, DOGB_PAPER_MARGIN + DOGB_PAPER_INNER, p->y};
    dogb_draw_line(&p->drawing, DOGB_PAPER_LINE, 0.8, line, 2);
    p->y += 12;
    if (p->rc == DOGBREED_OK) {
        p->rc = p->drawing.module->pdf_outline(p->pdf, block->text, p->number, p->y - 14);
    }
    add_lines(p, &font_section, block->text, 19, 0);
    p->y += 6;
}

static void add_heading(dogb_paper *p, const dogb_block *block) {
    dogb_paper_need(p, 70);
    p->y += 8;
    add_lines(p, &font_heading, block->text, 15, 0);
    p->y += 3;
}

static void add_paragraph(dogb_paper *p, const dogb_block *block) {
    dogb_font font = colored(&font_text, block->tone);
    add_lines(p, &font, block->text, TEXT_LEADING, 0);
    p->y += 5;
}

static void add_code(dogb_paper *p, const dogb_block *block) {
    enum { PAD = 8 };
    dogb_wrap wrap = {
        .width = DOGB_PAPER_INNER - 2 * PAD, .leading = CODE_LEADING, .most = DOGB_WRAP_MOST};
    dogb_font font = font_text;
    font.size = 8;
    size_t lines = dogb_draw_paragraph(&p->drawing, &font, 0, 0, block->text, wrap);
    double height = (double)lines * CODE_LEADING + 2 * PAD;
    dogb_paper_need(p, height);
    dogb_draw_box(&p->drawing, DOGB_PAPER_CARD,
                  (dogb_box){DOGB_PAPER_MARGIN, p->y, DOGB_PAPER_INNER, height});
    p->y += PAD;
    add_lines(p, &font, block->text, CODE_LEADING, PAD);
    p->y += PAD + 6;
}

static void add_facts(dogb_paper *p, const dogb_block *block) {
    enum { COLUMNS = 4, GAP = 8, PAD = 8, HEIGHT = 58, LEADING = 9 };
    const double width = (DOGB_PAPER_INNER - (COLUMNS - 1) * GAP) / COLUMNS;
    for (size_t i = 0; i < block->of.facts.count; i++) {
        const dogb_fact *fact = &block->of.facts.items[i];
        double x = DOGB_PAPER_MARGIN + (width + GAP) * (double)(i % COLUMNS);
        dogb_font value = colored(&font_value, fact->tone);
        const dogb_wrap wrap = {.width = width - 2 * PAD, .leading = LEADING, .most = 2, .draw = 1};
        if (i % COLUMNS == 0) {
            dogb_paper_need(p, HEIGHT + GAP);
        }
        dogb_draw_box(&p->drawing, DOGB_PAPER_CARD, (dogb_box){x, p->y, width, HEIGHT});
        dogb_draw_text_within(&p->drawing, &font_small, x + PAD, p->y + 14, fact->label,
                              width - 2 * PAD);
        dogb_draw_text_within(&p->drawing, &value, x + PAD, p->y + 31, fact->value,
                              width - 2 * PAD);
        if (fact->note != NULL) {
            (void)dogb_draw_paragraph(&p->drawing, &font_small, x + PAD, p->y + 42, fact->note,
                                      wrap);
        }
        if (i % COLUMNS == COLUMNS - 1 || i + 1 == block->of.facts.count) {
            p->y += HEIGHT + GAP;
        }
    }
    p->y += 4;
}

static void add_grid(dogb_paper *p, const dogb_block *block) {
    dogb_paper_grid(p, block->of.grid);
}

// --- figures: half ones stand side by side

static double place(dogb_paper *p, const dogb_drawing *drawing, const char *caption, double x,
                    double width) {
    double scale = width / drawing->width;
    dogb_draw_other(&p->drawing, drawing, x, p->y, scale);
    if (*caption != '\0') {
        dogb_draw_text_within(&p->drawing, &font_small, x, p->y + scale * drawing->height + 8,
                              caption, width);
    }
    return scale * drawing->height + (*caption != '\0' ? 14 : 0);
}

static void add_figure(dogb_paper *p, const dogb_block *block) {
    const dogb_figure *figure = &block->of.figure;
    double most = DOGB_PAPER_BOTTOM - DOGB_PAPER_MARGIN - 20;
    double width = fmin(DOGB_PAPER_INNER, most * figure->wide->width / figure->wide->height);
    dogb_paper_need(p, width * figure->wide->height / figure->wide->width + 14);
    p->y += place(p, figure->wide, figure->caption, DOGB_PAPER_MARGIN, width) + 8;
}

static void add_pair(dogb_paper *p, const dogb_figure *left, const dogb_figure *right) {
    enum { GAP = 15 };
    const double width = (DOGB_PAPER_INNER - GAP) / 2;
    const dogb_figure *figures[] = {left, right};
    double heights[2] = {0, 0};
    double x = DOGB_PAPER_MARGIN;
    double tallest = left->narrow->height;
    tallest = right == NULL ? tallest : fmax(tallest, right->narrow->height);
    dogb_paper_need(p, tallest * width / left->narrow->width + 14);
    for (int i = 0; i < 2 && figures[i] != NULL; i++, x += width + GAP) {
        heights[i] = place(p, figures[i]->narrow, figures[i]->caption, x, width);
    }
    p->y += fmax(heights[0], heights[1]) + 8;
}

// --- photos

static void add_thumb(dogb_paper *p, const dogb_thumb *thumb, double x, double side) {
    double scale = fmin(side / thumb->width, side / thumb->height);
    double width = scale * thumb->width, height = scale * thumb->height;
    dogb_draw_box(&p->drawing, DOGB_PAPER_CARD, (dogb_box){x, p->y, side, side});
    dogb_draw_photo(&p->drawing, thumb->jpeg, thumb->size, thumb->width, thumb->height,
                    (dogb_box){x + (side - width) / 2, p->y + (side - height) / 2, width, height});
    for (size_t i = 0; i < sizeof thumb->lines / sizeof thumb->lines[0]; i++) {
        dogb_font font = colored(&font_small, thumb->tones[i]);
        font.size = 6.4;
        if (thumb->lines[i] != NULL) {
            dogb_draw_text_within(&p->drawing, &font, x, p->y + side + 8 + 8 * (double)i,
                                  thumb->lines[i], side);
        }
    }
}

static void add_gallery(dogb_paper *p, const dogb_block *block) {
    enum { COLUMNS = 6, GAP = 8, BELOW = 30 };
    const double side = (DOGB_PAPER_INNER - (COLUMNS - 1) * GAP) / COLUMNS;
    const dogb_gallery *gallery = &block->of.gallery;
    for (size_t i = 0; i < gallery->count; i++) {
        if (i % COLUMNS == 0) {
            dogb_paper_need(p, side + BELOW);
        }
        add_thumb(p, &gallery->thumbs[i], DOGB_PAPER_MARGIN + (side + GAP) * (double)(i % COLUMNS),
                  side);
        if (i % COLUMNS == COLUMNS - 1 || i + 1 == gallery->count) {
            p->y += side + BELOW;
        }
    }
}

// --- the whole

static void add_blocks(dogb_paper *p) {
    static void (*const kinds[DOGB_BLOCK_COUNT])(dogb_paper * p, const dogb_block *block) = {
        [DOGB_BLOCK_SECTION] = add_section, [DOGB_BLOCK_HEADING] = add_heading,
        [DOGB_BLOCK_TEXT] = add_paragraph,  [DOGB_BLOCK_FACTS] = add_facts,
        [DOGB_BLOCK_GRID] = add_grid,       [DOGB_BLOCK_FIGURE] = add_figure,
        [DOGB_BLOCK_GALLERY] = add_gallery, [DOGB_BLOCK_CODE] = add_code};
    const dogb_page *page = p->page;
    for (size_t i = 0; p->rc == DOGBREED_OK && i < page->count; i++) {
        const dogb_block *block = &page->blocks[i];
        if (dogb_page_is_half(page, i)) {
            int two = dogb_page_is_half(page, i + 1);
            add_pair(p, &block->of.figure, two ? &page->blocks[i + 1].of.figure : NULL);
            i += (size_t)two;
        } else {
            kinds[block->kind](p, block);
        }
        p->rc = p->rc < 0 ? p->rc : p->drawing.rc;
    }
}

static void add_title(dogb_paper *p) {
    dogb_font subtitle = colored(&font_text, DOGB_TONE_FAINT);
    p->y += 6;
    add_lines(p, &font_title, p->page->title, 27, 0);
    add_lines(p, &subtitle, p->page->subtitle, TEXT_LEADING, 0);
    char *written =
        dogb_format(p->arena, "Written %s by libdogbreed %s.", p->page->date, dogbreed_version());
    if (written == NULL) {
        p->rc = DOGBREED_ERROR_NO_MEMORY;
        return;
    }
    add_lines(p, &subtitle, written, TEXT_LEADING, 0);
}

// "2026-01-31 12:00:00 UTC" as "2026-01-31T12:00:00Z".
static char *date_of(dogb_arena *arena, const char *text) {
    return strlen(text) < 19 ? dogb_strdup(arena, "2000-01-01T00:00:00Z")
                             : dogb_format(arena, "%.10sT%.8sZ", text, text + 11);
}

int dogb_page_pdf(dogb_buffer *out, const dogb_page *page) {
    const dogb_plot_module *module = NULL;
    dogb_paper paper = {.page = page, .arena = out->arena};
    int rc = page->rc < 0 ? page->rc : dogb_plot_open(&module);
    char *title = rc < 0 ? NULL : dogb_strdup(out->arena, page->title);
    char *date = rc < 0 ? NULL : date_of(out->arena, page->date);
    if (title == NULL || date == NULL) {
        return rc < 0 ? rc : DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_text_repair(title);
    dogb_pdf_conf conf = {.width = DOGB_PAPER_WIDTH,
                          .height = DOGB_PAPER_HEIGHT,
                          .title = title,
                          .date = date,
                          .write = dogb_buffer_write,
                          .userdata = out};
    paper.rc = module->pdf_open(&paper.pdf, &conf);
    open_sheet(&paper);
    add_title(&paper);
    add_blocks(&paper);
    close_sheet(&paper);
    rc = module->pdf_close(paper.pdf);
    rc = paper.rc < 0 ? paper.rc : rc;
    return out->rc < 0 ? out->rc : rc < 0 ? dogb_fail(rc, "report: the PDF cannot be made") : rc;
}
