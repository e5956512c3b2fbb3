/*
 * `gleaner --tenant T`: the agent itself: arguments, signals, the main thread's loop.
 */
#include "agent/agent.h"
#include "agent/arguments.h"
#include "agent/command.h"
#include "agent/fault.h"
#include "agent/notify.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/http.h"
#include "base/log.h"
#include "base/resident.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { TICK_MS = 1000, FLAGS_MAX_BYTES = 64 << 10 };

static int
show_help(void)
{
        (void)printf("gleaner: scrape, keep every sample in a write-ahead log, remote write.\n\n"
                     "usage: gleaner --tenant NAME [options]     run the agent\n"
                     "       gleaner --config.file FILE [options]\n"
                     "       gleaner check [--tenant NAME | FILE…]\n"
                     "       gleaner scrape URL|FILE|-\n"
                     "       gleaner wal status --tenant NAME\n"
                     "       gleaner receive\n"
                     "       gleaner version\n\n"
                     "Each subcommand explains itself with --help. Options of the agent:\n");
        arguments_print();
        return EXIT_FINE;
}

static int
usage_error(const struct err *e)
{
        (void)fprintf(stderr, "gleaner: %s\n", e->msg);
        return EXIT_USAGE;
}

/* What of the command line has no effect, a line each. */
static void
log_remarks(const struct arguments *a)
{
        for (size_t i = 0; i < a->n_remarks; i++) {
                const struct arguments_remark *r = &a->remarks[i];

                log_write(r->warn ? LOG_WARN : LOG_INFO, "a flag makes no difference",
                    (struct log_field[]){LOG_STR("flag", r->flag), LOG_STR("reason", r->why)}, 2);
        }
}

/*
 * glibc would keep freed memory for ever: few arenas, and large pieces go back at once. Not so the
 * 173 KiB that snappy takes and frees for each 64 KiB: mapped and faulted in each time, they cost a
 * quarter of the sender's time.
 */
static void
tune_allocator(void)
{
        (void)mallopt(M_ARENA_MAX, 2);
        (void)mallopt(M_MMAP_THRESHOLD, 192 << 10);
        (void)mallopt(M_TRIM_THRESHOLD, 256 << 10);
}

