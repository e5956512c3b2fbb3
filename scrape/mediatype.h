/*
 * What a Content-Type header says (RFC 2045; as strict as Go's mime.ParseMediaType, so that the
 * same targets are refused). Pure.
 */
#ifndef SCRAPE_MEDIATYPE_H
#define SCRAPE_MEDIATYPE_H

#include "base/view.h"

#include <stdbool.h>

struct err;

enum media_type {
        MEDIA_MISSING, /* no header, or an empty one */
        MEDIA_BROKEN, /* cannot be parsed, or has a parameter twice */
        MEDIA_TEXT, /* text/plain */
        MEDIA_OPENMETRICS,
        MEDIA_PROTOBUF,
        MEDIA_OTHER,
};

enum media_type media_type_of(struct view header);

/*
 * Can a page with that Content-Type be read? With a fallback (the job's fallback_scrape_protocol) a
 * missing, broken or unknown type is text. ERR_REFUSED says why not.
 */
int media_type_accept(struct view header, bool fallback_text, struct err *e);

#endif
