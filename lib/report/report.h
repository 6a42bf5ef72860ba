// report.h - the table of a report's options.
#ifndef DOGB_REPORT_REPORT_H
#define DOGB_REPORT_REPORT_H

#include "core/table.h"

#include <dogbreed/report.h>

extern const dogb_table dogb_report_table;

#endif
