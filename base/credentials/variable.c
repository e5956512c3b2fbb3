#include "base/credentials/variable.h"

#include <stdlib.h>

const char *
variable(const char *name)
{
        const char *value = getenv(name); /* NOLINT(concurrency-mt-unsafe): nobody sets it */

        return value != NULL && value[0] != '\0' ? value : NULL;
}
