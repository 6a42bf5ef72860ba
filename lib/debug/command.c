// command.c - see command.h.
#include "debug/command.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"

#include <string.h>

int dogb_hook_init(dogb_hook *hook, dogb_arena *arena, const char *text) {
    static const char *const names[] = {"rule", "step", "text"};
    *hook = (dogb_hook){.arena = arena};
    if (*text == '\0') {
        return DOGBREED_OK;
    }
    int rc = dogb_template_parse(&hook->tmpl, arena, text);
    rc = rc < 0 ? rc : dogb_template_check(hook->tmpl, names, sizeof names / sizeof names[0]);
    if (rc == DOGBREED_OK && dogb_template_program(hook->tmpl) == NULL) {
        rc = dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                       "rule_command: its first word has to be a program");
    }
    return rc;
}

void dogb_hook_add(dogb_hook *hook, const char *rule, int64_t step, const char *text) {
    if (hook->tmpl == NULL || hook->count == DOGB_HOOK_QUEUE) {
        return;
    }
    dogb_hook_call *call = &hook->queue[(hook->first + hook->count) % DOGB_HOOK_QUEUE];
    call->rule = dogb_strdup(hook->arena, rule);
    call->step = dogb_format(hook->arena, "%lld", (long long)step);
    call->text = dogb_strdup(hook->arena, text);
    if (call->rule != NULL && call->step != NULL && call->text != NULL) {
        hook->count++;
    }
}

static int start(dogb_hook *hook) {
    dogb_hook_call *call = &hook->queue[hook->first];
    const dogb_binding bindings[] = {
        {"rule", call->rule}, {"step", call->step}, {"text", call->text}};
    const dogb_binding variables[] = {{"DOGBREED_RULE", call->rule},
                                      {"DOGBREED_RULE_STEP", call->step},
                                      {"DOGBREED_RULE_TEXT", call->text}};
    char *file = NULL;
    char **argv = NULL;
    char **envp = NULL;
    int rc = dogb_template_expand(&argv, &hook->run, hook->tmpl, bindings, 3);
    rc = rc < 0 ? rc : dogb_process_find(&file, &hook->run, argv[0]);
    rc = rc < 0 ? rc : dogb_process_environment(&envp, &hook->run, "DOGBREED_RULE", variables, 3);
    const dogb_program_conf conf = {
        .file = file, .argv = argv, .envp = envp, .time_limit = DOGB_HOOK_SECONDS, .grace = 1.0};
    rc = rc < 0 ? rc : dogb_program_start(&hook->program, &conf);
    hook->first = (hook->first + 1) % DOGB_HOOK_QUEUE;
    hook->count--;
    return rc;
}

static void clear(dogb_hook *hook) {
    dogb_program_destroy(hook->program);
    hook->program = NULL;
    dogb_arena_free(&hook->run);
}

// Looks after the running one for so many seconds.
static void look(dogb_hook *hook, double seconds) {
    if (hook->program != NULL) {
        int rc = dogb_program_wait(&hook->program, 1, seconds);
        if (rc < 0 || dogb_program_look(hook->program).ended) {
            clear(hook);
        }
    }
    if (hook->program == NULL && hook->count > 0 && start(hook) < 0) {
        dogb_log(DOGBREED_LOG_WARNING, "rule_command: %s", dogbreed_error_message());
        clear(hook);
    }
}

void dogb_hook_look(dogb_hook *hook) {
    if (hook->program != NULL || hook->count > 0) {
        look(hook, 0.0);
    }
}

void dogb_hook_wait(dogb_hook *hook) {
    double end = dogb_clock() + DOGB_HOOK_SECONDS;
    while ((hook->program != NULL || hook->count > 0) && dogb_clock() < end) {
        look(hook, 0.1);
    }
    clear(hook);
    hook->count = 0;
}
