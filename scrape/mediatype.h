/*
 * What a Content-Type header says (RFC 2045; as strict as Go's mime.ParseMediaType, so that the
 * same targets are refused). Pure.
 */
#ifndef SCRAPE_MEDIATYPE_H
#define SCRAPE_MEDIATYPE_H

#include "base/view.h"
#include "scrape/textparse.h"

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
 * In which format is a page with that Content-Type? A missing, broken or unknown one is what the
 * fallback says (the job's fallback_scrape_protocol; MEDIA_MISSING: there is none). ERR_REFUSED
 * says why the page cannot be read.
 */
int media_type_accept(
    struct view header, enum media_type fallback, enum text_format *out, struct err *e);

#endif
