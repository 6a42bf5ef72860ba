// html.c - a page as one HTML file that needs nothing else: its security policy forbids any
// request, and allows its own style and script by their hashes alone.
#include "report/page.h"

#include "core/base64.h"
#include "core/error.h"
#include "core/number.h"

#include <math.h>
#include <string.h>

static const char *const tones[DOGB_TONE_COUNT] = {"", "faint", "good", "warn", "bad"};

// <tag class="name tone">; either may be empty.
static void open_tag(dogb_buffer *out, const char *tag, const char *name, int32_t tone) {
    dogb_buffer_add(out, "<");
    dogb_buffer_add(out, tag);
    if (*name != '\0' || tone != DOGB_TONE_PLAIN) {
        dogb_buffer_add(out, " class=\"");
        dogb_buffer_add(out, name);
        dogb_buffer_add(out, *name != '\0' && tone != DOGB_TONE_PLAIN ? " " : "");
        dogb_buffer_add(out, tones[tone]);
        dogb_buffer_add(out, "\"");
    }
    dogb_buffer_add(out, ">");
}

static void element(dogb_buffer *out, const char *tag, const char *name, int32_t tone,
                    const char *text) {
    open_tag(out, tag, name, tone);
    dogb_buffer_escaped(out, text);
    dogb_buffer_add(out, "</");
    dogb_buffer_add(out, tag);
    dogb_buffer_add(out, ">");
}

static void add_head(dogb_buffer *out, const dogb_page *page) {
    dogb_buffer_add(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
                         "'none'; img-src data:; base-uri 'none'; form-action 'none'; style-src ");
    dogb_buffer_add(out, dogb_page_style_hash);
    dogb_buffer_add(out, "; script-src ");
    dogb_buffer_add(out, dogb_page_script_hash);
    dogb_buffer_add(out, "\">\n<meta name=\"viewport\" content=\"width=device-width, "
                         "initial-scale=1\">\n<meta name=\"generator\" content=\"libdogbreed ");
    dogb_buffer_add(out, dogbreed_version());
    dogb_buffer_add(out, "\">\n<link rel=\"icon\" href=\"data:,\">\n");
    if (page->refresh > 0) {
        dogb_buffer_add(out, "<meta http-equiv=\"refresh\" content=\"");
        dogb_buffer_integer(out, page->refresh);
        dogb_buffer_add(out, "\">\n");
    }
    element(out, "title", "", DOGB_TONE_PLAIN, page->title);
    dogb_buffer_add(out, "\n<style>");
    dogb_buffer_add(out, dogb_page_style);
    dogb_buffer_add(out, "</style>\n</head>\n");
}

static void add_nav(dogb_buffer *out, const dogb_page *page) {
    dogb_buffer_add(out, "<nav aria-label=\"Sections\"><ul>\n");
    for (size_t i = 0; i < page->count; i++) {
        if (page->blocks[i].kind == DOGB_BLOCK_SECTION) {
            dogb_buffer_add(out, "<li><a href=\"#");
            dogb_buffer_add(out, page->blocks[i].id);
            dogb_buffer_add(out, "\">");
            dogb_buffer_escaped(out, page->blocks[i].text);
            dogb_buffer_add(out, "</a></li>\n");
        }
    }
    dogb_buffer_add(out, "</ul></nav>\n");
}

// --- blocks

static void add_section(dogb_buffer *out, const dogb_block *block) {
    dogb_buffer_add(out, "<section id=\"");
    dogb_buffer_add(out, block->id);
    dogb_buffer_add(out, "\">\n");
    element(out, "h2", "", DOGB_TONE_PLAIN, block->text);
    dogb_buffer_add(out, "\n");
}

static void add_heading(dogb_buffer *out, const dogb_block *block) {
    element(out, "h3", "", DOGB_TONE_PLAIN, block->text);
    dogb_buffer_add(out, "\n");
}

static void add_paragraph(dogb_buffer *out, const dogb_block *block) {
    element(out, "p", "", block->tone, block->text);
    dogb_buffer_add(out, "\n");
}

static void add_code(dogb_buffer *out, const dogb_block *block) {
    element(out, "pre", "", DOGB_TONE_PLAIN, block->text);
    dogb_buffer_add(out, "\n");
}

static void add_facts(dogb_buffer *out, const dogb_block *block) {
    dogb_buffer_add(out, "<div class=\"facts\">\n");
    for (size_t i = 0; i < block->of.facts.count; i++) {
        const dogb_fact *fact = &block->of.facts.items[i];
        dogb_buffer_add(out, "<div class=\"fact\">");
        element(out, "span", "", DOGB_TONE_PLAIN, fact->label);
        element(out, "b", "", fact->tone, fact->value);
        if (fact->note != NULL) {
            element(out, "span", "", DOGB_TONE_PLAIN, fact->note);
        }
        dogb_buffer_add(out, "</div>\n");
    }
    dogb_buffer_add(out, "</div>\n");
}

