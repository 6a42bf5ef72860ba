// xml.h - reads the XML that a store answers with: elements, text, the five entities and numeric
// references. No DTD, so nothing is fetched and nothing grows; attributes are passed over.
#ifndef DOGB_STORE_XML_H
#define DOGB_STORE_XML_H

#include <stddef.h>

enum { DOGB_XML_DEPTH_MAX = 16, DOGB_XML_SIZE_MAX = 16 << 20, DOGB_XML_PATH_MAX = 1024 };

// Calls element at the end of each element, so children come before their parent. path: the local
// names from the root, "ListBucketResult/Contents/Key"; text: what stands directly in the element,
// in UTF-8, blanks included. Both are valid during the call. Whatever but 0 it returns ends the
// reading and is returned. FORMAT: not XML, XML with a DTD, too large or too deep.
int dogb_xml_read(const char *text, size_t size,
                  int (*element)(const char *path, const char *text, void *userdata),
                  void *userdata);

#endif
