// options.c - the table of dogbreed_report_options.
#include "core/table_rows.h"
#include "report/section.h"

static const dogb_option options[] = {
    DOGB_OPTION_STRING(dogbreed_report_options, title, "",
                       "Title of the report; empty: the name of the run."),
    DOGB_OPTION_STRING(dogbreed_report_options, pictures, "",
                       "Folder of the pictures; empty: where they were tested."),
    DOGB_OPTION_STRING(dogbreed_report_options, html_name, "report.html",
                       "Name of the page, in the run directory unless it begins with /."),
    DOGB_OPTION_STRING(dogbreed_report_options, pdf_name, "report.pdf",
                       "Name of the PDF, in the run directory unless it begins with /."),
    DOGB_OPTION_STRING(dogbreed_report_options, json_name, "report.json",
                       "Name of the document, in the run directory unless it begins with /."),
    DOGB_OPTION_SWITCH(dogbreed_report_options, html, "on", "Write the page."),
    DOGB_OPTION_SWITCH(dogbreed_report_options, pdf, "off", "Write the PDF."),
    DOGB_OPTION_SWITCH(dogbreed_report_options, json, "off", "Write the JSON document."),
    DOGB_OPTION_SWITCH(dogbreed_report_options, tensorboard, "off",
                       "Write the evaluation for TensorBoard into the folder evaluation."),
    DOGB_OPTION_SWITCH(dogbreed_report_options, gallery, "on",
                       "Show pictures: mistakes, least certain ones."),
    DOGB_OPTION_INT32(dogbreed_report_options, gallery_count, 1, 200, "24", "pictures",
                      "Pictures of each kind."),
    DOGB_OPTION_INT32(dogbreed_report_options, thumbnail, 32, 512, "160", "pixels",
                      "Longer side of a picture in the report."),
    DOGB_OPTION_SWITCH(
        dogbreed_report_options, heat_maps, "off",
        "The gallery shows where the network saw the class that it named (Grad-CAM)."),
    DOGB_OPTION_INT32(dogbreed_report_options, refresh, 0, 3600, "0", "seconds",
                      "The page of a running run loads itself anew after so long; 0: never."),
};

const dogb_table dogb_report_table = {
    .name = "report",
    .kind = DOGBREED_KIND_REPORT,
    .size = sizeof(dogbreed_report_options),
    .options = options,
    .count = sizeof options / sizeof *options,
};

int dogbreed_report_options_init(dogbreed_report_options *out, size_t struct_size) {
    return dogb_table_init(&dogb_report_table, out, struct_size);
}