static const char *const column_names[] = {[DOGB_COLUMN_TEXT] = "t",
                                           [DOGB_COLUMN_NUMBER] = "n",
                                           [DOGB_COLUMN_SHARE] = "b",
                                           [DOGB_COLUMN_STATUS] = "s",
                                           [DOGB_COLUMN_WIDE] = "x"};

static void add_bar(dogb_buffer *out, double share) {
    dogb_buffer_add(out, "<svg class=\"bar\" viewBox=\"0 0 100 7\" preserveAspectRatio=\"none\" "
                         "aria-hidden=\"true\"><rect height=\"7\" width=\"");
    dogb_buffer_fixed(out, 100 * fmin(fmax(share, 0), 1), 1);
    dogb_buffer_add(out, "\"/></svg>");
}

static void add_cell(dogb_buffer *out, const dogb_cell *cell, int32_t kind) {
    char digits[40];
    dogb_buffer_add(out, "<td class=\"");
    dogb_buffer_add(out, column_names[kind]);
    dogb_buffer_add(out, cell->tone == DOGB_TONE_PLAIN ? "" : " ");
    dogb_buffer_add(out, tones[cell->tone]);
    dogb_buffer_add(out, "\"");
    if (isfinite(cell->value)) {
        dogb_number_text(digits, cell->value);
        dogb_buffer_add(out, " data-v=\"");
        dogb_buffer_add(out, digits);
        dogb_buffer_add(out, "\"");
    }
    dogb_buffer_add(out, ">");
    dogb_buffer_escaped(out, cell->text);
    if (kind == DOGB_COLUMN_SHARE && isfinite(cell->value)) {
        add_bar(out, cell->value);
    }
    dogb_buffer_add(out, "</td>");
}

static void add_column_head(dogb_buffer *out, const dogb_column *column, int sortable) {
    int right = column->kind == DOGB_COLUMN_NUMBER || column->kind == DOGB_COLUMN_SHARE;
    dogb_buffer_add(out, right ? "<th class=\"n\" scope=\"col\">" : "<th scope=\"col\">");
    if (sortable) {
        element(out, "button", "", DOGB_TONE_PLAIN, column->title);
    } else {
        dogb_buffer_escaped(out, column->title);
    }
    dogb_buffer_add(out, "</th>");
}

static void add_grid(dogb_buffer *out, const dogb_block *block) {
    enum { LONG = 20 };
    const dogb_grid *grid = block->of.grid;
    size_t rows = grid->column_count == 0 ? 0 : grid->count / grid->column_count;
    dogb_buffer_add(out, rows > LONG ? "<div class=\"table long\" tabindex=\"0\">"
                                     : "<div class=\"table\">");
    open_tag(out, "table", grid->sortable ? "sort" : "", DOGB_TONE_PLAIN);
    dogb_buffer_add(out, "<thead><tr>");
    for (size_t i = 0; i < grid->column_count; i++) {
        add_column_head(out, &grid->columns[i], grid->sortable);
    }
    dogb_buffer_add(out, "</tr></thead>\n<tbody>\n");
    for (size_t row = 0; row < rows; row++) {
        dogb_buffer_add(out, "<tr>");
        for (size_t i = 0; i < grid->column_count; i++) {
            add_cell(out, &grid->cells[row * grid->column_count + i], grid->columns[i].kind);
        }
        dogb_buffer_add(out, "</tr>\n");
    }
    dogb_buffer_add(out, "</tbody></table></div>\n");
}

static void add_figure(dogb_buffer *out, const dogb_block *block) {
    const dogb_figure *figure = &block->of.figure;
    open_tag(out, "figure",
             figure->half             ? ""
             : figure->narrow == NULL ? "full alone"
                                      : "full",
             DOGB_TONE_PLAIN);
    int rc = dogb_drawing_svg_inline(out, figure->wide, "wide");
    if (rc == DOGBREED_OK && figure->narrow != NULL) {
        rc = dogb_drawing_svg_inline(out, figure->narrow, "narrow");
    }
    out->rc = rc < 0 ? rc : out->rc;
    if (*figure->caption != '\0') {
        element(out, "figcaption", "", DOGB_TONE_PLAIN, figure->caption);
    }
    dogb_buffer_add(out, "</figure>\n");
}

