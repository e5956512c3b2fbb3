/*
 * "host:port", "[v6]:port" or ":port" → a listening TCP socket.
 */
#ifndef AGENT_LISTEN_H
#define AGENT_LISTEN_H

#include <stddef.h>

struct err;

enum { LISTEN_ADDRESS_MAX = 128 };

/*
 * Binds and listens; without a host on every address, both families where the machine has them.
 * Port 0: a free one. *out_address is what it came to be ("127.0.0.1:9095"). The descriptor is the
 * caller's, close-on-exec and non-blocking. ERR_CONFIG: no such address; ERR_SYS: it cannot be had.
 */
int listen_open(
    const char *address, int *out_fd, char out_address[LISTEN_ADDRESS_MAX], struct err *e);

#endif
