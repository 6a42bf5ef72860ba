// template.c - see template.h.
#include "program/template.h"

#include "core/error.h"
#include "core/table.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

enum { WORDS_MAX = 4096 };

// A part of a word: letters as they are, or a name.
typedef struct piece {
    const char *text;
    int32_t is_name;
    int32_t begins_word;
} piece;

struct dogb_template {
    piece *pieces;
    size_t count;
    size_t capacity;
};

typedef struct parser {
    dogb_template *tmpl;
    dogb_arena *arena;
    const char *text;
    size_t at;
    char *letters; // of the piece that is being read
    size_t used;
    int in_word;
    int begins; // the next piece is the first one of its word
    char quote; // ' or ", 0: none
} parser;

static int add_piece(parser *p, const char *text, size_t length, int is_name) {
    dogb_template *t = p->tmpl;
    int rc = dogb_grow(p->arena, &t->pieces, &t->capacity, t->count, sizeof *t->pieces);
    char *copy = rc < 0 ? NULL : dogb_strndup(p->arena, text, length);
    if (copy == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    t->pieces[t->count++] = (piece){.text = copy, .is_name = is_name, .begins_word = p->begins};
    p->begins = 0;
    return DOGBREED_OK;
}

// An empty word ('') is a piece without letters.
static int flush(parser *p, int word_ends) {
    int rc = DOGBREED_OK;
    if (p->used > 0 || (word_ends && p->begins)) {
        rc = add_piece(p, p->letters, p->used, 0);
    }
    p->used = 0;
    return rc;
}

static int end_word(parser *p) {
    int rc = p->in_word ? flush(p, 1) : DOGBREED_OK;
    p->in_word = 0;
    return rc;
}

static void add_letter(parser *p, char letter) {
    p->letters[p->used++] = letter;
}

static int is_name_letter(char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

// {name}, {{ or }}.
static int take_brace(parser *p) {
    const char *from = p->text + p->at;
    if (from[1] == from[0]) {
        add_letter(p, from[0]);
        p->at += 2;
        return DOGBREED_OK;
    }
    size_t length = 1;
    while (is_name_letter(from[length])) {
        length++;
    }
    DOGB_CHECK(*from == '{' && length > 1 && from[length] == '}',
               "command: %c at character %zu: expected {name}, or %c%c for a brace", *from,
               p->at + 1, *from, *from);
    int rc = flush(p, 0);
    rc = rc < 0 ? rc : add_piece(p, from + 1, length - 1, 1);
    p->at += length + 1;
    return rc;
}

static int take_backslash(parser *p) {
    char next = p->text[p->at + 1];
    DOGB_CHECK(next != '\0', "command: it ends with a backslash");
    if (p->quote == '"' && strchr("\"\\$`", next) == NULL) {
        add_letter(p, '\\'); // as in a shell
    }
    add_letter(p, next);
    p->at += 2;
    return DOGBREED_OK;
}

// A letter that is not white space outside of quotes.
static int take_letter(parser *p) {
    char c = p->text[p->at];
    if (!p->in_word) {
        p->in_word = 1;
        p->begins = 1;
    }
    if (c == '{' || c == '}') {
        return take_brace(p);
    }
    if (c == p->quote || (p->quote == 0 && (c == '\'' || c == '"'))) {
        p->quote = p->quote == 0 ? c : 0;
        p->at++;
        return DOGBREED_OK;
    }
    if (c == '\\' && p->quote != '\'') {
        return take_backslash(p);
    }
    DOGB_CHECK(strchr(p->quote == 0     ? "|&;<>()$`"
                      : p->quote == '"' ? "$`"
                                        : "",
                      c) == NULL,
               "command: %c at character %zu is for a shell, and there is none: write it as '%c', "
               "or the whole as sh -c '...'",
               c, p->at + 1, c);
    add_letter(p, c);
    p->at++;
    return DOGBREED_OK;
}

static int parse(parser *p) {
    int rc = DOGBREED_OK;
    while (rc == DOGBREED_OK && p->text[p->at] != '\0') {
        if (p->quote == 0 && isspace((unsigned char)p->text[p->at])) {
            rc = end_word(p);
            p->at++;
        } else {
            rc = take_letter(p);
        }
    }
    if (rc == DOGBREED_OK && p->quote != 0) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "command: a closing %c is missing",
                         p->quote);
    }
    return rc < 0 ? rc : end_word(p);
}

static size_t count_words(const dogb_template *tmpl) {
    size_t count = 0;
    for (size_t i = 0; i < tmpl->count; i++) {
        count += (size_t)tmpl->pieces[i].begins_word;
    }
    return count;
}

