/*
 * The two messages of Remote Write (prometheus/docs, docs/specs/prw/): 1.0's WriteRequest, which
 * has each label's text in each series, and 2.0's Request, which has a table of texts.
 */
#ifndef REMOTEWRITE_MESSAGE_H
#define REMOTEWRITE_MESSAGE_H

enum write_message {
        WRITE_1, /* prometheus.WriteRequest */
        WRITE_2, /* io.prometheus.write.v2.Request */
};

#endif
