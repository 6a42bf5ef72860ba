// options.c - the options of the debugger: one row per field.
#include "debug/debug_internal.h"

typedef dogbreed_debug_options o;

static const dogb_option rows[] = {
    DOGB_OPTION_STRING(
        o, rules, "default",
        "Rules that judge the run, separated by ';': NAME, NAME:PARAMETER=VALUE,..., "
        "default, all, none, or a shared object."),
    DOGB_OPTION_STRING(o, collections, "",
                       "Tensors to store besides losses, separated by ';': NAME, or "
                       "NAME:include_regex=...,reductions=mean+abs_max,save_interval=..."),
    DOGB_OPTION_STRING(o, include_regex, "",
                       "Tensors to store besides: POSIX extended regular expression."),
    DOGB_OPTION_STRING(o, reductions, "",
                       "Numbers to store in place of these tensors' values: mean,abs_max."),
    DOGB_OPTION_STRING(o, debug_directory, "",
                       "Folder of the store and the findings; empty: debug in the run directory."),
    DOGB_OPTION_STRING(o, debug_config, "",
                       "File in the form of SageMaker's debughookconfig.json; empty: none."),
    DOGB_OPTION_STRING(o, rule_command, "",
                       "Program to run at each rule's first hit, with {rule}, {step} and {text}; "
                       "no shell."),
    DOGB_OPTION_INT64(o, save_interval, 0, 1LL << 50, "0", "steps",
                      "Every so many steps tensors are looked at; 0: a twentieth of an epoch."),
    DOGB_OPTION_INT64(o, start_step, 0, 1LL << 50, "0", "steps", "First step to look at."),
    DOGB_OPTION_INT64(o, end_step, -1, 1LL << 50, "-1", "steps",
                      "First step not to look at any more; -1: none."),
    DOGB_OPTION_SWITCH(o, save_all, "off", "Store every tensor."),
    DOGB_OPTION_CHOICE(o, rule_action, "none,stop", "none",
                       "What a hit of a rule does to the run."),
    DOGB_OPTION_SWITCH(o, rule_parity, "off",
                       "Units, defaults and defects of the original's rules."),
    DOGB_OPTION_CHOICE(
        o, record_crc, "payload,smdebug", "payload",
        "Second checksum of stored records: right, or as smdebug's reader wants it."),
    DOGB_OPTION_SWITCH(o, debug_tensorboard, "off",
                       "Histograms of the stored tensors for TensorBoard too."),
    DOGB_OPTION_SWITCH(o, debug_dry_run, "off", "Rules judge, nothing is stored."),
    DOGB_OPTION_INT64(o, debug_memory, 0, 1LL << 50, "0", "bytes",
                      "Newest stored steps kept in memory too, for programs that read them while "
                      "the training runs."),
};

const dogb_table dogb_debug_table = {"debug", DOGBREED_KIND_DEBUG, sizeof(o), rows,
                                     sizeof rows / sizeof rows[0]};

int dogbreed_debug_options_init(dogbreed_debug_options *options, size_t struct_size) {
    return dogb_table_init(&dogb_debug_table, options, struct_size);
}
