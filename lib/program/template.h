// template.h - the command line of a program with names in it: "python train.py --lr {lr}". Words
// are told apart before names are replaced, so a value never becomes two arguments. There is no
// shell: what only a shell understands is refused.
#ifndef DOGB_PROGRAM_TEMPLATE_H
#define DOGB_PROGRAM_TEMPLATE_H

#include "core/arena.h"

typedef struct dogb_template dogb_template; // lives in its arena

// What a name stands for.
typedef struct dogb_binding {
    const char *name;
    const char *value;
} dogb_binding;

// INVALID_ARGUMENT: an open quote or brace, a character of the shell, no word at all.
int dogb_template_parse(dogb_template **out, dogb_arena *arena, const char *text);

// INVALID_ARGUMENT: a name that is none of `names`.
int dogb_template_check(const dogb_template *tmpl, const char *const *names, size_t count);

int dogb_template_has(const dogb_template *tmpl, const char *name); // 1: the name occurs

// The first word when no name is part of it; else NULL.
const char *dogb_template_program(const dogb_template *tmpl);

// The arguments, NULL behind the last one. A name without a binding becomes nothing.
int dogb_template_expand(char ***argv, dogb_arena *arena, const dogb_template *tmpl,
                         const dogb_binding *bindings, size_t count);

// The arguments as one line that a shell would read back; NULL: no memory.
char *dogb_template_quote(dogb_arena *arena, char *const *argv);

#endif
