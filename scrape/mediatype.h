/*
 * What a Content-Type header says (RFC 2045; as strict as Go's mime.ParseMediaType, so that the
 * same targets are refused). Pure.
 */
#ifndef SCRAPE_MEDIATYPE_H
#define SCRAPE_MEDIATYPE_H

#include "base/view.h"

enum media_type {
        MEDIA_MISSING, /* no header, or an empty one */
        MEDIA_BROKEN, /* cannot be parsed, or has a parameter twice */
        MEDIA_TEXT, /* text/plain */
        MEDIA_OPENMETRICS,
        MEDIA_PROTOBUF,
        MEDIA_OTHER,
};

enum media_type media_type_of(struct view header);

#endif
