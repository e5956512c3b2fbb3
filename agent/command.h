/*
 * The subcommands: each takes the arguments after its name and returns the exit code
 * (0 fine, 1 failed, 2 usage or configuration).
 */
#ifndef AGENT_COMMAND_H
#define AGENT_COMMAND_H

enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

int command_run(int argc, char **argv); /* no subcommand: the agent itself */
int command_check(int argc, char **argv); /* gleaner check [--tenant T | FILE…] */
int command_scrape(int argc, char **argv); /* gleaner scrape URL|FILE|- */
int command_wal(int argc, char **argv); /* gleaner wal status */
int command_receive(int argc, char **argv); /* gleaner receive */
int command_version(int argc, char **argv);

#endif
