/*
 * The last words of a process that the disk takes down: the log's file is mapped, and where the
 * disk fails under the map, or the file is cut off, reading is a SIGBUS. One line says so, then the
 * process ends by it, as it would have. The service manager starts it again, and that start looks
 * at the file before it is mapped (wal/store_check.h).
 */
#ifndef AGENT_FAULT_H
#define AGENT_FAULT_H

/* Once, before threads start. */
void fault_explain(void);

#endif
