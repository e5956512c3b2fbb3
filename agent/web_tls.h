/*
 * TLS of the agent's HTTP endpoints: what a web configuration says, as GnuTLS wants it, because
 * libmicrohttpd's TLS is GnuTLS. This and web_auth.c are its only users.
 *
 * Made once per change of the file and shared by the connections that began with it, so that a new
 * certificate disturbs none that is there. Counted references; one thread.
 */
#ifndef AGENT_WEB_TLS_H
#define AGENT_WEB_TLS_H

struct err;
struct web_config;
struct web_pem;
struct web_tls;

/*
 * ERR_CONFIG: the certificate, the key or the authorities are none, or do not belong together;
 * *out_what is the one to blame then. c is not needed afterwards.
 */
int web_tls_new(const struct web_config *c, struct web_tls **out, const struct web_pem **out_what,
    struct err *e);
struct web_tls *web_tls_ref(struct web_tls *t);
/* NULL-safe. */
void web_tls_unref(struct web_tls *t);

/*
 * Sets up a connection that has not begun its handshake: session is its gnutls_session_t. The
 * reference must last as long as it. ERR_SYS: GnuTLS refuses.
 */
int web_tls_begin(struct web_tls *t, void *session, struct err *e);

/* Does the connection speak TLS 1.x with this minor version and cipher? For tests: "TLS1.3". */
const char *web_tls_protocol(void *session);

#endif
