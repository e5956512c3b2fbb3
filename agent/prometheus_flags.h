/*
 * The flags of Prometheus 2 and 3 that gleaner has no option for, and its feature names: what
 * becomes of each, and why. Those that it has are rows of its own command line (arguments.c).
 * Source: `prometheus --help`, cmd/prometheus/main.go. Pure.
 */
#ifndef AGENT_PROMETHEUS_FLAGS_H
#define AGENT_PROMETHEUS_FLAGS_H

#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>

enum prometheus_answer {
        FLAG_IDLE, /* taken: nothing here depends on it */
        FLAG_WARN, /* taken, and something will be missing */
        FLAG_SERVER, /* refused, as Prometheus's agent mode refuses it */
        FLAG_REFUSED, /* refused here: what it asks for cannot be left out silently */
};

struct prometheus_flag {
        const char *name;
        bool is_switch; /* takes no value */
        enum prometheus_answer answer;
        const char *why; /* NULL for FLAG_SERVER without a replacement */
};

extern const struct prometheus_flag prometheus_flags[];
extern const size_t prometheus_flags_count;

/* A name of --enable-feature; is_switch is not used. NULL: Prometheus does not know it, either. */
const struct prometheus_flag *prometheus_feature_find(struct view name);
/* The known feature nearest to a wrong one; NULL when none is near. */
const char *prometheus_feature_nearest(struct view name);

#endif
