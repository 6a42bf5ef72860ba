// compare.h - what report.c and compare.c share.
#ifndef DOGB_REPORT_COMPARE_H
#define DOGB_REPORT_COMPARE_H

#include "report/page.h"

int dogb_page_open(dogb_page *page, dogb_arena *arena);
const char *dogb_report_date(dogb_page *page);
int dogb_page_html_out(char **out, const dogb_page *page); // dogbreed_free

#endif
