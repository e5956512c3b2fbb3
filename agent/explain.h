/*
 * What each rule of a list of relabelings does to one set of labels, step by step: for `gleaner
 * check --explain` and /api/v1/targets/relabel_steps. The rules are compiled anew, so that any
 * thread may ask while others relabel by them.
 */
#ifndef AGENT_EXPLAIN_H
#define AGENT_EXPLAIN_H

#include "base/labels.h"

#include <stddef.h>

struct buf;
struct err;
struct relabel_rules;
struct target;

/*
 * A JSON object {"steps":[{"rule":…,"output":…,"keep":…}]}, a step for each rule, as Prometheus
 * shows them (web/api/v1/api.go, targetRelabelSteps): after a rule that dropped the set the output
 * is empty. labels: a JSON object of texts. ERR_CONFIG: it is none, or a rule cannot be applied.
 */
int explain_json(
    const struct relabel_rules *rules, const char *labels, struct buf *out, struct err *e);
/* For people: a line for the target's discovered labels, one for each rule with what it changed,
 * one for what came of it. dropped: the target was dropped by relabeling. */
int explain_text(const struct target *t, bool dropped, struct buf *out, struct err *e);

#endif
