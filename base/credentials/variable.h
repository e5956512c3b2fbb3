/*
 * The environment, as providers of credentials look at it: an empty variable is none.
 */
#ifndef BASE_CREDENTIALS_VARIABLE_H
#define BASE_CREDENTIALS_VARIABLE_H

/* Valid as long as nobody changes the environment, and nobody does once threads run. */
const char *variable(const char *name);

#endif
