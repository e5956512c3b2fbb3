/*
 * DNS answers: what dns_records_parse takes must be sound, whatever the bytes.
 */
#include "base/dns.h"

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct dns_records r = {NULL, 0};
        struct err e = ERR_INIT;

        if (dns_records_parse((struct view){(const char *)data, size}, &r, &e) < 0)
                return 0;
        for (size_t i = 0; i < r.n; i++) {
                if (strlen(r.v[i].host) > 4 * 256 || (r.v[i].port != 0 && r.v[i].type != DNS_SRV))
                        abort();
                if (i > 0 && r.v[i].type < r.v[i - 1].type)
                        abort();
        }
        dns_records_release(&r);
        return 0;
}