/* The signals that the loop takes, blocked before any thread starts. */
static int
open_signals(sigset_t *set, struct err *e)
{
        int fd;

        (void)sigemptyset(set);
        (void)sigaddset(set, SIGTERM);
        (void)sigaddset(set, SIGINT);
        (void)sigaddset(set, SIGHUP);
        (void)signal(SIGPIPE, SIG_IGN);
        (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of its writing */
        fault_explain();
        if (pthread_sigmask(SIG_BLOCK, set, NULL) != 0)
                return err_set(e, ERR_SYS, "cannot block signals");
        fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
        return fd >= 0 ? fd : err_sys(e, errno, "cannot make a signalfd");
}

static void
notify(const char *state)
{
        struct err e = ERR_INIT;

        if (notify_send(state, &e) < 0)
                log_warn("cannot notify the service manager", LOG_STR("err", e.msg));
}

static void
reload(struct agent *a)
{
        struct err e = ERR_INIT;

        if (notify_reloading(&e) < 0)
                log_warn("cannot notify the service manager", LOG_STR("err", e.msg));
        (void)agent_reload(a, &e); /* logs what came of it */
        notify("READY=1");
}

/* Takes one signal; returns its name when the process has to end. */
static const char *
take_signal(struct agent *a, int signal_fd)
{
        struct signalfd_siginfo info;

        if (read(signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
                return NULL;
        if (info.ssi_signo == SIGHUP) {
                reload(a);
                return NULL;
        }
        return info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM";
}

/* Returns why the process has to end. */
static const char *
loop(struct agent *a, int signal_fd, int quit_fd)
{
        struct pollfd fds[2] = {
            {.fd = signal_fd, .events = POLLIN}, {.fd = quit_fd, .events = POLLIN}};
        int64_t watchdog_ms = notify_watchdog_ms();
        int64_t since_ms = 0;
        int64_t wait_ms = watchdog_ms > 0 && watchdog_ms < TICK_MS ? watchdog_ms : TICK_MS;

        for (;;) {
                int n = poll(fds, 2, (int)wait_ms);
                const char *signal_name =
                    n > 0 && fds[0].revents != 0 ? take_signal(a, signal_fd) : NULL;

                if (signal_name != NULL)
                        return signal_name;
                if (n > 0 && fds[1].revents != 0)
                        return "/-/quit";
                agent_tick(a);
                since_ms += wait_ms;
                if (watchdog_ms > 0 && since_ms >= watchdog_ms) {
                        since_ms = 0;
                        if (agent_is_alive(a))
                                notify("WATCHDOG=1");
                }
        }
}

/* From here on a second signal ends the process at once. */
static void
let_signals_kill(const sigset_t *set)
{
        (void)signal(SIGHUP, SIG_IGN);
        (void)signal(SIGTERM, SIG_DFL);
        (void)signal(SIGINT, SIG_DFL);
        (void)pthread_sigmask(SIG_UNBLOCK, set, NULL);
}

static int
run(const struct arguments *args, const char *flags_json)
{
        struct agent *a = NULL;
        struct err e = ERR_INIT;
        sigset_t set;
        int signal_fd = open_signals(&set, &e);
        int quit_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        const char *reason;
        const struct agent_options o = {
            .tenant = args->tenant != NULL ? args->tenant : "default",
            .send_tenant_header = args->tenant != NULL,
            .config_path = args->config_path,
            .data_dir = args->data_dir,
            .storage_path = args->storage_path,
            .max_age_ms = args->max_age_ms,
            .extra_scrape_metrics = args->extra_scrape_metrics,
            .listen_address = args->listen_address,
            .web_config = args->web_config,
            .external_url = args->external_url,
            .route_prefix = args->route_prefix,
            .page_title = args->page_title,
            .cors_origin = args->cors_origin,
            .flags_json = flags_json,
            .read_timeout_ms = args->read_timeout_ms,
            .max_connections = args->max_connections,
            .auto_reload_ms = args->auto_reload ? args->auto_reload_ms : 0,
            .lifecycle = args->lifecycle,
            .quit_fd = quit_fd,
        };
        int rc = signal_fd < 0 ? signal_fd : http_setup(&e);

        resident_setup();
        if (rc == 0 && quit_fd < 0)
                rc = err_set(&e, ERR_SYS, "cannot make an eventfd");
        if (rc == 0)
                rc = hash_setup(&e);
        if (rc == 0)
                rc = agent_start(&o, &a, &e);
        if (rc == 0) {
                log_info("started", LOG_STR("version", GLEANER_VERSION),
                    LOG_STR("config", args->config_path),
                    LOG_STR("data_dir",
                        args->storage_path != NULL ? args->storage_path : args->data_dir));
                notify("READY=1");
                reason = loop(a, signal_fd, quit_fd);
                notify("STOPPING=1");
                log_info("stopping", LOG_STR("reason", reason),
                    LOG_INT("shutdown_timeout_ms", args->shutdown_timeout_ms));
                let_signals_kill(&set);
                agent_stop(a, args->shutdown_timeout_ms);
                log_info("stopped", LOG_STR("reason", reason), LOG_STR("version", GLEANER_VERSION));
        } else {
                log_error("cannot start", LOG_STR("err", e.msg));
        }
        http_teardown();
        resident_teardown();
        (void)close(signal_fd);
        (void)close(quit_fd);
        if (rc == 0)
                return EXIT_FINE;
        return rc == ERR_CONFIG ? EXIT_USAGE : EXIT_FAILED;
}

int
command_run(int argc, char **argv)
{
        struct arguments a;
        struct buf flags = BUF_INIT(FLAGS_MAX_BYTES);
        struct err e = ERR_INIT;
        int rc = arguments_parse(argc, argv, &a, &e);
        int code;

        if (rc < 0)
                return usage_error(&e);
        if (a.help)
                return show_help();
        if (a.version && a.n_rest == 0)
                return command_version(1, argv);
        if (a.n_rest > 0) {
                (void)err_set(&e, ERR_CONFIG, "\"%s\" is no option; see --help", argv[1]);
                return usage_error(&e);
        }
        if (arguments_put_json(&a, &flags, &e) < 0 || buf_putc(&flags, '\0', &e) < 0) {
                buf_release(&flags);
                return usage_error(&e);
        }
        log_setup((enum log_level)log_level_of(a.log_level),
            (enum log_format)log_format_of(a.log_format), a.tenant != NULL ? a.tenant : "default");
        log_remarks(&a);
        tune_allocator();
        code = run(&a, flags.ptr);
        buf_release(&flags);
        return code;
}
