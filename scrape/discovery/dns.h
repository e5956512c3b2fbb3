/*
 * One dns_sd section: targets from DNS records (specs: config.md section 7; upstream
 * discovery/dns/dns.go). Every name is a slot: one that cannot be looked up keeps its targets, one
 * that does not exist has none.
 */
#ifndef SCRAPE_DISCOVERY_DNS_H
#define SCRAPE_DISCOVERY_DNS_H

struct dns_sd;
struct err;
struct source;
struct source_input;

/* sd is in the configuration of in. */
int dns_source_new(
    const struct source_input *in, const struct dns_sd *sd, struct source **out, struct err *e);

#endif
