/*
 * The book record is damaged: what it said is found again from what else is in the log. Opening
 * thread.
 */
#ifndef WAL_RECOVER_H
#define WAL_RECOVER_H

struct err;
struct meta_book;
struct store_txn;

/*
 * Blocks and cursors say where the log ends, keys which ids were given, age marks how old it is.
 * Counters of what was not stored or trimmed begin at 0 again.
 */
int recover_book(struct store_txn *t, struct meta_book *out, struct err *e);

#endif