// Names of classes and files may break behind their underscores.
static void add_breakable(dogb_buffer *out, const char *text) {
    char part[128];
    for (const char *at = text; *at != '\0';) {
        size_t length = strcspn(at, "_");
        length += at[length] == '_';
        if (length >= sizeof part) {
            dogb_buffer_escaped(out, at);
            return;
        }
        memcpy(part, at, length);
        part[length] = '\0';
        dogb_buffer_escaped(out, part);
        at += length;
        dogb_buffer_add(out, at[-1] == '_' && *at != '\0' ? "<wbr>" : "");
    }
}

static void add_thumb(dogb_buffer *out, const dogb_thumb *thumb) {
    dogb_buffer_add(out,
                    "<div class=\"thumb\"><div class=\"box\"><img decoding=\"async\" width=\"");
    dogb_buffer_integer(out, thumb->width);
    dogb_buffer_add(out, "\" height=\"");
    dogb_buffer_integer(out, thumb->height);
    dogb_buffer_add(out, "\" alt=\"");
    dogb_buffer_escaped(out, thumb->lines[0] == NULL ? "" : thumb->lines[0]);
    dogb_buffer_add(out, "\" src=\"data:image/jpeg;base64,");
    dogb_base64_add(out, thumb->jpeg, thumb->size);
    dogb_buffer_add(out, "\"></div>");
    for (size_t i = 0; i < sizeof thumb->lines / sizeof thumb->lines[0]; i++) {
        if (thumb->lines[i] != NULL) {
            open_tag(out, "div", "", thumb->tones[i]);
            add_breakable(out, thumb->lines[i]);
            dogb_buffer_add(out, "</div>");
        }
    }
    dogb_buffer_add(out, "</div>\n");
}

static void add_gallery(dogb_buffer *out, const dogb_block *block) {
    dogb_buffer_add(out, "<div class=\"gallery\">\n");
    for (size_t i = 0; i < block->of.gallery.count; i++) {
        add_thumb(out, &block->of.gallery.thumbs[i]);
    }
    dogb_buffer_add(out, "</div>\n");
}

// --- the whole

static void add_blocks(dogb_buffer *out, const dogb_page *page) {
    static void (*const kinds[DOGB_BLOCK_COUNT])(dogb_buffer * out, const dogb_block *block) = {
        [DOGB_BLOCK_SECTION] = add_section, [DOGB_BLOCK_HEADING] = add_heading,
        [DOGB_BLOCK_TEXT] = add_paragraph,  [DOGB_BLOCK_FACTS] = add_facts,
        [DOGB_BLOCK_GRID] = add_grid,       [DOGB_BLOCK_FIGURE] = add_figure,
        [DOGB_BLOCK_GALLERY] = add_gallery, [DOGB_BLOCK_CODE] = add_code};
    int begun = 0;
    for (size_t i = 0; out->rc == DOGBREED_OK && i < page->count; i++) {
        const dogb_block *block = &page->blocks[i];
        if (block->kind == DOGB_BLOCK_SECTION) {
            dogb_buffer_add(out, begun ? "</section>\n" : "");
            begun = 1;
        }
        if (dogb_page_is_half(page, i) && (i == 0 || !dogb_page_is_half(page, i - 1))) {
            dogb_buffer_add(out, "<div class=\"figures\">\n");
        }
        kinds[block->kind](out, block);
        if (dogb_page_is_half(page, i) && !dogb_page_is_half(page, i + 1)) {
            dogb_buffer_add(out, "</div>\n");
        }
    }
    dogb_buffer_add(out, begun ? "</section>\n" : "");
}

int dogb_page_html(dogb_buffer *out, const dogb_page *page) {
    if (page->rc < 0) {
        return page->rc;
    }
    add_head(out, page);
    dogb_buffer_add(out, "<body>\n<header>");
    element(out, "h1", "", DOGB_TONE_PLAIN, page->title);
    element(out, "p", "", DOGB_TONE_PLAIN, page->subtitle);
    dogb_buffer_add(out, "</header>\n<div class=\"frame\">\n");
    add_nav(out, page);
    dogb_buffer_add(out, "<main>\n");
    add_blocks(out, page);
    dogb_buffer_add(out, "<footer>Written ");
    dogb_buffer_escaped(out, page->date);
    dogb_buffer_add(out, " by libdogbreed ");
    dogb_buffer_add(out, dogbreed_version());
    dogb_buffer_add(out, ".</footer>\n</main>\n</div>\n<script>");
    dogb_buffer_add(out, dogb_page_script);
    dogb_buffer_add(out, "</script>\n</body>\n</html>\n");
    return out->rc;
}
