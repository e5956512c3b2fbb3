/*
 * The URL of a target, from its labels and its job's params (specs: scrape.md section 1; upstream
 * scrape/target.go and Go's net/url, whose escaping is kept so that URLs look the same). Pure.
 */
#ifndef SCRAPE_TARGET_URL_H
#define SCRAPE_TARGET_URL_H

struct buf;
struct err;
struct labels;
struct scrape_job;

/*
 * Appends scheme://address/path?query. A __param_x label replaces the first value of x; keys are
 * sorted. No port is added. The set's arena is used for scratch.
 */
int target_url_build(
    const struct labels *l, const struct scrape_job *job, struct buf *out, struct err *e);

#endif