int dogb_template_parse(dogb_template **out, dogb_arena *arena, const char *text) {
    parser p = {.arena = arena, .text = text};
    *out = NULL;
    p.tmpl = dogb_alloc(arena, 1, sizeof *p.tmpl);
    p.letters = dogb_alloc(arena, strlen(text) + 1, 1);
    if (p.tmpl == NULL || p.letters == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = parse(&p);
    dogb_release(arena, p.letters);
    if (rc < 0) {
        return rc;
    }
    size_t words = count_words(p.tmpl);
    DOGB_CHECK(words > 0, "command: is empty, expected a program and its arguments");
    DOGB_CHECK(words <= WORDS_MAX, "command: has %zu words, at most %d are taken", words,
               WORDS_MAX);
    *out = p.tmpl;
    return DOGBREED_OK;
}

int dogb_template_check(const dogb_template *tmpl, const char *const *names, size_t count) {
    for (size_t i = 0; i < tmpl->count; i++) {
        const piece *one = &tmpl->pieces[i];
        size_t k = 0;
        while (one->is_name && k < count && strcmp(names[k], one->text) != 0) {
            k++;
        }
        if (one->is_name && k == count) {
            const char *near = dogb_nearest(one->text, names, count);
            return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                             "command: {%s} is no parameter that is searched%s%s%s", one->text,
                             near == NULL ? "" : "; did you mean {", near == NULL ? "" : near,
                             near == NULL ? "" : "}?");
        }
    }
    return DOGBREED_OK;
}

int dogb_template_has(const dogb_template *tmpl, const char *name) {
    for (size_t i = 0; i < tmpl->count; i++) {
        if (tmpl->pieces[i].is_name && strcmp(tmpl->pieces[i].text, name) == 0) {
            return 1;
        }
    }
    return 0;
}

const char *dogb_template_program(const dogb_template *tmpl) {
    int whole = tmpl->count == 1 || tmpl->pieces[1].begins_word;
    return whole && !tmpl->pieces[0].is_name ? tmpl->pieces[0].text : NULL;
}

static const char *text_of(const piece *one, const dogb_binding *bindings, size_t count) {
    for (size_t i = 0; one->is_name && i < count; i++) {
        if (strcmp(bindings[i].name, one->text) == 0) {
            return bindings[i].value;
        }
    }
    return one->is_name ? "" : one->text;
}

// Length of the word that begins at piece `from`; *to is the piece behind it.
static size_t measure(size_t *to, const dogb_template *tmpl, size_t from,
                      const dogb_binding *bindings, size_t count) {
    size_t length = 0;
    size_t i = from;
    do {
        length += strlen(text_of(&tmpl->pieces[i++], bindings, count));
    } while (i < tmpl->count && !tmpl->pieces[i].begins_word);
    *to = i;
    return length;
}

int dogb_template_expand(char ***argv, dogb_arena *arena, const dogb_template *tmpl,
                         const dogb_binding *bindings, size_t count) {
    char **words = dogb_alloc(arena, count_words(tmpl) + 1, sizeof *words);
    *argv = words;
    if (words == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    size_t to = 0;
    for (size_t from = 0, word = 0; from < tmpl->count; from = to, word++) {
        size_t length = measure(&to, tmpl, from, bindings, count);
        char *text = words[word] = dogb_alloc(arena, length + 1, 1);
        if (text == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        for (size_t i = from; i < to; i++) {
            const char *part = text_of(&tmpl->pieces[i], bindings, count);
            size_t part_length = strlen(part);
            memcpy(text, part, part_length);
            text += part_length;
        }
    }
    return DOGBREED_OK;
}

static int is_plain(const char *word) {
    size_t i = 0;
    while (word[i] != '\0' &&
           (isalnum((unsigned char)word[i]) || strchr("_-./=:,+@%", word[i]) != NULL)) {
        i++;
    }
    return i > 0 && word[i] == '\0';
}

static char *quote_word(char *to, const char *word) {
    *to++ = '\'';
    for (; *word != '\0'; word++) {
        if (*word == '\'') {
            memcpy(to, "'\\'", 3);
            to += 3;
        }
        *to++ = *word;
    }
    *to++ = '\'';
    return to;
}

char *dogb_template_quote(dogb_arena *arena, char *const *argv) {
    size_t size = 1;
    for (size_t i = 0; argv[i] != NULL; i++) {
        size += 4 * strlen(argv[i]) + 3;
    }
    char *line = dogb_alloc(arena, size, 1);
    char *to = line;
    for (size_t i = 0; line != NULL && argv[i] != NULL; i++) {
        size_t length = strlen(argv[i]);
        if (i > 0) {
            *to++ = ' ';
        }
        if (is_plain(argv[i])) {
            memcpy(to, argv[i], length);
            to += length;
        } else {
            to = quote_word(to, argv[i]);
        }
    }
    return line;
}
