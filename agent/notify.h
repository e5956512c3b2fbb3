/*
 * Service notification: one datagram to the socket that NOTIFY_SOCKET names (sd_notify(3)), and
 * the watchdog's interval. Without the variables everything here does nothing. Main thread.
 */
#ifndef AGENT_NOTIFY_H
#define AGENT_NOTIFY_H

#include <stdint.h>

struct err;

/* "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=…"; several are separated by line feeds. */
int notify_send(const char *state, struct err *e);
/* "RELOADING=1" with the monotonic time that systemd asks for; follow it by "READY=1". */
int notify_reloading(struct err *e);
/* How often "WATCHDOG=1" is wanted, in ms: half of WATCHDOG_USEC; 0: there is no watchdog. */
int64_t notify_watchdog_ms(void);

#endif
