/*
 * The log's answers on their way from its thread to the scrape thread. struct scraper_mailbox and
 * scraper_answer are declared in scrape.h; this is the scrape thread's side.
 *
 * There is one answer for each batch that was submitted, so the log's queue bounds the number.
 */
#ifndef SCRAPE_MAILBOX_H
#define SCRAPE_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scraper_mailbox;

struct mailbox_answer {
        uint64_t target;
        uint64_t serial;
        bool stored;
};

/* wake is called, on the log's thread, when an answer comes in; NULL: answers are thrown away. */
void mailbox_attach(struct scraper_mailbox *m, void (*wake)(void *arg), void *arg);
/*
 * The answers that have come in since the last call; valid until the next one. Returns their
 * number.
 */
size_t mailbox_take(struct scraper_mailbox *m, const struct mailbox_answer **out);
#endif
